"""`comfyless run`: what it says, to whom, and what it ends with."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import DoesNotFit, Interrupted
from schemas.report import Problem, RunReport
from tests.cli.conftest import Ended, FakeApi, FakeSession

Command = Callable[..., Ended]

TYPO = Problem(
    code="unknown-choice",
    node="31",
    class_type="KSampler",
    title="the sampler",
    field="sampler_name",
    found="eular",
    said="no choice 'eular'.",
    fix="Did you mean 'euler'?",
)
BROKEN = Problem(code="malformed-json", said="a comma is missing.", fix="Add it.", line=3, column=7)


def failing(session: FakeSession) -> RunReport:
    raise DoesNotFit("8 GiB are needed, 4 GiB are free")


def faulty(session: FakeSession) -> RunReport:
    raise KeyError("oh")


def test_a_done_run_tells_steps_to_stderr_and_the_result_to_stdout(api: FakeApi, command: Command) -> None:
    ended = command("run", "portrait.json")
    assert ended.code == 0
    assert ended.out.startswith("done: 2 steps, 1 cached, 0.0")
    assert ended.out.endswith(", peak 11.2 GiB → output/flux_00001_.png\n")
    assert ended.err == ("[1/2]  1 Picture             2 it  1.00 s/it  5.2 s\n[2/2]  2 SaveImage           cached\n")


def test_a_pipe_gets_no_control_codes(api: FakeApi, command: Command) -> None:
    ended = command("run", "portrait.json", "--verbose")
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err


def test_a_terminal_gets_a_bar_that_is_wiped_away(api: FakeApi, on_terminal: Callable[..., str]) -> None:
    wipe = "\r\x1b[2K"
    bar = "[1/2]  1 Picture             ━━━━━━━━━━━━━━━━━━━━━━━━  2/2  1.00 s/it"
    done = "[1/2]  1 Picture             2 it  1.00 s/it  5.2 s\n[2/2]  2 SaveImage           cached\n"
    assert on_terminal("run", "portrait.json").endswith(f"{wipe}{bar}{wipe}{done}")


def test_a_terminal_gets_long_problems_wrapped(api: FakeApi, on_terminal: Callable[..., str]) -> None:
    api.invalid["portrait.json"] = [TYPO]
    shown = on_terminal("run", "portrait.json")
    assert max(map(len, shown.splitlines())) <= 80
    assert "\n    you mean 'euler'?" in shown


def test_quiet_says_nothing_when_all_is_well(api: FakeApi, command: Command) -> None:
    api.notes["a.json"] = ["converted"]
    assert command("run", "--quiet", "a.json") == Ended(0, "", "")


def test_notes_of_reading_are_told(api: FakeApi, command: Command) -> None:
    api.notes["a.json"] = ["the graph was inside a picture"]
    assert "a.json: the graph was inside a picture\n" in command("run", "a.json").err


def test_json_gives_events_and_then_one_report_for_each_file(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [TYPO]
    ended = command("run", "--json", "good.json", "bad.json")
    events = [record["event"] for record in ended.records]
    assert events == ["run", "step", "progress", "progress", "step-done", "step-done", "saved", "report", "report"]
    good, bad = (record for record in ended.records if record["event"] == "report")
    assert (good["file"], good["status"], good["problems"]) == ("good.json", "done", [])
    assert good["outputs"] == {"2": [str(Path("output/flux_00001_.png").absolute())]}
    assert good["steps"][0] == {"node": "1", "class_type": "Picture", "state": "run", "seconds": 5.25}
    assert good["peak"] == {"ram": int(11.2 * 2**30), "vram": 0}
    assert (bad["status"], bad["problems"][0]["code"], bad["problems"][0]["found"]) == (
        "invalid",
        "unknown-choice",
        "eular",
    )
    assert (ended.code, ended.err) == (2, "")


def test_json_and_quiet_gives_reports_only(api: FakeApi, command: Command) -> None:
    assert [record["event"] for record in command("run", "--json", "--quiet", "a.json").records] == ["report"]


def test_json_is_strict_even_where_a_graph_is_not(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [TYPO.model_copy(update={"found": float("nan"), "said": "half \ud800 a character"})]
    (line,) = command("run", "--json", "bad.json").out.splitlines()
    assert "NaN" not in json.dumps(json.loads(line, parse_constant=lambda _: pytest.fail("no JSON")))


def test_problems_are_told_with_place_fix_and_count(api: FakeApi, command: Command) -> None:
    api.invalid["portrait.json"] = [TYPO, TYPO.model_copy(update={"title": None, "field": None})]
    ended = command("run", "portrait.json")
    assert ended == Ended(
        2,
        "",
        "portrait.json: 31 KSampler.sampler_name ('the sampler'): no choice 'eular'. Did you mean 'euler'?"
        "  [unknown-choice]\n"
        "portrait.json: 31 KSampler: no choice 'eular'. Did you mean 'euler'?  [unknown-choice]\n"
        "portrait.json: 2 problems\n",
    )


def test_a_broken_file_is_told_with_line_and_column(api: FakeApi, command: Command) -> None:
    api.unreadable["broken.json"] = [BROKEN]
    ended = command("run", "broken.json")
    assert ended == Ended(2, "", "broken.json:3:7: a comma is missing. Add it.  [malformed-json]\n")


def test_a_failure_of_one_file_does_not_stop_the_next_and_the_worst_code_wins(api: FakeApi, command: Command) -> None:
    api.behave["fails.json"] = failing
    api.unreadable["broken.json"] = [BROKEN]
    ended = command("run", "fails.json", "broken.json", "good.json")
    assert ended.code == 2
    assert "fails.json: 8 GiB are needed, 4 GiB are free\n" in ended.err
    assert ended.out.startswith("done: good.json, 2 steps, ")
    assert "good.json: 2 steps\n" in ended.err
    assert command("run", "fails.json", "good.json").code == 1


def test_a_fault_of_ours_is_one_line_and_with_verbose_a_traceback(api: FakeApi, command: Command) -> None:
    api.behave["odd.json"] = faulty
    brief, full = command("run", "odd.json"), command("run", "--verbose", "odd.json")
    assert brief == Ended(1, "", "odd.json: internal error: KeyError: 'oh'\n")
    assert "Traceback" in full.err
    assert full.code == 1


def test_control_characters_of_a_graph_do_not_reach_the_terminal(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [TYPO.model_copy(update={"title": "a\x1b[31m\nb\u202e", "class_type": "K\x1b]0;x\x07"})]
    err = command("run", "bad.json").err
    assert err.count("\n") == 1
    assert not any(character in err for character in "\x1b\x07\u202e")


def test_ctrl_c_stops_this_file_and_the_next(api: FakeApi, command: Command) -> None:
    def interrupted(session: FakeSession) -> RunReport:
        os.kill(os.getpid(), signal.SIGINT)
        if session.stop():
            raise Interrupted
        raise AssertionError("the signal was not seen")

    api.behave["long.json"] = interrupted
    ended = command("run", "--json", "long.json", "next.json")
    assert [record["status"] for record in ended.records] == ["interrupted", "interrupted"]
    assert (ended.code, "press Ctrl-C again" in ended.err) == (130, True)


def test_a_second_ctrl_c_stops_at_once(api: FakeApi, command: Command) -> None:
    def stuck(session: FakeSession) -> RunReport:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("still here")

    api.behave["long.json"] = stuck
    ended = command("run", "long.json")
    assert ended.code == 130
    assert ended.err.endswith("long.json: interrupted\n")


def test_signals_are_given_back_after_a_run(api: FakeApi, command: Command) -> None:
    before = signal.getsignal(signal.SIGINT)
    command("run", "a.json")
    assert signal.getsignal(signal.SIGINT) is before


def test_set_reaches_the_graph_of_every_file(api: FakeApi, command: Command) -> None:
    command("run", "a.json", "b.json", "--set", "31.seed=1", "--set", "6.text=a = b")
    assert api.sets == [["31.seed=1", "6.text=a = b"]] * 2


def test_options_become_settings(api: FakeApi, command: Command, empty_folder: Path) -> None:
    (empty_folder / "m").mkdir()
    (empty_folder / "n").mkdir()
    command(
        *("run", "a.json", "--models", "m", "--models", "n", "--device", "cpu", "--dtype", "bf16", "--threads", "3"),
        *(
            "--ram",
            "12G",
            "--vram",
            "8GiB",
            "--memory-cache",
            "0",
            "--cache",
            "c",
            "--cache-size",
            "5G",
            "--input",
            "i",
            "--output",
            "o",
            "--temp",
            "t",
        ),
    )
    told = api.settings.model_dump(exclude={"extra_model_paths", "object_info"})
    assert told == {
        **{"models": [Path("m"), Path("n")], "device": "cpu", "dtype": "bf16", "threads": 3},
        **{"ram": 12 * 2**30, "vram": 8 * 2**30, "memory_cache": 0, "cache": Path("c"), "cache_size": 5 * 2**30},
        **{"input": Path("i"), "output": Path("o"), "temp": Path("t")},
    }


def test_bad_settings_are_all_told_and_nothing_runs(
    api: FakeApi, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMFYLESS_DTYPE", "fp4")
    ended = command("run", "a.json", "--threads", "none", "--models", "nowhere")
    assert (ended.code, ended.out, api.settings) == (2, "", None)
    assert set(ended.err.splitlines()) == {
        "comfyless: --threads: 'none' does not fit. Give a whole number from 1.  [bad-setting]",
        "comfyless: --models: 'nowhere' does not exist. Give folders that exist.  [bad-setting]",
        "comfyless: COMFYLESS_DTYPE: 'fp4' does not fit. Give auto, fp32, bf16 or fp16.  [bad-setting]",
        "comfyless: 3 problems",
    }


def test_bad_settings_are_a_report_for_each_file_as_json(api: FakeApi, command: Command) -> None:
    ended = command("run", "--json", "a.json", "b.json", "--threads", "0")
    assert [record["file"] for record in ended.records] == ["a.json", "b.json"]
    assert {record["status"] for record in ended.records} == {"invalid"}
    assert (ended.code, ended.records[0]["problems"][0]["field"]) == (2, "threads")


def test_a_dry_run_shows_the_plan(api: FakeApi, command: Command) -> None:
    ended = command("run", "--dry-run", "a.json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "a.json: 2 steps, 2 to run, 16.0 GiB to read\n"
        "  step  node  class      state  why           reads\n"
        "     1     1  Picture    run    first run     flux.safetensors (16.0 GiB)\n"
        "     2     2  SaveImage  run    never cached  flux.safetensors (16.0 GiB)\n"
    )


def test_a_dry_run_as_json_is_one_line_for_each_file(api: FakeApi, command: Command) -> None:
    api.invalid["bad.json"] = [TYPO]
    ended = command("run", "--dry-run", "--json", "a.json", "bad.json")
    plan, report = ended.records
    assert (plan["event"], plan["file"], plan["total_bytes"]) == ("plan", "a.json", 16 * 2**30)
    assert [step["reason"] for step in plan["steps"]] == ["first run", "never cached"]
    assert (report["event"], report["status"], ended.code) == ("report", "invalid", 2)


def test_several_pictures_get_lines_of_their_own(api: FakeApi, command: Command) -> None:
    def two(_: FakeSession) -> RunReport:
        return RunReport(file="a.json", status="done", outputs={"9": ["/elsewhere/a.png", "output/b\x1b.png"]})

    api.behave["a.json"] = two
    first, *others = command("run", "a.json").out.splitlines()
    assert first.endswith("→ 2 files:")
    assert others == ["  /elsewhere/a.png", "  output/b\\x1b.png"]
