"""Numerical methods under the signature of the registry: every number of the inputs is moved along its own line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums
from diffmagic.core.structures import flatten
from diffmagic.numerical.adaptive import adaptive
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.hessian import second_derivatives
from diffmagic.numerical.lines import Call
from diffmagic.numerical.sampling import Estimate
from diffmagic.results import Derivative, Entry, Trial

WAYS: dict[str, Callable[..., Estimate]] = {"adaptive": adaptive, **CLASSICS}
"""Every numerical method by its name: ``function(sampler, point, order, **options)``."""


def numerical(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: Argnums = 0,
    *,
    method: str = "adaptive",
    order: int = 1,
    bounds: Any = None,
    budget: float = math.inf,
    inputs: Sequence[str] = (),
    results: Sequence[str] = (),
    **options: Any,
) -> Derivative:
    """Differentiate ``f(*args)`` by evaluating it beside the point.

    Parameters
    ----------
    f, args, argnums, order
        As for `diffmagic.differentiate`.
    method : str
        A name from `WAYS`.
    bounds : pair, optional
        The least and the greatest values at which `f` may be evaluated: numbers, None, or as the inputs.
    budget : int, optional
        How often it may be evaluated.
    inputs, results : sequence of str, optional
        What to call the numbers and arrays of the inputs and of the result.
    **options
        What the method accepts besides.

    Returns
    -------
    Derivative
    """
    estimate = partial(WAYS[method], order=order, **options)
    if not isinstance(budget, int | float) or not budget >= 1:
        raise DiffmagicError(f"a budget of {budget!r} is not a number of evaluations", rewrite="such as budget=100")
    call = Call(f, args, argnums, inputs)
    call.limit(*_pair(bounds))
    size = call.point.size
    call.effort.budget = budget
    call.effort.lines = size if order == 1 else size * (size + 1) // 2
    lines: dict[str, Estimate] = {}
    slanted: dict[str, Estimate] = {}
    try:
        for k, label in enumerate(call.labels):
            call.effort.next_line()
            lines[label] = estimate(call.line(k), call.point[k].item())
        if order == 2 and size > 1:
            if method in CLASSICS:  # along several numbers the unit is their own steps
                estimate = partial(estimate, step=1.0, relative_step=None)
            numbers, errors, slanted = second_derivatives(call, list(lines.values()), estimate)
        else:
            shape = (-1, *(size,) * order)
            numbers = np.stack([line.derivative for line in lines.values()], axis=1).reshape(shape)
            errors = np.stack([line.error for line in lines.values()], axis=1).reshape(shape)
    finally:
        call.effort.close()

    derivative, blocks = call.structured(numbers)
    error, _ = call.structured(errors, bound=True)
    names = tuple(results) or (str(getattr(f, "__name__", "")).replace("<lambda>", ""),)
    all_lines = (lines | slanted).items()
    return Derivative(
        value=call.value,
        derivative=derivative,
        method=method,
        order=order,
        error=error,
        evaluations=call.effort.evaluations,
        calls=call.effort.calls,
        notes=call.notes
        + [f"{label}: {note}" if size > 1 else note for label, line in all_lines for note in line.notes],
        why=_account(lines),
        names=names,
        entries=_entries(call, names, order, blocks),
        step=call.like_point([line.step for line in lines.values()]),
        trials=[_labelled(trial, label) for label, line in all_lines for trial in line.trials],
    )


def _pair(bounds: Any) -> tuple[Any, Any]:
    try:
        lower, upper = (None, None) if bounds is None else bounds
    except (TypeError, ValueError):
        raise DiffmagicError(f"bounds={bounds!r} is not a pair", rewrite="bounds=(lower, upper)") from None
    return lower, upper


def _labelled(trial: Trial, label: str) -> Trial:
    """A trial with the name of what was moved, and with numbers if the result is one."""
    found = trial.estimate, trial.truncation, trial.roundoff
    if np.size(trial.estimate) == 1:
        found = tuple(np.ravel(each)[0].item() for each in found)
    return Trial(trial.step, *found, wrt=label)


def _account(lines: dict[str, Estimate]) -> str:
    """How it was done: for several inputs, of the one that is least certain."""
    with np.errstate(all="ignore"):
        relative = [np.max(np.nan_to_num(line.error / np.abs(line.derivative))) for line in lines.values()]
    label = list(lines)[int(np.argmax(relative))]
    return f"least certain in {label}: {lines[label].account}" if len(lines) > 1 else lines[label].account


def _entries(call: Call, names: Sequence[str], order: int, blocks: list[Any]) -> list[Entry]:
    parts = [call.value] if len(names) == 1 else call.value
    results = [path for part, name in zip(parts, names, strict=True) for path, _ in flatten(part, name)[0]]
    labels = itertools.product(results, *[call.paths] * order)
    return [Entry(of, tuple(wrt), block) for (of, *wrt), block in zip(labels, blocks, strict=True)]
