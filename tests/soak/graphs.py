"""Graphs for the demo model, as many different ones as are wanted."""

import json
from collections.abc import Iterator
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

from engine import api
from engine.cli import demo
from schemas.settings import Settings

SUBJECTS = ("circle", "square", "triangle", "cross")
COLOURS = ("red", "green", "blue", "yellow", "orange", "black", "white")
SIDES = (64, 96, 128)
"""Pixels."""


def models() -> Path:
    """The models folder that comes with the program."""
    return Path(str(resources.files("graphs").joinpath(*demo.MODELS)))


def settings_in(folder: Path) -> Settings:
    """Everything in one folder."""
    return Settings(
        models=[models()], output=folder / "output", temp=folder / "temp", device="cpu", cache=folder / "cache"
    )


def graph(prompt: str, seed: int, *, steps: int = 1, side: int = demo.SIDE) -> bytes:
    """The demo's graph as a file in API format."""
    sets = [*demo.changes(prompt, str(seed)), f"KSampler.steps={steps}"]
    sets += [f"EmptySD3LatentImage.{name}={side}" for name in ("width", "height")]
    workflow = api.override(api.load(str(resources.files("graphs").joinpath(demo.GRAPH))), sets)
    found: dict[str, Any] = workflow.prompt.as_json()
    return json.dumps(found).encode()


def different() -> Iterator[bytes]:
    """Graphs of which no two are equal: every one has its seed, many their prompt; sizes and steps take turns."""
    for number in count():
        subject, colour = SUBJECTS[number % len(SUBJECTS)], COLOURS[number % len(COLOURS)]
        prompt = f"a {colour} {subject} number {number} on a {COLOURS[number // 7 % len(COLOURS)]} background"
        side = SIDES[number % len(SIDES)]
        yield graph(prompt, number, steps=1 + number % 2, side=side)
