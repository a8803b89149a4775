"""Programs as formulas: the whole registry and real code, against reverse accumulation and fifty digits."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy import special, stats

import diffmagic
from diffmagic import DiffmagicError, differentiate, traceable
from diffmagic.core.structures import vector
from diffmagic.symbolic import calculus
from diffmagic.symbolic.formulas import formulas
from diffmagic.symbolic.method import exact, symbolic
from tests.core.primitives.samples import DIFFERENTIABLE, Sample
from tests.real_code import (  # noqa: F401 — each adds its cases
    CASES,
    algebra,
    basics,
    finance,
    geometry,
    learning,
    physics,
    signals,
    statistics,
)

_NO_FORMULA = (
    "nextafter heaviside angle modf frexp bincount unwrap roots polyfit fft ifft irfft hfft rfft ihfft fft2 ifft2 "
    "irfft2 fftn ifftn irfftn rfft2 rfftn histogram-0 histogram-1 histogramdd-0 histogramdd-1 histogram2d-0 poly-3 "
    "diagflat-1 kron-1"
)
NO_FORMULA = set(_NO_FORMULA.split())
OVER_THE_CUT = (np.emath.arcsin, np.emath.arccos, np.emath.arctanh)  # all but their first samples are complex
SAMPLES = [sample for samples in DIFFERENTIABLE.values() for sample in samples if sample.operands]


def written(f: Callable[..., Any], *args: Any) -> list[str]:
    """The formulas of the results, in one line each."""
    found = formulas(diffmagic.trace(f, *args))
    return [str(one) for output in found.outputs for one in output.flat]


def notes(f: Callable[..., Any], *args: Any) -> list[str]:
    return formulas(diffmagic.trace(f, *args)).notes


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::diffmagic.DiffmagicNote")
@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_samples_of_every_function(sample: Sample) -> None:
    f, operands = sample.of_moving(), tuple(sample.operands)
    argnums = tuple(range(len(operands)))
    expected = differentiate(f, *operands, argnums=argnums)
    number = sample.name.rpartition("-")
    if number[0] in NO_FORMULA or sample.name in NO_FORMULA or (sample.function in OVER_THE_CUT and number[2] != "0"):
        with pytest.raises(DiffmagicError, match=r"has no formula in SymPy|formulas are written for up to 64"):
            symbolic(f, operands, argnums)
    else:
        found = symbolic(f, operands, argnums)
        np.testing.assert_allclose(vector(found.derivative), vector(expected.derivative), rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(vector(found.value), vector(expected.value))


LONG = (
    "gram_schmidt newton_cube_root newton_system power_iteration page_rank conjugate_gradients optimal_control "
    "american_put heston_call lstm sinkhorn soft_k_means leapfrog_pendulum runge_kutta epidemic heat_equation n_body "
    "thrown_ball reaction_chain hydrogen_ions gaussian_process "
    "bayesian_regression"
)
WITHOUT = {"learning_to_learn": "sech2", "spectral_diffusion": "np.fft.fft", "spectrum_of_a_filter": "np.fft.rfft"}


@pytest.mark.parametrize("name", CASES)
def test_real_code(name: str) -> None:
    """Where there is a formula, it has all digits of a double; the others are refused."""
    case = CASES[name]
    f, args, argnums = traceable(case.function), tuple(case.point.values()), tuple(case.point)
    if name in WITHOUT or name in LONG.split():
        with pytest.raises(DiffmagicError, match=WITHOUT.get(name, "operations|too long")):
            exact(f, args, argnums)
        return
    value, gradient = exact(f, args, argnums)
    expected = case.exact()
    np.testing.assert_allclose(value, expected[0], rtol=1e-14)  # NumPy has rounded constants such as √2
    np.testing.assert_allclose(vector(list(gradient)), vector(list(expected[1].values())), rtol=1e-14, atol=1e-60)


def test_most_real_code_has_a_formula() -> None:
    assert len(CASES) - len(WITHOUT) - len(LONG.split()) >= 52


@pytest.mark.parametrize(
    ("f", "args", "formula"),
    [
        (lambda w, x: 1 / (1 + np.exp(-w * x)), (0.5, 2.0), ["1/(1 + exp(-w*x))"]),
        (lambda x: np.array([1.0, 2.0]) * x, (3.0,), ["x", "2*x"]),
        (lambda A, b: np.linalg.det(A) * b, (np.eye(2), 1.0), ["b*(A_0_0*A_1_1 - A_0_1*A_1_0)"]),
        (lambda A: np.linalg.inv(A)[0, 0], (np.eye(2),), ["A_1_1/(A_0_0*A_1_1 - A_0_1*A_1_0)"]),
        (lambda x: np.linalg.solve([[2.0, 0.0], [0.0, 4.0]], x), (np.ones(2),), ["x_0/2", "x_1/4"]),
        (lambda A: np.linalg.cholesky(A)[1, 0], (np.eye(2),), ["A_1_0/sqrt(A_0_0)"]),
        (lambda p: p["w"][0] * p["b"], ({"w": [1.0], "b": 2.0},), ["p_b*p_w_0"]),
        (lambda x, x_0: x[0] * x_0, (np.ones(1), 2.0), ["x_0*x_0_"]),
        (lambda x: np.abs(np.log(x)), (0.5,), ["Abs(log(x))"]),
        (lambda x: np.maximum(x, 0.0), (0.5,), ["Max(0, x)"]),
        (lambda x: np.real(np.exp(1j * x)), (0.5,), ["cos(x)"]),
        (lambda x: np.linalg.norm(x), (np.ones(2),), ["sqrt(x_0**2 + x_1**2)"]),
        (lambda x: special.jv(1, x) + special.erf(x), (0.5,), ["besselj(1, x) + erf(x)"]),
        (lambda x: special.logsumexp(x), (np.ones(2),), ["log(exp(x_0) + exp(x_1))"]),
        (lambda x: stats.expon.logpdf(x), (0.5,), ["-x"]),
    ],
)
def test_formula(f: Any, args: Any, formula: list[str]) -> None:
    assert written(traceable(f), *args) == formula


def assigned(x: Any) -> Any:
    r = np.zeros(2)
    for k in range(2):
        r[k] = x ** (k + 1)
    return r


def branch(x: Any) -> Any:
    return x**2 if x > 0 else -x


@pytest.mark.parametrize(
    ("f", "args", "formula", "note"),
    [
        (assigned, (0.5,), ["x", "x**2"], []),
        (branch, (0.5,), ["x**2"], ["holds while x > 0"]),
        (branch, (-0.5,), ["-x"], ["holds while not (x > 0)"]),
        (lambda x: np.where(x > 0, x**2, -x), (np.array([-1.0, 2.0]),), ["-x_0", "x_1**2"],
         ["holds while x > 0 is [False, True]"]),
        (lambda x: x * (x > 0), (0.5,), ["x"], ["holds while x > 0"]),
        (lambda x: x * np.floor(x), (2.5,), ["2*x"], ["holds while np.floor(x) is 2.0"]),
        (lambda x: np.max(x), (np.array([1.0, 3.0]),), ["x_1"], ["holds while np.max(x) takes the same piece"]),
        (lambda x: np.max(x), (np.ones(2),), ["x_0/2 + x_1/2"], ["holds while np.max(x) takes the same piece"]),
        (lambda x: np.median(x), (np.arange(3.0),), ["x_1"], ["holds while np.median(x) takes the same piece"]),
        (lambda x: np.sort(x)[0], (np.array([2.0, 1.0]),), ["x_1"],
         ["holds while np.argsort(x, axis=-1, kind='stable') is [1, 0]"]),
        (lambda x: x % 2, (5.5,), ["x - 4"], ["holds while x % 2 takes the same piece"]),
        (lambda x: x if x != 1 else 2.0, (0.5,), ["x"], ["holds while x != 1"]),
        (lambda x: np.where(x == 0, 1.0, x), (0.5,), ["x"], []),  # holds nearly everywhere
        (lambda x: np.clip(x, 0, 1) ** 2, (0.5,), ["Min(1, Max(0, x))**2"], []),
    ],
)  # fmt: skip
def test_pieces_are_said(f: Any, args: Any, formula: list[str], note: list[str]) -> None:
    assert written(traceable(f), *args) == formula
    assert notes(traceable(f), *args) == note


def no_formula(A: Any) -> Any:
    b = A + 1.0
    return np.linalg.eigvalsh(b)[0]


def doubling(x: Any) -> Any:
    for _ in range(20):
        x = x * (1 - x)
    return x


@diffmagic.primitive
def opaque(x: Any) -> Any:
    return x * x


opaque.define_partials(lambda y, x: 2 * x)


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (no_formula, (np.eye(2),),
         r"return np.linalg.eigvalsh\(b\)\[0\]\nnp.linalg.eigvalsh: np.linalg.eigh has no formula"),
        (doubling, (0.3,), "the formula has more than 5,000 operations here"),
        (opaque, (0.3,), "opaque has no formula in SymPy"),
        (np.sum, (np.ones(65),), "a holds 65 numbers, and formulas are written for up to 64"),
        (lambda x: np.sum(np.outer(x, x)), (np.ones(10),), "holds 100 numbers"),
        (lambda z: np.real(z), (1j,), "z is complex"),
        (lambda x: x * np.nan, (1.0,), "not a number, whatever its inputs are"),
        (lambda s: special.zeta(s, 2.0) * special.gammainc(s, 1.0), (2.5,), "zeta|gammainc"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what_else(f: Any, args: Any, message: str) -> None:
    with pytest.raises(DiffmagicError, match=message) as caught:
        symbolic(f, args)
    assert "%%grad" in caught.value.rewrite or "has no derivative" in caught.value.reason


def test_undefined_functions_have_no_derivative_by_their_formula() -> None:
    with np.errstate(invalid="ignore"), pytest.raises(DiffmagicError, match="not a number here"):
        symbolic(lambda x: np.sqrt(x) ** 2, (-1.0,))


@pytest.mark.parametrize("installed", [True, False])
def test_large_formulas_by_symengine_or_without(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    x = sp.Symbol("x", real=True)
    formula = expected = x
    for f in (sp.sin, sp.exp, sp.cos, sp.exp, sp.tanh):
        formula = expected = f(formula)
    used = []
    if installed:
        symengine = importlib.import_module("symengine")
        sympify = symengine.sympify
        monkeypatch.setattr(symengine, "sympify", lambda e: used.append(e) or sympify(e))
    else:
        monkeypatch.setitem(sys.modules, "symengine", None)
    for _ in range(4):
        formula, expected = calculus.derivative(formula, x), expected.diff(x)
    assert abs((formula - expected).evalf(30, subs={x: sp.Rational(1, 3)})) < 1e-20
    assert bool(used) == installed
