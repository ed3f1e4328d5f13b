"""The GGUF header: key-value pairs, then a table of tensors, then aligned blocks.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. Nothing is believed
before it is checked against the file's size, so a hostile count cannot make us allocate or loop for long.
"""

import struct
from collections.abc import Mapping
from mmap import ACCESS_READ, mmap
from typing import Any, BinaryIO, NamedTuple

from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid

BLOCKS: Mapping[int, tuple[str, int, int]] = {
    0: ("fp32", 1, 4),
    1: ("fp16", 1, 2),
    2: ("gguf:Q4_0", 32, 18),
    3: ("gguf:Q4_1", 32, 20),
    6: ("gguf:Q5_0", 32, 22),
    7: ("gguf:Q5_1", 32, 24),
    8: ("gguf:Q8_0", 32, 34),
    9: ("gguf:Q8_1", 32, 40),
    10: ("gguf:Q2_K", 256, 84),
    11: ("gguf:Q3_K", 256, 110),
    12: ("gguf:Q4_K", 256, 144),
    13: ("gguf:Q5_K", 256, 176),
    14: ("gguf:Q6_K", 256, 210),
    15: ("gguf:Q8_K", 256, 292),
    16: ("gguf:IQ2_XXS", 256, 66),
    17: ("gguf:IQ2_XS", 256, 74),
    18: ("gguf:IQ3_XXS", 256, 98),
    19: ("gguf:IQ1_S", 256, 50),
    20: ("gguf:IQ4_NL", 32, 18),
    21: ("gguf:IQ3_S", 256, 110),
    22: ("gguf:IQ2_S", 256, 82),
    23: ("gguf:IQ4_XS", 256, 136),
    24: ("int8", 1, 1),
    25: ("int16", 1, 2),
    26: ("int32", 1, 4),
    27: ("int64", 1, 8),
    28: ("fp64", 1, 8),
    29: ("gguf:IQ1_M", 256, 56),
    30: ("bf16", 1, 2),
    34: ("gguf:TQ1_0", 256, 54),
    35: ("gguf:TQ2_0", 256, 66),
    39: ("gguf:MXFP4", 32, 17),
    40: ("gguf:NVFP4", 64, 36),
    41: ("gguf:Q1_0", 128, 18),
}
"""GGML type number to our name, values per block, bytes per block."""

SCALARS: Mapping[int, struct.Struct] = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
"""Type number of a metadata value to its layout."""

STRING, ARRAY = 8, 9
LARGEST_VALUES = 64
"""Arrays up to this length become tuples; of longer ones (a tokenizer's vocabulary) only the place is kept."""
LONGEST_NAME = 65_535
DEEPEST_ARRAY = 4
ORIGINAL_SHAPE = "comfy.gguf.orig_shape."
DAMAGED = "Download it again; a GGUF file cannot look like this."


class ArrayPlace(NamedTuple):
    """Where a long metadata array lies. kind: type number of its items. start, end: in bytes of the file."""

    kind: int
    length: int
    start: int
    end: int


class Cursor:
    """Reads forward through a mapped file; whatever would pass its end is an error."""

    def __init__(self, path: str, data: mmap) -> None:
        """Start at the file's first byte."""
        self.path, self.data, self.at, self.end = path, data, 0, len(data)

    def refuse(self, said: str) -> ModelFileInvalid:
        """An error about this file."""
        return ModelFileInvalid(self.path, said, DAMAGED)

    def skip(self, count: int, what: str) -> int:
        """Move on; returns where the skipped bytes begin."""
        start = self.at
        if count > self.end - start:
            raise self.refuse(f"is cut off or damaged: {what} at byte {start:,} passes the end of the file.")
        self.at = start + count
        return start

    def number(self, kind: int) -> Any:
        """A scalar of one of SCALARS."""
        layout = SCALARS[kind]
        return layout.unpack_from(self.data, self.skip(layout.size, "a number"))[0]

    def text(self, what: str, longest: int | None = None) -> str:
        """A string with its length before it."""
        length = self.number(10)
        if longest is not None and length > longest:
            raise self.refuse(f"has {what} of {length:,} bytes.")
        start = self.skip(length, what)
        try:
            return self.data[start : self.at].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.refuse(f"has {what} that is no UTF-8 at byte {start:,}.") from error


def read_header(
    path: str, file: BinaryIO, size: int
) -> tuple[dict[str, TensorInfo], dict[str, Any], dict[str, tuple[int, ...]]]:
    """Tensors, metadata, and the shapes that stored shapes stand for.

    Raises ModelFileInvalid if the header contradicts itself, the format or the file's size.
    """
    if size < 24:
        raise ModelFileInvalid(path, "is cut off within the first bytes of its header.", DAMAGED)
    with mmap(file.fileno(), size, access=ACCESS_READ) as data:
        cursor = Cursor(path, data)
        cursor.skip(4, "the format's name")
        count, pairs = counts(cursor)
        metadata: dict[str, Any] = {}
        for _ in range(pairs):
            key = cursor.text("a metadata key", LONGEST_NAME)
            if key in metadata:
                raise cursor.refuse(f"lists metadata {key[:80]!r} twice.")
            metadata[key] = value(cursor, cursor.number(4), 0)
        table = tensor_table(cursor, count)
        tensors = placed(cursor, table, alignment(cursor, metadata))
    return tensors, metadata, original_shapes(path, tensors, metadata)


def counts(cursor: Cursor) -> tuple[int, int]:
    """Number of tensors and of metadata pairs, believable for the file's size."""
    version = cursor.number(4)
    if version & 0xFFFF == 0:
        raise cursor.refuse("is a big-endian GGUF file, which this version does not read.")
    if version not in (2, 3):
        raise cursor.refuse(f"is GGUF version {version}; versions 2 and 3 are known.")
    tensors, pairs = cursor.number(10), cursor.number(10)
    left = cursor.end - cursor.at
    if tensors * 24 + pairs * 13 > left:
        raise cursor.refuse(f"promises {tensors:,} tensors and {pairs:,} values in {left:,} bytes.")
    return tensors, pairs


def value(cursor: Cursor, kind: int, depth: int) -> Any:
    """A metadata value: a number, a string, a short tuple or the place of a long array."""
    if kind in SCALARS:
        return cursor.number(kind)
    if kind == STRING:
        return cursor.text("a metadata string")
    if kind != ARRAY or depth >= DEEPEST_ARRAY:
        raise cursor.refuse(f"has a metadata value of unknown type {kind} at byte {cursor.at:,}.")
    items, count = cursor.number(4), cursor.number(10)
    if count <= LARGEST_VALUES:
        return tuple(value(cursor, items, depth + 1) for _ in range(count))
    start = cursor.at
    if items in SCALARS:
        cursor.skip(count * SCALARS[items].size, "a metadata array")
    elif count * 8 > cursor.end - start:
        raise cursor.refuse(f"promises a metadata array of {count:,} items at byte {start:,}.")
    elif items == STRING:
        skip_strings(cursor, count)
    else:
        raise cursor.refuse(f"has a metadata array of unknown type {items} at byte {start:,}.")
    return ArrayPlace(items, count, start, cursor.at)


def skip_strings(cursor: Cursor, count: int) -> None:
    """Walk over strings. Plain arithmetic, since a vocabulary has a quarter of a million."""
    at, last, data, length = cursor.at, cursor.end - 8, cursor.data, SCALARS[10].unpack_from
    for _ in range(count):
        if at > last:
            raise cursor.refuse(f"is cut off or damaged: a metadata array at byte {cursor.at:,} passes the end.")
        at += 8 + length(data, at)[0]
    cursor.skip(at - cursor.at, "a metadata array")


def read_array(path: str, place: ArrayPlace) -> tuple[Any, ...]:
    """The items of a long metadata array. Raises ModelFileInvalid if the file has changed or a text is no UTF-8."""
    try:
        with open(path, "rb") as file:
            file.seek(place.start)
            data = file.read(place.end - place.start)
    except OSError as error:
        raise ModelFileInvalid(path, f"cannot be read: {error.strerror}.", "Check the file and its rights.") from error
    if place.kind in SCALARS:
        layout = SCALARS[place.kind]
        if len(data) == place.length * layout.size:
            return tuple(value for (value,) in layout.iter_unpack(data))
    elif len(data) == place.end - place.start:
        return texts(path, data, place.length)
    raise ModelFileInvalid(path, "has lost a part of its metadata.", DAMAGED)


def texts(path: str, data: bytes, count: int) -> tuple[str, ...]:
    """Strings with their lengths before them, as the header's check left them: none passes the end."""
    found, at, length = [], 0, SCALARS[10].unpack_from
    try:
        for _ in range(count):
            start = at + 8
            at = start + length(data, at)[0]
            found.append(data[start:at].decode("utf-8"))
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelFileInvalid(path, f"has a metadata array that cannot be read: {error}.", DAMAGED) from error
    return tuple(found)


def tensor_table(cursor: Cursor, count: int) -> dict[str, tuple[str, tuple[int, ...], int, int]]:
    """Name to (type, shape as PyTorch shows it, offset from the data's beginning, bytes)."""
    table: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    for _ in range(count):
        name = cursor.text("a tensor's name", LONGEST_NAME)
        if name in table:
            raise cursor.refuse(f"lists tensor {name[:80]!r} twice.")
        rank = cursor.number(4)
        if rank > 8:
            raise cursor.refuse(f"gives tensor {name[:80]!r} {rank} dimensions.")
        shape = tuple(cursor.number(10) for _ in range(rank))[::-1]
        kind, offset = cursor.number(4), cursor.number(10)
        if kind not in BLOCKS:
            raise cursor.refuse(f"stores tensor {name[:80]!r} as GGML type {kind}, which is unknown here.")
        dtype, values, block = BLOCKS[kind]
        elements = product(shape)
        if elements >= 1 << 63 or (shape[-1] if shape else 1) % values:
            raise cursor.refuse(f"gives tensor {name[:80]!r} a shape that {dtype} cannot have: {shape}.")
        table[name] = (dtype, shape, offset, elements // values * block)
    return table


def product(shape: tuple[int, ...]) -> int:
    """Values in a shape."""
    total = 1
    for length in shape:
        total *= length
    return total


def alignment(cursor: Cursor, metadata: Mapping[str, Any]) -> int:
    """Bytes to which the data is aligned."""
    step = metadata.get("general.alignment", 32)
    if type(step) is not int or step < 1 or step > 1 << 20 or step & (step - 1):
        raise cursor.refuse(f"has general.alignment {str(step)[:40]}, which is no power of two.")
    return step


def placed(
    cursor: Cursor, table: Mapping[str, tuple[str, tuple[int, ...], int, int]], step: int
) -> dict[str, TensorInfo]:
    """The table with absolute places, each aligned, inside the file and apart from the others."""
    data = -(-cursor.at // step) * step
    tensors = {}
    for name, (dtype, shape, offset, count) in table.items():
        if offset % step:
            raise cursor.refuse(f"tensor {name[:80]!r} is not aligned to {step} bytes.")
        tensors[name] = TensorInfo(dtype, shape, data + offset, data + offset + count)
    last = max((tensor.end for tensor in tensors.values()), default=data)
    if last > cursor.end:
        raise cursor.refuse(f"is cut off: {last - cursor.end:,} of {last:,} bytes are missing.")
    at, before = data, ""
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start < at:
            raise cursor.refuse(f"tensor {name[:80]!r} overlaps {before[:80]!r}.")
        at, before = tensor.end, name
    return tensors


def original_shapes(
    path: str, tensors: Mapping[str, TensorInfo], metadata: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Shapes that converters noted before they stored a tensor as rows of 256."""
    found = {}
    for key, shape in metadata.items():
        name = key.removeprefix(ORIGINAL_SHAPE)
        if name == key or name not in tensors:
            continue
        valid = isinstance(shape, tuple) and all(type(length) is int and length >= 0 for length in shape)
        if not valid or product(shape) != tensors[name].elements:
            raise ModelFileInvalid(path, f"{key[:120]!r} does not fit its tensor: {str(shape)[:80]}.", DAMAGED)
        found[name] = shape
    return found
