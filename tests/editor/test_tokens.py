"""Tokens in file names are filled in as ComfyUI's editor does it."""

from datetime import datetime
from typing import Any

import pytest

from engine.editor.tokens import applies_to, replace, text_of
from schemas.node import MISSING

NOW = datetime(2026, 3, 5, 14, 7, 9)
VALUES = {("KSampler", "seed"): 7, ("KSampler", "cfg"): 8.0, ("Load", "file"): 'a/b\\c:d*?"<>|\n\x7f.png'}
VALUES |= {("Load", "on"): True, ("Load", "none"): None, ("Load", "list"): [1, 2]}


def lookup(node: str, widget: str) -> Any:
    return VALUES.get((node, widget), MISSING)


@pytest.mark.parametrize(
    ("prefix", "named"),
    [
        ("ComfyUI", "ComfyUI"),
        ("%date:yyyy-MM-dd%/x", "2026-03-05/x"),
        ("%date:d.M%", "%date:d.M%"),
        ("%date:d.M.yy%", "5"),
        ("%date:yy-M-d h_m_s%", "26-3-5 14_7_9"),
        ("%date:hhmmss%", "140709"),
        ("%date:yyy y QQ%", "yyy y QQ"),
        ("%date:%", ""),
        ("%date%", "%date%"),
        ("%KSampler.seed%_%KSampler.cfg%", "7_8"),
        ("%Load.file%", "a_b_c_d________.png"),
        ("%Load.on%%Load.none%", "true"),
        ("%Load.list%", "%Load.list%"),
        ("%KSampler.unknown%", "%KSampler.unknown%"),
        ("%Nobody.seed%", "%Nobody.seed%"),
        ("%a.b.c%", "%a.b.c%"),
        ("%width%x%height%_%year%", "%width%x%height%_%year%"),
        ("100% of %%", "100% of %%"),
        ("50%_%KSampler.seed%", "50%_%KSampler.seed%"),
    ],
)
def test_what_is_known_is_filled_in_and_the_rest_stays(prefix: str, named: str) -> None:
    assert replace(prefix, NOW, lookup) == named


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (False, "false"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (100.0, "100"),
        (0.25, "0.25"),
        (0.00005, "0.00005"),
        (1e-7, "1e-7"),
        (1.5e300, "1.5e+300"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (2**63, "9223372036854775808"),
        ({"a": 1}, None),
        (MISSING, None),
    ],
)
def test_values_are_written_as_the_editor_writes_them(value: Any, said: str | None) -> None:
    assert text_of(value) == said


def test_only_savers_prefixes_are_filled_in() -> None:
    assert applies_to("SaveImage", "filename_prefix")
    assert not applies_to("SaveImage", "images")
    assert not applies_to("PreviewImage", "filename_prefix")
