"""Pictures to latents and back, on the tiny VAE."""

from pathlib import Path

import pytest
import torch

from engine.inference import loading
from engine.inference.autoencoders import images
from schemas.sockets import VaeRef
from tests.inference.stand_in import StandInContext, file_ref
from tests.models.fixture import tiny_models


@pytest.fixture(scope="module")
def vae() -> VaeRef:
    path: Path = tiny_models("vae/ae.safetensors") / "vae/ae.safetensors"
    return loading.autoencoder(StandInContext(), file_ref(path))


def test_decoding_gives_pictures_in_0_to_1_eight_times_as_wide(vae: VaeRef) -> None:
    context = StandInContext()
    samples = torch.randn(2, 16, 2, 3, generator=torch.Generator().manual_seed(1)) * 3
    pictures = images.decode(context, vae, {"samples": samples})
    assert pictures.shape == (2, 16, 24, 3)
    assert pictures.dtype == torch.float32
    assert 0.0 <= pictures.min() <= pictures.max() <= 1.0
    assert context.used == [("ae.safetensors", "fp32")]
    second = images.decode(context, vae, {"samples": samples[1:]})
    torch.testing.assert_close(pictures[1:], second)


def test_encoding_leaves_transparency_out_and_crops_to_whole_cells(vae: VaeRef) -> None:
    context = StandInContext()
    pixels = torch.rand(2, 19, 26, 4, generator=torch.Generator().manual_seed(2))
    latent = images.encode(context, vae, pixels)["samples"]
    assert latent.shape == (2, 16, 2, 3)
    torch.testing.assert_close(latent, images.encode(context, vae, pixels[:, 1:17, 1:25, :3])["samples"])


@pytest.mark.parametrize(("side", "first"), [(16, 0), (17, 0), (18, 1), (23, 3)])
def test_an_odd_rest_goes_from_the_far_end(side: int, first: int) -> None:
    pixels = torch.arange(float(side)).view(1, side, 1, 1).expand(1, side, 8, 3)
    assert images.crop(pixels, 8)[0, :, 0, 0].tolist() == list(map(float, range(first, first + 16)))


def test_a_picture_or_latent_that_cannot_be_is_refused_in_words(vae: VaeRef) -> None:
    with pytest.raises(ValueError, match="26×7 pixels is smaller than one latent cell"):
        images.encode(StandInContext(), vae, torch.rand(1, 7, 26, 3))
    with pytest.raises(ValueError, match="decodes latents of 16 channels, not of shape"):
        images.decode(StandInContext(), vae, {"samples": torch.zeros(1, 4, 8, 8)})


def test_results_can_be_changed_in_place_afterwards(vae: VaeRef) -> None:
    images.decode(StandInContext(), vae, {"samples": torch.zeros(1, 16, 1, 1)}).add_(1.0)
    images.encode(StandInContext(), vae, torch.zeros(1, 8, 8, 3))["samples"].mul_(2.0)
