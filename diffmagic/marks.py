"""Places on a curve: where it ends, breaks or bends sharply, its roots and its extrema.

All of them come from values and slopes. A stretch between two points is halved again and again towards what is looked
for, on all stretches at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from diffmagic.results import Mark

Rows = Callable[[Any], Any]
"""The value, and the derivatives from the first on, at points: shape (1 + order, n)."""

_SPLIT = 0.47  # not the middle, which is often a special point itself
_HALVINGS = 60
_NARROW = 1e-9  # of the range: how short a stretch with a break becomes before it is looked at
_ULPS = 64**2 * 4e-16  # of the largest place: for two levels below the narrow one there must be numbers left
_SUSPECT = 0.35  # halved, a smooth stretch bends a quarter as much, one with a kink half as much


def edges(rows: Rows, x: Any, y: Any) -> Any:
    """The ends of the stretches where a function is defined, towards gaps of more than one point.

    Parameters
    ----------
    rows : callable
    x : ndarray of float, shape (n,)
        Increasing.
    y : ndarray of float, shape (1 + order, n)

    Returns
    -------
    ndarray of float
        The last points that have a value.
    """
    finite = np.isfinite(y[0])
    lonely = ~finite & np.r_[False, finite[:-1]] & np.r_[finite[1:], False]
    known = finite | lonely
    (k,) = np.nonzero(known[1:] != known[:-1])
    inside, outside = np.where(finite[k], x[k], x[k + 1]), np.where(finite[k], x[k + 1], x[k])
    for _ in range(_HALVINGS if k.size else 0):
        middle = 0.5 * (inside + outside)
        defined = np.isfinite(rows(middle)[0])
        inside, outside = np.where(defined, middle, inside), np.where(defined, outside, middle)
    return inside


def breaks(rows: Rows, x: Any, y: Any) -> list[tuple[Mark, float, float]]:
    """The poles, kinks and jumps between points, each with the points beside it on the left and the right.

    As a stretch becomes shorter, the change of value and slope along it goes to zero where the function is smooth. At a
    kink the change of slope stays, at a jump the change of value, and towards a pole the value never stops growing.
    """
    finite = np.isfinite(y[:2]).all(axis=0)
    points = np.concatenate([x[None], y[:2]])[:, finite]
    if points.shape[1] < 2:
        return []
    length = np.diff(points[0])
    near = length <= 2.5 * np.median(length)  # what is wider is a gap
    a, b = points[:, :-1][:, near], points[:, 1:][:, near]
    width = max(_NARROW * (points[0, -1] - points[0, 0]), _ULPS * float(np.max(np.abs(points[0]))))
    found = _distinct([*_poles(rows, a, b, width), *_kinks_and_jumps(rows, a, b, width)], 3 * width)
    return [(_leapt(rows, *each) if each[0].kind == "jump" else each[0], *each[1:]) for each in found]


def _leapt(rows: Rows, mark: Mark, left: float, right: float) -> Mark:
    """A jump with the mean of the values on its two sides."""
    before, after = rows(np.asarray([left, right]))[0]
    return replace(mark, y=shortest(float(0.5 * (before + after)), 1e-6 * abs(float(after - before))))


def _poles(rows: Rows, a: Any, b: Any, width: float) -> Iterator[tuple[Mark, float, float]]:
    """Where the value or the slope changes its sign, and the value grows without end."""
    for row in (1, 2):
        crosses = np.sign(a[row]) * np.sign(b[row]) < 0
        ends = [(a[:, crosses], b[:, crosses])]
        for narrow in (width, width / 64, width / 64**2):
            ends.append(_towards_zero(rows, *ends[-1], row, narrow))
        heights = np.asarray([np.minimum(np.abs(left[1]), np.abs(right[1])) for left, right in ends[1:]])
        first, second = np.diff(heights, axis=0)
        (left, right), grows = ends[-1], (first > 0) & (second > 0.5 * first) & (second > 1e-6 * heights[0])
        for k in np.nonzero(grows)[0]:
            where = shortest(0.5 * (left[0, k] + right[0, k]), width)
            yield Mark("pole", where, np.nan), float(left[0, k]), float(right[0, k])


def _towards_zero(rows: Rows, a: Any, b: Any, row: int, width: float) -> tuple[Any, Any]:
    """Stretches shortened until they are so narrow, with a change of sign in each."""
    for _ in range(_HALVINGS):
        if not a.size or np.max(b[0] - a[0]) <= width:
            break
        m = _between(rows, a, b)
        same = np.sign(m[row]) == np.sign(a[row])
        a, b = np.where(same, m, a), np.where(same, b, m)
    return a, b


def _between(rows: Rows, a: Any, b: Any) -> Any:
    """A point on each stretch."""
    middle = a[0] + _SPLIT * (b[0] - a[0])
    m = np.concatenate([middle[None], rows(middle)[:2]])
    return np.where(np.isfinite(m).all(axis=0), m, b)


def _kinks_and_jumps(rows: Rows, a: Any, b: Any, width: float) -> Iterator[tuple[Mark, float, float]]:
    a, b, before, after = _halved(rows, a, b)
    suspect = (after > _SUSPECT * before) & (before > 1e-13 * (np.abs(a[1]) + np.abs(b[1])))
    a, b = _narrowed(rows, a[:, suspect], b[:, suspect], width)
    c, d = _narrowed(rows, a, b, width / 64)
    for ends in zip(a.T, b.T, c.T, d.T, strict=True):
        mark = _break(*ends)
        if mark:
            yield mark, float(ends[2][0]), float(ends[3][0])


def _narrowed(rows: Rows, a: Any, b: Any, width: float) -> tuple[Any, Any]:
    for _ in range(_HALVINGS):
        if not a.size or np.max(b[0] - a[0]) <= width:
            break
        a, b, _, _ = _halved(rows, a, b)
    return a, b


def _halved(rows: Rows, a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """The part of each stretch that bends more, and how much the whole and that part bend."""
    m = _between(rows, a, b)
    whole, left, right = _bend(a, b), _bend(a, m), _bend(m, b)
    rightwards = right > left
    return np.where(rightwards, m, a), np.where(rightwards, b, m), whole, np.maximum(left, right)


def _bend(a: Any, b: Any) -> Any:
    """How far a stretch is from a straight line."""
    length = b[0] - a[0]
    return np.abs(b[1] - a[1] - 0.5 * length * (a[2] + b[2])) + length * np.abs(b[2] - a[2])


def _break(a: Any, b: Any, c: Any, d: Any) -> Mark | None:
    """What is between a and b, and still between c and d, which are much closer; None if it is smooth."""
    (left, value, slope), (right, other, slope_after) = c, d
    length, leap = right - left, abs(other - value)
    stays = leap > 0.5 * abs(b[1] - a[1]) > 1e-12 * (abs(value) + abs(other))
    if stays and leap > 2 * length * max(abs(slope), abs(slope_after)):
        return Mark("jump", shortest(0.5 * (left + right), length), float(value))
    steeper = abs(slope * slope_after) > 4 * abs(a[2] * b[2])
    upright = steeper and slope * slope_after > 0  # a tangent that stands upright is no kink, a cusp is
    if abs(slope_after - slope) > 0.5 * abs(b[2] - a[2]) > 1e-9 * (abs(slope) + abs(slope_after)) and not upright:
        meeting = left + (other - value - slope_after * length) / (slope - slope_after)  # of the tangents
        meeting = float(np.clip(meeting, left, right))
        near = min(meeting - left, right - meeting, 1e-3 * length)
        where = _roundest(float(left), float(right)) if steeper else shortest(meeting, near)
        return Mark("kink", where, float(value + slope * (where - left)))
    return None


def _roundest(low: float, high: float) -> float:
    """The shortest number between two."""
    if low <= 0 <= high:
        return 0.0
    shorter = (float(f"{0.5 * (low + high):.{digits}e}") for digits in range(17))
    return next((number for number in shorter if low <= number <= high), 0.5 * (low + high))


def shortest(x: float, width: float) -> float:
    """The shortest number that is no further than a width."""
    if abs(x) <= width:
        return 0.0
    shorter = (float(f"{x:.{digits}e}") for digits in range(17))
    return next((number for number in shorter if abs(number - x) <= width), x)


def _distinct(found: list[tuple[Mark, float, float]], width: float) -> list[tuple[Mark, float, float]]:
    """Breaks that two neighbouring stretches met, once."""
    kept: list[tuple[Mark, float, float]] = []
    for mark, left, right in sorted(found, key=lambda each: each[1]):
        if kept and left - kept[-1][2] <= width:
            first = kept[-1]
            kept[-1] = (mark if mark.kind == "pole" else first[0], first[1], max(right, first[2]))
        else:
            kept.append((mark, left, right))
    return kept


def roots(rows: Rows, x: Any, y: Any, gaps: Any) -> list[Mark]:
    """Where the value is zero: at points, and where its sign changes without a break.

    Parameters
    ----------
    rows : callable
    x : ndarray of float, shape (n,)
        Increasing.
    y : ndarray of float, shape (1 + order, n)
    gaps : ndarray of float
        Where the curve breaks.
    """
    places = [*x[(y[0] == 0) & ~_flat(y[0])], *_crossings(rows, x, y, 0, gaps)]
    return [Mark("root", float(where) + 0.0, 0.0) for where in places]


def extrema(rows: Rows, x: Any, y: Any, gaps: Any, marks: Sequence[Mark]) -> list[Mark]:
    """Where the slope changes its sign, at kinks, too; `marks` has these."""
    kinks = [mark for mark in marks if mark.kind == "kink"]
    places = np.asarray([*x[(y[1] == 0) & ~_flat(y[1])], *_crossings(rows, x, y, 1, gaps)])
    found = []
    for where, value in zip(places, rows(places)[0], strict=True) if places.size else ():
        before, after = _beside(x, y[1], where)
        if np.sign(before) * np.sign(after) < 0 and np.isfinite(value):
            found.append(Mark("minimum" if before < 0 else "maximum", float(where) + 0.0, float(value)))
    for kink in kinks:
        before, after = _beside(x, y[1], kink.x)
        if np.sign(before) * np.sign(after) < 0:
            found.append(Mark("minimum" if before < 0 else "maximum", kink.x, kink.y))
    return found


def _flat(values: Any) -> Any:
    """The zeros that have a zero beside them: a function that is zero on a stretch has no roots there."""
    zero = values == 0
    return (zero & np.r_[False, zero[:-1]]) | (zero & np.r_[zero[1:], False])


def _beside(x: Any, values: Any, where: float) -> tuple[float, float]:
    """The values at the nearest points on the left and the right that are not zero themselves."""
    left, right = values[(x < where) & (values != 0)], values[(x > where) & (values != 0)]
    return (float(left[-1]) if left.size else 0.0), (float(right[0]) if right.size else 0.0)


def _crossings(rows: Rows, x: Any, y: Any, row: int, gaps: Any) -> Any:
    """Where a row changes its sign between two points with no break between them."""
    values = y[row]
    with np.errstate(invalid="ignore"):
        crosses = np.isfinite(values[1:]) & np.isfinite(values[:-1]) & (np.sign(values[1:]) * np.sign(values[:-1]) < 0)
    broken = np.searchsorted(gaps, x[1:]) != np.searchsorted(gaps, x[:-1])
    (k,) = np.nonzero(crosses & ~broken)
    a, b, sign = x[k], x[k + 1], np.sign(values[k])
    for _ in range(_HALVINGS if k.size else 0):
        middle = 0.5 * (a + b)
        same = np.sign(rows(middle)[row]) == sign
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return np.asarray([shortest(0.5 * (p + q), max(q - p, 4e-16 * abs(p))) for p, q in zip(a, b, strict=True)])
