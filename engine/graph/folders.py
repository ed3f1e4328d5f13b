"""Folders: what checking a graph must know of the disk, and nothing more. engine.folders provides it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

INPUT = "input"
"""The folder of pictures that graphs start from."""


class Folders(Protocol):
    """Model folders by their ComfyUI names ("checkpoints", "vae", ...), and the input folder as "input"."""

    def names(self, folder: str) -> Sequence[str]:
        """Every file in the folder, as a graph would name it."""

    def searched(self, folder: str) -> list[str]:
        """The paths that stand for this folder, for messages."""

    def has(self, folder: str, name: str) -> bool:
        """Whether the folder has this file. Both slashes are alike."""

    def input_path(self, name: str) -> Path | None:
        """A picture by name ("a.png", "sub/a.png", "a.png [output]"), or None if there is no such file."""
