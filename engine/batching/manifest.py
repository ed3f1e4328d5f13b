"""Manifest: what became of every row, as JSON lines and as CSV, growing row by row.

A row is one write to each file, on the disk before the next row ends. A line that a killed process has torn is mended
by `rebuild`, from what the journal knows; so is everything else that may be wrong with these two files.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from errno import ENOSPC
from hashlib import file_digest
from pathlib import Path
from typing import Any

from engine.whole_files import replacing
from schemas.batch import ManifestLine

JSON_LINES, TABLE = "manifest.jsonl", "manifest.csv"
BEFORE, BEHIND = ("row",), ("state", "outputs", "hashes", "seconds", "attempts", "error")
"""Columns of the table that stand around the settings."""


class Manifest:
    """The two files of one folder. For one thread; whoever wrote last wins among several processes."""

    def __init__(self, folder: Path, columns: Sequence[str] = ()) -> None:
        """Touch nothing on disk yet. columns: names of settings, in the order of the table; others follow as found."""
        self._lines, self._table = folder / JSON_LINES, folder / TABLE
        self._columns = dict.fromkeys(columns)
        self._headed = False

    def rebuild(self, lines: Iterable[ManifestLine]) -> None:
        """Write both anew; what was there is replaced at once, or stays if the disk refuses (OSError).

        Hashes that a line lacks are taken from what was there, if it names the same files, or from the files.
        """
        known = {line.row: line for line in self.read()}
        with replacing(self._lines) as file:
            for line in lines:
                self._columns |= dict.fromkeys(line.settings)
                before = known.get(line.row)
                if before and before.outputs == line.outputs and None not in before.hashes and not line.hashes:
                    line = line.model_copy(update={"hashes": before.hashes})
                file.write(_json_line(_hashed(line)))
        self._write_table()

    def add(self, line: ManifestLine) -> ManifestLine:
        """Append one row to both files; the line as written, with the hashes it lacked.

        Raises OSError if the disk refuses; no part of the row is left then, as far as the disk lets us take it back.
        """
        line = _hashed(line)
        known = line.settings.keys() <= self._columns.keys()
        self._columns |= dict.fromkeys(line.settings)
        _append(self._lines, _json_line(line))
        if known and (self._headed or self._is_headed()):
            _append(self._table, _table_lines([self._cells(line)]))
        else:
            self._write_table()
        return line

    def read(self) -> Iterator[ManifestLine]:
        """The rows in the JSON lines, as far as they are whole."""
        with suppress(FileNotFoundError), self._lines.open("rb") as file:
            for text in file:
                try:  # by json: pydantic's own reader refuses halves of surrogate pairs
                    line = ManifestLine.model_validate(json.loads(text))
                except ValueError:  # torn by a killed process; the journal knows what it said
                    continue
                yield line

    def _write_table(self) -> None:
        """The table anew, from the JSON lines."""
        with replacing(self._table) as file:
            file.write(_table_lines([(*BEFORE, *self._columns, *BEHIND)]))
            for line in self.read():
                file.write(_table_lines([self._cells(line)]))
        self._headed = True

    def _is_headed(self) -> bool:
        """Whether the table on disk has the columns of this one."""
        head = _table_lines([(*BEFORE, *self._columns, *BEHIND)])
        with suppress(FileNotFoundError), self._table.open("rb") as file:
            self._headed = file.read(len(head)) == head
        return self._headed

    def _cells(self, line: ManifestLine) -> list[str]:
        """One row of the table."""
        hashes = ";".join(each or "" for each in line.hashes)
        behind = (line.state, ";".join(line.outputs), hashes, f"{line.seconds:.3f}", line.attempts, line.error)
        return [_cell(each) for each in (line.row, *map(line.settings.get, self._columns), *behind)]


def sha256_of(path: str) -> str | None:
    """The hash of a file, as "sha256:…"; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return f"sha256:{file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return None


def _hashed(line: ManifestLine) -> ManifestLine:
    """The line with a hash for each output; files that are gone are told in its error."""
    if len(line.hashes) == len(line.outputs):
        return line
    hashes = [sha256_of(path) for path in line.outputs]
    gone = [path for path, found in zip(line.outputs, hashes, strict=True) if found is None]
    said = f"{', '.join(gone)} cannot be read any more" if gone else None
    error = "; ".join(each for each in (line.error, said) if each) or None
    return line.model_copy(update={"hashes": hashes, "error": error})


def _json_line(line: ManifestLine) -> bytes:
    """One line. Letters stay letters; halves of surrogate pairs, which UTF-8 cannot say, are escaped as JSON does."""
    text = json.dumps(line.model_dump(mode="json"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _table_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as RFC 4180 has them: what holds commas, quotes or line breaks stands in quotes."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> str:
    """Texts as they are, numbers and the rest as JSON; nothing for what is not there."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "\\0")  # csv's own reader stops there
    if isinstance(value, Mapping | list | tuple | bool):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _append(path: Path, data: bytes) -> None:
    """Write at the end of a file, all or, if the disk refuses, nothing."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        before = os.fstat(handle).st_size
        try:
            if os.write(handle, data) != len(data):
                raise OSError(ENOSPC, os.strerror(ENOSPC), str(path))  # a disk takes part of a write when it is full
            os.fsync(handle)
        except OSError:
            with suppress(OSError):  # half a line stays, which the next start mends; the first trouble is told
                os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
