"""Where a picture goes, by its filename prefix: tokens, subfolders, and the border of the output folder.

Two sets of tokens, as in ComfyUI. The editor's are expanded first: `%date:FORMAT%` (d, M, h, m, s, single or doubled,
and yy or yyyy) and `%Node.widget%` (a node by class, else by title). Then the server's: `%width%`, `%height%`,
`%year%`, `%month%`, `%day%`, `%hour%`, `%minute%`, `%second%`, and in the file's own name `%batch_num%`. What is no
token stays.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import NotWritten
from engine.folders.borders import leads_out
from schemas.prompt import link_of, literal_of

BATCH_NUMBER = "%batch_num%"

_TOKEN = re.compile(r"%([^%]+)%")
_DATE_PART = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyyy|yyy|yy")
_NOT_IN_A_NAME = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_IMPOSSIBLE = re.compile(r"[\x00\ud800-\udfff]")
"""What no file system's names can hold: the end of a C string, and halves of a character."""
_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where pictures of one prefix go. folder: absolute, inside the root; name: may still hold `%batch_num%`."""

    folder: Path
    name: str

    def file_name(self, batch_index: int, counter: int) -> str:
        """`NAME_00001_.png`, counters of five digits or more."""
        return f"{self.name.replace(BATCH_NUMBER, str(batch_index))}_{counter:05}_.png"

    def last_counter(self) -> int:
        """The highest counter among the files of this prefix in the folder; 0 if there is none."""
        parts = [re.escape(part) for part in self.name.split(BATCH_NUMBER)]
        flags = re.IGNORECASE if os.name == "nt" else re.NOFLAG
        counted = re.compile(r"\d+".join(parts) + r"_([0-9]+)(_.*)?", flags | re.DOTALL)
        found = (counted.fullmatch(entry) for entry in os.listdir(self.folder))
        return max((int(match[1]) for match in found if match), default=0)


def place_of(prefix: str, root: Path) -> Place:
    """The place an expanded prefix names below `root`, whose folders may not exist yet.

    Both slashes part folders, so that a graph from any system works. Raises NotWritten if the prefix, or a symbolic
    link on its way, leads out of the root.
    """
    path = os.path.normpath(_IMPOSSIBLE.sub("_", prefix).replace("\\", "/"))
    subfolder, name = os.path.split(path)
    folder = Path(os.path.realpath(root / _allowed(subfolder)))
    if leads_out(path) or not folder.is_relative_to(os.path.realpath(root)):
        raise NotWritten(f"the filename prefix {prefix!r} leads out of {root}. Give one that stays inside.")
    return Place(folder, "" if name == "." else _allowed(name))


def _allowed(path: str) -> str:
    """The path without characters and names that the platform's files cannot have."""
    if os.name != "nt":
        return path
    parts = (re.sub(r'[<>:"|?*\x00-\x1f]', "_", part).rstrip(". ") for part in path.split("/"))
    return "/".join(f"_{part}" if _RESERVED_ON_WINDOWS.match(part) else part for part in parts)


def expand(prefix: str, prompt: Mapping[str, Any], width: int, height: int, now: datetime) -> str:
    """The prefix with its tokens replaced, `%batch_num%` excepted.

    prompt: the graph in API format, for `%Node.widget%`; values that are links stay unexpanded. width, height: of the
    picture, in pixels. now: local time.
    """
    if "%" not in prefix:
        return prefix
    expanded = _TOKEN.sub(lambda match: _editor_token(match, prompt, now), prefix)
    for token, value in _server_tokens(width, height, now).items():
        expanded = expanded.replace(token, value)
    return expanded


def _server_tokens(width: int, height: int, now: datetime) -> dict[str, str]:
    return {
        "%width%": str(width),
        "%height%": str(height),
        "%year%": str(now.year),
        "%month%": f"{now.month:02}",
        "%day%": f"{now.day:02}",
        "%hour%": f"{now.hour:02}",
        "%minute%": f"{now.minute:02}",
        "%second%": f"{now.second:02}",
    }


def _editor_token(match: re.Match[str], prompt: Mapping[str, Any], now: datetime) -> str:
    """What stands for `%token%`, which is itself if it means nothing to the editor."""
    token = match[1]
    if token.startswith("date:"):
        return format_date(token.removeprefix("date:"), now)
    name, _, field = token.partition(".")
    value = _widget_value(name, field, prompt) if token.count(".") == 1 else None
    return match[0] if value is None else value


def _widget_value(name: str, field: str, prompt: Mapping[str, Any]) -> str | None:
    nodes = [node for node in prompt.values() if isinstance(node, Mapping)]
    named = [node for node in nodes if node.get("class_type") == name]
    named = named or [node for node in nodes if (node.get("_meta") or {}).get("title") == name]
    inputs = named[0].get("inputs") or {} if named else {}
    if field not in inputs or link_of(inputs[field]):
        return None
    return _NOT_IN_A_NAME.sub("_", _as_shown(literal_of(inputs[field])))


def _as_shown(value: Any) -> str:
    """A literal as the editor writes it: true, not True; 1, not 1.0."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def format_date(pattern: str, now: datetime) -> str:
    """`yyyy-MM-dd hh:mm:ss` and the like; yyy and what is no part of a date stay as they are. Hours run to 23."""
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def shown(match: re.Match[str]) -> str:
        part = match[0]
        if part[0] == "y":
            return {4: f"{now.year:04}", 2: f"{now.year:04}"[2:]}.get(len(part), part)
        return str(parts[part[0]]).zfill(len(part))

    return _DATE_PART.sub(shown, pattern)
