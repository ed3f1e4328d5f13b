"""Settings come from the nearest place that has them; bad ones are told all at once with their place."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.report import Problem
from schemas.settings import Settings, as_bytes, problems_of


def problems(given: dict[str, Any] | None = None, names: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(ValidationError) as caught:
        Settings(**given or {})
    return problems_of(caught.value, names or {})


def test_without_anything_the_defaults_hold(empty_folder: Path) -> None:
    settings = Settings()
    assert (settings.models, settings.output, settings.device, settings.ram) == ([], Path("output"), "auto", None)


def test_a_models_folder_at_hand_is_taken_unasked(empty_folder: Path) -> None:
    (empty_folder / "models").mkdir()
    assert Settings().models == [Path("models")]


def test_arguments_go_before_environment_before_file_before_users_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "user" / "comfyless").mkdir(parents=True)
    (empty_folder / "user" / "comfyless" / "comfyless.toml").write_text('threads = 1\ndevice = "mps"\nram = "1G"\n')
    (empty_folder / "comfyless.toml").write_text('threads = 2\ndevice = "cpu"\ndtype = "bf16"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(empty_folder / "user"))
    monkeypatch.setenv("COMFYLESS_THREADS", "3")
    monkeypatch.setenv("COMFYLESS_DEVICE", "cuda:1")
    settings = Settings(threads=4)
    assert (settings.threads, settings.device, settings.dtype, settings.ram) == (4, "cuda:1", "bf16", 2**30)


def test_lists_of_folders_are_parted_as_in_path(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "a").mkdir()
    (empty_folder / "b").mkdir()
    monkeypatch.setenv("COMFYLESS_MODELS", "a:b")
    assert Settings().models == [Path("a"), Path("b")]


def test_paths_in_a_file_are_relative_to_the_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = empty_folder / "user" / "comfyless"
    (user / "m").mkdir(parents=True)
    (user / "comfyless.toml").write_text('models = ["m"]\noutput = "o"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(empty_folder / "user"))
    assert (Settings().models, Settings().output) == ([user / "m"], user / "o")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("7", 7),
        ("12G", 12 * 2**30),
        ("12 GiB", 12 * 2**30),
        ("12gb", 12 * 10**9),
        ("1.5k", 1536),
        ("800M", 800 * 2**20),
        ("3 MB", 3 * 10**6),
        (" 2t ", 2 * 2**40),
        (5, 5),
    ],
)
def test_sizes_are_read_as_people_write_them(text: Any, size: int) -> None:
    assert as_bytes(text) == size


@pytest.mark.parametrize("text", ["", "G", "12 apples", "-1G", "1e9", "12GG", "half"])
def test_what_is_no_size_is_refused(empty_folder: Path, text: str) -> None:
    assert problems({"ram": text})[0].said == f"ram: {text!r} is no size such as 12G, 12GiB or 800M."


def test_all_bad_settings_are_told_at_once_with_their_places(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "comfyless.toml").write_text('dtype = "fp8"\nmodles = ["x"]\n')
    monkeypatch.setenv("COMFYLESS_DEVICE", "gpu")
    monkeypatch.setenv("COMFYLESS_THRAEDS", "3")
    found = problems({"threads": "many", "models": ["nowhere"]}, {"threads": "--threads", "models": "--models"})
    assert {(problem.said, problem.fix, problem.file) for problem in found} == {
        ("--threads: 'many' does not fit.", "Give a whole number from 1.", None),
        ("--models: 'nowhere' does not exist.", "Give folders that exist.", None),
        ("COMFYLESS_DEVICE: 'gpu' does not fit.", "Give auto, cpu, cuda, cuda:N or mps.", None),
        ("COMFYLESS_THRAEDS is no setting.", "Did you mean 'threads'?", None),
        ("dtype in comfyless.toml: 'fp8' does not fit.", "Give auto, fp32, bf16 or fp16.", "comfyless.toml"),
        ("modles in comfyless.toml is no setting.", "Did you mean 'models'?", "comfyless.toml"),
    }
    assert {problem.code for problem in found} == {"bad-setting"}


def test_a_file_that_is_no_toml_is_told_with_its_line(empty_folder: Path) -> None:
    (empty_folder / "comfyless.toml").write_text("threads = = 2\n")
    (problem,) = problems()
    assert problem.said.startswith("comfyless.toml cannot be read: ")
    assert "line 1, column 11" in problem.said


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:3", "mps"])
def test_known_devices_pass(empty_folder: Path, device: str) -> None:
    assert Settings(device=device).device == device


@pytest.mark.parametrize("device", ["", "cuda:", "cuda:x", "gpu", "cpu\n", "CPU"])
def test_other_devices_do_not(empty_folder: Path, device: str) -> None:
    assert problems({"device": device})[0].field == "device"
