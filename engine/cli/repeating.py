"""Repeating: one file gives a workflow for each of its runs, changed in between as an editor's batch changes it."""

import argparse
import json
import random
from typing import TYPE_CHECKING

from engine.cli.loading import load, shortened
from engine.cli.views import View
from schemas.workflow import OFF

if TYPE_CHECKING:
    from engine.editor.translating import Options
    from schemas.settings import Settings
    from schemas.workflow import Workflow

CONTROLS = ("fixed", "increment", "decrement", "randomize")
NOTHING_CHANGES = "nothing changes between the runs; --control randomize gives each new seeds"


def add_repeating(parser: argparse.ArgumentParser) -> None:
    """Take how often to run, and what changes in between."""
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=_times,
        default=1,
        help="run each file N times, as a batch in the editor: first as it is, then with its seeds changed",
    )
    parser.add_argument(
        "--control",
        metavar="MODE",
        choices=CONTROLS,
        help="how seeds change between the runs: fixed, increment, decrement or randomize (default: as the file says)",
    )
    add_prompt_seed(
        parser,
        "choose from {a|b} in prompts and draw random seeds by N, so that it can be repeated; off leaves prompts as "
        "they are (default: 0 for prompts, by chance for seeds)",
    )


def add_prompt_seed(parser: argparse.ArgumentParser, said: str) -> None:
    """Take what chooses in dynamic prompts: a number, OFF, or None for the default."""
    parser.add_argument("--prompt-seed", metavar="N", type=_prompt_seed, help=said)


class Batch:
    """The workflows of one file, run after run."""

    def __init__(
        self, file: str, arguments: argparse.Namespace, view: View, settings: "Settings | None" = None
    ) -> None:
        """arguments: of a verb that took `add_repeating`'s. view: hears what was noticed and what changes.

        settings: whose schemas are read.
        """
        self._file, self._arguments, self._view, self._settings = file, arguments, view, settings
        self._seed: int | str | None = arguments.prompt_seed
        self._chance = random.Random(self._seed) if isinstance(self._seed, int) else random.SystemRandom()
        self._number = 0
        self._current: Workflow | None = None
        self._translated = False
        self._told: set[str] = set()

    def following(self) -> "Workflow":
        """The next run's workflow. Raises GraphInvalid, on the first call, for what cannot be read."""
        self._current = self._first() if self._current is None else self._after(self._current)
        self._number += 1
        return self._current

    def _first(self) -> "Workflow":
        arguments = self._arguments
        workflow = load(
            self._file,
            arguments.sets,
            self._view.note,
            settings=self._settings,
            options=self._options(),
            every=self._every,
        )
        self._translated = workflow.form == "ui" or bool(workflow.controls)
        self._told = set(workflow.notes)
        if arguments.control is None:
            return workflow
        from engine import api
        from engine.editor import control

        located = api.located(workflow, self._settings)
        for said in located.notes[len(workflow.notes) :]:
            self._view.note(workflow.name, said)
        return control.with_mode(located, arguments.control)

    def _after(self, before: "Workflow") -> "Workflow":
        """What a run leaves changes, and the editor's graph is made a prompt again: names and choices may follow."""
        from engine.editor import control

        changed = control.next_values(before, self._chance)
        following = self._queued(changed) if self._translated else changed
        notes = [said for said in following.notes if said not in self._told]
        self._told = set(following.notes)
        if self._number == 1 and following.prompt == before.prompt:
            notes.append(NOTHING_CHANGES)
        for said in notes if self._every else shortened(notes):
            self._view.note(following.name, said)
        return following

    def _queued(self, changed: "Workflow") -> "Workflow":
        """The prompt of the editor's changed graph, with the values that could not be changed in the graph itself."""
        from engine import api
        from engine.editor import control

        if changed.workflow is None:
            return changed
        again = api.load(json.dumps(changed.workflow).encode(), changed.name, self._options(), self._settings)
        sets = self._arguments.sets
        prompt = (api.override(again, sets, self._settings) if sets else again).prompt
        places = ((each.node, each.field) for each in changed.controls if each.node in changed.prompt.nodes)
        values = {(node, field): changed.prompt.nodes[node].inputs.get(field) for node, field in places}
        notes = [*changed.notes, *again.notes]
        return changed.model_copy(update={"prompt": control.with_values(prompt, values), "notes": notes})

    @property
    def _every(self) -> bool:
        return bool(self._arguments.json or self._arguments.verbose)

    def _options(self) -> "Options | None":
        from engine.editor.control import choosing

        return choosing(self._seed, self._number)


def _times(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of runs. Give a whole number from 1.")


def _prompt_seed(text: str) -> int | str:
    if text == OFF or (text.isascii() and text.isdecimal()):
        return text if text == OFF else int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no seed. Give a whole number from 0, or off.")
