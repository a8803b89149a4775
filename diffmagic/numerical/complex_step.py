"""The complex step: a derivative that subtracts nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.numerical.differences import central_difference, nowhere
from diffmagic.numerical.sampling import BudgetUsedError, Estimate, Sampler
from diffmagic.numerical.steps import EPS, wanted_step
from diffmagic.results import Trial

_STEP = 1e-20  # relative; its square is nothing beside 1
_SMALLEST = float(np.finfo(float).smallest_subnormal)
_ROUNDED = 4  # units in the last place of x, by which it might be rounded in the code
_CHECKS = 6e-6, 1e-9  # relative steps of the differences that check it; the second for singularities nearby
_AGREE = 1e-3  # what confirms it is at least so near


def complex_step(
    sampler: Sampler, point: float, order: int, *, step: float | None = None, relative_step: float | None = None
) -> Estimate:
    """Im f(x + ih) / h, checked against central differences: it is wrong where the code of f is not analytic.

    The real part gives a second derivative, 2 (f(x) − Re f(x + ih)) / h², but by a subtraction that loses half of the
    digits, so it is refused. For any order Lyness and Moler take sums over circles, and so does `adaptive`.

    References
    ----------
    Lyness, J. N. and Moler, C. B. (1967). Numerical differentiation of analytic functions. SIAM Journal on Numerical
    Analysis 4, 202–210.

    Squire, W. and Trapp, G. (1998). Using complex variables to estimate derivatives of real functions. SIAM Review 40,
    110–112.
    """
    if order != 1:
        raise DiffmagicError("the complex step gives first derivatives only", rewrite="the method adaptive")
    h = wanted_step(point, _STEP * (abs(point) or 1.0), step, relative_step)
    try:
        beside = point + _ROUNDED * np.spacing(point) * np.max(sampler.eps) / EPS
        points, lengths = np.array([point + 1j * h, point + 2j * h, beside + 1j * h]), h * np.array([[1], [2], [1]])
        rows = sampler(points)
        found, longer, rounded = np.where(np.isnan(rows), np.nan, rows.imag) / lengths
        known = np.isfinite(sampler.value)
        if known.any() and np.isnan(found[known]).all():
            raise DiffmagicError(
                "the function stops, or drops imaginary parts, when it is given a complex number",
                rewrite="the method adaptive, or functions of NumPy in place of those of math",
            )
        truncation = np.abs(longer - found) / 3
        roundoff = sampler.eps * np.abs(found) + np.nan_to_num(np.abs(rounded - found)) + _SMALLEST / h
        gap, notes = _compared(sampler, point, found)
    except BudgetUsedError:
        return nowhere(sampler, h, "the budget of evaluations is too small for this method")
    account = f"Im f(x + ih) / h with h = {h:.2g}, {'not ' if notes else ''}confirmed by a central difference"
    return Estimate(found, truncation + roundoff + gap, h, [Trial(h, found, truncation, roundoff)], account, notes)


def _compared(sampler: Sampler, point: float, found: Any) -> tuple[Any, list[str]]:
    """How far central differences are away, where none of them confirms what was found; and a note on it.

    They are tried on several scales, as one step is not right for all functions.
    """
    size = abs(point) or 1.0
    checks = []
    for h in sorted({_CHECKS[0], *(check * size for check in _CHECKS)}, reverse=True):
        if point + h != point:
            checks.append(central_difference(sampler, point, 1, step=h))
            gaps = np.abs([found - check.derivative for check in checks])
            errors = np.array([check.error for check in checks])
            agree = (gaps <= 10 * errors) & (gaps <= _AGREE * np.abs(found))
            confirmed = np.where(found == 0, agree.all(axis=0), agree.any(axis=0))  # a zero may be a lost number
            if confirmed.all():
                return np.zeros(len(found)), []
    bounds = np.where(confirmed, 0, np.where(np.isnan(gaps), np.inf, gaps + errors))
    worst = int(np.argmax(bounds.min(axis=0)))
    nearest = int(np.argmin(bounds[:, worst]))
    note = f"the complex step gives {found[worst]:.3g} and a central difference {checks[nearest].derivative[worst]:.3g}"
    if gaps[nearest, worst] > 10 * errors[nearest, worst]:
        note += ": perhaps the code is not analytic here, as np.abs and .real are not"
    else:
        note += ", which is not sharp enough to confirm it"
    return bounds.min(axis=0), [note]
