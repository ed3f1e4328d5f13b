"""Tensors are views of the file, exact whatever their type and place in it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.checkpoints import index
from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid
from engine.inference.weights.mapped import DTYPES, MappedFile


def test_every_type_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    saved = {name: torch.arange(6).view(2, 3).to(dtype) for name, dtype in DTYPES.items()}
    save_file(saved | {"nothing": torch.empty(0, 3)}, path)
    file, infos = MappedFile(path), index.read(path).tensors
    for name, tensor in saved.items():
        assert torch.equal(file.tensor(name, infos[name]).float(), tensor.float()), name
    assert file.tensor("nothing", infos["nothing"]).shape == (0, 3)


def test_writing_into_a_tensor_does_not_reach_the_file_and_release_forgets_it(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.arange(4096.0)}, path)
    before = path.read_bytes()
    file = MappedFile(path)
    tensor = file.tensor("a", index.read(path).tensors["a"])
    tensor.add_(1.0)
    assert path.read_bytes() == before
    file.release()
    assert tensor[-1] == 4095.0


def test_a_tensor_at_an_odd_place_is_copied_and_right(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    values = torch.tensor([1.5, -2.5])
    path.write_bytes(b"xyz" + values.numpy().tobytes())
    assert torch.equal(MappedFile(path).tensor("a", TensorInfo("fp32", (2,), 3, 11)), values)


def test_what_cannot_be_read_is_told_with_the_tensors_name(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"12345678")
    file = MappedFile(path)
    with pytest.raises(ModelFileInvalid, match="tensor 'w' is stored as gguf:Q4_K"):
        file.tensor("w", TensorInfo("gguf:Q4_K", (1, 256), 0, 8))
    with pytest.raises(ModelFileInvalid, match="lost the bytes of tensor 'w'"):
        file.tensor("w", TensorInfo("fp32", (4,), 0, 16))
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ModelFileInvalid, match="cannot be mapped"):
        MappedFile(tmp_path / "empty")
