"""`comfyless run`: graphs become pictures, one file after the other, in one process with one cache."""

import argparse
import time
import traceback
from typing import TYPE_CHECKING

from engine.cli.console import Console
from engine.cli.dry_run import plan
from engine.cli.exit_codes import BY_STATUS, INVALID, worst
from engine.cli.interrupts import Interrupts
from engine.cli.loading import open_session
from engine.cli.options import RUNNING, Verbs, add_files, add_manner, add_settings, add_verb
from engine.cli.repeating import Batch, add_repeating
from engine.cli.views import Lines, Records, View
from engine.errors import ComfylessError, GraphInvalid, Interrupted
from schemas.report import RunReport

if TYPE_CHECKING:
    from engine import api

HELP = "run workflow files"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, run, HELP, "Run workflow files, one after the other, with one cache.")
    add_files(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would run, why, and what files it reads")
    add_repeating(parser)
    add_manner(parser)
    parser.add_argument("--verbose", action="store_true", help="tell of memory, and show tracebacks")
    add_settings(parser, RUNNING)


def run(arguments: argparse.Namespace) -> int:
    """Run or plan every file; the worst exit code."""
    console, several = Console(arguments.quiet), len(arguments.files) > 1
    view = Records(console, arguments.quiet) if arguments.json else Lines(console, arguments.verbose, several)
    with Interrupts() as stop:
        try:
            session = open_session(arguments, events=view.event, stop=stop)
        except GraphInvalid as error:
            return _refuse_all(console, arguments, error)
        with session:
            if arguments.dry_run:
                return worst([plan(console, arguments, session, view, file) for file in arguments.files])
            runner = Runner(console, session, view, arguments, stop)
            return worst([runner.run(file) for file in arguments.files])


def _refuse_all(console: Console, arguments: argparse.Namespace, error: GraphInvalid) -> int:
    """No file can run with such settings: a report for each as JSON, or the settings' problems once for people."""
    if not arguments.json:
        raise error
    for file in arguments.files:
        console.record(RunReport(file=file, status="invalid", problems=error.problems).model_dump(mode="json"))
    return INVALID


class Runner:
    """Runs files in one session and tells how each ended."""

    def __init__(
        self, console: Console, session: "api.Session", view: View, options: argparse.Namespace, stop: Interrupts
    ) -> None:
        """options: the verb's arguments. stop: whether the user wants to stop."""
        self._console, self._session, self._view = console, session, view
        self._options, self._stop = options, stop

    def run(self, file: str) -> int:
        """Run one file, as often as asked, and report on each run; the worst exit code. One that fails is the last."""
        batch, total, codes = Batch(file, self._options, self._view, self._session.settings), self._options.repeat, []
        for number in range(1, total + 1):
            if total > 1:
                self._view.repeat(file, number, total)
            begun = time.monotonic()
            report = self._report(file, batch)
            self._view.report(report, time.monotonic() - begun)
            codes.append(BY_STATUS[report.status])
            if report.status != "done":
                break
        return worst(codes)

    def _report(self, file: str, batch: Batch) -> RunReport:
        """What became of one run, whatever it was: a file that fails does not stop the next."""
        if self._stop():
            return RunReport(file=file, status="interrupted")
        try:
            report = self._session.run(batch.following())
            self._tell_failure()
            return report
        except GraphInvalid as error:
            return RunReport(file=file, status="invalid", problems=error.problems)
        except (Interrupted, KeyboardInterrupt):
            return RunReport(file=file, status="interrupted")
        except Exception as error:
            if self._options.verbose:
                self._console.complain(traceback.format_exc())
            known = isinstance(error, ComfylessError)
            said = str(error) if known else f"internal error: {type(error).__name__}: {error}"
            return RunReport(file=file, status="failed", error=said)

    def _tell_failure(self) -> None:
        """Where a node failed, to who asks for it."""
        if self._options.verbose and self._session.failure:
            self._console.complain(self._session.failure)
