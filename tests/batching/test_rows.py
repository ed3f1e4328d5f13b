"""Files of rows, good and bad."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batching import rows
from engine.errors import GraphInvalid
from schemas.report import Problem


def table(folder: Path, name: str, content: str | bytes) -> rows.Table:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows.read(file)


def refused(folder: Path, name: str, content: str | bytes) -> list[Problem]:
    with pytest.raises(GraphInvalid) as error:
        table(folder, name, content)
    return error.value.problems


def cells(found: rows.Table) -> list[dict[str, rows.Cell]]:
    return [dict(line.cells) for line in found.lines]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", '3.seed,text\n5,a cat\n,\n6,"two\nlines, here"\n'),
        ("a.csv", '\ufeff3.seed;text\r\n5;a cat\r\n;\r\n\r\n6;"two\nlines, here"\r\n'),
        ("a.tsv", '3.seed\ttext\n5\ta cat\n\t\n6\t"two\nlines, here"\n'),
        ("a.csv", '#,3.seed,text,#\nnote,5,a cat,\n,,,\nx,6,"two\nlines, here",y\n'.encode("utf-16")),
        ("a.jsonl", '{"3.seed": "5", "text": "a cat"}\n\n{"text": null}\n{"3.seed":"6","text":"two\\nlines, here"}'),
        ("a.yaml", '- {3.seed: "5", text: a cat}\n- {"#": [1]}\n- 3.seed: "6"\n  text: "two\\nlines, here"\n'),
        ("a.JSON", '[{"3.seed": "5", "text": "a cat"}, {}, {"3.seed": "6", "text": "two\\nlines, here"}]'),
    ],
)
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str, content: str | bytes) -> None:
    found = table(tmp_path, name, content)
    assert cells(found) == [{"3.seed": "5", "text": "a cat"}, {}, {"3.seed": "6", "text": "two\nlines, here"}]
    assert found.columns == ["3.seed", "text"]


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    found = table(tmp_path, "a.csv", 'a.b\n"one\ntwo"\n\nthree\n')
    assert [line.number for line in found.lines] == [2, 5]


def test_numbers_and_truth_values_keep_their_kind(tmp_path: Path) -> None:
    found = table(tmp_path, "a.jsonl", '{"a.b": 7, "a.c": 0.5, "a.d": true, "a.e": "7"}')
    assert cells(found) == [{"a.b": 7, "a.c": 0.5, "a.d": True, "a.e": "7"}]


def test_plain_texts_in_yaml_stay_texts_for_their_inputs_to_read(tmp_path: Path) -> None:
    texts = ["no", "16:9", "012", "2024-01-01", "1_000", "0x0A", "1e3", "5", "-0.5", ".inf", "on", "="]
    found = table(tmp_path, "a.yaml", "".join(f"- a.b: {text}\n" for text in texts))
    assert cells(found) == [{"a.b": text} for text in texts]
    others = "- {a.b: true, a.c: ~, a.d: null, a.e: }\n- &x {a.b: 'true'}\n- {<<: *x, a.c: y}\n"
    found = table(tmp_path, "a.yaml", others)
    assert cells(found) == [{"a.b": True}, {"a.b": "true"}, {"a.b": "true", "a.c": "y"}]


@pytest.mark.parametrize(
    ("name", "content", "line", "said"),
    [
        ("a.txt", "a", None, "cannot be told"),
        ("a.csv", "", 1, "no header"),
        ("a.csv", "a.b\n", None, "no rows"),
        ("a.csv", "a.b,a.b\n1,2\n", 1, "column 'a.b': this name is there twice"),
        ("a.csv", "a.b,\n1,2\n", 1, "column 2 has no name"),
        ("a.csv", "a.b,a.c\n1,2\n1\n", 3, "1 cell stands under 2 names"),
        ("a.csv", "a.b,a.c\n1,2,3\n", 2, "3 cells stand under 2 names"),
        ("a.csv", 'a.b\n"never closed\n', 2, "this is no CSV"),
        ("a.csv", "a.b\n" + "x" * 200_000, 2, "this is no CSV"),
        ("a.csv", b"a.b\nfine\nk\xe4se\n", 3, "no text in UTF-8: byte 0xe4"),
        ("a.csv", b"\xff\xfea\x00.", None, None),
        ("a.jsonl", '{"a.b": 1}\n{"a.b": }\n', 2, "this is no JSON"),
        ("a.jsonl", '{"a.b": 1, "a.b": 2}', 1, "twice"),
        ("a.jsonl", "[1]", 1, "no mapping"),
        ("a.jsonl", '{"a.b": [1]}', 1, "column 'a.b': [1] is no text, number, true or false"),
        ("a.jsonl", "[" * 100_000, 1, "this is no JSON"),
        ("a.json", '{"a.b": 1}', None, "no list"),
        ("a.csv", 'a.b,a.c\n1,2\n"a,2\n3,4\n', 3, "this is no CSV"),
        ("a.csv", 'a.b,a.c\n1,2\n"a,2\n3,4\n"b",5\n', 3, "this is no CSV"),
        ("a.json", '[{"a.b": 1, "a.b": 1}]', 1, "twice"),
        ("a.json", '[\n {"a.b":\n  1},\n\n {"a.b": 1, "a.b": 1}]', 5, "twice"),
        ("a.json", '\n[\n {"a.b": "]["},\n 5]', 4, "this row is 5, no mapping"),
        ("a.yaml", "- a.b: 1\n  a.c: 2\n\n- a.b: 1\n  a.b: 2\n", 4, "column 'a.b': this name is there twice"),
        ("a.yaml", "# first\n- a.b: 1\n  a.c: 2\n- 5\n", 4, "this row is '5', no mapping"),
        ("a.yaml", "- a: [", 1, "this is no YAML"),
        ("a.yaml", "- a: !!python/object/apply:os.system [ls]", 1, "this is no YAML"),
        ("a.yaml", "- [1]: x", 1, "this is no YAML"),
        ("a.yaml", "- true: x", 1, "no mapping"),
        ("a.yaml", "- a.b: [1]", 1, "is no text"),
        ("a.yaml", "&a [*a]", 1, "no mapping"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, line: int | None, said: str | None
) -> None:
    found = refused(tmp_path, name, content)
    assert {problem.file for problem in found} == {str(tmp_path / name)}
    assert said is None or (said in found[0].said and found[0].line == line)
    assert all(problem.fix for problem in found)


def test_all_bad_lines_are_told_up_to_a_number(tmp_path: Path) -> None:
    assert [problem.line for problem in refused(tmp_path, "a.csv", "a.b,a.c\n1\n1,2\n3\n")] == [2, 4]
    bad = "a.b,a.c\n" + "1\n" * rows.MOST_PROBLEMS
    assert [problem.line for problem in refused(tmp_path, "a.csv", bad)] == list(range(2, rows.MOST_PROBLEMS + 2))
    *told, last = refused(tmp_path, "a.csv", bad + "1\n" * 1000)
    assert len(told) == rows.MOST_PROBLEMS
    assert "there are more than" in last.said


def test_a_file_that_is_not_there_is_told_with_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a.b\n1\n")
    with pytest.raises(GraphInvalid) as error:
        rows.read(tmp_path / "row.csv")
    assert "rows.csv" in error.value.problems[0].fix


def test_more_rows_than_a_batch_may_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    assert len(table(tmp_path, "a.csv", "a.b\n1\n2\n3\n").lines) == 3
    assert "more than 3 rows" in refused(tmp_path, "a.csv", "a.b\n1\n2\n3\n4\n")[0].said


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([".csv", ".jsonl", ".json", ".yaml", ".tsv"]))
def test_any_bytes_are_a_table_or_problems(tmp_path_factory: pytest.TempPathFactory, data: bytes, ending: str) -> None:
    file = tmp_path_factory.getbasetemp() / f"any{ending}"
    file.write_bytes(data)
    with contextlib.suppress(GraphInvalid):
        assert rows.read(file).lines


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a.b", "c.d"]), st.text(st.characters(exclude_categories=["Cs"]))), min_size=1
    )
)
def test_json_lines_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, str]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in written))
    assert cells(rows.read(file)) == written
