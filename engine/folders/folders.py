"""Folders: the model roots, the input, output and temporary folder of one run, and what lies in them."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from heapq import nlargest
from pathlib import Path, PurePosixPath

from engine.errors import FileMissing, GraphInvalid
from engine.folders.extra_paths import read_extra_paths
from engine.folders.fingerprints import fingerprint
from engine.folders.layout import (
    GGUF,
    MODEL_SUFFIXES,
    NESTED,
    OWNERS,
    PICTURES,
    SAME_PLACES,
    canonical,
    subfolders,
    suffixes,
)
from engine.folders.scanning import Scan, scan
from schemas.report import Problem
from schemas.sockets import FileRef

INPUT = "input"
"""The name under which the input folder can be asked like a model folder."""
NEAR_NAMES = 3
MOST_COMPARED = 200
ANNOTATIONS = ("input", "output", "temp")


class Folders:
    """Finds files by the names that graphs use. Nothing is scanned before it is asked for."""

    def __init__(
        self,
        models: Sequence[str | os.PathLike[str]] = (),
        extra_model_paths: Sequence[str | os.PathLike[str]] = (),
        input: str | os.PathLike[str] = "input",
        output: str | os.PathLike[str] = "output",
        temp: str | os.PathLike[str] | None = None,
    ) -> None:
        """models: folders in ComfyUI's `models` layout, first wins. extra_model_paths: YAML files in ComfyUI's form.

        temp: where previews go; a folder `temp` beside the output folder unless given. Input, output and temp need not
        exist yet. Raises GraphInvalid (bad-setting) naming every model root or YAML file that cannot be used.
        """
        self.roots = tuple(Path(os.path.abspath(os.path.expanduser(root))) for root in models)
        self.input, self.output = Path(os.path.abspath(input)), Path(os.path.abspath(output))
        self.temp = Path(os.path.abspath(temp)) if temp is not None else self.output.parent / "temp"
        self._scans: dict[tuple[str, frozenset[str]], Scan] = {}
        self._places: dict[str, list[str]] = {}
        missing = [refuse_root(root) for root in self.roots if not root.is_dir()]
        if missing:
            raise GraphInvalid(missing)
        for file in extra_model_paths:
            for folder, path, first in read_extra_paths(Path(file)):
                self._add(canonical(folder), path, first)

    def _add(self, folder: str, path: str, first: bool) -> None:
        """Take one more place for a folder; a place known already only moves, and only to the front."""
        places = self._known(folder)
        if first and path in places:
            places.remove(path)
        if path not in places:
            places.insert(0 if first else len(places), path)

    def _known(self, folder: str) -> list[str]:
        """The places of a canonical folder, best first."""
        if folder in SAME_PLACES:
            return self._known(SAME_PLACES[folder])
        if folder not in self._places:
            self._places[folder] = [str(root / below) for root in self.roots for below in subfolders(folder)]
        return self._places[folder]

    def kinds(self) -> tuple[str, ...]:
        """The canonical names of all folders that may hold model files, sorted; each place counts under one of them."""
        found = set(self._places)
        for root in self.roots:
            names = {entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
            found |= {OWNERS.get(name, name) for name in names - {below.parts[0] for below in NESTED}}
            found |= {OWNERS[str(below)] for below in NESTED if (root / below).is_dir()}
        return tuple(sorted(kind for kind in found if suffixes(kind) & (MODEL_SUFFIXES | GGUF)))

    def searched(self, folder: str) -> list[str]:
        """The paths in which a folder's files are looked for, best first; those that do not exist are among them."""
        return [str(self.input)] if folder == INPUT else list(self._known(canonical(folder)))

    def names(self, folder: str) -> tuple[str, ...]:
        """All files of a folder: relative, POSIX slashes, each once, in ComfyUI's order (by code point).

        Of the input folder (INPUT): the pictures directly in it.
        """
        if folder == INPUT:
            return self.input_names()
        kept = suffixes(canonical(folder))
        return tuple(
            sorted({name for place in self._known(canonical(folder)) for name in self._scan(place, kept).names})
        )

    def _scan(self, place: str, kept: frozenset[str]) -> Scan:
        """What lies in one place; looked up again only if one of its folders has changed."""
        known = self._scans.get((place, kept))
        if known is None or not known.folders or not known.is_current():
            known = self._scans[place, kept] = scan(place, kept)
        return known

    def path(self, folder: str, name: str) -> Path | None:
        """Where a file lies, or None. Asks the file system for this one name; scans nothing, reads nothing."""
        if folder == INPUT:
            return self.input_path(name)
        below = inside(name)
        kept = suffixes(canonical(folder))
        if below is None or (kept and below.suffix.lower() not in kept):
            return None
        for place in self._known(canonical(folder)):
            if os.path.isfile(found := os.path.join(place, below)):
                return Path(found)
        return None

    def has(self, folder: str, name: str) -> bool:
        """Whether a folder has a file of this name."""
        return self.path(folder, name) is not None

    def find(self, folder: str, name: str) -> FileRef | None:
        """The file of this name with its fingerprint, or None. Both slashes will do; the first place wins."""
        path = self.path(folder, name)
        if path is None:
            return None
        known_as = name if folder == INPUT else str(inside(name))
        return FileRef(canonical(folder), known_as, str(path), fingerprint(path))

    def require(self, folder: str, name: str) -> FileRef:
        """The file of this name. Raises FileMissing with near names and the places searched."""
        found = self.find(folder, name)
        if found is None:
            raise FileMissing(canonical(folder), name, self.near(folder, name), self.searched(folder))
        return found

    def near(self, folder: str, name: str) -> list[str]:
        """Names in the folder that may be meant: the same file in another subfolder first, then similar ones."""
        wanted = name.replace("\\", "/")
        names = self.names(folder)
        base = PurePosixPath(wanted).name.lower()
        moved = [other for other in names if other.rpartition("/")[2].lower() == base]
        similar = get_close_matches(wanted, alike(wanted, names), NEAR_NAMES, 0.6)
        return list(dict.fromkeys([*moved, *similar]))[:NEAR_NAMES]

    def elsewhere(self, name: str) -> list[str]:
        """Other folders that have a file of exactly this name: it may only be in the wrong place."""
        folders = {canonical(below.name) for root in self.roots for below in root.iterdir() if below.is_dir()}
        return sorted(folder for folder in folders | set(self._places) if self.has(folder, name))

    def input_names(self) -> tuple[str, ...]:
        """Pictures directly in the input folder, sorted."""
        try:
            entries = [entry.name for entry in os.scandir(self.input) if entry.is_file()]
        except OSError:
            return ()
        return tuple(sorted(name for name in entries if os.path.splitext(name)[1].lower() in PICTURES))

    def input_path(self, name: str) -> Path | None:
        """A file by a name as LoadImage takes it: "a.png", "sub/a.png", "a.png [output]"; None if it is not there."""
        name, base = self.annotated(name)
        below = inside(name)
        if below is None or not (base / below).is_file():
            return None
        return base / below

    def annotated(self, name: str) -> tuple[str, Path]:
        """A name without its " [input]", " [output]" or " [temp]", and the folder that this stands for."""
        for kind in ANNOTATIONS:
            if name.endswith(f"[{kind}]"):
                return name.removesuffix(f"[{kind}]").removesuffix(" "), getattr(self, kind)
        return name, self.input

    def fingerprint(self, path: str | os.PathLike[str]) -> str:
        """See engine.folders.fingerprints."""
        return fingerprint(path)


def alike(wanted: str, names: Sequence[str]) -> Sequence[str]:
    """The names that share most runs of three characters: an exact comparison with ten thousand takes a second."""
    runs = {wanted[at : at + 3] for at in range(len(wanted) - 2)}
    if len(names) <= MOST_COMPARED or not runs:
        return names[:MOST_COMPARED]
    return nlargest(MOST_COMPARED, names, key=lambda name: sum(run in name for run in runs))


def inside(name: str) -> PurePosixPath | None:
    """A name as a relative path that stays inside; None if it is empty, absolute, or climbs out."""
    slashed = name.replace("\\", "/")
    if not slashed or "\0" in slashed or slashed.startswith("/") or os.path.splitdrive(slashed)[0]:
        return None
    below = PurePosixPath(os.path.normpath(slashed).replace("\\", "/"))
    return None if ".." in below.parts or not below.parts else below


def refuse_root(root: Path) -> Problem:
    """The problem with a models folder that is none."""
    what = "is a file, not a folder" if root.exists() else "does not exist"
    return Problem(
        code="bad-setting",
        said=f"the models folder {str(root)!r} {what}.",
        fix="Give the path of a folder in ComfyUI's `models` layout.",
        found=str(root),
    )
