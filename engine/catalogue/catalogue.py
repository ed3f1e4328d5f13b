"""Catalogue: the schema of a node class by its name, from a table that is read when first asked and from what is here.

The table, classes.json, is written by tests/catalogue/write_catalogue.py from dumps of ComfyUI's /object_info.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from engine.catalogue.installed import schema_of
from engine.catalogue.stored import from_json
from schemas.node import NodeSpec
from schemas.node_schema import NodeSchema


class Catalogue:
    """Schemas of ComfyUI's own classes and of well-known packs, and of whatever packs are installed here."""

    def __init__(self, specs: Iterable[NodeSpec] = ()) -> None:
        """specs: classes that are installed; for those that the table does not have, they are the schema."""
        self._specs = {spec.class_type: spec for spec in specs}
        self._found: dict[str, NodeSchema | None] = {}

    def find(self, class_type: str) -> NodeSchema | None:
        """The schema of a class, or None. Read from the table when first asked for."""
        if class_type not in self._found:
            self._found[class_type] = known(class_type) or self._installed(class_type)
        return self._found[class_type]

    def names(self) -> frozenset[str]:
        """Every class that `find` knows."""
        return frozenset(_table().classes) | self._specs.keys()

    def _installed(self, class_type: str) -> NodeSchema | None:
        spec = self._specs.get(class_type)
        return schema_of(spec) if spec else None


@cache
def known(class_type: str) -> NodeSchema | None:
    """What the table says of a class, or None; built once for a process."""
    table = _table()
    if class_type not in table.classes:
        return None
    number, stored = json.loads(table.classes[class_type])
    since, address = table.sources[number]
    return from_json(class_type, stored, since, address)


class _Table(NamedTuple):
    """sources: (release or pack, address). classes: by name the text of [number of the source, the class]."""

    sources: list[tuple[str, str | None]]
    classes: dict[str, str]


@cache
def _table() -> _Table:
    """The file is one JSON object, but with a line for each class, so that only those asked for need be parsed."""
    first, *lines = files("engine.catalogue").joinpath("classes.json").read_text("utf-8").splitlines()
    named = (line.rstrip(",").partition(":") for line in lines[:-1])
    return _Table(json.loads(f"{first}}}}}")["sources"], {name[1:-1]: text for name, _, text in named})
