"""The Taylor remainder: a test of a gradient that needs no step size."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.program import Program
from diffmagic.gradient_check.kinks import has_kinks, kink_between
from diffmagic.gradient_check.problem import Problem
from diffmagic.results import TaylorRemainder

_STEPS = 10.0 ** (-np.arange(21) / 2)
_FITTED = 4
_ABOVE = 100.0
_LEAST, _STEADY = 0.9, 0.15


def taylor_remainder(problem: Problem, mine: Any, eps: tuple[float, float], program: Program | None) -> TaylorRemainder:
    """How |f(x + t v) - f(x) - t ∇f·v| falls with t: like t² if the gradient is right, like t if it is wrong.

    Parameters
    ----------
    problem : Problem
    mine : ndarray
        The gradient as a matrix.
    eps : (float, float)
        The relative size of the rounding errors of the function and of the gradient.
    program : Program or None
        The trace at x, by which kinks on the way are seen.

    Returns
    -------
    TaylorRemainder
    """
    direction = problem.direction(1)
    start, slope = problem(problem.x), mine @ direction
    rounding, inside = np.abs(mine) @ np.abs(direction), np.abs(mine) @ np.abs(problem.x)
    steps, remainders, floors = [], [], []
    for t in _STEPS:
        try:
            there = problem(problem.x + t * direction)
            remainder = float(np.linalg.norm(there - start - t * slope))
        except Exception:  # whatever the user's function raises, or another shape
            continue
        if np.isfinite(remainder):
            steps.append(float(t))
            remainders.append(remainder)
            floors.append(
                float(np.linalg.norm(eps[0] * (np.abs(start) + np.abs(there) + inside) + eps[1] * t * rounding))
            )
    kink = _first_kink(problem, program, steps, direction)
    seen = np.array(remainders) > _ABOVE * np.array(floors)
    near = np.array(steps) < (kink or np.inf)
    fitted = np.flatnonzero(seen & near)
    pairs = tuple(zip(steps, remainders, strict=True))
    if len(steps) <= _FITTED:
        return TaylorRemainder(pairs, None, kink, "the function is not finite beside this point")
    if not len(fitted) and np.any(near):
        upto = " up to the first kink" if kink else ""
        return TaylorRemainder(
            pairs, None, kink, f"exactly linear along this direction{upto}: what remains is rounding"
        )
    last = _clear_of_noise(np.log(steps), np.log(np.maximum(remainders, 1e-300)), fitted)
    if last is None:
        on_it = kink is not None and kink <= steps[-1]
        return TaylorRemainder(
            pairs, None, kink, "the point lies on a kink" if on_it else "hidden by noise, or by a kink"
        )
    return TaylorRemainder(pairs, last, kink, _reading(last))


def _clear_of_noise(t: Any, r: Any, fitted: Any) -> float | None:
    """The slope at the smallest steps at which the remainder falls steadily."""
    for end in range(len(fitted), _FITTED - 1, -1):
        last = fitted[end - _FITTED : end]
        slope, offset = np.polyfit(t[last], r[last], 1)
        if slope > _LEAST and np.max(np.abs(slope * t[last] + offset - r[last])) < _STEADY:
            return float(slope)
    return None


def _reading(slope: float) -> str:
    if slope > 1.9:
        return "falls like t², as it does when the gradient is right"
    if slope < 1.1:
        return "falls like t, as it does when the gradient is wrong"
    return "falls between t and t²: a kink, or noise"


def _first_kink(problem: Problem, program: Program | None, steps: list[float], direction: Any) -> float | None:
    """The smallest step on whose way the function passes a kink or takes another branch."""
    if program is None or not has_kinks(program):
        return None
    return next((t for t in sorted(steps) if kink_between(problem, program, problem.x + t * direction)), None)
