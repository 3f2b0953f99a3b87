"""Columns of a sankey: from the Internet at the left to who talks with nobody outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from vpcflow.api.rest.graph_ends import End
from vpcflow.api.rest.graph_links import Link

#: The last column.
LAYER_LAST: Final = 4
_OUTSIDE: Final = frozenset({"internet", "service", "network"})


@dataclass(frozen=True, slots=True)
class Layered:
    """Where nodes stand, from the left, and which way links go.

    Shape: ``order`` has no two nodes at the same place: links that all go from lower to higher make
    no cycle. ``kept`` are the links whose ends are in different columns.
    """

    layers: dict[str, int]
    order: dict[str, int]
    kept: set[tuple[str, str]]


def layered(nodes: dict[str, End], links: Sequence[Link]) -> Layered:
    """Columns for nodes, the largest links first: what does not fit is left out of ``kept``."""
    net = dict.fromkeys(nodes, 0)
    outside = {key for key, node in nodes.items() if node.kind in _OUTSIDE}
    edge = set()
    for link in links:
        net[link.a] += link.a_to_b - link.b_to_a
        net[link.b] += link.b_to_a - link.a_to_b
        if (link.a in outside) != (link.b in outside):
            edge.add(link.b if link.a in outside else link.a)

    def place(key: str) -> tuple[int, int, str]:
        zone = 0 if key in outside else 1 if key in edge else 2
        return (zone, -net[key], key)

    order = {key: number for number, key in enumerate(sorted(nodes, key=place))}
    columns = _Columns({key: place(key)[0] for key in nodes})
    kept = {
        (link.a, link.b)
        for link in links
        if link.a != link.b and columns.fits(*sorted((link.a, link.b), key=order.__getitem__))
    }
    return Layered(columns.layers, order, kept)


@dataclass(slots=True)
class _Columns:
    """Columns so far; a link pushes its right end, and whoever is behind it, to the right."""

    layers: dict[str, int]
    _behind: dict[str, list[str]] = field(default_factory=dict)

    def fits(self, left: str, right: str) -> bool:
        moved: dict[str, int] = {}
        waiting = [(right, self.layers[left] + 1)]
        while waiting:
            key, layer = waiting.pop()
            if moved.get(key, self.layers[key]) >= layer:
                continue
            if layer > LAYER_LAST:
                return False
            moved[key] = layer
            waiting += [(one, layer + 1) for one in self._behind.get(key, ())]
        self.layers.update(moved)
        self._behind.setdefault(left, []).append(right)
        return True
