"""``%symdiff`` and ``%%symdiff`` in an IPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic.notebook.render import html_of, text_of
from tests.notebook.pictures import svgs_in

Run = Callable[[str], Any]
Output = Callable[[str], str]

SIGMOID = "%%symdiff {}\ny = 1 / (1 + np.exp(-w * x))"
LOGISTIC = "%%symdiff x=0.3 --growth {}\nl = x\nfor _ in range(n - 1):\n    l = 4 * l * (1 - l)\nl"


@pytest.mark.parametrize("line", ["w, x", "w x", "", "w=0.5, x=2.0"])
def test_formulas(run: Run, line: str) -> None:
    found = run(SIGMOID.format(line))
    formulas = {entry.wrt: str(entry.value) for entry in found.entries}
    assert formulas == {("w",): "x*exp(-w*x)/(1 + exp(-w*x))**2", ("x",): "w*exp(-w*x)/(1 + exp(-w*x))**2"}
    assert found(0.5, 2.0) == pytest.approx((0.3932238664829637, 0.09830596662074093), rel=1e-15)
    assert "∂y/∂w = x*exp(-w*x)/(1 + exp(-w*x))**2" in text_of(found)


def test_names_without_values_leave_nothing_behind(run: Run, output: Output) -> None:
    run(SIGMOID.format("w, x"))
    assert "NameError" in output("y")
    assert "NameError" in output("w")


def test_with_values_it_is_an_ordinary_cell(run: Run) -> None:
    found = run(SIGMOID.format("w=0.5, x=2.0"))
    assert run("y") == found.at.value == 0.7310585786300049
    assert "∂y/∂w = 0.39322387" in text_of(found)


def test_a_function_that_the_cell_defines(run: Run) -> None:
    found = run("%%symdiff\ndef f(a, b=2.0):\n    return a**b")
    assert [(entry.wrt, str(entry.value)) for entry in found.entries] == [(("a",), "2*a")]
    assert run("f(3.0)") == 9.0
    assert [entry.wrt for entry in run("%symdiff f a, b").entries] == [("a",), ("b",)]


def test_an_expression(run: Run) -> None:
    found = run("%symdiff 'np.sin(a) * t' a, t --order 2")
    assert [(entry.wrt, str(entry.value)) for entry in found.entries] == [
        (("a", "a"), "-t*sin(a)"),
        (("a", "t"), "cos(a)"),
        (("t", "t"), "0"),
    ]


@pytest.mark.parametrize("line", ["w, x --wrt w", "w=0.5, x=2.0 --wrt w"])
def test_wrt(run: Run, line: str) -> None:
    found = run(SIGMOID.format(line))
    assert [(entry.wrt, str(entry.value)) for entry in found.entries] == [(("w",), "x*exp(-w*x)/(1 + exp(-w*x))**2")]


def test_arrays_go_component_by_component(run: Run) -> None:
    found = run("%%symdiff v=np.array([1.0, 2.0]), s=3.0\nnp.sum(v**2) * s")
    assert [(entry.wrt, str(entry.value)) for entry in found.entries] == [
        (("v[0]",), "2*s*v_0"),
        (("v[1]",), "2*s*v_1"),
        (("s",), "v_0**2 + v_1**2"),
    ]
    np.testing.assert_array_equal(found.at.derivative["v"], [6.0, 12.0])


def test_a_cell_that_changes_its_input(run: Run) -> None:
    found = run("%%symdiff w=np.array([1.0, 2.0])\nw *= 2\nnp.sum(w**2)")
    assert found.at.value == 20.0
    np.testing.assert_array_equal(found.at.derivative["w"], [8.0, 16.0])


def test_simplify(run: Run) -> None:
    cell = "np.sin(x) ** 2 + np.cos(x) ** 2 + x"
    assert str(run(f"%%symdiff x --simplify\n{cell}").entries[0].value) == "1"


@pytest.mark.parametrize(("point", "formula"), [(0.5, "2*x"), (-0.5, "3*x**2")])
def test_the_piece_that_is_taken_is_said(run: Run, point: float, formula: str) -> None:
    found = run(f"%%symdiff x={point}\nif x > 0:\n    y = x**2\nelse:\n    y = x**3")
    assert str(found.entries[0].value) == formula
    assert found.notes == [f"holds while {'x > 0' if point > 0 else 'not (x > 0)'}"]
    assert "Note: holds while" in text_of(found)


def test_steps(run: Run) -> None:
    found = run("%%symdiff x --steps\nx * np.sin(x**2)")
    assert text_of(found) == (
        """\
Formulas
  f = x*sin(x**2)
  ∂/∂x = 2*x**2*cos(x**2) + sin(x**2)

∂/∂x, one rule at a time
    d/dx[x*sin(x**2)]
  = x*d/dx[sin(x**2)] + sin(x**2)         product rule: u = x, v = sin(x**2)
  = x*cos(x**2)*d/dx[x**2] + sin(x**2)
        chain rule with the trigonometric rule: outer sin(u), inner u = x**2
  = 2*x**2*cos(x**2) + sin(x**2)          power rule"""
    )
    page = html_of(found)
    assert r"\sin{\left(x^{2} \right)}" in page
    assert "product rule" in page


def test_what_the_numbers_hide_is_noted(run: Run) -> None:
    found = run("%%symdiff x=0.0\nnp.sinc(x)")
    assert "the formula of the derivative is not finite here, which need not be true of the derivative" in found.notes
    assert "random numbers" in run("%%symdiff x=1.0\nx * np.random.rand()").notes[-1]


def test_growth(run: Run, output: Output) -> None:
    found = run(LOGISTIC.format("n=1:4"))
    assert (found.formula, found.derivative) == ([0, 3, 8, 18], [0, 2, 21, 82])
    assert found.automatic == [0, 7, 14, 21]
    assert len(svgs_in(html_of(found))) == 1
    assert run(LOGISTIC.format("n=2,4")).values == [2, 4]
    assert "NameError" in output("n")


def test_formulas_are_escaped(run: Run) -> None:
    page = html_of(run("%%symdiff x=1.0\nnp.where(x > 0, x**2, -x)"))
    assert "<script" not in page
    assert page.count("$") == 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%symdiff x, y=1.0\nx**2 * y", "y=… has a value and x has none"),
        ("%%symdiff z\nx**2", "the cell does not read z"),
        ("%%symdiff x --wrt z\nx**2", "there is no input z\n  Instead: --wrt x"),
        ("%%symdiff x --steps --order 2\nx**2", "the rules are shown for the first derivative"),
        ("%%symdiff A=np.eye(3)\nnp.sum(np.linalg.svd(A)[1])", "np.linalg.svd has no formula"),
        ("%%symdiff x=1.0 --growth m=1:3\nx**2", "neither the cell nor its inputs read m"),
        ("%%symdiff x\nx.foo", "the cell cannot be called with sample numbers: AttributeError"),
        ("%%symdiff x --growth 5\nx**2", "--growth takes a name and its values"),
        ("%%symdiff x\nfloat(str(x))", "Instead:"),
        ("%symdiff f x", "NameError"),
    ],
)
def test_what_is_refused(output: Output, source: str, message: str) -> None:
    assert message in output(source)
