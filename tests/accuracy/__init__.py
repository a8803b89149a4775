"""Functions with points and their exact derivatives: how many digits of an estimate are right, and does it know?

A function stands twice: as people write it (`f`), and in mpmath (`exact`) without its roundings, its noise and the
pieces that were not taken, so that it is analytic around the point. The point and the constants are the same doubles
in both. Nothing that differentiates is asked for the truth: it comes from values at hundreds of digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from mpmath import mp

HIGH_PRECISION = SimpleNamespace(
    **{
        name: np.frompyfunc(getattr(mp, name.replace("arc", "a")), 1, 1)
        for name in (
            *("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
            *("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"),
        )
    },
    exp2=lambda x: mp.mpf(2) ** x,
    sum=np.sum,
)
"""NumPy's names in mpmath, for numbers and arrays of them."""


@dataclass(frozen=True, eq=False)
class Case:
    """A function and a point.

    Attributes
    ----------
    kind, name : str
    f : callable
        As people write it.
    exact : callable
        The same in mpmath, of real and complex numbers beside the point.
    x : float
    highest : int
        Derivatives up to this order exist and are determined by the values of `f`.
    bounds : (float, float) or None
        Where `f` is defined, as a user would give it; the default run does not.
    """

    kind: str
    name: str
    f: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    x: float
    highest: int = 4
    bounds: tuple[float, float] | None = None


# The truth.


def derivative(function: Callable[[Any], Any], x: float, order: int) -> Any:
    """A central difference with a step so small, at so many digits, that sixty of the result are right."""
    with mp.workdps(300):
        step = (abs(mp.mpf(x)) or 1) * mp.mpf(10) ** -45
        ends = [mp.mpf(x) + (mp.mpf(order) / 2 - k) * step for k in range(order + 1)]
        terms = [(-1) ** k * math.comb(order, k) * mp.mpmathify(function(end)) for k, end in enumerate(ends)]
        return mp.re(mp.fsum(terms)) / step**order


def on_a_circle(function: Callable[[Any], Any], x: float, order: int, nodes: int = 12) -> Any:
    """The same by Cauchy's integral, which shares nothing with a difference but the function."""
    with mp.workdps(200):
        radius = (abs(mp.mpf(x)) or 1) * mp.mpf(10) ** -30
        roots = [mp.expjpi(mp.mpf(2 * k) / nodes) for k in range(nodes)]
        terms = [mp.mpmathify(function(mp.mpf(x) + radius * root)) / root**order for root in roots]
        return mp.re(mp.fsum(terms)) / nodes * mp.factorial(order) / radius**order


def natural_scale(case: Case, order: int) -> Any:
    """``|f(x)| / |x|**order``, with 1 in place of a zero: what an error is compared with where the derivative is 0."""
    return (abs(mp.mpmathify(case.exact(mp.mpf(case.x)))) or 1) / (abs(mp.mpf(case.x)) or 1) ** order


@cache
def truth(case: Case, order: int) -> Any:
    """The derivative of a case, zero where it is."""
    found = derivative(case.exact, case.x, order)
    return found if abs(found) > 1e-40 * natural_scale(case, order) else mp.mpf(0)


# What a method says, beside it.


@dataclass(frozen=True)
class Answer:
    """A derivative, the error that is estimated for it (None without an estimate), the points that were evaluated."""

    derivative: Any
    error: Any
    evaluations: int


@dataclass(frozen=True)
class Score:
    """How an answer compares with the truth.

    Attributes
    ----------
    case : Case
    answer : Answer
    digits : float
        That are right, 0 to 16.
    honest : bool
        The true error is at most ten times the estimate, or no number is given.
    bold : bool
        More than three digits are claimed and fewer than three are right.
    """

    case: Case
    answer: Answer
    digits: float
    honest: bool
    bold: bool


def score(case: Case, order: int, answer: Answer) -> Score:
    """Compare an answer with the truth."""
    if not np.isfinite(answer.derivative):
        return Score(case, answer, 0.0, honest=True, bold=False)
    exact = truth(case, order)
    error = abs(mp.mpf(float(answer.derivative)) - exact)
    right = digits(error / (abs(exact) or natural_scale(case, order)))
    if answer.error is None:
        return Score(case, answer, right, honest=True, bold=False)
    size = abs(answer.derivative) if exact else natural_scale(case, order)
    bold = bool(answer.error < 1e-3 * size and right < 3)
    return Score(case, answer, right, honest=bool(error <= 10 * answer.error), bold=bold)


def digits(relative_error: Any) -> float:
    """Of a relative error: 0 to 16."""
    return 16.0 if relative_error < 1e-16 else max(0.0, float(-mp.log10(relative_error)))
