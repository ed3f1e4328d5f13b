"""A Flux file becomes the GGUF file that the published tools would make of it."""

import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest

from engine.checkpoints import detect, index
from engine.errors import ModelFileInvalid, NotWritten
from engine.quantize import gguf_encoding, gguf_job, job
from engine.quantize.sources import readers
from tests.models.fixture import tiny_models

BF16 = "diffusion_models/flux1-dev.safetensors"
ALL_IN_ONE = "checkpoints/flux1-dev-fp8.safetensors"
VAE = "vae/ae.safetensors"
SD15 = "diffusion_models/sd15-Q8_0.gguf"

libgguf = pytest.importorskip("libgguf")


def made(name: str, variant: str, folder: Path, importance: Path | None = None) -> Path:
    """The GGUF file of a tiny model."""
    work, _ = gguf_job.job(index.read(tiny_models(name) / name), variant, importance)
    path = folder / f"{variant}.gguf"
    job.run(work, path, processes=1)
    return path


@pytest.mark.parametrize("variant", ["Q8_0", "Q4_K_M"])
def test_every_tensor_has_the_bytes_that_libggufs_converter_writes(variant: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("libgguf_quantize_gguf")
    if not program.is_file():
        pytest.skip("libgguf's converter is not installed")
    theirs = tmp_path / "theirs.gguf"
    command = [program, "--src", tiny_models(BF16) / BF16, "--dst", theirs, "--qtype", variant, "--threads", "1"]
    subprocess.run(command, check=True, capture_output=True)
    ours, expected = (gguf.GGUFReader(path) for path in (made(BF16, variant, tmp_path), theirs))
    other = {tensor.name: tensor for tensor in expected.tensors}
    assert {tensor.name for tensor in ours.tensors} == set(other)
    for tensor in ours.tensors:
        assert tensor.tensor_type == other[tensor.name].tensor_type
        assert np.array_equal(tensor.data, other[tensor.name].data)
    for key in ("general.architecture", "general.quantization_version", "general.file_type"):
        assert ours.get_field(key).contents() == expected.get_field(key).contents()


def test_the_transformer_of_an_all_in_one_file_is_taken_alone(tmp_path: Path) -> None:
    path = made(ALL_IN_ONE, "Q8_0", tmp_path)
    (part,) = detect.parts(index.read(path))
    assert (part.kind, part.layout, part.prefix, part.storage) == ("flux", "bfl", "", "gguf:Q8_0")
    source = {each.name: each for each in readers(index.read(tiny_models(ALL_IN_ONE) / ALL_IN_ONE), "flux")}
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(-1, source[tensor.name].shape[-1])
        assert np.abs(values - source[tensor.name].rows(0, len(values))).max() < 0.02
    libgguf.validate_gguf(path)


def test_other_models_are_refused_with_what_they_are() -> None:
    with pytest.raises(ModelFileInvalid, match=r"holds a VAE; only Flux transformers are stored as GGUF"):
        gguf_job.job(index.read(tiny_models(VAE) / VAE), "Q8_0")
    with pytest.raises(ModelFileInvalid, match=r"SD 1\.x.* convolutions"):
        gguf_job.job(index.read(tiny_models(SD15) / SD15), "Q8_0")


def test_without_libgguf_the_types_that_can_be_made_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_encoding, "has_native", lambda: False)
    gguf_encoding.encodable.cache_clear()
    with pytest.raises(NotWritten, match=r"Q4_K is made by the library libgguf.*: F16, BF16, Q8_0, Q5_1, Q5_0, Q4_1"):
        gguf_job.job(index.read(tiny_models(BF16) / BF16), "Q4_K_S")
    gguf_encoding.encodable.cache_clear()


def importance(folder: Path, entries: dict[str, np.ndarray], form: str) -> Path:
    """An importance matrix's file in one of llama.cpp's two formats."""
    path = folder / f"imatrix.{form}"
    if form == "dat":
        data = len(entries).to_bytes(4, "little")
        for name, values in entries.items():
            data += len(name).to_bytes(4, "little") + name.encode() + (1).to_bytes(4, "little")
            data += values.size.to_bytes(4, "little") + values.astype("<f4").tobytes()
        path.write_bytes(data)
        return path
    writer = gguf.GGUFWriter(path, "")
    for name, values in entries.items():
        writer.add_tensor(f"{name}.in_sum2", values.reshape(1, -1) * 2)
        writer.add_tensor(f"{name}.counts", np.full((1, 1), 2, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("form", ["dat", "gguf"])
def test_an_importance_matrix_is_used_and_noted(form: str, tmp_path: Path) -> None:
    name = "double_blocks.0.img_attn.proj.weight"
    weights = np.random.default_rng(0).random(256, dtype=np.float32)
    path = importance(tmp_path, {name: weights}, form)
    _, notes = gguf_job.job(index.read(tiny_models(BF16) / BF16), "Q4_K", path)
    assert notes == ["The importance matrix lacks 35 of 36 matrices."]
    reader = gguf.GGUFReader(made(BF16, "Q4_K", tmp_path, path))
    (source,) = (each for each in readers(index.read(tiny_models(BF16) / BF16), "flux") if each.name == name)
    expected = libgguf.quantize_rows(source.rows(0, 256), 12, imatrix=weights)
    assert np.array_equal(next(tensor.data for tensor in reader.tensors if tensor.name == name), expected)
    assert reader.get_field("quantize.imatrix.file").contents() == path.name


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"blk.0.attn_q.weight": np.ones(256)}, "the model has no tensor 'blk.0.attn_q.weight'"),
        ({"img_in.weight": np.ones(32)}, "'img_in.weight' has 32 columns instead of 64"),
        ({"img_in.bias": np.ones(256)}, "'img_in.bias' has 256 columns"),
        ({"img_in.weight": -np.ones(64)}, "negative or no numbers"),
        ({str(number): np.ones(1) for number in range(9)}, "and 6 more"),
    ],
)
def test_an_importance_matrix_of_another_model_is_refused(
    entries: dict[str, np.ndarray], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileInvalid, match=said):
        gguf_job.job(index.read(tiny_models(BF16) / BF16), "Q4_K", importance(tmp_path, entries, "dat"))


@pytest.mark.parametrize("data", [b"", b"GGUF", b"\x01\x00\x00\x00\xff\xff\xff\x7f", b"\x05\x00\x00\x00abc"])
def test_what_is_no_importance_matrix_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_bytes(data)
    with pytest.raises(ModelFileInvalid, match="is no importance matrix"):
        gguf_job.job(index.read(tiny_models(BF16) / BF16), "Q4_K", tmp_path / "x.dat")
