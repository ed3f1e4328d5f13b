"""Listening in on a run: what each node gave, without changing what it does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plugins.registry import Registry
from schemas.context import Context
from schemas.node import NodeSpec, Result

Recorded = dict[str, NDArray[np.float32]]


def recording(registry: Registry, into: Recorded) -> Registry:
    """The same classes; latents that a node gives are kept as latent.NODE.SLOT, pictures as image.NODE.SLOT."""
    return Registry.of(_recorded(spec, into) for spec in registry.all())


def _recorded(spec: NodeSpec, into: Recorded) -> NodeSpec:
    def run(values: Mapping[str, Any], context: Context) -> Result:
        result = spec.run(values, context)
        if isinstance(result, tuple):
            for slot, value in enumerate(result):
                _keep(into, f"{context.node}.{slot}", spec.outputs[slot].socket, value)
        return result

    return replace(spec, run=run)


def _keep(into: Recorded, place: str, socket: str, value: Any) -> None:
    if socket == "LATENT":
        into[f"latent.{place}"] = value["samples"].float().cpu().numpy()
    elif socket == "IMAGE":
        into[f"image.{place}"] = value.float().cpu().numpy()
