"""Forward, backward and central differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from diffmagic.core.errors import DiffmagicError
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.differences import formula, stencil, weights
from diffmagic.numerical.lines import Call
from diffmagic.numerical.method import numerical
from diffmagic.numerical.sampling import Estimate

SIDES = {"forward-difference": 1, "backward-difference": -1, "central-difference": 0}


def differentiate(
    method: str,
    f: Callable[[Any], Any],
    x: float,
    order: int = 1,
    *,
    within: tuple[float, float] = (-np.inf, np.inf),
    **options: Any,
) -> Estimate:
    sampler = Call(f, (x,), 0, ()).line(0, *within)
    return CLASSICS[method](sampler, x, order, **options)


def accuracies(method: str) -> tuple[int, ...]:
    return (1, 2, 3, 4, 6) if SIDES[method] else (2, 4, 6, 8)


EVERY = [(method, order, accuracy) for method in SIDES for order in (1, 2, 3, 4) for accuracy in accuracies(method)]


@pytest.mark.parametrize(
    ("nodes", "order", "published"),
    [  # Fornberg 1988, tables 1 and 3
        ((-1, 0, 1), 1, "-1/2 0 1/2"),
        ((-2, -1, 0, 1, 2), 1, "1/12 -2/3 0 2/3 -1/12"),
        ((-4, -3, -2, -1, 0, 1, 2, 3, 4), 1, "1/280 -4/105 1/5 -4/5 0 4/5 -1/5 4/105 -1/280"),
        ((-2, -1, 0, 1, 2), 2, "-1/12 4/3 -5/2 4/3 -1/12"),
        ((-3, -2, -1, 0, 1, 2, 3), 2, "1/90 -3/20 3/2 -49/18 3/2 -3/20 1/90"),
        ((-3, -2, -1, 0, 1, 2, 3), 3, "1/8 -1 13/8 0 -13/8 1 -1/8"),
        ((-3, -2, -1, 0, 1, 2, 3), 4, "-1/6 2 -13/2 28/3 -13/2 2 -1/6"),
        ((0, 1, 2, 3, 4), 1, "-25/12 4 -3 4/3 -1/4"),
        ((0, 1, 2, 3), 2, "2 -5 4 -1"),
        ((0, 1, 2, 3, 4, 5, 6), 4, "35/6 -31 137/2 -242/3 107/2 -19 17/6"),
        ((Fraction(-1, 2), Fraction(1, 2), Fraction(3, 2)), 0, "3/8 3/4 -1/8"),
        ((Fraction(-3, 2), Fraction(-1, 2), Fraction(1, 2), Fraction(3, 2)), 1, "1/24 -9/8 9/8 -1/24"),
    ],
)
def test_weights_are_those_of_published_tables(nodes: tuple[int, ...], order: int, published: str) -> None:
    assert weights(nodes, order) == [Fraction(weight) for weight in published.split()]


@pytest.mark.parametrize(("method", "order", "accuracy"), EVERY)
def test_weights_are_exact_below_their_degree_and_not_beyond(method: str, order: int, accuracy: int) -> None:
    nodes, exact = stencil(order, accuracy, SIDES[method])
    for degree in range(order + accuracy):
        derivative = math.factorial(order) if degree == order else 0
        assert sum(weight * node**degree for node, weight in zip(nodes, exact, strict=True)) == derivative
    assert sum(weight * node ** (order + accuracy) for node, weight in zip(nodes, exact, strict=True)) != 0


@pytest.mark.parametrize(("method", "order", "accuracy"), EVERY)
def test_polynomials_are_exact_to_rounding(method: str, order: int, accuracy: int) -> None:
    polynomial = np.polynomial.Polynomial(np.arange(1.0, order + accuracy + 1))
    found = differentiate(method, polynomial, 0.3, order, accuracy=accuracy, step=0.125)
    exact = polynomial.deriv(order)(0.3)
    (trial,) = found.trials
    assert abs(found.derivative - exact) <= trial.roundoff
    assert trial.roundoff < 1e-8 * exact


@pytest.mark.parametrize(("method", "order", "accuracy"), EVERY)
def test_the_error_falls_with_the_power_that_is_its_accuracy(method: str, order: int, accuracy: int) -> None:
    nodes, exact = stencil(order, accuracy, SIDES[method])

    def error(h: Any) -> Any:
        terms = [
            mp.mpf(weight.numerator) / weight.denominator * mp.exp(node * h)
            for node, weight in zip(nodes, exact, strict=True)
        ]
        return abs(mp.fsum(terms) / h**order - 1)

    with mp.workdps(100):
        assert float(mp.log(error(mp.mpf(2) ** -9) / error(mp.mpf(2) ** -10), 2)) == pytest.approx(accuracy, abs=0.01)


@pytest.mark.parametrize(("method", "order", "accuracy"), EVERY)
def test_with_the_default_step_both_kinds_of_error_are_told(method: str, order: int, accuracy: int) -> None:
    found = differentiate(method, lambda x: np.exp(np.sin(x)), 0.7, order, accuracy=accuracy)
    (trial,) = found.trials
    assert found.error == pytest.approx(trial.truncation + trial.roundoff)
    assert found.step == trial.step == pytest.approx(np.finfo(float).eps ** (1 / (order + accuracy)))
    s, c = np.sin(0.7), np.cos(0.7)
    exact = np.exp(s) * [c, c**2 - s, c**3 - 3 * s * c - c, c**4 - 6 * s * c**2 + 3 * s**2 - 4 * c**2 + s][order - 1]
    assert abs(found.derivative - exact) < 2 * found.error


@pytest.mark.parametrize("method", SIDES)
@pytest.mark.parametrize(("step", "dominant"), [(1e-2, "truncation"), (1e-12, "roundoff")])
def test_which_kind_of_error_it_is(method: str, step: float, dominant: str) -> None:
    found = differentiate(method, np.exp, 1.0, step=step)
    (trial,) = found.trials
    if dominant == "truncation":
        assert trial.truncation == pytest.approx(abs(found.derivative - np.e), rel=0.05)
        assert trial.roundoff < 1e-6 * trial.truncation
    else:
        assert abs(found.derivative - np.e) < trial.roundoff < 2e-3


@pytest.mark.parametrize("x", [0.1, 1.0, -3.7, 1e8, 1e-9, 0.0])
@pytest.mark.parametrize("options", [{}, {"step": 0.1}, {"step": 1e-3}])
def test_the_step_is_taken_exactly(x: float, options: dict[str, float]) -> None:
    h = differentiate("central-difference", np.cos, x, **options).step
    assert x + h - x == h
    assert h == pytest.approx(options.get("step", 6.06e-6 * max(1.0, abs(x))), rel=1e-3)


def test_a_relative_step_is_a_multiple_of_the_point() -> None:
    assert differentiate("forward-difference", np.log, 4e-5, relative_step=0.25).step == pytest.approx(1e-5)


@pytest.mark.parametrize("method", CLASSICS)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"step": 0.0}, "a step of 0.0 is not a positive number"),
        ({"step": -1e-3}, "a step of -0.001 is not"),
        ({"step": np.nan}, "a step of nan is not"),
        ({"step": np.inf}, "a step of inf is not"),
        ({"step": "small"}, "a step of 'small' is not"),
        ({"step": np.array([1e-3, 1e-4])}, "is not a positive number"),
        ({"relative_step": 0.0}, "a step of 0.0 is not"),
        ({"step": 1e-3, "relative_step": 1e-3}, "both say how long the step is"),
    ],
)
def test_steps_that_are_none(method: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DiffmagicError, match=words) as caught:
        differentiate(method, np.sin, 1.0, **options)
    assert caught.value.rewrite


@pytest.mark.parametrize("method", CLASSICS)
def test_a_step_relative_to_zero(method: str) -> None:
    with pytest.raises(DiffmagicError, match="a step relative to x = 0 is 0"):
        differentiate(method, np.sin, 0.0, relative_step=1e-3)


@pytest.mark.parametrize("method", [name for name in CLASSICS if name != "complex-step"])
@pytest.mark.parametrize(("x", "step"), [(1.0, 1e-16), (-1e20, 1.0), (1e308, 1.79e308)])
def test_steps_that_numbers_do_not_feel(method: str, x: float, step: float) -> None:
    with pytest.raises(DiffmagicError, match=r"x \+ h is x, or too large"):
        differentiate(method, lambda x: x, x, step=step)


@pytest.mark.parametrize("accuracy", [0, -2, 3, 22, 2.0, "2", None])
def test_accuracies_that_are_none(accuracy: Any) -> None:
    with pytest.raises(DiffmagicError, match="is not an even number from 2 to 20") as caught:
        differentiate("central-difference", np.sin, 1.0, accuracy=accuracy)
    assert caught.value.rewrite == "accuracy=2, or leave it out"
    if accuracy != 3:
        with pytest.raises(DiffmagicError, match="is not a whole number from 1 to 20"):
            differentiate("forward-difference", np.sin, 1.0, accuracy=accuracy)


def test_every_number_of_a_result_has_its_own_errors() -> None:
    def f(x: Any) -> Any:
        return {"a": np.array([[x, x**2], [np.exp(x), 3.0]]), "b": np.sin(100 * x)}

    found = differentiate("central-difference", f, 0.5, order=2)
    exact = np.array([0, 2, np.exp(0.5), 0, -1e4 * np.sin(50)])
    assert found.derivative.shape == found.error.shape == (5,)
    assert np.all(np.abs(found.derivative - exact) <= 2 * found.error)
    assert found.error[0] < 1e-6 < found.error[4]


@pytest.mark.parametrize(("method", "inside"), [("backward-difference", True), ("forward-difference", False)])
def test_at_an_upper_bound_only_one_side_is_there(method: str, inside: bool) -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        seen.extend(np.ravel(x))
        return np.sqrt(2 - x) * 3

    found = differentiate(method, f, 1.0, within=(-np.inf, 1.0))
    assert max(seen) == 1.0
    assert np.isfinite(found.derivative) == inside
    assert bool(found.notes) != inside
    if inside:
        assert found.derivative == pytest.approx(-1.5, abs=1e-7)


def test_where_truncation_cannot_be_known_the_error_is_infinite() -> None:
    found = differentiate("central-difference", np.exp, 1.0, step=0.1, within=(0.85, 1.15))
    assert found.derivative == pytest.approx(np.e, rel=2e-3)
    assert found.error == np.inf


@pytest.mark.parametrize("method", SIDES)
def test_values_that_are_not_there(method: str) -> None:
    found = differentiate(method, np.log, 1e-9, step=1.0)
    missing = method != "forward-difference"
    assert np.isnan(found.derivative) == missing
    assert found.notes == (
        ["the function has no finite value at a point that this method needs, with a step of 1"] * missing
    )


@pytest.mark.parametrize("method", CLASSICS)
def test_a_budget_that_is_too_small(method: str) -> None:
    found = numerical(np.exp, (1.0,), method=method, budget=2)
    assert found.evaluations <= 2
    assert np.isnan(found.derivative)
    assert "budget" in found.notes[0]


@pytest.mark.parametrize(
    ("order", "accuracy", "side", "written"),
    [
        (1, 1, 1, "(f(x + h) − f(x)) / h"),
        (1, 1, -1, "(f(x) − f(x − h)) / h"),
        (1, 2, 0, "(f(x + h) − f(x − h)) / 2h"),
        (1, 2, 1, "(−f(x + 2h) + 4f(x + h) − 3f(x)) / 2h"),
        (2, 2, 0, "(f(x + h) − 2f(x) + f(x − h)) / h²"),
        (2, 4, 0, "(−f(x + 2h) + 16f(x + h) − 30f(x) + 16f(x − h) − f(x − 2h)) / 12h²"),
        (4, 6, 0, "a weighted sum of 9 values"),
    ],
)
def test_formulas(order: int, accuracy: int, side: int, written: str) -> None:
    assert formula(*stencil(order, accuracy, side), order) == written


@pytest.mark.parametrize("method", [name for name in CLASSICS if name != "complex-step"])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("f", "exact", "digits"),
    [
        (lambda x: np.float32(x) ** 2, (lambda x: 2 * x, lambda x: 2), 7),
        (lambda x: np.float32(np.sin(x)), (math.cos, lambda x: -math.sin(x)), 7),
        (lambda x: np.tanh(np.array([x], np.float32)), (lambda x: 1 / np.cosh(x) ** 2, None), 7),
        (lambda x: np.float16(np.exp(x)), (math.exp, math.exp), 3),
    ],
)
def test_results_in_single_precision(
    method: str, order: int, f: Callable[[Any], Any], exact: tuple[Any, Any], digits: int
) -> None:
    if (derivative := exact[order - 1]) is None:
        derivative = lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2
    for x in (3.0, 1.3, 0.2):
        found = numerical(f, (x,), method=method, order=order)
        assert np.all(np.abs(found.derivative - derivative(x)) <= 2 * found.error)
        if digits == 7:
            assert np.all(np.asarray(found.error) < (1e-2 if order == 1 else 1.0))
        kind = "float32" if digits == 7 else "float16"
        assert found.notes == [f"the result is {kind}: its values have {digits} digits, and differences of them fewer"]


def test_the_complex_step_knows_single_precision() -> None:
    f = lambda x: np.complex64(np.sin(x)) if np.iscomplexobj(x) else np.float32(np.sin(x))
    found = numerical(f, (1.0,), method="complex-step")
    assert 1e-9 < abs(found.derivative - math.cos(1.0)) <= found.error
    assert found.trials[0].roundoff > 1e-8
