"""Control between runs: what ComfyUI's editor does with seeds and choices after a graph was queued.

Modes: fixed, increment, decrement and randomize; increment-wrap, of choices. Values that a link feeds stay. A number
moves by its step and stops at its limits; random ones are drawn from the range in which a browser counts exactly.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.editor.laying import laid
from schemas.node_schema import SEEDS
from schemas.prompt import Prompt, PromptNode, link_of
from schemas.workflow import DECREMENT, FIXED, INCREMENT, OFF, RANDOMIZE, WRAP, Control, Workflow

if TYPE_CHECKING:
    from engine.editor.translating import Options
EXACT = 2**50
"""The editor draws random numbers no larger than this, though a seed may be."""


def choosing(seed: int | str | None, number: int = 0) -> "Options | None":
    """What the editor does with dynamic prompts by that seed, or OFF, in that run, counted from 0.

    None for what it does by default.
    """
    if seed is None and number == 0:
        return None
    from engine.editor.translating import Options

    return Options(seed=None if seed == OFF else int(seed or 0) + number)


def next_values(workflow: Workflow, chance: random.Random) -> Workflow:
    """A copy for the next run, its notes being one for each value that changed, or cannot ("5 KSampler: seed 7 → 8").

    The editor's own graph, if there is one, changes alike; what it has no place for is noted too. Literals that it
    keeps in one place get one new value.
    """
    notes: list[str] = []
    changes: dict[tuple[str, str], Any] = {}
    held: dict[tuple[Any, ...], Any] = {}
    for control in workflow.controls:
        node = workflow.prompt.nodes.get(control.node)
        if node is None or control.mode == FIXED or not _is_literal(node, control.field):
            continue
        before = node.inputs[control.field]
        origin = workflow.origins.get((control.node, control.field))
        shared = (origin.path, origin.key, before) if origin is not None else (control.node, control.field)
        if shared not in held:
            held[shared] = moved(before, control, chance)
        after = held[shared]
        where = f"{control.node} {node.class_type}: {control.field}"
        if after is None:
            notes.append(f"{where} stays {before!r}: no values are known to {control.mode} it to")
        elif after != before:
            changes[control.node, control.field] = after
            notes.append(f"{where} {before} → {after} ({control.mode})")
    following, remarks = laid(workflow, with_values(workflow.prompt, changes))
    return following.model_copy(update={"notes": [*notes, *remarks]})


def with_values(prompt: Prompt, values: Mapping[tuple[str, str], Any]) -> Prompt:
    """A copy with other literals, by node and field; those of nodes that are not there are left out."""
    nodes = dict(prompt.nodes)
    for (name, field), value in values.items():
        if name in nodes and _is_literal(nodes[name], field):
            inputs = {**nodes[name].inputs, field: value}
            nodes[name] = nodes[name].model_copy(update={"inputs": inputs})
    return prompt.model_copy(update={"nodes": nodes})


def with_mode(workflow: Workflow, mode: str) -> Workflow:
    """A copy in which this mode controls every seed, and whatever else is controlled."""
    known = {(control.node, control.field): replace(control, mode=mode) for control in workflow.controls}
    for name, node in workflow.prompt.nodes.items():
        for field in SEEDS:
            if _is_literal(node, field) and _is_number(node.inputs[field]):
                known.setdefault((name, field), Control(name, field, mode))
    return workflow.model_copy(update={"controls": list(known.values())})


def moved(value: Any, control: Control, chance: random.Random) -> Any:
    """The value after this one; None if there is nothing to move it to."""
    choices = [choice for choice in control.choices if isinstance(choice, str) or _is_number(choice)]
    if choices:
        return _moved_choice(value, choices, control.mode, chance)
    return _moved_number(value, control, chance) if _is_number(value) else None


def _moved_choice(value: Any, choices: Sequence[Any], mode: str, chance: random.Random) -> Any:
    """The choice beside this one, stopping at the ends; an unknown value lies before the first."""
    at = choices.index(value) if value in choices else -1
    if mode == RANDOMIZE:
        return chance.choice(choices)
    if mode == WRAP:
        return choices[(at + 1) % len(choices)]
    at += {INCREMENT: 1, DECREMENT: -1}.get(mode, 0)
    return choices[max(0, min(len(choices) - 1, at))]


def _moved_number(value: float, control: Control, chance: random.Random) -> float:
    """The number a step further, or a random one; exact in decimals, so that 0.1 and 0.2 make 0.3."""
    step = _decimal(control.step) if math.isfinite(control.step) and control.step > 0 else Decimal(1)
    least, most = _decimal(control.minimum), _decimal(control.maximum)
    if control.mode == RANDOMIZE:
        least, most = max(least, Decimal(-EXACT)), min(most, Decimal(EXACT))
        after = least + step * chance.randrange(max(1, math.ceil((most - least) / step)))
    else:
        after = _decimal(value) + step * {INCREMENT: 1, WRAP: 1, DECREMENT: -1}.get(control.mode, 0)
    after = min(max(after, least), most)
    whole = isinstance(value, int) and after == after.to_integral_value()
    return int(after) if whole else float(after)


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_literal(node: PromptNode, field: str) -> bool:
    return field in node.inputs and link_of(node.inputs[field]) is None
