"""DiffusionNetwork: what samplers see of a diffusion model, whatever its family."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor

from engine.checkpoints import index, runnable
from engine.checkpoints.families.flux import FluxSizes
from engine.errors import GraphInvalid
from engine.inference.devices import NAMES, device_of, network_dtype
from engine.inference.models.flux import Flux
from engine.inference.patches import lora
from engine.inference.residency import Piece, Setting, borrowed
from schemas.context import Context
from schemas.report import Problem
from schemas.sockets import ModelRef

ROUNDING: Mapping[str, torch.dtype | None] = {
    "default": None,
    "fp8_e4m3fn": torch.float8_e4m3fn,
    "fp8_e4m3fn_fast": torch.float8_e4m3fn,
    "fp8_e5m2": torch.float8_e5m2,
}
"""UNETLoader's weight_dtype to the type that weights are rounded to. "fast" means 8-bit multiplication on GPUs that
have it; the weights are the same.
"""

DECODED: Mapping[str, torch.dtype | None] = {
    "default": None,
    "target": None,
    "float32": None,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
"""UnetLoaderGGUFAdvanced's dequant_dtype to the type that GGUF blocks are decoded in; None is float32, then one
rounding to what the network computes in. ComfyUI-GGUF's own default is float16: less exact, and no faster here.
"""

DEFAULT_GUIDANCE = 3.5
"""What Flux is told where a conditioning says nothing."""


@dataclass(frozen=True)
class LatentFormat:
    """How a network's latents differ from the autoencoder's: (latent - shift) × scale."""

    channels: int
    scale: float
    shift: float

    def process_in(self, latent: Tensor) -> Tensor:
        """From the autoencoder's scale to the network's."""
        return (latent - self.shift) * self.scale

    def process_out(self, latent: Tensor) -> Tensor:
        """From the network's scale to the autoencoder's."""
        return latent / self.scale + self.shift


FLUX_LATENT = LatentFormat(channels=16, scale=0.3611, shift=0.1159)


@dataclass(frozen=True)
class ModelFacts:
    """What sampling must know of a model before it is loaded. All of it is read from the file's header.

    prediction: what the network answers with; "flow": the velocity from clean latent to noise. schedule: the table of
    noise levels: "flux" (shifted exponentially) or "flow" (shifted linearly), and by how much.
    """

    latent: LatentFormat
    prediction: Literal["flow"]
    schedule: Literal["flux", "flow"]
    shift: float


class DiffusionNetwork(Protocol):
    """A diffusion model, ready to be asked."""

    latent: LatentFormat
    dtype: torch.dtype
    device: torch.device

    def velocity(self, x: Tensor, timestep: Tensor, tokens: Tensor, options: Mapping[str, Any]) -> Tensor:
        """The network's output at x.

        x: (B, C, H, W) float32, in the network's scale. timestep: (B,) float32. tokens: (B or 1, T, width). options:
        the rest of the conditioning ("pooled_output", "guidance", ...). Returns (B, C, H, W) float32 on x's device.
        """


class FluxNetwork:
    """Flux as a DiffusionNetwork."""

    def __init__(self, flux: Flux, dtype: torch.dtype, device: torch.device) -> None:
        """flux: with its weights. dtype, device: to compute in and on."""
        self._flux, self.dtype, self.device = flux, dtype, device
        self.latent = FLUX_LATENT

    def velocity(self, x: Tensor, timestep: Tensor, tokens: Tensor, options: Mapping[str, Any]) -> Tensor:
        """See DiffusionNetwork. guidance: a number, None to leave the embedding out, 3.5 if it is not given.

        Raises GraphInvalid for the conditioning of another family's text encoders, if its widths show it.
        """
        batch, sizes = x.shape[0], self._flux.sizes
        pooled = options.get("pooled_output")
        if pooled is None:
            pooled = torch.zeros(1, sizes.pooled_width)
        _check_widths(tokens.shape[-1], pooled.shape[-1], sizes)
        guidance = options.get("guidance", DEFAULT_GUIDANCE)
        with torch.no_grad():
            answer = self._flux(
                x.to(self.device, self.dtype),
                timestep.to(self.device, torch.float32).expand(batch),
                self._like_batch(tokens, batch),
                self._like_batch(pooled, batch)[:, : sizes.pooled_width],
                None if guidance is None else torch.full((batch,), float(guidance), device=self.device),
            )
        return answer.to(x.device, torch.float32)

    def _like_batch(self, tensor: Tensor, batch: int) -> Tensor:
        """In the type computed in, and one entry repeated for each of the batch."""
        moved = tensor.to(self.device, self.dtype)
        return moved.expand(batch, *moved.shape[1:]) if moved.shape[0] == 1 else moved


def _check_widths(tokens: int, pooled: int, sizes: FluxSizes) -> None:
    """Raise GraphInvalid unless the network takes tokens and pooled vectors of these widths; it cuts longer vectors."""
    if tokens != sizes.text_width or pooled < sizes.pooled_width:
        said = (
            f"the conditioning has tokens of width {tokens} and a pooled vector of {pooled}, but this Flux takes"
            f" {sizes.text_width} and {sizes.pooled_width}"
        )
        fix = "Load the text encoders of Flux: T5 and CLIP-L with type flux."
        raise GraphInvalid([Problem(code="wrong-wire", said=said, fix=fix)])


def facts(model: ModelRef) -> ModelFacts:
    """What sampling must know of a model, without its patches, from the file's header."""
    sizes = runnable.require(index.read(model.file.path), "flux").sizes
    if isinstance(sizes, FluxSizes) and sizes.guided:
        return ModelFacts(FLUX_LATENT, "flow", "flux", shift=1.15)
    return ModelFacts(FLUX_LATENT, "flow", "flow", shift=1.0)


@contextmanager
def borrow(context: Context, model: ModelRef) -> Iterator[DiffusionNetwork]:
    """The network of a recipe, resident and pinned inside the block. Raises ModelFileInvalid, DoesNotFit."""
    device = device_of(context)
    dtype = network_dtype(context, device)
    piece = Piece(model.file, runnable.require(index.read(model.file.path), "flux"), Flux)
    setting = Setting(dtype, device, ROUNDING[model.weight_dtype], decoded=DECODED[model.decoded_as])
    label = f"{model.file.name} (diffusion model)"
    with borrowed(context, model.storage_key, label, {"flux": piece}, setting) as networks:
        context.used_model(model.file, NAMES[dtype])
        flux = cast(Flux, networks["flux"])
        with lora.laid({"flux": flux}, model.patches, dtype, device):
            yield FluxNetwork(flux, dtype, device)
