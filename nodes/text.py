"""Texts joined, cut, changed, compared."""

from typing import Annotated, Literal, NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.widgets import Integer, Line, Paragraph, Toggle, Widget

LONGEST = 1 << 24
"""Characters of a text that a node makes: a few nodes in a row could otherwise fill any memory."""
Place = Annotated[int, Integer, Widget("INT")]
Whole = Annotated[int, Widget("INT")]
Case = Annotated[Literal["UPPERCASE", "lowercase", "Capitalize", "Title Case"], Widget("COMBO")]
Side = Annotated[Literal["Both", "Left", "Right"], Widget("COMBO")]
Comparison = Annotated[Literal["Starts With", "Ends With", "Equal"], Widget("COMBO")]


def _check_length(length: int) -> None:
    if length > LONGEST:
        raise ValueError(f"the text would have {length} characters; {LONGEST} is the most")


class StringConcatenate(Node):
    """Two texts with a third between them."""

    category = "text"
    display_name = "Concatenate Text"

    string_a: Paragraph
    string_b: Paragraph
    delimiter: Line = ""

    class Outputs(NamedTuple):
        """The joined text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Join them. Raises ValueError if the text grows too long."""
        _check_length(len(self.string_a) + len(self.delimiter) + len(self.string_b))
        return self.Outputs(f"{self.string_a}{self.delimiter}{self.string_b}")


class StringSubstring(Node):
    """A part of a text, from one place to before another, counted from 0, or below 0 from the end."""

    category = "text"
    display_name = "Substring"

    string: Paragraph
    start: Place
    end: Place

    class Outputs(NamedTuple):
        """The part."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Cut it out."""
        return self.Outputs(self.string[self.start : self.end])


class StringLength(Node):
    """How many characters a text has."""

    category = "text"
    display_name = "Text Length"

    string: Paragraph

    class Outputs(NamedTuple):
        """The number."""

        length: Whole

    def run(self, context: Context) -> Outputs:
        """Count them."""
        return self.Outputs(len(self.string))


class CaseConverter(Node):
    """A text in capitals, without them, or with some."""

    category = "text"
    display_name = "Convert Text Case"

    string: Paragraph
    mode: Case

    class Outputs(NamedTuple):
        """The changed text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Change it."""
        changes = {
            "UPPERCASE": str.upper,
            "lowercase": str.lower,
            "Capitalize": str.capitalize,
            "Title Case": str.title,
        }
        return self.Outputs(changes[self.mode](self.string))


class StringTrim(Node):
    """A text without the blanks at its ends."""

    category = "text"
    display_name = "Trim Text"

    string: Paragraph
    mode: Side

    class Outputs(NamedTuple):
        """The shorter text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Cut them off."""
        cuts = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}
        return self.Outputs(cuts[self.mode](self.string))


class StringReplace(Node):
    """A text with another one in place of each occurrence of a part."""

    category = "text"
    display_name = "Replace Text"

    string: Paragraph
    find: Paragraph
    replace: Paragraph

    class Outputs(NamedTuple):
        """The changed text."""

        STRING: Line

    def run(self, context: Context) -> Outputs:
        """Replace them. Raises ValueError if the text grows too long."""
        count = self.string.count(self.find)
        _check_length(len(self.string) + count * (len(self.replace) - len(self.find)))
        return self.Outputs(self.string.replace(self.find, self.replace))


class StringContains(Node):
    """Whether a text has another one in it."""

    category = "text"
    display_name = "Contains Text"

    string: Paragraph
    substring: Paragraph
    case_sensitive: Toggle = True

    class Outputs(NamedTuple):
        """The answer."""

        contains: Toggle

    def run(self, context: Context) -> Outputs:
        """Look."""
        if self.case_sensitive:
            return self.Outputs(self.substring in self.string)
        return self.Outputs(self.substring.lower() in self.string.lower())


class StringCompare(Node):
    """Whether a text begins with, ends with or is another one."""

    category = "text"
    display_name = "Compare Text"

    string_a: Paragraph
    string_b: Paragraph
    mode: Comparison
    case_sensitive: Toggle = True

    class Outputs(NamedTuple):
        """The answer."""

        BOOLEAN: Toggle

    def run(self, context: Context) -> Outputs:
        """Compare them."""
        first, second = self.string_a, self.string_b
        if not self.case_sensitive:
            first, second = first.lower(), second.lower()
        if self.mode == "Equal":
            return self.Outputs(first == second)
        return self.Outputs(first.startswith(second) if self.mode == "Starts With" else first.endswith(second))


NODES = (
    StringConcatenate,
    StringSubstring,
    StringLength,
    CaseConverter,
    StringTrim,
    StringReplace,
    StringContains,
    StringCompare,
)
