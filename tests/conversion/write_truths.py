"""Write data/truths.json.xz: python -m tests.conversion.write_truths TRUTHS BLUEPRINTS

TRUTHS: a folder with micro/, pairs/ and frontend/*/. BLUEPRINTS: the folder of that name in the package
comfyui-subgraph-blueprints 0.0.13.
"""

import json
import lzma
import sys
from pathlib import Path
from typing import Any

from tests.conversion.truths import ARCHIVE


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def micro(folder: Path) -> dict[str, Any]:
    found = {}
    for path in sorted(folder.glob("*.ui.json")):
        name = path.name.removesuffix(".ui.json")
        answers = read(folder / f"{name}.frontend.json")
        found[name] = {
            "graph": read(path),
            "answers": {key.removeprefix("frontend_"): value for key, value in answers.items()},
        }
    return found


def pairs(folder: Path) -> dict[str, Any]:
    names = [path.name.removesuffix(".ui.json") for path in sorted(folder.glob("*.ui.json"))]
    return {
        name: {"graph": read(folder / f"{name}.ui.json"), "prompt": read(folder / f"{name}.api.json")} for name in names
    }


def frontend(folder: Path) -> dict[str, Any]:
    """Of each set the answers, by the name in its index."""
    found = {}
    for index in sorted(folder.glob("*/index.tsv")):
        for line in index.read_text("utf-8").splitlines():
            if not line.startswith("#"):
                name, file, *_ = line.split("\t")
                if (index.parent / file).exists():  # the index names more than is public
                    found[name] = read(index.parent / file)
    return found


def local_images(folder: Path) -> list[str]:
    """Names of all newest templates that make pictures without a paid service, answered here or not."""
    lines = [line for index in folder.glob("newest*/index.tsv") for line in index.read_text("utf-8").splitlines()]
    return [line.split("\t")[0] for line in lines if line.startswith("tpl/")]


def main() -> None:
    truths, blueprints = Path(sys.argv[1]), Path(sys.argv[2])
    answers = frontend(truths / "frontend")
    wanted = [name.removeprefix("bp/") for name in answers if name.startswith("bp/")]
    data = {
        "micro": micro(truths / "micro"),
        "pairs": pairs(truths / "pairs"),
        "frontend": answers,
        "local_images": local_images(truths / "frontend"),
        "blueprints": {name: read(blueprints / f"{name}.json") for name in wanted},
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    ARCHIVE.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
