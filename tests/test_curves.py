"""Curves: where they end and break, their roots and extrema."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.hook import traceable
from diffmagic.curves import curves, field_of, sampled, spaced

Function = Callable[[Any], Any]
PI, R = math.pi, math.sqrt(2)

MARKS: dict[str, tuple[Function, list[tuple[str, float]]]] = {
    "sine": (
        np.sin,
        [("root", -PI), ("minimum", -PI / 2), ("root", 0.0), ("maximum", PI / 2), ("root", PI)],
    ),
    "absolute, far from zero": (lambda x: abs(x - 0.3) + 1000, [("kink", 0.3), ("minimum", 0.3)]),
    "absolute, at a point": (np.abs, [("kink", 0.0), ("minimum", 0.0), ("root", 0.0)]),
    "a kink that is no extremum": (lambda x: np.where(x > 1, 2 * x - 1, x), [("root", 0.0), ("kink", 1.0)]),
    "two kinks": (lambda x: np.clip(x, -0.7, 0.9) + 2, [("kink", -0.7), ("kink", 0.9)]),
    "two sharp minima": (
        lambda x: np.abs(x * x - 2) + 1,
        [("kink", -R), ("minimum", -R), ("maximum", 0.0), ("kink", R), ("minimum", R)],
    ),
    "a cusp": (
        lambda x: np.sqrt(np.abs(x - 0.1)),
        [("kink", 0.1), ("minimum", 0.1), ("root", 0.1)],
    ),  # its value there is not zero in double precision
    "an upright tangent": (np.cbrt, [("root", 0.0)]),
    "a simple pole, at a point": (lambda x: 1 / x, [("pole", 0.0)]),
    "a simple pole, between points": (lambda x: 1 / (x - 0.1), [("pole", 0.1)]),
    "a double pole": (lambda x: 1 / (x - 0.1) ** 2, [("pole", 0.1)]),
    "tangent": (np.tan, [("root", -PI), ("pole", -PI / 2), ("root", 0.0), ("pole", PI / 2), ("root", PI)]),
    "a logarithmic pole": (lambda x: np.log(np.abs(x)), [("root", -1.0), ("pole", 0.0), ("root", 1.0)]),
    "steps": (lambda x: np.floor(x + 0.2), [("jump", x - 0.2) for x in (-3, -2, -1, 0, 1, 2, 3)]),
    "a sawtooth": (lambda x: (x + 0.5) % 5 - 0.1, [("jump", -0.5), ("root", -0.4)]),
    "a branch that jumps": (lambda x: x + 5 if x < 1.2345 else x * x + 5, [("jump", 1.2345)]),
    "a branch that fits": (lambda x: x * x if x < 1 else 2 * x - 1, [("minimum", 0.0), ("root", 0.0)]),
    "the sign": (lambda x: np.sign(x) * np.exp(-x * x), [("jump", 0.0)]),
    "a removable gap": (lambda x: (np.exp(x) - 1) / x, []),
    "a square that touches zero": (lambda x: (x - 1) ** 2, [("minimum", 1.0), ("root", 1.0)]),
    "a constant": (lambda x: 5 + 0 * x, []),
    "zero": (lambda x: 0 * x, []),
    "smooth and steep": (lambda x: np.arctan(1e3 * x) + 2, []),
    "a rectifier": (lambda x: np.maximum(x, 0) + 1, [("kink", 0.0)]),
    "a soft rectifier": (lambda x: np.logaddexp(0, 30 * x), []),
    "a loop that settles": (lambda x: _root(x * x + 1), [("minimum", 0.0)]),
}


def _root(a: Any) -> Any:
    x = a
    for _ in range(60):
        x, before = 0.5 * (x + a / x), x
        if abs(x - before) < 1e-12:
            break
    return x


@pytest.mark.parametrize(("f", "expected"), MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("points", [401, 172])
def test_marks(f: Function, expected: list[tuple[str, float]], points: int) -> None:
    (curve,) = curves(traceable(f), -3.5, 3.5, points=points, marks=["roots", "extrema"]).curves
    assert [mark.kind for mark in curve.marks] == [kind for kind, _ in expected]
    for mark, (kind, x) in zip(curve.marks, expected, strict=True):
        assert mark.x == pytest.approx(x, abs=1e-12 if kind not in ("pole", "jump") else 1e-8), kind


@pytest.mark.parametrize("at", [-1.2, 0.0, 0.777, 3.1])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_a_kink_is_found_at_any_scale(at: float, size: float, scale: float) -> None:
    def f(x: Any) -> Any:
        return np.cos(x / scale) * size + size * abs(x / scale - at)

    (curve,) = curves(f, -4 * scale, 4 * scale, points=300).curves
    assert [(mark.kind, mark.x) for mark in curve.marks] == [("kink", pytest.approx(at * scale, abs=1e-9 * scale))]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(40 * x),
        lambda x: np.exp(3 * x),
        lambda x: np.tanh(60 * x),
        lambda x: np.exp(-((x / 0.05) ** 2)),
        lambda x: x**9 - x,
        lambda x: 1e8 + np.sin(x),
        lambda x: np.sqrt(1e-4 + x * x),
        lambda x: np.where(x > 0, x**3, -(x**3)),
    ],
)
def test_what_is_smooth_is_not_marked(f: Function) -> None:
    assert curves(f, -3.0, 3.0).curves[0].marks == []


@pytest.mark.parametrize(
    ("f", "low", "high", "kinds"),
    [
        (lambda x: np.arccos(np.cos(x)), 1.0, 10.0, ["kink"] * 3),
        (lambda x: 1 / (1 + np.exp(1 / x)), -1.0, 1.0, ["jump"]),
        (np.floor, 1e9 - 0.5, 1e9 + 2.5, ["jump"] * 3),
        (lambda x: np.sqrt(1 - np.cos(x) ** 2), -4.0, 4.0, ["kink"] * 3),
        (lambda x: abs(x - 1), 1 - 1e-8, 1 + 1e-8, ["kink"]),
    ],
)
def test_breaks_that_are_hard_to_come_near(f: Function, low: float, high: float, kinds: list[str]) -> None:
    assert [mark.kind for mark in curves(f, low, high).curves[0].marks] == kinds


@pytest.mark.parametrize(
    ("f", "marks"),
    [
        (np.cosh, [("minimum", 0.0, 1.0)]),
        (lambda x: x**8 + 1e-7, [("minimum", 0.0, 1e-7)]),
        (lambda x: (x - 0.3) ** 2 + 1e-13, [("minimum", 0.3, 1e-13)]),
        (lambda x: 1e-200 * x**2, [("minimum", 0.0, 0.0), ("root", 0.0, 0.0)]),
    ],
)
def test_what_is_small_is_not_zero(f: Function, marks: list[tuple[str, float, float]]) -> None:
    (curve,) = curves(f, -40.0, 40.0, marks=["roots", "extrema"]).curves
    assert [(mark.kind, mark.x, mark.y) for mark in curve.marks] == [
        (kind, pytest.approx(x, abs=1e-9), pytest.approx(y, rel=1e-6)) for kind, x, y in marks
    ]


def test_a_curve_is_cut_where_it_breaks() -> None:
    (curve,) = curves(np.floor, -1.5, 1.5, points=31).curves
    assert [mark.x for mark in curve.marks] == [-1.0, 0.0, 1.0]
    assert np.isnan(curve.y[0]).sum() == 3
    assert np.all(np.diff(curve.x) >= 0)
    known = np.isfinite(curve.y[0])
    np.testing.assert_array_equal(curve.y[0][known], np.floor(curve.x[known]))


@pytest.mark.parametrize(
    ("f", "gaps"),
    [
        (np.sqrt, [(-2.0, 0.0)]),
        (lambda x: math.log(x - 0.5), [(-2.0, 0.5)]),
        (lambda x: np.sqrt(x * x - 1), [(-1.0, 1.0)]),
        (np.arcsin, [(-2.0, -1.0), (1.0, 3.0)]),
        (lambda x: np.sin(x) / x, [(0.0, 0.0)]),
        (lambda x: 1 / x, []),
    ],
)
def test_gaps_end_where_the_function_ends(f: Function, gaps: list[tuple[float, float]]) -> None:
    (curve,) = curves(traceable(f), -2.0, 3.0, points=501).curves
    assert curve.gaps == [(pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12)) for low, high in gaps]
    for low, high in gaps:
        inside = (curve.x > low + 1e-9) & (curve.x < high - 1e-9)
        assert not np.isfinite(curve.y[0][inside]).any()


def test_gaps_are_told() -> None:
    (note,) = curves(np.sqrt, -1.0, 1.0).notes
    assert note == "there is no value from x = -1.0 to 0.0"
    (note,) = curves(traceable(lambda x: math.sqrt(x)), -1.0, 1.0).notes
    assert note == "there is no value from x = -1.0 to 0.0: at -0.5 it raises ValueError: math domain error"
    (note,) = curves(lambda x: x**0.5, -1.0, 1.0).notes
    assert note == (
        "there is no value from x = -1.0 to 0.0: the result is complex at -0.5, and curves are of real numbers"
    )
    (note,) = curves(traceable(lambda x: math.log(x) if x < 0 else x), -1.0, 1.0).notes
    assert note == "there is no value from x = -1.0 to 0.0: at -0.5 it raises ValueError: math domain error"


def test_derivatives_along_the_curve() -> None:
    (curve,) = curves(lambda x: np.exp(-x) * np.sin(3 * x), -2.0, 2.0, order=6).curves
    z = -1 + 3j
    exact = [np.imag(z**k * np.exp(z * curve.x)) for k in range(7)]
    np.testing.assert_allclose(curve.y, exact, rtol=1e-12, atol=1e-11)


def test_a_family() -> None:
    found = curves(lambda x, a: abs(x - a) if a > 0 else x, -1.0, 3.0, family=("a", [0.5, 2.0, -1.0]))
    assert [curve.label for curve in found.curves] == ["a = 0.5", "a = 2.0", "a = -1.0"]
    assert [[mark.x for mark in curve.marks] for curve in found.curves] == [[0.5], [2.0], []]


def test_a_field() -> None:
    found = field_of(lambda x, y: x * x - x * y if x < y else y**3, (-1.0, 1.0), (0.0, 2.0), points=21)
    x, y = np.meshgrid(found.x, found.y)
    np.testing.assert_allclose(found.value, np.where(x < y, x * x - x * y, y**3), atol=1e-15)
    np.testing.assert_allclose(found.gradient[0], np.where(x < y, 2 * x - y, 0), atol=1e-15)
    np.testing.assert_allclose(found.gradient[1], np.where(x < y, -x, 3 * y**2), atol=1e-15)


@pytest.mark.parametrize(
    ("low", "high", "options", "reason"),
    [
        (1.0, 1.0, {}, "no range"),
        (0.0, np.inf, {}, "no range"),
        (0.0, 1.0, {"points": 1}, "1 points"),
        (-1e308, 1e308, {}, "cannot be divided"),
        (1.0, 1.0 + 1e-15, {}, "cannot be divided"),
        (0.0, 1.0, {"order": 51}, "order 51"),
        (-2.0, -1.0, {}, "no value on all of the range"),
    ],
)
def test_what_cannot_be_drawn_is_refused(low: float, high: float, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(DiffmagicError, match=reason):
        curves(np.sqrt, low, high, **options)


def test_sampled_points_may_fail() -> None:
    def differentiate(x: float, order: int) -> tuple[float, float]:
        return math.log(x), order / x

    found = sampled(differentiate, np.array([-1.0, 1.0, 2.0]), [1, 2], "log")
    assert np.isnan(found.y).tolist() == [[True, False, False]] * 3
    assert found.y[1:, 2].tolist() == [0.5, 1.0]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 500))
@settings(max_examples=100, deadline=None)
def test_points_are_evenly_spaced_and_end_where_they_should(low: float, length: float, points: int) -> None:
    x = spaced(low, low + length, points)
    assert (x[0], x[-1]) == (low, low + length)
    np.testing.assert_allclose(np.diff(x), length / (points - 1), rtol=1e-6, atol=1e-15 * (abs(low) + length) * 4)
