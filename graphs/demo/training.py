"""What both trainings share: clock, learning rate, moving average, and checkpoints so that a kill loses little."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)

log = logging.getLogger("demo")

LOG_EVERY = 100
SAVE_EVERY_SECONDS = 60.0


@dataclass(frozen=True)
class Schedule:
    """How many processor minutes to train, and how fast at which point of that time.

    Processor time, not the wall clock: on a busy machine a training takes longer but does not turn out worse.
    """

    minutes: float
    rate: float
    warmup: int = 100
    floor: float = 0.01

    def at(self, progress: float, step: int) -> float:
        """Learning rate: linear warm-up in steps, then a cosine in time."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        return self.rate * min(1.0, (step + 1) / self.warmup) * (self.floor + (1 - self.floor) * cosine)


@dataclass
class Pace:
    """Chooses the number of threads: on shared cores one thread can beat two, so both are tried now and then."""

    most: int
    probe: int = 4
    period: int = 100
    seconds: dict[int, float] = field(default_factory=dict)

    def before(self, step: int) -> None:
        """Set the threads for this step: each count for a few steps, then the fastest for the rest of the period."""
        turn = step % self.period // self.probe + 1
        if step % self.period == 0:
            self.seconds = {}
        fastest = min(self.seconds, key=lambda n: self.seconds[n], default=self.most)
        torch.set_num_threads(turn if turn <= self.most else fastest)

    def after(self, step: int, seconds: float) -> None:
        """Note how long the step took, if it was a trial."""
        turn = step % self.period // self.probe + 1
        if turn <= self.most:
            self.seconds[turn] = self.seconds.get(turn, 0.0) + seconds


@dataclass
class Trainer(Generic[M]):
    """A module, its optimizer and moving average, and where in the schedule it stands."""

    name: str
    module: M
    schedule: Schedule
    folder: Path
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
        log.info("%s: resumed at step %d, %.0f s", self.name, self.step, self.seconds)

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
        rate = self.schedule.at(self.seconds / (60 * self.schedule.minutes), self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)

    def run(self, make_loss: Callable[[], Tensor]) -> None:
        """Train until the schedule's minutes are used up, saving and logging on the way."""
        recent: list[float] = []
        saved, pace = self.seconds, Pace(torch.get_num_threads())
        while self.seconds < 60 * self.schedule.minutes:
            pace.before(self.step)
            wall, work = time.monotonic(), time.process_time()
            loss = make_loss()
            self._update(loss)
            pace.after(self.step, time.monotonic() - wall)
            self.seconds += time.process_time() - work
            self.step += 1
            recent.append(loss.item())
            if self.step % LOG_EVERY == 0:
                self.losses.append(round(sum(recent) / len(recent), 4))
                threads = torch.get_num_threads()
                log.info(
                    "%s %d: %.0f s, loss %.4f, %d threads", self.name, self.step, self.seconds, self.losses[-1], threads
                )
                recent.clear()
            if self.seconds - saved > SAVE_EVERY_SECONDS:
                self.save()
                saved = self.seconds
        self.save()
