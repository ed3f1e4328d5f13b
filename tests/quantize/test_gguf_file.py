"""The GGUF files that we lay out are read by gguf's own reader, and by ours."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from engine.checkpoints import index
from engine.quantize.contract import Piece
from engine.quantize.gguf_file import GgufFile

METADATA = {"general.architecture": "flux", "general.quantization_version": 2, "general.file_type": 7}
PIECES = (
    Piece("a.bias", "fp32", (3,), 12),
    Piece("a.weight", "gguf:Q8_0", (4, 64), 272),
    Piece("b.weight", "gguf:Q4_K", (3, 256), 432, note=(4, 192)),
    Piece("c.weight", "bf16", (5, 7), 70),
    Piece("ü.weight", "fp16", (1, 2), 4),
)


def written(folder: Path) -> tuple[Path, tuple[int, ...]]:
    """A file with each tensor filled with its number."""
    layout = GgufFile().layout(PIECES, METADATA)
    data = bytearray(layout.header.ljust(layout.size, b"\xff"))
    for number, (piece, start) in enumerate(zip(PIECES, layout.starts, strict=True)):
        data[start : start + piece.bytes] = bytes([number]) * piece.bytes
    path = folder / "made.gguf"
    path.write_bytes(data)
    return path, layout.starts


def test_the_reference_reader_sees_every_tensor_where_it_is(tmp_path: Path) -> None:
    path, starts = written(tmp_path)
    reader = gguf.GGUFReader(path)
    assert [tensor.name for tensor in reader.tensors] == [piece.name for piece in PIECES]
    for number, (tensor, piece, start) in enumerate(zip(reader.tensors, PIECES, starts, strict=True)):
        assert tuple(int(length) for length in tensor.shape[::-1]) == piece.shape
        assert (int(tensor.data_offset), int(tensor.n_bytes), start % 32) == (start, piece.bytes, 0)
        assert (np.ascontiguousarray(tensor.data).view(np.uint8) == number).all()
    assert {key: reader.get_field(key).contents() for key in METADATA} == METADATA
    noted = reader.get_field("comfy.gguf.orig_shape.b.weight")
    assert noted.types == [gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.INT32]
    assert noted.contents() == [4, 192]


def test_our_reader_sees_the_same(tmp_path: Path) -> None:
    path, starts = written(tmp_path)
    read = index.read(path)
    assert [(info.dtype, info.shape, info.start) for info in read.tensors.values()] == [
        (piece.dtype, piece.shape, start) for piece, start in zip(PIECES, starts, strict=True)
    ]
    assert read.shape_of("b.weight") == (4, 192)


def test_bytes_equal_those_of_the_reference_writer(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "theirs.gguf", "flux")
    writer.add_quantization_version(2)
    writer.add_file_type(7)
    writer.add_tensor("a", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    layout = GgufFile().layout([Piece("a", "fp32", (2, 3), 24)], METADATA)
    assert (tmp_path / "theirs.gguf").read_bytes()[: len(layout.header)] == layout.header


def test_an_empty_file_and_what_gguf_cannot_hold() -> None:
    assert GgufFile().layout([], {}).size == 32
    with pytest.raises(ValueError, match="no fp8_e4m3fn"):
        GgufFile().layout([Piece("a", "fp8_e4m3fn", (2,), 2)], {})
    with pytest.raises(ValueError, match="longer than"):
        GgufFile().layout([Piece("a" * 128, "fp32", (2,), 8)], {})
