"""An accumulation on a graph, one step after another: what is known after each, and along which edges it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.graph import Edge, Graph, Node


class Step(NamedTuple):
    """A node, and the edges along which something came to it."""

    node: int
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A graph after so many steps.

    Attributes
    ----------
    step : int
    steps : list of Step
        All that there are. Backwards each takes one edge, forwards one node with the edges that lead to it.
    used : frozenset of int
        The edges that were taken, those of the last step among them.
    reached : dict of (int, str) to tuple
        What has come to each value so far, by node and name: backwards cotangents, forwards tangents. Of a sum to which
        something is still to be added, the numbers so far; None where they are no single numbers.
    waiting : dict of (int, str) to int
        How many edges are still to bring something to it.
    """

    step: int
    steps: list[Step]
    used: frozenset[int]
    reached: dict[tuple[int, str], tuple[Any, ...]]
    waiting: dict[tuple[int, str], int]

    @property
    def now(self) -> Step | None:
        """The last step."""
        return self.steps[self.step - 1] if self.step else None


def steps_of(graph: Graph) -> list[Step]:
    """The steps of the accumulation that a graph shows; of the evaluation, if it shows none."""
    leading: list[list[int]] = [[] for _ in graph.nodes]
    for k, edge in enumerate(graph.edges):
        leading[edge.target].append(k)
    if graph.mode != "reverse":
        return [Step(k, tuple(leading[k])) for k, node in enumerate(graph.nodes) if node.first]
    return [
        Step(graph.edges[k].source, (k,))
        for target in reversed(range(len(graph.nodes)))
        if any(part is not None for value in graph.nodes[target].values for part in value.moved)
        for k in leading[target]
        if not is_constant(graph.edges[k])
    ]


def is_constant(edge: Edge) -> bool:
    """Whether nothing ever moves along an edge."""
    return isinstance(edge.partial, str) and edge.partial == "constant"


def contribution(graph: Graph, edge: Edge, seed: int) -> Any:
    """What an edge brings back to its source, if that is the product of two numbers; else None.

    It is more where the values of the source come from one another, and less where only its real part counts, or
    where nothing was chosen and the partial derivative is infinite.
    """
    if _is_entangled(graph.nodes[edge.source]):
        return None
    moved = graph.nodes[edge.target].values[0].moved[seed]
    if isinstance(edge.partial, str | None) or moved is None or np.ndim(edge.partial) or np.ndim(moved):
        return None
    with np.errstate(all="ignore"):
        part = edge.partial * moved
    (real,) = (np.isrealobj(v.value) for v in graph.nodes[edge.source].values if v.name == edge.name)
    return part if np.isfinite(part) and (np.isrealobj(part) or not real) else None


def _is_entangled(node: Node) -> bool:
    """Whether its values may come from one another."""
    return node.first > 0 and node.kind == "group" and len(node.values) > 1


def state_after(graph: Graph, step: int) -> State:
    """What is known after so many steps.

    Raises
    ------
    DiffmagicError
        If there are not so many.
    """
    steps = steps_of(graph)
    if not 0 <= step <= len(steps):
        raise DiffmagicError(f"there is no step {step}: the last is {len(steps)}", rewrite=f"step {len(steps)}")
    taken = steps[:step]
    used = frozenset(k for each in taken for k in each.edges)
    reached: dict[tuple[int, str], tuple[Any, ...]] = {}
    waiting: dict[tuple[int, str], int] = {}
    arrived = {each.node for each in taken}
    ways: dict[tuple[int, str], list[int]] = {}
    for each in steps if graph.mode == "reverse" else []:
        for k in each.edges:
            source = graph.nodes[graph.edges[k].source]
            for value in source.values:
                if value.name == graph.edges[k].name or _is_entangled(source):
                    ways.setdefault((graph.edges[k].source, value.name), []).append(k)
    for k, node in enumerate(graph.nodes):
        for value in node.values:
            place = k, value.name
            coming = ways.get(place, [])
            come = [graph.edges[e] for e in coming if e in used]
            waiting[place] = len(coming) - len(come)
            if graph.mode != "reverse":
                if k in arrived or not node.first:
                    reached[place] = value.moved
            elif not waiting[place] and (come or value.result):
                reached[place] = value.moved
            elif come or value.result:
                parts = [[contribution(graph, edge, c) for edge in come] for c in range(len(graph.seeds))]
                whole = not value.result and all(part is not None for row in parts for part in row)
                reached[place] = tuple(sum(row[1:], row[0]) if whole else None for row in parts)
    return State(step, steps, used, reached, waiting)
