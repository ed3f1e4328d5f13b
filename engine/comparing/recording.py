"""Recorder: listens in on a session, so that pictures and latents are seen without a file being written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from engine.comparing.metrics import Picture
from engine.plugins.registry import Registry
from schemas.context import Context
from schemas.node import NodeSpec, Result

SAMPLING = "sampling"
"""Category of the nodes, and of those in categories below it, that turn noise into latents."""


def samples(spec: NodeSpec | None) -> bool:
    """Whether a class makes latents by sampling."""
    return spec is not None and spec.category.split("/")[0] == SAMPLING


@dataclass
class Heard:
    """What one node gave in one run, over all calls of it. previews: pictures for the folder of temporary files."""

    pictures: list[Picture] = field(default_factory=list)
    previews: list[Picture] = field(default_factory=list)
    latents: list[NDArray[np.float32]] = field(default_factory=list)


class Recorder:
    """The node classes of a registry, overheard.

    registry: gives a session the same classes; whatever their nodes would save is kept here, and not written. heard: by
    node id, since `begin`.
    """

    def __init__(self, registry: Registry) -> None:
        """Nothing was heard yet."""
        self.registry = Registry.of(self._overheard(spec) for spec in registry.all())
        self.heard: dict[str, Heard] = {}

    def begin(self) -> None:
        """Forget the last run."""
        self.heard = {}

    def _overheard(self, spec: NodeSpec) -> NodeSpec:
        def run(values: Mapping[str, Any], context: Context) -> Result:
            heard = self.heard.setdefault(context.node, Heard())
            result = spec.run(values, cast(Context, _Catching(context, heard)))
            if samples(spec) and isinstance(result, tuple):
                made = zip(result, spec.outputs, strict=True)
                latent = next((value for value, output in made if output.socket == "LATENT"), None)
                if latent is not None:
                    heard.latents.append(latent["samples"].float().cpu().numpy())
            return result

        return replace(spec, run=run)


class _Catching:
    """A node's context that keeps pictures instead of saving them; all else is the real one's business."""

    def __init__(self, context: Context, heard: Heard) -> None:
        self._context, self._heard = context, heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def save_picture(self, picture: Any, prefix: str, kind: Literal["output", "temp"], batch_index: int) -> Path:
        """Keep it, without transparency."""
        kept = self._heard.pictures if kind == "output" else self._heard.previews
        kept.append(np.array(picture[..., :3]))
        return Path(f"{prefix}_{len(kept):05}_.png")
