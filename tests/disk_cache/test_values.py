"""What is kept comes back equal in types and bits, and what cannot is refused."""

import math
import subprocess
import sys
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load

from engine.disk_cache.values import DEEPEST, NotStorable, pack, unpack
from engine.inference.stored_values import NAMELESS, NAMES

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")

TYPES = (*NAMES, *NAMELESS.values())
LAYOUTS = {
    "plain": lambda tensor: tensor,
    "turned": lambda tensor: tensor.movedim(1, -1),
    "a view": lambda tensor: tensor[:, 1:, ::2],
    "a turned view": lambda tensor: tensor.transpose(0, 2)[1:, :1],
    "spread": lambda tensor: tensor[:, :1].expand(-1, 5, -1),
    "empty": lambda tensor: tensor[:0],
    "a number": lambda tensor: tensor[0, 0, 0],
}


class Pair(NamedTuple):
    left: int
    right: int


def tensor_of(kind: torch.dtype, layout: str = "plain") -> torch.Tensor:
    """A tensor of random bits."""
    generator = torch.Generator().manual_seed(4)
    size = torch.empty((), dtype=kind).element_size()
    bits = torch.randint(0, 2 if kind == torch.bool else 256, (2, 3, 4 * size), dtype=torch.uint8, generator=generator)
    return LAYOUTS[layout](bits.view(kind))


def there_and_back(value: Any) -> Any:
    return unpack(bytearray().join(pack(value)))


def same(one: Any, other: Any) -> bool:
    """Equal in types and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and all(map(torch.equal, *(bits_of(tensor) for tensor in (one, other))))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and (not isinstance(one, float) or math.copysign(1, one) == math.copysign(1, other))


def bits_of(tensor: torch.Tensor) -> tuple[torch.Tensor]:
    return (tensor.contiguous().flatten().view(torch.uint8),)


tensors = st.builds(tensor_of, st.sampled_from(TYPES), st.sampled_from([*LAYOUTS]))
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | tensors
trees = leaves
for _ in range(3):
    several = st.lists(trees, max_size=3)
    trees = leaves | several | several.map(tuple) | st.dictionaries(st.text(max_size=5), trees, max_size=3)


@given(trees)
@settings(max_examples=80, deadline=None)
def test_any_tree_comes_back_equal(tree: Any) -> None:
    assert same(there_and_back(tree), tree)


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_type_in_every_layout_comes_back_equal(kind: torch.dtype, layout: str) -> None:
    tensor = tensor_of(kind, layout)
    assert same(there_and_back(tensor), tensor)


@pytest.mark.parametrize("layout", ["plain", "turned", "a turned view"])
def test_dimensions_lie_in_memory_in_the_order_they_lay_in(layout: str) -> None:
    tensor = tensor_of(torch.float32, layout)
    back = there_and_back(tensor)
    assert back.is_contiguous() == (layout == "plain")
    assert back.stride() == torch.empty_like(tensor).stride()


ODD = {
    "wide": 2**63,
    "very wide": -(10**5000),
    "minus nothing": -0.0,
    "infinite": math.inf,
    "half a letter": "\ud800",
    "looks like ours": {"tensor": {"name": "0"}},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_come_back_equal(name: str) -> None:
    assert same(there_and_back([ODD[name]]), [ODD[name]])


def test_complex_numbers_that_are_conjugated_in_words_alone_come_back_equal() -> None:
    tensor = tensor_of(torch.complex64).conj()
    assert torch.equal(there_and_back(tensor), tensor)


def test_a_view_carries_along_only_what_it_shows() -> None:
    large = torch.zeros(1000, 1000)
    assert sum(map(len, pack(large[:2, :2]))) < 1000


def test_one_tensor_in_two_places_is_written_once_and_comes_back_as_one() -> None:
    tensor = torch.zeros(1000)
    assert sum(map(len, pack([tensor, {"again": tensor}]))) < 1.5 * tensor.nbytes
    first, second = there_and_back([tensor, {"again": tensor}])
    assert first is second["again"]


def test_what_is_packed_does_not_change_with_the_tensor() -> None:
    tensor = torch.zeros(10)
    parts = pack(tensor)
    tensor += 1
    assert torch.equal(unpack(bytearray().join(parts)), torch.zeros(10))


def test_tensors_that_come_back_can_be_written_to_alone() -> None:
    data = bytearray().join(pack([torch.zeros(3), torch.zeros(3)]))
    before = bytes(data)
    first, second = unpack(data)
    first += 1
    assert torch.equal(second, torch.zeros(3))
    assert data == before


def test_the_file_is_one_that_safetensors_reads() -> None:
    tensor = tensor_of(torch.bfloat16)
    read = load(b"".join(pack({"samples": tensor, "note": "é"})))
    assert list(read) == ["0"]
    assert same(read["0"], tensor)


def test_plain_values_need_no_torch() -> None:
    code = (
        "import sys; from engine.disk_cache.values import pack, unpack; unpack(bytearray().join(pack([1, {'a': ()}])))"
    )
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"], check=True)


def deep() -> list[Any]:
    tree: list[Any] = []
    for _ in range(DEEPEST + 1):
        tree = [tree]
    return tree


def circle() -> list[Any]:
    tree: list[Any] = []
    tree.append(tree)
    return tree


REFUSED = {
    "an object": object(),
    "a named tuple": Pair(1, 2),
    "a number for a key": {1: 1},
    "a set": {"a"},
    "bytes": b"bytes",
    "a parameter": torch.nn.Parameter(torch.zeros(1)),
    "gradients": torch.zeros(1, requires_grad=True),
    "sparse": torch.zeros(2, 2).to_sparse(),
    "no data": torch.zeros(1, device="meta"),
    "a type": torch.float32,
    "deep": deep(),
    "a circle": circle(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_come_back_as_it_was_is_refused(name: str) -> None:
    with pytest.raises(NotStorable):
        pack([REFUSED[name]])
