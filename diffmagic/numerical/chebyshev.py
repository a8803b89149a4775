"""A function on an interval as a Chebyshev expansion: its derivative there, and what is noise and what is cut off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from diffmagic.numerical.sampling import Sampler

POINTS = 12
"""Of an expansion: they bring 15 digits where the nearest singularity is ten half-lengths away."""

HIGHEST = 7
"""The highest order that the coefficients of twelve points tell something about."""

_NODES = -np.cos((2 * np.arange(POINTS) + 1) * np.pi / (2 * POINTS))
_FLOOR = 1 / 4  # roundings of the values: no coefficient is known better
_ROUNDING = 16  # of them: what may be left of coefficients that are zero
_FALL = 8.0  # a degree: coefficients are not trusted to fall faster, as a small one may be so by chance
_LEVEL = 3.0  # two pairs of coefficients closer than this have ceased to fall: noise
_SEEN = 3.0  # noises above which a coefficient is used
_RESOLVED = 1e-3  # of the largest term of a derivative: smaller errors are those of a smooth function


@dataclass(slots=True)
class Fit:
    """An expansion; its arrays have a place for each number of the result.

    Attributes
    ----------
    exponent : int
        The interval was to reach to 2**exponent from the point.
    low, high : float
        Where it ends, measured from the point.
    estimate, truncation, roundoff : ndarray
        The derivative at the point and its errors.
    value, slope, slope_error : ndarray
        What the expansion and its first derivative are at the point.
    terms : ndarray
        The derivative's largest term, were none of them zero by symmetry.
    noise : ndarray
        What is left in the last coefficients, relative to the values.
    size : ndarray
        The largest value.
    is_noise : ndarray of bool
        Whether the last coefficients have ceased to fall.
    resolved : ndarray of bool
        Whether this is a smooth function, perhaps with noise.
    flat : ndarray of bool
        Whether nothing but noise is seen.
    torn : ndarray of bool
        Whether this is but a step of rounded values, which end in a jump: it is found out later.
    longer : ndarray
        By how many powers of 2 a longer interval would still be smooth, down to the same noise.
    stretch : ndarray
        By how many powers of 2 to change the interval so that the last coefficients just reach the noise.
    """

    exponent: int
    low: float
    high: float
    estimate: Any
    truncation: Any
    roundoff: Any
    value: Any
    slope: Any
    slope_error: Any
    terms: Any
    noise: Any
    size: Any
    is_noise: Any
    resolved: Any
    flat: Any
    torn: Any
    longer: Any
    stretch: Any

    @property
    def half(self) -> float:
        """Half the length."""
        return (self.high - self.low) / 2

    @property
    def error(self) -> Any:
        return self.truncation + self.roundoff

    def of(self, column: int) -> Fit:
        """What it says of one number of the result."""
        return Fit(self.exponent, self.low, self.high, *(getattr(self, name)[column] for name in Fit.__slots__[3:]))


def sample(sampler: Sampler, point: float, low: float, high: float) -> tuple[Any, Any]:
    """The nodes of an interval, measured from the point as they are after rounding, and the values there."""
    with np.errstate(over="ignore"):
        points = point + ((low + high) / 2 + (high - low) / 2 * _NODES)
    if np.all(np.diff(points) > 0):
        return points - point, sampler(points)
    return (low + high) / 2 + (high - low) / 2 * _NODES, np.full((POINTS, len(sampler.value)), np.nan)  # too short


@np.errstate(all="ignore")
def fit(exponent: int, low: float, high: float, nodes: Any, values: Any, here: Any, eps: Any, order: int) -> Fit:
    """The expansion through the values at the nodes.

    `here` are the values at the point, which the expansion must meet, NaN if they do not count; `eps` is their
    precision.
    """
    floor = _FLOOR * eps
    middle, half = (low + high) / 2, (high - low) / 2
    basis = np.cos(np.outer(np.arccos(np.clip((nodes - middle) / half, -1, 1)), np.arange(POINTS)))
    size = np.max(np.abs(values), axis=0)
    size[size == 0] = 1.0
    coefficients = np.linalg.solve(basis, values / size)
    value = _derivatives(-middle / half, 0) @ coefficients
    first_slopes, slopes = (_derivatives(-middle / half, each) for each in (1, order))
    envelope = np.maximum.accumulate(np.abs(slopes))

    sizes = np.abs(coefficients)
    variation = np.maximum(np.max(sizes[1:], axis=0), floor)
    before, first, last = sizes.reshape(POINTS // 2, 2, -1).max(axis=1)[-3:]  # of an even and an odd degree each
    is_noise = first <= _LEVEL * last
    falls = (before >= _FALL * first) & (first >= _FALL * last)
    falling = np.max(sizes[-4:] / _FALL ** np.arange(3, -1, -1)[:, None], axis=0)
    noise = np.maximum(np.where(falls, falling, np.maximum(first, last)), floor)
    noise = np.fmax(noise, np.abs(value - here / size) / _SEEN)

    count = POINTS - np.argmax((sizes > _SEEN * noise)[::-1], axis=0)  # how many coefficients stand above the noise
    degrees: Any = np.arange(POINTS)[:, None]
    within = degrees < np.maximum(count, order) + 2  # the first two that are left out may be missing
    first_gain, gain = (np.sqrt(np.sum((each[:, None] * within) ** 2, axis=0)) for each in (first_slopes, slopes))
    kept = np.where(degrees < count, coefficients, 0)
    terms = np.max(sizes * envelope[:, None], axis=0)
    ratio = (last * envelope[-1] / (before * envelope[-5])) ** 0.25  # of terms, a degree
    ratio = np.where(is_noise | (last == 0), 0.0, ratio)
    longer = np.log2(variation / noise) * (1 / np.maximum(count - 1, 1) - 1 / (POINTS - 1))
    shorter = np.log2(floor / noise) / (POINTS - 1)
    error = np.where(is_noise, 2.0, 1.0) * gain * noise / np.maximum(1 - ratio, 0.1)  # of noise, two deviations
    scale = size / np.float64(half) ** order
    return Fit(
        exponent,
        low,
        high,
        estimate=scale * (slopes @ kept),
        truncation=scale * np.where(is_noise, gain * floor, error),
        roundoff=scale * np.where(is_noise, error, gain * floor),
        value=value * size,
        slope=size / half * (first_slopes @ kept),
        slope_error=size / half * 2 * first_gain * noise,
        terms=scale * terms,
        noise=noise,
        size=size,
        is_noise=is_noise,
        resolved=((error <= _RESOLVED * terms) & (ratio < 0.9)) | (noise <= _ROUNDING * eps),
        flat=variation <= _SEEN * noise,
        torn=np.zeros(len(size), bool),
        longer=longer,
        stretch=np.where(is_noise, longer, shorter),
    )


@lru_cache(maxsize=64)
def _derivatives(u: float, order: int) -> Any:
    """The derivatives of T₀, T₁, … at u."""
    series: Any = np.eye(POINTS)
    for _ in range(order):
        series = np.polynomial.chebyshev.chebder(series)
    return np.polynomial.chebyshev.chebval(u, series)
