"""A prompt becomes conditioning, [[tokens (1, T, width), {"pooled_output": (1, width)}]], float32 on the CPU."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

from engine.inference.devices import NAMES, TEXT_DTYPE, TEXT_WEIGHTS, device_of
from engine.inference.encoders import parts
from engine.inference.encoders.clip import Clip
from engine.inference.encoders.sections import CLIP_L, Layout, Token, tokenise
from engine.inference.encoders.t5 import T5
from engine.inference.patches import lora
from engine.inference.residency import Setting, borrowed
from schemas.context import Context
from schemas.sockets import ClipRef

Encoder = Callable[[Tensor], Tensor]
"""(B, T) token ids → (B, T, width)."""


def encode_text(context: Context, clip: ClipRef, text: str) -> list[Any]:
    """One prompt, in ComfyUI's syntax, for all encoders."""
    return _encode(context, clip, text, text, {})


def encode_flux(context: Context, clip: ClipRef, clip_l: str, t5xxl: str, guidance: float) -> list[Any]:
    """A prompt for CLIP-L, another for T5, and the guidance that Flux shall follow."""
    return _encode(context, clip, clip_l, t5xxl, {"guidance": guidance})


def _encode(context: Context, clip: ClipRef, clip_l: str, t5xxl: str, noted: dict[str, Any]) -> list[Any]:
    device = device_of(context, clip.device)
    setting = Setting(TEXT_DTYPE, device, narrowed=TEXT_WEIGHTS)
    label = f"{' + '.join(file.name for file in clip.files)} (text encoders)"
    pieces = parts.pieces(clip)
    with ExitStack() as block:
        networks = block.enter_context(borrowed(context, clip.storage_key, label, pieces, setting))
        for file in clip.files:
            context.used_model(file, NAMES[TEXT_DTYPE])
        t5, clip_network = cast(T5, networks["t5xxl"]), cast(Clip, networks["clip_l"])
        block.enter_context(lora.laid({"t5xxl": t5, "clip_l": clip_network}, clip.patches, TEXT_DTYPE, device))
        warn = cache(context.warn)  # both encoders read the same prompt: one warning is enough
        words = parts.t5_layout(pieces["t5xxl"])
        tokens = hidden_of(lambda ids: t5(ids.to(device), TEXT_DTYPE), tokenise(t5xxl, words, warn), words)
        layout = replace(CLIP_L, length=clip_network.sizes.positions)
        sections = tokenise(clip_l, layout, warn)
        pooled = pooled_of(lambda ids: clip_network(ids.to(device), TEXT_DTYPE), sections[0], layout)
    return [[tokens, {"pooled_output": pooled, **noted}]]


def hidden_of(encoder: Encoder, sections: Sequence[Sequence[Token]], layout: Layout) -> Tensor:
    """(1, all tokens of all sections, width): what the encoder makes of them, moved by their weights.

    A token of weight w goes to w times its distance from what an empty prompt gives in its place.
    """
    weights = torch.tensor([[weight for _, weight in section] for section in sections])
    ids = [[token for token, _ in section] for section in sections]
    weighted = bool((weights != 1.0).any())
    if weighted:
        ids.append(layout.empty(len(ids[0])))
    hidden = encoder(torch.tensor(ids)).to("cpu", torch.float32)
    if weighted:
        hidden, empty = hidden[:-1], hidden[-1:]
        moved = (hidden - empty) * weights[..., None] + empty
        hidden = torch.where(weights[..., None] == 1.0, hidden, moved)
    return hidden.reshape(1, -1, hidden.shape[-1])


def pooled_of(encoder: Encoder, section: Sequence[Token], layout: Layout) -> Tensor:
    """(1, width): what the encoder makes of the first end mark of a section; weights do not touch it."""
    ids = [token for token, _ in section]
    hidden = encoder(torch.tensor([ids]))
    return hidden[:, ids.index(layout.end)].to("cpu", torch.float32)
