"""Score the demo model on its fixed prompts.

`python -m graphs.demo.measure --pictures DIR` judges DIR/<id>.png, rendered by anything that runs the workflow.
`python -m graphs.demo.measure --weights FILE --training training.json --out measured.json` renders with the
reference pipeline of this folder (needs torch) and writes the record that lies beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graphs.demo.judge import Verdict, judge

PROMPTS = Path(__file__).with_name("prompts.json")


@dataclass(frozen=True)
class Prompt:
    """A prompt, the seed to render it with, and what the picture should show."""

    id: str
    prompt: str
    seed: int
    colour: str
    shape: str
    background: str


Renderer = Callable[[Prompt], np.ndarray]


def read_prompts(file: Path = PROMPTS) -> list[Prompt]:
    """The fixed evaluation prompts."""
    return [Prompt(**entry) for entry in json.loads(file.read_text())]


def _share(hits: Iterable[bool]) -> float:
    return round(float(np.mean(list(hits))), 4)


def score(prompts: list[Prompt], verdicts: list[Verdict]) -> dict[str, Any]:
    """Shares of right answers, the mean fit of the outlines, and every miss."""
    pairs = list(zip(prompts, verdicts, strict=True))
    aspects = ("colour", "background", "shape")
    misses = [
        {"prompt": p.prompt, "seed": p.seed, "seen": asdict(v)}
        for p, v in pairs
        if any(getattr(p, a) != getattr(v, a) for a in aspects)
    ]
    shares = {a: _share(getattr(p, a) == getattr(v, a) for p, v in pairs) for a in aspects}
    return {
        "prompts": len(pairs),
        **shares,
        "fit": round(float(np.mean([v.fit for v in verdicts])), 4),
        "misses": misses,
    }


def measure(render: Renderer, prompts: list[Prompt] | None = None) -> dict[str, Any]:
    """Render every prompt, judge every picture."""
    prompts = read_prompts() if prompts is None else prompts
    return score(prompts, [judge(render(p)) for p in prompts])


def from_folder(folder: Path) -> Renderer:
    """A renderer that reads DIR/<id>.png."""
    return lambda prompt: np.asarray(Image.open(folder / f"{prompt.id}.png").convert("RGB"))


def from_weights(file: Path) -> Renderer:
    """A renderer that runs the reference pipeline: euler, simple, 20 steps, cfg 1, guidance 3.5, 64x64."""
    from safetensors.torch import load_file

    from graphs.demo.export import load_checkpoint
    from graphs.demo.sampling import Job, decode, sample_latents

    painter, decoder = load_checkpoint(load_file(file))
    return lambda prompt: decode(decoder, sample_latents(painter, Job([prompt.prompt], [prompt.seed])))[0]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pictures", type=Path, help="folder of <id>.png")
    source.add_argument("--weights", type=Path, help="the demo checkpoint")
    parser.add_argument("--training", type=Path, help="training.json to include in the record")
    parser.add_argument("--out", type=Path, help="where to write the record; standard output if missing")
    return parser.parse_args()


def main() -> None:
    """Measure and write the record."""
    options = _options()
    render = from_folder(options.pictures) if options.pictures else from_weights(options.weights)
    record: dict[str, Any] = json.loads(options.training.read_text()) if options.training else {}
    if options.weights:
        record["bytes"] = options.weights.stat().st_size
    record["score"] = measure(render)
    text = json.dumps(record, indent=2) + "\n"
    if options.out:
        options.out.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
