"""Two pictures are held against each other, and of many the nearest is found."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.replaying.pixels import Apart, Nearest, apart


def plain(value: int, height: int = 4, width: int = 5, channels: int = 3) -> Any:
    return np.full((height, width, channels), value, np.uint8)


def test_equal_pictures_are_apart_by_nothing() -> None:
    assert apart(plain(7), plain(7)) == Apart(20, 0, 0, 0.0)


def test_a_pixel_differs_if_one_channel_does_and_the_largest_difference_counts_both_ways() -> None:
    other = plain(7)
    other[0, 0] = (7, 0, 8)
    other[3, 4, 1] = 255
    assert apart(plain(7), other) == Apart(20, 2, 248, (7 + 1 + 248) / 60)
    assert apart(other, plain(7)) == apart(plain(7), other)


def test_pictures_of_other_sizes_cannot_be_held_against_each_other() -> None:
    assert apart(plain(7), plain(7, height=5)) is None


def test_a_picture_without_transparency_is_opaque() -> None:
    clear = plain(7, channels=4)
    assert apart(plain(7), clear) == Apart(20, 20, 248, 248 / 4)
    clear[..., 3] = 255
    assert apart(clear, plain(7)) == Apart(20, 0, 0, 0.0)


def saved(nearest: Nearest, picture: Any, by: str | None = None) -> Path:
    metadata = {} if by is None else {"comfyless": json.dumps({"saved_by": by})}
    return nearest.save(picture, "a", "output", 0, metadata)


def test_of_all_pictures_the_nearest_is_kept_whatever_their_order() -> None:
    for order in ([plain(1), plain(5), plain(9)], [plain(5), plain(9), plain(1)], [plain(7, height=9), plain(5)]):
        nearest = Nearest(plain(6), None)
        for picture in order:
            saved(nearest, picture)
        assert nearest.found is not None
        assert np.array_equal(nearest.found.pixels, plain(5))


def test_a_picture_of_another_size_is_better_than_none() -> None:
    nearest = Nearest(plain(6), None)
    saved(nearest, plain(6, height=9))
    assert nearest.found is not None


def test_only_pictures_of_the_node_that_saved_the_original_count() -> None:
    nearest = Nearest(plain(6), "9")
    saved(nearest, plain(6), by="8")
    assert nearest.found is None
    saved(nearest, plain(1), by="9")
    saved(nearest, plain(6), by="8")
    assert nearest.found is not None
    assert np.array_equal(nearest.found.pixels, plain(1))


def test_the_picture_that_is_kept_does_not_change_with_the_nodes_own() -> None:
    nearest, picture = Nearest(plain(6), None), plain(5)
    saved(nearest, picture)
    picture[:] = 0
    assert nearest.found is not None
    assert np.array_equal(nearest.found.pixels, plain(5))
