"""Every code of both 8-bit floats comes out as PyTorch's own cast gives it."""

import pytest
import torch
from torch import Tensor

from engine.inference.weights.fp8 import FP8, Float8

WIDE = (torch.float32, torch.bfloat16, torch.float16)


def all_codes(dtype: torch.dtype) -> Tensor:
    return torch.arange(256, dtype=torch.int16).to(torch.uint8).view(dtype).view(8, 32)


def finite_codes(dtype: torch.dtype) -> Tensor:
    codes = all_codes(dtype).clone()
    codes.view(torch.uint8)[~codes.float().isfinite()] = 0
    return codes


def decoded(packed: Float8, dtype: torch.dtype) -> Tensor:
    out = torch.full((packed.rows, packed.columns), 7.0, dtype=dtype)
    packed.decode(0, packed.rows, out)
    return out


@pytest.mark.parametrize("wide", WIDE, ids=str)
@pytest.mark.parametrize("narrow", FP8, ids=str)
def test_all_256_codes_are_those_of_pytorch_nan_and_infinity_included(narrow: torch.dtype, wide: torch.dtype) -> None:
    codes = all_codes(narrow)
    assert torch.equal(decoded(Float8(codes), wide).nan_to_num(nan=9e4), codes.to(wide).nan_to_num(nan=9e4))


@pytest.mark.parametrize("wide", WIDE, ids=str)
@pytest.mark.parametrize("narrow", FP8, ids=str)
def test_finite_codes_take_the_fast_road_and_are_exact(narrow: torch.dtype, wide: torch.dtype) -> None:
    packed = Float8(finite_codes(narrow))
    assert not packed.has_special_codes
    assert torch.equal(decoded(packed, wide), packed.codes.to(wide))


@pytest.mark.parametrize("narrow", FP8, ids=str)
@pytest.mark.parametrize("sign", [0x00, 0x80])
def test_a_single_special_code_is_found(narrow: torch.dtype, sign: int) -> None:
    codes = torch.zeros(4, 4, dtype=torch.uint8)
    codes[2, 3] = (0x7F if narrow == torch.float8_e4m3fn else 0x7C) | sign
    assert Float8(codes.view(narrow)).has_special_codes


@pytest.mark.parametrize("scale", [0.0123, 3.0, -2.5, 1e-30, 700.0, 1e20])
@pytest.mark.parametrize("narrow", FP8, ids=str)
def test_a_scale_multiplies_in_float32(narrow: torch.dtype, scale: float) -> None:
    packed = Float8(finite_codes(narrow), torch.tensor(scale))
    assert torch.equal(decoded(packed, torch.float32), packed.codes.float() * torch.tensor(scale))


def test_a_scale_for_each_row_multiplies_its_row() -> None:
    scale = torch.arange(1.0, 9.0)
    packed = Float8(finite_codes(torch.float8_e4m3fn), scale)
    assert torch.equal(decoded(packed, torch.float32), packed.codes.float() * scale[:, None])
    assert torch.equal(decoded(packed.cut(2, 5), torch.float32), packed.codes[2:5].float() * scale[2:5, None])


def test_a_scale_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a scale of 3 numbers does not fit a matrix of 8 rows"):
        Float8(finite_codes(torch.float8_e4m3fn), torch.ones(3))


def test_rows_are_decoded_alone_and_cut_without_copying() -> None:
    packed = Float8(finite_codes(torch.float8_e4m3fn), torch.tensor(0.5))
    whole = decoded(packed, torch.float32)
    some = torch.empty(3, 32)
    packed.decode(2, 5, some)
    part = packed.cut(2, 5)
    assert torch.equal(some, whole[2:5])
    assert torch.equal(decoded(part, torch.float32), whole[2:5])
    assert part.codes.data_ptr() == packed.codes[2:].data_ptr()


def test_where_a_device_knows_no_8_bit_floats_the_codes_stay_on_the_cpu() -> None:
    packed, elsewhere = Float8(finite_codes(torch.float8_e5m2)), torch.device("meta")
    assert packed.to(elsewhere) is packed
    packed.decode(0, 8, torch.empty(8, 32, device=elsewhere))
