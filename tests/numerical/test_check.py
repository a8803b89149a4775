"""The comparison with a central difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic.numerical.check import central_check
from diffmagic.results import Check


def check(f: Callable[[Any], Any], x: Any, jacobian: Any) -> Check:
    return central_check(
        f, np.atleast_1d(np.asarray(x, float)), np.atleast_2d(jacobian), lambda row, column: f"{row}{column}"
    )


@pytest.mark.parametrize(
    ("f", "x", "slope", "verdict", "digits"),
    [
        (np.sin, 1.0, np.cos(1.0), "digits", 6),
        (lambda x: np.exp(1000 * x), 0.01, 1000 * np.exp(10), "digits", 6),
        (lambda x: x**2, 1e8, 2e8, "digits", 6),
        (lambda x: x**2, 1e-8, 2e-8, "digits", 6),
        (np.cos, np.pi, -np.sin(np.pi), "decimals", 6),
        (np.sin, 1.0, np.cos(1.0) * (1 + 1e-5), "digits", 3),
        (np.sin, 1.0, np.cos(1.0) * 1.01, "disagrees", 0),
        (np.sin, 1.0, -np.cos(1.0), "disagrees", 0),
        (np.floor, 1.0, 0.0, "unclear", 0),
        (np.sin, 1.0, np.nan, "not finite", 0),
        (np.log, 0.0, 1.0, "not compared", 0),
    ],
)
def test_verdicts(f: Callable[[Any], Any], x: float, slope: float, verdict: str, digits: int) -> None:
    found = check(f, x, slope)
    assert (found.verdict, found.digits) == (verdict, digits)


def test_worst_component_is_named() -> None:
    found = check(lambda x: x**2, [1.0, 2.0, 3.0], np.diag([2.0, 5.0, 6.1]))
    assert (found.verdict, found.where) == ("disagrees", "11")
    assert found.numerical == pytest.approx(4.0)


def test_one_wrong_number_among_many_is_found() -> None:
    x = np.linspace(0, 1, 500)
    gradient = np.cos(x)
    assert check(lambda v: np.array([np.sum(np.sin(v))]), x, gradient).digits == 6
    gradient[77] *= 1.5
    assert check(lambda v: np.array([np.sum(np.sin(v))]), x, gradient).verdict != "digits" or (
        check(lambda v: np.array([np.sum(np.sin(v))]), x, gradient).digits == 3
    )
