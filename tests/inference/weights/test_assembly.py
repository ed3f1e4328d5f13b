"""A network takes all that it needs from a file, and says so when the file has less, more or other things."""

from math import prod

import pytest
import torch
from torch import Tensor, nn

from engine.checkpoints.storage import TensorInfo
from engine.checkpoints.weights import Weight
from engine.errors import ModelFileInvalid
from engine.inference.layers.embedding import Embedding
from engine.inference.layers.linear import PackedLinear
from engine.inference.layers.norms import RmsNorm
from engine.inference.weights.assembly import Terms, assemble, own_bytes, slots
from engine.inference.weights.fp8 import Float8
from engine.inference.weights.packed import Plain
from engine.inference.weights.stored import plain

E4, E5 = torch.float8_e4m3fn, torch.float8_e5m2
F32 = Terms(torch.float32)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = Embedding(6, 4)
        self.norm = RmsNorm(4, "scale")
        self.conv = nn.Conv2d(1, 2, 3, device="meta")
        self.lin = PackedLinear(4, 3)


def tensors(dtype: torch.dtype = torch.bfloat16) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(slot.shape, generator=generator).to(dtype) for name, slot in slots(Small())}


def assembled(given: dict[str, Tensor], terms: Terms = F32) -> Small:
    small = Small()
    assemble(small, plain(given), "a.safetensors", terms)
    return small


def test_matrices_and_tables_are_the_files_own_and_small_things_are_widened() -> None:
    given = tensors()
    small = assembled(given)
    assert isinstance(small.lin.packed, Plain)
    assert small.lin.packed.values is given["lin.weight"]
    assert isinstance(small.table.packed, Plain)
    assert small.table.packed.values is given["table.weight"]
    assert small.norm.scale.dtype == small.conv.weight.dtype == small.lin.bias.dtype == torch.float32
    assert torch.equal(small.conv.weight, given["conv.weight"].float())
    assert not any(parameter.requires_grad for parameter in small.parameters())


def test_what_is_missing_misshapen_or_no_number_is_named() -> None:
    given = tensors()
    del given["lin.bias"]
    given["norm.scale"] = torch.ones(5)
    given["table.weight"] = torch.ones(6, 4, dtype=torch.uint8)
    with pytest.raises(ModelFileInvalid) as caught:
        assembled(given)
    assert "a.safetensors: cannot be loaded: table.weight holds uint8, no floating-point numbers" in str(caught.value)
    assert "norm.scale has shape [5] instead of [4]" in str(caught.value)
    assert "lin.bias is missing" in str(caught.value)


def test_what_is_unknown_is_an_error_unless_a_reason_is_given() -> None:
    given = tensors() | {f"extra.{number}.weight": torch.ones(1) for number in range(6)}
    with pytest.raises(ModelFileInvalid, match=r"does not know: extra.0.weight, .*extra.3.weight and 2 more"):
        assembled(given)
    assembled(given, Terms(torch.float32, ignored={"extra.*": "a test's own"}))


def test_rounding_reaches_every_weight() -> None:
    given = tensors()
    small = assembled(given, Terms(torch.float32, rounding=E5))
    assert isinstance(small.lin.packed, Float8)
    assert torch.equal(small.lin.packed.codes.float(), given["lin.weight"].to(E5).float())
    assert torch.equal(small.lin.bias, given["lin.bias"].to(E5).float())
    assert torch.equal(small.norm.scale, given["norm.scale"].to(E5).float())
    assert isinstance(small.table.packed, Float8)
    assert torch.equal(small.table.packed.codes.float(), given["table.weight"].to(E5).float())


def test_wider_weights_are_narrowed_when_they_are_used_and_stay_in_the_file() -> None:
    given = tensors(torch.float32)
    small = assembled(given, Terms(torch.float32, narrowed=torch.float16))
    half = {name: tensor.half().float() for name, tensor in given.items()}
    assert isinstance(small.lin.packed, Plain)
    assert small.lin.packed.values is given["lin.weight"]
    assert torch.equal(small.lin(torch.eye(4)), half["lin.weight"].t() + half["lin.bias"])
    assert torch.equal(small.table(torch.arange(6), torch.float32), half["table.weight"])
    assert torch.equal(small.norm.scale, half["norm.scale"])


def test_weights_of_that_width_are_not_narrowed() -> None:
    given = tensors(torch.bfloat16)
    small = assembled(given, Terms(torch.float32, narrowed=torch.float16))
    assert torch.equal(small.table(torch.arange(6), torch.float32), given["table.weight"].float())


def test_a_scale_stays_with_its_matrix_and_rounding_leaves_both_alone() -> None:
    given = tensors() | {"lin.scale_weight": torch.tensor(0.25), "lin.scale_input": torch.tensor(1.0)}
    given["lin.weight"] = given["lin.weight"].to(E4)
    small = assembled(given, Terms(torch.float32, rounding=E5))
    assert isinstance(small.lin.packed, Float8)
    assert small.lin.packed.codes is given["lin.weight"]
    assert small.lin.packed.factor == 0.25
    assert torch.equal(small.lin(torch.eye(4)), given["lin.weight"].float().T * 0.25 + small.lin.bias)


def test_a_scale_of_the_wrong_size_or_without_matrix_is_an_error() -> None:
    with pytest.raises(ModelFileInvalid, match="lin.weight has a scale of 2 numbers"):
        assembled(tensors() | {"lin.scale_weight": torch.ones(2)})
    with pytest.raises(ModelFileInvalid, match=r"does not know: conv2.scale_weight"):
        assembled(tensors() | {"conv2.scale_weight": torch.ones(1)})


def test_a_scale_beside_a_wide_matrix_is_multiplied_in() -> None:
    given = tensors(torch.float32) | {"lin.weight_scale": torch.tensor(2.0)}
    assert torch.equal(assembled(given).lin(torch.eye(4)), given["lin.weight"].T * 2 + given["lin.bias"])


@pytest.mark.parametrize(("marker", "rounded"), [(E4, E4), (E5, E5), (torch.float32, E4)])
def test_a_scaled_fp8_file_rounds_its_wide_linears_as_comfyui_does(marker: torch.dtype, rounded: torch.dtype) -> None:
    given = tensors()
    small = assembled(given | {"scaled_fp8": torch.empty(0, dtype=marker)})
    assert isinstance(small.lin.packed, Float8)
    assert torch.equal(small.lin.packed.codes.float(), given["lin.weight"].to(rounded).float())
    assert torch.equal(small.lin.bias, given["lin.bias"].to(rounded).float())
    assert torch.equal(small.norm.scale, given["norm.scale"].float())
    assert isinstance(small.table.packed, Plain)
    assert small.table.packed.values is given["table.weight"]


def header_of(storage: str, packed: str | None = None) -> dict[str, Weight]:
    """What a header would say. packed: another storage for what stays packed, a byte for each value."""
    found = {}
    for name, slot in slots(Small()):
        info = TensorInfo(storage, slot.shape, 0, prod(slot.shape))
        found[name] = Weight(info, packed if packed and slot.stays else storage, slot.shape)
    return found


def count(terms: Terms, storage: str = "bf16", packed: str | None = None) -> int:
    return own_bytes(Small(), header_of(storage, packed), terms)


SMALL_VALUES = 4 + (18 + 2) + 3
LARGE_VALUES = 24 + 12


def test_own_bytes_are_the_copies_that_assembly_makes() -> None:
    assert count(F32) == SMALL_VALUES * 4
    assert count(F32, "fp32") == 0
    assert count(Terms(torch.float32, rounding=E4)) == SMALL_VALUES * 4 + LARGE_VALUES
    assert count(Terms(torch.float32, rounding=E4), "fp8_e4m3fn") == SMALL_VALUES * 4
    cuda = torch.device("cuda")
    assert count(Terms(torch.bfloat16, cuda)) == (SMALL_VALUES + LARGE_VALUES) * 2
    assert count(Terms(torch.bfloat16, cuda, streamed=True)) == SMALL_VALUES * 2


@pytest.mark.parametrize("packed", ["gguf:Q4_K", "nf4"])
def test_packed_weights_take_nothing_beside_the_file_but_their_own_bytes_on_a_device(packed: str) -> None:
    cuda = torch.device("cuda")
    assert count(F32, "fp32", packed) == 0
    assert count(Terms(torch.float32, rounding=E4), "fp32", packed) == SMALL_VALUES * 4
    assert count(Terms(torch.bfloat16, cuda), "bf16", packed) == SMALL_VALUES * 2 + LARGE_VALUES
    assert count(Terms(torch.bfloat16, cuda, streamed=True), "bf16", packed) == SMALL_VALUES * 2
