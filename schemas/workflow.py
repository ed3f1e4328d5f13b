"""Workflow: one file a person gave us, read and recognised, with the Prompt that came out of it."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.prompt import Prompt

Form = Literal["api", "envelope", "picture", "ui"]
"""How the graph was written: bare API JSON, {"prompt": ...}, embedded in a picture, or the editor's own format."""

FIXED, INCREMENT, DECREMENT, RANDOMIZE, WRAP = "fixed", "increment", "decrement", "randomize", "increment-wrap"
MODES = frozenset({FIXED, INCREMENT, DECREMENT, RANDOMIZE, WRAP})
"""What an editor may do with a value between two runs."""
OFF = "off"
"""Stands for the seed of dynamic prompts that stay as they are."""


@dataclass(frozen=True, slots=True)
class Control:
    """What an editor does with a value between two runs of the same graph (`control_after_generate`).

    node, field: of the prompt. mode: one of MODES. choices: of a combo.
    """

    node: str
    field: str
    mode: str
    minimum: float = 0
    maximum: float = 2**64 - 1
    step: float = 1
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the editor's graph keeps a literal of the prompt; several literals may have one.

    path: keys and numbers that lead from the graph to a node's own object. key: the value's number or name in that
    node's `widgets_values`; None if the file saves none yet. name: of the widget. queued: what the editor makes of a
    text on queueing: "chosen" for dynamic prompts, "filled" for tokens.
    """

    path: tuple[str | int, ...]
    key: int | str | None
    name: str
    queued: Literal["", "chosen", "filled"] = ""


class Workflow(BaseModel):
    """A graph with where it came from.

    name: the file as the user named it ("-" for standard input), for messages and reports.
    workflow: the editor's own graph if the file carried one, kept so that saved pictures restore it.
    controls: values that the editor would change between two runs; a single run leaves them as they are.
    origins: where that graph keeps the prompt's literals, by node and field.
    building_block: a subgraph saved alone, to be checked but not run; open_inputs: its inputs that another graph feeds,
    by node id.
    notes: one line for each thing that was recognised or changed while reading; never silent.
    """

    model_config = ConfigDict(defer_build=True)

    name: str
    form: Form
    prompt: Prompt
    workflow: dict[str, Any] | None = None
    controls: list[Control] = Field(default_factory=list)
    origins: dict[tuple[str, str], Origin] = Field(default_factory=dict)
    open_inputs: dict[str, list[str]] = Field(default_factory=dict)
    building_block: bool = False
    notes: list[str] = Field(default_factory=list)
