"""`comfyless watch`: what it ends with, and what it does not take."""

import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.journal.journal import Journal
from engine.watching import watch as watching
from engine.watching.watch import Tally


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every watch end like this. signalled: after it was asked to stop."""

    def end(tally: Tally, signalled: bool = False) -> None:
        def watch(*given: Any) -> Tally:
            if signalled:
                signal.raise_signal(signal.SIGTERM)
            return tally

        monkeypatch.setattr(watching, "watch", watch)

    return end


@pytest.mark.parametrize(
    ("options", "tally", "signalled", "code"),
    [
        (["--once"], Tally(3, 0, 0, 0), False, 0),
        (["--once"], Tally(3, 1, 0, 0), False, 1),
        (["--once"], Tally(3, 1, 2, 0), True, 130),
        ([], Tally(3, 0, 2, 0), True, 0),
        ([], Tally(3, 1, 2, 0), True, 0),
        ([], Tally(3, 0, 0, 1), True, 1),
    ],
)
def test_an_endless_watch_that_is_stopped_has_ended_well(
    ending: Callable[..., None], options: list[str], tally: Tally, signalled: bool, code: int
) -> None:
    ending(tally, signalled)
    assert main(["watch", "in", *options]) == code


def test_results_that_the_disk_did_not_take_are_told(
    ending: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    ending(Tally(3, 0, 0, 2), signalled=True)
    main(["watch", "in"])
    assert "the disk did not take the results of 2 graphs; the next watch tries again" in capsys.readouterr().err


def test_the_name_of_no_folder_is_not_this_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", ""]) == 2
    assert "the name is empty. Name a folder." in capsys.readouterr().err


def test_a_journal_that_cannot_be_made_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(journal: Journal, path: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, "__init__", full)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    assert main(["watch", "in", "--once", "--cache", "off"]) == 1
    said = f"the journal {tmp_path / 'in' / '.comfyless' / 'journal.sqlite'} cannot be written: database or disk is"
    assert capsys.readouterr().err == f"comfyless: {said} full. Make room there, or keep it elsewhere: --state DIR.\n"


def test_a_file_that_is_no_journal_is_the_users_to_move_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".comfyless").mkdir()
    (tmp_path / ".comfyless" / "journal.sqlite").write_text("no journal " * 100)
    for verb in (["watch", "--once", "--cache", "off"], ["status"]):
        assert main([*verb, str(tmp_path)]) == 2
        assert "is no journal, or a damaged one" in capsys.readouterr().err
