"""Which tensor is stored how in a safetensors file, and under which name, as the published files have it.

A transformer alone stays alone, without prefix. An all-in-one stays an all-in-one: its transformer changes, everything
else is copied, but for NF4, whose published files have the encoders and the autoencoder in types of their own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.checkpoints import detect
from engine.checkpoints.detect import Part
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid
from engine.quantize.contract import Encoding, Job, Order, Reader
from engine.quantize.fp8 import SCALED, ScaledFp8Encoding, fp8_encoding
from engine.quantize.nf4 import Nf4Encoding
from engine.quantize.plain import CopyEncoding, Nothing, PlainEncoding
from engine.quantize.safetensors_file import SafetensorsFile
from engine.quantize.sources import readers, verbatim
from schemas.weight_types import WeightType

PREFIX = "model.diffusion_model."
"""What stands before the transformer's names in an all-in-one."""

MARKER = "scaled_fp8"
METADATA: Mapping[str, Any] = {"format": "pt"}

TO: Mapping[str, tuple[str, ...]] = {
    "flux": ("nf4", "fp8", "bf16", "fp16", "fp32"),
    "t5xxl": ("fp8", "bf16", "fp16", "fp32"),
    "clip_l": ("bf16", "fp16", "fp32"),
    "kl_vae": ("bf16", "fp16", "fp32"),
}
"""Kinds of models that can be stored anew, most wanted first, and in which formats."""

BESIDE_NF4: Mapping[str, str] = {"t5xxl": "fp8_e4m3fn", "clip_l": "fp16", "kl_vae": "bf16"}
"""What the other parts of the published NF4 files are stored as."""

TABLES = ("shared.", "embed_tokens.", "relative_attention_bias.")
"""T5's matrices that are looked up in, not multiplied with."""

Choice = Callable[[Reader], Encoding]


def job(index: TensorIndex, to: WeightType) -> Job:
    """The file of this model in this type. Raises ModelFileInvalid for a model that cannot be stored so.

    Raises ValueError for GGUF, which is another format of files.
    """
    if to.format == "gguf":
        raise ValueError("GGUF tensors do not go into safetensors files")
    main = main_part(index)
    if to.format not in TO[main.kind]:
        said = f"holds {main.title}, which is not stored as {to}."
        raise ModelFileInvalid(index.path, said, f"It can be stored as {', '.join(TO[main.kind])}.")
    others = [part for part in detect.parts(index) if part != main]
    prefix = PREFIX if others else ""
    choose = choice(main.kind, to)
    orders = [Order(reader, choose(reader)) for reader in readers(index, main.kind, prefix)]
    if (to.format, to.variant) == ("fp8", "scaled"):
        orders.insert(0, Order(Nothing(prefix + MARKER, SCALED), CopyEncoding(SCALED)))
    for part in others:
        orders += companion(index, part, to)
    orders += copies(index, {name: name for name in detect.unclaimed(index)})
    return Job(tuple(orders), SafetensorsFile(), METADATA)


def part_job(index: TensorIndex, kind: str) -> Job:
    """A text encoder or VAE taken out of an all-in-one, every tensor as stored, without prefix.

    Raises ModelFileInvalid if the file has none. kind: "t5xxl", "clip_l", "kl_vae".
    """
    part = detect.require(index, kind)
    names = {part.prefix + name: name for name in detect.tensors_of(index, part)}
    return Job(tuple(copies(index, names)), SafetensorsFile(), METADATA)


def main_part(index: TensorIndex) -> Part:
    """What is to be stored anew: the transformer, or the encoder or VAE that is alone in its file.

    Raises ModelFileInvalid that says what the file holds if it has neither.
    """
    kinds = [part.kind for part in detect.parts(index)]
    return detect.require(index, kinds[0] if len(kinds) == 1 and kinds[0] in TO else "flux")


def choice(kind: str, to: WeightType) -> Choice:
    """How each tensor of a model is stored."""
    if to.format == "nf4":
        packed = Nf4Encoding(nested=to.variant == "v1")
        return lambda reader: packed if is_matrix(reader) else narrow_encoding(reader)
    if to.format == "fp8" and to.variant == "scaled":
        scaled = ScaledFp8Encoding()
        return lambda reader: scaled if is_scaled(kind, reader) else narrow_encoding(reader)
    plain = (
        fp8_encoding("e5m2" if to.variant == "e5m2" else "e4m3fn") if to.format == "fp8" else PlainEncoding(to.format)
    )
    return lambda reader: plain


def is_matrix(reader: Reader) -> bool:
    """Whether a layer multiplies with it."""
    return len(reader.shape) == 2 and reader.name.endswith(".weight")


def is_scaled(kind: str, reader: Reader) -> bool:
    """Whether the published scaled files give a matrix a scale: Flux's blocks, T5's layers."""
    if kind == "flux":
        return is_matrix(reader) and "_blocks." in reader.name
    return is_matrix(reader) and not any(table in reader.name for table in TABLES)


def narrow_encoding(reader: Reader) -> Encoding:
    """16 bits for what is not worth packing: the source's own kind, else bf16, which holds every 8-bit float."""
    return PlainEncoding(reader.stored if reader.stored in ("bf16", "fp16") else "bf16")


def companion(index: TensorIndex, part: Part, to: WeightType) -> Iterator[Order]:
    """Another part of an all-in-one under its own names; copied where it is stored as wanted, or in fewer bits."""
    wanted = BESIDE_NF4.get(part.kind) if to.format == "nf4" else None
    if wanted is None or part.storage.startswith((wanted, "fp8")):
        yield from copies(
            index, {name: name for name in (part.prefix + each for each in detect.tensors_of(index, part))}
        )
        return
    for reader in readers(index, part.kind, part.prefix):
        yield Order(reader, PlainEncoding(wanted))


def copies(index: TensorIndex, names: Mapping[str, str]) -> Iterator[Order]:
    """Tensors as stored. names: the file's to the new ones."""
    for reader in verbatim(index, names) if names else ():
        yield Order(reader, CopyEncoding(reader.stored))
