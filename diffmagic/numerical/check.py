"""A derivative compared with a central difference, in words that are the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from diffmagic.results import Check

_STEPS = (6e-6, 6e-8, 6e-5, 6e-10)
_ONE_BY_ONE = 8
_GOLDEN = 0.6180339887498949


def central_check(
    function: Callable[[Any], Any], point: Any, jacobian: Any, label: Callable[[int, int | None], str]
) -> Check:
    """Compare a Jacobian with central differences.

    Up to eight inputs are moved one by one; more, along two fixed directions. Where one step does not agree others are
    tried, as a step that is right for one function is wrong for another.

    Parameters
    ----------
    function : callable
        From a vector to a vector.
    point : ndarray
        A vector of floats.
    jacobian : ndarray
        One row for each number of the result, one column for each number of the point.
    label : callable
        What to call the derivative of one number of the result with respect to one number of the point, both by
        position; the second is None for a direction.

    Returns
    -------
    Check

    Examples
    --------
    >>> import numpy as np
    >>> central_check(np.sin, np.array([0.5]), np.array([[np.cos(0.5)]]), lambda row, column: "y'").verdict
    'digits'
    """
    if np.iscomplexobj(point):
        return Check("not compared", reason="there are complex inputs")
    if not jacobian.size:
        return Check("not compared", reason="there are no numbers")
    if not np.all(np.isfinite(jacobian)):
        row, column = np.argwhere(~np.isfinite(jacobian))[0]
        return Check("not finite", where=label(int(row), int(column)), exact=jacobian[row, column].item())
    checks = []
    for direction, size, column in _directions(point):
        exact = jacobian @ direction
        estimates, stopped = _estimates(function, point, direction, size, exact)
        if not len(estimates):
            reason = f"stops with {stopped} beside" if stopped else "is not finite on both sides of"
            return Check("not compared", reason=f"the function {reason} this point")
        if not np.all(_agree(exact, estimates[-1], 6)):
            checks += [(_compared(exact[row], estimates[:, row]), row, column) for row in range(len(exact))]
    if not checks:
        return Check("digits", 6)
    check, row, column = min(checks, key=lambda found: _confidence(found[0]))
    return check if check.digits else replace(check, where=label(row, column))


def _directions(point: Any) -> Iterator[tuple[Any, float, int | None]]:
    """Where to move the point, on what scale, and the position of the number that moves if it is only one."""
    scales = np.maximum(1.0, np.abs(point))
    if point.size <= _ONE_BY_ONE:
        for k, direction in enumerate(np.eye(point.size)):
            yield direction, scales[k], k
        return
    for turn in (1, 2):
        numbers = (turn * _GOLDEN * np.arange(1, point.size + 1)) % 1.0
        yield scales * (2 * numbers - 1), 1.0, None


def _estimates(function: Callable[[Any], Any], point: Any, direction: Any, size: float, exact: Any) -> tuple[Any, str]:
    """Central differences with one step after another, until one agrees; and an error that stopped one."""
    found: list[Any] = []
    stopped = ""
    for step in _STEPS:
        h = step * size
        try:
            with np.errstate(all="ignore"):
                estimate = (function(point + h * direction) - function(point - h * direction)) / (2 * h)
        except Exception as error:  # whatever the user's function raises beside the point
            stopped = type(error).__name__
            continue
        if np.iscomplexobj(estimate) and not np.iscomplexobj(exact):  # such as x**1.5 below zero
            continue
        if estimate.shape == exact.shape and np.all(np.isfinite(estimate)):
            found.append(estimate)
            if np.all(_agree(exact, estimate, 6)):
                break
    return np.array(found), stopped


def _agree(exact: Any, estimate: Any, digits: int) -> Any:
    return np.abs(exact - estimate) <= 10.0**-digits * np.maximum(np.abs(exact), np.abs(estimate))


def _compared(exact: Any, estimates: Any) -> Check:
    errors = np.abs(estimates - exact)
    best = estimates[np.argmin(errors)].item()
    if _agree(exact, best, 6):
        return Check("digits", 6)
    if abs(exact - best) <= 1e-6:
        return Check("decimals", 6)
    if _agree(exact, best, 3):
        return Check("digits", 3)
    spread = np.sort(np.abs(estimates - best))
    if len(estimates) == 1 or errors.min() <= 2 * spread[1]:
        return Check("unclear")
    return Check("disagrees", exact=exact.item(), numerical=best)


def _confidence(check: Check) -> tuple[int, float]:
    """Lowest for what must be said first."""
    rank = ["disagrees", "unclear", "digits3", "decimals6", "digits6"]
    name = check.verdict + (str(check.digits) if check.digits else "")
    return rank.index(name), -abs(check.exact - check.numerical)
