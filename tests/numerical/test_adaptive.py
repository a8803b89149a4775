"""The default numerical method: right, and honest about how far."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffmagic.core.errors import DiffmagicError
from diffmagic.methods import differentiate
from diffmagic.numerical.method import numerical
from diffmagic.results import Derivative

KNOTS = np.linspace(0, 10, 100001)


def away(found: Derivative, exact: float) -> float:
    """How many of its own errors a derivative is from the truth."""
    return abs(found.derivative - exact) / (found.error + 1e-300)


@given(
    coefficients=st.lists(st.integers(-9, 9), min_size=1, max_size=6),
    x=st.integers(-64, 64).map(lambda k: k / 16),
    order=st.integers(1, 4),
    complex=st.booleans(),
)
def test_polynomials_are_exact_to_rounding(coefficients: list[int], x: float, order: int, complex: bool) -> None:
    polynomial = np.polynomial.Polynomial(coefficients)
    exact = polynomial.deriv(order)(x)
    found = numerical(lambda t: polynomial(t), (x,), order=order, complex=complex)
    size = np.polynomial.Polynomial(np.abs(coefficients))(abs(x) + 1)  # what rounding is measured by
    assert abs(found.derivative - exact) <= 10 * found.error + 1e-15 * abs(exact)
    assert abs(found.derivative - exact) <= 1e-9 * size * 40**order / (abs(x) + 1) ** order * 1e-2


@given(
    x=st.floats(-3, 3),
    exponent=st.integers(-20, 40),
    order=st.integers(1, 4),
    complex=st.booleans(),
)
def test_the_scale_does_not_matter(x: float, exponent: int, order: int, complex: bool) -> None:
    scale = 2.0**exponent
    f = lambda t, m: m.exp(m.sin(t / scale) / 2) + t / scale
    with mpmath.workdps(60):
        exact = mpmath.diff(lambda t: f(t, mpmath), x * scale, order, h=mpmath.mpf(scale) * mpmath.mpf(10) ** -12)
        relative = mpmath.mpf(scale) ** order
        found = numerical(lambda t: f(t, np), (x * scale,), order=order, complex=complex)
        error = float(abs(found.derivative - exact) * relative)
    assert error <= 10 * found.error * float(relative) + 1e-15
    if abs(x) > 0.01:  # else nothing tells of the scale
        assert error <= 1e-5


@pytest.mark.parametrize("noise", [1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("order", [1, 2])
def test_noise_is_in_the_error(noise: float, order: int) -> None:
    """Noise is random, and so is the estimate of it: 98 of 100 times."""
    points = np.random.default_rng(order).uniform(0.5, 3.0, 100)
    honest = []
    for x in points.tolist():
        found = numerical(lambda t: np.exp(t) + noise * np.modf(4e4 * np.sin(1e5 * t))[0], (x,), order=order)
        honest.append(abs(found.derivative - math.exp(x)) <= 10 * found.error)
        assert found.error <= 1e3**order * noise * 10
    assert np.sum(honest) >= 98


def test_noise_is_noted() -> None:
    found = numerical(lambda x: round(math.sin(x), 8), (0.7,))
    assert found.notes == ["the values carry noise of about 3e-09 of their size"]


@pytest.mark.parametrize("x", [1.3, -0.4])
def test_code_that_is_not_analytic_is_not_trusted(x: float) -> None:
    exact = math.copysign(1, x) * (math.sin(x) + x * math.cos(x))
    found = numerical(lambda t: np.abs(t) * np.sin(t), (x,))
    assert found.derivative == pytest.approx(exact, rel=1e-12)
    assert "complex" not in found.why


def test_complex_values_sharpen_the_rest() -> None:
    found = numerical(np.exp, (1.0,))
    assert found.derivative == pytest.approx(math.e, rel=4e-16)
    assert found.why == "complex step, checked against a 12-point expansion at h = 0.125; about 15 digits"
    real = numerical(np.exp, (1.0,), complex=False)
    assert real.error > found.error
    assert all(np.isreal(trial.estimate) for trial in real.trials)


@pytest.mark.parametrize(
    ("f", "x", "order", "derivative", "error", "note"),
    [
        (abs, 0.0, 1, 0.0, 1.0, "a kink: the derivative is -1 on the left and 1 on the right"),
        (lambda x: np.maximum(x, 1), 1.0, 1, 0.5, 0.5, "a kink: the derivative is 0 on the left and 1 on the right"),
        (abs, 0.0, 2, 0.0, np.inf, "a derivative of lower order jumps"),
        (lambda x: np.where(x > 0, 1.0, 0.0), 0.0, 1, np.nan, np.nan, "a jump: 0 on the left, 0 here, 1 on the right"),
        (np.floor, 2.0, 1, np.nan, np.nan, "a jump: 1 on the left, 2 here, 2 on the right"),
        (np.sqrt, 0.0, 1, np.inf, np.nan, "grows without bound"),
        (math.sqrt, 0.0, 1, np.inf, np.nan, "grows without bound"),
        (np.cbrt, 0.0, 1, np.inf, np.nan, "grows without bound"),
        (lambda x: np.sqrt(np.abs(x)), 0.0, 1, np.nan, np.nan, "-inf on the left and inf on the right"),
        (lambda x: 1 / x if x else np.inf, 0.0, 1, np.nan, np.nan, "is not finite at this point"),
        (lambda x: x if x == 1 else np.nan, 1.0, 1, np.nan, np.inf, "has no values beside this point"),
        (np.sin, 1e200, 1, None, np.inf, "is not smooth on any scale"),
    ],
)
def test_where_there_is_no_derivative(
    f: Callable[..., Any], x: float, order: int, derivative: float | None, error: float, note: str
) -> None:
    found = numerical(f, (x,), order=order)
    if derivative is not None:
        np.testing.assert_allclose(found.derivative, derivative, atol=1e-12)
    np.testing.assert_allclose(found.error, error)
    assert any(note in each for each in found.notes)


@pytest.mark.parametrize(
    ("f", "x", "side"),
    [
        (lambda x: np.where(x >= 0, np.exp(x), np.nan), 0.0, "above"),
        (lambda x: math.exp(x) * (1 + 0 * math.sqrt(-x)), 0.0, "below"),
        (lambda x: np.exp(x) if x <= 2 else 1 / 0, 2.0, "below"),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_domains_that_end(f: Callable[..., Any], x: float, side: str, order: int) -> None:
    found = numerical(f, (x,), order=order)
    assert found.derivative == pytest.approx(math.exp(x), rel=1e-8)
    assert away(found, math.exp(x)) <= 10
    assert found.notes == [f"one-sided: from values {side} this point"]


def test_each_number_of_a_result_has_its_own_scale() -> None:
    f = lambda x: np.array([np.inf * x, x, np.abs(x - 1), np.sqrt(x - 1), np.sin(x / 1e5)])
    found = numerical(f, (1e-5 + 1,), complex=False)
    exact = [1.0, 1.0, 0.5 / math.sqrt((1e-5 + 1) - 1), math.cos(1e-5) / 1e5]
    np.testing.assert_allclose(found.derivative[1:], exact, rtol=1e-8)
    assert np.isnan(found.derivative[0])
    assert found.notes[0] == "the function is not finite at this point (number 1 of the result)"


def test_what_was_tried_is_kept() -> None:
    found = numerical(lambda x: np.array([np.sin(x), np.cos(x)]), (1.0,), complex=False)
    assert len({trial.step for trial in found.trials}) >= 2
    for trial in found.trials:
        assert trial.wrt == "x"
        exact = [math.cos(1.0), -math.sin(1.0)]
        assert np.all(np.abs(trial.estimate - exact) <= 10 * (trial.truncation + trial.roundoff))


def test_orders_have_an_end() -> None:
    assert differentiate(np.exp, 0.0, method="adaptive", order=7).derivative == pytest.approx(1.0, rel=1e-10)
    with pytest.raises(DiffmagicError, match="up to order 7"):
        differentiate(np.exp, 0.0, method="adaptive", order=8)


@pytest.mark.parametrize(("f", "x"), [(np.floor, 2.5), (lambda x: np.round(np.sin(x), 1), 0.7)])
def test_steps_are_noted(f: Callable[..., Any], x: float) -> None:
    found = numerical(f, (x,))
    assert found.derivative == 0.0
    assert found.notes == ["constant about this point, in steps further away"]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("complex", [True, False])
@pytest.mark.parametrize(
    ("f", "exact", "x"),
    [
        (lambda x: (1 - math.cos(x)) / x, lambda x: (1 - mpmath.cos(x)) / x, 1e-6),
        (lambda x: (1 - np.cos(x)) / x**2, lambda x: (1 - mpmath.cos(x)) / x**2, 1e-5),
        (lambda x: (1 - np.cos(x)) / x**2, lambda x: (1 - mpmath.cos(x)) / x**2, 1e-7),
        (lambda x: (np.exp(x) - 1) / x, lambda x: mpmath.expm1(x) / x, 1e-10),
        (lambda x: np.log(1 + x) / x, lambda x: mpmath.log1p(x) / x, 1e-12),
        (lambda x: (np.sqrt(1 + x) - 1) / x, lambda x: (mpmath.sqrt(1 + x) - 1) / x, 1e-10),
        (lambda x: (1 + x) ** (1 / x), lambda x: (1 + x) ** (1 / x), 1e-10),
        (lambda x: (x - np.sin(x)) / x**3, lambda x: (x - mpmath.sin(x)) / x**3, 1e-6),
        (lambda x: x * (np.sqrt(x + 1) - np.sqrt(x)), lambda x: x * (mpmath.sqrt(x + 1) - mpmath.sqrt(x)), 1e12),
    ],
)
def test_a_step_of_rounded_values_is_no_function(
    f: Callable[..., Any], exact: Callable[..., Any], x: float, complex: bool, order: int
) -> None:
    """The numerator is constant beside the point, where the quotient is as smooth as any function."""
    found = numerical(f, (x,), order=order, complex=complex)
    with mpmath.workdps(60):
        truth = mpmath.diff(exact, mpmath.mpf(x), order, h=mpmath.mpf(x) * mpmath.mpf(10) ** -20)
    assert abs(found.derivative - truth) <= 10 * found.error
    assert any("steps" in note for note in found.notes)


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (lambda x: math.exp(x) + 1e-6 * math.sin(1e6 * x), 0.7, math.exp(0.7) + math.cos(7e5)),
        (lambda x: math.sin(x) + 1e-5 * abs(x - 1 - 1e-5), 1.0, math.cos(1.0) - 1e-5),
        (lambda x: math.sin(x) + 1e-9 * (x > 1.0001), 1.0, math.cos(1.0)),
        (
            lambda x: np.interp(x, KNOTS, np.sin(KNOTS)),
            2.30005,
            (math.sin(KNOTS[23001]) - math.sin(KNOTS[23000])) * 1e4,
        ),
    ],
)
def test_what_is_small_and_no_rounding_is_seen(f: Callable[..., Any], x: float, exact: float) -> None:
    found = numerical(f, (x,))
    assert found.derivative == pytest.approx(exact, rel=1e-7)
    assert abs(found.derivative - exact) <= 10 * found.error


@pytest.mark.parametrize("digits", [4, 6, 8, 10])
def test_rounding_is_noted_however_fine(digits: int) -> None:
    found = numerical(lambda x: np.round(x * x, digits), (1.3,))
    assert 10 * found.error >= abs(found.derivative - 2.6) > 0
    assert any("steps" in note or "noise" in note for note in found.notes)


def test_steps_of_many_numbers_are_found_together() -> None:
    """Noise is random here too: 98 of 100 times."""
    k = np.arange(1.0, 101.0)
    found = numerical(lambda x: (1 - np.cos(k * x)) / x, (1e-6,))
    off = np.abs(found.derivative - (k**2 / 2 - k**4 * 1e-12 / 8))
    assert np.sum(off <= 10 * found.error) >= 98
    assert np.all(off <= 2e-3 * found.derivative)
    assert np.all(found.error < 1e-3 * found.derivative)
    assert found.evaluations < 500


@pytest.mark.parametrize("complex", [True, False])
@pytest.mark.parametrize(
    ("f", "x", "order"),
    [
        (lambda x: x**2, 1.0, 3),
        (lambda x: 0 * x + 3, 5e5, 1),
        (lambda x: 1 + 0 * x, 0.0, 4),
        (lambda x: np.floor(1e6 * x), -0.3, 1),
        (lambda x: np.stack([x[0] * x[1], x[0] ** 3]), np.array([1.0, 3e4]), 2),
    ],
)
def test_far_away_nothing_is_looked_for(f: Callable[..., Any], x: Any, order: int, complex: bool) -> None:
    farthest = 0.0

    def watched(t: Any) -> Any:
        nonlocal farthest
        far = np.abs(np.asarray(t) - x) / np.maximum(np.abs(x), 1)
        farthest = max(farthest, np.max(far))
        return f(t)

    numerical(watched, (x,), order=order, complex=complex)
    assert 1 < farthest < 2.0**10 * (1 + 1e-12)


def test_what_the_complex_step_cuts_off_is_in_its_error() -> None:
    found = numerical(lambda x: x**3, (0.0,))
    assert abs(found.derivative) <= found.error
    assert "digits" not in found.why


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (np.sin, np.longdouble(1), math.cos(1.0)),
        (lambda x: np.longdouble(x) ** 2, 1.5, 3.0),
        (lambda x: np.greater(x, 1.5), 1.0, 0.0),
        (lambda x: x, 1e308, 1.0),
        (lambda x: np.float16(np.sin(x)), 1.0, None),
    ],
)
def test_every_type_of_number(f: Callable[..., Any], x: Any, exact: float | None) -> None:
    found = numerical(f, (x,))
    if exact is None:
        assert away(found, math.cos(1.0)) <= 10
        assert found.error < 0.1
    else:
        assert found.derivative == pytest.approx(exact, rel=1e-14)


def test_a_bool_jumps() -> None:
    assert numerical(lambda x: x > 1, (1.0,)).notes == ["a jump: 0 on the left, 0 here, 1 on the right"]
