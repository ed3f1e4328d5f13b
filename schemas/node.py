"""Node: how a node is declared, and NodeSpec: what the engine knows of one, ours or anybody's.

A node is a pydantic class named as in ComfyUI, with fields named, ordered, bounded and defaulted as there (saved widget
values are positional). A default does not make an input optional: as in ComfyUI, a graph must give every input that is
not marked Optional; defaults are what an editor would fill in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from schemas.prompt import literal_of
from schemas.sockets import Socket
from schemas.widgets import Widget

if TYPE_CHECKING:
    from schemas.context import Context

MISSING: Any = PydanticUndefined
"""Stands for "no default" and for a lazy input that nobody has asked for yet."""


@dataclass(frozen=True)
class Optional:
    """Marks a field that a graph may leave out."""


@dataclass(frozen=True)
class Lazy:
    """Marks a wire that is evaluated only if the node's `needs` asks for it."""


@dataclass(frozen=True)
class Listed:
    """Marks an output that is a list, each item of which flows on by itself (ComfyUI's OUTPUT_IS_LIST)."""


@dataclass(frozen=True)
class Named:
    """Gives an output a name that is no Python identifier."""

    name: str


@dataclass(frozen=True)
class Growing:
    """Marks a dict field whose items a graph gives one by one, as `field.name`; left out are those it does not give.

    of: what each item is, as a field's annotation. names: of the items, in order. least: so many of the first are
    required.
    """

    of: Any
    names: tuple[str, ...]
    least: int = 1

    def gathered(self, chosen: Any, items: Mapping[str, Any]) -> dict[str, Any]:
        """The field's value: the items that were given, in order."""
        return {name: items[name] for name in self.names if name in items}


@dataclass(frozen=True)
class Choosing:
    """Marks a field whose value names an option, a record whose fields a graph gives as `field.name`."""

    options: Mapping[str, type[BaseModel]]

    def gathered(self, chosen: Any, items: Mapping[str, Any]) -> BaseModel:
        """The field's value: the chosen record."""
        return self.options[chosen].model_construct(None, **items)


@dataclass(frozen=True)
class Blocked:
    """In place of an output value: whatever reads it does not run. message: why, or None for silence."""

    message: str | None = None


@dataclass(frozen=True)
class Expansion:
    """In place of outputs: a graph that takes the node's place.

    nodes: in API format. outputs: for each output a [id, slot] of these nodes, or a value.
    """

    nodes: dict[str, dict[str, Any]]
    outputs: tuple[Any, ...]


Result = tuple[Any, ...] | Expansion | Blocked


@dataclass(frozen=True)
class InputSpec:
    """One input of a node class.

    socket: the wire type, which for widgets is "INT", "FLOAT", "STRING", "BOOLEAN" or "COMBO". growing: the inputs that
    stand in this one's place, those that are not required only if given. options: the inputs that follow it, by its
    value. Their names are whole: "images.image0".
    """

    name: str
    socket: str
    required: bool = True
    default: Any = MISSING
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    widget: Widget | None = None
    lazy: bool = False
    annotation: Any = None
    growing: "tuple[InputSpec, ...]" = ()
    options: "Mapping[str, tuple[InputSpec, ...]] | None" = None

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Validates and coerces a literal for this input; raises pydantic's ValidationError."""
        return TypeAdapter(self.annotation)


@dataclass(frozen=True)
class OutputSpec:
    """One output of a node class."""

    name: str
    socket: str
    is_list: bool = False


@dataclass(frozen=True)
class NodeSpec:
    """What the engine knows of a node class.

    run: (input values by name, context) to one value per output, an Expansion or Blocked. With input_is_list every
    value is a list. needs: (input values, lazy ones MISSING until known) to the names of lazy inputs wanted now.
    cached False: runs every time. version: raise it when the same inputs give other outputs than before.
    """

    class_type: str
    inputs: Mapping[str, InputSpec]
    outputs: tuple[OutputSpec, ...]
    run: Callable[[Mapping[str, Any], "Context"], Result]
    display_name: str = ""
    category: str = ""
    description: str = ""
    output_node: bool = False
    input_is_list: bool = False
    cached: bool = True
    version: int = 1
    pack: str = "core"
    needs: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    ignored_inputs: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def is_dynamic(self) -> bool:
        """Whether a node's inputs depend on what it is given."""
        return any(known.growing or known.options is not None for known in self.inputs.values())

    @cached_property
    def possible(self) -> Mapping[str, InputSpec]:
        """Every input that a node of the class may have; of those that several options have, the first."""
        if not self.is_dynamic:
            return self.inputs
        found: dict[str, InputSpec] = {}
        for known in self.inputs.values():
            of_options = (entry for entries in (known.options or {}).values() for entry in entries)
            for entry in known.growing or (known, *of_options):
                found.setdefault(entry.name, entry)
        return found

    def inputs_given(self, given: Mapping[str, Any]) -> Mapping[str, InputSpec]:
        """The inputs that a node has which is given these, values or links: those of the options it chose."""
        if not self.is_dynamic:
            return self.inputs
        found: dict[str, InputSpec] = {}
        for known in self.inputs.values():
            grown = [entry for entry in known.growing if entry.required or entry.name in given]
            chosen = literal_of(given.get(known.name, known.default)) if known.options else None
            of_option = known.options.get(chosen, ()) if known.options and isinstance(chosen, str) else ()
            found |= {entry.name: entry for entry in (grown if known.growing else (known, *of_option))}
        return found


class Node(BaseModel):
    """Base of our own node classes: typed fields, an Outputs record, one call across the torch line in `run`."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=(), defer_build=True)

    category: ClassVar[str] = ""
    display_name: ClassVar[str] = ""
    output_node: ClassVar[bool] = False
    input_is_list: ClassVar[bool] = False
    cached: ClassVar[bool] = True
    version: ClassVar[int] = 1
    ignored_inputs: ClassVar[frozenset[str]] = frozenset()
    """Names that old exports carry besides the inputs and that mean nothing to the server."""

    class Outputs(NamedTuple):
        """The node's outputs in order; empty unless the class declares its own."""

    def run(self, context: "Context") -> Any:
        """The node's outputs: an Outputs record, an Expansion or Blocked."""
        raise RuntimeError(f"{type(self).__name__} declares no run")

    def needs(self) -> tuple[str, ...]:
        """Names of lazy inputs wanted now; those already there are not MISSING. Asked again after each delivery."""
        return ()

    @classmethod
    def spec(cls) -> NodeSpec:
        """What the engine needs to know of this class."""
        return _spec_of(cls)


def _markers(annotation: Any) -> list[Any]:
    """All Annotated metadata in a type, through unions, outermost first."""
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        return [*extra, *_markers(inner)]
    return [mark for part in get_args(annotation) for mark in _markers(part)] if get_origin(annotation) else []


T = TypeVar("T")


def _find(marks: list[Any], kind: type[T]) -> T | None:
    return next((mark for mark in marks if isinstance(mark, kind)), None)


def _bound(field_info: FieldInfo, *names: str) -> float | None:
    for mark in field_info.metadata:
        for name in names:
            if getattr(mark, name, None) is not None:
                return float(getattr(mark, name)) if not isinstance(getattr(mark, name), int) else getattr(mark, name)
    return None


def _choices(annotation: Any) -> tuple[str, ...] | None:
    return tuple(get_args(annotation)) if get_origin(annotation) is Literal else None


def _input_of(name: str, info: FieldInfo) -> InputSpec:
    marks = [*info.metadata, *_markers(info.annotation)]
    socket, widget = _find(marks, Socket), _find(marks, Widget)
    if socket is None and widget is None:
        raise TypeError(f"field {name} is neither a wire nor a widget")
    growing, choosing = _find(marks, Growing), _find(marks, Choosing)
    annotation = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return InputSpec(
        name=name,
        socket=socket.type if socket else widget.type,  # type: ignore[union-attr]  # one of both is there
        required=_find(marks, Optional) is None,
        default=info.default,
        minimum=_bound(info, "ge"),
        maximum=_bound(info, "le"),
        choices=tuple(choosing.options) if choosing else _choices(info.annotation),
        widget=widget,
        lazy=_find(marks, Lazy) is not None,
        annotation=Literal[tuple(choosing.options)] if choosing else annotation,
        growing=_grown(name, growing) if growing else (),
        options=_of_options(name, choosing) if choosing else None,
    )


def _grown(group: str, growing: Growing) -> tuple[InputSpec, ...]:
    entry = _input_of(group, FieldInfo.from_annotation(growing.of))
    return tuple(
        replace(entry, name=f"{group}.{name}", required=place < growing.least)
        for place, name in enumerate(growing.names)
    )


def _of_options(group: str, choosing: Choosing) -> dict[str, tuple[InputSpec, ...]]:
    return {
        key: tuple(_input_of(f"{group}.{name}", info) for name, info in record.model_fields.items())
        for key, record in choosing.options.items()
    }


def _groups_of(cls: type[Node]) -> dict[str, Growing | Choosing]:
    """The fields whose value is made of several inputs."""
    found = (
        (name, _find(info.metadata, Growing) or _find(info.metadata, Choosing))
        for name, info in cls.model_fields.items()
    )
    return {name: group for name, group in found if group is not None}


def _filled(cls: type[Node], groups: Mapping[str, Growing | Choosing], values: Mapping[str, Any]) -> Node:
    """A node with these values, by whole names; those of a group are one value of the group's field."""
    if not groups:
        return cls.model_construct(None, **values)
    fields = dict(values)
    for name, group in groups.items():
        own = [given for given in values if given.startswith(f"{name}.")]
        items = {given.removeprefix(f"{name}."): fields.pop(given) for given in own}
        fields[name] = group.gathered(fields.get(name), items)
    return cls.model_construct(None, **fields)


def _outputs_of(record: type) -> tuple[OutputSpec, ...]:
    found = []
    for name, annotation in get_type_hints(record, include_extras=True).items():
        marks = _markers(annotation)
        socket, named = _find(marks, Socket), _find(marks, Named)
        widget = _find(marks, Widget)
        if socket is None and widget is None:
            raise TypeError(f"output {name} of {record.__qualname__} has no socket type")
        kind = socket.type if socket else widget.type  # type: ignore[union-attr]  # one of both is there
        found.append(OutputSpec(named.name if named else name, kind, _find(marks, Listed) is not None))
    return tuple(found)


@cache
def _spec_of(cls: type[Node]) -> NodeSpec:
    lazy = any(_find(_markers(info.annotation) + list(info.metadata), Lazy) for info in cls.model_fields.values())
    inputs = {name: _input_of(name, info) for name, info in cls.model_fields.items()}

    groups = _groups_of(cls)

    def filled(values: Mapping[str, Any]) -> Node:
        return _filled(cls, groups, values)

    return NodeSpec(
        class_type=cls.__name__,
        inputs=inputs,
        outputs=_outputs_of(cls.Outputs),
        run=lambda values, context: filled(values).run(context),
        display_name=cls.display_name or cls.__name__,
        category=cls.category,
        description=(cls.__doc__ or "").strip(),
        output_node=cls.output_node,
        input_is_list=cls.input_is_list,
        cached=cls.cached,
        version=cls.version,
        needs=(lambda values: tuple(filled(values).needs())) if lazy else None,
        ignored_inputs=cls.ignored_inputs,
    )
