"""Lines of a forecast: what `comfyless batch --dry-run` shows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.cli import words
from engine.cli.table import table
from schemas.batch import Forecast
from schemas.quantities import size_text

SHOWN_ROWS = 20
SHOWN_VALUE = 48
"""Characters of a setting's value."""


def lines_of(name: str, forecast: Forecast, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    """Everything, for people. name: of the graph. rows: number and settings of each, of which the first are shown."""
    yield words.plain(f"{name}: {words.count(forecast.rows, 'row')}")
    yield from _rows(rows)
    yield ""
    yield _shared(forecast)
    yield from _classes(forecast)
    if forecast.loads:
        yield ""
        yield from _loads(forecast)
    yield ""
    yield from _sums(forecast)


def as_json(forecast: Forecast) -> dict[str, Any]:
    """One record for scripts."""
    return {"event": "forecast", **forecast.model_dump(mode="json")}


def _rows(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    shown = rows[:SHOWN_ROWS]
    names = list(dict.fromkeys(name for _, settings in shown for name in settings))
    cells = [(str(number), *(_shown(settings.get(name)) for name in names)) for number, settings in shown]
    yield from table([("row", *names), *cells], indent=2, right=(0,))
    if len(rows) > len(shown):
        yield f"  … and {len(rows) - len(shown):,} more"


def _shown(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= SHOWN_VALUE else f"{text[: SHOWN_VALUE - 1]}…"


def _shared(forecast: Forecast) -> str:
    """100 rows × 11 steps = 1,100 steps, 312 distinct: 788 shared."""
    each, rest = divmod(forecast.steps, max(1, forecast.rows))
    times = f"{words.count(forecast.rows, 'row')} × {words.count(each, 'step')} = "
    said = f"{'' if rest or not forecast.rows else times}{words.count(forecast.steps, 'step')}"
    told = [f"{forecast.distinct:,} distinct: {forecast.shared:,} shared"]
    told += [f"{forecast.cached:,} of them need not run: their results are kept"] if forecast.cached else []
    told += [f"{forecast.maybe:,} run only if a node asks for them"] if forecast.maybe else []
    return ", ".join([said, *told])


def _classes(forecast: Forecast) -> Iterator[str]:
    found = forecast.classes
    columns = [
        ("class", [each.class_type for each in found]),
        ("runs", [f"{each.runs:,}" for each in found]),
        ("shared", [f"{each.shared:,}" for each in found]),
        ("kept", [f"{each.cached:,}" for each in found] if forecast.cached else []),
        ("maybe", [f"{each.maybe:,}" for each in found] if forecast.maybe else []),
    ]
    used = [(head, *cells) for head, cells in columns if cells]
    yield from table(list(zip(*used, strict=True)), indent=2, right=range(1, len(used)))


def _loads(forecast: Forecast) -> Iterator[str]:
    cells = [
        (each.kind, size_text(each.bytes), words.count(each.steps, "step"), _times(each.loads), ", ".join(each.files))
        for each in forecast.loads
    ]
    yield from table([("weights", "size", "used by", "loaded", "files"), *cells], indent=2, right=(1, 2))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _sums(forecast: Forecast) -> Iterator[str]:
    encodes = words.count(forecast.encodes, "text") + " encoded"
    calls = "model calls not told by the graph"
    if forecast.model_calls is not None:
        calls = words.count(forecast.model_calls, "model call")
    yield f"work    {encodes}, {calls}, {size_text(forecast.read_bytes)} to read"
    yield f"time    {_time(forecast)}"
    peak = "never measured" if forecast.peak_bytes is None else f"{size_text(forecast.peak_bytes)} when it ran last"
    yield f"memory  {size_text(_resident(forecast))} of weights, peak {peak}"


def _resident(forecast: Forecast) -> int:
    """Bytes of all weights together; a file that several sets are in counts once."""
    return sum({tuple(each.files): each.bytes for each in forecast.loads}.values())


def _time(forecast: Forecast) -> str:
    if forecast.seconds is None:
        return f"unknown: none of the {words.count(forecast.untimed, 'step')} was timed yet"
    if not forecast.untimed:
        return f"about {words.seconds(forecast.seconds)}"
    return f"at least {words.seconds(forecast.seconds)}; {words.count(forecast.untimed, 'step')} not timed yet"
