"""From a command's arguments to what the verbs work with: a session, and the workflow in each file."""

import argparse
import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.cli.options import settings_of

if TYPE_CHECKING:
    from engine import api
    from engine.editor.translating import Options
    from schemas.settings import Settings
    from schemas.workflow import Workflow


def open_session(arguments: argparse.Namespace, **listening: Any) -> "api.Session":
    """A session with the command's settings. listening: events and stop. Raises GraphInvalid for bad settings.

    The garbage collector, which `main` stopped, works again from here on, without what is there already.
    """
    from engine import api

    gc.freeze()
    gc.enable()
    return api.Session(settings_of(arguments), **listening)


MOST_NOTES = 8
"""Lines about one file that a person is told; the others are counted."""


def load(
    file: str,
    sets: Sequence[str],
    note: Callable[[str, str], None],
    *,
    settings: "Settings | None" = None,
    options: "Options | None" = None,
    every: bool = False,
) -> "Workflow":
    """Read a file and change it as --set says; what reading noticed goes to `note`.

    settings: whose schemas are read. options: what an editor would do on queueing. every: give all notes, however many.
    Raises GraphInvalid for a file that holds no graph and for a change that has nothing to change.
    """
    from engine import api

    workflow = api.load(file, options=options, settings=settings)
    for said in workflow.notes if every else shortened(workflow.notes):
        note(workflow.name, said)
    if not sets:
        return workflow
    changed = api.override(workflow, sets, settings)
    for said in changed.notes[len(workflow.notes) :]:
        note(workflow.name, said)
    return changed


def shortened(notes: Sequence[str]) -> list[str]:
    """The first few notes, and how many more there are."""
    if len(notes) <= MOST_NOTES + 1:
        return list(notes)
    return [*notes[:MOST_NOTES], f"and {len(notes) - MOST_NOTES} more notes, which --verbose and --json tell"]
