"""Victims: processes that run a verb of the real command and are killed on the way.

They are forked from a process that has imported everything, so that a round costs milliseconds.
"""

import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.cli.exit_codes import DONE, FAILED, INTERRUPTED, INVALID
from engine.cli.main import main
from engine.journal.journal import Journal

ROOT = Path(__file__).parents[2]

WRITES = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "sqlite3.connect"}
"""What Python tells of before it does it (`sys.addaudithook`), and what changes a disk; opening to write comes too."""

ASKING = (signal.SIGTERM, signal.SIGINT)
"""Signals that a process hears."""

LONGEST = 0.6
"""Seconds that a victim lives if the operation that it is to die at does not come."""

PATIENCE = 60.0
"""Seconds in which a process that was asked to stop must end."""

DAY = 86_400.0


@dataclass(frozen=True)
class Plan:
    """How a process ends.

    operation: before its so-manyth change of the disk or the journal. after: seconds until the signal, or until it is
    killed if the operation does not come. signal: SIGKILL, or one that asks. clock: whether its wall clock jumps.
    """

    operation: int | None = None
    after: float | None = None
    signal: int = signal.SIGKILL
    clock: bool = False

    @classmethod
    def by_chance(cls, chance: random.Random) -> "Plan":
        """Half at an operation, most others at a moment; one in eight is asked to stop."""
        clock = chance.random() < 0.25
        die = chance.random()
        if die < 0.5:
            return cls(operation=1 + int(chance.expovariate(1 / 60)), after=LONGEST, clock=clock)
        after = chance.choice([chance.uniform(0, 0.1), chance.uniform(0, 0.4), chance.uniform(0.2, LONGEST)])
        asked = chance.choice(ASKING)
        return cls(after=after, signal=asked if die > 0.875 else signal.SIGKILL, clock=clock)


@dataclass
class Victim:
    """A process at work. killed: whether it was ended by a signal that it cannot hear; asked: by one that it can."""

    pid: int
    log: Path
    plan: Plan
    begun: float = field(default_factory=time.monotonic)
    killed: bool = False
    asked: bool = False
    code: int | None = None

    def poll(self) -> bool:
        """Whether it has ended; sends it its signal when that is due."""
        if self.code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.code = os.waitstatus_to_exitcode(status)
            else:
                self._end(time.monotonic() - self.begun)
        return self.code is not None

    def said(self) -> str:
        """What it wrote."""
        return self.log.read_text(errors="replace")

    def fault(self, others: bool) -> str | None:
        """What is wrong with its end. others: whether another process may have been at the same batch."""
        said = self.said()
        allowed = {DONE, FAILED, INTERRUPTED, *([INVALID] if others else [])}
        if self.plan.signal == signal.SIGKILL:
            allowed.add(-signal.SIGKILL)
        elif self.asked:
            allowed |= {-self.plan.signal}  # before the program has begun to listen
        if self.code not in allowed or "Traceback" in said or "internal error" in said:
            return f"a process ended with {self.code} ({self.plan}):\n{said[-3000:]}"
        return None

    def _end(self, lived: float) -> None:
        if self.plan.after is None or lived < self.plan.after:
            return
        if self.plan.signal == signal.SIGKILL or lived > self.plan.after + PATIENCE:
            self.killed = True
            os.kill(self.pid, signal.SIGKILL)
        elif not self.asked:
            self.asked = True
            os.kill(self.pid, self.plan.signal)


def fork(arguments: Sequence[str], log: Path, plan: Plan, seed: int) -> Victim:
    """Run the command in a copy of this process."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)  # none is to be lost in Python's own work after a fork
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
        os.close(descriptor)
        return Victim(pid, log, plan)
    code = 99
    try:
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        _listen()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
        if plan.clock:
            _disturb_clock(random.Random(seed))
        if plan.operation is not None:
            _die_at(plan.operation)
        code = main(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def start(arguments: Sequence[str], log: Path, plan: Plan) -> Victim:
    """Run the command as users do, in a process of its own."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine", *arguments],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            preexec_fn=_listen,
        )
    process.returncode = 0  # who waits for it is `Victim.poll`
    return Victim(process.pid, log, plan)


def _listen() -> None:
    """Hear SIGINT, also where a shell has started the torture in the background and wants it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _die_at(operation: int) -> None:
    """Kill this process before its so-manyth change, from any of its threads."""
    left = operation

    def count() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WRITES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & 3):
            count()

    execute = Journal._execute

    def counted(self: Journal, query: str, *values: object) -> Any:
        if not query.startswith(("SELECT", "PRAGMA")):
            count()
        return execute(self, query, *values)

    Journal._execute = counted  # type: ignore[method-assign]
    sys.addaudithook(heard)


def _disturb_clock(chance: random.Random) -> None:
    """Let the wall clock of this process jump by days, forth and back."""
    real = time.time
    time.time = lambda: real() + chance.choice([-400, -1, 0, 0, 1, 400]) * DAY
