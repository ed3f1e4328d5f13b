"""MappedFile: a model file's tensors as views of the file itself."""

import mmap
import os

import torch
from torch import Tensor

from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid

DTYPES = {
    "bool": torch.bool,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "fp64": torch.float64,
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp8_e4m3fn": torch.float8_e4m3fn,
    "fp8_e5m2": torch.float8_e5m2,
}
"""Storage names of engine.checkpoints.storage that have a torch type of their own."""

NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""The other way round."""


class MappedFile:
    """A file mapped into memory, copy on write: pages are read when a tensor is, and cost no private memory.

    Tensors handed out stay valid as long as they live; writing into one never reaches the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Map a whole file. Raises ModelFileInvalid if it cannot be read or is empty."""
        self.path = os.fspath(path)
        try:
            with open(self.path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError) as error:
            raise ModelFileInvalid(
                self.path, f"cannot be mapped: {error}.", "Check the file and its rights."
            ) from error

    def tensor(self, name: str, info: TensorInfo) -> Tensor:
        """The tensor that `info` describes, as a view. name: for messages.

        Raises ModelFileInvalid for a storage type without decoder, or a file that has become shorter than it said.
        """
        dtype = DTYPES.get(info.dtype)
        if dtype is None:
            raise ModelFileInvalid(
                self.path,
                f"tensor {name!r} is stored as {info.dtype}, which is not among {', '.join(DTYPES)}.",
                "Use a file in one of these types.",
            )
        if info.end == info.start:
            return torch.empty(info.shape, dtype=dtype)
        if info.start % dtype.itemsize:
            # a view must begin at a multiple of its item size; only oddly written files take this copy
            return self.bytes(name, info).clone().view(dtype).view(info.shape)
        return self.bytes(name, info).view(dtype).view(info.shape)

    def bytes(self, name: str, info: TensorInfo) -> Tensor:
        """The bytes of the tensor that `info` describes, flat, as a view. name: for messages.

        Raises ModelFileInvalid if the file has become shorter than it said.
        """
        if info.end > len(self._map):
            raise ModelFileInvalid(self.path, f"has lost the bytes of tensor {name!r}.", "Download it again.")
        if info.bytes == 0:
            return torch.empty(0, dtype=torch.uint8)
        return torch.frombuffer(self._map, dtype=torch.uint8, count=info.bytes, offset=info.start)

    def release(self) -> None:
        """Give all pages back to the system; the next read of a tensor brings its pages again."""
        if hasattr(self._map, "madvise"):  # not on Windows, where the system trims the mapping by itself
            self._map.madvise(mmap.MADV_DONTNEED)
