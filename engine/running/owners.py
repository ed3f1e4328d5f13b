"""Owners: whose the steps of a run are: one graph's, or several graphs' that were merged and end one by one."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from engine.errors import NodeFailed
from engine.planning.merging import Merged
from engine.running.context import Services
from schemas.prompt import Prompt


class Alone:
    """One graph owns every step, and one failure is the end of it."""

    def __init__(self, prompt: Prompt, services: Services, targets: Collection[str]) -> None:
        """targets: the steps that are wanted."""
        self._nodes, self._services, self._targets = prompt.nodes, services, targets

    def services(self, step: str) -> Services:
        """The same for all."""
        return self._services

    def node(self, step: str) -> str:
        """Steps are nodes."""
        return step

    def known_as(self, step: str) -> str | None:
        """What its record is remembered as, for the next plan."""
        return step

    def title(self, step: str) -> str | None:
        """As the graph has it."""
        return self._nodes[step].title if step in self._nodes else None

    def done(self, step: str) -> None:
        """Nothing is to be done."""

    def failed(self, step: str, given_up: Collection[str], cause: NodeFailed) -> Iterable[str]:
        """Raises the cause."""
        try:
            raise cause
        finally:
            del cause  # or this frame, which its traceback keeps, would keep it in turn, and with it the node's tensors

    def wanted(self) -> Collection[str]:
        """All targets."""
        return self._targets


@dataclass
class Member:
    """One of several graphs that run together. left: targets that are not done. steps: by node id."""

    graph: int
    prompt: Prompt
    services: Services = field(init=False)
    left: set[str] = field(default_factory=set)
    steps: dict[str, str] = field(default_factory=dict)


class Together:
    """Merged graphs, each of which ends by itself. ended: told of each end, with the failure if it is one."""

    def __init__(
        self, merged: Merged, members: Mapping[int, Member], ended: Callable[[Member, NodeFailed | None], None]
    ) -> None:
        """members: by the numbers that the graphs have in `merged`; they are given their targets and steps here."""
        self._places, self._members, self._ended = merged.places, members, ended
        self._wanting: dict[str, Member] = {}
        for graph, targets in merged.targets.items():
            members[graph].left.update(targets)
            self._wanting |= dict.fromkeys(targets, members[graph])
        for step, places in merged.places.items():
            for graph, node in places:
                members[graph].steps[node] = step

    def services(self, step: str) -> Services:
        """Those of the first graph that has the step and goes on."""
        return self._owner(step)[0].services

    def node(self, step: str) -> str:
        """Its id in that graph."""
        return self._owner(step)[1]

    def known_as(self, step: str) -> str | None:
        """Its id in the first graph; of its own name, graphs that come and go would leave ever more behind."""
        return self._places[step][0][1] if step in self._places else None

    def title(self, step: str) -> str | None:
        """Its title in that graph."""
        member, node = self._owner(step)
        return _title(member, node)

    def done(self, step: str) -> None:
        """A graph whose last target this is ends."""
        member = self._wanting.pop(step, None)
        if member is not None:
            member.left.discard(step)
            if not member.left:
                self._ended(member, None)

    def failed(self, step: str, given_up: Collection[str], cause: NodeFailed) -> list[str]:
        """End the graphs whose targets will not be done; their other targets."""
        fallen = {member.graph: member for name in given_up if (member := self._wanting.get(name)) is not None}
        unwanted: list[str] = []
        for _, member in sorted(fallen.items()):
            for name in member.left:
                del self._wanting[name]
            unwanted += member.left
            member.left.clear()
            self._ended(member, self._seen_from(member, step, cause))
        return unwanted

    def unfinished(self) -> list[Member]:
        """The graphs that are not over."""
        return [member for member in self._members.values() if member.left]

    def wanted(self) -> Collection[str]:
        """The targets of graphs that go on."""
        return self._wanting.keys()

    def _owner(self, step: str) -> tuple[Member, str]:
        places = self._places[step]
        graph, node = next((place for place in places if self._members[place[0]].left), places[0])
        return self._members[graph], node

    def _seen_from(self, member: Member, step: str, cause: NodeFailed) -> NodeFailed:
        """The failure of a shared step, with the name that it has in one of its graphs."""
        node = next((node for graph, node in self._places[step] if graph == member.graph), cause.node)
        if node == cause.node or cause.__cause__ is None:
            return cause
        seen = NodeFailed(node, _title(member, node), cause.class_type, cause.__cause__)
        seen.__cause__ = cause.__cause__
        return seen


def _title(member: Member, node: str) -> str | None:
    return member.prompt.nodes[node].title if node in member.prompt.nodes else None
