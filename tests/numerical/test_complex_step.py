"""The complex step, and what it cannot do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp
from scipy import special

from diffmagic.core.errors import DiffmagicError
from diffmagic.numerical.complex_step import complex_step
from diffmagic.numerical.lines import Call
from diffmagic.numerical.sampling import Estimate


def differentiate(f: Callable[[Any], Any], x: float, **options: Any) -> Estimate:
    return complex_step(Call(f, (x,), 0, ()).line(0), x, 1, **options)


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (np.exp, 1.0, math.e),
        (np.sin, 1e8, math.cos(1e8)),
        (np.log, 1e-8, 1e8),
        (np.sqrt, 1e-200, 0.5e100),
        (lambda x: np.sin(1e6 * x), 1.0, 1e6 * math.cos(1e6)),
        (lambda x: 1 / (x - 1), 1 + 2.0**-20, -(2.0**40)),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: 3.0, 1.0, 0.0),
        (special.erf, 0.5, 2 / math.sqrt(math.pi) * math.exp(-0.25)),
        (lambda x: np.where(np.real(x) > 0, x, -x) * x, 3.0, 6.0),
        (lambda x: np.maximum(x, 1.0) * 2, 1.5, 2.0),
    ],
)
def test_what_is_analytic_is_right_to_the_last_digits(f: Any, x: float, exact: float) -> None:
    found = differentiate(f, x)
    assert abs(found.derivative - exact) <= min(2 * found.error, 1e-13 * abs(exact))
    assert not found.notes
    assert found.account.endswith("confirmed by a central difference")


@pytest.mark.parametrize("step", [None, 1e-9, 1e-100, 1e-250])
def test_squire_and_trapps_example(step: float | None) -> None:
    with mp.workdps(60):
        exact = float(mp.diff(lambda x: mp.exp(x) / (mp.cos(x) ** 3 + mp.sin(x) ** 3), 1.5, h=mp.mpf(10) ** -20))
    found = differentiate(lambda x: np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3), 1.5, step=step)
    assert found.derivative == pytest.approx(exact, rel=2e-15)
    assert exact == pytest.approx(3.62203370071632, rel=1e-14)


def test_with_a_long_step_truncation_is_told() -> None:
    found = differentiate(np.exp, 1.0, step=0.01)
    (trial,) = found.trials
    assert trial.truncation == pytest.approx(abs(found.derivative - np.e), rel=1e-3)
    assert trial.roundoff < 1e-14


def test_round_off_is_that_of_the_point_too() -> None:
    found = differentiate(lambda x: np.sin(1e4 * x), 1.0)
    error = abs(found.derivative - 1e4 * np.cos(1e4))
    assert error < found.error < 1e-10 * 1e4


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (lambda x: abs(x) * np.sin(x), 1.3, math.sin(1.3) + 1.3 * math.cos(1.3)),
        (lambda x: np.sin(x) + x.real, 1.3, math.cos(1.3) + 1),
        (lambda x: np.sqrt(np.real(x * np.conj(x))), 2.0, 1.0),
        (lambda x: np.sin(x.real if np.iscomplexobj(x) else x), 0.4, math.cos(0.4)),
        (lambda x: np.array([x**2, np.abs(x) ** 3]), 2.0, np.array([4.0, 12.0])),
        (lambda x: np.angle(np.exp(1j * x)), 0.5, 1.0),
        (lambda x: np.round(np.sin(x), 9), 0.7, math.cos(0.7)),
    ],
)
def test_code_that_is_not_analytic(f: Any, x: float, exact: Any) -> None:
    found = differentiate(f, x)
    off = np.abs(found.derivative - exact)
    assert np.any(off > 1e-3)
    assert np.all(off <= 2 * found.error)
    (note,) = found.notes
    assert "perhaps the code is not analytic here, as np.abs and .real are not" in note
    assert "not confirmed" in found.account


@pytest.mark.parametrize(("f", "x"), [(np.tanh, 30.0), (lambda x: 1 + 1e-13 * np.sin(x), 1.0)])
def test_a_derivative_too_small_for_differences(f: Any, x: float) -> None:
    found = differentiate(f, x)
    assert 0 < abs(found.derivative) < found.error < 1e-8
    assert "which is not sharp enough to confirm it" in found.notes[0]


def test_the_famous_silent_one() -> None:
    (note,) = differentiate(lambda x: abs(x) * np.sin(x), 1.3).notes
    assert note.startswith("the complex step gives 0.348 and a central difference 1.31:")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: math.sin(x),
        lambda x: float(x) ** 2,
        lambda x: np.float64(x) ** 2,
        lambda x: np.array([x]).astype(float)[0] ** 2,
        lambda x: np.hypot(x, 1.0),
        lambda x: np.array([x, 0.0], dtype=float)[0],
    ],
)
def test_code_that_takes_no_complex_numbers_is_refused(f: Any) -> None:
    with pytest.raises(DiffmagicError, match="stops, or drops imaginary parts") as caught:
        differentiate(f, 0.5)
    assert "adaptive" in caught.value.rewrite


@pytest.mark.parametrize("order", [2, 3])
def test_higher_orders_are_refused(order: int) -> None:
    with pytest.raises(DiffmagicError, match="first derivatives only"):
        complex_step(Call(np.exp, (1.0,), 0, ()).line(0), 1.0, order)


def test_bounds_are_not_crossed() -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        seen.extend(np.real(np.ravel(x)))
        return np.sqrt(1 - x)

    call = Call(f, (0.75,), 0, ())
    found = complex_step(call.line(0, 0.0, 0.75), 0.75, 1)
    assert max(seen) == 0.75
    assert found.derivative == -1.0
