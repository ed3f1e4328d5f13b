"""extra_model_paths.yaml means what it means to ComfyUI."""

from pathlib import Path

import pytest

from engine.errors import GraphInvalid
from engine.folders import Folders


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "extra_model_paths.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_paths_are_relative_to_base_path_and_base_path_to_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "a111:\n"
        "    base_path: webui/\n"
        "    checkpoints: models/Stable-diffusion\n"
        "    loras: |\n"
        "         models/Lora\n"
        "         models/LyCORIS\n"
        "empty:\n",
    )
    folders = Folders(extra_model_paths=[file])
    assert folders.searched("checkpoints") == [str(tmp_path / "webui/models/Stable-diffusion")]
    assert folders.searched("loras") == [str(tmp_path / "webui/models/Lora"), str(tmp_path / "webui/models/LyCORIS")]


def test_without_base_path_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, f"x:\n    vae: here/vae\n    unet: {tmp_path}/abs\n")
    folders = Folders(extra_model_paths=[file])
    assert folders.searched("vae") == [str(tmp_path / "here/vae")]
    assert folders.searched("diffusion_models") == [str(tmp_path / "abs")]


def test_home_and_environment_variables_are_put_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELS", str(tmp_path / "disk"))
    file = written(tmp_path, "a:\n    base_path: ~/x\n    vae: v\nb:\n    base_path: $MODELS\n    loras: l\n")
    folders = Folders(extra_model_paths=[file])
    assert folders.searched("vae") == [str(tmp_path / "home/x/v")]
    assert folders.searched("loras") == [str(tmp_path / "disk/l")]


def test_extra_paths_come_behind_the_roots_unless_they_are_default(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    file = written(
        tmp_path, "a:\n    clip: behind\nb:\n    is_default: true\n    clip: |\n        first\n        before_first\n"
    )
    folders = Folders([tmp_path / "models"], [file])
    assert [Path(path).name for path in folders.searched("text_encoders")] == [
        "before_first",
        "first",
        "text_encoders",
        "clip",
        "behind",
    ]


def test_a_default_path_that_is_known_moves_to_the_front(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    file = written(tmp_path, "a:\n    is_default: true\n    base_path: models\n    clip: clip\n    vae: vae\n")
    folders = Folders([tmp_path / "models"], [file])
    assert [Path(path).name for path in folders.searched("clip")] == ["clip", "text_encoders"]
    assert folders.searched("vae") == [str(tmp_path / "models/vae")]


def test_files_in_extra_paths_are_found(tmp_path: Path) -> None:
    (tmp_path / "disk/vae").mkdir(parents=True)
    (tmp_path / "disk/vae/ae.sft").write_bytes(b"x")
    folders = Folders(extra_model_paths=[written(tmp_path, "a:\n    base_path: disk\n    vae: vae\n")])
    assert folders.names("vae") == ("ae.sft",)
    assert folders.require("vae", "ae.sft").path == str(tmp_path / "disk/vae/ae.sft")


@pytest.mark.parametrize(
    "text", ["- a\n- b\n", "a: b\n", "a: [1\n", "a:\n    vae: 3\n", "a:\n    base_path: 7\n    vae: v\n", "\x00"]
)
def test_another_form_is_a_bad_setting_that_names_the_file(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(GraphInvalid) as caught:
        Folders(extra_model_paths=[file])
    (problem,) = caught.value.problems
    assert problem.code == "bad-setting"
    assert str(file) in problem.said


def test_a_missing_file_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(GraphInvalid, match="cannot be read"):
        Folders(extra_model_paths=[tmp_path / "gone.yaml"])
