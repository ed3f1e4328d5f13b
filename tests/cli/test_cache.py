"""`comfyless cache`: what it lists, explains and lets go of."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.cache import age_text
from engine.disk_cache.disk_cache import DiskCache, surroundings
from schemas.plan import PlanStep
from tests.cli.conftest import Ended

Command = Callable[..., Ended]
ROOT = Path(__file__).parents[2]
HELP = Path(__file__).parent / "help"

GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
}


def keep(folder: Path, keys: dict[str, float], around: str = "") -> None:
    """Fill a cache: key to seconds that it took."""
    cache = DiskCache(folder, 2**30, around)
    for key, seconds in keys.items():
        assert cache.put(key, f"Class{key[:4]}", [["x" * 1000]], {}, seconds)
    cache.close()


@pytest.mark.parametrize("verb", ["", "list", "explain", "prune"])
def test_help_says_what_it_said(command: Command, verb: str) -> None:
    ended = command("cache", *([verb] if verb else []), "--help")
    assert ended == Ended(0, (HELP / f"cache{'-' * bool(verb)}{verb}.txt").read_text(), "")


def test_entries_are_listed_those_used_last_first(empty_folder: Path, command: Command) -> None:
    keep(empty_folder / "kept", {"a": 2.0, "b": 60.0})
    cache = DiskCache(empty_folder / "kept", 2**30)
    cache.get("a")
    cache.get("a")
    cache.close()
    ended = command("cache", "list", "--cache", "kept")
    head, first, second, total = ended.out.splitlines()
    assert (ended.code, ended.err, head.split()) == (0, "", ["class", "size", "used", "hits", "took", "saved"])
    assert first.split()[0] == "Classa"
    assert first.split()[-5:] == ["2", "2.0", "s", "4.0", "s"]
    assert second.split()[-5:] == ["0", "60.0", "s", "0.000", "s"]
    assert total.startswith("2 entries, ")
    assert total.endswith(" in kept")
    shown, counted = command("cache", "list", "--cache", "kept", "--limit", "1", "--json").records
    assert (shown["event"], shown["key"], shown["hits"], shown["saved"]) == ("cache-entry", "a", 2, 4.0)
    assert (counted["event"], counted["entries"]) == ("cache", 2)


def test_nothing_is_made_where_nothing_is_kept(
    empty_folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty_folder / "user"))
    place = empty_folder / "user" / "comfyless" / "results"
    assert command("cache", "list") == Ended(0, f"0 entries, 0 B in {place}\n", "")
    assert command("cache", "prune").out == f"0 entries dropped, 0 B; 0 left, 0 B, in {place}\n"
    assert not place.exists()


@pytest.mark.parametrize("verb", ["list", "prune"])
def test_a_cache_that_is_off_is_told(empty_folder: Path, command: Command, verb: str) -> None:
    ended = command("cache", verb, "--cache", "off")
    assert (ended.code, ended.out) == (2, "")
    assert "it is off" in ended.err


@pytest.mark.parametrize(
    ("options", "left"),
    [((), ["a", "b"]), (("--all",), []), (("--cache-size", "1500"), ["b"]), (("--older-than", "1d"), ["a", "b"])],
)
def test_pruning_leaves_what_it_was_asked_to(
    empty_folder: Path, command: Command, options: tuple[str, ...], left: list[str]
) -> None:
    keep(empty_folder / "kept", {"a": 1.0, "b": 1.0})
    (told,) = command("cache", "prune", "--cache", "kept", "--json", *options).records
    assert (told["entries"], told["entries_left"]) == (2 - len(left), len(left))
    assert [line["key"] for line in command("cache", "list", "--cache", "kept", "--json").records[:-1]] == left[::-1]
    assert command("cache", "prune", "--cache", "kept", "--quiet").out == ""


def test_an_age_that_is_none_is_told(command: Command) -> None:
    ended = command("cache", "prune", "--older-than", "soon")
    assert ended.code == 2
    assert "'soon' is no age" in ended.err


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7300, "2 h"), (40 * 86400, "40 d")]
)
def test_ages_are_told_in_their_largest_unit(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


@pytest.fixture
def graph(empty_folder: Path) -> list[PlanStep]:
    """The steps of a graph in the working folder."""
    from engine import api

    Path("graph.json").write_text(json.dumps(GRAPH))
    return api.plan(api.load("graph.json")).steps


def test_each_step_is_explained(graph: list[PlanStep], command: Command) -> None:
    keys = {step.node: step.key for step in graph}
    keep(Path("kept"), {keys["1"]: 1.0, keys["2"]: 2.0}, surroundings("cpu", "auto"))
    asked = ("cache", "explain", "graph.json", "--cache", "kept", "--device", "cpu")
    first, second, third = command(*asked, "--json").records
    assert [step["state"] for step in (first, second, third)] == ["not needed", "kept", "run"]
    assert second["line"]["seconds"] == 2.0
    assert "writes" in third["why"]
    ended = command(*asked)
    assert ended.out.splitlines()[0] == "graph.json: 3 steps, 1 kept, 1 to run, 1 not needed"
    assert "made 0 s ago in 2.0 s" in ended.out


def test_a_step_that_is_not_kept_says_why(graph: list[PlanStep], command: Command) -> None:
    keys = {step.node: step.key for step in graph}
    keep(Path("kept"), {keys["2"]: 2.0}, surroundings("cuda", "auto"))
    made, inverted, _ = command(
        "cache", "explain", "graph.json", "--cache", "kept", "--device", "cpu", "--json"
    ).records
    assert (made["state"], inverted["state"]) == ("run", "run")
    assert "never made with these inputs" in made["why"]
    assert inverted["why"] == f"kept only for {surroundings('cuda', 'auto')}"


def test_an_empty_cache_is_told_and_not_made(graph: list[PlanStep], command: Command) -> None:
    ended = command("cache", "explain", "graph.json", "--cache", "none", "--device", "cpu")
    assert (ended.code, ended.err) == (0, "nothing is kept in none yet\n")
    assert ended.out.splitlines()[0] == "graph.json: 3 steps, 0 kept, 3 to run, 0 not needed"
    assert not Path("none").exists()


def test_a_graph_that_cannot_run_is_told_and_the_next_explained(graph: list[PlanStep], command: Command) -> None:
    Path("bad.json").write_text(json.dumps({"1": {"class_type": "Nothing", "inputs": {}}}))
    ended = command("cache", "explain", "bad.json", "graph.json", "--cache", "none")
    assert ended.code == 2
    assert "bad.json" in ended.err
    assert ended.out.startswith("graph.json: 3 steps")


def test_no_verb_needs_torch(graph: list[PlanStep]) -> None:
    keep(Path("kept"), {"a": 1.0})
    for verb in (("list",), ("explain", "graph.json", "--device", "cpu"), ("prune", "--all")):
        code = f"import sys; from engine.cli.main import main; code = main({['cache', *verb, '--cache', 'kept']!r})"
        told = subprocess.run(
            [sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules; sys.exit(code)"],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert (told.returncode, told.stderr) == (0, "")
