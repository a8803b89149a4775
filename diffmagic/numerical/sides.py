"""One-sided differences: what a derivative is just to the left and just to the right of a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_STEP, _SHORTER = 1e-5, 1e-7
_AT_POINT, _BESIDE = ((0, -1.5), (1, 2.0), (2, -0.5)), ((1, -2.5), (2, 4.0), (3, -1.5))


def one_sided(function: Callable[[float], Any], scale: float = 1.0) -> tuple[Any, Any]:
    """The derivatives of a function of one number at 0, from the left and from the right.

    Parameters
    ----------
    function : callable
        From a number to a vector.
    scale : float
        The size over which the function changes.

    Returns
    -------
    (ndarray, ndarray)
        Infinite where the differences grow as the step shrinks, NaN where the function is not finite; one NaN for all
        if it stops.

    Examples
    --------
    >>> import numpy as np
    >>> left, right = one_sided(lambda t: np.array([abs(t), max(0.0, t)]))
    >>> np.allclose(left, [-1, 0]), np.allclose(right, [1, 1])
    (True, True)
    """
    with np.errstate(all="ignore"):
        return _limit(function, -scale), _limit(function, scale)


def _limit(function: Callable[[float], Any], side: float) -> Any:
    slopes, values = [], []
    try:
        here = function(0.0)
        points = _AT_POINT if np.all(np.isfinite(here)) else _BESIDE
        for step in (_STEP, _SHORTER):
            values = [here if k == 0 else function(k * step * side) for k, _ in points]
            weighted = [weight * value for (_, weight), value in zip(points, values, strict=True)]
            slopes.append(sum(weighted) / (step * side))
    except Exception:  # whatever the user's function raises beside the point
        return np.array(np.nan)
    slope, closer = slopes
    noise = 100 * np.finfo(float).eps * np.max(np.abs(values), initial=0.0) / abs(_SHORTER * side)
    grows = np.abs(closer) > 1.1 * np.abs(slope) + noise
    return np.where(grows, np.copysign(np.inf, closer), slope)
