"""Expansions on one scale after another, until one shows the derivative well."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffmagic.numerical.chebyshev import POINTS, Fit, fit, sample
from diffmagic.numerical.sampling import Sampler

GOOD = 1e-13  # a relative error that needs no better scale

_MOST = 20  # expansions
_DEEPEST = 40  # halvings of x: below, x + h has too few digits
_DEEP = 20  # halvings: on an interval so much shorter noise is as loud, but an oscillation is smooth
_TINY = -900  # powers of 2: beyond them h**order has fewer digits
_BLIND, _STEP, _UP = 5, 3, 10  # powers of 2: down where nothing is resolved, to a neighbour, up where nothing is seen
_ZERO = 4.0  # errors below which a derivative may be zero, which has no relative error
_QUIET = 1e-12  # noise, relative to the values, that is rounding: no ripple hides in it
_CONTRADICTS = 10.0  # errors by which derivatives differ that do not belong to one function
_SHORTER, _SEEN_AS_JUMP = 10, 32.0  # halvings of a smooth interval, after which a change of so little noise is a jump
_RIPPLE = 1e-4  # what is as large on a shorter interval is noise if it is so small; else perhaps an oscillation


def scan(sampler: Sampler, point: float, order: int, fits: list[Fit], good: float, here: Any) -> None:
    """Add expansions to `fits` until each number of the result is `good`, or no scale promises more.

    `here` are the values at the point, which the expansions must meet; NaN if they do not count.
    """
    known: dict[tuple[int, ...], bool] = {}
    while len(fits) < _MOST:
        exponent = _next_scale(sampler, point, order, fits, good) if fits else _first_scale(point, order)
        if exponent is None:
            return
        fits += _on_scale(sampler, point, order, exponent, here)
        _tear(sampler, point, fits, known)


def errors_of(fits: list[Fit]) -> Any:
    """A row for each expansion; infinite where there is none."""
    found = np.array([each.error for each in fits])
    return np.where(np.isnan(found), np.inf, found)


def resolved_by(fits: list[Fit]) -> Any:
    """Where there is a smooth function, or one with noise; but not between two of its rounded values."""
    return np.array([each.resolved & ~each.torn for each in fits]) & np.isfinite(errors_of(fits))


def _first_scale(point: float, order: int) -> int:
    """About half of x."""
    return max(math.frexp(point)[1] - 2, _TINY // order) if point else 0


def _on_scale(sampler: Sampler, point: float, order: int, exponent: int, here: Any) -> list[Fit]:
    """The expansion on a scale; and if values are missing there, that on the part where they are not."""
    h = 2.0**exponent
    low, high = max(-h, sampler.lower - point), min(h, sampler.upper - point)
    nodes, values = sample(sampler, point, low, high)
    fits = [fit(exponent, low, high, nodes, values, here, sampler.eps, order)]
    whole = np.isfinite(values).all(axis=0)
    finite = np.isfinite(values[:, np.isfinite(sampler.value)]).all(axis=1)
    if finite.all():
        return fits
    first = np.max(nodes[~finite & (nodes < 0)], initial=-np.inf)
    last = np.min(nodes[~finite & (nodes > 0)], initial=np.inf)
    inside = nodes[(first < nodes) & (nodes < last)]
    low = np.min(inside, initial=0.0) if np.isfinite(first) else low
    high = np.max(inside, initial=0.0) if np.isfinite(last) else high
    if low < high:
        nodes, values = sample(sampler, point, low, high)
        fits.append(fit(exponent, low, high, nodes, np.where(whole, np.nan, values), here, sampler.eps, order))
    return fits


def _next_scale(sampler: Sampler, point: float, order: int, fits: list[Fit], good: float) -> int | None:
    """The shortest of the scales that promise most to each number of the result."""
    deep, least = (max(_first_scale(point, order) - depth, _TINY // order) for depth in (_DEEP, _DEEPEST))
    untried = set(range(least, math.frexp(sampler.reach)[1])) - {each.exponent for each in fits}
    wanted = []
    for column, resolved in enumerate(resolved_by(fits).T):
        seen = [each.of(column) for each in fits]
        wanted += [each for each in _promising(seen, resolved, good, deep) if each in untried][:1]
    return min(wanted, default=None)


def _promising(fits: list[Fit], resolved: Any, good: float, deep: int) -> Iterator[int]:
    """Scales for one number of the result, the most promising first."""
    tried = [each.exponent for each in fits]
    if not any(resolved):
        if not (_is_noise(fits) or any(each.torn for each in fits)):
            yield min(tried) - _BLIND
            return
        if max(fits[0].exponent - _DEEP, deep) < min(tried):
            yield max(fits[0].exponent - _DEEP, deep)
        yield max(tried) + max(max(tried) - fits[0].exponent, _BLIND)  # noise is drowned sooner or later
        return

    best = min(itertools.compress(fits, resolved), key=lambda each: each.error)
    if best.flat:
        rough = [each.exponent for each in fits if not each.flat and each.exponent > best.exponent]
        if not rough and len(fits) < 3:
            yield max(max(tried) + _UP, 0)
        elif rough and min(rough) - best.exponent > _BLIND:  # something begins between
            yield min(rough) - _BLIND
        return

    may_be_zero = abs(best.estimate) < _ZERO * best.error
    if best.error <= good * (best.terms if may_be_zero else abs(best.estimate)):
        return

    def free(exponent: int, near: int) -> Iterator[int]:
        """That scale, unless one so near was tried."""
        if all(abs(other - exponent) > near for other in tried if other != best.exponent):
            yield exponent

    loud = best.noise > _QUIET
    if any(each.is_noise and each.noise > _QUIET and each.exponent <= best.exponent for each in fits):
        yield from free(max(best.exponent - _DEEP, deep), _BLIND)
    yield from free(best.exponent + round(min(max(best.stretch, -_UP), _UP)), 1)
    smallest = min(fits, key=lambda each: each.exponent)
    if smallest.truncation > smallest.roundoff:
        yield smallest.exponent - _STEP
    yield from free(best.exponent - (_BLIND if loud else _STEP), (_BLIND if loud else _STEP) - 1)
    if best.roundoff >= best.truncation:
        yield from free(best.exponent + _STEP, _STEP - 1)


def _tear(sampler: Sampler, point: float, fits: list[Fit], known: dict[tuple[int, ...], bool]) -> None:
    """Find the expansions that are but a step of rounded values.

    What is smooth shows on what longer interval it would still be. If there is noise instead, and another derivative,
    it is a step if it ends in a jump; else it is a feature of the function. What is `known` of a pair of scales is not
    asked again: a jump holds for all numbers of the result, as they are rounded alike, and no jump for its own.
    """
    for column in np.flatnonzero(np.any([each.noise > _QUIET for each in fits], axis=0)).tolist():
        seen = sorted((each.of(column) for each in fits), key=lambda each: -each.exponent)
        torn = max((each.exponent for each in seen if each.torn), default=-np.inf)
        for long, short in itertools.combinations(seen, 2):
            if short.exponent > torn and _contradicted(short, long):
                scales = short.exponent, long.exponent
                if scales not in known and (*scales, column) not in known:
                    jumps = _jumps(sampler, point, column, short, long)
                    known[scales if jumps else (*scales, column)] = jumps
                torn = short.exponent if scales in known else torn
        for each in fits:
            each.torn[column] = each.exponent <= torn


def _contradicted(short: Fit, long: Fit) -> bool:
    """Whether a smooth expansion promises what there is only noise of on a longer scale."""
    most = _RIPPLE * short.size if short.flat else long.size  # coarser steps are meant
    if not short.resolved or not short.noise <= _QUIET < long.noise < most / long.size:
        return False
    promise = _DEEPEST if short.flat else short.longer + np.log2(long.noise / short.noise) / (POINTS - 1)
    return bool(
        short.exponent < long.exponent <= short.exponent + np.ceil(promise)
        and abs(long.slope - short.slope) > _CONTRADICTS * (long.slope_error + short.slope_error)
    )


def _jumps(sampler: Sampler, point: float, column: int, short: Fit, long: Fit) -> bool:
    """Whether there is a jump as large as the noise on the longer scale.

    An interval is halved, and the half kept on which the function leaves the slope of the shorter scale most: what is
    continuous changes less and less.
    """

    def beyond(t: float) -> float:
        return float(sampler(np.array([point + t]))[0, column] - short.slope * t)

    near, far = (short.high, long.high) if long.high >= -long.low else (short.low, long.low)
    first, last = beyond(near), beyond(far)
    for _ in range(long.exponent - short.exponent + _SHORTER):
        half = (near + far) / 2
        middle = beyond(half)
        if abs(middle - first) > abs(last - middle):
            far, last = half, middle
        else:
            near, first = half, middle
    return bool(abs(last - first) > long.noise * long.size / _SEEN_AS_JUMP)


def _is_noise(fits: list[Fit]) -> bool:
    """Whether the last coefficients stay as they are on a shorter interval."""
    heard = [each for each in fits if each.is_noise and each.noise > _QUIET]
    levels = [each.noise * each.size for each in sorted(heard, key=lambda each: each.exponent)]
    return len(levels) > 1 and levels[1] < 4 * levels[0] and fits[0].noise < _RIPPLE
