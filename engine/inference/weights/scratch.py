"""Scratch: the buffers that packed weights are decoded into, kept and reused.

A fresh buffer per call would cost more than the decoding: the system must find, zero and take back its pages each time.
One buffer per thread, device and type serves every layer, since a decoded run of rows is used up before the next.
"""

import threading

import torch
from torch import Tensor

CPU_VALUES = 1 << 21
"""8 MB in float32: still in the outer cache when the multiplication reads it, and wide enough to keep that fast."""

DEVICE_VALUES = 1 << 26
"""On a GPU the largest matrix of Flux (21504×3072) goes in one run: each run costs kernel launches."""


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.kept: dict[tuple[torch.dtype, torch.device], Tensor] = {}


_buffers = _Buffers()


def rows(columns: int, most: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A (n, columns) tensor of undefined content, n at most `most` and at least 1; valid until the next call."""
    values = max(CPU_VALUES if device.type == "cpu" else DEVICE_VALUES, columns)
    buffer = _buffers.kept.get((dtype, device))
    if buffer is None or buffer.numel() < values:
        with torch.inference_mode(False):  # else callers outside of that mode could not write into it
            buffer = _buffers.kept[dtype, device] = torch.empty(values, dtype=dtype, device=device)
    count = max(1, min(most, buffer.numel() // columns))
    return buffer[: count * columns].view(count, columns)
