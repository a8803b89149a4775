"""A `Graph` drawn from left to right, as SVG.

The layout is graphlay's; boxes, words and arrows are ours. Nothing in the picture needs an id, so that any number of
them can stand in a page, and every coordinate is a whole number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from diffmagic.core.graph import Edge, Graph, Node, Value
from diffmagic.core.graph_steps import State, state_after
from diffmagic.core.program import short
from diffmagic.notebook.render.columns import width as columns
from diffmagic.notebook.render.columns import wrapped
from diffmagic.notebook.render.pictures import COLOURS

_DIGITS = 4
_SIZE, _SMALL = 12, 10
_CELL = 0.62
"""The width of a letter, in sizes of its font."""
_CELLS = 30
_LEAD, _PAD, _MARGIN = 16, 10, 8
_INPUT, _NOW, _RESULT = COLOURS[:3]
_DIM, _FAINT = 0.65, 0.3
_NARROW, _SHRUNK = 640, 0.75
"""A picture shrinks with the page to so many pixels, and to so much of its size; then it scrolls."""
_SHOWN = {"forward": "the value and its tangents", "reverse": "the value and its cotangents", "plain": "the value"}
_OPTIONS = {
    "direction": "leftright",
    "spacing": {
        "layer_gap": 40.0,
        "node_gap": 18.0,
        "dummy_gap": 24.0,
        "edge_label_margin": 20.0,
        "isolated_gap": 18.0,
    },
    "routing": {"style": "diagonal", "port_sides": "facing_only"},
    "labels": {"reservation": "always", "clearance": 1.0},
}

Point = tuple[int, int]


class Line(NamedTuple):
    """A line in a box: what is bold comes first."""

    bold: str
    plain: str
    size: int = _SIZE

    @property
    def width(self) -> float:
        return columns(self.bold + self.plain) * _CELL * self.size


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node is: its left upper corner, its size, and what is in it."""

    x: int
    y: int
    width: int
    height: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where edges from one node to another go, and their label: its middle, and its text."""

    edges: tuple[int, ...]
    points: list[Point]
    middle: Point
    label: str


def draw(graph: Graph, state: State | None, digits: int, alternative: str) -> str:
    """A graph as an SVG element.

    Parameters
    ----------
    graph : Graph
    state : State or None
        How far its accumulation is; None for a graph where all is known.
    digits : int
    alternative : str
        What it shows, in words.
    """
    boxes, arrows, (width, height) = layout(graph, state, min(digits, _DIGITS))
    parts = [part for arrow in arrows for part in _arrow(arrow, graph, state)]
    for k, box in enumerate(boxes):
        parts += _box(box, graph.nodes[k], _lit(k, state), _title(graph, k))
    focus = ' tabindex="0" role="group" aria-label="Computational graph"' if width > _NARROW else ""
    least = max(min(width, _NARROW), round(width * _SHRUNK))
    return (
        f"<div>Computational graph: in each box {_SHOWN[graph.mode]}, on each arrow the local partial derivative.</div>"
        f'<div style="overflow-x:auto"{focus}>'
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(alternative)}" '
        f'viewBox="0 0 {width} {height}" width="{width}" '
        f'style="max-width:100%;min-width:{least}px;height:auto" '
        f'font-family="monospace" font-size="{_SIZE}" fill="currentColor">{"".join(parts)}</svg></div>'
    )


def layout(graph: Graph, state: State | None, digits: int) -> tuple[list[Box], list[Arrow], Point]:
    """Where everything is, and the size of the picture."""
    import graphlay

    states = [state_after(graph, k) for k in range(len(state.steps) + 1)] if state else [None]
    every = [[_lines(graph, k, each, digits) for each in states] for k in range(len(graph.nodes))]
    sizes = [_size(lines) for lines in every]
    texts = [lines[state.step if state else 0] for lines in every]
    between: dict[tuple[int, int], list[int]] = {}
    for k, edge in enumerate(graph.edges):
        between.setdefault((edge.source, edge.target), []).append(k)
    labels = [_label([graph.edges[k] for k in edges], digits) for edges in between.values()]
    found = graphlay.layout(
        {
            "nodes": [{"size": {"width": width, "height": height}} for width, height in sizes],
            "edges": [
                {"source": source, "target": target, "label_size": {"width": _wide(label), "height": _LEAD}}
                for (source, target), label in zip(between, labels, strict=True)
            ],
        },
        options=_OPTIONS,
    )
    left, top = (found.bounds["min"][axis] - _MARGIN for axis in "xy")

    def placed(point: dict[str, float]) -> Point:
        return round(point["x"] - left), round(point["y"] - top)

    boxes = []
    for node, (width, height), lines in zip(found.nodes, sizes, texts, strict=True):
        x, y = placed(node["center"])
        boxes.append(Box(x - width // 2, y - height // 2, width, height, lines))
    arrows = []
    for way, edges, label in zip(found.edges, between.values(), labels, strict=True):
        points = [placed(point) for point in way["points"]]
        arrows.append(Arrow(tuple(edges), points, placed(way["label_anchor"]), label))
    right, bottom = placed(found.bounds["max"])
    return boxes, arrows, (right + _MARGIN, bottom + _MARGIN)


def brief(value: Any, digits: int) -> str:
    """A value in a few characters: a number, up to three of them, or the shape of an array."""
    if value is None:
        return "0"
    if isinstance(value, str):
        return value
    if np.size(value) > 3 or np.ndim(value) > 1:
        return f"{'×'.join(map(str, np.shape(value)))} numbers"
    return short(value[()] if isinstance(value, np.ndarray) else value, digits)


def cut(text: str, most: int) -> str:
    """A text of at most so many cells, with an ellipsis where its end is left out."""
    if columns(text) <= most:
        return text
    while columns(text) >= most:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _wide(text: str) -> int:
    return round(columns(text) * _CELL * (_SIZE - 1)) + 6 if text else 1


def _size(texts: Sequence[Sequence[Line]]) -> Point:
    """The size of a box for these texts, so that it stays as it is from step to step: even, as its middle is whole."""
    width = max(line.width for lines in texts for line in lines)
    return 2 * ceil(width / 2) + 2 * _PAD, max(map(len, texts)) * _LEAD + 2 * (_PAD // 2)


def _lines(graph: Graph, k: int, state: State | None, digits: int) -> list[Line]:
    """What stands in a node's box."""
    node = graph.nodes[k]
    found = []
    if tags := dict.fromkeys(node.marks()):
        found.append(Line("", " and ".join(tags), _SMALL))
    if node.kind == "group":
        found.append(Line(cut(node.text, _CELLS), ""))
        found += [Line("", node.lines, _SMALL)] if node.lines else []
    elif node.text and len(node.values) > 1:
        found.append(Line("", cut(node.text, _CELLS)))
    if len(node.values) > 3:
        return [*found, Line("", f"{len(node.values)} values")]
    for value in node.values:
        found += _value_lines(graph, node, value, state, k, digits)
    return found


def _value_lines(graph: Graph, node: Node, value: Value, state: State | None, k: int, digits: int) -> Iterator[Line]:
    name = cut(value.name, _CELLS - 6)
    number = brief(value.value, digits)
    if state and graph.mode != "reverse" and (k, value.name) not in state.reached:
        number = "?"
    if node.kind == "operation" and len(node.values) == 1:
        indent = " " * min(columns(name), 6)
        first, *more = wrapped(node.text, max(_CELLS - columns(name), _CELLS // 2))
        more = [*more[:2], f"{more[2]} …"] if len(more) > 3 else more
        yield Line(name, f" = {first}")
        yield from [Line("", f"{indent}   {line.lstrip()}") for line in more]
        yield Line("", f"{indent} = {number}")
    else:
        yield Line(name, f" = {number}")
    for c, seed in enumerate(graph.seeds):
        moved = value.moved if state is None else state.reached.get((k, value.name))
        number = "?" if moved is None else brief(moved[c], digits)
        if state and moved is not None and state.waiting[k, value.name]:
            number = "…" if moved[c] is None else f"{number} + …"
        label = graph.derivative(seed, value.name)
        if columns(label) > 14:
            label = "tangent" if graph.mode == "forward" else "cotangent"
        text = f"{label} = {number}"
        yield Line(text, "") if state and moved is not None else Line("", text)


def _label(edges: Sequence[Edge], digits: int) -> str:
    if len(edges) > 1:
        return f"{len(edges)} values"
    (edge,) = edges
    return "" if edge.partial is None else brief(edge.partial, digits)


def _lit(k: int, state: State | None) -> bool:
    return state is None or any(node == k for node, _ in state.reached)


def _title(graph: Graph, k: int) -> str:
    node = graph.nodes[k]
    said = [f"{node.text} ({node.lines})" if node.lines else node.text] if node.text else []
    for value in node.values[:12]:
        said.append(" ".join([f"{value.name} = {brief(value.value, 17)}", *node.marks(value)]))
        said += [
            f"{graph.derivative(seed, value.name)} = {brief(part, 17)}"
            for seed, part in zip(graph.seeds, value.moved, strict=True)
        ]
    return "\n".join(said)


def _box(box: Box, node: Node, lit: bool, title: str) -> Iterator[str]:
    is_input, is_result = node.kind == "input", any(value.result for value in node.values)
    colour = _RESULT if is_result else _INPUT if is_input else "currentColor"
    radius = min(box.height // 2, 18) if is_input else 5
    dash = ' stroke-dasharray="5 3"' if node.kind == "group" else ""
    yield f'<g opacity="{1 if lit else _DIM}"><title>{escape(title)}</title>'
    shape = f'rx="{radius}" fill="{colour}" fill-opacity="0.07" stroke="{colour}"'
    yield f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" {shape} stroke-width="1.5"{dash}/>'
    if is_result:
        inner = f'rx="{max(radius - 3, 2)}" fill="none" stroke="{colour}"'
        yield (f'<rect x="{box.x + 3}" y="{box.y + 3}" width="{box.width - 6}" height="{box.height - 6}" {inner}/>')
    for k, line in enumerate(box.lines):
        x, y = box.x + _PAD, box.y + _PAD // 2 + k * _LEAD + 12
        size = "" if line.size == _SIZE else f' font-size="{line.size}"'
        bold = f'<tspan font-weight="bold">{escape(line.bold)}</tspan>' if line.bold else ""
        yield f'<text x="{x}" y="{y}"{size} xml:space="preserve">{bold}{escape(line.plain)}</text>'
    yield "</g>"


def _arrow(arrow: Arrow, graph: Graph, state: State | None) -> Iterator[str]:
    used = state is None or any(k in state.used for k in arrow.edges)
    now = state is not None and state.now is not None and any(k in state.now.edges for k in arrow.edges)
    colour = _NOW if now else "currentColor"
    back = now and graph.mode == "reverse"
    points = arrow.points[::-1] if back else arrow.points
    opacity, width = 0.8 if used or now else _FAINT, 2.5 if now else 1.2
    yield f'<g opacity="{opacity}" stroke="{colour}" stroke-width="{width}" fill="none">'
    for piece in _around(points, arrow):
        path = "L".join(f"{x} {y}" for x, y in piece)
        yield f'<path d="M{path}"/>'
    if arrow.label:
        yield from _leader(arrow)
    yield f'<path d="{_head(*points[-2:])}" fill="{colour}" stroke="none"/></g>'
    if arrow.label:
        x, y = arrow.middle
        weight = ' font-weight="bold"' if now else ""
        yield (
            f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-size="{_SIZE - 1}"{weight} '
            f'opacity="{1 if used or now else _DIM}">{escape(arrow.label)}</text>'
        )


def _leader(arrow: Arrow) -> Iterator[str]:
    """Dots from a label that found no room on its line to the nearest point of the line."""
    x, y = arrow.middle
    near = []
    for (ax, ay), (bx, by) in pairwise(arrow.points):
        along = (bx - ax) ** 2 + (by - ay) ** 2
        t = min(max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / max(along, 1), 0), 1)
        near.append((round(ax + t * (bx - ax)), round(ay + t * (by - ay))))
    px, py = min(near, key=lambda point: (point[0] - x) ** 2 + (point[1] - y) ** 2)
    dx, dy = px - x, py - y
    inside = max(abs(dx) / (_wide(arrow.label) / 2), abs(dy) / (_LEAD / 2))
    if inside > 1:
        yield f'<path d="M{x + dx / inside:.1f} {y + dy / inside:.1f}L{px} {py}" stroke-width="1" stroke-dasharray="1 2"/>'


def _head(before: Point, tip: Point) -> str:
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    length = max((dx * dx + dy * dy) ** 0.5, 1)
    ux, uy = dx / length, dy / length
    ends = [(tip[0] - 8 * ux + side * 4 * uy, tip[1] - 8 * uy - side * 4 * ux) for side in (1, -1)]
    return f"M{tip[0]} {tip[1]}" + "".join(f"L{x:.1f} {y:.1f}" for x, y in ends) + "Z"


def _around(points: list[Point], arrow: Arrow) -> list[list[tuple[float, float]]]:
    """A line in pieces that leave its label free."""
    if not arrow.label:
        return [list(points)]
    half = _wide(arrow.label) / 2, _LEAD / 2
    pieces: list[list[tuple[float, float]]] = [[points[0]]]
    for a, b in pairwise(points):
        enter, leave = 0.0, 1.0
        for axis in (0, 1):
            step, low = b[axis] - a[axis], arrow.middle[axis] - half[axis] - a[axis]
            high = low + 2 * half[axis]
            if step:
                enter = max(enter, min(low / step, high / step))
                leave = min(leave, max(low / step, high / step))
            elif not low < 0 < high:
                leave = 0.0
        if enter < leave:
            at = [(round(a[0] + t * (b[0] - a[0]), 1), round(a[1] + t * (b[1] - a[1]), 1)) for t in (enter, leave)]
            pieces[-1].append(at[0])
            pieces.append([at[1]])
        pieces[-1].append(b)
    return [piece for piece in pieces if len(set(piece)) > 1]
