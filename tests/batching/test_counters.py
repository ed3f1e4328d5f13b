"""What a batch computes with weights, counted while it runs, is what was foretold: shared work is done once.

On the demo model: a Flux checkpoint of text encoders, diffusion model and VAE, three sets of weights from one file.
"""

from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest

from engine import api
from engine.batching import batch, foretelling
from engine.batching.request import Request
from engine.cli import demo
from schemas.batch import Forecast
from schemas.job import Outcome
from schemas.report import Event, Work
from schemas.settings import Settings

PROMPTS, STEPS = 3, 2
GRIDS = ["6.text=a red circle,a blue square,a green cross", "31.seed=1,2"]
NOT_TOGETHER = 8_850_000
"""Bytes of which the VAE takes so much, 8,824,844, that the diffusion model's 82,944 find no room beside it."""


class Ears:
    """Hears nothing."""

    def event(self, event: Event, job: int | None = None) -> None:
        """Pass over it."""

    def note(self, said: str) -> None:
        """Pass over it."""


class Counted(NamedTuple):
    """What was foretold of a batch, and what each row has counted."""

    forecast: Forecast
    rows: list[Work]

    @property
    def sum(self) -> Work:
        return sum(self.rows, Work())

    @property
    def foretold(self) -> Work:
        loads = sum(weights.loads for weights in self.forecast.loads)
        calls = self.forecast.model_calls
        assert calls is not None
        return Work(encodes=self.forecast.encodes, loads=loads, model_calls=calls)


def settings_in(folder: Path, ram: int | None = None, cache: Path | None = None) -> Settings:
    models = Path(str(resources.files("graphs").joinpath(*demo.MODELS)))
    return Settings(
        models=[models], output=folder / "output", temp=folder / "temp", device="cpu", ram=ram, cache=cache or "off"
    )


def counted(settings: Settings, grids: list[str]) -> Counted:
    """Run a batch of the demo's graph, after foretelling it."""
    data = resources.files("graphs").joinpath(demo.GRAPH).read_bytes()
    sets = [*demo.changes(demo.PROMPT, None), f"KSampler.steps={STEPS}"]
    request = Request(data, "graph.json", sets, grids=grids)
    base = request.base(settings)
    combination = request.combination(base)
    _, forecast = foretelling.foretold(base, combination, settings)
    folder = request.folder(combination, settings.output)
    with batch.opened(folder, base, settings) as opened:
        batch.work(opened, batch.Options(sheet=False), Ears(), lambda: False)
        reports = [Outcome.model_validate_json(job.outcome or "").report for job in opened.journal.jobs("done")]
    assert len(reports) == combination.total
    return Counted(forecast, [report.work for report in reports])


def test_rows_count_together_what_was_foretold(tmp_path: Path) -> None:
    found = counted(settings_in(tmp_path), GRIDS)
    assert found.sum == found.foretold
    assert found.sum == Work(encodes=PROMPTS + 1, loads=3, model_calls=6 * STEPS)  # the negative prompt is one for all


def test_what_rows_share_is_counted_in_the_first_of_them(tmp_path: Path) -> None:
    first, second, third, *_ = counted(settings_in(tmp_path), GRIDS).rows
    assert first == Work(encodes=2, loads=3, model_calls=STEPS)
    assert second == Work(model_calls=STEPS)
    assert third == Work(encodes=1, model_calls=STEPS)


def test_equal_rows_are_computed_once_and_each_has_its_picture(tmp_path: Path) -> None:
    found = counted(settings_in(tmp_path), ["31.seed=5,5,5"])
    assert found.rows == [Work(encodes=2, loads=3, model_calls=STEPS), Work(), Work()]
    assert found.sum == found.foretold
    assert len({path.read_bytes() for path in (tmp_path / "output").glob("*.png")}) == 1
    assert len(list((tmp_path / "output").glob("*.png"))) == 3


def test_models_that_do_not_fit_together_are_loaded_once_for_all_rows(tmp_path: Path) -> None:
    found = counted(settings_in(tmp_path, ram=NOT_TOGETHER), GRIDS)
    assert found.sum == found.foretold == Work(encodes=PROMPTS + 1, loads=3, model_calls=6 * STEPS)


def test_one_row_after_the_other_loads_them_again_and_again(tmp_path: Path) -> None:
    """What the order of a batch is for."""
    settings = settings_in(tmp_path, ram=NOT_TOGETHER)
    session = api.Session(settings)
    graph = str(resources.files("graphs").joinpath(demo.GRAPH))
    loads = 0
    for seed in (1, 2, 3):
        sets = [*demo.changes(demo.PROMPT, str(seed)), "KSampler.steps=1"]
        loads += session.run(api.override(api.load(graph), sets)).work.loads
    assert loads == 1 + 2 * 3


def test_each_wave_loads_anew_what_the_last_one_had_to_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batch, foretelling):
        monkeypatch.setattr(module, "LARGE_WAVE", 3)
    found = counted(settings_in(tmp_path, ram=NOT_TOGETHER), GRIDS)
    assert found.sum == found.foretold
    assert found.sum == Work(encodes=PROMPTS + 1, loads=2 * 3, model_calls=6 * STEPS)


def test_prompts_of_another_batch_are_encoded_by_no_encoder(tmp_path: Path) -> None:
    """Sessions share nothing but the cache on disk, as processes do."""
    before = counted(settings_in(tmp_path / "first", cache=tmp_path / "cache"), GRIDS)
    assert before.sum.encodes == PROMPTS + 1
    found = counted(settings_in(tmp_path / "second", cache=tmp_path / "cache"), [GRIDS[0], "31.seed=3"])
    assert found.sum == found.foretold == Work(encodes=0, loads=2, model_calls=PROMPTS * STEPS)


def test_the_same_batch_again_is_at_hand(tmp_path: Path) -> None:
    counted(settings_in(tmp_path / "first", cache=tmp_path / "cache"), GRIDS)
    found = counted(settings_in(tmp_path / "second", cache=tmp_path / "cache"), GRIDS)
    assert found.sum == found.foretold == Work()
    assert len(list((tmp_path / "second" / "output").glob("*.png"))) == 6
