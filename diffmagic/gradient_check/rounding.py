"""How far a right gradient may be off because numbers are rounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.reverse import reverse
from diffmagic.core.tracing import concrete
from diffmagic.gradient_check.kinks import way_taken
from diffmagic.gradient_check.problem import Problem

_MARGIN = 64.0
_MOST_NUMBERS = 10**6
_ASIDE, _ROUGHER, _MOST_ROUGH = 1e-7, 8.0, 1e-4


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


def roughness(problem: Problem, exact: Any, difference: Any, beside: Callable[[Any], Any]) -> Any:
    """How much of the difference between a gradient that was given and the automatic one is rounding in the former.

    A mistake hardly changes from one point to the next; digits that were lost, as those of 1 - tanh(x)**2 far out, jump
    about.

    Parameters
    ----------
    problem : Problem
    exact : ndarray
        The automatic derivative as a matrix.
    difference : ndarray
        Between the two.
    beside : callable
        The same at another point.

    Returns
    -------
    ndarray
    """
    rough = np.zeros_like(exact)
    with np.errstate(all="ignore"):
        for turn in (1, 2):
            jumped = np.abs(beside(problem.x + _ASIDE * problem.direction(turn)) - difference)
            rough = np.maximum(rough, _finite(jumped))
        return np.minimum(_ROUGHER * rough, _MOST_ROUGH * _finite(np.abs(exact)))


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
