"""Mermaid: a graph as the text of a flowchart, which README files show as a picture."""

import re
from collections.abc import Iterator, Sequence

from engine.drawing.rows import NOTES
from engine.drawing.scene import INPUT_SIDE, OUTPUT_SIDE, Box, Panel, Socket, Wire
from engine.reading.printable import printable

MOST_NODES = 2_000
"""Nodes after which subgraphs are no longer drawn from the inside, since each may hold others several times."""
DEEPEST = 20
LONGEST = 80
"""Characters of a title."""
STYLES = {
    "muted": "opacity:0.45",
    "bypassed": "fill:#7a2a96,color:#fff",
    "failed": "stroke:#e84040,stroke-width:3px",
    "socket": "stroke-dasharray:3 3",
}
_SPECIAL = re.compile(r"[^\w\s.,:;!?/+*=%'@~^$()\[\]-]")


def mermaid(panels: Sequence[Panel]) -> str:
    """The first panel as a flowchart, the others inside the nodes that stand for them, in the order of the file.

    Notes, which are linked with nothing, are left out.
    """
    lines = list(_Writer(panels).lines())
    used = [name for name in STYLES if any(line.endswith((f":::{name}", f" {name}")) for line in lines)]
    return "\n".join(["flowchart LR", *lines, *(f"    classDef {name} {STYLES[name]}" for name in used)])


class _Writer:
    """Writes a subgraph once for every node that stands for it, up to MOST_NODES nodes."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._root = panels[0]
        self._inside = {panel.id: panel for panel in panels[1:] if panel.id is not None}
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._written = 0

    def lines(self) -> Iterator[str]:
        """The lines between the head and the styles."""
        waiting: list[str | tuple[Panel, str, tuple[str, ...]]] = [(self._root, "", ())]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                yield item
            else:
                waiting += reversed(list(self._panel(*item)))

    def _panel(
        self, panel: Panel, way: str, above: tuple[str, ...]
    ) -> Iterator[str | tuple[Panel, str, tuple[str, ...]]]:
        """The lines of one graph, with the subgraphs in it still to be written. above: those that it is in."""
        space = "    " * (len(above) + 1)
        opened: dict[str, Panel] = {}
        for box in panel.boxes.values():
            inner = self._inside.get(box.opens or "") if box.opens not in above else None
            if box.kind in NOTES:
                continue
            if inner is None or self._written > MOST_NODES or len(above) >= DEEPEST:
                yield from (space + line for line in self._node(way, box))
                continue
            opened[box.id] = inner
            self._written += len(inner.boxes)
            name = self._name(way + box.id)
            yield f'{space}subgraph {name}["{_plain(box.title)}"]'
            yield inner, f"{way}{box.id}:", (*above, box.opens or "")
            yield f"{space}end"
            if box.state:
                yield f"{space}class {name} {box.state}"
        for wire in panel.wires:
            yield space + self._wire(panel, way, wire, opened)

    def _node(self, way: str, box: Box) -> Iterator[str]:
        name = self._name(way + box.id)
        style = "failed" if box.mark and box.mark.failed else box.state
        styled = f":::{style}" if style else ""
        if box.look == "face":
            for index, socket in enumerate(box.inputs or box.outputs):
                yield f'{self._name(f"{way}{box.id}.{index}")}(["{_plain(socket.name)}"]):::socket'
        elif box.look == "bare":
            yield f'{name}((" ")){styled}'
        else:
            below = f"<br/><small>{_plain(box.kind)}</small>" if box.kind and box.kind != box.title else ""
            yield f'{name}["{_plain(box.title)}{below}"]{styled}'

    def _wire(self, panel: Panel, way: str, wire: Wire, opened: dict[str, Panel]) -> str:
        origin, target = panel.boxes[wire.origin], panel.boxes[wire.target]
        socket = origin.outputs[wire.origin_slot]
        begin = _end(way, origin, OUTPUT_SIDE, socket, wire.origin_slot, opened.get(origin.id))
        end = _end(way, target, INPUT_SIDE, target.inputs[wire.target_slot], wire.target_slot, opened.get(target.id))
        kind = next((kind for kind in (wire.type, socket.type) if kind and kind != "*"), "")
        between = f'-- "{_plain(kind)}" -->' if kind else "-->"
        return f"{self._name(begin)} {between} {self._name(end)}"

    def _name(self, way: str) -> str:
        """A name that mermaid can read, for an id with those around it; never the same for two."""
        if way not in self._names:
            wanted = "n" + re.sub(r"[^A-Za-z0-9]", "_", way)[:60]
            name, number = wanted, len(self._taken)
            while name in self._taken:
                name, number = f"{wanted}__{number}", number + 1
            self._taken.add(name)
            self._names[way] = name
        return self._names[way]


def _end(way: str, box: Box, side: str, socket: Socket, slot: int, inner: Panel | None) -> str:
    """Where a link ends: at a node, at a socket of a subgraph's face, or at the face inside a node."""
    if box.look == "face":
        return f"{way}{box.id}.{slot}"
    face = inner.boxes.get(side) if inner is not None else None
    if face is None:
        return way + box.id
    keys = [each.key for each in (face.inputs or face.outputs)]
    place = keys.index(socket.key) if socket.key in keys else slot
    return f"{way}{box.id}:{side}.{place}" if place < len(keys) else way + box.id


def _plain(text: str) -> str:
    """A text without what means something to mermaid or HTML, which stands as the number of its character."""
    line = " ".join(printable(text[: LONGEST * 2]).split())
    line = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", line) or " "
