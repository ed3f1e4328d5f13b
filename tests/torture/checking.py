"""Checking: what is found when all has ended, held against what was put in."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from engine.watching.scanning import DONE, ERROR, FAILED, REPORT, STATE
from tests.torture.graphs import colour_of, number_of
from tests.torture.producer import Entry

PICTURE = re.compile(r"([ab]\d{5})_(\d{5})_\.png")
PASSING = re.compile(r"\.part$|\.tmp$|^\.comfyless-|^\.making|^staging$|\.lock$|^\.(manifest|contact)|-(wal|shm)$")


def check_watch(folder: Path, output: Path, ledger: dict[int, Entry]) -> Iterator[str]:
    """Everything that is wrong with a watched folder that was drained."""
    yield from check_nothing_left(folder)
    yield from check_nothing_left(output)
    yield from _check_standing(folder)
    reports = {path: _report(path) for part in (DONE, FAILED) for path in (folder / part).rglob(f"*{REPORT}")}
    yield from _check_reports(reports, output)
    yield from _check_graphs(folder, ledger)
    yield from _check_pictures(output, ledger)
    yield from check_journal(folder / STATE / "journal.sqlite", len(reports))


def check_nothing_left(folder: Path) -> Iterator[str]:
    """No passing name, no lock and no draft stays."""
    for path in folder.rglob("*"):
        if PASSING.search(path.name) and path.name not in (".making.lock", "batch.lock"):
            yield f"left over: {path.relative_to(folder)}"


def check_journal(path: Path, over: int) -> Iterator[str]:
    """The database is sound, and so many jobs are over, and none is anything else. over: expected."""
    with closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchall()
        states = dict(connection.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall())
        owners = connection.execute("SELECT count(*) FROM owner").fetchone()[0]
    if sound != [("ok",)]:
        yield f"{path.name}: {sound}"
    if set(states) - {"done", "failed"} or sum(states.values()) != over or owners:
        yield f"{path.name}: {states}, {owners} owners, but {over} are over"


def check_picture(path: Path, colour: tuple[int, int, int]) -> Iterator[str]:
    """It is a whole picture, of that colour all over."""
    try:
        with Image.open(path) as picture:
            found = picture.convert("RGB").getcolors()
    except OSError as error:
        yield f"{path.name}: {error}"
        return
    if found is None or [each for _, each in found] != [colour]:
        yield f"{path.name} shows {found}, not {colour}"


def _check_standing(folder: Path) -> Iterator[str]:
    """No graph stays where it was put."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).parts[0] not in (DONE, FAILED, STATE):
            yield f"still there: {path.relative_to(folder)}"


def _report(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _check_reports(reports: dict[Path, dict[str, Any]], output: Path) -> Iterator[str]:
    """Each can be read, says what its folder says, and together they name every picture once."""
    named: Counter[str] = Counter()
    for path, report in reports.items():
        done = path.name.endswith(REPORT) and report.get("status") == "done"
        if not report:
            yield f"{path.name} cannot be read"
        elif done != (f"/{DONE}/" in str(path)) or done == path.with_name(_stem(path) + ERROR).exists():
            yield f"{path} says {report.get('status')}: {report.get('error')}"
        named.update(each for paths in report.get("outputs", {}).values() for each in paths)
    pictures = {str(path) for path in output.rglob("*.png")}
    for path, times in named.items():
        if times > 1 or path not in pictures:
            yield f"{path} is named by {times} reports, and {'is' if path in pictures else 'is not'} there"
    for path in pictures - named.keys():
        yield f"{path} is in no report"


def _stem(report: Path) -> str:
    return report.name.removesuffix(REPORT)


def _check_graphs(folder: Path, ledger: dict[int, Entry]) -> Iterator[str]:
    """Every file that was put in lies in one of the folders, once, and has its report."""
    found: Counter[tuple[int, str]] = Counter()
    for part in (DONE, FAILED):
        for path in (folder / part).rglob("*"):
            if path.is_dir() or path.name.endswith((REPORT, ERROR)):
                continue
            number = number_of(path)
            stem = path.stem if path.suffix == ".json" else path.name
            if number is None or not path.with_name(stem + REPORT).exists():
                yield f"{path}: graph {number}, and {'a' if number else 'perhaps no'} report"
            else:
                found[number, part] += 1
    for number, entry in ledger.items():
        right, wrong = (DONE, FAILED) if entry.graph.good else (FAILED, DONE)
        count, bad = found[number, right], found[number, wrong]
        if entry.stalled:
            count, bad = count + bad, 0
        if bad or not entry.kept <= count <= entry.kept + entry.loose:
            yield f"graph {number}: {count} files in {right}, {bad} in {wrong}, but {entry}"


def _check_pictures(output: Path, ledger: dict[int, Entry]) -> Iterator[str]:
    """Each run has made its pictures, numbered without gaps, of the right colour."""
    found: dict[str, list[int]] = {}
    for path in output.rglob("*.png"):
        match = PICTURE.fullmatch(path.name)
        if match is None or path.parent != output:
            yield f"{path}: whose is it?"
            continue
        found.setdefault(match[1], []).append(int(match[2]))
        yield from check_picture(path, colour_of(int(match[1][1:])))
    for number, entry in ledger.items():
        runs = {len(found.pop(prefix, [])) / each for prefix, each in entry.graph.pictures.items()}
        least = 0 if entry.stalled else entry.least
        if len(runs) > 1 or any(not least <= each <= entry.most or each % 1 for each in runs):
            yield f"graph {number}: its pictures are of {sorted(runs)} runs, not {least} to {entry.most}"
    for prefix, counters in found.items():
        yield f"{prefix}: pictures {counters} of a graph that has none"
