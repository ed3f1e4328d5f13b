"""A finished run becomes a Side: a picture, a folder of pictures, or the report that `comfyless run --json` prints."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from engine import api
from engine.comparing.recording import samples
from engine.comparing.seeds import own_seed
from engine.comparing.sides import FileFacts, Shot, Side
from engine.errors import GraphInvalid
from engine.plugins.registry import Registry
from schemas.prompt import Prompt
from schemas.report import Problem, RunReport

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURES = (".png", ".webp", ".jpg", ".jpeg")
LARGEST_REPORT = 64 * 2**20
"""Bytes. What a run of thousands of pictures prints is far below it."""
_DIGITS = re.compile(r"(\d+)")


def finished(name: str) -> Side | None:
    """What lies finished under this path; None if it is no folder, no picture and no report.

    Raises GraphInvalid for a folder without pictures, a run that was not done, and pictures that cannot be read.
    """
    path = Path(name)
    if name and path.is_dir():  # an empty name would be the working folder
        return _of_folder(name, path)
    if path.suffix.lower() in PICTURES:
        return _of_pictures(name, [path])
    reports = _reports(path)
    return _of_reports(name, reports) if reports else None


def _of_folder(name: str, folder: Path) -> Side:
    pictures = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file()]
    if not pictures:
        raise _not_comparable(name, "there is no picture in this folder.", f"Known are {', '.join(PICTURES)}.")
    return _of_pictures(name, sorted(pictures, key=_natural))


def _of_reports(name: str, reports: list[RunReport]) -> Side:
    for report in reports:
        if report.status != "done":
            raise _not_comparable(name, f"the run of {report.file} ended as {report.status}.", "Run it again.")
    written = [Path(path) for report in reports for paths in report.outputs.values() for path in paths]
    if not written:
        raise _not_comparable(name, "the run wrote no picture.", "Give it a SaveImage node.")
    side = _of_pictures(name, written)
    registry = Registry.builtin()
    steps = [step for report in reports for step in report.steps]
    side.peak = max((report.peak for report in reports), key=lambda peak: peak.ram)
    if all(step.state == "run" for step in steps):  # else some of the time was spent in runs that are not told here
        side.seconds = sum(step.seconds for step in steps)
    if all(step.state == "run" for step in steps if samples(registry.find(step.class_type))):
        side.sampling = sum(step.seconds for step in steps if samples(registry.find(step.class_type)))
    return side


def _of_pictures(name: str, paths: Iterable[Path]) -> Side:
    side = Side(name, "finished")
    for path in paths:
        shot, prompt, files = _read(name, path)
        side.shots.append(shot)
        side.prompt = side.prompt or prompt
        side.files = side.files or files
    return side


def _read(name: str, path: Path) -> tuple[Shot, Prompt | None, list[FileFacts]]:
    from PIL import Image  # here, because reading the command line's help should not wait for it

    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
            files = _files(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _not_comparable(name, f"{path} cannot be read as a picture: {reason}.", "Replace it.") from error
    prompt = _prompt(path)
    return Shot(own_seed(prompt) if prompt else None, path.name, pixels), prompt, files


def _prompt(path: Path) -> Prompt | None:
    try:
        return api.load(path).prompt
    except GraphInvalid:  # a picture needs no graph to be compared
        return None


def _files(picture: "Image") -> list[FileFacts]:
    """The model files that a picture of ours names."""
    try:
        models = json.loads(picture.info["comfyless"])["models"]
        return [FileFacts(name=str(model["name"])) for model in models]
    except (KeyError, TypeError, ValueError):  # another program's picture
        return []


def _reports(path: Path) -> list[RunReport]:
    """The reports in a file of JSON lines, or in one of a single JSON value; none if it is anything else."""
    try:
        if path.stat().st_size > LARGEST_REPORT:
            return []
        text = path.read_text("utf-8")
    except (OSError, ValueError):  # whoever reads it as a graph says what is wrong with it
        return []
    return [found for record in _records(text) if (found := _report(record)) is not None]


def _records(text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                return


def _report(record: Any) -> RunReport | None:
    if not isinstance(record, dict) or record.get("event") != "report":
        return None
    try:
        return RunReport.model_validate(record)
    except ValidationError:
        return None


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts "a_10.png" behind "a_9.png"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(path.name)]


def _not_comparable(name: str, said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code="not-comparable", file=name, said=said, fix=fix)])
