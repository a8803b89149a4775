"""The step of a classic method: the one that was asked for, or the one that error analysis suggests."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np

from diffmagic.core.errors import DiffmagicError

EPS = float(np.finfo(float).eps)


def wanted_step(point: float, default: float, step: float | None, relative_step: float | None) -> float:
    """The step that was asked for.

    Raises
    ------
    DiffmagicError
        If it is none.
    """
    if step is not None and relative_step is not None:
        raise DiffmagicError("step= and relative_step= both say how long the step is", rewrite="one of them")
    given = relative_step if step is None else step
    if given is None:
        return default
    if not isinstance(given, Real) or not 0 < given < math.inf:
        raise DiffmagicError(f"a step of {given!r} is not a positive number", rewrite="such as 1e-6, or leave it out")
    if step is not None:
        return float(step)
    if point == 0:
        raise DiffmagicError("a step relative to x = 0 is 0", rewrite="an absolute step")
    return abs(point) * float(given)


def exact_step(point: float, h: float) -> float:
    """A step that x + h takes exactly.

    Raises
    ------
    DiffmagicError
        If x + h is x.
    """
    if not 0 < (found := (point + h) - point) < math.inf:
        reason = f"x + h is x, or too large, in double precision: x = {point:.6g}, h = {h:.6g}"
        raise DiffmagicError(reason, rewrite=f"a step above {np.spacing(abs(point)):.1g}")
    return found


def default_step(point: float, order: int, accuracy: int, eps: float = EPS) -> float:
    """Where truncation, like h^accuracy, meets round-off, like ε / h^order, if f changes on the scale of x or of 1."""
    return float(max(1.0, abs(point)) * eps ** (1 / (order + accuracy)))
