"""Quantiles of the beta distribution, to 12 digits, without scipy and its import."""

import math


def beta_quantile(share: float, alpha: float, beta: float) -> float:
    """The x with `share` (0..1) of the distribution beta(alpha, beta) below it.

    Bisection on the cumulative distribution, which rises everywhere. Rounded to 12 digits, which makes the median of a
    symmetric distribution exactly 0.5: callers round to whole steps, and 0.5 falls between two.
    """
    if share <= 0.0 or share >= 1.0:
        return min(1.0, max(0.0, share))
    low, high = 0.0, 1.0
    for _ in range(42):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cumulative(middle, alpha, beta) < share else (low, middle)
    return round((low + high) / 2, 12)


def beta_cumulative(x: float, alpha: float, beta: float) -> float:
    """The share of beta(alpha, beta) below x (0 < x < 1): the regularised incomplete beta function.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22, a continued fraction that converges fast below the
    mean; above it the mirrored distribution is taken.
    """
    if x > (alpha + 1) / (alpha + beta + 2):
        return 1.0 - beta_cumulative(1.0 - x, beta, alpha)
    log_front = alpha * math.log(x) + beta * math.log1p(-x) + math.lgamma(alpha + beta)
    front = math.exp(log_front - math.lgamma(alpha) - math.lgamma(beta)) / alpha
    return front / _fraction(x, alpha, beta)


def _fraction(x: float, alpha: float, beta: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)) from the inside out; 60 terms leave less than 1e-16 of it below the mean."""
    value = 1.0
    for m in range(30, 0, -1):
        even = m * (beta - m) * x / ((alpha + 2 * m - 1) * (alpha + 2 * m))
        odd = -(alpha + m) * (alpha + beta + m) * x / ((alpha + 2 * m) * (alpha + 2 * m + 1))
        value = 1.0 + even / (1.0 + odd / value)
    return 1.0 - (alpha + beta) * x / (alpha + 1) / value
