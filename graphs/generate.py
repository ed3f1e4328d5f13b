"""Makes the bundled NF4 and GGUF graphs out of the fp8 one, in both forms: `python -m graphs.generate`."""

from collections.abc import Iterator
from pathlib import Path

from engine import api
from engine.cli.graph_file import text_of
from schemas.settings import Settings

HERE = Path(__file__).parent
SOURCE = "flux_dev_fp8.json"
MADE = {"nf4": "flux_dev_nf4.json", "gguf": "flux_dev_gguf.json"}


def generated() -> Iterator[tuple[Path, str]]:
    """Each file with its text. No model folders are looked into, so that it is the same on every machine."""
    for folder in (HERE, HERE / "ui"):
        for to, name in MADE.items():
            made = api.convert(folder / SOURCE, to, Settings(models=[], extra_model_paths=[]))
            yield folder / name, text_of(made.document) + "\n"


def main() -> None:
    """Write them all."""
    for path, text in generated():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
