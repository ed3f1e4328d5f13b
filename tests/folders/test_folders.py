"""Names of a graph become paths as in ComfyUI, and never leave their folder."""

import os
from pathlib import Path

import pytest

from engine.errors import FileMissing, GraphInvalid
from engine.folders import Folders


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    root = tmp_path / "models"
    touch(root / "checkpoints/b.safetensors")
    touch(root / "checkpoints/Z.ckpt")
    touch(root / "checkpoints/sub/deep/a.safetensors")
    touch(root / "checkpoints/readme.txt")
    touch(root / "checkpoints/flux.gguf")
    touch(root / "checkpoints/.git/x.safetensors")
    touch(root / "unet/old.safetensors")
    touch(root / "diffusion_models/new.gguf")
    touch(root / "clip/l.safetensors")
    touch(root / "text_encoders/t5.gguf")
    touch(root / "xlabs/loras/x.safetensors")
    touch(root / "odd_pack/o.bin")
    return root


def test_names_are_relative_filtered_and_sorted_by_code_point(models: Path) -> None:
    assert Folders([models]).names("checkpoints") == ("Z.ckpt", "b.safetensors", "sub/deep/a.safetensors")


def test_every_place_of_model_files_counts_under_one_name(models: Path) -> None:
    (models / "custom_nodes").mkdir()
    (models / "configs").mkdir()
    kinds = ("checkpoints", "diffusion_models", "odd_pack", "text_encoders", "xlabs_loras")
    assert Folders([models]).kinds() == kinds


@pytest.mark.parametrize("name", ["diffusion_models", "unet"])
def test_unet_and_diffusion_models_are_one_folder_with_gguf(models: Path, name: str) -> None:
    assert Folders([models]).names(name) == ("new.gguf", "old.safetensors")


@pytest.mark.parametrize("name", ["text_encoders", "clip"])
def test_clip_and_text_encoders_are_one_folder_with_gguf(models: Path, name: str) -> None:
    assert Folders([models]).names(name) == ("l.safetensors", "t5.gguf")


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("unet_gguf", ("new.gguf",)),
        ("clip_gguf", ("t5.gguf",)),
        ("xlabs_loras", ("x.safetensors",)),
        ("odd_pack", ("o.bin",)),
        ("nothing_here", ()),
    ],
)
def test_folders_of_node_packs_are_known_by_name(models: Path, folder: str, names: tuple[str, ...]) -> None:
    assert Folders([models]).names(folder) == names


@pytest.mark.parametrize(
    "name", ["sub/deep/a.safetensors", "sub\\deep\\a.safetensors", "sub/../sub/deep/a.safetensors"]
)
def test_find_takes_both_slashes_and_names_the_file_one_way(models: Path, name: str) -> None:
    found = Folders([models]).find("checkpoints", name)
    assert found is not None
    assert (found.folder, found.name) == ("checkpoints", "sub/deep/a.safetensors")
    assert found.path == str(models / "checkpoints/sub/deep/a.safetensors")
    assert found.fingerprint.startswith("blake2b:")


@pytest.mark.parametrize(
    "name",
    ["../checkpoints/b.safetensors", "../../secret.safetensors", "sub/../../b.safetensors", "", ".", "a\0b", "sub"],
)
def test_no_name_leaves_its_folder(models: Path, name: str) -> None:
    touch(models.parent / "secret.safetensors")
    assert Folders([models]).find("checkpoints", name) is None


def test_absolute_paths_are_no_names(models: Path) -> None:
    path = str(models / "checkpoints/b.safetensors")
    assert not Folders([models]).has("checkpoints", path)


def test_a_file_of_another_kind_is_not_found_even_if_it_is_there(models: Path) -> None:
    assert not Folders([models]).has("checkpoints", "readme.txt")


def test_the_first_root_wins_and_each_name_is_listed_once(models: Path, tmp_path: Path) -> None:
    touch(tmp_path / "more/checkpoints/b.safetensors", b"other")
    touch(tmp_path / "more/checkpoints/c.safetensors")
    folders = Folders([models, tmp_path / "more"])
    assert folders.names("checkpoints") == ("Z.ckpt", "b.safetensors", "c.safetensors", "sub/deep/a.safetensors")
    assert folders.require("checkpoints", "b.safetensors").path == str(models / "checkpoints/b.safetensors")


def test_require_names_what_is_near_and_where_it_looked(models: Path) -> None:
    with pytest.raises(FileMissing) as caught:
        Folders([models]).require("checkpoints", "A.safetensors")
    assert caught.value.near[0] == "sub/deep/a.safetensors"
    assert caught.value.searched == [str(models / "checkpoints")]
    with pytest.raises(FileMissing, match="Did you mean 'old.safetensors'"):
        Folders([models]).require("unet", "oldd.safetensors")


def test_elsewhere_tells_that_a_file_lies_in_the_wrong_folder(models: Path) -> None:
    assert Folders([models]).elsewhere("old.safetensors") == ["diffusion_models"]


def test_a_file_added_later_is_seen(models: Path) -> None:
    folders = Folders([models])
    before = folders.names("checkpoints")
    os.utime(models / "checkpoints/sub", ns=(1, 1))
    touch(models / "checkpoints/sub/new.safetensors")
    assert set(folders.names("checkpoints")) - set(before) == {"sub/new.safetensors"}
    assert folders.has("checkpoints", "sub/new.safetensors")


def test_links_are_followed_but_not_in_circles(models: Path, tmp_path: Path) -> None:
    touch(tmp_path / "disk/big.safetensors")
    (models / "checkpoints/linked").symlink_to(tmp_path / "disk")
    (models / "checkpoints/one.safetensors").symlink_to(tmp_path / "disk/big.safetensors")
    (models / "checkpoints/sub/up").symlink_to(models / "checkpoints")
    (models / "checkpoints/self").symlink_to("self")
    (models / "checkpoints/gone.safetensors").symlink_to(tmp_path / "nowhere")
    names = Folders([models]).names("checkpoints")
    assert {"linked/big.safetensors", "one.safetensors"} <= set(names)
    assert "gone.safetensors" not in names
    assert not any(name.startswith("sub/up/sub/up") for name in names)


def test_missing_roots_are_all_named_at_once(models: Path, tmp_path: Path) -> None:
    touch(tmp_path / "file")
    with pytest.raises(GraphInvalid) as caught:
        Folders([models, tmp_path / "gone", tmp_path / "file"])
    assert [problem.code for problem in caught.value.problems] == ["bad-setting", "bad-setting"]
    assert "does not exist" in caught.value.problems[0].said
    assert "is a file" in caught.value.problems[1].said


def test_nothing_is_scanned_before_it_is_asked_for(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise AssertionError(f"scanned {path}")

    monkeypatch.setattr(os, "scandir", refuse)
    folders = Folders([models])
    assert folders.has("checkpoints", "sub/deep/a.safetensors")
    assert folders.find("checkpoints", "nope.safetensors") is None


def test_ten_thousand_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "loras").mkdir()
    for number in range(10_000):
        (tmp_path / f"loras/style_{number}.safetensors").touch()
    folders = Folders([tmp_path])
    assert len(folders.names("loras")) == 10_000
    assert folders.near("loras", "style_1234.safetensor")[0] == "style_1234.safetensors"


class TestInput:
    def test_pictures_of_the_input_folder_are_listed_without_other_files_and_subfolders(self, tmp_path: Path) -> None:
        for name in ("b.png", "a.JPG", "c.webp", "notes.txt", "video.mp4", "sub/d.png"):
            touch(tmp_path / "in" / name)
        folders = Folders(input=tmp_path / "in")
        assert folders.input_names() == folders.names("input") == ("a.JPG", "b.png", "c.webp")

    def test_an_absent_input_folder_holds_nothing(self, tmp_path: Path) -> None:
        folders = Folders(input=tmp_path / "in")
        assert folders.input_names() == ()
        assert folders.input_path("a.png") is None
        assert folders.searched("input") == [str(tmp_path / "in")]

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("a.png", "in/a.png"),
            ("a.png [input]", "in/a.png"),
            ("sub/a.png", "in/sub/a.png"),
            ("sub\\a.png", "in/sub/a.png"),
            ("o.png [output]", "out/o.png"),
            ("sub/o.png[output]", "out/sub/o.png"),
            ("t.png [temp]", "temp/t.png"),
        ],
    )
    def test_annotated_names_tell_the_folder(self, tmp_path: Path, name: str, place: str) -> None:
        path = touch(tmp_path / place)
        folders = Folders(input=tmp_path / "in", output=tmp_path / "out")
        assert folders.input_path(name) == path
        assert folders.has("input", name)

    @pytest.mark.parametrize(
        "name", ["../s.png", "sub/../../s.png", "/etc/passwd", "../in/a.png [output]", "", "[input]"]
    )
    def test_no_name_leaves_the_input_folder(self, tmp_path: Path, name: str) -> None:
        touch(tmp_path / "s.png")
        touch(tmp_path / "in/a.png")
        assert Folders(input=tmp_path / "in", output=tmp_path / "out").input_path(name) is None
