"""Crashing: a process dies before its n-th change of the disk; simulated in this one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHANGES = frozenset({"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "open"})
"""Audit events of what changes files; os.replace tells "os.rename"."""


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class _Fuse:
    left: int | None = None
    below = ""


def _burn(event: str, arguments: tuple[Any, ...]) -> None:
    if _Fuse.left is None or event not in CHANGES:
        return
    path = str(arguments[0])
    if not path.startswith(_Fuse.below) and not str(arguments[1]).startswith(_Fuse.below):
        return
    if _Fuse.left == 0:
        raise Killed(event)
    _Fuse.left -= 1


sys.addaudithook(_burn)


@contextmanager
def killed_after(changes: int, below: str) -> Iterator[None]:
    """Within, the change of a file below that folder after so many others, and every later one, kills."""
    _Fuse.left, _Fuse.below = changes, below
    try:
        yield
    finally:
        _Fuse.left = None


def half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fsync kill: what was written may be there, in part, under its passing name; nobody comes to remove it."""

    def kill(*_: object) -> None:
        raise Killed("fsync")

    for name in ("fsync", "unlink"):
        monkeypatch.setattr(os, name, kill)
