"""Choices between branches of a graph, and truth values."""

from typing import Annotated, Any, ClassVar, NamedTuple

from schemas.context import Context
from schemas.node import MISSING, Growing, Lazy, Node, Optional
from schemas.sockets import Anything, Socket
from schemas.widgets import Integer, Line, Text, Toggle, Widget

MOST_VALUES = 10
MOST_OPTIONS = 1000
Values = Annotated[
    dict[str, Any],
    Socket("COMFY_AUTOGROW_V3"),
    Growing(Anything, tuple(f"value{number}" for number in range(MOST_VALUES))),
]
OwnChoice = Annotated[str, Text, Widget("COMBO")]
"""One of the choices that somebody wrote into the node itself."""


class ComfySwitchNode(Node):
    """One of two values; what leads to the other is not computed."""

    category = "utilities/logic"
    display_name = "If/Else Switch"

    switch: Toggle
    on_false: Annotated[Anything, Lazy()]
    on_true: Annotated[Anything, Lazy()]

    class Outputs(NamedTuple):
        """The chosen value."""

        output: Anything

    def needs(self) -> tuple[str, ...]:
        """The chosen side, until it is there."""
        side = "on_true" if self.switch else "on_false"
        return (side,) if getattr(self, side) is MISSING else ()

    def run(self, context: Context) -> Outputs:
        """Pass the chosen value on."""
        return self.Outputs(self.on_true if self.switch else self.on_false)


class ComfyNotNode(Node):
    """Whether a value counts as false: 0, nothing, an empty text or list."""

    category = "utilities/logic"
    display_name = "Not"

    value: Anything

    class Outputs(NamedTuple):
        """The truth value."""

        BOOLEAN: Toggle

    def run(self, context: Context) -> Outputs:
        """Turn it round."""
        return self.Outputs(not self.value)


class ComfyAndNode(Node):
    """Whether all values count as true."""

    category = "utilities/logic"
    display_name = "And"

    values: Values

    class Outputs(NamedTuple):
        """The truth value."""

        BOOLEAN: Toggle

    def run(self, context: Context) -> Outputs:
        """Look at each."""
        return self.Outputs(all(self.values.values()))


class ComfyOrNode(Node):
    """Whether any value counts as true."""

    category = "utilities/logic"
    display_name = "Or"

    values: Values

    class Outputs(NamedTuple):
        """The truth value."""

        BOOLEAN: Toggle

    def run(self, context: Context) -> Outputs:
        """Look at each."""
        return self.Outputs(any(self.values.values()))


class CustomCombo(Node):
    """A choice among texts that stand in the node itself.

    The editor writes the choice's number and all the choices beside it, though no server declares them.
    """

    category = "utilities"
    display_name = "Custom Combo"
    ignored_inputs: ClassVar[frozenset[str]] = frozenset(f"option{number}" for number in range(1, MOST_OPTIONS + 1))

    choice: OwnChoice
    index: Annotated[int, Integer, Widget("INT"), Optional()] = 0

    class Outputs(NamedTuple):
        """The chosen text, and its number from 0."""

        STRING: Line
        INDEX: Annotated[int, Widget("INT")]

    def run(self, context: Context) -> Outputs:
        """Pass both on."""
        return self.Outputs(self.choice, self.index)


NODES = (ComfySwitchNode, ComfyNotNode, ComfyAndNode, ComfyOrNode, CustomCombo)
