"""Adapters: the modules of a LoRA file, from its header alone, in the spellings of all common trainers.

A module is what changes one layer. Its tensors share a stem, by which the layer is called ("lora_unet_…_qkv",
"transformer.….attn.to_q"), and end in what they are for: kohya-ss and LyCORIS (https://github.com/KohakuBlueleaf/LyCORIS)
end ".lora_down.weight", Hugging Face's PEFT ".lora_A.weight", older diffusers ".lora.down.weight".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid

ENDINGS: Mapping[str, str] = {
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    "_lora.down.weight": "down",
    "_lora.up.weight": "up",
    ".lora.down.weight": "down",
    ".lora.up.weight": "up",
    ".lora_linear_layer.down.weight": "down",
    ".lora_linear_layer.up.weight": "up",
    ".lora_A": "down",
    ".lora_B": "up",
    ".lora_mid.weight": "mid",
    **{f".hada_{part}": f"hada_{part}" for part in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    **{f".lokr_{part}": f"lokr_{part}" for part in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")},
    ".alpha": "alpha",
    ".diff": "diff",
    ".w_norm": "diff",
    ".diff_b": "diff_b",
    ".b_norm": "diff_b",
    ".set_weight": "set_weight",
    ".reshape_weight": "reshape_weight",
    ".lora_A.bias": "lora_bias",
    ".lora_B.bias": "lora_bias",
    ".dora_scale": "dora",
    ".oft_blocks": "oft",
    ".oft_diag": "oft",
    **{f".{part}.weight": "glora" for part in ("a1", "a2", "b1", "b2")},
}
"""What a tensor's name ends in, and what it is to its module. The rest of the name is the stem."""

PEFT = re.compile(r"\.lora_([AB])(?:\.[^.]+)?\.weight$")
"""PEFT may put the adapter's name ("default") between."""

MAGNITUDE = re.compile(r"\.lora_magnitude_vector(?:\.[^.]+)?(?:\.weight)?$")
"""How PEFT writes the scales of DoRA."""

NUMBERS = ("fp64", "fp32", "fp16", "bf16", "fp8_e4m3fn", "fp8_e5m2")
"""Types in which a change can be stored."""

LORA, LOHA = frozenset({"down", "up"}), frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"})
DENSE = frozenset({"diff", "diff_b"})

UNSUPPORTED: Mapping[str, str] = {
    "dora": "DoRA (its scales need the norm of every changed matrix)",
    "oft": "OFT or BOFT (it turns the matrices instead of adding to them)",
    "glora": "GLoRA",
    "mid": "a Tucker decomposition, which only convolutions have",
    "hada_t1": "a Tucker decomposition, which only convolutions have",
    "hada_t2": "a Tucker decomposition, which only convolutions have",
    "lokr_t2": "a Tucker decomposition, which only convolutions have",
    "lora_bias": "a LoRA with biases of its own, as Flux's control LoRAs (Canny, Depth) have",
    "set_weight": "weights that replace the model's own",
    "reshape_weight": "a widened layer",
}
"""What cannot be laid on, and what it is called."""

WITHOUT = "Use a LoRA without it, or a model file into which it is merged."
AGAIN = "Download it again, or choose another file."


@dataclass(frozen=True)
class Module:
    """What changes one layer.

    stem: how the file calls the layer. tensors: what each is for, to its name in the file.
    """

    stem: str
    tensors: Mapping[str, str]

    @property
    def shown(self) -> str:
        """A tensor's name, for messages."""
        return next(iter(self.tensors.values()))


def role_of(name: str) -> tuple[str, str] | None:
    """The stem and the role of a tensor, or None if its name ends in nothing that adapters have."""
    peft = PEFT.search(name)
    if peft is not None:
        return name[: peft.start()], "down" if peft[1] == "A" else "up"
    magnitude = MAGNITUDE.search(name)
    if magnitude is not None:
        return name[: magnitude.start()], "dora"
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), None)
    return None if ending is None else (name.removesuffix(ending), ENDINGS[ending])


def modules(index: TensorIndex) -> tuple[tuple[Module, ...], tuple[str, ...]]:
    """All modules of a file, and the names of tensors that are in none.

    Raises ModelFileInvalid if a module has two tensors of one role.
    """
    found: dict[str, dict[str, str]] = {}
    rest: list[str] = []
    for name in index.tensors:
        read = role_of(name)
        if read is None:
            rest.append(name)
            continue
        stem, role = read
        before = found.setdefault(stem, {}).setdefault(role, name)
        if before != name and role not in UNSUPPORTED:
            raise ModelFileInvalid(index.path, f"changes {stem!r} twice: by {before!r} and by {name!r}.", AGAIN)
    return tuple(Module(stem, tensors) for stem, tensors in found.items()), tuple(rest)


def check(index: TensorIndex, module: Module, shape: tuple[int, ...]) -> None:
    """Raise ModelFileInvalid unless a module is whole, of a kind that can be laid on, and fits.

    shape: of what it changes: (rows, columns) of a matrix, or (values,).
    """
    check_kind(index, module)
    roles = frozenset(module.tensors) - {"alpha"}
    left = roles - DENSE
    if left and len(shape) != 2:
        raise ModelFileInvalid(index.path, f"has a matrix ({module.shown!r}) for a vector of {_by(shape)}.", AGAIN)
    if left == LORA:
        _check_lora(index, module, shape)
    elif left == LOHA:
        _check_loha(index, module, shape)
    elif left and all(role.startswith("lokr_") for role in left):
        _check_lokr(index, module, shape)
    elif left or not roles:
        raise ModelFileInvalid(index.path, f"has only {_listed(module.tensors.values())} for {module.stem!r}.", AGAIN)
    if "diff" in roles:
        _want(index, module, "diff", shape)
    if "diff_b" in roles:
        _want(index, module, "diff_b", shape[:1])


def check_kind(index: TensorIndex, module: Module) -> None:
    """Raise ModelFileInvalid unless a module is of a kind that can be laid on, stored as numbers."""
    refused = next((role for role in module.tensors if role in UNSUPPORTED), None)
    if refused is not None:
        said = f"is {UNSUPPORTED[refused]}, which cannot be laid on yet ({module.tensors[refused]!r})."
        raise ModelFileInvalid(index.path, said, WITHOUT)
    for role, name in module.tensors.items():
        dtype = index.tensors[name].dtype
        if role != "alpha" and dtype not in NUMBERS:
            raise ModelFileInvalid(index.path, f"stores {name!r} as {dtype}, not as {', '.join(NUMBERS)}.", AGAIN)


def matrix(index: TensorIndex, name: str) -> tuple[int, int]:
    """Rows and columns of a factor; convolutions of one pixel (r, n, 1, 1) are matrices."""
    shape = index.shape_of(name)
    return (shape[0] if shape else 1), prod(shape[1:])


def rank_of(index: TensorIndex, module: Module) -> int | None:
    """What alpha is divided by; None if nothing in the module is of low rank, so that alpha means nothing."""
    by = next((role for role in ("down", "hada_w1_b", "lokr_w2_b", "lokr_w1_b") if role in module.tensors), None)
    return None if by is None else matrix(index, module.tensors[by])[0]


def _check_lora(index: TensorIndex, module: Module, shape: tuple[int, ...]) -> None:
    rank = _rank(index, module, "down", shape)
    _want(index, module, "down", (rank, shape[-1]))
    _want(index, module, "up", (shape[0], rank))


def _check_loha(index: TensorIndex, module: Module, shape: tuple[int, ...]) -> None:
    for factor in ("hada_w1", "hada_w2"):
        rank = _rank(index, module, f"{factor}_b", shape)
        _want(index, module, f"{factor}_b", (rank, shape[-1]))
        _want(index, module, f"{factor}_a", (shape[0], rank))


def _check_lokr(index: TensorIndex, module: Module, shape: tuple[int, ...]) -> None:
    rows, columns = zip(*(_lokr_factor(index, module, f"lokr_{part}", shape) for part in ("w1", "w2")), strict=True)
    if (prod(rows), prod(columns)) != shape:
        raise _misfit(index, module.shown, (prod(rows), prod(columns)), shape)


def _lokr_factor(index: TensorIndex, module: Module, factor: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Sizes of one factor of a Kronecker product, which may be a product itself."""
    pair = {f"{factor}_a", f"{factor}_b"} & set(module.tensors)
    whole = factor in module.tensors
    if whole == bool(pair) or len(pair) == 1:
        raise ModelFileInvalid(index.path, f"has only {_listed(module.tensors.values())} for {module.stem!r}.", AGAIN)
    if whole:
        return matrix(index, module.tensors[factor])
    rank = _rank(index, module, f"{factor}_b", shape)
    rows, inner = matrix(index, module.tensors[f"{factor}_a"])
    if inner != rank:
        raise _misfit(index, module.tensors[f"{factor}_a"], (rows, inner), (rows, rank))
    return rows, matrix(index, module.tensors[f"{factor}_b"])[1]


def _rank(index: TensorIndex, module: Module, role: str, shape: tuple[int, ...]) -> int:
    """The rank, by the rows of the factor that comes first; more than the larger side of the matrix is no low rank."""
    name = module.tensors[role]
    rank = matrix(index, name)[0]
    if not 0 < rank <= max(shape):
        said = f"has rank {rank} in {name!r}, for a matrix of {_by(shape)}."
        raise ModelFileInvalid(index.path, said, AGAIN)
    return rank


def _want(index: TensorIndex, module: Module, role: str, shape: tuple[int, ...]) -> None:
    name = module.tensors[role]
    found = matrix(index, name) if len(shape) == 2 else (prod(index.shape_of(name)),)
    if found != shape:
        raise _misfit(index, name, found, shape)


def _misfit(index: TensorIndex, name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> ModelFileInvalid:
    said = f"does not fit this model: {name!r} has {_by(found)} values, the model takes {_by(wanted)}."
    return ModelFileInvalid(index.path, said, "Use a LoRA that was made for this model.")


def _by(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape))


def _listed(names: Iterable[str]) -> str:
    return " and ".join(map(repr, names))
