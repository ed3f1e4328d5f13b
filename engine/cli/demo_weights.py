"""The demo's graph with its weights stored in another way: converted, and the file made at its first use.

Files that are made lie in the user's cache folder, in a folder named after the content of the bundled file, so that
those of another version are never taken for them.
"""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path

from engine import api
from schemas.conversion import FileNeeded
from schemas.quantized import Quantized
from schemas.weight_types import WeightType
from schemas.workflow import Workflow


def cache_folder() -> Path:
    """Where the operating system wants programs to keep what they can make again."""
    if sys.platform == "win32":
        kept = os.environ.get("LOCALAPPDATA")
        return (Path(kept) if kept else Path.home() / "AppData" / "Local") / "comfyless" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "comfyless"
    kept = os.environ.get("XDG_CACHE_HOME")  # relative ones are to be ignored, says the specification
    return (Path(kept) if kept and Path(kept).is_absolute() else Path.home() / ".cache") / "comfyless"


def models_folder(checkpoint: Path) -> Path:
    """The models folder, in the cache, for files that are made from this one."""
    content = sha256(checkpoint.read_bytes()).hexdigest()
    return cache_folder() / f"{checkpoint.stem}-{content[:12]}"


def stored_as(workflow: Workflow, to: WeightType, models: list[Path]) -> tuple[Workflow, list[Quantized]]:
    """The graph converted, and the files that were made for it because they were not there.

    models: folders to look in; the last one takes what is made. An all-in-one file stays the source of text encoders
    and autoencoder where the new one has none. Raises GraphInvalid if the graph cannot be converted, and what
    quantising raises.
    """
    settings = api.Settings(models=models, extra_model_paths=[])
    conversion = api.convert(workflow, str(to), settings, keep_checkpoint=True)
    made = [_made(file, to, settings, models[-1]) for file in conversion.files if not file.there]
    return api.load(json.dumps(conversion.document).encode(), workflow.name), made


def _made(file: FileNeeded, to: WeightType, settings: api.Settings, folder: Path) -> Quantized:
    known = {(kind, name): path for kind, name, path in api.model_files(settings)}
    target = folder / file.folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    return api.quantize(known[file.source_folder, file.source], to, target, processes=1)  # more would only start slower
