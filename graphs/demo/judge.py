"""Say what a picture shows, by measuring it: numpy and Pillow only, no model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from graphs.demo.pictures import COLOURS, PAINTERS, SHAPES, SIZE

EDGE = 3
RADII = range(9, 29)
LEAST_AREA = 0.01
LEAST_FIT = 0.75
LARGEST_DISTANCE = 60.0
UNCLEAR = "unclear"

_PALETTE = np.array(list(COLOURS.values()), dtype=np.float64)
_NAMES = list(COLOURS)


@dataclass(frozen=True)
class Verdict:
    """What was seen; `fit` is the overlap (0..1) with the best ideal outline of that shape."""

    colour: str
    background: str
    shape: str
    fit: float


def _nearest(pixels: np.ndarray) -> np.ndarray:
    return np.linalg.norm(pixels[..., None, :] - _PALETTE, axis=-1).argmin(axis=-1)


def _name(value: np.ndarray) -> str:
    """The palette's colour, unless the value is far from all of them."""
    index = int(_nearest(value))
    return _NAMES[index] if np.linalg.norm(value - _PALETTE[index]) <= LARGEST_DISTANCE else UNCLEAR


def _edge_colour(pixels: np.ndarray) -> np.ndarray:
    inner = np.zeros(pixels.shape[:2], dtype=bool)
    inner[EDGE:-EDGE, EDGE:-EDGE] = True
    return np.median(pixels[~inner], axis=0)


def _object_colour(pixels: np.ndarray, background: np.ndarray) -> np.ndarray | None:
    """Median of the most frequent palette colour that is not the background's."""
    nearest = _nearest(pixels)
    counts = np.bincount(nearest.ravel(), minlength=len(_NAMES))
    counts[_nearest(background)] = 0
    winner = int(counts.argmax())
    if counts[winner] < LEAST_AREA * nearest.size:
        return None
    return np.median(pixels[nearest == winner], axis=0)


def object_mask(pixels: np.ndarray, background: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Pixels that lie nearer to the object's colour than to the background's, on the line between the two."""
    line = colour - background
    return (pixels - background) @ line / (line @ line) > 0.5


@cache
def _templates() -> tuple[np.ndarray, np.ndarray]:
    """Spectra (shapes, radii, 64, 33) and areas (shapes, radii) of all ideal outlines."""
    masks = np.zeros((len(SHAPES), len(RADII), SIZE, SIZE))
    for i, shape in enumerate(SHAPES):
        for j, radius in enumerate(RADII):
            image = Image.new("RGB", (4 * SIZE, 4 * SIZE))
            PAINTERS[shape](ImageDraw.Draw(image), 2.0 * SIZE, 2.0 * SIZE, 4.0 * radius, (255, 255, 255))
            small = image.resize((SIZE, SIZE), Image.Resampling.BOX)
            masks[i, j] = np.asarray(small)[..., 0] > 127
    return np.fft.rfft2(masks), masks.sum((2, 3))


def fits(mask: np.ndarray) -> dict[str, float]:
    """For each shape the best intersection over union with an ideal outline, over all sizes and positions."""
    spectra, areas = _templates()
    overlap = np.fft.irfft2(np.fft.rfft2(mask.astype(np.float64)) * spectra.conj(), s=mask.shape)
    overlap = overlap.max(axis=(2, 3))
    quality = overlap / (areas + mask.sum() - overlap)
    return dict(zip(SHAPES, quality.max(axis=1).tolist(), strict=True))


def judge(picture: np.ndarray) -> Verdict:
    """Colour, background and shape of an RGB uint8 picture; "unclear" where no answer is good enough."""
    image = Image.fromarray(picture)
    if image.size != (SIZE, SIZE):
        image = image.resize((SIZE, SIZE), Image.Resampling.BOX)
    pixels = np.asarray(image, dtype=np.float64)
    background = _edge_colour(pixels)
    colour = _object_colour(pixels, background)
    if colour is None:
        return Verdict(UNCLEAR, _name(background), UNCLEAR, 0.0)
    by_shape = fits(object_mask(pixels, background, colour))
    shape = max(by_shape, key=lambda s: by_shape[s])
    fit = by_shape[shape]
    return Verdict(_name(colour), _name(background), shape if fit >= LEAST_FIT else UNCLEAR, round(fit, 3))
