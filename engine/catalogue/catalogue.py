"""Catalogue: the schema of a node class by its name, from a table that is read when first asked and from what is here.

The table, classes.json, is written by tests/catalogue/write_catalogue.py from dumps of ComfyUI's /object_info; users
bring dumps of their own, which know their packs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.catalogue.installed import schema_of
from engine.catalogue.object_info import Damaged, node_schema
from engine.catalogue.stored import from_json
from schemas.node import NodeSpec
from schemas.node_schema import NodeSchema

Find = Callable[[str], NodeSchema | None]
"""What tells the schema of a class by its name, or None."""


class Catalogue:
    """Schemas of ComfyUI's own classes and of well-known packs, of whatever is installed here, and of users' dumps.

    damaged: of the classes asked for, those with an entry in a dump that cannot be read, and why; it was passed over.
    """

    def __init__(
        self, specs: Mapping[str, NodeSpec] = MappingProxyType({}), dumps: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """specs: classes that are installed, by name; for those that the table does not have, they are the schema.

        dumps: answers to /object_info, which count before the table, the last one first.
        """
        self._specs = specs
        self._dumps = tuple(reversed(dumps))
        self._found: dict[str, NodeSchema | None] = {}
        self.damaged: dict[str, str] = {}

    def find(self, class_type: str) -> NodeSchema | None:
        """The schema of a class, or None. Read when first asked for."""
        if class_type not in self._found:
            found = self._dumped(class_type) or known(class_type) or self._installed(class_type)
            self._found[class_type] = found
        return self._found[class_type]

    def names(self) -> frozenset[str]:
        """Every class that `find` knows, but for damaged ones."""
        return frozenset(_table().classes).union(self._specs, *self._dumps)

    def _dumped(self, class_type: str) -> NodeSchema | None:
        """As a dump has it; where it comes from, the table knows better."""
        for dump in self._dumps:
            if class_type in dump:
                try:
                    schema = node_schema(class_type, dump[class_type])
                except Damaged as error:
                    self.damaged[class_type] = str(error)
                    continue
                table = known(class_type)
                return replace(schema, since=table.since, address=table.address) if table else schema
        return None

    def _installed(self, class_type: str) -> NodeSchema | None:
        return schema_of(self._specs[class_type]) if class_type in self._specs else None


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
