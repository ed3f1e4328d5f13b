"""FourBit: NF4 and FP4 as bitsandbytes stores them (Dettmers et al. 2023, arXiv:2305.14314).

A value is table[code] * scale, one scale for each block of (as a rule) 64 values. Two codes share a byte, the first in
its high half, so a table of 256 pairs of floats, each read as one 8-byte number, decodes a byte at a time. On one
thread that is as fast as bitsandbytes' own library, whose import would cost seconds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.inference.weights.blocked import Blocked, piece

STATE = "quant_state.bitsandbytes__"
"""What the name of the part begins with that describes the others, in JSON; the kind of codes follows."""

KINDS = ("nf4", "fp4")
"""The kinds of codes that are known: both have their 16 values in the file."""

AT_ONCE = 1 << 20
"""Values decoded at a time, at least: fewer cost calls, more cost fresh memory for their indices."""


@dataclass(frozen=True)
class PlainScales:
    """absmax: (blocks,) float32, the largest magnitude of each block."""

    absmax: Tensor

    @property
    def count(self) -> int:
        """How many scales there are."""
        return len(self.absmax)

    @property
    def bytes(self) -> int:
        """What they take."""
        return self.absmax.nbytes

    def read(self, first: int, last: int) -> Tensor:
        """Scales first..last (exclusive), float32."""
        return self.absmax[first:last]

    def cut(self, first: int, last: int) -> "PlainScales":
        """Only scales first..last (exclusive), sharing the same bytes."""
        return PlainScales(self.absmax[first:last])

    def to(self, device: torch.device) -> "PlainScales":
        """The same on `device`."""
        return PlainScales(self.absmax.to(device))


@dataclass(frozen=True)
class NestedScales:
    """Scales that are quantised in turn: table[code] * absmax + mean.

    codes: (blocks,) uint8. table: (256,) float32. absmax: float32, one for each `blocksize` codes. offset: the mean
    that was taken off. skipped: how many codes of absmax[0] come before codes[0] (they were cut off).
    """

    codes: Tensor
    table: Tensor
    absmax: Tensor
    offset: float
    blocksize: int = 256
    skipped: int = 0

    @property
    def count(self) -> int:
        """How many scales there are."""
        return len(self.codes)

    @property
    def bytes(self) -> int:
        """What they take as stored."""
        return self.codes.nbytes + self.table.nbytes + self.absmax.nbytes

    def read(self, first: int, last: int) -> Tensor:
        """Scales first..last (exclusive), float32."""
        start, stop = self.skipped + first, self.skipped + last
        begin = start // self.blocksize
        outer = self.absmax[begin : -(-stop // self.blocksize)].repeat_interleave(self.blocksize)
        inner = torch.index_select(self.table, 0, self.codes[first:last].to(torch.int32))
        offset = begin * self.blocksize
        return inner.mul_(outer[start - offset : stop - offset]).add_(self.offset)

    def cut(self, first: int, last: int) -> "NestedScales":
        """Only scales first..last (exclusive), sharing the same bytes."""
        start, stop = self.skipped + first, self.skipped + last
        absmax = self.absmax[start // self.blocksize : -(-stop // self.blocksize)]
        skipped = start % self.blocksize
        return NestedScales(self.codes[first:last], self.table, absmax, self.offset, self.blocksize, skipped)

    def to(self, device: torch.device) -> "NestedScales":
        """The same on `device`."""
        codes, table, absmax = self.codes.to(device), self.table.to(device), self.absmax.to(device)
        return NestedScales(codes, table, absmax, self.offset, self.blocksize, self.skipped)


Scales = PlainScales | NestedScales


class FourBit(Blocked):
    """A (rows, columns) matrix of codes of four bits."""

    def __init__(
        self,
        codes: Tensor,
        scales: Scales,
        table: Tensor,
        rows: int,
        columns: int,
        blocksize: int = 64,
        offset: int = 0,
    ) -> None:
        """codes: flat uint8, two codes a byte, row after row. table: (16,) float32. offset: values before row 0.

        Raises ValueError for numbers of codes, scales or table entries that do not fit the sizes.
        """
        super().__init__(rows, columns, codes.nbytes + scales.bytes + table.nbytes, blocksize, offset)
        self.codes, self.scales, self.table = codes, scales, table
        self._check()
        pairs = torch.stack([table.repeat_interleave(16), table.repeat(16)], dim=1)
        self.pairs = pairs.view(torch.int64).view(-1)

    def _check(self) -> None:
        values = self.offset + self.rows * self.columns
        what = f"{self.rows} × {self.columns} values of four bits"
        if self.block < 2 or self.block % 2:
            raise ValueError(f"a block of {self.block} values of four bits does not end with a byte")
        for name, tensor, count, dtype in (
            ("codes", self.codes, -(-values // 2), torch.uint8),
            ("values in the table", self.table, 16, torch.float32),
        ):
            if tensor.shape != (count,) or tensor.dtype != dtype:
                shape = f"{tuple(tensor.shape)} {tensor.dtype}".replace("torch.", "")
                raise ValueError(f"{what} take {count} {name} in {dtype}, not {shape}".replace("torch.", ""))
        wanted = -(-values // self.block)
        if self.scales.count != wanted:
            raise ValueError(f"{what} in blocks of {self.block} take {wanted} scales, not {self.scales.count}")

    @classmethod
    def from_parts(cls, codes: Tensor, parts: Mapping[str, Tensor], shape: Sequence[int]) -> "FourBit":
        """As bitsandbytes writes it: the weight, its other tensors by what their names add to its own, its true shape.

        parts: "absmax", "quant_map", "quant_state.bitsandbytes__nf4" (or __fp4), and with nested scales
        "nested_absmax", "nested_quant_map". Raises ValueError that says what is missing or does not fit.
        """
        state = _state(parts)
        rows, columns = _rows_and_columns(shape)
        if "shape" in state and tuple(state["shape"]) != tuple(shape):
            raise ValueError(f"its quant_state gives the shape {tuple(state['shape'])}, not {tuple(shape)}")
        table = _part(parts, "quant_map").float().view(-1)
        flat = codes.view(torch.uint8).reshape(-1)
        return cls(flat, _scales(parts, state), table, rows, columns, _count(state, "blocksize", 64))

    def fill(self, first: int, last: int, out: Tensor) -> None:
        """Decode blocks first..last (exclusive) into `out`, flat float32."""
        if out.storage_offset() % 2:  # a pair must begin at a multiple of 8 bytes
            aligned = torch.empty_like(out)
            self.fill(first, last, aligned)
            out.copy_(aligned)
            return
        step = max(1, max(AT_ONCE, piece(out.device)) // self.block)
        for start in range(first, last, step):
            stop = min(start + step, last)
            self._fill(start, stop, out[(start - first) * self.block : (stop - first) * self.block])

    def _fill(self, first: int, last: int, out: Tensor) -> None:
        raw = self.codes[first * self.block // 2 : last * self.block // 2].to(out.device)
        out = out[: 2 * len(raw)]
        torch.index_select(self.pairs.to(out.device), 0, raw.to(torch.int32), out=out.view(torch.int64))
        scales = self.scales.read(first, last).to(out.device)
        if len(out) == (last - first) * self.block:
            out.view(-1, self.block).mul_(scales.unsqueeze(1))
        else:
            out.mul_(scales)  # a short last block, alone

    def cut(self, first: int, last: int) -> "FourBit":
        """Rows first..last (exclusive), sharing the same bytes; a block that straddles the cut belongs to both."""
        start, stop, offset = self.blocks_of(first, last)
        end = start * self.block + offset + (last - first) * self.columns
        codes = self.codes[start * self.block // 2 : -(-end // 2)]
        scales = self.scales.cut(start, stop)
        return FourBit(codes, scales, self.table, last - first, self.columns, self.block, offset)

    def to(self, device: torch.device) -> "FourBit":
        """The same matrix with its bytes on `device`."""
        codes, scales, table = self.codes.to(device), self.scales.to(device), self.table.to(device)
        return FourBit(codes, scales, table, self.rows, self.columns, self.block, self.offset)


def _part(parts: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in parts:
        raise ValueError(f"its {name!r} is missing; there are {', '.join(sorted(parts)) or 'no other parts'}")
    return parts[name]


def _state(parts: Mapping[str, Tensor]) -> dict[str, Any]:
    """The description among the parts, of a known kind."""
    names = [name for name in parts if name.startswith(STATE)]
    if len(names) != 1:
        raise ValueError(f"it has {len(names)} parts named {STATE}…, and needs one")
    try:
        state = json.loads(bytes(parts[names[0]].view(torch.uint8).flatten().tolist()))
    except ValueError as error:
        raise ValueError(f"its {names[0]} is not JSON: {error}") from error
    kind = state.get("quant_type") if isinstance(state, dict) else None
    if kind not in KINDS or names[0] != STATE + kind:
        raise ValueError(f"its {names[0]} says quant_type {kind!r}; known are {' and '.join(KINDS)}")
    return state


def _count(state: Mapping[str, Any], name: str, default: int) -> int:
    count = state.get(name, default)
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"its quant_state gives {count!r} as {name}")
    return count


def _rows_and_columns(shape: Sequence[int]) -> tuple[int, int]:
    if not shape:
        raise ValueError("a weight of four bits needs a shape")
    return shape[0], torch.Size(shape[1:]).numel()


def _scales(parts: Mapping[str, Tensor], state: Mapping[str, Any]) -> Scales:
    absmax = _part(parts, "absmax").view(-1)
    if "nested_absmax" not in parts:
        if not absmax.dtype.is_floating_point:
            raise ValueError("its scales are quantised, but 'nested_absmax' is missing")
        return PlainScales(absmax.float())
    table, outer = _part(parts, "nested_quant_map").float().view(-1), parts["nested_absmax"].float().view(-1)
    size, offset = _count(state, "nested_blocksize", 256), state.get("nested_offset", 0.0)
    wanted = -(-len(absmax) // size)
    if absmax.dtype != torch.uint8 or len(table) != 256 or len(outer) != wanted:
        said = f"{len(absmax)} {absmax.dtype} scales, {len(table)} values for them and {len(outer)} scales of scales"
        raise ValueError(f"it has {said}, and needs uint8, 256 and {wanted}".replace("torch.", ""))
    if not isinstance(offset, float | int):
        raise ValueError(f"its quant_state gives {offset!r} as nested_offset")
    return NestedScales(absmax, table, outer, float(offset), size)
