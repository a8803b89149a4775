"""The classics on the accuracy set: how often the true error is below ten times the estimate."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp

from diffmagic.core.errors import DiffmagicError
from diffmagic.methods import METHODS
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.lines import Call
from tests.accuracy import Case, natural_scale, truth
from tests.accuracy.cases import CASES

UNSEEN = {"scaled", "near-singular", "oscillatory", "noisy", "near a kink", "cancelling"}
"""Kinds of functions that change, or lose digits, on a scale that steps chosen by x alone do not see."""


def honest(method: str, case: Case, order: int) -> bool | None:
    """Whether the estimate is meant; None where the method refuses."""
    try:
        found = CLASSICS[method](Call(case.f, (case.x,), 0, ()).line(0), case.x, order)
    except DiffmagicError:
        return None
    (derivative,), (bound,) = found.derivative, found.error
    if not np.isfinite(derivative):
        return bool(found.notes)
    exact = truth(case, order)
    error = abs(mp.mpf(float(derivative)) - exact)
    return bool(error <= 10 * bound or error <= 1e-16 * (abs(exact) or natural_scale(case, order)))


@pytest.mark.parametrize(
    ("method", "order"),
    [(method, order) for method in CLASSICS for order in range(1, min(METHODS[method].orders or 4, 4) + 1)],
)
def test_error_estimates_are_meant(method: str, order: int) -> None:
    cases = [case for case in CASES if order <= case.highest]
    found = [(honest(method, case, order), case.kind not in UNSEEN) for case in cases]
    found = [(meant, seen) for meant, seen in found if meant is not None]
    assert len(found) > len(cases) / 2
    assert np.mean([meant for meant, seen in found if seen]) >= (0.97 if order <= 2 else 0.94)
    assert np.mean([meant for meant, _ in found]) >= 0.8
