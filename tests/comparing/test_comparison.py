"""Two sides become pairs and numbers, or a clear refusal."""

import numpy as np
import pytest

from engine.comparing.comparison import compared, paired
from engine.comparing.graph_differences import FieldChange, differences
from engine.comparing.sides import Shot, Side
from engine.errors import GraphInvalid
from schemas.prompt import Prompt


def shot(seed: int | None, value: int = 0, side: int = 16, latent: float | None = None) -> Shot:
    pixels = np.full((side, side, 3), value, np.uint8)
    return Shot(seed, f"{seed}-{value}", pixels, None if latent is None else np.full((16, 2, 2), latent, np.float32))


def sides(a: list[Shot], b: list[Shot]) -> tuple[Side, Side]:
    return Side("a.json", "rendered", a), Side("b.json", "rendered", b)


def prompt(**nodes: tuple[str, dict[str, object]]) -> Prompt:
    made = {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}
    return Prompt.model_validate({"nodes": made})


def test_pictures_meet_those_of_their_seed_in_their_order() -> None:
    pairs = paired(*sides([shot(1, 10), shot(1, 11), shot(2, 20)], [shot(2, 21), shot(1, 12), shot(1, 13)]))
    assert [(pair.a.label, pair.b.label) for pair in pairs] == [("1-10", "1-12"), ("1-11", "1-13"), ("2-20", "2-21")]


def test_pictures_without_seeds_meet_in_their_order() -> None:
    pairs = paired(*sides([shot(None, 1), shot(4, 2)], [shot(5, 3), shot(6, 4)]))
    assert [(pair.a.label, pair.b.label) for pair in pairs] == [("None-1", "5-3"), ("4-2", "6-4")]


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([shot(1)], [shot(2)], "A was drawn from seed 1, B from 2."),
        ([shot(1), shot(1)], [shot(1)], "A (a.json) has 2 pictures of seed 1, B has 1."),
        ([shot(None), shot(1)], [shot(1)], "A (a.json) has 2 pictures, B has 1."),
        ([shot(1)], [shot(1, side=17)], "A's 1-0 has 16×16 pixels, B's 1-0 has 17×17."),
    ],
)
def test_what_does_not_fit_is_told(a: list[Shot], b: list[Shot], said: str) -> None:
    with pytest.raises(GraphInvalid) as refused:
        paired(*sides(a, b))
    assert [(problem.code, problem.said) for problem in refused.value.problems] == [("not-comparable", said)]


def test_numbers_are_those_of_the_pair_and_their_mean_counts_identical_ones() -> None:
    found, _ = compared(*sides([shot(1, 0, latent=2.0), shot(2, 7)], [shot(1, 51, latent=2.5), shot(2, 7)]))
    first, second = found.pairs
    assert (first.largest, first.mean, first.identical) == (pytest.approx(0.2), pytest.approx(0.2), False)
    assert first.psnr == pytest.approx(13.979, abs=1e-3)
    assert first.latent_error == pytest.approx(0.25)
    assert (second.identical, second.psnr, second.latent_error) == (True, None, None)
    assert found.means.psnr == pytest.approx(first.psnr + 3.0103, abs=1e-4)
    assert (found.means.identical, found.means.latent_error) == (1, pytest.approx(0.25))


def test_a_tiny_picture_is_compared_without_ssim() -> None:
    found, _ = compared(*sides([shot(1, side=8)], [shot(1, 3, side=8)]))
    assert found.pairs[0].ssim is None
    assert found.means.ssim is None


def test_graphs_differ_in_nodes_classes_and_inputs_but_not_in_titles_or_order() -> None:
    a = prompt(
        one=("CheckpointLoaderSimple", {"ckpt_name": "a"}),
        two=("KSampler", {"steps": 20, "seed": 1}),
        three=("SaveImage", {}),
    )
    b = prompt(
        two=("KSampler", {"seed": 1, "steps": 8}),
        one=("CheckpointLoaderNF4", {"ckpt_name": "a"}),
        four=("VAEDecode", {}),
    )
    found = {change.node: change for change in differences(a, b)}
    assert list(found) == ["one", "two", "three", "four"]
    assert (found["one"].a, found["one"].b, found["one"].fields) == (
        "CheckpointLoaderSimple",
        "CheckpointLoaderNF4",
        [],
    )
    assert found["two"].fields == [FieldChange(field="steps", a="20", b="8")]
    assert (found["three"].a, found["three"].b) == ("SaveImage", None)
    assert (found["four"].a, found["four"].b) == (None, "VAEDecode")
