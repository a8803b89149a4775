"""The expression swell, by published counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffmagic import DiffmagicError
from diffmagic.symbolic.growth import growth


def logistic(n: int) -> Any:
    def f(x: Any) -> Any:
        for _ in range(n - 1):
            x = 4 * x * (1 - x)
        return x

    return f, (0.3,)


def test_logistic_map() -> None:
    """A. G. Baydin et al., "Automatic differentiation in machine learning", 2018, table 1, in SymPy's operations."""
    found = growth(logistic, range(1, 7))
    assert found.formula == [0, 3, 8, 18, 38, 78]
    assert found.derivative == [0, 2, 21, 82, 264, 768]
    assert found.automatic == [0, 7, 14, 21, 28, 35]


def test_what_is_too_long_is_left_out() -> None:
    found = growth(logistic, [2, 30])
    assert (found.formula, found.derivative, found.automatic) == ([3, None], [2, None], [7, 203])
    assert "operations" in found.limit


def test_nothing_to_count() -> None:
    with pytest.raises(DiffmagicError, match=r"np\.linalg\.svd has no formula"):
        growth(lambda n: (lambda A: np.linalg.svd(A)[1][0], (np.eye(n),)), [2, 3])
