"""Sources read every storage of a model file as the numbers that it means."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engine.checkpoints.index import read
from engine.checkpoints.keymaps import flux
from engine.errors import ModelFileInvalid
from engine.quantize.contract import rows_of
from engine.quantize.sources import readers, verbatim
from tests.models.fixture import tiny_models

BF16 = "diffusion_models/flux1-dev.safetensors"
FP8 = "checkpoints/flux1-dev-fp8.safetensors"
SCALED = "diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors"
NF4 = ("checkpoints/flux1-dev-bnb-nf4.safetensors", "checkpoints/flux1-dev-bnb-nf4-v2.safetensors")
T5_SCALED = "text_encoders/t5xxl_fp8_e4m3fn_scaled.safetensors"
QKV = "double_blocks.0.img_attn.qkv.weight"


def tiny(name: str) -> Path:
    return tiny_models(name) / name


def whole(reader):
    return reader.rows(0, rows_of(reader.shape)[0]).reshape(reader.shape)


def all_of(path: Path, kind: str = "flux") -> dict[str, np.ndarray]:
    return {reader.name: whole(reader) for reader in readers(read(path), kind)}


def same(found: Mapping[str, np.ndarray], expected: Mapping[str, torch.Tensor]) -> None:
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values.float().numpy(), err_msg=name)


def changed(target: Path, source: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    tensors = load_file(source)
    change(tensors)
    save_file(tensors, target)
    return target


def test_a_file_in_16_bits_reads_as_it_is():
    same(all_of(tiny(BF16)), load_file(tiny(BF16)))


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("flux", "model.diffusion_model."),
        ("clip_l", "text_encoders.clip_l.transformer."),
        ("t5xxl", "text_encoders.t5xxl.transformer."),
        ("kl_vae", "vae."),
    ],
)
def test_each_part_of_an_all_in_one_comes_under_its_own_names(kind, prefix):
    with safe_open(tiny(FP8), "pt") as file:
        expected = {name.removeprefix(prefix): file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}
    same(all_of(tiny(FP8), kind), expected)


@pytest.mark.parametrize(("name", "kind"), [(SCALED, "flux"), (T5_SCALED, "t5xxl")])
def test_scales_are_applied_and_marks_left_out(name, kind):
    tensors = load_file(tiny(name))
    expected = {}
    for key, values in tensors.items():
        scale = tensors.get(key.removesuffix("weight") + "scale_weight")
        if key != "scaled_fp8" and not key.endswith("scale_weight"):
            expected[key] = values.float() if scale is None else values.float() * scale
    same(all_of(tiny(name), kind), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e5m2])
def test_a_scale_may_have_one_number_for_each_row(tmp_path, dtype):
    scales = torch.rand(768) + 0.5

    def change(tensors):
        tensors["double_blocks.0.img_attn.qkv.weight_scale"] = scales
        tensors[QKV] = tensors[QKV].to(dtype)

    path = changed(tmp_path / "rows.safetensors", tiny(BF16), change)
    (reader,) = (each for each in readers(read(path), "flux") if each.name == QKV)
    expected = load_file(tiny(BF16))[QKV].to(dtype).float() * scales[:, None]
    np.testing.assert_array_equal(reader.rows(5, 700), expected[5:700].numpy())


@pytest.mark.parametrize("name", NF4)
def test_4_bits_read_as_bitsandbytes_decodes_them(name):
    from bitsandbytes.functional import QuantState, dequantize_4bit

    prefix = "model.diffusion_model."
    found = {reader.name: reader for reader in readers(read(tiny(name)), "flux")}
    tensors = load_file(tiny(name))
    for key in (QKV, "img_in.weight", "single_blocks.1.linear2.weight"):
        beside = {each: values for each, values in tensors.items() if each.startswith(f"{prefix}{key}.")}
        state = QuantState.from_dict(beside, torch.device("cpu"))
        state.dtype = torch.float32
        theirs = dequantize_4bit(tensors[prefix + key], state).numpy()
        np.testing.assert_array_equal(whole(found[key]), theirs)
        np.testing.assert_array_equal(found[key].rows(3, 50), theirs[3:50])


def four_bit(values: torch.Tensor, **options: object) -> tuple[dict[str, torch.Tensor], np.ndarray]:
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    codes, state = quantize_4bit(values.float(), **options)
    beside = {f"{QKV}.{suffix}": tensor for suffix, tensor in state.as_dict(packed=True).items()}
    return {QKV: codes, **beside}, dequantize_4bit(codes, state).numpy()


def test_the_other_4_bit_floats_of_bitsandbytes_are_read_too(tmp_path):
    packed, theirs = four_bit(load_file(tiny(BF16))[QKV], quant_type="fp4", blocksize=64)
    path = changed(tmp_path / "fp4.safetensors", tiny(BF16), lambda tensors: tensors.update(packed))
    np.testing.assert_array_equal(all_of(path)[QKV], theirs)


def test_scales_for_other_numbers_of_values_are_refused(tmp_path):
    packed, _ = four_bit(load_file(tiny(BF16))[QKV], quant_type="nf4", blocksize=128)
    path = changed(tmp_path / "wide.safetensors", tiny(BF16), lambda tensors: tensors.update(packed))
    with pytest.raises(ModelFileInvalid, match="scales for 128 values. Take the original file"):
        readers(read(path), "flux")


def test_gguf_blocks_read_as_gguf_decodes_them():
    import gguf

    path = tiny("diffusion_models/flux1-dev-Q4_K.gguf")
    found = all_of(path)
    tensors = gguf.GGUFReader(path).tensors
    assert set(found) == {tensor.name for tensor in tensors}
    for tensor in tensors:
        theirs = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        np.testing.assert_array_equal(found[tensor.name], theirs.reshape(found[tensor.name].shape))


def in_diffusers_layout(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    split = {}
    for name, values in tensors.items():
        rule = flux.tensor(name)
        assert rule is not None
        if rule.swapped:
            values = torch.cat([values[len(values) // 2 :], values[: len(values) // 2]])
        sizes = [len(values)] if len(rule.diffusers) == 1 else [256, 256, 256, len(values) - 768][: len(rule.diffusers)]
        split |= {key: part.contiguous() for key, part in zip(rule.diffusers, values.split(sizes), strict=True)}
    return split


def test_diffusers_names_come_fused_to_black_forest_labs(tmp_path):
    tensors = load_file(tiny(BF16))
    save_file(in_diffusers_layout(tensors), tmp_path / "split.safetensors")
    found = {reader.name: reader for reader in readers(read(tmp_path / "split.safetensors"), "flux")}
    same({name: whole(reader) for name, reader in found.items()}, tensors)
    across = tensors["single_blocks.1.linear1.weight"][200:900].float().numpy()
    np.testing.assert_array_equal(found["single_blocks.1.linear1.weight"].rows(200, 900), across)


def test_readers_work_in_another_process():
    reader = readers(read(tiny(FP8)), "flux")[0]
    np.testing.assert_array_equal(whole(pickle.loads(pickle.dumps(reader))), whole(reader))
    assert len(pickle.dumps(reader)) < 2000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors: tensors.pop("double_blocks.1.txt_mlp.2.bias"), "double_blocks.1.txt_mlp.2.bias is missing"),
        (lambda tensors: tensors.update(odd=torch.zeros(2)), "odd is of no Flux model"),
        (
            lambda tensors: tensors.update({"single_blocks.0.linear2.bias": torch.zeros(255)}),
            r"linear2.bias has shape \[255\] instead of \[256\]",
        ),
        (
            lambda tensors: tensors.update({QKV: torch.zeros(768, 256, dtype=torch.int8)}),
            "qkv.weight is stored as int8.*original file",
        ),
        (
            lambda tensors: tensors.update({"double_blocks.0.img_attn.qkv.scale_weight": torch.zeros(3)}),
            "scale of 3 numbers",
        ),
    ],
)
def test_a_file_that_is_no_whole_flux_model_is_refused(tmp_path, change, said):
    path = changed(tmp_path / "odd.safetensors", tiny(BF16), change)
    with pytest.raises(ModelFileInvalid, match=said):
        readers(read(path), "flux")


def test_a_value_that_is_no_number_is_named(tmp_path):
    path = changed(tmp_path / "nan.safetensors", tiny(BF16), lambda tensors: tensors[QKV][700, 3].fill_(float("nan")))
    (reader,) = (each for each in readers(read(path), "flux") if each.name == QKV)
    reader.rows(0, 700)
    with pytest.raises(ModelFileInvalid, match=f"{QKV} holds values that are infinite or no numbers"):
        reader.rows(0, 768)


def test_another_model_is_told_by_name():
    with pytest.raises(ModelFileInvalid, match="holds a T5 text encoder, not a Flux model"):
        readers(read(tiny(T5_SCALED)), "flux")


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path):
    path = changed(tmp_path / "shrinks.safetensors", tiny(BF16), lambda tensors: None)
    found = readers(read(path), "flux")
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ModelFileInvalid, match="shorter"):
        [whole(reader) for reader in found]


def test_copies_keep_every_byte_even_those_of_no_number(tmp_path):
    path = tmp_path / "nan.safetensors"
    save_file({"a": torch.full((2, 3), float("nan")).to(torch.float8_e4m3fn), "b": torch.tensor([1, 2])}, path)
    first, second = verbatim(read(path), {"a": "x.a", "b": "x.b"})
    assert (first.name, first.shape, first.stored) == ("x.a", (2, 3), "fp8_e4m3fn")
    assert bytes(first.data(0, 6)) == b"\x7f" * 6
    assert np.isnan(first.rows(0, 2)).all()
    assert second.rows(0, 1).tolist() == [[1, 2]]
