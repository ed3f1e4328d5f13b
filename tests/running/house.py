"""A session with toys, in which every border is a fake that remembers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.graph.values import bind
from engine.plugins.registry import Registry
from engine.running.cache import OutputCache
from engine.running.session import BoundTask, Session
from schemas.node import NodeSpec
from schemas.prompt import Prompt
from schemas.report import Event, RunReport
from schemas.workflow import Workflow
from tests import toys
from tests.planning.fakes import FakeFiles


class FakeLedger:
    """Counts who holds what; `told` keeps the order."""

    def __init__(self) -> None:
        """Nothing is held."""
        self.loads = 0
        self.held: Counter[tuple[str, ...]] = Counter()
        self.told: list[tuple[str, tuple[str, ...]]] = []

    def borrow(self, key: tuple[str, ...], build: Callable[[], Any], device: str = "cpu") -> Any:
        """Build, and keep nothing."""
        return build()

    def hold(self, key: tuple[str, ...]) -> None:
        """Count."""
        self.held[key] += 1
        self.told.append(("hold", key))

    def release(self, key: tuple[str, ...]) -> None:
        """Count back; below zero is a mistake of the executor."""
        assert self.held[key] > 0
        self.held[key] -= 1
        self.told.append(("release", key))


class FakePictures:
    """Writes a file for each picture, with its prefix and number as the name."""

    def __init__(self, folder: Path) -> None:
        """Into this folder."""
        self.folder = folder
        self.metadata: list[Mapping[str, str]] = []

    def save(self, picture: Any, prefix: str, kind: str, batch_index: int, metadata: Mapping[str, str]) -> Path:
        """The text of the picture, as a file."""
        self.metadata.append(metadata)
        path = self.folder / f"{prefix}_{len(self.metadata):05}_.png"
        path.write_text(str(picture))
        return path


class House:
    """One session, and all that it told."""

    def __init__(
        self, folder: Path, *extra: NodeSpec, cache: OutputCache | None = None, stop: Callable[[], bool] | None = None
    ) -> None:
        """extra: classes besides the toys."""
        self.registry = Registry.of([*toys.specs(), *extra])
        self.ledger, self.pictures, self.files = FakeLedger(), FakePictures(folder), FakeFiles(flux="1", cat="1")
        self.events: list[Event] = []
        self.session = Session(
            self.registry,
            self.files,
            self.pictures,
            self.ledger,
            cache=cache,
            stop=stop or (lambda: False),
            sink=self.events.append,
        )

    def run(self, graph: dict[str, dict[str, Any]], targets: Iterable[str] | None = None) -> RunReport:
        """Run API JSON; toys.RUNS, toys.SHOWN and the events are those of this run only."""
        toys.RUNS.clear()
        toys.SHOWN.clear()
        self.events.clear()
        workflow = Workflow(name="test.json", form="api", prompt=Prompt.model_validate({"nodes": graph}))
        return self.session.run(workflow, bind(workflow.prompt, self.registry), targets)

    def run_all(self, *graphs: dict[str, dict[str, Any]], grouped: bool = False) -> list[RunReport]:
        """Run graphs of API JSON together; their reports in the graphs' order. `ends` has the order of their ends."""
        toys.RUNS.clear()
        toys.SHOWN.clear()
        self.events.clear()
        reports: dict[int, RunReport] = {}
        self.ends: list[int] = []
        self.failures: dict[int, str | None] = {}

        def ended(number: int, report: RunReport, failure: str | None) -> None:
            assert number not in reports
            reports[number] = report
            self.ends.append(number)
            self.failures[number] = failure

        tasks = []
        for number, graph in enumerate(graphs):
            prompt = Prompt.model_validate({"nodes": graph})
            workflow = Workflow(name=f"{number}.json", form="api", prompt=prompt)
            tasks.append(BoundTask(number, workflow, bind(prompt, self.registry), event=self.events.append))
        self.session.run_all(tasks, ended, grouped)
        return [reports[number] for number in range(len(graphs))]

    def told(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


def ran() -> list[str]:
    """Ids of the toys that ran, in order."""
    return [name for name, _ in toys.RUNS]


def shown() -> dict[str, Any]:
    """What each output toy was given last."""
    return dict(toys.SHOWN)


def states(report: RunReport) -> dict[str, str]:
    """What became of each step."""
    return {step.node: step.state for step in report.steps}


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node of API JSON."""
    return {"class_type": class_type, "inputs": inputs}


def show(source: str, slot: int = 0) -> dict[str, Any]:
    """An output toy that reads this."""
    return node("ToyShow", value=[source, slot])
