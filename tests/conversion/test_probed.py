"""Files made to probe what the rules leave open become what ComfyUI's frontend 1.58.1 queued for them.

data/probed.json.xz holds {name: [graph, the frontend's prompt]}; see data/SOURCES.md.
"""

import json
import lzma
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.catalogue import Catalogue
from engine.editor.translating import Options, translate
from schemas.node import MISSING
from tests.conversion.deviations import Deviation
from tests.conversion.judge import differences

PROBED = json.loads(lzma.decompress((Path(__file__).parent / "data" / "probed.json.xz").read_bytes()))
CATALOGUE = Catalogue()
OPTIONS = Options(seed=0, now=datetime(2026, 10, 15))

DEVIATIONS = {
    "px_none_null_in": Deviation(
        "a promoted value of null is no value: the inner widget keeps its own", {("20:2", "text"): "inner"}
    ),
    "linkedprim_v": Deviation(
        "a primitive on a promoted input sets it, as frontends before did", {("20:2", "text"): "prim"}
    ),
    "kp_order": Deviation(
        "a value that is said of one widget is not taken for another one, too", {("5:100", "steps"): 11}
    ),
    "tok_promoted_v": Deviation(
        "a file name is filled in where it is promoted, too", {("20:7", "filename_prefix"): "out_7"}
    ),
    "in_two_same_slot": Deviation(
        "an input keeps the link it names, where the frontend drops one of two that end at one place",
        {("5", "negative"): ["3", 0]},
    ),
}
"""Where the frontend's answer is not worth having."""


def wanted(name: str) -> dict[str, Any]:
    prompt: dict[str, Any] = deepcopy(PROBED[name][1])
    if name in DEVIATIONS:
        for (node, field), value in DEVIATIONS[name].changes.items():
            prompt[node]["inputs"][field] = value
    return prompt


def found(name: str, truth: dict[str, Any]) -> list[str]:
    ours = translate(name, PROBED[name][0], CATALOGUE, OPTIONS).prompt.as_json()
    return differences(ours, truth, CATALOGUE)


@pytest.mark.parametrize("name", PROBED)
def test_a_probe_becomes_what_the_frontend_queued(name: str) -> None:
    assert found(name, wanted(name)) == []


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_deviation_is_needed(name: str) -> None:
    assert found(name, PROBED[name][1]) != []
    assert MISSING not in DEVIATIONS[name].changes.values()
