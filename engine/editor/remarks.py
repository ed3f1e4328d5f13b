"""Remarks: what was changed or passed over on the way to the prompt, and of which nodes that is to be told."""

from collections import defaultdict
from collections.abc import Callable

from engine.editor.graph import EditorNode
from engine.editor.places import Place
from engine.reading.printable import listed, unquoted

MOST_NAMED = 3
"""Nodes that a remark names when several have the same."""

Remark = Callable[[Place, EditorNode, str], None]
"""What hears a remark on a node."""


class Remarks:
    """The remarks on one file, in the order in which they came up."""

    def __init__(self, title_of: Callable[[EditorNode], str]) -> None:
        """title_of: what an editor shows above a node."""
        self._title_of = title_of
        self._nodes: dict[str, dict[str, None]] = defaultdict(dict)

    def add(self, place: Place, node: EditorNode, said: str) -> None:
        """Note something about a node. The same said of several nodes makes one remark."""
        self._nodes[said][unquoted(f"{place.id_of(node)} {self._title_of(node)}")] = None

    def lines(self) -> list[str]:
        """One line each, with the nodes: "5 KSampler: …"."""
        return [f"{listed(list(nodes), MOST_NAMED)}: {said}" for said, nodes in self._nodes.items()]
