"""uses: which node classes a graph has, how often, and who can run them."""

from dataclasses import dataclass

from engine.catalogue.catalogue import Catalogue
from engine.graph.structure import packs_of
from engine.plugins.registry import Registry
from schemas.node_schema import NodeSchema
from schemas.workflow import Workflow


@dataclass(frozen=True, slots=True)
class ClassUse:
    """One class of a graph. nodes: ids of its nodes, in the file's order. runs: whether it can run here.

    schema: what is known of it, or None. pack: who supplies it as the file says, or None.
    """

    class_type: str
    nodes: list[str]
    runs: bool
    schema: NodeSchema | None
    pack: str | None


def uses(workflow: Workflow, registry: Registry, catalogue: Catalogue) -> list[ClassUse]:
    """The classes of a graph by name, those that cannot run here last."""
    nodes: dict[str, list[str]] = {}
    for name, node in workflow.prompt.nodes.items():
        nodes.setdefault(node.class_type, []).append(name)
    packs = packs_of(workflow.prompt, workflow.workflow)
    found = []
    for kind, names in nodes.items():
        pack = packs.get(kind) or packs.get(names[0])
        found.append(ClassUse(kind, names, registry.find(kind) is not None, catalogue.find(kind), pack))
    return sorted(found, key=lambda use: (not use.runs, use.class_type))
