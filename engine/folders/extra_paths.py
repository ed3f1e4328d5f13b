"""extra_model_paths.yaml: ComfyUI's way to say where else models lie.

Sections of {base_path, is_default, folder: paths}; a value may hold several paths, one a line. Paths are relative to
base_path, and base_path (or, without one, paths) to the file. Both may use ~ and environment variables.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import GraphInvalid
from schemas.report import Problem


class ExtraPath(NamedTuple):
    """One path for one folder. first: it goes before the paths known so far, instead of behind them."""

    folder: str
    path: str
    first: bool


def read_extra_paths(file: Path) -> list[ExtraPath]:
    """All paths of a file in its order. Raises GraphInvalid (bad-setting) if it is not there or not in this form."""
    import yaml  # only here: most people have no such file

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise refuse(file, f"cannot be read: {str(error).splitlines()[0] if str(error) else error!r}") from error
    if content is None:
        return []
    if not isinstance(content, dict):
        raise refuse(file, "holds no sections")
    return [path for name, section in content.items() if section for path in paths_of(file, str(name), section)]


def paths_of(file: Path, name: str, section: object) -> list[ExtraPath]:
    """The paths of one section."""
    if not isinstance(section, dict):
        raise refuse(file, f"section {name!r} is not a list of folders and paths")
    base = base_of(file, name, section)
    first = bool(section.get("is_default", False))
    found = []
    for folder, value in section.items():
        if folder in ("base_path", "is_default") or value is None:
            continue
        if not isinstance(value, str):
            raise refuse(file, f"section {name!r}: {folder} is no path, but {value!r}")
        lines = [expanded(line.strip()) for line in value.split("\n")]
        found += [ExtraPath(str(folder), os.path.normpath(base / line), first) for line in lines if line]
    return found


def base_of(file: Path, name: str, section: Mapping[Any, Any]) -> Path:
    """What a section's paths are relative to."""
    here = Path(os.path.abspath(file)).parent
    base = section.get("base_path")
    if base is None:
        return here
    if not isinstance(base, str):
        raise refuse(file, f"section {name!r}: base_path is no path, but {base!r}")
    return here / expanded(base)


def expanded(path: str) -> str:
    """A path with ~ and environment variables put in."""
    return os.path.expandvars(os.path.expanduser(path))


def refuse(file: Path, said: str) -> GraphInvalid:
    """The error for a file that cannot be used."""
    problem = Problem(
        code="bad-setting",
        said=f"{file}: {said}.",
        fix="Give a file in the form of ComfyUI's extra_model_paths.yaml.",
        file=str(file),
        found=str(file),
    )
    return GraphInvalid([problem])
