"""Assembly: a network's structure and a file's tensors become a network with weights, strictly both ways.

Each tensor of the file is used, or listed as ignored with a reason, or an error; each parameter is filled, or an error.
Matrices of linear layers and tables of embeddings stay as the file holds them, packed ones too; norms, convolutions and
biases, which are small, are decoded and widened to the type that is computed in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import prod
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from engine.checkpoints.storage import is_packed
from engine.checkpoints.weights import Weight
from engine.errors import ModelFileInvalid
from engine.inference.layers.embedding import Embedding
from engine.inference.layers.linear import PackedLinear
from engine.inference.weights.fp8 import FP8, Float8
from engine.inference.weights.mapped import DTYPES
from engine.inference.weights.packed import Packed, Plain
from engine.inference.weights.stored import Stored, packed_or_refused

SCALED_FP8 = "scaled_fp8"
"""The empty tensor that marks a file as scaled fp8; its type is the one that matrices have."""

STORAGE_MARKS: Mapping[str, str] = {
    SCALED_FP8: "only marks the file",
    "*.scale_input": "serves multiplication in 8 bits, which nothing here does",
    "*.input_scale": "serves multiplication in 8 bits, which nothing here does",
}
"""Patterns of names that any network may be accompanied by, and why they are not used."""

SCALES = ("scale_weight", "weight_scale")
"""What files call the number that a matrix in 8 bits is to be multiplied with."""

SHOWN = 4
"""How many names a message lists before it counts the rest."""


@dataclass(frozen=True)
class Terms:
    """How weights are to be taken.

    dtype: what will be computed in. device: where. rounding: an 8-bit float type that every weight is rounded to first
    (UNETLoader's weight_dtype), or None; packed weights are not touched by it. narrowed: a type that wider weights are
    rounded to when they are used, so that matrices and tables stay mapped (ComfyUI keeps text encoders in fp16), or
    None. streamed: matrices and tables stay in the mapped file, on whatever device they are used. ignored: patterns of
    names to the reason why the network does not use them. decoded: what GGUF blocks are computed in
    (UnetLoaderGGUFAdvanced's dequant_dtype), None for float32.
    """

    dtype: torch.dtype
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    rounding: torch.dtype | None = None
    narrowed: torch.dtype | None = None
    streamed: bool = False
    ignored: Mapping[str, str] = field(default_factory=dict)
    decoded: torch.dtype | None = None

    def through(self, stored: torch.dtype) -> torch.dtype | None:
        """What a weight of this type is rounded to when it is used."""
        wider = self.narrowed is not None and stored.itemsize > self.narrowed.itemsize
        return self.narrowed if wider else None

    def for_linears(self, marker: torch.dtype | None) -> torch.dtype | None:
        """What linear layers are rounded to, biases included, in a file with a scaled-fp8 marker of type `marker`.

        ComfyUI keeps every linear layer of such a file in the marker's type, also those that the file holds wider (for
        Flux the layers around the blocks), and its pictures show it.
        """
        if marker is None:
            return self.rounding
        return marker if marker in FP8 else torch.float8_e4m3fn


class Slot(NamedTuple):
    """A place for a tensor. stays: is kept as stored (a linear layer's matrix, an embedding's table), not widened."""

    layer: nn.Module
    name: str
    shape: tuple[int, ...]
    stays: bool


def slots(network: nn.Module) -> Iterator[tuple[str, Slot]]:
    """Everything that must be filled, by its full name."""
    for path, layer in network.named_modules():
        prefix = f"{path}." if path else ""
        if isinstance(layer, PackedLinear):
            yield prefix + "weight", Slot(layer, "weight", (layer.outputs, layer.inputs), stays=True)
            if layer.biased:
                yield prefix + "bias", Slot(layer, "bias", (layer.outputs,), stays=False)
        elif isinstance(layer, Embedding):
            yield prefix + "weight", Slot(layer, "weight", (layer.entries, layer.width), stays=True)
        else:
            for name, parameter in layer.named_parameters(recurse=False):
                yield prefix + name, Slot(layer, name, tuple(parameter.shape), stays=False)


def assemble(network: nn.Module, weights: Mapping[str, Stored], path: str, terms: Terms) -> None:
    """Fill every parameter of `network` from `weights`, whose names are the parameters' own.

    Raises ModelFileInvalid naming what is missing, of a wrong shape or unknown. path: the file, for messages.
    """
    places = dict(slots(network))
    check(places, weights, path, terms)
    marker = weights[SCALED_FP8].data.dtype if SCALED_FP8 in weights else None
    linear = terms.for_linears(marker)
    for name, slot in places.items():
        layer = slot.layer
        rounding = linear if isinstance(layer, PackedLinear) else terms.rounding
        if slot.stays:
            packed = _kept(name, weights, terms, rounding, path)
            cast(PackedLinear | Embedding, layer).packed = packed if terms.streamed else packed.to(terms.device)
            continue
        value = _own(name, weights[name], rounding, terms, path)
        if isinstance(layer, PackedLinear):
            layer.bias = value
        else:
            layer.register_parameter(slot.name, nn.Parameter(value, requires_grad=False))


def check(places: Mapping[str, Slot], weights: Mapping[str, Stored], path: str, terms: Terms) -> None:
    """Raise ModelFileInvalid if anything is missing, of a wrong shape or type, or unknown."""
    wrong = [said for name, slot in places.items() if (said := _mistake(name, slot, weights)) is not None]
    if wrong:
        raise ModelFileInvalid(path, f"cannot be loaded: {_some(wrong)}.", "Download it again.")
    ignored = (*STORAGE_MARKS, *terms.ignored)
    unknown = [
        name
        for name in weights
        if name not in places
        and _scaled_by(name) not in places
        and not any(fnmatchcase(name, pattern) for pattern in ignored)
    ]
    if unknown:
        raise ModelFileInvalid(
            path,
            f"has tensors that this network does not know: {_some(unknown)}.",
            "Use a file of the network that its name promises.",
        )


def _mistake(name: str, slot: Slot, weights: Mapping[str, Stored]) -> str | None:
    stored = weights.get(name)
    if stored is None:
        return f"{name} is missing"
    if stored.shape != slot.shape:
        return f"{name} has shape {list(stored.shape)} instead of {list(slot.shape)}"
    if not stored.is_packed and not stored.data.is_floating_point():
        return f"{name} holds {stored.storage}, no floating-point numbers"
    scale = _scale_of(name, weights)
    if scale is not None and (stored.is_packed or scale.numel() not in (1, slot.shape[0])):
        return f"{name} has a scale of {scale.numel()} numbers"
    return None


def _scaled_by(name: str) -> str | None:
    """The matrix that a scale belongs to, by the scale's name."""
    stem, _, last = name.rpartition(".")
    return f"{stem}.weight" if last in SCALES else None


def _scale_of(name: str, weights: Mapping[str, Stored]) -> Tensor | None:
    stem = name.removesuffix("weight")
    return next((weights[stem + scale].data for scale in SCALES if stem + scale in weights), None)


def _some(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _rounded(tensor: Tensor, to: torch.dtype | None) -> Tensor:
    return tensor if to is None else tensor.to(to)


def _own(name: str, stored: Stored, rounding: torch.dtype | None, terms: Terms, path: str) -> Tensor:
    """A small weight in the type computed in, on its device."""
    if stored.is_packed:
        packed = packed_or_refused(name, stored, terms.decoded, path)
        values = torch.empty(packed.rows, packed.columns)
        packed.decode(0, packed.rows, values)
        return values.view(stored.shape).to(terms.device, terms.dtype)
    value = _rounded(_rounded(stored.data, rounding), terms.through(stored.data.dtype))
    return value.to(terms.device, terms.dtype)


def _kept(name: str, weights: Mapping[str, Stored], terms: Terms, rounding: torch.dtype | None, path: str) -> Packed:
    """A matrix or table as a layer keeps it.

    One with a scale is in 8 bits already, and would lose its meaning in another type; packed blocks stay what they are.
    """
    stored, scale = weights[name], _scale_of(name, weights)
    if stored.is_packed:
        return packed_or_refused(name, stored, terms.decoded, path)
    weight = stored.data
    if scale is not None and weight.dtype not in FP8:
        weight, scale = (weight.float() * scale.float().reshape(-1, 1)).to(weight.dtype), None
    weight = weight if scale is not None else _rounded(weight, rounding)
    return Float8(weight, scale) if weight.dtype in FP8 else Plain(weight, terms.through(weight.dtype))


def own_bytes(network: nn.Module, weights: Mapping[str, Weight], terms: Terms) -> int:
    """Bytes that a network takes on its device beside its mapped file, known before anything is read.

    weights: what the file's header says. On a CPU a weight that is used as stored costs nothing.
    """
    marker = weights.get(SCALED_FP8)
    linear = terms.for_linears(None if marker is None else DTYPES.get(marker.storage))
    total = 0
    for name, slot in slots(network):
        weight = weights.get(name)
        if weight is not None:
            rounding = linear if isinstance(slot.layer, PackedLinear) else terms.rounding
            total += _bytes_of(weight, slot, rounding, terms)
    return total


def _bytes_of(weight: Weight, slot: Slot, rounding: torch.dtype | None, terms: Terms) -> int:
    """What one weight takes beside its file."""
    mapped = terms.device.type == "cpu" or (slot.stays and terms.streamed)
    if is_packed(weight.storage):
        if slot.stays:
            return 0 if mapped else weight.bytes
        return prod(slot.shape) * terms.dtype.itemsize
    kept = DTYPES.get(weight.storage)
    if kept is None:
        return 0  # loading will say what is wrong with it
    final = (rounding or kept) if slot.stays else terms.dtype
    narrowed = not slot.stays and terms.through(kept) is not None
    copied = final != kept or rounding not in (None, kept) or narrowed
    return prod(slot.shape) * final.itemsize if copied or not mapped else 0
