"""Stored: a file's weight as tensors over the mapped file, and how it becomes something a layer can decode."""

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from engine.checkpoints.storage import GGUF, is_packed
from engine.checkpoints.weights import Weight
from engine.errors import ModelFileInvalid
from engine.inference.weights.four_bit import FourBit
from engine.inference.weights.gguf_blocks import GgufBlocks
from engine.inference.weights.mapped import NAMES, MappedFile
from engine.inference.weights.packed import Packed


class Stored(NamedTuple):
    """One weight.

    data: the numbers in their shape, or packed bytes, flat. storage: as engine.checkpoints names it. shape: what it
    stands for. beside: what else its storage needs, by bitsandbytes' suffix.
    """

    data: Tensor
    storage: str
    shape: tuple[int, ...]
    beside: Mapping[str, Tensor] = {}

    @property
    def is_packed(self) -> bool:
        """Whether `data` must be decoded in blocks."""
        return is_packed(self.storage)

    def packed(self, arithmetic: torch.dtype | None) -> Packed:
        """A packed weight as a matrix of all its values. arithmetic: what GGUF blocks are computed in; see GgufBlocks.

        Raises ValueError, with a sentence, if the bytes do not fit the shape.
        """
        if self.storage.startswith(GGUF):
            columns = self.shape[-1] if self.shape else 1
            return GgufBlocks(self.data, self.storage.removeprefix(GGUF), prod(self.shape[:-1]), columns, arithmetic)
        return FourBit.from_parts(self.data, self.beside, self.shape)


def plain(tensors: Mapping[str, Tensor]) -> dict[str, Stored]:
    """Tensors that are stored as what they are."""
    return {name: Stored(tensor, NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()}


def read(file: MappedFile, weights: Mapping[str, Weight]) -> dict[str, Stored]:
    """The weights of a file as views of it. Raises ModelFileInvalid for a storage without decoder."""
    found = {}
    for name, weight in weights.items():
        beside = {suffix: file.tensor(f"{name}.{suffix}", info) for suffix, info in weight.beside.items()}
        if is_packed(weight.storage):
            data = file.bytes(name, weight.info)
        else:
            data = file.tensor(name, weight.info).view(weight.shape)
        found[name] = Stored(data, weight.storage, weight.shape, beside)
    return found


def packed_or_refused(name: str, stored: Stored, arithmetic: torch.dtype | None, path: str) -> Packed:
    """`Stored.packed`, but raises ModelFileInvalid that names the weight and the file."""
    try:
        return stored.packed(arithmetic)
    except ValueError as error:
        raise ModelFileInvalid(path, f"{name} cannot be decoded: {error}", "Download it again.") from error
