"""Residents: networks that the Ledger lets in and sends away, and the one way to get at their weights.

Weights stay in the mapped file. On a CPU a resident's size is what it takes beside the mapping: norms, biases and
convolutions in the type computed in, and matrices that were rounded. On another device its matrices lie there as packed
as in the file; if the Ledger has no room for them they stay mapped and go over a run of rows at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from engine.checkpoints import index
from engine.checkpoints import weights as header
from engine.checkpoints.detect import Part
from engine.checkpoints.storage import GGUF
from engine.checkpoints.weights import Weight
from engine.errors import DoesNotFit
from engine.inference.devices import prepare
from engine.inference.weights import stored
from engine.inference.weights.assembly import Terms, assemble, own_bytes
from engine.inference.weights.gguf_blocks import native
from engine.inference.weights.mapped import MappedFile
from schemas.context import Context
from schemas.sockets import FileRef


@dataclass(frozen=True)
class Piece:
    """One network of a resident: which part of which file, and how to build its structure from the part's sizes.

    aliases: names that some files have in place of, or beside, the names to which they are mapped. ignored: patterns of
    the part's names to the reason why the network does not use them.
    """

    file: FileRef
    part: Part
    build: Callable[[Any], nn.Module]
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)

    def weights(self) -> Mapping[str, Weight]:
        """What the file's header says of the part's weights, by the network's names."""
        weights = dict(header.of_part(index.read(self.file.path), self.part))
        for alias, name in self.aliases.items():
            if alias in weights:
                weights.setdefault(name, weights.pop(alias))
        return weights


@dataclass(frozen=True)
class Setting:
    """How a resident's weights are taken; see assembly.Terms."""

    dtype: torch.dtype
    device: torch.device
    rounding: torch.dtype | None = None
    narrowed: torch.dtype | None = None
    streamed: bool = False
    decoded: torch.dtype | None = None

    def terms(self, piece: Piece) -> Terms:
        """The same for one piece."""
        return Terms(self.dtype, self.device, self.rounding, self.narrowed, self.streamed, piece.ignored, self.decoded)


class Networks:
    """A Resident: one or more networks that come and go together, by the kind of their parts."""

    def __init__(self, label: str, pieces: Mapping[str, Piece], setting: Setting) -> None:
        """Build the structure, without weights, to know the size; `load` brings the weights."""
        self.label = label
        self._pieces, self._setting = pieces, setting
        self._files: list[MappedFile] = []
        self._built = {kind: piece.build(piece.part.sizes) for kind, piece in pieces.items()}
        self._loaded: dict[str, nn.Module] = {}
        self.size = sum(self._size_of(kind, piece) for kind, piece in pieces.items())

    def __getitem__(self, kind: str) -> nn.Module:
        """The network of a kind. Raises KeyError while it is not loaded."""
        return self._loaded[kind]

    def load(self) -> None:
        """Map the files and fill the networks. Raises ModelFileInvalid."""
        with torch.inference_mode(False):  # weights outlive the block of code that happens to load them
            for kind, piece in self._pieces.items():
                self._loaded[kind] = self._filled(kind, piece)

    def _filled(self, kind: str, piece: Piece) -> nn.Module:
        file = MappedFile(piece.file.path)
        self._files.append(file)
        network = self._built.pop(kind, None) or piece.build(piece.part.sizes)
        assemble(network, stored.read(file, piece.weights()), piece.file.path, self._setting.terms(piece))
        return network.eval()

    def _size_of(self, kind: str, piece: Piece) -> int:
        return own_bytes(self._built[kind], piece.weights(), self._setting.terms(piece))

    def unload(self) -> None:
        """Let go of the networks and give the files' pages back."""
        self._loaded.clear()
        for file in self._files:
            file.release()
        self._files.clear()


@contextmanager
def borrowed(
    context: Context, key: tuple[str, ...], label: str, pieces: Mapping[str, Piece], setting: Setting
) -> Iterator[Networks]:
    """The networks of a recipe, resident and pinned inside the block.

    key: the recipe's storage_key. Where an accelerator has no room the matrices stay in the mapped file, with a
    warning; raises DoesNotFit if there is no room even so.
    """
    device = str(setting.device)
    prepare(context, setting.device)

    def build() -> Networks:
        if _is_decoded_slowly(pieces, setting):
            context.warn(
                f"libgguf is not installed, so that the GGUF weights of {label} are decoded several times slower."
            )
        return Networks(label, pieces, setting)

    try:
        networks = context.ledger.borrow(key, build, device)
    except DoesNotFit as error:
        if setting.device.type == "cpu":
            raise
        context.warn(f"{error} Its matrices stay in the file and are sent over as they are needed, which is slower.")
        streamed = replace(setting, streamed=True)
        networks = context.ledger.borrow(key, lambda: Networks(label, pieces, streamed), "cpu")
    with context.ledger.pin(key), torch.no_grad():
        yield networks


def _is_decoded_slowly(pieces: Mapping[str, Piece], setting: Setting) -> bool:
    """Whether GGUF blocks will be decoded on a CPU by PyTorch, for want of libgguf."""
    if setting.device.type != "cpu" or native():
        return False
    return any(piece.part.storage.startswith(GGUF) for piece in pieces.values())
