"""Pictures made by a graph, and what somebody may have done to them since."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from engine import api
from engine.replaying.replaying import Replay, Replayer, uncached
from engine.running.outputs import OutputFolder

GRADED: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "made"}},
}
"""Needs no model; what comes out depends on a picture in the input folder."""


def gradient() -> Any:
    """A picture of 24×16 pixels, uint8 (H, W, 3), no two columns and no two rows alike."""
    rows, columns = np.mgrid[0:16, 0:24]
    return np.stack([rows * 10, columns * 10, rows + columns], axis=2).astype(np.uint8)


def put_input(picture: Any) -> None:
    """As in.png, into the input folder of the working folder."""
    Path("input").mkdir(exist_ok=True)
    Image.fromarray(picture).save("input/in.png")


def made(graph: Mapping[str, Any] = GRADED) -> Path:
    """The first picture that a graph writes, in the output folder of the working folder."""
    report = api.run(api.load(json.dumps(graph).encode(), "graph.json"), api.Settings(device="cpu"))
    assert report.status == "done", report
    return Path(next(iter(report.outputs.values()))[0])


def doctored(path: Path, **changes: Callable[[Any], Any]) -> Path:
    """The same file with its JSON texts changed; a text whose change gives None is taken out."""
    with Image.open(path) as picture:
        picture.load()
        texts = {keyword: json.loads(text) for keyword, text in picture.info.items() if isinstance(text, str)}
    chunks = PngImagePlugin.PngInfo()
    for keyword in dict.fromkeys((*texts, *changes)):
        value = changes[keyword](texts.get(keyword)) if keyword in changes else texts[keyword]
        if value is not None:
            chunks.add_text(keyword, value if isinstance(value, str) else json.dumps(value))
    picture.save(path, pnginfo=chunks)
    return path


def without(text: Any) -> None:
    """Take a text out."""


def replayed(path: Path | str, kept: Path | None = None, settings: api.Settings | None = None) -> Replay:
    """Replay it, with the folders of the working folder."""
    session = api.Session(uncached(settings or api.Settings(device="cpu")))
    return Replayer(session, None if kept is None else OutputFolder(kept, kept)).replay(str(path))
