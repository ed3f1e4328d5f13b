"""What converted loaders remember, as it must look to be of use: anybody may have edited the file since."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Slots = list[Annotated[list[int], Field(min_length=2, max_length=2)]]
"""Pairs: an output of the old loader, and the one that took over its links."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, defer_build=True)


class _ApiState(_Strict):
    class_type: str
    inputs: dict[str, Any] | None


class _ApiWas(_ApiState):
    meta: bool
    title: Any = None


class _ApiAdded(_ApiState):
    slots: Slots
    odd: dict[str, Any]


class ApiMemory(_Strict):
    """Of a loader in API format. odd: links that were not written as [text, number], by reader."""

    was: _ApiWas
    now: _ApiState
    added: dict[str, _ApiAdded]


class _Output(_Strict):
    links: list[int | str] | None = None


class _UiState(_Strict):
    type: str
    widgets_values: Any


class _UiWas(_Strict):
    type: str
    outputs: list[_Output] | None = None
    inputs: list[dict[str, Any]] | None = None
    properties: dict[str, Any] | None = None
    title: Any = None


class _UiAdded(_UiState):
    slots: Slots


class _Host(_Strict):
    instance: int | str
    at: int | None = Field(default=None, ge=0)
    proxy: int | None = Field(default=None, ge=0)
    was: Any
    now: Any


class UiMemory(_Strict):
    """Of a loader in the editor's format. last: the counters of ids before and after."""

    was: _UiWas
    now: _UiState
    added: dict[str, _UiAdded]
    hosts: list[_Host]
    last: Annotated[list[dict[str, int]], Field(min_length=2, max_length=2)]


def is_sound(kind: type[ApiMemory] | type[UiMemory], memory: Any) -> bool:
    """Whether it is what a conversion has left."""
    try:
        kind.model_validate(memory)
    except ValidationError:
        return False
    return True
