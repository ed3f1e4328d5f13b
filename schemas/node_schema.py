"""NodeSchema: what is known of a node class from ComfyUI's /object_info, whether we can run it or not.

An editor's file gives widget values by position, so that a class must be known before its nodes can be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.node import MISSING

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
AUTOGROW = "COMFY_AUTOGROW_V3"

WIDGET_TYPES = frozenset(
    {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", DYNAMIC_COMBO}
    | {"COLOR", "CURVE", "RANGE", "BOUNDING_BOX", "BOUNDING_BOXES", "COLORS", "PAINTER", "VIDEO_EDIT", "CHART"}
    | {"MARKDOWN", "TEXTAREA", "GALLERIA", "IMAGECOMPARE", "COMPOSITOR", "RESOLUTION_PREVIEW", "LIGHT_INFO_PREVIEW"}
)
"""Input types for which ComfyUI's editor (1.58) makes a widget rather than a socket alone."""

SEEDS = ("seed", "noise_seed")
"""Inputs that editors change after each run, unless their class says otherwise."""

OLDEST = "core 0.3.64"
"""The oldest release whose classes are known: most of these are older."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a dynamic combo, and the inputs that it brings: those required first, then the optional ones."""

    key: str
    inputs: "tuple[InputSchema, ...]"


@dataclass(frozen=True, slots=True)
class Growing:
    """How an autogrow group names its sockets: prefix and number from 0, or the names one after the other."""

    prefix: str | None
    names: tuple[str, ...]
    least: int
    most: int
    of: "InputSchema"


@dataclass(frozen=True, slots=True)
class InputSchema:
    """One input of a class, as /object_info declares it.

    type: "COMBO" for literal lists too; comma lists mean any of them. choices: of a COMBO, file lists being those of an
    empty install (never align values by them). control: `control_after_generate`: None if not said, else its value, a
    truth value or a mode. forced: `forceInput`, a socket though its type has widgets. upload: has an upload button.
    """

    name: str
    type: str
    required: bool = True
    default: Any = MISSING
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    control: bool | str | None = None
    forced: bool = False
    dynamic_prompts: bool = False
    multiline: bool = False
    upload: bool = False
    options: tuple[Option, ...] = ()
    growing: Growing | None = None

    @property
    def is_widget(self) -> bool:
        """Whether editors give it a widget, and so a place among the saved values."""
        return self.type in WIDGET_TYPES and not self.forced


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a class."""

    name: str
    type: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class NodeSchema:
    """A node class. inputs: in the order of saved values: required, then optional.

    since: the oldest release known to have it, such as "core 0.3.64", or its pack's name. address: where that pack
    lives, "" if nobody says, None for ComfyUI itself. certain: False if the schema was pieced together from files that
    use it. output_node: it writes results. partner: it calls a paid service.
    """

    class_type: str
    inputs: tuple[InputSchema, ...]
    outputs: tuple[Output, ...] = ()
    display_name: str = ""
    category: str = ""
    output_node: bool = False
    partner: bool = False
    deprecated: bool = False
    since: str = ""
    address: str | None = None
    certain: bool = True
    by_name: dict[str, InputSchema] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the inputs."""
        object.__setattr__(self, "by_name", {entry.name: entry for entry in self.inputs})

    @property
    def release(self) -> str:
        """Since when ComfyUI has the class, as far as is known, in words."""
        return f"{self.since} or before" if self.since == OLDEST else self.since

    def widgets(self) -> Iterator[InputSchema]:
        """The inputs that editors give a widget."""
        return (entry for entry in self.inputs if entry.is_widget)
