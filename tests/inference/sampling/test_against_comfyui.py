"""Every sampler and scheduler against what ComfyUI gave for the same start."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from engine.inference import conditioning, ksample, latents, loading, schedules
from engine.inference.encoders import encode
from engine.inference.sampling.processes import EpsProcess, FlowProcess, FluxProcess, Process, flux_shift
from engine.inference.sampling.samplers import SAMPLERS
from engine.inference.sampling.schedulers import SCHEDULERS
from engine.inference.sampling.walk import walk
from schemas.choices import SamplerName, ScheduleName
from schemas.sockets import FileRef
from tests.inference.sampling.closed_form import PROCESSES, SEED, WALKS, ClosedForm, levels, start
from tests.inference.stand_in import StandInContext
from tests.models.fixture import tiny_models

TABLES = Path(__file__).parents[2] / "goldens" / "tables"
CLOSED = np.load(TABLES / "samplers_closed_form.npz")
FLUX = np.load(TABLES / "samplers_flux.npz")
SIGMAS = np.load(TABLES / "sigmas.npz")

TRAINED: dict[str, Process] = {
    "sd15": EpsProcess(),
    "flux": FluxProcess(),
    "schnell": FlowProcess(),
    "flux_shift_1024": FluxProcess(np.exp(flux_shift(4096, 0.5, 1.15))),
    "flux_shift_64x96": FluxProcess(np.exp(flux_shift(24, 0.5, 1.15))),
    "sd3_shift_6": FlowProcess(6.0, multiplier=1000.0),
}


def test_all_names_that_nodes_offer_are_there_and_no_others() -> None:
    assert set(SAMPLERS) == set(get_args(get_args(SamplerName)[0]))
    assert set(SCHEDULERS) == set(get_args(get_args(ScheduleName)[0]))


def test_every_schedule_has_comfyuis_levels() -> None:
    places = np.cumsum(SIGMAS["lengths"])[:-1]
    for key, expected in zip(SIGMAS["keys"], np.split(SIGMAS["values"], places), strict=True):
        model, scheduler, *rest = str(key).split("/")
        process = TRAINED[model]
        if scheduler == "percent_to_sigma":
            ours = [process.at_percent(float(rest[0]))]
        else:
            ours = schedules.for_ksampler(process, "euler", scheduler, int(rest[0]), float(rest[1]))
        assert ours == pytest.approx(expected, rel=1e-5), key


@pytest.mark.parametrize("name", CLOSED["names"])
def test_every_sampler_walks_as_comfyuis(name: str) -> None:
    expected = CLOSED["latents"][list(CLOSED["names"]).index(name)]
    for process, of_process in zip(PROCESSES, expected, strict=True):
        for way, wanted in zip(WALKS, of_process, strict=True):
            sigmas = levels(process, way)
            ours, _ = walk(ClosedForm(process), start(sigmas[0]), sigmas, name, SEED, {}, lambda done, total: None)
            difference = np.abs(ours.numpy() - wanted).max() / max(1.0, np.abs(wanted).max())
            assert difference < 1e-3, (process, way)


class Loading(StandInContext):
    """A Context for a model that is sampled over and over."""

    def __init__(self, models: Path) -> None:
        super().__init__()
        self._models = models

    def file(self, folder: str, name: str) -> FileRef:
        return FileRef(folder, name, str(self._models / folder / name), "as built")


@pytest.fixture(scope="module")
def flux() -> tuple[Any, Any]:
    """KSampler's fields with tiny Flux, and a context that keeps it loaded."""
    context = Loading(tiny_models("checkpoints/flux1-dev-fp8.safetensors"))
    model, clip, _ = loading.checkpoint(context, context.file("checkpoints", "flux1-dev-fp8.safetensors"))
    positive = conditioning.set_values(encode.encode_text(context, clip, "a red fox in the snow"), {"guidance": 3.5})
    node = SimpleNamespace(
        model=model,
        seed=102,
        steps=6,
        cfg=1.0,
        positive=positive,
        negative=encode.encode_text(context, clip, ""),
        latent_image=latents.empty(64, 64, 1, channels=4),
        denoise=1.0,
    )
    return node, context


@pytest.mark.slow
@pytest.mark.parametrize("key", FLUX["keys"])
def test_every_sampler_draws_comfyuis_latent_with_flux(key: str, flux: tuple[Any, Any]) -> None:
    node, context = flux
    expected = FLUX["latents"][list(FLUX["keys"]).index(key)]
    _, node.sampler_name, node.scheduler = key.split("/")

    ours = ksample.ksampler(node, context)["samples"][0].numpy()

    assert np.abs(ours - expected).max() < 2e-3 * np.abs(expected).max()
