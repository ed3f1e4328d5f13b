"""Forecast: what a batch would do, counted on its merged graph, before anything runs."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass

from engine.graph.values import BoundNode
from engine.planning.evaluations import evaluations
from engine.planning.files import Files
from engine.planning.keys import KeyMaker
from engine.planning.merging import Merged
from engine.planning.order import STAGES, weights_users
from engine.planning.shapes import graph_shape, shapes_of
from engine.planning.wires import Wires
from schemas.batch import ClassForecast, Forecast, WeightsForecast
from schemas.sockets import FileRef

Timings = Callable[[Iterable[str]], Mapping[str, float]]
"""Seconds (under a graph's shape: bytes) that were measured, by shape; those never measured are left out."""


def forecast(
    merged: Merged, files: Files, has: Callable[[str], bool], timings: Timings, wave: int | None = None
) -> Forecast:
    """What running all graphs of `merged` takes.

    has: whether outputs are kept under a key. wave: so many graphs at a time, numbered from 0, where models do not stay
    loaded from one wave to the next; None where they do. Raises FileMissing, ModelFileInvalid.
    """
    needed = _needed(merged, has)
    shapes = shapes_of(merged.bound, merged.records)
    measured = timings({shapes[step] for step in needed.runs} | _graph_shapes(merged, shapes))
    known = [measured[shapes[step]] for step in needed.runs if shapes[step] in measured]
    users = {
        step: used
        for step, used in weights_users(merged.bound, merged.bound).items()
        if step in needed.runs and not _gives(merged.bound[step], "SIGMAS")  # schedules ask recipes, not weights
    }
    samplers = [step for step, used in users.items() if used[0] == STAGES["MODEL"]]
    calls = [evaluations(merged.bound, step) for step in samplers if _gives(merged.bound[step], "LATENT")]
    named = _FilesNamed(merged, files)
    loads = _loads(merged, {step: used[1] for step, used in users.items()}, named, wave)
    steps = sum(map(len, merged.places.values()))
    peaks = [measured[shape] for shape in _graph_shapes(merged, shapes) if shape in measured]
    return Forecast(
        rows=len(merged.targets),
        steps=steps,
        distinct=len(merged.places),
        shared=steps - len(merged.places),
        cached=len(merged.places) - len(needed.runs) - len(needed.maybe),
        maybe=len(needed.maybe),
        classes=_classes(merged, needed),
        encodes=sum(_encodes(merged.bound[step]) for step in needed.runs),
        loads=loads,
        model_calls=None if None in calls else sum(each for each in calls if each is not None),
        read_bytes=named.bytes_of({*needed.runs, *(used[1][0] for used in users.values())}),
        seconds=sum(known) if known or not needed.runs else None,
        untimed=len(needed.runs) - len(known),
        peak_bytes=round(max(peaks)) if peaks else None,
    )


@dataclass(frozen=True, slots=True)
class _Needed:
    """Steps that will run, and those that run only if a node asks for them."""

    runs: Set[str]
    maybe: Set[str]


def _needed(merged: Merged, has: Callable[[str], bool]) -> _Needed:
    """What stands only behind steps that are at hand is needed by nobody."""
    wires = Wires()
    seen: set[str] = set()
    lazy: list[str] = []

    def visit(stack: list[str]) -> set[str]:
        found: set[str] = set()
        while stack:
            step = stack.pop()
            if step in seen:
                continue
            seen.add(step)
            if has(merged.records[step].key):
                continue
            found.add(step)
            stack.extend(wires.strong(merged.bound[step]))
            lazy.extend(wires.lazy(merged.bound[step]))
        return found

    runs = visit([step for targets in merged.targets.values() for step in targets])
    maybe: set[str] = set()
    while lazy:
        waiting, lazy[:] = lazy[:], []
        maybe |= visit(waiting)
    return _Needed(runs, maybe)


def _classes(merged: Merged, needed: _Needed) -> list[ClassForecast]:
    """The classes in the order in which their first step would run."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for step, places in merged.places.items():
        counted = found[merged.bound[step].spec.class_type]
        counted["runs" if step in needed.runs else "maybe" if step in needed.maybe else "cached"] += 1
        counted["shared"] += len(places) - 1
    return [ClassForecast(class_type=name, **counted) for name, counted in found.items()]


def _graph_shapes(merged: Merged, shapes: Mapping[str, str]) -> set[str]:
    graphs: dict[int, set[str]] = defaultdict(set)
    for step, places in merged.places.items():
        for graph, _ in places:
            graphs[graph].add(shapes[step])
    return {graph_shape(each) for each in graphs.values()}


def _encodes(node: BoundNode) -> bool:
    """Whether a node makes conditioning of a text with an encoder."""
    sockets = {node.spec.possible[field].socket for field in node.links if field in node.spec.possible}
    return "CLIP" in sockets and _gives(node, "CONDITIONING")


def _gives(node: BoundNode, socket: str) -> bool:
    return any(output.socket == socket for output in node.spec.outputs)


class _FilesNamed:
    """The files that steps name, and their bytes; each looked at once."""

    def __init__(self, merged: Merged, files: Files) -> None:
        self._merged, self._keys = merged, KeyMaker(files)
        self._sizes: dict[str, int] = {}

    def of(self, step: str) -> list[FileRef]:
        """The files of one step, in the order of its inputs."""
        return [file for _, file in self._keys.files_of(self._merged.bound[step])]

    def bytes_of(self, steps: Iterable[str]) -> int:
        """The bytes of all files of these steps, each file once."""
        paths = {file.path for step in steps for file in self.of(step)}
        return sum(map(self._size, paths))

    def _size(self, path: str) -> int:
        if path not in self._sizes:
            self._sizes[path] = os.path.getsize(path)
        return self._sizes[path]


def _loads(
    merged: Merged, users: Mapping[str, tuple[str, int]], named: _FilesNamed, wave: int | None
) -> list[WeightsForecast]:
    """Each set of weights that steps use. users: which set each of them does, as (step, slot) that it comes from."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for step in merged.places:  # in order, so that equal batches say equal things
        if step in users:
            found[users[step]].append(step)
    return [
        WeightsForecast(
            kind=merged.bound[origin].spec.outputs[slot].socket,
            files=[file.name for file in named.of(origin)],
            bytes=named.bytes_of([origin]),
            steps=len(steps),
            loads=1 if wave is None else len({merged.places[step][0][0] // wave for step in steps}),
        )
        for (origin, slot), steps in found.items()
    ]
