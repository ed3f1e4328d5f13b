"""One tensor's way into the new file: encoded to its place, read back from there, compared with its source."""

from collections.abc import Callable, Mapping
from mmap import ACCESS_READ, mmap
from typing import Any, NamedTuple

import numpy as np

from engine.errors import ModelFileInvalid
from engine.quantize.contract import Order, Piece, Values
from engine.quantize.numbers import SLICE, power, row_runs, slices


class Task(NamedTuple):
    """A tensor and its place. path: the growing file. starts: of each piece, in bytes of that file."""

    order: Order
    pieces: tuple[Piece, ...]
    starts: tuple[int, ...]
    path: str


class Measured(NamedTuple):
    """How far the stored values are from the source's. relative: root mean square by root mean square."""

    relative: float
    largest: float


class Failure(NamedTuple):
    """An error on its way between processes."""

    kind: str
    told: tuple[Any, ...]

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Pack an error."""
        if isinstance(error, ModelFileInvalid):
            return cls("file", (error.path, error.said, error.fix))
        if isinstance(error, OSError):
            return cls("system", (error.errno, error.strerror, error.filename))
        return cls("value", (str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}",))

    def error(self) -> Exception:
        """Unpack it."""
        kinds: Mapping[str, type[Exception]] = {"file": ModelFileInvalid, "system": OSError, "value": ValueError}
        return kinds[self.kind](*self.told)


KNOWN: Mapping[str, float] = {
    "fp32": 0.0,
    "bf16": 0.0017,
    "fp8_e4m3fn scaled": 0.027,
    "nf4": 0.092,
    "gguf:Q8_0": 0.0054,
    "gguf:Q6_K": 0.018,
    "gguf:Q5_K": 0.036,
    "gguf:Q5_1": 0.038,
    "gguf:Q5_0": 0.043,
    "gguf:Q4_K": 0.071,
    "gguf:IQ4_NL": 0.076,
    "gguf:IQ4_XS": 0.077,
    "gguf:Q4_1": 0.078,
    "gguf:Q4_0": 0.086,
    "gguf:Q3_K": 0.151,
    "gguf:Q2_K": 0.297,
}
"""Relative error of normally distributed weights, as measured."""
FAR = 6
"""Times the known error that no real weights reach: Q4_0 with one outlier in each block has four times."""
LARGEST_ERROR = 0.9
"""Relative error of any matrix in any type; storing nothing but zeros would be 1."""


def carry_out(task: Task, wrote: Callable[[int], None]) -> Measured:
    """Encode a tensor to its place and measure what arrived. wrote: told how many bytes were written.

    Raises ValueError that names the tensor if its values cannot be stored or come back wrong.
    """
    with open(task.path, "r+b", buffering=0) as file:

        def put(piece: int, offset: int, data: Any) -> None:
            view = memoryview(data).cast("B")
            file.seek(task.starts[piece] + offset)
            size = len(view)
            while view:
                view = view[file.write(view) :]
            wrote(size)

        task.order.encoding.encode(task.order.source, put)
        measured = measure(task, mmap(file.fileno(), 0, access=ACCESS_READ))
    check(task, measured)
    return measured


def measure(task: Task, data: mmap) -> Measured:
    """Compare what the file holds with the source, a run of rows at a time."""
    source, encoding = task.order.source, task.order.encoding
    view = memoryview(data)
    pieces = [view[start : start + piece.bytes] for piece, start in zip(task.pieces, task.starts, strict=True)]
    whole = error = largest = 0.0
    room = np.empty(SLICE, np.float32)
    for first, last in row_runs(source.shape):
        values = source.rows(first, last).reshape(-1)
        stored = encoding.decode(pieces, source.shape, first, last).reshape(-1)
        for part in slices(values.size):
            with np.errstate(invalid="ignore", over="ignore"):  # infinity less infinity
                difference = np.subtract(stored[part], values[part], out=room[: part.stop - part.start])
            square = power(difference)
            if np.isnan(square):
                forgive(difference, stored[part], values[part])
                square = power(difference)
            error += square
            whole += power(values[part])
            largest = max(largest, float(difference.max()), -float(difference.min()))
    if not error:
        return Measured(0.0, largest)
    return Measured((error / whole) ** 0.5 if whole else float("inf"), largest)


def forgive(difference: Values, stored: Values, values: Values) -> None:
    """Make it none where both are the same infinity or no number."""
    difference[np.isnan(stored) & np.isnan(values) | (stored == values)] = 0


def check(task: Task, measured: Measured) -> None:
    """Refuse what no correct file can hold."""
    source, kind = task.order.source, task.order.encoding.name
    relative = measured.relative
    if not np.isfinite(measured.largest + relative):
        raise ValueError(f"{source.name!r} comes back from {kind} with values that are no numbers")
    limit = min(KNOWN.get(kind, 1.0) * FAR, LARGEST_ERROR)
    if len(source.shape) > 1 and relative > max(limit, 1e-6):
        raise ValueError(f"{source.name!r} comes back from {kind} with an error of {relative:.0%}")
