"""Near names."""

import pytest

from engine.plugins.nearest import Nearest

SAMPLERS = ("euler", "euler_cfg_pp", "euler_ancestral", "heun", "lms", "dpmpp_2m", "dpmpp_sde", "ddim", "uni_pc", "lcm")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("eular", "euler"), ("EULER", "euler"), ("dpmpp2m", "dpmpp_2m"), ("ddmi", "ddim"), ("unipc", "uni_pc")],
)
def test_mistyped_name_finds_its_like(typed, meant):
    assert Nearest(SAMPLERS).of(typed)[0] == meant


@pytest.mark.parametrize("typed", ["", "x", "something else", "\0", "q" * 1_000_000])
def test_nothing_near_finds_nothing(typed):
    assert Nearest(SAMPLERS).of(typed) == []


def test_best_comes_first_and_no_more_than_asked_for():
    assert Nearest(SAMPLERS).of("euler_ancestrel", count=1) == ["euler_ancestral"]


def test_no_names_are_no_trouble():
    assert Nearest(()).of("a") == []
