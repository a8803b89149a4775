"""Fourier transforms: all are linear, so each is its own push, and its pull is a transform again.

The matrix of a complex transform is symmetric, so it is its own transpose. A transform of real numbers leaves out the
half of the spectrum that mirrors the other, so its transpose weighs the frequencies that stand for two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.primitives import define_kernel, implements, primitive_of, said
from diffmagic.core.primitives.moves import move
from diffmagic.core.tracing import apply, composite

_OPPOSITE: dict[Any, Any] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _fitted(a: Any, shape: tuple[int, ...]) -> Any:
    """An array cut, or filled up with zeros, to a shape: what a transform does to its operand, or its transpose."""
    a = a[tuple(map(slice, shape))]
    missing = [(0, size - have) for size, have in zip(shape, np.shape(a), strict=True)]
    return np.pad(a, missing) if any(width for _, width in missing) else a


# Complex transforms.


def _declare_complex(function: Any) -> None:
    def pull(i: int, g: Any, y: Any, a: Any, **options: Any) -> Any:
        sizes = {"n", "s"}
        return _fitted(function(g, **{k: v for k, v in options.items() if k not in sizes}), np.shape(a))

    define_kernel(function, push=lambda i, t, y, a, **options: function(t, **options), pull=pull)


_function: Any
for _function in (np.fft.fft, np.fft.ifft, np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn):
    _declare_complex(_function)


def _declare_along_axis(function: Any) -> None:
    @implements(function)
    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
        return apply(primitive_of(function), (a,), said(n=(n, None), axis=(axis, -1), norm=(norm, None)))


def _declare_over_axes(function: Any, default: Any) -> None:
    @implements(function)
    def transform(a: Any, s: Any = None, axes: Any = default, norm: Any = None) -> Any:
        if s is not None:
            axes = _axes(a, s, axes)
        return apply(primitive_of(function), (a,), said(s=(s, None), axes=(axes, default), norm=(norm, None)))


def _axes(a: Any, s: Any, axes: Any) -> tuple[int, ...]:
    return tuple(range(-(np.ndim(a) if s is None else len(s)), 0)) if axes is None else tuple(axes)


for _function in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft):
    _declare_along_axis(_function)
for _function in (np.fft.fft2, np.fft.ifft2):
    _declare_over_axes(_function, (-2, -1))
for _function in (np.fft.fftn, np.fft.ifftn):
    _declare_over_axes(_function, None)


# Transforms of real numbers.


def _twice(spectrum: Any, n: int, axis: int) -> Any:
    """2 for a frequency that stands for its mirror image too, 1 for those that have none: zero and, if any, n/2."""
    frequencies = np.arange(np.shape(spectrum)[axis])
    weights = 2.0 - ((frequencies == 0) | (2 * frequencies == n))
    return np.reshape(weights, [-1 if k == axis % np.ndim(spectrum) else 1 for k in range(np.ndim(spectrum))])


def _pull_rfft(i: int, g: Any, y: Any, a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    n = np.shape(a)[axis] if n is None else n
    halves = np.conjugate(g) / _twice(g, n, axis)
    return _fitted(np.fft.irfft(halves, n, axis, _OPPOSITE[norm]), np.shape(a))


def _pull_irfft(i: int, g: Any, y: Any, a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    spectrum = np.conjugate(np.fft.rfft(g, None, axis, _OPPOSITE[norm]))
    return _fitted(spectrum * _twice(spectrum, np.shape(g)[axis], axis), np.shape(a))


define_kernel(np.fft.rfft, push=lambda i, t, y, a, **options: np.fft.rfft(t, **options), pull=_pull_rfft)
define_kernel(np.fft.irfft, push=lambda i, t, y, a, **options: np.fft.irfft(t, **options), pull=_pull_irfft)


@composite(np.fft.hfft)
def _hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return np.fft.irfft(np.conjugate(a), n, axis, _OPPOSITE[norm])


@composite(np.fft.ihfft)
def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return np.conjugate(np.fft.rfft(a, n, axis, _OPPOSITE[norm]))


def _axes_and_sizes(a: Any, s: Any, axes: Any) -> tuple[tuple[int, ...], list[Any]]:
    axes = _axes(a, s, axes)
    if s is None:
        return axes, [None for _ in axes]
    return axes, [np.shape(a)[axis] if size == -1 else size for size, axis in zip(s, axes, strict=True)]


def _half_last(a: Any, s: Any, axes: Any, norm: Any) -> Any:
    """The half spectrum along the last of the axes, and complex transforms along the others."""
    (*others, last), (*sizes, n) = _axes_and_sizes(a, s, axes)
    half = np.fft.rfft(a, n, last, norm)
    return np.fft.fftn(half, None if s is None else sizes, others, norm) if others else half


def _half_last_back(a: Any, s: Any, axes: Any, norm: Any) -> Any:
    (*others, last), (*sizes, n) = _axes_and_sizes(a, s, axes)
    half = np.fft.ifftn(a, None if s is None else sizes, others, norm) if others else a
    return np.fft.irfft(half, n, last, norm)


@composite(np.fft.rfft2)
def _rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _half_last(a, s, axes, norm)


@composite(np.fft.rfftn)
def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return _half_last(a, s, axes, norm)


@composite(np.fft.irfft2)
def _irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _half_last_back(a, s, axes, norm)


@composite(np.fft.irfftn)
def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return _half_last_back(a, s, axes, norm)


# The order of the frequencies.

for _function in (np.fft.fftshift, np.fft.ifftshift):
    move(_function)
