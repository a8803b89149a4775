"""Eigenvalues of Hessians, and the nature of points; the references are analytic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic import hessian, jacobian
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import record
from diffmagic.curvature import curvature
from diffmagic.gradient_check.kinks import on_a_kink
from diffmagic.results import Curvature


def at(f: Callable[..., Any], *point: float, dtype: Any = float) -> Curvature:
    x = np.array(point, dtype)
    return curvature(record(jacobian(f), 0, (x,), {}).program, hessian(f)(x), False)


def himmelblau(x: Any) -> Any:
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


STATIONARY = [
    (lambda x: x[0] ** 2 + 3 * x[1] ** 2, (0, 0), "minimum"),
    (lambda x: -np.cosh(x[0]) - x[1] ** 2, (0, 0), "maximum"),
    (lambda x: x[0] * x[1], (0, 0), "saddle"),
    (lambda x: np.sin(x[0]) * np.cos(x[1]), (np.pi / 2, 0), "maximum"),
    (lambda x: np.sin(x[0]) * np.cos(x[1]), (-np.pi / 2, 0), "minimum"),
    (lambda x: np.sin(x[0]) * np.cos(x[1]), (np.pi, np.pi / 2), "saddle"),
    (lambda x: np.sin(1e8 * x[0]), (np.pi / 2e8,), "maximum"),
    (himmelblau, (3, 2), "minimum"),
    (rosenbrock, (1, 1, 1, 1), "minimum"),
    (lambda x: (x[0] + 0.1 - 0.3 + 0.2) ** 2, (0,), "minimum"),  # 2.8e-17, not 0
    (lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2, (0, 0), "undecided"),  # the monkey saddle
    (lambda x: x[0] ** 4 + x[1] ** 2, (0, 0), "undecided"),  # it is a minimum
    (lambda x: x[0] ** 3 + x[1] ** 2, (0, 0), "undecided"),  # it is none
    (lambda x: (x[0] + x[1]) ** 2, (0, 0), "undecided"),
    (lambda x: (0.1 * x[0] + 0.7 * x[1]) ** 2 * 3.3, (0, 0), "undecided"),
    (lambda x: x[0] ** 3 + x[1] ** 2 - x[2] ** 2, (0, 0, 0), "saddle"),  # whatever the first does
    (lambda x: np.sum(np.exp(x - np.mean(x))), (2, 2, 2), "undecided"),  # a shift changes nothing
    (
        lambda x: (1e8 * x[0]) ** 2 + x[0] ** 2 - (1e8 * x[0]) ** 2,
        (0,),
        "undecided",
    ),  # of which rounding leaves nothing
]


@pytest.mark.parametrize(("f", "point", "nature"), STATIONARY)
def test_stationary_points(f: Any, point: Any, nature: str) -> None:
    found = at(f, *point)
    assert found.stationary
    assert found.nature == nature
    assert bool(found.reason) == (nature == "undecided")


@pytest.mark.parametrize(
    ("f", "point", "nature", "norm", "distance"),
    [
        (lambda x: x[0] ** 2 + 3 * x[1] ** 2, (1.0, 2.0), "minimum", math.hypot(2, 12), math.hypot(1, 2)),
        (lambda x: x[0] * x[1], (3.0, 4.0), "saddle", 5.0, 5.0),
        (lambda x: np.sin(x[0]), (np.pi / 2 + 1e-10,), "maximum", 1e-10, 1e-10),
        (himmelblau, (-0.270845, -0.923039), "maximum", None, 7.1e-7),  # published to six decimals
        (himmelblau, (3.584428, -1.848126), "minimum", None, 7.1e-7),
        (himmelblau, (0.0866775, 2.88425), "saddle", None, 7.1e-6),
        (lambda x: np.exp(x[0]) + x[1] ** 2, (0.0, 0.0), "minimum", 1.0, 1.0),
        (lambda x: x[0] + x[1] ** 2, (0.0, 0.0), "undecided", 1.0, None),
    ],
)
def test_other_points(f: Any, point: Any, nature: str, norm: float | None, distance: float | None) -> None:
    found = at(f, *point)
    assert not found.stationary
    assert found.nature == nature
    if norm is not None:
        assert found.gradient == pytest.approx(norm, rel=1e-6)
        assert found.distance == (None if distance is None else pytest.approx(distance, rel=1e-6))
    else:
        assert found.distance is not None
        assert 0 < found.distance < (distance or 0)


def test_eigenvalues() -> None:
    found = at(rosenbrock, 1.0, 1.0)
    middle, half = 501.0, math.hypot(301.0, 400.0)  # of [[802, -400], [-400, 200]]
    np.testing.assert_allclose(found.eigenvalues, [middle - half, middle + half], rtol=1e-12)
    assert found.condition == pytest.approx((middle + half) / (middle - half), rel=1e-12)
    assert found.tolerance < 1e-10
    assert at(lambda x: (x[0] + x[1]) ** 2, 0.0, 0.0).condition == math.inf


@pytest.mark.parametrize(("size", "nature"), [(3, "minimum"), (6, "minimum"), (9, "minimum"), (16, "undecided")])
def test_ill_conditioned_systems(size: int, nature: str) -> None:
    """Hilbert matrices, whose condition number is beyond that of doubles from a size of 13 on."""
    k = np.arange(size)
    A = 1 / (1.0 + k + k[:, None])
    solution = np.linspace(-1, 1, size)
    b = A @ solution
    found = at(lambda x: x @ A @ x / 2 - b @ x, *np.linalg.solve(A, b))
    assert found.stationary
    assert found.nature == nature


def test_random_quadratics() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        Q, _ = np.linalg.qr(rng.normal(size=(5, 5)))
        eigenvalues = np.sort(rng.normal(size=5))
        A = Q * eigenvalues @ Q.T
        found = at(lambda x, A=A: x @ A @ x / 2, *np.zeros(5))
        np.testing.assert_allclose(found.eigenvalues, eigenvalues, atol=1e-14)
        assert found.tolerance < 1e-12
        signs = set(np.sign(eigenvalues))
        assert found.nature == ("saddle" if len(signs) == 2 else "minimum" if signs == {1.0} else "maximum")


def test_single_precision() -> None:
    found = at(lambda x: np.sum(np.sin(x)), np.pi / 2, -np.pi / 2, dtype=np.float32)
    assert found.stationary
    assert found.gradient > 1e-9  # a double would not be
    assert found.nature == "saddle"


def test_kinks_are_not_decided() -> None:
    program = record(jacobian(lambda x: x[0] ** 2), 0, (np.zeros(1),), {}).program
    found = curvature(program, np.array([[2.0]]), True)
    assert (found.nature, found.distance) == ("undecided", None)
    assert "kink" in found.reason


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite() -> None:
    found = at(lambda x: np.sum(np.sqrt(x)), 0.0, 1.0)
    assert found.nature == "undecided"
    assert "not finite" in found.reason


def test_complex_inputs_are_refused() -> None:
    def f(z: Any) -> Any:
        return np.sum(np.abs(z) ** 2)

    z = np.array([1.0 + 1.0j])
    with pytest.raises(DiffmagicError, match="complex"):
        curvature(record(jacobian(f), 0, (z,), {}).program, np.ones((1, 1), complex), False)


@pytest.mark.parametrize(
    ("f", "edge"),
    [
        (lambda x: np.floor(x) + (x - 1) ** 2, True),
        (lambda x: int(x) + (x - 1) ** 2, True),
        (lambda x: x // 1 + (x - 1) ** 2, True),
        (lambda x: x % 1 + (x - 1) ** 2 - x, True),
        (lambda x: np.round(x / 2) + (x - 1) ** 2, True),
        (lambda x: np.sign(x - 1) + (x - 1) ** 2, True),
        (lambda x: np.heaviside(x - 1, 0.5) + (x - 1) ** 2, True),
        (lambda x: abs(x - 1), True),
        (lambda x: np.floor(x + 0.5) + (x - 1) ** 2, False),
        (lambda x: int(x + 0.5) + (x % 3) ** 2, False),
        (lambda x: np.round(x) * (x - 1) ** 2, False),
    ],
)
def test_kinks_and_jumps_are_noticed(f: Callable[[Any], Any], edge: bool) -> None:
    assert on_a_kink(record(f, 0, (1.0,), {}).program) is edge
