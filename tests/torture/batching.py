"""Rounds of batch: one command is killed and given again until it ends by itself; then the next batch begins."""

import csv
import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from engine.batching import contact_sheet
from engine.batching.manifest import JSON_LINES, TABLE
from engine.batching.state import BATCHES, JOURNAL
from engine.cli.exit_codes import DONE, FAILED
from tests.torture.checking import check_journal, check_nothing_left, check_picture
from tests.torture.graphs import TOO_LONG, colour_of, made_simply
from tests.torture.victims import Plan, Victim, fork, start

TICK = 0.002
WIDTHS = (8, 12)
FAILING = 10
"""One of so many rows fails."""
LAST = 600.0
"""Seconds that the last process may take for what the killed ones have left."""


class Batching:
    """Batches in folders of their own, one after the other. total: rows of all. say: told of progress, now and then."""

    def __init__(self, root: Path, seed: int, say: Callable[[str], None]) -> None:
        self.findings: list[str] = []
        self.ends: Counter[str] = Counter()
        self.total = 0
        self._root, self._say, self._chance = root, say, random.Random(seed)
        self._started = self._batches = 0
        self._root.mkdir(parents=True, exist_ok=True)

    def run(self, rounds: int, graphs: int) -> None:
        """So many rounds, over batches of so many rows; the last one is run to its end."""
        batch = None
        for number in range(rounds):
            batch = batch or self._next(graphs)
            if self._round(batch, number % 50 == 49):
                batch = self._finish(batch)
            if not number % 50:
                self._say(f"batch: round {number}, batch {self._batches}, {dict(self.ends)}")
        if batch is not None:
            if not self._see_off([self._forked(batch, Plan(after=LAST))]):
                self.findings.append("the last process did not end by itself")
            self._finish(batch)

    def _next(self, graphs: int) -> "_Batch":
        self._batches += 1
        batch = _Batch(self._root / f"batch{self._batches}", graphs // len(WIDTHS), self._chance.random() < 0.3)
        self.total += batch.rows
        return batch

    def _finish(self, batch: "_Batch") -> None:
        self.findings += batch.check()

    def _round(self, batch: "_Batch", real: bool) -> bool:
        """One process or two, killed; whether one has ended by itself, with all rows over."""
        if real:
            plan = Plan(after=self._chance.uniform(0.1, 4))
            return self._see_off([start(batch.command(self._chance), self._log(), plan)])
        count = 2 if self._chance.random() < 0.1 else 1
        return self._see_off([self._forked(batch, Plan.by_chance(self._chance)) for _ in range(count)])

    def _see_off(self, victims: list[Victim]) -> bool:
        left = victims
        while left := [victim for victim in left if not victim.poll()]:
            time.sleep(TICK)
        for victim in victims:
            self.ends[str(victim.code)] += 1
            if fault := victim.fault(others=len(victims) > 1):
                self.findings.append(fault)
        return any(victim.code in (DONE, FAILED) for victim in victims)

    def _forked(self, batch: "_Batch", plan: Plan) -> Victim:
        return fork(batch.command(self._chance), self._log(), plan, self._chance.randrange(2**32))

    def _log(self) -> Path:
        self._started += 1
        return self._root / f"log-{self._started % 8}"


class _Batch:
    """One batch: lines of a file, each in two widths."""

    def __init__(self, folder: Path, lines: int, cached: bool) -> None:
        folder.mkdir(parents=True)
        self._folder, self._output, self._cached = folder, folder / "output", cached
        self.rows = lines * len(WIDTHS)
        self._graph, self._table = folder / "graph.json", folder / "rows.csv"
        self._graph.write_text(json.dumps(made_simply(0)))
        with self._table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["1.color", "2.filename_prefix"])
            for line in range(1, lines + 1):
                red, green, blue = colour_of(line)
                prefix = f"a{line:05}" if line % FAILING else f"a{line:05}{TOO_LONG}"
                writer.writerow([red << 16 | green << 8 | blue, prefix])

    def command(self, chance: random.Random) -> list[str]:
        """The command that begins it and goes on with it, in one of its forms."""
        ways = ["batch", *("--crashes", "1000000", "--threads", "1", "--device", "cpu")]
        made = self._made()
        if made is not None and chance.random() < 0.3:
            return [*ways, "--resume", str(made)]
        rows = ["--rows", str(self._table), "--grid", f"1.width={','.join(map(str, WIDTHS))}"]
        cache = str(self._folder / "cache") if self._cached else "off"
        return [*ways, str(self._graph), *rows, "--output", str(self._output), "--cache", cache]

    def check(self) -> Iterator[str]:
        """Everything that is wrong with it, now that it is over."""
        made = self._made()
        if made is None:
            yield f"{self._folder.name} has no folder, or several"
            return
        yield from check_nothing_left(self._output)
        yield from check_journal(made / JOURNAL, self.rows)
        lines = [json.loads(line) for line in (made / JSON_LINES).read_text().splitlines()]
        with (made / TABLE).open(newline="") as file:
            table = [row["row"] for row in csv.DictReader(file)]
        for name, rows in (("lines", [line["row"] for line in lines]), ("table", [int(row) for row in table])):
            if sorted(rows) != list(range(1, self.rows + 1)):
                yield f"{self._folder.name}: the manifest's {name} are {len(rows)}, {Counter(rows).most_common(3)}"
        named = Counter(path for line in lines for path in line["outputs"])
        there = {str(path) for path in self._output.glob("*.png")}
        if set(named) != there or set(named.values()) - {1}:
            yield f"{self._folder.name}: {sorted(set(named) ^ there)[:5]} are not both named and there"
        for line in lines:
            yield from self._check_line(line)
        if not (made / f"{contact_sheet.NAME}.png").is_file():
            yield f"{self._folder.name} has no contact sheet"

    def _check_line(self, line: dict[str, Any]) -> Iterator[str]:
        """One row of the manifest, and its picture."""
        outputs, hashes, settings = line["outputs"], line["hashes"], line["settings"]
        number = (int(line["row"]) - 1) // len(WIDTHS) + 1
        state, count = ("done", 1) if number % FAILING else ("failed", 0)
        if (line["state"], len(outputs), len(hashes)) != (state, count, count):
            yield f"{self._folder.name}, row {line['row']}: {line}"
        for path, told in zip(outputs, hashes, strict=False):
            if told != f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()}":
                yield f"{path} has not the hash {told}"
            yield from check_picture(Path(path), colour_of(number))
            with Image.open(path) as picture:
                if not Path(path).name.startswith(f"a{number:05}_") or picture.width != int(settings["1.width"]):
                    yield f"{path} is {picture.width} wide, not what row {line['row']} asks for"

    def _made(self) -> Path | None:
        """Its folder in the output folder, if there is exactly one."""
        found = [path for path in (self._output / BATCHES).glob("graph-*") if path.is_dir()]
        return found[0] if len(found) == 1 else None
