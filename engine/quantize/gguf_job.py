"""A Flux transformer becomes a GGUF file, with names, types and metadata as city96's tools write them."""

from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path

from engine.checkpoints import detect
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid, NotWritten
from engine.quantize import imatrix
from engine.quantize.contract import Job, Order, Reader
from engine.quantize.gguf_encoding import PLAIN, TYPES, WIDE_ROW, GgufEncoding, encodable
from engine.quantize.gguf_file import GgufFile
from engine.quantize.imatrix import Importance
from engine.quantize.mixes import MIXES, Mix, type_of
from engine.quantize.sources import readers
from schemas.weight_types import GGUF_TYPES

WITH_CONVOLUTIONS = ("sd15", "sd2", "sdxl")
QUANTIZATION_VERSION = 2
"""GGML's, of all block formats there are."""


def job(index: TensorIndex, variant: str, importance: Path | None = None) -> tuple[Job, list[str]]:
    """The job, and sentences on what is stored otherwise than asked for. variant: a key of MIXES.

    importance: an importance matrix's file. Raises ModelFileInvalid if the file holds no Flux transformer, is damaged,
    or does not fit the importance matrix; NotWritten if this machine cannot make the type.
    """
    refuse_others(index)
    mix = MIXES[variant]
    for kind in dict.fromkeys((mix.base, mix.attention)):
        if not encodable(kind):
            can = ", ".join(each for each in GGUF_TYPES if encodable(each))
            raise NotWritten(f"{kind} is made by the library libgguf, which is not installed; without it: {can}.")
    sources = readers(index, "flux")
    known = imatrix.read(importance, {source.name: source.shape for source in sources}) if importance else {}
    kinds = [type_of(mix, source.name, source.shape, source.stored) for source in sources]
    fitted = [fitting(kind, source.shape) for kind, source in zip(kinds, sources, strict=True)]
    orders = [
        Order(source, GgufEncoding(kind, known.get(source.name))) for kind, source in zip(fitted, sources, strict=True)
    ]
    metadata = {
        "general.architecture": "flux",
        "general.quantization_version": QUANTIZATION_VERSION,
        "general.file_type": mix.file_type,
    }
    if importance is not None:
        metadata["quantize.imatrix.file"] = importance.name
        metadata["quantize.imatrix.entries_count"] = len(known)
    notes = [*odd_shapes(orders), *unfitting(kinds, fitted), *unimportant(mix, sources, known)]
    return Job(tuple(orders), GgufFile(), metadata), notes


def refuse_others(index: TensorIndex) -> None:
    """Raise ModelFileInvalid for a file without a Flux transformer, saying what it holds."""
    held = detect.parts(index)
    if any(part.kind == "flux" for part in held):
        return
    what = " and ".join(dict.fromkeys(part.title for part in held)) or "no model that we recognise"
    reason, fix = "; only Flux transformers are stored as GGUF.", "Choose another file, or another type."
    if any(part.kind in WITH_CONVOLUTIONS for part in held):
        reason = ", made of convolutions, whose rows are too short for GGUF's blocks."
        fix = "Use the model's file in 16 bits or fp8 instead."
    raise ModelFileInvalid(index.path, f"holds {what}{reason}", fix)


def fitting(kind: str, shape: tuple[int, ...]) -> str:
    """The type, or F16 if the values do not fill whole blocks, neither as they are nor in rows of 256."""
    if kind in PLAIN or shape[-1] % TYPES[kind].values == 0 or prod(shape) % WIDE_ROW == 0:
        return kind
    return "F16"


def odd_shapes(orders: Sequence[Order]) -> list[str]:
    """How many tensors are stored as rows of 256."""
    pieces = [order.encoding.pieces(order.source.name, order.source.shape)[0] for order in orders]
    count = sum(piece.note is not None for piece in pieces)
    tensors = f"{count} tensors have" if count > 1 else "1 tensor has"
    return [f"{tensors} rows that fill no whole blocks; stored as rows of {WIDE_ROW}."] if count else []


def unfitting(wanted: Sequence[str], fitted: Sequence[str]) -> list[str]:
    """How many tensors are stored wider than asked for."""
    changed = Counter(kind for kind, other in zip(wanted, fitted, strict=True) if kind != other)
    return [f"{count} of {kind} would fill no whole blocks; stored as F16." for kind, count in changed.items()]


def unimportant(mix: Mix, sources: Sequence[Reader], known: Importance) -> list[str]:
    """How many matrices the importance matrix does not know."""
    if not known:
        return []
    blocked = [source.name for source in sources if type_of(mix, source.name, source.shape, source.stored) not in PLAIN]
    missing = sum(name not in known for name in blocked)
    return [f"The importance matrix lacks {missing} of {len(blocked)} matrices."] if missing else []
