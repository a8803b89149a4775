"""Operations counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffmagic import trace, traceable
from diffmagic.operations import forward_operations, function_operations, reverse_operations


def filled(x: Any) -> Any:
    r = np.zeros(3)
    for k in range(3):
        r[k] = x[k] ** 2
    return np.sum(r)


W = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("f", "args", "counts"),
    [
        (lambda a, b, c, d, e: a * b * c * d * e, (2.0, 1.0, 1.0, 1.0, 1.0), (4, 60, 8)),  # Speelpenning
        (lambda x: x[0] * x[1] * x[2] * x[3] * x[4], (np.array([2.0, 1.0, 1.0, 1.0, 1.0]),), (4, 60, 8)),
        (lambda x: x, (1.0,), (0, 0, 0)),
        (lambda x: 5 + x, (1.0,), (1, 0, 0)),
        (lambda x: 5 - x, (1.0,), (1, 1, 1)),
        (lambda x, y: x - y, (1.0, 2.0), (1, 2, 1)),
        (lambda x: x + x, (1.0,), (1, 1, 1)),
        (lambda x: x**2, (3.0,), (1, 2, 2)),
        (lambda x: np.exp(x), (3.0,), (1, 1, 1)),
        (lambda x: np.sin(x), (3.0,), (1, 2, 2)),
        (lambda x: np.sin(x), (np.ones(7),), (7, 7 * 14, 7 * 14)),
        (lambda w, x: 1 / (1 + np.exp(-w * x)), (0.5, 2.0), (5, 16, 7)),
        (lambda x: np.sum(x), (np.ones(4),), (3, 12, 0)),
        (lambda x: np.reshape(x, (2, 2)).T[0], (np.ones(4),), (0, 0, 0)),
        (lambda x: np.maximum(x, 0.0), (1.0,), (1, 0, 0)),
        (lambda x: np.sum(x * 2.0), (np.ones(4),), (7, 28, 4)),
        (lambda x: W @ x, (np.ones(3),), (10, 30, 18)),
        (lambda s: np.sum(np.ones(4) * s), (2.0,), (7, 7, 7)),  # a number that is used four times
        (filled, (np.ones(3),), (5, 24, 6)),
    ],
)
def test_counts(f: Any, args: Any, counts: tuple[int, int, int]) -> None:
    program = trace(traceable(f), *args)
    assert (function_operations(program), forward_operations(program), reverse_operations(program)) == counts
