"""Jobs on the machines of a Ray cluster: one actor for each GPU, or for each share of the processors.

Ray finds the machines, starts the actors, carries graphs there and pictures back, and notices who is gone. The journal
stays with the process that calls `run`, and every result ends there, so each job counts once whoever ran it. Every
machine must have the same comfyless, and models and inputs under the same paths; pictures are put in their places here.
"""

import logging
import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from engine import VERSION
from engine.errors import GraphInvalid
from engine.working.ray_actor import RayWorker
from engine.working.ray_resources import Machine, Share, share
from engine.working.source import Source, Stop
from engine.working.worker_crew import direct
from engine.working.worker_messages import Gone, Message
from schemas.job import JobOrder
from schemas.report import Problem
from schemas.settings import Settings

LOCAL = "local"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
POLL = 5.0
"""Seconds that a question for news waits on its machine for an answer; the answer leaves at once when there is one."""

DOOR = 5.0
"""Seconds in which a cluster's port must open."""

CALLS = 4
"""Calls that an actor answers at once: a question for news takes one for long, and must not keep a halt waiting."""


def run(source: Source, settings: Settings, address: str, stop: Stop, *, workers: int | None = None) -> None:
    """Run the jobs of a source on a Ray cluster, until no more come or `stop` says so.

    address: "local" for a cluster of this machine alone, for as long as this takes; "auto" for the one that this
    machine belongs to; or host:port. workers: None for as many as the cluster has room for. Raises GraphInvalid if Ray
    is not installed or the cluster cannot be reached, WorkersFailed if workers do not start, what the source raises.
    """
    with _connected(address) as ray:
        machines = [
            Machine(int(node["Resources"].get("CPU", 0)), int(node["Resources"].get("GPU", 0)))
            for node in ray.nodes()
            if node["Alive"]
        ]
        each = share(machines, settings.device, workers, settings.threads)
        crew = RayCrew(ray, _for_elsewhere(settings, each), each)
        try:
            direct(source, crew, each.workers, stop)
        finally:
            crew.end()


class RayCrew:
    """Actors by number."""

    def __init__(self, ray: Any, settings: Settings, each: Share) -> None:
        """ray: the module, connected. settings: of each worker."""
        self._ray, self._settings = ray, settings
        self._class = ray.remote(RayWorker).options(
            num_cpus=each.cpus,
            num_gpus=each.gpus,
            max_concurrency=CALLS,
            max_restarts=0,  # a new one has to be told what to do
            scheduling_strategy="SPREAD",
        )
        self._actors: dict[int, Any] = {}
        self._asked: dict[Any, int] = {}

    def start(self, worker: int) -> None:
        """Ask for an actor; Ray makes it where there is room, or when there is."""
        self._actors[worker] = self._class.remote(self._settings, VERSION)
        self._ask(worker)

    def give(self, worker: int, orders: Sequence[JobOrder]) -> None:
        """Send it jobs."""
        self._actors[worker].give.remote(list(orders))

    def halt(self, worker: int) -> None:
        """Send it word."""
        self._actors[worker].halt.remote()

    def news(self, wait: float) -> Iterable[tuple[int, Message]]:
        """What came in, from everyone who has answered."""
        if not self._asked:
            return
        self._ray.wait(list(self._asked), num_returns=1, timeout=wait)
        answered, _ = self._ray.wait(list(self._asked), num_returns=len(self._asked), timeout=0)
        for answer in answered:
            worker = self._asked.pop(answer)
            messages = self._messages(worker, answer)
            yield from ((worker, message) for message in messages)

    def end(self) -> None:
        """Let all actors go."""
        for worker in list(self._actors):
            self._dismiss(worker)

    def _messages(self, worker: int, answer: Any) -> Sequence[Message]:
        """What an answer says; if the worker is still there, it is asked again."""
        try:
            messages: list[Message] = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            messages = [Gone(f"worker {worker + 1} is gone: {_in_short(error)}")]
        if any(isinstance(message, Gone) for message in messages):
            self._dismiss(worker)
        else:
            self._ask(worker)
        return messages

    def _ask(self, worker: int) -> None:
        self._asked[self._actors[worker].news.remote(POLL)] = worker

    def _dismiss(self, worker: int) -> None:
        """Make sure of its end: one that cannot be reached may be at work still."""
        with suppress(self._ray.exceptions.RayError):  # it is gone already
            self._ray.kill(self._actors.pop(worker))


def _in_short(error: Exception) -> str:
    """An error of Ray's in a line, without colours; what its own errors quote stands last."""
    text = _COLOUR.sub("", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    if "creation task" not in lines[0]:
        return lines[0]
    return f"{lines[0].partition(', ray::')[0]}: {lines[-1]}" if len(lines) > 1 else lines[0]


def _for_elsewhere(settings: Settings, each: Share) -> Settings:
    """Settings that mean the same in another working folder. Ray shows a worker only the GPU that it has."""

    def whole(paths: Sequence[Path]) -> list[Path]:
        return [path.absolute() for path in paths]

    return settings.model_copy(
        update={
            "models": whole(settings.models),
            "extra_model_paths": whole(settings.extra_model_paths),
            "object_info": whole(settings.object_info),
            "input": settings.input.absolute(),
            "output": settings.output.absolute(),
            "temp": settings.temp.absolute(),
            "cache": settings.cache.absolute() if isinstance(settings.cache, Path) else settings.cache,
            "threads": each.cpus,
            "device": "cuda:0" if each.gpus else settings.device,
        }
    )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster; one that this process is connected to already is used as it is."""
    ray = _ray(address)
    if ray.is_initialized():
        yield ray
        return
    own = {"include_dashboard": False} if address == LOCAL else {}
    try:
        _knock(address)
        with _own_signals():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        fix = "Give local, auto, or the address of a running cluster as host:port."
        said = f"no Ray cluster can be reached at {address!r}: {_in_short(error).rstrip('.')}."
        raise GraphInvalid([Problem(code="bad-setting", field="ray", found=address, said=said, fix=fix)]) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """See whether anybody listens at host:port, where Ray itself would try for minutes. Raises OSError if not."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "://" not in host:
        socket.create_connection((host.strip("[]"), int(port)), DOOR).close()


def _ray(address: str) -> Any:
    """The module, told to be quiet.

    Unless the user or an earlier import settled that, a cluster of our own gets a secret of its own here, which dies
    with this process; else Ray would keep one in the user's home, and say so.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        return import_module("ray")
    except ImportError as error:
        said = "Ray is not installed."
        fix = 'Install it: pip install "comfyless[ray]".'
        raise GraphInvalid([Problem(code="bad-setting", field="ray", found=address, said=said, fix=fix)]) from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep our handlers: Ray puts one of its own in the place of SIGTERM's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
