"""YAML rows: a list of mappings, each with the line that it begins in.

Plain texts stay texts, as in CSV: no is not false, 16:9 is not 969, 012 is not 10, and a date is no date. What a text
means is told by the input that it is for.
"""

import re
from typing import Any, NamedTuple

import yaml

_NULL, _BOOLEAN, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "merge"))


class Entry(NamedTuple):
    """An entry of the list. line: from 1. repeated: a name that it has twice."""

    line: int
    value: Any
    repeated: str | None = None


class Unreadable(Exception):
    """Why a text is no YAML. line: from 1, if it is known."""

    def __init__(self, error: Exception) -> None:
        """error: of the parser."""
        mark = getattr(error, "problem_mark", None)
        self.line: int | None = mark.line + 1 if mark else None
        super().__init__(getattr(error, "problem", None) or "it cannot be read")


class _Loader(yaml.SafeLoader):
    """Knows no numbers and no dates, and of truth values true and false."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    (_NULL, "~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_BOOLEAN, "true|True|TRUE|false|False|FALSE", list("tTfF")),
    (_MERGE, "<<", ["<"]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})\\Z"), _first)


def read(text: str) -> list[Entry] | Any:
    """The entries of a list; whatever else the text holds, as it is. Raises Unreadable."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.SequenceNode):
            return None if node is None else loader.construct_document(node)
        return [
            Entry(each.start_mark.line + 1, loader.construct_document(each), _repeated(each)) for each in node.value
        ]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable(error) from None


def _repeated(node: yaml.Node) -> str | None:
    """The first name that a mapping has twice."""
    names = [key.value for key, _ in node.value if key.tag != _MERGE] if isinstance(node, yaml.MappingNode) else []
    return next((str(name) for at, name in enumerate(names) if name in names[:at]), None)
