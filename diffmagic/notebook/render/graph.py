"""A `Graph` as blocks: a picture, its table, and a step of the accumulation in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from diffmagic.core.graph import Edge, Graph
from diffmagic.core.graph_steps import State, contribution, is_constant
from diffmagic.notebook.render.blocks import Block, Picture, Table
from diffmagic.notebook.render.columns import width
from diffmagic.notebook.render.graph_layout import brief, so_far
from diffmagic.notebook.render.graph_picture import draw

_CARRIED = {"forward": ", the tangents", "reverse": ", the cotangents", "plain": ""}
_LISTED = 5
_WIDEST, _FEWEST = 60, 4


def graph_blocks(graph: Graph, digits: int = 8, state: State | None = None) -> list[Block]:
    """A graph, as a whole or as far as its accumulation is."""
    said = [told(graph, state, digits)] if state else []
    picture = Picture(
        partial(draw, graph, state, digits), " ".join([summary(graph, digits), *said]), table(graph, digits, state)
    )
    return [picture, *said]


def summary(graph: Graph, digits: int) -> str:
    """A graph in a sentence."""
    every = [(node, value) for node in graph.nodes for value in node.values]
    inputs = [value.name for node, value in every if not node.first and node.kind != "constant"]
    results = [f"{value.result} = {brief(value.value, digits)}" for _, value in every if value.result]
    count = sum(node.last - node.first + 1 for node in graph.nodes if node.first)
    operations = "1 operation" if count == 1 else f"{count} operations"
    return (
        f"Computational graph from {_listed(inputs)} to {_listed(results)} in {operations}, with the values"
        f"{_CARRIED[graph.mode]} and the local partial derivatives."
    )


def table(graph: Graph, digits: int, state: State | None = None) -> Table:
    """A graph with one value a row, and the edges that lead to it; with fewer digits where words would have no room."""
    heads = [graph.derivative(seed, "·") for seed in graph.seeds]
    rows = []
    for k, node in enumerate(graph.nodes):
        edges = [edge for edge in graph.edges if edge.target == k]
        come = ", ".join(e.name if e.partial is None else f"{e.name} ({brief(e.partial, digits)})" for e in edges)
        text = f"{node.text} ({node.lines})" if node.kind == "group" and node.lines else node.text
        for value in node.values:
            what = ", ".join([*([text] if text else []), *node.marks(value)])
            known, moved = so_far(graph, k, value, state, digits)
            rows.append([value.name, what, known, *moved, come])
    numbers = sum(max(map(width, column)) + 2 for column in list(zip(*rows, strict=True))[2:-1])
    if numbers > _WIDEST and digits > _FEWEST:
        return table(graph, digits - 1, state)
    head = ["node", "operation", "value", *heads, "from (local partial)"]
    return Table("Computational graph", head, rows, (1, len(head) - 1))


def told(graph: Graph, state: State, digits: int) -> str:
    """A step in words."""
    where = f"Step {state.step} of {len(state.steps)}"
    if state.now is None:
        start = {"reverse": "all values are known, and the cotangents of the results", "plain": "the inputs are known"}
        return f"{where}: {start.get(graph.mode, 'the inputs are known, and their tangents')}."
    if graph.mode == "reverse":
        (k,) = state.now.edges
        return (
            f"{where}, back from {_names(graph, graph.edges[k].target)} to {graph.edges[k].name}: "
            + "; ".join(_brought(graph, state, graph.edges[k], c, digits) for c in range(len(graph.seeds)))
            + "."
        )
    return f"{where}: " + "; ".join(_evaluated(graph, state.now.node, digits)) + "."


def _brought(graph: Graph, state: State, edge: Edge, c: int, digits: int) -> str:
    """What one edge brings back to its source."""
    place = edge.source, edge.name
    name, waiting = graph.derivative(graph.seeds[c], edge.name), state.waiting[place]
    sofar, part = state.reached[place][c], contribution(graph, edge, c)
    if part is None:
        return f"a part of {name} comes" if waiting else f"now {name} = {brief(sofar, digits)}"
    target = graph.nodes[edge.target].values[0]
    above = graph.derivative(graph.seeds[c], target.name)
    step = (
        f"{above} · ∂{target.name}/∂{edge.name} = {brief(target.moved[c], digits)} · {_signed(edge.partial, digits)}"
        f" = {brief(part, digits)}"
    )
    uses = sum(each.source == edge.source and each.name == edge.name for each in graph.edges)
    if uses == 1 and not waiting:
        return f"{name} = {step}"
    more = f", with {waiting} more to come" if waiting else ""
    now = "" if sofar is None else f", which is {brief(sofar, digits)}{more}"
    return f"{step} is added to {name}{now}"


def _signed(value: Any, digits: int) -> str:
    text = brief(value, digits)
    return f"({text})" if text.startswith("-") else text


def _evaluated(graph: Graph, k: int, digits: int) -> Iterator[str]:
    """A node's values, and how its tangents come from those before it."""
    node = graph.nodes[k]
    edges = [edge for edge in graph.edges if edge.target == k]
    for value in node.values:
        text = f" = {node.text}" if node.kind == "operation" and len(node.values) == 1 else ""
        yield f"{value.name}{text} = {brief(value.value, digits)}"
        for seed, moved in zip(graph.seeds, value.moved, strict=True):
            name = graph.derivative(seed, value.name)
            factors = [(edge.partial, _moved(graph, edge, seed)) for edge in edges if not is_constant(edge)]
            terms = [f"{_signed(p, digits)} · {_signed(t, digits)}" for p, t in factors if t is not None]
            sum_ = f" = {' + '.join(terms)}" if terms and _gives(factors, moved) else ""
            yield f"{name}{sum_} = {brief(moved, digits)}"


def _gives(factors: Sequence[tuple[Any, Any]], moved: Any) -> bool:
    """Whether a tangent is just the sum of these products of numbers."""
    if any(isinstance(p, str | None) or np.ndim(p) or np.ndim(t) for p, t in factors):
        return False
    with np.errstate(all="ignore"):
        return bool(np.isclose(sum(p * t for p, t in factors if t is not None), moved, rtol=1e-9, atol=0))


def _moved(graph: Graph, edge: Edge, seed: str) -> Any:
    return next(
        moved
        for value in graph.nodes[edge.source].values
        if value.name == edge.name
        for each, moved in zip(graph.seeds, value.moved, strict=True)
        if each == seed
    )


def _names(graph: Graph, k: int) -> str:
    return " and ".join(value.name for value in graph.nodes[k].values)


def _listed(words: Sequence[str]) -> str:
    few = list(words) if len(words) <= _LISTED else [*words[: _LISTED - 1], f"{len(words) - _LISTED + 1} more"]
    return f"{', '.join(few[:-1])} and {few[-1]}" if len(few) > 1 else "".join(few) or "nothing"
