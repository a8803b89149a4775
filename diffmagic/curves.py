"""Curves of a function and its derivatives, with their gaps, kinks, roots and extrema, and fields of gradients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import short
from diffmagic.grid import UNDEFINED, Grid
from diffmagic.marks import breaks, edges, extrema, roots, shortest
from diffmagic.results import Curve, Curves, Field, Mark

Function = Callable[..., Any]

POINTS = 401
ACROSS = 61
_MOST_ORDERS = 50
_TOLD = 4
_SNAP = 1e-12  # of the range, or of the values beside: how far from zero, or from a round number, is no distance
_RELATIVE = 1e-9
_SMALLEST = 1e-290


def curves(
    f: Function,
    low: float,
    high: float,
    *,
    order: int = 1,
    points: int = POINTS,
    marks: Collection[str] = (),
    family: tuple[str, Sequence[float]] | None = None,
    wrt: str = "x",
    of: str = "",
) -> Curves:
    """A function of one number and its derivatives, from `low` to `high`.

    Parameters
    ----------
    f : callable
        ``f(x)``, or ``f(x, member)`` of a family, returns one real number.
    low, high : float
    order : int
        How many derivatives: up to 50.
    points : int
        How many points there are, evenly spaced. Ends of gaps, kinks and jumps come besides.
    marks : collection of {"roots", "extrema"}
        What to look for besides kinks, jumps and poles.
    family : pair of str and sequence of float, optional
        What a second argument is called, and its values: there is a curve for each.
    wrt, of : str
        What the input and the result are called.

    Returns
    -------
    Curves

    Raises
    ------
    DiffmagicError
        If `f` cannot be traced or is not real, or is undefined on all of the range.

    Examples
    --------
    >>> found = curves(lambda x: abs(x - 1), 0.0, 3.0, marks=["extrema"])
    >>> [(mark.kind, mark.x) for mark in found.curves[0].marks]
    [('kink', 1.0), ('minimum', 1.0)]
    >>> [curve.label for curve in curves(lambda x, a: a * x, 0.0, 1.0, family=("a", [1.0, 2.0])).curves]
    ['a = 1.0', 'a = 2.0']
    """
    _check(low, high, order, points)
    name, members = family or ("", [])
    grid = Grid(f, (order, 0) if family else (order,))
    found = Curves(of, wrt, order, [])
    digits = next((d for d in range(6, 17) if len({short(value, d) for value in members}) == len(set(members))), 17)
    for member in [(value,) for value in members] if family else [()]:

        def rows(x: Any, member: tuple[float, ...] = member) -> Any:
            return grid(x, *(np.full(np.shape(x), value) for value in member))

        curve = curve_of(rows, spaced(low, high, points), marks)
        curve.label = f"{name} = {short(*member, digits)}" if member else ""
        found.curves.append(curve)
        found.notes += _missing(curve, wrt, grid)
    found.programs = grid.programs
    return found


def field_of(
    f: Function,
    across: tuple[float, float],
    up: tuple[float, float],
    *,
    points: int = ACROSS,
    wrt: tuple[str, str] = ("x", "y"),
    of: str = "",
) -> Field:
    """A function of two numbers and its gradient over a rectangle.

    Parameters
    ----------
    f : callable
        ``f(x, y)`` returns one real number.
    across, up : pair of float
        The ranges of x and y.
    points : int
        How many points there are along each side.
    wrt, of : str
        What the inputs and the result are called.

    Returns
    -------
    Field

    Examples
    --------
    >>> found = field_of(lambda x, y: x * y, (0.0, 1.0), (0.0, 2.0), points=3)
    >>> found.value[2].tolist(), found.gradient[0, 2].tolist()
    ([0.0, 1.0, 2.0], [2.0, 2.0, 2.0])
    """
    for low, high in (across, up):
        _check(low, high, 1, points, 1_000)
    x, y = spaced(*across, points), spaced(*up, points)
    grid = Grid(f, (1, 1))
    value, *gradient = grid(*(each.ravel() for each in np.meshgrid(x, y))).reshape(3, points, points)
    missing = int(np.sum(~np.isfinite(value)))
    if missing == value.size:
        raise nothing(grid)
    notes = [f"there is no value at {missing:,} of {value.size:,} points{_why(grid)}"] if missing else []
    return Field(of, wrt, x, y, value, np.stack(gradient), grid.programs, notes)


def curve_of(grid: Callable[[Any], Any], x: Any, marks: Collection[str] = ()) -> Curve:
    """A curve through points, cut where it breaks.

    Parameters
    ----------
    grid : callable
        ``grid(x)`` gives the rows of `Curve`'s `y`.
    x : ndarray of float
        Increasing.
    marks : collection of {"roots", "extrema"}
    """
    y = grid(x)
    if not np.isfinite(y[0]).any():
        return Curve("", x, y, gaps=[(float(x[0]), float(x[-1]))])
    gaps, ends = _gaps(x, np.isfinite(y[0])), edges(grid, x, y)
    cuts = breaks(grid, x, y)
    beside = np.asarray([*ends, *(side for _, left, right in cuts for side in (left, right))])
    if beside.size:
        x, y = np.concatenate([x, beside]), np.concatenate([y, grid(beside)], axis=1)
        x, y = x[np.argsort(x)], y[:, np.argsort(x)]
    for _, left, right in cuts:  # a point on the kink itself belongs to neither side
        apart = (x <= left) | (x >= right)
        x, y = x[apart], y[:, apart]
    found = [mark for mark, _, _ in cuts]
    places = np.asarray([0.5 * (left + right) for _, left, right in cuts])
    found += extrema(grid, x, y, places, found) if marks else []
    found = _at_the_place(grid, found, x, y[0])
    if "roots" in marks:
        crossings = roots(grid, x, y, places)
        touching = dict.fromkeys(mark.x for mark in found if mark.y == 0 and mark.kind != "jump")
        found += [*(root for root in crossings if root.x not in touching), *(Mark("root", x, 0.0) for x in touching)]
    if "extrema" not in marks:
        found = [mark for mark in found if mark.kind not in ("minimum", "maximum")]
    where = np.searchsorted(x, places)
    x, y = np.insert(x, where, places), np.insert(y, where, np.nan, axis=1)
    poles = [mark.x for mark in found if mark.kind == "pole"]
    gaps = [_exact(gap, ends, x[-1] - x[0]) for gap in gaps if gap[0] < gap[1] or gap[0] not in poles]
    return Curve("", x, y, sorted(found, key=lambda mark: (mark.x, mark.kind)), gaps)


def _at_the_place(grid: Callable[[Any], Any], marks: list[Mark], x: Any, y: Any) -> list[Mark]:
    """Kinks and extrema with the value that the function has there; what is nothing beside its neighbours is zero."""
    found = []
    for mark in marks:
        if mark.kind in ("kink", "minimum", "maximum"):
            there = float(grid(np.asarray([mark.x]))[0, 0])
            value = there if np.isfinite(there) else mark.y
            apart = np.abs(x - mark.x) > 1e-6 * (x[-1] - x[0])
            beside = np.abs(y[apart])[np.argsort(np.abs(x - mark.x)[apart])[:2]]
            mark = replace(mark, y=0.0 if abs(value) <= _SNAP * np.min(beside, initial=np.inf) else value)
        found.append(mark)
    return found


def _gaps(x: Any, defined: Any) -> list[tuple[float, float]]:
    """The first and the last point of each stretch without a value."""
    change = np.diff(np.concatenate([[0], ~defined, [0]]).astype(int))
    (first,), (last,) = np.nonzero(change > 0), np.nonzero(change < 0)
    return [(float(x[k]), float(x[m - 1])) for k, m in zip(first, last, strict=True)]


def _exact(gap: tuple[float, float], ends: Any, width: float) -> tuple[float, float]:
    """A gap with its ends as they were found between the points."""
    low, high = gap
    if low < high:
        low, high = max(ends[ends < low], default=low), min(ends[ends > high], default=high)
    return shortest(float(low), _SNAP * width), shortest(float(high), _SNAP * width)


def sampled(
    differentiate: Callable[[float, int], tuple[float, float]], x: Any, orders: Sequence[int], label: str
) -> Curve:
    """Values and derivatives that are found point by point.

    Parameters
    ----------
    differentiate : callable
        ``differentiate(x, order)`` returns the value and the derivative; where it cannot, there is a gap.
    x : ndarray of float, shape (n,)
    orders : sequence of int
    label : str
        The method's name.

    Returns
    -------
    Curve
        Its rows are the value and the derivatives of these orders.
    """
    y = np.full((1 + len(orders), x.size), np.nan)
    for k, point in enumerate(x):
        for row, order in enumerate(orders, start=1):
            with suppress(*UNDEFINED, DiffmagicError):
                value, derivative = differentiate(float(point), order)
                if not np.iscomplexobj(value):
                    y[0, k], y[row, k] = value, derivative
    return Curve(label, x, y)


def spaced(low: float, high: float, points: int) -> Any:
    """Evenly spaced numbers; a range around zero has zero in its middle.

    Examples
    --------
    >>> spaced(-7.0, 7.0, 401)[200]
    np.float64(0.0)
    """
    k = np.arange(points)
    x = (low * (points - 1 - k) + high * k) / (points - 1)
    x[[0, -1]] = low, high
    return x


def check_range(low: float, high: float) -> None:
    """Refuse what is no range.

    Raises
    ------
    DiffmagicError
        If it is not finite, or empty, or so short that there are hardly any numbers in it.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise DiffmagicError(f"{low:.6g}:{high:.6g} is no range", rewrite="two numbers, the lower first: -3:3")
    if not high - low > max(_RELATIVE * max(abs(low), abs(high)), _SMALLEST) or not np.isfinite(high - low):
        raise DiffmagicError(
            f"{low:.17g}:{high:.17g} cannot be divided into points", rewrite="ends that are further apart"
        )


def _check(low: float, high: float, order: int, points: int, most: int = 1_000_000) -> None:
    check_range(low, high)
    if not 2 <= points <= most:
        raise DiffmagicError(f"a curve cannot have {points} points", rewrite=f"between 2 and {most:,}")
    if not 0 <= order <= _MOST_ORDERS:
        raise DiffmagicError(f"a curve of order {order} cannot be drawn", rewrite=f"an order up to {_MOST_ORDERS}")


def _missing(curve: Curve, wrt: str, grid: Grid) -> list[str]:
    """Where a curve has no value."""
    whose = f" for {curve.label}" if curve.label else ""
    if not np.isfinite(curve.y[0]).any():
        raise nothing(grid, whose)
    places = [
        f"at {wrt} = {short(low, 6)}" if low == high else f"from {wrt} = {short(low, 6)} to {short(high, 6)}"
        for low, high in curve.gaps
    ]
    told = ", ".join(places[:_TOLD]) + (f" and {len(places) - _TOLD} more" if len(places) > _TOLD else "")
    return [f"there is no value {told}{whose}{_why(grid)}"] if places else []


def nothing(grid: Grid, whose: str = "") -> DiffmagicError:
    """What to raise for a function that has no value anywhere."""
    rewrite = grid.failure.rewrite if isinstance(grid.failure, DiffmagicError) else "another range"
    return DiffmagicError(f"there is no value on all of the range{whose}{_why(grid)}", rewrite=rewrite)


def _why(grid: Grid) -> str:
    """What the function says where it is undefined."""
    if grid.failure is None:
        return ""
    if isinstance(grid.failure, DiffmagicError):
        return f": {grid.failure.reason}"
    place = ", ".join(short(x, 6) for x in grid.where)
    return f": at {place} it raises {type(grid.failure).__name__}: {grid.failure}"
