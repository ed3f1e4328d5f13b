"""Texts searched and changed by patterns: Python's regular expressions, for at most ten seconds each."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from schemas.context import Context
from schemas.node import Node, Optional
from schemas.widgets import Integer, Line, Paragraph, Toggle, Widget

Count = Annotated[int, Integer, Field(ge=0, le=100), Widget("INT")]
Extraction = Annotated[Literal["First Match", "All Matches", "First Group", "All Groups"], Widget("COMBO")]


class RegexMatch(Node):
    """Whether a pattern occurs in a text."""

    category = "text"
    display_name = "Match Text"

    string: Paragraph
    regex_pattern: Paragraph
    case_insensitive: Toggle = True
    multiline: Toggle = False
    dotall: Toggle = False

    class Outputs(NamedTuple):
        """The answer; no for a pattern that is not valid, with a warning."""

        matches: Toggle

    def run(self, context: Context) -> Outputs:
        """Search. Raises TimeoutError."""
        from engine.formulas import patterns

        flags = patterns.flags_of(self.case_insensitive, self.multiline, self.dotall)
        try:
            return self.Outputs(patterns.first(self.regex_pattern, self.string, flags) is not None)
        except patterns.PatternInvalid as error:
            context.warn(f"{error}; it matches nothing.")
            return self.Outputs(False)


class RegexExtract(Node):
    """What a pattern, or one of its groups, finds in a text: the first find, or each in a line of its own."""

    category = "text"
    display_name = "Extract Text"

    string: Paragraph
    regex_pattern: Paragraph
    mode: Extraction
    case_insensitive: Toggle = True
    multiline: Toggle = False
    dotall: Toggle = False
    group_index: Count = 1

    class Outputs(NamedTuple):
        """The finds; nothing for a pattern that is not valid, with a warning."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Search. Raises TimeoutError."""
        from engine.formulas import patterns

        flags = patterns.flags_of(self.case_insensitive, self.multiline, self.dotall)
        try:
            if self.mode.startswith("All"):
                wanted = self.group_index if self.mode == "All Groups" else None
                return self.Outputs("\n".join(patterns.each(self.regex_pattern, self.string, flags, wanted)))
            group = self.group_index if self.mode == "First Group" else 0
            return self.Outputs(patterns.first(self.regex_pattern, self.string, flags, group) or "")
        except patterns.PatternInvalid as error:
            context.warn(f"{error}; it finds nothing.")
            return self.Outputs("")


class RegexReplace(Node):
    """A text with another one in place of what a pattern finds. count 0: of each find."""

    category = "text"
    display_name = "Replace Text (Regex)"

    string: Paragraph
    regex_pattern: Paragraph
    replace: Paragraph
    case_insensitive: Annotated[Toggle, Optional()] = True
    multiline: Annotated[Toggle, Optional()] = False
    dotall: Annotated[Toggle, Optional()] = False
    count: Annotated[Count, Optional()] = 0

    class Outputs(NamedTuple):
        """The changed text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Replace. Raises TimeoutError, and PatternInvalid for a pattern or a replacement that is not valid."""
        from engine.formulas import patterns

        flags = patterns.flags_of(self.case_insensitive, self.multiline, self.dotall)
        return self.Outputs(patterns.replaced(self.regex_pattern, self.string, flags, self.replace, self.count))


NODES = (RegexMatch, RegexExtract, RegexReplace)
