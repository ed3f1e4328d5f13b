"""Model, input and output folders: names in a graph become paths, without ever leaving the folders."""

from engine.folders.fingerprints import fingerprint
from engine.folders.folders import Folders

__all__ = ["Folders", "fingerprint"]
