"""The layer that evaluates functions: what it counts, what it never does, what it makes of trouble."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.exceptions import ComplexWarning

from diffmagic.core.errors import DiffmagicError
from diffmagic.numerical import sampling
from diffmagic.numerical.lines import Call
from diffmagic.numerical.method import numerical
from diffmagic.numerical.sampling import BudgetUsedError, Sampler


class Watched:
    """A function that remembers what it was called with."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.seen: list[Any] = []

    def __call__(self, x: Any) -> Any:
        self.seen.append(np.copy(x))
        return self.f(x)

    @property
    def points(self) -> Any:
        return np.concatenate([np.ravel(x) for x in self.seen])


def line(f: Callable[..., Any], x: Any = 1.0) -> Sampler:
    return Call(f, (x,), 0, ()).line(0)


NODES = np.linspace(0.5, 1.5, 8)


def branch(x: Any) -> Any:
    return x**2 if np.all(x > 0.9) else x**3


@pytest.mark.parametrize(
    ("f", "together"),
    [
        (np.sin, True),
        (lambda x: np.where(x > 1, x, x**2), True),
        (lambda x: [np.sin(x), {"a": x**2}], True),
        (math.sin, False),
        (lambda x: x - np.mean(x) + x**2, False),
        (lambda x: np.sum(x**2), False),
        (branch, False),
        (lambda x: math.exp(x) if x > 1 else x, False),
        (lambda x: np.array([x, x**2]), False),
        (lambda x: [np.sin(x), 3.0], False),
    ],
)
def test_one_call_for_many_points_is_found_out_and_not_assumed(f: Callable[..., Any], together: bool) -> None:
    watched = Watched(f)
    sampler = line(watched)
    rows = sampler(NODES)
    assert sampler.vectorised is together
    assert (max(np.size(x) for x in watched.seen[3:]) == 1) if not together else len(watched.seen) == 4
    alone = [np.concatenate([np.ravel(x) for x in sampler.function(t)]) for t in NODES.tolist()]
    np.testing.assert_allclose(rows, alone, rtol=1e-15)


@pytest.mark.parametrize("f", [np.sin, math.sin, lambda x: np.array([x, x]), lambda x: x if x > 0.7 else 1 / 0])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_evaluations_and_calls_are_those_that_the_function_saw(f: Callable[..., Any], order: int) -> None:
    watched = Watched(f)
    found = numerical(watched, (1.3,), order=order)
    assert found.calls == len(watched.seen)
    failed = sum(np.size(x) - 1 for x in watched.seen if np.size(x) > 1 and f is not np.sin)
    assert found.evaluations == len(watched.points) - failed


def test_missing_values_are_nan() -> None:
    def f(x: float) -> Any:
        if x < 0.6:
            raise ValueError
        if x < 0.8:
            return None
        return (x - 1.3) ** 0.5 if x < 1.4 else np.inf

    rows = line(f, 1.35)(np.array([0.5, 0.7, 1.0, 1.35, 1.5]))
    assert np.isnan(rows[[0, 1, 2, 4], 0]).all()
    assert rows[3, 0] == pytest.approx(0.05**0.5)


def test_a_lost_imaginary_part_is_a_missing_value() -> None:
    def f(x: Any) -> Any:
        return np.asarray(x).astype(float) ** 2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComplexWarning)
        assert np.isnan(line(f)(np.array([1 + 1e-3j, 1.1 + 1e-3j]))).all()
    assert np.isnan(line(math.sin, np.float64(1.0))(np.array([1 + 1e-3j]))).all()


def test_warnings_beside_the_point_are_silent() -> None:
    def f(x: float) -> Any:
        if x != 1.0:
            warnings.warn("beside the point", stacklevel=2)
        return np.log(x)

    assert np.isfinite(line(f)(np.array([0.5, 1.5]))).all()
    assert np.isnan(line(f)(np.array([-1.0, 0.0]))).all()


def test_the_error_at_the_point_is_the_users() -> None:
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        numerical(lambda x: 1 / x, (0.0,))


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: np.zeros(2 if x == 1 else 3), r"shape \(2,\) at 1 and shape \(3,\) at"),
        (lambda x: {"a": x} if x == 1 else {"a": x, "b": x}, r"shape \(\) at 1 and 2 parts of shapes \(\), \(\) at"),
    ],
)
def test_results_that_change_their_shape_are_refused(f: Callable[..., Any], message: str) -> None:
    with pytest.raises(DiffmagicError, match=message):
        numerical(f, (1.0,))


@given(
    x=st.floats(-10, 10),
    below=st.floats(0, 5) | st.just(math.inf),
    above=st.floats(1e-3, 5) | st.just(math.inf),
    order=st.sampled_from([1, 2]),
)
def test_bounds_are_never_crossed(x: float, below: float, above: float, order: int) -> None:
    watched = Watched(lambda t: np.exp(1j * t).real + t)
    lower, upper = x - below, x + above
    numerical(watched, (x,), order=order, bounds=(lower, upper))
    assert np.all((lower <= watched.points.real) & (watched.points.real <= upper))


def test_bounds_hold_along_slanted_lines() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(x.real.copy())
        return x[0] * np.exp(x[1])

    lower, upper = np.array([0.9, -3.0]), np.array([1.0, 2.0 + 1e-3])
    found = numerical(f, (np.array([1.0, 2.0]),), order=2, bounds=(lower, upper))
    assert np.all((lower <= seen) & (np.array(seen) <= upper))
    np.testing.assert_allclose(found.derivative, np.exp(2.0) * np.array([[0, 1], [1, 1]]), atol=1e-5)


@pytest.mark.parametrize("order", [1, 2])
def test_arguments_stay_as_they_are(order: int) -> None:
    def f(p: Any, data: Any) -> Any:
        p["w"] *= 2.0
        data += 1.0
        p["w"][0] += data[0]
        return np.sum(p["w"] ** 2) * p["s"]

    parameters, data = {"w": np.array([1.0, 2.0]), "s": 3.0}, np.ones(2)
    found = numerical(f, (parameters, data), order=order)
    assert parameters["w"].tolist() == [1.0, 2.0]
    assert data.tolist() == [1.0, 1.0]
    if order == 1:
        np.testing.assert_allclose(found.derivative["w"], [48.0, 48.0], rtol=1e-13)


def test_the_budget_is_kept() -> None:
    watched = Watched(lambda x: np.sin(x))
    found = numerical(watched, (1.0,), budget=20)
    assert len(watched.points) <= 20
    assert found.derivative == pytest.approx(np.cos(1.0), abs=10 * found.error)
    assert "budget" in found.notes[0]
    many = numerical(lambda x: np.sum(np.sin(x)), (np.ones(5),), budget=100)
    assert many.evaluations <= 100
    np.testing.assert_allclose(many.derivative, np.cos(1.0), rtol=1e-6)


def test_a_sampler_stops_at_its_budget() -> None:
    sampler = line(np.sin)
    sampler.effort.budget = 4
    sampler.effort.next_line()
    with pytest.raises(BudgetUsedError):
        sampler(NODES)


def test_interruption_passes_at_once() -> None:
    calls = []

    def f(x: float) -> float:
        calls.append(x)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return math.sin(x)

    with pytest.raises(KeyboardInterrupt):
        numerical(f, (1.0,))
    assert len(calls) == 5


@pytest.mark.parametrize("x", [1.0, np.ones(3)])
def test_progress_shows_when_it_takes_long(
    x: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    numerical(lambda x: np.sum(x**2), (x,))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sampling, "_PATIENCE", 0.0)
    numerical(lambda x: np.sum(x**2), (x,))
    out, err = capsys.readouterr()
    assert out == ""
    assert "differentiating" in err
    assert err.rstrip(" \r") == "" or err.endswith("\r")


def test_single_precision_is_evaluated_in_double() -> None:
    found = numerical(lambda x: np.sum(np.exp(x)), (np.array([0.1, 0.7], np.float32),))
    exact = np.exp(np.array([0.1, 0.7], np.float32).astype(float))
    np.testing.assert_allclose(found.derivative, exact, rtol=1e-14)
    assert found.value.dtype == np.float32
