"""Workflow: one file a person gave us, read and recognised, with the Prompt that came out of it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from schemas.prompt import Prompt

Form = Literal["api", "envelope", "picture", "ui"]
"""How the graph was written: bare API JSON, {"prompt": ...}, embedded in a picture, or the editor's own format."""


class Workflow(BaseModel):
    """A graph with where it came from.

    name: the file as the user named it ("-" for standard input), for messages and reports.
    workflow: the editor's own graph if the file carried one, kept so that saved pictures restore it.
    notes: one line for each thing that was recognised or changed while reading; never silent.
    """

    name: str
    form: Form
    prompt: Prompt
    workflow: dict[str, Any] | None = None
    notes: list[str] = Field(default_factory=list)
