"""A function of one number, evaluated where a method asks: counted, inside its bounds, in one call if it can."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from diffmagic.core.errors import DiffmagicError
from diffmagic.results import Trial

_PATIENCE = 2.0  # seconds before a progress bar appears
_ENOUGH = 5  # points; for fewer, to find out whether one call does for all costs more than it saves
_ULPS = 8 * np.finfo(float).eps  # how far one call for many points may be from a call for each


class BudgetUsedError(Exception):
    """The evaluations that were allowed are used up."""


@dataclass(slots=True)
class Estimate:
    """What a numerical method finds along one line.

    Attributes
    ----------
    derivative, error : ndarray
        One for each number of the result, and how far it may be from the truth.
    step : float
    trials : list of Trial
    account : str
        What was done, in plain words.
    notes : list of str
        What is right and may still surprise.
    """

    derivative: Any
    error: Any
    step: float
    trials: list[Trial] = field(default_factory=list)
    account: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Effort:
    """Evaluations and calls so far, the budget for them, and a progress bar when it takes long.

    Attributes
    ----------
    lines : int
        What the progress is counted in if there are several; otherwise in evaluations.
    budget : float
        How many evaluations are allowed.
    evaluations, calls : int
    """

    lines: int = 1
    budget: float = np.inf
    evaluations: int = 0
    calls: int = 0
    _line: int = 0
    _limit: float = np.inf
    _start: float = field(default_factory=time.monotonic)
    _bar: Any = None

    def next_line(self) -> None:
        """Another line begins: it may use an equal share of what is left."""
        self._limit = self.evaluations + (self.budget - self.evaluations) / (self.lines - self._line)
        self._line += 1

    def spend(self, points: int) -> None:
        """Stop a method whose next points would be too many."""
        if self.evaluations + points > self._limit:
            raise BudgetUsedError

    def count(self, points: int) -> None:
        """One call, for so many points."""
        self.calls += 1
        self.evaluations += points
        if time.monotonic() - self._start > _PATIENCE:
            self._show()

    def _show(self) -> None:
        if self._bar is None:
            try:
                from tqdm import tqdm
            except ImportError:
                self._start = np.inf
                return
            several = self.lines > 1
            self._bar = tqdm(
                total=self.lines if several else None,
                unit=" lines" if several else " evaluations",
                desc="differentiating",
                leave=False,
                file=sys.stderr,
            )
        self._bar.update((self._line - 1 if self.lines > 1 else self.evaluations) - self._bar.n)

    def close(self) -> None:
        """Take the progress bar away."""
        if self._bar is not None:
            self._bar.close()


@dataclass(slots=True, eq=False)
class Sampler:
    """A function of one real or complex number with a vector of results.

    ``sampler(points)`` gives an array with a row for each point and a column for each number of the result. What
    cannot be had is NaN: outside the bounds, where the function stops, is not finite, or is complex at a real point.

    Attributes
    ----------
    function : callable
        From a number to the list of numbers and arrays in the result; perhaps from an array of numbers as well.
    point : float
    value : ndarray
        The numbers of the result at the point.
    shapes : list of tuple
        What they are put together from.
    effort : Effort
    eps : float or ndarray
        How precise the values' types are.
    lower, upper : float
        Where the function may be evaluated.
    reach : float
        How far from the point a method may go to find the scale on which the function changes.
    vectorised : bool or None
        Whether one call does for many points; None until it is tried.
    """

    function: Callable[[Any], list[Any]]
    point: float
    value: Any
    shapes: list[tuple[int, ...]]
    effort: Effort = field(default_factory=Effort)
    eps: Any = np.finfo(float).eps
    lower: float = -np.inf
    upper: float = np.inf
    reach: float = np.inf
    vectorised: bool | None = None

    def __call__(self, points: Any) -> Any:
        points = np.asarray(points)
        is_complex = points.dtype.kind == "c"
        rows = np.full((len(points), len(self.value)), np.nan, complex if is_complex else float)
        inside = np.isfinite(points) & (self.lower <= points.real) & (points.real <= self.upper)
        if not inside.any():
            return rows
        self.effort.spend(int(np.count_nonzero(inside)))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if is_complex:
                warnings.simplefilter("error", ComplexWarning)  # an imaginary part thrown away is a wrong number
            rows[inside] = self._rows(points[inside])
        rows[~np.isfinite(rows)] = complex(np.nan, np.nan) if is_complex else np.nan
        return rows

    def _rows(self, points: Any) -> Any:
        if len(points) >= _ENOUGH and self.vectorised is not False:
            together = self._together(points)
            if self.vectorised is None:
                self.vectorised = together is not None and self._confirmed(points, together)
            if self.vectorised and together is not None:
                return together
        return np.array([self._alone(t) for t in points.tolist()])

    def _together(self, points: Any) -> Any:
        """All rows from one call; None if that is not what the function does."""
        if any(self.shapes):
            return None
        try:
            leaves = self.function(points.copy())
        except Exception:  # whatever the user's function raises when it is given an array
            leaves = []
        if len(leaves) != len(self.shapes) or any([np.shape(leaf) != points.shape for leaf in leaves]):
            self.effort.count(1)
            return None
        self.effort.count(len(points))
        return _as_real(np.stack(leaves, axis=1), points)

    def _confirmed(self, points: Any, rows: Any) -> bool:
        """Whether the first and the last finite row are what the function gives at those points alone."""
        finite = np.flatnonzero(np.isfinite(rows).all(axis=1))
        if len(finite) < 2:
            return False
        for k in finite[[0, -1]]:
            alone = self._alone(points[k].item())
            if not np.all(np.abs(rows[k] - alone) <= _ULPS * np.abs(alone)):
                return False
        return True

    def _alone(self, t: complex) -> Any:
        nothing = np.full(len(self.value), np.nan)
        try:
            leaves = self.function(t)
        except Exception:  # whatever the user's function raises beside the point
            return nothing
        finally:
            self.effort.count(1)
        if not leaves:  # None
            return nothing
        shapes = [np.shape(leaf) for leaf in leaves]
        if shapes != self.shapes:
            raise DiffmagicError(
                f"the result has {_in_words(self.shapes)} at {self.point:.6g} and {_in_words(shapes)} at {t:.6g}",
                rewrite="a function whose result has the same shape everywhere",
            )
        row = np.concatenate([np.ravel(leaf) for leaf in leaves]) if any(shapes) else np.array(leaves)
        return _as_real(row, t) if row.dtype.kind in "biufc" else nothing


def _as_real(rows: Any, points: Any) -> Any:
    """Results in double precision; at real points they are real, as x**1.5 below zero is not."""
    if np.iscomplexobj(rows) and not np.iscomplexobj(points):
        rows = np.where(rows.imag == 0, rows.real, np.nan)
    return rows.astype(complex if np.iscomplexobj(rows) else float, copy=False)


def _in_words(shapes: list[tuple[int, ...]]) -> str:
    return f"shape {shapes[0]}" if len(shapes) == 1 else f"{len(shapes)} parts of shapes {', '.join(map(str, shapes))}"
