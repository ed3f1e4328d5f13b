"""A file becomes a Workflow: what it is, the graph in it, and what is wrong with it, without knowing any node class."""

from engine.reading.recognise import read
from engine.reading.source import read_file

__all__ = ["read", "read_file"]
