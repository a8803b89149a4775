"""A function of numbers on a whole grid: one program for each path that it takes, run on all points of that path."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.codegen import compiled
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Guard, Program, Variable
from diffmagic.core.recording import record
from diffmagic.core.replay import retraced
from diffmagic.core.source import NOWHERE
from diffmagic.core.taylor import finite_series, series
from diffmagic.core.tracing import Trace, concrete

_ONE_BY_ONE = frozenset({np.round, np.around, np.fix, np.isposinf, np.isneginf, np.iscomplex, np.isreal})
_CHUNK = 8192  # so many numbers of each temporary stay near the processor
UNDEFINED = (ArithmeticError, ValueError)
"""What a function raises where it has no value."""


@dataclass(slots=True)
class Grid:
    """A function of numbers, and derivatives of it, at many points at once.

    Where Python's decisions come out otherwise, the function is traced again; so a grid costs as many traces as the
    function has paths. A function that makes arrays of its numbers is traced at each point.

    Attributes
    ----------
    f : callable
        ``f(*numbers)`` returns one real number.
    orders : tuple of int
        For each argument the highest derivative with respect to it alone.
    paths : list of callable
        What is known so far: each gives the rows of `__call__`, and where they hold.
    programs : int
        How often `f` has been traced.
    failure : Exception or None
        What `f` raised at the first point where it is undefined.
    where : tuple of float
        That point.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid(lambda x: x * x if x > 0 else -x, (1,))
    >>> grid(np.array([-1.0, 2.0]))
    array([[ 1.,  4.],
           [-1.,  4.]])
    >>> grid.programs
    2
    """

    f: Callable[..., Any]
    orders: tuple[int, ...]
    paths: list[Callable[..., Any]] = field(default_factory=list, init=False)
    programs: int = field(default=0, init=False)
    failure: Exception | None = field(default=None, init=False)
    where: tuple[float, ...] = field(default=(), init=False)

    def __call__(self, *points: Any) -> Any:
        """The value and the derivatives at points.

        Parameters
        ----------
        *points : ndarray of float, shape (n,)
            One array for each argument.

        Returns
        -------
        ndarray of float, shape (1 + sum(orders), n)
            The value, then the derivatives with respect to each argument, first to last order; NaN where `f` raises an
            error of arithmetic.

        Raises
        ------
        DiffmagicError
            If `f` cannot be traced, or does not return one real number.
        """
        arrays = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in points))
        found = np.full((1 + sum(self.orders), arrays[0].size), np.nan)
        left = np.arange(arrays[0].size)
        with np.errstate(all="ignore"), notes_kept_back():
            for path in self.paths:
                left = _fill(path, arrays, left, found)
            while left.size:
                point = tuple(float(each[left[len(left) // 2]]) for each in arrays)
                here = left[len(left) // 2]
                program = self._traced(point)
                self.programs += program is not None
                if program is not None and left.size > 1 and is_scalar(program):
                    self.paths.append(_path(program, self.orders))
                    left = _fill(self.paths[-1], arrays, left, found)
                if program is not None and here in left:  # arrays do not take its path, or not to the last digit
                    found[:, here] = self._alone(program)
                left = left[left != here]
            for here in np.nonzero(np.isfinite(found[0]) & ~np.isfinite(found).all(axis=0))[0]:
                program = self._traced(tuple(float(each[here]) for each in arrays))
                if program is not None:  # what is not chosen contributes nothing, even where it is infinite
                    found[:, here] = self._alone(program)
            self._explain(found, arrays)
        found[1:, ~np.isfinite(found[0])] = np.nan
        return found

    def _explain(self, found: Any, arrays: Sequence[Any]) -> None:
        """Ask the function itself about the first point without a value: arrays hold NaN where it raises an error."""
        missing = np.nonzero(np.isnan(found[0]))[0]
        if self.failure is None and missing.size:
            point = tuple(float(each[missing[0]]) for each in arrays)
            try:
                self._traced(point)
            except DiffmagicError as error:
                self.failure, self.where = error, point

    def _alone(self, program: Program) -> list[float]:
        """The rows at the point where a program was traced."""
        return [float(concrete(row)) for row in _rows(program, self.orders, finite_series)]

    def _traced(self, point: tuple[float, ...]) -> Program | None:
        """The program at a point; None where `f` is undefined."""
        try:
            recording = record(self.f, range(len(point)), point, {})
        except UNDEFINED as error:
            if self.failure is None:
                self.failure, self.where = error, point
            return None
        value = concrete(recording.value())
        if np.ndim(value) or (not np.isscalar(value) and not isinstance(value, np.ndarray)):
            form = f"an array of shape {np.shape(value)}" if isinstance(value, np.ndarray) else type(value).__name__
            raise DiffmagicError(
                f"the result is {form}, and a curve is drawn of one number", rewrite="np.sum(…), or one element of it"
            )
        if np.iscomplexobj(value):
            raise DiffmagicError(
                f"the result is complex at {', '.join(f'{x:.6g}' for x in point)}, and curves are of real numbers",
                rewrite="np.real(z), np.imag(z) or np.abs(z) of the result, or another range",
            )
        return recording.program


def is_scalar(program: Program) -> bool:
    """Whether a program does the same to each number of an array in place of each of its numbers."""
    return all(
        (equation.primitive.partials or _elementwise_constant(equation.primitive.function))
        and not any(result.shape for result in equation.results)
        and not any(np.ndim(argument) for argument in equation.arguments)
        for equation in program.equations
    )


def _elementwise_constant(function: Any) -> bool:
    return isinstance(function, np.ufunc) or function in _ONE_BY_ONE


def _rows(program: Program, orders: tuple[int, ...], expand: Callable[..., Any]) -> list[Any]:
    """The value and the derivatives of a program's one output, at its own inputs."""
    (out,) = program.outputs
    rows = [out.value if isinstance(out, Variable) else out]
    for variable, order in zip(program.inputs, orders, strict=True):
        if order:
            found = expand(program, {variable: [variable.value, 1.0]}, order).get(out, [None] * (order + 1))
            rows += [0.0 if c is None else c * math.factorial(k) for k, c in enumerate(found) if k]
    return rows


def _path(program: Program, orders: tuple[int, ...]) -> Callable[..., Any]:
    """The rows of a program and where they hold, as generated source for arrays."""
    with Trace() as outer:
        tracers = [outer.input(variable.value, variable.name) for variable in program.inputs]
        again, values = retraced(program, tracers)
        rows = _rows(again, orders, series)
    guards = [*program.guards, *outer.guards]
    decided = [*(values[guard.variable] for guard in program.guards), *(guard.variable for guard in outer.guards)]
    whole = outer.program([tracer._variable for tracer in tracers], [*rows, *decided])
    for equation in whole.equations:  # no names of ours
        equation.origin = NOWHERE
    run = compiled(whole, "numpy")

    def path(*points: Any) -> tuple[list[Any], Any]:
        found = run(*points)
        holds = np.ones(len(points[0]), bool)
        for guard, value in zip(guards, found[len(rows) :], strict=True):
            holds &= _same(guard, value)
        return list(found[: len(rows)]), holds

    return path


def _same(guard: Guard, value: Any) -> Any:
    """Where a decision comes out as it did: a whole number was cut from the value, or it was taken as a truth."""
    value = np.asarray(value)
    if isinstance(guard.value, bool | np.bool_):
        return value.astype(bool) == guard.value
    return np.trunc(value) == guard.value


def _fill(path: Callable[..., Any], arrays: Sequence[Any], left: Any, found: Any) -> Any:
    """Put in what holds of a path; returns the points that take another."""
    others = []
    for start in range(0, left.size, _CHUNK):
        points = left[start : start + _CHUNK]
        chunk = points if left.size < found.shape[1] else slice(start, start + _CHUNK)
        rows, holds = path(*(each[chunk] for each in arrays))
        if holds.all():
            for row, numbers in zip(found, rows, strict=True):
                row[chunk] = numbers
            continue
        for row, numbers in zip(found, rows, strict=True):
            row[points[holds]] = np.broadcast_to(numbers, points.shape)[holds]
        others.append(points[~holds])
    return np.concatenate(others) if others else left[:0]
