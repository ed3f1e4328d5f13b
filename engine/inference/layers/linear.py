"""PackedLinear: x W^T + b, with W decoded for the length of one call, and what patches add at its side."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.inference.weights import scratch
from engine.inference.weights.packed import Packed


class Branch(Protocol):
    """What a patch adds to a linear layer's outputs. The layer's weight stays as it is stored."""

    def add(self, x: Tensor, rows: slice, out: Tensor) -> None:
        """Add to `out` (n, rows) what the patch makes of x (n, inputs) in these rows of the layer, of the same type."""


class PackedLinear(nn.Module):
    """A linear layer that keeps its weight as the file stores it.

    The weight is decoded a run of rows at a time into a shared buffer, each run multiplied at once: nothing decoded
    outlives the call, and the buffer stays in cache. A weight that has the type of the input is used as it is.
    branches: added up behind it; engine.inference.patches lays them on and lifts them off.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        """Only the sizes; `fill` brings weight (outputs, inputs) and bias (outputs,), this in the type computed in."""
        super().__init__()
        self.inputs, self.outputs, self.biased = inputs, outputs, bias
        self.packed: Packed | None = None
        self.bias: Tensor | None = None
        self.branches: Sequence[Branch] = ()

    def fill(self, packed: Packed, bias: Tensor | None = None) -> None:
        """Take a weight, and a bias if the layer has one."""
        self.packed, self.bias = packed, bias

    def forward(self, x: Tensor, rows: slice | None = None, out: Tensor | None = None) -> Tensor:
        """(..., inputs) → (..., outputs), or only the outputs in `rows`, written into `out` if one is given."""
        if self.packed is None:
            raise RuntimeError("a PackedLinear was called before it was filled")
        first, last, _ = (rows or slice(None)).indices(self.outputs)
        span = slice(first, last)
        if out is None and not self.branches and (ready := self.packed.as_is(x.dtype, x.device)) is not None:
            return functional.linear(x, ready[span], None if self.bias is None else self.bias[span])
        if out is None:
            out = x.new_empty(*x.shape[:-1], last - first)
        flat = _flat(out)
        result = x.new_empty(x.shape[:-1].numel(), last - first) if flat is None else flat
        self._answer(x.reshape(-1, self.inputs), self.packed, span, result)
        if flat is None:
            out.copy_(result.view(out.shape))
        return out

    def _answer(self, x: Tensor, packed: Packed, rows: slice, out: Tensor) -> None:
        """Fill `out` (n, rows) from x (n, inputs)."""
        bias = None if self.bias is None else self.bias[rows]
        ready = packed.as_is(x.dtype, x.device)
        if ready is not None:
            _multiply(x, ready[rows], bias, out)
        else:
            _multiply_in_runs(x, packed, rows, bias, out)
        for branch in self.branches:
            branch.add(x, rows, out)

    def extra_repr(self) -> str:
        """Sizes and kind of the weight."""
        return f"{self.inputs}, {self.outputs}, weight={type(self.packed).__name__}"


def _flat(out: Tensor) -> Tensor | None:
    """`out` with all but its last dimension joined, as a view; None where its strides forbid that."""
    try:
        return out.view(-1, out.shape[-1])
    except RuntimeError:
        return None


def _multiply(x: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> None:
    if bias is None:
        torch.mm(x, weight.t(), out=out)
    else:
        torch.addmm(bias, x, weight.t(), out=out)


def _multiply_in_runs(x: Tensor, packed: Packed, rows: slice, bias: Tensor | None, out: Tensor) -> None:
    buffer = scratch.rows(packed.columns, rows.stop - rows.start, x.dtype, x.device)
    for start in range(rows.start, rows.stop, len(buffer)):
        stop = min(start + len(buffer), rows.stop)
        weight = buffer[: stop - start]
        packed.decode(start, stop, weight)
        span = slice(start - rows.start, stop - rows.start)
        _multiply(x, weight, None if bias is None else bias[span], out[:, span])


def linears(module: nn.Module) -> Mapping[str, PackedLinear]:
    """Every PackedLinear inside a module, by its dotted name."""
    return {name: layer for name, layer in module.named_modules() if isinstance(layer, PackedLinear)}
