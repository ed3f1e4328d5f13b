"""The table of contents of a PyTorch file (.ckpt, .pt, .pth), read without executing anything in it.

Two forms: a zip with one pickle and one member per storage (PyTorch 1.6 and later), and the older row of pickles with
the storages behind them. Source: torch.serialization.
"""

import zipfile
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any, BinaryIO, NamedTuple

from engine.checkpoints.pickle_machine import Malformed, Storage, Symbol, TensorSketch, sketch, tensors_in
from engine.checkpoints.storage import PLAIN_BITS, TensorInfo
from engine.errors import ModelFileInvalid

LARGEST_PICKLE = 64 << 20
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
WRAPPERS = ("state_dict", "params_ema", "params")
"""Keys under which trainers put the tensors; the first that is there counts."""

TYPES: Mapping[str, str] = {
    "FloatStorage": "fp32",
    "HalfStorage": "fp16",
    "BFloat16Storage": "bf16",
    "DoubleStorage": "fp64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "float32": "fp32",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float64": "fp64",
    "int64": "int64",
    "int32": "int32",
    "int16": "int16",
    "int8": "int8",
    "uint8": "uint8",
    "bool": "bool",
    "float8_e4m3fn": "fp8_e4m3fn",
    "float8_e5m2": "fp8_e5m2",
}
"""Names of torch's storage classes and types, and ours."""

CONVERT = "Download it again, or convert it to safetensors."


class Span(NamedTuple):
    """Where a storage lies in the file."""

    start: int
    end: int


class Limited:
    """A file of which only so many bytes can be read: a pickle may ask for more than there is, or all at once."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        """From where the file stands. left: bytes that can be read."""
        self.file, self.left = file, left

    def read(self, count: int) -> bytes:
        """Some bytes."""
        return self.counted(self.file.read(min(count, self.left)))

    def readline(self) -> bytes:
        """A line."""
        return self.counted(self.file.readline(self.left))

    def counted(self, found: bytes) -> bytes:
        """The same bytes, counted."""
        self.left -= len(found)
        return found


def read_header(path: str, file: BinaryIO, size: int) -> tuple[dict[str, TensorInfo], dict[str, Any]]:
    """Tensors in the file's order, and the plain values beside them.

    Raises ModelFileInvalid if the file is damaged or holds something else than a dictionary of tensors.
    """
    zipped = file.read(2) == b"PK"
    file.seek(0)
    try:
        built, spans = read_zip(file) if zipped else read_legacy(file, size)
        tensors, metadata = contents(built)
        found = {name: placed(name, tensor, spans) for name, tensor in tensors.items()}
    except Malformed as error:
        raise ModelFileInvalid(path, f"is no PyTorch file that we can read: {error}.", CONVERT) from error
    if not found:
        raise ModelFileInvalid(path, "is a pickle that holds no dictionary of tensors.", "Save it as safetensors.")
    return found, metadata


def read_zip(file: BinaryIO) -> tuple[Any, dict[str, Span]]:
    """What the zip's pickle would build, and where its storages lie. Raises Malformed."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            pickled = next((member for member in members if member.filename.endswith("/data.pkl")), None)
            if pickled is None or pickled.file_size > LARGEST_PICKLE or pickled.compress_type != zipfile.ZIP_STORED:
                raise Malformed("the zip has no data.pkl of a sane size")
            built = sketch(archive.read(pickled))
            return built, dict(stored(file, members, pickled.filename.removesuffix("data.pkl") + "data/"))
    except Malformed:
        raise
    # zipfile raises all of these for damaged archives: NotImplementedError for a version or packing that it cannot read
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError) as error:
        raise Malformed(f"damaged zip ({str(error)[:200]})") from error


def stored(file: BinaryIO, members: list[zipfile.ZipInfo], folder: str) -> Iterator[tuple[str, Span]]:
    """Key and place of each storage of the zip."""
    for member in members:
        if member.filename.startswith(folder) and member.compress_type == zipfile.ZIP_STORED:
            file.seek(member.header_offset + 26)
            lengths = file.read(4)
            start = member.header_offset + 30 + int.from_bytes(lengths[:2], "little")
            start += int.from_bytes(lengths[2:], "little")
            yield member.filename.removeprefix(folder), Span(start, start + member.file_size)


def read_legacy(file: BinaryIO, size: int) -> tuple[Any, dict[str, Span]]:
    """What the fourth pickle of an old file would build, and where its storages lie. Raises Malformed."""
    source = Limited(file, min(size, LARGEST_PICKLE))
    if sketch(source) != LEGACY_MAGIC:
        raise Malformed("a pickle, but not one that PyTorch saved")
    sketch(source)  # version of the protocol
    sketch(source)  # sizes of the machine that saved it
    built, keys = sketch(source), sketch(source)
    widths = {tensor.storage.key: bits_of(tensor) // 8 for tensor in contents(built)[0].values()}
    spans: dict[str, Span] = {}
    at = file.tell()
    for key in keys if isinstance(keys, list) else []:
        file.seek(at)
        length, width = int.from_bytes(file.read(8), "little"), widths.get(str(key))
        if width is None or at + 8 + length * width > size:
            break  # a storage that no tensor of ours uses is of unknown width: what lies behind it has no known place
        spans[str(key)] = Span(at + 8, at + 8 + length * width)
        at = spans[str(key)].end
    return built, spans


def contents(built: Any) -> tuple[dict[str, TensorSketch], dict[str, Any]]:
    """The tensors of what was built, and the plain values at its top."""
    if not isinstance(built, dict):
        return {}, {}
    wrapped = next((built[key] for key in WRAPPERS if isinstance(built.get(key), dict)), built)
    plain = {str(key): value for key, value in built.items() if is_plain(value)}
    tensors = dict(tensors_in(wrapped))
    try:
        "".join((*tensors, *plain, *(value for value in plain.values() if isinstance(value, str)))).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("a name that is no text") from error
    return tensors, plain


def is_plain(value: Any) -> bool:
    """Whether it is a text, a truth or a number of sane size."""
    return isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 1 << 64)


def bits_of(tensor: TensorSketch) -> int:
    """Bits per value. Raises Malformed for types that we do not know."""
    return PLAIN_BITS[type_of(tensor)]


def type_of(tensor: TensorSketch) -> str:
    """The type of a tensor's values. Raises Malformed if we do not know it."""
    kind: Symbol = tensor.dtype or tensor.storage.kind
    if kind.module not in ("torch", "torch.storage") or kind.name not in TYPES:
        raise Malformed(f"unknown type {f'{kind.module}.{kind.name}'[:80]!a}")
    return TYPES[kind.name]


def placed(name: str, tensor: TensorSketch, spans: Mapping[str, Span]) -> TensorInfo:
    """A tensor with its place in the file. Raises Malformed if it has none, or is not laid out row by row."""
    storage: Storage = tensor.storage
    span = spans.get(storage.key)
    if span is None:
        raise Malformed(f"the numbers of {name[:80]!r} are missing")
    if not in_rows(tensor):
        raise Malformed(f"{name[:80]!r} is stored transposed")
    width = bits_of(tensor) // 8
    start = span.start + tensor.offset * width
    end = start + prod(tensor.shape) * width
    if end > span.end:
        raise Malformed(f"{name[:80]!r} passes the end of its storage")
    return TensorInfo(type_of(tensor), tensor.shape, start, end)


def in_rows(tensor: TensorSketch) -> bool:
    """Whether strides are those of a tensor laid out row by row; those of dimensions of length 1 do not matter."""
    rows = list(accumulate(reversed(tensor.shape), mul, initial=1))[-2::-1]
    if 0 in tensor.shape:
        return True
    pairs = zip(tensor.shape, tensor.stride, rows, strict=False)
    return len(tensor.stride) == len(tensor.shape) and all(
        length == 1 or stride == row for length, stride, row in pairs
    )
