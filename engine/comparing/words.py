"""Words: the numbers of a comparison as people read them, on the page and in the terminal."""

from collections.abc import Iterator

from engine.comparing.comparison import PairNumbers, SideFacts
from engine.comparing.sides import FileFacts
from schemas.quantities import size_text

UNKNOWN = "—"


def decibel(value: float | None) -> str:
    """38.2 dB; None stands for equal pictures."""
    return "identical" if value is None else f"{value:.1f} dB"


def number(value: float | None) -> str:
    """Four digits behind the point."""
    return UNKNOWN if value is None else f"{value:.4f}"


def share(value: float) -> str:
    """0..1 as percent, three digits of it."""
    return f"{100 * value:.3g} %"


def percent(value: float | None) -> str:
    """As share, or that it is not known."""
    return UNKNOWN if value is None else share(value)


def seconds(value: float) -> str:
    """34.1 s, or minutes where there are ten."""
    return f"{int(value) // 60} min {int(value) % 60} s" if value >= 600 else f"{value:.2f} s"


def file_line(file: FileFacts) -> str:
    """`flux1-dev.safetensors, 11.1 GiB: flux fp8_e4m3fn`."""
    size = "" if file.bytes is None else f", {size_text(file.bytes)}"
    parts = ", ".join(f"{kind} {storage}" for kind, storage in file.storage.items())
    return f"{file.name}{size}{': ' if parts else ''}{parts}"


def pair_line(pair: PairNumbers) -> str:
    """One line of all numbers of two pictures."""
    named = pair.a if pair.a == pair.b else f"{pair.a} and {pair.b}"
    if pair.identical:
        return f"{named}: identical"
    told = [f"PSNR {decibel(pair.psnr)}", f"SSIM {number(pair.ssim)}"]
    told += [f"largest difference {share(pair.largest)}", f"mean {share(pair.mean)}"]
    told += [] if pair.latent_error is None else [f"latent error {share(pair.latent_error)}"]
    return f"{named}: {', '.join(told)}"


def facts_rows(a: SideFacts, b: SideFacts) -> Iterator[tuple[str, list[str], list[str]]]:
    """(what, lines of A, lines of B); nothing that is known of neither."""
    both = [_facts(side) for side in (a, b)]
    for name in both[0]:
        if both[0][name] or both[1][name]:
            yield name, both[0][name], both[1][name]


def _facts(side: SideFacts) -> dict[str, list[str]]:
    how = "rendered for this comparison" if side.kind == "rendered" else "compared as it was found"
    return {
        "pictures": [f"{side.pictures}, {how}"],
        "sampling": [] if side.sampling is None else [seconds(side.sampling)],
        "all nodes": [] if side.seconds is None else [seconds(side.seconds)],
        "peak memory": [] if side.peak is None or not side.peak.ram else [f"{size_text(side.peak.ram)}, private"],
        "peak on the device": [] if side.peak is None or not side.peak.vram else [size_text(side.peak.vram)],
        "model files": [file_line(file) for file in side.files],
    }
