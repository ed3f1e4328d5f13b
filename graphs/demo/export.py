"""Write the trained parts as one file in the layout of the published all-in-one fp8 checkpoints of Flux."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from graphs.demo.autoencoder import Decoder
from graphs.demo.sampling import Painter
from graphs.demo.text_encoders import CLIP_WIDTH, TokenTable
from graphs.demo.written_encoder import Components, write_encoder

FP8 = torch.float8_e4m3fn
FP8_LARGEST = 448.0
METADATA = {"format": "pt", "title": "comfyless demo model", "license": "Apache-2.0"}


def to_fp8(value: Tensor) -> Tensor:
    """Rounded to float8_e4m3fn, whose largest number is 448."""
    return value.clamp(-FP8_LARGEST, FP8_LARGEST).to(FP8)


def full_state(module: nn.Module) -> dict[str, Tensor]:
    """The state of a module with every token table at its full size."""
    state = module.state_dict()
    for name, part in module.named_modules():
        if isinstance(part, TokenTable):
            state[f"{name}.weight"] = part.full().detach()
    return state


def _under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + key: value.detach().contiguous().clone() for key, value in state.items()}


@torch.no_grad()
def checkpoint(painter: Painter, decoder: Decoder, components: Components) -> dict[str, Tensor]:
    """Key to tensor, in the types of the published files: fp8 transformer and T5, fp16 CLIP, bf16 autoencoder."""
    encoder = write_encoder(components)
    clip = {**full_state(painter.clip), "text_projection.weight": torch.eye(CLIP_WIDTH)}
    vae = {**_under("encoder.", encoder.state_dict()), **_under("decoder.", decoder.state_dict())}
    t5 = {k: to_fp8(v) for k, v in full_state(painter.t5).items()}
    return {
        **_under("model.diffusion_model.", {k: to_fp8(v) for k, v in painter.flux.state_dict().items()}),
        **_under("vae.", {k: v.to(torch.bfloat16) for k, v in vae.items()}),
        **_under("text_encoders.clip_l.transformer.", {k: v.half() for k, v in clip.items()}),
        **_under("text_encoders.t5xxl.transformer.", t5),
        "text_encoders.clip_l.logit_scale": torch.tensor(4.6055, dtype=torch.float16),
        "text_encoders.t5xxl.logit_scale": torch.tensor(4.6055, dtype=torch.float16),
    }


def save_checkpoint(tensors: dict[str, Tensor], file: Path) -> None:
    """Write the file in one move."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    save_file(tensors, part, METADATA)
    os.replace(part, file)


@torch.no_grad()
def _fill(module: nn.Module, state: dict[str, Tensor]) -> None:
    tables = {f"{name}.weight": part for name, part in module.named_modules() if isinstance(part, TokenTable)}
    own = dict(module.named_parameters())
    if own.keys() != state.keys():
        raise ValueError(f"keys differ: {sorted(own.keys() ^ state.keys())}")
    for key, value in state.items():
        own[key].copy_(value[tables[key].known] if key in tables else value)


def load_checkpoint(tensors: dict[str, Tensor]) -> tuple[Painter, Decoder]:
    """The parts of a written file in float32, rounded as the file rounds them."""
    floats = {key: value.float() for key, value in tensors.items()}

    def part(prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): v for k, v in floats.items() if k.startswith(prefix)}

    painter, decoder = Painter(), Decoder()
    clip = part("text_encoders.clip_l.transformer.")
    clip.pop("text_projection.weight")
    _fill(painter.flux, part("model.diffusion_model."))
    _fill(painter.clip, clip)
    _fill(painter.t5, part("text_encoders.t5xxl.transformer."))
    _fill(decoder, part("vae.decoder."))
    return painter, decoder
