"""A stand-in for engine.api, so that the shell is tested without models and in milliseconds."""

import contextlib
import io
import json
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.cli.main import main
from engine.errors import GraphInvalid
from schemas.plan import FileNeed, Plan, PlanStep
from schemas.prompt import Prompt
from schemas.report import Peak, Problem, Progress, RunReport, RunStarted, Saved, StepDone, StepReport, StepStarted
from schemas.workflow import Workflow

GIB = 2**30


EDITOR: dict[str, Any] = {
    "nodes": [
        {
            **{"id": 1, "type": "PrimitiveInt", "outputs": [{"name": "INT", "type": "INT", "links": []}]},
            **{"properties": {"Node name for S&R": "Number"}, "widgets_values": [32, "increment"]},
        },
        {"id": 3, "type": "SaveImage", "widgets_values": ["n_%Number.value%"]},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a {red|green|blue|black|white} cat"]},
    ],
    "links": [],
    "version": 0.4,
}
"""A graph of the editor's whose number moves from run to run, and whose prompt leaves a choice."""


@dataclass
class FakeApi:
    """What engine.api offers, as far as the shell asks. `behave` by file name: what running that file does."""

    behave: dict[str, Callable[..., RunReport]] = field(default_factory=dict)
    invalid: dict[str, list[Problem]] = field(default_factory=dict)
    unreadable: dict[str, list[Problem]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    blocks: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    sets: list[list[str]] = field(default_factory=list)
    settings: Any = None

    def load(self, file: Any, name: str | None = None, options: Any = None, settings: Any = None) -> Workflow:
        if str(file) in self.unreadable:
            raise GraphInvalid(self.unreadable[str(file)])
        prompt = Prompt.model_validate({"nodes": {"1": {"class_type": "Picture"}, "2": {"class_type": "SaveImage"}}})
        workflow = Workflow(name=str(file), form="api", prompt=prompt, notes=self.notes.get(str(file), []))
        opened = self.blocks.get(str(file))
        return workflow.model_copy(update={"building_block": opened is not None, "open_inputs": opened or {}})

    def override(self, workflow: Workflow, sets: list[str], settings: Any = None) -> Workflow:
        self.sets.append(list(sets))
        return workflow

    def session(self, settings: Any, events: Any = None, stop: Any = None) -> "FakeSession":
        self.settings = settings
        return FakeSession(self, events, stop, settings)


@dataclass
class FakeSession:
    """What api.Session offers."""

    api: FakeApi
    events: Any
    stop: Any
    settings: Any = None
    failure: str | None = None
    closed: bool = False

    def __enter__(self) -> "FakeSession":
        return self

    def __exit__(self, *ending: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True

    def validate(self, workflow: Workflow) -> list[Problem]:
        return self.api.invalid.get(workflow.name, [])

    def plan(self, workflow: Workflow) -> Plan:
        if self.validate(workflow):
            raise GraphInvalid(self.validate(workflow))
        weights = FileNeed(name="flux.safetensors", path="/models/flux.safetensors", bytes=16 * GIB)
        steps = [
            PlanStep(node="1", class_type="Picture", reason="first run", key="a", files=[weights]),
            PlanStep(node="2", class_type="SaveImage", reason="never cached", key="b", files=[weights]),
        ]
        return Plan(file=workflow.name, steps=steps)

    def run(self, workflow: Workflow) -> RunReport:
        if workflow.name in self.api.behave:
            return self.api.behave[workflow.name](self)
        if self.validate(workflow):
            return RunReport(file=workflow.name, status="invalid", problems=self.validate(workflow))
        self.events(RunStarted("run", workflow.name, 2))
        self.events(StepStarted("step", "1", "Picture", None, 1, 2))
        for done in (1, 2):
            self.events(Progress("progress", "1", done, 2, 3.0 + done))
        self.events(StepDone("step-done", "1", "Picture", "run", 5.25, 1, 2))
        self.events(StepDone("step-done", "2", "SaveImage", "cached", 0.0, 2, 2))
        self.events(Saved("saved", "2", "output/flux_00001_.png"))
        return RunReport(
            file=workflow.name,
            status="done",
            outputs={"2": [str(Path("output/flux_00001_.png").absolute())]},
            steps=[
                StepReport(node="1", class_type="Picture", state="run", seconds=5.25),
                StepReport(node="2", class_type="SaveImage", state="cached"),
            ],
            peak=Peak(ram=int(11.2 * GIB)),
        )


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> FakeApi:
    """The stand-in, in the place of engine.api, in an empty working folder."""
    fake = FakeApi()
    module = types.ModuleType("engine.api")
    module.load, module.override, module.Session = fake.load, fake.override, fake.session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "engine.api", module)
    monkeypatch.setattr(engine, "api", module, raising=False)
    return fake


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Call the command line in this process."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*argv: str) -> Ended:
        code = main(argv)
        captured = capfd.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Call the command line with standard error a terminal of 80 columns; what that was sent."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")

    def call(*argv: str) -> str:
        stream = Terminal()
        with contextlib.redirect_stderr(stream):
            main(argv)
        return stream.getvalue()

    return call
