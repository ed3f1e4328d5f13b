"""Answers of several ComfyUIs to /object_info, kept in one archive without texts that only people read.

python -m tests.catalogue.dumps FOLDER writes it anew from FOLDER/NAME.json for each of NAMES: what a server without
model files answers. data/SOURCES.md tells where they are from.
"""

import json
import lzma
import sys
from functools import cache
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parent / "data" / "object_info.json.xz"
CORES = ("core_0.3.64", "core_0.3.75", "core_0.33.0", "newer_core_reconstructed")
PACKS = ("pack_ComfyUI-GGUF", "pack_ComfyUI_bitsandbytes_NF4", "pack_ComfyUI_IPAdapter_plus", "pack_x-flux-comfyui")
NAMES = (*CORES, *PACKS)
KEPT = ("input", "input_order", "output", "output_name", "output_is_list", "display_name", "category", "output_node")
KEPT += ("api_node", "deprecated", "python_module")
"""What a class is read from."""

Dump = dict[str, Any]


@cache
def dumps() -> dict[str, Dump]:
    """By name; each the classes by name, as ComfyUI writes them."""
    return dict(json.loads(lzma.decompress(ARCHIVE.read_bytes())))


def shortened(dump: Dump) -> Dump:
    """The classes without tooltips and descriptions."""
    return {name: {key: _untold(info[key]) for key in KEPT if key in info} for name, info in dump.items()}


def _untold(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untold(held) for key, held in value.items() if key != "tooltip" or not isinstance(held, str)}
    return [_untold(held) for held in value] if isinstance(value, list) else value


def main(folder: Path) -> None:
    """Write the archive."""
    found = {name: shortened(json.loads((folder / f"{name}.json").read_text("utf-8"))) for name in NAMES}
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    ARCHIVE.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
