"""The model files that a converted graph names, made from those that the graph named before."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.checkpoints import index
from engine.errors import FileMissing, NotWritten
from engine.folders import Folders
from engine.folders.folders import inside
from engine.quantize import checkpoint_files, quantizing
from engine.quantize.quantizing import USUAL, Options
from schemas.conversion import FileNeeded
from schemas.quantized import Quantized
from schemas.weight_types import parse

AS_STORED = "as stored"
"""What to call the type of a part that is taken out of a checkpoint without being touched."""


def missing(files: Sequence[FileNeeded]) -> list[FileNeeded]:
    """Those that are not there yet."""
    return [file for file in files if not file.there]


def make(
    files: Sequence[FileNeeded],
    folders: Folders,
    options: Options = USUAL,
    begun: Callable[[FileNeeded], None] = lambda file: None,
) -> Iterator[Quantized]:
    """Make the files that are not there, one after the other; those that are there are kept.

    Before the first one it is made sure that all sources are there. begun: hears of each before it is made.
    Raises FileMissing, ModelFileInvalid if a source cannot be stored so, NotWritten, Interrupted.
    """
    orders = [(file, _source(file, folders), target_of(file, folders)) for file in missing(files)]
    for file, source, target in orders:
        begun(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.to:
            yield quantizing.quantize(source, parse(file.to), target, options)
        else:
            work = checkpoint_files.part_job(index.read(source), file.part)
            yield quantizing.make(work, source, AS_STORED, target, options)


def target_of(file: FileNeeded, folders: Folders) -> Path:
    """Where a file that is to be made goes. Both slashes of its name part folders, as on the way to loaders.

    Raises NotWritten for a name that leads out of the models folder: graphs come from anybody.
    """
    below = inside(file.name)
    if below is None:
        raise NotWritten(f"{file.name!r} leads out of the folder for {file.folder}; no file is made there.")
    return place(folders, file.folder) / below


def place(folders: Folders, folder: str) -> Path:
    """Where new files of a folder go: the first of its places that exists, else one of the folder's own name."""
    places = [Path(searched) for searched in folders.searched(folder)]
    if not places:
        raise NotWritten(f"There is no folder for {folder}: name a models folder with --models.")
    own = next((each for each in places if each.name == folder), places[0])
    return next((each for each in places if each.is_dir()), own)


def _source(file: FileNeeded, folders: Folders) -> Path:
    found = folders.path(file.source_folder, file.source)
    if found is None:
        near, searched = folders.near(file.source_folder, file.source), folders.searched(file.source_folder)
        raise FileMissing(file.source_folder, file.source, near, searched)
    return found
