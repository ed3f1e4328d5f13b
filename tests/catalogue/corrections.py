"""What the dumps do not tell: classes newer than the last of them, and inputs that files show since.

Entries are written as /object_info writes them.
"""

from typing import Any

Entry = list[Any]
Info = dict[str, Any]

OLDER = {"SaveVideo": "core_0.3.75"}
"""Classes taken from an older dump: most files are saved that way, and read the new way they would change meaning."""


def _image(*names: str) -> Entry:
    return [
        "COMFY_AUTOGROW_V3",
        {"template": {"input": {"required": {"image": ["IMAGE"]}}, "names": [*names], "min": 0}},
    ]


def _counted(prefix: str, most: int) -> Entry:
    template = {"input": {"required": {"image": ["IMAGE"]}}, "prefix": prefix, "min": 0, "max": most}
    return ["COMFY_AUTOGROW_V3", {"template": template}]


PROMPT: Entry = ["STRING", {"multiline": True, "dynamicPrompts": True}]
ANY: Entry = ["COMFY_MATCHTYPE_V3", {}]

READ: dict[str, Info] = {
    "TextEncodeQwenImage21": {
        "input": {
            "required": {
                "clip": ["CLIP"],
                "prompt": PROMPT,
                "negative_prompt": PROMPT,
                "resolution": ["INT", {"default": 1024, "min": 0, "max": 4096, "step": 32}],
                "images": _image(*(f"image_{number}" for number in range(1, 17))),
            },
            "optional": {"vae": ["VAE"]},
        },
        "output": ["CONDITIONING", "CONDITIONING", "LATENT"],
        "output_name": ["positive", "negative", "latent"],
        "display_name": "Text Encode Qwen Image 2.1",
        "category": "model/conditioning/qwen image",
    },
    "QwenImage21Cache": {
        "input": {
            "required": {
                "model": ["MODEL"],
                "device": ["COMBO", {"default": "auto", "options": ["auto", "gpu", "cpu", "off"]}],
                "dtype": ["COMBO", {"default": "default", "options": ["default", "int8", "int4"]}],
            }
        },
        "output": ["MODEL"],
        "display_name": "Qwen Image 2.1 Cache",
        "category": "model/conditioning/qwen image",
    },
    "TextEncodeMingImageEdit": {
        "input": {
            "required": {
                "clip": ["CLIP"],
                "prompt": PROMPT,
                "images": _image(*(f"image_{number}" for number in range(1, 9))),
            },
            "optional": {"vae": ["VAE"]},
        },
        "output": ["CONDITIONING"],
        "display_name": "Text Encode Ming Image Edit",
        "category": "model/conditioning/ming image",
    },
    "MarigoldV2PostProcess": {
        "input": {
            "required": {"image": ["IMAGE"], "prediction": ["COMBO", {"options": ["depth", "normals", "albedo"]}]}
        },
        "output": ["IMAGE"],
        "display_name": "Marigold V2 Post-Process",
        "category": "image/geometry estimation",
    },
    "ConditioningLoader": {
        "input": {"required": {"conditioning_name": ["COMBO", {"options": []}]}},
        "output": ["CONDITIONING"],
        "display_name": "Load Conditioning",
        "category": "model/loaders",
    },
    "GetItemFromList": {
        "input": {"required": {"list": ["*"], "index": ["INT", {"default": 0}]}},
        "output": ["*"],
        "display_name": "Get Item From List",
        "category": "utilities",
    },
    "CameraAngle": {
        "input": {
            "required": {
                "horizontal_angle": ["INT", {"default": 0, "min": 0, "max": 360, "step": 1}],
                "vertical_angle": ["INT", {"default": 0, "min": -30, "max": 60, "step": 1}],
                "zoom": ["FLOAT", {"default": 5.0, "min": 0.0, "max": 10.0, "step": 0.1}],
            },
            "optional": {"image": ["IMAGE"], "view": ["STRING", {"default": ""}]},
        },
        "output": ["LOAD3D_CAMERA", "STRING"],
        "output_name": ["camera_info", "prompt"],
        "display_name": "Compose Camera Angle Prompt",
        "category": "3d",
    },
    "StartLoop": {
        "input": {
            "required": {
                "mode": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {
                                "key": "simple",
                                "inputs": {"required": {"num_iterations": ["INT", {"default": 4, "min": 0}]}},
                            },
                            {
                                "key": "For",
                                "inputs": {
                                    "required": {
                                        "start_iteration_index": ["INT", {"default": 0}],
                                        "max_iteration": ["INT", {"default": 4, "max": 2**64 - 1}],
                                        "step": ["INT", {"default": 1, "min": 1}],
                                    }
                                },
                            },
                            {"key": "List", "inputs": {"required": {"list": ANY}}},
                        ]
                    },
                ],
                "cache_iterations": ["BOOLEAN", {"default": False}],
            },
            "optional": {"parent_iteration": ["INT", {"forceInput": True}], "initial_iteration_value": ANY},
        },
        "output": ["INT", "BOOLEAN", "BOOLEAN", "COMFY_MATCHTYPE_V3", "COMFY_MATCHTYPE_V3"],
        "output_name": ["iteration_index", "is_first", "is_last", "list_item", "current_iteration_value"],
        "display_name": "Start Loop",
        "category": "utilities/looping",
    },
    "EndLoop": {
        "input": {
            "required": {"accumulate": ["BOOLEAN", {"default": False}]},
            "optional": {
                "output_value": ANY,
                "next_iteration_value": ANY,
                "terminations": [
                    "COMFY_AUTOGROW_V3",
                    {
                        "template": {
                            "input": {"required": {"termination": ["*"]}},
                            "prefix": "termination",
                            "min": 0,
                            "max": 50,
                        }
                    },
                ],
            },
        },
        "output": ["COMFY_MATCHTYPE_V3"],
        "output_name": ["outputs"],
        "output_is_list": [True],
        "display_name": "End Loop",
        "category": "utilities/looping",
    },
}
"""Classes that no dump has, as their source declares them."""

SHOWN_ONLY = {"ImageCompare": ("compare_view",)}
"""Widgets that are drawn, and neither saved nor sent."""

SOCKETS = {"SAM3DBody_Predict": ("bboxes",)}
"""Inputs without a widget, though the reconstruction does not say so."""

SURPLUS = {"ImageCropV2": ("x", "y", "width", "height"), "SeedNode": ("fixed",)}
"""What the reconstruction took for inputs and is none: parts of a widget, and a control."""

TEXT: Entry = ["STRING", {"default": ""}]
OFF: Entry = ["BOOLEAN", {"default": False}]
MODEL_FORMAT: Entry = ["COMBO", {"default": "glb", "options": ["glb"]}]
TRIPO_VERSION: Entry = ["COMBO", {"options": ["v3.0-20250812"]}]
TRIPO_MODEL: dict[str, Entry] = {"smart_low_poly": OFF, "auto_size": OFF}

GAINED: dict[str, dict[str, Entry]] = {
    "ModelSamplingAuraFlow": {"sampling": ["COMBO", {"default": "flow", "options": ["flow"]}]},
    "CreateVideo": {
        "bit_depth": ["COMBO", {"default": "auto", "options": ["auto", 8, 10]}],
        "color_space": ["COMBO", {"default": "sRGB", "options": ["sRGB", "HDR", "HDR PQ"]}],
        "codec": ["COMBO", {"default": "none", "options": ["none"]}],
    },
    "MoGeInference": {"refine_steps": ["INT", {"default": 3}]},
    "MoGePanoramaInference": {"refine_steps": ["INT", {"default": 3}]},
    "TextGenerate": {
        "mtp": [
            "COMBO",
            {
                "default": "off",
                "options": ["off", "auto", "2", "3", "4", "5", "tree2s1", "tree2s2", "tree3s1", "tree4s1m8"],
            },
        ],
        "system_prompt": ["STRING", {"forceInput": True}],
    },
    "TextEncodeFibo2": {"images": _image(*(f"image_{number}" for number in range(1, 17)))},
    "TextEncodeMOSSImageEdit": {"images": _counted("image_", 16)},
    "ReferenceMultiLatent": {"images": _counted("image", 16)},
    "TripoTextToModelNode": TRIPO_MODEL,
    "TripoImageToModelNode": TRIPO_MODEL,
    "TripoMultiviewToModelNode": TRIPO_MODEL,
    "TripoRigNode": {
        "model_version": ["COMBO", {"options": ["v1.0-20240301"]}],
        "rig_type": ["COMBO", {"default": "auto", "options": ["auto"]}],
        "spec": ["COMBO", {"default": "tripo", "options": ["tripo"]}],
        "out_format": MODEL_FORMAT,
    },
    "TripoRetargetNode": {
        "out_format": MODEL_FORMAT,
        "export_with_geometry": ["BOOLEAN", {"default": True}],
        "animate_in_place": OFF,
    },
    "TripoTextureNode": {
        "model_version": TRIPO_VERSION,
        "reference": ["COMBO", {"default": "none", "options": ["none"]}],
        "part_names": TEXT,
    },
}
"""Optional inputs that files show besides those of the last dump; choices are those seen, and how far groups grow is
a guess."""
