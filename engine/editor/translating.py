"""translate: an editor's graph becomes a Workflow. CONTRACT; being written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.catalogue.catalogue import Catalogue
from schemas.workflow import Form, Workflow


@dataclass(frozen=True, slots=True)
class Options:
    """What the editor does when a graph is queued.

    seed: for the choices in dynamic prompts; None leaves prompts as they are written. now: for %date% in file names;
    None is the present moment.
    """

    seed: int | None = 0
    now: datetime | None = None


def translate(
    name: str,
    graph: dict[str, Any],
    catalogue: Catalogue,
    options: Options | None = None,
    *,
    form: Form = "ui",
    notes: Sequence[str] = (),
) -> Workflow:
    """The prompt that ComfyUI's editor would queue for this graph, with a note for each thing changed on the way.

    name: the file, for messages. Raises GraphInvalid (malformed-node, cycle, too-large) with all that is damaged.
    """
    raise NotImplementedError
