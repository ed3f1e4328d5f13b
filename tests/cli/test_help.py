"""Every --help is what it was when a person last read it.

To renew one: `COLUMNS=80 comfyless VERB --help > tests/cli/help/VERB.txt`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import VERSION
from tests.cli.conftest import Ended

FOLDER = Path(__file__).parent / "help"


@pytest.mark.parametrize(
    "verb",
    [
        "comfyless",
        "run",
        "batch",
        "watch",
        "status",
        "validate",
        "convert",
        "export",
        "quantize",
        "compare",
        "replay",
        "nodes",
        "models",
        "demo",
    ],
)
def test_help_says_what_it_said(command: Callable[..., Ended], verb: str) -> None:
    ended = command(*([] if verb == "comfyless" else [verb]), "--help")
    assert ended == Ended(0, (FOLDER / f"{verb}.txt").read_text(), "")


def test_version(command: Callable[..., Ended]) -> None:
    assert command("--version") == Ended(0, f"comfyless {VERSION}\n", "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "the following arguments are required: VERB"),
        (("paint",), "invalid choice: 'paint'"),
        (("run",), "the following arguments are required: FILE"),
        (("run", "a.json", "--colour"), "unrecognized arguments: --colour"),
        (("run", "a.json", "--thread", "3"), "unrecognized arguments: --thread 3"),
    ],
)
def test_a_wrong_command_is_told_and_ends_with_2(
    command: Callable[..., Ended], argv: tuple[str, ...], said: str
) -> None:
    ended = command(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: comfyless")
    assert said in ended.err
