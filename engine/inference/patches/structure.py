"""What there is to be patched in a network: its parameters, from its structure, without weights."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from torch import nn

from engine.checkpoints import index, runnable
from engine.checkpoints.keymaps.adapters import Shapes
from engine.inference.encoders import parts
from engine.inference.layers.embedding import Embedding
from engine.inference.models.flux import Flux
from engine.inference.weights.assembly import Slot, slots
from schemas.sockets import ClipRef, ModelRef


def places(network: nn.Module) -> Mapping[str, Slot]:
    """Every parameter that a patch can change, by name: all but tables that are looked up."""
    return {name: slot for name, slot in slots(network) if not isinstance(slot.layer, Embedding)}


def shapes(network: nn.Module) -> Shapes:
    """Shapes of the parameters that a patch can change."""
    return {name: slot.shape for name, slot in places(network).items()}


@lru_cache(maxsize=8)
def shapes_of(build: Callable[[Any], nn.Module], sizes: Any) -> Shapes:
    """The same for a network of some sizes, which is built for this, without weights."""
    return shapes(build(sizes))


def of_recipes(model: ModelRef | None, clip: ClipRef | None) -> Mapping[str, Shapes]:
    """What can be patched in the networks of recipes, by kind, from the headers of their files.

    Raises ModelFileInvalid.
    """
    found: dict[str, Shapes] = {}
    if model is not None:
        found["flux"] = shapes_of(Flux, runnable.require(index.read(model.file.path), "flux").sizes)
    if clip is not None:
        for kind, piece in parts.encoders(clip).pieces.items():
            found[kind] = shapes_of(piece.build, piece.part.sizes)
    return found
