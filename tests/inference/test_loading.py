"""Files become recipes, or an error that says what the file is."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import ModelFileInvalid
from engine.inference import loading
from schemas.sockets import ClipRef, FileRef, VaeRef
from tests.inference.stand_in import StandInContext, file_ref, file_refs
from tests.models.fixture import tiny_models

CHECKPOINT, UNET, VAE = (
    "checkpoints/flux1-dev-fp8.safetensors",
    "diffusion_models/flux1-dev.safetensors",
    "vae/ae.safetensors",
)
T5, CLIP_L = "text_encoders/t5xxl_fp8_e4m3fn.safetensors", "text_encoders/clip_l.safetensors"


@pytest.fixture(scope="module")
def models() -> Path:
    return tiny_models(CHECKPOINT, UNET, VAE, T5, CLIP_L)


@pytest.fixture
def context() -> StandInContext:
    return StandInContext()


def test_a_checkpoint_gives_three_recipes_and_reads_no_weights(models: Path, context: StandInContext) -> None:
    file = file_ref(models / CHECKPOINT)
    model, clip, vae = loading.checkpoint(context, file)
    assert (model.file, clip, vae) == (file, ClipRef((file,)), VaeRef(file))
    assert context.ledger.resident() == ()
    assert context.warned == []


def test_a_bare_diffusion_model_as_checkpoint_warns_of_what_is_missing(models: Path, context: StandInContext) -> None:
    loading.checkpoint(context, file_ref(models / UNET))
    assert context.warned == [
        "flux1-dev.safetensors holds no text encoders (CLIP) and no VAE; load them from files of their own."
    ]


def test_parts_are_found_inside_checkpoints_too(models: Path, context: StandInContext) -> None:
    file = file_ref(models / CHECKPOINT)
    assert loading.diffusion_model(context, file, "fp8_e5m2").weight_dtype == "fp8_e5m2"
    assert loading.autoencoder(context, file) == VaeRef(file)


def test_text_encoders_come_in_any_order(models: Path, context: StandInContext) -> None:
    for names in ((T5, CLIP_L), (CLIP_L, T5)):
        files = file_refs(models, names)
        assert loading.text_encoders(context, files, "flux", "cpu") == ClipRef(tuple(files), "flux", "cpu")


def test_the_wrong_file_is_refused_with_what_it_is(models: Path, context: StandInContext) -> None:
    vae, unet, t5 = (file_ref(models / name) for name in (VAE, UNET, T5))
    with pytest.raises(ModelFileInvalid, match=r"holds a VAE, not .*Flux"):
        loading.diffusion_model(context, vae)
    with pytest.raises(ModelFileInvalid, match=r"holds .*Flux.*, not a VAE"):
        loading.autoencoder(context, unet)
    with pytest.raises(ModelFileInvalid, match=r"holds a T5 text encoder, not .*CLIP-L"):
        loading.text_encoders(context, [t5, t5], "flux")
    with pytest.raises(ModelFileInvalid, match=r"t5xxl.*holds a T5 text encoder, not a CLIP-L .* or a CLIP-G text enc"):
        loading.text_encoders(context, file_refs(models, (CLIP_L, T5)), "sdxl")
    with pytest.raises(
        ModelFileInvalid, match=r"for 'hunyuan_video', whose .*Known types are sdxl, sd3, flux and hidream"
    ):
        loading.text_encoders(context, file_refs(models, (CLIP_L, T5)), "hunyuan_video")
    with pytest.raises(ModelFileInvalid, match=r"for 'wan', whose .*Known types are stable_diffusion, .* and chroma"):
        loading.text_encoders(context, [t5], "wan")


def test_a_model_that_takes_a_picture_is_refused_in_words(tmp_path: Path, context: StandInContext) -> None:
    from engine.checkpoints.families.flux import FluxSizes
    from engine.inference.models.flux import Flux
    from tests.inference.random_weights import random_tensors

    sizes = FluxSizes(64, 32, 2, 1, 1, 128, 64, 24, 12, 128, guided=True)
    save_file(random_tensors(Flux(sizes)), tmp_path / "canny.safetensors")
    with pytest.raises(ModelFileInvalid, match=r"takes a picture besides its latent \(128 channels\)"):
        loading.diffusion_model(context, file_ref(tmp_path / "canny.safetensors"))


def test_a_missing_file_part_is_told_when_it_is_used(tmp_path: Path, context: StandInContext) -> None:
    from engine.inference.encoders import encode

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    file: FileRef = file_ref(tmp_path / "a.safetensors")
    with pytest.raises(ModelFileInvalid, match="holds no model that we recognise, not a T5 text encoder"):
        encode.encode_text(context, ClipRef((file,)), "a cat")
