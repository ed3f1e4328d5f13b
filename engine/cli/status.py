"""`comfyless status`: what a watched folder or a batch is at, seen from outside."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE
from engine.cli.options import Verbs, add_manner, add_verb

if TYPE_CHECKING:
    from engine.working.pulse import Current
    from engine.working.status import Status, Worker

HELP = "what a watched folder or a batch is at"
SAID = "Tell from its journal what waits, runs, is done and failed, who works on it, and how long it will take."


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, status, HELP, SAID)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a watched folder, a batch's, or a journal's own")
    parser.add_argument("--state", metavar="DIR", type=Path, help="where the journal is, if the watch was told so")
    add_manner(parser, quiet=False)


def status(arguments: argparse.Namespace) -> int:
    """Tell it; 0 whatever it is, as long as there is a journal."""
    from engine.errors import GraphInvalid
    from engine.watching.places import journal_in
    from engine.working.status import read_status
    from schemas.report import Problem

    console = Console()
    path = journal_in(arguments.folder, arguments.state)
    if path is None:
        said = f"{arguments.state or arguments.folder} has no journal: nobody has watched it, and it is no batch."
        fix = "Name a folder that comfyless watch or batch works on; --state if its journal lies elsewhere."
        raise GraphInvalid([Problem(code="bad-setting", found=str(arguments.folder), said=said, fix=fix)])
    found = read_status(path)
    if arguments.json:
        console.record(found.model_dump(mode="json"))
        return DONE
    for line in _lines(found, time.time()):
        console.data(words.plain(line))
    return DONE


def _lines(found: "Status", now: float) -> Iterator[str]:
    """now: seconds since 1970."""
    yield (
        f"{found.waiting:,} {'waits' if found.waiting == 1 else 'wait'}, {found.running:,} running,"
        f" {found.done:,} done, {found.failed:,} failed"
    )
    if found.rate is not None:
        yield f"rate: {found.rate:.1f} a minute"
    if found.left is not None and found.waiting + found.running:
        yield f"time left: about {words.seconds(found.left)}"
    living = [worker for worker in found.workers if worker.alive]
    for worker in living:
        yield from _worker(worker, now)
    if not living:
        yield "nobody works on it"
    for name in found.stranded:
        yield f"left behind: {name}; its process is no more, the next one takes it over"
    for failure in found.failures:
        yield f"failed {words.seconds(max(0.0, now - failure.ended))} ago: {failure.name}: {failure.error}"


def _worker(worker: "Worker", now: float) -> Iterator[str]:
    ago = words.seconds(max(0.0, now - worker.beat))
    yield f"{worker.verb or 'process'} {worker.pid}@{worker.host}: {worker.done:,} done, {worker.failed:,} failed," + (
        f" heard of {ago} ago"
    )
    if worker.waits:
        yield f"  waits: {worker.waits}"
    for current in worker.current:
        yield f"  {_current(current)}"


def _current(current: "Current") -> str:
    """`sub/a.json  [3/7] 31 KSampler  4/20`."""
    step = f"  [{current.step}/{current.total}] {current.node} {current.class_type}".rstrip() if current.step else ""
    parts = f"  {current.done}/{current.parts}" if current.parts else ""
    return f"{current.name}{step}{parts}"
