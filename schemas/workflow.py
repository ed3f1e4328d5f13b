"""Workflow: one file a person gave us, read and recognised, with the Prompt that came out of it."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from schemas.prompt import Prompt

Form = Literal["api", "envelope", "picture", "ui"]
"""How the graph was written: bare API JSON, {"prompt": ...}, embedded in a picture, or the editor's own format."""


@dataclass(frozen=True, slots=True)
class Control:
    """What an editor does with a value between two runs of the same graph (`control_after_generate`).

    node, field: of the prompt. mode: fixed, increment, decrement, randomize or increment-wrap. choices: of a combo.
    holder: controls that name the same one get the same new value, as they stand for one value in the editor.
    """

    node: str
    field: str
    mode: str
    minimum: float = 0
    maximum: float = 2**64 - 1
    step: float = 1
    choices: tuple[Any, ...] = ()
    holder: str = ""


class Workflow(BaseModel):
    """A graph with where it came from.

    name: the file as the user named it ("-" for standard input), for messages and reports.
    workflow: the editor's own graph if the file carried one, kept so that saved pictures restore it.
    controls: values that the editor would change between two runs; a single run leaves them as they are.
    building_block: a subgraph saved alone, to be checked but not run; open_inputs: its inputs that another graph feeds,
    by node id.
    notes: one line for each thing that was recognised or changed while reading; never silent.
    """

    name: str
    form: Form
    prompt: Prompt
    workflow: dict[str, Any] | None = None
    controls: list[Control] = Field(default_factory=list)
    open_inputs: dict[str, list[str]] = Field(default_factory=dict)
    building_block: bool = False
    notes: list[str] = Field(default_factory=list)
