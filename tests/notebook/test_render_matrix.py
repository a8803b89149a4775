"""Jacobians and Hessians as tables and as pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from diffmagic import differentiate
from diffmagic.core.errors import DiffmagicError
from diffmagic.matrices import Matrix
from diffmagic.notebook.render import html_of, text_of
from diffmagic.notebook.render.heat_map import heat_map
from diffmagic.notebook.render.pictures import COLOURS
from tests.notebook.pictures import svgs_in

Run = Callable[[str], Any]
POSITIVE, NEGATIVE = COLOURS[1], COLOURS[0]


# Small ones.


def test_zeros_by_structure_and_by_number(run: Run) -> None:
    found = run("%%grad x=np.array([0.0, 2.0]), s=3.0\ny = np.array([x[0] ** 2, x[0] * s, 0.0])")
    assert (
        text_of(found)
        == """\
y = [0. 0. 0.]

Jacobian of y
        ∂/∂x[0]  ∂/∂x[1]  ∂/∂s
  y[0]      0.0        ·     ·
  y[1]      3.0        ·   0.0
  y[2]        ·        ·     ·

· is zero by structure: nothing there depends on that input (6 of 9).
Reverse mode (3 inputs, 3 outputs: 3 passes back give all).
A central difference agrees to at least 6 digits."""
    )
    page = html_of(found)
    assert page.count(">·</td>") == page.count("background:rgba(128,128,128,.2)") == 6


def test_matrices_as_inputs(run: Run) -> None:
    text = text_of(run("%%grad W=np.eye(2), b=np.ones(2)\nh = W @ b"))
    assert (
        """\
Jacobian of h
        ∂/∂W[0, 0]  ∂/∂W[0, 1]  ∂/∂W[1, 0]  ∂/∂W[1, 1]  ∂/∂b[0]  ∂/∂b[1]
  h[0]         1.0         1.0           ·           ·      1.0      0.0
  h[1]           ·           ·         1.0         1.0      0.0      1.0
"""
        in text
    )


def test_structure_is_only_said_where_it_is_known() -> None:
    text = text_of(differentiate(lambda x: x**2, np.ones(2)))
    assert "·" not in text
    assert "0.0" in text


def test_a_number_is_never_hidden(run: Run) -> None:
    found = run("%%grad x=np.array([1.0, 2.0])\nx**2")
    found.depends = np.zeros((2, 2), bool)
    assert "  [0]      2.0        ·\n  [1]        ·      4.0\n" in text_of(found)


def test_symmetry(run: Run) -> None:
    assert "Symmetric to 15 digits." in text_of(run("%%grad x=1.0, y=2.0 --hessian\nnp.exp(x * y)"))
    assert "ymmetric" not in text_of(run("%%grad x=np.array([2.0, 3.0])\nnp.array([x[0] * x[1], x[0]])"))
    assert "ymmetric" not in text_of(run("%%grad x=np.array([1.0, 2.0])\nx**2"))  # it is diagonal
    text = text_of(run("%%grad x=np.array([1.0, 2.0])\nnp.array([x[0] * x[1], x[0] ** 2 / 2 + x[1]])"))
    assert "Symmetric to 15 digits." in text


def test_a_hessian_that_is_not_symmetric() -> None:
    """Peano's function at 0, where the mixed derivatives are -1 and 1; found by hand."""
    found = differentiate(lambda x, y: x * y, 0.0, 0.0, argnums=(0, 1), order=2)
    numbers = [0.0, -1.0, 1.0, 0.0]
    found.entries = [replace(entry, value=number) for entry, number in zip(found.entries, numbers, strict=True)]
    assert "Not symmetric: ∂²/∂x∂y is -1.0 and ∂²/∂y∂x is 1.0." in text_of(found)


# Eigenvalues.


def test_a_minimum(run: Run) -> None:
    assert (
        text_of(run("%%grad x=1.0, y=1.0 --eigen\nf = (1 - x) ** 2 + 100 * (y - x**2) ** 2"))
        == """\
f = 0.0

Second derivatives of f
          ∂/∂x    ∂/∂y
  ∂/∂x   802.0  -400.0
  ∂/∂y  -400.0   200.0

Symmetric to 15 digits.

Eigenvalues of the Hessian
      eigenvalue  along it the function curves
  λ1  0.39936077  up
  λ2   1001.6006  up

The point is stationary: the gradient is zero.
It is a local minimum, as the function curves up along every direction.
The Hessian's condition number is about 2.5e+03.
Forward over reverse mode (2 inputs, 1 output: one pass back gives every derivative, and passes
  forward through it give the rest).
A central difference agrees to at least 6 digits."""
    )


@pytest.mark.parametrize(
    ("cell", "sentences"),
    [
        (
            "%%grad x=np.pi / 2 --eigen\nnp.sin(x)",
            ["The point is stationary: the gradient is zero but for rounding.", "It is a local maximum, as"],
        ),
        ("%%grad x=0.0, y=0.0 --eigen\nx * y", ["It is a saddle, as the function curves up along some directions and"]),
        (
            "%%grad x=3.0, y=4.0 --eigen\nx * y",
            [
                "The point is not stationary: the gradient's norm is 5.",
                "The quadratic model there has a saddle, at a distance of 5.",
            ],
        ),
        (
            "%%grad x=0.0, y=0.0 --eigen\n(x + y) ** 2",
            [
                "  λ1           0  not, but for rounding\n",
                "Second derivatives do not tell a minimum, a maximum or a saddle: 1 of 2 eigenvalues is zero but for",
                "The Hessian is singular but for rounding.",
            ],
        ),
        ("%%grad x=0.0 --eigen\nx * np.abs(x) + x**2 / 2", ["a step of the function is at a kink"]),  # no minimum
        ("%%grad x=0.0 --eigen\nx**2 if x >= 0 else -(x**2)", ["a step of the function is at a kink"]),
        ("%%grad x=0.0 --eigen\nnp.where(x < 0, -(x**2), x**2)", ["a step of the function is at a kink"]),
        ("%%grad x=0.0 --eigen\nnp.sqrt(x)", ["the derivatives are not finite"]),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_nature_of_points(run: Run, cell: str, sentences: list[str]) -> None:
    text = text_of(run(cell))
    for sentence in sentences:
        assert sentence in text
    if "do not tell" in text:
        assert "local" not in text


def test_many_eigenvalues(run: Run) -> None:
    text = text_of(run("%%grad x=np.linspace(1, 2, 14) --eigen\nnp.sum(x**4)"))
    assert "\n  λ5 " in text
    assert "\n  …        4 more\n" in text
    assert "\n  λ14        48.0  up\n" in text


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%grad x=np.ones(2) --eigen\nx**2", "the result is not one number"),
        ("%%grad x=1.0 --eigen --order 3\nx**2", "--eigen is the derivative of order 2, not 3"),
        ("%%grad x=1.0 --eigen --mode forward --seed 1.0\nx**2", "leave --order and --eigen out"),
        ("%%grad z=np.array([1j, 2.0]) --eigen\nnp.sum(z**2)", "complex"),
        ("%%grad --eigen\ndef f(x):\n    return x**2", "--eigen needs a point"),
    ],
)
def test_what_eigenvalues_are_refused(run: Run, cell: str, message: str) -> None:
    with pytest.raises(DiffmagicError) as error:
        run(cell)
    assert message in str(error.value)


# Large ones.


def test_a_large_jacobian(run: Run) -> None:
    found = run("%%grad W=np.arange(12.0).reshape(3, 4), s=2.0\nz = np.cumsum(W)")
    assert (
        text_of(found)
        == """\
z = [ 0.  1.  3.  6. 10. 15. 21. 28. 36. 45. 55. 66.]

Jacobian of z
                  what is in it
  size            12 × 13
  down            z (12)
  across          W (3×4), s
  zeros           78 of 156, 50 %; 78 by structure
  largest entry   ∂z[0]/∂W[0, 0] = 1.0
  Frobenius norm  8.8317609

Reverse mode (13 inputs, 12 outputs: 12 passes back give all).
Note: the result does not depend on s: its derivative is 0.
A central difference agrees to at least 6 digits."""
    )


def test_a_large_hessian(run: Run) -> None:
    text = text_of(run("%%grad x=np.linspace(0, 1, 13) --hessian\nf = np.sum((x[1:] - x[:-1] ** 2) ** 2)"))
    assert (
        """\
Second derivatives of f
                   what is in it
  size             13 × 13
  down and across  x (13)
  zeros            134 of 169, 79.3 %; 132 by structure
  largest entry    ∂²f/∂x[11]² = 8.0833333
  Frobenius norm   17.497222
  symmetry         symmetric to 15 digits
"""
        in text
    )


def test_what_is_neither_small_nor_large_has_numbers_too(run: Run) -> None:
    found = run("%%grad x=np.linspace(0, 1, 9)\ny = x**2")
    assert "∂y/∂x (9×9) = [[0." in text_of(found)
    assert "what is in it" in text_of(found)
    assert svgs_in(html_of(found))
    assert "∂y/∂x" not in text_of(run("%%grad x=np.linspace(0, 1, 11)\ny = x**2"))


def test_a_column_is_no_picture(run: Run) -> None:
    assert not svgs_in(html_of(run("%%grad t=1.0\nnp.linspace(0, 1, 30) * t")))


# The picture.


def jacobian(numbers: Any, structure: Any = None, columns: Any = None, rows: Any = None) -> Matrix:
    numbers = np.asarray(numbers)
    height, width = numbers.shape
    structure = np.zeros(numbers.shape, bool) if structure is None else structure
    return Matrix("y", 1, rows or [("y", (height,))], columns or [("x", (width,))], numbers, structure)


def drawn(matrix: Matrix) -> ElementTree.Element:
    picture = heat_map(matrix, "Jacobian of y", "what it shows")
    assert picture == heat_map(matrix, "Jacobian of y", "what it shows")
    return ElementTree.fromstring(*svgs_in(picture))


def named(picture: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return picture.iter(f"{{http://www.w3.org/2000/svg}}{tag}")


def squares(picture: ElementTree.Element) -> dict[tuple[int, int], tuple[str, float]]:
    """The colour of each square, by row and column."""
    found = {}
    for path in named(picture, "path"):
        for x, y, count in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path.get("d", "")):
            for k in range(int(count)):
                assert (int(y), int(x) + k) not in found
                found[int(y), int(x) + k] = path.get("fill", ""), float(path.get("fill-opacity", "nan"))
    return found


def dots(picture: ElementTree.Element) -> set[tuple[int, int]]:
    paths = "".join(path.get("d", "") for path in named(picture, "path"))
    return {(int(y), int(x)) for x, y in re.findall(r"M(\d+)\.5 (\d+)\.5h0", paths)}


def texts(picture: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in named(picture, "text")]


def test_signs_and_sizes() -> None:
    picture = drawn(jacobian([[3.0, -3.0, 0.0, 1.5], [-1.5, 0.6, 0.0, np.nan]], [[0, 0, 1, 0], [0, 0, 0, 0]]))
    assert squares(picture) == {
        (0, 0): (POSITIVE, 1.0),
        (0, 1): (NEGATIVE, 1.0),
        (0, 3): (POSITIVE, 0.55),
        (1, 0): (NEGATIVE, 0.55),
        (1, 1): (POSITIVE, 0.4),
    }
    assert dots(picture) == {(1, 2)}
    assert {"3", "-3", "0", "blank: zero by structure", "×: not finite"} <= set(texts(picture))
    assert "M3.2 1.2l.6 .6" in ElementTree.tostring(picture, "unicode")


def test_the_scale_is_symmetric_and_logarithmic_over_decades() -> None:
    numbers = np.outer([1.0, -1.0], 10.0 ** -np.arange(10))
    picture = drawn(jacobian(numbers))
    colours = squares(picture)
    assert {colours[0, k][1] for k in range(10)} == {colours[1, k][1] for k in range(10)}
    opacity = [colours[0, k][1] for k in range(10)]
    assert opacity == sorted(opacity, reverse=True)
    assert len(set(opacity)) >= 5
    assert {"1", "-1", "≤ 1e-10", "≥ -1e-10"} <= set(texts(picture))


@pytest.mark.parametrize("size", [1e300, 1.5e308, 1e-320, 1e-300])
def test_extreme_numbers(size: float) -> None:
    numbers = np.full((3, 14), size)
    numbers[0] /= 1e4
    numbers[1, :3] = -size
    assert len(squares(drawn(jacobian(numbers)))) == int((numbers != 0).sum())


def test_rounding_errors_do_not_change_it() -> None:
    numbers = np.linspace(-3, 3, 40).reshape(2, 20)
    noisy = numbers * (1 + 1e-13 * np.cos(np.arange(40)).reshape(2, 20))
    matrices = jacobian(numbers), jacobian(noisy)
    assert heat_map(matrices[0], "", "") == heat_map(matrices[1], "", "")


def test_large_ones_are_reduced_to_the_largest_of_each_group() -> None:
    numbers = np.zeros((130, 61))
    numbers[129, 60], numbers[5, 7], numbers[3, 6], numbers[64, 1] = -8.0, 2.0, -4.0, np.inf
    structure = np.ones(numbers.shape, bool)
    structure[0, 0] = False
    picture = drawn(jacobian(numbers, structure))
    assert {place: colour for place, (colour, _) in squares(picture).items()} == {(43, 30): NEGATIVE, (1, 3): NEGATIVE}
    assert dots(picture) == {(0, 0)}
    assert "a square: the largest of 3×2" in texts(picture)


def test_complex_numbers_are_shown_by_size() -> None:
    picture = drawn(jacobian([[3 + 4j, 0.0, -5.0]]))
    assert squares(picture) == {(0, 0): (POSITIVE, 1.0), (0, 2): (POSITIVE, 1.0)}
    assert "absolute values" in texts(picture)


SIDES = [
    [("x", (70,))],
    [("W", (4, 5)), ("b", (4,)), ("s", ())],
    [("重み", (4, 5)), ("β", (5,)), ("a_very_long_name_of_an_input", (2,)), ("k", ())],
    [(f"input_{k}", ()) for k in range(40)],
    [("<script>alert(1)</script>", (9,)), ('p["&"]', (9,))],
]


@pytest.mark.parametrize("across", SIDES)
@pytest.mark.parametrize("down", SIDES)
def test_nothing_overlaps_or_sticks_out(across: Any, down: Any) -> None:
    """By the sizes of squares and, roughly, of letters."""
    width, height = (sum(math.prod(shape) for _, shape in side) for side in (across, down))
    picture = drawn(jacobian(np.ones((height, width)), None, across, down))
    _, _, right, bottom = map(float, picture.get("viewBox", "").split())
    boxes = []
    for text in named(picture, "text"):
        said = "".join(text.itertext())
        room = sum(12 if ord(letter) > 0x2E80 else 6 for letter in said)
        x, y = float(text.get("x", "")), float(text.get("y", ""))
        left = {"start": x, "middle": x - room / 2, "end": x - room}[text.get("text-anchor", "")]
        boxes.append((left, y - 9, left + room, y + 2))
        assert left >= 0
        assert left + room <= right + 1
        assert 0 < y <= bottom
    rectangles = [
        tuple(float(box.get(key, "")) for key in ("x", "y", "width", "height")) for box in named(picture, "rect")
    ]
    boxes += [(x, y, x + w, y + h) for x, y, w, h in rectangles]
    for k, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:k]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_names_are_text(run: Run) -> None:
    page = html_of(run("%%grad p={'<script>': np.ones(14)}\np['<script>'] ** 2"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
