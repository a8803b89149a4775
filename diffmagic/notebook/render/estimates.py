"""Numerical derivatives: each estimate with its error and its step."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.core.structures import flatten
from diffmagic.labels import component, partial_label
from diffmagic.notebook.render.blocks import Table
from diffmagic.results import Derivative, Entry

_MOST_ROWS = 12


def known_entries(found: Derivative) -> list[Entry]:
    """The derivatives, without the decimal places that their errors leave open."""
    if found.error is None:
        return found.entries
    errors = [error for _, error in flatten(found.error)[0]]
    return [
        replace(entry, value=_known(entry.value, error)) for entry, error in zip(found.entries, errors, strict=True)
    ]


def _known(value: Any, error: Any) -> Any:
    """Rounded to the decimal place of the error's first digit."""
    with np.errstate(all="ignore"):
        unit = 10.0 ** np.floor(np.log10(error))
        units = np.round(value / unit)
        known = np.where(np.abs(units) < 1e15, units * unit + 0.0, value)
    return known if isinstance(value, np.ndarray) else known[()].item()


def estimates_table(found: Derivative) -> Table | None:
    """Numerical derivatives, each with its error and step; None for what is not a short list of numbers."""
    if found.step is None or (found.order > 1 and len(found.entries) > 1):
        return None
    errors, steps = (flatten(each)[0] for each in (found.error, found.step))
    apart = {trial.wrt: trial for trial in found.trials}
    told_apart = len(apart) == len(found.trials) == sum(np.size(step) for _, step in steps)  # one step for each number
    rows = []
    for entry, (_, error), (_, step) in zip(known_entries(found), errors, itertools.cycle(steps)):
        if (np.size(entry.value) > 1 and np.shape(entry.value) != np.shape(step)) or np.iscomplexobj(entry.value):
            return None
        for k, numbers in enumerate(zip(np.ravel(entry.value), np.ravel(error), np.ravel(step), strict=True)):
            wrt = [component(name, np.shape(entry.value), k) for name in entry.wrt]
            value, its_error, its_step = map(float, numbers)
            label = partial_label(entry.of, wrt)
            row = [label, short(value, found.digits), error_bound(its_error), short(its_step, 2)]
            if told_apart:
                trial = apart[wrt[-1]]
                row += [error_bound(float(np.max(part))) for part in (trial.truncation, trial.roundoff)]
            rows.append(row)
    head = ["", "derivative", "error", "step", *(["truncation", "round-off"] if told_apart else [])]
    return Table("Derivatives and their errors", head, rows) if len(rows) <= _MOST_ROWS else None


def error_bound(error: float) -> str:
    """An estimated error to one digit, rounded up.

    Examples
    --------
    >>> error_bound(1.2e-9), error_bound(9.7e-4), error_bound(0.0), error_bound(float("inf"))
    ('2e-9', '1e-3', '0', 'unknown')
    """
    if not np.isfinite(error):
        return "unknown"
    if error == 0:
        return "0"
    exponent = math.floor(math.log10(error))
    digit = math.ceil(error / 10.0**exponent - 1e-9)
    return f"1e{exponent + 1}" if digit == 10 else f"{digit}e{exponent}"


def estimate_sentences(found: Derivative) -> list[str]:
    """What a numerical derivative cost, and how far it may be from the truth if no table says so."""
    if found.step is None:
        return []
    said = []
    if not estimates_table(found):
        worst = max((float(np.max(error, initial=0.0)) for _, error in flatten(found.error)[0]), default=0.0)
        said.append(f"The largest estimated error is {error_bound(worst)}.")
    calls = "" if found.evaluations == found.calls else f" in {found.calls} calls"
    return [*said, f"{found.evaluations} evaluation{'s' * (found.evaluations > 1)} of the function{calls}."]
