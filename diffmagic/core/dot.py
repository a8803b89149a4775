"""A graph as source for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from diffmagic.core.graph import Graph, Node
from diffmagic.core.program import short


def dot(graph: Graph) -> str:
    """The same nodes, edges and numbers as in the picture: ``dot -Tsvg`` draws it."""
    lines = ["digraph {", "  rankdir=LR", '  node [shape=box, style=rounded, fontname="monospace"]']
    lines.append('  edge [fontname="monospace"]')
    for k, node in enumerate(graph.nodes):
        look = "".join(_look(node))
        lines.append(f"  n{k} [label={_quoted(*_label(graph, node))}{look}]")
    for edge in graph.edges:
        label = [] if edge.partial is None else [_number(edge.partial)]
        if len(graph.nodes[edge.source].values) > 1:
            label.insert(0, edge.name)
        lines.append(f"  n{edge.source} -> n{edge.target}" + (f" [label={_quoted(*label)}]" if label else ""))
    return "\n".join([*lines, "}"])


def _label(graph: Graph, node: Node) -> Iterator[str]:
    if marks := dict.fromkeys(node.marks()):
        yield " and ".join(marks)
    alone = node.kind == "operation" and len(node.values) == 1
    if node.text and not alone:
        yield f"{node.text} ({node.lines})" if node.kind == "group" and node.lines else node.text
    for value in node.values:
        yield f"{value.name} = {f'{node.text} = ' if alone else ''}{_number(value.value)}"
        for seed, moved in zip(graph.seeds, value.moved, strict=True):
            yield f"{graph.derivative(seed, value.name)} = {_number(moved)}"


def _look(node: Node) -> Iterator[str]:
    """Inputs, results and groups are told apart by their shapes as well."""
    if node.kind == "input":
        yield ", shape=oval"
    if any(value.result for value in node.values):
        yield ", peripheries=2"
    if node.kind == "group":
        yield ', style="rounded,dashed"'


def _number(value: Any) -> str:
    return "0" if value is None else short(value)


def _quoted(*lines: str) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for line in lines]
    return '"' + "\\n".join(escaped) + '"'
