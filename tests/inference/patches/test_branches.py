"""A branch adds what the merged weight would have added, for any rows asked for, on any storage."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.inference.layers.linear import Branch, PackedLinear
from engine.inference.patches.branches import Bias, Hadamard, Kronecker, LowRank, Matrix
from engine.inference.weights import scratch
from engine.inference.weights.four_bit import FourBit, PlainScales
from engine.inference.weights.fp8 import Float8
from engine.inference.weights.gguf_blocks import GgufBlocks
from engine.inference.weights.packed import Packed, Plain

INPUTS, OUTPUTS = 64, 36
KINDS = ("low rank", "hadamard", "kronecker", "matrix", "bias")


def branch_of(kind: str, seed: int, rank: int, scale: float, first: int, rows: int) -> tuple[Branch, torch.Tensor]:
    """A branch over some rows, and what it adds to the weight; for a bias, to the bias."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / INPUTS**0.5

    if kind == "low rank":
        down, up = random(rank, INPUTS), random(rows, rank)
        return LowRank(down, up, scale, first), scale * up @ down
    if kind == "hadamard":
        a, b, c, d = random(rows, rank), random(rank, INPUTS), random(rows, rank), random(rank, INPUTS)
        return Matrix(Hadamard((a, b), (c, d)), scale, first), scale * (a @ b) * (c @ d)
    if kind == "kronecker":
        left, right = random(2, 4), random(rows // 2, INPUTS // 4)
        return Kronecker(left, right, scale, first), scale * torch.kron(left, right)
    values = random(rows) if kind == "bias" else random(rows, INPUTS)
    branch: Branch = Bias(values, scale, first) if kind == "bias" else Matrix(Plain(values), scale, first)
    return branch, scale * values


def stored_as(storage: str) -> Packed:
    """A matrix in some storage, every value at most about 1."""
    generator = torch.Generator().manual_seed(9)
    values = torch.randn(OUTPUTS, INPUTS, generator=generator) / INPUTS**0.5
    codes = torch.randint(0, 256, (OUTPUTS * INPUTS,), dtype=torch.uint8, generator=generator)
    if storage == "fp8":
        return Float8(values.to(torch.float8_e4m3fn))
    if storage == "nf4":
        scales = PlainScales(torch.rand(OUTPUTS * INPUTS // 64, generator=generator))
        return FourBit(codes[::2].clone(), scales, torch.linspace(-1, 1, 16), OUTPUTS, INPUTS)
    if storage == "Q8_0":
        scale = torch.full((OUTPUTS * INPUTS // 32, 1), 0.002, dtype=torch.float16).view(torch.uint8)
        return GgufBlocks(torch.cat((scale, codes.view(-1, 32)), dim=1).flatten(), "Q8_0", OUTPUTS, INPUTS)
    return Plain(values.bfloat16() if storage == "bf16" else values)


@st.composite
def stacks(draw: st.DrawFn) -> list[tuple[str, int, int, float, int, int]]:
    """Up to three branches of any kinds."""
    found = []
    for seed in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, OUTPUTS - 2))
        rows = 2 * draw(st.integers(1, (OUTPUTS - first) // 2))
        scale = draw(st.floats(-2, 2, width=32))
        found.append((draw(st.sampled_from(KINDS)), seed, draw(st.integers(1, 8)), scale, first, rows))
    return found


@settings(max_examples=60, deadline=None)
@given(
    stack=stacks(),
    storage=st.sampled_from(["fp32", "bf16", "fp8", "nf4", "Q8_0"]),
    asked=st.tuples(st.integers(0, OUTPUTS), st.integers(0, OUTPUTS)).map(sorted),
    given_out=st.booleans(),
)
def test_a_stack_equals_merged_weights(
    stack: list[tuple[str, int, int, float, int, int]], storage: str, asked: list[int], given_out: bool
) -> None:
    layer, packed = PackedLinear(INPUTS, OUTPUTS), stored_as(storage)
    layer.fill(packed, torch.linspace(-1, 1, OUTPUTS))
    merged, bias = torch.empty(OUTPUTS, INPUTS), torch.linspace(-1, 1, OUTPUTS)
    packed.decode(0, OUTPUTS, merged)
    made = [branch_of(*each) for each in stack]
    layer.branches = [branch for branch, _ in made]
    for (kind, *_, first, rows), (_, change) in zip(stack, made, strict=True):
        (bias if kind == "bias" else merged)[first : first + rows] += change
    x = torch.randn(2, 3, INPUTS, generator=torch.Generator().manual_seed(1))
    wanted = (x @ merged.T + bias)[..., slice(*asked)]
    joined = torch.zeros(2, 3, wanted.shape[-1] + 4)
    answer = layer(x, rows=slice(*asked), out=joined[..., 4:] if given_out else None)
    torch.testing.assert_close(answer, wanted, rtol=0, atol=1e-5)
    assert not joined[..., :4].any()


def test_halves_that_stand_the_other_way_round_are_exchanged() -> None:
    left, right, x = torch.randn(3, 4), torch.randn(12, 16), torch.randn(5, INPUTS)
    out = torch.zeros(5, OUTPUTS)
    Kronecker(left, right, 1.0, swapped=True).add(x, slice(0, OUTPUTS), out)
    lower, upper = torch.kron(left, right).chunk(2)
    torch.testing.assert_close(out, x @ torch.cat((upper, lower)).T)


def test_a_matrix_is_decoded_in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "CPU_VALUES", 5 * INPUTS)
    monkeypatch.setattr(scratch, "_buffers", scratch._Buffers())
    branch, change = branch_of("hadamard", 0, 4, 0.5, 3, 30)
    x, out = torch.randn(4, INPUTS), torch.zeros(4, 20)
    branch.add(x, slice(10, 30), out)
    torch.testing.assert_close(out, x @ change[7:27].T)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_are_computed_in(dtype: torch.dtype) -> None:
    layer = PackedLinear(INPUTS, OUTPUTS)
    layer.fill(Plain(torch.randn(OUTPUTS, INPUTS).to(dtype)))
    x, down, up = (torch.randn(shape).to(dtype) for shape in ((2, INPUTS), (4, INPUTS), (OUTPUTS, 4)))
    plain = layer(x)
    layer.branches = [LowRank(down, up, 0.5)]
    assert layer(x).dtype == dtype
    torch.testing.assert_close(layer(x), plain + 0.5 * (x @ down.T) @ up.T, rtol=0.02, atol=0.5)
