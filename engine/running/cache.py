"""Cache: outputs by content key, in memory, bounded by bytes; what was used least recently goes first.

Behind it there may be a second one on disk (engine.disk_cache), that other processes share. What is only there is
brought into memory when it is asked for; what goes there is what took long to make for its size.

Beside its values an entry keeps the paths of the files that the node wrote, so that a fully cached run still reports
its outputs, and an entry whose file has gone counts as lost.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.planning.keys import StepRecord
from engine.running.sizes import size_of
from schemas.report import LoraReport
from schemas.sockets import FileRef

if TYPE_CHECKING:
    from engine.disk_cache.disk_cache import DiskCache, Found

DEFAULT_LIMIT = 2 * 1024**3
"""Bytes."""

ENTRY_BYTES = 512
"""What an entry takes besides its values, roughly: its key, its place in the table, its lists."""

DISK_SECONDS = 0.2
DISK_SPEED = 200e6
"""A step that took less than so many seconds, and a second more for so many bytes, is sooner done than kept on disk."""

REMEMBERED = 250_000
"""Node ids whose last records are kept; beyond it only those of the last run are, and plans say "first run" again."""

Outputs = tuple[list[object], ...]
"""One list for each output of a node: its items, one for each call of the node, or all that a listed one gave."""

Models = frozenset[tuple[FileRef, str]]
"""Files that a value depends on: models, each with the type it was computed in, and pictures that were loaded."""

NO_MODELS: Models = frozenset()

Digests = frozenset[tuple[str, str]]
"""Content keys of steps, each with the digest of what the step gave."""

NO_DIGESTS: Digests = frozenset()


class Entry(NamedTuple):
    """What one step left behind. saved: paths of the files it wrote. loras: how those that it loaded fit.

    digests: of its outputs and of those it comes from, by content key, where weights were used and a digest can be made
    (see engine.running.digests).
    """

    outputs: Outputs
    models: Models = NO_MODELS
    saved: tuple[str, ...] = ()
    loras: tuple[LoraReport, ...] = ()
    digests: Digests = NO_DIGESTS


@dataclass(slots=True)
class CacheStats:
    """Counts since the cache was made; entries and bytes are those held now, in memory.

    restored: of the hits, those that came from disk. stored: entries that went there.
    """

    entries: int = 0
    bytes: int = 0
    hits: int = 0
    misses: int = 0
    dropped: int = 0
    restored: int = 0
    stored: int = 0


class OutputCache:
    """Outputs by content key, and what each node id's last key was made of. limit: bytes in memory, estimated."""

    def __init__(self, limit: int = DEFAULT_LIMIT, disk: "DiskCache | None" = None) -> None:
        """Empty in memory. disk: the second level; whoever opened it closes it."""
        self.limit = limit
        self.disk = disk
        self.stats = CacheStats()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._records: dict[str, StepRecord] = {}

    def has(self, key: str) -> bool:
        """Whether the outputs of that key are there, and every file they wrote still is."""
        return self._held(key) is not None or (self.disk is not None and self.disk.has(key))

    def lies_on_disk(self, key: str) -> bool:
        """Whether the outputs of that key are there, but not in memory."""
        return self.disk is not None and self._held(key) is None and self.disk.has(key)

    def lost(self, key: str) -> str | None:
        """Why outputs that were once there are not, in words; None if they are."""
        if self.has(key):
            return None
        entry = self._entries.get(key)
        gone = next((path for path in entry.saved if not os.path.exists(path)), None) if entry else None
        return f"{gone} is gone" if gone else "no longer in the cache"

    def get(self, key: str) -> Entry | None:
        """The entry of that key if `has` it, most recently used from now on; None also if the disk has spoiled it."""
        entry = self._held(key)
        if entry is not None:
            self._entries.move_to_end(key)
        elif self.disk is not None and (found := self.disk.get(key)) is not None:
            entry = _entry_of(found)
            self._hold(key, entry, size_of(entry.outputs))
            self.stats.restored += 1
        self.stats.hits += entry is not None
        self.stats.misses += entry is None
        return entry

    def put(self, key: str, entry: Entry, class_type: str = "", seconds: float = 0.0, worth: bool = False) -> None:
        """Keep an entry, and let go of the least recently used ones until all fit. One that never fits is not kept.

        It is kept on disk too if it wrote no files and making it again would take longer than reading it. seconds: it
        took. worth: it computed with weights, which would have to be loaded.
        """
        size = size_of(entry.outputs)
        self._hold(key, entry, size)
        if self.disk is None or entry.saved or not (worth or seconds > DISK_SECONDS + size / DISK_SPEED):
            return
        self.stats.stored += self.disk.put(key, class_type, entry.outputs, _about(entry), seconds)

    def _held(self, key: str) -> Entry | None:
        """What memory holds of that key, if the files it wrote are still there."""
        entry = self._entries.get(key)
        return entry if entry is not None and all(map(os.path.exists, entry.saved)) else None

    def _hold(self, key: str, entry: Entry, size: int) -> None:
        """Keep an entry in memory. size: of its values, in bytes."""
        self.drop(key)
        size += ENTRY_BYTES
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
        """Forget one entry in memory, if it is there."""
        if self._entries.pop(key, None) is not None:
            self.stats.bytes -= self._sizes.pop(key)
            self.stats.entries = len(self._entries)

    def clear(self) -> None:
        """Forget all entries in memory; the records of what ran last stay, for the reasons of the next plan."""
        self._entries.clear()
        self._sizes.clear()
        self.stats.entries = self.stats.bytes = 0

    def last(self, node: str) -> StepRecord | None:
        """The record of this node id when it last ran."""
        return self._records.get(node)

    @property
    def remembered(self) -> int:
        """How many node ids have a record."""
        return len(self._records)

    def remember(self, records: Mapping[str, StepRecord]) -> None:
        """Keep the records of steps that are done, by node id."""
        self._records.update(records)
        if len(self._records) > REMEMBERED:
            self._records = dict(records)


def _about(entry: Entry) -> dict[str, Any]:
    """What an entry is besides its outputs and files, as JSON."""
    models = sorted([ref.folder, ref.name, ref.path, ref.fingerprint, kind] for ref, kind in entry.models)
    return {"models": models, "loras": [lora.model_dump() for lora in entry.loras], "digests": sorted(entry.digests)}


def _entry_of(found: "Found") -> Entry:
    """An entry as it was before it went to disk."""
    models = frozenset((FileRef(*ref), kind) for *ref, kind in found.about["models"])
    loras = tuple(LoraReport(**lora) for lora in found.about["loras"])
    digests = frozenset((key, digest) for key, digest in found.about["digests"])
    return Entry(found.outputs, models, (), loras, digests)
