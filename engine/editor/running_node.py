"""RunningNode: a node of the editor's graph that goes into the prompt."""

from dataclasses import dataclass

from engine.editor.graph import EditorNode
from engine.editor.places import Place
from schemas.node_schema import InputSchema, NodeSchema


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A node where it stands. name: its id in the prompt. schema: of its class, if it is known."""

    name: str
    place: Place
    node: EditorNode
    schema: NodeSchema | None

    def entry(self, field: str) -> InputSchema | None:
        """What its class says of an input."""
        return self.schema.by_name.get(field) if self.schema is not None else None
