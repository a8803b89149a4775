"""Taylor mode: every primitive against mpmath to order 10, some to order 50, and all against nested derivatives."""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, special

import diffmagic
from diffmagic import DiffmagicError, DiffmagicNote, derivative, grad, taylor
from diffmagic.core.forward import forward
from diffmagic.core.program import Variable
from diffmagic.core.replay import replay
from diffmagic.core.taylor import finite_series, rounding, series
from diffmagic.core.tracing import Trace
from tests.core.primitives.samples import BINARY, POSITIVE_BASE, UNARY, Sample, leaves, mapped
from tests.core.primitives.test_registry import ALL, ZERO, directions
from tests.core.primitives.test_special import CASES, Case, moved, unit

mp, mpf = mpmath.mp, mpmath.mpf

ORDER = 10
NODES = 8
inf, nan = math.inf, math.nan


def coefficients(f: Callable[..., Any], x: Any, order: int, direction: Any = None) -> tuple[list[Any], list[float]]:
    """The Taylor coefficients of a function at x, and what share of them rounding may be."""
    program = diffmagic.trace(lambda *z: f(*z), *x) if isinstance(x, tuple) else diffmagic.trace(f, x)
    along = (1.0,) if direction is None else direction
    seeds = {v: [v.value, u] for v, u in zip(program.inputs, along, strict=True) if u}
    found = finite_series(program, seeds, order)
    out = program.outputs[0]
    known = found.get(out, [out.value if isinstance(out, Variable) else out] + [None] * order)
    return [0.0 if c is None else c for c in known], rounding(program, seeds, found)


@functools.cache
def weights(order: int) -> Any:
    """How the coefficients of a polynomial come from its values at -8, …, 8."""
    with mpmath.workdps(300):
        nodes = range(-NODES, NODES + 1)
        return (mp.matrix([[mpf(j) ** k for k in range(len(nodes))] for j in nodes]) ** -1)[: order + 1, :]


def reference(f: Callable[[Any], Any], size: float, order: int = ORDER) -> list[Any]:
    """The Taylor coefficients at 0 of a function of mpmath, by interpolation close to 0."""
    with mpmath.workdps(270):
        step = mpf(10) ** -14 * (abs(mpf(size)) or 1)
        found = weights(order) * mp.matrix([mp.re(f(j * step)) for j in range(-NODES, NODES + 1)])
        return [c / step**k if abs(c) > mpf(10) ** -240 else mpf(0) for k, c in enumerate(found)]


def agree(found: list[Any], shares: list[float], exact: list[Any], size: float, limit: float) -> None:
    """Each coefficient within a limit, relative to it and to what a rounding of x makes of it, or what is told."""
    whole = max(abs(c) * mpf(size) ** j for j, c in enumerate(exact))
    for k in range(len(found)):
        condition = abs(exact[k]) + (k + 1) * size * abs(exact[k + 1])
        bound = (limit + 100 * shares[k]) * condition if condition else 1e-12 * whole / mpf(size) ** k
        assert abs(found[k] - exact[k]) <= bound, (k, found[k], exact[k], shares[k])
