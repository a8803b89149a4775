"""Functions over the slices of an array: windows, trimming, and the user's own function along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.core.hook import call
from diffmagic.core.meanings import array
from diffmagic.core.primitives import implements
from diffmagic.core.primitives.moves import move
from diffmagic.core.tracing import concrete, is_traced

move(np.lib.stride_tricks.sliding_window_view)


@implements(np.apply_along_axis)
def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    moved = np.moveaxis(arr, axis, -1)
    outside = np.shape(moved)[:-1]
    if 0 in outside:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [call(func1d, moved[place], *args, **kwargs) for place in np.ndindex(outside)]
    first = results[0]
    numbers = list(map(concrete, first)) if isinstance(first, list | tuple) else concrete(first)
    joined = array(results, np.result_type(np.asarray(numbers)))  # NumPy gives all results the first one's dtype
    shaped = np.reshape(joined, outside + np.shape(joined)[1:])
    axis, inner = axis % np.ndim(arr), list(range(len(outside), np.ndim(shaped)))
    return np.moveaxis(shaped, inner, range(axis, axis + len(inner))) if inner else shaped


@implements(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    for axis in np.atleast_1d(axes).tolist():
        axis %= np.ndim(a)
        reduced = call(func, a, axis)
        if np.ndim(reduced) != np.ndim(a):
            reduced = np.expand_dims(reduced, axis)
        if np.ndim(reduced) != np.ndim(a):
            raise ValueError("function is not returning an array of the correct shape")
        a = reduced
    return a


@implements(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The smallest box around what is not zero, or only the near or the far sides of it."""
    filled = np.argwhere(np.not_equal(filt, 0))
    axes = range(np.ndim(filt)) if axis is None else [k % np.ndim(filt) for k in np.atleast_1d(axis)]
    box = [slice(None)] * np.ndim(filt)
    for k in axes:
        places = filled[:, k]
        empty = np.size(places) == 0
        first = 0 if empty else int(np.min(places)) if "f" in trim.lower() else None
        last = 0 if empty else int(np.max(places)) + 1 if "b" in trim.lower() else None
        box[k] = slice(first, last)
    return filt[tuple(box)]


@implements(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    ordered = np.sort(a)
    return ordered if np.iscomplexobj(ordered) else np.astype(ordered, np.result_type(concrete(ordered), np.complex128))


@implements(np.ix_)
def _ix(*args: Any) -> Any:
    """Each sequence along an axis of its own."""
    parts = [part if is_traced(part) else np.asarray(part) for part in args]
    found = [np.nonzero(part)[0] if part.dtype == np.bool_ else part for part in parts]
    return tuple(np.reshape(part, [-1 if j == k else 1 for j in range(len(found))]) for k, part in enumerate(found))
