"""Rounds of watch: processes on one folder are killed while a producer drops graphs, and the last one drains it."""

import io
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from engine.cli.exit_codes import DONE, FAILED
from engine.cli.main import main
from tests.torture.checking import check_watch
from tests.torture.producer import SETTLE, Producer
from tests.torture.victims import Plan, Victim, fork, start

TICK = 0.002
DRAINED = 600.0
"""Seconds that the last process may take for what the killed ones have left."""
FIRST_LOOK = 20
"""The round from which `comfyless status` is asked: there is a journal by then."""


class Watching:
    """A folder, the processes on it, and what was found to be wrong. say: told of progress, now and then."""

    def __init__(self, root: Path, seed: int, say: Callable[[str], None]) -> None:
        self.findings: list[str] = []
        self.ends: Counter[str] = Counter()
        self._root, self._say, self._chance = root, say, random.Random(seed)
        self._folder, self._output, outside = root / "watched", root / "output", root / "outside"
        for path in (self._folder, self._output, outside):
            path.mkdir(parents=True)
        self.producer = Producer(self._folder, outside, self._output, self._chance)
        self._started = 0

    @property
    def total(self) -> int:
        """How many graphs were dropped."""
        return len(self.producer.ledger)

    def run(self, rounds: int, graphs: int) -> None:
        """So many rounds with so many graphs, then one to the end."""
        for number in range(rounds):
            while len(self.producer.ledger) * rounds < graphs * (number + 1):
                self.producer.drop()
            self._round(number)
            if not number % 50:
                self._say(f"watch: round {number}, {len(self.producer.ledger)} graphs, {dict(self.ends)}")
        self._drain()
        self.findings += check_watch(self._folder, self._output, self.producer.ledger)

    def _round(self, number: int) -> None:
        """One or two processes, killed."""
        if number % 50 == 49:
            after = self._chance.uniform(0.1, 4)
            victims = [start(self._arguments(), self._log(), Plan(after=after))]
        else:
            count = 2 if self._chance.random() < 0.2 else 1
            victims = [self._forked(Plan.by_chance(self._chance)) for _ in range(count)]
        look = number >= FIRST_LOOK and self._chance.random() < 0.1
        self._see_off(victims, look)

    def _see_off(self, victims: list[Victim], look: bool = False) -> None:
        left = victims
        while left := [victim for victim in left if not victim.poll()]:
            self.producer.tick()
            if look:
                look = False
                self._status()
            time.sleep(TICK)
        for victim in victims:
            self.ends[str(victim.code)] += 1
            if fault := victim.fault(others=False):
                self.findings.append(fault)

    def _drain(self) -> None:
        """Two together to the end, then one for what they left each other."""
        while self.producer.busy:
            self.producer.tick()
            time.sleep(TICK)
        for count in (2, 1):
            victims = [self._forked(Plan(after=DRAINED), once=True) for _ in range(count)]
            self._see_off(victims)
            for victim in victims:
                if victim.code not in (DONE, FAILED):
                    self.findings.append(f"the last process ended with {victim.code}: {victim.said()[-2000:]}")

    def _status(self) -> None:
        """What `comfyless status` says can be read at any moment."""
        text = io.StringIO()
        with redirect_stdout(text):
            code = main(["status", str(self._folder), "--json"])
        if code or not isinstance(json.loads(text.getvalue()).get("waiting"), int):
            self.findings.append(f"status: {code}, {text.getvalue()}")

    def _forked(self, plan: Plan, once: bool | None = None) -> Victim:
        if once is None:
            once = self._chance.random() < 0.5 or plan.after is None
        return fork(self._arguments(once), self._log(), plan, self._chance.randrange(2**32))

    def _arguments(self, once: bool = True) -> list[str]:
        manner = ["--once"] if once else []
        manner += ["--by-model"] if self._chance.random() < 0.5 else []
        manner += ["--poll", "0.05"] if self._chance.random() < 0.2 else []
        folders = ["--output", str(self._output), "--temp", str(self._root / "temp"), "--input", str(self._root / "in")]
        settle = ["--settle", str(SETTLE), "--crashes", "1000000"]
        cache = ["--cache", str(self._root / "cache") if self._chance.random() < 0.3 else "off"]
        return ["watch", str(self._folder), *folders, *settle, *cache, *manner, "--threads", "1", "--device", "cpu"]

    def _log(self) -> Path:
        self._started += 1
        return self._root / f"log-{self._started % 8}"
