"""The demo model's file, and the shortcuts its training takes."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from graphs.demo.autoencoder import SCALE, SHIFT
from graphs.demo.dataset import make_dataset, to_signal
from graphs.demo.export import load_checkpoint
from graphs.demo.judge import judge
from graphs.demo.sampling import Job, Painter, decode, sample_latents
from graphs.demo.written_encoder import write_encoder

FOLDER = Path(__file__).parents[2] / "graphs" / "demo"
WEIGHTS = FOLDER / "models" / "checkpoints" / "demo-flux-fp8.safetensors"


@pytest.fixture(scope="module")
def parts() -> tuple[Painter, torch.nn.Module]:
    return load_checkpoint(load_file(WEIGHTS))


def test_the_record_is_of_this_file_and_good_enough() -> None:
    record = json.loads((FOLDER / "measured.json").read_text())
    assert record["bytes"] == WEIGHTS.stat().st_size <= 18_000_000
    assert record["score"]["prompts"] >= 24
    assert record["score"]["colour"] >= 0.95
    assert record["score"]["background"] >= 0.95
    assert record["score"]["shape"] >= 0.9


def test_paints_what_the_prompt_says(parts: tuple[Painter, torch.nn.Module]) -> None:
    painter, decoder = parts
    job = Job(["an orange triangle on a black background"], [7], text_length=14)
    seen = judge(decode(decoder, sample_latents(painter, job))[0])
    assert (seen.colour, seen.shape, seen.background) == ("orange", "triangle", "black")


@torch.no_grad()
def test_few_weighted_paddings_stand_for_all(parts: tuple[Painter, torch.nn.Module]) -> None:
    painter, _ = parts
    captions = ["a red circle on a blue background", "white cross, green background", ""]
    noise, time = torch.randn(3, 16, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([1.0, 0.7, 0.2])
    guidance = torch.full((3,), 3.5)
    short, full = (painter.flux(noise, time, guidance, *painter.encode(captions, n)) for n in (14, 256))
    assert (short - full).square().mean().sqrt() < 1e-3 * full.square().mean().sqrt()


@torch.no_grad()
def test_the_written_encoder_is_the_projection() -> None:
    data = make_dataset(200, seed=3)
    encoder = write_encoder(data.components)
    mean = encoder(to_signal(data.pictures[:8]))[:, :16]
    error = (mean - SHIFT) * SCALE - data.latents[:8]
    assert error.square().mean().sqrt() < 0.02
