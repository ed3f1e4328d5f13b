"""Toy nodes: small node classes that add, count, list, choose, block and fail, for tests of the graph machine.

`RUNS` remembers (node id, class) of every toy that ran, in order; clear it at the start of a test.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, Field

from schemas.context import Context
from schemas.node import (
    MISSING,
    Blocked,
    Choosing,
    Expansion,
    Growing,
    Lazy,
    Listed,
    Named,
    Node,
    NodeSpec,
    Optional,
)
from schemas.sockets import Anything, Socket
from schemas.widgets import CheckpointFile, InputPicture, Integer, Line, Number, Toggle, Widget

RUNS: list[tuple[str, str]] = []

Whole = Annotated[int, Integer, Field(ge=-1_000_000, le=1_000_000), Widget("INT", step=1)]
Real = Annotated[float, Number, Field(ge=-10.0, le=10.0), Widget("FLOAT", step=0.1)]
Colour = Annotated[Literal["red", "green", "blue"], Widget("COMBO")]
Token = Annotated[Any, Socket("TOY")]
"""A wire of a type that nothing else fits."""


class Toy(Node):
    """Base of the toys: notes that it ran."""

    category = "toys"

    def ran(self, context: Context) -> None:
        """Remember this run."""
        RUNS.append((context.node, type(self).__name__))


class WholeOut(NamedTuple):
    """One whole number."""

    INT: Annotated[int, Widget("INT")]


class ToyNumber(Toy):
    """A constant."""

    value: Whole = 0

    Outputs: ClassVar[type[WholeOut]] = WholeOut

    def run(self, context: Context) -> WholeOut:
        """The value."""
        self.ran(context)
        return WholeOut(self.value)


class ToyReal(Toy):
    """A constant with a fraction."""

    value: Real = 0.0

    class Outputs(NamedTuple):
        """One real number."""

        FLOAT: Annotated[float, Widget("FLOAT")]

    def run(self, context: Context) -> Outputs:
        """The value."""
        self.ran(context)
        return self.Outputs(self.value)


class ToyText(Toy):
    """A line of text."""

    text: Line = ""

    class Outputs(NamedTuple):
        """The text and its length."""

        STRING: Annotated[str, Widget("STRING")]
        length: Annotated[int, Widget("INT"), Named("text length")]

    def run(self, context: Context) -> Outputs:
        """Text, length."""
        self.ran(context)
        return self.Outputs(self.text, len(self.text))


class ToyAdd(Toy):
    """a + b."""

    a: Whole = 0
    b: Whole = 0

    Outputs: ClassVar[type[WholeOut]] = WholeOut

    def run(self, context: Context) -> WholeOut:
        """The sum."""
        self.ran(context)
        return WholeOut(self.a + self.b)


class ToyPass(Toy):
    """Hands a token on: the link of long chains."""

    token: Token

    class Outputs(NamedTuple):
        """What came in."""

        TOY: Token

    def run(self, context: Context) -> Outputs:
        """The token."""
        self.ran(context)
        return self.Outputs(self.token)


class ToySource(Toy):
    """Makes a token."""

    name: Line = "token"

    class Outputs(NamedTuple):
        """A token."""

        TOY: Token

    def run(self, context: Context) -> Outputs:
        """The name as a token."""
        self.ran(context)
        return self.Outputs(self.name)


class ToyMerge(Toy):
    """Two tokens become one; the second may be missing."""

    first: Token
    second: Annotated[Token, Optional()] = None

    class Outputs(NamedTuple):
        """Both."""

        TOY: Token

    def run(self, context: Context) -> Outputs:
        """A tuple of both."""
        self.ran(context)
        return self.Outputs((self.first, self.second))


class ToyWidgets(Toy):
    """One widget of each kind, the last two optional."""

    whole: Whole = 1
    real: Real = 0.5
    text: Line = "hello"
    toggle: Toggle = True
    colour: Colour = "red"
    extra: Annotated[Whole, Optional()] = 7
    note: Annotated[Line, Optional()] = "none"

    ignored_inputs = frozenset({"old_widget"})

    class Outputs(NamedTuple):
        """All values as they arrived."""

        ANY: Anything

    def run(self, context: Context) -> Outputs:
        """A tuple of the values."""
        self.ran(context)
        return self.Outputs((self.whole, self.real, self.text, self.toggle, self.colour, self.extra, self.note))


class ToyGather(Toy):
    """Any number of numbers, two at least and four at most."""

    numbers: Annotated[dict[str, Any], Socket("COMFY_AUTOGROW_V3"), Growing(Whole, ("n0", "n1", "n2", "n3"), least=2)]

    class Outputs(NamedTuple):
        """What was given."""

        ANY: Anything

    def run(self, context: Context) -> Outputs:
        """The mapping as pairs."""
        self.ran(context)
        return self.Outputs(tuple(self.numbers.items()))


class Sized(BaseModel):
    """An option with a number and a text that may be left out."""

    size: Whole = 8
    note: Annotated[Line, Optional()] = "none"


class Painted(BaseModel):
    """An option with a wire."""

    colour: Colour
    token: Token


class ToyForm(Toy):
    """Takes what the chosen option takes."""

    form: Annotated[Any, Widget("COMFY_DYNAMICCOMBO_V3"), Choosing({"sized": Sized, "painted": Painted})]

    class Outputs(NamedTuple):
        """What was given."""

        ANY: Anything

    def run(self, context: Context) -> Outputs:
        """The option's class with its values."""
        self.ran(context)
        return self.Outputs((type(self.form).__name__, *dict(self.form).values()))


class ToyModel(Toy):
    """Names a model file."""

    ckpt_name: CheckpointFile

    class Outputs(NamedTuple):
        """The file's name as a token."""

        TOY: Token

    def run(self, context: Context) -> Outputs:
        """The fingerprint of the file."""
        self.ran(context)
        return self.Outputs(context.file("checkpoints", self.ckpt_name).fingerprint)


class ToyPicture(Toy):
    """Names a file of the input folder."""

    image: InputPicture

    class Outputs(NamedTuple):
        """The file's path as a token."""

        TOY: Token

    def run(self, context: Context) -> Outputs:
        """The path."""
        self.ran(context)
        return self.Outputs(str(context.input_file(self.image)))


class ToySwitch(Toy):
    """One of two values, the other never computed."""

    switch: Toggle
    on_true: Annotated[Anything, Lazy()]
    on_false: Annotated[Anything, Lazy()]

    class Outputs(NamedTuple):
        """The chosen value."""

        ANY: Anything

    def needs(self) -> tuple[str, ...]:
        """The chosen side, until it is there."""
        side = "on_true" if self.switch else "on_false"
        return (side,) if getattr(self, side) is MISSING else ()

    def run(self, context: Context) -> Outputs:
        """The chosen value."""
        self.ran(context)
        return self.Outputs(self.on_true if self.switch else self.on_false)


class ToyRange(Toy):
    """0, 1, ... count - 1 as a list whose items flow on one by one."""

    count: Whole = 3

    class Outputs(NamedTuple):
        """A listed whole number."""

        INT: Annotated[int, Widget("INT"), Listed()]

    def run(self, context: Context) -> Outputs:
        """The numbers."""
        self.ran(context)
        return self.Outputs(list(range(self.count)))  # type: ignore[arg-type]  # a listed output holds a list


class ToySum(Toy):
    """Takes whole lists: the sum of all items, plus one start value."""

    items: Whole
    start: Whole = 0

    input_is_list = True

    Outputs: ClassVar[type[WholeOut]] = WholeOut

    def run(self, context: Context) -> WholeOut:
        """The sum."""
        self.ran(context)
        return WholeOut(sum(self.items) + self.start[0])  # type: ignore[call-overload,index]  # lists, see input_is_list


class ToyExpand(Toy):
    """Becomes a chain of `count` additions of one, on top of `value`."""

    value: Whole = 0
    count: Whole = 2

    Outputs: ClassVar[type[WholeOut]] = WholeOut

    def run(self, context: Context) -> Expansion | WholeOut:
        """A graph of ToyAdd nodes, or the value itself if there is nothing to add."""
        self.ran(context)
        if self.count < 1:
            return WholeOut(self.value)
        graph: dict[str, dict[str, Any]] = {}
        previous: Any = self.value
        for step in range(self.count):
            graph[f"add{step}"] = {"class_type": "ToyAdd", "inputs": {"a": previous, "b": 1}}
            previous = [f"add{step}", 0]
        return Expansion(nodes=graph, outputs=(previous,))


class ToyBlock(Toy):
    """Lets a value through, or blocks whatever reads it."""

    value: Anything
    block: Toggle
    message: Annotated[Line, Optional()] = ""

    class Outputs(NamedTuple):
        """The value."""

        ANY: Anything

    def run(self, context: Context) -> Outputs | Blocked:
        """The value, or Blocked."""
        self.ran(context)
        return Blocked(self.message or None) if self.block else self.Outputs(self.value)


class ToyFail(Toy):
    """Raises."""

    value: Anything
    message: Line = "toy failure"

    class Outputs(NamedTuple):
        """Never."""

        ANY: Anything

    def run(self, context: Context) -> Outputs:
        """Raises ValueError with the message."""
        self.ran(context)
        raise ValueError(self.message)


class ToyClock(Toy):
    """Counts its own runs; never cached."""

    cached = False

    Outputs: ClassVar[type[WholeOut]] = WholeOut

    def run(self, context: Context) -> WholeOut:
        """How many toys have run so far."""
        self.ran(context)
        return WholeOut(len(RUNS))


class ToySteps(Toy):
    """A long step that tells its progress."""

    value: Anything
    steps: Whole = 4

    class Outputs(NamedTuple):
        """The value."""

        ANY: Anything

    def run(self, context: Context) -> Outputs:
        """Tell progress `steps` times, then hand the value on."""
        self.ran(context)
        for step in range(self.steps):
            context.progress(step + 1, self.steps)
        return self.Outputs(self.value)


class ToyShow(Toy):
    """The output node: takes anything and remembers it in SHOWN."""

    value: Anything

    output_node = True

    def run(self, context: Context) -> tuple[()]:
        """Remember (node id, value)."""
        self.ran(context)
        SHOWN.append((context.node, self.value))
        return ()


class ToyKeep(Toy):
    """An output node that takes a token only."""

    token: Token

    output_node = True

    def run(self, context: Context) -> tuple[()]:
        """Remember (node id, token)."""
        self.ran(context)
        SHOWN.append((context.node, self.token))
        return ()


SHOWN: list[tuple[str, Any]] = []
"""What ToyShow and ToyKeep were given, in order."""

NODES: tuple[type[Node], ...] = (
    ToyNumber,
    ToyReal,
    ToyText,
    ToyAdd,
    ToyPass,
    ToySource,
    ToyMerge,
    ToyWidgets,
    ToyGather,
    ToyForm,
    ToyModel,
    ToyPicture,
    ToySwitch,
    ToyRange,
    ToySum,
    ToyExpand,
    ToyBlock,
    ToyFail,
    ToyClock,
    ToySteps,
    ToyShow,
    ToyKeep,
)


def specs() -> tuple[NodeSpec, ...]:
    """The specs of all toys, for Registry.of."""
    return tuple(node.spec() for node in NODES)


def chain(length: int) -> dict[str, dict[str, Any]]:
    """API JSON of a source, `length` ToyPass nodes in a row, and a ToyKeep at the end."""
    graph: dict[str, dict[str, Any]] = {"source": {"class_type": "ToySource", "inputs": {"name": "t"}}}
    previous = "source"
    for index in range(length):
        graph[str(index)] = {"class_type": "ToyPass", "inputs": {"token": [previous, 0]}}
        previous = str(index)
    graph["keep"] = {"class_type": "ToyKeep", "inputs": {"token": [previous, 0]}}
    return graph
