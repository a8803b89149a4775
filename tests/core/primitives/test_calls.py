"""Calls beyond the typical ones: complex numbers, traced options, odd lengths. All are differentiable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic import grad, traceable
from tests.core.primitives.overridable import GAPS, NODES, G, P, X, Y, compare

PAIR = np.stack([X, Y])
TURNED = PAIR[::-1] * 0.7 + 0.1
KNOTS = np.arange(6.0) ** 2
WEIGHTS = [0.5, 1.0, 2.0, 0.7]

Of = Callable[..., Any]

COMPLEX: dict[str, Of] = {
    "average": lambda z, w: np.average(z, weights=w.real, returned=True),
    "cov": lambda z, w: np.cov(z, w),
    "cov with a real one": lambda z, w: np.cov(z, w.real),
    "corrcoef": lambda z, w: np.corrcoef(z, w),
    "diff": lambda z, w: np.diff(z, prepend=w[0]),
    "ediff1d": lambda z, w: np.ediff1d(z, to_end=w[:2]),
    "emath.arcsin": lambda z, w: np.emath.arcsin(z),
    "emath.sqrt": lambda z, w: np.emath.sqrt(z),
    "fft": lambda z, w: np.fft.fft(z) * w,
    "hfft": lambda z, w: np.fft.hfft(z),
    "ifft": lambda z, w: np.fft.ifft(z, 4),
    "irfft": lambda z, w: np.fft.irfft(z),
    "geomspace": lambda z, w: np.geomspace(z, w, 4),
    "gradient": lambda z, w: np.gradient(z, KNOTS, edge_order=2),
    "histogram": lambda z, w: np.histogram(KNOTS, [-1.5, 5.5, 20], weights=z),
    "interp": lambda z, w: np.interp(X, NODES, z[:5]),
    "linspace": lambda z, w: np.linspace(z, w, 3, retstep=True),
    "logspace": lambda z, w: np.logspace(z, w, 3),
    "nancumprod": lambda z, w: np.nancumprod(z),
    "poly": lambda z, w: np.poly(z),
    "polydiv": lambda z, w: np.polydiv(z, w[:3]),
    "polyfit": lambda z, w: np.polyfit(X, z, 2),
    "polyint": lambda z, w: np.polyint(z, 2, w[:2]),
    "polymul": lambda z, w: np.polymul(z, w),
    "polyval": lambda z, w: np.polyval(z, w),
    "reduceat": lambda z, w: np.multiply.reduceat(z, [0, 2]),
    "roots": lambda z, w: np.roots(z),
    "sort_complex": lambda z, w: np.sort_complex(z),
    "trapezoid": lambda z, w: np.trapezoid(z, w),
    "unique": lambda z, w: np.unique(z),
    "vander": lambda z, w: np.vander(z, 3),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_operands(name):
    f = COMPLEX[name]
    assert compare(lambda x, y: f(x + 1j * y, y - 0.3j * x), X, Y).kind == "differentiable"


CALLS: dict[str, tuple[Any, ...]] = {
    "rfft, odd": (lambda x: np.fft.rfft(x[:5]), X),
    "rfft, cut": (lambda x: np.fft.rfft(x, 3), X),
    "rfft, filled up": (lambda x: np.fft.rfft(x, 9), X),
    "irfft, odd": (lambda x: np.fft.irfft(x, 7), X),
    "irfft of one": (lambda x: np.fft.irfft(x, 1), X),
    "irfft of two": (lambda x: np.fft.irfft(x, 2), X),
    "fftn, axes without their order": (lambda x: np.fft.fftn(x, (2, 5), axes=(1, 0)), G),
    "rfftn, axes without their order": (lambda x: np.fft.rfftn(x, (3, 3), axes=(1, 0), norm="forward"), G),
    "irfftn, filled up": (lambda x: np.fft.irfftn(x, (3, 9), axes=(0, 1), norm="ortho"), G),
    "power spectrum": (lambda x: np.abs(np.fft.fft(x)) ** 2, X),
    "convolution by spectra": (lambda x, y: np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(y), 6), X, Y),
    "gradient of two": (lambda x: np.gradient(x[:2]), X),
    "gradient of three": (lambda x: np.gradient(x[:3], edge_order=2), X),
    "gradient, traced step": (np.gradient, X, np.array(0.3)),
    "gradient, traced places": (np.gradient, X, KNOTS),
    "gradient, traced places at equal steps": (np.gradient, X, np.arange(6.0)),
    "gradient, list of axes": (lambda x: np.gradient(x, 2, axis=[0, 1]), G),
    "interp, period": (lambda x, xp, fp: np.interp(x, xp, fp, period=4.7), X, NODES, Y[:5]),
    "logspace, traced base": (lambda a, b: np.logspace(a, 2.0, 4, base=b), X[0], Y[0]),
    "linspace of arrays": (lambda x, y: np.linspace(x, y, 3, axis=-1, endpoint=False), X, Y),
    "quantile, array of q": (lambda x: np.quantile(x, [[0.1, 0.2], [0.9, 1.0]], axis=0, keepdims=True), G),
    "nanquantile, method": (
        lambda x: np.nanquantile(x, [0.1, 0.9], axis=0, method="hazen"),
        np.where(G > 2, np.nan, G),
    ),
    "nanpercentile of one": (lambda x: np.nanpercentile(x[1:3], 70), GAPS),
    "average over axes": (lambda x, w: np.average(np.reshape(x, (3, 2, 2)), (2, 0), np.reshape(w, (2, 3))), G, P),
    "cov, both weights": (lambda x: np.cov(x, fweights=[1, 2, 1, 3], aweights=WEIGHTS), G),
    "cov, no degrees of freedom": (lambda x: np.cov(x, ddof=0, aweights=WEIGHTS), G),
    "histogram, edges that move": (lambda x: np.histogram(x, 3, density=True), X),
    "histogram, traced edges": (lambda e: np.histogram(X, e, density=True), NODES),
    "histogram2d, edges that move": (lambda x, y: np.histogram2d(x, y, [3, 3], density=True), X, Y),
    "histogramdd, weights and edges": (lambda x, w: np.histogramdd(x, 3, weights=w, density=True), PAIR.T, P),
    "polyfit, covariance": (lambda x, y: np.polyfit(x, y, 1, cov=True), X, Y),
    "polyfit, covariance of two": (lambda x, y: np.polyfit(x, y.T, 1, cov=True), X, PAIR),
    "polyfit, weights": (lambda x, y, w: np.polyfit(x, y, 2, w=w, cov="unscaled"), X, Y, P),
    "polyfit, cutoff": (lambda x, y: np.polyfit(x, y, 2, rcond=1e-10), X, Y),
    "polyint, traced constants": (lambda p, k: np.polyint(p, 3, k), X, Y[:3]),
    "roots, leading zero": (lambda p: np.roots(np.append(0.0, p)), np.poly([0.4, -1.3, 2.0])),
    "roots, pair": (np.roots, np.array([1.0, 0.4, 2.0])),
    "apply_along_axis, spectra": (lambda x: np.apply_along_axis(np.fft.rfft, 0, x), G),
    "apply_along_axis, lists": (lambda x: np.apply_along_axis(lambda v: [v[0], v[1] * v[2]], 0, x), G),
    "emath on both sides": (lambda x, p: np.emath.power(x, p), X, P),
    "emath of a number": (np.emath.log, -1.3),
    "emath.logn": (np.emath.logn, P, Y),
    "union1d": (lambda x, y: np.union1d(x, y) ** 2, X, Y),
    "reduceat, step by step": (lambda x: np.hypot.reduceat(x, [0, 4, 2], axis=0), X),
    "sliding windows": (lambda x: np.prod(np.lib.stride_tricks.sliding_window_view(x, (2, 2)), axis=(-2, -1)), G),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    assert compare(*CALLS[name]).kind == "differentiable"


def test_a_list_of_columns_is_one_in_rewritten_code_too():
    @traceable
    def counts(x: Any) -> Any:
        return np.histogramdd([x, Y], 3, density=True)[0]

    assert compare(counts, X).kind == "differentiable"


def test_an_index_out_of_bounds_is_an_error_as_in_numpy():
    for indices in ([0, -1], [0, 6]):
        with pytest.raises(IndexError, match="bounds"):
            grad(lambda x, indices=indices: np.sum(np.add.reduceat(x, indices)))(X)


def test_weights_that_sum_to_zero_are_an_error_as_in_numpy():
    with pytest.raises(ZeroDivisionError, match="sum to zero"):
        grad(lambda x: np.average(x, weights=[1.0, -1.0]))(X[:2])
