"""A file becomes a Workflow, or an editor's graph to make one from, and what is wrong with it is told.

Nothing here knows any node class.
"""

from engine.reading.documents import Document, read_document, read_document_file
from engine.reading.recognise import EditorOnly, Reading, read
from engine.reading.source import read_file

__all__ = ["Document", "EditorOnly", "Reading", "read", "read_document", "read_document_file", "read_file"]
