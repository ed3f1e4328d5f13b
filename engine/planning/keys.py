"""Content keys: a hash of what a step is and of its parents' keys.

Node ids, titles and the order of nodes are not in a key, so renaming changes nothing, and one changed widget changes
exactly the keys downstream of it. Each node is hashed once, from its parents' finished keys: linear in the links.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from hashlib import sha256
from pathlib import PurePath
from typing import Any
from uuid import uuid4

from engine.graph.values import BoundNode
from engine.planning.files import Files, file_of
from schemas.node import NodeSpec
from schemas.sockets import FileRef

KEY_FORMAT = 1
"""Raise when the layout of a key's body changes."""

_ONCE = "once-"

FileChoice = tuple[str, str, tuple[str, ...]]
"""An input that names a file: field, folder, choices that are no files."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What one key was made of; kept per node id, so that the next plan can say what has changed.

    parents: field to (key of the producer, its slot). files: field to the fingerprint and path of the file it names.
    """

    class_type: str
    version: str
    literals: Mapping[str, Any]
    parents: Mapping[str, tuple[str, int]]
    files: Mapping[str, str]
    key: str


class KeyMaker:
    """Makes the keys of one plan. Each file is looked at once, so that one plan sees one state of the disk.

    fresh_outputs: output nodes are never cached, so that each graph writes its own pictures.
    """

    def __init__(self, files: Files, fresh_outputs: bool = False) -> None:
        """Look at nothing yet."""
        self.fresh_outputs = fresh_outputs
        self._files = files
        self._found: dict[tuple[str, str], FileRef] = {}
        self._choices: dict[int, tuple[NodeSpec, tuple[FileChoice, ...]]] = {}

    def record(self, node: BoundNode, known: Mapping[str, StepRecord]) -> StepRecord:
        """The key of one node and what it is made of. known: at least its parents' records, by node id.

        The key is unique if the node is never cached, if a parent's is, or if a literal cannot be written as text.
        Raises FileMissing, ModelFileInvalid.
        """
        spec = node.spec
        parents = {field: (known[link.node].key, link.slot) for field, link in node.links.items()}
        # With the path, because recipes hold it: a file that was moved must not be looked for where it was.
        files = {field: f"{file.fingerprint} {file.path}" for field, file in self.files_of(node)}
        version = f"{spec.pack} {spec.version}"
        cached = spec.cached and not (self.fresh_outputs and spec.output_node)
        if cached and all(map(is_lasting, (key for key, _ in parents.values()))):
            key = _hashed(spec.class_type, version, _text(node.literals), parents, files)
        else:
            key = unique_key()
        return StepRecord(spec.class_type, version, node.literals, parents, files, key)

    def files_of(self, node: BoundNode) -> list[tuple[str, FileRef]]:
        """(field, file) for each literal of a node that names a file. Raises FileMissing, ModelFileInvalid."""
        known = self._choices.get(id(node.spec))
        if known is None:
            # The spec is kept beside its answer, so that its id is not given to another one.
            known = self._choices[id(node.spec)] = (node.spec, _file_choices(node.spec))
        if not known[1]:
            return []
        named = ((field, folder, node.literals.get(field), extra) for field, folder, extra in known[1])
        return [
            (field, self._file(folder, name))
            for field, folder, name, extra in named
            if isinstance(name, str) and name not in extra
        ]

    def _file(self, folder: str, name: str) -> FileRef:
        found = self._found.get((folder, name))
        if found is None:
            found = self._found[folder, name] = file_of(self._files, folder, name)
        return found


def unique_key() -> str:
    """A key that no other step has or will have."""
    return f"{_ONCE}{uuid4().hex}"


def value_key(value: Any, origin_key: str, place: str) -> str:
    """The key of a value that a running node puts into the graph: its text, or else where it comes from.

    origin_key: of the node that gives it; place: a text that tells it from others that the same node gives. The same
    node, given the same inputs, gives the same values.
    """
    text = _text(value)
    if text is None and not is_lasting(origin_key):
        return unique_key()
    body = f"{KEY_FORMAT} value {text}" if text is not None else f"{KEY_FORMAT} value of {origin_key} {place!r}"
    return sha256(body.encode()).hexdigest()


def is_lasting(key: str) -> bool:
    """Whether the same work could ever have this key again; if not, keeping its outputs is in vain."""
    return not key.startswith(_ONCE)


def _file_choices(spec: NodeSpec) -> tuple[FileChoice, ...]:
    widgets = ((field, given.widget) for field, given in spec.possible.items())
    return tuple((field, widget.folder, widget.extra) for field, widget in widgets if widget and widget.folder)


def _plain(value: Any) -> Any:
    """What json should write for a literal that is not JSON; TypeError if nothing says all of it."""
    if isinstance(value, Enum):
        return [type(value).__qualname__, value.name]
    if isinstance(value, PurePath):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__qualname__, *(getattr(value, field.name) for field in fields(value))]
    raise TypeError(f"{type(value).__name__} has no stable text")


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain).encode


def _hashed(
    class_type: str,
    version: str,
    literals: str | None,
    parents: Mapping[str, tuple[str, int]],
    files: Mapping[str, str],
) -> str:
    if literals is None:
        return unique_key()
    body = f"{KEY_FORMAT} {class_type!r} {version!r} {literals} {sorted(parents.items())} {sorted(files.items())}"
    return sha256(body.encode()).hexdigest()


def _text(value: Any) -> str | None:
    """A value as canonical JSON; None if it has no text that says all of it."""
    try:
        return _encode(value)
    except (TypeError, ValueError):
        return None
