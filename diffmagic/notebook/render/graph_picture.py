"""A `Graph` drawn from left to right, as SVG.

Nothing in the picture needs an id, so any number of them can stand in a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from diffmagic.core.graph import Graph, Node
from diffmagic.core.graph_steps import State
from diffmagic.notebook.render.graph_layout import HEAD, LEAD, PAD, SIZE, Arrow, Box, Line, brief, layout
from diffmagic.notebook.render.pictures import COLOURS, PAGE, image

_DIGITS = 4
_INPUT, _NOW, _RESULT = COLOURS[:3]
_DIM, _FAINT = 0.65, 0.3
"""How strongly texts and lines show to which nothing has come yet."""
_NARROW, _SHRUNK = 640, 0.75
"""A picture shrinks with the page to so many pixels, and to so much of its size; then it scrolls."""
_TITLED = 12
_SHOWN = {"forward": "the value and its tangents", "reverse": "the value and its cotangents", "plain": "the value"}


def draw(graph: Graph, state: State | None, digits: int, alternative: str) -> str:
    """A graph as HTML with a picture.

    Parameters
    ----------
    graph : Graph
    state : State or None
        How far its accumulation is; None for a graph where all is known.
    digits : int
        At most four are in the picture, and all in the titles of boxes.
    alternative : str
        What it shows, in words.
    """
    boxes, arrows, (width, height) = layout(graph, state, min(digits, _DIGITS))
    parts = [part for arrow in arrows for part in _arrow(arrow, arrows, graph, state)]
    for k, box in enumerate(boxes):
        parts += _box(box, graph, k, state is None or any(node == k for node, _ in state.reached))
    focus = ' tabindex="0" role="group" aria-label="Computational graph"' if width > _NARROW else ""
    least = max(min(width, _NARROW), round(width * _SHRUNK))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = f'font-family="monospace" font-size="{SIZE}" fill="{PAGE}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>{"".join(parts)}</svg>'
    return (
        f"<div>Computational graph: in each box {_SHOWN[graph.mode]}, on each arrow the local partial derivative.</div>"
        f'<div style="overflow-x:auto"{focus}>'
        f"{image(svg, alternative, f'max-width:100%;min-width:{least}px;height:auto')}</div>"
    )


def _box(box: Box, graph: Graph, k: int, lit: bool) -> Iterator[str]:
    node = graph.nodes[k]
    is_result = any(value.result for value in node.values)
    colour = _RESULT if is_result else _INPUT if node.kind == "input" else PAGE
    radius = 18 if node.kind == "input" else 5
    dashes = ' stroke-dasharray="5 3"' if node.kind == "group" else ""
    yield f'<g opacity="{1 if lit else _DIM}"><title>{escape(_title(graph, node))}</title>'
    yield _frame(box, 0, radius, f'fill="{colour}" fill-opacity="0.07" stroke="{colour}" stroke-width="1.5"{dashes}')
    if is_result:
        yield _frame(box, 3, radius - 3, f'fill="none" stroke="{colour}"')
    for number, words in enumerate(box.texts):
        size = "" if words.size == SIZE else f' font-size="{words.size}"'
        bold = f'<tspan font-weight="bold">{escape(words.bold)}</tspan>' if words.bold else ""
        y = box.y + PAD // 2 + number * LEAD + SIZE
        yield f'<text x="{box.x + PAD}" y="{y}"{size} xml:space="preserve">{bold}{escape(words.plain)}</text>'
    yield "</g>"


def _frame(box: Box, inset: int, radius: int, look: str) -> str:
    width, height = box.width - 2 * inset, box.height - 2 * inset
    return f'<rect x="{box.x + inset}" y="{box.y + inset}" width="{width}" height="{height}" rx="{radius}" {look}/>'


def _title(graph: Graph, node: Node) -> str:
    """All that a node says, with all digits."""
    said = [f"{node.text} ({node.lines})" if node.lines else node.text] if node.text else []
    for value in node.values[:_TITLED]:
        said.append(", ".join([f"{value.name} = {brief(value.value, 17)}", *node.marks(value)]))
        moves = zip(graph.seeds, value.moved, strict=True)
        said += [f"{graph.derivative(seed, value.name)} = {brief(moved, 17)}" for seed, moved in moves]
    return "\n".join(said)


def _arrow(arrow: Arrow, arrows: Sequence[Arrow], graph: Graph, state: State | None) -> Iterator[str]:
    """A line that labels interrupt; what comes back goes against the arrow."""
    now = state is not None and state.now is not None and not set(state.now.edges).isdisjoint(arrow.edges)
    used = state is None or not state.used.isdisjoint(arrow.edges)
    colour, width = (_NOW, 2.5) if now else (PAGE, 1.2)
    yield f'<g opacity="{0.8 if used else _FAINT}" stroke="{colour}" stroke-width="{width}" fill="none">'
    lines: list[Line] = [arrow.points]
    for other in arrows:
        lines = [piece for line in lines for piece in other.clear(line)]
    yield from [f'<path d="M{"L".join(f"{x} {y}" for x, y in line)}"/>' for line in lines]
    before, tip = arrow.points[1::-1] if now and graph.mode == "reverse" else arrow.points[-2:]
    yield f'<path d="{_head(before, tip)}" fill="{colour}" stroke="none"/></g>'
    if arrow.label:
        x, y = arrow.middle
        look = f'opacity="{1 if used else _DIM}"' + (' font-weight="bold"' if now else "")
        place = f'x="{x}" y="{y + 4}" text-anchor="middle" font-size="{SIZE - 1}"'
        yield f"<text {place} {look}>{escape(arrow.label)}</text>"


def _head(before: tuple[float, float], tip: tuple[float, float]) -> str:
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    length = max((dx * dx + dy * dy) ** 0.5, 1)
    ux, uy = dx / length, dy / length
    ends = [(tip[0] - HEAD * (ux - side * uy / 2), tip[1] - HEAD * (uy + side * ux / 2)) for side in (1, -1)]
    return f"M{tip[0]} {tip[1]}" + "".join(f"L{x:.1f} {y:.1f}" for x, y in ends) + "Z"
