"""Producer: drops graphs into a watched folder in all the ways that make it hard, and keeps account of what it did.

What it does is a list of steps with pauses, so that it goes on while processes live and die.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.torture.graphs import Graph, made, number_of

SETTLE = 0.5
"""Seconds that a watch waits for more of a file that seems unfinished; slow writers pause for less."""

YEARS = (0, 86_400, 4_000_000_000)
"""Times that files pretend to be from: 1970, and 2096."""


@dataclass
class Entry:
    """What is known of a graph.

    least, most: how often it may have run. kept: how many files of it nobody but a watch takes away; beyond these,
    `loose` files may lie in `done` or not. stalled: a slow writer was slower than anybody waits.
    """

    graph: Graph
    least: int = 1
    most: int = 1
    kept: int = 1
    loose: int = 0
    stalled: bool = False


class Producer:
    """Drops graphs numbered from 1 into a folder. outside: a folder on the same disk, that nobody watches."""

    def __init__(self, folder: Path, outside: Path, output: Path, chance: random.Random) -> None:
        self.ledger: dict[int, Entry] = {}
        self._folder, self._outside, self._output, self._chance = folder, outside, output, chance
        self._acts: list[tuple[float, Iterator[float]]] = []
        self._names: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether steps are left."""
        return bool(self._acts)

    def drop(self) -> None:
        """Begin to drop one more graph."""
        number = len(self.ledger) + 1
        entry = Entry(made(number, self._chance))
        self.ledger[number] = entry
        name = self._name(entry.graph)
        ways = [self._whole, self._renamed, self._slowly, self._copies, self._deleted, self._moved, self._touched]
        weights = [4.0, 4.0, 3.0, 1.0, 1.0, 1.0, 1.0]
        if not entry.graph.data:
            ways, weights = ways[:2], weights[:2]
        elif self._chance.random() < 0.1:
            ways, weights = [self._overwritten, self._picture], [2.0, 1.0]
        self._acts.append((0.0, self._act(self._chance.choices(ways, weights)[0], entry, name)))

    def tick(self) -> None:
        """Take the steps that are due."""
        now, acts, self._acts = time.monotonic(), self._acts, []
        for due, act in acts:
            pause = next(act, None) if now >= due else due - now
            if pause is not None:
                self._acts.append((now + pause, act))

    def _name(self, graph: Graph) -> str:
        """A new name, in a subfolder now and then; or one that was there before and is free."""
        if self._names and graph.data and self._chance.random() < 0.1:
            old = self._chance.choice(self._names)
            if not os.path.lexists(self._folder / old):
                self._names.remove(old)
                return old
        below = self._chance.choice(["", "", "", "sub/", "sub/deep/", "ü b/"])
        name = f"{below}{'graph-' if not graph.data else 'g'}{graph.number:05}.json"
        return name

    def _act(self, way: Callable[[Entry, str], Iterator[float]], entry: Entry, name: str) -> Iterator[float]:
        """Go a way; after that, and not before, another graph may have the name."""
        yield from way(entry, name)
        self._names.append(name)

    def _place(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _whole(self, entry: Entry, name: str) -> Iterator[float]:
        """Written where it is to be run."""
        self._place(name).write_bytes(entry.graph.data)
        yield from ()

    def _renamed(self, entry: Entry, name: str) -> Iterator[float]:
        """Written under a passing name, here or elsewhere, perhaps from another time, and renamed."""
        passing = self._outside / "passing" if self._chance.random() < 0.5 else self._place(f"{name}.part")
        passing = passing.with_name(f"{passing.name}{entry.graph.number}.part")
        passing.write_bytes(entry.graph.data)
        if self._chance.random() < 0.3:
            year = self._chance.choice(YEARS)
            os.utime(passing, (year, year))
        yield self._chance.uniform(0, 0.02)
        passing.rename(self._place(name))

    def _slowly(self, entry: Entry, name: str) -> Iterator[float]:
        """In pieces."""
        data, path = entry.graph.data, self._place(name)
        cuts = sorted(self._chance.randrange(len(data)) for _ in range(4))
        last = time.monotonic()
        with path.open("wb") as file:
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                file.write(data[start:end])
                file.flush()
                now = time.monotonic()
                entry.stalled |= now - last > SETTLE / 3
                last = now
                if end < len(data):
                    yield self._chance.uniform(0, 0.05)

    def _copies(self, entry: Entry, name: str) -> Iterator[float]:
        """Several files of equal bytes."""
        entry.kept = entry.least = entry.most = self._chance.randint(2, 4)
        for number in range(entry.kept):
            self._place(f"copy{number}/g{entry.graph.number:05}.json").write_bytes(entry.graph.data)
            yield self._chance.uniform(0, 0.03)

    def _deleted(self, entry: Entry, name: str) -> Iterator[float]:
        """Taken away again, before it has run or after."""
        entry.least, entry.kept, entry.loose = 0, 0, 1
        path = self._place(name)
        path.write_bytes(entry.graph.data)
        yield self._chance.uniform(0, 0.5)
        path.unlink(missing_ok=True)

    def _moved(self, entry: Entry, name: str) -> Iterator[float]:
        """Renamed while it waits or runs."""
        entry.most, entry.loose = 2, 1
        path, other = self._place(name), self._place(f"moved/g{entry.graph.number:05}.json")
        path.write_bytes(entry.graph.data)
        yield self._chance.uniform(0, 0.5)
        if not os.path.lexists(other) and path.exists() and number_of(path) == entry.graph.number:
            try:
                path.rename(other)
            except FileNotFoundError:  # it has run
                return

    def _touched(self, entry: Entry, name: str) -> Iterator[float]:
        """Its time is changed while it waits or runs."""
        entry.most, entry.loose = 2, 1
        path = self._place(name)
        path.write_bytes(entry.graph.data)
        yield self._chance.uniform(0, 0.5)
        year = self._chance.choice(YEARS)
        try:
            os.utime(path, (year, year))
        except FileNotFoundError:  # it has run
            return

    def _overwritten(self, entry: Entry, name: str) -> Iterator[float]:
        """Another graph of its name takes its place."""
        entry.least, entry.kept, entry.loose = 0, 0, 1
        path = self._place(name)
        path.write_bytes(entry.graph.data)
        yield self._chance.uniform(0, 0.5)
        other = Entry(made(len(self.ledger) + 1, self._chance))
        while not other.graph.data:
            other = Entry(made(len(self.ledger) + 1, self._chance))
        self.ledger[other.graph.number] = other
        passing = self._outside / f"over{other.graph.number}"
        passing.write_bytes(other.graph.data)
        passing.replace(path)

    def _picture(self, entry: Entry, name: str) -> Iterator[float]:
        """The graph, and a picture that one of the others has made."""
        yield from self._whole(entry, name)
        pictures = [path for path in self._output.glob("a*_00001_.png") if self._steady(path)]
        if pictures:
            source = self._chance.choice(pictures)
            old = self.ledger[int(source.name[1:6])]
            old.least, old.most, old.kept = old.least + 1, old.most + 1, old.kept + 1
            passing = self._outside / f"picture{entry.graph.number}.part"
            passing.write_bytes(source.read_bytes())
            passing.rename(self._place(f"p{entry.graph.number:05}.png"))

    def _steady(self, path: Path) -> bool:
        entry = self.ledger[int(path.name[1:6])]
        return entry.least == entry.most and not entry.stalled
