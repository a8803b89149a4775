"""A function on a whole grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmagic import derivative
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.hook import traceable
from diffmagic.grid import Grid

Function = Callable[[Any], Any]


def with_branch(x: Any) -> Any:
    return x**3 if x > 0.25 else np.sin(x) - 1


def with_whole_numbers(x: Any) -> Any:
    total = 0.0
    for k in range(int(abs(x)) + 2):
        total = total + x**k / (k + 1)
    return total


def until_it_settles(x: Any) -> Any:
    root = 1.0 + x * x
    for _ in range(60):
        better = 0.5 * (root + (2 + x * x) / root)
        if abs(better - root) < 1e-13:
            break
        root = better
    return root


def with_arrays(x: Any) -> Any:
    a = np.array([x, 2 * x, 1.0])
    return np.sum(a * np.arange(3.0) ** 2) * x


def of_math(x: Any) -> Any:
    return math.exp(-x) * math.atan2(x, 2.0) + math.hypot(x, 1.0)


def of_whole_numbers_only(x: Any) -> Any:
    return x * 3 if x.is_integer() else x * x


def caught_division(x: Any) -> Any:
    try:
        return 2.0 / (x - 0.05)
    except ZeroDivisionError:
        return 1.0


def caught_logarithm(x: Any) -> Any:
    try:
        return math.log(x)
    except ValueError:
        return x * x


SCALAR: dict[str, Function] = {
    "one path": lambda x: 1 / (1 + np.exp(-x)),
    "a polynomial": lambda x: x**5 - 3 * x**2 + 1,
    "a constant": lambda x: 0 * x + 2.0,
    "the input": lambda x: x,
    "choices": lambda x: np.maximum(x, 0.5) * np.minimum(x, np.sin(x)) + np.where(x > 0, x, -x) ** 2,
    "absolute": lambda x: abs(x - 0.1) * x,
    "steps": lambda x: x * np.floor(x) + np.round(2 * x),
    "a remainder": lambda x: (x % 0.7) * x,
    "a branch": with_branch,
    "whole numbers": with_whole_numbers,
    "a loop": until_it_settles,
    "arrays": with_arrays,
    "math": of_math,
    "whole numbers only": of_whole_numbers_only,
    "a caught division": caught_division,
    "a caught logarithm": caught_logarithm,
    "truths that add up": lambda x: ((x > 0) + (x > 1) + (x > -1)) * x,
    "text that is read": lambda x: len(str(x)) * x,
    "what has no twin in NumPy": lambda x: math.remainder(x, 0.7) * x,
    "floors of math": lambda x: math.floor(x) * x + math.ceil(2 * x),
    "powers of whole exponents": lambda x: x ** (x + 3) if x > 0 else (x * x) ** (x * 0 + 2),
}
POINTS = np.array([-2.9, -1.5, -1.0, -0.31, 0.05, 0.2, 0.25, 0.26, 1.0, 1.77, 2.0, 2.5])


@pytest.mark.parametrize("f", SCALAR.values(), ids=SCALAR)
@pytest.mark.parametrize("order", [1, 3])
def test_each_point_gets_what_it_would_get_alone(f: Function, order: int) -> None:
    f = traceable(f)
    found = Grid(f, (order,))(POINTS)
    for k in range(order + 1):
        alone = [derivative(f, k)(float(x)) if k else float(f(float(x))) for x in POINTS]
        np.testing.assert_allclose(found[k], alone, rtol=2e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("f", "programs"),
    [("one path", 1), ("a branch", 2), ("whole numbers", 3), ("arrays", POINTS.size), ("whole numbers only", 2)],
)
def test_there_is_one_trace_for_each_path(f: str, programs: int) -> None:
    grid = Grid(traceable(SCALAR[f]), (1,))
    grid(POINTS)
    assert grid.programs == programs
    grid(POINTS + 1e-3) if f == "one path" else grid(POINTS[::-1].copy()) if f != "arrays" else None
    assert grid.programs == programs


def test_several_arguments() -> None:
    grid = Grid(lambda x, y: x**2 * y if x < y else y**3, (2, 1))
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 5.0])
    assert grid(x, y).tolist() == [[2.0, 1.0, 45.0], [4.0, 0.0, 30.0], [4.0, 0.0, 10.0], [1.0, 3.0, 9.0]]


def test_where_it_raises_there_is_no_value() -> None:
    grid = Grid(traceable(lambda x: math.log(x) if x < 2 else 1 / (x - 3)), (1,))
    found = grid(np.array([-1.0, 1.0, 3.0, 4.0]))
    assert np.isnan(found[0]).tolist()[:2] == [True, False]
    assert not np.isfinite(found[0, 2])
    assert found[:, 1].tolist() == [0.0, 1.0]
    assert found[:, 3].tolist() == [1.0, -1.0]


def test_where_it_is_complex_there_is_no_value() -> None:
    grid = Grid(lambda x: x**0.5, (1,))
    assert np.isnan(grid(np.array([-4.0, -1.0, 4.0]))).tolist() == [[True, True, False]] * 2
    assert "complex at -1.0" in str(grid.failure)


def test_the_first_failure_is_kept() -> None:
    grid = Grid(traceable(lambda x: math.log(x)), (1,))
    grid(np.array([-1.0, -2.0]))
    assert isinstance(grid.failure, ValueError)
    assert grid.where == (-2.0,)


def test_positions_that_are_not_chosen_contribute_nothing() -> None:
    grid = Grid(lambda x: np.sqrt(np.where(x > 0, x, 0.0)), (1,))
    assert grid(np.array([-1.0, -2.0, 4.0]))[1].tolist() == [0.0, 0.0, 0.25]


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x: np.array([x, x]), r"array of shape \(2,\)"),
        (lambda x: (x, x), "tuple"),
        (lambda x: float(x) if x < 0 else float(str(x)), "text of a traced value"),
    ],
)
def test_what_is_no_curve_is_refused(f: Function, reason: str) -> None:
    with pytest.raises(DiffmagicError, match=reason):
        Grid(traceable(f), (1,))(np.array([1.0, 2.0, 3.0]))


def test_large_grids_are_computed_in_pieces_that_fit_together() -> None:
    x = np.linspace(-3, 3, 30_001)
    found = Grid(with_branch, (1,))(x)
    exact = np.where(x > 0.25, x**3, np.sin(x) - 1), np.where(x > 0.25, 3 * x**2, np.cos(x))
    np.testing.assert_allclose(found, exact, rtol=1e-14, atol=1e-15)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_the_order_of_points_does_not_matter(points: list[float]) -> None:
    x = np.array(points)
    f = traceable(lambda x: with_branch(x) + with_whole_numbers(x))
    together, back = Grid(f, (1,))(x), Grid(f, (1,))(x[::-1].copy())[:, ::-1]
    np.testing.assert_allclose(together, back, rtol=1e-14, atol=1e-14)
