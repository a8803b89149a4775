"""Error against step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from diffmagic.core.errors import DiffmagicError
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.sweep import STEPS, sweep
from diffmagic.results import SweptMethod

SMOOTH = [("exp", 1.0), ("sin", 0.7), ("tanh", 0.4), ("cos", 2.0), ("sin", 3.7), ("log", 0.7), ("sinh", 1.1)]
POWERS = {"forward-difference": 1, "backward-difference": 1, "central-difference": 2}


def swept(f: Any, x: float, truth: Any, *methods: str, order: int = 1) -> list[SweptMethod]:
    return sweep(f, (x,), truth, methods=methods, order=order).methods


def exact(name: str, x: float, order: int) -> float:
    with mp.workdps(60):
        return float(mp.diff(getattr(mp, name), mp.mpf(x), order, h=mp.mpf(10) ** -12))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("method", POWERS)
def test_slopes_are_those_of_the_theory(method: str, order: int) -> None:
    found = [swept(getattr(np, name), x, exact(name, x, order), method, order=order)[0] for name, x in SMOOTH]
    for each in found:
        assert each.truncation.slope == pytest.approx(POWERS[method], abs=0.05)
        assert each.roundoff.slope == pytest.approx(-order, abs=0.15)  # round-off is chance
        assert each.roundoff.longest <= each.best_step <= each.truncation.shortest
    assert np.mean([each.roundoff.slope for each in found]) == pytest.approx(-order, abs=0.08)


def test_baydins_figure() -> None:
    """Baydin et al. 2018, figure 3."""
    derivative = 9.0660864
    forward, central, complex_step = sweep(
        lambda x: 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x * x) ** 2, (0.2,), derivative
    ).methods
    assert 5e-10 <= forward.best_step <= 2e-9
    assert forward.best_error * derivative == pytest.approx(7e-8, rel=0.3)
    assert 5e-8 <= central.best_step <= 5e-7
    assert central.best_error * derivative == pytest.approx(6e-11, rel=0.5)
    short = [error for step, error in zip(complex_step.steps, complex_step.errors, strict=True) if step < 1e-9]
    assert len(short) == 21
    assert max(short) < 1e-15
    assert complex_step.roundoff is None
    assert complex_step.truncation.slope == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(("method", "order"), [(method, order) for method in POWERS for order in (1, 2, 3, 4)])
def test_the_predicted_step_is_near_the_best(method: str, order: int) -> None:
    for name, x in SMOOTH:
        (found,) = swept(getattr(np, name), x, exact(name, x, order), method, order=order)
        assert 0.04 < found.predicted_step / found.best_step < 25
        assert found.best_error < min(found.errors[0], found.errors[-1])


def test_the_steps_are_those_of_a_ruler() -> None:
    assert len(STEPS) == 49
    assert STEPS[:4] == [1e-16, 2e-16, 5e-16, 1e-15]
    assert STEPS[-4:] == [0.1, 0.2, 0.5, 1.0]
    (found,) = swept(np.exp, 1.0, math.e, "central-difference")
    assert found.steps[0] > 1e-16  # 1 + 1e-16 is 1
    assert found.steps[-1] == 1.0


def test_a_truth_of_zero_and_results_of_several_numbers() -> None:
    found = sweep(np.cos, (0.0,), 0.0, methods=["forward-difference"])
    assert not found.relative
    assert found.methods[0].errors[-1] == pytest.approx(1 - math.cos(1))
    several = sweep(lambda x: {"a": [np.sin(x), 3 * x]}, (0.0,), {"a": [1.0, 3.0]}, methods=["central-difference"])
    assert several.methods[0].errors[-1] == pytest.approx((1 - math.sin(1)) / math.sqrt(10))


def test_a_method_that_fails_leaves_the_others() -> None:
    found = sweep(math.sin, (0.2,), math.cos(0.2))
    assert [each.method for each in found.methods] == ["forward-difference", "central-difference"]
    assert found.notes == [
        "complex-step: the function stops, or drops imaginary parts, when it is given a complex number"
    ]


def test_steps_outside_the_domain_are_left_out() -> None:
    (found,) = swept(np.log, 0.01, 100.0, "central-difference")
    assert found.steps[-1] == pytest.approx(0.005)


@pytest.mark.parametrize("method", CLASSICS)
def test_every_classic_is_swept(method: str) -> None:
    (found,) = swept(np.exp, 1.0, math.e, method)
    assert found.best_error < 1e-7
    assert len(found.steps) == len(found.errors) > 40


@pytest.mark.parametrize(
    ("args", "truth", "options", "words"),
    [
        ((np.array([1.0, 2.0]),), np.eye(2), {}, "has 2 inputs, and a sweep moves one number"),
        ((1.0,), 1.0, {"methods": ["adaptive"]}, "adaptive takes no step"),
        ((1.0,), math.nan, {}, "not finite"),
        ((1.0,), [1.0, 2.0], {}, "has another form"),
    ],
)
def test_refusals(args: Any, truth: Any, options: Any, words: str) -> None:
    with pytest.raises(DiffmagicError, match=words) as caught:
        sweep(np.sin, args, truth, **options)
    assert caught.value.rewrite
