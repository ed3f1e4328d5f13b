"""`comfyless run --repeat`: runs follow one another as in the editor's batch. Files are read, nothing is computed."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.report import RunReport
from schemas.workflow import Workflow
from tests.cli.conftest import EDITOR, Ended

Command = Callable[..., Ended]
Inputs = dict[str, Any]

SAMPLER = {"seed": 7, "steps": 20, "model": ["1", 0]}
API = {"5": {"class_type": "KSampler", "inputs": SAMPLER}}


class Recorder:
    """What api.Session offers; it keeps the workflows that it was to run. ends: how each run ends, else done."""

    def __init__(self) -> None:
        self.ran: list[Workflow] = []
        self.ends: list[str] = []
        self.settings: Any = None

    def __call__(self, settings: Any, events: Any = None, stop: Any = None) -> "Recorder":
        self.settings = settings
        return self

    failure = None

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *ending: object) -> None:
        self.closed = True

    def run(self, workflow: Workflow) -> RunReport:
        self.ran.append(workflow)
        status: Any = self.ends.pop(0) if self.ends else "done"
        return RunReport(file=workflow.name, status=status, error=None if status == "done" else "it failed")

    def inputs(self, node: str) -> list[Inputs]:
        return [workflow.prompt.nodes[node].inputs for workflow in self.ran]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr("engine.api.Session", recorder)
    Path("api.json").write_text(json.dumps(API))
    Path("editor.json").write_text(json.dumps(EDITOR))
    return recorder


def test_one_run_changes_nothing(session: Recorder, command: Command) -> None:
    assert command("run", "editor.json", "--control", "increment").code == 0
    assert session.inputs("1") == [{"value": 32}]


def test_what_the_editor_would_change_changes_and_names_follow(session: Recorder, command: Command) -> None:
    ended = command("run", "editor.json", "--repeat", "3")
    assert [inputs["value"] for inputs in session.inputs("1")] == [32, 33, 34]
    assert [inputs["filename_prefix"] for inputs in session.inputs("3")] == ["n_32", "n_33", "n_34"]
    graphs = [workflow.workflow["nodes"][0]["widgets_values"][0] for workflow in session.ran if workflow.workflow]
    assert graphs == [32, 33, 34]
    assert "editor.json: run 2 of 3\n" in ended.err
    assert "editor.json: 1 PrimitiveInt: value 33 → 34 (increment)\n" in ended.err
    assert ended.err.count("the editor's format") == 1
    assert ended.out.count("done: ") == 3


def test_standard_input_is_read_once(session: Recorder, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(json.dumps(EDITOR).encode())))
    assert command("run", "-", "--repeat", "2").code == 0
    assert [inputs["value"] for inputs in session.inputs("1")] == [32, 33]


def test_a_graph_in_api_format_stays_and_that_is_told_once(session: Recorder, command: Command) -> None:
    ended = command("run", "api.json", "--repeat", "3")
    assert session.inputs("5") == [SAMPLER] * 3
    assert ended.err.count("nothing changes between the runs") == 1


@pytest.mark.parametrize(("mode", "seeds"), [("increment", [7, 8, 9]), ("decrement", [7, 6, 5]), ("fixed", [7, 7, 7])])
def test_control_moves_every_seed(session: Recorder, command: Command, mode: str, seeds: list[int]) -> None:
    command("run", "api.json", "--repeat", "3", "--control", mode)
    assert session.inputs("5") == [{**SAMPLER, "seed": seed} for seed in seeds]


def test_what_was_set_is_where_control_begins(session: Recorder, command: Command) -> None:
    command("run", "editor.json", "--repeat", "3", "--set", "1.value=50", "--set", "6.text=plain")
    assert [inputs["value"] for inputs in session.inputs("1")] == [50, 51, 52]
    assert {inputs["text"] for inputs in session.inputs("6")} == {"plain"}
    graphs = [workflow.workflow["nodes"] for workflow in session.ran if workflow.workflow]
    assert [nodes[0]["widgets_values"][0] for nodes in graphs] == [50, 51, 52]
    assert graphs[2][2]["widgets_values"] == ["plain"]


def test_a_picture_s_graph_keeps_up_with_its_prompt(session: Recorder, command: Command) -> None:
    sampler = {"id": 5, "type": "KSampler", "widgets_values": [6, "fixed", 20, 8.0, "euler", "normal", 1.0]}
    both = {"prompt": API, "workflow": {"nodes": [sampler], "links": []}}
    Path("both.json").write_text(json.dumps(both))
    command("run", "both.json", "--repeat", "2", "--control", "increment")
    assert [inputs["seed"] for inputs in session.inputs("5")] == [7, 8]
    assert session.ran[1].workflow == {
        "nodes": [{**sampler, "widgets_values": [8, *sampler["widgets_values"][1:]]}],
        "links": [],
    }


def test_a_prompt_seed_gives_the_same_seeds_and_choices_again(session: Recorder, command: Command) -> None:
    for _ in range(2):
        command("run", "api.json", "editor.json", "--repeat", "8", "--control", "randomize", "--prompt-seed", "5")
    prompts = [workflow.prompt for workflow in session.ran]
    assert prompts[:16] == prompts[16:]
    assert len({prompt.nodes["5"].inputs["seed"] for prompt in prompts[:8]}) == 8
    assert len({prompt.nodes["6"].inputs["text"] for prompt in prompts[8:16]}) > 1


def test_random_seeds_differ_without_one(session: Recorder, command: Command) -> None:
    for _ in range(2):
        command("run", "api.json", "--repeat", "2", "--control", "randomize")
    assert len({inputs["seed"] for inputs in session.inputs("5")}) == 3


def test_prompts_can_be_left_as_they_are(session: Recorder, command: Command) -> None:
    command("run", "editor.json", "--repeat", "2", "--prompt-seed", "off")
    assert {inputs["text"] for inputs in session.inputs("6")} == {"a {red|green|blue|black|white} cat"}


def test_every_run_that_chooses_otherwise_tells_all_its_choices(session: Recorder, command: Command) -> None:
    graph = {**EDITOR, "nodes": [{**EDITOR["nodes"][2], "widgets_values": ["{a|b} {c|d} // x"]}]}
    Path("choices.json").write_text(json.dumps(graph))
    ended = command("run", "choices.json", "--repeat", "9")
    texts = [str(inputs["text"]).split() for inputs in session.inputs("6")]
    told = [line.split("chose ")[1] for line in ended.err.splitlines() if "chose" in line]
    changed = [now for before, now in zip([[], *texts], texts, strict=False) if now != before]
    assert told == [f"'{first}' of 2, '{second}' of 2" for first, second in changed]
    assert ended.err.count("removed a comment") == 1


def test_a_run_that_fails_is_the_last_of_its_file(session: Recorder, command: Command) -> None:
    session.ends = ["done", "failed"]
    assert command("run", "editor.json", "api.json", "--repeat", "3").code == 1
    assert [workflow.name for workflow in session.ran] == ["editor.json"] * 2 + ["api.json"] * 3


def test_json_tells_which_run_it_is_and_what_changed(session: Recorder, command: Command) -> None:
    records = command("run", "api.json", "--repeat", "2", "--control", "increment", "--json").records
    assert [record["event"] for record in records] == ["repeat", "report", "repeat", "note", "report"]
    assert records[2] == {"event": "repeat", "file": "api.json", "run": 2, "total": 2}
    assert records[3]["said"] == "5 KSampler: seed 7 → 8 (increment)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--repeat", "0"), "'0' is no number of runs. Give a whole number from 1."),
        (("--repeat", "many"), "'many' is no number of runs."),
        (("--prompt-seed", "x"), "'x' is no seed. Give a whole number from 0, or off."),
        (("--control", "wild"), "invalid choice: 'wild'"),
    ],
)
def test_bad_options_are_told(command: Command, options: tuple[str, ...], said: str) -> None:
    ended = command("run", "a.json", *options)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
