"""The picture of a graph, measured in its SVG, and what is said of it."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

import diffmagic
from diffmagic import DiffmagicError
from diffmagic.core.graph import Graph, graph_of
from diffmagic.core.graph_steps import state_after, steps_of
from diffmagic.notebook.render import html_of, text_of
from diffmagic.notebook.render.graph import graph_blocks, summary, told
from diffmagic.notebook.render.graph_layout import LEAD, label_width, layout
from diffmagic.notebook.render.graph_picture import draw
from diffmagic.notebook.render.text import as_text
from tests.notebook.pictures import alternatives_in, svgs_in

SVG = "{http://www.w3.org/2000/svg}"


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


def baydin(x1: Any, x2: Any) -> Any:
    return np.log(x1) + x1 * x2 - np.sin(x2)


def auto_ed(x: Any, y: Any) -> Any:
    xy = x * y
    return xy + np.exp(xy)


def neuron(x1: Any, x2: Any, w1: Any, w2: Any) -> Any:
    return np.tanh(x1 * w1 + x2 * w2 + 6.8813735870195432)


def loop(x: Any) -> Any:
    y = 1.0
    for _ in range(100):
        y = np.sin(y * x) + x
    return y


def sixty(x: Any, y: Any) -> Any:
    a = np.sin(x) * np.exp(-y) + x * y
    b = np.cos(a) / (1 + a * a) + x * np.sqrt(y)
    c = np.arctan(b) * a + np.exp(-b * b) * x
    d = (a - b) * (b - c) * (c - a)
    e = np.log(1 + d * d) + np.tanh(d) * x
    f = e * d - a * np.cos(e + y)
    g = np.sinh(f) * np.cosh(e) - b
    h = g / (1 + g * g) + c
    i = np.sqrt(1 + h * h) - d * h
    j = np.sin(i * h) + np.exp(-i * i / 2)
    k = j**3 - 3 * j + np.cos(x * j)
    return k + np.log(2 + np.cos(k)) * y


def layer(W: Any, b: Any, x: Any) -> Any:
    return np.sum(np.tanh(W @ x + b) ** 2)


def long_names(a_rather_long_name_of_an_input: Any, another_name_that_is_long: Any) -> Any:
    return np.exp(a_rather_long_name_of_an_input * another_name_that_is_long) / np.logaddexp(
        another_name_that_is_long, a_rather_long_name_of_an_input
    )


def letters(α: Any, 重み: Any, x̂: Any) -> Any:
    return 1 / (1 + np.exp(-重み * α)) + x̂


def several(x: Any, y: Any, z: Any) -> Any:
    return np.sin(x), y, 3.0, np.sin(x) * y


def choices(x: Any, y: Any) -> Any:
    return np.where(x > 0.3, np.sqrt(x), x) * np.floor(y) + y


W = np.arange(6.0).reshape(2, 3) / 10
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "tiny": (sigmoid, (0.5, 2.0)),
    "baydin": (baydin, (2.0, 5.0)),
    "two uses": (auto_ed, (1.0, 2.0)),
    "neuron": (neuron, (2.0, 0.0, -3.0, 1.0)),
    "loop": (loop, (0.5,)),
    "sixty": (sixty, (0.5, 1.2)),
    "matrices": (layer, (W, np.ones(2), np.array([1.0, 2.0, 3.0]))),
    "long names": (long_names, (1.5, 2.25)),
    "letters": (letters, (1.5, 0.25, 2.0)),
    "several results": (several, (1.0, 2.0, 3.0)),
    "no numbers to carry": (choices, (np.array([0.1, 0.5]), 2.5)),
    "complex": (lambda x: np.abs(np.exp(1j * x) + 0.5), (1.5,)),
    "factors": (lambda A: np.sum(np.linalg.qr(A)[1]), (np.array([[1.0, 2.0], [3.0, 4.0]]),)),
    "many inputs": (lambda p: sum(x * x for x in p), ([1.0] * 30,)),
    "no operation": (lambda x: x, (1.5,)),
}


class Rect(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rect) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Rect) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


class Drawing(NamedTuple):
    """What can be measured in a picture: its frame, the boxes with their texts, the labels and the lines."""

    frame: Rect
    boxes: list[tuple[Rect, list[Rect]]]
    labels: list[Rect]
    lines: list[list[tuple[float, float]]]


def _text(element: ElementTree.Element) -> Rect:
    """Where a text is in a font with letters of the same width, as most are 0.602 of their size wide."""
    size = float(element.get("font-size", "12"))
    words = "".join(element.itertext())
    width = size * sum(
        0.602 * (not unicodedata.combining(letter)) if unicodedata.east_asian_width(letter) not in "WF" else 1.0
        for letter in words
    )
    x, y = float(element.get("x", "")), float(element.get("y", ""))
    left = x - width / 2 if element.get("text-anchor") == "middle" else x
    return Rect(left, y - 0.78 * size, left + width, y + 0.24 * size)


def measured(svg: str) -> Drawing:
    root = ElementTree.fromstring(*svgs_in(svg))
    x, y, width, height = map(float, root.get("viewBox", "").split())
    boxes, labels, lines = [], [], []
    for element in root:
        rects = element.findall(f"{SVG}rect")
        if rects:
            left, top, w, h = (float(rects[0].get(name, "")) for name in ("x", "y", "width", "height"))
            texts = [_text(text) for text in element.findall(f"{SVG}text")]
            boxes.append((Rect(left, top, left + w, top + h), texts))
        elif element.tag == f"{SVG}text":
            labels.append(_text(element))
        else:
            for path in element.findall(f"{SVG}path"):
                numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d", ""))]
                lines.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return Drawing(Rect(x, y, x + width, y + height), boxes, labels, lines)


def _passes(line: list[tuple[float, float]], rect: Rect) -> bool:
    """Whether a line goes through a rectangle, by its points half a pixel apart."""
    for (ax, ay), (bx, by) in itertools.pairwise(line):
        t = np.linspace(0, 1, 2 * int(np.hypot(bx - ax, by - ay)) + 2)
        x, y = ax + t * (bx - ax), ay + t * (by - ay)
        if np.any((rect.left < x) & (x < rect.right) & (rect.top < y) & (y < rect.bottom)):
            return True
    return False


def _graph(name: str, mode: Any = "auto") -> Graph:
    f, point = CASES[name]
    return graph_of(diffmagic.trace(f, *point), mode)


def _every_picture(name: str) -> list[str]:
    graph = _graph(name)
    states = [state_after(graph, k) for k in range(len(steps_of(graph)) + 1)]
    chosen = [None, *states[:4], *states[-2:]]
    return [
        draw(each, state, 8, "a graph")
        for each, state in [(graph, s) for s in chosen] + [(_graph(name, "plain"), None)]
    ]


@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_and_nothing_leaves_its_place(name: str) -> None:
    for picture in _every_picture(name):
        drawing = measured(picture)
        rects = [box for box, _ in drawing.boxes]
        assert not any(a.meets(b) for a, b in itertools.combinations(rects, 2))
        for box, texts in drawing.boxes:
            assert texts
            assert drawing.frame.holds(box)
            assert all(box.holds(text) for text in texts)
            assert not any(a.bottom > b.bottom or a.top + 9 > b.top for a, b in itertools.pairwise(texts))
        for label in drawing.labels:
            assert drawing.frame.holds(label)
            assert not any(label.meets(box) for box in rects)
            assert not any(_passes(line, label) for line in drawing.lines)
        assert not any(a.meets(b) for a, b in itertools.combinations(drawing.labels, 2))


@pytest.mark.parametrize("name", CASES)
def test_arrows_go_around_boxes(name: str) -> None:
    drawing = measured(_every_picture(name)[0])
    for box, _ in drawing.boxes:
        inside = Rect(box.left + 1, box.top + 1, box.right - 1, box.bottom - 1)
        assert not any(_passes(line, inside) for line in drawing.lines)


@pytest.mark.parametrize("name", CASES)
def test_labels_are_on_their_own_lines_or_touch_them(name: str) -> None:
    arrows = [arrow for arrow in layout(_graph(name), None, 4)[1] if arrow.label]
    for arrow in arrows:
        (x, y), half = arrow.middle, label_width(arrow.label) / 2
        assert _passes(list(arrow.points), Rect(x - half, y - LEAD / 2, x + half, y + LEAD / 2))
    centred = [_passes(list(a.points), Rect(*(c - 3 for c in a.middle), *(c + 3 for c in a.middle))) for a in arrows]
    assert centred.count(False) <= 1


@pytest.mark.parametrize("name", CASES)
def test_boxes_stay_where_they_are_from_step_to_step(name: str) -> None:
    states = _every_picture(name)[1:-1]
    places = [[box for box, _ in measured(picture).boxes] for picture in states]
    assert all(each == places[0] for each in places)


def test_the_same_bytes_on_every_run() -> None:
    code = """
import numpy as np, diffmagic, hashlib
from diffmagic.core.graph import graph_of
from diffmagic.notebook.render.graph_picture import draw
f = lambda x, y: np.exp(x * y) * np.sin(x) + np.where(x > y, x, y) ** 2
print(hashlib.sha256(draw(graph_of(diffmagic.trace(f, 0.5, 2.0)), None, 8, "").encode()).hexdigest())
"""
    prints = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "7")
    }
    assert len(prints) == 1


def test_pictures_need_no_ids_and_no_colours_of_the_page() -> None:
    html = draw(_graph("tiny"), None, 8, "a graph")
    (picture,) = svgs_in(html)
    assert not re.search(r"\bid=|url\(|href|<style", picture)
    assert alternatives_in(html) == ["a graph"]
    assert "max-width:100%" in html


def test_inputs_and_results_are_told_by_word_and_shape() -> None:
    (picture,) = svgs_in(draw(_graph("several results"), None, 8, ""))
    boxes = re.findall(r"<g [^>]*><title>(.*?)</title>(.*?)</g>", picture, re.DOTALL)
    tags = {
        title.split(" = ")[0].split("\n")[-1]: re.findall(r'font-size="10"[^>]*>([^<]+)', body) for title, body in boxes
    }
    assert tags == {
        "x": ["input"],
        "y": ["input and result"],
        "z": ["input"],
        "v2": [],
        "v1": ["result"],
        "v3": ["result"],
        "result 3": ["result"],
    }
    assert all((body.count("<rect") == 2) == ("result" in body) for _, body in boxes)


def test_long_names_are_whole_in_the_title() -> None:
    (picture,) = svgs_in(draw(_graph("long names"), None, 8, ""))
    assert "<title>np.exp(v1)" in picture
    assert "a_rather_long_name_of_an_input * another_name_that_is_long" in re.sub(r"\s+", " ", picture)
    name = "an_input_with_a_name_that_is_longer_than_a_line"
    program = diffmagic.trace(np.exp, 1.0)
    program.inputs[0].name = name
    (picture,) = svgs_in(draw(graph_of(program), None, 8, ""))
    assert re.findall(r">([^<]*…)<", picture) == ["an_input_with_a_name_that_is_…", " = np.exp(an_input_with_a_name_t…"]
    assert f"<title>{name} = 1.0, input" in picture


def test_markup_in_names_stays_text() -> None:
    evil = '<script>alert("x")</script> & ]]>'
    program = diffmagic.trace(lambda x: np.exp(x), 1.0)
    program.inputs[0].name = evil
    graph = graph_of(program, results=[evil])
    for state in (None, state_after(graph, 1)):
        html = "".join(draw(graph, state, 8, summary(graph, 8)))
        assert "<script" not in html
        (picture,), (alternative,) = svgs_in(html), alternatives_in(html)
        assert evil in "".join(ElementTree.fromstring(picture).itertext())
        assert evil in alternative


def test_the_sigmoid_in_words() -> None:
    graph = graph_of(diffmagic.trace(sigmoid, 0.5, 2.0), results=["y"])
    assert as_text(graph_blocks(graph, 6, state_after(graph, 2))) == (
        """\
Computational graph
  node  operation            value      ∂y/∂·  from (local partial)
  w     input                  0.5          ?
  x     input                  2.0          ?
  v1    -w                    -0.5          ?  w (-1)
  v2    v1 * x                -1.0          ?  v1 (2.0), x (-0.5)
  v3    np.exp(v2)        0.367879  -0.534447  v2 (0.367879)
  v4    1 + v3             1.36788  -0.534447  v3 (1)
  v5    1 / v4, result y  0.731059        1.0  v4 (-0.534447)

Step 2 of 6, back from v4 to v3: ∂y/∂v3 = ∂y/∂v4 · ∂v4/∂v3 = -0.534447 · 1 = -0.534447."""
    )
    assert summary(graph, 4) == (
        "Computational graph from w and x to y = 0.7311 in 5 operations, with the values, the cotangents and the local "
        "partial derivatives."
    )


def _told(name: str, mode: Any, step: int) -> str:
    graph = _graph(name, mode)
    return told(graph, state_after(graph, step), 5).split(": ", 1)[1]


def test_steps_in_words() -> None:
    assert _told("two uses", "reverse", 0) == "all values are known, and the cotangents of the results."
    part = "∂v3/∂v3 · ∂v3/∂xy = 1.0 · 1 = 1.0 is added to ∂v3/∂xy, which is 1.0, with 1 more to come."
    assert _told("two uses", "reverse", 1) == part
    part = "∂v3/∂v2 · ∂v2/∂xy = 1.0 · 7.3891 = 7.3891 is added to ∂v3/∂xy, which is 8.3891."
    assert _told("two uses", "reverse", 3) == part
    assert _told("neuron", "reverse", 5) == "∂v5/∂x2 = ∂v5/∂v2 · ∂v2/∂x2 = 0.5 · 1.0 = 0.5."
    assert _told("neuron", "plain", 2) == "v2 = x2 * w2 = 0.0."
    forward = "v3 = v1 - v2 = 1.0; ∂v3/∂x = 1 · 1.0 + (-1) · (-2.0) = 3.0."
    graph = graph_of(diffmagic.trace(lambda x: (x**2) * (x**2) - x, 2.0), "forward")
    assert forward.count("·") == 2
    expected = "v4 = v3 - x = 14.0; ∂v4/∂x = 1 · 32.0 + (-1) · 1.0 = 31.0."
    assert told(graph, state_after(graph, 4), 5) == f"Step 4 of 4: {expected}"
    assert _told("matrices", "reverse", 4) == "now ∂v5/∂v1 = [0.1961, 0.0059549]."


_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_PRODUCT = rf"\(?{_NUMBER}\)? · \(?{_NUMBER}\)?"


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize(
    ("f", "point", "products"),
    [
        (lambda x: np.where(x > 0, np.sqrt(x), x), 0.0, (2, 0)),  # what was not chosen has an infinite partial
        (lambda x: np.sqrt(x) ** 2, 0.0, (1, 0)),
        (lambda x: np.abs(np.exp(1j * x) + 0.5), 1.5, (0, 0)),  # the real part of a product is no product of numbers
        (lambda x: np.stack([x, x * x]) @ np.stack([np.sin(x), x]), 1.5, (2, 2)),
        (sixty, 1.5, (30, 24)),
    ],
)
def test_products_in_words_are_what_they_say(f: Any, point: float, products: tuple[int, int], mode: Any) -> None:
    with np.errstate(all="ignore"):
        program = diffmagic.trace(f, *([point] * (2 if f is sixty else 1)))
    graph = graph_of(program, mode)
    checked = 0
    for step in range(1, len(steps_of(graph)) + 1):
        said = told(graph, state_after(graph, step), 17).split(": ", 1)[1]
        for product, result in re.findall(rf"({_PRODUCT}(?: \+ {_PRODUCT})*) = ({_NUMBER})", said):
            factors = [re.findall(_NUMBER, term) for term in product.split(" + ")]
            assert sum(float(p) * float(q) for p, q in factors) == pytest.approx(float(result), rel=1e-9)
            checked += 1
    assert checked == products[mode == "forward"]


def test_what_is_not_chosen_has_no_product() -> None:
    with np.errstate(all="ignore"):
        graph = graph_of(diffmagic.trace(lambda x: np.where(x > 0, np.sqrt(x), x * 2), 0.0), "reverse")
    words = [told(graph, state_after(graph, k), 5) for k in range(len(steps_of(graph)) + 1)]
    assert words[-1].endswith(": now ∂v4/∂x = 2.0.")
    assert not any("nan" in each or "inf =" in each for each in words)


Run = Callable[[str], Any]


def test_the_magic_draws(run: Run) -> None:
    found = run("%%grad w=0.5, x=2.0 --graph\ny = 1 / (1 + np.exp(-w * x))")
    assert found.graph.mode == "reverse"
    assert text_of(found).startswith("Computational graph\n  node  operation")
    html = html_of(found)
    assert len(svgs_in(html)) == 1
    assert "∂y/∂w = 0.3932" in svgs_in(html)[0]
    assert html.count("<details>") == 1
    assert run("%%grad w=0.5, x=2.0\nw * x").graph is None


@pytest.mark.parametrize(
    ("line", "mode", "seeds"),
    [
        ("--graph", "reverse", ("y",)),
        ("--graph --mode forward", "forward", ("w", "x")),
        ("--mode forward --graph plain", "plain", ()),
        ("--graph=forward", "forward", ("w", "x")),
        ("--graph forward, --digits 4", "forward", ("w", "x")),
        ("--graph --order 2", "reverse", ("y",)),
        ("--graph --mode forward --seed [1, 2]", "forward", ("",)),
        ("--graph --mode reverse --seed 3.0", "reverse", ("",)),
        ("--graph reverse --mode forward --seed [1, 2]", "reverse", ("y",)),
    ],
)
def test_what_the_graph_carries(run: Run, line: str, mode: str, seeds: tuple[str, ...]) -> None:
    graph = run(f"%%grad w=0.5, x=2.0 {line}\ny = w * x").graph
    assert (graph.mode, graph.seeds) == (mode, seeds)


def test_seeds_are_what_the_derivative_has(run: Run) -> None:
    found = run("%%grad x=np.ones(3) --mode reverse --seed [1, 2, 3] --graph\ny = x**2")
    np.testing.assert_array_equal(found.graph.nodes[0].values[0].moved[0], [2.0, 4.0, 6.0])
    found = run("%%grad x=np.ones(3), s=2.0 --mode forward --seed {'x': [1, 2, 3]} --graph\ny = x**2 * s")
    np.testing.assert_array_equal(found.graph.nodes[-1].values[0].moved[0], [4.0, 8.0, 12.0])


def test_a_function_after_the_option_is_a_function(run: Run) -> None:
    run("def f(x):\n    return x**2")
    assert run("%grad --graph f x=3.0").graph.mode == "reverse"
    assert run('%grad --graph plain "x**2" x=3.0').graph.mode == "plain"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%grad x=1.0 --graph revers\nx * 2", "not among forward, reverse, plain"),
        ("%%grad x=1.0 --graph=\nx * 2", "--graph needs a value"),
        ("%%grad x=1.0 --step 1\nx * 2", "--step is that of a graph"),
        ("%%grad x=1.0 --graph --step 2\nx * 2", "there is no step 2: the last is 1"),
        ("%%grad x=1.0 --graph --step one\nx * 2", "invalid int value"),
        ("%%grad x=np.ones(4) --graph forward\nnp.sum(x)", "a node has room for 3 tangents"),
        ("%%grad --graph\ndef f(x):\n    return x", "--graph needs a point"),
    ],
)
def test_bad_lines_have_one_message(run: Run, cell: str, message: str) -> None:
    with pytest.raises(DiffmagicError, match=message):
        run(cell)
