"""The demo's graph with its weights stored in another way: converted, and the file made at its first use.

Files that are made lie in the user's cache folder, in a folder named after the content of the bundled file, so that
those of another version are never taken for them.
"""

import json
import os
import sys
from errno import EISDIR
from hashlib import file_digest, sha256
from pathlib import Path

from engine import api
from engine.errors import GraphInvalid, NotWritten
from engine.folders.user_cache import user_cache
from schemas.quantized import Quantized
from schemas.report import Problem
from schemas.weight_types import WeightType
from schemas.workflow import Workflow

MARK = ".sha256"
"""Behind a file's name: the file that tells what it must hold, so that a damaged one is made again."""


def models_folder(checkpoint: Path) -> Path:
    """The models folder, in the cache, for files that are made from this one. Raises GraphInvalid."""
    content = sha256(checkpoint.read_bytes()).hexdigest()
    try:
        kept = user_cache()
    except RuntimeError as error:  # nobody's home
        raise unusable(str(error)) from error
    return kept / f"{checkpoint.stem}-{content[:12]}"


def stored_as(workflow: Workflow, to: WeightType, bundled: Path, cache: Path) -> tuple[Workflow, list[Quantized]]:
    """The graph converted, and the files that were made for it because they were not there as they had been made.

    bundled: the models folder that comes with the program. cache: another, which takes what is made. An all-in-one file
    stays the source of text encoders and autoencoder where the new one has none. Raises GraphInvalid if the graph
    cannot be converted or the cache cannot be used, and what quantising raises.
    """
    settings = api.Settings(models=[bundled], extra_model_paths=[])
    conversion = api.convert(workflow, str(to), settings, keep_checkpoint=True)
    needed = [file for file in conversion.files if not file.there]
    sources = {(kind, name): path for kind, name, path in api.model_files(settings)}
    try:
        made = [_made(sources[file.source_folder, file.source], to, cache / file.folder / file.name) for file in needed]
    except OSError as error:
        raise unusable(f"{error.filename or cache}: {error.strerror or error}") from error
    except NotWritten as error:
        raise GraphInvalid([Problem(code="bad-setting", said=str(error), fix="")]) from error
    converted = api.load(json.dumps(conversion.document).encode(), workflow.name)
    return converted, [each for each in made if each is not None]


def unusable(reason: str) -> GraphInvalid:
    """What to say of a cache that cannot be used."""
    said = f"the cache in which the demo keeps weights that it makes cannot be used: {reason.rstrip('.')}."
    elsewhere = "" if sys.platform in ("win32", "darwin") else ", or name another folder with XDG_CACHE_HOME"
    return GraphInvalid([Problem(code="bad-setting", said=said, fix=f"Remove what is in its way{elsewhere}.")])


def _made(source: Path, to: WeightType, target: Path) -> Quantized | None:
    """Make a file; None if it is there and still is what was made. Whatever else has its name is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(target))
    mark = target.with_name(target.name + MARK)
    if target.is_file() and mark.is_file() and mark.read_bytes() == _digest(target):
        return None
    made = api.quantize(source, to, target, processes=1, force=True)  # more processes would only start slower
    mark.write_bytes(_digest(target))
    return made


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest().encode()
