"""A file as the editor holds it once it is open: every link in its place, and group nodes unfolded."""

from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor import anything_everywhere, group_nodes, link_table
from engine.editor.graph import EditorFile
from engine.editor.graph_reading import GraphReader


def opened(name: str, graph: dict[str, Any], catalogue: Catalogue) -> EditorFile:
    """The records of a file, ready to be translated. Raises GraphInvalid (malformed-node) with all that is damaged.

    name: the file, for messages. Group nodes come last, as links that nobody drew may lead to them.
    """
    file = GraphReader(name).read(graph)
    link_table.complete(file, catalogue.find)
    anything_everywhere.connect(file, graph)
    group_nodes.expand(file, graph, catalogue)
    return file
