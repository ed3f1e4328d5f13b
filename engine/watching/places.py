"""places: where a watch keeps its journal and its drafts, and which folders it must not look into."""

import os
from pathlib import Path

from engine.errors import GraphInvalid
from engine.watching.scanning import STATE
from schemas.report import Problem
from schemas.settings import Settings

JOURNAL = "journal.sqlite"
FOLDER = "folder"
"""The fact of a journal that says which folder it is of."""


def watched(folder: Path, settings: Settings) -> Path:
    """The absolute path of a folder that can be watched. Raises GraphInvalid if it cannot."""
    if not folder.is_dir():
        said = f"{folder} is no folder." if folder.exists() else f"{folder}: there is no such folder."
        raise _refused(str(folder), said, "Name a folder." if folder.exists() else f"Make it: mkdir -p {folder}")
    found = folder.resolve()
    for option in ("output", "temp", "input"):
        if getattr(settings, option).resolve() == found:
            said = f"--{option} is the watched folder itself: its pictures would be taken for graphs."
            raise _refused(str(folder), said, f"Name another folder with --{option}; it may lie in the watched one.")
    return found


def check_writable(state: Path, settings: Settings) -> None:
    """Raise GraphInvalid for a place that can never be a folder: a file has its name, or that of a folder above it."""
    for option, folder in (("state", state), ("output", settings.output), ("temp", settings.temp)):
        there = _standing(folder)
        if not there.is_dir():
            said = f"--{option}: {there} is a file, so that nothing can be put into {folder}."
            raise _refused(str(folder), said, "Name another folder, or move the file away.")


def skipped(folder: Path, state: Path, settings: Settings) -> list[Path]:
    """Folders whose files are no graphs, as far as they lie in the watched folder."""
    cache = [settings.cache] if isinstance(settings.cache, Path) else []
    found = [state, settings.output, settings.temp, settings.input, *settings.models, *cache]
    return [path for path in (each.resolve() for each in found) if path.is_relative_to(folder)]


def state_folder(folder: Path, state: Path | None) -> Path:
    """Where the journal lies."""
    return folder / STATE if state is None else state.resolve()


def drafts_folder(state: Path, output: Path) -> Path:
    """Where pictures wait for their names: on the file system of the output folder, so that they need not be copied."""
    return state if _device(state) == _device(output) else output.resolve() / STATE


def journal_in(folder: Path, state: Path | None = None) -> Path | None:
    """The journal of a watched folder, or the one that lies in a folder itself (a batch's); None if there is none."""
    places = [state] if state is not None else [folder / STATE, folder]
    return next((place / JOURNAL for place in places if (place / JOURNAL).is_file()), None)


def _device(path: Path) -> int:
    """The file system that a folder is on, or will be."""
    return os.stat(_standing(path)).st_dev


def _standing(path: Path) -> Path:
    """What there is of a path: itself, or the next one above it."""
    path = path.absolute()
    return next(each for each in (path, *path.parents) if each.exists())


def _refused(found: str, said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code="bad-setting", found=found, said=said, fix=fix)])
