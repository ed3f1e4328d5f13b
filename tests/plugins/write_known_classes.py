"""Write engine/plugins/known_classes.json from dumps of ComfyUI's /object_info, core versions oldest first.

python -m tests.plugins.write_known_classes FOLDER
where FOLDER holds core_0.3.64.json, core_0.3.75.json, newer_core_reconstructed.json and pack_<name>.json files.
"""

import json
import sys
from pathlib import Path

from engine.plugins import registry

TABLE = Path(registry.__file__).with_name("known_classes.json")
SOURCES = (
    ("core_0.3.64", "ComfyUI core", None),
    ("core_0.3.75", "ComfyUI core (0.3.75 or newer)", None),
    ("newer_core_reconstructed", "ComfyUI core (newer than 0.3.75)", None),
    ("pack_ComfyUI-GGUF", "ComfyUI-GGUF", "https://github.com/city96/ComfyUI-GGUF"),
    (
        "pack_ComfyUI_bitsandbytes_NF4",
        "ComfyUI_bitsandbytes_NF4",
        "https://github.com/comfyanonymous/ComfyUI_bitsandbytes_NF4",
    ),
    ("pack_ComfyUI_IPAdapter_plus", "ComfyUI_IPAdapter_plus", "https://github.com/cubiq/ComfyUI_IPAdapter_plus"),
    ("pack_x-flux-comfyui", "x-flux-comfyui", "https://github.com/XLabs-AI/x-flux-comfyui"),
)
NOT_CORE = {"ImageRemoveAlpha+", "AILab_QwenVL"}
"""Classes of other packs that slipped into the reconstruction."""


def main(folder: Path) -> None:
    """One entry per pack; a class stands only where it first appears."""
    seen: set[str] = set()
    packs = []
    for stem, pack, address in SOURCES:
        classes = json.loads((folder / f"{stem}.json").read_text("utf-8"))
        new = {name: bool(info.get("output_node")) for name, info in classes.items() if name not in seen | NOT_CORE}
        seen |= new.keys()
        outputs, others = (sorted(name for name in new if new[name] is kind) for kind in (True, False))
        packs.append({"pack": pack, "address": address, "outputs": outputs, "others": others})
    TABLE.write_text(json.dumps(packs, ensure_ascii=False, separators=(",", ":")).replace("},", "},\n") + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
