"""The file named with -o: looked at before anything else is done, written whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from engine.errors import GraphInvalid, NotWritten
from engine.whole_files import write_instead
from schemas.report import Problem


def check_place(name: str, is_ours: Callable[[Path], bool], said_of_others: str, without: str) -> None:
    """Raise GraphInvalid if nothing may be written there: no folder, or a file of another kind.

    A picture that a graph has made is easily named by mistake, and would be lost. is_ours: whether a file that exists
    may be replaced; said_of_others: what is said of one that may not. without: what can be done but naming a file.
    """
    path = Path(name)
    code: Literal["bad-setting", "would-overwrite"] = "bad-setting"
    if not name:
        said, fix = "the name of the file is empty", f"Name a file. {without}"
    elif path.is_dir():
        said, fix = f"{name!r} is a folder, not a file", "Name a file in it."
    elif not path.parent.is_dir():
        said, fix = f"{str(path.parent)!r} is no folder", "Make it first, or name another file."
    elif path.exists() and not path.is_file():
        said, fix = f"{name!r} is no ordinary file", f"Name another file. {without}"
    elif path.exists() and not is_ours(path):
        code, said, fix = "would-overwrite", f"{name!r} exists, and {said_of_others}", "Name another file."
    else:
        return
    raise GraphInvalid([Problem(code=code, said=f"-o: {said}.", fix=fix)])


def write(path: Path, data: bytes, what: str) -> None:
    """Write a file; through a link, to the file it leads to. Raises NotWritten, and then nothing was changed.

    what: is written, for messages, such as "the graph".
    """
    try:
        write_instead(Path(os.path.realpath(path)), [data])
    except OSError as error:
        raise NotWritten(f"{what} could not be written to {path}: {error.strerror or error}.") from error
