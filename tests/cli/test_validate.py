"""`comfyless validate`: every problem of every file, and an exit code."""

from collections.abc import Callable

from schemas.report import Problem
from tests.cli.conftest import Ended, FakeApi

Command = Callable[..., Ended]

MISSING = Problem(
    code="missing-file", node="4", class_type="VAELoader", field="vae_name", said="not found.", fix="Put it."
)
BROKEN = Problem(code="malformed-json", said="a comma is missing.", fix="Add it.", line=3, column=7)


def test_valid_files_are_called_so_with_their_nodes(api: FakeApi, command: Command) -> None:
    said = "a.json: valid, 2 nodes\nb.json: valid, 2 nodes\n"
    assert command("validate", "a.json", "b.json") == Ended(0, said, "2 files: 2 valid\n")


def test_problems_are_the_data_of_this_verb(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [MISSING, MISSING]
    api.unreadable["broken.json"] = [BROKEN]
    ended = command("validate", "bad.json", "broken.json", "good.json")
    assert ended == Ended(
        2,
        "bad.json: 4 VAELoader.vae_name: not found. Put it.  [missing-file]\n"
        "bad.json: 4 VAELoader.vae_name: not found. Put it.  [missing-file]\n"
        "bad.json: 2 problems\n"
        "broken.json:3:7: a comma is missing. Add it.  [malformed-json]\n"
        "good.json: valid, 2 nodes\n",
        "3 files: 1 valid, 2 with problems\n",
    )


def test_quiet_says_only_what_is_wrong(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [MISSING]
    ended = command("validate", "-q", "bad.json", "good.json")
    assert ended == Ended(2, "bad.json: 4 VAELoader.vae_name: not found. Put it.  [missing-file]\n", "")


def test_json_is_one_line_for_each_file(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [MISSING]
    api.unreadable["broken.json"] = [BROKEN]
    ended = command("validate", "--json", "good.json", "bad.json", "broken.json")
    assert [(record["event"], record["file"], record["valid"]) for record in ended.records] == [
        ("validation", "good.json", True),
        ("validation", "bad.json", False),
        ("validation", "broken.json", False),
    ]
    assert ended.records[1]["problems"] == [MISSING.model_dump(mode="json")]
    assert (ended.records[2]["problems"][0]["line"], ended.code, ended.err) == (3, 2, "")


def test_bad_settings_are_a_line_for_each_file_as_json(api: FakeApi, command: Command) -> None:
    ended = command("validate", "--json", "a.json", "b.json", "--models", "nowhere")
    assert [(record["file"], record["valid"]) for record in ended.records] == [("a.json", False), ("b.json", False)]
    assert (ended.records[0]["problems"][0]["code"], ended.code) == ("bad-setting", 2)


def test_values_may_be_changed_before_checking(api: FakeApi, command: Command) -> None:
    command("validate", "a.json", "--set", "KSampler.steps=4")
    assert api.sets == [["KSampler.steps=4"]]


def test_many_notes_are_counted_unless_all_are_asked_for(api: FakeApi, command: Command) -> None:
    api.notes["a.json"] = [f"changed {number}" for number in range(20)]
    told = command("validate", "a.json").err.splitlines()
    assert (len(told), told[0], told[-1]) == (
        9,
        "a.json: changed 0",
        "a.json: and 12 more notes, which --verbose and --json tell",
    )
    assert len(command("validate", "--verbose", "a.json").err.splitlines()) == 20
    ended = command("validate", "--json", "a.json")
    assert (ended.err, ended.records[0]["notes"]) == ("", api.notes["a.json"])


def test_a_building_block_is_called_so_with_what_it_leaves_open(api: FakeApi, command: Command) -> None:
    api.blocks["a.json"] = {"1": ["model", "vae"], "2": ["images"]}
    assert command("validate", "a.json") == Ended(
        0,
        "a.json: valid, 2 nodes\n",
        "a.json: a building block: 3 inputs left open: 1 Picture.model, 1 Picture.vae, 2 SaveImage.images\n",
    )
    (record,) = command("validate", "--json", "a.json").records
    assert (record["valid"], record["building_block"], record["open_inputs"]) == (True, True, api.blocks["a.json"])
