"""What is wrong with one wire: no such node, no such output, itself, or of a type that does not fit."""

from collections.abc import Iterator
from typing import Any

from engine.graph.scene import Scene
from engine.graph.sockets import fits
from engine.reading.printable import shown
from schemas.node import InputSpec, NodeSpec
from schemas.prompt import link_of
from schemas.report import Problem


def check_link(scene: Scene, name: str, known: InputSpec, raw: list[Any]) -> Iterator[Problem]:
    """The finding on the link that feeds one input of node `name`, if there is one."""
    link = link_of(raw)
    if link is None:
        return
    if link.node == name:
        said = "the node is linked to itself."
        yield scene.problem(
            "self-link", said, f"Link it to another node.{_hint(scene, name, known)}", name, known.name, raw
        )
        return
    if link.node not in scene.prompt.nodes:
        said = f"linked to node {shown(link.node)}, which is not in the graph."
        fix = f"Link it to a node that gives {known.socket}, or add that node.{_hint(scene, name, known)}"
        yield scene.problem("dangling-link", said, fix, name, known.name, raw)
        return
    spec: NodeSpec | None = scene.graph.nodes[link.node]["spec"]
    if spec is None:  # told once, at that node
        return
    if link.slot != raw[1] or not 0 <= link.slot < len(spec.outputs):
        yield _bad_slot(scene, name, known, raw, spec)
        return
    given = spec.outputs[link.slot].socket
    if not fits(given, known.socket):
        yield _wrong_wire(scene, name, known, raw, given)


def _hint(scene: Scene, name: str, known: InputSpec) -> str:
    return scene.givers(known.socket, name)


def _bad_slot(scene: Scene, name: str, known: InputSpec, raw: list[Any], spec: NodeSpec) -> Problem:
    outputs = ", ".join(f"{slot} {output.name}" for slot, output in enumerate(spec.outputs))
    said = f"linked to output {shown(raw[1])} of {scene.named(str(raw[0]))}, which has "
    said += f"{outputs}." if outputs else "no outputs."
    fitting = [slot for slot, output in enumerate(spec.outputs) if fits(output.socket, known.socket)]
    fix = (
        f"Use output {fitting[0]}."
        if fitting
        else f"Link it to a node that gives {known.socket}.{_hint(scene, name, known)}"
    )
    return scene.problem("bad-slot", said, fix, name, known.name, raw)


def _wrong_wire(scene: Scene, name: str, known: InputSpec, raw: list[Any], given: str) -> Problem:
    said = f"takes {known.socket}, but output {shown(raw[1])} of {scene.named(str(raw[0]))} gives {given}."
    fix = f"Link it to a node that gives {known.socket}.{_hint(scene, name, known)}"
    return scene.problem("wrong-wire", said, fix, name, known.name, raw)
