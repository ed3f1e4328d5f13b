"""Sizes are read at a glance."""

import pytest

from schemas.quantities import size_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (340 << 20, "340.0 MiB"),
        (12 << 30, "12.0 GiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_keeps_them_short(count: int, text: str) -> None:
    assert size_text(count) == text
