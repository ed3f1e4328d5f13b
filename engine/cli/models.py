"""`comfyless models`: the model files there are, or what one of them holds, from its header."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE
from engine.cli.options import PLACES, Verbs, add_manner, add_settings, add_verb, settings_of
from engine.cli.table import table
from engine.errors import GraphInvalid, ModelFileInvalid
from engine.plugins.nearest import Nearest
from schemas.quantities import size_text
from schemas.report import Problem

if TYPE_CHECKING:
    from engine.checkpoints.describe import ModelFile

HELP = "list model files, or describe one"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = "List the model files in all folders with what they hold, or describe one. Only headers are read."
    parser = add_verb(verbs, models, HELP, said)
    parser.add_argument("file", metavar="FILE", nargs="?", help="a path, or a name in any of the folders")
    add_manner(parser, quiet=False)
    add_settings(parser, PLACES)


def models(arguments: argparse.Namespace) -> int:
    """List them all, or describe the named one; 2 if that one cannot serve."""
    from engine import api

    console = Console()
    known = api.model_files(settings_of(arguments))
    if arguments.file is not None:
        return _describe(console, arguments, known)
    found = [Found(folder, name, path) for folder, name, path in known]
    if arguments.json:
        for file in found:
            console.record(file.record())
    else:
        for line in listing(found):
            console.data(line)
    return DONE


@dataclass(frozen=True)
class Found:
    """A file in a model folder."""

    folder: str
    name: str
    path: Path

    @cached_property
    def held(self) -> "ModelFile | str":
        """What it holds, or why that cannot be told."""
        from engine import api

        try:
            return api.describe_model(self.path)
        except (ModelFileInvalid, OSError) as error:
            return str(error)

    def record(self) -> dict[str, Any]:
        """A JSON record."""
        told = {"error": self.held} if isinstance(self.held, str) else self.held.model_dump(mode="json")
        return {"event": "model", "folder": self.folder, "name": self.name, "file": str(self.path), **told}

    def row(self) -> tuple[str, str, str]:
        """Name, size and contents, for the listing."""
        if isinstance(self.held, str):
            return self.name, "", self.held.removeprefix(f"{self.path}: ")
        variant = f" {self.held.variant}" if self.held.variant else ""
        names = (part.kind + (variant if part.kind == self.held.family else "") for part in self.held.parts)
        told = [f"{name} ({part.storage})" for name, part in zip(names, self.held.parts, strict=True)]
        return self.name, size_text(self.held.bytes), ", ".join(told) or "nothing that is recognised"


def listing(files: Sequence[Found]) -> Iterator[str]:
    """The files by folder: size, and what they hold in which storage."""
    for folder, group in groupby(files, key=lambda file: file.folder):
        yield words.plain(folder)
        yield from table([file.row() for file in group], indent=2, right=(1,))
    yield words.count(len(files), "file")


def _describe(console: Console, arguments: argparse.Namespace, known: "Sequence[tuple[str, str, Path]]") -> int:
    from engine import api

    path = path_of(arguments.file, known)
    try:
        described = api.describe_model(path)
    except (ModelFileInvalid, OSError) as error:
        said = error.said if isinstance(error, ModelFileInvalid) else f"{error.strerror or error}."
        fix = error.fix if isinstance(error, ModelFileInvalid) else "Check its name and permissions."
        raise GraphInvalid([Problem(code="bad-file", said=f"{path} {said}", fix=fix)]) from error
    if arguments.json:
        console.record({"event": "model", **described.model_dump(mode="json")})
    else:
        for line in described.text().splitlines():
            console.data(words.plain(line))
    return DONE


def path_of(name: str, known: "Sequence[tuple[str, str, Path]]") -> Path:
    """The file of that path, else of that name in any folder. Raises GraphInvalid with near names."""
    if Path(name).is_file():
        return Path(name)
    wanted = name.replace("\\", "/")
    for _, listed, path in known:
        if wanted in (listed, PurePosixPath(listed).name):
            return path
    near = Nearest(listed for _, listed, _ in known).of(wanted)
    fix = f"Did you mean {' or '.join(map(repr, near))}?" if near else "`comfyless models` lists all."
    said = f"{name!r} is no file here, nor in any model folder."
    raise GraphInvalid([Problem(code="missing-file", found=name, said=said, fix=fix)])
