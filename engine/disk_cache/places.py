"""Places: where the cache is, if nobody says so, and what lies where in its folder."""

import os
from pathlib import Path

INDEX = "index.sqlite"
ASIDE = "index.damaged"
LOCK = "index.lock"
VALUES = "values"


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/comfyless`, else `~/.cache/comfyless`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "comfyless"
