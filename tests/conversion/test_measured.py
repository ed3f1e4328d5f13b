"""The claims of the README's table, file by file."""

import pytest

from tests.conversion import measure, truths
from tests.conversion.deviations import DEVIATIONS, MISREAD, SCHEMAS, STATED

PROMISED = 0.98


@pytest.mark.parametrize("truth", truths.crafted(), ids=lambda truth: truth.name)
def test_a_crafted_case_becomes_what_the_rules_say(truth):
    assert measure.found(truth) == []


@pytest.mark.parametrize("truth", truths.pairs(), ids=lambda truth: truth.name)
def test_what_was_drawn_becomes_what_was_run(truth):
    assert measure.found(truth) == []


@pytest.fixture(scope="module")
def sets():
    return measure.tallies()


def test_the_promised_share_of_official_files_becomes_what_the_frontend_queued(sets):
    official = [each for each in sets if each.kind in ("template", "blueprint", "old template")]
    assert sum(each.files for each in official) == 299
    assert measure.share(official) >= PROMISED, {
        name: said for each in official for name, said in each.different.items()
    }


def test_every_node_type_of_official_local_picture_workflows_is_known():
    known = measure.known()
    assert known.unknown == []
    assert (known.workflows, known.types) >= (220, 180)


def test_every_template_converts():
    found = measure.crashes()
    assert found.files == 816
    assert found.failed == {}


def test_the_shipped_schemas_differ_only_where_it_is_listed(sets):
    assert {name for each in sets for name in each.shipped_different} == MISREAD.keys()


def test_each_deviation_is_needed():
    assert {truth.name for truth in truths.crafted() if measure.found(truth, listed={})} == DEVIATIONS.keys()
    assert unneeded(STATED, None, {}) == []
    assert unneeded(SCHEMAS, measure.catalogue(), STATED) == []


def unneeded(excuses, known, listed):
    """Excuses of official files that no difference has."""
    lines = [line for truth in truths.official() for line in measure.found(truth, known, listed)]
    return [f"{kind}.{name}" for kind, name in excuses if not any(f" {kind}.{name}: " in line for line in lines)]


def test_the_readme_shows_the_table(sets):
    text = measure.table(sets, measure.known(), measure.crashes())
    assert f"{measure.BEGIN}\n{text}{measure.END}" in measure.README.read_text("utf-8"), (
        "python -m tests.conversion.measure --write"
    )
