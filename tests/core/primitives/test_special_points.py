"""Kinks, ties, zeros, infinities and saturation: what the derivative is there, in both modes and at second order."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from diffmagic import derivative, grad, hessian, jvp

inf, nan, pi = math.inf, math.nan, math.pi
mp = mpmath.mp


def forward_gradient(f: Any, x: Any) -> Any:
    if isinstance(x, float):
        return jvp(f, (x,), (1.0,))[1]
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([jvp(f, (x,), (unit,))[1] for unit in units]).reshape(x.shape)


def check(f: Any, x: Any, expected: Any) -> None:
    """The gradient, by both modes, to the last digit or two."""
    for found in (grad(f)(x), forward_gradient(f, x)):
        np.testing.assert_allclose(found, expected, rtol=4e-16, atol=0)


A = np.array

KINKS = [
    (lambda x: np.abs(x), 0.0, 0.0),
    (abs, 0.0, 0.0),
    (np.fabs, 0.0, 0.0),
    (lambda x: np.maximum(x, 0.0), 0.0, 0.5),
    (lambda x: np.maximum(0.0, x), 0.0, 0.5),
    (lambda x: np.maximum(x, x), 0.7, 1.0),
    (lambda x: np.minimum(x, 1.0), 1.0, 0.5),
    (lambda x: np.fmax(x, 2.0), 2.0, 0.5),
    (lambda x: np.fmax(2.0, x), 2.0, 0.5),
    (lambda x: np.fmin(x, 2.0), 2.0, 0.5),
    (lambda x: np.fmin(2.0, x), 2.0, 0.5),
    (lambda x: np.fmin(x, 2.0), 1.0, 1.0),
    (lambda x: np.fmax(x, 2.0), 1.0, 0.0),
    (lambda x: np.fmax(x, nan), 1.0, 1.0),
    (lambda x: np.fmin(x, nan), 1.0, 1.0),
    (lambda x: np.fmax(nan, x), 1.0, 1.0),
    (lambda x: np.fmin(nan, x), 1.0, 1.0),
    (lambda x: np.clip(x, 0.0, 1.0), 0.0, 0.5),
    (lambda x: np.clip(x, 0.0, 1.0), 1.0, 0.5),
    (lambda x: np.clip(x, 0.0, 1.0), 2.0, 0.0),
    (lambda x: np.clip(0.5, x, 1.0), 0.5, 0.5),
    (lambda x: np.clip(2.0, 0.0, x), 1.0, 1.0),
    (lambda x: np.clip(0.5, x, 0.2), 0.6, 0.0),  # bounds the wrong way round: the upper one counts
    (lambda x: np.clip(0.5, 0.6, x), 0.2, 1.0),
    (lambda x: np.hypot(x, 0.0), 0.0, 0.0),
    (lambda x: np.hypot(x[0], x[1]), A([0.0, 0.0]), [0.0, 0.0]),
    (lambda x: np.hypot(x[0], x[1]), A([3.0, -4.0]), [0.6, -0.8]),
    (lambda x: np.abs(x + 0j), 0.0, 0.0),
    (lambda x: np.copysign(x, -1.0), 2.0, -1.0),
    (lambda x: np.copysign(x, -1.0), -2.0, 1.0),
    (np.sinc, 0.0, 0.0),
    (np.sinc, 1.0, -1.0),
    (np.cbrt, 0.0, inf),
    (np.sqrt, 0.0, inf),
    (np.log, 0.0, inf),
    (np.arcsin, 1.0, inf),
    (np.arctanh, 1.0, inf),
    (np.arccosh, 1.0, inf),
    (lambda x: x**2, 0.0, 0.0),
    (lambda x: x**2.0, 0.0, 0.0),
    (lambda x: x**1, 0.0, 1.0),
    (lambda x: x**0, 0.0, 0.0),
    (lambda x: x**0.0, 0.0, 0.0),
    (lambda x: np.power(x, np.float64(0.0)), 0.0, 0.0),
    (lambda x: x**0.5, 0.0, inf),
    (lambda x: x**3, -2.0, 12.0),
    (lambda x: x**-2, -2.0, 0.25),
    (lambda x: np.power(x, 3.0), -2.0, 12.0),
    (lambda x: np.float_power(x, 3), -2.0, 12.0),
    (lambda x: np.sum(x ** A([2, 1, 0, 3])), A([0.0, 0.0, 0.0, -1.0]), [0.0, 1.0, 0.0, 3.0]),
    (lambda y: 0.0**y, 2.0, 0.0),
    (lambda y: np.power(0.0, y), 0.5, 0.0),
    (lambda y: np.sum(A([0.0, 2.0]) ** y), 1.0, 2 * math.log(2)),
    (lambda x: np.remainder(x, 3.0), -7.0, 1.0),
    (lambda x: np.remainder(-7.0, x), 3.0, 3.0),
    (lambda x: np.fmod(-7.0, x), 3.0, 2.0),
    (lambda x: np.remainder(7.0, x), -3.0, 3.0),
    (lambda x: np.logaddexp(x, -inf), 0.5, 1.0),
    (lambda x: np.logaddexp(-inf, x), 0.5, 1.0),
    (lambda x: np.logaddexp(x, 0.5), -inf, 0.0),
    (lambda x: np.logaddexp(x, -inf), -inf, 0.5),
    (lambda x: np.logaddexp2(x, -inf), 0.5, 1.0),
    (lambda x: np.logaddexp2(x, x), 0.5, 1.0),
    (lambda x: np.logaddexp(x, 0.0), 1000.0, 1.0),
    (lambda x: np.logaddexp(x, 0.0), -1000.0, 0.0),
    (np.tanh, 1000.0, 0.0),
    (lambda x: 1 / (1 + np.exp(-x)), 800.0, 0.0),
    (lambda x: np.arctan2(x, 1.0), 0.0, 1.0),
    (lambda x: np.arctan2(x, -1.0), 0.0, -1.0),
    (lambda x: np.arctan2(1.0, x), 0.0, -1.0),
    (lambda x: np.arctan2(-1.0, x), 0.0, 1.0),
    (lambda x: np.arctan2(x, 1.0), 1.0, 0.5),
    (lambda x: np.arctan2(x, -1.0), 1.0, -0.5),
    (lambda x: np.arctan2(x, 1.0), -1.0, 0.5),
    (lambda x: np.arctan2(x, -1.0), -1.0, -0.5),
    (lambda x: np.max(x), A([1.0, 3.0, 3.0]), [0.0, 0.5, 0.5]),
    (lambda x: np.min(x), A([1.0, 1.0, 1.0]), [1 / 3, 1 / 3, 1 / 3]),
    (lambda x: np.sum(np.max(x, axis=1)), A([[1.0, 1.0], [2.0, 0.0]]), [[0.5, 0.5], [1.0, 0.0]]),
    (lambda x: np.max(x, initial=3.0), A([1.0, 3.0]), [0.0, 0.5]),
    (lambda x: np.max(x), A([1.0, inf]), [0.0, 1.0]),
    (lambda x: np.max(x, where=[True, False], initial=-inf), A([1.0, inf]), [1.0, 0.0]),
    (lambda x: np.ptp(x), A([1.0, 1.0]), [0.0, 0.0]),
    (lambda x: np.median(x), A([1.0, 5.0, 2.0, 4.0]), [0.0, 0.0, 0.5, 0.5]),
    (lambda x: np.std(x), A([2.0, 2.0, 2.0]), [0.0, 0.0, 0.0]),
    (lambda x: np.var(x), A([2.0, 2.0, 2.0]), [0.0, 0.0, 0.0]),
    (lambda x: np.std(x, where=[True, True, False]), A([2.0, 2.0, 5.0]), [0.0, 0.0, 0.0]),
    (lambda x: np.sum(np.std(x, axis=0)), A([[2.0, 1.0], [2.0, 3.0]]), [[0.0, -0.5], [0.0, 0.5]]),
    (lambda x: np.prod(x), A([2.0, 0.0, 3.0]), [0.0, 6.0, 0.0]),
    (lambda x: np.prod(x), A([2.0, 0.0, 0.0]), [0.0, 0.0, 0.0]),
    (lambda x: np.sum(np.cumprod(x)), A([2.0, 0.0, 3.0]), [1.0, 8.0, 0.0]),
    (lambda x: np.nanmean(x), A([2.0, nan, 3.0]), [0.5, 0.0, 0.5]),
    (lambda x: np.nanmax(x), A([2.0, nan, 3.0]), [0.0, 0.0, 1.0]),
    (lambda x: np.nanstd(x), A([2.0, nan, 4.0]), [-0.5, 0.0, 0.5]),
    (lambda x: np.sum(np.nan_to_num(x)), A([2.0, nan, inf]), [1.0, 0.0, 0.0]),
    (lambda x: np.sum(np.interp(A([-1.0, 0.5, 9.0]), A([0.0, 1.0]), x)), A([2.0, 3.0]), [1.5, 1.5]),
    (lambda x: np.sort(x)[0], A([2.0, 2.0]), [1.0, 0.0]),
]


@pytest.mark.parametrize(("f", "x", "expected"), KINKS, ids=range(len(KINKS)))
def test_first_derivatives(f, x, expected):
    with np.errstate(all="ignore"):
        check(f, x, expected)


UNCHOSEN = [
    (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, 0.0),
    (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), A([0.0, 4.0]), [0.0, 0.25]),
    (lambda x: np.sum(np.where(x > 0, np.log(x), x)), A([-1.0, 0.0, 2.0]), [1.0, 1.0, 0.5]),
    (lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)), A([0.0]), [0.0]),
    (lambda x: np.sum(np.sqrt(x)[x > 0]), A([0.0, 4.0]), [0.0, 0.25]),
    (lambda x: np.sqrt(x)[1], A([0.0, 4.0]), [0.0, 0.25]),
    (lambda x: np.sum(np.sqrt(x), where=x > 0), A([0.0, 4.0]), [0.0, 0.25]),
    (lambda x: np.sum(np.compress([False, True], np.sqrt(x))), A([0.0, 4.0]), [0.0, 0.25]),
    (lambda x: np.maximum(np.sqrt(x), 1.0), 0.0, 0.0),
    (lambda x: np.max(np.sqrt(x)), A([0.0, 4.0]), [0.0, 0.25]),
    (lambda x: np.clip(np.sqrt(x), 1.0, 2.0), 0.0, 0.0),
    (lambda x: np.select([x > 0], [np.log(x)], 2 * x), 0.0, 2.0),
    (lambda x: np.piecewise(x, [x > 0], [np.log, lambda t: 3 * t]), 0.0, 3.0),
    (lambda x: np.sqrt(np.where(x > 0, x, 0.0)), 0.0, 0.0),
    (lambda x: np.nansum(np.log(x)), A([-1.0, 4.0]), [0.0, 0.25]),
]


@pytest.mark.parametrize(("f", "x", "expected"), UNCHOSEN, ids=range(len(UNCHOSEN)))
def test_what_is_not_chosen_contributes_nothing(f, x, expected):
    with np.errstate(all="ignore"):
        check(f, x, expected)


COMPUTED = [
    (lambda x: np.sqrt(x) ** 2, 0.0),
    (lambda x: np.sqrt(x) * np.sqrt(x), 0.0),
    (lambda x: np.sqrt(x * x), 0.0),
    (lambda x: np.sum(np.sqrt(x) ** 2), A([0.0, 0.0])),
]


@pytest.mark.parametrize(("f", "x"), COMPUTED, ids=range(len(COMPUTED)))
def test_a_computed_zero_times_infinity_stays_nan(f, x):
    assert np.all(np.isnan(grad(f)(x)))
    assert np.all(np.isnan(forward_gradient(f, x)))


SECOND = [
    (np.sinc, 0.0, -(pi**2) / 3),
    (np.sinc, 1.0, 2.0),
    (np.tanh, 0.0, 0.0),
    (np.tanh, 1000.0, 0.0),
    (np.tanh, -400.0, 0.0),
    (lambda x: np.logaddexp(x, 0.0), 0.0, 0.25),
    (lambda x: np.logaddexp(x, 0.0), 1000.0, 0.0),
    (lambda x: np.logaddexp(x, 0.0), -1000.0, 0.0),
    (lambda x: np.logaddexp2(x, 0.0), 5000.0, 0.0),
    (lambda x: np.logaddexp(x, -inf), 0.5, 0.0),
    (lambda x: x**2, 0.0, 2.0),
    (lambda x: x**2.0, 0.0, 2.0),
    (lambda x: x**1, 0.0, 0.0),
    (lambda x: x**3, 0.0, 0.0),
    (lambda x: x * x, 0.0, 2.0),
    (np.square, 0.0, 2.0),
    (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, 0.0),
    (lambda x: np.where(x > 0, np.sqrt(x), x**2), 0.0, 2.0),
    (lambda x: np.where(x > 0, np.log(x), x**3), -1.0, -6.0),
    (lambda x: np.abs(x) ** 2, 0.0, 0.0),
    (lambda x: np.abs(x), 0.0, 0.0),
    (lambda x: np.clip(x, 0.0, 1.0) ** 2, 0.5, 2.0),
    (lambda x: np.arcsinh(x), 1e200, 0.0),
    (lambda x: np.arctan(x), 1e200, 0.0),
]


@pytest.mark.filterwarnings("ignore::diffmagic.DiffmagicNote")
@pytest.mark.parametrize(("f", "x", "expected"), SECOND, ids=range(len(SECOND)))
def test_second_derivatives(f, x, expected):
    with np.errstate(all="ignore"):
        for found in (derivative(f, 2)(x), grad(grad(f))(x), derivative(grad(f))(x), grad(derivative(f))(x)):
            np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-300)


def test_higher_derivatives_where_a_formula_could_stop_short():
    assert derivative(np.tanh, 3)(0.0) == -2.0
    assert derivative(np.sinc, 4)(0.0) == pytest.approx(pi**4 / 5, rel=1e-14)
    assert derivative(np.arctan, 3)(0.0) == -2.0
    assert derivative(lambda x: np.logaddexp(x, 0.0), 4)(0.0) == -0.125
    assert derivative(lambda x: x**3, 3)(0.0) == 6.0
    assert derivative(lambda x: x**3, 4)(0.0) == 0.0
    assert derivative(np.exp, 6)(1.0) == pytest.approx(math.e, rel=1e-15)


@pytest.mark.parametrize("x", [1e-300, 1e-8, 1e-3, 0.1, 0.3, 0.3183, 0.32, 0.5, 2.7])
def test_sinc_close_to_zero(x):
    def exact(order: int) -> float:
        with mpmath.workdps(700):
            f: Any = lambda t: mp.sin(mp.pi * t) / (mp.pi * t)
            step = mp.mpf(10) ** -40 * mp.mpf(x)
            a, b, c = f(mp.mpf(x) - step), f(mp.mpf(x)), f(mp.mpf(x) + step)
            return float((c - a) / (2 * step) if order == 1 else (a - 2 * b + c) / step**2)

    assert derivative(np.sinc)(x) == pytest.approx(exact(1), rel=1e-14, abs=0)
    assert derivative(np.sinc, 2)(x) == pytest.approx(exact(2), rel=1e-13, abs=0)
    assert derivative(np.sinc)(-x) == -derivative(np.sinc)(x)


@pytest.mark.parametrize("x", [5.0, 20.0, 40.0, 100.0, 300.0])
def test_saturated_functions_keep_their_relative_accuracy(x):
    with mpmath.workdps(400):
        exact = mp.mpf(x)
        slopes: dict[Any, float] = {
            np.tanh: float(1 / mp.cosh(exact) ** 2),
            lambda t: 1 / (1 + np.exp(-t)): float(1 / (mp.exp(exact) + 2 + mp.exp(-exact))),
            lambda t: np.logaddexp(-t, 0.0): float(-1 / (1 + mp.exp(exact))),
        }
        curvatures: dict[Any, float] = {
            np.tanh: float(-2 * mp.tanh(exact) / mp.cosh(exact) ** 2),
            lambda t: np.logaddexp(t, 0.0): float(1 / (mp.exp(exact) + 2 + mp.exp(-exact))),
        }
    for f, slope in slopes.items():
        assert derivative(f)(x) == pytest.approx(slope, rel=4e-15, abs=0)
    for f, curvature in curvatures.items():
        assert derivative(f, 2)(x) == pytest.approx(curvature, rel=1e-14, abs=0)


PRODUCTS = [A([2.0, 3.0, 5.0]), A([2.0, 0.0, 5.0]), A([0.0, 0.0, 5.0]), A([0.0, 0.0, 0.0])]


@pytest.mark.parametrize("x", PRODUCTS, ids=str)
def test_hessians_of_products_with_zeros(x):
    others = A([[0.0, x[2], x[1]], [x[2], 0.0, x[0]], [x[1], x[0], 0.0]])
    np.testing.assert_array_equal(hessian(np.prod)(x), others)
    np.testing.assert_array_equal(hessian(lambda x: np.cumprod(x)[2])(x), others)
    np.testing.assert_array_equal(hessian(lambda x: np.multiply.reduce(x))(x), others)
    pair = A([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(hessian(lambda x: np.sum(np.cumprod(x)))(x), others + pair)


def test_gradients_of_gradients_through_unchosen_arrays():
    x = A([0.0, 4.0])
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    np.testing.assert_allclose(hessian(f)(x), [[0.0, 0.0], [0.0, -1 / 32]], rtol=1e-15)
    np.testing.assert_allclose(grad(lambda x: np.sum(grad(f)(x)))(x), [0.0, -1 / 32], rtol=1e-15)
    taken = lambda x: np.sum(np.sqrt(x)[x > 0])
    np.testing.assert_allclose(hessian(taken)(x), [[0.0, 0.0], [0.0, -1 / 32]], rtol=1e-15)


@pytest.mark.parametrize("f", [np.mean, lambda x: np.var(x, ddof=1), lambda x: np.std(x, ddof=1)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_statistics_of_too_few_are_not_numbers_and_no_errors(f):
    assert grad(f)(np.zeros(0)).shape == (0,)
    expected = 1.0 if f is np.mean else np.nan
    np.testing.assert_array_equal(grad(f)(np.zeros(1)), [expected])
    np.testing.assert_array_equal(jvp(f, (np.zeros(1),), (np.ones(1),))[1], expected)


def test_plain_and_traced_cotangents_meet():
    """The gradient in w of a gradient in a plain x, whose cotangents are partly plain and partly traced."""
    x = A([1.0, 2.0, 3.0])

    def before(x: Any, w: Any) -> Any:
        first = x[0]
        return first + np.sum(x * w)

    def between(x: Any, w: Any) -> Any:
        squares, products = np.sum(x * x), np.sum(x * w)
        return squares + products + np.sum(np.cumsum(x)) + x[1]

    for f, inner in ((before, A([2.0, 1.0, 1.0])), (between, A([6.0, 8.0, 8.0]))):
        outer = grad(lambda w, f=f: np.sum(grad(f)(x, w) ** 2))
        np.testing.assert_array_equal(outer(np.ones(3)), 2 * inner)
