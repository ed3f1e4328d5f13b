"""From a command's arguments to what the verbs work with: a session, and the workflow in each file."""

import argparse
import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.cli.options import settings_of

if TYPE_CHECKING:
    from engine import api
    from schemas.workflow import Workflow


def open_session(arguments: argparse.Namespace, **listening: Any) -> "api.Session":
    """A session with the command's settings. listening: events and stop. Raises GraphInvalid for bad settings.

    The garbage collector, which `main` stopped, works again from here on, without what is there already.
    """
    from engine import api

    gc.freeze()
    gc.enable()
    return api.Session(settings_of(arguments), **listening)


def load(file: str, sets: Sequence[str], note: Callable[[str, str], None]) -> "Workflow":
    """Read a file and change it as --set says; what reading noticed goes to `note`.

    Raises GraphInvalid for a file that holds no graph and for a change that has nothing to change.
    """
    from engine import api

    workflow = api.load(file)
    for said in workflow.notes:
        note(workflow.name, said)
    return api.override(workflow, sets) if sets else workflow
