"""`comfyless demo`: the bundled Flux graph on the embedded model, without network and without anything else."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import BY_STATUS
from engine.cli.interrupts import Interrupts
from engine.cli.loading import open_session
from engine.cli.options import Verbs, add_settings, add_verb
from engine.cli.views import Lines
from schemas.quantities import size_text

if TYPE_CHECKING:
    from schemas.weight_types import WeightType
    from schemas.workflow import Workflow

HELP = "make a first picture with the embedded model"
GRAPH = "flux_dev_fp8.json"
MODELS = ("demo", "models")
CHECKPOINT = "demo-flux-fp8.safetensors"
PROMPT = "a red circle on a blue background"
SIDE = 64
"""Pixels: the size that the embedded model was trained for."""
STEPS = 20
PROMPT_NODE = "6"
"""The graph has two nodes of its class; this one is the positive prompt."""


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = (
        "Run the bundled Flux graph, which names the real flux1-dev-fp8.safetensors, on a tiny model of the same"
        " architecture and file layout that comes with the program. It draws circles, squares, triangles and crosses"
        " in colours on coloured backgrounds."
    )
    parser = add_verb(verbs, demo, HELP, said)
    parser.add_argument("--prompt", metavar="TEXT", default=PROMPT, help=f"what to draw (default: {PROMPT})")
    parser.add_argument("--seed", metavar="N", help="where the noise starts (default: the graph's own)")
    parser.add_argument(
        "--to", metavar="TYPE", type=_weight_type, help="store the weights so first: nf4, gguf:Q4_K_S, bf16 and so on"
    )
    parser.add_argument("--verbose", action="store_true", help="tell of memory, and show tracebacks")
    add_settings(parser, ("output", "device", "threads"))


def demo(arguments: argparse.Namespace) -> int:
    """Run the graph with a few values changed; the view tells how long each step took and where the picture is."""
    from importlib import resources

    from engine import api

    graphs = resources.files("graphs")
    console = Console()
    view = Lines(console, arguments.verbose)
    bundled = str(graphs.joinpath(*MODELS))
    arguments.models, arguments.extra_model_paths = [bundled], []
    begun = time.monotonic()
    with Interrupts() as stop:
        workflow = api.override(api.load(str(graphs.joinpath(GRAPH))), changes(arguments.prompt, arguments.seed))
        workflow = workflow.model_copy(update={"name": GRAPH})
        if arguments.to is not None:
            workflow = _converted(console, arguments, workflow, bundled)
        session = open_session(arguments, events=view.event, stop=stop)
        weights = CHECKPOINT if arguments.to is None else f"{CHECKPOINT} as {arguments.to}"
        console.note(words.plain(f"{GRAPH} on {weights}: {arguments.prompt!r}, {SIDE}×{SIDE}, {STEPS} steps"))
        with session:
            report = session.run(workflow)
    if arguments.verbose and session.failure:
        console.complain(session.failure)
    view.report(report, time.monotonic() - begun)
    return BY_STATUS[report.status]


def _weight_type(text: str) -> "WeightType":
    from schemas.weight_types import parse

    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _converted(console: Console, arguments: argparse.Namespace, workflow: "Workflow", bundled: str) -> "Workflow":
    """The graph for weights of another type, which are made if it is the first time."""
    from engine.cli.demo_weights import models_folder, stored_as

    cache = models_folder(Path(bundled, "checkpoints", CHECKPOINT))
    converted, made = stored_as(workflow, arguments.to, Path(bundled), cache)
    arguments.models = [bundled, *([str(cache)] if cache.is_dir() else [])]
    for file in made:
        console.note(words.plain(f"made {file.path}, {size_text(file.bytes)}, in {words.seconds(file.seconds)}"))
    return converted


def changes(prompt: str, seed: str | None) -> list[str]:
    """What the demo changes in the graph, as --set has it; nothing else differs from the graph for the real model."""
    changed = [
        f"CheckpointLoaderSimple.ckpt_name={CHECKPOINT}",
        f"EmptySD3LatentImage.width={SIDE}",
        f"EmptySD3LatentImage.height={SIDE}",
        f"KSampler.steps={STEPS}",
        f"{PROMPT_NODE}.text={prompt}",
    ]
    return changed if seed is None else [*changed, f"KSampler.seed={seed}"]
