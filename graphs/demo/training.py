"""What both trainings share: learning rate, moving average, and checkpoints so that a kill loses little."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)

log = logging.getLogger("demo")

LOG_EVERY = 100
SAVE_EVERY_SECONDS = 60.0


@dataclass(frozen=True)
class Schedule:
    """How many steps to train, and how fast at which of them."""

    steps: int
    rate: float
    warmup: int = 100
    floor: float = 0.01

    def at(self, step: int) -> float:
        """Learning rate: linear warm-up, then a cosine down to the floor."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.steps, 1.0)))
        return self.rate * min(1.0, (step + 1) / self.warmup) * (self.floor + (1 - self.floor) * cosine)


@dataclass
class Trainer(Generic[M]):
    """A module, its optimizer and moving average, and where in the schedule it stands."""

    name: str
    module: M
    schedule: Schedule
    folder: Path
    seed: int
    decay: float = 0.999
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.01
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters = [p for p in self.module.parameters() if p.requires_grad]
        self.average = [p.detach().clone() for p in self.parameters]
        matrices = [p for p in self.parameters if p.ndim > 1]
        rest = [p for p in self.parameters if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": self.weight_decay}, {"params": rest, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=self.schedule.rate, betas=self.betas)

    @property
    def file(self) -> Path:
        """The checkpoint of this training."""
        return self.folder / f"{self.name}.pt"

    def resume(self) -> None:
        """Go on where a killed run stopped, if it left a checkpoint."""
        if not self.file.exists():
            return
        state: dict[str, Any] = torch.load(self.file, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step, self.seconds, self.losses = state["step"], state["seconds"], state["losses"]
        log.info("%s: resumed at step %d", self.name, self.step)

    def save(self) -> None:
        """Write the checkpoint in one move."""
        state = {
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
        }
        part = self.file.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.file)

    def use_average(self) -> None:
        """Put the moving average into the module, for good."""
        with torch.no_grad():
            for parameter, value in zip(self.parameters, self.average, strict=True):
                parameter.copy_(value)

    def _update(self, loss: Tensor) -> None:
        rate = self.schedule.at(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)

    def run(self, make_loss: Callable[[Random], Tensor]) -> None:
        """Train to the schedule's last step, saving and logging on the way.

        What is random in a step depends on the seed and the step alone: a run that was killed and resumed ends as one
        that was not.
        """
        recent: list[float] = []
        saved = time.monotonic()
        while self.step < self.schedule.steps:
            begun = time.process_time()
            torch.manual_seed((self.seed << 32) + self.step)
            loss = make_loss(Random(f"{self.seed} {self.step}"))
            self._update(loss)
            self.seconds += time.process_time() - begun
            self.step += 1
            recent.append(loss.item())
            if self.step % LOG_EVERY == 0:
                self.losses.append(round(sum(recent) / len(recent), 4))
                log.info("%s %d: %.0f s, loss %.4f", self.name, self.step, self.seconds, self.losses[-1])
                recent.clear()
            if time.monotonic() - saved > SAVE_EVERY_SECONDS:
                self.save()
                saved = time.monotonic()
        self.save()
