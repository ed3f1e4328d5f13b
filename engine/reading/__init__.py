"""A file becomes a Workflow: what it is, the graph in it, and what is wrong with it, without knowing any node class."""

from engine.reading.documents import Document, read_document, read_document_file
from engine.reading.recognise import read
from engine.reading.source import read_file

__all__ = ["Document", "read", "read_document", "read_document_file", "read_file"]
