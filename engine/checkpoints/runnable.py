"""Which of the models that headers show can be run, told before anything is loaded."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from engine.checkpoints import adapter_matching, detect, weights
from engine.checkpoints.detect import Part
from engine.checkpoints.families import clip, flux, llama, t5
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.families.llama import LlamaSizes
from engine.checkpoints.families.t5 import T5Sizes
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid

SINGLE_FILE = "Use a file with the key names of the published single files."
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "flux": ("bfl",),
    "clip_l": ("hf",),
    "clip_g": ("hf",),
    "clip_h": ("hf",),
    "t5xxl": ("hf", "llama.cpp"),
    "llama": ("hf", "llama.cpp"),
    "kl_vae": ("ldm",),
    "lora": ("",),
}
"""Kinds of models that can be run, each with the layouts of key names that are understood."""

SHAPES: Mapping[str, Callable[[Any], Mapping[str, tuple[int, ...]]]] = {
    "flux": flux.shapes,
    "clip_l": clip.shapes,
    "clip_g": clip.shapes_projected,
    "clip_h": clip.shapes_projected,
    "t5xxl": t5.shapes,
    "llama": llama.shapes,
}
"""Kinds of models to the shapes that follow from their sizes."""

TOKENIZER = "tokenizer.ggml."
"""Beginning of the keys under which a GGUF file keeps its tokenizer."""

ARCHITECTURE = "general.architecture"
UNNAMED = frozenset({"pig", "cow"})
"""What some converters write for any model."""

ARCHITECTURES: Mapping[str, frozenset[str]] = {
    "flux": frozenset({"flux"}),
    "t5xxl": frozenset({"t5", "t5encoder"}),
    "llama": frozenset({"llama"}),
    "clip_l": frozenset({"clip", "clip_l", "clip-l"}),
    "clip_g": frozenset({"clip", "clip_g", "clip-g"}),
    "clip_h": frozenset({"clip", "clip_h", "clip-h"}),
}
"""Kinds of models to what a GGUF file's metadata may call them."""

SUFFIXES: Mapping[str, frozenset[str]] = {
    "gguf": frozenset({".safetensors", ".sft"}),
    "safetensors": frozenset({".gguf"}),
    "pickle": frozenset({".gguf", ".safetensors", ".sft"}),
}
"""Formats to endings of names that promise another one."""

SHOWN = 3
"""How many findings a message lists before it counts the rest."""

OWN_TOKENIZER = "Use the published T5, or a GGUF file with its tokenizer in the metadata."
LLAMA_TOKENIZER = "Use a GGUF file of Llama 3.1 8B Instruct: those have their tokenizer in the metadata."
LLAMA_SPLITTERS = frozenset({"llama-bpe", "llama3", "llama-v3"})
"""What llama.cpp calls the way in which Llama 3 divides text into words."""
AGAIN = "Download it again, or use another file."


def require(index: TensorIndex, *kinds: str) -> Part:
    """The largest part of one of these kinds. Raises ModelFileInvalid if the file has none, or none that can be run."""
    ending = PurePath(index.path).suffix.lower()
    if ending in SUFFIXES[index.format]:
        right = ".ckpt" if index.format == "pickle" else f".{index.format}"
        raise ModelFileInvalid(
            index.path, f"is a {index.format} file, though its name ends in {ending}.", f"Rename it to end in {right}."
        )
    part = detect.require(index, *kinds)
    refusal = refused(index, part)
    if refusal is not None:
        raise ModelFileInvalid(index.path, *refusal)
    return part


@lru_cache(maxsize=64)
def refused(index: TensorIndex, part: Part) -> tuple[str, str] | None:
    """Why a part cannot be run and what to do, or None if it can."""
    if part.kind not in LAYOUTS:
        known = ", ".join(sorted(LAYOUTS))
        return f"holds {part.title}, which cannot be run yet.", f"Models of these kinds can be run: {known}."
    if part.layout not in LAYOUTS[part.kind]:
        return f"holds {part.title} with key names of {part.layout}, which cannot be run yet.", SINGLE_FILE
    if part.kind == "lora":
        return _refused_adapter(index)
    called, names = index.metadata.get(ARCHITECTURE), ARCHITECTURES.get(part.kind)
    if index.format == "gguf" and called is not None and names and called not in names | UNNAMED:
        said = f"holds {part.title}, but its metadata says {ARCHITECTURE} {str(called)[:40]!r}."
        return said, f"Use a file that says {' or '.join(sorted(names))}, since this one may hold something else."
    if isinstance(part.sizes, LlamaSizes):
        unread = _unreadable_llama(index, part)
        if unread is not None:
            return unread
    if not has_tokenizer(index, part):
        return f"holds {part.title} of another vocabulary than T5's, and no tokenizer for it.", OWN_TOKENIZER
    wrong = [*weights.undecodable(weights.of_part(index, part)), *misshapen(index, part)]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        return f"holds {part.title} that cannot be loaded: {', '.join(wrong[:SHOWN])}{more}.", AGAIN
    if isinstance(part.sizes, FluxSizes) and part.sizes.in_channels != part.sizes.out_channels:
        takes = f"takes a picture besides its latent ({part.sizes.in_channels} channels)"
        return f"holds {part.title} that {takes}, which is not supported yet.", "Use a text-to-picture model."
    return None


def _refused_adapter(index: TensorIndex) -> tuple[str, str] | None:
    try:
        adapter_matching.check(index)
    except ModelFileInvalid as error:
        return error.said, error.fix
    return None


def has_tokenizer(index: TensorIndex, part: Part) -> bool:
    """Whether a part's tokens can be made: T5's published vocabulary is known, another must come with a GGUF file."""
    if not isinstance(part.sizes, T5Sizes) or part.sizes.tokens in t5.PUBLISHED:
        return True
    return f"{TOKENIZER}tokens" in index.metadata


def _unreadable_llama(index: TensorIndex, part: Part) -> tuple[str, str] | None:
    """Why a language model's metadata keep it from being run as Llama 3."""
    rotated = index.metadata.get(llama.ROTATED, llama.HEAD_WIDTH)
    if rotated != llama.HEAD_WIDTH:
        said = f"holds {part.title} with heads of {str(rotated)[:20]} values, where {llama.HEAD_WIDTH} are known."
        return said, "Use Llama 3.1 8B Instruct."
    kind, splitter = (index.metadata.get(TOKENIZER + name) for name in ("model", "pre"))
    if not all(TOKENIZER + name in index.metadata for name in ("tokens", "merges", "token_type")):
        return f"holds {part.title}, but no tokenizer for it.", LLAMA_TOKENIZER
    if kind != "gpt2" or splitter not in LLAMA_SPLITTERS:
        return f"holds {part.title} with a tokenizer that is not Llama 3's ({kind}, {splitter}).", LLAMA_TOKENIZER
    return None


def misshapen(index: TensorIndex, part: Part) -> Iterator[str]:
    """Weights that are missing, or have another shape than the part's sizes ask for."""
    if part.kind not in SHAPES or part.sizes is None:
        return
    held = weights.of_part(index, part)
    for name, shape in SHAPES[part.kind](part.sizes).items():
        if name not in held:
            yield f"{name} is missing"
        elif held[name].shape != shape:
            yield f"{name} has shape {list(held[name].shape)} instead of {list(shape)}"
