"""Places: where the cache is, if nobody says so, and what lies where in its folder."""

from pathlib import Path

from engine.folders.user_cache import user_cache

INDEX = "index.sqlite"
ASIDE = "index.damaged"
LOCK = "index.lock"
VALUES = "values"


def default_folder() -> Path:
    """Beside what else the user's cache holds of ours."""
    return user_cache() / "results"
