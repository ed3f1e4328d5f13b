"""Mapping: how a node is called when lists flow into it, and how the results of its calls become its outputs.

As in ComfyUI's executor: every wire carries a list of items. A node is called once for each item of its longest input,
shorter ones repeating their last item; a node with input_is_list is called once, with the lists. An output that is
itself a list adds all its items, any other output adds one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.node import Blocked, Expansion, NodeSpec


def calls(inputs: Mapping[str, Sequence[Any]], spec: NodeSpec) -> list[dict[str, Any]]:
    """The input values of each call. inputs: items by field, one for a literal.

    Raises ValueError if a list is empty, since there is no item to call the node with.
    """
    if spec.input_is_list:
        # Copies, because a node may change its lists, and these are also in the cache.
        return [{field: list(items) for field, items in inputs.items()}]
    longest = 1
    for field, items in inputs.items():
        if len(items) != 1:
            if not items:
                raise ValueError(f"input {field} is an empty list")
            longest = max(longest, len(items))
    if longest == 1:
        return [{field: items[0] for field, items in inputs.items()}]
    return [{field: items[min(call, len(items) - 1)] for field, items in inputs.items()} for call in range(longest)]


def blocking(values: Mapping[str, Any], input_is_list: bool) -> Blocked | None:
    """What keeps a call from being made: the first input that is blocked, or holds a blocked item."""
    for value in values.values():
        if type(value) is Blocked:
            return value
        if input_is_list:
            blocked = next((item for item in value if type(item) is Blocked), None)
            if blocked is not None:
                return blocked
    return None


def checked(result: Any, spec: NodeSpec) -> tuple[Any, ...] | Expansion:
    """One call's result with one value for each output; a node that is blocked as a whole blocks each of them.

    Raises TypeError if the node gave something else.
    """
    if isinstance(result, Expansion):
        _count(result.outputs, spec)
        return result
    if isinstance(result, Blocked):
        return (result,) * len(spec.outputs)
    if result is None and not spec.outputs:
        return ()
    if not isinstance(result, tuple):
        raise TypeError(f"{spec.class_type} gave {type(result).__name__} instead of a tuple of outputs")
    _count(result, spec)
    return result


def _count(outputs: Sequence[Any], spec: NodeSpec) -> None:
    if len(outputs) != len(spec.outputs):
        raise TypeError(f"{spec.class_type} gave {len(outputs)} outputs, but declares {len(spec.outputs)}")


def joined(results: Iterable[Sequence[Any]], spec: NodeSpec) -> tuple[list[Any], ...]:
    """The items of each output, from the values of each call. An `Items` stands for several items at once.

    Raises TypeError if a listed output is no list.
    """
    outputs: tuple[list[Any], ...] = tuple([] for _ in spec.outputs)
    for values in results:
        for output, value, items in zip(spec.outputs, values, outputs, strict=True):
            if type(value) is Items:
                items.extend(value)
            elif not output.is_list or type(value) is Blocked:
                items.append(value)
            elif isinstance(value, list | tuple):
                items.extend(value)
            else:
                raise TypeError(f"output {output.name} of {spec.class_type} is {type(value).__name__}, not a list")
    return outputs


class Items(tuple[Any, ...]):
    """Items that came over a wire from inside an expansion, to be handed on as they are."""

    __slots__ = ()
