"""`comfyless replay`: one line for each picture, and an exit code that tells the three endings apart."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended
from tests.replaying.pictures import doctored, gradient, made, put_input, without

Command = Callable[..., Ended]


@pytest.fixture
def picture(empty_folder: Path) -> str:
    put_input(gradient())
    return str(made().relative_to(empty_folder))


def test_an_identical_picture_is_told_in_one_line(command: Command, picture: str) -> None:
    ended = command("replay", picture, "--device", "cpu")
    assert ended.code == 0, ended.err
    assert re.fullmatch(rf"bit-identical: {picture} \(24×16, 3 steps, [0-9.]+ s\)\n", ended.out)
    assert "[2/3]" in ended.err


def test_a_different_one_is_told_with_what_differs_also_to_who_wants_quiet(command: Command, picture: str) -> None:
    doctored(Path(picture), comfyless=lambda about: {**about, "version": "0.0.1"})
    put_input(255 - gradient())
    ended = command("replay", picture, "--device", "cpu", "-q")
    assert (ended.code, ended.err) == (1, "")
    (line,) = ended.out.splitlines()
    assert line.startswith(f"differs: {picture} (24×16, 3 steps, ")
    assert "): comfyless 0.0.1 → " in line
    assert re.search(r"; [0-9.]+ % of the pixels differ, by at most \d+ of 255 \(mean [0-9.]+\)$", line)


def test_a_version_that_made_no_difference_is_told_too(command: Command, picture: str) -> None:
    doctored(Path(picture), comfyless=lambda about: {**about, "version": "0.0.1"})
    ended = command("replay", picture, "--device", "cpu")
    assert ended.code == 0
    assert ", although comfyless 0.0.1 → " in ended.out


def test_another_programs_picture_is_told_as_such(command: Command, picture: str) -> None:
    doctored(Path(picture), comfyless=without)
    ended = command("replay", picture, "--device", "cpu")
    assert ended.code == 0
    assert ended.out.endswith("; made by another program: only pixels can be compared\n")


def test_quiet_says_nothing_of_an_identical_one(command: Command, picture: str) -> None:
    assert command("replay", picture, "--device", "cpu", "-q") == Ended(0, "", "")


def test_several_pictures_have_a_line_each_and_the_worst_exit_code(command: Command, picture: str) -> None:
    Path("graph.json").write_text("{}")
    ended = command("replay", "gone.png", picture, "graph.json", "--device", "cpu")
    assert ended.code == 2
    assert ended.out.startswith("bit-identical: ")
    assert "gone.png: there is no such file" in ended.err
    assert "graph.json: this is no PNG, WebP or JPEG picture" in ended.err


def test_kept_pictures_are_named(command: Command, picture: str) -> None:
    ended = command("replay", picture, "--device", "cpu", "--output", "again")
    assert ended.out.endswith(") → again/made_00001_.png\n")
    assert Path("again/made_00001_.png").read_bytes() == Path(picture).read_bytes()


def test_json_gives_a_record_for_each_picture(command: Command, picture: str) -> None:
    ended = command("replay", picture, "gone.png", "--device", "cpu", "--json", "-q")
    assert (ended.code, ended.err) == (2, "")
    good, bad = ended.records
    assert (good["event"], good["file"], good["identical"], good["differences"]) == ("replay", picture, True, [])
    assert (good["max_difference"], good["pixels_differing"], good["report"]["status"]) == (0, 0, "done")
    assert (bad["event"], bad["file"], bad["identical"]) == ("replay", "gone.png", None)
    assert bad["report"]["problems"][0]["code"] == "unreadable-file"


def test_json_tells_events_but_no_file_that_was_not_written(command: Command, picture: str) -> None:
    events = [record["event"] for record in command("replay", picture, "--device", "cpu", "--json").records]
    assert events.count("step-done") == 3
    assert (events[-1], events.count("saved")) == ("replay", 0)
    kept = command("replay", picture, "--device", "cpu", "--json", "--output", "again").records
    assert [record["event"] for record in kept].count("saved") == 1


def test_what_cannot_run_any_more_is_told_with_its_problems(command: Command, picture: str) -> None:
    Path("input/in.png").unlink()
    ended = command("replay", picture, "--device", "cpu")
    assert (ended.code, ended.out) == (2, "")
    assert f"{picture}: 1 LoadImage.image: 'in.png'" in ended.err


def test_caches_named_in_the_surroundings_are_left_alone(
    command: Command, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMFYLESS_CACHE", "cache")
    monkeypatch.setenv("COMFYLESS_MEMORY_CACHE", "1G")
    assert command("replay", picture, picture, "--device", "cpu").code == 0
    assert not Path("cache").exists()


def test_bad_settings_are_told(command: Command, picture: str) -> None:
    ended = command("replay", picture, "--threads", "none")
    assert (ended.code, ended.out) == (2, "")
    assert "--threads" in ended.err
