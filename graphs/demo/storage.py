"""What each way to store the demo model's weights costs: size, distance from the fp8 original, prompts followed.

`python -m graphs.demo.storage --out storage.json` renders the fixed prompts once for each type and writes the record
that lies beside this file; run again, it goes on where it was stopped. `--readme FILE` writes the table between the two
marks in that file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine import api
from engine.cli.demo import GRAPH, changes
from engine.cli.demo_weights import stored_as
from engine.comparing.comparison import compared
from engine.comparing.recording import Recorder
from engine.comparing.rendering import Renderer
from engine.comparing.sides import Side
from engine.plugins.registry import Registry
from graphs.demo.judge import judge
from graphs.demo.measure import Prompt, read_prompts, score
from schemas.weight_types import parse
from schemas.workflow import Workflow

ORIGINAL = "fp8"
TYPES = (
    *("bf16", "Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0"),
    *("IQ4_NL", "IQ4_XS", "nf4", "Q3_K", "Q2_K"),
)
GRAPHS = Path(__file__).parents[1]
BUNDLED = Path(__file__).parent / "models"
LOADER = "30"
"""The node of the bundled graph that loads the base model; conversions keep its id."""
BEGIN, END = "<!-- storage: begin -->", "<!-- storage: end -->"


def workflows(prompts: Iterable[Prompt]) -> list[Workflow]:
    """The bundled graph on the demo model, once for each prompt with its seed."""
    graph = api.load(GRAPHS / GRAPH)
    return [api.override(graph, changes(each.prompt, str(each.seed))) for each in prompts]


def render(graphs: Iterable[Workflow], models: list[Path]) -> Side:
    """All pictures of these graphs, as one side of a comparison."""
    recorder = Recorder(Registry.builtin())
    settings = api.Settings(models=models, extra_model_paths=[], device="cpu", threads=1)
    renderer = Renderer(api.Session(settings, registry=recorder.registry), recorder)
    sides = [renderer.render(graph) for graph in graphs]
    return Side("demo", "rendered", [shot for side in sides for shot in side.shots])


def transformer_bytes(graph: Workflow, models: list[Path]) -> int:
    """Bytes of the transformer in the file that the loader of the base model names."""
    plan = api.plan(graph, api.Settings(models=models, extra_model_paths=[]))
    file = next(file for step in plan.steps if step.node == LOADER for file in step.files)
    return next(part.bytes for part in api.describe_model(file.path).parts if part.kind == "flux")


def row(kind: str, prompts: list[Prompt], original: Side, folder: Path) -> dict[str, Any]:
    """The record of one type."""
    graphs, models = workflows(prompts), [BUNDLED, folder]
    if kind != ORIGINAL:
        graphs = [stored_as(graph, parse(kind), *models)[0] for graph in graphs]
    side = original if kind == ORIGINAL else render(graphs, models)
    numbers = compared(original, side)[0].means
    judged = score(prompts, [judge(shot.pixels) for shot in side.shots])
    return {
        "type": kind,
        "transformer_bytes": transformer_bytes(graphs[0], models),
        "psnr": None if numbers.psnr is None else round(numbers.psnr, 2),
        "ssim": None if numbers.ssim is None else round(numbers.ssim, 5),
        "latent_error": None if numbers.latent_error is None else round(numbers.latent_error, 6),
        "identical": numbers.identical,
        "followed": round(1 - len(judged["misses"]) / len(prompts), 4),
        "prompts": len(prompts),
    }


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The records as a Markdown table, largest first as given."""
    lines = [
        "| weights | transformer | picture (PSNR) | latent error | prompts followed |",
        "| --- | --: | --: | --: | --: |",
    ]
    for each in rows:
        psnr = "identical" if each["psnr"] is None else f"{each['psnr']:.1f} dB"
        error = f"{100 * each['latent_error']:.2g} %" if each["latent_error"] else "0"
        size, followed = f"{each['transformer_bytes'] / 1e6:.2f} MB", f"{100 * each['followed']:.0f} %"
        lines.append(f"| {each['type']} | {size} | {psnr} | {error} | {followed} |")
    return "\n".join(lines) + "\n"


def write_table(readme: Path, text: str) -> None:
    """Put the table between the marks. Raises ValueError if they are not there."""
    before, begin, rest = readme.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} has no {BEGIN} and {END}")
    readme.write_text(f"{before}{BEGIN}\n{text}{END}{after}", "utf-8")


def measure(kinds: list[str], prompts: list[Prompt], out: Path) -> list[dict[str, Any]]:
    """A record for each type, in this order; those that stand in `out` with as many prompts are not made again."""
    rows = {each["type"]: each for each in (json.loads(out.read_text()) if out.exists() else [])}
    rows = {kind: each for kind, each in rows.items() if each["prompts"] == len(prompts)}
    with TemporaryDirectory() as folder:
        original = render(workflows(prompts), [BUNDLED])
        for kind in (ORIGINAL, *kinds):
            if kind not in rows:
                rows[kind] = row(kind, prompts, original, Path(folder))
                out.write_text(json.dumps([rows[each] for each in (ORIGINAL, *kinds) if each in rows], indent=2) + "\n")
    return [rows[kind] for kind in (ORIGINAL, *kinds)]


def main() -> None:
    """Measure, write the record, show the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--types", default=",".join(TYPES), help="comma-separated, as --to of comfyless convert")
    parser.add_argument("--prompts", type=int, help="only the first so many")
    parser.add_argument("--out", type=Path, default=Path("storage.json"), help="the record")
    parser.add_argument("--readme", type=Path, help="a file to write the table into")
    options = parser.parse_args()
    text = table(measure(options.types.split(","), read_prompts()[: options.prompts], options.out))
    if options.readme:
        write_table(options.readme, text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
