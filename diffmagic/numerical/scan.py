"""Expansions on one scale after another, until one shows the derivative well."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffmagic.numerical.chebyshev import Fit, fit, sample
from diffmagic.numerical.sampling import Sampler

GOOD = 1e-13  # a relative error that needs no better scale

_MOST = 20  # expansions
_DEEPEST = 40  # halvings of x: below, x + h has too few digits
_DEEP = 20  # halvings: on an interval so much shorter noise is as loud, but an oscillation is smooth
_TINY = -900  # powers of 2: beyond them h**order has fewer digits
_BLIND, _STEP, _UP = 5, 3, 10  # powers of 2: down where nothing is resolved, to a neighbour, up where nothing is seen
_ZERO = 4.0  # errors below which a derivative may be zero, which has no relative error
_QUIET = 1e-13  # noise, relative to the values, that is rounding: no ripple hides in it
_RIPPLE = 1e-4  # what is as large on a shorter interval is noise if it is so small; else perhaps an oscillation


def scan(sampler: Sampler, point: float, order: int, fits: list[Fit], good: float, here: Any) -> None:
    """Add expansions to `fits` until each number of the result is `good`, or no scale promises more.

    `here` are the values at the point, which the expansions must meet; NaN if they do not count.
    """
    while len(fits) < _MOST:
        exponent = _next_scale(fits, point, order, good) if fits else _first_scale(point, order)
        if exponent is None:
            return
        fits += _on_scale(sampler, point, order, exponent, here)


def errors_of(fits: list[Fit]) -> Any:
    """A row for each expansion; infinite where there is none."""
    found = np.array([each.error for each in fits])
    return np.where(np.isnan(found), np.inf, found)


def resolved_by(fits: list[Fit]) -> Any:
    """Where there is a smooth function, or one with noise; but not between two of its rounded values."""
    resolved, flat = np.array([each.resolved for each in fits]), np.array([each.flat for each in fits])
    heard = np.array([each.is_noise & (each.noise < _RIPPLE) for each in fits])
    exponents = np.array([each.exponent for each in fits])[:, None]
    largest = np.max(np.where(~flat & (resolved | heard), exponents, -9999), axis=0)
    return resolved & np.isfinite(errors_of(fits)) & ~(flat & (exponents <= largest - _DEEP))


def _first_scale(point: float, order: int) -> int:
    """About half of x."""
    return max(math.frexp(point)[1] - 2, _TINY // order) if point else 0


def _on_scale(sampler: Sampler, point: float, order: int, exponent: int, here: Any) -> list[Fit]:
    """The expansion on a scale; and if values are missing there, that on the part where they are not."""
    h = 2.0**exponent
    low, high = max(-h, sampler.lower - point), min(h, sampler.upper - point)
    nodes, values = sample(sampler, point, low, high)
    fits = [fit(exponent, low, high, nodes, values, here, order)]
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
        fits.append(fit(exponent, low, high, nodes, np.where(whole, np.nan, values), here, order))
    return fits


def _next_scale(fits: list[Fit], point: float, order: int, good: float) -> int | None:
    """The shortest of the scales that promise most to the numbers of the result."""
    errors, resolved = errors_of(fits), resolved_by(fits)
    deep, least = (max(_first_scale(point, order) - depth, _TINY // order) for depth in (_DEEP, _DEEPEST))
    allowed = set(range(least, -_TINY + 1)) - {each.exponent for each in fits}
    columns = range(errors.shape[1])
    wanted = [_wanted(fits, column, errors[:, column], resolved[:, column], good, deep, allowed) for column in columns]
    return min([each for each in wanted if each in allowed], default=None)


def _wanted(
    fits: list[Fit], column: int, errors: Any, resolved: Any, good: float, deep: int, allowed: set[int]
) -> int | None:
    """The scale that promises most to one number of the result."""
    tried = np.array([each.exponent for each in fits])
    if not resolved.any():
        if not _is_noise(fits, column):
            return int(tried.min()) - _BLIND
        if (below := max(fits[0].exponent - _DEEP, deep)) < tried.min():
            return below
        return int(tried.max()) + _BLIND if np.sum(tried > fits[0].exponent) < 2 else None
    best = fits[int(np.argmin(np.where(resolved, errors, np.inf)))]
    if best.flat[column]:
        rough = [each.exponent for each in fits if not each.flat[column] and each.exponent > best.exponent]
        if rough:  # something begins between what is flat and what is not
            return min(rough) - _BLIND if min(rough) - best.exponent > _BLIND else None
        return max(int(tried.max()) + _UP, 0) if len(fits) < 3 else None
    error, size = errors.min(), abs(best.estimate[column])
    if error <= good * (size if size > _ZERO * error else best.terms[column]):
        return None
    smallest = fits[int(np.argmin(tried))]
    reach = _STEP if best.noise[column] < _QUIET else _BLIND
    choices = [
        (best.exponent + int(np.clip(np.round(best.stretch[column]), -_UP, _UP)), 1),
        (best.exponent - reach, reach - 1),
    ]
    if best.is_noise[column] and best.noise[column] > _QUIET:
        choices.insert(0, (max(best.exponent - _DEEP, deep), _BLIND))
    if smallest.truncation[column] > smallest.roundoff[column]:
        choices.insert(1, (smallest.exponent - _STEP, 0))
    if best.roundoff[column] >= best.truncation[column]:
        choices.append((best.exponent + _STEP, _STEP - 1))
    others = tried[tried != best.exponent]
    for exponent, near in choices:
        if exponent in allowed and not np.any(np.abs(others - exponent) <= near):
            return exponent
    return None


def _is_noise(fits: list[Fit], column: int) -> bool:
    """Whether the last coefficients stay as they are on a shorter interval."""
    heard = [each for each in fits if each.is_noise[column] and each.noise[column] > _QUIET]
    levels = [each.noise[column] * each.size[column] for each in sorted(heard, key=lambda each: each.exponent)]
    return len(levels) > 1 and bool(levels[1] < 4 * levels[0]) and bool(fits[0].noise[column] < _RIPPLE)
