"""Richardson's and Ridders' extrapolations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.lines import Call
from diffmagic.numerical.method import numerical
from diffmagic.numerical.sampling import Estimate

METHODS = ("richardson", "ridders")


def differentiate(method: str, f: Callable[[Any], Any], x: float, order: int = 1, **options: Any) -> Estimate:
    return CLASSICS[method](Call(f, (x,), 0, ()).line(0), x, order, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("f", "exact", "x"),
    [
        (np.exp, mp.exp, 1.0),
        (np.sin, mp.sin, 0.7),
        (np.tanh, mp.tanh, -0.4),
        (lambda x: 1 / (1 + x * x), lambda x: 1 / (1 + x * x), 0.3),
        (np.log, mp.log, 2.0),
    ],
)
def test_smooth_functions(method: str, order: int, f: Any, exact: Any, x: float) -> None:
    found = differentiate(method, f, x, order)
    with mp.workdps(60):
        derivative = float(mp.diff(exact, mp.mpf(x), order, h=mp.mpf(10) ** -12))
    error = abs(found.derivative - derivative)
    assert error < 10 * found.error
    assert found.error < 10.0 ** (2 * order - 13) * max(1.0, abs(derivative))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_what_richardson_eliminates(order: int) -> None:
    """Five steps eliminate four even powers, so degrees up to order + 9 are exact, and the next is not."""
    for degree, exact in ((order + 9, True), (order + 10, False)):
        found = differentiate(
            "richardson", lambda x, degree=degree: x**order * (1 + x ** (degree - order)), 0.0, order, step=1.0
        )
        off = abs(found.derivative - np.prod(np.arange(1, order + 1)))
        assert (off < 10 * found.trials[-1].roundoff) == exact


def test_the_steps_are_halved_and_all_are_told() -> None:
    found = differentiate("richardson", np.exp, 1.0, step=0.5)
    assert [trial.step for trial in found.trials] == [0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert found.step == 0.5
    assert found.trials[0].truncation == np.inf
    assert found.trials[0].estimate == (np.exp(1.5) - np.exp(0.5)) / 1
    errors = [abs(trial.estimate - np.e) for trial in found.trials]
    assert errors == sorted(errors, reverse=True)
    assert all(error <= trial.truncation + trial.roundoff for error, trial in zip(errors, found.trials, strict=True))
    assert found.error == found.trials[-1].truncation + found.trials[-1].roundoff
    assert found.account == "5 central differences with steps from h = 0.5 down to 0.031, extrapolated to 0"


def test_ridders_stops_when_the_error_grows() -> None:
    found = differentiate("ridders", np.exp, 1.0, step=1e-4)
    assert len(found.trials) < 10
    least = min(float(trial.truncation[0] + trial.roundoff[0]) for trial in found.trials)
    assert found.error == least
    steps = np.array([trial.step for trial in found.trials])
    assert steps[:-1] / steps[1:] == pytest.approx(1.4)


def test_the_example_of_numerical_recipes() -> None:
    """Its dfridr, with h = 0.1 at x = 0.5, and functions of its text: x exp(x) log(x)."""
    found = differentiate("ridders", lambda x: x * np.exp(x) * np.log(x), 0.5, step=0.1)
    assert abs(found.derivative - (np.exp(0.5) * (1.5 * np.log(0.5) + 1))) < 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_every_number_has_its_own_table(method: str) -> None:
    found = differentiate(method, lambda x: np.array([np.exp(x), np.sin(30 * x), 1.0]), 0.2, order=2)
    exact = [np.exp(0.2), -900 * np.sin(6), 0]
    assert np.all(np.abs(found.derivative - exact) <= 10 * found.error)
    assert found.error[2] < found.error[1] / 10


@pytest.mark.parametrize("method", METHODS)
def test_steps_that_leave_the_domain_are_passed_over(method: str) -> None:
    found = differentiate(method, np.log, 0.3, step=1.0)
    assert max(trial.step for trial in found.trials) < 0.3
    assert abs(found.derivative - 1 / 0.3) < found.error < 0.3


@pytest.mark.parametrize("method", METHODS)
def test_no_step_inside_the_domain(method: str) -> None:
    found = differentiate(method, np.log, 1e-9)
    assert np.isnan(found.derivative)
    assert found.notes == ["the function has no finite value at a point that this method needs, with a step of 0.1"]


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_gives_the_best_so_far(method: str) -> None:
    found = numerical(np.exp, (1.0,), method=method, budget=9)
    assert found.evaluations <= 9
    assert 1 < len(found.trials) < 5
    assert abs(found.derivative - np.e) < found.error < 1e-3
    assert found.notes == ["the budget of evaluations is used up"]
