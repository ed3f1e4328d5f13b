"""What is wrong with one wire: no such node, no such output, itself, or of a type that does not fit."""

from collections.abc import Iterator
from typing import Any

from engine.graph.scene import DYNAMIC, Scene
from engine.graph.sockets import fits
from engine.reading.printable import shown
from schemas.node import InputSpec, NodeSpec
from schemas.prompt import PromptNode, link_of
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
    if spec is None:  # that the class is unknown is told once, at that node
        unsure = scene.given(link)
        if unsure is not None and link.slot == raw[1] and not fits(unsure, known.socket):
            yield _wrong_wire(scene, name, known.name, known.socket, raw, unsure)
        return
    if link.slot != raw[1] or not 0 <= link.slot < len(spec.outputs):
        yield _bad_slot(scene, name, known, raw, spec)
        return
    given = spec.outputs[link.slot].socket
    if not fits(given, known.socket):
        yield _wrong_wire(scene, name, known.name, known.socket, raw, given)


def check_unknown(scene: Scene, name: str, node: PromptNode) -> Iterator[Problem]:
    """Wires into a node that nobody here has, of types that its schema does not take, if that is known for certain."""
    schema = scene.find(node.class_type)
    if schema is None or not schema.certain:
        return
    for field, raw in node.inputs.items():
        link, entry = link_of(raw) if isinstance(raw, list) else None, schema.by_name.get(field)
        if link is None or entry is None or link.node not in scene.prompt.nodes:
            continue
        given = scene.given(link)
        if given is None or entry.is_widget or entry.type.startswith(DYNAMIC) or fits(given, entry.type):
            continue
        yield _wrong_wire(scene, name, field, entry.type, raw, given)


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


def _wrong_wire(scene: Scene, name: str, field: str, socket: str, raw: list[Any], given: str) -> Problem:
    said = f"takes {socket}, but output {shown(raw[1])} of {scene.named(str(raw[0]))} gives {given}."
    fix = f"Link it to a node that gives {socket}.{scene.givers(socket, name)}"
    return scene.problem("wrong-wire", said, fix, name, field, raw)
