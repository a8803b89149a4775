"""The default numerical method: expansions on a scale that the function itself shows, sharpened by complex values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.numerical.chebyshev import Fit
from diffmagic.numerical.checked import circles, complex_step
from diffmagic.numerical.edges import meeting, sides
from diffmagic.numerical.sampling import BudgetUsedError, Estimate, Sampler
from diffmagic.numerical.scan import GOOD, errors_of, resolved_by, scan
from diffmagic.results import Trial

_ENOUGH = 1e-4  # the relative error of what circles are compared with: they check themselves
_SHARP = 1e-9  # an error of theirs that needs no better expansion
_AGREE = 3.0  # errors within which two estimates agree
_USED_UP = "the budget of evaluations is used up"
_NOISY = 1e-12  # noise, relative to the values, that deserves a note


def adaptive(sampler: Sampler, point: float, order: int, *, complex: bool = True) -> Estimate:
    """The derivative at a point, with an error that is meant.

    The function is expanded in Chebyshev polynomials on an interval about the point whose length is found by looking
    at the coefficients: where they fall to the level of rounding or noise, the derivative of the expansion is known to
    that level. An imaginary step (order 1) or Fourier sums on circles in the complex plane (higher orders) take its
    place where they agree with it and promise more; `complex_step` has the literature.

    Parameters
    ----------
    sampler : Sampler
    point : float
    order : int
    complex : bool
        Whether the function may be evaluated at complex points.
    """
    alive = np.isfinite(sampler.value)
    fits: list[Fit] = []
    checked: list[Trial] = []
    notes = [] if alive.all() else [f"the function is not finite at this point{_which(~alive)}"]
    if alive.any():
        with _within_budget(notes):
            scan(sampler, point, order, fits, _ENOUGH if complex and order > 1 else GOOD, sampler.value)
            if complex and order == 1:
                checked.append(complex_step(sampler, point, _best(fits).step))
            elif complex:
                found = _best(fits)
                checked += circles(sampler, point, order, 2 * found.step)
                if np.any(_sharpened(found, checked).error > _SHARP * np.abs(found.derivative)):
                    scan(sampler, point, order, fits, GOOD, sampler.value)
    if not fits:
        nothing = np.full(len(alive), np.nan)
        return Estimate(nothing, nothing, np.nan, [], "nothing was found", notes)
    found = _sharpened(_best(fits), checked)
    if (rough := alive & ~found.resolved).any():
        found.error[rough] = np.inf
        torn = rough & np.any([each.torn for each in fits], axis=0)
        if torn.any():
            notes.append(f"the values are rounded to steps that hide the derivative on every scale{_which(torn)}")
        with _within_budget(notes):
            notes += _at_an_edge(sampler, point, order, found, np.flatnonzero(rough & ~torn))
    found.derivative[~alive] = found.error[~alive] = np.nan
    notes += _remarks(found, fits, alive)
    trials = [Trial(each.half, each.estimate, each.truncation, each.roundoff) for each in fits]
    return Estimate(found.derivative, found.error, found.step, trials + checked, _account(found, order), notes)


@contextmanager
def _within_budget(notes: list[str]) -> Iterator[None]:
    """Evaluations until there may be no more, which is noted."""
    try:
        yield
    except BudgetUsedError:
        if _USED_UP not in notes:
            notes.append(_USED_UP)


@dataclass(slots=True)
class _Found:
    """What is best so far for each number of the result: an expansion and perhaps complex values."""

    derivative: Any
    error: Any
    resolved: Any
    fits: list[Fit]
    sharp: list[Trial | None]

    @property
    def step(self) -> float:
        return min(each.half for each in self.fits)


def _best(fits: list[Fit]) -> _Found:
    """The least error among the expansions that agree with the smallest scale on which there is a smooth function."""
    errors, estimates, resolved = errors_of(fits), np.array([each.estimate for each in fits]), resolved_by(fits)
    widths = np.array([each.half for each in fits])[:, None]
    columns = np.arange(errors.shape[1])
    reference = np.argmin(np.where(resolved, widths, np.inf), axis=0), columns
    with np.errstate(invalid="ignore"):
        agree = resolved & (np.abs(estimates - estimates[reference]) <= _AGREE * (errors + errors[reference]))
    torn = np.array([each.torn for each in fits])
    rows = np.argmin(np.where(agree | ~(resolved.any(axis=0) | torn), errors, np.inf), axis=0)
    best = rows, columns
    return _Found(
        estimates[best], errors[best], resolved.any(axis=0), [fits[row] for row in rows], [None] * len(columns)
    )


def _sharpened(found: _Found, checked: list[Trial]) -> _Found:
    """Complex values where they promise more and agree with the expansion."""
    real, error = found.derivative.copy(), found.error.copy()
    for trial in checked:
        with np.errstate(invalid="ignore"):
            promised = trial.truncation + trial.roundoff
            agree = np.abs(trial.estimate - real) <= _AGREE * (error + promised)
        for column in np.flatnonzero(agree & found.resolved & (promised < found.error)):
            found.derivative[column] = trial.estimate[column]
            found.error[column] = promised[column]
            found.sharp[column] = trial
    return found


def _at_an_edge(sampler: Sampler, point: float, order: int, found: _Found, columns: Any) -> list[str]:
    """Where there is no smooth function about the point: what there is on either side of it."""
    if not len(columns):
        return []
    left, right = sides(sampler, point, order)
    said: dict[str, list[int]] = {}
    for column in columns:
        derivative, error, note = meeting(left, right, column, sampler.value[column], order)
        if not note and np.isnan(derivative):
            known = np.isfinite(found.derivative[column])
            note = f"the function {'is not smooth on any scale' if known else 'has no values beside this point'}"
        else:
            found.derivative[column], found.error[column] = derivative, error
        said.setdefault(note, []).append(column)
    return [note + _which(np.isin(np.arange(len(found.fits)), at)) for note, at in said.items() if note]


def _remarks(found: _Found, fits: list[Fit], alive: Any) -> list[str]:
    """One-sided expansions, steps and noise."""
    used = alive & found.resolved
    above = used & [each.low == 0 for each in found.fits]
    below = used & [each.high == 0 for each in found.fits]
    remarks = [
        f"one-sided: from values {side} this point{_which(at)}"
        for side, at in (("above", above), ("below", below))
        if at.any()
    ]
    steps = used & [each.flat[column] for column, each in enumerate(found.fits)]
    steps &= np.any([(each.noise > _NOISY) & ~each.flat for each in fits], axis=0)
    if steps.any():
        remarks.append(f"constant about this point, in steps further away{_which(steps)}")
    stepped = used & ~steps & np.any([each.torn for each in fits], axis=0)
    if stepped.any():
        remarks.append(f"the values come in steps, so this is their trend{_which(stepped)}")
    within = [[each.half <= best.half for best in found.fits] for each in fits]  # a long interval drowns it
    noise = [np.where(each.is_noise & close, each.noise, 0) for each, close in zip(fits, within, strict=True)]
    if (loudest := np.max(noise, where=used, initial=0.0)) > _NOISY:
        remarks.append(f"the values carry noise of about {loudest:.0e} of their size")
    return remarks


def _account(found: _Found, order: int) -> str:
    """What was done for the number of the result that is least certain."""
    with np.errstate(all="ignore"):
        relative = found.error / np.abs(found.derivative)
    worst = int(np.argmax(np.where(np.isnan(relative), -1.0, relative)))
    expansion, sharp = found.fits[worst], found.sharp[worst]
    account = f"a 12-point expansion at h = {expansion.half:.3g}"
    if sharp is not None:
        how = "complex step" if order == 1 else f"Fourier sum on a circle of radius {sharp.step:.3g}"
        account = f"{how}, checked against {account}"
    if 0 < relative[worst] < 0.5:
        account += f"; about {min(round(-np.log10(relative[worst])), 15)} digits"
    return account


def _which(at: Any) -> str:
    """Which numbers of the result are meant, if there are several."""
    if len(at) == 1:
        return ""
    places = np.flatnonzero(at)
    return f" (number {places[0] + 1} of the result{f', and {len(places) - 1} more' if len(places) > 1 else ''})"
