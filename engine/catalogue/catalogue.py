"""Catalogue: the schema of a node class by its name. CONTRACT; the table behind it is being written."""

from collections.abc import Iterable

from schemas.node import NodeSpec
from schemas.node_schema import NodeSchema


class Catalogue:
    """Schemas of ComfyUI's own classes and of well-known packs, and of whatever packs are installed here."""

    def __init__(self, specs: Iterable[NodeSpec] = ()) -> None:
        """specs: classes that are installed; for those that the table does not have, they are the schema."""

    def find(self, class_type: str) -> NodeSchema | None:
        """The schema of a class, or None. Read from the table when first asked for."""
        raise NotImplementedError
