"""``--plot`` and ranges: curves, families and fields of a cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.render import html_of, text_of
from diffmagic.results import Curves, Derivative, Field
from tests.notebook.pictures import alternatives_in, svgs_in

Run = Callable[[str], Any]

CELLS = {
    "a range": "%%grad x=-7:7 --order 4 --mark roots,extrema\ny = 1 / (1 + np.exp(-x))",
    "breaks": "%%grad x=-3:3 --stacked\ny = np.floor(x) + 1 / (x - 0.5)",
    "gaps": "%%grad x=-3:3\nnp.log(x)",
    "a family": "%%grad x=-3:3, a=0:2 --family a\ny = np.tanh(a * x)",
    "a field": "%%grad x=-2:2, y=-1:3\n(1 - x) ** 2 + 100 * (y - x**2) ** 2",
    "around a point": "%%grad x=0.5 --plot\ny = x**3",
    "numerical": "%%numdiff x=0:3 --method central-difference --step 0.25 --points 31\ny = np.sin(3 * x)",
    "numerical, around a point": "%%numdiff x=2.0 --plot --points 21\ny = np.sqrt(x)",
    "numerical only": "%%numdiff x=0:3 --points 11\ny = float(str(np.sin(x)))",
    "a constant": "%%grad x=0:1\n2.0 + 0 * x",
    "many derivatives": "%%grad x=0.1:3 --order 9\nnp.log(x) * np.sin(x)",
    "little variation": "%%grad x=-3:3\nT = 273.15 + 0.1 * np.sin(x)",
    "a field of little variation": "%%grad x=0:1, y=0:1\nz = 300 + 0.01 * x * y",
    "a constant field": "%%grad x=0:1, y=0:1\nz = 5.0 + 0 * x",
    "a large family": "%%grad x=-3:3, a=range(14) --family a\nnp.sin(a * x)",
    "far from zero": "%%grad x=1e9:1e9 + 4\nnp.floor(x)",
    "escaped": "%%grad x=0:3, ö=2.0\nλ = np.sin(x) * ö",
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_pictures_are_well_formed_and_the_same_on_every_run(run: Run, cell: str) -> None:
    found = run(cell)
    html, text = html_of(found), text_of(found)
    assert (html, text) == (html_of(run(cell)), text_of(run(cell)))
    assert max(map(len, text.splitlines())) <= 100
    (picture,), (alternative,) = svgs_in(html), alternatives_in(html)
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert alternative.startswith(("Curves of", "Contours of"))
    assert len(picture) < 300_000
    assert "nan" not in picture
    assert "inf" not in picture.replace("info", "")


def test_a_curve_in_words_and_numbers(run: Run) -> None:
    found = run("%%grad x=-2:2 --mark roots,extrema --points 201 --digits 5\ny = x**2 - 1 + abs(x - 0.5)")
    assert isinstance(found, Curves)
    assert (
        text_of(found)
        == """\
y, ∂y/∂x for x from -2.0 to 2.0
  x           y  ∂y/∂x
  -2.0      5.5   -5.0
  -1.5     3.25   -4.0
  -1.0      1.5   -3.0
  -0.5     0.25   -2.0
  0.0      -0.5   -1.0
  0.48  -0.7496  -0.04
  1.0       0.5    3.0
  1.5      2.25    4.0
  2.0       4.5    5.0

Marked
                  x      y
  root     -0.36603    0.0
  kink          0.5  -0.75
  minimum       0.5  -0.75
  root      0.82288    0.0

One trace serves all points."""
    )


def test_a_field_in_words_and_numbers(run: Run) -> None:
    found = run("%%grad x=0:2, y=-1:1\nz = x * y")
    assert isinstance(found, Field)
    assert (
        text_of(found)
        == """\
z for x from 0.0 to 2.0 and y from -1.0 to 1.0
  y \\ x   0.0    0.5   1.0    1.5   2.0
  1.0     0.0    0.5   1.0    1.5   2.0
  0.5     0.0   0.25   0.5   0.75   1.0
  0.0     0.0    0.0   0.0    0.0   0.0
  -0.5   -0.0  -0.25  -0.5  -0.75  -1.0
  -1.0   -0.0   -0.5  -1.0   -1.5  -2.0

Arrows point where it grows fastest; longer ones are steeper.
One trace serves all points."""
    )


def test_the_cell_is_run_once_for_the_notebook(run: Run, shell: InteractiveShell) -> None:
    run("%%grad x=0:4\nhalf = x / 2\ny = half**2")
    assert (shell.user_ns["half"], shell.user_ns["y"]) == (1.0, 1.0)
    assert "x" not in shell.user_ns


def test_functions_and_expressions(run: Run) -> None:
    run("def f(x, a=2.0):\n    return a * x if x > 0 else -x")
    assert run("%grad f x=-1:1").curves[0].marks[0].kind == "kink"
    assert run('%grad "k**2" k=0:3 --order 2').curves[0].y[2].tolist()[:2] == [2.0, 2.0]
    assert [curve.label for curve in run("%grad f x=-1:1 a=[1, 3] --family a").curves] == ["a = 1.0", "a = 3.0"]


def test_ends_are_expressions_of_the_notebook(run: Run) -> None:
    run("low = -1")
    found = run("%%grad x=low:2 * np.pi, y=[1.0, 2.0][1]\nx * y")
    assert (found.curves[0].x[0], found.curves[0].x[-1]) == (-1.0, 2 * np.pi)
    assert found.curves[0].y[1, 0] == 2.0


def test_around_a_point_there_is_the_derivative_too(run: Run) -> None:
    found = run("%%grad x=0.5 --plot\ny = x**3")
    assert isinstance(found, Derivative)
    assert found.curves.point == 0.5
    assert (found.curves.curves[0].x[0], found.curves.curves[0].x[-1]) == (-1.5, 2.5)
    assert "∂y/∂x = 0.75" in text_of(found)


def test_numerical_curves_are_compared_with_exact_ones(run: Run) -> None:
    found = run("%%numdiff x=0:3 --method central-difference --step 0.25 --points 31 --order 1\ny = np.sin(3 * x)")
    (numerical,) = found.compared
    h = 0.25
    np.testing.assert_allclose(numerical.y[1], 3 * np.cos(3 * numerical.x) * np.sin(3 * h) / (3 * h), atol=1e-12)
    assert numerical.label == "central-difference"
    assert "difference" in text_of(found).splitlines()[1]


def test_numerical_curves_need_no_trace(run: Run) -> None:
    found = run("%%numdiff x=0:3 --points 11 --order 2\ny = float(str(np.sin(x)))")
    (curve,) = found.curves
    np.testing.assert_allclose(curve.y[1], np.cos(curve.x), atol=1e-9)
    np.testing.assert_allclose(curve.y[2], -np.sin(curve.x), atol=1e-7)
    assert "no automatic one" in text_of(found)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("%%grad x=1:0\nx", "1:0 is no range"),
        ("%%grad x=1:\nx", "x=1: is no range"),
        ("%%grad x=0:1:0.1\nx", "x=0:1:0.1 is no range"),
        ("%%grad x='a':'b'\nx", "no range of numbers"),
        ("%%grad x=0:1, x=2\nx", "x is given twice"),
        ("%%grad x=0:1, y=0:1, z=0:1\nx * y * z", "there are 3 ranges"),
        ("%%grad x=0:1, y=0:1 --order 2\nx * y", "two ranges give contours"),
        ("%%grad x=0:1 --trace\nx", "--trace needs a point"),
        ("%%grad x=0:1 --seed [1]\nx", "--seed needs a point"),
        ("%%grad x=0:1 --hessian\nx", "--hessian needs a point"),
        ("%%grad x=0:1 --wrt x\nx", "--wrt needs a point"),
        ("%%numdiff x=0:1 --sweep\nx", "--sweep needs a point"),
        ("%%numdiff x=0:1, y=0:1\nx * y", "a numerical curve has one range"),
        ("%%grad x=1.0 --points 5\nx", "--points is for curves"),
        ("%%grad x=1.0 --mark roots\nx", "--mark is for curves"),
        ("%%grad x=0:1 --mark holes\nx", "holes is not among roots, extrema"),
        ("%%grad x=0:1 --points 1\nx", "cannot have 1 points"),
        ("%%grad x=0:1 --order 13\nx", "no room for 13 derivatives"),
        ("%%grad x=0:1 --family a\nx", "a of --family is not among the inputs"),
        ("%%grad x=0:1, a=[] --family a\nx * a", "no list of numbers"),
        ("%%grad x=0:1, a=range(15) --family a\nx * a", "15 curves cannot be told apart"),
        ("%%grad x=0:1, y=0:1 --points 20000\nx * y", "cannot have 20000 points"),
        ("%%grad x=0:1, a=1.0 --family a\nx * a", "no list of numbers"),
        ("%%grad a=[1, 2] --family a --plot\na", "--family needs a range"),
        ("%%grad x=1.0, y=2.0 --plot\nx * y", "--plot needs one number"),
        ("%%grad x=np.ones(3) --plot\nnp.sum(x)", "--plot needs one number"),
        ("%%grad x=0:1\nnp.array([x, x])", "array of shape (2,)"),
        ("%%grad x=0:1\n(x, x)", "tuple"),
        ("%%grad x=0:1\nnp.sqrt(x + 0j)", "complex"),
        ("%%grad x=-2:-1\nnp.log(x)", "no value on all of the range"),
        ("%%symdiff x=0:1\nx", "is a range"),
        ("%%diffcompare x=0:1\nx", "is a range"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, shell: InteractiveShell, cell: str, reason: str) -> None:
    before = dict(shell.user_ns)
    with pytest.raises(DiffmagicError, match=re.escape(reason)):
        run(cell)
    assert {name for name in shell.user_ns if not name.startswith("_")} == {n for n in before if not n.startswith("_")}
