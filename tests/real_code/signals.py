"""Filters, spectra and alignments."""

import itertools

import numpy as np
from mpmath import mp, mpf

from . import at, exactly, reals

rng = np.random.default_rng(5)
signal = rng.normal(size=8)


@at(b=[0.4, 0.3], a=[-0.5, 0.2])
def recursive_filter(b, a):
    y = np.zeros(8)
    for n in range(8):
        y[n] = b[0] * signal[n]
        if n >= 1:
            y[n] += b[1] * signal[n - 1] - a[0] * y[n - 1]
        if n >= 2:
            y[n] -= a[1] * y[n - 2]
    return np.sum(y**2)


@exactly(recursive_filter)
def _(b, a):
    """The impulse response by long division, convolved with the signal."""
    response = [mpf(1), -a[0]]
    for _ in range(6):
        response.append(-a[0] * response[-1] - a[1] * response[-2])
    s = reals(signal)
    driven = [b[0] * s[n] + (b[1] * s[n - 1] if n else 0) for n in range(8)]
    return mp.fsum(mp.fsum(response[k] * driven[n - k] for k in range(n + 1)) ** 2 for n in range(8))


@at(taps=[0.2, 0.5, -0.3])
def spectrum_of_a_filter(taps):
    power = np.abs(np.fft.rfft(np.convolve(signal, taps), n=12)) ** 2
    return np.sum(np.log(power + 0.1))


@exactly(spectrum_of_a_filter)
def _(taps):
    """Convolution is multiplication of transforms."""

    def transform(values, k):
        return mp.fsum(t * mp.expjpi(-mpf(n * k) / 6) for n, t in enumerate(values))

    return mp.fsum(mp.log(abs(transform(reals(signal), k) * transform(taps, k)) ** 2 + mpf(0.1)) for k in range(7))


@at(frequency=1.3, damping=0.4, phase=0.2)
def damped_oscillation(frequency, damping, phase):
    t = np.arange(8) / 4
    wave = np.exp((-damping + 2j * np.pi * frequency) * t + 1j * phase)
    difference = np.real(wave) - signal
    return np.vdot(difference, difference) + np.abs(np.mean(wave))


@exactly(damped_oscillation)
def _(frequency, damping, phase):
    total, mean = mpf(0), mpf(0)
    for n, s in enumerate(reals(signal)):
        size, turn = mp.exp(-damping * n / 4), mp.pi * frequency * n / 2 + phase
        total += (size * mp.cos(turn) - s) ** 2
        mean += size * mp.expj(turn) / 8
    return total + abs(mean)


other = rng.normal(size=3)


gamma = 0.7


@at(x=[0.1, 0.8, -0.4, 0.5])
def soft_time_warping(x):
    n, m = len(x), len(other)
    table = np.full((n + 1, m + 1), np.inf)
    table[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            steps = np.array([table[i - 1, j - 1], table[i - 1, j], table[i, j - 1]])
            least = np.min(steps)
            soft = least - gamma * np.log(np.sum(np.exp(-(steps - least) / gamma)))
            table[i, j] = (x[i - 1] - other[j - 1]) ** 2 + soft
    return table[n, m]


@exactly(soft_time_warping)
def _(x):
    """The soft minimum over all alignments."""
    y, smooth = reals(other), mpf("0.7")

    def weights(i, j):
        """Of all the ways to get to a pair."""
        if (i, j) == (-1, -1):
            return mpf(1)
        if i < 0 or j < 0:
            return mpf(0)
        ways = weights(i - 1, j - 1) + weights(i - 1, j) + weights(i, j - 1)
        return mp.exp(-((x[i] - y[j]) ** 2) / smooth) * ways

    return -smooth * mp.log(weights(3, 2))


@at(match=1.1, mismatch=-0.7, gap=-0.45)
def global_alignment(match, mismatch, gap):
    one, two = "GATTACA", "GCATGA"
    table = np.zeros((len(one) + 1, len(two) + 1))
    table[:, 0] = gap * np.arange(len(one) + 1)
    table[0, :] = gap * np.arange(len(two) + 1)
    for i, a in enumerate(one, start=1):
        for j, b in enumerate(two, start=1):
            table[i, j] = max(
                table[i - 1, j - 1] + (match if a == b else mismatch),
                table[i - 1, j] + gap,
                table[i, j - 1] + gap,
            )
    return table[-1, -1]


@exactly(global_alignment)
def _(match, mismatch, gap):
    def best(one, two):
        if not one or not two:
            return gap * (len(one) + len(two))
        if (one, two) not in known:
            along = best(one[:-1], two[:-1]) + (match if one[-1] == two[-1] else mismatch)
            known[one, two] = max(along, best(one[:-1], two) + gap, best(one, two[:-1]) + gap)
        return known[one, two]

    known = {}
    return best("GATTACA", "GCATGA")


@at(x=[0.3, -0.2, 0.9, 1.1, 0.4])
def total_variation(x):
    fidelity = np.sum((x - signal[:5]) ** 2)
    smooth = np.sum(np.hypot(np.diff(x), 0.1))
    curved = np.sum(np.abs(np.diff(np.pad(x, 1), n=2)))
    return fidelity + 0.5 * smooth + 0.2 * curved


@exactly(total_variation)
def _(x):
    padded = [mpf(0), *x, mpf(0)]
    fidelity = mp.fsum((a - b) ** 2 for a, b in zip(x, reals(signal[:5]), strict=True))
    smooth = mp.fsum(mp.sqrt((b - a) ** 2 + mpf(0.1) ** 2) for a, b in itertools.pairwise(x))
    curved = mp.fsum(abs(padded[i] - 2 * padded[i + 1] + padded[i + 2]) for i in range(5))
    return fidelity + smooth / 2 + mpf(0.2) * curved
