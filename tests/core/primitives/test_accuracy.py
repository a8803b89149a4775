"""Derivatives of elementwise functions to the last digits, from 1e-300 to 1e300 and close to their singularities.

The reference is a central difference at 400 digits. The tolerance is ten roundings, or as many as the derivative's own
condition number asks for.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from diffmagic import jvp, vjp
from tests.core.primitives.samples import BINARY, POSITIVE_BASE, UNARY

mp = mpmath.mp

SIZES = [
    *(10.0**k for k in (-300, -200, -100, -30, -16, -10, -8, -5, -3, -2, -1, 2, 3, 5, 8, 15, 30, 100, 150, 200, 300)),
    *(0.3, 0.32, 0.5, 0.7, 1.5, 2.0, 3.0, 7.0, 20.0, 38.0, 300.0, 350.0, 700.0),
]
NEAR_ONE = [1 + sign * 10.0**-k for k in (2, 5, 8, 12, 15) for sign in (1, -1)]
POINTS = [sign * x for x in SIZES + NEAR_ONE for sign in (1, -1)]
ROUNDING = 2.3e-16


def slope(f: Any, x: list[Any], k: int, at_zero: bool) -> Any:
    step = mp.mpf(10) ** -30 * (min(abs(x[k]), 1) if at_zero else 1)
    high, low = [*x], [*x]
    high[k], low[k] = x[k] + step, x[k] - step
    return (f(*high) - f(*low)) / (2 * step)


def compare(f: Any, places: Sequence[tuple[float, ...]], k: int, found: Any, at_zero: bool) -> list[str]:
    """The places where a partial derivative is further off than rounding explains."""
    wrong = []
    with mpmath.workdps(400 if len(places[0]) == 1 else 1300):
        for place, got in zip(places, np.ravel(found), strict=True):
            x = [mp.mpf(number) for number in place]
            exact = slope(f, x, k, at_zero)
            if abs(exact) > 1e308:
                good = np.isinf(got)
            elif abs(exact) < 1e-290:
                good = abs(got - exact) < 1e-290 * 1e-14
            else:
                condition = mp.mpf(0)
                for j, number in enumerate(x):
                    near = [*x]
                    near[j] = number * (1 + mp.mpf(10) ** -12)
                    condition += abs(slope(f, near, k, at_zero) / exact - 1) * mp.mpf(10) ** 12
                good = np.isfinite(got) and abs(got - exact) <= ROUNDING * (10 + 2 * condition) * abs(exact)
            if not good:
                wrong.append(f"at {place}: {got}, not {mp.nstr(exact, 17)}")
    return wrong


@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
def test_derivative_over_all_magnitudes(function):
    known = UNARY[function]
    points = np.array([x for x in POINTS if known.holds(x)])
    if function in (np.sin, np.cos, np.tan):
        points = points[np.abs(points) < 1e16]
    if function is np.sinc:  # beyond, NumPy's own πx is rounded to a visible part of a turn
        points = points[np.abs(points) < 1e6]
    with np.errstate(all="ignore"):
        keep = np.isfinite(function(points))
        points = points[keep]
        _, found = jvp(function, (points,), (np.ones_like(points),))
        (back,) = vjp(function, points)[1](np.ones_like(points))
    assert len(points) > 20
    assert not compare(known.exact, [(x,) for x in points.tolist()], 0, found, known.at_zero)
    np.testing.assert_array_equal(found, back)


FEW = [1e-300, 1e-10, 0.3, 2.5, 700.0, 1e5, 1e100, 1e300]


PAIRED = [f for f in BINARY if f not in (np.nextafter, np.heaviside)]


@pytest.mark.parametrize("function", PAIRED, ids=lambda f: f.__name__)
def test_partial_derivatives_over_all_magnitudes(function):
    signed = [s * x for x in FEW for s in (1, -1)]
    pairs = [(a, b) for a, b in itertools.product(signed, signed) if a != b]
    if function in POSITIVE_BASE:
        pairs = [(a, b) for a, b in pairs if 1e-12 < a < 1e12 and 1e-12 < abs(b) < 1e12]
    if function in (np.logaddexp, np.logaddexp2):
        pairs = [(a, b) for a, b in pairs if abs(a) < 1e4 and abs(b) < 1e4]
    if function in (np.remainder, np.fmod):
        pairs = [(a, b) for a, b in pairs if 1e-12 < abs(a / b) < 1e12 and a / b != np.rint(a / b)]
    with np.errstate(all="ignore"):
        values = [float(function(a, b)) for a, b in pairs]
        pairs = [pair for pair, y in zip(pairs, values, strict=True) if np.isfinite(y) and abs(y) > 1e-290]
        a, b = (np.array(column) for column in zip(*pairs, strict=True))
        _, pullback = vjp(function, a, b)
        found = pullback(np.ones_like(a))
    assert len(pairs) > 25
    for k in (0, 1):
        assert not compare(BINARY[function], pairs, k, found[k], True)
