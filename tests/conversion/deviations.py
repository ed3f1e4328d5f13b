"""Where the rules of conversion part from the frontend on purpose, and where it was told less than we know."""

from copy import deepcopy
from typing import Any, NamedTuple

from schemas.node import MISSING


class Deviation(NamedTuple):
    """changes: of the frontend's prompt, by (node, input); None as input names the class of the node."""

    why: str
    changes: dict[tuple[str, str | None], Any]


DEVIATIONS = {  # of the crafted cases
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
}

STATED: dict[tuple[str, str], Any] = {
    # A promoted value of null is no value: the inner widget keeps its own, where the frontend sends null.
    ("KSampler", "seed"): None,
    ("RandomNoise", "noise_seed"): None,
    ("CLIPTextEncode", "text"): None,
    # Like "upload": of a viewer and a button of the browser, read by no node.
    ("SaveGLB", "image"): "",
    ("LoadImageOutput", "refresh"): "refresh",
}
"""(class, input) to the official answer that does not count."""

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
    # Values that files do not hold, for which it was not told the default: zero, false, or the first by the alphabet.
    ("ResolutionSelector", "multiple"): 0,
    ("TextGenerate", "use_default_template"): False,
    ("TextGenerate", "mtp"): "2",
    ("MoGeInference", "refine_steps"): 0,
}
"""(class, input) to the official answer that does not count, MISSING if it has none.

The frontend was given schemas pieced together from files for classes newer than those known; where ComfyUI's own schema
says more than that, ours is followed. Only what is converted with the schemas we ship may differ so.
"""

MISREAD = {
    "dyncombo_default": "it had no default for a bit depth, which is 8-bit, and took the first that files show",
    "bp/crop_images_2x2": "it had the parts of a box for inputs of ImageCropV2, and not the box, which is linked",
    "bp/crop_images_3x3": "as crop_images_2x2",
    "bp/image_segmentation_sam3": "it gave the values of SAM3_Detect to the wrong inputs, taking a socket for a widget",
    "tpl/utility_image_segment_sam3": "as image_segmentation_sam3",
    "bp/image_to_pose_map_sdpose_multi_person": "it gave the values of two SDPose classes to the wrong inputs",
    "bp/image_to_pose_map_sdpose_ood": "as image_to_pose_map_sdpose_multi_person",
    "tpl/utility_sdpose_multi_person": "as image_to_pose_map_sdpose_multi_person",
    "tpl/image_ming_image_01_design_image_edit": "it gave the values of BuildJsonPromptIdeogram to the wrong inputs",
}
"""Files whose answer the wrong schemas spoiled, and how; the names that some files give their values say so too."""


def expected(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The prompt that a crafted case should become."""
    prompt = deepcopy(answer)
    if name in DEVIATIONS:
        for (node, field), value in DEVIATIONS[name].changes.items():
            target, key = (prompt[node], "class_type") if field is None else (prompt[node]["inputs"], field)
            target[key] = value
    return prompt
