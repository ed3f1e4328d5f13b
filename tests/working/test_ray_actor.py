"""The worker that Ray makes an actor of, here without Ray."""

from pathlib import Path
from time import monotonic

import pytest

from engine import VERSION
from engine.working import ray_actor
from engine.working.ray_actor import RayWorker
from engine.working.worker_messages import Gone, Idle, Message, Ran, Ready, Refused
from schemas.settings import Settings
from tests.working.worker_queue import picture

PNG = b"\x89PNG"


def told(worker: RayWorker, last: type) -> list[Message]:
    """What it tells up to a message of this kind."""
    found: list[Message] = []
    end = monotonic() + 20
    while monotonic() < end and not any(isinstance(message, last) for message in found):
        found += worker.news(1.0)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(output=tmp_path / "output", temp=tmp_path / "temp", device="cpu", cache="off")


@pytest.mark.slow
def test_pictures_leave_as_bytes_and_nothing_stays_on_the_workers_disk(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
    worker = RayWorker(settings, VERSION)
    worker.give([picture(job, tmp_path / "elsewhere") for job in (1, 2)])
    messages = told(worker, Idle)
    assert isinstance(messages[0], Ready)
    results = [message.result for message in messages if isinstance(message, Ran)]
    assert [result.job for result in results] == [1, 2]
    for result in results:
        assert [result.contents[draft.file][:4] for draft in result.drafts] == [PNG]
    assert not (tmp_path / "elsewhere").exists()
    while list((tmp_path / "disk").iterdir()):  # the folder goes right after the word that all has run
        worker.news(0.01)


def test_another_version_is_refused_with_what_to_do(settings: Settings) -> None:
    [message] = told(RayWorker(settings, "0.0.7"), Refused)
    assert isinstance(message, Refused)
    assert "0.0.7" in message.said
    assert "install the same" in message.said


def test_a_fault_of_its_own_is_told_as_its_end(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("so it goes")

    monkeypatch.setattr(ray_actor, "set_up", broken)
    [message] = told(RayWorker(settings, VERSION), Gone)
    assert isinstance(message, Gone)
    assert "ZeroDivisionError: so it goes" in message.why
