"""LoRAs: read from their files, checked against the networks they are for, and laid beside their layers."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.checkpoints import adapters, index
from engine.checkpoints.adapter_matching import Match, Matching, matching
from engine.checkpoints.adapters import Module
from engine.checkpoints.keymaps.adapters import Shapes
from engine.errors import ModelFileInvalid
from engine.inference.devices import NAMES, device_of, network_dtype
from engine.inference.layers.linear import Branch, PackedLinear, linears
from engine.inference.patches import structure
from engine.inference.patches.branches import Bias, Hadamard, Kronecker, LowRank, Matrix
from engine.inference.weights.assembly import Slot
from engine.inference.weights.mapped import MappedFile
from engine.inference.weights.packed import Plain
from schemas.context import Context
from schemas.report import LoraReport
from schemas.sockets import ClipRef, FileRef, Lora, ModelRef, Patch

TEXT_ENCODERS = ("clip_l", "clip_g", "clip_h", "t5xxl", "llama")


def on_model(context: Context, file: FileRef, model: ModelRef, strength: float) -> ModelRef:
    """A diffusion model's recipe with a LoRA on it. The context is told how much of the file fits.

    Raises ModelFileInvalid, from headers alone, if nothing fits or something is damaged or cannot be laid on.
    """
    found = _matched(context, file, structure.of_recipes(model, None))
    return model.patched(Lora(file, strength)) if strength and found.count("flux") else model


def on_both(
    context: Context, file: FileRef, model: ModelRef, clip: ClipRef, strength_model: float, strength_clip: float
) -> tuple[ModelRef, ClipRef]:
    """The same for a diffusion model and its text encoders, each with its strength."""
    found = _matched(context, file, structure.of_recipes(model, clip))
    if strength_model and found.count("flux"):
        model = model.patched(Lora(file, strength_model))
    if strength_clip and found.count(*TEXT_ENCODERS):
        clip = clip.patched(Lora(file, strength_clip))
    return model, clip


def _matched(context: Context, file: FileRef, networks: Mapping[str, Shapes]) -> Matching:
    """How a file fits, which the context is told."""
    found, source = matching(index.read(file.path), networks), _Source(file)
    for match in found.found:
        source.scale(match.module)
    context.used_model(file, NAMES[network_dtype(context, device_of(context))])
    context.matched_lora(
        LoraReport(
            node=context.node,
            file=file.name,
            model=found.count("flux"),
            text=found.count(*TEXT_ENCODERS),
            unused=found.for_text,
            unmatched=list(found.unmatched),
        )
    )
    return found


@contextmanager
def laid(
    networks: Mapping[str, nn.Module], patches: Sequence[Patch], dtype: torch.dtype, device: torch.device
) -> Iterator[None]:
    """The networks (by kind) with exactly these patches' LoRAs on them inside the block, and as they were after it.

    dtype, device: what is computed in and on. Raises ModelFileInvalid before anything is changed.
    """
    layers = [layer for network in networks.values() for layer in linears(network).values()]
    with torch.inference_mode(False), torch.no_grad():
        changes = _Changes(dtype, device)
        for patch in patches:
            if isinstance(patch, Lora):
                changes.gather(networks, patch)
    before = [(layer, layer.branches) for layer in layers]
    parameters = [(slot, getattr(slot.layer, slot.name)) for slot in changes.values]
    try:
        for layer in layers:
            layer.branches = tuple(changes.branches.get(layer, ()))
        for slot, value in changes.values.items():
            slot.layer.register_parameter(slot.name, nn.Parameter(value, requires_grad=False))
        yield
    finally:
        for layer, branches in before:
            layer.branches = branches
        for slot, parameter in parameters:
            slot.layer.register_parameter(slot.name, parameter)


class _Source:
    """A LoRA's file, mapped."""

    def __init__(self, file: FileRef) -> None:
        """Raises ModelFileInvalid if the file cannot be read."""
        self.index = index.read(file.path)
        self._file = MappedFile(file.path)

    def tensor(self, name: str) -> Tensor:
        """A tensor as stored."""
        return self._file.tensor(name, self.index.tensors[name])

    def finite(self, name: str) -> Tensor:
        """A tensor as stored. Raises ModelFileInvalid if a value in it is infinite or no number."""
        tensor = self.tensor(name)
        values = tensor.float() if tensor.element_size() == 1 else tensor  # fp8 cannot be compared
        if values.numel() and not all(bool(bound.isfinite()) for bound in torch.aminmax(values)):
            said = f"has values in {name!r} that are infinite or no numbers."
            raise ModelFileInvalid(self.index.path, said, "Download it again, or choose another file.")
        return tensor

    def scale(self, module: Module) -> float:
        """alpha / rank, or 1 where there is no alpha or nothing has a rank.

        Raises ModelFileInvalid if alpha is not one finite number.
        """
        name, rank = module.tensors.get("alpha"), adapters.rank_of(self.index, module)
        if name is None or rank is None:
            return 1.0
        tensor = self.tensor(name)
        alpha = float(tensor) if tensor.numel() == 1 else math.nan
        if not math.isfinite(alpha):
            said = f"has no finite number in {name!r}."
            raise ModelFileInvalid(self.index.path, said, "Download it again, or choose another file.")
        return alpha / rank


@dataclass(frozen=True)
class _Factors:
    """A module's tensors, ready to compute with."""

    module: Module
    read: Callable[[str], Tensor]

    def matrix(self, role: str) -> Tensor:
        """A factor as a matrix."""
        tensor = self.read(self.module.tensors[role])
        return tensor.reshape(tensor.shape[0] if tensor.ndim else 1, -1)

    def product(self, factor: str) -> Tensor:
        """A factor of a Kronecker product, which the file may hold as a product itself."""
        if factor in self.module.tensors:
            return self.matrix(factor)
        return self.matrix(f"{factor}_a") @ self.matrix(f"{factor}_b")


class _Changes:
    """All that some patches change."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        """Nothing yet. values: parameters that are replaced, with what replaces them."""
        self._dtype, self._device = dtype, device
        self.branches: dict[PackedLinear, list[Branch]] = {}
        self.values: dict[Slot, Tensor] = {}

    def gather(self, networks: Mapping[str, nn.Module], patch: Lora) -> None:
        """Add what one LoRA changes in these networks."""
        source = _Source(patch.file)
        places = {kind: structure.places(network) for kind, network in networks.items()}
        shapes = {kind: {name: slot.shape for name, slot in slots.items()} for kind, slots in places.items()}
        for match in matching(source.index, shapes).found:
            factors = _Factors(match.module, lambda name: source.finite(name).to(self._device, self._dtype))
            slots = places[match.target.network]
            slot = slots[match.target.parameter]
            if isinstance(slot.layer, PackedLinear):
                branches = self.branches.setdefault(slot.layer, [])
                branches += _branches(match, factors, patch.strength, source.scale(match.module))
            else:
                self._add(slot, match, factors, "diff", patch.strength)
                if match.bias is not None:
                    self._add(slots[match.bias], match, factors, "diff_b", patch.strength)

    def _add(self, slot: Slot, match: Match, factors: _Factors, role: str, strength: float) -> None:
        """Change a parameter that is no linear layer's: a norm's, which is small enough to be replaced."""
        if role in match.module.tensors:
            before = self.values.get(slot, getattr(slot.layer, slot.name))
            change = factors.read(match.module.tensors[role]).reshape(slot.shape)
            self.values[slot] = before + strength * change


def _branches(match: Match, factors: _Factors, strength: float, scale: float) -> Iterator[Branch]:
    """What a module adds to a linear layer."""
    first, swapped, roles = match.target.first, match.target.swapped, match.module.tensors
    strength_of_rank = strength * scale

    def rows(values: Tensor) -> Tensor:
        return values.roll(len(values) // 2, dims=0) if swapped else values

    if "up" in roles:
        yield LowRank(factors.matrix("down"), rows(factors.matrix("up")), strength_of_rank, first)
    elif "hada_w1_a" in roles:
        pairs = ((rows(factors.matrix(f"hada_{w}_a")), factors.matrix(f"hada_{w}_b")) for w in ("w1", "w2"))
        yield Matrix(Hadamard(*pairs), strength_of_rank, first)
    elif any(role.startswith("lokr_") for role in roles):
        yield Kronecker(factors.product("lokr_w1"), factors.product("lokr_w2"), strength_of_rank, first, swapped)
    if "diff" in roles:
        yield Matrix(Plain(rows(factors.matrix("diff"))), strength, first)
    if "diff_b" in roles:
        yield Bias(rows(factors.read(roles["diff_b"]).flatten()), strength, first)
