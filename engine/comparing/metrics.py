"""How far two pictures, or two latents, are apart. Pure numpy; pictures are float arrays (H, W, 3) of values 0..1."""

import math

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(H, W, 3), values 0..255: a picture as its file holds it."""
Values = NDArray[np.float64]

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03
"""The constants of Wang et al. 2004, for values 0..1."""
LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601: how bright red, green and blue look."""


def as_values(picture: Picture) -> Values:
    """0..255 as 0..1."""
    return picture.astype(np.float64) / 255.0


def psnr(first: Values, second: Values) -> float:
    """Peak signal-to-noise ratio over all channels in dB, the peak being 1.0; infinite for equal pictures."""
    _same_shape(first, second)
    error = float(np.mean(np.square(first - second)))
    return math.inf if error == 0 else -10.0 * math.log10(error)


def ssim(first: Values, second: Values) -> float:
    """Structural similarity of the lumas, -1..1, 1 for equal pictures.

    Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity":
    Gaussian windows of 11 pixels with sigma 1.5, biased variances, averaged over the places where a whole window fits.
    Raises ValueError for pictures smaller than a window.
    """
    _same_shape(first, second)
    if min(first.shape[:2]) < WINDOW:
        raise ValueError(f"pictures must have at least {WINDOW} pixels a side, not {first.shape[:2]}")
    x, y = first @ LUMA, second @ LUMA
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x * mean_x
    variance_y = _blurred(y * y) - mean_y * mean_y
    covariance = _blurred(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(similar / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))))


def largest_difference(first: Values, second: Values) -> float:
    """Of any channel of any pixel, 0..1."""
    _same_shape(first, second)
    return float(np.max(np.abs(first - second)))


def mean_difference(first: Values, second: Values) -> float:
    """Mean absolute difference over all channels, 0..1."""
    _same_shape(first, second)
    return float(np.mean(np.abs(first - second)))


def relative_error(reference: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Root mean square of the difference over that of the reference; for latents. 0 for equal ones."""
    _same_shape(reference, other)
    difference = float(np.linalg.norm(other.astype(np.float64) - reference))
    size = float(np.linalg.norm(reference.astype(np.float64)))
    return 0.0 if difference == 0 else difference / size if size else math.inf


def difference(first: Picture, second: Picture, factor: int) -> Picture:
    """The absolute difference of each channel times `factor`, cut at 255."""
    apart: NDArray[np.int32] = np.abs(first.astype(np.int32) - second) * factor
    return np.minimum(apart, 255).astype(np.uint8)


def _same_shape(first: NDArray[np.floating], second: NDArray[np.floating]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"shapes differ: {first.shape} and {second.shape}")


def _blurred(values: Values) -> Values:
    """(H, W) to (H - 10, W - 10): the Gaussian mean around each pixel that has a whole window."""
    steps = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-np.square(steps) / (2 * SIGMA**2))
    weights /= weights.sum()
    height, width = (size - WINDOW + 1 for size in values.shape)
    rows = sum(weight * values[at : at + height] for at, weight in enumerate(weights))
    return np.asarray(sum(weight * rows[:, at : at + width] for at, weight in enumerate(weights)))
