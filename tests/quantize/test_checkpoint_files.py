"""The files that are made have the layout of the published ones, and mean what their source means."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engine.checkpoints import detect, runnable
from engine.checkpoints.index import read
from engine.errors import ModelFileInvalid
from engine.quantize import job as jobs
from engine.quantize.checkpoint_files import job, part_job
from engine.quantize.contract import rows_of
from engine.quantize.sources import readers
from schemas.weight_types import parse
from tests.models.fixture import tiny_models

BF16 = "diffusion_models/flux1-dev.safetensors"
ALL_IN_ONE = "checkpoints/flux1-dev-fp8.safetensors"
V1, V2 = "checkpoints/flux1-dev-bnb-nf4.safetensors", "checkpoints/flux1-dev-bnb-nf4-v2.safetensors"
KONTEXT = "diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors"
PREFIX = "model.diffusion_model."


def tiny(name: str) -> Path:
    return tiny_models(name) / name


def made(source: Path, to: str, folder: Path) -> Path:
    target = folder / f"{to.replace(':', '_')}.safetensors"
    jobs.run(job(read(source), parse(to)), target, processes=1)
    return target


def table(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {
        name: (info.dtype, info.shape)
        for name, info in read(path).tensors.items()
        if not name.endswith(("logit_scale", "quant_state.bitsandbytes__nf4"))
    }


def same_tensors(one: Path, other: Path, prefix: str = "", other_prefix: str = "") -> None:
    with safe_open(one, "pt") as ours, safe_open(other, "pt") as theirs:
        names = [name for name in theirs.keys() if name.startswith(other_prefix)]
        assert names
        for name in names:
            mine = ours.get_tensor(prefix + name.removeprefix(other_prefix))
            expected = theirs.get_tensor(name)
            assert (mine.dtype, mine.shape) == (expected.dtype, expected.shape), name
            assert torch.equal(bytes_of(mine), bytes_of(expected)), name


def bytes_of(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


@pytest.mark.parametrize(("to", "published"), [("nf4", V2), ("nf4:v1", V1)])
def test_nf4_of_an_all_in_one_is_laid_out_as_published(to, published, tmp_path):
    assert table(made(tiny(ALL_IN_ONE), to, tmp_path)) == table(tiny(published))


def test_nf4_of_a_transformer_has_the_published_codes_under_names_without_prefix(tmp_path):
    path = made(tiny(BF16), "nf4", tmp_path)
    with safe_open(path, "pt") as ours, safe_open(tiny(V2), "pt") as theirs:
        published = {name.removeprefix(PREFIX) for name in theirs.keys() if name.startswith(PREFIX)}
        assert set(ours.keys()) == published
        for name in ("img_in.weight", "single_blocks.0.linear2.weight"):
            for suffix in ("absmax", "quant_map", "quant_state.bitsandbytes__nf4"):
                key = f"{name}.{suffix}"
                assert torch.equal(ours.get_tensor(key), theirs.get_tensor(PREFIX + key))
            apart = ours.get_tensor(name) != theirs.get_tensor(PREFIX + name)  # ties; theirs divides, ours multiplies
            assert apart.float().mean() < 1e-3
        name = "double_blocks.0.img_attn.qkv.bias"
        assert torch.equal(ours.get_tensor(name), theirs.get_tensor(PREFIX + name))


def test_fp8_of_a_transformer_equals_the_published_file(tmp_path):
    same_tensors(made(tiny(BF16), "fp8", tmp_path), tiny("diffusion_models/flux1-dev-fp8-e4m3fn.safetensors"))


def test_the_same_type_again_gives_the_same_file(tmp_path):
    again = made(tiny(ALL_IN_ONE), "fp8", tmp_path)
    same_tensors(again, tiny(ALL_IN_ONE))
    assert table(again) == table(tiny(ALL_IN_ONE))


def test_only_the_transformer_of_an_all_in_one_changes(tmp_path):
    path = made(tiny(ALL_IN_ONE), "bf16", tmp_path)
    same_tensors(path, tiny(ALL_IN_ONE), "vae.", "vae.")
    same_tensors(path, tiny(ALL_IN_ONE), "text_encoders.", "text_encoders.")
    before, after = load_file(tiny(ALL_IN_ONE)), load_file(path)
    name = f"{PREFIX}single_blocks.1.linear1.weight"
    assert torch.equal(before[name].to(torch.bfloat16), after[name])


def test_scaled_fp8_is_laid_out_as_published(tmp_path):
    path = made(tiny(BF16), "fp8:scaled", tmp_path)
    assert table(path) == table(tiny(KONTEXT))
    tensors = load_file(tiny(BF16))
    for reader in readers(read(path), "flux"):
        values = tensors[reader.name].float().numpy()
        stored = reader.rows(0, rows_of(reader.shape)[0]).reshape(reader.shape)
        assert np.sqrt(np.square(stored - values).sum() / np.square(values).sum()) < 0.03


def test_scaled_fp8_of_a_scaled_file_changes_nothing(tmp_path):
    same_tensors(made(tiny(KONTEXT), "fp8:scaled", tmp_path), tiny(KONTEXT))


@pytest.mark.parametrize("source", [V1, "diffusion_models/flux1-dev-Q4_K.gguf"])
def test_packed_files_can_be_unpacked(source, tmp_path):
    found = {reader.name: reader for reader in readers(read(tiny(source)), "flux")}
    after = load_file(made(tiny(source), "fp32", tmp_path))
    prefix = PREFIX if source == V1 else ""
    for name, reader in found.items():
        values = reader.rows(0, rows_of(reader.shape)[0]).reshape(reader.shape)
        np.testing.assert_array_equal(after[prefix + name].numpy(), values)


@pytest.mark.parametrize("to", ["nf4", "nf4:v1", "fp8", "fp8:e5m2", "fp8:scaled", "bf16", "fp16", "fp32"])
def test_every_file_we_write_can_be_run_by_its_header(to, tmp_path):
    index = read(made(tiny(ALL_IN_ONE), to, tmp_path))
    assert {part.kind for part in detect.parts(index)} == {"flux", "t5xxl", "clip_l", "kl_vae"}
    for part in detect.parts(index):
        assert runnable.refused(index, part) is None
    storage = {"nf4:v1": "nf4", "fp8": "fp8_e4m3fn", "fp8:e5m2": "fp8_e5m2", "fp8:scaled": "fp8_e4m3fn scaled"}
    assert detect.require(index, "flux").storage == storage.get(to, to)


def test_an_nf4_file_narrows_its_wide_companions(tmp_path):
    def widened(name, tensor):
        return tensor.float() if name.startswith(("text_encoders.", "vae.")) else tensor

    wide = {name: widened(name, tensor) for name, tensor in load_file(tiny(ALL_IN_ONE)).items()}
    wide["text_encoders.clip_l.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(wide, tmp_path / "wide.safetensors")
    storages = {
        part.kind: part.storage for part in detect.parts(read(made(tmp_path / "wide.safetensors", "nf4", tmp_path)))
    }
    assert storages == {"flux": "nf4", "t5xxl": "fp8_e4m3fn", "clip_l": "fp16", "kl_vae": "bf16"}


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("clip_l", "text_encoders.clip_l.transformer."),
        ("t5xxl", "text_encoders.t5xxl.transformer."),
        ("kl_vae", "vae."),
    ],
)
def test_a_part_is_taken_out_as_stored(kind, prefix, tmp_path):
    target = tmp_path / "part.safetensors"
    jobs.run(part_job(read(tiny(ALL_IN_ONE)), kind), target, processes=1)
    same_tensors(target, tiny(ALL_IN_ONE), "", prefix)
    (part,) = detect.parts(read(target))
    assert (part.kind, part.prefix) == (kind, "")
    assert detect.unclaimed(read(target)) == ()


def test_codes_that_are_no_numbers_are_copied_with_their_part(tmp_path):
    tensors = load_file(tiny(ALL_IN_ONE))
    name = "text_encoders.t5xxl.transformer.shared.weight"
    tensors[name].view(torch.uint8)[5, 3] = 0x7F
    save_file(tensors, tmp_path / "nan.safetensors")
    path = made(tmp_path / "nan.safetensors", "nf4", tmp_path)
    assert torch.equal(load_file(path)[name].view(torch.uint8), tensors[name].view(torch.uint8))


@pytest.mark.parametrize(
    ("to", "published"),
    [
        ("fp8:scaled", "text_encoders/t5xxl_fp8_e4m3fn_scaled.safetensors"),
        ("fp8", "text_encoders/t5xxl_fp8_e4m3fn.safetensors"),
    ],
)
def test_a_text_encoder_alone_is_stored_as_published(to, published, tmp_path):
    ours, theirs = table(made(tiny("text_encoders/t5xxl_fp16.safetensors"), to, tmp_path)), table(tiny(published))
    theirs.pop("encoder.embed_tokens.weight", None)  # a second copy of the embedding
    assert ours == theirs


@pytest.mark.parametrize(
    ("source", "to", "said"),
    [
        ("text_encoders/t5xxl_fp16.safetensors", "nf4", "T5 text encoder, which is not stored as nf4"),
        ("vae/ae.safetensors", "fp8", "a VAE, which is not stored as fp8"),
        ("checkpoints/v1-5-pruned-emaonly-fp16.safetensors", "fp8", "not a Flux model"),
    ],
)
def test_what_makes_no_sense_is_refused(source, to, said):
    with pytest.raises(ModelFileInvalid, match=said):
        job(read(tiny(source)), parse(to))


def test_gguf_is_refused():
    with pytest.raises(ValueError, match="GGUF"):
        job(read(tiny(BF16)), parse("gguf:Q8_0"))
