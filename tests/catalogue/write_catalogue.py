"""Write engine/catalogue/classes.json from dumps of ComfyUI's /object_info.

python -m tests.catalogue.write_catalogue FOLDER
where FOLDER holds core_0.3.64.json, core_0.3.75.json, newer_core_reconstructed.json and pack_<name>.json files.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalogue import catalogue
from engine.catalogue.stored import as_json
from tests.catalogue.object_info import node_schema

TABLE = Path(catalogue.__file__).with_name("classes.json")


@dataclass(frozen=True)
class Source:
    """One dump. since: what a class is said to come from that no earlier source has; certain: it is a real dump."""

    stem: str
    since: str
    address: str | None = None
    certain: bool = True


def _pack(name: str, owner: str) -> Source:
    return Source(f"pack_{name}", name, f"https://github.com/{owner}/{name}")


SOURCES = (
    Source("core_0.3.64", "core 0.3.64"),
    Source("core_0.3.75", "core 0.3.75"),
    Source("newer_core_reconstructed", "core newer than 0.3.75", certain=False),
    _pack("ComfyUI-GGUF", "city96"),
    _pack("ComfyUI_bitsandbytes_NF4", "comfyanonymous"),
    _pack("ComfyUI_IPAdapter_plus", "cubiq"),
    _pack("x-flux-comfyui", "XLabs-AI"),
)
"""Oldest first: a class is since the first that has it, and as the last real dump has it."""
NOT_CORE = {"ImageRemoveAlpha+", "AILab_QwenVL"}
"""Classes of other packs that slipped into the reconstruction."""


def main(folder: Path) -> None:
    """One line per class, by name, as engine.catalogue.catalogue reads it."""
    classes: dict[str, tuple[int, dict[str, Any]]] = {}
    for number, source in enumerate(SOURCES):
        for name, info in json.loads((folder / f"{source.stem}.json").read_text("utf-8")).items():
            older = classes.get(name)
            if name not in NOT_CORE and (source.certain or not older):
                classes[name] = older[0] if older else number, as_json(node_schema(name, info, source.certain))
    sources = _short([(source.since, source.address) for source in SOURCES])
    lines = ",\n".join(f"{_short(name)}:{_short(classes[name])}" for name in sorted(classes))
    TABLE.write_text(f'{{"sources":{sources},"classes":{{\n{lines}\n}}}}\n', "utf-8")


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
