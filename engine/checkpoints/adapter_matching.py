"""Which modules of a LoRA file change what in which networks, told from headers before any weights are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.checkpoints import adapters, detect
from engine.checkpoints.adapters import Module
from engine.checkpoints.families import flux
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.keymaps.adapters import FOR_TEXT, Shapes, Spelling, Target, spellings
from engine.errors import ModelFileInvalid

XLABS = re.compile(r"\.processor\.(qkv|proj)_lora")
"""In the names of LoRAs of XLabs and of USO, whose modules take the place of attention processors."""


@dataclass(frozen=True)
class Match:
    """A module and what it changes. shape: of the rows that it changes. bias: the bias beside them, if there is one."""

    module: Module
    target: Target
    shape: tuple[int, ...]
    bias: str | None


@dataclass(frozen=True)
class Matching:
    """How a file fits.

    unmatched: names of tensors that found no place. for_text: how many modules are left out because they are for text
    encoders, of which none was given.
    """

    found: tuple[Match, ...]
    unmatched: tuple[str, ...]
    for_text: int

    def count(self, *networks: str) -> int:
        """How many modules change one of these networks."""
        return sum(match.target.network in networks for match in self.found)


def matching(index: TensorIndex, networks: Mapping[str, Shapes]) -> Matching:
    """How a LoRA file fits networks, by kind ("flux", "clip_l", "t5xxl") with their parameters' shapes.

    Raises ModelFileInvalid if the file is no LoRA, fits nowhere, or does not fit in shape where it fits by name.
    """
    modules, rest = adapters.modules(index)
    if not modules and not _is_xlabs(index):
        detect.require(index, "lora")
    alone = len(set(networks) - {"flux"}) == 1
    known = [spelling for kind, shapes in networks.items() for spelling in spellings(kind, shapes, alone)]
    found, unmatched, for_text = [], list(rest), 0
    no_text = set(networks) <= {"flux"}
    for module in modules:
        target = next((target for spelling in known if (target := spelling.find(module.stem))), None)
        if target is not None:
            found.append(_fitting(index, module, target, networks[target.network]))
        elif no_text and module.stem.startswith(FOR_TEXT):
            for_text += 1
        else:
            unmatched += module.tensors.values()
    if not found or ("flux" in networks and _is_for_another_model(modules, found)):
        raise _stranger(index, modules, for_text)
    return Matching(tuple(found), tuple(unmatched), for_text)


def _fitting(index: TensorIndex, module: Module, target: Target, shapes: Shapes) -> Match:
    shape = (target.last - target.first, *shapes[target.parameter][1:])
    bias = target.parameter.removesuffix("weight") + "bias"
    match = Match(module, target, shape, bias if bias in shapes else None)
    try:
        adapters.check(index, module, shape)
    except ModelFileInvalid as error:
        title = purpose(index)
        if title in ("a LoRA", "a LoRA for Flux"):
            raise
        raise ModelFileInvalid(index.path, f"{error.said} It seems to be {title}.", error.fix) from error
    if "diff_b" in module.tensors and match.bias is None:
        said = f"changes a bias that the model has not: {module.tensors['diff_b']!r}."
        raise ModelFileInvalid(index.path, said, "Use a LoRA that was made for this model.")
    return match


def check(index: TensorIndex) -> None:
    """Raise ModelFileInvalid if a LoRA file cannot be laid on any Flux, whatever its sizes.

    What is for text encoders alone is left to `matching`, which knows whether there are any.
    """
    modules, _ = adapters.modules(index)
    places = _places()
    for_flux = [module for module in modules if any(spelling.find(module.stem) for spelling in places)]
    if not for_flux and not (modules and all(module.stem.startswith(FOR_TEXT) for module in modules)):
        raise _stranger(index, modules, 0)
    for module in for_flux:
        adapters.check_kind(index, module)


@cache
def _places() -> tuple[Spelling, ...]:
    """All ways of calling the layers of the published Flux."""
    return spellings("flux", flux.shapes(flux.DEV))


def purpose(index: TensorIndex) -> str:
    """What a LoRA is for, as far as its names tell: "a LoRA for SDXL"."""
    return next((part.title for part in detect.parts(index)), "a LoRA")


def _is_for_another_model(modules: tuple[Module, ...], found: list[Match]) -> bool:
    """Whether only text encoders fit, though there is more: SD 1.5, SDXL and Flux share CLIP-L, but nothing else."""
    only_text = all(match.target.network != "flux" for match in found)
    return only_text and not all(module.stem.startswith(FOR_TEXT) for module in modules)


def _is_xlabs(index: TensorIndex) -> bool:
    return any(XLABS.search(name) for name in index.tensors)


def _stranger(index: TensorIndex, modules: tuple[Module, ...], for_text: int) -> ModelFileInvalid:
    """The error for a file of which nothing fits."""
    if modules and for_text == len(modules):
        said = f"changes text encoders only ({for_text} modules), and none is connected."
        return ModelFileInvalid(index.path, said, "Use LoraLoader, which takes CLIP too.")
    if _is_xlabs(index):
        said = "is a LoRA in XLabs' form, which cannot be laid on yet."
        return ModelFileInvalid(index.path, said, "Use it converted to the form of kohya or diffusers.")
    others = [module for module in modules if not module.stem.startswith(FOR_TEXT)] or list(modules)
    shown = ", ".join(repr(module.shown) for module in others[:2])
    said = f"seems to be {purpose(index)}: none of {len(others)} modules ({shown}, …) is known to this model."
    return ModelFileInvalid(index.path, said, "Use a LoRA that was made for this model.")
