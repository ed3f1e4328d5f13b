"""What each worker of a Ray cluster is given, so that they fill its machines and do not fight for cores."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """One node's processors."""

    cpus: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """How many workers there are, and what each has. gpus: 0 or 1."""

    workers: int
    cpus: int
    gpus: int


def share(machines: Sequence[Machine], device: str, workers: int | None, threads: int | None) -> Share:
    """One worker for each GPU, unless the device is another; else one for each machine, or for each `threads` cores.

    workers: how many the user wants, in their place. threads: for each, as the user wants.
    """
    owners = [machine for machine in machines if machine.gpus]
    if owners and (device == "auto" or device.startswith("cuda")):
        cores = threads or max(1, min(machine.cpus // machine.gpus for machine in owners))
        return Share(workers or sum(machine.gpus for machine in owners), cores, 1)
    sizes = [machine.cpus for machine in machines if machine.cpus] or [1]
    if workers is None:
        cores = threads or min(sizes)
        return Share(max(1, _room(sizes, cores)), cores, 0)
    return Share(workers, threads or _largest(sizes, workers), 0)


def _room(sizes: Sequence[int], cores: int) -> int:
    """How many workers with so many cores fit."""
    return sum(size // cores for size in sizes)


def _largest(sizes: Sequence[int], workers: int) -> int:
    """The most cores that each of so many workers can have; 1 if there are more workers than cores."""
    return next((cores for cores in range(max(sizes), 1, -1) if _room(sizes, cores) >= workers), 1)
