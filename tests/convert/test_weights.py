"""Files for converted graphs go where their loaders look, and nowhere else."""

from pathlib import Path

import pytest

from engine.convert.weights import target_of
from engine.errors import NotWritten
from engine.folders import Folders
from schemas.conversion import FileNeeded


def needed(name: str) -> FileNeeded:
    """A file that a graph names."""
    return FileNeeded(
        folder="diffusion_models", name=name, there=False, source_folder="checkpoints", source="a", part="flux"
    )


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """A models folder with nothing in it."""
    (tmp_path / "diffusion_models").mkdir()
    return Folders(models=[tmp_path])


@pytest.mark.parametrize("name", ["flux/sub/a-Q8_0.gguf", "flux\\sub\\a-Q8_0.gguf", "flux/sub/../sub/a-Q8_0.gguf"])
def test_both_slashes_part_folders(folders: Folders, tmp_path: Path, name: str) -> None:
    target = target_of(needed(name), folders)
    assert target == tmp_path / "diffusion_models" / "flux" / "sub" / "a-Q8_0.gguf"


@pytest.mark.parametrize(
    "name", ["../../a.gguf", "..\\..\\a.gguf", "/elsewhere/a.gguf", "a/../../b.gguf", "a\0.gguf", ""]
)
def test_a_name_that_leads_out_is_refused(folders: Folders, name: str) -> None:
    with pytest.raises(NotWritten, match="leads out of the folder for diffusion_models"):
        target_of(needed(name), folders)
