"""Zeros that come from not being chosen, told from zeros that were computed.

A position that a `where`, a mask, an index or a seed did not choose contributes exactly nothing, even through an
infinite partial derivative; a computed zero times infinity stays NaN. The difference only shows when something is not
finite, so accumulation runs plainly first. If that gives NaN or infinity, the pattern of what can be reached at all is
accumulated once on its own, and then the numbers again with it in hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from diffmagic.core.forward import REAL_NUMBERS, Product
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import concrete

Accumulation = Callable[..., dict[Variable, Any]]
_GOLDEN = 0.6180339887498949


def accumulate(
    run: Accumulation, program: Program, seeds: Mapping[Variable, Any], wanted: Iterable[Any], **options: Any
) -> dict[Variable, Any]:
    """`forward` or `reverse` over a program, with unreached positions contributing nothing.

    Parameters
    ----------
    run : callable
        `forward` or `reverse`.
    program : Program
    seeds : mapping of Variable to float or ndarray
    wanted : iterable of Variable or constants
        Those whose result must be finite for the plain run to be trusted.
    **options
        Passed on to `run`.
    """
    with np.errstate(all="ignore"):
        found = run(program, seeds, **options)
        if all([_finite(found.get(variable)) for variable in wanted if type(variable) is Variable]):
            return found
        return run(program, seeds, unreached_aside(run, program, seeds), **options)


def unreached_aside(run: Accumulation, program: Program, seeds: Mapping[Variable, Any]) -> Product:
    """The product of `forward` or `reverse` in which a zero that was not reached stays zero, even times infinity."""
    keep = {"keep": True} if run.__name__ == "reverse" else {}
    weights = {variable: _weights(seed) for variable, seed in seeds.items()}
    pattern = Program(program.inputs, list(map(_without_zeros, program.equations)), program.outputs)
    reached = run(pattern, weights, lambda variable, g, partial: g, **keep)

    def product(variable: Variable, g: Any, partial: Any) -> Any:
        if _finite(partial):
            return g * partial
        dead = np.logical_and(np.equal(concrete(reached.get(variable, 0.0)), 0), np.equal(concrete(g), 0))
        return np.where(dead, 0.0, g * partial) if np.any(dead) else g * partial

    return product


def _without_zeros(equation: Equation) -> Equation:
    """A product with other factors than its own, as a zero among these is a number and not a choice."""
    if not equation.primitive.multilinear:
        return equation
    factors = tuple([_weights(np.ones(np.shape(concrete(factor)))) for factor in equation.arguments])
    return Equation(equation.primitive, equation.operands, factors, equation.params, equation.results, equation.origin)


def _finite(value: Any) -> bool:
    if type(value) in REAL_NUMBERS:
        return math.isfinite(value)
    if type(value) is np.ndarray:
        return bool(np.isfinite(value).all())
    return value is None or bool(np.all(np.isfinite(concrete(value))))


def _weights(seed: Any) -> Any:
    """Positive numbers that do not cancel, where a seed is not zero."""
    seed = concrete(seed)
    numbers = 1.0 + (np.arange(1, np.size(seed) + 1) * _GOLDEN) % 1.0
    return np.where(np.equal(seed, 0), 0.0, numbers.reshape(np.shape(seed)))
