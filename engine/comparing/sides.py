"""Side: one of the two things compared, whether it was rendered just now or lay there finished."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from engine.comparing.metrics import Picture
from schemas.prompt import Prompt
from schemas.report import Peak


class FileFacts(BaseModel):
    """A model file behind a picture. storage: how each part of it is stored; bytes None: it is not there to ask."""

    model_config = ConfigDict(frozen=True)

    name: str
    bytes: int | None = None
    storage: Mapping[str, str] = {}


@dataclass(frozen=True)
class Shot:
    """One picture. seed: that it was drawn from, if known. label: how people find it. latent: (C, H/8, W/8) or more."""

    seed: int | None
    label: str
    pixels: Picture
    latent: NDArray[np.float32] | None = None


@dataclass
class Side:
    """What is compared, with what is known of how it came about.

    seconds: of all nodes, in all, as if nothing had been cached; sampling: of the sampling nodes among them.
    peak: the largest of all runs. None: not known.
    """

    name: str
    kind: Literal["rendered", "finished"]
    shots: list[Shot] = field(default_factory=list)
    prompt: Prompt | None = None
    files: list[FileFacts] = field(default_factory=list)
    seconds: float | None = None
    sampling: float | None = None
    peak: Peak | None = None
