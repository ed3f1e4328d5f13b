"""The page: one HTML file that holds a whole comparison, pictures included. No script, nothing from the network."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from engine import VERSION
from engine.comparing.comparison import Comparison, Pair, PairNumbers
from engine.comparing.graph_differences import NodeChange
from engine.comparing.metrics import Picture, difference
from engine.comparing.page_style import STYLE
from engine.comparing.words import decibel, facts_rows, number, percent, share
from engine.errors import GraphInvalid, NotWritten
from engine.running.outputs import encode_png
from engine.whole_files import write_instead
from schemas.report import Problem

MARK = '<meta name="generator" content="comfyless compare'
"""Stands near the start of every page of ours, so that none of anybody else's is overwritten."""
MARK_WITHIN = 1024
"""Bytes."""
COMPRESSION = 6
SMALL = 256
"""Pixels: pictures narrower than this are shown enlarged, with their pixels as squares."""
FACTORS = (64, 32, 16, 8, 4, 2, 1)
"""What differences may be multiplied with to be seen."""
CUT = 0.001
"""The share of values that may be too large to be shown with such a factor."""


def check_place(path: Path, force: bool) -> None:
    """Raises GraphInvalid if a page may not be written there: no file, or, without force, a file that is not ours."""
    if path.is_dir():
        said, fix = "the page cannot be written: this is a folder.", "Name a file in it."
    elif path.exists() and not path.is_file():  # a device, a pipe: a page would take its place
        said, fix = "the page cannot be written: this is no ordinary file.", "Name another one with -o."
    elif force or not path.exists() or _is_ours(path):
        return
    else:
        said, fix = "this file exists, and is no page of comfyless.", "Name another one with -o, or add --force."
    raise GraphInvalid([Problem(code="would-overwrite", file=str(path), said=said, fix=fix)])


def write_page(path: Path, comparison: Comparison, pairs: Sequence[Pair]) -> None:
    """Write it whole or not at all. Raises NotWritten."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_instead(path, (part.encode("utf-8", "xmlcharrefreplace") for part in page(comparison, pairs)))
    except OSError as error:
        raise NotWritten(f"the page could not be written to {path}: {error.strerror or error}.") from error


def page(comparison: Comparison, pairs: Sequence[Pair]) -> Iterator[str]:
    """The text, in pieces: one for each pair, because pictures are large."""
    factor = factor_for(pairs)
    yield _head(comparison)
    yield _cards(comparison)
    yield _sides(comparison)
    yield _changes(comparison.changes)
    yield _numbers_table(comparison.pairs)
    yield f"<h2>Pictures</h2>\n<p class=soft>The third column is the absolute difference of each channel{_by(factor)}"
    yield ". Point at a picture of A to see B in its place.</p>\n"
    for pair, numbers in zip(pairs, comparison.pairs, strict=True):
        yield _pair(pair, numbers, factor)
    yield f"<footer>{_explained()}</footer>\n</body>\n</html>\n"


def factor_for(pairs: Sequence[Pair]) -> int:
    """The one factor for all pairs, so that they can be compared: the largest that cuts next to nothing."""
    counts = np.zeros(256, dtype=np.int64)
    for a, b in pairs:
        counts += np.bincount(difference(a.pixels, b.pixels, 1).ravel(), minlength=256)
    largest = int(np.searchsorted(np.cumsum(counts), (1 - CUT) * counts.sum()))
    return next((factor for factor in FACTORS if factor * largest <= 255), 1)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(MARK_WITHIN)
    except OSError:
        return False


def _head(comparison: Comparison) -> str:
    a, b = escape(comparison.a.name), escape(comparison.b.name)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{MARK} {VERSION}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{a} and {b}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1><b class=a>A</b>{a}<br><b class=b>B</b>{b}</h1>\n"
    )


def _cards(comparison: Comparison) -> str:
    means, count = comparison.means, len(comparison.pairs)
    cards = [
        ("PSNR" if count == 1 else "PSNR of all", decibel(means.psnr)),
        ("SSIM" if count == 1 else "SSIM, mean", number(means.ssim)),
        ("largest difference", share(means.largest)),
        ("mean difference", share(means.mean)),
    ]
    if means.latent_error is not None:
        cards.append(("latent error" if count == 1 else "latent error, mean", percent(means.latent_error)))
    cards.append(("identical pictures", f"{means.identical} of {count}"))
    shown = (f"<div class=card><strong>{escape(value)}</strong><span>{name}</span></div>" for name, value in cards)
    return f"<div class=cards>{''.join(shown)}</div>\n"


def _sides(comparison: Comparison) -> str:
    head = "<thead><tr><th></th><th class=a>A</th><th class=b>B</th></tr></thead>"
    rows = (f"<tr><th>{name}</th>{_cell(a)}{_cell(b)}</tr>" for name, a, b in facts_rows(comparison.a, comparison.b))
    note = (
        "<p class=soft>The first graph's time in all contains starting the libraries.</p>" if _timed(comparison) else ""
    )
    return f"<h2>How they were made</h2>\n<div class=wide><table>{head}{''.join(rows)}</table></div>\n{note}\n"


def _timed(comparison: Comparison) -> bool:
    return any(side.kind == "rendered" for side in (comparison.a, comparison.b))


def _cell(lines: Sequence[str]) -> str:
    return f"<td>{'<br>'.join(map(escape, lines)) or '<span class=soft>not known</span>'}</td>"


def _changes(changes: Sequence[NodeChange] | None) -> str:
    if changes is None:
        return "<h2>What differs in the graphs</h2>\n<p class=soft>One of the graphs is not known.</p>\n"
    if not changes:
        return "<h2>What differs in the graphs</h2>\n<p class=soft>Nothing.</p>\n"
    head = "<thead><tr><th>node</th><th>input</th><th class=a>A</th><th class=b>B</th></tr></thead>"
    rows = "".join(row for change in changes for row in _change(change))
    return f"<h2>What differs in the graphs</h2>\n<div class=wide><table>{head}{rows}</table></div>\n"


def _change(change: NodeChange) -> Iterator[str]:
    name = f"{escape(change.node)} {escape(change.title or '')}"
    rows = [("class", change.a, change.b)] if change.a != change.b else []
    rows += [(each.field, each.a, each.b) for each in change.fields]
    for field, a, b in rows:
        cells = "".join(f"<td>{'—' if text is None else f'<code>{escape(text)}</code>'}</td>" for text in (a, b))
        yield f"<tr><td>{name}</td><td>{escape(field)}</td>{cells}</tr>"
        name = ""


def _numbers_table(pairs: Sequence[PairNumbers]) -> str:
    names = ("seed", "PSNR", "SSIM", "largest", "mean", "latent error")
    head = "".join(f"<th class=n>{name}</th>" for name in names)
    rows = ("".join(f"<td class=n>{escape(cell)}</td>" for cell in _cells(each)) for each in pairs)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead>{body}</table>"
    return f"<h2>Picture by picture</h2>\n<div class=wide>{table}</div>\n"


def _cells(each: PairNumbers) -> Iterable[str]:
    seed = "—" if each.seed is None else str(each.seed)
    return (
        seed,
        decibel(each.psnr),
        number(each.ssim),
        share(each.largest),
        share(each.mean),
        percent(each.latent_error),
    )


def _pair(pair: Pair, numbers: PairNumbers, factor: int) -> str:
    a, b = (_image(shot.pixels, f"{side}: {shot.label}") for side, shot in (("A", pair.a), ("B", pair.b)))
    apart = _image(difference(pair.a.pixels, pair.b.pixels, factor), f"difference, times {factor}")
    told = f"PSNR {decibel(numbers.psnr)}</span><span>SSIM {number(numbers.ssim)}</span>"
    told += f"<span>{numbers.width}×{numbers.height}"
    seed = "" if numbers.seed is None else f"<strong>seed {numbers.seed}</strong>"
    return (
        f"<section class=pair><header>{seed}<span>{told}</span></header><div class=pictures>"
        f"<figure class=flip tabindex=0>{a}{_caption('a', pair.a.label)}</figure>"
        f"<figure>{b}{_caption('b', pair.b.label)}</figure>"
        f"<figure>{apart}<figcaption>difference{_by(factor)}</figcaption></figure></div></section>\n"
    )


def _caption(side: str, label: str) -> str:
    return f"<figcaption><b class={side}>{side.upper()}</b>{escape(label)}</figcaption>"


def _by(factor: int) -> str:
    return "" if factor == 1 else f" ×{factor}"


def _image(pixels: Picture, said: str) -> str:
    height, width = pixels.shape[:2]
    data = base64.b64encode(encode_png(pixels, {}, COMPRESSION)).decode("ascii")
    small = " class=small" if width < SMALL else ""
    return f'<img{small} width={width} height={height} alt="{escape(said)}" src="data:image/png;base64,{data}">'


def _explained() -> str:
    return (
        "Pictures are compared in RGB as their files hold them, 8 bits a channel. PSNR: peak signal-to-noise ratio "
        "over all channels. SSIM: structural similarity of the lumas (Wang et al. 2004, Gaussian window of 11 pixels). "
        "Differences are shares of the full range of a channel. Latent error: root mean square of the difference of "
        f"the last sampler's latents over that of A's. Made by comfyless {VERSION}."
    )
