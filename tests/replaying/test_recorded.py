"""A picture is read with all that it says about its making, and what cannot be replayed is told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import VERSION, api
from engine.errors import GraphInvalid
from engine.replaying.recorded import ANOTHER_PROGRAM, DAMAGED, EDITORS, Recorded, read
from schemas.report import Problem
from tests.replaying.pictures import doctored, gradient, made, put_input, without

GRAPHS = Path(__file__).parents[2] / "graphs"
pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture
def picture(empty_folder: Path) -> Path:
    put_input(gradient())
    return made()


def refused(path: Path) -> Problem:
    with pytest.raises(GraphInvalid) as raised:
        read(str(path))
    (problem,) = raised.value.problems
    assert problem.file == str(path)
    return problem


def test_a_picture_of_ours_tells_all(picture: Path) -> None:
    original = read(str(picture))
    assert original.recorded is not None
    assert (original.recorded.version, original.recorded.device, original.recorded.saved_by) == (VERSION, "cpu", "3")
    with Image.open(picture) as opened:
        assert np.array_equal(original.pixels, np.asarray(opened))
    assert list(original.workflow.prompt.nodes) == ["1", "2", "3"]
    assert (original.lossy, original.notes) == (False, [])


def test_a_picture_of_comfyui_says_nothing_of_its_making(picture: Path) -> None:
    original = read(str(doctored(picture, comfyless=without)))
    assert (original.recorded, original.notes) == (None, [ANOTHER_PROGRAM])


def test_a_picture_of_an_older_version_says_less(picture: Path) -> None:
    original = read(str(doctored(picture, comfyless=lambda about: {"version": "0.0.9", "device": "cpu", "later": []})))
    assert (original.recorded, original.notes) == (Recorded(version="0.0.9", device="cpu"), [])


@pytest.mark.parametrize("text", ["{", "[]", '"text"', {"version": 1}, {"nodes": [1]}, {"models": [{"name": "a"}]}])
def test_a_damaged_note_is_told_and_the_graph_still_runs(picture: Path, text: Any) -> None:
    original = read(str(doctored(picture, comfyless=lambda about: text)))
    assert (original.recorded, original.notes) == (None, [DAMAGED])


def test_an_editors_graph_alone_is_told(picture: Path) -> None:
    editor = json.loads((GRAPHS / "ui" / "flux_dev_fp8.json").read_text())
    original = read(str(doctored(picture, prompt=lambda prompt: "", comfyless=without, workflow=lambda none: editor)))
    assert original.notes == [ANOTHER_PROGRAM, EDITORS]
    assert original.workflow.prompt.nodes["31"].class_type == "KSampler"


@pytest.mark.parametrize(
    ("name", "data", "code", "said"),
    [
        ("graph.json", b"{}", "not-a-workflow", "no PNG, WebP or JPEG picture"),
        ("empty.png", b"", "not-a-workflow", "no PNG, WebP or JPEG picture"),
        ("bare.png", b"\x89PNG\r\n\x1a\n", "not-a-workflow", "carries no graph"),
    ],
)
def test_what_is_no_picture_with_a_graph_is_refused(
    empty_folder: Path, name: str, data: bytes, code: str, said: str
) -> None:
    Path(name).write_bytes(data)
    problem = refused(Path(name))
    assert problem.code == code
    assert said in problem.said


def test_a_missing_file_is_told() -> None:
    assert refused(Path("gone.png")).code == "unreadable-file"


def test_a_drawing_of_a_graph_is_no_picture_that_it_made(picture: Path) -> None:
    Path("drawing.png").write_bytes(api.picture(api.load(picture)))
    problem = refused(Path("drawing.png"))
    assert "drawing" in problem.said
    assert "comfyless run" in problem.fix


def test_a_damaged_graph_is_told_with_its_place(picture: Path) -> None:
    problem = refused(doctored(picture, prompt=lambda prompt: '{"1": '))
    assert problem.code == "malformed-json"
    assert "'prompt'" in problem.said


def test_a_file_that_is_cut_off_is_told(picture: Path) -> None:
    picture.write_bytes(picture.read_bytes()[:-60])
    problem = refused(picture)
    assert problem.code == "unreadable-file"
    assert "cannot be read" in problem.said


@pytest.mark.parametrize(
    ("name", "options", "lossy"),
    [
        ("a.jpg", {}, True),
        ("a.webp", {"quality": 80}, True),
        ("a.webp", {"lossless": True}, False),
        ("a.png", {}, False),
    ],
)
def test_formats_that_keep_no_exact_pixels_are_known(picture: Path, name: str, options: Any, lossy: bool) -> None:
    with Image.open(picture) as opened:
        exif = opened.getexif()
        exif[0x0110] = f"prompt:{opened.info['prompt']}"
        opened.save(name, exif=exif, **options)
    assert read(name).lossy == lossy


def test_transparency_is_kept(picture: Path) -> None:
    with Image.open(picture) as opened:
        clear = opened.convert("RGBA")
        clear.putpixel((0, 0), (1, 2, 3, 4))
        exif = Image.Exif()
        exif[0x0110] = f"prompt:{opened.info['prompt']}"
        clear.save("clear.webp", lossless=True, exact=True, exif=exif)
    assert read("clear.webp").pixels[0, 0].tolist() == [1, 2, 3, 4]
