"""A picture as it was found: its pixels, the graph in it, and what it says about how it was made."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine import api
from engine.drawing.saving import DRAWING
from engine.errors import GraphInvalid
from engine.reading import picture_metadata
from engine.reading.printable import printable
from engine.reading.source import bytes_of
from schemas.report import Problem
from schemas.settings import Settings
from schemas.workflow import Workflow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]

ABOUT = "comfyless"
"""Keyword of the text that running.outputs.picture_metadata writes."""
ANOTHER_PROGRAM = "made by another program: only pixels can be compared"
DAMAGED = "what comfyless noted in it is damaged: only pixels can be compared"
EDITORS = "it holds no graph as it ran, only the editor's, whose seeds may have moved on since"


class RecordedModel(BaseModel):
    """A model file that a picture depends on, as it was then. dtype: computed in."""

    model_config = ConfigDict(frozen=True)

    folder: str
    name: str
    fingerprint: str
    dtype: str


class Recorded(BaseModel):
    """What a picture says about its making, as running.outputs.picture_metadata wrote it; older ones say less.

    inputs: fingerprints of the pictures that were loaded, by name. nodes: digests of what the nodes before it gave.
    saved_by: the node that wrote it.
    """

    version: str | None = None
    torch: str | None = None
    device: str | None = None
    seeds: dict[str, int] = Field(default_factory=dict)
    models: list[RecordedModel] = Field(default_factory=list)
    inputs: dict[str, str] = Field(default_factory=dict)
    nodes: dict[str, str] = Field(default_factory=dict)
    saved_by: str | None = None


@dataclass(frozen=True)
class Original:
    """A picture to be made again.

    pixels: uint8 (H, W, 3), or (H, W, 4) if it has transparency. lossy: its format gives only about the pixels that
    were saved. recorded: None if it says nothing of use. notes: what a person should know.
    """

    workflow: Workflow
    pixels: "Pixels"
    lossy: bool
    recorded: Recorded | None
    notes: list[str]


def read(file: str, settings: Settings | None = None) -> Original:
    """The picture in a file, or on standard input for "-".

    Raises GraphInvalid for what is no picture, one without a graph or with a damaged one, and a drawing of a graph.
    """
    data = bytes_of(file)
    name = printable(file)
    found = picture_metadata.embedded(data)
    if found is None:
        raise _refused(name, "this is no PNG, WebP or JPEG picture.", "Name a picture; `comfyless run` runs graphs.")
    if DRAWING in found.texts:
        said = "this is a drawing of a graph, not a picture that one has made."
        raise _refused(name, said, "`comfyless run` runs the graph in it.")
    workflow = api.load(data, name=file, settings=settings)
    recorded, notes = _recorded(found.texts.get(ABOUT))
    if not found.texts.get(picture_metadata.PROMPT, "").lstrip().startswith("{"):
        notes.append(EDITORS)
    return Original(workflow, _pixels(name, data), _is_lossy(data), recorded, notes)


def recorded_in(text: str | None) -> Recorded | None:
    """What the text of a picture says; None if there is none. Raises ValueError if it is damaged."""
    return None if text is None else Recorded.model_validate_json(text)


def _recorded(text: str | None) -> tuple[Recorded | None, list[str]]:
    """What a picture says, and a note if it is nothing of use."""
    try:
        found = recorded_in(text)
    except ValidationError:
        return None, [DAMAGED]
    return found, [ANOTHER_PROGRAM] if found is None else []


def _pixels(name: str, data: bytes) -> "Pixels":
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        said = f"the picture cannot be read: {error}."
        problem = Problem(code="unreadable-file", file=name, said=said, fix="Replace it with an undamaged copy.")
        raise GraphInvalid([problem]) from error


def _is_lossy(data: bytes) -> bool:
    """Of a PNG, WebP or JPEG file. A WebP file is lossless if its pictures are in chunks of the kind VP8L."""
    return data.startswith(b"\xff\xd8") or (data[:4] == b"RIFF" and b"VP8L" not in data)


def _refused(file: str, said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code="not-a-workflow", file=file, said=said, fix=fix)])
