"""Error against step: where truncation ends and round-off begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, function_name
from diffmagic.core.structures import vector
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.lines import Call
from diffmagic.numerical.sampling import Sampler
from diffmagic.results import PowerLaw, Sweep, SweptMethod

STEPS = [float(f"{digit}e-{power}") for power in range(16, 0, -1) for digit in (1, 2, 5)] + [1.0]
SWEPT = ("forward-difference", "central-difference", "complex-step")
_WINDOW = 4  # steps, just over a decade, that a power law of truncation is fitted to: the straightest
_CLEAR = 10.0  # how many times the other kind of error truncation is where it is fitted


def sweep(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    truth: Any,
    argnums: Argnums = 0,
    *,
    methods: Sequence[str] = SWEPT,
    order: int = 1,
) -> Sweep:
    """Differentiate ``f(*args)`` with one step after another.

    Parameters
    ----------
    f, args, argnums, order
        As for `diffmagic.differentiate`; one number is differentiated by.
    truth : number, array or container of them
        The derivative.
    methods : sequence of str
        Names of methods that take a step.

    Returns
    -------
    Sweep

    Examples
    --------
    >>> import numpy as np
    >>> found = sweep(np.exp, (1.0,), np.exp(1.0), methods=["central-difference"])
    >>> round(found.methods[0].truncation.slope, 2)
    2.0
    """
    call = Call(f, args, argnums, ())
    if call.point.size != 1:
        raise DiffmagicError(
            f"{function_name(f)} has {call.point.size} inputs, and a sweep moves one number",
            rewrite="argnums=, or --wrt, for one of them",
        )
    for name in methods:
        if name not in CLASSICS:
            raise DiffmagicError(f"{name} takes no step", rewrite="one that does, such as central-difference")
    sampler = call.line(0)
    exact = vector(truth)
    if exact.shape != sampler.value.shape or not np.isfinite(exact).all():
        raise DiffmagicError("the true derivative is not finite, or has another form", rewrite="another point")
    size = float(np.linalg.norm(exact))
    found, notes = [], []
    for name in methods:
        try:
            found.append(_swept(name, sampler, order, exact, size or 1.0))
        except DiffmagicError as error:
            notes.append(f"{name}: {error.reason}")
    return Sweep(sampler.point, truth, order, bool(size), found, notes)


def _swept(name: str, sampler: Sampler, order: int, exact: Any, size: float) -> SweptMethod:
    """One method; its refusal if it refuses every step."""
    method = CLASSICS[name]
    predicted = method(sampler, sampler.point, order).step
    rows = []
    for step in STEPS:
        try:
            found = method(sampler, sampler.point, order, step=step)
        except DiffmagicError:  # x + h is x
            continue
        if np.isfinite(found.derivative).all():
            error, roundoff = np.linalg.norm([found.derivative - exact, found.trials[-1].roundoff], axis=1) / size
            rows.append((found.step, error, roundoff, np.any(found.derivative)))
    if len(rows) < _WINDOW:
        raise DiffmagicError(f"there is no derivative at {sampler.point:.6g} with most steps")
    steps, errors, roundoffs, differs = np.array(rows).T
    around = np.maximum.reduce([errors, np.append(errors[1:], np.inf), np.append(np.inf, errors[:-1])])
    best = len(steps) - 1 - int(np.argmin(around[::-1]))

    windows = [slice(k, k + _WINDOW) for k in range(best, len(steps) - _WINDOW + 1)]
    long = [_fit(steps[k], errors[k]) for k in windows if np.all(errors[k] > _CLEAR * roundoffs[k])]
    worst = np.maximum.accumulate(errors[:best][::-1])[::-1]  # round-off is sometimes little, by luck
    short = np.flatnonzero((worst > _CLEAR * around[best]) & (differs[:best] > 0))  # equal values have no round-off
    return SweptMethod(
        method=name,
        steps=steps.tolist(),
        errors=errors.tolist(),
        truncation=min(long, key=lambda fit: fit[1])[0] if long else None,
        roundoff=_fit(steps[short], worst[short])[0] if len(short) >= _WINDOW else None,
        best_step=float(steps[best]),
        best_error=float(errors[best]),
        predicted_step=predicted,
    )


def _fit(steps: Any, errors: Any) -> tuple[PowerLaw, float]:
    """The power law of some errors, and how far they are from it."""
    x, y = np.log10(steps), np.log10(errors)
    slope, start = np.polyfit(x, y, 1)
    bent = float(np.max(np.abs(y - start - slope * x)))
    return PowerLaw(float(slope), float(10**start), float(steps[0]), float(steps[-1])), bent
