"""What a pickle would build, worked out without building it: nothing is imported, nothing is called.

A pickle is a program for a small stack machine. Here the same steps move inert stand-ins: a name stays a name
(`Symbol`), a call of anything but the few functions that PyTorch saves tensors with becomes `UNKNOWN`.
"""

import pickletools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

MOST_STEPS = 2_000_000
"""A file of ten thousand tensors takes a fifth of this."""


class Malformed(ValueError):
    """The pickle is no valid program, or asks for more than any model file needs."""


class Symbol(NamedTuple):
    """A name that the pickle would import."""

    module: str
    name: str


class Storage(NamedTuple):
    """A run of numbers kept outside the pickle. kind: its class or type, as a name."""

    kind: Symbol
    key: str


class TensorSketch(NamedTuple):
    """A view of a storage. offset, stride: in values. dtype: given by newer files beside an untyped storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: Symbol | None = None


UNKNOWN: Any = object()
"""Stands for whatever we do not follow."""

MARK: Any = object()

CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY: Mapping[str, Callable[[], Any]] = {
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,
}
SMALL_TUPLES: Mapping[str, int] = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
IGNORED = frozenset({"PROTO", "FRAME", "STOP"})


class Source(Protocol):
    """What a pickle is read from."""

    def read(self, count: int, /) -> bytes:
        """Some bytes."""

    def readline(self) -> bytes:
        """A line."""


def sketch(source: bytes | Source) -> Any:
    """What the pickle would build, in stand-ins; a file is left behind the pickle's last byte.

    Dictionaries keep only keys that are texts or numbers. Raises Malformed.
    """
    machine = Machine()
    try:
        steps = pickletools.genops(source)  # type: ignore[arg-type]  # it needs no more of a file than Source has
        for number, (opcode, argument, _) in enumerate(steps):
            if number > MOST_STEPS:
                raise Malformed(f"it has more than {MOST_STEPS:,} steps")
            machine.step(opcode.name, argument)
        return machine.stack[-1]
    except Malformed:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Malformed(f"{type(error).__name__}: {str(error)[:200]}") from error


class Machine:
    """The stack machine. Each opcode of the pickle protocols 0 to 5 that occurs in saved tensors has a meaning here."""

    def __init__(self) -> None:
        """An empty stack and memo."""
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Do what one opcode says."""
        if name in IGNORED:
            return
        if name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in EMPTY:
            self.stack.append(EMPTY[name]())
        elif name in SMALL_TUPLES:
            self.stack.append(tuple(self.take(SMALL_TUPLES[name])))
        elif (method := getattr(self, f"do_{name.lower()}", None)) is not None:
            method(argument)
        elif argument is not None and not isinstance(argument, tuple):
            self.stack.append(argument)  # numbers, texts and bytes of every width
        else:
            raise Malformed(f"opcode {name} does not occur in model files")

    def take(self, count: int) -> list[Any]:
        """The last values, off the stack."""
        if count > len(self.stack):
            raise Malformed("its stack runs empty")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def since_mark(self) -> list[Any]:
        """The values behind the last mark, off the stack with the mark."""
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not MARK:
            at -= 1
        if at < 0:
            raise Malformed("it lacks a mark")
        taken = self.stack[at + 1 :]
        del self.stack[at:]
        return taken

    def do_mark(self, _: Any) -> None:
        """Begin a run of values."""
        self.stack.append(MARK)

    def do_pop(self, _: Any) -> None:
        """Forget a value."""
        self.take(1)

    def do_pop_mark(self, _: Any) -> None:
        """Forget a run of values."""
        self.since_mark()

    def do_dup(self, _: Any) -> None:
        """The last value once more."""
        self.stack.append(self.stack[-1])

    def do_tuple(self, _: Any) -> None:
        """A run of values as a tuple."""
        self.stack.append(tuple(self.since_mark()))

    def do_list(self, _: Any) -> None:
        """A run of values as a list."""
        self.stack.append(self.since_mark())

    def do_frozenset(self, _: Any) -> None:
        """A run of values as a set, which we keep as a list."""
        self.stack.append(self.since_mark())

    def do_append(self, _: Any) -> None:
        """A value into a list."""
        self.extend(self.take(1))

    def do_appends(self, _: Any) -> None:
        """A run of values into a list."""
        self.extend(self.since_mark())

    def do_additems(self, _: Any) -> None:
        """A run of values into a set."""
        self.extend(self.since_mark())

    def extend(self, values: list[Any]) -> None:
        """Values into the list on top, if it is one that we follow."""
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(values)

    def do_dict(self, _: Any) -> None:
        """A run of keys and values as a dictionary."""
        pairs = self.since_mark()
        self.stack.append({})
        self.set_items(pairs)

    def do_setitem(self, _: Any) -> None:
        """A key and a value into a dictionary."""
        self.set_items(self.take(2))

    def do_setitems(self, _: Any) -> None:
        """A run of keys and values into a dictionary."""
        self.set_items(self.since_mark())

    def set_items(self, pairs: list[Any]) -> None:
        """Keys and values in turn into the dictionary on top, if it is one that we follow."""
        target = self.stack[-1]
        if isinstance(target, dict):
            # Other keys are left out: hashing nested tuples from a memo can take for ever.
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                if isinstance(key, str | int):
                    target[key] = value

    def do_memoize(self, _: Any) -> None:
        """Remember the last value under the next number."""
        self.memo[len(self.memo)] = self.stack[-1]

    def do_put(self, number: Any) -> None:
        """Remember the last value under a number."""
        self.memo[int(number)] = self.stack[-1]

    do_binput = do_long_binput = do_put

    def do_get(self, number: Any) -> None:
        """Recall a value."""
        self.stack.append(self.memo[int(number)])

    do_binget = do_long_binget = do_get

    def do_global(self, argument: Any) -> None:
        """A name to import: we keep the name."""
        module, _, name = str(argument).partition(" ")
        self.stack.append(Symbol(module, name))

    def do_stack_global(self, _: Any) -> None:
        """A name to import, its two halves on the stack."""
        module, name = self.take(2)
        self.stack.append(Symbol(str(module)[:200], str(name)[:200]) if isinstance(name, str) else UNKNOWN)

    def do_binpersid(self, _: Any) -> None:
        """Something kept outside: PyTorch's storages."""
        self.stack.append(storage_of(self.take(1)[0]))

    def do_reduce(self, _: Any) -> None:
        """A call."""
        function, arguments = self.take(2)
        self.stack.append(called(function, arguments))

    def do_newobj(self, _: Any) -> None:
        """A new object of a class."""
        self.do_reduce(None)

    def do_newobj_ex(self, _: Any) -> None:
        """A new object of a class, with named arguments."""
        self.take(3)
        self.stack.append(UNKNOWN)

    def do_obj(self, _: Any) -> None:
        """A new object, old style."""
        self.since_mark()
        self.stack.append(UNKNOWN)

    def do_inst(self, _: Any) -> None:
        """A new object, oldest style."""
        self.do_obj(None)

    def do_build(self, _: Any) -> None:
        """State for an object: ordered dictionaries carry some, and nothing that we follow needs it."""
        self.take(1)


def storage_of(identity: Any) -> Any:
    """PyTorch's persistent id ("storage", class, key, device, length, ...) as a Storage."""
    if isinstance(identity, tuple) and len(identity) >= 3 and isinstance(identity[1], Symbol):
        return Storage(identity[1], str(identity[2])[:200]) if isinstance(identity[2], str | int) else UNKNOWN
    return UNKNOWN


def called(function: Any, arguments: Any) -> Any:
    """The result of the few calls that we follow."""
    if not isinstance(function, Symbol) or not isinstance(arguments, tuple):
        return UNKNOWN
    if function == Symbol("collections", "OrderedDict"):
        return {}
    if function.module == "torch._utils" and function.name.startswith("_rebuild_parameter") and arguments:
        return arguments[0]
    if function.module == "torch._utils" and function.name in REBUILDS:
        return rebuilt(arguments)
    return UNKNOWN


REBUILDS = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"})


def rebuilt(arguments: tuple[Any, ...]) -> Any:
    """The tensor of a `_rebuild_tensor` call: (storage, offset, shape, stride, requires_grad, hooks, dtype)."""
    storage, offset, shape, stride = arguments[:4]
    if not (isinstance(storage, Storage) and is_count(offset) and is_counts(shape) and is_counts(stride)):
        return UNKNOWN
    dtype = next((item for item in arguments[6:7] if isinstance(item, Symbol)), None)
    return TensorSketch(storage, offset, shape, stride, dtype)


def is_count(value: Any) -> bool:
    """Whether it is an integer that fits in 63 bits and is not negative."""
    return type(value) is int and 0 <= value < 1 << 63


def is_counts(value: Any) -> bool:
    """Whether it is a tuple of at most 32 such integers."""
    return isinstance(value, tuple) and len(value) <= 32 and all(is_count(item) for item in value)


def tensors_in(built: Any) -> Iterator[tuple[str, TensorSketch]]:
    """Named tensors of a dictionary, and of dictionaries directly in it."""
    if isinstance(built, dict):
        for key, value in built.items():
            if isinstance(value, TensorSketch):
                yield str(key), value
            elif isinstance(value, dict):
                yield from ((f"{key}.{name}", item) for name, item in value.items() if isinstance(item, TensorSketch))
