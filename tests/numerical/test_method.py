"""The numerical methods under the registry's signature: structures, names, Hessians, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffmagic.automatic import automatic
from diffmagic.core.errors import DiffmagicError, DiffmagicNote
from diffmagic.core.structures import flatten
from diffmagic.methods import differentiate, numdiff
from diffmagic.numerical.method import WAYS, numerical


@dataclass
class Model:
    w: Any
    b: float


A = np.array([[1.0, -0.5, 2.0], [0.3, 1.2, -0.7]])

CALLS: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (np.sin, (0.7,), 0),
    (lambda x: np.exp(A @ x), (np.array([0.1, 0.2, -0.3]),), 0),
    (lambda w, x: np.sum(np.tanh(w * x)), (0.5, np.array([1.0, 2.0])), ("x", "w")),
    (lambda w, x: {"a": w * x, "b": [np.sum(x**2), w]}, (0.5, np.array([1.0, 2.0])), (0, 1)),
    (lambda m: np.sum((A @ m.w + m.b) ** 3), (Model(np.array([0.1, 0.2, -0.3]), 0.4),), 0),
    (lambda p: p["x"] @ p["x"].T, ({"x": np.array([[1.0, 2.0]])},), "p"),
    (lambda x: np.exp(1j * x) * x, (0.3,), 0),
    (lambda x: x**2, (3,), 0),
    (lambda x: np.prod(x), (np.array([1, 2, 3]),), 0),
    (lambda x: x * x, (np.array(2.0),), 0),
]


@pytest.mark.parametrize(("f", "args", "argnums"), CALLS)
@pytest.mark.parametrize("order", [1, 2])
def test_the_same_as_automatic(f: Callable[..., Any], args: tuple[Any, ...], argnums: Any, order: int) -> None:
    expected, found = (method(f, args, argnums, order=order) for method in (automatic, numerical))
    for name in ("derivative", "value"):
        mine, theirs = (flatten(getattr(result, name))[0] for result in (found, expected))
        assert [path for path, _ in mine] == [path for path, _ in theirs]
        for (_, a), (_, b) in zip(mine, theirs, strict=True):
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)
    assert [(entry.of, entry.wrt) for entry in found.entries] == [(entry.of, entry.wrt) for entry in expected.entries]
    assert [path for path, _ in flatten(found.error)[0]] == [path for path, _ in flatten(found.derivative)[0]]
    assert ["taken as" in note for note in found.notes] == ["taken as" in note for note in expected.notes]


def test_steps_have_the_structure_of_the_inputs() -> None:
    found = numerical(lambda p, y: np.sum(p["w"]) * y, ({"w": np.ones((2, 2))}, 2.0), (0, 1))
    weights, step = found.step
    assert weights["w"].shape == (2, 2)
    assert isinstance(step, float)
    assert {trial.wrt for trial in found.trials} == {
        "p['w'][0, 0]",
        "p['w'][0, 1]",
        "p['w'][1, 0]",
        "p['w'][1, 1]",
        "y",
    }


def test_names_are_those_that_are_given() -> None:
    found = numerical(lambda v: v[0] * v[1], ((2.0, 3.0),), inputs=("w", "x"), results=("loss",))
    assert [(entry.of, entry.wrt, entry.value) for entry in found.entries] == [
        ("loss", ("w",), pytest.approx(3.0)),
        ("loss", ("x",), pytest.approx(2.0)),
    ]


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def scaled(x: Any) -> Any:
    return np.exp(1e6 * x[0]) * np.sin(1e-6 * x[1])


def mixed(x: Any) -> Any:
    return np.exp(x[0] * x[1]) + np.sin(x[0]) * x[2] ** 2


def real_only(x: Any) -> Any:
    return mixed(x) if np.isrealobj(x) else math.exp(x[0])


@pytest.mark.parametrize(
    ("f", "x", "digits"),
    [
        (rosenbrock, [-1.2, 1.0, 0.7], 13),
        (scaled, [1e-6, 2e6], 13),
        (mixed, [0.3, 1.1, -0.7], 13),
        (real_only, [0.3, 1.1, -0.7], 10),
    ],
)
def test_hessians(f: Callable[..., Any], x: list[float], digits: int) -> None:
    expected = automatic(mixed if f is real_only else f, (np.array(x),), order=2).derivative
    found = numerical(f, (np.array(x),), order=2)
    assert np.array_equal(found.derivative, found.derivative.T)
    assert np.all(np.abs(found.derivative - expected) <= 10 * found.error + 1e-15 * np.abs(expected))
    np.testing.assert_allclose(found.derivative[expected != 0], expected[expected != 0], rtol=10.0**-digits)


@pytest.mark.parametrize("method", [name for name in WAYS if name != "complex-step"])
def test_every_method_finds_a_hessian(method: str) -> None:
    found = numerical(rosenbrock, (np.array([-1.2, 1.0]),), method=method, order=2)
    np.testing.assert_allclose(found.derivative, [[1330.0, 480.0], [480.0, 200.0]], rtol=1e-3)


@pytest.mark.parametrize("method", WAYS)
def test_numdiff(method: str) -> None:
    f = lambda x, y: np.sin(x) * y
    gradient = numdiff(f, argnums=(0, 1), method=method)(0.3, y=2.0)
    np.testing.assert_allclose(gradient, [2 * math.cos(0.3), math.sin(0.3)], rtol=1e-6)


def test_a_hessian_beside_a_kink_says_so() -> None:
    found = numerical(lambda x: np.abs(x[0] - x[1]) + x[0] ** 2, (np.array([1.0, 1.0]),), order=2)
    assert "x[0]: both sides agree, but a derivative of lower order jumps here" in found.notes
    assert not np.isfinite(found.error).all()
    nowhere = numerical(lambda x: np.nan * x[0] * x[1], (np.array([1.0, 1.0]),), order=2)
    assert np.isnan(nowhere.derivative).all()
    assert nowhere.evaluations == 1


def test_numdiff_tells_its_notes() -> None:
    with pytest.warns(DiffmagicNote, match="a kink"):
        assert numdiff(abs)(0.0) == 0.0


REFUSED: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (np.sin, ("a",), {}, "x1? is a string"),
    (lambda x: x, (np.zeros(0),), {}, "no number to differentiate by"),
    (lambda x: x, (None,), {}, "no number to differentiate by"),
    (lambda x: x, (1j,), {}, "x is complex"),
    (lambda x: x, (np.array(["a"]),), {}, "of dtype <U1"),
    (lambda x: None, (1.0,), {}, "returned None"),
    (lambda x: "a", (1.0,), {}, "the result is a string"),
    (lambda x: np.zeros(0), (1.0,), {}, "returned no number"),
    (lambda x: np.array([object()]), (1.0,), {}, "dtype object"),
    (lambda x, y: x * y, (1.0, 2.0), {"argnums": (0, "x")}, "chooses one argument of the function twice"),
    (lambda x: x, (1.0,), {"argnums": 1}, "argnums asks for 1"),
    (np.sin, (1.0,), {"order": 0}, "order 0 is not a positive whole number"),
    (np.sin, (1.0,), {"order": 100}, "up to order 7"),
    (np.sum, (np.ones(2),), {"order": 3}, "adaptive goes up to order 2 for several numbers at once"),
    (np.sin, (1.0,), {"bounds": 3}, "bounds=3 is not a pair"),
    (np.sin, (1.0,), {"bounds": (2, 3)}, "= 1 is not between its bounds"),
    (np.sin, (1.0,), {"bounds": (1, 1)}, "= 1 is not between its bounds"),
    (np.sin, (1.0,), {"bounds": (np.nan, 2)}, "= 1 is not between its bounds"),
    (np.sin, (1.0,), {"bounds": ([1, 2], 3)}, "does not have the structure of the inputs"),
    (np.sin, (1.0,), {"budget": 0}, "a budget of 0"),
    (np.sin, (1.0,), {"method": "exact"}, "there is no method 'exact'"),
]


@pytest.mark.parametrize(("f", "args", "options", "message"), REFUSED)
def test_what_is_refused(f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(DiffmagicError, match=message) as caught:
        differentiate(f, *args, **{"method": "adaptive"} | options)
    assert caught.value.rewrite


def test_a_step_is_for_methods_that_take_one() -> None:
    assert numdiff(np.sin, method="central-difference", step=1e-3)(0.0) == pytest.approx(1 - 1e-6 / 6, rel=1e-10)
    with pytest.raises(DiffmagicError, match="adaptive has no option 'step'"):
        numdiff(np.sin, step=1e-3)(0.0)
    with pytest.raises(DiffmagicError, match="reverse is not a numerical method"):
        numdiff(np.sin, method="reverse")
