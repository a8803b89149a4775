"""Formulas evaluated: the registry's symbolic method, thirty digits, and functions made of formulas."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

import diffmagic
from diffmagic import DiffmagicError, differentiate, hessian, symdiff, traceable
from diffmagic.symbolic import calculus
from diffmagic.symbolic.method import exact, symbolic


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


def test_derivative_of_the_registry() -> None:
    found = differentiate(sigmoid, 0.5, 2.0, argnums=(0, 1), method="symbolic")
    assert found.value == sigmoid(0.5, 2.0)
    assert found.derivative == pytest.approx((0.3932238664829637, 0.09830596662074093), rel=1e-15)
    assert [(entry.of, entry.wrt) for entry in found.entries] == [("sigmoid", ("w",)), ("sigmoid", ("x",))]
    assert (found.method, found.size, found.program is not None) == ("symbolic", 18, True)
    assert max(found.error) < 1e-16


@pytest.mark.parametrize("order", [1, 2, 3])
def test_structure_is_that_of_other_methods(order: int) -> None:
    def f(p: Any, s: Any) -> Any:
        return {"a": p["v"] * s**2, "b": [p["v"][0] * p["c"] ** 3 * s]}

    args = {"v": np.array([0.7, 1.3]), "c": 0.4}, 1.9
    expected = differentiate(f, *args, argnums=(0, "s"), method="forward", order=order)
    found = differentiate(f, *args, argnums=(0, "s"), method="symbolic", order=order)
    assert str(found.value) == str(expected.value)
    one, other = (diffmagic.core.structures.flatten(each.derivative)[0] for each in (found, expected))
    assert [path for path, _ in one] == [path for path, _ in other]
    for (_, part), (_, wanted) in zip(one, other, strict=True):
        assert np.shape(part) == np.shape(wanted)
        np.testing.assert_allclose(part, wanted, rtol=1e-14, atol=1e-15)
    assert [(e.of, e.wrt) for e in found.entries] == [(e.of, e.wrt) for e in expected.entries]


@pytest.mark.parametrize(
    ("f", "reference", "x"),
    [
        (lambda x: (1 - np.cos(x)) / x**2, lambda x: (1 - mpmath.cos(x)) / x**2, 1e-9),
        (lambda x: np.sqrt(x + 1) - np.sqrt(x), lambda x: mpmath.sqrt(x + 1) - mpmath.sqrt(x), 1e15),
        (lambda x: special.gammaln(x) * special.erfc(x), lambda x: mpmath.loggamma(x) * mpmath.erfc(x), 20.3),
        (lambda x: np.exp(x) ** 0.1, lambda x: mpmath.exp(x) ** mpmath.mpf(0.1), 0.3),
        (lambda x: np.sin(1e6 * np.pi * x), lambda x: mpmath.sin(mpmath.mpf(1e6 * np.pi) * x), 0.1),
        (np.logaddexp2, None, 800.0),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_thirty_digits(f: Any, reference: Any, x: float, order: int) -> None:
    """The doubles that the program has, among them its π, are exact numbers."""
    args: tuple[float, ...] = (x,)
    if reference is None:
        args = x, 3.0
        reference = lambda x: mpmath.log(mpmath.mpf(2) ** x + 8, 2)
    value, found = exact(f, args, 0, order)
    with mpmath.workdps(100):
        assert value == float(reference(mpmath.mpf(x)))
        assert found == float(mpmath.diff(reference, mpmath.mpf(x), order))


def test_kinks_and_ties_have_the_conventions_of_the_other_methods() -> None:
    for f, x in ((np.abs, 0.0), (lambda x: np.maximum(x, 0.0), 0.0), (lambda x: np.clip(x, -1.0, 1.0), 1.0)):
        assert symbolic(f, (x,)).derivative == differentiate(f, x).derivative == exact(f, (x,))[1]
    np.testing.assert_array_equal(symbolic(np.max, (np.ones(3),)).derivative, [1 / 3] * 3)


def test_lost_digits_are_told() -> None:
    found = symbolic(special.exprel, (1e-9,))
    assert abs(found.derivative - 0.5) > 1
    assert found.error == pytest.approx(abs(found.derivative - 0.5), rel=1e-8)
    assert found.notes == ["about 0 digits are right here: in double precision the formula's terms cancel or overflow"]
    assert exact(special.exprel, (1e-9,))[1] == pytest.approx(0.5 + 1e-9 / 3, rel=1e-15)


def test_simplify() -> None:
    found = symbolic(lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, (0.3,), simplify=True)
    assert (found.derivative, found.size) == (0.0, 0)


# Formulas as functions.


def test_symdiff_of_numbers() -> None:
    found = symdiff(sigmoid)
    assert [str(entry.value) for entry in found.formulas] == ["1/(1 + exp(-w*x))"]
    assert [str(entry.value) for entry in found.entries] == [
        "x*exp(-w*x)/(1 + exp(-w*x))**2",
        "w*exp(-w*x)/(1 + exp(-w*x))**2",
    ]
    assert found.notes == []
    assert found(0.5, 2.0) == pytest.approx((0.3932238664829637, 0.09830596662074093), rel=1e-15)


def test_the_function_is_traced_again() -> None:
    found = symdiff(lambda x: np.sum(x**3) * special.psi(x[0]), np.array([1.0, 2.0]))
    x = np.array([1.3, 0.7])
    np.testing.assert_allclose(found(x), diffmagic.grad(lambda x: np.sum(x**3) * special.psi(x[0]))(x), rtol=1e-14)
    expected = hessian(lambda x: np.sum(x**3) * special.psi(x[0]))(x)
    np.testing.assert_allclose(diffmagic.jacobian(found)(x), expected, rtol=1e-13)


def test_orders_and_mixed_partials_once() -> None:
    found = symdiff(lambda x, y: x**3 * y**2, order=2)
    assert [(entry.wrt, str(entry.value)) for entry in found.entries] == [
        (("x", "x"), "6*x*y**2"),
        (("x", "y"), "6*x**2*y"),
        (("y", "y"), "2*x**3"),
    ]
    assert found(1.0, 2.0) == ((24.0, 12.0), (12.0, 2.0))
    assert symdiff(lambda x: np.sin(x), order=8)(0.3) == math.sin(0.3)


@pytest.mark.parametrize(
    ("f", "values", "wrt", "entries"),
    [
        (lambda x, n: x**n, (2.0, 3), None, {("x",): "3*x**2"}),
        (lambda x: x**2, (2,), None, {("x",): "2*x"}),
        (lambda x, n=3: x**n, (), None, {("x",): "3*x**2"}),
        (lambda x, y: x * y, (2.0, 3.0), "y", {("y",): "x"}),
        (lambda x, n: x**n, (2.0, 3), "n", {("n",): "x**n*log(x)"}),
        (lambda x, n: x**n, (2.0, 3), ["x"], {("x",): "3*x**2"}),
        (lambda x, y: x * y, (), "y", {("y",): "x"}),
        (lambda x: np.log(x - 2), (), None, {("x",): "1/(x - 2)"}),
        (lambda v: v[0] * v[1], ([2.0, 3.0],), None, {("v[0]",): "v_1", ("v[1]",): "v_0"}),
    ],
)
def test_what_moves(f: Any, values: Any, wrt: Any, entries: dict[Any, str]) -> None:
    found = symdiff(f, *values, wrt=wrt)
    assert {entry.wrt: str(entry.value) for entry in found.entries} == entries


def test_the_function_of_all_symbols_gives_what_was_asked_for() -> None:
    f = lambda a, x, b: a * x**2 * b[1] ** 3
    args = 2.0, 3.0, np.array([1.0, 5.0])
    assert symdiff(f, *args, wrt="x")(*args) == 1500.0
    b, a = symdiff(f, *args, wrt=("b", 0))(*args)
    np.testing.assert_array_equal(b, [0.0, 1350.0])
    assert a == 1125.0
    assert symdiff(f, *args, wrt=["x"], order=2)(*args) == ((500.0,),)


def test_a_branch_without_values_is_taken_at_a_sample_and_told() -> None:
    @traceable
    def f(x: Any) -> Any:
        return x**2 if x < 1 else x

    found = symdiff(f)
    assert [str(entry.value) for entry in found.entries] == ["2*x"]
    assert found.notes == ["found at x = 0.7", "holds while x < 1"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: symdiff(lambda x: x[0]), "cannot be called with sample numbers: TypeError"),
        (lambda: symdiff(lambda x: np.log(-x * x)), "it is not finite there"),
        (lambda: symdiff(lambda *x: x[0]), "the parameters of the function are not known"),
        (lambda: symdiff(lambda x: x, order=0), "order 0 is not a positive whole number"),
        (lambda: symdiff(lambda x: x, wrt="y"), "argnums asks for 'y'"),
        (lambda: symdiff(lambda x: x, "a"), "there is no number to differentiate with respect to"),
        (lambda: symdiff(lambda x: np.sum(x), np.ones(2))(np.ones(3)), "values of another form"),
        (lambda: symdiff(lambda x: np.sum(x**2), np.ones(60), order=3), "too many or too long"),
        (lambda: symdiff(lambda A: np.linalg.svd(A)[1], np.eye(2)), "np.linalg.svd has no formula"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(DiffmagicError, match=message) as caught:
        call()
    assert caught.value.rewrite


def test_derivatives_that_swell_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calculus, "SWELL", 2_000)
    f = lambda x: np.sqrt(np.log(2 + np.cos(np.exp(np.sin(x)))))
    assert symdiff(f, order=4).entries[0].value.count_ops() < 2_000
    with pytest.raises(DiffmagicError, match="the derivative has more than 2,000 operations"):
        symdiff(f, order=100)
