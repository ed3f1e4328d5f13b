"""A small run of the mutations in packed_weights.py; the large one is run by hand."""

from pathlib import Path

from tests.hostile.packed_weights import answer, run, seeds


def test_mutated_models_are_loaded_or_refused_in_words(tmp_path: Path) -> None:
    facts = run(60, 1, tmp_path)
    assert facts["loaded"] + facts["refused"] == 60
    assert facts["refused"] > 20


def test_the_seeds_themselves_can_be_run(tmp_path: Path) -> None:
    for number, (ending, content) in enumerate(seeds(tmp_path)):
        path = tmp_path / f"seed{number}{ending}"
        path.write_bytes(content)
        answer(path)
