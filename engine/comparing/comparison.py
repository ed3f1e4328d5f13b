"""Comparison: two Sides become pairs of pictures and the numbers between them."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel

from engine.comparing import metrics
from engine.comparing.graph_differences import NodeChange, differences
from engine.comparing.sides import FileFacts, Shot, Side
from engine.errors import GraphInvalid
from schemas.report import Peak, Problem


class Pair(NamedTuple):
    """Two pictures of one size that stand for the same thing."""

    a: Shot
    b: Shot


class PairNumbers(BaseModel):
    """How far two pictures are apart.

    psnr: dB; None if they are identical. ssim: of the lumas, -1..1; None for pictures smaller than its window.
    largest, mean: of the absolute differences, 0..1. latent_error: root mean square of the latents' difference over
    that of A's; None unless both were rendered.
    """

    seed: int | None
    a: str
    b: str
    width: int
    height: int
    identical: bool
    psnr: float | None
    ssim: float | None
    largest: float
    mean: float
    latent_error: float | None


class Means(BaseModel):
    """Over all pairs. psnr: from the mean squared error of all, so that identical pairs count; None if all are."""

    identical: int
    psnr: float | None
    ssim: float | None
    largest: float
    mean: float
    latent_error: float | None


class SideFacts(BaseModel):
    """What is known of one side; see Side."""

    name: str
    kind: Literal["rendered", "finished"]
    pictures: int
    seconds: float | None
    sampling: float | None
    peak: Peak | None
    files: list[FileFacts]


class Comparison(BaseModel):
    """All numbers. changes: nodes that differ between the graphs; None if one of them is not known.

    page: where the pictures can be seen.
    """

    event: Literal["comparison"] = "comparison"
    a: SideFacts
    b: SideFacts
    pairs: list[PairNumbers]
    means: Means
    changes: list[NodeChange] | None
    page: str | None = None


def compared(a: Side, b: Side) -> tuple[Comparison, list[Pair]]:
    """All numbers, and the pairs they are of. Raises GraphInvalid for sides that do not fit each other."""
    pairs = paired(a, b)
    numbers = [_numbers(pair) for pair in pairs]
    changes = differences(a.prompt, b.prompt) if a.prompt and b.prompt else None
    comparison = Comparison(a=_facts(a), b=_facts(b), pairs=numbers, means=_means(numbers), changes=changes)
    return comparison, pairs


def paired(a: Side, b: Side) -> list[Pair]:
    """Pictures matched by seed and order, or by order alone if a seed is not known.

    Raises GraphInvalid for other seeds, other numbers of pictures, or pictures of other sizes.
    """
    if any(shot.seed is None for shot in (*a.shots, *b.shots)):
        pairs = _in_order(a, b, a.shots, b.shots, "")
    else:
        by_seed = _by_seed(a.shots), _by_seed(b.shots)
        if by_seed[0].keys() != by_seed[1].keys():
            seeds = (", ".join(map(str, list(side)[:4])) + (", …" if len(side) > 4 else "") for side in by_seed)
            said = "A was drawn from seed {}, B from {}.".format(*seeds)
            raise _unlike(b, said, "Give --seeds for graphs; choose pictures of the same seeds.")
        pairs = [
            pair
            for seed, shots in by_seed[0].items()
            for pair in _in_order(a, b, shots, by_seed[1][seed], f" of seed {seed}")
        ]
    _check_sizes(b, pairs)
    return pairs


def _by_seed(shots: Iterable[Shot]) -> dict[int | None, list[Shot]]:
    found: dict[int | None, list[Shot]] = defaultdict(list)
    for shot in shots:
        found[shot.seed].append(shot)
    return found


def _in_order(a: Side, b: Side, first: Sequence[Shot], second: Sequence[Shot], of: str) -> list[Pair]:
    if len(first) != len(second):
        said = f"A ({a.name}) has {len(first)} pictures{of}, B has {len(second)}."
        raise _unlike(b, said, "Compare runs with as many pictures each.")
    return [Pair(*shots) for shots in zip(first, second, strict=True)]


def _check_sizes(b: Side, pairs: Iterable[Pair]) -> None:
    for one, other in pairs:
        if one.pixels.shape != other.pixels.shape:
            sizes = ("{1}×{0}".format(*shot.pixels.shape) for shot in (one, other))
            said = f"A's {one.label} has {next(sizes)} pixels, B's {other.label} has {next(sizes)}."
            raise _unlike(b, said, "Compare pictures of one size.")


def _unlike(b: Side, said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code="not-comparable", file=b.name, said=said, fix=fix)])


def _numbers(pair: Pair) -> PairNumbers:
    a, b = metrics.as_values(pair.a.pixels), metrics.as_values(pair.b.pixels)
    height, width = a.shape[:2]
    psnr = metrics.psnr(a, b)
    return PairNumbers(
        seed=pair.a.seed,
        a=pair.a.label,
        b=pair.b.label,
        width=width,
        height=height,
        identical=math.isinf(psnr),
        psnr=None if math.isinf(psnr) else psnr,
        ssim=metrics.ssim(a, b) if min(height, width) >= metrics.WINDOW else None,
        largest=metrics.largest_difference(a, b),
        mean=metrics.mean_difference(a, b),
        latent_error=_latent_error(pair),
    )


def _latent_error(pair: Pair) -> float | None:
    a, b = pair.a.latent, pair.b.latent
    return metrics.relative_error(a, b) if a is not None and b is not None and a.shape == b.shape else None


def _means(numbers: Sequence[PairNumbers]) -> Means:
    def mean(of: Callable[[PairNumbers], float | None]) -> float | None:
        values = [value for each in numbers if (value := of(each)) is not None]
        return sum(values) / len(values) if values else None

    error = mean(lambda each: 0.0 if each.psnr is None else 10 ** (-each.psnr / 10)) or 0.0
    return Means(
        identical=sum(each.identical for each in numbers),
        psnr=-10 * math.log10(error) if error else None,
        ssim=mean(lambda each: each.ssim),
        largest=max(each.largest for each in numbers),
        mean=mean(lambda each: each.mean) or 0.0,
        latent_error=mean(lambda each: each.latent_error),
    )


def _facts(side: Side) -> SideFacts:
    return SideFacts(
        name=side.name,
        kind=side.kind,
        pictures=len(side.shots),
        seconds=side.seconds,
        sampling=side.sampling,
        peak=side.peak,
        files=side.files,
    )
