"""Outputs: pictures as PNG files, numbered as ComfyUI numbers them, whole or not at all.

A picture is encoded in memory, written under a passing name in its own folder, and only then linked to the next free
counter. The link never replaces a file, so two programs that save at once get different counters, and whatever stops
us on the way leaves nothing that looks like a picture.
"""

import io
import json
import os
import random
import string
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine import VERSION
from engine.errors import NotWritten
from engine.graph.folders import INPUT
from engine.running.output_names import Place, expand, place_of
from engine.whole_files import give_name, own_passing_name, write_new
from schemas.prompt import Prompt
from schemas.sockets import FileRef

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["output", "temp"]

COMPRESSION: Mapping[Kind, int] = {"output": 4, "temp": 1}
"""zlib levels, as ComfyUI's SaveImage and PreviewImage have them."""

SEED_FIELDS = ("seed", "noise_seed")


class OutputFolder:
    """Where a program's pictures go. output, temp: folders, made when first needed.

    Pictures of kind "temp" get five letters behind their prefix, the same during the life of this object, so that
    previews of several programs in one folder can be told apart. clock: local time, for the tokens of a prefix.
    """

    def __init__(self, output: Path, temp: Path, clock: Callable[[], datetime] = datetime.now) -> None:
        """Touch nothing on disk yet."""
        self._roots: Mapping[Kind, Path] = {"output": output, "temp": temp}
        self._letters = "".join(random.Random(os.getpid()).choices(string.ascii_lowercase, k=5))
        self._clock = clock

    def save(
        self, picture: "NDArray[np.uint8]", prefix: str, kind: Kind, batch_index: int, metadata: Mapping[str, str]
    ) -> Path:
        """Write one picture, uint8 (H, W, 3 or 4), under its prefix's next counter; the absolute path written.

        metadata: PNG text by keyword; its "prompt", JSON in API format, is also where `%Node.widget%` tokens are looked
        up. Raises NotWritten if the prefix leaves the folder or the file cannot be written; nothing is left then.
        """
        name = name_of(picture, prefix, metadata, self._letters if kind == "temp" else "", self._clock())
        place = place_of(name, self._roots[kind])
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            return _write(
                place, batch_index, encode_png(picture, metadata, COMPRESSION[kind]), durable=kind == "output"
            )
        except OSError as error:
            raise NotWritten(f"no picture could be written to {place.folder}: {error.strerror or error}.") from error


def name_of(picture: "NDArray[np.uint8]", prefix: str, metadata: Mapping[str, str], letters: str, now: datetime) -> str:
    """The prefix of a picture with its tokens replaced, `%batch_num%` excepted, and letters behind it, if any.

    metadata: as `OutputFolder.save` takes it. Raises NotWritten if that is no picture.
    """
    if picture.dtype.name != "uint8" or picture.ndim != 3 or picture.shape[2] not in (3, 4) or 0 in picture.shape:
        raise NotWritten(f"a picture must be uint8 (H, W, 3 or 4), not {picture.dtype} {picture.shape}.")
    prompt = json.loads(metadata.get("prompt", "{}")) if "%" in prefix else {}
    name = expand(prefix, prompt, width=picture.shape[1], height=picture.shape[0], now=now)
    return f"{name}_{letters}" if letters else name


def encode_png(picture: "NDArray[np.uint8]", metadata: Mapping[str, str], compression: int) -> bytes:
    """The PNG file of a uint8 picture (H, W, 3 or 4); equal bytes for equal arguments."""
    from PIL import Image, PngImagePlugin  # here, so that a program that only plans need not wait for it

    text = PngImagePlugin.PngInfo()
    for keyword, value in metadata.items():
        text.add_text(keyword, value)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", pnginfo=text, compress_level=compression)
    return file.getvalue()


def picture_metadata(
    prompt: Prompt,
    workflow: Mapping[str, Any] | None,
    models: Iterable[tuple[FileRef, str]],
    device: str,
    nodes: Mapping[str, str] | None = None,
    saved_by: str | None = None,
) -> dict[str, str]:
    """The texts a picture carries: ComfyUI's `prompt` and `workflow`, which restore the graph there, and `comfyless`.

    workflow: the editor's graph, if the file had one. models: each file the picture depends on, with the type it was
    computed in; pictures that were loaded are among them. nodes: digests of what the nodes before it gave, by id (see
    running.digests). saved_by: the node that writes it. No time stands in them, so that the same run writes the same
    bytes.
    """
    graph = prompt.as_json()
    files = list(models)
    about: dict[str, Any] = {
        "version": VERSION,
        "torch": torch_version(),
        "device": device,
        "seeds": seeds_in(prompt),
        "models": [
            {"folder": file.folder, "name": file.name, "fingerprint": file.fingerprint, "dtype": dtype}
            for file, dtype in files
            if file.folder != INPUT
        ],
    }
    inputs = {file.name: file.fingerprint for file, _ in files if file.folder == INPUT}
    if inputs:
        about["inputs"] = inputs
    if nodes:
        about["nodes"] = dict(sorted(nodes.items()))
    if saved_by is not None:
        about["saved_by"] = saved_by
    texts = {"prompt": graph, "workflow": workflow, "comfyless": about}
    return {keyword: json.dumps(value) for keyword, value in texts.items() if value is not None}


@cache
def torch_version() -> str | None:
    """The version of torch, build included ("2.13.0+cu128"); None where there is none. Nothing is imported for it."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def seeds_in(prompt: Prompt) -> dict[str, int]:
    """The seeds a graph states as literals, by the id of the node that draws noise from them."""
    return {
        name: value
        for name, node in prompt.nodes.items()
        for field, value in node.inputs.items()
        if field in SEED_FIELDS and isinstance(value, int) and not isinstance(value, bool)
    }


def _write(place: Place, batch_index: int, data: bytes, durable: bool) -> Path:
    """Put the bytes under the place's next free counter. durable: wait until they are on the disk itself."""
    passing = own_passing_name(place.folder)
    write_new(passing, [data], durable)
    try:
        for counter in count(place.last_counter() + 1):
            path = place.folder / place.file_name(batch_index, counter)
            with suppress(FileExistsError):
                give_name(passing, path)
                return path
    finally:
        passing.unlink(missing_ok=True)
    raise AssertionError("counters do not end")
