"""A gradient at a point with everything it is compared with: in what precision, and the numerical derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program, short
from diffmagic.core.structures import flatten, vector
from diffmagic.core.tracing import concrete
from diffmagic.gradient_check.kinks import has_kinks, kink_between
from diffmagic.gradient_check.problem import Problem
from diffmagic.methods import differentiate

TRUSTED = 10.0
"""How many times its error estimate a numerical derivative may be off."""

_ONE_BY_ONE, _WORST, _DIRECTIONS = 50, 8, 2
_NEAR, _UNSEEN = 1e-6, 16.0
_DOUBLE = float(np.finfo(np.float64).eps)


@dataclass(slots=True)
class Case:
    """Everything that is known of a gradient, as matrices.

    Attributes
    ----------
    problem : Problem
    mine : ndarray
    automatic : ndarray
        NaN where there is none.
    program : Program or None
    traced : bool
        Whether there is an automatic derivative to compare with.
    eps : float
        The spacing of the numbers in which the user computes.
    inner : float
        That of the numbers in which the function computes when it is given doubles.
    floor : ndarray
        The size of the rounding errors that a right gradient has.
    numerical, error : ndarray
        NaN and infinity where there is none.
    right : ndarray of bool
    doubted : bool
        Whether differences along a direction do not confirm the automatic derivative.
    lost : ndarray of bool
        Where the gradient differs from the automatic one by no more than rounding does beside the point.
    excused : int
        How many numbers are right because they lie between the two sides of a kink.
    """

    problem: Problem
    mine: Any
    automatic: Any
    program: Program | None
    traced: bool
    eps: float = _DOUBLE
    inner: float = _DOUBLE
    floor: Any = 0.0
    numerical: Any = None
    error: Any = None
    right: Any = None
    doubted: bool = False
    lost: Any = False
    excused: int = 0

    def same(self, a: Any, b: Any, error: Any = 0.0) -> Any:
        """Where two derivatives agree, as far as their numbers can tell."""
        with np.errstate(all="ignore"):
            slack = np.sqrt(self.eps) * np.maximum(np.abs(a), np.abs(b)) + self.floor + TRUSTED * error
            return np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b) <= slack, np.equal(a, b))


def precision(case: Case, eps: float) -> bool:
    """How finely the user and the function compute; and whether the function gives the same number every time."""
    problem = case.problem
    for _, leaf in flatten([*problem.point, problem.value])[0]:
        eps = max(eps, _spacing(leaf))
    again = problem.f(*problem.arguments(problem.x))
    case.inner = max(_DOUBLE, _spacing(again))
    if case.program:
        for equation in case.program.equations:
            spacing = max(_spacing(concrete(result.value)) for result in equation.results)
            if spacing > case.inner:
                line = f"line {equation.location.line}: " if equation.location.line else ""
                problem.notes.append(f"{line}{equation.results[0].dtype} inside, so few digits count")
                case.inner = spacing
    case.eps = max(eps, case.inner)
    if case.eps > case.inner:
        digits = int(-math.log10(case.eps))
        name = "single" if digits > 5 else "half"
        problem.notes.append(
            f"{name} precision is used, so about {digits} digits count; the function is differentiated in double "
            "precision at the same point"
        )
    values = vector(problem.value), vector(again)
    if np.allclose(*values, rtol=float(np.sqrt(case.eps)), equal_nan=True):
        return True
    problem.notes.append("the function gives other numbers when it is called again, so nothing can be compared")
    return False


def _spacing(value: Any) -> float:
    dtype = np.result_type(value)
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def differences(case: Case) -> None:
    """The numerical derivative: with many inputs only where it matters most, and along directions."""
    problem, count = case.problem, case.problem.x.size
    case.numerical, case.error = np.full(case.mine.shape, np.nan), np.full(case.mine.shape, np.inf)
    columns = range(count)
    if count > _ONE_BY_ONE and np.all(np.isfinite(case.automatic)):
        with np.errstate(all="ignore"):
            off = np.abs(case.mine - case.automatic) / (np.abs(case.mine) + np.abs(case.automatic) + case.floor)
        off = np.max(np.where(np.isnan(off), np.inf, off), axis=0)
        lost = np.flatnonzero(np.any(case.lost & ~case.same(case.mine, case.automatic), axis=0))
        worst = np.argsort(-off, kind="stable")
        columns = np.union1d(worst[:_WORST], lost[:_ONE_BY_ONE]).tolist()
        for turn in range(1, _DIRECTIONS + 1):
            _along(case, problem.direction(turn))
    for k in columns:

        def moved(number: float, k: int = k) -> Any:
            x = problem.x
            x[k] = number
            return problem(x)

        found, error = _slope(moved, problem.x[k], problem.rows)
        unseen = _UNSEEN * case.inner * np.abs(problem(problem.x)) / problem.scales[k]
        case.numerical[:, k], case.error[:, k] = found, np.maximum(error, unseen)
    _pass_over_kinks(case)


def _pass_over_kinks(case: Case) -> None:
    """Leave out differences that were taken across a kink beside the point, as they say nothing of the point."""
    problem, program = case.problem, case.program
    if program is None or not has_kinks(program):
        return
    off = ~case.same(case.automatic if case.traced else case.mine, case.numerical, case.error)
    passed: dict[str, None] = {}
    for k in np.flatnonzero(np.any(off, axis=0))[:_ONE_BY_ONE].tolist():
        for side in (-1, 1):
            x = problem.x
            x[k] += side * _NEAR * problem.scales[k]
            where = kink_between(problem, program, x)
            if where:
                passed[where] = None
                case.numerical[:, k], case.error[:, k] = np.nan, np.inf
    problem.notes += [
        f"there is a kink close to the point: {where}; differences across it say nothing" for where in passed
    ]


def _slope(function: Callable[[float], Any], at: float, rows: int) -> tuple[Any, Any]:
    """The numerical derivative of a function from a number to a vector, and its error; NaN where there is none."""
    try:
        with np.errstate(all="ignore"):
            found = differentiate(function, float(at), method="adaptive")
    except DiffmagicError:  # it is not finite beside the point, or has another shape there
        return np.full(rows, np.nan), np.full(rows, np.inf)
    slope, error = (np.reshape(np.asarray(each, float), rows) for each in (found.derivative, found.error))
    known = np.isfinite(slope) & np.isfinite(error)
    return np.where(known, slope, np.nan), np.where(known, error, np.inf)


def _along(case: Case, direction: Any) -> None:
    """The automatic derivative against differences, along a direction in which every input moves."""
    exact = case.automatic @ direction
    found, error = _slope(lambda t: case.problem(case.problem.x + t * direction), 0.0, case.problem.rows)
    size = np.sqrt(case.eps) * np.abs(case.automatic) @ np.abs(direction)
    off = np.isfinite(found) & (np.abs(exact - found) > size + TRUSTED * error)
    if np.any(off):
        case.doubted = True
        k = int(np.argmax(off))
        case.problem.notes.append(
            f"along a direction in which every input moves the automatic derivative gives {short(float(exact[k]), 6)} "
            f"and differences give {with_error(float(found[k]), float(error[k]))}"
        )


def with_error(number: float, error: float) -> str:
    """A number with its error, in few digits."""
    return f"{short(number, 6)} ± {short(error, 2)}"
