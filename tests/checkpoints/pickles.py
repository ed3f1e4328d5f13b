"""PyTorch files written byte by byte, as torch.save writes them."""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from math import prod
from typing import Any

STORAGES = {"fp32": b"FloatStorage", "fp16": b"HalfStorage", "int64": b"LongStorage", "bf16": b"BFloat16Storage"}
WIDTHS = {"fp32": 4, "fp16": 2, "int64": 8, "bf16": 2}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

Table = Mapping[str, tuple[str, tuple[int, ...]]]


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def tensor(key: str, dtype: str, shape: tuple[int, ...], offset: int = 0, legacy: bool = False) -> bytes:
    """The call that rebuilds one tensor."""
    stride = tuple(prod(shape[at + 1 :]) for at in range(len(shape)))
    identity = text("storage") + b"ctorch\n" + STORAGES[dtype] + b"\n" + text(key) + text("cpu") + number(prod(shape))
    storage = b"(" + identity + (b"N" if legacy else b"") + b"tQ"
    arguments = storage + number(offset) + numbers(shape) + numbers(stride) + b"\x89" + b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def dictionary(items: Mapping[str, bytes]) -> bytes:
    """An ordered dictionary of things already pickled."""
    return b"ccollections\nOrderedDict\n)R(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def program(table: Table, wrapper: str | None = None, legacy: bool = False) -> bytes:
    """The pickle of a dictionary of tensors, each with a storage of its own, numbered."""
    items = {
        key: tensor(str(at), dtype, shape, legacy=legacy) for at, (key, (dtype, shape)) in enumerate(table.items())
    }
    body = dictionary(items)
    return b"\x80\x02" + (dictionary({wrapper: body, "epoch": number(3)}) if wrapper else body) + b"."


def zipped(table: Table, wrapper: str | None = None, content: bytes | None = None) -> bytes:
    """A file of the zip form; each storage is filled with its own number."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", program(table, wrapper) if content is None else content)
        for at, (dtype, shape) in enumerate(table.values()):
            archive.writestr(f"archive/data/{at}", bytes([at % 256]) * (prod(shape) * WIDTHS[dtype]))
    return buffer.getvalue()


def legacy(table: Table) -> bytes:
    """A file of the older form."""
    heads: list[Any] = [LEGACY_MAGIC, 1001, {"little_endian": True}]
    out = b"".join(pickle.dumps(head, protocol=2) for head in heads) + program(table, legacy=True)
    out += pickle.dumps([str(at) for at in range(len(table))], protocol=2)
    for at, (dtype, shape) in enumerate(table.values()):
        out += struct.pack("<q", prod(shape)) + bytes([at % 256]) * (prod(shape) * WIDTHS[dtype])
    return out
