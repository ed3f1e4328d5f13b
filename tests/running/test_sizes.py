"""How large values are taken to be."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from engine.running.sizes import LOOKED_AT, OBJECT_BYTES, size_of


class Tensor:
    """As an old tensor tells its size."""

    def element_size(self) -> int:
        return 2

    def nelement(self) -> int:
        return 1_000_000


@dataclass
class Pair:
    first: Any
    second: Any


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (np.zeros((1000, 1000), np.float32), 4_000_000),
        (Tensor(), 2_000_000),
        (b"x" * 50_000, 50_000),
        ("x" * 50_000, 50_000),
        ([[np.zeros(100_000, np.uint8), {"pooled": np.zeros(100_000, np.uint8)}]], 200_000),
        ({"samples": np.zeros(100_000, np.uint8)}, 100_000),
        (Pair(Tensor(), (Tensor(), None)), 4_000_000),
        (object(), 0),
        (Tensor, 0),
        (5, 0),
    ],
)
def test_a_value_is_as_large_as_what_it_holds(value, held):
    assert held < size_of(value) < held + 16 * OBJECT_BYTES


def test_what_is_held_twice_counts_once():
    picture = np.zeros(100_000, np.uint8)
    assert size_of([picture, picture]) < 150_000


def test_circles_and_depth_are_no_obstacle():
    nested: list[Any] = []
    nested.append(nested)
    for _ in range(50_000):
        nested = [nested]
    assert size_of(nested) >= LOOKED_AT * OBJECT_BYTES


def test_a_vast_structure_is_looked_at_from_the_outside_and_not_to_its_end():
    opened = []

    class Shelf(list[Any]):
        def __iter__(self):
            opened.append(self)
            return super().__iter__()

    vast = [Shelf([index]) for index in range(100_000)]
    assert size_of([Tensor(), vast]) > 2_000_000 + 100_000 * OBJECT_BYTES
    assert opened == []
