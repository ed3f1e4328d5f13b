"""Arithmetic: an expression over named numbers, evaluated without running code.

Python's expressions as ComfyUI's math node takes them: operators, comparisons, `and`, `or`, `not`, `a if b else c`,
`values[0]` and the functions below. What would take long or much memory is refused: MOST_BITS, LONGEST, DEEPEST.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

Number = int | float

LONGEST = 10_000
"""Characters of an expression."""
DEEPEST = 100
"""Levels of an expression, each operator being one."""
MOST_BITS = 4096
"""Of a whole number on the way; one that ends as a FLOAT has 1024 at most."""
MOST_DIGITS = 400
"""Places that `round` takes."""


def evaluate(expression: str, values: Mapping[str, Any]) -> Number:
    """The number that an expression comes to; `values` in it is the list of all values in order.

    Raises ValueError, quoting the expression, for anything that gives no finite number.
    """
    try:
        result = _Evaluation(values).of(_parsed(expression), 0)
        if not isinstance(result, int | float):
            raise TypeError(f"it comes to {_kind(result)}, not a number")
        if not math.isfinite(float(result)):
            raise ValueError(f"it comes to {result}")
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        quoted = expression if len(expression) <= DEEPEST else f"{expression[:DEEPEST]}…"
        raise ValueError(f"the expression {quoted!r} has no value: {error}.") from error
    return result


def _parsed(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise ValueError(f"it has more than {LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"it cannot be read: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise ValueError("it is nested too deeply") from error
    return tree


def _kind(value: Any) -> str:
    return type(value).__name__


def _number(value: Any) -> Number:
    if not isinstance(value, int | float):
        raise TypeError(f"{_kind(value)} is not a number")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ValueError(f"a number on the way has more than {MOST_BITS} bits")
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MOST_BITS:
        raise ValueError(f"a power has more than {MOST_BITS} bits")
    return _number(base**exponent)


def _shifted(value: int, places: int) -> int:
    if places > MOST_BITS:
        raise ValueError(f"a number is shifted by more than {MOST_BITS} bits")
    return value << places


def _sum(*parts: Any) -> Any:
    return sum(parts[0] if len(parts) == 1 and isinstance(parts[0], list) else parts)


def _round(value: Number, digits: int | None = None) -> Number:
    if digits is not None and abs(digits) > MOST_DIGITS:
        raise ValueError(f"round takes at most {MOST_DIGITS} places")
    return round(value, digits)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": _sum,
    "min": min,
    "max": max,
    "abs": abs,
    "round": _round,
    "pow": _power,
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "floor": math.floor,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "int": int,
    "float": float,
}
OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: _shifted,
    ast.RShift: operator.rshift,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _Evaluation:
    """One walk through an expression; its depth is bounded by DEEPEST."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._names = {**{name: _number(value) for name, value in values.items()}, "values": list(values.values())}
        self._kinds: Mapping[type[ast.expr], Callable[[Any, int], Any]] = {
            ast.Constant: lambda node, depth: _number(node.value),
            ast.Name: lambda node, depth: self._named(node.id),
            ast.UnaryOp: lambda node, depth: self._applied(node.op, self.of(node.operand, depth)),
            ast.BinOp: lambda node, depth: self._applied(
                node.op, self.of(node.left, depth), self.of(node.right, depth)
            ),
            ast.BoolOp: self._joined,
            ast.Compare: self._compared,
            ast.IfExp: lambda node, depth: self.of(node.body if self.of(node.test, depth) else node.orelse, depth),
            ast.Call: self._called,
            ast.Subscript: lambda node, depth: self._item(self.of(node.value, depth), self.of(node.slice, depth)),
        }

    def of(self, node: ast.expr, depth: int) -> Any:
        """What a part of the expression comes to: a number, or the list of values."""
        if depth > DEEPEST:
            raise ValueError(f"it has more than {DEEPEST} levels")
        kind = self._kinds.get(type(node))
        if kind is None:
            self._refuse(node)
        return kind(node, depth + 1)

    def _refuse(self, node: ast.AST) -> NoReturn:
        raise ValueError(f"{type(node).__name__} is nothing to calculate with")

    def _named(self, name: str) -> Any:
        if name not in self._names:
            raise LookupError(f"there is no value {name!r}, only {', '.join(self._names)}")
        return self._names[name]

    def _applied(self, sign: ast.AST, *parts: Any) -> Any:
        known = OPERATORS.get(type(sign))
        if known is None:
            self._refuse(sign)
        return _number(known(*map(_number, parts)))

    def _joined(self, node: ast.BoolOp, depth: int) -> Any:
        """As in Python, the first operand that settles it."""
        wanted = isinstance(node.op, ast.Or)
        result: Any = None
        for part in node.values:
            result = self.of(part, depth)
            if bool(result) is wanted:
                break
        return result

    def _compared(self, node: ast.Compare, depth: int) -> bool:
        left = self.of(node.left, depth)
        for sign, part in zip(node.ops, node.comparators, strict=True):
            right = self.of(part, depth)
            if not self._applied(sign, left, right):
                return False
            left = right
        return True

    def _called(self, node: ast.Call, depth: int) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            raise LookupError(f"there is no function {name!r}, only {', '.join(FUNCTIONS)}")
        if node.keywords:
            raise TypeError(f"{name} takes no arguments by name")
        return _number(FUNCTIONS[name](*(self.of(part, depth) for part in node.args)))

    def _item(self, items: Any, place: Any) -> Any:
        if not isinstance(items, list) or not isinstance(place, int):
            raise TypeError("only the list of values has items, by whole numbers")
        return _number(items[place])
