"""Rows × zip × grid × repeat, and what each row's graph becomes."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from engine.batching import grid, rows
from engine.batching.base import Base
from engine.batching.combine import Combination
from engine.batching.mapping import Columns
from engine.errors import GraphInvalid
from schemas.batch import Row
from schemas.report import Problem

GRAPH: dict[str, Any] = {
    "1": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1},
        "_meta": {"title": "Empty = Latent"},
    },
    "3": {
        "class_type": "KSampler",
        "inputs": {
            **{"seed": 7, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0},
            **{"model": ["4", 0], "positive": ["6", 0], "negative": ["6", 0], "latent_image": ["1", 0]},
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
}


def base(graph: dict[str, Any] = GRAPH, **options: Any) -> Base:
    return Base(json.dumps(graph).encode(), "graph.json", **options)


def combined(
    *,
    table: rows.Table | None = None,
    grids: Sequence[str] = (),
    zips: Sequence[str] = (),
    maps: Sequence[str] = (),
    repeat: int = 1,
    on: Base | None = None,
) -> Combination:
    on = on or base()
    columns = Columns(on, maps)
    axes = [grid.axes_of(texts, option, columns.knows) for texts, option in ((zips, "--zip"), (grids, "--grid"))]
    return Combination(on, columns, table, *axes, repeat, seed=5)


def settings(found: Combination) -> list[dict[str, Any]]:
    return [row.settings for row in found.rows()]


def refused(**options: Any) -> list[Problem]:
    with pytest.raises(GraphInvalid) as error:
        combined(**options).check()
    return error.value.problems


def table(*cells: dict[str, Any]) -> rows.Table:
    names = list(dict.fromkeys(name for each in cells for name in each))
    return rows.Table("rows.csv", names, [rows.Line(number, each) for number, each in enumerate(cells, 2)])


def test_a_grid_is_each_with_each_the_last_varying_fastest() -> None:
    found = combined(grids=["KSampler.seed=1,2", "3.steps=5..7"])
    assert found.total == 6
    assert [(each["KSampler.seed"], each["3.steps"]) for each in settings(found)] == [
        *[("1", "5"), ("1", "6"), ("1", "7")],
        *[("2", "5"), ("2", "6"), ("2", "7")],
    ]
    assert [row.index for row in found.rows()] == [1, 2, 3, 4, 5, 6]


def test_settings_stand_in_the_order_of_the_columns_whatever_a_row_leaves_out() -> None:
    found = combined(table=rows.Table("rows.csv", ["3.seed", "6.text"], [rows.Line(2, {"6.text": "a"})]))
    assert [list(each.items()) for each in settings(found)] == [[("3.seed", None), ("6.text", "a")]]
    assert next(found.rows()).values == [("6", "text", "a")]


def test_zipped_values_go_together() -> None:
    found = combined(zips=["3.seed=1,2", "3.steps=5,6"], grids=["6.text=a,b"])
    assert [tuple(each.values()) for each in settings(found)] == [
        *[("1", "5", "a"), ("1", "5", "b"), ("2", "6", "a"), ("2", "6", "b")]
    ]
    assert "'3.seed' has 2, '3.steps' has 3" in refused(zips=["3.seed=1,2", "3.steps=5,6,7"])[0].said


def test_rows_vary_slowest_and_runs_fastest() -> None:
    found = combined(table=table({"6.text": "a"}, {"6.text": "b"}), grids=["3.steps=5,6"], repeat=2)
    told = [(row.settings["6.text"], row.settings["3.steps"], row.run) for row in found.rows()]
    assert told == [(text, steps, run) for text in "ab" for steps in "56" for run in (1, 2)]


@trying(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5), max_size=4), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
def test_the_count_is_the_product_and_no_row_is_twice(sizes: list[int], beside: int, lines: int, repeat: int) -> None:
    places = ["3.seed", "3.steps", "3.cfg", "1.batch_size"]
    found = combined(
        table=table(*({"6.text": str(number)} for number in range(lines))) if lines else None,
        zips=[f"1.width=64..{64 * beside}..64"],
        grids=[f"{place}=1..{size}" for place, size in zip(places, sizes, strict=False)],
        repeat=repeat,
        on=base(mode="increment"),
    )
    made = list(found.rows())
    assert len(made) == found.total == math.prod(sizes) * beside * max(lines, 1) * repeat
    assert len({(json.dumps(row.settings), row.run) for row in made}) == len(made)
    assert [row.index for row in made] == list(range(1, len(made) + 1))


def test_a_cell_becomes_what_its_input_takes() -> None:
    on = base()
    found = combined(table=table({"3.cfg": "2", "3.seed": 9, "6.text": 5}, {"6.text": "true"}), on=on)
    first, second = (on.workflow_of(row).prompt.nodes for row in found.rows())
    assert first["3"].inputs | {"cfg": 2, "seed": 9} == first["3"].inputs
    assert (first["6"].inputs["text"], second["6"].inputs["text"]) == ("5", "true")
    assert second["3"].inputs["seed"] == 7


def test_rows_do_what_set_does() -> None:
    on, sets = base(), ["KSampler.seed=11", "6.text=a, b=c.d", "Empty = Latent.width=128"]
    found = combined(table=table(dict(each.rsplit("=", 1) for each in [*sets[::2]]) | {"6.text": "a, b=c.d"}), on=on)
    assert on.workflow_of(next(found.rows())).prompt == base(sets=sets).workflow.prompt


def test_a_title_with_an_equals_sign_may_be_an_axis() -> None:
    assert settings(combined(grids=["Empty = Latent.width=64,128"])) == [
        {"Empty = Latent.width": "64"},
        {"Empty = Latent.width": "128"},
    ]


def test_one_name_may_be_mapped_to_several_places() -> None:
    on = base()
    found = combined(table=table({"size": 96}), maps=["size=1.width", "size=EmptyLatentImage.height"], on=on)
    assert on.workflow_of(next(found.rows())).prompt.nodes["1"].inputs == {"width": 96, "height": 96, "batch_size": 1}


@pytest.mark.parametrize(
    ("column", "said", "fix"),
    [
        ("prompt", "column 'prompt' is neither NODE.FIELD nor a name", "--map prompt=NODE.FIELD"),
        ("KSampler.sed", "KSampler has no input 'sed'", "'seed'"),
        ("KSamler.seed", "no node has the id, title or class 'KSamler'", "'KSampler'"),
        ("3.model", "model is a wire", "widgets only"),
        ("sise", "neither", "Did you mean 'size'?"),
    ],
)
def test_a_column_that_names_nothing_is_refused_with_what_is_near(column: str, said: str, fix: str) -> None:
    found = refused(table=table({column: "1", "3.seed": "2"}), maps=["size=1.width"])
    assert len(found) == 1
    assert said in found[0].said
    assert fix in found[0].fix
    assert found[0].file == "rows.csv"


def test_a_place_is_given_once() -> None:
    found = refused(table=table({"3.seed": "1"}), grids=["KSampler.seed=1,2"])
    assert "changes 3.seed, as '3.seed' does" in found[0].said
    assert "given before" in refused(grids=["3.seed=1", "3.seed=2"])[0].said


def test_every_bad_cell_is_told_with_its_line() -> None:
    bad = table(
        {"3.seed": "x", "3.cfg": "1"}, {"3.seed": "1"}, {"3.seed": "-4", "3.cfg": "nan", "3.sampler_name": "eule"}
    )
    found = refused(table=bad)
    assert [(problem.line, problem.field) for problem in found] == [
        *[(2, "3.seed"), (4, "3.seed"), (4, "3.cfg"), (4, "3.sampler_name")]
    ]
    assert [problem.code for problem in found] == ["wrong-type", "out-of-range", "wrong-type", "unknown-choice"]
    assert found[0].said == "column 3.seed: 'x' is not a whole number."
    assert "'euler'" in found[3].fix
    assert all(problem.fix and problem.file == "rows.csv" for problem in found)


def test_that_there_are_more_bad_cells_than_are_told_is_told() -> None:
    for found in (
        refused(grids=["3.steps=0..-99"]),
        refused(table=table(*({"3.seed": f"x{number}"} for number in range(100)))),
    ):
        assert len(found) == rows.MOST_PROBLEMS + 1
        assert "there are more than" in found[-1].said
    assert len(refused(grids=[f"3.steps=0..-{rows.MOST_PROBLEMS - 1}"])) == rows.MOST_PROBLEMS


def test_bad_values_of_an_axis_name_the_option() -> None:
    found = refused(grids=["3.steps=1,two,99999"])
    assert [problem.said for problem in found] == [
        "--grid 3.steps: 'two' is not a whole number.",
        "--grid 3.steps: 99999 is out of range.",
    ]


def test_a_number_that_would_become_another_one_is_refused() -> None:
    found = refused(grids=["3.steps=10..15..2.5,true,1e1"], zips=["3.cfg=false,1,2.5"])
    assert [problem.said for problem in found] == [
        *["--zip 3.cfg: 'false' is not a number."],
        *["--grid 3.steps: '12.5' is not a whole number.", "--grid 3.steps: 'true' is not a whole number."],
    ]
    assert found[1].fix == "Write a whole number from 1 to 10000."


def test_files_that_are_not_there_are_told_before_anything_runs() -> None:
    found = refused(grids=["4.ckpt_name=a.safetensors,b.safetensors"])
    assert [problem.code for problem in found] == ["missing-file", "missing-file"]


def test_what_is_wrong_with_the_graph_itself_is_told() -> None:
    assert [problem.code for problem in refused(grids=["3.seed=1,2"])] == ["missing-file"]


def test_too_many_rows_are_refused_before_any_is_made() -> None:
    found = refused(grids=["3.seed=0..99999", "3.steps=1..100"])
    assert "100,000 × 100 is 10,000,000 rows" in found[0].said


@pytest.mark.parametrize("text", ["=1,2", "3.seed", "nothing"])
def test_an_axis_without_values_is_refused(text: str) -> None:
    assert "gives no values" in refused(grids=[text])[0].said


@pytest.mark.parametrize("text", ["seed", "=3.seed", "seed="])
def test_a_mapping_that_is_none_is_refused(text: str) -> None:
    assert "is no mapping" in refused(maps=[text])[0].said


def test_runs_change_seeds_as_control_says_and_settings_tell_it() -> None:
    found = combined(grids=["6.text=a,b"], repeat=3, on=base(mode="increment"))
    assert [row.settings["3.seed"] for row in found.rows()] == [7, 8, 9, 7, 8, 9]
    assert dict(next(found.rows()).settings) == {"6.text": "a", "3.seed": 7}


def test_random_seeds_are_the_same_for_every_row_and_at_every_call() -> None:
    found = combined(grids=["6.text=a,b"], repeat=3, on=base(mode="randomize"))
    seeds = [row.settings["3.seed"] for row in found.rows()]
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds)) == 3
    assert seeds == [row.settings["3.seed"] for row in found.rows()]


def test_a_column_that_control_changes_tells_the_new_value() -> None:
    found = combined(grids=["KSampler.seed=20,30"], repeat=2, on=base(mode="increment"))
    assert settings(found) == [{"KSampler.seed": seed} for seed in (20, 21, 30, 31)]


def test_runs_without_control_change_nothing_and_it_can_be_told() -> None:
    assert combined(repeat=2).unchanging()
    assert not combined(repeat=2, on=base(mode="increment")).unchanging()


def test_a_row_comes_back_from_its_text() -> None:
    row = next(combined(table=table({"3.seed": 5, "6.text": "ü\n"}), repeat=2).rows())
    assert Row.model_validate_json(row.model_dump_json()) == row


def test_rows_that_name_other_models_are_of_other_groups() -> None:
    graph = {**GRAPH, "10": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "b.safetensors"}}}
    on = base(graph)
    places: list[tuple[str, str, Any]] = [("4", "ckpt_name", "c.safetensors")]
    assert on.group(Row(index=1)) == "a.safetensors\nb.safetensors"
    assert on.group(Row(index=1, values=places)) == "b.safetensors\nc.safetensors"
    assert on.group(Row(index=1, values=[("3", "seed", 5)])) == on.group(Row(index=2))


def test_rows_from_a_file_reach_the_graph(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("KSampler.seed,#note\n5,first\n,second\n")
    on = base()
    made = [
        on.workflow_of(row).prompt.nodes["3"].inputs["seed"] for row in combined(table=rows.read(file), on=on).rows()
    ]
    assert made == [5, 7]
