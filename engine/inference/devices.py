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
