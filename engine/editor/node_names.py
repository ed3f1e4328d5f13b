"""Names of nodes: the titles that an editor shows, and the names by which tokens find a node's widgets."""

from functools import cached_property

from engine.catalogue.catalogue import Find
from engine.editor.graph import EditorFile, EditorNode

SEARCHED = "Node name for S&R"
"""The property that names a node for search and replace."""


class NodeNames:
    """The names in one file."""

    def __init__(self, file: EditorFile, find: Find) -> None:
        """find: tells schemas of classes."""
        self._file, self._find = file, find

    def title(self, node: EditorNode) -> str:
        """What an editor shows above a node."""
        if node.title:
            return node.title
        definition, schema = self._file.definitions.get(node.type), self._find(node.type)
        given = definition.name if definition is not None else schema.display_name if schema is not None else ""
        return given or node.type

    def find(self, name: str) -> EditorNode | None:
        """The node that a token means, wherever it stands in the file."""
        return self._by_name.get(name) if name else None

    @cached_property
    def _by_name(self) -> dict[str, EditorNode]:
        """The first node of each name: those for search and replace, or classes without one, go before titles."""
        graphs = (self._file.root, *self._file.definitions.values())
        nodes = [node for graph in graphs for node in graph.nodes.values()]
        found: dict[str, EditorNode] = {}
        for node in nodes:
            name = node.properties.get(SEARCHED, node.type)
            if isinstance(name, str):
                found.setdefault(name, node)
        for node in nodes:
            found.setdefault(self.title(node), node)
        return found
