"""Points where a function is not smooth: a kink, a jump, an infinite slope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diffmagic.numerical.chebyshev import Fit
from diffmagic.numerical.sampling import Sampler
from diffmagic.numerical.scan import errors_of, resolved_by, scan

_GOOD = 1e-10  # relative error of a one-sided derivative that is enough
_GROWS = 1.2  # by which a derivative without bound grows at least from scale to scale
_APART = 10.0  # errors by which two sides differ


def sides(sampler: Sampler, point: float, order: int) -> tuple[list[Fit], list[Fit]]:
    """Expansions to the left and to the right of a point, without the value there."""
    unknown = np.full(len(sampler.value), np.nan)
    left: list[Fit] = []
    right: list[Fit] = []
    scan(replace(sampler, upper=point), point, order, left, _GOOD, unknown)
    scan(replace(sampler, lower=point), point, order, right, _GOOD, unknown)
    return left, right


def meeting(left: list[Fit], right: list[Fit], column: int, value: float, order: int) -> tuple[float, float, str]:
    """The derivative where two sides meet, its error, and what there is to say; NaN if there is none.

    Parameters
    ----------
    left, right : list of Fit
    column : int
        The number of the result.
    value : float
        What it is at the point.
    order : int
    """
    (a, a_error, a_limit, a_noise), (b, b_error, b_limit, b_noise) = _side(left, column), _side(right, column)
    if np.isnan(a) or np.isnan(b):
        one = b if np.isnan(a) else a
        empty = left if np.isnan(a) else right
        if np.isinf(one) and not np.isfinite(errors_of(empty)[:, column]).any():
            return one, np.nan, "the derivative grows without bound towards this point"
        return np.nan, np.nan, ""
    if np.isinf(a) or np.isinf(b):
        if a == b:
            return a, np.nan, "the derivative grows without bound towards this point"
        return np.nan, np.nan, f"the derivative is {a:.6g} on the left and {b:.6g} on the right: there is none"
    gap = max(abs(a_limit - b_limit), abs(a_limit - value), abs(b_limit - value))
    if gap > _APART * (a_noise + b_noise):
        return np.nan, np.nan, f"a jump: {a_limit:.6g} on the left, {value:.6g} here, {b_limit:.6g} on the right"
    if abs(a - b) > _APART * (a_error + b_error):
        mean = (a + b) / 2 if abs(a + b) > a_error + b_error else 0.0
        note = f"a kink: the derivative is {a:.6g} on the left and {b:.6g} on the right; this is their mean"
        return mean, abs(a - b) / 2, note
    if order > 1:
        return (a + b) / 2, np.inf, "both sides agree, but a derivative of lower order jumps here"
    return (a, a_error, "") if a_error < b_error else (b, b_error, "")


def _side(fits: list[Fit], column: int) -> tuple[float, float, float, float]:
    """The derivative on one side and its error, the value there and its noise; infinite if it grows without bound."""
    errors, resolved = errors_of(fits)[:, column], resolved_by(fits)[:, column]
    if resolved.any():
        best = fits[int(np.argmin(np.where(resolved, errors, np.inf)))]
        noise = best.noise[column] * best.size[column]
        return best.estimate[column], best.error[column], best.value[column], noise
    nearest = sorted((each for each in fits if np.isfinite(each.estimate[column])), key=lambda each: each.exponent)[:4]
    slopes = np.array([each.estimate[column] for each in nearest])
    if len(slopes) == 4 and slopes.all() and np.all(slopes[:-1] / slopes[1:] > _GROWS):
        return float(np.copysign(np.inf, slopes[0])), np.nan, np.nan, np.nan
    return np.nan, np.nan, np.nan, np.nan
