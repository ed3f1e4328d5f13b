"""Makes the bundled NF4 and GGUF graphs out of the fp8 one, in both forms, and draws it: python -m graphs.generate."""

from collections.abc import Iterator
from pathlib import Path

from engine import api
from engine.cli.graph_file import text_of
from schemas.report import RunReport
from schemas.settings import Settings

HERE = Path(__file__).parent
SOURCE = "flux_dev_fp8.json"
PICTURE = HERE / "ui" / "flux_dev_fp8.png"
"""The fp8 graph as its picture, which carries it."""
MADE = {"nf4": "flux_dev_nf4.json", "gguf": "flux_dev_gguf.json"}


def generated() -> Iterator[tuple[Path, str]]:
    """Each file with its text. No model folders are looked into, so that it is the same on every machine."""
    for folder in (HERE, HERE / "ui"):
        for to, name in MADE.items():
            made = api.convert(folder / SOURCE, to, Settings(models=[], extra_model_paths=[]))
            yield folder / name, text_of(made.document) + "\n"


def drawn() -> bytes:
    """The picture, as a PNG file: as after a run in which nothing is worth telling, whatever models are here."""
    return api.picture(api.load(HERE / "ui" / SOURCE), report=RunReport(file=SOURCE, status="done"))


def main() -> None:
    """Write them all."""
    for path, text in generated():
        path.write_text(text, encoding="utf-8")
    PICTURE.write_bytes(drawn())


if __name__ == "__main__":
    main()
