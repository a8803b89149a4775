"""Complex values that sharpen an estimate from real ones, where they are checked."""

from __future__ import annotations

import math

import numpy as np

from diffmagic.numerical.sampling import Sampler
from diffmagic.results import Trial

_NEAR = np.arange(-3, 4)  # points beside the one that is meant, which show how numbers are rounded there
_UNEVEN = 0.6180339887498949  # round steps would be rounded alike
_QUADRATIC = np.eye(7) - np.polynomial.polynomial.polyvander(_NEAR, 2) @ np.linalg.pinv(
    np.polynomial.polynomial.polyvander(_NEAR, 2)
)  # what is left of seven values when a parabola is taken away
_POINTS = 32  # on a circle
_CIRCLES = 4
_FREQUENCIES = np.arange(-_POINTS // 4, _POINTS // 2)
_ANGLES = 2 * np.pi * np.arange(_POINTS // 2 + 1) / _POINTS
_WEIGHTS = np.array([1, *[2] * (_POINTS // 2 - 1), 1]) / _POINTS  # the lower half mirrors the upper
_FOURIER = np.exp(-1j * np.outer(_FREQUENCIES, _ANGLES)) * _WEIGHTS
_SLOPES = _FREQUENCIES * np.exp(1j * np.outer(_ANGLES, _FREQUENCIES - 1))


@np.errstate(all="ignore")
def complex_step(sampler: Sampler, point: float, scale: float) -> Trial:
    """The first derivative from an imaginary step so short that hardly anything is cut off.

    The scatter of seven such derivatives about a parabola is their rounding error, and what a step twice as long
    changes is three times what is cut off.
    """
    step = scale * 2.0**-40
    beside = max(scale * 2.0**-18, 16 * np.spacing(abs(point))) * _UNEVEN
    *values, longer = sampler(np.append((point + beside * _NEAR) + 1j * step, point + 2j * step)).imag / step
    slopes = np.array(values)
    scatter = np.sqrt(np.sum((_QUADRATIC @ slopes) ** 2, axis=0) / (len(_NEAR) - 3))
    found = slopes[len(_NEAR) // 2]
    return Trial(step, found, np.abs(longer / 2 - found) / 3, 3 * scatter + sampler.eps * np.abs(found))


def circles(sampler: Sampler, point: float, order: int, radius: float) -> list[Trial]:
    """The derivative from Fourier sums on circles about the point, each shorter or longer as the last one asks for."""
    trials: list[Trial] = []
    for _ in range(_CIRCLES):
        radius = min(radius, sampler.reach)
        trial, stretch = _circle(sampler, point, order, radius)
        better = not trials or np.any(trial.roundoff < trials[-1].roundoff)
        trials.append(trial)
        if not stretch or not better:
            break
        radius *= 2.0**stretch
        if any(each.step == min(radius, sampler.reach) for each in trials):
            break
    return trials


@np.errstate(all="ignore")
def _circle(sampler: Sampler, point: float, order: int, radius: float) -> tuple[Trial, int]:
    """One of them, and by how many powers of 2 another radius would be better.

    Where the code is analytic the coefficients of negative frequency are zero but for rounding and for what a circle
    too long cuts off.
    """
    points = point + radius * np.exp(1j * _ANGLES)
    values = sampler(points)
    coefficients = (_FOURIER @ values).real
    moved = ((points.real - point) / radius - np.cos(_ANGLES))[:, None]  # because points are rounded
    values = values - moved * (_SLOPES @ coefficients)
    coefficients = (_FOURIER @ values).real
    size = np.abs(coefficients)
    largest = np.max(np.abs(values), axis=0)
    zero = int(np.argmax(_FREQUENCIES == 0))
    floor = sampler.eps / 4 * largest
    wrong = np.fmax(np.max(size[:zero], axis=0), floor)
    factor = math.factorial(order) / np.float64(radius) ** order
    found = factor * coefficients[zero + order]
    error = factor * 2 * wrong + sampler.eps * np.abs(found)
    seen = _POINTS // 2 - np.argmax((size[zero:] > 4 * wrong)[::-1], axis=0)
    variation = np.maximum(np.max(size[zero + 1 :], axis=0), floor)
    stretch = np.where(
        wrong > 16 * floor,
        np.log2(floor / wrong) / (3 * _POINTS / 4),
        np.log2(variation / wrong) * (1 / np.maximum(seen - 1, 1) - 4 / (3 * _POINTS)),
    )
    wanted = np.nanmedian(stretch) if np.isfinite(stretch).any() else -1.0
    return Trial(radius, found, np.zeros_like(error), error), int(np.clip(np.round(wanted), -3, 3))
