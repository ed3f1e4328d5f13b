"""Where the rules of conversion part from the frontend on purpose: the answers of the crafted cases, corrected."""

from copy import deepcopy
from typing import Any, NamedTuple

from schemas.node import MISSING


class Deviation(NamedTuple):
    """changes: of the frontend's prompt, by (node, input); None as input names the class of the node."""

    why: str
    changes: dict[tuple[str, str | None], Any]


DEVIATIONS = {
    "sg_promoted_null": Deviation(
        "a promoted value of null is no value: the inner widget keeps its own", {("20:2", "text"): "inner text"}
    ),
    "sg_text_primitive": Deviation(
        "a primitive on a promoted input sets it, as frontends before did", {("20:2", "text"): "prim text"}
    ),
    "prim_reroute": Deviation("a primitive's value passes through a reroute", {("5", "seed"): 99}),
    "k_dict": Deviation(
        "values stored by name are taken by name, where the frontend takes defaults",
        {("5", "seed"): 7, ("5", "scheduler"): "normal", ("5", "denoise"): 0.5},
    ),
    "dyncombo_default": Deviation(
        "the frontend was given a schema pieced together from files; the real default is 8-bit",
        {("7", "format.bit_depth"): "8-bit"},
    ),
}

SCHEMAS: dict[tuple[str, str], Any] = {
    # Widgets that the frontend was not told of, so that it left their saved values out.
    ("CurveEditor", "curve"): MISSING,
    ("ColorToRGBInt", "color"): MISSING,
    ("CreateBoundingBoxes", "editor_state"): MISSING,
    ("CreateBoundingBoxes", "last_incoming"): MISSING,
    ("HiDreamO1PatchSeamSmoothing", "passes"): MISSING,
    ("HiDreamO1PatchSeamSmoothing", "blend"): MISSING,
    ("ModelNoiseScale", "noise_scale"): MISSING,
    ("ContextWindowsManual", "freenoise"): MISSING,
    ("ContextWindowsManual", "cond_retain_index_list"): MISSING,
    ("ImageCompare", "compare_view"): MISSING,
    # Values that files do not hold, for which it was not told the default: zero, false, or the first by the alphabet.
    ("ResolutionSelector", "multiple"): 0,
    ("TextGenerate", "use_default_template"): False,
    ("TextGenerate", "mtp"): "2",
    ("MoGeInference", "refine_steps"): 0,
}
"""(class, input) to the official answer that does not count, MISSING if it has none.

The frontend was given schemas pieced together from files for classes newer than those known; where ComfyUI's own schema
says more than that, ours is followed.
"""


def expected(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The prompt that a crafted case should become."""
    prompt = deepcopy(answer)
    if name in DEVIATIONS:
        for (node, field), value in DEVIATIONS[name].changes.items():
            target, key = (prompt[node], "class_type") if field is None else (prompt[node]["inputs"], field)
            target[key] = value
    return prompt
