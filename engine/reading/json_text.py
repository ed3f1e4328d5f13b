"""JSON text, read strictly: repeated keys are kept in mind, nesting is bounded, every refusal names line and column.

Format: RFC 8259, with NaN and Infinity let through as ComfyUI writes them.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from engine.errors import GraphInvalid
from engine.reading.printable import printable, shown
from schemas.report import Problem

DEEPEST = 100
"""Levels of nesting. Editor files with subgraphs reach about 15."""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, or an unfinished one up to the end. Possessive: linear in the text, however it is broken."""
_NO_BRACKETS = re.compile(r"[^][{}]+")
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_LONG_NUMBER = re.compile(r"\d{4301,}")
_UNFINISHED = "Unterminated"


@dataclass(frozen=True)
class Text:
    """JSON text and where it comes from. place: said before a finding, such as "in the text chunk 'prompt'"."""

    file: str
    text: str
    place: str = ""

    def refuse(self, said: str, fix: str, at: int | None = None) -> GraphInvalid:
        """The error for a finding, at a character offset if it has one."""
        line, column = (None, None) if at is None else _position(self.text, at)
        where = "" if at is None else f" (line {line}, column {column})"
        told = f"{self.place}: {said}{where}" if self.place else f"{said}{where}"
        problem = Problem(code="malformed-json", file=self.file, said=f"{told}.", fix=fix, line=line, column=column)
        return GraphInvalid([problem])


@dataclass
class Parsed:
    """A JSON value. repeated: objects with keys that they have more than once, by Python's id.

    The objects themselves are kept in it, since the id of a dropped one would be given to another.
    """

    value: Any
    repeated: dict[int, tuple[dict[str, Any], list[str]]] = field(default_factory=dict)

    def repeats(self, value: Any) -> list[str]:
        """The keys that this object, a part of `value`, had more than once in the text; the last one counts."""
        return self.repeated[id(value)][1] if id(value) in self.repeated else []


def decoded(file: str, data: bytes) -> Text:
    """Bytes as text: UTF-8, or UTF-16 and UTF-32 as JSON text shows them, with or without a byte order mark.

    Raises GraphInvalid (malformed-json) at the first byte that is no text.
    """
    encoding = json.detect_encoding(data)
    try:
        return Text(file, data.decode(encoding).removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        text = Text(file, before)
        said = f"byte {data[error.start : error.start + 1].hex()} is no {encoding.upper()} text"
        raise text.refuse(said, "Save the file as UTF-8.", len(before)) from None


def parse(source: Text, nan_as_null: bool = False) -> Parsed:
    """The value of a JSON text. nan_as_null: read NaN and the infinities as null, as pictures hold them.

    Raises GraphInvalid (malformed-json) with line and column.
    """
    _refuse_deep(source)
    _refuse_halves(source)
    parsed = Parsed(None)

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            parsed.repeated[id(made)] = (made, [key for key, count in counts.items() if count > 1])
        return made

    constants = (lambda name: None) if nan_as_null else float
    try:
        parsed.value = json.loads(source.text, object_pairs_hook=collect, parse_constant=constants)
    except json.JSONDecodeError as error:
        raise _malformed(source, error) from None
    except RecursionError:
        raise source.refuse("the text is nested too deeply", "Export the workflow again.") from None
    except ValueError:  # Python refuses to turn very long digit strings into numbers
        at = _LONG_NUMBER.search(source.text)
        raise source.refuse("a number has thousands of digits", "Correct it.", at.start() if at else None) from None
    return parsed


def _position(text: str, at: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _malformed(source: Text, error: json.JSONDecodeError) -> GraphInvalid:
    text = source.text
    if error.pos >= len(text.rstrip()) or error.msg.startswith(_UNFINISHED):
        fix = "The text ends too early: export or copy the file again, whole."
    elif error.msg == "Extra data":
        fix = "Keep one JSON object in the file."
    elif text[error.pos : error.pos + 1] == "'":
        fix = "Write texts and names in double quotes, as JSON wants them."
    elif text[: error.pos].rstrip().endswith(",") or error.msg.startswith("Illegal trailing comma"):
        fix = "Take out the comma before it."
    else:
        fix = "Correct the text there, or export the workflow again."
    near = text[error.pos : error.pos + 20].split("\n")[0]
    reason = error.msg[0].lower() + error.msg[1:]
    said = f"this is no valid JSON: {reason}" + (f" at {shown(printable(near))}" if near.strip() else "")
    return source.refuse(said, fix, error.pos)


def _refuse_deep(source: Text) -> None:
    """Measure nesting before anything recurses over the text.

    Strings and scalars are cut out, then matched brackets are taken away level by level; what is nested no deeper
    than DEEPEST is gone after as many rounds. Broken text leaves a rest, which is then measured bracket by bracket.
    """
    brackets = _NO_BRACKETS.sub("", _STRING.sub("", source.text))
    for _ in range(DEEPEST):
        if not brackets:
            return
        shorter = brackets.replace("[]", "").replace("{}", "")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            said = f"the text is nested more than {DEEPEST} levels deep"
            raise source.refuse(said, "No workflow is; export it again.")


def _refuse_halves(source: Text) -> None:
    """A lone half of a surrogate pair is no character and can neither be printed nor saved again."""
    if not _HALF_ESCAPE.search(source.text):
        return
    for found in _ESCAPE.finditer(source.text):
        if found.group(3):
            said = f"the escape {found.group()} is half a character"
            raise source.refuse(said, "Write the whole character, or both halves.", found.start())
