"""A batch's folder: found again, made whole or not at all, for one process at a time."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.batching import state
from engine.batching.state import BatchFolder
from engine.errors import GraphInvalid
from schemas.batch import Recipe, Row

ROWS = [Row(index=number, settings={"a.b": "ü\ud800"}, values=[("a", "b", number)]) for number in (1, 2, 3)]


def obtain(output: Path, key: str = "0a1b2c3d", name: str = "my graph.json", **options: Any) -> BatchFolder:
    recipe = Recipe(name=name, graph="graph.json", rows=len(ROWS), sets=["a.b=5"])
    return state.obtain(output, key, recipe, b"{}", options.pop("rows", ROWS), **options)


def group(row: Row) -> str:
    return "models"


def test_a_folder_keeps_everything_that_is_needed_to_go_on(tmp_path: Path) -> None:
    made = obtain(tmp_path)
    assert made.path == tmp_path / "batches" / "my_graph-0a1b2c3d"
    again = BatchFolder(made.path)
    assert again.recipe == made.recipe
    assert again.graph == b"{}"
    assert list(again.rows()) == ROWS


def test_the_same_batch_finds_its_folder_and_another_one_does_not(tmp_path: Path) -> None:
    first = obtain(tmp_path)
    assert obtain(tmp_path, rows=[]).path == first.path
    assert obtain(tmp_path, key="11111111").path != first.path
    assert len(list(BatchFolder(first.path).rows())) == 3


def test_starting_over_makes_a_numbered_folder_which_is_the_one_found_from_then_on(tmp_path: Path) -> None:
    names = [obtain(tmp_path, again=again).path.name for again in (False, True, False, True, False)]
    assert [name.removeprefix("my_graph-0a1b2c3d") for name in names] == ["", "-2", "-2", "-3", "-3"]


def test_what_a_killed_process_left_half_made_is_no_folder_and_goes_away(tmp_path: Path) -> None:
    left = tmp_path / "batches" / ".making-my_graph-0a1b2c3d"
    left.mkdir(parents=True)
    (left / "rows.jsonl").write_text("{")
    assert list(obtain(tmp_path).rows()) == ROWS
    assert not left.exists()


def test_rows_that_cannot_be_made_leave_nothing_behind(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield ROWS[0]
        raise GraphInvalid([])

    with pytest.raises(GraphInvalid):
        obtain(tmp_path, rows=rows())
    assert [path.name for path in (tmp_path / "batches").iterdir()] == [state.MAKING]


def test_one_command_given_many_times_at_once_makes_one_folder(tmp_path: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(obtain(tmp_path).path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_two_processes_cannot_be_at_one_batch(tmp_path: Path) -> None:
    made = obtain(tmp_path)
    with made.open(), pytest.raises(GraphInvalid, match="at work in another process"), BatchFolder(made.path).open():
        pass
    with made.open():
        pass


def test_rows_are_queued_once_and_failed_ones_wait_again(tmp_path: Path) -> None:
    made = obtain(tmp_path)
    with made.open() as journal:
        made.queue(journal, group)
        for job in journal.take(2):
            journal.begin([job.id])
            journal.finishing(job.id, "{}")
            journal.end(job.id, failed=job.name == "row-000002")
    with made.open() as journal:
        made.queue(journal, group)
        waiting = journal.jobs("waiting")
        assert [job.name for job in waiting] == ["row-000002", "row-000003"]
        assert [made.row(job.payload) for job in waiting] == ROWS[1:]
        assert {job.group for job in waiting} == {"models"}
        assert journal.counts()["done"] == 1


@pytest.mark.parametrize("name", ["-", "...", "/a/b/ü ß/☃.png", "x" * 300 + ".json"])
def test_any_name_of_a_graph_gives_a_folder(tmp_path: Path, name: str) -> None:
    assert obtain(tmp_path, name=name).path.parent == tmp_path / "batches"


def test_identity_follows_graph_and_parts() -> None:
    assert state.identity(b"a", [1], {"x": 1, "y": 2}) == state.identity(b"a", [1], {"y": 2, "x": 1})
    assert len({state.identity(graph, part) for graph in (b"a", b"b") for part in (1, 2, "1", None)}) == 8


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (None, None, "has no recipe.json"),
        ("recipe.json", "{", "is damaged"),
        ("recipe.json", '{"format": 2, "name": "a", "graph": "g", "rows": 1}', "newer comfyless"),
        ("recipe.json", '{"name": "a", "graph": "g.json", "rows": 1}', "has no g.json"),
    ],
)
def test_a_folder_that_is_no_batch_is_refused(tmp_path: Path, file: str | None, content: str, said: str) -> None:
    if file is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(GraphInvalid, match=said):
        BatchFolder(tmp_path)
