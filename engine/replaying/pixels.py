"""How far a picture is from one made again, and which of those that a run makes it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.replaying.recorded import ABOUT, Recorded, recorded_in
from engine.running.context import Pictures

if TYPE_CHECKING:
    from engine.replaying.recorded import Pixels


@dataclass(frozen=True)
class Apart:
    """Two pictures of one size. pixels: of which so many differ; largest, mean: of any channel, of 255."""

    pixels: int
    differing: int
    largest: int
    mean: float


def apart(first: "Pixels", second: "Pixels") -> Apart | None:
    """How two pictures differ, uint8 (H, W, 3 or 4); None if their sizes do. Without transparency, all is opaque."""
    import numpy as np

    if first.shape[:2] != second.shape[:2]:
        return None
    if first.shape != second.shape:
        first, second = _opaque(first), _opaque(second)
    pixels = first.shape[0] * first.shape[1]
    if np.array_equal(first, second):
        return Apart(pixels, 0, 0, 0.0)
    away = np.abs(first.astype(np.int16) - second)
    return Apart(pixels, int(away.any(axis=2).sum()), int(away.max()), float(away.mean(dtype=np.float64)))


def _opaque(picture: "Pixels") -> "Pixels":
    import numpy as np

    height, width, channels = picture.shape
    alpha = np.full((height, width, 1), 255, np.uint8)
    return picture if channels == 4 else np.concatenate([picture, alpha], axis=2)


@dataclass(frozen=True)
class Made:
    """A picture that was made again. recorded: what it says about itself. path: where it was written, if it was."""

    pixels: "Pixels"
    recorded: Recorded | None
    path: Path | None


class Nearest:
    """Takes the pictures that a run saves, and keeps the one that is nearest to the original.

    found: that one. Pictures of other nodes than the one that saved the original, if it says which, are passed over.
    """

    def __init__(self, original: "Pixels", saved_by: str | None, written: Pictures | None = None) -> None:
        """written: where all pictures go, too; None for nowhere."""
        self.found: Made | None = None
        self._original, self._saved_by, self._written = original, saved_by, written
        self._distance = (2, 0.0)
        self._count = 0

    def save(
        self, picture: Any, prefix: str, kind: Literal["output", "temp"], batch_index: int, metadata: Mapping[str, str]
    ) -> Path:
        """Look at one picture; the path written, or the name it would have had."""
        self._count += 1
        path = None
        if self._written is not None:
            path = self._written.save(picture, prefix, kind, batch_index, metadata)
        recorded = recorded_in(metadata.get(ABOUT))
        by = recorded.saved_by if recorded else None
        if self._saved_by is None or by is None or by == self._saved_by:
            distance = self._away(picture)
            if distance < self._distance:
                self._distance, self.found = distance, Made(picture.copy(), recorded, path)
        return path or Path(f"{prefix}_{self._count:05}_.png")

    def _away(self, picture: "Pixels") -> tuple[int, float]:
        found = apart(self._original, picture)
        return (1, 0.0) if found is None else (0, found.mean)
