"""Train the demo model from nothing: `python -m graphs.demo.train --out DIR --seed 0`.

Draws the pictures, writes the encoder, trains the transformer with its text encoders, then the decoder, and exports
`demo-flux-fp8.safetensors` and `training.json` into DIR. Killed and called again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import torch

from graphs.demo.dataset import make_dataset
from graphs.demo.export import checkpoint, save_checkpoint
from graphs.demo.train_decoder import train_decoder
from graphs.demo.train_flow import train_flow
from graphs.demo.training import Trainer

FILE_NAME = "demo-flux-fp8.safetensors"
PICTURES = 20_000
FLOW_STEPS, DECODER_STEPS = 3000, 1200

log = logging.getLogger("demo")


def _summary(trainer: Trainer[Any]) -> dict[str, object]:
    return {
        "steps": trainer.step,
        "processor_minutes": round(trainer.seconds / 60, 1),
        "losses_per_hundred_steps": trainer.losses,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the finished file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flow-steps", type=int, default=FLOW_STEPS)
    parser.add_argument("--decoder-steps", type=int, default=DECODER_STEPS)
    parser.add_argument("--threads", type=int, default=2, help="another number rounds differently")
    return parser.parse_args()


def main() -> None:
    """Train both parts and export."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    data = make_dataset(PICTURES, options.seed)
    flowing = train_flow(data, options.out, options.flow_steps, options.seed)
    decoding = train_decoder(data, options.out, options.decoder_steps, options.seed)
    save_checkpoint(checkpoint(flowing.module, decoding.module, data.components), options.out / FILE_NAME)
    report = {"seed": options.seed, "pictures": PICTURES, "decoder": _summary(decoding), "flow": _summary(flowing)}
    (options.out / "training.json").write_text(json.dumps(report, indent=2) + "\n")
    log.info("done: %s", options.out / FILE_NAME)


if __name__ == "__main__":
    main()
