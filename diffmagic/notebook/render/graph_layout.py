"""Where everything in the picture of a graph is: boxes with their texts, arrows with their labels.

Boxes are as large as their texts. The places are graphlay's, rounded to whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, hypot
from typing import Any, NamedTuple

import numpy as np

from diffmagic.core.graph import Edge, Graph, Node, Value
from diffmagic.core.graph_steps import State, state_after
from diffmagic.core.program import short
from diffmagic.notebook.render.columns import pieces, width

SIZE, SMALL = 12, 10
LEAD, PAD, HEAD = 16, 10, 8
_LETTER = 0.62
"""The width of a letter, in sizes of its font."""
_LINE, _NAME, _LABEL = 30, 12, 14
"""How many letters there may be in a line, in a name that has its operation beside it, and in a derivative."""
_FRAME = 8
_ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.9, 0.1)
"""Where on its line a label may be."""

Point = tuple[int, int]
Line = Sequence[tuple[float, float]]


class Words(NamedTuple):
    """A line of text: what is bold comes first."""

    bold: str
    plain: str
    size: int = SIZE


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its left upper corner, its size, and what is in it."""

    x: int
    y: int
    width: int
    height: int
    texts: list[Words]


@dataclass(frozen=True, slots=True)
class Arrow:
    """The edges from one node to another: which they are, where they go, their label and its middle."""

    edges: list[int]
    points: Line
    label: str
    middle: Point

    def clear(self, points: Line) -> list[Line]:
        """A line in pieces that leave the label free."""
        half = label_width(self.label) / 2, LEAD / 2
        found: list[list[tuple[float, float]]] = [[points[0]]]
        for a, b in pairwise(points):
            enter, leave = 0.0, 1.0 if self.label else 0.0
            for axis in (0, 1):
                step, low = b[axis] - a[axis], self.middle[axis] - half[axis] - a[axis]
                high = low + 2 * half[axis]
                if step:
                    enter, leave = max(enter, min(low / step, high / step)), min(leave, max(low / step, high / step))
                elif not low < 0 < high:
                    leave = 0.0
            if enter < leave:
                ends = [
                    (round(a[0] + t * (b[0] - a[0]), 1), round(a[1] + t * (b[1] - a[1]), 1)) for t in (enter, leave)
                ]
                found[-1].append(ends[0])
                found.append([ends[1]])
            found[-1].append(b)
        return [piece for piece in found if len(set(piece)) > 1]


def layout(graph: Graph, state: State | None, digits: int) -> tuple[list[Box], list[Arrow], Point]:
    """Boxes, arrows, and the size of the picture; boxes stay where they are from step to step."""
    states = [state_after(graph, k) for k in range(len(state.steps) + 1)] if state else [None]
    texts = [[_texts(graph, k, each, digits) for each in states] for k in range(len(graph.nodes))]
    sizes = [_size(each) for each in texts]
    between: dict[tuple[int, int], list[int]] = {}
    for k, edge in enumerate(graph.edges):
        between.setdefault((edge.source, edge.target), []).append(k)
    labels = [_label([graph.edges[k] for k in edges], digits) for edges in between.values()]
    corners, lines, middles, size = _places(sizes, list(between), labels)
    step = state.step if state else 0
    boxes = [Box(*corners[k], *sizes[k], each[step]) for k, each in enumerate(texts)]
    arrows = list(map(Arrow, between.values(), lines, labels, middles))
    for k in [*range(len(arrows))] * 2:
        arrows[k] = _settled(arrows[k], arrows[:k] + arrows[k + 1 :], boxes)
    return boxes, arrows, size


def _settled(arrow: Arrow, others: Sequence[Arrow], boxes: Sequence[Box]) -> Arrow:
    """An arrow with its label where it crosses fewest lines besides its own; as it was if there is no room."""
    taken = [(box.x + box.width / 2, box.y + box.height / 2, box.width, box.height) for box in boxes]
    taken += [(*other.middle, label_width(other.label), LEAD) for other in others if other.label]
    taken += [(x - HEAD / 2, y, HEAD, HEAD) for x, y in (each.points[-1] for each in (arrow, *others))]

    def is_free(one: Arrow) -> bool:
        (x, y), wide = one.middle, label_width(one.label)
        return not any(2 * abs(x - a) < wide + w and 2 * abs(y - b) < LEAD + h for a, b, w, h in taken)

    places = [replace(arrow, middle=_at(arrow.points, t)) for t in _ALONG if arrow.label]
    free = [one for one in places if is_free(one)]
    return min(free, key=lambda one: sum(one.clear(o.points) != [o.points] for o in others), default=arrow)


def _at(points: Line, t: float) -> Point:
    """The point of a line that divides its length so."""
    lengths = [hypot(x - a, y - b) for (a, b), (x, y) in pairwise(points)]
    rest = t * sum(lengths)
    for ((a, b), (x, y)), length in zip(pairwise(points), lengths, strict=True):
        if rest <= length:
            part = rest / max(length, 1)
            return round(a + part * (x - a)), round(b + part * (y - b))
        rest -= length
    x, y = points[-1]
    return round(x), round(y)


def _places(
    sizes: Sequence[Point], between: Sequence[tuple[int, int]], labels: Sequence[str]
) -> tuple[list[Point], list[Line], list[Point], Point]:
    """The corners of boxes, the lines between them, the middles of labels, and the size of it all."""
    import graphlay

    nodes = [{"size": {"width": width, "height": height}} for width, height in sizes]
    edges = [
        {"source": source, "target": target, "label_size": {"width": label_width(label), "height": LEAD}}
        for (source, target), label in zip(between, labels, strict=True)
    ]
    found = graphlay.layout(
        {"nodes": nodes, "edges": edges},
        options={
            "direction": "leftright",
            "spacing": {
                "layer_gap": 40.0,
                "node_gap": 18.0,
                "dummy_gap": 24.0,
                "edge_label_margin": 22.0,
                "isolated_gap": 18.0,
            },
            "routing": {"style": "diagonal", "port_sides": "facing_only"},
            "labels": {"reservation": "always", "clearance": 1.0},
        },
    )
    left, top = (found.bounds["min"][axis] - _FRAME for axis in "xy")

    def placed(point: dict[str, float]) -> Point:
        return round(point["x"] - left), round(point["y"] - top)

    middles = [placed(node["center"]) for node in found.nodes]
    corners = [(x - width // 2, y - height // 2) for (x, y), (width, height) in zip(middles, sizes, strict=True)]
    lines: list[Line] = [[placed(point) for point in edge["points"]] for edge in found.edges]
    right, bottom = placed(found.bounds["max"])
    return corners, lines, [placed(edge["label_anchor"]) for edge in found.edges], (right + _FRAME, bottom + _FRAME)


def brief(value: Any, digits: int) -> str:
    """A value in a few characters: a number, up to three of them, or the shape of an array."""
    if value is None:
        return "0"
    if isinstance(value, str):
        return value
    if np.size(value) > 3 or np.ndim(value) > 1:
        return f"{'×'.join(map(str, np.shape(value)))} numbers"
    return short(value[()] if isinstance(value, np.ndarray) else value, digits)


def label_width(label: str) -> int:
    """With a margin on either side."""
    return round(width(label) * _LETTER * (SIZE - 1)) + 8 if label else 1


def _label(edges: Sequence[Edge], digits: int) -> str:
    if len(edges) > 1:
        return f"{len(edges)} values"
    return "" if edges[0].partial is None else brief(edges[0].partial, digits)


def _size(texts: Sequence[Sequence[Words]]) -> Point:
    """Of a box that each of these texts fits in: even numbers, so that its middle is a whole one."""
    wide = max(width(line.bold + line.plain) * _LETTER * line.size for lines in texts for line in lines)
    return 2 * ceil(wide / 2) + 2 * PAD, max(map(len, texts)) * LEAD + PAD


def _texts(graph: Graph, k: int, state: State | None, digits: int) -> list[Words]:
    """What stands in a node's box."""
    node = graph.nodes[k]
    found = []
    if marks := dict.fromkeys(node.marks()):
        found.append(Words("", _cut(" and ".join(marks)), SMALL))
    if node.kind == "group":
        found.append(Words(node.text, ""))
        found += [Words("", node.lines, SMALL)] if node.lines else []
    elif node.text and len(node.values) > 1:
        found.append(Words("", _cut(node.text)))
    if len(node.values) > 3:
        return [*found, Words("", f"{len(node.values)} values")]
    return found + [words for value in node.values for words in _value_texts(graph, k, value, state, digits)]


def _value_texts(graph: Graph, k: int, value: Value, state: State | None, digits: int) -> Iterator[Words]:
    """A value with its name and operation, and what has moved."""
    node, name = graph.nodes[k], _cut(value.name)
    number, moved = so_far(graph, k, value, state, digits)
    lit = state is not None and (k, value.name) in state.reached
    if node.kind == "operation" and len(node.values) == 1:
        yield from _operation(name, node)
        yield Words("", f"{' ' * _indent(name)} = {number}")
    else:
        yield Words(name, f" = {number}")
    for seed, part in zip(graph.seeds, moved, strict=True):
        label = graph.derivative(seed, value.name)
        if width(label) > _LABEL:
            label = graph.derivative("", value.name)
        text = f"{label} = {part}"
        yield Words(text, "") if lit else Words("", text)


def so_far(graph: Graph, k: int, value: Value, state: State | None, digits: int) -> tuple[str, list[str]]:
    """What is known of a value and of what has moved there: a question mark before it is reached."""
    reached = value.moved if state is None else state.reached.get((k, value.name))
    if reached is None:
        return brief(value.value, digits) if graph.mode == "reverse" else "?", ["?"] * len(graph.seeds)
    moved = [brief(part, digits) for part in reached]
    if state is not None and state.waiting[k, value.name]:
        moved = ["…" if part is None else f"{text} + …" for part, text in zip(reached, moved, strict=True)]
    return brief(value.value, digits), moved


def _operation(name: str, node: Node) -> Iterator[Words]:
    """A name and its operation, in lines that begin with operators or operands."""
    lines = [""]
    for piece in pieces(node.text):
        if lines[-1] and width(lines[-1] + piece) > _LINE:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    first, *more = map(_cut, lines)
    blanks = " " * _indent(name)
    if width(name) > _NAME:
        yield Words(name, "")
        yield Words("", f"{blanks} = {first}")
    else:
        yield Words(name, f" = {first}")
    yield from [Words("", f"{blanks}   {line}") for line in more[:2]]
    yield from [Words("", f"{blanks}   …")] if len(more) > 2 else []


def _indent(name: str) -> int:
    return width(name) if width(name) <= _NAME else 1


def _cut(text: str) -> str:
    """A text that fits in a line, with an ellipsis where its end is left out."""
    if width(text) <= _LINE:
        return text
    while width(text) >= _LINE:
        text = text[:-1]
    return f"{text.rstrip()}…"
