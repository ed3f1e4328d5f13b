"""What differs between a picture and the same made again, the most telling first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from engine.reading.printable import shown, unquoted
from engine.replaying.pixels import Apart
from engine.replaying.recorded import Recorded, RecordedModel
from engine.running.outputs import seeds_in
from schemas.prompt import Prompt, link_of
from schemas.report import StepReport

What = Literal[
    "version",
    "torch",
    "device",
    "model",
    "dtype",
    "input",
    "seed",
    "node",
    "edited",
    "after",
    "unrecorded",
    "size",
    "pixels",
]

SAMPLED = "sampled:"
"""How fingerprints of files begin that are too large to be read whole; they change with the file's time, too."""

CAUSES: frozenset[What] = frozenset({"version", "torch", "device", "model", "dtype", "input", "seed"})


class Difference(BaseModel):
    """One thing that is not what it was.

    what: "version" is comfyless's own; "node" the first that gives other numbers; "edited": all are as they were, so
    that the picture's file was changed since; "after" the last that gives the same if all do; "unrecorded" stands where
    no cause is known. said: in words. was, now: as recorded. node: its id.
    """

    model_config = ConfigDict(frozen=True)

    what: What
    said: str
    was: Any = None
    now: Any = None
    node: str | None = None


def seed_differences(was: Recorded, prompt: Prompt) -> Iterator[Difference]:
    """Seeds that the picture's graph no longer has as they were: somebody has changed one of its texts."""
    now = seeds_in(prompt)
    for node, seed in was.seeds.items():
        if now.get(node) != seed:
            named = _named(node, prompt.nodes[node].class_type if node in prompt.nodes else "")
            found = f"the graph in it says {now[node]}" if node in now else "the graph in it has none"
            said = f"the seed of {named} was {seed}, and {found}"
            yield Difference(what="seed", said=said, was=seed, now=now.get(node), node=node)


def differences(was: Recorded, now: Recorded, prompt: Prompt, steps: Sequence[StepReport]) -> list[Difference]:
    """How two runs of one graph differ by what their pictures say. steps: of the new run, in its order."""
    found = [*_programs(was, now), *_models(was.models, now.models), *_inputs(was, now), *seed_differences(was, prompt)]
    return [*found, *_first_node(was.nodes, now.nodes, steps)]


def pixel_differences(apart: Apart | None, was: tuple[int, int], now: tuple[int, int]) -> Iterator[Difference]:
    """How the pictures themselves differ. was, now: width and height."""
    if apart is None:
        said = f"{was[0]}×{was[1]} pixels → {now[0]}×{now[1]}"
        yield Difference(what="size", said=said, was=list(was), now=list(now))
    elif apart.differing:
        said = f"{_share(apart)} pixels differ, by at most {apart.largest} of 255 (mean {_mean(apart.mean)})"
        yield Difference(what="pixels", said=said)


def unexplained(
    found: Sequence[Difference], was: Recorded, now: Recorded, prompt: Prompt, steps: Sequence[StepReport]
) -> Iterator[Difference]:
    """What can be said where pixels differ: how far all is the same if no node is known to give other numbers.

    found: what is known to differ. If none of it is a cause, then what the cause may be.
    """
    if _saves_the_same(was, now, prompt):
        said = "what was saved is the same by its numbers: the picture's file was changed afterwards"
        yield Difference(what="edited", said=said, node=was.saved_by)
        return
    same = [step for step in steps if step.node in was.nodes and step.node in now.nodes]
    if same and not any(each.what == "node" for each in found):
        said = f"the numbers are the same up to {_named(same[-1].node, same[-1].class_type)}"
        yield Difference(what="after", said=said, node=same[-1].node)
    if not any(each.what in CAUSES for each in found):
        said = "nothing else on record differs: another processor or number of threads may round otherwise"
        if not was.inputs and any(step.class_type.startswith("LoadImage") for step in steps):
            said += ", or a picture that is loaded has changed"
        yield Difference(what="unrecorded", said=said)


def _saves_the_same(was: Recorded, now: Recorded, prompt: Prompt) -> bool:
    """Whether all that the saving node was fed with is on record both times, and equal."""
    saving = prompt.nodes.get(was.saved_by or "")
    fed = [link.node for value in saving.inputs.values() if (link := link_of(value))] if saving else []
    return bool(fed) and all(node in was.nodes and was.nodes[node] == now.nodes.get(node) for node in fed)


def _programs(was: Recorded, now: Recorded) -> Iterator[Difference]:
    told: tuple[tuple[What, str, str | None, str | None], ...] = (
        ("version", "comfyless", was.version, now.version),
        ("torch", "torch", was.torch, now.torch),
        ("device", "the device", was.device, now.device),
    )
    for what, name, before, after in told:
        if before is not None and before != after:
            said = f"{name} {unquoted(before)} → {unquoted(after) if after else 'none'}"
            yield Difference(what=what, said=said, was=before, now=after)


def _models(was: Sequence[RecordedModel], now: Sequence[RecordedModel]) -> Iterator[Difference]:
    before, after = _by_file(was), _by_file(now)
    for file in dict.fromkeys((*before, *after)):
        name = shown("/".join(file))
        if file not in before or file not in after:
            said = f"{name} is a part of it {'now' if file not in before else 'no longer'}"
            facts = [sorted({model.fingerprint for model in models.get(file, ())}) for models in (before, after)]
            yield Difference(what="model", said=said, was=facts[0] or None, now=facts[1] or None)
            continue
        yield from _model(name, before[file], after[file])


def _model(name: str, was: Sequence[RecordedModel], now: Sequence[RecordedModel]) -> Iterator[Difference]:
    """How one file differs. A file that is used twice may have been computed in two types."""
    before, after = was[0].fingerprint, now[0].fingerprint
    if before != after:
        sampled = before.startswith(SAMPLED) and after.startswith(SAMPLED)
        said = f"the model file {name} has changed{' or was copied' if sampled else ''}"
        said += f": {unquoted(before)} → {unquoted(after)}"
        yield Difference(what="model", said=said, was=before, now=after)
    types = [", ".join(sorted({model.dtype for model in models})) for models in (was, now)]
    if types[0] != types[1]:
        said = f"{name} computed in {unquoted(types[0])} → {unquoted(types[1])}"
        yield Difference(what="dtype", said=said, was=types[0], now=types[1])


def _inputs(was: Recorded, now: Recorded) -> Iterator[Difference]:
    """Pictures that were loaded; those that a graph names now are those that it named then."""
    for name, before in was.inputs.items():
        after = now.inputs.get(name)
        if after != before:
            said = f"the picture {shown(name)} that is loaded has changed"
            yield Difference(what="input", said=said, was=before, now=after)


def _by_file(models: Sequence[RecordedModel]) -> dict[tuple[str, str], list[RecordedModel]]:
    found: dict[tuple[str, str], list[RecordedModel]] = {}
    for model in models:
        found.setdefault((model.folder, model.name), []).append(model)
    return found


def _first_node(was: Mapping[str, str], now: Mapping[str, str], steps: Sequence[StepReport]) -> Iterator[Difference]:
    """The first node whose outputs are on record both times, and differ."""
    same = 0
    for step in steps:
        before, after = was.get(step.node), now.get(step.node)
        if before is None or after is None:
            continue
        if before != after:
            said = f"{_named(step.node, step.class_type)} gives other numbers"
            said += "; all that is on record before it is the same" if same else ""
            yield Difference(what="node", said=said, was=before, now=after, node=step.node)
            return
        same += 1


def _named(node: str, class_type: str) -> str:
    return unquoted(f"{node} {class_type}".strip())


def _share(apart: Apart) -> str:
    """`51.3 % of the`, or `2 of 1,048,576` where that would be next to none."""
    share = 100 * apart.differing / apart.pixels
    return f"{apart.differing:,} of {apart.pixels:,}" if share < 0.1 else f"{share:.1f} % of the"


def _mean(value: float) -> str:
    """`12.3`, `0.02`, `below 0.001`."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}" if value >= 0.001 else "below 0.001"
