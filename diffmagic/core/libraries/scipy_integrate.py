"""The sums of `scipy.integrate` over given numbers. What calls a function of the user's is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate

from diffmagic.core.libraries import composed
from diffmagic.core.libraries import find as find


@composed(integrate.trapezoid, 2)
def _trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    return np.trapezoid(y, x, dx, axis)


@composed(integrate.cumulative_trapezoid, 2)
def _cumulative_trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1, initial: Any = None) -> Any:
    steps = dx if x is None else np.diff(x) if np.ndim(x) == 1 else np.moveaxis(np.diff(x, axis=axis), axis, -1)
    heights = np.moveaxis(y, axis, -1)
    total = np.cumsum(steps * (heights[..., 1:] + heights[..., :-1]) / 2, axis=-1)
    if initial is not None:
        total = np.concatenate([np.full((*np.shape(total)[:-1], 1), float(initial)), total], axis=-1)
    return np.moveaxis(total, -1, axis)


@composed(integrate.simpson)
def _simpson(y: Any, x: Any = None, *, dx: float = 1.0, axis: int = -1) -> Any:
    """Linear in the heights: their weights are what it makes of each alone."""
    heights = np.moveaxis(y, axis, -1)
    along = x if x is None or np.ndim(x) == 1 else np.moveaxis(x, axis, -1)[..., None, :]
    weights = integrate.simpson(np.eye(np.shape(heights)[-1]), x=along, dx=dx)
    return np.sum(weights * heights, axis=-1)
