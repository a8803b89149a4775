"""How far a right gradient may be off because numbers are rounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.reverse import reverse
from diffmagic.core.structures import vector
from diffmagic.core.tracing import concrete
from diffmagic.gradient_check.kinks import way_taken
from diffmagic.gradient_check.problem import Problem

_MARGIN = 64.0
_MOST_NUMBERS = 10**6
_ROUGHER, _MOST_ROUGH, _MOST_LOST = 8.0, 1e-4, 1e-3
_CLOSE, _WIDE, _INWARD = 1e-7, 1e-4, (1.0, 0.9, 0.5)
_POINTS, _ORDER = 7, 4


def rounding(problem: Problem, program: Program | None, exact: Any, eps: float) -> Any:
    """The size of the rounding errors in each number of a gradient.

    Two things make them: what cancels when the contributions to a number are summed, and what changes when the inputs
    are rounded.

    Parameters
    ----------
    problem : Problem
    program : Program or None
        The trace; without it there is nothing to go by, and the answer is zero.
    exact : ndarray
        The automatic derivative as a matrix.
    eps : float
        The spacing of the numbers.

    Returns
    -------
    ndarray
    """
    floor = np.zeros_like(exact)
    if program is None or exact.size > _MOST_NUMBERS:
        return floor
    with np.errstate(all="ignore"):
        floor = np.maximum(floor, _finite(eps * _contributions(problem, program)))
        way = way_taken(program)
        for turn in (1, 2):
            try:
                with notes_kept_back():
                    beside = problem.automatic(problem.x + 2 * eps * problem.direction(turn))
            except Exception:  # whatever the user's function raises there
                continue
            if beside.program is not None and way_taken(beside.program) == way:
                floor = np.maximum(floor, _finite(np.abs(problem.jacobian(beside) - exact)))
    return _MARGIN * floor


def roughness(problem: Problem, exact: Any, difference: Callable[[Any], Any]) -> tuple[Any, Any]:
    """How much of the difference between a gradient that was given and the automatic one is rounding.

    A mistake hardly changes from one point to the next; digits that were lost, as those of 1 - tanh(x)**2 far out, jump
    about. Where hardly one is left they stand still, and jump only at some distance, or on the way to the origin.

    Parameters
    ----------
    problem : Problem
    exact : ndarray
        The automatic derivative as a matrix.
    difference : callable
        Between the two, at a point.

    Returns
    -------
    (ndarray, ndarray)
        What is rounding, and what may be if differences confirm it.
    """
    size = np.abs(exact)
    with np.errstate(all="ignore"):
        close = _jumps(problem, difference, problem.x, _CLOSE)
        wide = [_jumps(problem, difference, part * problem.x, _WIDE) for part in _INWARD]
        usual = np.fmax(np.max(size, axis=1, keepdims=True), np.abs(vector(problem.value))[:, None] / problem.scales)
    return np.fmin(close, _MOST_ROUGH * size), np.fmin(np.max([close, *wide], axis=0), _MOST_LOST * usual)


def _jumps(problem: Problem, difference: Callable[[Any], Any], centre: Any, spacing: float) -> Any:
    """What jumps between neighbouring points: in differences of a high order nothing else is left."""
    steps = spacing * (np.arange(_POINTS) - _POINTS // 2)
    jumps = np.diff([difference(centre + step * problem.direction(1)) for step in steps], _ORDER, axis=0)
    return _ROUGHER * np.max(_finite(np.abs(jumps)), axis=0) / np.sqrt(math.comb(2 * _ORDER, _ORDER))


def _finite(sizes: Any) -> Any:
    return np.where(np.isfinite(sizes), sizes, 0.0)


def _contributions(problem: Problem, program: Program) -> Any:
    """The sum of the sizes of all contributions to each derivative: what it would be if none cancelled."""
    out = program.outputs[0]
    if not isinstance(out, Variable):
        return np.zeros((problem.rows, problem.x.size))
    sizes = Program(program.inputs, list(map(_of_sizes, program.equations)), [out])
    rows = []
    for seed in np.eye(problem.rows).reshape(problem.rows, *out.shape):
        found = reverse(sizes, {out: seed if out.shape else 1.0}, lambda variable, g, partial: np.abs(g * partial))
        rows.append(np.concatenate([np.ravel(np.abs(found.get(v, np.zeros(v.shape)))) for v in program.inputs]))
    return np.array(rows, float)


def _of_sizes(equation: Equation) -> Equation:
    """A product with the sizes of its factors."""
    if not equation.primitive.multilinear:
        return equation
    factors = tuple(np.abs(concrete(factor)) for factor in equation.arguments)
    return Equation(equation.primitive, equation.operands, factors, equation.params, equation.results, equation.origin)
