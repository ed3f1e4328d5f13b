"""Tiny model files for tests: built on first use, kept between runs, safe with several test processes at once."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("make_models.py")
ALIASES = {"unet": "diffusion_models", "clip": "text_encoders"}


def cache_folder() -> Path:
    """Where built files are kept, a new folder for each version of the script."""
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"comfyless-tiny-models-{digest}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time. Where there is no flock, builds may be repeated, but files still appear whole."""
    with path.open("w") as handle:
        try:
            import fcntl
        except ImportError:
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(store: Path, missing: list[str]) -> None:
    """Build files in a process of its own (torch stays out of this one) and move each into place when it is whole."""
    with tempfile.TemporaryDirectory(dir=store) as folder:
        subprocess.run([sys.executable, str(SCRIPT), folder, "--only", *missing], check=True, capture_output=True)
        for name in missing:
            if not (Path(folder) / name).is_file():
                raise ValueError(f"{SCRIPT.name} makes no file {name!r}")
            (store / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(folder) / name, store / name)


def tiny_models(*names: str) -> Path:
    """A models folder with exactly these files ("vae/ae.safetensors", ...), and the aliases unet and clip."""
    store = cache_folder() / "files"
    store.mkdir(parents=True, exist_ok=True)
    with locked(store.parent / "lock"):
        missing = [name for name in names if not (store / name).is_file()]
        if missing:
            build(store, missing)
        folder = store.parent / "sets" / hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:12]
        if not folder.is_dir():
            lay_out(store, names, folder)
    return folder


def lay_out(store: Path, names: tuple[str, ...], folder: Path) -> None:
    """Link the files into a new folder, which appears whole."""
    growing = folder.with_name(folder.name + ".part")
    shutil.rmtree(growing, ignore_errors=True)
    for target in ("checkpoints", "diffusion_models", "text_encoders", "vae", "loras"):
        (growing / target).mkdir(parents=True)
    for alias, target in ALIASES.items():
        (growing / alias).symlink_to(target)
    for name in names:
        (growing / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(store / name, growing / name)
    os.replace(growing, folder)


@pytest.fixture(scope="session", name="tiny_models")
def tiny_models_fixture() -> Callable[..., Path]:
    """`tiny_models` as a fixture, for those who prefer to ask for it."""
    return tiny_models
