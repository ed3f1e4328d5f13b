"""Nodes on pictures and masks give ComfyUI's numbers, and say what they cannot do."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import nodes
from engine.errors import GraphInvalid, ModelFileInvalid
from schemas.node import Node
from tests.inference.stand_in import StandInContext
from tests.nodes.picture_cases import CASES, GOLDENS, given, inputs, kept, tensor_of

CLASSES: dict[str, type[Node]] = {
    node.__name__: node for module in nodes.MODULES for node in importlib.import_module(module).NODES
}
STORED = dict(np.load(GOLDENS))
ARRAYS = inputs()


def ran(class_type: str, **values: Any) -> tuple[Any, ...]:
    outputs = CLASSES[class_type].spec().run(values, StandInContext())
    assert isinstance(outputs, tuple)
    return outputs


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: f"{number}-{CASES[number][0]}")
def test_outputs_are_those_of_comfyui(number: int) -> None:
    values = given(CASES[number], ARRAYS)
    before = {name: value.clone() for name, value in values.items() if isinstance(value, torch.Tensor)}
    for slot, output in enumerate(ran(CASES[number][0], **values)):
        assert list(tensor_of(output).shape) == STORED[f"{number}.{slot}.shape"].tolist()
        assert tensor_of(output).dtype == torch.float32
        exact = values.get("upscale_method") == "lanczos" or CASES[number][0] == "FluxKontextImageScale"
        np.testing.assert_allclose(kept(output), STORED[f"{number}.{slot}"], rtol=0, atol=0 if exact else 1e-6)
    assert all(torch.equal(values[name], value) for name, value in before.items())


def test_a_resized_latent_keeps_what_is_beside_it() -> None:
    latent = {"samples": ARRAYS["cells"], "batch_index": [3, 4]}
    assert ran("LatentUpscaleBy", samples=latent, upscale_method="area", scale_by=2.0)[0]["batch_index"] == [3, 4]


def test_every_case_has_goldens() -> None:
    assert {int(name.partition(".")[0]) for name in STORED} == set(range(len(CASES)))


def test_sides_of_pictures_are_told_in_comfyuis_order() -> None:
    assert ran("GetImageSize", image=ARRAYS["wide"]) == (12, 7, 2)


def test_sides_can_be_made_multiples() -> None:
    options = {"upscale_method": "area", "megapixels": 0.02, "resolution_steps": 16}
    assert ran("ImageScaleToTotalPixels", image=ARRAYS["wide"], **options)[0].shape == (2, 112, 192, 3)


def test_a_picture_that_would_vanish_is_refused() -> None:
    with pytest.raises(GraphInvalid, match="0 × 0 pixels"):
        ran("ImageScaleBy", image=ARRAYS["wide"], upscale_method="area", scale_by=0.01)
    options = {"upscale_method": "area", "width": 900, "height": 1, "crop": "center"}
    with pytest.raises(GraphInvalid, match="nothing is left of a picture of 4 × 4 pixels"):
        ran("ImageScale", image=ARRAYS["many"], **options)
    with pytest.raises(GraphInvalid, match="too small for a blur radius of 7"):
        ran("ImageBlur", image=ARRAYS["wide"], blur_radius=7, sigma=1.0)


def test_opaque_pictures_have_no_alpha_to_take() -> None:
    with pytest.raises(GraphInvalid, match="3 channels, none of them alpha"):
        ran("ImageToMask", image=ARRAYS["wide"], channel="alpha")


def test_opaque_pictures_go_over_and_beside_transparent_ones() -> None:
    clear, opaque = ARRAYS["clear"], ARRAYS["clear"][..., :3]
    over = ran("ImageCompositeMasked", destination=clear, source=opaque, x=0, y=0, resize_source=False)[0]
    assert torch.equal(over, torch.cat((opaque, torch.ones(1, 6, 7, 1)), dim=-1))
    assert ran("ImageBatch", image1=opaque, image2=clear)[0].shape == (2, 6, 7, 4)


def test_a_place_outside_shows_what_reaches_in() -> None:
    below, above = torch.zeros(1, 4, 4, 3), torch.ones(1, 2, 2, 3)
    placed = ran("ImageCompositeMasked", destination=below, source=above, x=-1, y=-1, resize_source=False)[0]
    assert placed[..., 0].nonzero().tolist() == [[0, 0, 0]]
    away = ran("ImageCompositeMasked", destination=below, source=above, x=-9, y=0, resize_source=False)[0]
    assert torch.equal(away, below)


def test_a_mask_beyond_the_other_changes_nothing() -> None:
    joined = ran("MaskComposite", destination=ARRAYS["mask"], source=ARRAYS["spot"], x=50, y=2, operation="add")[0]
    assert torch.equal(joined, ARRAYS["mask"])


class Folder(StandInContext):
    """A context with an input folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def input_file(self, name: str) -> Path:
        return self._folder / name


@pytest.mark.parametrize(("channel", "level"), [("alpha", 0.8), ("red", 0.2), ("green", 0.4), ("blue", 0.6)])
def test_a_channel_of_a_file_becomes_a_mask(tmp_path: Path, channel: str, level: float) -> None:
    Image.new("RGBA", (3, 2), (51, 102, 153, 51)).save(tmp_path / "a.png")
    mask = CLASSES["LoadImageMask"].spec().run({"image": "a.png", "channel": channel}, Folder(tmp_path))[0]  # type: ignore[index]
    assert mask.shape == (1, 2, 3)
    torch.testing.assert_close(mask, torch.full((1, 2, 3), level))


def test_the_alpha_of_an_opaque_file_is_an_empty_mask_of_its_size(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 9).save(tmp_path / "a.png")
    node = CLASSES["LoadImageMask"].spec()
    assert torch.equal(node.run({"image": "a.png", "channel": "alpha"}, Folder(tmp_path))[0], torch.zeros(1, 2, 3))  # type: ignore[index]
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(ModelFileInvalid, match=r"b\.png"):
        node.run({"image": "b.png", "channel": "red"}, Folder(tmp_path))


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "said"),
    [("a\nb", "a\nb"), (3, "3"), (True, "True"), (None, "None"), ([1, {"a": None}], '[1, {"a": null}]'),
     ({1j}, "{1j}"), (LOOP, "[[...]]")],
)  # fmt: skip
def test_anything_can_be_told(value: Any, said: str) -> None:
    context = StandInContext()
    assert CLASSES["PreviewAny"].spec().run({"source": value}, context) == (said,)
    assert context.noted == [said]
