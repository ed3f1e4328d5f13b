"""A prompt becomes conditioning, [[tokens (1, T, width), {"pooled_output": (1, width)}]], float32 on the CPU."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

from engine.errors import GraphInvalid
from engine.inference.devices import NAMES, TEXT_DTYPE, TEXT_WEIGHTS, device_of
from engine.inference.encoders import parts
from engine.inference.encoders.contract import TextNetwork, Vectors, until
from engine.inference.encoders.families import Reading
from engine.inference.encoders.sections import Layout, Token, tokenise
from engine.inference.patches import lora
from engine.inference.residency import Setting, borrowed
from schemas.context import Context
from schemas.report import Problem
from schemas.sockets import ClipRef

Encoder = Callable[[Tensor, Tensor], Vectors]
"""(B, T) token ids and (B,) places of the first end marks → what is made of them."""


def encode_text(context: Context, clip: ClipRef, text: str) -> list[Any]:
    """One prompt, in ComfyUI's syntax, for all encoders."""
    return _encode(context, clip, parts.encoders(clip), lambda kind: text, {})


def encode_flux(context: Context, clip: ClipRef, clip_l: str, t5xxl: str, guidance: float) -> list[Any]:
    """A prompt for CLIP, another for T5, and the guidance that Flux shall follow.

    Raises GraphInvalid if the encoders belong to a family that reads no T5.
    """
    encoders = parts.encoders(clip)
    if "t5xxl" not in encoders.family.encoders:
        said = f"the text encoders are joined for {encoders.family.name}, which reads no T5"
        raise GraphInvalid([Problem(code="unavailable", said=said, fix="Use CLIPTextEncode.")])
    texts = {"t5xxl": t5xxl}
    return _encode(context, clip, encoders, lambda kind: texts.get(kind, clip_l), {"guidance": guidance})


def _encode(
    context: Context, clip: ClipRef, encoders: parts.Encoders, text_for: Callable[[str], str], noted: dict[str, Any]
) -> list[Any]:
    device = device_of(context, clip.device)
    setting = Setting(TEXT_DTYPE, device, narrowed=TEXT_WEIGHTS)
    label = f"{' + '.join(file.name for file in clip.files)} (text encoders)"
    warn = cache(context.warn)  # all encoders read the same prompt: one warning is enough
    answers, marked = {}, dict(noted)
    context.count("encodes")
    with ExitStack() as block:
        resident = block.enter_context(borrowed(context, clip.storage_key, label, encoders.pieces, setting))
        for file in clip.files:
            context.used_model(file, NAMES[TEXT_DTYPE])
        networks = {kind: resident[kind] for kind in encoders.pieces}
        block.enter_context(lora.laid(networks, clip.patches, TEXT_DTYPE, device))
        for kind, network in networks.items():
            reading = encoders.reading(kind, clip.layer)
            sections = tokenise(text_for(kind), reading.layout, warn)
            answers[kind] = answer_of(_reader(cast(TextNetwork, network), reading, device), sections, reading)
            if reading.tells_mask:
                marked["attention_mask"] = words_of(sections, reading.layout)
    tokens, pooled = encoders.family.join(answers)
    return [[tokens, {"pooled_output": pooled, **encoders.family.beside(answers), **marked}]]


def _reader(network: TextNetwork, reading: Reading, device: torch.device) -> Encoder:
    return lambda ids, ends: network(ids.to(device), TEXT_DTYPE, ends.to(device), reading.taken)


def answer_of(encoder: Encoder, sections: Sequence[Sequence[Token]], reading: Reading) -> Vectors:
    """What an encoder makes of all sections: tokens (1, all of them, width), pooled (1, width) of the first section.

    A token of weight w goes to w times its distance from what an empty prompt gives in its place; weights do not touch
    the pooled vector. Of an encoder that gives all its layers, (1, layers, all tokens, width), the weight of the first
    token is laid on all of the first layer, that of the second on the second layer, and so on, as in ComfyUI.
    """
    sections = sections[:1] if reading.only_first or reading.only_pooled else sections
    ids = [[token for token, _ in section] for section in sections]
    weights = torch.tensor([[weight for _, weight in section] for section in sections])
    weighted = bool((weights != 1.0).any()) and not reading.only_pooled
    if weighted:
        ids.append(reading.layout.empty(len(ids[0])))
    tokens, pooled = encoder(torch.tensor(ids), _ends(ids, reading.layout))
    tokens = tokens.to("cpu", torch.float32)
    if weighted:
        tokens, empty = tokens[:-1], tokens[-1:]
        weights = weights[:, : tokens.shape[1]].reshape(*tokens.shape[:2], *[1] * (tokens.dim() - 2))
        tokens = torch.where(weights == 1.0, tokens, (tokens - empty) * weights + empty)
    tokens = torch.cat(tuple(tokens), dim=-2)[None]
    return Vectors(tokens, None if pooled is None else pooled[:1].to("cpu", torch.float32))


def words_of(sections: Sequence[Sequence[Token]], layout: Layout) -> Tensor:
    """(1, all tokens): 1 up to each section's first end mark, then 0."""
    ids = [[token for token, _ in section] for section in sections]
    return until(_ends(ids, layout), len(ids[0])).long().reshape(1, -1)


def _ends(ids: Sequence[Sequence[int]], layout: Layout) -> Tensor:
    """(B,) places where the words of each section end."""
    return torch.tensor([layout.words_end(row) for row in ids])
