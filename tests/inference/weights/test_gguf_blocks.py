"""GgufBlocks: any rows, any cut, any type of buffer, with libgguf and without."""

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, quants
from torch import Tensor

from engine.inference.weights import blocked, gguf_blocks
from engine.inference.weights.ggml.formats import DECODERS
from engine.inference.weights.gguf_blocks import GgufBlocks

KINDS = ("Q8_0", "Q4_K", "IQ2_XS")


@pytest.fixture(params=["libgguf", "torch"], autouse=True)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(gguf_blocks, "_library", lambda: None)
    elif not gguf_blocks.native():
        pytest.skip("no libgguf here")
    return str(request.param)


def matrix(kind: str, rows: int, columns: int) -> tuple[GgufBlocks, Tensor]:
    """A matrix of finite values and what it decodes to."""
    layout = DECODERS[kind]
    count = -(-rows * columns // layout.values)
    raw = np.random.default_rng(3).integers(0, 0x3C, (count, layout.bytes), dtype=np.uint8)
    values = quants.dequantize(raw, GGMLQuantizationType[kind]).reshape(-1)[: rows * columns]
    return GgufBlocks(torch.from_numpy(raw).view(-1), kind, rows, columns), torch.from_numpy(values).view(rows, columns)


def decoded(packed: GgufBlocks, first: int, last: int, dtype: torch.dtype = torch.float32) -> Tensor:
    out = torch.full((last - first, packed.columns), 7.0, dtype=dtype)
    packed.decode(first, last, out)
    return out


@pytest.mark.parametrize("columns", [256, 512, 40, 100, 3, 257])
@pytest.mark.parametrize("kind", KINDS)
def test_every_run_of_rows_is_exact_wherever_blocks_begin(kind: str, columns: int) -> None:
    packed, values = matrix(kind, 12, columns)
    for first in range(12):
        for last in range(first, 13):
            assert torch.equal(decoded(packed, first, last), values[first:last])


@pytest.mark.parametrize("columns", [256, 100, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_cuts_of_cuts_are_exact_and_share_their_bytes(kind: str, columns: int) -> None:
    packed, values = matrix(kind, 12, columns)
    part = packed.cut(3, 11)
    again = part.cut(2, 5)
    assert torch.equal(decoded(part, 0, 8), values[3:11])
    assert torch.equal(decoded(again, 1, 3), values[6:8])
    assert (again.rows, again.bytes) == (3, again.blocks.numel())
    assert again.bytes <= part.bytes <= packed.bytes
    assert again.blocks.untyped_storage().data_ptr() == packed.blocks.untyped_storage().data_ptr()
    assert decoded(packed.cut(4, 4), 0, 0).shape == (0, columns)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("columns", [256, 100])
def test_narrower_buffers_are_rounded_to_once(
    dtype: torch.dtype, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocked, "PIECE", 512)
    packed, values = matrix("Q4_K", 12, columns)
    assert torch.equal(decoded(packed, 1, 12, dtype), values[1:].to(dtype))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("kind", [kind for kind, layout in DECODERS.items() if layout.narrow])
def test_blocks_are_computed_in_a_narrow_type_if_asked_for(kind: str, dtype: torch.dtype) -> None:
    packed, values = matrix(kind, 4, 256)
    narrow = GgufBlocks(packed.blocks, kind, 4, 256, dtype)
    found = decoded(narrow, 0, 4)
    assert torch.equal(found, found.to(dtype).float())
    assert 0 < (found - values).abs().max() < 0.02 * values.abs().max()
    assert torch.equal(decoded(narrow.cut(1, 3), 0, 2), found[1:3])


def test_kinds_that_the_node_pack_decodes_in_float32_stay_so() -> None:
    packed, values = matrix("IQ2_XS", 4, 256)
    assert torch.equal(decoded(GgufBlocks(packed.blocks, "IQ2_XS", 4, 256, torch.float16), 0, 4), values)


def test_a_buffer_with_gaps_is_filled_and_its_gaps_are_not() -> None:
    packed, values = matrix("Q8_0", 4, 64)
    wide = torch.full((4, 70), 7.0)
    packed.decode(0, 4, wide[:, 3:67])
    assert torch.equal(wide[:, 3:67], values)
    assert bool((wide[:, :3] == 7).all() and (wide[:, 67:] == 7).all())


def test_large_runs_are_decoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "PIECE", 512)
    packed, values = matrix("Q4_K", 30, 256)
    assert torch.equal(decoded(packed, 1, 30), values[1:])


@pytest.mark.parametrize("columns", [256, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_rows_are_taken_by_number_in_any_order_and_again(dtype: torch.dtype, columns: int) -> None:
    packed, values = matrix("Q8_0", 12, columns)
    ids = torch.tensor([11, 0, 0, 7, 11])
    out = torch.empty(5, columns, dtype=dtype)
    packed.take(ids, out)
    assert torch.equal(out, values[ids].to(dtype))


def test_it_moves_and_is_never_a_plain_tensor() -> None:
    packed, values = matrix("Q4_K", 4, 256)
    there = packed.cut(1, 4).to(torch.device("cpu"))
    assert torch.equal(decoded(there, 0, 3), values[1:])
    assert there.as_is(torch.float32, torch.device("cpu")) is None


@pytest.mark.parametrize(
    ("blocks", "kind", "said"),
    [
        (
            torch.zeros(143, dtype=torch.uint8),
            "Q4_K",
            r"Q4_K blocks of 1 × 256 values take 144 uint8, not \(143,\) uint8",
        ),
        (torch.zeros(1, 144, dtype=torch.uint8), "Q4_K", r"not \(1, 144\) uint8"),
        (torch.zeros(144, dtype=torch.int8), "Q4_K", r"not \(144,\) int8"),
        (torch.zeros(144, dtype=torch.uint8), "Q8_K", "no decoder for GGUF blocks of type Q8_K"),
    ],
)
def test_what_does_not_fit_is_refused(blocks: Tensor, kind: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GgufBlocks(blocks, kind, 1, 256)
