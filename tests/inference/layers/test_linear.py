"""A packed layer answers as F.linear on the decoded weight does, in whatever run, slice or buffer."""

import pytest
import torch
from torch.nn import functional

from engine.inference.layers.linear import PackedLinear
from engine.inference.weights import scratch
from engine.inference.weights.fp8 import Float8
from engine.inference.weights.packed import Packed, Plain

INPUTS, OUTPUTS = 48, 37


def packed_of(kind: str) -> tuple[Packed, torch.Tensor]:
    values = torch.randn(OUTPUTS, INPUTS, generator=torch.Generator().manual_seed(3))
    if kind == "fp8":
        codes = values.to(torch.float8_e4m3fn)
        return Float8(codes), codes.float()
    if kind == "bf16":
        return Plain(values.bfloat16()), values.bfloat16().float()
    return Plain(values), values


@pytest.fixture(params=["fp32", "bf16", "fp8"])
def layer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PackedLinear:
    """A layer whose weight takes several runs of the scratch buffer."""
    monkeypatch.setattr(scratch, "CPU_VALUES", 5 * INPUTS)
    monkeypatch.setattr(scratch, "_buffers", scratch._Buffers())
    layer = PackedLinear(INPUTS, OUTPUTS)
    packed, layer.reference = packed_of(request.param)
    layer.fill(packed, torch.arange(float(OUTPUTS)))
    return layer


def expected(layer: PackedLinear, x: torch.Tensor) -> torch.Tensor:
    return functional.linear(x, layer.reference, layer.bias)


@pytest.mark.parametrize("shape", [(INPUTS,), (3, INPUTS), (2, 5, INPUTS)])
def test_it_equals_linear_on_the_decoded_weight(layer: PackedLinear, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    torch.testing.assert_close(layer(x), expected(layer, x))


def test_without_bias(layer: PackedLinear) -> None:
    layer.bias = None
    x = torch.randn(4, INPUTS)
    torch.testing.assert_close(layer(x), x @ layer.reference.T)


@pytest.mark.parametrize("rows", [slice(10), slice(7, 30), slice(20, None)])
def test_some_rows_only(layer: PackedLinear, rows: slice) -> None:
    x = torch.randn(2, 3, INPUTS)
    torch.testing.assert_close(layer(x, rows=rows), expected(layer, x)[..., rows])


def test_into_a_slice_of_columns(layer: PackedLinear) -> None:
    x, joined = torch.randn(2, 3, INPUTS), torch.zeros(2, 3, OUTPUTS + 10)
    layer(x, out=joined[..., 10:])
    torch.testing.assert_close(joined[..., 10:], expected(layer, x))
    assert not joined[..., :10].any()


def test_into_a_slice_of_tokens_whose_batch_cannot_be_joined(layer: PackedLinear) -> None:
    x, joined = torch.randn(2, 3, INPUTS), torch.zeros(2, 7, OUTPUTS)
    layer(x, out=joined[:, 4:])
    torch.testing.assert_close(joined[:, 4:], expected(layer, x))
    assert not joined[:, :4].any()


def test_a_layer_without_weight_says_so() -> None:
    with pytest.raises(RuntimeError, match="before it was filled"):
        PackedLinear(2, 2)(torch.ones(1, 2))
