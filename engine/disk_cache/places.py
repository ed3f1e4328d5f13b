"""Places: where the cache is, if nobody says so, and what lies where in its folder."""

from pathlib import Path

from engine.folders.user_cache import user_cache
from schemas.settings import Settings

INDEX = "index.sqlite"
ASIDE = "index.damaged"
LOCK = "index.lock"
VALUES = "values"


def with_cache(settings: Settings) -> Settings:
    """The settings for unattended work: with a cache in its usual place, unless they name one or say "off"."""
    return settings if settings.cache is not None else settings.model_copy(update={"cache": default_folder()})


def default_folder() -> Path:
    """Beside what else the user's cache holds of ours."""
    return user_cache() / "results"
