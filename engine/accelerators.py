"""Which device to run on, found out without torch: what its installed build can drive, and what the machine has."""

import ctypes
import platform
import re
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from engine.errors import GraphInvalid
from schemas.report import Problem

DRIVERS = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")


def resolve(wanted: str) -> str:
    """The device that a setting stands for: "cpu", "cuda:N" or "mps".

    wanted: "auto" (the first accelerator there is, else the CPU), or a device by name. Raises GraphInvalid
    (bad-setting) if that device cannot be had.
    """
    if wanted == "auto":
        return "cuda:0" if cuda_devices() else "mps" if has_metal() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind == "cuda":
        return _cuda(wanted, int(number or 0))
    if kind == "mps" and not has_metal():
        raise _refused(wanted, "this machine has no Metal device.")
    return kind


def _cuda(wanted: str, number: int) -> str:
    count = cuda_devices()
    if not torch_has_cuda():
        raise _refused(wanted, "the installed torch is built without CUDA.")
    if number >= count:
        raise _refused(wanted, f"the CUDA driver shows {count} devices." if count else "no CUDA device is found.")
    return f"cuda:{number}"


def _refused(wanted: str, said: str) -> GraphInvalid:
    fix = "Give auto, cpu, or a device that is there."
    return GraphInvalid([Problem(code="bad-setting", field="device", found=wanted, said=f"device: {said}", fix=fix)])


@cache
def cuda_devices() -> int:
    """CUDA devices that torch could use, as the driver counts them (so CUDA_VISIBLE_DEVICES is respected)."""
    if not torch_has_cuda():
        return 0
    for name in DRIVERS:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


@cache
def torch_has_cuda() -> bool:
    """Whether the installed torch is built for CUDA (or ROCm), read from its version file."""
    version = torch_folder() / "version.py"
    text = version.read_text("utf-8") if version.is_file() else ""
    return re.search(r"^(cuda|hip)\b[^=\n]*=\s*['\"]", text, re.MULTILINE) is not None


def torch_folder() -> Path:
    """Where torch is installed; an empty path if it is not."""
    spec = find_spec("torch")
    return Path(spec.origin).parent if spec and spec.origin else Path()


def has_metal() -> bool:
    """Whether this is a Mac whose GPU torch can use."""
    return sys.platform == "darwin" and platform.machine() == "arm64"
