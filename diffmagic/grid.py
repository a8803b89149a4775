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
from diffmagic.core.program import Equation, Guard, Program, Variable, short
from diffmagic.core.recording import record
from diffmagic.core.replay import retraced
from diffmagic.core.source import NOWHERE
from diffmagic.core.taylor import finite_series, series
from diffmagic.core.tracing import Trace, concrete

_ONE_BY_ONE = frozenset({np.round, np.around, np.fix, np.isposinf, np.isneginf, np.iscomplex, np.isreal})
_ONE_BY_ONE |= {math.floor, math.ceil, math.trunc, math.isnan, math.isinf, math.isfinite}
_ALONE = 20_000  # so many points can be waited for
_DOUBTS = 5  # so many times a path may be wrong before each point is traced on its own
_SAMPLE = 4
_MENDED = 1_000
_CHUNK = 8192  # so many numbers of each temporary stay near the processor
UNDEFINED = (ArithmeticError, AssertionError, ValueError)
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
    paths : list of Path
        What is known so far.
    programs : int
        How often `f` has been traced.
    doubts : int
        How many paths were given up, as `f` gave other values at a sample of their points.
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
    paths: list[Path] = field(default_factory=list, init=False)
    programs: int = field(default=0, init=False)
    doubts: int = field(default=0, init=False)
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
            error of arithmetic, or is complex.

        Raises
        ------
        DiffmagicError
            If `f` cannot be traced, or does not return one number, or there are too many points to trace it at each.
        """
        arrays = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in points))
        found = np.full((1 + sum(self.orders), arrays[0].size), np.nan)
        left = np.arange(arrays[0].size)
        with np.errstate(all="ignore"), notes_kept_back():
            for path in self.paths:
                left = path.fill(arrays, left, found)
            while left.size:
                here = left[len(left) // 2]
                program = self._traced(_at(arrays, here))
                if program is None:
                    left = self._without_value(arrays, left[left != here])
                    continue
                self.programs += 1
                left = self._along(program, arrays, left, found)
                if here in left:  # arrays do not take its path, or not to the last digit
                    found[:, here] = self._alone(program)
                    left = left[left != here]
            self._mend(arrays, found)
        found[1:, ~np.isfinite(found[0])] = np.nan
        return found

    def _along(self, program: Program, arrays: Sequence[Any], left: Any, found: Any) -> Any:
        """Put in what takes the path of a program; returns the points that do not."""
        if left.size == 1:
            return left
        if self.doubts > _DOUBTS or not is_scalar(program):
            if left.size > _ALONE:
                raise DiffmagicError(
                    f"the function has to be traced at each of {left.size:,} points, as it makes arrays of its "
                    "numbers, or takes decisions that leave no trace",
                    rewrite=f"at most {_ALONE:,} points",
                )
            return left
        try:
            path = path_of(program, self.orders)
        except DiffmagicError:  # a function of Python's that does not take arrays
            self.doubts = _DOUBTS + 1
            return left
        before = found[:, left].copy()
        rest = path.fill(arrays, left, found)
        taken = np.setdiff1d(left, rest, assume_unique=True)
        sample = taken[np.linspace(0, taken.size - 1, _SAMPLE).astype(int)] if taken.size else taken
        values = [self._value(_at(arrays, k)) for k in sample]
        if np.allclose(found[0, sample], values, rtol=1e-9, atol=1e-300, equal_nan=True):
            self.paths.append(path)
            return rest
        found[:, left] = before  # an exception that was caught, or a text that was read, leaves no guard
        self.doubts += 1
        return left

    def _without_value(self, arrays: Sequence[Any], left: Any) -> Any:
        """Of the points beside one where `f` has no value those that may have one: none, if a sample has none."""
        sample = left[np.linspace(0, left.size - 1, _SAMPLE).astype(int)] if left.size else left
        return left if any(np.isfinite(self._value(_at(arrays, k))) for k in sample) else left[:0]

    def _mend(self, arrays: Sequence[Any], found: Any) -> None:
        """What is not chosen contributes nothing, even where it is infinite: that is known at single points only."""
        for here in np.nonzero(np.isfinite(found[0]) & ~np.isfinite(found).all(axis=0))[0][:_MENDED]:
            program = self._traced(_at(arrays, here))
            if program is not None:
                found[:, here] = self._alone(program)

    def _alone(self, program: Program) -> list[float]:
        """The rows at the point where a program was traced."""
        return [float(concrete(row)) for row in _rows(program, self.orders, finite_series)]

    def _value(self, point: tuple[float, ...]) -> float:
        """What `f` itself gives."""
        try:
            value = self.f(*point)
        except UNDEFINED:
            return np.nan
        return np.nan if np.iscomplexobj(value) else float(value)

    def _traced(self, point: tuple[float, ...]) -> Program | None:
        """The program at a point; None where `f` has no value."""
        failure: Exception
        try:
            recording = record(self.f, range(len(point)), point, {})
            value = concrete(recording.value())
            if not np.iscomplexobj(value):
                return _with_one_number(recording.program, value)
            place = ", ".join(short(x, 6) for x in point)
            failure = DiffmagicError(
                f"the result is complex at {place}, and curves are of real numbers",
                rewrite="np.real(z), np.imag(z) or np.abs(z) of the result, or another range",
            )
        except UNDEFINED as error:
            failure = error
        if self.failure is None:
            self.failure, self.where = failure, point
        return None


def _at(arrays: Sequence[Any], k: int) -> tuple[float, ...]:
    return tuple(float(each[k]) for each in arrays)


def _with_one_number(program: Program, value: Any) -> Program:
    if np.ndim(value) or (not np.isscalar(value) and not isinstance(value, np.ndarray)):
        form = f"an array of shape {np.shape(value)}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        raise DiffmagicError(
            f"the result is {form}, and a curve is drawn of one number", rewrite="np.sum(…), or one element of it"
        )
    return program


def is_scalar(program: Program) -> bool:
    """Whether a program does the same to each number of an array in place of each of its numbers."""
    return all(map(_is_one_by_one, program.equations))


def _is_one_by_one(equation: Equation) -> bool:
    primitive, arguments = equation.primitive, equation.arguments
    if any(result.shape for result in equation.results) or any(map(np.ndim, arguments)):
        return False
    if not primitive.partials:
        return isinstance(primitive.function, np.ufunc) or primitive.function in _ONE_BY_ONE
    return not all(
        type(each) in (bool, np.bool_) for each in arguments
    )  # Python's truths add up, arrays of them do not


def _rows(program: Program, orders: tuple[int, ...], expand: Callable[..., Any]) -> list[Any]:
    """The value and the derivatives of a program's one output, at its own inputs."""
    (out,) = program.outputs
    rows = [out.value if isinstance(out, Variable) else out]
    for variable, order in zip(program.inputs, orders, strict=True):
        if order:
            found = expand(program, {variable: [variable.value, 1.0]}, order).get(out, [None] * (order + 1))
            rows += [0.0 if c is None else c * math.factorial(k) for k, c in enumerate(found) if k]
    return rows


@dataclass(frozen=True, slots=True)
class Path:
    """A program of numbers, run on arrays of them.

    Attributes
    ----------
    run : callable
        It returns the rows, and the values that decisions were taken on.
    rows : int
        How many there are.
    guards : list of Guard
        What has to be decided in the same way.
    undefined : bool
        Whether the value is not finite where it was traced. If it is, arrays may be where the function raises an error.
    """

    run: Callable[..., tuple[Any, ...]]
    rows: int
    guards: list[Guard]
    undefined: bool

    def fill(self, arrays: Sequence[Any], left: Any, found: Any) -> Any:
        """Put in what takes this path; returns the points that take another."""
        others = []
        for start in range(0, left.size, _CHUNK):
            points = left[start : start + _CHUNK]
            chunk = points if left.size < found.shape[1] else slice(start, start + _CHUNK)
            values = self.run(*(each[chunk] for each in arrays))
            rows, holds = values[: self.rows], np.ones(points.size, bool)
            for guard, value in zip(self.guards, values[self.rows :], strict=True):
                holds &= _same(guard, value)
            if not self.undefined:
                holds &= np.isfinite(rows[0])
            if holds.all():
                for row, numbers in zip(found, rows, strict=True):
                    row[chunk] = numbers
                continue
            for row, numbers in zip(found, rows, strict=True):
                row[points[holds]] = np.broadcast_to(numbers, points.shape)[holds]
            others.append(points[~holds])
        return np.concatenate(others) if others else left[:0]


def path_of(program: Program, orders: tuple[int, ...]) -> Path:
    """The path of a program, with its derivatives, as generated source for arrays."""
    with Trace() as outer:
        tracers = [outer.input(variable.value, variable.name) for variable in program.inputs]
        again, values = retraced(program, tracers)
        rows = _rows(again, orders, series)
    guards = [*program.guards, *outer.guards]
    decided = [*(values[g.variable]._value for g in program.guards), *(g.variable for g in outer.guards)]
    whole = outer.program([tracer._variable for tracer in tracers], [*rows, *decided])
    for equation in whole.equations:  # no names of ours
        equation.origin = NOWHERE
    (out,) = program.outputs
    undefined = not np.isfinite(concrete(out.value if isinstance(out, Variable) else out))
    return Path(compiled(whole, "numpy"), len(rows), guards, undefined)


def _same(guard: Guard, value: Any) -> Any:
    """Where a decision comes out as it did: a whole number was cut from the value, or it was taken as a truth."""
    value = np.asarray(value)
    if isinstance(guard.value, bool | np.bool_):
        return value.astype(bool) == guard.value
    return np.trunc(value) == guard.value
