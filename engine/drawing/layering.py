"""Places for nodes that have none: in columns from left to right, each near the ones that it is linked with."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import TypeAlias

import networkx as nx

Size = tuple[float, float]
Graph: TypeAlias = "nx.DiGraph[str]"

ACROSS, DOWN = 90.0, 70.0
"""Between columns, and between the nodes of one."""
SWEEPS = 6
LEAST_COLUMN = 2_400.0
"""Height up to which a column is never cut into several."""

LEAST_BAND = 12_000.0
"""Width up to which columns stand in one row."""


def places(graph: Graph, sizes: Mapping[str, Size]) -> dict[str, tuple[float, float]]:
    """The upper left corner of each node.

    graph: edges from what makes a value to what reads it, with `at`: how far down the reader, 0 to 1, the link ends;
    cycles may be there. Parts that have no link with one another stand side by side and one below the other.
    n log n in nodes and links.
    """
    found: dict[str, tuple[float, float]] = {}
    parts = [_part(graph.subgraph(names), sizes) for names in nx.weakly_connected_components(graph)]
    parts.sort(key=lambda part: -len(part[0]))
    room = max([sqrt(2 * sum(width * height for _, width, height in parts)), *(width for _, width, _ in parts)])
    left = top = tallest = 0.0
    for placed, width, height in parts:
        if left and left + width > room:
            left, top, tallest = 0.0, top + tallest + DOWN, 0.0
        found.update({name: (x + left, y + top) for name, (x, y) in placed.items()})
        left += width + ACROSS
        tallest = max(tallest, height)
    return found


def _part(graph: Graph, sizes: Mapping[str, Size]) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Places for one connected part, with its width and height."""
    columns = [column for layer in _ordered(graph, _layers(graph)) for column in _cut(layer, sizes, graph)]
    tops = {name: top for column in columns for name, top in _stacked(column, sizes).items()}
    for index in range(SWEEPS):
        for column in columns if index % 2 == 0 else reversed(columns):
            tops.update(_drawn_near(column, graph, sizes, tops))
    return _banded(columns, tops, sizes)


def _banded(
    columns: Sequence[Sequence[str]], tops: Mapping[str, float], sizes: Mapping[str, Size]
) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Columns side by side; long rows of them broken into bands one below the other, as lines of a text are."""
    widths = [max(sizes[name][0] for name in column) + ACROSS for column in columns]
    heights = [max(tops[name] + sizes[name][1] for name in column) - tops[column[0]] for column in columns]
    area = sum(width * (height + DOWN) for width, height in zip(widths, heights, strict=True))
    longest = max(LEAST_BAND, sqrt(area) * 1.6)
    bands: list[list[int]] = [[]]
    left = 0.0
    for index, width in enumerate(widths):
        if bands[-1] and left + width > longest:
            bands.append([])
            left = 0.0
        bands[-1].append(index)
        left += width
    placed: dict[str, tuple[float, float]] = {}
    down, widest = 0.0, 0.0
    for band in bands:
        highest = min(tops[columns[index][0]] for index in band)
        left = 0.0
        for index in band:
            placed.update({name: (left, tops[name] - highest + down) for name in columns[index]})
            left += widths[index]
        widest = max(widest, left - ACROSS)
        down = max(placed[name][1] + sizes[name][1] for index in band for name in columns[index]) + 2 * DOWN
    return placed, widest, down - 2 * DOWN


def _layers(graph: Graph) -> list[list[str]]:
    """Nodes by the longest way to them; what has no inputs stands just before its first reader, cycles in one layer."""
    whole = nx.condensation(graph)
    depth: dict[int, int] = {}
    order = [sorted(layer) for layer in nx.topological_generations(whole)]
    for index, layer in enumerate(order):
        depth |= dict.fromkeys(layer, index)
    for part in order[0] if order else []:
        readers = [depth[reader] for reader in whole.successors(part)]
        depth[part] = min(readers) - 1 if readers else 0
    layers: list[list[str]] = [[] for _ in order]
    part_of = whole.graph["mapping"]
    for name in graph:
        layers[depth[part_of[name]]].append(name)
    return [layer for layer in layers if layer]


def _ordered(graph: Graph, layers: list[list[str]]) -> list[list[str]]:
    """Each layer sorted by where its nodes' neighbours stand in theirs (barycenters), there and back some times."""
    rank = {name: index for layer in layers for index, name in enumerate(layer)}
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for layer in layers if forth else reversed(layers):
            near = graph.pred if forth else graph.succ
            centre = {
                name: sum(rank[other] + (0.0 if forth else edge["at"]) for other, edge in near[name].items())
                / len(near[name])
                for name in layer
                if near[name]
            }
            layer.sort(key=lambda name: centre.get(name, rank[name]))
            rank |= {name: index for index, name in enumerate(layer)}
    return layers


def _cut(layer: Sequence[str], sizes: Mapping[str, Size], graph: Graph) -> list[list[str]]:
    """One layer as columns that are not much higher than the whole part is wide."""
    area = sum(width * height for width, height in (sizes[name] for name in graph)) if len(layer) > 12 else 0.0
    highest = max(LEAST_COLUMN, sqrt(area) * 1.2)
    columns: list[list[str]] = [[]]
    used = 0.0
    for name in layer:
        height = sizes[name][1] + DOWN
        if columns[-1] and used + height > highest:
            columns.append([])
            used = 0.0
        columns[-1].append(name)
        used += height
    return columns


def _stacked(column: Sequence[str], sizes: Mapping[str, Size]) -> dict[str, float]:
    """Tops of a column's nodes, one close below the other, the middle at 0."""
    height = sum(sizes[name][1] + DOWN for name in column) - DOWN
    found, top = {}, -height / 2
    for name in column:
        found[name] = top
        top += sizes[name][1] + DOWN
    return found


def _drawn_near(
    column: Sequence[str], graph: Graph, sizes: Mapping[str, Size], tops: Mapping[str, float]
) -> dict[str, float]:
    """Tops that bring each node of a column near its neighbours, in the same order and without overlap.

    Least squares under an order is isotonic regression: neighbours that would collide are pooled.
    """
    offset = 0.0
    offsets, pools = [], []  # a pool: sum of wishes, how many
    for name in column:
        near = [*graph.pred[name], *graph.succ[name]]
        middles = [tops[other] + sizes[other][1] / 2 for other in near if other != name]
        wish = sum(middles) / len(middles) - sizes[name][1] / 2 if middles else tops[name]
        offsets.append(offset)
        pools.append((wish - offset, 1))
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] > pools[-1][0] * pools[-2][1]:
            total, count = pools.pop()
            pools[-1] = (pools[-1][0] + total, pools[-1][1] + count)
        offset += sizes[name][1] + DOWN
    bases = [total / count for total, count in pools for _ in range(count)]
    return {name: base + down for name, base, down in zip(column, bases, offsets, strict=True)}
