"""Pictures come in and go out with ComfyUI's levels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import ModelFileInvalid
from engine.inference import pictures


def test_levels_are_truncated_and_clipped() -> None:
    image = torch.tensor([[[0.0, 0.9999, 1.0], [-1.0, 2.0, float("nan")]]])
    assert pictures.to_levels(image).tolist() == [[[0, 254, 255], [0, 255, 0]]]


def test_transparency_becomes_a_mask_that_is_one_where_nothing_shows(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[10, 20, 30, 0], [40, 50, 60, 255]]], dtype=np.uint8), "RGBA").save(tmp_path / "a.png")
    image, mask = pictures.load(tmp_path / "a.png")
    assert mask.tolist() == [[[1.0, 0.0]]]
    assert torch.equal((image * 255).round()[0, 0, 0], torch.tensor([10.0, 20.0, 30.0]))


def test_a_picture_without_transparency_has_comfyuis_small_empty_mask(tmp_path: Path) -> None:
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    image, mask = pictures.load(tmp_path / "a.png")
    assert image.shape == (1, 4, 8, 3)
    assert mask.shape == (1, 64, 64)
    assert not mask.any()


def test_frames_become_a_batch(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 4), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert pictures.load(tmp_path / "a.gif")[0].shape == (3, 4, 8, 3)


def test_wide_integer_levels_are_divided_by_255(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 65535]], dtype=np.int32), "I").save(tmp_path / "a.tiff")
    image, _ = pictures.load(tmp_path / "a.tiff")
    assert image[0, 0, 0].max() == 0
    assert image[0, 0, 1].min() > 0.99


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_broken_picture_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken.png").write_bytes(data)
    with pytest.raises(ModelFileInvalid, match=r"broken\.png"):
        pictures.load(tmp_path / "broken.png")
