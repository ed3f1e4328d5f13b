"""The world of the demo model: one coloured shape on a plain background, with the caption that describes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw

SIZE = 64
OVERSAMPLING = 4
RADII = (17.0, 21.0)
JITTER = 2.0

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (40, 170, 70),
    "blue": (40, 80, 220),
    "yellow": (245, 215, 50),
    "purple": (140, 60, 190),
    "orange": (245, 140, 30),
    "black": (20, 20, 20),
    "white": (245, 245, 245),
}
SHAPES = ("circle", "square", "triangle", "cross")

Point = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """What a picture shows, and where."""

    shape: str
    colour: str
    background: str
    centre: Point = (SIZE / 2, SIZE / 2)
    radius: float = sum(RADII) / 2


def _circle(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: tuple[int, int, int]) -> None:
    pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _square(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: tuple[int, int, int]) -> None:
    half = 0.88 * r
    pen.rectangle((x - half, y - half, x + half, y + half), fill=fill)


def _triangle(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: tuple[int, int, int]) -> None:
    reach, low = 1.15 * r, y + 0.25 * r
    corners = [(x + reach * math.sin(a), low - reach * math.cos(a)) for a in (0, 2 * math.pi / 3, 4 * math.pi / 3)]
    pen.polygon(corners, fill=fill)


def _cross(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: tuple[int, int, int]) -> None:
    arm = 0.32 * r
    pen.rectangle((x - r, y - arm, x + r, y + arm), fill=fill)
    pen.rectangle((x - arm, y - r, x + arm, y + r), fill=fill)


Painter = Callable[[ImageDraw.ImageDraw, float, float, float, tuple[int, int, int]], None]
PAINTERS: dict[str, Painter] = {"circle": _circle, "square": _square, "triangle": _triangle, "cross": _cross}


def draw(scene: Scene) -> np.ndarray:
    """The scene as a (64, 64, 3) uint8 array with smooth outlines."""
    side = SIZE * OVERSAMPLING
    image = Image.new("RGB", (side, side), COLOURS[scene.background])
    x, y, radius = (OVERSAMPLING * v for v in (*scene.centre, scene.radius))
    PAINTERS[scene.shape](ImageDraw.Draw(image), x, y, radius, COLOURS[scene.colour])
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX))


def random_scene(rng: Random) -> Scene:
    """A scene with two different colours, near the centre."""
    colour, background = rng.sample(list(COLOURS), 2)
    centre = (SIZE / 2 + rng.uniform(-JITTER, JITTER), SIZE / 2 + rng.uniform(-JITTER, JITTER))
    return Scene(rng.choice(SHAPES), colour, background, centre, rng.uniform(*RADII))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def caption(scene: Scene, phrasing: int = 0) -> str:
    """One of the `PHRASINGS` ways to say what the scene shows; 0 is the usual one."""
    colour, shape, background = scene.colour, scene.shape, scene.background
    if phrasing == 1:
        return f"{colour} {shape}, {background} background"
    if phrasing == 2:
        return f"a {colour} {shape} on a {background} background"
    return f"{_article(colour)} {colour} {shape} on {_article(background)} {background} background"


PHRASINGS = 3
