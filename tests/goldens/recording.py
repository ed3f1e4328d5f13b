"""Listening in on a run: what each node gave, without changing what it does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plugins.registry import Registry
from schemas.context import Context
from schemas.node import NodeSpec, Result
from tests.inference.encoders.test_text_tables import projection

Recorded = dict[str, NDArray[np.float32]]


def recording(registry: Registry, into: Recorded) -> Registry:
    """The same classes; latents that a node gives are kept as latent.NODE.SLOT, pictures as image.NODE.SLOT.

    Conditioning for HiDream is kept as tokens.NODE.SLOT, pooled.NODE.SLOT and llama.NODE.SLOT, tokens and what is for
    Llama times two columns of the fixed matrix.
    """
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
    elif socket == "CONDITIONING" and value and "conditioning_llama3" in value[0][1]:
        ((tokens, noted), *_) = value
        into[f"tokens.{place}"] = _projected(tokens.numpy())
        into[f"pooled.{place}"] = noted["pooled_output"].numpy()
        into[f"llama.{place}"] = _projected(noted["conditioning_llama3"].numpy())


def _projected(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return (array.astype(np.float64) @ projection(array.shape[-1])[:, :2]).astype(np.float32)
