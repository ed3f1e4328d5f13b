"""The schemas that ComfyUI's frontends had when they were asked, as catalogues that know nothing else.

Frontend 1.27.10, for templates of the time of ComfyUI 0.3.64, had the schemas of that release; 1.58.1 those of 0.3.75,
and of classes newer than that what could be pieced together from files.
"""

from copy import deepcopy
from functools import cache

from engine.catalogue.catalogue import Catalogue
from schemas.node_schema import NodeSchema
from tests.catalogue.dumps import PACKS, Dump, dumps

PIECED = "newer_core_reconstructed"
OLD = (PIECED, *PACKS, "core_0.3.75", "core_0.3.64")
NEW = (PIECED, *PACKS, "core_0.3.64", "core_0.3.75")
"""The last dump that has a class counts."""
GAINED = {
    "ImageScaleToTotalPixels": {"resolution_steps": ["INT", {"default": 1}]},
    "ModelSamplingAuraFlow": {"sampling": ["COMBO", {"options": ["flow"]}]},
    "CFGNorm": {"pre_cfg": ["BOOLEAN", {"default": False}]},
}
"""Widgets of newer releases that 1.58.1 was told of besides, as every one of its answers shows."""


class Had(Catalogue):
    """What a frontend knew: the classes of these dumps, and no others."""

    def __init__(self, *found: Dump) -> None:
        """found: as for Catalogue, the last one counts."""
        super().__init__({}, found)
        self._had = frozenset().union(*found)

    def find(self, class_type: str) -> NodeSchema | None:
        """The schema as the frontend had it."""
        return super().find(class_type) if class_type in self._had else None

    def names(self) -> frozenset[str]:
        """Every class that it knew."""
        return self._had


@cache
def had(kind: str) -> Catalogue:
    """What the frontend knew that answered for truths of this kind."""
    if kind in ("pair", "old template"):
        return Had(*(dumps()[name] for name in OLD))
    gained = {}
    for name, inputs in GAINED.items():
        gained[name] = deepcopy(dumps()[NEW[-1]][name])
        gained[name]["input"]["required"] |= inputs
        gained[name]["input_order"]["required"] += inputs
    return Had(*(dumps()[name] for name in NEW), gained)
