"""A small run of the mutations in headers.py; the large one is run by hand."""

from pathlib import Path

import pytest

from engine.checkpoints.describe import describe
from tests.hostile.headers import run, seeds


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_headers_are_read_or_refused_in_words(seed: int, tmp_path: Path) -> None:
    facts = run(100, seed, tmp_path)
    assert facts["read"] + facts["refused"] == 100
    assert facts["refused"] > 50


def test_the_seeds_themselves_are_valid(tmp_path: Path) -> None:
    for number, content in enumerate(seeds()):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(content)
        assert describe(path).bytes == len(content)
