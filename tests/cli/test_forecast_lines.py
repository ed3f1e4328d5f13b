"""What `batch --dry-run` says to people."""

from typing import Any

import pytest

from engine.cli.forecast_lines import SHOWN_ROWS, as_json, lines_of
from schemas.batch import ClassForecast, Forecast, WeightsForecast

FORECAST = Forecast(
    rows=100,
    steps=1100,
    distinct=312,
    shared=788,
    classes=[ClassForecast(class_type="CLIPTextEncode", runs=3, shared=97)],
    encodes=3,
    loads=[
        WeightsForecast(kind="MODEL", files=["all.safetensors"], bytes=2**30 * 12, steps=100, loads=7),
        WeightsForecast(kind="CLIP", files=["all.safetensors"], bytes=2**30 * 12, steps=3, loads=1),
    ],
    model_calls=2000,
    read_bytes=2**30 * 12,
    seconds=754.0,
)


def said(rows: int = 2, **changes: Any) -> list[str]:
    shown = [(row, {"6.text": "a\x1b[2J cat " * 9, "seed": row}) for row in range(1, rows + 1)]
    return list(lines_of("a.json", FORECAST.model_copy(update=changes), shown))


def test_everything_is_said_in_few_lines():
    lines = said()
    assert lines[0] == "a.json: 100 rows"
    assert lines[1].split() == ["row", "6.text", "seed"]
    assert lines[4:] == [
        "",
        "100 rows × 11 steps = 1,100 steps, 312 distinct: 788 shared",
        "  class           runs  shared",
        "  CLIPTextEncode     3      97",
        "",
        "  weights      size    used by  loaded   files",
        "  MODEL    12.0 GiB  100 steps  7 times  all.safetensors",
        "  CLIP     12.0 GiB    3 steps  once     all.safetensors",
        "",
        "work    3 texts encoded, 2,000 model calls, 12.0 GiB to read",
        "time    about 12 min 34 s",
        "memory  12.0 GiB of weights, peak never measured",
    ]


def test_values_of_rows_are_cut_and_move_no_cursor():
    line = said()[2]
    assert line.startswith("    1  a\\x1b[2J cat a\\x1b[2J cat ")
    assert line.endswith("…  1")


def test_only_the_first_rows_are_listed():
    lines = said(rows=SHOWN_ROWS + 1234)
    assert sum("cat" in line for line in lines) == SHOWN_ROWS
    assert "  … and 1,234 more" in lines


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seconds": None, "untimed": 312}, "time    unknown: none of the 312 steps was timed yet"),
        ({"untimed": 1}, "time    at least 12 min 34 s; 1 step not timed yet"),
        ({"peak_bytes": 2**30}, "memory  12.0 GiB of weights, peak 1.0 GiB when it ran last"),
        ({"steps": 1101}, "1,101 steps, 312 distinct: 788 shared"),
        (
            {"cached": 4},
            "100 rows × 11 steps = 1,100 steps, 312 distinct: 788 shared, "
            "4 of them need not run: their results are kept",
        ),
        (
            {"model_calls": None},
            "work    3 texts encoded, model calls not told by the graph, 12.0 GiB to read",
        ),
    ],
)
def test_what_is_not_known_is_said(changes, line):
    assert line in said(**changes)


def test_scripts_get_all_of_it_in_one_record():
    assert as_json(FORECAST)["event"] == "forecast"
    assert Forecast.model_validate(as_json(FORECAST)) == FORECAST
