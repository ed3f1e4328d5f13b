"""Each block format comes out, in torch and through libgguf, as its own authors' code gives it."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from torch import Tensor

from engine.inference.weights.ggml.formats import DECODERS, block_format

UNKNOWN_TO_GGUF = ("Q1_0",)
KNOWN = tuple(kind for kind in DECODERS if kind not in UNKNOWN_TO_GGUF)
HALVES = (0x0000, 0x8000, 0x0001, 0x03FF, 0x83FF, 0x0400, 0x3C00, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0xFFFF)


def awkward_blocks(kind: str) -> Tensor:
    """Random blocks, then all bits clear, all set, then blocks made wholly of one awkward half-precision number."""
    size = DECODERS[kind].bytes
    chosen = np.random.default_rng(7).integers(0, 256, (400, size), dtype=np.uint8)
    alike = [np.full(size, byte, np.uint8) for byte in (0x00, 0xFF, 0x7F, 0x80)]
    repeated = [np.frombuffer(half.to_bytes(2, "little") * size, np.uint8)[:size] for half in HALVES]
    return torch.from_numpy(np.concatenate([chosen, np.stack(alike + repeated)]))


def same(ours: Tensor, theirs: Tensor) -> bool:
    """Bit for bit, signs of zeros included; one NaN is as good as another."""
    equal = (ours.view(torch.int32) == theirs.view(torch.int32)) | (ours.isnan() & theirs.isnan())
    return ours.shape == theirs.shape and bool(equal.all())


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("kind", KNOWN)
def test_the_sizes_of_blocks_are_those_of_gguf(kind: str) -> None:
    assert (DECODERS[kind].values, DECODERS[kind].bytes) == GGML_QUANT_SIZES[GGMLQuantizationType[kind]]


@pytest.mark.parametrize("kind", KNOWN)
def test_decoding_in_torch_equals_gguf_bit_for_bit(kind: str) -> None:
    blocks = awkward_blocks(kind)
    theirs = torch.from_numpy(quants.dequantize(blocks.numpy(), GGMLQuantizationType[kind]))
    assert same(DECODERS[kind].decode(blocks), theirs)


@pytest.mark.parametrize("kind", DECODERS)
def test_decoding_in_torch_equals_libgguf_bit_for_bit(kind: str) -> None:
    libgguf = pytest.importorskip("libgguf")
    blocks = awkward_blocks(kind)
    theirs = torch.from_numpy(libgguf.dequantize_rows(blocks.numpy(), libgguf.GGMLQuantizationType[kind]))
    assert same(DECODERS[kind].decode(blocks), theirs)


@pytest.mark.parametrize("kind", DECODERS)
def test_a_single_block_at_an_odd_place_in_memory_decodes_as_among_others(kind: str) -> None:
    blocks = awkward_blocks(kind)
    size = DECODERS[kind].bytes
    moved = torch.cat([torch.zeros(1, dtype=torch.uint8), blocks[5]])[1:].view(1, size)
    assert same(DECODERS[kind].decode(moved), DECODERS[kind].decode(blocks)[5:6])


@pytest.mark.parametrize("kind", ["Q8_1", "Q8_K", "F32", "q4_k"])
def test_a_kind_without_a_decoder_is_refused_with_those_there_are(kind: str) -> None:
    with pytest.raises(ValueError, match=f"type {kind}; there are Q1_0, Q4_0, .*IQ4_XS"):
        block_format(kind)
