"""Jobs of a journal are run in one session, from graph to picture."""

import json
from pathlib import Path

import pytest
from PIL import Image

from engine import api
from engine.journal.journal import Job, Journal, NewJob
from engine.working import in_process
from engine.working.desk import Desk
from schemas.job import JobResult, Outcome
from schemas.workflow import Workflow


class GraphDesk(Desk):
    """A desk whose jobs carry their graphs."""

    def workflow_of(self, job: Job) -> Workflow:
        return api.load(job.payload.encode(), job.name)

    def outcome_of(self, job: Job, result: JobResult) -> Outcome:
        return Outcome(report=result.report, drafts=result.drafts, seconds=result.seconds, failure=result.failure)

    def more(self, wait: float) -> bool:
        return False


def graph(colour: int, width: int = 8) -> str:
    size = {"width": width, "height": 8, "batch_size": 1, "color": colour}
    saved = {"images": ["1", 0], "filename_prefix": "%EmptyImage.color%"}
    return json.dumps(
        {"1": {"class_type": "EmptyImage", "inputs": size}, "2": {"class_type": "SaveImage", "inputs": saved}}
    )


@pytest.mark.slow
def test_graphs_become_pictures_and_equal_ones_a_picture_each(tmp_path: Path) -> None:
    settings = api.Settings(output=tmp_path / "output", temp=tmp_path / "temp", device="cpu")
    with Journal(tmp_path / "journal.sqlite") as journal:
        graphs = {"a": graph(255), "b": graph(255), "c": graph(7), "wide": graph(1, width=-5), "none": "{"}
        journal.add([NewJob(name, payload) for name, payload in graphs.items()])
        desk = GraphDesk(journal, tmp_path, {"output": settings.output, "temp": settings.temp})
        in_process.run(desk, api.Session(settings), lambda: False)
        desk.close()
        states = {job.name: job.state for job in journal.jobs()}
    assert states == {"a": "done", "b": "done", "c": "done", "wide": "failed", "none": "failed"}
    names = sorted(path.name for path in settings.output.iterdir())
    assert names == ["255_00001_.png", "255_00002_.png", "7_00001_.png"]
    with Image.open(settings.output / "255_00001_.png") as picture:
        assert picture.getpixel((0, 0)) == (0, 0, 255)
    assert not (tmp_path / "staging").exists()


@pytest.mark.slow
def test_after_a_wish_to_stop_every_job_waits_again(tmp_path: Path) -> None:
    settings = api.Settings(output=tmp_path / "output", temp=tmp_path / "temp", device="cpu")
    asked: list[int] = []

    def stop() -> bool:
        return bool(asked)

    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.add([NewJob(str(number), graph(number)) for number in range(5)])
        desk = GraphDesk(journal, tmp_path, {"output": settings.output, "temp": settings.temp})
        desk.ended = lambda *_: asked.append(1)  # type: ignore[method-assign]
        in_process.run(desk, api.Session(settings, stop=stop), stop)
        desk.close()
        counts = journal.counts()
    assert counts["done"] >= 1
    assert counts["waiting"] == 5 - counts["done"] > 0
    assert len(list(settings.output.iterdir())) == counts["done"]
