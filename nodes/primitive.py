"""Values as nodes, to feed several inputs from one place."""

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.context import Context
from schemas.node import Node
from schemas.widgets import Integer, Line, Number, Paragraph, Toggle, Widget

LARGEST = 9223372036854775807
AnyInteger = Annotated[int, Integer, Field(ge=-LARGEST, le=LARGEST), Widget("INT", control=True)]
AnyNumber = Annotated[float, Number, Field(ge=-LARGEST, le=LARGEST), Widget("FLOAT")]


class PrimitiveString(Node):
    """A line of text."""

    category = "utils/primitive"
    display_name = "String"

    value: Line

    class Outputs(NamedTuple):
        """The text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Pass it on."""
        return self.Outputs(self.value)


class PrimitiveStringMultiline(Node):
    """Text of several lines."""

    category = "utils/primitive"
    display_name = "String (Multiline)"

    value: Paragraph

    class Outputs(NamedTuple):
        """The text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Pass it on."""
        return self.Outputs(self.value)


class PrimitiveInt(Node):
    """A whole number."""

    category = "utils/primitive"
    display_name = "Int"

    value: AnyInteger

    class Outputs(NamedTuple):
        """The number."""

        INT: AnyInteger

    def run(self, context: Context) -> Outputs:
        """Pass it on."""
        return self.Outputs(self.value)


class PrimitiveFloat(Node):
    """A number."""

    category = "utils/primitive"
    display_name = "Float"

    value: AnyNumber

    class Outputs(NamedTuple):
        """The number."""

        FLOAT: AnyNumber

    def run(self, context: Context) -> Outputs:
        """Pass it on."""
        return self.Outputs(self.value)


class PrimitiveBoolean(Node):
    """True or false."""

    category = "utils/primitive"
    display_name = "Boolean"

    value: Toggle

    class Outputs(NamedTuple):
        """The truth value."""

        BOOLEAN: Toggle

    def run(self, context: Context) -> Outputs:
        """Pass it on."""
        return self.Outputs(self.value)


NODES = (PrimitiveString, PrimitiveStringMultiline, PrimitiveInt, PrimitiveFloat, PrimitiveBoolean)
