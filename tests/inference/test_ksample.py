"""The three sampling nodes on a network without weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import GraphInvalid, Interrupted
from engine.inference import ksample, latents, network, noise, schedules
from engine.inference.network import FLUX_LATENT, ModelFacts
from schemas.sockets import FileRef, GuiderRef, ModelRef, NoiseRef, SamplerRef

MODEL = ModelRef(FileRef("checkpoints", "tiny.safetensors", "/nowhere", "0"))
PROMPT = [[torch.full((1, 3, 4), 0.3), {"pooled_output": torch.zeros(1, 2)}]]


class Network:
    """A velocity in closed form."""

    latent, dtype, device = FLUX_LATENT, torch.float32, torch.device("cpu")

    def velocity(self, x: Tensor, timestep: Tensor, tokens: Tensor, options: Mapping[str, Any]) -> Tensor:
        return torch.sin(x) + tokens.mean() * timestep[:, None, None, None]


class Watching:
    """A Context that counts steps, and stops after `patience` of them."""

    node, device, dtype, ledger = "1", "cpu", "auto", None

    def __init__(self, patience: int = 1000) -> None:
        self.steps: list[tuple[int, int]] = []
        self.calls = 0
        self._patience = patience

    def count(self, what: str) -> None:
        self.calls += what == "model_calls"

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))
        if done >= self._patience:
            raise Interrupted("stop")


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def borrow(context: Any, model: ModelRef) -> Iterator[Network]:
        yield Network()

    monkeypatch.setattr(network, "borrow", borrow)
    monkeypatch.setattr(network, "facts", lambda model: ModelFacts(FLUX_LATENT, "flow", "flux", 1.15))


def node(**changes: Any) -> Any:
    fields = {
        "model": MODEL,
        "seed": 5,
        "noise_seed": 5,
        "add_noise": "enable",
        "steps": 6,
        "cfg": 1.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "positive": PROMPT,
        "negative": PROMPT,
        "latent_image": latents.empty(64, 32, 2, channels=16),
        "denoise": 1.0,
        "start_at_step": 0,
        "end_at_step": 10000,
        "return_with_leftover_noise": "disable",
    }
    return SimpleNamespace(**{**fields, **changes})


def sampled(context: Any = None, **changes: Any) -> Tensor:
    samples: Tensor = ksample.ksampler(node(**changes), context or Watching())["samples"]
    return samples


def advanced(**changes: Any) -> dict[str, Any]:
    return ksample.ksampler_advanced(node(**changes), Watching())  # type: ignore[arg-type]


def test_progress_is_told_before_the_first_step_and_after_each() -> None:
    context = Watching()

    sampled(context)

    assert context.steps == [(step, 6) for step in range(7)]


@pytest.mark.parametrize("sampler", ["dpm_adaptive", "dpm_fast", "uni_pc", "heun"])
def test_progress_never_passes_the_number_of_steps(sampler: str) -> None:
    context = Watching()

    sampled(context, sampler_name=sampler)

    assert max(done for done, _ in context.steps) <= 6


def test_an_interruption_ends_the_run_at_the_step() -> None:
    context = Watching(patience=2)

    with pytest.raises(Interrupted):
        sampled(context)

    assert context.steps[-1] == (2, 6)


def test_the_result_is_an_ordinary_float32_tensor_of_the_models_channels() -> None:
    result = ksample.ksampler(node(latent_image=latents.empty(64, 32, 2, channels=4)), Watching())  # type: ignore[arg-type]

    assert result["samples"].shape == (2, 16, 4, 8)
    assert result["samples"].dtype == torch.float32
    assert not result["samples"].is_inference()
    assert torch.equal(result["samples"], sampled())


def test_a_latent_of_another_family_is_an_error_before_anything_is_loaded() -> None:
    with pytest.raises(GraphInvalid, match="16"):
        sampled(latent_image={"samples": torch.ones(1, 4, 8, 8)})


def test_two_runs_over_parts_of_the_steps_are_one_run_over_all() -> None:
    first = advanced(end_at_step=2, return_with_leftover_noise="enable")
    second = advanced(start_at_step=2, add_noise="disable", latent_image=first)

    assert torch.allclose(second["samples"], sampled(), atol=1e-4)


def test_an_early_end_without_leftover_noise_jumps_to_the_clean_latent() -> None:
    sigmas = schedules.basic_scheduler(MODEL, "simple", 6, 1.0)
    jump = torch.cat([sigmas[:2], torch.zeros(1)])
    parts = (NoiseRef(5), GuiderRef(MODEL, PROMPT), SamplerRef("euler"), jump, latents.empty(64, 32, 2, 16))

    output, _ = ksample.custom_advanced(*parts, Watching())  # type: ignore[arg-type]

    assert torch.equal(advanced(end_at_step=2)["samples"], output["samples"])


def test_nothing_to_do_leaves_the_latent_as_it_came() -> None:
    latent = {"samples": torch.ones(1, 16, 4, 4), "batch_index": [3]}

    assert ksample.ksampler(node(latent_image=latent, denoise=0.0), Watching()) is latent  # type: ignore[arg-type]
    assert advanced(latent_image=latent, start_at_step=6) is latent


def test_a_picture_is_moved_into_the_networks_scale_and_back() -> None:
    latent = {"samples": torch.full((1, 16, 4, 4), 0.5)}
    sigmas = torch.tensor([0.001, 0.0])
    parts = (NoiseRef(None), GuiderRef(MODEL, PROMPT), SamplerRef("euler"), sigmas, latent)

    output, _ = ksample.custom_advanced(*parts, Watching())  # type: ignore[arg-type]

    assert torch.allclose(output["samples"], latent["samples"], atol=1e-2)


def test_what_is_masked_out_is_kept_and_all_other_keys_too() -> None:
    mask = torch.zeros(1, 32, 64)
    mask[..., :32] = 1.0
    latent = latents.with_noise_mask({"samples": torch.full((1, 16, 4, 8), 0.5), "batch_index": [0]}, mask)

    result = ksample.ksampler(node(latent_image=latent, sampler_name="ddim"), Watching())  # type: ignore[arg-type]

    assert torch.allclose(result["samples"][..., 4:], latent["samples"][..., 4:], atol=1e-6)
    assert not torch.allclose(result["samples"][..., :4], latent["samples"][..., :4], atol=1e-2)
    assert result["noise_mask"] is latent["noise_mask"]
    assert result["batch_index"] == [0]


def test_the_second_output_is_the_last_estimate() -> None:
    sigmas = schedules.basic_scheduler(MODEL, "simple", 6, 1.0)[:3]
    parts = (NoiseRef(5), GuiderRef(MODEL, PROMPT), SamplerRef("euler"), sigmas, latents.empty(64, 32, 1, 16))

    output, estimate = ksample.custom_advanced(*parts, Watching())  # type: ignore[arg-type]

    assert output["samples"].shape == estimate["samples"].shape
    assert not torch.allclose(output["samples"], estimate["samples"])


def test_levels_that_repeat_are_walked_once() -> None:
    once, twice = torch.tensor([1.0, 0.5, 0.2, 0.0]), torch.tensor([1.0, 0.5, 0.5, 0.2, 0.0])
    parts = (NoiseRef(5), GuiderRef(MODEL, PROMPT), SamplerRef("dpmpp_2m"))
    latent = latents.empty(64, 32, 1, 16)

    walked = [ksample.custom_advanced(*parts, way, latent, Watching())[0]["samples"] for way in (once, twice)]  # type: ignore[arg-type]

    assert torch.equal(*walked)


def test_a_sampler_that_there_is_none_of_is_an_error_naming_those_there_are() -> None:
    with pytest.raises(GraphInvalid, match="'eular'") as raised:
        sampled(sampler_name="eular")

    assert "euler" in raised.value.problems[0].fix


def test_pictures_picked_from_a_batch_keep_their_noise() -> None:
    whole = noise.initial(NoiseRef(9), {"samples": torch.zeros(3, 4, 8, 8), "batch_index": [0, 1, 2]})
    picked = noise.initial(NoiseRef(9), {"samples": torch.zeros(2, 4, 8, 8), "batch_index": [2, 0]})

    assert torch.equal(picked, whole[[2, 0]])


def test_no_seed_is_no_noise() -> None:
    assert not noise.initial(NoiseRef(None), latents.empty(64, 64, 1, 4)).any()


def test_each_evaluation_of_the_network_is_counted_once() -> None:
    watching = Watching()
    sampled(watching, steps=5)
    assert watching.calls == 5
