"""Pictures and masks batched, compared, and resized in each of the ways there are."""

import pytest
import torch

from engine.errors import GraphInvalid
from engine.graph.check import examine
from engine.plugins.registry import Registry
from tests import toys
from tests.graph.fakes import FakeFolders, node, workflow
from tests.inference.stand_in import StandInContext

PICTURE = torch.linspace(0, 1, 2 * 60 * 100 * 3).reshape(2, 60, 100, 3)
MASK = PICTURE[..., 0]


def run(class_type, **values):
    return Registry.builtin().find(class_type).run(values, StandInContext())


def resized(drawn, kind, method="area", **values):
    options = {f"resize_type.{name}": value for name, value in values.items()}
    return run("ResizeImageMaskNode", input=drawn, resize_type=kind, scale_method=method, **options)[0]


@pytest.mark.parametrize(
    ("kind", "values", "width", "height"),
    [
        ("scale dimensions", {"width": 30, "height": 20, "crop": "center"}, 30, 20),
        ("scale dimensions", {"width": 30, "height": 20, "crop": "disabled"}, 30, 20),
        ("scale dimensions", {"width": 0, "height": 30, "crop": "center"}, 50, 30),
        ("scale dimensions", {"width": 0, "height": 0, "crop": "center"}, 100, 60),
        ("scale by multiplier", {"multiplier": 0.5}, 50, 30),
        ("scale longer dimension", {"longer_size": 50}, 50, 30),
        ("scale shorter dimension", {"shorter_size": 30}, 50, 30),
        ("scale width", {"width": 50}, 50, 30),
        ("scale height", {"height": 30}, 50, 30),
        ("scale total pixels", {"megapixels": 0.01}, 132, 79),
        ("match size", {"match": torch.zeros(1, 7, 9, 3), "crop": "center"}, 9, 7),
        ("match size", {"match": torch.zeros(1, 7, 9), "crop": "disabled"}, 9, 7),
        ("scale to multiple", {"multiple": 8}, 96, 56),
        ("scale to multiple", {"multiple": 64}, 100, 60),
        ("scale to multiple", {"multiple": 1}, 100, 60),
        ("scale to multiple", {"multiple": 20}, 100, 60),
    ],
)
@pytest.mark.parametrize("method", ["area", "lanczos"])
def test_each_way_gives_the_size_it_tells(kind, values, width, height, method):
    assert resized(PICTURE, kind, method, **values).shape == (2, height, width, 3)
    assert resized(MASK, kind, method, **values).shape == (2, height, width)


def test_a_mask_is_resized_as_a_picture_is():
    mask, picture = (resized(drawn, "scale width", "bilinear", width=37) for drawn in (MASK, PICTURE))
    assert torch.equal(mask, picture[..., 0])


def test_a_tall_picture_has_its_longer_side_upright():
    tall = PICTURE.movedim(1, 2)
    assert resized(tall, "scale longer dimension", longer_size=50).shape == (2, 50, 30, 3)
    assert resized(tall, "scale shorter dimension", shorter_size=30).shape == (2, 50, 30, 3)
    assert resized(tall[:, :60], "scale longer dimension", longer_size=7).shape == (2, 7, 7, 3)


def test_multiples_are_cut_evenly_out_of_what_covers_them():
    row = torch.arange(10.0).repeat(1, 6, 1)
    assert torch.equal(resized(row, "scale to multiple", "nearest-exact", multiple=6)[0, 0], row[0, 0, 2:8])


@pytest.mark.parametrize(
    ("kind", "values"),
    [("scale longer dimension", {"longer_size": 0}), ("scale shorter dimension", {"shorter_size": 0})]
    + [("scale by multiplier", {"multiplier": 0.001}), ("scale longer dimension", {"longer_size": 1})],
)
def test_a_size_without_pixels_is_refused(kind, values):
    with pytest.raises(GraphInvalid):
        resized(PICTURE[:, :1], kind, **values)


def test_graphs_are_checked_for_the_way_they_choose():
    known = Registry.of([*toys.specs(), Registry.builtin().find("ResizeImageMaskNode")])
    inputs = {"resize_type": "match size", "resize_type.match": ["size", 0], "resize_type.crop": "centre"}
    graph = {
        "size": node("ToyText", text="8"),
        "resize": node("ResizeImageMaskNode", input=["size", 0], scale_method="area", **inputs),
        "show": node("ToyShow", value=["resize", 0]),
    }
    found = examine(workflow(graph), known, FakeFolders()).problems
    assert [(problem.code, problem.field) for problem in found] == [
        ("wrong-wire", "input"),
        ("wrong-wire", "resize_type.match"),
        ("unknown-choice", "resize_type.crop"),
    ]


def test_a_batch_has_the_size_of_its_first_picture():
    others = {"images.image1": torch.ones(1, 10, 10, 4), "images.image4": torch.zeros(2, 60, 100, 3)}
    batch = run("BatchImagesNode", **{"images.image0": PICTURE}, **others)[0]
    assert batch.shape == (5, 60, 100, 4)
    assert torch.equal(batch[:2, ..., :3], PICTURE)
    assert torch.allclose(batch[2], torch.ones(()))
    assert torch.equal(batch[3:, ..., 3], torch.ones(2, 60, 100))


def test_one_picture_is_a_batch_of_its_own():
    assert torch.equal(run("BatchImagesNode", **{"images.image0": PICTURE})[0], PICTURE)


def test_pictures_to_compare_are_saved_under_two_names(monkeypatch):
    saved = []
    monkeypatch.setattr(
        "engine.inference.pictures.save",
        lambda context, images, prefix, kind: saved.append((len(images), prefix, kind)),
    )
    assert run("ImageCompare", image_a=PICTURE, image_b=None) == ()
    run("ImageCompare", image_a=PICTURE, image_b=PICTURE[:1])
    assert saved == [(2, "comfy.compare.a", "temp"), (2, "comfy.compare.a", "temp"), (1, "comfy.compare.b", "temp")]
