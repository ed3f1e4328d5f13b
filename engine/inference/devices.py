"""Where and in what type to compute, from what the user asked for."""

import torch

from schemas.context import Context

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def device_of(context: Context, wanted: str = "default") -> torch.device:
    """The device to compute on. wanted: "default", or "cpu" for what must not go anywhere else."""
    return torch.device("cpu" if wanted == "cpu" else context.device)


def network_dtype(context: Context, device: torch.device) -> torch.dtype:
    """What diffusion networks compute in.

    "auto": bfloat16 on accelerators; float32 on a CPU, where it is exact and, without bfloat16 instructions, eight
    times faster.
    """
    if context.dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    return DTYPES[context.dtype]


def autoencoder_dtype(context: Context, device: torch.device) -> torch.dtype:
    """What autoencoders compute in: as diffusion networks, but never float16, which some of them overflow."""
    dtype = network_dtype(context, device)
    return torch.float32 if dtype == torch.float16 else dtype


TEXT_DTYPE = torch.float32
"""What text encoders compute in, whatever was asked for: T5 overflows float16, and the prompt is encoded only once."""

TEXT_WEIGHTS = torch.float16
"""What wider weights of text encoders are rounded to, as ComfyUI keeps them: its pictures show the rounding."""

ROOM_TO_COMPUTE = 2 << 30
"""Bytes of an accelerator that weights leave free, for what networks compute with: at 1024 × 1024 and more."""


class CudaMeter:
    """A CUDA device's memory as its driver and torch's allocator tell it."""

    def __init__(self, device: torch.device) -> None:
        """Touch nothing yet."""
        self._device = device

    def free(self) -> int:
        """What the driver has free and what torch's allocator keeps unused, less the room to compute."""
        free, _ = torch.cuda.mem_get_info(self._device)
        kept = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return free + kept - ROOM_TO_COMPUTE

    def peak(self) -> int:
        """The most that tensors took at once since `reset`."""
        return torch.cuda.max_memory_allocated(self._device)

    def reset(self) -> None:
        """Begin a new peak."""
        torch.cuda.reset_peak_memory_stats(self._device)


def prepare(context: Context, device: torch.device) -> None:
    """Set up a device for what the user asked: threads of a CPU, a meter for the memory of a CUDA device."""
    if device.type == "cuda":
        context.ledger.measure(str(device), CudaMeter(device))
    elif context.threads is not None and torch.get_num_threads() != context.threads:
        torch.set_num_threads(context.threads)
