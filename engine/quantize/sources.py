"""Sources: the tensors of a model file as readers of float32 rows, however they are stored.

Plain numbers, 8-bit floats with their scales, bitsandbytes' 4 bits and GGUF blocks are read; of Flux both key layouts,
fused to Black Forest Labs' names. A reader maps its tensor for each run of rows anew: it can be pickled, and no page of
the source stays with the process that read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from engine.checkpoints import detect, runnable, weights
from engine.checkpoints.detect import Part
from engine.checkpoints.families import flux as flux_family
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.four_bit_state import MARK
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.keymaps import flux
from engine.checkpoints.storage import FLOATS, GGUF, TensorInfo, is_decodable
from engine.checkpoints.weights import Weight
from engine.errors import ModelFileInvalid
from engine.quantize.contract import Encoding, Reader, Values, rows_of
from engine.quantize.gguf_encoding import GgufEncoding
from engine.quantize.nf4 import BLOCK, NESTED_BLOCK, Nf4Encoding
from engine.quantize.plain import PlainEncoding, Verbatim

ORIGINAL = "Take the original file, in 16 bits or fp8."
AGAIN = "Download it again, or take another file."
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "flux": ("bfl", "diffusers"),
    "t5xxl": ("hf", "llama.cpp"),
    "clip_l": ("hf",),
    "kl_vae": ("ldm",),
}
"""Kinds of models that are read, and in which key layouts."""

SCALES = ("scale_weight", "weight_scale")
"""What files call the number that a matrix in 8 bits is to be multiplied with."""

MARKS = ("scaled_fp8", "*.scale_input", "*.input_scale", "*.comfy_quant", "spiece_model", "*position_ids")
"""Tensors that are no weights: they belong to a storage or a tokenizer, or count 0, 1, 2, …; scales not among them."""

SHOWN = 4
"""How many findings a message lists before it counts the rest."""


class Place(NamedTuple):
    """Where bytes lie."""

    start: int
    bytes: int


@dataclass(frozen=True, eq=False)
class Stored:
    """One tensor as a file holds it: pieces of an encoding, and what the decoded numbers are to be multiplied with.

    shape: (rows, columns); of a vector every value is a row, so that vectors can be cut and fused as matrices are.
    scale: None, or one number, or one for each row, float32, (1, 1) or (rows, 1).
    """

    path: str
    shape: tuple[int, int]
    storage: str
    encoding: Encoding
    places: tuple[Place, ...]
    scale: Values | None = None

    @property
    def bytes(self) -> int:
        """Bytes on disk, but for the scale."""
        return sum(place.bytes for place in self.places)

    def rows(self, first: int, last: int) -> Values:
        """Rows first..last (exclusive). Raises ModelFileInvalid if the file has become shorter."""
        pieces = [mapped(self.path, place) for place in self.places]
        values = self.encoding.decode(pieces, self.shape, first, last)
        if self.scale is None:
            return values
        return values * (self.scale if len(self.scale) == 1 else self.scale[first:last])


def mapped(path: str, place: Place) -> memoryview:
    """Bytes of a file, mapped. Raises ModelFileInvalid if it does not reach that far."""
    if not place.bytes:
        return memoryview(b"")
    try:
        return np.memmap(path, np.uint8, "r", place.start, (place.bytes,)).data
    except ValueError as error:
        raise ModelFileInvalid(path, "became shorter while it was read.", AGAIN) from error


class Run(NamedTuple):
    """Rows first..last (exclusive) of a stored tensor."""

    tensor: Stored
    first: int
    last: int


@dataclass(frozen=True)
class Rows:
    """A Reader of runs of rows, one behind another: fused tensors have several, most have one."""

    name: str
    shape: tuple[int, ...]
    stored: str
    bytes: int
    runs: tuple[Run, ...]

    def rows(self, first: int, last: int) -> Values:
        """Rows first..last. Raises ModelFileInvalid if any value is infinite or no number."""
        columns = rows_of(self.shape)[1]
        if len(self.shape) < 2:
            first, last = first * columns, last * columns
        found, at = [], 0
        for tensor, start, end in self.runs:
            low, high = max(first - at, 0), min(last - at, end - start)
            if low < high:
                found.append(tensor.rows(start + low, start + high))
            at += end - start
        values = (found[0] if len(found) == 1 else np.concatenate(found)).reshape(-1, columns)
        if not (np.isfinite(values.min()) and np.isfinite(values.max())):
            said = f"tensor {self.name} holds values that are infinite or no numbers."
            raise ModelFileInvalid(
                self.runs[0].tensor.path, said, "It is damaged or was made badly: take another file."
            )
        return values


def readers(index: TensorIndex, kind: str, prefix: str = "") -> list[Reader]:
    """Every tensor of the model of this kind in a file, by its own name without prefix; Flux by BFL's names.

    Scales are applied, the marks of a storage left out. Raises ModelFileInvalid that says what is missing, unknown, of
    a wrong shape or stored in a way that is not read. kind: "flux", "t5xxl", "clip_l", "kl_vae".
    prefix: to put before every name.
    """
    part = detect.require(index, kind)
    if part.layout not in LAYOUTS.get(kind, ()):
        said = f"holds {part.title} with key names of {part.layout}, which cannot be converted."
        raise ModelFileInvalid(index.path, said, "Take a file with the key names of the published single files.")
    held = weights.of_part(index, part)
    refuse(index, held)
    scales = {name: held[scale].info for scale in held if (name := scaled_by(scale)) in held}
    tensors = {
        name: stored(index, name, weight, scales.get(name))
        for name, weight in held.items()
        if scaled_by(name) not in held and not is_mark(name)
    }
    shapes = {name: held[name].shape for name in tensors}
    wrong = [] if kind == "flux" else list(runnable.misshapen(index, part))
    if kind == "flux":
        found = bfl_rows(part, tensors, shapes, wrong)
    else:
        found = [fused(name, shapes[name], [tensor]) for name, tensor in tensors.items()]
    if wrong:
        raise ModelFileInvalid(index.path, f"holds {part.title} that cannot be converted: {some(wrong)}.", AGAIN)
    return [replace(rows, name=prefix + rows.name) for rows in found]


def verbatim(index: TensorIndex, names: Mapping[str, str]) -> list[Reader]:
    """Tensors to be copied. names: the file's to the new ones. Raises ModelFileInvalid for a GGUF file."""
    if index.format != "safetensors":
        raise ModelFileInvalid(index.path, f"is a {index.format} file, whose tensors cannot be copied.", ORIGINAL)
    found: list[Reader] = []
    for old, new in names.items():
        info = index.tensors[old]
        found.append(Verbatim(new, info.shape, info.dtype, info.bytes, index.path, info.start))
    return found


def refuse(index: TensorIndex, held: Mapping[str, Weight]) -> None:
    """Raise ModelFileInvalid if any weight is stored in a way that is not read."""
    if index.format == "pickle":
        raise ModelFileInvalid(index.path, "is a pickle, which is not converted.", "Take a .safetensors file.")
    wrong = list(weights.undecodable(held))
    for name, weight in held.items():
        state = weight.state
        if state is not None and not (state.blocksize == BLOCK and state.nested_blocksize in (None, NESTED_BLOCK)):
            wrong.append(f"{name} has scales for {state.blocksize} values")
        elif not is_decodable(weight.storage) and not scaled_by(name) and not is_mark(name):
            wrong.append(f"{name} is stored as {weight.storage}")
    if wrong:
        raise ModelFileInvalid(index.path, f"holds what is not read here: {some(wrong)}.", ORIGINAL)


def is_mark(name: str) -> bool:
    """Whether a tensor belongs to a storage."""
    return any(fnmatchcase(name, mark) for mark in MARKS)


def scaled_by(name: str) -> str:
    """The matrix that a scale belongs to, by the scale's name; empty for other names."""
    layer, _, last = name.rpartition(".")
    return f"{layer}.weight" if last in SCALES else ""


def stored(index: TensorIndex, name: str, weight: Weight, scale: TensorInfo | None) -> Stored:
    """A weight as it lies in the file."""
    shape = rows_of(weight.shape) if len(weight.shape) > 1 else (rows_of(weight.shape)[1], 1)
    place = Place(weight.info.start, weight.info.bytes)
    if weight.state is not None:
        nested = weight.state.nested_blocksize is not None
        inner = ("absmax", "quant_map", f"{MARK[1:]}{weight.state.kind}")
        outer = ("nested_absmax", "nested_quant_map") if nested else ()
        beside = (weight.beside[suffix] for suffix in inner + outer)
        places = (place, *(Place(info.start, info.bytes) for info in beside))
        return Stored(index.path, shape, weight.storage, Nf4Encoding(nested), places)
    if weight.storage.startswith(GGUF):
        blocks = GgufEncoding(weight.storage.removeprefix(GGUF))
        return Stored(index.path, shape, weight.storage, blocks, (place,))
    plain = PlainEncoding(weight.storage)
    if scale is None:
        return Stored(index.path, shape, weight.storage, plain, (place,))
    return Stored(index.path, shape, f"{weight.storage} scaled", plain, (place,), column(index, name, shape, scale))


def column(index: TensorIndex, name: str, shape: tuple[int, int], scale: TensorInfo) -> Values:
    """A scale's numbers as a column. Raises ModelFileInvalid if there are neither one nor one for each row."""
    count = scale.elements
    if scale.dtype not in FLOATS or count not in (1, shape[0]):
        said = f"has a scale of {count} numbers in {scale.dtype} for tensor {name}."
        raise ModelFileInvalid(index.path, said, AGAIN)
    data = mapped(index.path, Place(scale.start, scale.bytes))
    return np.array(PlainEncoding(scale.dtype).decode([data], (count, 1), 0, count))


def bfl_rows(
    part: Part, tensors: Mapping[str, Stored], shapes: Mapping[str, tuple[int, ...]], wrong: list[str]
) -> list[Rows]:
    """Flux by BFL's names, strictly both ways: what is missing, left over or misshapen is added to `wrong`."""
    assert isinstance(part.sizes, FluxSizes)
    left, found = dict(tensors), []
    for name, shape in flux_family.shapes(part.sizes).items():
        rule = flux.tensor(name) if part.layout == "diffusers" else None
        sources = rule.diffusers if rule else (name,)
        missing = [source for source in sources if source not in tensors]
        wrong += [f"{source} is missing" for source in missing]
        if missing:
            continue
        parts = [left.pop(source) for source in sources]
        lengths = {shapes[source][1:] for source in sources}
        held = (sum(shapes[source][0] for source in sources), *min(lengths))
        if held != shape or len(lengths) > 1:
            wrong.append(f"{' and '.join(sources)} has shape {list(held)} instead of {list(shape)}")
        else:
            found.append(fused(name, shape, parts, bool(rule and rule.swapped)))
    wrong += [f"{name} is of no Flux model" for name in left]
    return found


def fused(name: str, shape: tuple[int, ...], tensors: Sequence[Stored], swapped: bool = False) -> Rows:
    """Tensors whose rows follow one another. swapped: of the source, the second half of the rows comes first."""
    storages = {tensor.storage for tensor in tensors}
    runs = tuple(Run(tensor, 0, tensor.shape[0]) for tensor in tensors)
    if swapped:
        whole, _, last = runs[0]
        runs = (Run(whole, last // 2, last), Run(whole, 0, last // 2))
    size = sum(tensor.bytes for tensor in tensors)
    return Rows(name, shape, min(storages) if len(storages) == 1 else "mixed", size, runs)


def some(findings: list[str]) -> str:
    """The first few, and how many more."""
    rest = len(findings) - SHOWN
    return ", ".join(findings[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
