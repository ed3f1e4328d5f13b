"""Values shown to the user."""

import json
from typing import Any, NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Anything
from schemas.widgets import Line


class PreviewAny(Node):
    """Tell what comes over a wire, whatever it is."""

    category = "utils"
    display_name = "Preview Any"
    output_node = True

    source: Anything

    class Outputs(NamedTuple):
        """What was told."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Tell it in a line."""
        said = as_text(self.source)
        context.note(said)
        return self.Outputs(said)


def as_text(value: Any) -> str:
    """Text as it is, data as JSON, and of all else what Python says of it."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)


NODES = (PreviewAny,)
