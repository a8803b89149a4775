"""A program as source for Graphviz."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import diffmagic
from diffmagic import DiffmagicError

_STRING = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf"(?:{_STRING}|[\w.]+)"
_ATTRIBUTES = rf"\[\w+={_VALUE}(?:, \w+={_VALUE})*\]"
_LINE = re.compile(rf"  (?:rankdir=LR|(?:node|edge|n\d+) {_ATTRIBUTES}|n\d+ -> n\d+(?: {_ATTRIBUTES})?)")


def parts(source: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The labels of nodes and edges of well-formed source, as Graphviz reads them."""
    first, *lines, last = source.split("\n")
    assert (first, last) == ("digraph {", "}")
    assert all(_LINE.fullmatch(line) for line in lines), lines

    def label(line: str) -> str:
        found = re.search(rf"\blabel=({_STRING})", line)
        return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], found[1][1:-1]) if found else ""

    nodes = {m[1]: label(line) for line in lines if (m := re.match(r"  (n\d+) \[", line))}
    edges = [(m[1], m[2], label(line)) for line in lines if (m := re.match(r"  (n\d+) -> (n\d+)", line))]
    assert {end for a, b, _ in edges for end in (a, b)} <= set(nodes)
    return nodes, edges


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


def test_cotangents_and_partials_of_the_sigmoid() -> None:
    nodes, edges = parts(diffmagic.trace(sigmoid, 0.5, 2.0).to_dot("reverse"))
    assert list(nodes.values()) == [
        "input\nw = 0.5\n∂v5/∂w = 0.39322387",
        "input\nx = 2.0\n∂v5/∂x = 0.098305967",
        "v1 = -w = -0.5\n∂v5/∂v1 = -0.39322387",
        "v2 = v1 * x = -1.0\n∂v5/∂v2 = -0.19661193",
        "v3 = np.exp(v2) = 0.36787944\n∂v5/∂v3 = -0.53444665",
        "v4 = 1 + v3 = 1.3678794\n∂v5/∂v4 = -0.53444665",
        "result\nv5 = 1 / v4 = 0.73105858\n∂v5/∂v5 = 1.0",
    ]
    assert edges == [
        ("n0", "n2", "-1"),
        ("n2", "n3", "2.0"),
        ("n1", "n3", "-0.5"),
        ("n3", "n4", "0.36787944"),
        ("n4", "n5", "1"),
        ("n5", "n6", "-0.53444665"),
    ]


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda A: np.sum(np.linalg.qr(A)[1]), (np.array([[1.0, 2.0], [3.0, 4.0]]),)),
        (lambda x: (x, 3.0, np.sin(x)), (1.0,)),
        (lambda x: np.where(x > 0, np.exp(x), x)[::2, None], (np.linspace(-1, 1, 9),)),
        (lambda x: x * "text".count("t"), (1.0,)),
    ],
)
def test_what_is_not_plain(f: Any, point: tuple[Any, ...]) -> None:
    program = diffmagic.trace(f, *point)
    nodes, edges = parts(program.to_dot("auto"))
    assert program.to_dot("auto") == diffmagic.trace(f, *point).to_dot("auto")
    assert len(nodes) >= len(program.inputs) + len(program.equations)
    assert edges


def test_loops_are_groups() -> None:
    def f(x: Any) -> Any:
        for _ in range(100):
            x = np.sin(x)
        return x

    source = diffmagic.trace(f, 0.5).to_dot()
    nodes, edges = parts(source)
    assert [label.split("\n")[0] for label in nodes.values()][2].startswith("98 more passes (line ")
    assert 'style="rounded,dashed"' in source
    assert len(edges) == 3


def test_inputs_and_results_are_told_by_word_and_shape() -> None:
    source = diffmagic.trace(lambda x, y: (x, np.exp(y)), 1.0, 2.0).to_dot().split("\n")
    assert source[4] == '  n0 [label="input and result\\nx = 1.0", shape=oval, peripheries=2]'
    assert source[5] == '  n1 [label="input\\ny = 2.0", shape=oval]'
    assert source[6] == '  n2 [label="result\\nv1 = np.exp(y) = 7.3890561", peripheries=2]'


@pytest.mark.parametrize(
    "name", ['a "quoted" one', "back\\slash", 'both \\"', "<b>&amp;", "重み", "two\nlines", "end\\"]
)
def test_names_are_escaped(name: str) -> None:
    program = diffmagic.trace(np.exp, 1.0)
    program.inputs[0].name = name
    nodes, _ = parts(program.to_dot())
    assert nodes["n0"] == "input\n" + f"{name} = 1.0".replace("\n", " ")


def test_more_than_there_is_room_for() -> None:
    with pytest.raises(DiffmagicError, match="a node has room for 3 cotangents"):
        diffmagic.trace(np.exp, np.ones(4)).to_dot("reverse")
