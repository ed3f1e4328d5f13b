"""Flow: which node can run next, who waits for whom, and which values somebody will still read.

A node is *expected* while it may still run, and then counts as a reader of everything it links to. It is *started* once
something really needs it, and *ready* when everything it waits for is there. Values are let go at the moment their last
expected reader is done; an expected node that nobody can ask for any more is expected no longer, and so on upstream.
All of it in dictionaries and loops: a chain of any length needs no recursion.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from heapq import heappop, heappush
from typing import Protocol

from engine.graph.values import BoundNode
from engine.planning.wires import Wires
from engine.running.cache import Entry

Rank = int
"""Among nodes that are ready, the smallest runs first. See `rank`."""

_GRAFTS_BITS, _INDEX_BITS = 32, 32


class Holds(Protocol):
    """What the flow tells the ledger: which weights some later step may still use, counted by holders."""

    def hold(self, key: tuple[str, ...]) -> None:
        """A value that stands for these weights is there."""

    def release(self, key: tuple[str, ...]) -> None:
        """A value that stood for these weights is gone."""


def rank(place: int, grafts: int = 0, index: int = 0) -> Rank:
    """The rank of a node at a place of the plan, or of one grafted into it.

    grafts: how many grafts were made so far, this one included; index: the node's among those of its graft. What was
    grafted last goes first, and all of it before the node it came from.
    """
    return (place << (_GRAFTS_BITS + _INDEX_BITS)) - (grafts << _INDEX_BITS) + index


def place_of(rank: Rank) -> int:
    """The place of the plan that a rank belongs to."""
    return -(-rank >> (_GRAFTS_BITS + _INDEX_BITS))


class Flow:
    """The state of one run. bound: all nodes by id; may grow. restore: the cached outputs of a node, if there are."""

    def __init__(
        self, bound: Mapping[str, BoundNode], ledger: Holds | None, restore: Callable[[str], Entry | None]
    ) -> None:
        """Nothing is expected yet."""
        self.values: dict[str, Entry] = {}
        self.ranks: dict[str, Rank] = {}
        self._bound = bound
        self._ledger = ledger
        self._restore = restore
        self._wires = Wires()
        self._expected: set[str] = set()
        self._reads_instead: dict[str, tuple[str, ...]] = {}
        self._readers: dict[str, int] = {}
        self._pending: dict[str, int] = {}
        self._waiters: dict[str, list[str]] = {}
        self._ready: list[tuple[Rank, str]] = []
        self._held: dict[str, list[tuple[str, ...]]] = {}
        self._current: Rank = 0

    def expect(self, node: str) -> None:
        """This node may run: keep what it would read."""
        self._expected.add(node)
        for link in self._bound[node].links.values():
            self._readers[link.node] = self._readers.get(link.node, 0) + 1

    def provide(self, node: str, entry: Entry) -> None:
        """The values of a node that need not run, kept if any expected node reads them."""
        if self._readers.get(node):
            self._keep(node, entry)

    def recall(self, node: str) -> None:
        """The values of this node lie where they take room only once they are read: at its turn, it is ready."""
        self._reads_instead[node] = ()
        self._pending[node] = 0
        heappush(self._ready, (self.ranks[node], node))

    def recompute(self, node: str) -> None:
        """The values of a node that was to be recalled are gone: it has to run, and so has what it needs."""
        del self._pending[node], self._reads_instead[node]
        self.start(node)

    def is_read(self, node: str) -> bool:
        """Whether an expected node would read this one."""
        return node in self._readers

    def start(self, node: str) -> None:
        """This node has to run, and so has everything it needs whose values are not there."""
        stack = [node]
        while stack:
            name = stack.pop()
            if name in self._pending:
                continue
            if name not in self._expected:
                self.expect(name)
            self.ranks.setdefault(name, self._current)
            self._pending[name] = 0
            stack.extend(self._await(name, self._wires.strong(self._bound[name])))

    def ask(self, node: str, producers: Iterable[str]) -> None:
        """A started node that was ready needs more before it can go on."""
        for producer in self._await(node, producers):
            self.start(producer)

    def read_instead(self, node: str, producers: tuple[str, ...]) -> None:
        """A started node has read its inputs, and will read these nodes' outputs."""
        for producer in producers:
            self._readers[producer] = self._readers.get(producer, 0) + 1
        done = self._reads(node)
        self._reads_instead[node] = producers
        self._let_go(done)

    def next(self) -> str | None:
        """The ready node of the smallest rank, taken out; None if there is none."""
        while self._ready:
            self._current, node = heappop(self._ready)
            if node in self._pending:  # and not abandoned since it became ready
                return node
        return None

    def finish(self, node: str, entry: Entry) -> None:
        """A started node has its outputs: whoever waits for it comes nearer, and what only it read is let go."""
        del self._pending[node]
        if self._readers.get(node):
            self._keep(node, entry)
        for waiter in self._waiters.pop(node, ()):
            if waiter not in self._pending:  # abandoned while it waited
                continue
            self._pending[waiter] -= 1
            if not self._pending[waiter]:
                heappush(self._ready, (self.ranks[waiter], waiter))
        self._expected.discard(node)
        self._let_go(self._reads(node))

    def abandon(self, nodes: Iterable[str], keep: Container[str] = ()) -> list[str]:
        """Give started nodes up: they, what waits for them, and what only they would have read; all that was given up.

        keep: nodes that are wanted though nobody reads them.
        """
        stack, given_up = list(nodes), list[str]()
        while stack:
            node = stack.pop()
            if self._pending.pop(node, None) is None:
                continue
            given_up.append(node)
            self._expected.discard(node)
            stack += self._waiters.pop(node, ())
            unread = self._let_go(self._reads(node))
            stack += (producer for producer in unread if producer not in keep)
        return given_up

    def waiting(self) -> list[str]:
        """Started nodes that are not done. With none ready, they wait for one another."""
        return list(self._pending)

    def close(self) -> None:
        """Let go of everything."""
        for node in list(self.values):
            self._drop(node)

    def _reads(self, node: str) -> list[str]:
        """What an expected node counts as a reader of; asked once, when it does so no longer."""
        instead = self._reads_instead.pop(node, None)
        return [link.node for link in self._bound[node].links.values()] if instead is None else list(instead)

    def _await(self, node: str, producers: Iterable[str]) -> list[str]:
        """Make a started node wait for those values that are not there; the nodes that have to be started for it."""
        missing = [producer for producer in producers if producer not in self.values and not self._restored(producer)]
        self._pending[node] += len(missing)
        for producer in missing:
            self._waiters.setdefault(producer, []).append(node)
        if not missing:
            heappush(self._ready, (self.ranks[node], node))
        return missing

    def _restored(self, node: str) -> bool:
        """Bring the values of a node back that was not expected to be read again, if the cache has them."""
        if node in self._expected or node in self._pending:
            return False
        entry = self._restore(node)
        if entry is not None:
            self._keep(node, entry)
        return entry is not None

    def _let_go(self, producers: Iterable[str]) -> list[str]:
        """Count one reader less for each; drop what nobody reads, and expect no longer what nobody will ask for.

        Those that nobody reads any more although they are started: it may be that nobody wants them.
        """
        stack, unread = list(producers), list[str]()
        while stack:
            node = stack.pop()
            left = self._readers[node] - 1
            if left:
                self._readers[node] = left
                continue
            del self._readers[node]
            if node in self.values:
                self._drop(node)
            elif node in self._pending:
                unread.append(node)
            elif node in self._expected:
                self._expected.discard(node)
                stack += self._reads(node)
        return unread

    def _keep(self, node: str, entry: Entry) -> None:
        self.values[node] = entry
        if self._ledger is None:
            return
        for items in entry.outputs:
            for value in items:
                key = getattr(value, "storage_key", None)  # a recipe: it stands for weights
                if key is not None:
                    self._held.setdefault(node, []).append(key)
                    self._ledger.hold(key)

    def _drop(self, node: str) -> None:
        del self.values[node]
        if self._ledger is not None and node in self._held:
            for key in self._held.pop(node):
                self._ledger.release(key)
