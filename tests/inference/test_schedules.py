from typing import Any

import pytest
import torch

from engine.errors import GraphInvalid
from engine.inference import network, schedules
from engine.inference.network import FLUX_LATENT, ModelFacts
from engine.inference.sampling.processes import FlowProcess, FluxProcess
from schemas.sockets import FileRef, FlowShift, FluxShift, ModelRef

MODEL = ModelRef(FileRef("checkpoints", "tiny.safetensors", "/nowhere", "0"))


@pytest.fixture(autouse=True)
def _guided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "facts", lambda model: ModelFacts(FLUX_LATENT, "flow", "flux", 1.15))


def test_the_last_shift_laid_on_a_model_decides() -> None:
    shifted = MODEL.patched(FlowShift(2.0)).patched(FluxShift(1.15, 0.5, 1024, 1024))

    assert schedules.process_of(MODEL) == FluxProcess()
    assert schedules.process_of(shifted) == FluxProcess()
    assert schedules.process_of(shifted.patched(FlowShift(3.0))) == FlowProcess(3.0, multiplier=1000.0)


def test_denoise_keeps_the_last_steps_of_a_longer_schedule() -> None:
    whole = schedules.basic_scheduler(MODEL, "simple", 8, 1.0)

    assert torch.equal(schedules.basic_scheduler(MODEL, "simple", 4, 0.5), whole[-5:])
    assert len(schedules.basic_scheduler(MODEL, "simple", 4, 0.0)) == 0


def test_the_last_level_but_one_is_left_out_where_a_sampler_cannot_use_it() -> None:
    process = schedules.process_of(MODEL)
    longer = schedules.for_ksampler(process, "euler", "normal", 5, 1.0)

    assert schedules.for_ksampler(process, "uni_pc", "normal", 4, 1.0) == [*longer[:4], 0.0]


def test_the_node_cuts_a_schedule_with_more_levels_than_steps_and_ksampler_does_not() -> None:
    process = schedules.process_of(MODEL)

    assert len(schedules.for_ksampler(process, "euler", "ddim_uniform", 28, 1.0)) == 30
    assert len(schedules.basic_scheduler(MODEL, "ddim_uniform", 28, 1.0)) == 29


@pytest.mark.parametrize(
    ("cut", "high", "low"),
    [
        (lambda sigmas: schedules.split(sigmas, 1), [3.0, 2.0], [2.0, 1.0, 0.0]),
        (lambda sigmas: schedules.split(sigmas, 9), [3.0, 2.0, 1.0, 0.0], []),
        (lambda sigmas: schedules.split_denoise(sigmas, 0.4), [3.0, 2.0, 1.0], [1.0, 0.0]),
        (lambda sigmas: schedules.split_denoise(sigmas, 0.0), [], [0.0]),
    ],
)
def test_both_parts_of_a_cut_schedule_hold_the_level_at_the_cut(cut: Any, high: list[float], low: list[float]) -> None:
    assert [part.tolist() for part in cut(torch.tensor([3.0, 2.0, 1.0, 0.0]))] == [high, low]


def test_a_flipped_schedule_starts_just_above_zero() -> None:
    sigmas = torch.tensor([2.0, 1.0, 0.0])

    assert schedules.flip(sigmas).tolist() == pytest.approx([0.0001, 1.0, 2.0])
    assert sigmas.tolist() == [2.0, 1.0, 0.0]


def test_a_scheduler_that_there_is_none_of_is_an_error() -> None:
    with pytest.raises(GraphInvalid, match="'simpel'"):
        schedules.basic_scheduler(MODEL, "simpel", 4, 1.0)
