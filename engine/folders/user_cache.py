"""The folder for what can be made again: where the operating system wants programs to keep that."""

import os
import sys
from pathlib import Path


def user_cache() -> Path:
    """comfyless's folder there; it may not exist yet. Raises RuntimeError if nobody's home folder is known."""
    if sys.platform == "win32":
        kept = os.environ.get("LOCALAPPDATA")
        return (Path(kept) if kept else Path.home() / "AppData" / "Local") / "comfyless" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "comfyless"
    kept = os.environ.get("XDG_CACHE_HOME")  # relative ones are to be ignored, says the specification
    return (Path(kept) if kept and Path(kept).is_absolute() else Path.home() / ".cache") / "comfyless"
