"""Wires: which links of a node are computed before it runs, and which only if it asks for them."""

from engine.graph.values import BoundNode
from schemas.node import NodeSpec


class Wires:
    """Tells the lazy links of nodes from the others, looking at each class once."""

    def __init__(self) -> None:
        """Know no class yet."""
        self._lazy: dict[int, tuple[NodeSpec, frozenset[str]]] = {}

    def strong(self, node: BoundNode) -> list[str]:
        """Ids of the nodes that must be done before this one; a node read by two inputs stands there twice."""
        lazy = self.lazy_inputs(node.spec)
        return [link.node for field, link in node.links.items() if field not in lazy]

    def lazy(self, node: BoundNode) -> list[str]:
        """Ids of the nodes that this one may ask for."""
        lazy = self.lazy_inputs(node.spec)
        return [link.node for field, link in node.links.items() if field in lazy] if lazy else []

    def lazy_inputs(self, spec: NodeSpec) -> frozenset[str]:
        """The inputs of a class that are computed only on demand."""
        known = self._lazy.get(id(spec))
        if known is None:
            # The spec is kept beside its answer, so that its id is not given to another one.
            known = self._lazy[id(spec)] = (spec, frozenset(name for name, given in spec.inputs.items() if given.lazy))
        return known[1]
