"""Cache: outputs by content key, in memory, bounded by bytes; what was used least recently goes first.

Beside its values an entry keeps the paths of the files that the node wrote, so that a fully cached run still reports
its outputs, and an entry whose file has gone counts as lost.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from engine.planning.keys import StepRecord
from engine.running.sizes import size_of
from schemas.report import LoraReport
from schemas.sockets import FileRef

DEFAULT_LIMIT = 2 * 1024**3
"""Bytes."""

ENTRY_BYTES = 512
"""What an entry takes besides its values, roughly: its key, its place in the table, its lists."""

REMEMBERED = 250_000
"""Node ids whose last records are kept; beyond it only those of the last run are, and plans say "first run" again."""

Outputs = tuple[list[object], ...]
"""One list for each output of a node: its items, one for each call of the node, or all that a listed one gave."""

Models = frozenset[tuple[FileRef, str]]
"""Model files that a value depends on, each with the type it was computed in."""

NO_MODELS: Models = frozenset()


class Entry(NamedTuple):
    """What one step left behind. saved: paths of the files it wrote. loras: how those that it loaded fit.

    digest: of the outputs, if the step computed with weights and they can be digested; see engine.running.digests.
    """

    outputs: Outputs
    models: Models = NO_MODELS
    saved: tuple[str, ...] = ()
    loras: tuple[LoraReport, ...] = ()
    digest: str | None = None


@dataclass(slots=True)
class CacheStats:
    """Counts since the cache was made; entries and bytes are those held now."""

    entries: int = 0
    bytes: int = 0
    hits: int = 0
    misses: int = 0
    dropped: int = 0


class OutputCache:
    """Outputs by content key, and what each node id's last key was made of. limit: bytes, estimated."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        """An empty one."""
        self.limit = limit
        self.stats = CacheStats()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._records: dict[str, StepRecord] = {}

    def has(self, key: str) -> bool:
        """Whether the outputs of that key are there, and every file they wrote still is."""
        entry = self._entries.get(key)
        return entry is not None and (not entry.saved or all(map(os.path.exists, entry.saved)))

    def lost(self, key: str) -> str | None:
        """Why outputs that were once there are not, in words; None if they are."""
        entry = self._entries.get(key)
        if entry is None:
            return "no longer in the cache"
        gone = next((path for path in entry.saved if not os.path.exists(path)), None)
        return f"{gone} is gone" if gone else None

    def get(self, key: str) -> Entry | None:
        """The entry of that key if `has` it, most recently used from now on."""
        if not self.has(key):
            self.stats.misses += 1
            return None
        self._entries.move_to_end(key)
        self.stats.hits += 1
        return self._entries[key]

    def put(self, key: str, entry: Entry, class_type: str = "", seconds: float = 0.0, worth: bool = False) -> None:
        """Keep an entry, and let go of the least recently used ones until all fit. One that never fits is not kept."""
        if key in self._entries:
            self.drop(key)
        size = ENTRY_BYTES + size_of(entry.outputs)
        if size > self.limit:
            self.stats.dropped += 1
            return
        self._entries[key] = entry
        self._sizes[key] = size
        self.stats.bytes += size
        while self.stats.bytes > self.limit:
            oldest, _ = self._entries.popitem(last=False)
            self.stats.bytes -= self._sizes.pop(oldest)
            self.stats.dropped += 1
        self.stats.entries = len(self._entries)

    def drop(self, key: str) -> None:
        """Forget one entry, if it is there."""
        if self._entries.pop(key, None) is not None:
            self.stats.bytes -= self._sizes.pop(key)
            self.stats.entries = len(self._entries)

    def clear(self) -> None:
        """Forget all entries; the records of what ran last stay, for the reasons of the next plan."""
        self._entries.clear()
        self._sizes.clear()
        self.stats.entries = self.stats.bytes = 0

    def last(self, node: str) -> StepRecord | None:
        """The record of this node id when it last ran."""
        return self._records.get(node)

    def remember(self, records: Mapping[str, StepRecord]) -> None:
        """Keep the records of steps that are done, by node id."""
        self._records.update(records)
        if len(self._records) > REMEMBERED:
            self._records = dict(records)
