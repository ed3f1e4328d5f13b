"""commands: the command line's arguments become a verb's call, and what that ends with an exit code."""

import argparse
import traceback
from collections.abc import Sequence

from engine import VERSION
from engine.cli import (
    batch,
    cache,
    compare,
    convert,
    demo,
    export,
    models,
    nodes,
    quantize,
    replay,
    run,
    status,
    validate,
    watch,
)
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, FAILED, INVALID
from engine.cli.problems import tell
from engine.errors import ComfylessError, GraphInvalid, JournalInvalid

DESCRIPTION = "Run ComfyUI workflow files without ComfyUI: one process, one command, the same picture."
EPILOGUE = """\
exit codes:
  0    done
  1    a node failed while running
  2    the graph, the command or the settings cannot be run as given
  130  interrupted
"""


VERBS = (run, batch, watch, status, validate, convert, export, quantize, compare, replay, nodes, models, cache, demo)
"""In the order in which they are listed."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="comfyless",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"comfyless {VERSION}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add(verbs)
    return parser


def carry_out(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code. argv: without the program's name; None: the process's own."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why, or shown the help
        return int(end.code or DONE)
    try:
        return int(arguments.verb(arguments))
    except GraphInvalid as error:
        console = Console()
        tell(console.complain, console.terminal, "comfyless", error.problems)
        return INVALID
    except ComfylessError as error:
        Console().complain(f"comfyless: {error}")
        return INVALID if isinstance(error, JournalInvalid) else FAILED
    except OSError as error:  # of the machine: a full disk, a folder that may not be entered
        where = f"{error.filename}: " if error.filename else ""
        Console().complain(f"comfyless: {where}{error.strerror or error}")
        return FAILED
    except Exception as error:  # a fault of ours: said in one line, shown in full to who asks for it
        if getattr(arguments, "verbose", False):
            traceback.print_exception(error)
        Console().complain(f"comfyless: internal error: {type(error).__name__}: {error}")
        return FAILED
