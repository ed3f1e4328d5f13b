"""Patterns: Python's regular expressions over a text, for a bounded time and in bounded memory.

Some patterns take longer than the universe has time for ("(a+)+b"), and nothing can stop Python's search but the end
of its process. So it has a process of its own, which is started in some 20 ms.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 10.0
"""How long one search may take."""

WORKER = Path(__file__).with_name("pattern_worker.py")


class PatternInvalid(ValueError):
    """The pattern, or what should stand in place of its matches, cannot be read."""


def flags_of(case_insensitive: bool, multiline: bool, dotall: bool) -> int:
    """The flags that ComfyUI's nodes offer, as Python's number."""
    chosen = ((case_insensitive, re.IGNORECASE), (multiline, re.MULTILINE), (dotall, re.DOTALL))
    return int(sum(flag for wanted, flag in chosen if wanted))


def first(pattern: str, text: str, flags: int, group: int = 0) -> str | None:
    """The text of a group in the first match, "" if it took no part; None without a match or such a group.

    Raises PatternInvalid, TimeoutError after SECONDS, and ValueError if memory does not suffice.
    """
    found = _found("first", pattern, text, flags, group=group)
    return found if isinstance(found, str) else None


def each(pattern: str, text: str, flags: int, group: int | None = None) -> list[str]:
    """The text of a group in each match: by default the first group's, and of a pattern without groups all of it.

    Nothing without such a group, nor for any group of a pattern without groups. Raises as `first` does.
    """
    return list(_found("each", pattern, text, flags, group=group))


def replaced(pattern: str, text: str, flags: int, replacement: str, count: int = 0) -> str:
    r"""The text with its first `count` matches replaced, all for 0; "\1" is a group. Raises as `first` does."""
    return str(_found("replaced", pattern, text, flags, replacement=replacement, count=count))


def _found(task: str, pattern: str, text: str, flags: int, **options: str | int | None) -> Any:
    request = {"task": task, "pattern": pattern, "text": text, "flags": flags, "options": options}
    command = [sys.executable, "-I", "-S", "-W", "ignore", str(WORKER)]
    try:
        done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"the pattern {pattern[:100]!r} was given up after {SECONDS:.0f} s") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ValueError(f"the pattern {pattern[:100]!r} could not be applied: {last or done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "fault" in answer:
        raise PatternInvalid(f"the pattern {pattern[:100]!r} is not valid: {answer['fault']}")
    return answer["found"]
