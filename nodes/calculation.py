"""Numbers from other values."""

import math
from string import ascii_lowercase
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from schemas.context import Context
from schemas.node import Growing, Node
from schemas.sockets import Socket
from schemas.widgets import Integer, Number, Paragraph, Toggle, Widget

Whole = Annotated[int, Widget("INT")]
Real = Annotated[float, Widget("FLOAT")]
Convertible = Annotated[Any, Socket("INT,FLOAT,STRING,BOOLEAN")]
Numbers = Annotated[
    dict[str, Any],
    Socket("COMFY_AUTOGROW_V3"),
    Growing(Annotated[Any, Socket("FLOAT,INT,BOOLEAN")], tuple(ascii_lowercase)),
]
Megapixels = Annotated[float, Number, Field(ge=0.1, le=16.0), Widget("FLOAT", step=0.1)]
Multiple = Annotated[int, Integer, Field(ge=8, le=128), Widget("INT", step=4)]
AspectRatio = Annotated[
    Literal[
        "1:1 (Square)",
        "2:3 (Portrait Photo)",
        "3:2 (Photo)",
        "3:4 (Portrait Standard)",
        "4:3 (Standard)",
        "9:16 (Portrait Widescreen)",
        "16:9 (Widescreen)",
        "21:9 (Ultrawide)",
    ],
    Widget("COMBO"),
]


class ComfyMathExpression(Node):
    """Work out an expression over the numbers a, b, c … that are linked, such as `ceil(a / 64) * 64`."""

    category = "utilities"
    display_name = "Math Expression"

    expression: Paragraph = "a + b"
    values: Numbers

    class Outputs(NamedTuple):
        """The result as it is, cut to a whole number, and whether it is not 0."""

        FLOAT: Real
        INT: Whole
        BOOL: Toggle

    def run(self, context: Context) -> Outputs:
        """Evaluate it. Raises ValueError if it gives no number."""
        from engine.formulas.arithmetic import evaluate

        result = evaluate(self.expression, self.values)
        return self.Outputs(float(result), int(result), bool(result))


class ComfyNumberConvert(Node):
    """A number from whatever can be read as one."""

    category = "utilities"
    display_name = "Convert Number"

    value: Convertible

    class Outputs(NamedTuple):
        """The number, and what is left of it without its fraction."""

        FLOAT: Real
        INT: Whole

    def run(self, context: Context) -> Outputs:
        """Convert it. Raises ValueError for a value that is no finite number, TypeError for what cannot be one."""
        if not isinstance(self.value, str | int | float):
            raise TypeError(f"{type(self.value).__name__} is no number")
        try:
            number = float(self.value)
            return self.Outputs(number, _whole(self.value, number))
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{str(self.value)[:100]!r} is no finite number") from error


def _whole(value: str | float, number: float) -> int:
    """The value without its fraction: exact where it is written without one."""
    if isinstance(value, float):
        return int(value)
    try:
        return int(value) if math.isfinite(number) else int(number)
    except ValueError:
        return int(number)


class ResolutionSelector(Node):
    """Width and height of about so many times 1024² pixels, in a shape by name."""

    category = "utilities"
    display_name = "Resolution Selector"

    aspect_ratio: AspectRatio = "1:1 (Square)"
    megapixels: Megapixels = 1.0
    multiple: Multiple = 8

    class Outputs(NamedTuple):
        """Both sides in pixels, each a multiple of the number wanted."""

        width: Whole
        height: Whole

    def run(self, context: Context) -> Outputs:
        """Work them out."""
        across, down = (int(side) for side in self.aspect_ratio.partition(" ")[0].split(":"))
        unit = math.sqrt(self.megapixels * 1024 * 1024 / (across * down))
        width, height = (round(side * unit / self.multiple) * self.multiple for side in (across, down))
        return self.Outputs(width, height)


NODES = (ComfyMathExpression, ComfyNumberConvert, ResolutionSelector)
