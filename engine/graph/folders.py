"""Folders: what checking a graph must know of the disk, and nothing more. engine.folders provides it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

INPUT = "input"
"""The folder of pictures that graphs start from."""


class Folders(Protocol):
    """Model folders by their ComfyUI names ("checkpoints", "vae", ...), and the input folder as "input"."""

    def searched(self, folder: str) -> list[str]:
        """The paths that stand for this folder, for messages."""

    def has(self, folder: str, name: str) -> bool:
        """Whether the folder has this file. Both slashes are alike."""

    def near(self, folder: str, name: str) -> Sequence[str]:
        """Names in the folder that may be meant, best first."""

    def elsewhere(self, name: str) -> Sequence[str]:
        """Other folders that have a file of exactly this name."""

    def input_path(self, name: str) -> Path | None:
        """A picture by name ("a.png", "sub/a.png", "a.png [output]"), or None if there is no such file."""

    def path(self, folder: str, name: str) -> Path | None:
        """Where the folder's file of this name lies, or None."""
