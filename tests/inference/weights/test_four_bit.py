"""FourBit decodes as bitsandbytes does, from the parts that it writes, wherever rows and blocks begin."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.inference.weights import blocked, four_bit
from engine.inference.weights.four_bit import FourBit, NestedScales, PlainScales


@pytest.fixture(scope="module")
def functional() -> Any:
    logging.disable(logging.WARNING)  # it tells of optional parts when imported
    try:
        return pytest.importorskip("bitsandbytes.functional")
    finally:
        logging.disable(logging.NOTSET)


def random_parts(
    rows: int, columns: int, blocksize: int = 64, nested: bool = False
) -> tuple[Tensor, dict[str, Tensor]]:
    """Codes and parts as a file has them, of random bytes."""
    random = torch.Generator().manual_seed(5)
    values = rows * columns
    blocks = -(-values // blocksize)
    state: dict[str, Any] = {"quant_type": "nf4", "blocksize": blocksize, "dtype": "float16", "shape": [rows, columns]}
    parts = {"quant_map": torch.randn(16, generator=random), "absmax": torch.rand(blocks, generator=random)}
    if nested:
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.03125}
        parts["absmax"] = torch.randint(0, 256, (blocks,), dtype=torch.uint8, generator=random)
        parts["nested_quant_map"] = torch.randn(256, generator=random)
        parts["nested_absmax"] = torch.rand(-(-blocks // 256), generator=random)
    parts["quant_state.bitsandbytes__nf4"] = json_tensor(state)
    codes = torch.randint(0, 256, (-(-values // 2), 1), dtype=torch.uint8, generator=random)
    return codes, parts


def json_tensor(state: Mapping[str, Any]) -> Tensor:
    return torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)


def plainly(codes: Tensor, parts: Mapping[str, Tensor], rows: int, columns: int, blocksize: int = 64) -> Tensor:
    """The definition, value by value."""
    flat = codes.view(-1).int()
    numbers = torch.stack([flat >> 4, flat & 15], dim=1).view(-1)[: rows * columns]
    absmax = parts["absmax"]
    if "nested_absmax" in parts:
        outer = parts["nested_absmax"].repeat_interleave(256)[: len(absmax)]
        absmax = parts["nested_quant_map"][absmax.int()] * outer + 0.03125
    return (parts["quant_map"][numbers] * absmax.repeat_interleave(blocksize)[: rows * columns]).view(rows, columns)


def decoded(packed: FourBit, first: int, last: int, dtype: torch.dtype = torch.float32) -> Tensor:
    out = torch.full((last - first, packed.columns), 7.0, dtype=dtype)
    packed.decode(first, last, out)
    return out


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
@pytest.mark.parametrize("blocksize", [64, 256])
@pytest.mark.parametrize("shape", [(300, 128), (7, 36)], ids=str)
def test_what_bitsandbytes_packs_decodes_as_it_says(
    functional: Any, kind: str, nested: bool, blocksize: int, shape: tuple[int, int]
) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    codes, state = functional.quantize_4bit(weight, blocksize=blocksize, compress_statistics=nested, quant_type=kind)
    packed = FourBit.from_parts(codes, state.as_dict(packed=True), shape)
    assert torch.equal(decoded(packed, 0, shape[0]), functional.dequantize_4bit(codes, state))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_the_type_that_was_packed_does_not_round_the_values(functional: Any, dtype: torch.dtype) -> None:
    weight = torch.randn(16, 64, generator=torch.Generator().manual_seed(1)).to(dtype)
    codes, state = functional.quantize_4bit(weight, quant_type="nf4")
    packed = FourBit.from_parts(codes, state.as_dict(packed=True), weight.shape)
    state.dtype = torch.float32
    assert torch.equal(decoded(packed, 0, 16), functional.dequantize_4bit(codes, state))


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
@pytest.mark.parametrize("columns", [64, 128, 36, 5, 3])
def test_every_run_of_rows_and_every_cut_is_exact(columns: int, nested: bool) -> None:
    codes, parts = random_parts(11, columns, nested=nested)
    packed, values = FourBit.from_parts(codes, parts, (11, columns)), plainly(codes, parts, 11, columns)
    for first in range(11):
        for last in range(first, 12):
            assert torch.equal(decoded(packed, first, last), values[first:last])
            assert torch.equal(decoded(packed.cut(first, last), 0, last - first), values[first:last])
    assert torch.equal(decoded(packed.cut(2, 9).cut(3, 6), 1, 3), values[6:8])


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_large_runs_are_decoded_in_pieces(nested: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "PIECE", 128)
    monkeypatch.setattr(four_bit, "AT_ONCE", 128)
    codes, parts = random_parts(11, 65, nested=nested)
    packed = FourBit.from_parts(codes, parts, (11, 65))
    assert torch.equal(decoded(packed, 1, 11), plainly(codes, parts, 11, 65)[1:])


def test_nested_scales_are_cut_within_their_blocks_and_stay_as_stored() -> None:
    codes, parts = random_parts(900, 64, nested=True)
    packed, values = FourBit.from_parts(codes, parts, (900, 64)), plainly(codes, parts, 900, 64)
    part = packed.cut(200, 800).cut(100, 400)
    assert torch.equal(decoded(part, 0, 300), values[300:600])
    assert isinstance(part.scales, NestedScales)
    assert part.scales.bytes == 300 + 4 * 256 + 4 * 2
    assert part.codes.untyped_storage().data_ptr() == packed.codes.untyped_storage().data_ptr()


@pytest.mark.parametrize("absmax", [0.0, -0.0, float("inf"), float("nan"), 1e-42, 3e38])
def test_scales_of_any_value_multiply(absmax: float) -> None:
    codes, parts = random_parts(4, 32)
    parts["absmax"].fill_(absmax)
    ours = decoded(FourBit.from_parts(codes, parts, (4, 32)), 0, 4)
    assert torch.equal(ours.nan_to_num(nan=5.0), plainly(codes, parts, 4, 32).nan_to_num(nan=5.0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_narrower_buffers_are_rounded_to_once(dtype: torch.dtype) -> None:
    codes, parts = random_parts(11, 36)
    packed = FourBit.from_parts(codes, parts, (11, 36))
    assert torch.equal(decoded(packed, 1, 11, dtype), plainly(codes, parts, 11, 36)[1:].to(dtype))


def test_rows_are_taken_by_number() -> None:
    codes, parts = random_parts(11, 36)
    ids, out = torch.tensor([10, 0, 0, 4]), torch.empty(4, 36)
    FourBit.from_parts(codes, parts, (11, 36)).take(ids, out)
    assert torch.equal(out, plainly(codes, parts, 11, 36)[ids])


def test_it_moves_and_is_never_a_plain_tensor() -> None:
    codes, parts = random_parts(11, 36, nested=True)
    there = FourBit.from_parts(codes, parts, (11, 36)).cut(3, 9).to(torch.device("cpu"))
    assert torch.equal(decoded(there, 0, 6), plainly(codes, parts, 11, 36)[3:9])
    assert there.as_is(torch.float32, torch.device("cpu")) is None


def test_it_is_built_from_bare_tensors_too() -> None:
    packed = FourBit(
        torch.tensor([0x1F], dtype=torch.uint8), PlainScales(torch.tensor([2.0])), torch.arange(16.0), 1, 2
    )
    assert decoded(packed, 0, 1).tolist() == [[2.0, 30.0]]
    assert packed.bytes == 1 + 4 + 64


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "codes": ({"codes": torch.zeros(63, dtype=torch.uint8)}, "take 64 codes in uint8, not .63,. uint8"),
    "absmax": ({"absmax": torch.ones(3)}, "take 2 scales, not 3"),
    "no absmax": ({"absmax": None}, "'absmax' is missing"),
    "quant_map": ({"quant_map": torch.ones(15)}, "take 16 values in the table in float32, not .15,."),
    "no state": ({"quant_state.bitsandbytes__nf4": None}, "0 parts named quant_state.bitsandbytes__"),
    "not json": ({"quant_state.bitsandbytes__nf4": torch.tensor([0xFF, 1], dtype=torch.uint8)}, "is not JSON"),
    "a list": ({"quant_state.bitsandbytes__nf4": json_tensor([1])}, "quant_type None; known are nf4 and fp4"),  # type: ignore[arg-type]
    "kind": ({"quant_state.bitsandbytes__nf4": json_tensor({"quant_type": "int4"})}, "quant_type 'int4'"),
    "two kinds": ({"quant_state.bitsandbytes__nf4": json_tensor({"quant_type": "fp4"})}, "says quant_type 'fp4'"),
    "blocksize": ({"state": {"blocksize": 0}}, "gives 0 as blocksize"),
    "odd blocks": ({"state": {"blocksize": 7}}, "a block of 7 values of four bits"),
    "shape": ({"state": {"shape": [2, 64]}}, r"gives the shape \(2, 64\), not \(4, 32\)"),
    "not nested": ({"absmax": torch.zeros(2, dtype=torch.uint8)}, "'nested_absmax' is missing"),
    "half nested": ({"nested_absmax": torch.ones(1)}, "'nested_quant_map' is missing"),
    "plain and nested": (
        {"nested_absmax": torch.ones(1), "nested_quant_map": torch.ones(256)},
        "it has 2 float32 scales, 256 values for them and 1 scales of scales, and needs uint8, 256 and 1",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_parts_that_do_not_fit_are_refused_in_words(case: str) -> None:
    changes, said = BROKEN[case]
    codes, parts = random_parts(4, 32)
    for name, value in changes.items():
        if name == "codes":
            codes = value
        elif name == "state":
            parts["quant_state.bitsandbytes__nf4"] = json_tensor({"quant_type": "nf4", **value})
        elif value is None:
            del parts[name]
        else:
            parts[name] = value
    with pytest.raises(ValueError, match=said):
        FourBit.from_parts(codes, parts, (4, 32))
