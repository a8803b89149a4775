"""``%%grad --source``: the derivative as a function to paste and run."""

from __future__ import annotations

import textwrap
from html.parser import HTMLParser

import numpy as np
import pytest

from diffmagic import DiffmagicError
from diffmagic.notebook.render import html_of, text_of
from tests.test_derivative_source import SIGMOID

SHOWN = f"""\
value = 0.73105858

∂/∂w = 0.39322387
∂/∂x = 0.098305967

A function of the same inputs, to paste and run

{textwrap.indent(SIGMOID, "    ")}
Reverse mode (2 inputs, 1 output: one pass back gives every derivative).
A central difference agrees to at least 6 digits."""


def test_it_is_shown_as_text(run):
    found = run("%%grad w=0.5, x=2.0 --source\n1 / (1 + np.exp(-w * x))")
    assert text_of(found) == SHOWN


def test_it_is_kept_and_pasted_into_a_cell_it_runs(run):
    found = run("%%grad w=0.5, x=2.0 --source -o d\n1 / (1 + np.exp(-w * x))")
    assert run("d.source") == found.source
    value, gradient = run(f"{found.source}gradient(0.5, 2.0)")
    assert (value, gradient) == (found.value, tuple(found.derivative.values()))


def test_it_is_left_out_where_it_is_not_asked_for(run):
    found = run("%%grad x=2.0\nx * x")
    assert found.source == ""
    assert "def " not in text_of(found)


class Code(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: dict[str, str] = {}
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.open += [tag] if tag != "br" else []
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("code", "figcaption"):
            self.found[self.open[-1]] = self.found.get(self.open[-1], "") + data


def test_html_holds_the_same_text(run):
    found = run('%%grad p={"<script>": 2.0, "b": 1.0} --source\np["<script>"] if p["b"] < p["<script>"] else p["b"]')
    page = Code()
    page.feed(html_of(found))
    assert page.found["code"] == found.source
    assert page.found["figcaption"] == "A function of the same inputs, to paste and run"
    assert "assert p_b < p_script" in found.source
    assert "script" not in page.tags


def test_arrays_of_the_notebook_have_their_names(run):
    run("data = np.arange(60.0).reshape(20, 3)**0.5\ntarget = data.sum(axis=1)**2")
    found = run("%%grad w=np.ones(3) --source\nr = data @ w - target\nloss = np.mean(r**2)")
    assert (
        found.source
        == '''\
import numpy as np


def gradient(w, data, target):
    """Value and derivative with respect to w; data (20×3), target (20) are constant."""
    r = data @ w - target
    loss = np.mean(r ** 2)
    grad_r = 0.05 * (2 * r)
    grad_w = data.T @ grad_r
    return loss, grad_w
'''
    )


@pytest.mark.parametrize(
    ("line", "head"),
    [
        ("x=0.5 --mode forward", "def derivative(x):"),
        ("x=0.5 --order 3", "def derivative(x):"),
        ("x=0.5, y=2.0 --hessian", "def gradient(x, y):"),
        ("x=0.5, y=2.0 --mode forward --seed [1.0, -1.0]", "def derivative(x, y):"),
        ("x=0.5, y=2.0 --mode reverse --seed 2.0", "def gradient(x, y):"),
    ],
)
def test_other_modes_orders_and_seeds(run, line, head):
    run("y = 2.0")
    found = run(f"%%grad {line} --source\nnp.sin(x) * y")
    assert head in found.source
    names = dict.fromkeys(head[head.index("(") + 1 : -2].split(", "))
    function = head[4 : head.index("(")]
    *_, derivative = run(f"{found.source}{function}({', '.join({'x': '0.5', 'y': '2.0'}[name] for name in names)})")
    leaves = [np.ravel(entry.value) for entry in found.entries]
    np.testing.assert_allclose(np.ravel(derivative), np.concatenate(leaves), rtol=1e-15)


def test_what_cannot_be_written_is_one_message(run):
    with pytest.raises(DiffmagicError, match="the result has 2 numbers, and one pass back is the derivative of one"):
        run("%%grad x=np.ones(2) --source\nx * x")
    with pytest.raises(DiffmagicError, match="--source needs a point"):
        run("%%grad --source\ndef f(x):\n    return x")


def test_beside_something_else_it_is_a_note(run):
    for more in ("--trace", "--graph"):
        found = run(f"%%grad x=np.ones(2) --source {more}\nx * x")
        assert found.source == ""
        assert (found.trace or found.graph) is not None
        assert any("there is no source: the result has 2 numbers" in note for note in found.notes)


def test_inputs_that_it_does_not_have_are_refused_before_anything_is_computed(run):
    run("calls = []")
    for options in ("--mode forward", "--order 2", "--hessian"):
        with pytest.raises(DiffmagicError, match="x is not one real number"):
            run(f"%%grad x=np.ones(300) {options} --source\ncalls.append(1)\nnp.sum(x * x)")
    assert run("calls") == []
