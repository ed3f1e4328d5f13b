"""8-bit floats: e4m3fn and e5m2 (OCP 8-bit floating point specification), plain or with a scale.

PyTorch's own cast on a CPU looks at one value at a time. Here the code's bits are moved to where a wider float keeps
them, whole rows at once, and one multiplication corrects the exponent: ten times faster, and exact for every finite
code (the wider type holds all of them, denormals included). Codes for infinity and NaN would come out as finite
numbers, so a matrix is searched for them once, and one that has any takes PyTorch's cast.
"""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

FP8 = (torch.float8_e4m3fn, torch.float8_e5m2)
"""The 8-bit float types that files use."""

HOMES = ("cpu", "cuda")
"""Kinds of devices that know 8-bit floats; elsewhere (Metal) the codes stay on the CPU and are widened there."""

LARGEST_FACTOR = float(torch.finfo(torch.float32).max)


class BitMove(NamedTuple):
    """How a sign-extended code becomes a wider float: as integer, shift left, keep `mask`, read as float, multiply."""

    integer: torch.dtype
    shift: int
    mask: int
    factor: float


def _signed(mask: int, bits: int) -> int:
    return mask - (1 << bits)


MOVES = {
    (torch.float8_e4m3fn, torch.float32): BitMove(torch.int32, 20, _signed(0x87F00000, 32), 2.0**120),
    (torch.float8_e4m3fn, torch.bfloat16): BitMove(torch.int16, 4, _signed(0x87F0, 16), 2.0**120),
    (torch.float8_e4m3fn, torch.float16): BitMove(torch.int16, 7, _signed(0xBF80, 16), 2.0**8),
    (torch.float8_e5m2, torch.float32): BitMove(torch.int32, 21, _signed(0x8FE00000, 32), 2.0**112),
    (torch.float8_e5m2, torch.bfloat16): BitMove(torch.int16, 5, _signed(0x8FE0, 16), 2.0**112),
    (torch.float8_e5m2, torch.float16): BitMove(torch.int16, 8, _signed(0xFF00, 16), 1.0),
}
"""(stored type, wanted type) to the move. The factor is 2 to the difference of the exponents' biases."""


class Float8:
    """Rows of 8-bit floats, times a scale if the file gives one."""

    def __init__(self, codes: Tensor, scale: Tensor | None = None) -> None:
        """codes: (rows, columns) in an 8-bit float type. scale: None, one number, or one number per row.

        Raises ValueError for a scale of another size.
        """
        self.codes = codes
        self.rows, self.columns = codes.shape
        self.bytes = codes.nbytes
        if scale is not None and scale.numel() not in (1, self.rows):
            raise ValueError(f"a scale of {scale.numel()} numbers does not fit a matrix of {self.rows} rows")
        single = scale is None or scale.numel() == 1
        self.factor = 1.0 if scale is None else float(scale.float()) if single else 1.0
        self.row_scale = None if single or scale is None else scale.float().reshape(-1, 1)

    def decode(self, first: int, last: int, out: Tensor) -> None:
        """Widen rows, exactly, and multiply by the scale in float32."""
        if out.device.type not in HOMES:
            wide = torch.empty(out.shape, dtype=out.dtype)
            self.decode(first, last, wide)
            out.copy_(wide)
            return
        codes = self.codes[first:last]
        if out.device.type != "cpu" or (codes.dtype, out.dtype) not in MOVES or self.has_special_codes:
            out.copy_(codes)
            factor = self.factor
        else:
            factor = self._move_bits(codes, out)
        if factor != 1.0:
            out.mul_(factor)
        if self.row_scale is not None:
            out.mul_(self.row_scale[first:last].to(out.device))

    def _move_bits(self, codes: Tensor, out: Tensor) -> float:
        """Fill `out` up to a factor, which is returned."""
        move = MOVES[codes.dtype, out.dtype]
        bits = out.view(move.integer)
        bits.copy_(codes.view(torch.int8))
        bits.bitwise_left_shift_(move.shift)
        bits.bitwise_and_(move.mask)
        together = move.factor * self.factor
        if abs(together) <= LARGEST_FACTOR:
            return together
        out.mul_(move.factor)
        return self.factor

    @cached_property
    def has_special_codes(self) -> bool:
        """Whether any code stands for NaN or infinity. Reads the whole matrix, once."""
        if self.codes.numel() == 0 or self.codes.device.type != "cpu":
            return False
        largest = 0x7F if self.codes.dtype == torch.float8_e4m3fn else 0x7C
        positive = int(self.codes.view(torch.int8).max())
        negative = int(self.codes.view(torch.uint8).max())
        return positive >= largest or negative >= largest + 0x80

    def take(self, ids: Tensor, out: Tensor) -> None:
        """Look rows up as bytes, since PyTorch looks up in wider types only, then widen and multiply by the scale."""
        ids = ids.to(self.codes.device)
        out.copy_(self.codes.view(torch.uint8)[ids].view(self.codes.dtype))
        if self.factor != 1.0:
            out.mul_(self.factor)
        if self.row_scale is not None:
            out.mul_(self.row_scale[ids.to(self.row_scale.device)].to(out.device))

    def cut(self, first: int, last: int) -> "Float8":
        """Rows first..last (exclusive), sharing the same bytes."""
        return self._like(self.codes[first:last], None if self.row_scale is None else self.row_scale[first:last])

    def to(self, device: torch.device) -> "Float8":
        """The same matrix with its bytes on `device`, if that knows them."""
        return self if device.type not in HOMES else self._like(self.codes.to(device), self.row_scale)

    def _like(self, codes: Tensor, row_scale: Tensor | None) -> "Float8":
        other = Float8(codes)
        other.factor, other.row_scale = self.factor, row_scale
        return other

    def as_is(self, dtype: torch.dtype, device: torch.device) -> Tensor | None:
        """None: nothing computes in 8 bits as stored."""
        return None
