"""Files of drawings: where one may be written, and the report that one is drawn from."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from engine.cli import out_file
from engine.drawing.saving import DRAWING
from engine.errors import GraphInvalid
from engine.reading.png_chunks import SIGNATURE
from schemas.report import Problem, RunReport

FLOWCHART = b"flowchart "
LARGEST_REPORT = 64 * 2**20
"""Bytes; a report has a few thousand."""


def check_drawing_place(name: str, form: str) -> None:
    """Raise GraphInvalid if no drawing may be written there: no folder, or a file that is no drawing of ours."""
    said = "is no drawing that was exported before"
    out_file.check_place(name, lambda path: _is_drawing(path, form), said, "-o - is standard output.")


def _is_drawing(path: Path, form: str) -> bool:
    with open(path, "rb") as file:
        begin = file.read(4096)
    if not begin:
        return True
    return (
        begin.startswith(FLOWCHART) if form == "mermaid" else begin.startswith(SIGNATURE) and DRAWING.encode() in begin
    )


def read_report(name: str, file: str) -> RunReport:
    """The report on a graph in what `run --json` wrote: the last one on this file, or the only one.

    name: of the report. file: of the graph, as `run` was given it. Raises GraphInvalid.
    """
    try:
        with open(name, "rb") as source:
            text = source.read(LARGEST_REPORT).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused("unreadable-file", f"--report: {name!r} cannot be read: {reason}.") from error
    found = [each for each in _records(text) if each.get("event") == "report"]
    here = [each for each in found if Path(str(each.get("file"))).name == Path(file).name]
    if not here and len(found) != 1:
        said = "it holds no report" if not found else f"it holds {len(found)} reports, and none is on {file!r}"
        raise _refused("bad-setting", f"--report: {name!r}: {said}.")
    try:
        return RunReport.model_validate((here or found)[-1])
    except ValidationError as error:
        raise _refused(
            "bad-setting", f"--report: {name!r}: its report is damaged: {error.errors()[0]['msg']}."
        ) from error


def _records(text: str) -> list[dict[str, Any]]:
    """The objects in a file of one, or of one a line; lines that are none are passed over."""
    found = []
    for part in (text, *text.splitlines()):
        try:
            value = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
            if part is text:
                break
    return found


def _refused(code: Literal["unreadable-file", "bad-setting"], said: str) -> GraphInvalid:
    return GraphInvalid([Problem(code=code, said=said, fix="Give what `comfyless run --json` wrote.")])
