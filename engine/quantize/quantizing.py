"""Quantising as one act: from a model file to another, with every reason not to told before anything is written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.checkpoints import index
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid, NotWritten
from engine.quantize import checkpoint_files, gguf_job
from engine.quantize import job as jobs
from engine.quantize.contract import Job
from engine.quantize.naming import named
from schemas.quantized import Progress, Quantized
from schemas.weight_types import WeightType


class Options(NamedTuple):
    """How to go about it.

    importance: an importance matrix's file, for GGUF. processes: None for one per core. force: whether a file that is
    there already is replaced. told: hears how far it is. stop: asked now and then whether to stop.
    """

    importance: Path | None = None
    processes: int | None = None
    force: bool = False
    told: Callable[[Progress], None] = lambda progress: None
    stop: Callable[[], bool] = lambda: False


USUAL = Options()


def quantize(source: Path, to: WeightType, target: Path | None = None, options: Options = USUAL) -> Quantized:
    """Store a model's weights in another type. target: None for a name beside the source.

    Raises ModelFileInvalid if the source cannot be stored so, NotWritten if the target has no place, Interrupted.
    """
    target = target or source.with_name(named(source.name, to))
    refuse_target(source, target, options.force)
    refuse_ending(target, to)
    work, notes = job_of(index.read(source), to, options.importance)
    if to.format == "gguf" and target.parent.name == "checkpoints":
        notes.append("UnetLoaderGGUF looks in diffusion_models, not in checkpoints.")
    kind = f"{to.format}:{to.variant}" if to.variant else to.format
    return make(work, source, kind, target, options, notes)


def job_of(held: TensorIndex, to: WeightType, importance: Path | None) -> tuple[Job, list[str]]:
    """What is to be made, and sentences on what is stored otherwise than asked for."""
    if to.format == "gguf":
        return gguf_job.job(held, to.variant, importance)
    if importance is not None:
        raise NotWritten(f"An importance matrix is for GGUF; {to} knows none.")
    return checkpoint_files.job(held, to), []


def make(
    work: Job, source: Path, kind: str, target: Path, options: Options = USUAL, notes: list[str] | None = None
) -> Quantized:
    """Make the file of a job. kind: what to call its type.

    Raises ModelFileInvalid for values that cannot be stored, NotWritten, Interrupted.
    """
    refuse_target(source, target, options.force)
    try:
        made = jobs.run(work, target, processes=options.processes, told=options.told, stop=options.stop)
    except ValueError as error:
        fix = "Take the original file, or another type."
        raise ModelFileInvalid(str(source), f"cannot be stored as {kind}: {error}.", fix) from error
    return Quantized(
        source=str(source),
        path=str(target),
        type=kind,
        bytes=made.bytes,
        seconds=made.seconds,
        tensors=made.tensors,
        notes=notes or [],
        errors=made.errors,
    )


def refuse_target(source: Path, target: Path, force: bool) -> None:
    """Raise NotWritten if the target is the source, or is there and may not be replaced."""
    if target.exists() and os.path.samefile(source, target):
        raise NotWritten(f"{target} is the file that is read; give another --output.")
    if target.is_dir():
        raise NotWritten(f"{target} is a folder; give a file.")
    if target.exists() and not target.is_file():  # a device, a pipe: a model would take its place
        raise NotWritten(f"{target} is no ordinary file; give another --output.")
    if target.exists() and not force:
        raise NotWritten(f"{target} is there already; --force replaces it.")


def refuse_ending(target: Path, to: WeightType) -> None:
    """Raise NotWritten if the target's name promises another format: loaders list files by their endings."""
    endings = (".gguf",) if to.format == "gguf" else (".safetensors", ".sft")
    if target.suffix.lower() not in endings:
        raise NotWritten(f"{target} would be a file that ends in {endings[0]}; give another --output.")
