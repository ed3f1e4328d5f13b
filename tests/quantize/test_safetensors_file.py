"""Files laid out by us are read by the reference implementation and by our own reader."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load

from engine.checkpoints.index import read
from engine.quantize.contract import Piece
from engine.quantize.safetensors_file import SafetensorsFile

BITS = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8_e4m3fn": 8, "uint8": 8, "int64": 64}


def pieces_of(kinds, lengths):
    return [
        Piece(f"{number}.wéight", kind, (length,), length * BITS[kind] // 8)
        for number, (kind, length) in enumerate(zip(kinds, lengths, strict=False))
    ]


def written(pieces, metadata):
    layout = SafetensorsFile().layout(pieces, metadata)
    data = bytearray(layout.size)
    data[: len(layout.header)] = layout.header
    for number, (piece, start) in enumerate(zip(pieces, layout.starts, strict=True)):
        data[start : start + piece.bytes] = bytes([number % 8]) * piece.bytes
    return layout, bytes(data)


@given(st.lists(st.sampled_from(sorted(BITS)), max_size=8), st.lists(st.integers(0, 9), min_size=8, max_size=8))
def test_the_reference_implementation_reads_every_layout(kinds, lengths):
    pieces = pieces_of(kinds, lengths)
    layout, data = written(pieces, {"format": "pt"})
    found = load(data)
    assert set(found) == {piece.name for piece in pieces}
    for number, (piece, start) in enumerate(zip(pieces, layout.starts, strict=True)):
        values = found[piece.name]
        assert tuple(values.shape) == piece.shape
        assert (values.view(torch.uint8) == number % 8).all()
        assert start % (BITS[piece.dtype] // 8) == 0
    assert len(layout.header) % 8 == 0


def test_our_reader_finds_shapes_types_and_metadata(tmp_path):
    pieces = [Piece("marker", "fp8_e4m3fn", (0,), 0), Piece("scale", "fp32", (), 4), Piece("w", "bf16", (2, 3), 12)]
    (tmp_path / "a.safetensors").write_bytes(written(pieces, {"format": "pt"})[1])
    index = read(tmp_path / "a.safetensors")
    assert index.metadata == {"format": "pt"}
    assert {name: (info.dtype, info.shape) for name, info in index.tensors.items()} == {
        piece.name: (piece.dtype, piece.shape) for piece in pieces
    }


def test_the_same_pieces_give_the_same_bytes():
    pieces = pieces_of(["bf16", "fp32", "uint8"], [3, 4, 5])
    assert np.array_equal(written(pieces, {})[1], written(pieces, {})[1])


def test_repeated_names_and_unknown_types_are_refused():
    with pytest.raises(ValueError, match="'0.wéight' is there twice"):
        SafetensorsFile().layout(pieces_of(["bf16"], [1]) * 2, {})
    with pytest.raises(ValueError, match="gguf:Q4_K"):
        SafetensorsFile().layout([Piece("a", "gguf:Q4_K", (256,), 144)], {})
