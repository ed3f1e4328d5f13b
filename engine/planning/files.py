"""Files: what a literal that names a file stands for, model or picture."""

from typing import Protocol

from engine.errors import ModelFileInvalid
from schemas.sockets import FileRef


class Files(Protocol):
    """What planning and running ask of engine.folders."""

    def require(self, folder: str, name: str) -> FileRef:
        """The file of this name; the folder "input" holds pictures. Raises FileMissing."""


def file_of(files: Files, folder: str, name: str) -> FileRef:
    """The file that a graph names. Raises FileMissing if it is not there, ModelFileInvalid if it cannot be read."""
    try:
        return files.require(folder, name)
    except OSError as error:
        said = f"cannot be read: {error.strerror or error}."
        raise ModelFileInvalid(str(error.filename or name), said, "Check its permissions.") from error
