"""Marks: what a run or a check says of a node, in whatever subgraph it is."""

from engine.drawing import marks
from engine.drawing.editor_panels import panels_of
from schemas.report import Problem, RunReport, StepReport
from tests.drawing.graphs import nested, no_schema, no_values, plain


def problem(node: str | None, said: str = "broken.", also: tuple[str, ...] = ()) -> Problem:
    return Problem(code="missing-input", node=node, said=said, fix="Mend it.", also=list(also))


def test_a_node_inside_subgraphs_is_marked_and_so_is_all_around_it() -> None:
    panels = panels_of(nested(), no_schema, no_values)
    assert marks.apply(panels, marks.by_problem([problem("57:13:3")])) == []
    found = [panels[0].boxes["57"].mark, panels[1].boxes["13"].mark, panels[2].boxes["3"].mark]
    told = ["inside, KSampler: broken.", "inside, KSampler: broken.", "broken."]
    assert [mark.failed for mark in found if mark] == told


def test_what_belongs_to_no_node_is_given_back() -> None:
    panels = panels_of(plain(), no_schema, no_values)
    assert marks.apply(panels, marks.by_problem([problem("99"), problem(None)])) == ["99"]


def test_one_problem_of_several_nodes_marks_them_all() -> None:
    assert set(marks.by_problem([problem("1", also=("2", "3"))])) == {"1", "2", "3"}


def test_what_is_said_of_a_node_ends_where_no_message_could_show_it() -> None:
    said = [problem("1", f"{number} is broken.") for number in range(5000)]
    found = marks.by_problem(said)["1"].failed
    assert found.startswith("0 is broken.\n1 is broken.")
    assert len(found) < marks.LONGEST + 100


def test_a_report_tells_what_failed_what_was_cached_and_what_was_saved() -> None:
    steps = [StepReport(node="1", class_type="A", state="cached"), StepReport(node="2", class_type="B", state="run")]
    steps[1].seconds = 1.5
    outputs = {"4": ["/o/a.txt", "/o/a.png"]}
    report = RunReport(file="x", status="failed", steps=steps, outputs=outputs, error="it broke", failed_node="3")
    found = marks.marks_of(report)
    assert (found["1"].cached, found["2"].seconds, found["3"].failed) == (True, 1.5, "it broke")
    assert found["4"].picture == "/o/a.png"
