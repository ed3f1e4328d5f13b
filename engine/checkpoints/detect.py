"""Detection: which models a file holds, under which prefix, how large and how stored."""

from dataclasses import dataclass

from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.families.kl_vae import VaeSizes
from engine.checkpoints.families.t5 import T5Sizes

Sizes = FluxSizes | ClipSizes | T5Sizes | VaeSizes


@dataclass(frozen=True)
class Part:
    """One model inside a file.

    kind: "flux", "clip_l", "clip_g", "clip_h", "t5xxl", "kl_vae", or the name of a family this version does not run.
    layout: whose key names it has: "bfl", "diffusers", "hf", "openclip", "llama.cpp", "ldm". prefix: what stands before
    its keys in the file. storage: type of most of its matrices' bytes: "fp32", "fp16", "bf16", "fp8_e4m3fn", "fp8_e5m2",
    "fp8_e4m3fn scaled", "nf4", "gguf:Q4_K", "mixed". sizes: None for families this version does not run. evidence: the
    keys (with prefix) that gave it away. parameters: values once decoded. bytes: on disk.
    """

    kind: str
    layout: str
    prefix: str
    storage: str
    sizes: Sizes | None
    evidence: tuple[str, ...]
    tensors: int
    parameters: int
    bytes: int
