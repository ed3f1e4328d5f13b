"""What travels on a wire: a name per socket type, and the recipes behind MODEL, CLIP and VAE.

A MODEL, CLIP or VAE on a wire is a *recipe* (which file, which part, which patches), never loaded weights: cached
outputs hold no memory, two branches share one set of weights, and one ledger decides what is resident.
LATENT, IMAGE, MASK and CONDITIONING keep ComfyUI's Python shapes, so that other people's nodes fit between ours.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any

ANY = "*"
"""The socket type that fits every other one."""


@dataclass(frozen=True)
class Socket:
    """Marks a node field as a wire of one socket type, named as in ComfyUI."""

    type: str


@dataclass(frozen=True)
class FileRef:
    """A model file as a graph names it, found on disk.

    fingerprint: changes whenever the file's content may have changed; part of every cache key it reaches.
    """

    folder: str
    name: str
    path: str
    fingerprint: str


@dataclass(frozen=True)
class Patch:
    """One change laid over a model while it runs: a shift of the schedule, a LoRA. Base of the kinds below."""


@dataclass(frozen=True)
class FluxShift(Patch):
    """ModelSamplingFlux: a shift of the flow schedule that depends on the picture's size in pixels."""

    max_shift: float
    base_shift: float
    width: int
    height: int


@dataclass(frozen=True)
class FlowShift(Patch):
    """ModelSamplingSD3: a constant shift of the flow schedule. multiplier: timesteps are noise levels times this."""

    shift: float
    multiplier: float = 1000.0


@dataclass(frozen=True)
class Lora(Patch):
    """A low-rank change of a diffusion model or of text encoders. strength: 1.0 as trained, negative to go away."""

    file: FileRef
    strength: float


@dataclass(frozen=True)
class ModelRef:
    """MODEL: a diffusion model by file.

    weight_dtype is UNETLoader's choice ("default", "fp8_e4m3fn", ...). decoded_as is UnetLoaderGGUFAdvanced's
    dequant_dtype: what decoded blocks are rounded to before they are used ("default": not at all).
    """

    file: FileRef
    weight_dtype: str = "default"
    patches: tuple[Patch, ...] = ()
    decoded_as: str = "default"

    @property
    def storage_key(self) -> tuple[str, ...]:
        """Equal for recipes that share one set of weights."""
        return ("model", self.file.path, self.file.fingerprint, self.weight_dtype, self.decoded_as)

    def patched(self, patch: Patch) -> "ModelRef":
        """The same weights with one more patch laid on last."""
        return replace(self, patches=(*self.patches, patch))


@dataclass(frozen=True)
class ClipRef:
    """CLIP: the text encoders of one model family, from one all-in-one file or from several.

    family: what the encoders are for, named as the loaders' `type` ("flux", "stable_diffusion", ...); None: the family
    that the file itself shows. device: "default" or "cpu". layer: CLIPSetLastLayer's choice, counted from the end (-1
    for the last layer), or None.
    """

    files: tuple[FileRef, ...]
    family: str | None = None
    device: str = "default"
    patches: tuple[Patch, ...] = ()
    layer: int | None = None

    @property
    def storage_key(self) -> tuple[str, ...]:
        """Equal for recipes that share one set of weights: which parts of the files are read depends on the family."""
        files = (part for file in self.files for part in (file.path, file.fingerprint))
        return ("clip", *files, self.family or "", self.device)

    def patched(self, patch: Patch) -> "ClipRef":
        """The same weights with one more patch laid on last."""
        return replace(self, patches=(*self.patches, patch))


@dataclass(frozen=True)
class VaeRef:
    """VAE: an autoencoder by file, alone or as a part of a checkpoint."""

    file: FileRef

    @property
    def storage_key(self) -> tuple[str, ...]:
        """Equal for recipes that share one set of weights."""
        return ("vae", self.file.path, self.file.fingerprint)


@dataclass(frozen=True)
class NoiseRef:
    """NOISE: where the starting noise comes from. seed None means none at all (DisableNoise)."""

    seed: int | None


@dataclass(frozen=True)
class SamplerRef:
    """SAMPLER: a sampler by name, with the options its node gave it, as sorted (name, value) pairs."""

    name: str
    options: tuple[tuple[str, float | int | str | bool], ...] = ()


@dataclass(frozen=True)
class GuiderRef:
    """GUIDER: a model with the conditionings it is drawn by. negative None: no second evaluation, cfg unused."""

    model: ModelRef
    positive: Any
    negative: Any = None
    cfg: float = 1.0

    @property
    def storage_key(self) -> tuple[str, ...]:
        """That of the weights that its model stands for."""
        return self.model.storage_key


Model = Annotated[ModelRef, Socket("MODEL")]
Clip = Annotated[ClipRef, Socket("CLIP")]
Vae = Annotated[VaeRef, Socket("VAE")]
Noise = Annotated[NoiseRef, Socket("NOISE")]
Sampler = Annotated[SamplerRef, Socket("SAMPLER")]
Guider = Annotated[GuiderRef, Socket("GUIDER")]

Conditioning = Annotated[list[Any], Socket("CONDITIONING")]
"""A list of [tensor (B, tokens, width), {"pooled_output": tensor (B, width), "guidance": float, ...}]."""
Latent = Annotated[dict[str, Any], Socket("LATENT")]
"""{"samples": float tensor (B, C, H/8, W/8) in the VAE's scale, "noise_mask": (B, 1, H, W), "batch_index": [int]}."""
Image = Annotated[Any, Socket("IMAGE")]
"""Float tensor (B, H, W, 3 or 4), values 0..1."""
Mask = Annotated[Any, Socket("MASK")]
"""Float tensor (B, H, W), values 0..1."""
Sigmas = Annotated[Any, Socket("SIGMAS")]
"""Float32 tensor (steps + 1,), falling."""
Anything = Annotated[Any, Socket(ANY)]
"""A wire that takes whatever comes."""
