"""Which pack supplies a node class that we do not have: a table of names, read only when one is missing.

The table is written by tests/plugins/write_known_classes.py from dumps of ComfyUI's /object_info.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Supplier:
    """Who brings a class. pack: in words; address: where the pack lives, or None for ComfyUI itself.

    output_node: the class writes results, so a graph that holds it is not whole without it.
    """

    pack: str
    address: str | None
    output_node: bool


def supplier(class_type: str) -> Supplier | None:
    """Who brings this class as far as the table knows, or None."""
    return _table().get(class_type)


@cache
def _table() -> dict[str, Supplier]:
    """Every class in the table. The first pack to name a class has it."""
    packs: list[dict[str, Any]] = json.loads(files("engine.plugins").joinpath("known_classes.json").read_text("utf-8"))
    found: dict[str, Supplier] = {}
    for pack in packs:
        for kind, output_node in (("outputs", True), ("others", False)):
            one = Supplier(pack["pack"], pack["address"], output_node)
            for name in pack[kind]:
                found.setdefault(name, one)
    return found
