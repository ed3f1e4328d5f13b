"""A process of its own that applies one pattern: Python's own search cannot be stopped once it has begun.

Run as a file, with nothing but the standard library: a request as JSON on standard input, the answer on standard
output. The answer is {"found": ...} or {"fault": what is wrong with the pattern}.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

MOST_MEMORY = 1 << 30
"""Bytes of address space that the process may take; Linux alone bounds it."""


def first(pattern: "re.Pattern[str]", text: str, group: int, **_: Any) -> str | None:
    """The text of a group in the first match; None if there is no match or no such group."""
    match = pattern.search(text)
    return _group(match, group) if match and group <= pattern.groups else None


def each(pattern: "re.Pattern[str]", text: str, group: int | None, **_: Any) -> list[str]:
    """The text of a group in each match; None for the first group if there is one, else the match.

    Nothing if there is no such group, nor any: then not even the match, group 0, is one, as in ComfyUI.
    """
    if group is None:
        group = min(pattern.groups, 1)
    elif not pattern.groups or group > pattern.groups:
        return []
    return [_group(match, group) for match in pattern.finditer(text)]


def replaced(pattern: "re.Pattern[str]", text: str, replacement: str, count: int, **_: Any) -> str:
    """The text with so many matches replaced, with all for 0."""
    return pattern.sub(replacement, text, count=count)


def _group(match: "re.Match[str]", group: int) -> str:
    return match.group(group) or ""


TASKS: Mapping[str, Callable[..., Any]] = {"first": first, "each": each, "replaced": replaced}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What one request comes to."""
    try:
        pattern = re.compile(request["pattern"], request["flags"])
        return {"found": TASKS[request["task"]](pattern, request["text"], **request["options"])}
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        return {"fault": str(error)}


def bound_memory() -> None:
    """Let the system refuse memory beyond the bound, or beyond a narrower one that is there already."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(hard, MOST_MEMORY)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    bound_memory()
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
