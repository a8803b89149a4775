"""The Hessian's eigenvalues, and what kind of point they make of a stationary one."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.forward import forward
from diffmagic.core.program import Program, Variable
from diffmagic.core.reverse import reverse
from diffmagic.core.tracing import concrete
from diffmagic.core.zeros import accumulate
from diffmagic.results import Curvature


def curvature(gradient: Program, hessian: Any, kink: bool) -> Curvature:
    """What second derivatives say of a point.

    Parameters
    ----------
    gradient : Program
        It computes the function's gradient there.
    hessian : ndarray
        As one matrix.
    kink : bool
        Whether a step of the function stands on a kink there, or where it jumps.

    Notes
    -----
    Zero is what rounding may have made of zero. A gradient passes as zero if each component is below the sum of all
    that its own operations and its inputs may have lost, each an ulp of a number times the derivative with respect to
    that number. Eigenvalues move by no more than the Hessian's entries do in norm; these are taken to lose an ulp of
    the terms that they are sums of in each operation, and as much as the matrix is not symmetric.

    Raises
    ------
    DiffmagicError
        If something is complex.
    """
    slopes = np.concatenate([np.ravel(_value(out)) for out in gradient.outputs])
    if np.iscomplexobj(hessian) or np.iscomplexobj(slopes):
        raise DiffmagicError("a complex Hessian tells no minimum from a maximum", rewrite="real inputs")
    norm = float(np.linalg.norm(slopes))
    if not np.isfinite(hessian).all() or not np.isfinite(norm):
        nothing = np.full(len(slopes), np.nan)
        return Curvature(nothing, np.nan, norm, False, "undecided", "the derivatives are not finite")
    ulp = max(float(np.finfo(variable.dtype).eps) for variable in gradient.inputs)
    eigenvalues, axes = np.linalg.eigh((hessian + hessian.T) / 2)
    lost = (len(slopes) + len(gradient.equations)) * ulp * np.linalg.norm(_terms(gradient, hessian))
    tolerance = float(lost + np.linalg.norm(hessian - hessian.T))
    stationary = bool(np.all(np.abs(slopes) <= ulp * _sensitivity(gradient)))
    nature, reason = _nature(eigenvalues, tolerance)
    if kink:
        nature, reason = "undecided", "a step of the function is at a kink or a jump here"
    distance = None
    if np.min(np.abs(eigenvalues)) > tolerance and not kink:
        distance = float(np.linalg.norm(axes.T @ slopes / eigenvalues))
    return Curvature(eigenvalues, tolerance, norm, stationary, nature, reason, distance)


def _nature(eigenvalues: Any, tolerance: float) -> tuple[Literal["minimum", "maximum", "saddle", "undecided"], str]:
    up, down = eigenvalues > tolerance, eigenvalues < -tolerance
    if up.any() and down.any():
        return "saddle", ""
    if up.all() or down.all():
        return ("minimum" if up.all() else "maximum"), ""
    flat = len(eigenvalues) - int(up.sum() + down.sum())
    return "undecided", f"{flat} of {len(eigenvalues)} eigenvalues {'is' if flat == 1 else 'are'} zero but for rounding"


def _sensitivity(program: Program) -> Any:
    """For each number of the outputs, the sum of all numbers in the program, each times its influence."""
    sums: list[float] = []
    for out in program.outputs:
        for basis in _basis(out):
            found = {}
            if isinstance(out, Variable):
                found = accumulate(reverse, program, {out: basis}, program.inputs, keep=True)
            parts = [np.abs(concrete(g) * concrete(v.value)) for v, g in found.items() if g is not None]
            sums.append(sum(float(np.nansum(part)) for part in parts))
    return np.array(sums)


def _terms(gradient: Program, hessian: Any) -> Any:
    """The Hessian with the sizes of all terms added up in each entry, where these can be told apart."""
    columns = []
    for variable in gradient.inputs:
        for basis in _basis(variable):
            with np.errstate(all="ignore"):
                found = forward(gradient, {variable: basis}, lambda operand, t, partial: np.abs(t) * np.abs(partial))
            parts = [found.get(out, 0.0) if isinstance(out, Variable) else 0.0 for out in gradient.outputs]
            shapes = [np.shape(_value(out)) for out in gradient.outputs]
            filled = [np.broadcast_to(part, shape) for part, shape in zip(parts, shapes, strict=True)]
            columns.append(np.concatenate([np.ravel(part) for part in filled]))
    return np.fmax(np.abs(hessian), np.abs(np.stack(columns, axis=1)))


def _value(out: Any) -> Any:
    return concrete(out.value if isinstance(out, Variable) else out)


def _basis(out: Any) -> list[Any]:
    shape = np.shape(_value(out))
    return [row.reshape(shape)[()] for row in np.eye(math.prod(shape))]
