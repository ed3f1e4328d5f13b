"""Seeds: which ones a comparison is made on, and where a graph holds its own."""

import re

from engine.errors import GraphInvalid
from engine.plugins.registry import Registry
from engine.running.outputs import SEED_FIELDS, seeds_in
from schemas.prompt import Prompt, link_of
from schemas.report import Problem
from schemas.workflow import Workflow

LARGEST = 2**64 - 1
MOST = 10_000
_PART = re.compile(r"(\d+)(?:\.\.(\d+))?")


def parse(text: str) -> tuple[int, ...]:
    """Read "0..3" (both ends included), "1,5,9" or "0..3,9"; each once, in order. Raises ValueError, saying why."""
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is neither a seed nor a range such as 0..3")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last > LARGEST:
            raise ValueError(f"{part.strip()!r}: seeds rise, and end at {LARGEST}")
        if last - first >= MOST or len(found) > MOST:
            raise ValueError(f"{text!r} is more than {MOST:,} seeds")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def own_seed(prompt: Prompt) -> int | None:
    """The one seed that all nodes of a graph share; None if they have several, or none as a literal."""
    found = set(seeds_in(prompt).values())
    return found.pop() if len(found) == 1 else None


def with_seed(workflow: Workflow, seed: int, registry: Registry) -> Workflow:
    """A copy with every seed widget set that no wire feeds. Raises GraphInvalid if there is none."""
    nodes = dict(workflow.prompt.nodes)
    places = [(name, field) for name, node in nodes.items() for field in SEED_FIELDS if field in node.inputs]
    free = [place for place in places if _settable(workflow.prompt, *place, registry)]
    if not free:
        said = "the graph has no seed to set: " + ("a wire feeds each." if places else "no node draws noise from one.")
        raise GraphInvalid(
            [Problem(code="not-comparable", file=workflow.name, said=said, fix="Leave out --seeds, or unlink a seed.")]
        )
    for name, field in free:
        node = nodes[name]
        nodes[name] = node.model_copy(update={"inputs": {**node.inputs, field: seed}})
    return workflow.model_copy(update={"prompt": Prompt.model_construct(nodes=nodes)})


def _settable(prompt: Prompt, name: str, field: str, registry: Registry) -> bool:
    node = prompt.nodes[name]
    spec = registry.find(node.class_type)
    known = spec.inputs.get(field) if spec else None
    return link_of(node.inputs[field]) is None and known is not None and known.socket == "INT"
