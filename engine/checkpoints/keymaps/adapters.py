"""How LoRA files call the layers of a model: a stem in a file becomes a parameter of a network, or some of its rows."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from engine.checkpoints.keymaps import flux

Shapes = Mapping[str, tuple[int, ...]]
"""A network's parameters by name."""


class Target(NamedTuple):
    """What a module changes: rows first..last (exclusive) of a parameter of one of the networks.

    swapped: the halves of the rows stand the other way round in the file.
    """

    network: str
    parameter: str
    first: int
    last: int
    swapped: bool = False


class Spelling(NamedTuple):
    """Names that stand behind one of some prefixes. underscored: with "_" for each "."."""

    prefixes: tuple[str, ...]
    targets: Mapping[str, Target]

    def find(self, stem: str) -> Target | None:
        """The target of a stem, whichever of the prefixes it has."""
        rests = (stem[len(prefix) :] for prefix in self.prefixes if stem.startswith(prefix))
        return next((self.targets[rest] for rest in rests if rest in self.targets), None)


FLUX_DOTTED: tuple[str, ...] = (
    "",
    "diffusion_model.",
    "transformer.",
    "base_model.model.",
    "transformer.base_model.model.",
    "unet.",
    "unet.base_model.model.",
    "model.diffusion_model.",
)
FLUX_UNDERSCORED: tuple[str, ...] = ("lora_unet_", "lora_transformer_", "lycoris_")

TEXT_DOTTED: Mapping[str, tuple[str, ...]] = {
    "clip_l": ("text_encoders.clip_l.transformer.", "text_encoder."),
    "clip_h": ("text_encoders.clip_h.transformer.", "text_encoder."),
    "clip_g": ("text_encoders.clip_g.transformer.", "text_encoder_2."),
    "t5xxl": ("text_encoders.t5xxl.transformer.", "text_encoder_2.", "text_encoder_3."),
    "llama": (),
}
TEXT_UNDERSCORED: Mapping[str, tuple[str, ...]] = {
    "clip_l": ("lora_te_", "lora_te1_"),
    "clip_h": ("lora_te_", "lora_te1_"),
    "clip_g": ("lora_te2_",),
    "t5xxl": ("lora_te2_", "lora_te3_"),
    "llama": (),
}
"""T5 is the second encoder of Flux for some trainers, and for others the third, as it is of SD3. CLIP and T5 call their
layers differently, so that one number may stand for either. Nobody trains Llama, whose rows GGUF files hold in another
order.
"""
ONLY_ENCODER: tuple[str, ...] = ("text_encoder.", "lora_te_", "lora_te1_")
"""Prefixes of what is for the first text encoder, for a CLIP-G or T5 that is the only one."""

FOR_TEXT = ("lora_te", "text_encoder", "te1_", "te2_")
"""Beginnings of stems that name layers of text encoders, ours or another model's."""


def spellings(network: str, shapes: Shapes, alone: bool = False) -> tuple[Spelling, ...]:
    """All ways of calling the parameters of a network of some kind ("flux", "clip_l", "t5xxl", ...).

    alone: it is the only text encoder.
    """
    if network == "flux":
        dotted, before, joined = dict(_flux(shapes)), FLUX_DOTTED, FLUX_UNDERSCORED
    else:
        dotted, before, joined = dict(_own(network, shapes)), TEXT_DOTTED[network], TEXT_UNDERSCORED[network]
        if alone and before:
            before, joined = (*before, ONLY_ENCODER[0]), (*joined, *ONLY_ENCODER[1:])
    underscored = {name.replace(".", "_"): target for name, target in dotted.items()}
    return Spelling(before, dotted), Spelling(joined, underscored)


def _own(network: str, shapes: Shapes) -> Iterator[tuple[str, Target]]:
    """Each parameter but biases, by its own name without ".weight"."""
    for name, shape in shapes.items():
        if not name.endswith(".bias"):
            yield name.removesuffix(".weight"), Target(network, name, 0, shape[0])


def _flux(shapes: Shapes) -> Iterator[tuple[str, Target]]:
    """Black Forest Labs' names, diffusers' names for parts of them, and one of ComfyUI's own."""
    for stem, target in _own("flux", shapes):
        yield stem, target
        rule = flux.tensor(target.parameter)
        if rule is None:
            continue
        rows = shapes[target.parameter][-1]  # all parts of a fused matrix but the last are as high as it is wide
        for number, part in enumerate(rule.diffusers):
            first = number * rows
            last = target.last if number == len(rule.diffusers) - 1 else first + rows
            yield part.removesuffix(".weight"), target._replace(first=first, last=last, swapped=rule.swapped)
        if stem.endswith(".linear1"):
            yield f"{stem}_qkv", target._replace(last=3 * rows)
