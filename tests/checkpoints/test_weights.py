"""Weights by the network's names, with what belongs to their storage; contradictions are told from headers alone."""

from dataclasses import replace
from typing import Any

import pytest

from engine.checkpoints import runnable, weights
from engine.checkpoints.detect import parts, require
from engine.checkpoints.families import t5
from engine.checkpoints.four_bit_state import MARK, QuantState
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid
from tests.checkpoints.tables import index_of, load

STATE = QuantState("nf4", (64, 100), 64, None)
NESTED = QuantState("nf4", (64, 100), 64, 256)


def four_bit(state: QuantState, **changes: Any) -> weights.Weight:
    """A weight as its state says, but for changes: suffix ("codes" for itself) to (type, elements)."""
    held = {suffix or "codes": (state.dtypes[suffix], count) for suffix, count in state.elements.items()} | changes
    infos = {suffix: TensorInfo(*given_as(given), 0, 0) for suffix, given in held.items() if given is not None}
    return weights.Weight(infos.pop("codes"), "nf4", state.shape, infos, state)


def given_as(given: tuple[str, int]) -> tuple[str, tuple[int, ...]]:
    return given[0], (given[1],)


@pytest.mark.parametrize("state", [STATE, NESTED])
def test_a_whole_four_bit_weight_is_fine(state: QuantState) -> None:
    assert list(weights.undecodable({"w": four_bit(state)})) == []


@pytest.mark.parametrize(
    ("state", "changes", "said"),
    [
        (STATE, {"absmax": None}, "its absmax is missing"),
        (STATE, {"absmax": ("fp32", 99)}, "its absmax has 99 elements instead of 100"),
        (STATE, {"absmax": ("uint8", 100)}, "its absmax holds uint8 instead of fp32"),
        (STATE, {"codes": ("uint8", 3201)}, "it has 3,201 elements instead of 3,200"),
        (STATE, {"nested_absmax": ("fp32", 1)}, "its nested_absmax is there, which its state does not speak of"),
        (NESTED, {"absmax": ("fp32", 100)}, "its absmax holds fp32 instead of uint8"),
        (NESTED, {"nested_quant_map": None}, "its nested_quant_map is missing"),
    ],
)
def test_a_four_bit_weight_that_contradicts_its_state_is_told(
    state: QuantState, changes: dict[str, Any], said: str
) -> None:
    (found,) = weights.undecodable({"w": four_bit(state, **changes)})
    assert found == f"w is stored as nf4, but {said}"


def test_what_accompanies_a_four_bit_weight_belongs_to_it_and_orphans_stand_alone() -> None:
    table = load("flux_dev")
    name = "double_blocks.0.img_mlp.0.weight"
    table |= {name: ("uint8", (12288 * 3072 // 2, 1)), f"{name}.absmax": ("fp32", (12288 * 3072 // 64,))}
    table |= {f"{name}.quant_map": ("fp32", (16,)), f"{name}{MARK}nf4": ("uint8", (80,))}
    table["img_in.weight.absmax"] = ("fp32", (3,))
    plain = index_of(table)
    states = {name: QuantState("nf4", (12288, 3072), 64, None)}
    index = replace(plain, quant_states=states, logical_shapes={name: (12288, 3072)})
    held = weights.of_part(index, require(index, "flux"))
    assert (held[name].storage, held[name].shape) == ("nf4", (12288, 3072))
    assert set(held[name].beside) == {"absmax", "quant_map", f"{MARK[1:]}nf4"}
    assert held["img_in.weight.absmax"].storage == "fp32"
    with pytest.raises(ModelFileInvalid, match=r"cannot be loaded: img_in.weight.absmax accompanies no 4-bit weight\."):
        runnable.require(index, "flux")


def test_llama_cpps_names_become_those_of_hugging_face() -> None:
    index = index_of(load("t5xxl_llama_cpp"))
    (part,) = parts(index)
    assert isinstance(part.sizes, t5.T5Sizes)
    held = weights.of_part(index, part)
    assert set(held) == {*t5.shapes(part.sizes), "shared.weight"}
    assert runnable.refused(index, part) is None


def gguf_index(name: str, changes: dict[str, Any], **metadata: Any) -> TensorIndex:
    index = index_of(load(name) | changes)
    return replace(index, path="model.gguf", format="gguf", metadata=metadata)


@pytest.mark.parametrize(
    ("table", "kind", "called", "fine"),
    [
        ("flux_dev", "flux", "flux", True),
        ("flux_dev", "flux", "pig", True),
        ("flux_dev", "flux", "sd1", False),
        ("flux_dev", "flux", "llama", False),
        ("t5xxl_llama_cpp", "t5xxl", "t5encoder", True),
        ("t5xxl_llama_cpp", "t5xxl", "llama", False),
    ],
)
def test_an_architecture_that_contradicts_the_tensors_is_refused(
    table: str, kind: str, called: str, fine: bool
) -> None:
    index = gguf_index(table, {}, **{"general.architecture": called})
    if fine:
        assert runnable.require(index, kind).kind == kind
    else:
        with pytest.raises(ModelFileInvalid, match=rf"says general.architecture '{called}'\. Use a file that says"):
            runnable.require(index, kind)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"double_blocks.3.img_mlp.0.bias": ("fp32", (7,))}, r"img_mlp.0.bias has shape \[7\] instead of \[12288\]"),
        (
            {"single_blocks.5.linear2.weight": ("gguf:Q8_K", (3072, 15360))},
            "single_blocks.5.linear2.weight is stored as gguf:Q8_K, but known are Q4_0, Q4_1",
        ),
    ],
)
def test_a_tensor_that_cannot_be_loaded_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=said):
        runnable.require(gguf_index("flux_dev", changes), "flux")


def test_a_missing_tensor_is_named() -> None:
    table = load("flux_dev")
    del table["single_blocks.5.linear2.weight"]
    with pytest.raises(ModelFileInvalid, match="cannot be loaded: single_blocks.5.linear2.weight is missing"):
        runnable.require(index_of(table), "flux")


@pytest.mark.parametrize(
    ("format", "path"), [("safetensors", "a.gguf"), ("gguf", "a.safetensors"), ("pickle", "a.sft")]
)
def test_a_name_that_promises_another_format_is_refused(format: Any, path: str) -> None:
    index = replace(index_of(load("flux_dev")), format=format, path=path)
    with pytest.raises(ModelFileInvalid, match=rf"is a {format} file, though its name ends in .*Rename it to end in"):
        runnable.require(index, "flux")


def test_a_t5_of_another_vocabulary_needs_a_tokenizer_in_its_file() -> None:
    changes = {"token_embd.weight": ("bf16", (250112, 4096))}
    with pytest.raises(ModelFileInvalid, match="another vocabulary than T5's, and no tokenizer for it"):
        runnable.require(gguf_index("t5xxl_llama_cpp", changes), "t5xxl")
    with_tokens = gguf_index("t5xxl_llama_cpp", changes, **{"tokenizer.ggml.tokens": ("a",)})
    assert runnable.require(with_tokens, "t5xxl").layout == "llama.cpp"
