"""The judge against drawings whose content is known."""

from random import Random

import numpy as np
import pytest

from graphs.demo.judge import UNCLEAR, judge
from graphs.demo.measure import Prompt, measure, read_prompts
from graphs.demo.pictures import COLOURS, SHAPES, Scene, draw, random_scene


def _scenes(count: int, seed: int) -> list[Scene]:
    rng = Random(seed)
    return [random_scene(rng) for _ in range(count)]


def _right(scene: Scene, picture: np.ndarray) -> bool:
    seen = judge(picture)
    return (seen.colour, seen.background, seen.shape) == (scene.colour, scene.background, scene.shape)


def test_reads_drawings() -> None:
    scenes = _scenes(300, seed=1)
    assert np.mean([_right(s, draw(s)) for s in scenes]) >= 0.99


def test_reads_noisy_drawings() -> None:
    rng = np.random.default_rng(2)
    scenes = _scenes(150, seed=2)
    noisy = [np.clip(draw(s) + rng.normal(0, 12, (64, 64, 3)), 0, 255).astype(np.uint8) for s in scenes]
    assert np.mean([_right(s, p) for s, p in zip(scenes, noisy, strict=True)]) >= 0.98


@pytest.mark.parametrize("shape", SHAPES)
def test_reads_larger_pictures_anywhere(shape: str) -> None:
    scene = Scene(shape, "yellow", "orange", centre=(26.0, 38.0), radius=14.0)
    assert _right(scene, np.kron(draw(scene), np.ones((2, 2, 1), dtype=np.uint8)))


def test_an_empty_picture_has_no_shape() -> None:
    seen = judge(np.full((64, 64, 3), COLOURS["green"], dtype=np.uint8))
    assert (seen.background, seen.colour, seen.shape) == ("green", UNCLEAR, UNCLEAR)


def test_a_blob_is_no_shape() -> None:
    picture = draw(Scene("circle", "red", "white", centre=(22.0, 22.0), radius=13.0))
    second = draw(Scene("square", "red", "white", centre=(42.0, 44.0), radius=13.0))
    assert judge(np.minimum(picture, second)).shape == UNCLEAR


def test_prompts_cover_the_world() -> None:
    prompts = read_prompts()
    assert len(prompts) >= 32
    assert {(p.shape, p.colour) for p in prompts} == {(s, c) for s in SHAPES for c in COLOURS}
    assert {p.background for p in prompts} == set(COLOURS)
    assert all(p.colour != p.background for p in prompts)
    assert len({p.id for p in prompts}) == len(prompts)


def test_measure_counts_hits_and_misses() -> None:
    def render(prompt: Prompt) -> np.ndarray:
        return draw(Scene("circle", prompt.colour, prompt.background))

    result = measure(render)
    circles = np.mean([p.shape == "circle" for p in read_prompts()])
    assert result["colour"] == result["background"] == 1.0
    assert result["shape"] == pytest.approx(circles, abs=1e-3)
    assert len(result["misses"]) == sum(p.shape != "circle" for p in read_prompts())
