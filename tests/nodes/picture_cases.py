"""Cases for nodes on pictures and masks, shared by the test and by what wrote its goldens with ComfyUI 0.3.64.

A case is a class and its inputs; an input such as "@wide" stands for one of the arrays that `inputs` draws. To write
the goldens anew, call `write` where ComfyUI's classes can be imported.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GOLDENS = Path(__file__).parent / "picture_goldens.npz"
MOST_VALUES = 900
"""Of larger outputs only so many values are kept, evenly spread."""
METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
Case = tuple[str, dict[str, Any]]


def inputs() -> dict[str, torch.Tensor]:
    """Pictures with 8-bit levels and masks with finer ones."""
    draw = np.random.default_rng(5)
    shapes = {"wide": (2, 7, 12, 3), "tall": (1, 11, 5, 3), "clear": (1, 6, 7, 4), "many": (3, 4, 4, 3)}
    masks = {"mask": (2, 8, 9), "spot": (1, 5, 4), "flat": (6, 7)}
    found = {name: draw.integers(0, 256, shape).astype(np.float32) / 255 for name, shape in shapes.items()}
    found |= {name: draw.random(shape, dtype=np.float32) for name, shape in masks.items()}
    cells = draw.standard_normal((2, 4, 6, 7), dtype=np.float32)
    still = cells[:1].copy()  # with vectors that are equal, opposite and zero, which bislerp treats apart
    still[..., 2:4, :], still[..., 5] = still[..., :1, :], -still[..., 4]
    still[..., 0] = 0
    found |= {"cells": cells, "still": still}
    return {name: torch.from_numpy(values) for name, values in found.items()}


def _resizing() -> list[Case]:
    sizes = [(20, 15, "disabled"), (5, 5, "center"), (9, 13, "center"), (24, 14, "disabled"), (0, 9, "disabled")]
    cases: list[Case] = [
        ("ImageScale", {"image": "@wide", "upscale_method": method, "width": width, "height": height, "crop": crop})
        for method in METHODS
        for width, height, crop in sizes
    ]
    cases += [
        (
            "ImageScale",
            {"image": image, "upscale_method": "lanczos", "width": width, "height": height, "crop": "center"},
        )
        for image, width, height in (("@clear", 9, 4), ("@tall", 3, 0), ("@tall", 0, 0), ("@many", 4, 4))
    ]
    cases += [
        ("ImageScaleBy", {"image": image, "upscale_method": method, "scale_by": factor})
        for image, method, factor in (
            ("@wide", "bicubic", 0.37),
            ("@tall", "area", 1.5),
            ("@clear", "bilinear", 2.25),
            ("@many", "lanczos", 1.13),
        )
    ]
    cases += [
        ("ImageScaleToTotalPixels", {"image": image, "upscale_method": method, "megapixels": megapixels})
        for image, method, megapixels in (
            ("@wide", "bilinear", 0.01),
            ("@tall", "lanczos", 0.05),
            ("@tall", "area", 0.33),
        )
    ]
    return [*cases, *(("FluxKontextImageScale", {"image": name}) for name in ("@wide", "@tall", "@many"))]


def _pictures() -> list[Case]:
    margins = {"left": 8, "top": 0, "right": 16, "bottom": 8}
    return [
        ("EmptyImage", {"width": 3, "height": 2, "batch_size": 2, "color": 0x12C0FF}),
        ("ImageInvert", {"image": "@wide"}),
        ("ImageCrop", {"image": "@wide", "width": 5, "height": 30, "x": 3, "y": 2}),
        ("ImageCrop", {"image": "@wide", "width": 5, "height": 3, "x": 300, "y": 2}),
        ("ImageBatch", {"image1": "@wide", "image2": "@tall"}),
        ("ImageBatch", {"image1": "@many", "image2": "@many"}),
        *(("ImageBlur", {"image": "@wide", "blur_radius": radius, "sigma": sigma})
          for radius, sigma in ((1, 1.0), (3, 0.3), (6, 10.0), (2, 0.1))),
        ("ImageBlur", {"image": "@clear", "blur_radius": 4, "sigma": 2.2}),
        ("RepeatImageBatch", {"image": "@wide", "amount": 3}),
        *(("ImageFromBatch", {"image": "@many", "batch_index": first, "length": length})
          for first, length in ((0, 1), (1, 9), (7, 2))),
        *(("ImagePadForOutpaint", {"image": "@wide", **margins, "feathering": feathering}) for feathering in (0, 3, 4)),
        ("ImagePadForOutpaint", {"image": "@tall", "left": 0, "top": 8, "right": 0, "bottom": 0, "feathering": 2}),
        *(("ImageFlip", {"image": "@wide", "flip_method": way})
          for way in ("x-axis: vertically", "y-axis: horizontally")),
        *(("ImageRotate", {"image": "@wide", "rotation": turn})
          for turn in ("none", "90 degrees", "180 degrees", "270 degrees")),
        *(("ImageCompositeMasked", {"destination": "@wide", **given}) for given in (
            {"source": "@tall", "x": 2, "y": 1, "resize_source": False},
            {"source": "@tall", "x": 9, "y": 3, "resize_source": False, "mask": "@mask"},
            {"source": "@many", "x": 3, "y": 2, "resize_source": True, "mask": "@spot"},
            {"source": "@clear", "x": 12, "y": 0, "resize_source": False, "mask": "@flat"},
            {"source": "@clear", "x": 0, "y": 400, "resize_source": True},
        )),
        ("ImageCompositeMasked", {"destination": "@clear", "source": "@clear", "x": 1, "y": 2, "resize_source": False}),
    ]  # fmt: skip


def _masks() -> list[Case]:
    sides = ("left", "top", "right", "bottom")
    return [
        ("SolidMask", {"value": 0.3, "width": 4, "height": 3}),
        *(("InvertMask", {"mask": mask}) for mask in ("@mask", "@flat")),
        *(("MaskToImage", {"mask": mask}) for mask in ("@mask", "@flat")),
        *(("ImageToMask", {"image": "@clear", "channel": channel}) for channel in ("red", "green", "blue", "alpha")),
        *(("GrowMask", {"mask": mask, "expand": pixels, "tapered_corners": tapered})
          for mask, pixels in (("@mask", 1), ("@mask", -2), ("@flat", 3), ("@spot", -40), ("@mask", 0))
          for tapered in (True, False)),
        *(("FeatherMask", {"mask": "@mask", **dict(zip(sides, widths, strict=True))})
          for widths in ((3, 0, 0, 0), (0, 2, 4, 0), (0, 0, 0, 3), (50, 50, 50, 50), (1, 1, 1, 1))),
        *(("MaskComposite", {"destination": "@mask", "source": source, "x": x, "y": y, "operation": operation})
          for operation in ("multiply", "add", "subtract", "and", "or", "xor")
          for source, x, y in (("@spot", 2, 1), ("@flat", 5, 6))),
        ("CropMask", {"mask": "@mask", "x": 2, "y": 3, "width": 4, "height": 90}),
    ]  # fmt: skip


def _latents() -> list[Case]:
    methods = (*METHODS[:-1], "bislerp")
    sizes = ((96, 136, "disabled"), (64, 200, "center"), (0, 72, "disabled"), (8, 0, "center"), (0, 0, "disabled"))
    return [
        *(("LatentUpscale", {"samples": "@cells", "upscale_method": way, "width": across, "height": down, "crop": cut})
          for way in methods[:: len(methods) - 1]
          for across, down, cut in sizes),
        *(("LatentUpscaleBy", {"samples": samples, "upscale_method": method, "scale_by": factor})
          for method in methods
          for samples, factor in (("@still", 1.5), ("@cells", 0.6))),
    ]  # fmt: skip


CASES: list[Case] = [*_resizing(), *_pictures(), *_masks(), *_latents()]
LATENTS = ("cells", "still")


def given(case: Case, arrays: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The case's inputs with arrays in place, those of latents with something beside them."""
    values = dict(case[1])
    for name, value in case[1].items():
        if isinstance(value, str) and value.startswith("@"):
            array = arrays[value[1:]].clone()
            values[name] = {"samples": array, "batch_index": [3]} if value[1:] in LATENTS else array
    return values


def tensor_of(output: Any) -> torch.Tensor:
    """An output's tensor, be it a latent's."""
    found = output["samples"] if isinstance(output, dict) else output
    assert isinstance(found, torch.Tensor)
    return found


def kept(output: Any) -> NDArray[np.float32]:
    """An output's values, flat; of a large one only some of them."""
    values = tensor_of(output).reshape(-1).numpy()
    return values[:: max(1, len(values) // MOST_VALUES)]


def _answered(classes: dict[str, Any], case: Case) -> tuple[Any, ...]:
    """What ComfyUI's own class gives."""
    known = classes[case[0]]
    method = getattr(known(), known.FUNCTION)
    answer = method(**given(case, inputs()))
    return tuple(getattr(answer, "result", answer))


def write(classes: dict[str, Any]) -> None:
    """Write what ComfyUI's classes, by name, give: for output s of case c values as "c.s", a shape as "c.s.shape"."""
    found: dict[str, Any] = {}
    for number, case in enumerate(CASES):
        for slot, output in enumerate(_answered(classes, case)):
            found[f"{number}.{slot}"] = kept(output)
            found[f"{number}.{slot}.shape"] = np.array(tensor_of(output).shape)
    np.savez_compressed(GOLDENS, **found)
