"""Pictures land where ComfyUI would put them, and nowhere else, whole or not at all."""

import errno
import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine import VERSION
from engine.errors import NotWritten
from engine.running import outputs
from engine.running.output_names import expand, format_date
from engine.running.outputs import OutputFolder, encode_png, picture_metadata
from schemas.prompt import Prompt
from schemas.sockets import FileRef

MOMENT = datetime(2025, 3, 7, 15, 4, 9)

PROMPT = {
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": 'a/b: "c"'}, "_meta": {"title": "Positive"}},
    "27": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48.0, "on": True}},
    "31": {"class_type": "KSampler", "inputs": {"seed": 42, "model": ["4", 0], "note": ""}},
}


def picture(width: int = 4, height: int = 3, channels: int = 3) -> Any:
    count = width * height * channels
    return (np.arange(count) % 256).astype(np.uint8).reshape(height, width, channels)


@pytest.fixture
def folder(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "output", tmp_path / "temp", clock=lambda: MOMENT)


def saved(folder: OutputFolder, prefix: str, batch_index: int = 0, **metadata: Any) -> str:
    texts = {keyword: json.dumps(value) for keyword, value in metadata.items()}
    path = folder.save(picture(), prefix, "output", batch_index, texts)
    return path.relative_to(os.path.realpath(folder._roots["output"])).as_posix()


def test_counters_continue_after_the_highest_of_the_same_prefix(folder: OutputFolder, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    for name in ("flux_00007_.png", "flux_dev_00050_.png", "fluxes_00060_.png", "flux_x.png", "flux_00002_old.txt"):
        (tmp_path / "output" / name).touch()
    assert [saved(folder, "flux"), saved(folder, "flux"), saved(folder, "other")] == [
        "flux_00008_.png",
        "flux_00009_.png",
        "other_00001_.png",
    ]


def test_a_counter_past_five_digits_grows(folder: OutputFolder, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "flux_99999_.png").touch()
    assert saved(folder, "flux") == "flux_100000_.png"


def test_a_prefix_may_name_subfolders_with_either_slash(folder: OutputFolder) -> None:
    assert saved(folder, "a/b/flux") == "a/b/flux_00001_.png"
    assert saved(folder, "a\\b\\flux") == "a/b/flux_00002_.png"
    assert saved(folder, "a/./c/../flux") == "a/flux_00001_.png"


def test_an_absolute_prefix_inside_the_folder_is_as_good_as_a_relative_one(
    folder: OutputFolder, tmp_path: Path
) -> None:
    assert saved(folder, f"{tmp_path}/output/sub/flux") == "sub/flux_00001_.png"


@pytest.mark.parametrize(
    "prefix", ["../flux", "a/../../flux", "..\\flux", "/elsewhere/flux", "C:\\flux", "C:flux", "..", "%date:../%x"]
)
def test_a_prefix_never_leaves_the_folder(folder: OutputFolder, tmp_path: Path, prefix: str) -> None:
    with pytest.raises(NotWritten, match="leads out of"):
        saved(folder, prefix)
    assert not list(tmp_path.rglob("*.png"))


def test_a_symbolic_link_never_leads_out(folder: OutputFolder, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "output" / "door").symlink_to(tmp_path / "outside")
    with pytest.raises(NotWritten, match="leads out of"):
        saved(folder, "door/flux")
    assert not list((tmp_path / "outside").iterdir())


def test_an_output_folder_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "disk")
    path = OutputFolder(tmp_path / "output", tmp_path / "temp").save(picture(), "flux", "output", 0, {})
    assert path == tmp_path / "disk" / "flux_00001_.png"


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("%width%x%height%", "4x3"),
        ("%year%-%month%-%day% %hour%.%minute%.%second%", "2025-03-07 15.04.09"),
        ("%date:yyyy-MM-dd%", "2025-03-07"),
        ("%date:yy.M.d_h-mm-ss%", "25.3.7_15-04-09"),
        ("%KSampler.seed%", "42"),
        ("%Positive.text%", "a_b_ _c_"),
        ("%EmptyLatentImage.width%x%EmptyLatentImage.height%", "64x48"),
        ("%EmptyLatentImage.on%", "true"),
        ("x%KSampler.note%", "x"),
        ("%KSampler.model%", "%KSampler.model%"),
        ("%KSampler.cfg% %Nobody.seed% %what% 100%", "%KSampler.cfg% %Nobody.seed% %what% 100%"),
    ],
)
def test_tokens_are_expanded_and_what_is_none_stays(folder: OutputFolder, prefix: str, name: str) -> None:
    assert saved(folder, prefix, prompt=PROMPT) == f"{name}_00001_.png"


def test_a_date_may_make_subfolders(folder: OutputFolder) -> None:
    assert saved(folder, "%date:yyyy/MM%/flux") == "2025/03/flux_00001_.png"


def test_a_class_is_meant_before_a_title() -> None:
    prompt = {
        "1": {"class_type": "A", "inputs": {"x": "by title"}, "_meta": {"title": "B"}},
        "2": {"class_type": "B", "inputs": {"x": "by class"}},
    }
    assert expand("%B.x%", prompt, 1, 1, MOMENT) == "by class"


def test_three_letters_of_a_year_are_no_date() -> None:
    assert format_date("yyy y yyyyy", MOMENT) == "yyy y 2025y"


def test_a_batch_is_numbered_in_a_row_with_its_batch_numbers(folder: OutputFolder) -> None:
    names = [saved(folder, "b%batch_num%", index) for index in (0, 1, 2)] + [saved(folder, "b%batch_num%", 0)]
    assert names == ["b0_00001_.png", "b1_00002_.png", "b2_00003_.png", "b0_00004_.png"]


@pytest.mark.parametrize("prefix", ["", ".", "a\x00b", "half \ud800 character", "sub/", "x\ny", "🦊 ß"])
def test_an_odd_prefix_still_gives_a_picture_inside(folder: OutputFolder, tmp_path: Path, prefix: str) -> None:
    assert (tmp_path / "output" / saved(folder, prefix)).is_file()


def test_a_name_too_long_for_the_disk_is_said_and_leaves_nothing(folder: OutputFolder, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="too long"):
        saved(folder, "x" * 300)
    assert not list((tmp_path / "output").iterdir())


def test_a_file_in_the_way_of_a_subfolder_is_said(folder: OutputFolder, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "taken").touch()
    with pytest.raises(NotWritten, match="no picture could be written to"):
        saved(folder, "taken/flux")


def test_a_full_disk_leaves_nothing(folder: OutputFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(outputs.os, "fsync", full)
    with pytest.raises(NotWritten, match="No space left"):
        saved(folder, "flux")
    assert not list((tmp_path / "output").iterdir())


def test_an_interruption_while_writing_leaves_nothing(
    folder: OutputFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(outputs.os, "link", interrupted)
    with pytest.raises(KeyboardInterrupt):
        saved(folder, "flux")
    assert not list((tmp_path / "output").iterdir())


def test_without_hard_links_files_are_still_never_replaced(
    folder: OutputFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(outputs.os, "link", unsupported)
    assert [saved(folder, "flux"), saved(folder, "flux")] == ["flux_00001_.png", "flux_00002_.png"]
    assert sorted(os.listdir(tmp_path / "output")) == ["flux_00001_.png", "flux_00002_.png"]


def test_writers_at_the_same_time_get_different_counters(tmp_path: Path) -> None:
    paths: list[Path] = []

    def write() -> None:
        folder = OutputFolder(tmp_path / "output", tmp_path / "temp")
        paths.extend(folder.save(picture(), "flux", "output", 0, {}) for _ in range(10))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in paths) == [f"flux_{number:05}_.png" for number in range(1, 41)]
    assert sorted(os.listdir(tmp_path / "output")) == sorted(path.name for path in paths)


def test_previews_go_to_the_temp_folder_under_letters_of_their_own(folder: OutputFolder, tmp_path: Path) -> None:
    names = [folder.save(picture(), "ComfyUI_temp", "temp", 0, {}).name for _ in range(2)]
    assert [name[:13] for name in names] == ["ComfyUI_temp_", "ComfyUI_temp_"]
    assert [name[18:] for name in names] == ["_00001_.png", "_00002_.png"]
    assert names[0][13:18].isalpha()
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("channels", [3, 4])
def test_a_file_holds_the_very_levels_and_texts(folder: OutputFolder, channels: int) -> None:
    levels = picture(channels=channels)
    texts = {"prompt": json.dumps({"1": {"text": "ß 🦊"}}), "plain": "ß 🦊 unescaped"}
    with Image.open(folder.save(levels, "flux", "output", 0, texts)) as file:
        assert (np.asarray(file) == levels).all()
        assert {keyword: str(value) for keyword, value in file.text.items()} == texts  # type: ignore[attr-defined]


def test_equal_pictures_give_equal_bytes() -> None:
    assert encode_png(picture(), {"a": "b"}, 4) == encode_png(picture(), {"a": "b"}, 4)


@pytest.mark.parametrize("levels", [np.zeros((3, 3)), np.zeros((3, 3, 1), np.uint8), np.zeros((0, 3, 3), np.uint8)])
def test_what_is_no_picture_is_refused(folder: OutputFolder, levels: Any) -> None:
    with pytest.raises(NotWritten, match="a picture must be uint8"):
        folder.save(levels, "flux", "output", 0, {})


def test_a_picture_carries_graph_models_and_seeds() -> None:
    prompt = Prompt.model_validate({"nodes": PROMPT})
    model = FileRef("checkpoints", "flux1-dev-fp8.safetensors", "elsewhere", "abc")
    texts = picture_metadata(prompt, {"nodes": []}, [(model, "bf16")], "cpu")
    assert json.loads(texts["prompt"]) == PROMPT
    assert json.loads(texts["workflow"]) == {"nodes": []}
    assert json.loads(texts["comfyless"]) == {
        "version": VERSION,
        "torch": torch.__version__,
        "device": "cpu",
        "seeds": {"31": 42},
        "models": [
            {"folder": "checkpoints", "name": "flux1-dev-fp8.safetensors", "fingerprint": "abc", "dtype": "bf16"}
        ],
    }


def test_a_picture_names_what_the_nodes_before_it_gave_and_the_node_that_saves_it() -> None:
    texts = picture_metadata(Prompt(nodes={}), None, [], "cpu", {"9": "b", "31": "a"}, "40")
    about = json.loads(texts["comfyless"])
    assert (about["nodes"], about["saved_by"]) == ({"31": "a", "9": "b"}, "40")


def test_without_an_editors_graph_there_is_no_workflow_text() -> None:
    assert "workflow" not in picture_metadata(Prompt(nodes={}), None, [], "cpu")
