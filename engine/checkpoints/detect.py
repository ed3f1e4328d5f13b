"""Detection: which models a file holds, under which prefix, how large and how stored.

A family is looked for wherever its first piece of evidence stands, so prefixes ("model.diffusion_model.",
"text_encoders.t5xxl.transformer.", none) are found, not listed. "Not mine" is silence; "mine but broken" is an error.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.checkpoints.families import clip, flux, kl_vae, llama, named, t5
from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.family import Family, Unsized, View
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.families.kl_vae import VaeSizes
from engine.checkpoints.families.llama import LlamaSizes
from engine.checkpoints.families.t5 import T5Sizes
from engine.checkpoints.index import QUANT_STATE, TensorIndex
from engine.checkpoints.storage import TensorInfo, is_packed
from engine.errors import ModelFileInvalid

Sizes = FluxSizes | ClipSizes | T5Sizes | LlamaSizes | VaeSizes

FAMILIES: tuple[Family, ...] = (
    *flux.FAMILIES,
    *clip.FAMILIES,
    *t5.FAMILIES,
    *llama.FAMILIES,
    *kl_vae.FAMILIES,
    *named.FAMILIES,
)
"""Asked in this order; the first that claims a prefix and owns the same names keeps it."""

FIRST_EVIDENCE = tuple({family.evidence[0] for family in FAMILIES})

SHARED_NAMES = ("scaled_fp8", "spiece_model")
"""Names that any part may own: the marker of scaled fp8, a tokenizer model stored as a tensor."""

AUXILIARY = (
    ".absmax",
    ".nested_absmax",
    ".quant_map",
    ".nested_quant_map",
    ".scale_weight",
    ".scale_input",
    ".weight_scale",
    ".weight_scale_2",
    ".input_scale",
    ".comfy_quant",
    "scaled_fp8",
    "spiece_model",
)
"""Endings of names that belong to a storage, not to the model."""

UNFAMILIAR = {"lora": "a LoRA"}
"""Kinds that are no family of models, and how to call them in a message."""

EMBEDDINGS = ("shared.weight", "embed_tokens.weight", "token_embd.weight", "token_embedding.", "position_embedding.")
"""Parts of names of tables that are looked up, not multiplied with."""


@dataclass(frozen=True)
class Part:
    """One model inside a file.

    kind: "flux", "clip_l", "clip_g", "clip_h", "t5xxl", "llama", "kl_vae", or the name of a family that this
    version does not run. title: how to call it in a message. prefix: what stands before its keys in the file. layout:
    whose key names it has: "bfl", "diffusers", "hf", "openclip", "llama.cpp", "ldm". storage: type of most of its
    matrices: "fp32", "fp16", "bf16", "fp8_e4m3fn", "fp8_e5m2", "fp8_e4m3fn scaled", "nf4", "gguf:Q4_K", "mixed". sizes:
    None for families this version does not run. evidence: the keys (with prefix) that gave it away. parameters: values
    once decoded. bytes: on disk. owns: beginnings of its names, behind the prefix.
    """

    kind: str
    title: str
    layout: str
    prefix: str
    storage: str
    sizes: Sizes | None
    evidence: tuple[str, ...]
    tensors: int
    parameters: int
    bytes: int
    owns: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Claim:
    """A family that begins at a prefix."""

    family: Family
    prefix: str

    def owns(self, name: str) -> bool:
        """Whether a full name belongs to it, as far as it alone can tell."""
        rest = name.removeprefix(self.prefix) if self.prefix else name
        return name.startswith(self.prefix) and rest.startswith((*self.family.owns, *SHARED_NAMES))


@lru_cache(maxsize=16)
def parts(index: TensorIndex) -> tuple[Part, ...]:
    """All models in a file, largest first; empty if nothing is recognised.

    Raises ModelFileInvalid if a family's evidence is there but its sizes cannot be told.
    """
    found = claims(index)
    owned = owners(index, found)
    built = [build(index, claim, owned.get(claim, [])) for claim in found]
    return tuple(sorted(built, key=lambda part: -part.bytes)) or adapters(index)


def tensors_of(index: TensorIndex, part: Part) -> Mapping[str, TensorInfo]:
    """The tensors of a part by name without prefix, in the file's order; the marks of its storage are among them."""
    found = claims(index)
    owned = owners(index, found)
    for claim, names in owned.items():
        if (claim.family.kind, claim.family.layout, claim.prefix) == (part.kind, part.layout, part.prefix):
            return {name[len(part.prefix) :]: index.tensors[name] for name in names}
    return dict(index.tensors) if part in parts(index) else {}


def unclaimed(index: TensorIndex) -> tuple[str, ...]:
    """Names of tensors that belong to no part."""
    if adapters(index) and not claims(index):
        return ()
    taken = {name for names in owners(index, claims(index)).values() for name in names}
    return tuple(name for name in index.tensors if name not in taken)


def require(index: TensorIndex, *kinds: str) -> Part:
    """The largest part of one of these kinds. Raises ModelFileInvalid that says what the file holds instead."""
    held = parts(index)
    for part in held:
        if part.kind in kinds:
            return part
    wanted = " or ".join(dict.fromkeys(family.title for kind in kinds for family in FAMILIES if family.kind == kind))
    what = " and ".join(dict.fromkeys(part.title for part in held)) or "no model that we recognise"
    raise ModelFileInvalid(
        index.path,
        f"holds {what}, not {wanted or UNFAMILIAR.get(kinds[0], kinds[0])}.",
        "Choose another file, or another loader.",
    )


@lru_cache(maxsize=16)
def claims(index: TensorIndex) -> tuple[Claim, ...]:
    """Who begins where. Of two families that would own the same evidence, the first in FAMILIES wins."""
    found: list[Claim] = []
    for family, prefix in candidates(index):
        view = View(prefix, index.tensors, index.shape_of)
        taken = any(claim.prefix == prefix and claim.owns(prefix + family.evidence[0]) for claim in found)
        if not taken and family.claims(view):
            found.append(Claim(family, prefix))
    return tuple(found)


def candidates(index: TensorIndex) -> Iterator[tuple[Family, str]]:
    """Families with each prefix at which their first evidence stands, families in order."""
    hits = [name for name in index.tensors if name.endswith(FIRST_EVIDENCE)]
    for family in FAMILIES:
        for name in hits:
            prefix = name.removesuffix(family.evidence[0])
            if prefix != name and (not prefix or prefix.endswith(".")):
                yield family, prefix


@lru_cache(maxsize=16)
def owners(index: TensorIndex, found: tuple[Claim, ...]) -> Mapping[Claim, list[str]]:
    """Which names belong to which claim; where several could own a name, the longest prefix does."""
    owned: dict[Claim, list[str]] = {claim: [] for claim in found}
    deepest_first = sorted(found, key=lambda claim: -len(claim.prefix))
    for name in index.tensors:
        owner = next((claim for claim in deepest_first if claim.owns(name)), None)
        if owner is not None:
            owned[owner].append(name)
    return owned


def build(index: TensorIndex, claim: Claim, names: list[str]) -> Part:
    """Measure a part."""
    family, prefix = claim.family, claim.prefix
    view = View(prefix, index.tensors, index.shape_of)
    try:
        sizes = family.sizes(view) if family.sizes else None
    except Unsized as error:
        raise ModelFileInvalid(
            index.path,
            f"looks like {family.title}, but is damaged: {error}.",
            "Download it again, or choose another file.",
        ) from error
    return Part(
        kind=family.kind,
        title=family.title,
        layout=family.layout,
        prefix=prefix,
        storage=storage_of(index, names),
        sizes=sizes,
        evidence=tuple(prefix + name for name in family.evidence),
        tensors=len(names),
        parameters=parameters_of(index, names),
        bytes=sum(index.tensors[name].bytes for name in names),
        owns=family.owns,
    )


def adapters(index: TensorIndex) -> tuple[Part, ...]:
    """A file of low-rank adapters as one part; they are told by endings of names, not by single keys."""
    found = named.adapter(index.tensors)
    if found is None:
        return ()
    names, (title, shown) = list(index.tensors), found
    total = sum(tensor.bytes for tensor in index.tensors.values())
    storage, count = storage_of(index, names), parameters_of(index, names)
    return (Part("lora", title, "", "", storage, None, (shown,), len(names), count, total),)


def storage_of(index: TensorIndex, names: list[str]) -> str:
    """The type that holds more than half of the bytes of all matrices; of packed types the most common is enough.

    Embedding tables do not count: they often stay wider than the rest, and outweigh it in small models.
    """
    weights = [name for name in names if not is_auxiliary(name)]
    matrices = [name for name in weights if len(index.shape_of(name)) >= 2] or weights
    matrices = [name for name in matrices if not any(mark in name for mark in EMBEDDINGS)] or matrices
    bytes_by_type: Counter[str] = Counter()
    for name in matrices:
        bytes_by_type[stored_as(index, name)] += index.tensors[name].bytes
    if not bytes_by_type:
        return "mixed"
    most, count = bytes_by_type.most_common(1)[0]
    alone = 2 * count > bytes_by_type.total() or len(bytes_by_type) == 1
    return most if alone or is_packed(most) else "mixed"


def stored_as(index: TensorIndex, name: str) -> str:
    """How one weight is stored, marks beside it taken into account."""
    if name in index.quant_states:
        return index.quant_states[name].kind
    dtype = index.tensors[name].dtype
    scale = name.removesuffix("weight")
    if dtype.startswith("fp8") and (f"{scale}scale_weight" in index.tensors or f"{scale}weight_scale" in index.tensors):
        return f"{dtype} scaled"
    return dtype


def parameters_of(index: TensorIndex, names: list[str]) -> int:
    """Values of a model once decoded."""
    total = 0
    for name in names:
        if not is_auxiliary(name):
            shape, count = index.shape_of(name), 1
            for length in shape:
                count *= length
            total += count
    return total


def is_auxiliary(name: str) -> bool:
    """Whether a tensor belongs to the storage and not to the model."""
    return name.endswith(AUXILIARY) or QUANT_STATE in name
