"""Weights: the tensors of a part by the names that networks have, each with what belongs to its storage."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from engine.checkpoints import detect, four_bit_state
from engine.checkpoints.detect import Part
from engine.checkpoints.four_bit_state import QuantState
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.keymaps import llama, t5
from engine.checkpoints.storage import GGUF_DECODED, TensorInfo, is_decodable

HUGGING_FACE: Mapping[str, Callable[[str], str]] = {"t5xxl": t5.hugging_face, "llama": llama.hugging_face}
"""Kinds of models to Hugging Face's names for llama.cpp's."""


class Weight(NamedTuple):
    """One weight of a file.

    storage: "bf16", "gguf:Q4_K", "nf4". shape: what it stands for, once decoded. beside: what its storage needs besides
    `info`'s bytes, by bitsandbytes' suffix ("absmax", "quant_map", ...). state: what a 4-bit weight's JSON says.
    """

    info: TensorInfo
    storage: str
    shape: tuple[int, ...]
    beside: Mapping[str, TensorInfo] = {}
    state: QuantState | None = None

    @property
    def bytes(self) -> int:
        """Bytes on disk, all told."""
        return self.info.bytes + sum(info.bytes for info in self.beside.values())


@lru_cache(maxsize=16)
def of_part(index: TensorIndex, part: Part) -> Mapping[str, Weight]:
    """The weights of a part by the network's names, in the file's order.

    Tensors that accompany a 4-bit weight are its own; without such a weight they stand as weights, which no network
    knows. A part in llama.cpp's layout comes with Hugging Face's names.
    """
    tensors = detect.tensors_of(index, part)
    beside: dict[str, dict[str, TensorInfo]] = {}
    alone: dict[str, TensorInfo] = {}
    for name, info in tensors.items():
        owner, suffix = _accompanied(name)
        if owner and part.prefix + owner in index.quant_states and owner in tensors:
            beside.setdefault(owner, {})[suffix] = info
        else:
            alone[name] = info
    rename = HUGGING_FACE[part.kind] if part.layout == "llama.cpp" else str
    return {
        rename(name): _weight(index, part.prefix + name, info, beside.get(name, {})) for name, info in alone.items()
    }


def _accompanied(name: str) -> tuple[str, str]:
    """The weight that a tensor would accompany, and as what; ("", "") if its name is not of that kind."""
    for suffix in four_bit_state.PARTS:
        if name.endswith(f".{suffix}"):
            return name[: -len(suffix) - 1], suffix
    return "", ""


def _weight(index: TensorIndex, name: str, info: TensorInfo, beside: Mapping[str, TensorInfo]) -> Weight:
    state = index.quant_states.get(name)
    return Weight(info, info.dtype if state is None else state.kind, index.shape_of(name), beside, state)


def undecodable(weights: Mapping[str, Weight]) -> Iterator[str]:
    """What is wrong with how weights are stored, a sentence without its full stop for each."""
    for name, weight in weights.items():
        if weight.storage.startswith("gguf:") and not is_decodable(weight.storage):
            yield f"{name} is stored as {weight.storage}, but known are {', '.join(GGUF_DECODED)}"
        elif _accompanied(name)[0]:
            yield f"{name} accompanies no 4-bit weight"
        elif weight.state is not None:
            wrong = next(_contradictions(weight, weight.state), None)
            if wrong is not None:
                yield f"{name} is stored as {weight.storage}, but {wrong}"


def _contradictions(weight: Weight, state: QuantState) -> Iterator[str]:
    """How a 4-bit weight's tensors differ from what its state says."""
    held = {"": weight.info, **weight.beside}
    for suffix, elements in state.elements.items():
        what = f"its {suffix}" if suffix else "it"
        info = held.get(suffix)
        if info is None:
            yield f"{what} is missing"
        elif info.elements != elements:
            yield f"{what} has {info.elements:,} elements instead of {elements:,}"
        elif info.dtype != state.dtypes[suffix]:
            yield f"{what} holds {info.dtype} instead of {state.dtypes[suffix]}"
    for suffix in held:
        if suffix not in state.elements and four_bit_state.MARK[1:] not in suffix:
            yield f"its {suffix} is there, which its state does not speak of"
