"""Order: which node after which, so that big models are held shortest.

Weights are not loaded by loaders, which only write recipes, but by the nodes that use a recipe: an encoder of text, a
sampler, a decoder. So the nodes that use one set of weights are brought together, each set is entered once as far as
links allow, and sets are entered by stage: text encoders before autoencoders before diffusion models. Everything else
(loaders, recipes, pictures, numbers) is done at the last moment before it is needed, and an output node at the first
moment when nothing that uses weights is missing: a finished picture is saved, and out of memory, before the next.

Ties are broken depth-first from the outputs, in the order in which outputs and inputs are given; so the same graph is
always run in the same order. O(E + N log N), without recursion.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush

from engine.graph.values import BoundNode
from schemas.sockets import ANY

STAGES: Mapping[str, int] = {"CLIP": 0, "CLIP_VISION": 0, "VAE": 1, "UPSCALE_MODEL": 1, "MODEL": 2, "GUIDER": 2}
"""Socket types that stand for weights, by the stage at which the nodes that use them are run."""

CARRIED: Mapping[str, str] = {"GUIDER": "MODEL"}
"""Socket types whose weights come from a wire of another type."""

Weights = tuple[str, int]
"""One set of weights, named by the output it comes from first: (node id, slot)."""


def order(bound: Mapping[str, BoundNode], targets: Iterable[str]) -> list[str]:
    """The targets and all that they depend on, each node after those it reads.

    Raises ValueError, naming a member, if links run in a circle; `engine.graph` refuses such graphs before.
    """
    outputs = list(dict.fromkeys(targets))
    base = missing_before(bound, outputs)
    classes = {id(bound[name].spec): bound[name].spec for name in base}.values()
    if not any(output.socket in STAGES for spec in classes for output in spec.outputs):
        return base
    return _grouped(bound, base, outputs, weights_users(bound, base))


def missing_before(bound: Mapping[str, BoundNode], targets: Iterable[str], known: Container[str] = ()) -> list[str]:
    """The targets and all that they depend on and is not known, depth-first, inputs before their readers.

    Raises ValueError, naming a member, if links run in a circle.
    """
    done: set[str] = set()
    open_nodes: set[str] = set()
    found: list[str] = []
    for target in targets:
        if target in done or target in known:
            continue
        path: list[tuple[str, Iterator[str]]] = [(target, _parents(bound[target]))]
        open_nodes.add(target)
        while path:
            node, rest = path[-1]
            for parent in rest:
                if parent in done or parent in known:
                    continue
                if parent in open_nodes:
                    raise ValueError(f"links run in a circle through node {parent}")
                open_nodes.add(parent)
                path.append((parent, _parents(bound[parent])))
                break
            else:
                path.pop()
                open_nodes.discard(node)
                done.add(node)
                found.append(node)
    return found


def _parents(node: BoundNode) -> Iterator[str]:
    return (link.node for link in node.links.values())


def weights_users(bound: Mapping[str, BoundNode], base: Iterable[str]) -> dict[str, tuple[int, Weights]]:
    """The nodes that compute with weights: their stage, and which weights. Handing weights on is not computing.

    What comes out of a switch, of any type, is taken for the first weights that go in.
    """
    origins: dict[Weights, Weights] = {}
    sockets: dict[Weights, str] = {}
    users: dict[str, tuple[int, Weights]] = {}
    for name in base:
        node = bound[name]
        carried: dict[str, Weights] = {}
        for link in node.links.values():
            socket = sockets.get((link.node, link.slot))
            if socket is not None:
                carried.setdefault(socket, origins[link.node, link.slot])
        first = next(iter(carried), ANY)
        kinds = [first if output.socket == ANY else output.socket for output in node.spec.outputs]
        given = [(slot, socket) for slot, socket in enumerate(kinds) if socket in STAGES]
        sockets |= {(name, slot): socket for slot, socket in given}
        for slot, socket in given:
            origin = carried.get(socket) or carried.get(CARRIED.get(socket, ""))
            origins[name, slot] = origin or (name, slot)
        if carried and not given:
            socket = max(carried, key=STAGES.__getitem__)
            users[name] = (STAGES[socket], carried[socket])
    return users


def _grouped(
    bound: Mapping[str, BoundNode],
    base: Sequence[str],
    targets: Sequence[str],
    users: Mapping[str, tuple[int, Weights]],
) -> list[str]:
    """The base order, with the users of one set of weights brought together and outputs finished early."""
    ready = _ReadyItems({name: rank for rank, name in enumerate(base)}, users)
    items = users.keys() | set(targets)
    readers: dict[str, list[str]] = defaultdict(list)
    waiting: dict[str, int] = {}
    for name in base:
        parents = list(_parents(bound[name]))
        waiting[name] = len(parents)
        for parent in parents:
            readers[parent].append(name)
    settled = [name for name in reversed(base) if not waiting[name]]
    emitted: set[str] = set()
    found: list[str] = []
    while settled or ready:
        # Nodes that use no weights cost nothing: they settle as soon as they could run, and are emitted when needed.
        if settled:
            name = settled.pop()
            if name in items:
                ready.push(name)
                continue
        else:
            name = ready.pop()
            _emit(bound, name, emitted, found)
        for reader in readers[name]:
            waiting[reader] -= 1
            if not waiting[reader]:
                settled.append(reader)
    return found


def _emit(bound: Mapping[str, BoundNode], target: str, emitted: set[str], found: list[str]) -> None:
    """Append a node behind those of its ancestors that are not there yet."""
    path = [(target, _parents(bound[target]))]
    emitted.add(target)
    while path:
        node, rest = path[-1]
        parent = next((parent for parent in rest if parent not in emitted), None)
        if parent is None:
            path.pop()
            found.append(node)
        else:
            emitted.add(parent)
            path.append((parent, _parents(bound[parent])))


class _ReadyItems:
    """The nodes worth choosing among that could run now: outputs first, then users of the weights in use."""

    def __init__(self, ranks: Mapping[str, int], users: Mapping[str, tuple[int, Weights]]) -> None:
        self._ranks = ranks
        self._users = users
        self._finishing: list[tuple[int, str]] = []
        self._groups: dict[Weights, list[tuple[int, str]]] = defaultdict(list)
        self._entries: list[tuple[int, int, Weights]] = []
        self._in_use: Weights | None = None

    def __bool__(self) -> bool:
        return bool(self._finishing or self._entries)

    def push(self, name: str) -> None:
        rank = self._ranks[name]
        if name not in self._users:
            heappush(self._finishing, (rank, name))
            return
        stage, weights = self._users[name]
        heappush(self._groups[weights], (rank, name))
        heappush(self._entries, (stage, rank, weights))

    def pop(self) -> str:
        if self._finishing:
            return heappop(self._finishing)[1]
        group = self._groups.get(self._in_use) if self._in_use else None
        if not group:
            self._in_use = self._entries[0][2]
            group = self._groups[self._in_use]
        name = heappop(group)[1]
        while self._entries and not self._live(self._entries[0]):
            heappop(self._entries)
        return name

    def _live(self, entry: tuple[int, int, Weights]) -> bool:
        """Whether this entry stands for the first node of its group that still waits."""
        group = self._groups[entry[2]]
        return bool(group) and group[0][0] <= entry[1]
