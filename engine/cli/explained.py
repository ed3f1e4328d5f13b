"""`comfyless cache explain`: which steps of a graph the cache would spare, and why not the others."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.disk_cache.disk_cache import DiskCache, Line
from engine.planning.keys import is_lasting
from schemas.node import NodeSpec
from schemas.plan import PlanStep

RECIPES = frozenset(
    {"MODEL", "CLIP", "VAE", "NOISE", "SAMPLER", "GUIDER", "CLIP_VISION", "CONTROL_NET", "UPSCALE_MODEL", "STYLE_MODEL"}
)
"""Socket types whose values say what is to be done, not what came of it."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One step. line: its entry, if it is kept and needed. why: it would run, or is not needed."""

    node: str
    class_type: str
    state: Literal["kept", "run", "not needed"]
    why: str = ""
    line: Line | None = None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def explained(
    steps: Sequence[PlanStep], cache: DiskCache | None, spec_of: Callable[[str], NodeSpec | None]
) -> Iterator[Explained]:
    """Every step in order. steps: of a graph planned as if nothing were kept. spec_of: what is known of a class."""
    lines = _lines_of({step.key for step in steps}, cache) if cache is not None else {}
    read = {node for step in steps for node in step.reads}
    needed = {step.node for step in steps if step.node not in read}
    for step in reversed(steps):
        if step.node in needed and step.key not in lines:
            needed.update(step.reads)
    for step in steps:
        if step.node not in needed:
            yield Explained(step.node, step.class_type, "not needed", "what reads it is kept")
        elif step.key in lines:
            yield Explained(step.node, step.class_type, "kept", line=lines[step.key])
        else:
            yield Explained(step.node, step.class_type, "run", _why(step, cache, spec_of(step.class_type)))


def _lines_of(keys: Set[str], cache: DiskCache) -> dict[str, Line]:
    """The entries of these keys that can be had here."""
    ours = (line for line in cache.lines() if line.surroundings == cache.surroundings and line.key in keys)
    return {line.key: line for line in ours if cache.has(line.key)}


def _why(step: PlanStep, cache: DiskCache | None, spec: NodeSpec | None) -> str:
    if spec is not None and spec.output_node:
        return "it writes or shows something, and what does is not kept on disk"
    if not is_lasting(step.key):
        return "it, or something it reads, runs every time"
    if spec is not None and spec.outputs and all(output.socket in RECIPES for output in spec.outputs):
        return "a recipe, sooner made than read"
    elsewhere = cache.elsewhere(step.key) if cache is not None else ()
    if elsewhere:
        return f"kept only for {elsewhere[0]}"
    return "never made with these inputs, or too quickly to be worth it, or gone to make room"
