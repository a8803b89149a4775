"""Taylor mode: every primitive against mpmath to order 10, some to order 50, and all against nested derivatives."""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, special

import diffmagic
from diffmagic import DiffmagicError, DiffmagicNote, derivative, grad, taylor
from diffmagic.core.forward import forward
from diffmagic.core.program import Variable
from diffmagic.core.replay import replay
from diffmagic.core.taylor import finite_series, rounding, series
from diffmagic.core.tracing import Trace
from tests.core.primitives.samples import BINARY, POSITIVE_BASE, UNARY, Sample, leaves, mapped
from tests.core.primitives.test_registry import ALL, ZERO, directions
from tests.core.primitives.test_special import CASES, Case, moved, unit

mp, mpf = mpmath.mp, mpmath.mpf

ORDER = 10
NODES = 8
VISIBLE = 1e-3
inf, nan = math.inf, math.nan


def coefficients(f: Callable[..., Any], x: Any, order: int, direction: Any = None) -> tuple[list[Any], list[float]]:
    """The Taylor coefficients of a function at x, and what share of them rounding may be."""
    program = diffmagic.trace(lambda *z: f(*z), *x) if isinstance(x, tuple) else diffmagic.trace(f, x)
    along = (1.0,) if direction is None else direction
    seeds = {v: [v.value, u] for v, u in zip(program.inputs, along, strict=True) if u}
    found = finite_series(program, seeds, order)
    out = program.outputs[0]
    known = found.get(out, [out.value if isinstance(out, Variable) else out] + [None] * order)
    return [0.0 if c is None else c for c in known], rounding(program, seeds, found)


@functools.cache
def weights(order: int) -> Any:
    """How the coefficients of a polynomial come from its values at -8, …, 8."""
    with mpmath.workdps(250):
        nodes = range(-NODES, NODES + 1)
        return (mp.matrix([[mpf(j) ** k for k in range(len(nodes))] for j in nodes]) ** -1)[: order + 1, :]


def reference(f: Callable[[Any], Any], x: float, order: int = ORDER) -> list[Any]:
    """The Taylor coefficients at 0 of a function of mpmath, by interpolation, closer than 0 and ±1 are to x."""
    room = min(abs(x) or 1.0, abs(abs(x) - 1) or 1.0)
    with mpmath.workdps(60 + round(12 * (6 - min(math.log10(room), 0)))):
        step = mpf(room) / 10**6
        found = weights(order) * mp.matrix([mp.re(f(j * step)) for j in range(-NODES, NODES + 1)])
        tiny = mpf(10) ** (20 - mp.dps) * max(map(abs, found))
        return [c / step**k if abs(c) > tiny else mpf(0) for k, c in enumerate(found)]


def agree(found: list[Any], shares: list[float], exact: list[Any], x: float, limit: float) -> None:
    """Each coefficient within a limit, relative to it and to what a rounding of x makes of it, or what is told."""
    whole = max(abs(c) * mpf(abs(x)) ** j for j, c in enumerate(exact))
    for k in range(len(found)):
        if shares[k] > VISIBLE:
            return
        condition = abs(exact[k]) + (k + 1) * abs(x * exact[k + 1])
        scale = max(abs(exact[k]), mp.sqrt(abs(exact[k - 1] * exact[k + 1]))) if k else 0
        bound = limit * condition + 100 * shares[k] * scale if condition else limit * whole / mpf(abs(x)) ** k
        assert abs(found[k] - exact[k]) <= bound, (k, found[k], exact[k], shares[k])


# Elementwise functions against mpmath.

PLACES = (-2.3, -0.7, -0.31, 0.12, 0.43, 0.86, 1.37, 2.6, 3.1, 5.2)


@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
def test_functions_of_one_operand(function):
    known = UNARY[function]
    for x in filter(known.holds, PLACES):
        found, shares = coefficients(function, x, ORDER)
        agree(found, shares, reference(lambda t, x=x: known.exact(mpf(x) + t), x, ORDER + 1), x, 1e-14)


PAIRS = [(0.7, 1.3), (2.3, -0.62), (-2.3, 2.9), (3.7, -3.3), (0.31, 0.12)]


@pytest.mark.parametrize("slopes", [(1.0, 0.0), (0.0, 1.0), (1.0, -0.7)])
@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_functions_of_two_operands(function, slopes):
    for a, b in PAIRS:
        if function in POSITIVE_BASE:
            a = abs(a)
        found, shares = coefficients(function, (a, b), ORDER, slopes)

        def exact(t: Any, a: float = a, b: float = b) -> Any:
            return BINARY[function](mpf(a) + slopes[0] * t, mpf(b) + slopes[1] * t)

        agree(found, shares, reference(exact, a, ORDER + 1), a, 1e-14)


LIMITS = {
    **dict.fromkeys(("dawsn", "erfcx", "ive"), 1e-8),  # asymptotic series, cut for low orders
    **dict.fromkeys(("modfresnelp", "modfresnelm"), 1e-8),  # whose values in SciPy are less exact
}
UNKNOWN = {"elliprc": 3, "lpmv": 4}
"""From this order on the rules have no value."""


@pytest.mark.parametrize("known", CASES, ids=repr)
def test_special_functions(known: Case):
    for point in known.points:
        f, x = known.function(point), moved(known, point)
        for place in known.moving:
            order = UNKNOWN.get(known.name, ORDER + 1) - 1
            found, shares = coefficients(f, x, order, unit(known, place))
            numbers = [mpf(float(z)) for z in point]

            def exact(t: Any, numbers: Any = numbers, place: int = place) -> Any:
                return known.exact(*[z + t * (k == place) for k, z in enumerate(numbers)])

            known_ones = reference(exact, float(point[place]), order + 1)
            if known.integral:
                known_ones = [mpf(float(found[0])), *(c / (k + 1) for k, c in enumerate(known_ones))]
            found[0] = float(known_ones[0])  # SciPy's
            assert max(shares[:3]) < VISIBLE
            agree(found, shares, known_ones, float(point[place]), LIMITS.get(known.name, 1e-12))


@pytest.mark.parametrize(("f", "x"), [(special.elliprc, (0.3, 1.5)), (special.lpmv, (1, 2, -0.4))])
def test_what_has_no_value_is_not_a_number(f, x):
    *others, last = x
    found = taylor(lambda t: f(*others, t), last, 5)
    nested = [derivative(lambda t: f(*others, t), k)(last) for k in range(6)]
    np.testing.assert_array_equal(np.isnan(found), np.isnan(nested))
    assert np.isnan(found[-1])


FIFTY: dict[str, tuple[Callable[..., Any], Callable[..., Any], float]] = {
    "exp": (np.exp, mp.exp, 1.3),
    "log": (np.log, mp.log, 0.7),
    "log1p": (np.log1p, mp.log1p, 2.0),
    "expm1": (np.expm1, mp.expm1, 1e-3),
    "sin": (np.sin, mp.sin, 2.0),
    "tan": (np.tan, mp.tan, 0.4),
    "tanh": (np.tanh, mp.tanh, 3.0),
    "arcsin": (np.arcsin, mp.asin, 0.3),
    "arctan": (np.arctan, mp.atan, 0.9),
    "sqrt": (np.sqrt, mp.sqrt, 2.0),
    "power": (lambda x: x**2.5, lambda x: x ** mpf(2.5), 1.7),
    "power of high order": (lambda x: x**41, lambda x: x**41, -1.1),
    "power of itself": (lambda x: x**x, lambda x: x**x, 1.4),
    "exponential": (lambda x: 2.0**x, lambda x: mpf(2) ** x, -1.0),
    "hypot": (lambda x: np.hypot(x, 1.5), lambda x: mp.sqrt(x * x + mpf(2.25)), 0.8),
    "arctan2": (lambda x: np.arctan2(x, 2.0), lambda x: mp.atan(x / 2), 0.8),
    "logaddexp": (lambda x: np.logaddexp(x, 1.0), lambda x: mp.log(mp.exp(x) + mp.e), -2.0),
    "sinc": (np.sinc, lambda x: mp.sin(mp.pi * x) / (mp.pi * x), 0.3),
    "sinc far out": (np.sinc, lambda x: mp.sin(mp.pi * x) / (mp.pi * x), 40.3),
    "erf": (special.erf, mp.erf, 0.7),
    "expit": (special.expit, lambda x: 1 / (1 + mp.exp(-x)), 0.7),
}


SERIES: dict[str, tuple[Callable[..., Any], Callable[[int, Any], Any], float]] = {
    "gammaln": (special.gammaln, lambda k, x: mp.psi(k - 1, x) / mp.factorial(k) if k else mp.loggamma(x), 2.5),
    "jv": (
        lambda x: special.jv(0.3, x),
        lambda k, x: (
            mp.fsum((-1) ** j * mp.binomial(k, j) * mp.besselj(mpf(0.3) - k + 2 * j, x) for j in range(k + 1))
            / (2**k * mp.factorial(k))
        ),
        4.0,
    ),
    "hyp2f1": (
        lambda x: special.hyp2f1(0.5, 1.5, 2.5, x),
        lambda k, x: (
            mp.rf(0.5, k) * mp.rf(1.5, k) / mp.rf(2.5, k) / mp.factorial(k) * mp.hyp2f1(0.5 + k, 1.5 + k, 2.5 + k, x)
        ),
        0.2,
    ),
}


@pytest.mark.parametrize("name", SERIES)
def test_order_fifty_of_special_functions(name):
    f, exact, x = SERIES[name]
    found, shares = coefficients(f, x, 50)
    assert max(shares) < VISIBLE
    with mpmath.workdps(60):
        agree(found, shares, [exact(k, mpf(x)) for k in range(52)], x, 1e-12)


@pytest.mark.parametrize("name", FIFTY)
def test_order_fifty(name):
    f, exact, x = FIFTY[name]
    found, shares = coefficients(f, x, 50)
    assert max(shares) < VISIBLE
    with mpmath.workdps(60):
        agree(found, shares, mpmath.taylor(exact, mpf(x), 51), x, 1e-13)


def thirty(x: Any, m: Any, atan: Any, asinh: Any) -> Any:
    """Thirty operations."""
    a = m.sin(x) * m.exp(-x / 3) + 0.5 * x * x
    b = m.sqrt(a * a + 1.5) - m.cos(2 * x) / (3 + x)
    c = atan(a - b) * m.log(b + 4) + m.tanh(a * b) - asinh(x / 2)
    return c / (1 + m.exp(-c)) + (a + b) ** 3 - x**1.5


WORKED: dict[str, tuple[Callable[..., Any], Callable[..., Any], float]] = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-(0.5 * x))), lambda x: 1 / (1 + mp.exp(-x / 2)), 2.0),
    "harvard": (
        lambda x: x - np.exp(-2 * np.sin(4 * x) ** 2),
        lambda x: x - mp.exp(-2 * mp.sin(4 * x) ** 2),
        math.pi / 16,
    ),
    "baydin": (lambda x: np.log(x) + x * 5 - np.sin(5.0), lambda x: mp.log(x) + 5 * x - mp.sin(5), 2.0),
    "auto-ed": (lambda x: 2 * x + np.exp(2 * x), lambda x: 2 * x + mp.exp(2 * x), 1.0),
    "neuron": (lambda x: np.tanh(-3 * x + 6.88), lambda x: mp.tanh(-3 * x + mpf(6.88)), 2.0),
    "thirty": (
        lambda x: thirty(x, np, np.arctan, np.arcsinh),
        lambda x: thirty(x, mp, mp.atan, mp.asinh),
        0.8,
    ),
}


@pytest.mark.parametrize("name", WORKED)
def test_compositions(name):
    f, exact, x = WORKED[name]
    found, shares = coefficients(f, x, ORDER)
    agree(found, shares, reference(lambda t: exact(mpf(x) + t), x, ORDER + 1), x, 1e-13)


def test_logistic_map_is_a_polynomial_of_degree_eight():
    found = taylor(lambda x: 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x * x) ** 2, 0.0, 10)
    exact = mpmath.taylor(lambda x: 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x * x) ** 2, 0, 10)
    np.testing.assert_allclose(found, [float(c * math.factorial(k)) for k, c in enumerate(exact)], rtol=1e-15)


# Every primitive against nested derivatives, and the first order against forward accumulation.


@pytest.mark.parametrize("sample", ALL + ZERO, ids=repr)
def test_every_function_against_nested_derivatives(sample: Sample):
    direction = directions(sample)
    f = sample.of_moving()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiffmagicNote)  # a derivative that is zero may be rounding
        found = taylor(lambda z: f(*z), sample.operands, 4, direction=direction)

    def line(t: Any) -> Any:
        return f(*mapped(lambda x, u: x + t * u, sample.operands, direction))

    nested = [derivative(line, k)(0.0) for k in range(5)]
    sizes = [float(np.max(np.abs(y), initial=0)) / math.factorial(k) for k in range(5) for y in leaves(nested[k])]
    for k in range(5):
        for part, other in zip(leaves(found[k]), leaves(nested[k]), strict=True):
            assert np.shape(part) == np.shape(other)
            assert np.result_type(part) == np.result_type(other)
            tolerance = 1e-13 * max([1e-3, *sizes]) * math.factorial(k)
            np.testing.assert_allclose(part, other, rtol=1e-12, atol=tolerance)


@pytest.mark.parametrize("sample", ALL, ids=repr)
def test_first_order_is_forward_accumulation(sample: Sample):
    program = diffmagic.trace(lambda *z: sample.of_moving()(*z), *sample.operands)
    tangents = leaves(directions(sample))
    seeds = dict(zip(program.inputs, tangents, strict=True))
    expected = forward(program, seeds)
    found = series(program, {v: [v.value, t] for v, t in seeds.items()}, 1)
    for out in program.outputs:
        if isinstance(out, Variable) and out in expected:
            np.testing.assert_allclose(found[out][1], expected[out], rtol=1e-13, atol=1e-15)
        elif isinstance(out, Variable):
            assert found.get(out, [None, None])[1] is None


# Linear algebra by what defines it.

rng = np.random.default_rng(5)
A = rng.uniform(-1, 1, (4, 4)) + 3 * np.eye(4)
B = rng.uniform(-1, 1, (4, 4))
C, D = A + A.T, B + B.T


def matrix_series(f: Callable[[Any], Any], order: int = 8) -> list[list[Any]]:
    """The coefficients of each result of a function of a number, at 0."""
    results = zip(
        *([part] if isinstance(part, np.ndarray) else list(part) for part in taylor(f, 0.0, order)), strict=True
    )
    return [[part / math.factorial(k) for k, part in enumerate(result)] for result in results]


def times(*factors: list[Any]) -> list[Any]:
    """The product of series of matrices."""
    a, *rest = factors
    if not rest:
        return a
    b = times(*rest)
    return [sum(a[j] @ b[k - j] for j in range(k + 1)) for k in range(len(a))]


def close(found: list[Any], expected: list[Any]) -> None:
    for k, part in enumerate(found):
        size = 1 + max(np.max(np.abs(c)) for c in found[: k + 1])
        other = expected[k] if k < len(expected) else np.zeros_like(part)
        np.testing.assert_allclose(part, other, rtol=0, atol=1e-12 * size)


def transposed(a: list[Any]) -> list[Any]:
    return [part.T for part in a]


def diagonal(a: list[Any]) -> list[Any]:
    return [np.diag(part) for part in a]


def test_inverse():
    (inverse,) = matrix_series(lambda t: np.linalg.inv(A + t * B))
    close(times(inverse, [A, B] + [0 * A] * 7), [np.eye(4)])
    (inverse,) = matrix_series(lambda t: np.linalg.pinv((A + t * B)[:, :3]))
    close(times(inverse, [A[:, :3], B[:, :3]] + [0 * A[:, :3]] * 7), [np.eye(3)])


@pytest.mark.parametrize("columns", [0, slice(0, 2)])
def test_solve(columns):
    (x,) = matrix_series(lambda t: np.linalg.solve(A + t * B, (C + t * D)[:, columns]))
    close(times([A, B] + [0 * A] * 7, x), [C[:, columns], D[:, columns]])
    (x,) = matrix_series(lambda t: np.linalg.solve(A + t * B, C[:, columns]))
    close(times([A, B] + [0 * A] * 7, x), [C[:, columns]])


def test_determinant():
    exact = np.polynomial.polynomial.polyfit(np.arange(-2, 3), [np.linalg.det(A + t * B) for t in range(-2, 3)], 4)
    found = [d / math.factorial(k) for k, d in enumerate(taylor(lambda t: np.linalg.det(A + t * B), 0.0, 4))]
    np.testing.assert_allclose(found, exact, rtol=1e-11)
    singular = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]])
    exact = np.polynomial.polynomial.polyfit(range(4), [np.linalg.det(singular + t * B[:3, :3]) for t in range(4)], 3)
    found = [
        d / math.factorial(k) for k, d in enumerate(taylor(lambda t: np.linalg.det(singular + t * B[:3, :3]), 0.0, 3))
    ]
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-13)


def test_factors():
    q, r = matrix_series(lambda t: tuple(np.linalg.qr(A + t * B)))
    close(times(q, r), [A, B])
    close(times(transposed(q), q), [np.eye(4)])
    (lower,) = matrix_series(lambda t: np.linalg.cholesky(C @ C + t * D))
    close(times(lower, transposed(lower)), [C @ C, D])
    p, lower, upper = matrix_series(lambda t: diffmagic.traceable(linalg.lu)(A + t * B))
    close(times(p, lower, upper), [A, B])


def test_eigenvalues_and_singular_values():
    w, v = matrix_series(lambda t: tuple(np.linalg.eigh(C + t * D)))
    close(times(v, diagonal(w), transposed(v)), [C, D])
    close(times(transposed(v), v), [np.eye(4)])
    w, v = matrix_series(lambda t: tuple(np.linalg.eig(A + t * B)), 5)
    close(times([A, B] + [0 * A] * 4, v), times(v, diagonal(w)))
    u, s, vt = matrix_series(lambda t: tuple(np.linalg.svd(A + t * B, full_matrices=False)))
    close(times(u, diagonal(s), vt), [A, B])
    close(times(transposed(u), u), [np.eye(4)])


def test_products_of_three():
    (found,) = matrix_series(lambda t: np.einsum("ij,jk,kl->il", A + t * B, C + t * D, B + t * A), 4)
    close(found, times([A, B] + [0 * A] * 3, [C, D] + [0 * A] * 3, [B, A] + [0 * A] * 3))


# Properties.

numbers = st.lists(st.floats(-2, 2), min_size=5, max_size=5)


@given(numbers, numbers)
def test_series_of_a_product_is_the_convolution(a, b):
    program = diffmagic.trace(lambda x, y: (x * y, x / (y * y + 10)), a[0], b[0])
    x, y = program.inputs
    found = series(program, {x: a, y: b}, 4)
    product, quotient = (found[out] for out in program.outputs)
    np.testing.assert_allclose(product, np.convolve(a, b)[:5], rtol=1e-13, atol=1e-13)
    below = np.convolve(b, b)[:5] + np.array([10, 0, 0, 0, 0])
    np.testing.assert_allclose(np.convolve(quotient, below)[:5], a, rtol=1e-13, atol=1e-13)


@given(numbers)
def test_series_of_inverse_functions(a):
    program = diffmagic.trace(lambda x: (np.log(np.exp(x)), np.tan(np.arctan(x)), np.cbrt(x) ** 3), a[0] + 4)
    (x,) = program.inputs
    found = series(program, {x: [a[0] + 4, *a[1:]]}, 4)
    for out in program.outputs:
        np.testing.assert_allclose(found[out], [a[0] + 4, *a[1:]], rtol=1e-9, atol=1e-9)


def test_coefficients_that_are_zero_cost_nothing():
    program = diffmagic.trace(lambda x: 3 * x + 2.0, 0.5)
    found = series(program, {program.inputs[0]: [0.5, 1.0]}, 4)[program.outputs[0]]
    assert found == [3.5, 3.0, None, None, None]
    assert not series(diffmagic.trace(np.floor, 0.5), {}, 2)


# Kinks, zeros and what was not reached.

KINKS = [
    (np.abs, 0.0),
    (lambda x: np.abs(x) * np.exp(x), 0.0),
    (lambda x: np.maximum(x, x**2), 0.0),
    (lambda x: np.maximum(x, x**2), 1.0),
    (lambda x: np.minimum(np.sin(x), x), 0.0),
    (lambda x: np.clip(x, 0.0, 1.0) ** 3 * x, 1.0),
    (lambda x: np.where(x > 0, x**2, np.sin(x)), 0.3),
    (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0),
    (lambda x: np.where(x > 0, np.sqrt(x), x), -1.0),
    (lambda x: np.fmax(x, nan) * x, 2.0),
    (lambda x: np.hypot(x, 0.0 * x), 0.0),
    (lambda x: np.linalg.norm(np.stack([x, 0 * x])), 0.0),
    (lambda x: np.heaviside(0.0, x) * x, 2.0),
    (lambda x: np.max(np.stack([x, x, x**2])), 1.0),
    (lambda x: x % 0.7, 1.0),
    (lambda x: np.floor(x) * x, 1.5),
    (np.sqrt, 0.0),
    (np.log, 0.0),
    (lambda x: x * np.log(x), 0.0),
    (np.cbrt, 0.0),
    (lambda x: 1 / x, 0.5),
    (np.sinc, 0.0),
    (lambda x: x**2.5, 0.0),
    (lambda x: x**3.0, 0.0),
    (lambda x: (x - 1) ** 2, 1.0),
    (lambda x: x**0.0, 0.0),
    (lambda x: x**1, 0.0),
    (lambda x: x**100, 0.0),
    (lambda x: x**-2, -2.0),
    (lambda x: np.float_power(x, 3), 0.0),
    (lambda x: np.power(x, np.array([0.0, 1.0, 2.0, 3.0, 2.5])), 0.0),
    (lambda x: np.arcsin(x), 1.0),
    (lambda x: np.abs(x * (1 + 2j)), 0.4),
    (lambda x: np.angle(x + 2j), 0.4),
    (lambda x: np.exp(1j * x), 0.4),
]


@pytest.mark.filterwarnings("ignore::diffmagic.DiffmagicNote", "ignore::RuntimeWarning")
@pytest.mark.parametrize(("f", "x"), KINKS, ids=range(len(KINKS)))
def test_kinks_and_zeros_are_as_in_nested_derivatives(f, x):
    found = taylor(f, x, 4)
    for k in range(5):
        nested = derivative(f, k)(x)
        np.testing.assert_array_equal(np.isnan(found[k]), np.isnan(nested), err_msg=str(k))
        np.testing.assert_allclose(found[k], nested, rtol=1e-12, atol=1e-12, err_msg=str(k))


@pytest.mark.parametrize("n", [2, 3, 5, 17, 64, 100])
def test_powers_of_zero_are_exact(n):
    found = taylor(lambda x: x**n, 0.0, 6)
    assert found == [math.factorial(n) if k == n else 0.0 for k in range(7)]
    shifted = taylor(lambda x: (x - 2) ** n, 2.0, 6)
    assert shifted == found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_python_numbers_that_cannot_be_divided_by():
    found = taylor(lambda x: np.log(x) + 1 / (x + 1), 0.0, 2)
    assert found[1:] == [inf, -inf]


def test_positions_that_are_not_reached_contribute_nothing():
    def f(t):
        x = np.zeros(3)
        x[0] = t
        return np.sum(np.sqrt(x))

    traceable = diffmagic.traceable(f)
    np.testing.assert_allclose(taylor(traceable, 4.0, 3), taylor(np.sqrt, 4.0, 3), rtol=1e-15)
    direction = np.array([1.0, 0.0])
    found = taylor(lambda v: np.sum(np.sqrt(v)), np.array([4.0, 0.0]), 3, direction=direction)
    np.testing.assert_allclose(found, taylor(np.sqrt, 4.0, 3), rtol=1e-15)


# Arrays, directions, structures and dtypes.


def test_arrays_element_by_element():
    x = np.array([[0.3, -1.2], [2.0, 0.1]])
    found = taylor(lambda x: np.exp(np.sin(x)) / (2 + x * x), x, 6)
    for place in np.ndindex(x.shape):
        one = taylor(lambda x: np.exp(np.sin(x)) / (2 + x * x), float(x[place]), 6)
        np.testing.assert_allclose([part[place] for part in found], one, rtol=1e-12)


def test_single_precision_stays_single():
    for x in (np.float32(0.3), np.array([0.3, 0.4], np.float32)):
        found = taylor(lambda x: np.exp(x) * np.sqrt(x) / (1 + x**3) + x**2.5, x, 5)
        double = taylor(lambda x: np.exp(x) * np.sqrt(x) / (1 + x**3) + x**2.5, np.asarray(x, float)[()], 5)
        assert all(part.dtype == np.float32 for part in found)
        np.testing.assert_allclose(np.array(found), np.array(double), rtol=1e-4)


def test_directions_in_structures():
    x = {"a": np.array([0.5, 0.2]), "b": 1.5}
    u = {"a": np.array([1.0, -2.0]), "b": 0.5}
    f = lambda p: {"y": np.sum(p["a"] ** 3) * np.exp(p["b"]), "z": (p["a"], 1.0)}
    found = taylor(f, x, 3, direction=u)
    line = lambda t: f({name: x[name] + t * u[name] for name in x})["y"]
    np.testing.assert_allclose([part["y"] for part in found], taylor(line, 0.0, 3), rtol=1e-14)
    np.testing.assert_array_equal(found[1]["z"][0], u["a"])
    assert [part["z"][1] for part in found] == [1.0, 0.0, 0.0, 0.0]


def test_the_input_is_not_shared():
    x = np.array([1.0, 2.0])
    found = taylor(lambda x: x, x, 2)
    found[0][0] = found[1][0] = 7.0
    np.testing.assert_array_equal(x, [1.0, 2.0])
    np.testing.assert_array_equal(found[2], [0.0, 0.0])


def test_it_can_be_differentiated():
    f = lambda x: np.exp(np.sin(x)) * x**2.5
    for k in range(4):
        outer = derivative(lambda x, k=k: taylor(f, x, k)[k])(0.7)
        assert outer == pytest.approx(taylor(f, 0.7, k + 1)[-1], rel=1e-13)
        assert grad(lambda x, k=k: taylor(f, x, k)[k])(0.7) == pytest.approx(outer, rel=1e-13)
    assert taylor(lambda x: derivative(f)(x), 0.7, 3) == pytest.approx(taylor(f, 0.7, 4)[1:], rel=1e-13)


def test_own_rules_and_checkpoints():
    @diffmagic.primitive
    def sine(x):
        return np.sin(x)

    @diffmagic.primitive
    def cosine(x):
        return np.cos(x)

    sine.define_jvp(lambda primals, tangents: (sine(primals[0]), cosine(primals[0]) * tangents[0]))
    cosine.define_jvp(lambda primals, tangents: (cosine(primals[0]), -sine(primals[0]) * tangents[0]))
    expected = taylor(lambda x: np.sin(x * x), 0.7, 12)
    assert taylor(lambda x: sine(x * x), 0.7, 12) == pytest.approx(expected, rel=1e-12)
    assert taylor(diffmagic.checkpoint(lambda x: np.sin(x * x)), 0.7, 12) == pytest.approx(expected, rel=1e-12)
    product = diffmagic.primitive(lambda a, b: a * b)
    product.define_vjp(lambda g, y, a, b: (g * b, g * a))
    assert taylor(lambda x: product(np.sin(x), x * x), 0.7, 6) == pytest.approx(
        taylor(lambda x: np.sin(x) * x * x, 0.7, 6), rel=1e-12
    )


# Within an open trace.


def recorded(f: Callable[..., Any], x: Any, order: int) -> Any:
    """The program that computes the coefficients of a function's series from its input."""
    inner = diffmagic.trace(f, x)
    with Trace() as outer:
        tracer = outer.input(x)
        with Trace() as again:
            traced = again.input(tracer)
            values = replay(inner, [traced])
            program = again.program([traced._variable], [values[out] for out in inner.outputs])
        (variable,) = program.inputs
        found = series(program, {variable: [variable.value, 1.0]}, order)[program.outputs[0]]
    return outer.program([tracer._variable], [0.0 if c is None else c for c in found]), outer.guards


def test_recorded_and_evaluated_on_a_grid():
    f = lambda x: np.exp(np.sin(x)) * x**2.5 + np.tanh(x) / (1 + x**3) + np.logaddexp(x, 1.0)
    program, _ = recorded(f, 0.7, 5)
    grid = np.linspace(0.1, 3.0, 30)
    values = replay(program, [grid])
    for k, out in enumerate(program.outputs):
        expected = [taylor(f, x, k)[k] / math.factorial(k) for x in grid.tolist()]
        np.testing.assert_allclose(values[out], expected, rtol=1e-10, atol=1e-12)


def test_the_first_order_takes_a_forward_pass():
    program, guards = recorded(np.sin, 0.7, 1)
    assert [equation.primitive.name for equation in program.equations] == ["np.sin", "np.cos", "np.multiply"]
    assert not guards


def test_a_power_of_zero_is_a_guard():
    assert not recorded(lambda x: x**2.5, 0.7, 1)[1]
    _, guards = recorded(lambda x: x**2.5, 0.7, 2)
    assert [guard.value for guard in guards] == [False]
    assert not recorded(lambda x: x**3, 0.7, 5)[1]


@pytest.mark.parametrize("f", [lambda x: special.jv(1, np.sin(x)), lambda x: special.elliprd(x, 1.3, 2.7), np.tanh])
def test_the_work_is_polynomial_in_the_order(f):
    counts = []
    for order in (8, 16):
        steps = itertools.count()

        def counted(value: Any, steps: Any = steps) -> Any:
            next(steps)
            return value

        program = diffmagic.trace(f, 0.6)
        diffmagic.core.taylor._series(program, {program.inputs[0]: [0.6, 1.0]}, order, None, counted, counted)
        counts.append(next(steps))
    assert counts[1] < 10 * counts[0]


# What is told and what is refused.


@pytest.mark.parametrize(("f", "x"), [(lambda x: np.sin(x) / x, 0.05), (special.erfcx, 9.0), (special.ber, 0.01)])
def test_rounding_is_told(f, x):
    with pytest.warns(DiffmagicNote, match=r"from order \d+ on, rounding may be a visible part of the derivative"):
        taylor(f, x, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taylor(f, x, 4)


@pytest.mark.parametrize("x", [1.0, 2.0, 3.0, math.pi])
def test_zeros_are_not_taken_for_rounding(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taylor(lambda x: (x - 1) * (x - 2) * (x - 3) + np.sin(x), x, 8)
        taylor(lambda x: (x - 1) * (x - 2) * (x - 3), x, 8)


def f_of_matrix(t):
    return linalg.expm(A + t * B)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: taylor(np.sin, 0.3, -1), "order -1 is not a whole number"),
        (lambda: taylor(np.sin, 0.3, 1.5), "order 1.5 is not a whole number"),
        (lambda: taylor(np.sin, 0.3, 171), "order 171 has a factorial beyond the largest number"),
        (lambda: taylor(np.sin, 0.3 + 1j, 2), "taylor takes real numbers"),
        (lambda: taylor(np.sum, np.ones(3), 2), "sum is not elementwise: np.sum mixes or moves elements"),
        (lambda: taylor(lambda p: p[0] * p[1], (1.0, 2.0), 2), "the variable is a container"),
        (lambda: taylor(np.sum, np.ones(3), 2, direction=np.ones(2)), "has shape (2,) and its x has shape (3,)"),
        (lambda: taylor(np.sin, 0.3, 2, direction=1j), "is complex and its x is real"),
        (lambda: taylor(special.erfcx, 0.3, 11), "the derivatives of scipy.special.erfcx are good to order 10"),
        (lambda: taylor(special.log_ndtr, -0.3, 12), "the derivatives of scipy.special.erfcx are good to order 10"),
        (lambda: taylor(lambda v: special.jv(v, 0.3), 1.5, 2), "scipy.special.jv has no derivative in v"),
        (lambda: taylor(diffmagic.traceable(f_of_matrix), 0.0, 2), "the series of scipy.linalg.expm has no recurrence"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(DiffmagicError) as caught:
        call()
    assert message in str(caught.value)


def test_a_refusal_names_the_line():
    def f(v):
        y = v * v
        return special.gammaln(y) + special.jv(y, 0.3)

    with pytest.raises(DiffmagicError) as caught:
        taylor(f, 1.5, 3)
    assert caught.value.location is not None
    assert "special.jv(y, 0.3)" in caught.value.location.text


def test_first_order_of_what_has_no_series():
    np.testing.assert_allclose(
        taylor(diffmagic.traceable(f_of_matrix), 0.0, 1)[1], linalg.expm_frechet(A, B)[1], rtol=1e-12
    )


# As a method.


def test_method_to_order_fifty():
    found = diffmagic.differentiate(lambda x: np.exp(2 * x), 0.5, method="taylor", order=50)
    assert found.derivative == pytest.approx(2.0**50 * math.e, rel=1e-13)
    assert found.why == "one pass gives all orders"


def test_method_for_several_numbers_is_the_hessian():
    def f(p, y):
        return np.sum(np.exp(p["a"] * y)) * p["b"], p["a"] * p["b"]

    p = {"a": np.array([0.5, 0.2]), "b": 1.5}
    for order in (1, 2):
        found = diffmagic.differentiate(f, p, 0.7, argnums=(0, 1), method="taylor", order=order)
        expected = diffmagic.differentiate(f, p, 0.7, argnums=(0, 1), method="forward", order=order)
        assert [(e.of, e.wrt) for e in found.entries] == [(e.of, e.wrt) for e in expected.entries]
        for part, other in zip(found.entries, expected.entries, strict=True):
            np.testing.assert_allclose(part.value, other.value, rtol=1e-12, atol=1e-13)
    with pytest.raises(DiffmagicError, match="taylor goes up to order 2 for several numbers"):
        diffmagic.differentiate(f, p, 0.7, argnums=(0, 1), method="taylor", order=3)
