"""Jobs on a Ray cluster: a local one, with two workers."""

import signal
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from engine.errors import GraphInvalid
from engine.working import ray_workers
from engine.working.ray_resources import Share
from engine.working.worker_messages import Gone
from schemas.report import Event, StepStarted
from schemas.settings import Settings
from tests.working.worker_queue import Queue, picture


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(output=tmp_path / "output", temp=tmp_path / "temp", device="cpu", cache="off")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal 9")
def test_a_batch_survives_the_loss_of_a_worker_complete_and_without_doubles(settings: Settings, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(job: int, event: Event) -> None:
        if isinstance(event, StepStarted) and event.class_type == "SaveImage" and not killed:
            actors = [child for child in psutil.Process().children(recursive=True) if _is_actor(child)]
            actors[0].kill()
            killed.append(actors[0].pid)

    handlers = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)]
    source = Queue((picture(job, tmp_path, side=1500) for job in range(12)), wave=3, hears=kill)
    ray_workers.run(source, settings, "local", lambda: False, workers=2)
    assert sorted(source.ended) == [(job, "done") for job in range(12)]
    assert killed
    [(lost, why)] = source.losses
    assert 1 <= len(lost) <= 3
    assert "is gone" in why
    for result in source.results:
        assert [result.contents[draft.file][:4] for draft in result.drafts] == [b"\x89PNG"]
    assert [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert not [child for child in psutil.Process().children(recursive=True) if _is_actor(child)]


def _is_actor(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "RayWorker" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def test_without_ray_the_problem_says_how_to_get_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(GraphInvalid) as raised:
        ray_workers.run(Queue([]), settings, "local", lambda: False)
    assert "comfyless[ray]" in raised.value.problems[0].fix


def test_a_cluster_that_is_not_there_is_a_problem_of_the_setting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**given: object) -> None:
        raise ConnectionError("nobody answers")

    errors = SimpleNamespace(RayError=RuntimeError)
    ray = SimpleNamespace(is_initialized=lambda: False, init=init, exceptions=errors, shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ray", ray)  # the real one keeps what it found in its environment when imported
    with pytest.raises(GraphInvalid) as raised:
        ray_workers.run(Queue([]), settings, "nowhere", lambda: False)
    assert raised.value.problems[0].found == "nowhere"
    assert "nobody answers" in raised.value.problems[0].said


def test_why_an_actor_cannot_be_made_is_told_in_a_line_without_colours(settings: Settings) -> None:
    said = (
        "The actor died because of an error raised in its creation task, \x1b[36mray::RayWorker.__init__()\x1b[39m"
        " (pid=7, ip=127.0.0.1)\n  File x.py\nModuleNotFoundError: No module named 'engine'\n"
    )

    def get(answer: object) -> object:
        raise RuntimeError(said)

    actor = SimpleNamespace(news=SimpleNamespace(remote=lambda wait: "answer"))
    made = SimpleNamespace(options=lambda **given: SimpleNamespace(remote=lambda *given: actor))
    ray = SimpleNamespace(
        exceptions=SimpleNamespace(RayError=RuntimeError),
        remote=lambda kind: made,
        wait=lambda asked, **given: (asked, []),
        get=get,
        kill=lambda actor: None,
    )
    crew = ray_workers.RayCrew(ray, settings, Share(1, 1, 0))
    crew.start(0)
    died = "The actor died because of an error raised in its creation task"
    assert list(crew.news(0)) == [(0, Gone(f"worker 1 is gone: {died}: ModuleNotFoundError: No module named 'engine'"))]


def test_a_port_that_nobody_listens_at_is_told_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**given: object) -> None:
        raise AssertionError("Ray would wait for minutes")

    errors = SimpleNamespace(RayError=RuntimeError)
    ray = SimpleNamespace(is_initialized=lambda: False, init=init, exceptions=errors, shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(GraphInvalid, match="refused"):
        ray_workers.run(Queue([]), settings, f"127.0.0.1:{port}", lambda: False)


def test_paths_mean_the_same_on_another_machine(settings: Settings, empty_folder: Path) -> None:
    (empty_folder / "models").mkdir()
    there = ray_workers._for_elsewhere(Settings(cache=Path("kept")), ray_workers.Share(1, 3, 1))
    assert there.models == [empty_folder / "models"]
    assert (there.input, there.output, there.cache) == tuple(
        empty_folder / name for name in ("input", "output", "kept")
    )
    assert (there.threads, there.device) == (3, "cuda:0")
