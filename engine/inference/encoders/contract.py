"""What text encoders are asked for, and what they answer."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Taken:
    """What is taken from an encoder.

    layer: whose output the tokens are, counted from the end (-1 for the last one); None for what the last norm makes of
    the last one, as for a layer that there is not. normed: whether the last norm is laid on a layer's output too.
    masked: whether nothing attends to what is behind a section's end mark.
    """

    layer: int | None = None
    normed: bool = True
    masked: bool = False

    def number(self, layers: int) -> int | None:
        """The layer, counted from 0, of an encoder with so many; None: the last, behind its norm."""
        return None if self.layer is None or abs(self.layer) > layers else self.layer % layers


class Vectors(NamedTuple):
    """What a network makes of a text.

    tokens: (B, T, width), one vector for each token; (B, layers, T, width) from an encoder that gives all its layers.
    pooled: (B, width), one for the whole text, if there is any.
    """

    tokens: Tensor
    pooled: Tensor | None


class TextNetwork(Protocol):
    """A text encoder."""

    def __call__(self, ids: Tensor, dtype: torch.dtype, ends: Tensor, taken: Taken) -> Vectors:
        """ids: (B, T) tokens. dtype: to compute in. ends: (B,) places of the end marks, of the first ones if many.

        Where there are no end marks, ends are the places of the last words.
        """


def until(ends: Tensor, length: int) -> Tensor:
    """(B, T) bool: what stands no later than the end marks, whose places are (B,)."""
    return torch.arange(length, device=ends.device)[None, :] <= ends[:, None]
