"""Central differences with shorter and shorter steps, extrapolated to a step of zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from diffmagic.numerical.differences import missing, nowhere, sampled, stencil, weighted
from diffmagic.numerical.sampling import BudgetUsedError, Estimate, Sampler
from diffmagic.numerical.steps import exact_step, wanted_step
from diffmagic.results import Trial

_FIRST = 0.1  # long enough to extrapolate from, where f changes on the scale of x or 1
_GROWS = 2.0  # Ridders' table ends when its error is so many times the least


def richardson(sampler: Sampler, point: float, order: int, **steps: Any) -> Estimate:
    """Five central differences with halved steps, from whose error h², h⁴, h⁶ and h⁸ are eliminated.

    References
    ----------
    Richardson, L. F. and Gaunt, J. A. (1927). The deferred approach to the limit. Philosophical Transactions of the
    Royal Society A 226, 299–361.
    """
    return _extrapolated(sampler, point, order, 2.0, 5, False, **steps)


def ridders(sampler: Sampler, point: float, order: int, **steps: Any) -> Estimate:
    """The same with up to ten steps that shrink by 1.4, until the error grows; the best of all that was extrapolated.

    References
    ----------
    Ridders, C. J. F. (1982). Accurate computation of F′(x) and F′(x)F″(x). Advances in Engineering Software 4, 75–76.
    """
    return _extrapolated(sampler, point, order, 1.4, 10, True, **steps)


def _extrapolated(
    sampler: Sampler,
    point: float,
    order: int,
    shrink: float,
    levels: int,
    least: bool,
    step: float | None = None,
    relative_step: float | None = None,
) -> Estimate:
    """The last extrapolation, or for each number the one of the `least` error; `step` is the longest."""
    first = wanted_step(point, _FIRST * max(1.0, abs(point)), step, relative_step)
    trials: list[Trial] = []
    notes = []
    try:
        for row in _table(sampler, point, order, exact_step(point, first), shrink, levels):
            trials.append(_least(row) if least else row[-1])
            if least and len(row) > 1 and np.all(_error(row[-1]) > _GROWS * _error(_least(trials))):
                break
    except BudgetUsedError:
        notes.append("the budget of evaluations is used up")
    if not trials:
        return nowhere(sampler, first, *notes or [missing(first)])
    found = _least(trials) if least else trials[-1]
    account = (
        f"{len(trials)} central differences with steps from h = {trials[0].step:.2g} "
        f"down to {trials[-1].step:.2g}, extrapolated to 0"
    )
    error = _error(found)
    if least:  # the least of many errors is also the luckiest: the last steps must agree
        error = np.maximum(error, np.abs(found.estimate - trials[-1].estimate))
    return Estimate(found.estimate, error, trials[0].step, trials, account, notes)


def _table(sampler: Sampler, point: float, order: int, h: float, shrink: float, levels: int) -> Iterator[list[Trial]]:
    """Neville's table, a row for each step: in the k-th entry the k lowest even powers of h are eliminated.

    An entry may be off by what its elimination changed. Steps at which the function is not finite are passed over.
    """
    nodes, exact = stencil(order, 2, 0)
    above: list[Trial] = []
    for _ in range(levels):
        estimate, roundoff = weighted(exact, sampled(sampler, nodes, h), order, h, sampler)
        if np.isnan(estimate[np.isfinite(sampler.value)]).any():
            above = []
        else:
            row = [Trial(h, estimate, np.full(len(estimate), np.inf), roundoff)]
            for k, older in enumerate(above, 1):
                newer, gain = row[-1], shrink ** (2 * k) - 1
                estimate = newer.estimate + (newer.estimate - older.estimate) / gain
                changes = np.abs(estimate - newer.estimate), np.abs(estimate - older.estimate)
                roundoff = newer.roundoff + (newer.roundoff + older.roundoff) / gain
                row.append(Trial(h, estimate, np.maximum(*changes), roundoff))
            yield row
            above = row
        h = exact_step(point, h / shrink)


def _least(trials: list[Trial]) -> Trial:
    """For each number of the result, the trial of the least error."""
    errors = np.stack([_error(trial) for trial in trials])
    best = np.argmin(np.where(np.isnan(errors), np.inf, errors), axis=0)

    def chosen(name: str) -> Any:
        return np.take_along_axis(np.stack([getattr(trial, name) for trial in trials]), best[None], axis=0)[0]

    return Trial(trials[-1].step, chosen("estimate"), chosen("truncation"), chosen("roundoff"))


def _error(trial: Trial) -> Any:
    return trial.truncation + trial.roundoff
