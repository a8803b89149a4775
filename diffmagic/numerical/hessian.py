"""Second derivatives in several numbers, from second derivatives along lines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from diffmagic.numerical.lines import Call
from diffmagic.numerical.sampling import Estimate, Sampler


def second_derivatives(
    call: Call, lines: list[Estimate], estimate: Callable[[Sampler, float], Estimate]
) -> tuple[Any, Any, dict[str, Estimate]]:
    """The Hessian of each number of the result, its errors, and what was found along two numbers at a time.

    Parameters
    ----------
    call : Call
    lines : list of Estimate
        The second derivatives by each number alone.
    estimate : callable
        Finds the second derivative of a function of one number at a point.

    Notes
    -----
    Along (1, 1) the second derivative is ∂²f/∂x² + 2 ∂²f/∂x∂y + ∂²f/∂y²; x and y are in units of their own steps.
    """
    units = np.array([line.step if np.isfinite(line.step) else 1.0 for line in lines])  # else nothing was found
    own = np.stack([line.derivative for line in lines], axis=1) * units**2
    own_errors = np.stack([line.error for line in lines], axis=1) * units**2
    numbers, errors = (np.apply_along_axis(np.diag, 1, each) for each in (own, own_errors))
    slanted = {}
    for i, j in combinations(range(len(lines)), 2):
        direction = np.zeros(len(lines))
        direction[[i, j]] = units[[i, j]]
        call.effort.next_line()
        slanted[f"{call.labels[i]} + {call.labels[j]}"] = found = estimate(call.along(direction), 0.0)
        numbers[:, i, j] = numbers[:, j, i] = (found.derivative - own[:, i] - own[:, j]) / 2
        errors[:, i, j] = errors[:, j, i] = (found.error + own_errors[:, i] + own_errors[:, j]) / 2
    return numbers / np.outer(units, units), errors / np.outer(units, units), slanted
