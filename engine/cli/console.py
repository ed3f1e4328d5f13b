"""Console: the two streams, and one live line at the end of the second if that is a terminal."""

import errno
import io
import json
import math
import os
import shutil
import sys
from typing import Any, TextIO

WIPE = "\r\x1b[2K"


class Console:
    """Where a verb speaks. quiet: only data and errors.

    terminal: whether standard error moves a cursor. unicode: whether standard output takes every letter in UTF-8.
    """

    def __init__(self, quiet: bool = False) -> None:
        """Speak to the process's own streams, in whatever letters they can write."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._out: TextIO | _Nowhere = sys.stdout or _Nowhere()  # None if it was closed for us
        self._err: TextIO | _Nowhere = sys.stderr or _Nowhere()
        self.unicode = (self._out.encoding or "").lower().replace("-", "") == "utf8"
        self._quiet = quiet
        self._live = False
        self.terminal = self._err.isatty() and os.environ.get("TERM") != "dumb"

    def data(self, line: str) -> None:
        """A line of what was asked for."""
        self._clear()
        _write(self._out, line + "\n")

    def result(self, line: str) -> None:
        """A line of what came of it; nothing if quiet."""
        if not self._quiet:
            self.data(line)

    def record(self, record: dict[str, Any]) -> None:
        """A line of JSON, strict: no NaN, nothing but ASCII."""
        try:
            line = json.dumps(record, allow_nan=False)
        except ValueError:
            line = json.dumps(_finite(record), allow_nan=False)
        self.data(line)

    def note(self, line: str) -> None:
        """A line about what is going on; nothing if quiet."""
        if not self._quiet:
            self.complain(line)

    def complain(self, line: str) -> None:
        """A line about what is wrong."""
        self._clear()
        _write(self._err, line + "\n")

    def live(self, line: str) -> None:
        """Show a line that the next one replaces; nothing if quiet or no terminal."""
        if self.terminal and not self._quiet:
            _write(self._err, WIPE + line[: shutil.get_terminal_size().columns - 1])
            self._live = True

    def _clear(self) -> None:
        if self._live:
            _write(self._err, WIPE)
            self._live = False


class _Nowhere(io.TextIOBase):
    """A stream that nobody reads."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


def _write(stream: "TextIO | _Nowhere", text: str) -> None:
    """Write at once. A reader that has gone, `head` or a closed terminal, is spoken to no more; what runs goes on."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _finite(value: Any) -> Any:
    """The value with what JSON has no number for as text. Records are a few levels deep."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
