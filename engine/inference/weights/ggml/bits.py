"""What block decoders share: cutting bytes into codes, and reading wider numbers out of bytes.

All take (n, bytes) uint8 with one block a row and return one block a row. Numbers in files are little-endian.
"""

import torch
from torch import Tensor


def unpack(packed: Tensor, width: int, group: int) -> Tensor:
    """(n, b) bytes of codes `width` bits wide → (n, b * 8 / width) uint8.

    Each run of `group` bytes holds first the lowest codes of all its bytes, then the next higher ones, and so on: with
    group 1 the codes of a byte stand side by side.
    """
    shifts = torch.arange(0, 8, width, dtype=torch.uint8, device=packed.device).view(1, 1, -1, 1)
    runs = packed.reshape(len(packed), -1, 1, group)
    return ((runs >> shifts) & ((1 << width) - 1)).reshape(len(packed), -1)


def halves(raw: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 2k) bytes → (n, k), each from a half-precision number; in float32 denormals, infinities and NaNs are kept."""
    return _aligned(raw).view(torch.float16).to(dtype)


def signed(raw: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, k) bytes → (n, k), each byte a two's complement number."""
    return _aligned(raw).view(torch.int8).to(dtype)


def words(raw: Tensor) -> Tensor:
    """(n, 2k) bytes → (n, k) int32, each from 0 to 65535."""
    return _aligned(raw).view(torch.int16).to(torch.int32) & 0xFFFF


def long_words(raw: Tensor) -> Tensor:
    """(n, 4k) bytes → (n, k) int32 with all their bits: mask after each shift, for the highest bit is a sign here."""
    return _aligned(raw).view(torch.int32)


def _aligned(raw: Tensor) -> Tensor:
    # A copy even where the cut is contiguous (a single block): a view must begin at a multiple of its item size.
    return raw.clone(memory_format=torch.contiguous_format)
