"""Reductions and running totals. `where=` and `initial=` are written out; `out=` is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffmagic.core.forward import REAL_NUMBERS, selected
from diffmagic.core.primitives import define_kernel, implements, primitive_of
from diffmagic.core.tracing import apply, composite, concrete, refuse

_MISSING: Any = np._NoValue


def _given(**options: Any) -> dict[str, Any]:
    """Options as they go into the program: without those that say nothing."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options.items()
        if value is not None and value is not False and value is not _MISSING
    }


def _kept(part: Any, like: Any, axis: Any, keepdims: bool) -> Any:
    """A reduced array with its axes of length one, so that it broadcasts against what was reduced."""
    if keepdims or np.ndim(part) == np.ndim(like):
        return part
    return part if axis is None else np.expand_dims(part, axis)


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    if axis is None and type(g) in REAL_NUMBERS and type(x) is np.ndarray:
        spread = np.empty(x.shape, x.dtype)
        spread.fill(g)
        return spread
    return np.broadcast_to(_kept(g, x, axis, keepdims), np.shape(x))


def _count(x: Any, axis: Any) -> int:
    if axis is None:
        return int(np.size(x))
    return math.prod(np.shape(x)[k] for k in (axis if isinstance(axis, tuple) else (axis,)))


def _masked(a: Any, where: Any, neutral: Any) -> Any:
    return a if where is True or where is _MISSING else np.where(np.broadcast_to(where, np.shape(a)), a, neutral)


def _typed(a: Any, dtype: Any) -> Any:
    if dtype is None:
        return a
    have, wanted = np.result_type(concrete(a)).kind, np.dtype(dtype).kind
    if "biufc".find(wanted) < "biufc".find(have) and have in "fc":
        refuse(f"dtype={np.dtype(dtype).name} would lose a part of each number", "x.astype(dtype) first")
    return np.astype(a, dtype)


# Sums and means.

define_kernel(
    np.sum,
    push=lambda i, t, y, x, axis=None, keepdims=False: np.sum(t, axis=axis, keepdims=keepdims),
    pull=lambda i, g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims),
)
define_kernel(
    np.mean,
    push=lambda i, t, y, x, axis=None, keepdims=False: np.mean(t, axis=axis, keepdims=keepdims),
    pull=lambda i, g, y, x, axis=None, keepdims=False: _spread(np.divide(g, _count(x, axis)), x, axis, keepdims),
)


@implements(np.sum)
def _sum(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, initial: Any = _MISSING, where: Any = True
) -> Any:
    if axis is None and dtype is None and keepdims is False and initial is _MISSING and where is True:
        return apply(primitive_of(np.sum), (a,))
    total = apply(primitive_of(np.sum), (_typed(_masked(a, where, 0), dtype),), _given(axis=axis, keepdims=keepdims))
    return total if initial is _MISSING else total + initial


@implements(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True) -> Any:
    if where is not True and where is not _MISSING:
        total = np.sum(a, axis=axis, dtype=dtype, keepdims=bool(keepdims), where=where)
        return total / np.sum(
            np.broadcast_to(where, np.shape(a)), axis=axis, dtype=total.dtype, keepdims=bool(keepdims)
        )
    return apply(primitive_of(np.mean), (_typed(a, dtype),), _given(axis=axis, keepdims=keepdims))


# Variance and standard deviation. The mean's own derivative drops out: deviations sum to zero.


def _deviation(x: Any, axis: Any) -> Any:
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    return np.conjugate(deviation) if np.iscomplexobj(x) else deviation


def _freedom(x: Any, axis: Any, ddof: Any) -> Any:
    """The divisor of a variance, as NumPy takes it: never negative, and where it is zero the quotient is infinite."""
    return np.float64(max(_count(x, axis) - ddof, 0))


def _real(part: Any) -> Any:
    return np.real(part) if np.iscomplexobj(part) else part


def _push_var(i: int, t: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0) -> Any:
    scale = float(2 / _freedom(x, axis, ddof))
    return scale * _real(np.sum(_deviation(x, axis) * t, axis=axis, keepdims=keepdims))


def _pull_var(i: int, g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0) -> Any:
    return _kept(g, x, axis, keepdims) * float(2 / _freedom(x, axis, ddof)) * _deviation(x, axis)


def _slope_std(y: Any, x: Any, axis: Any, keepdims: bool, ddof: Any) -> Any:
    """deviation / (n y); zero where all are equal, the mean over all directions."""
    kept = _kept(y, x, axis, keepdims)
    flat = np.equal(kept, 0)
    return np.where(flat, 0.0, _deviation(x, axis) / (np.where(flat, 1.0, kept) * float(_freedom(x, axis, ddof))))


def _push_std(i: int, t: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0) -> Any:
    return _real(np.sum(_slope_std(y, x, axis, keepdims, ddof) * t, axis=axis, keepdims=keepdims))


def _pull_std(i: int, g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0) -> Any:
    return _kept(g, x, axis, keepdims) * _slope_std(y, x, axis, keepdims, ddof)


define_kernel(np.var, push=_push_var, pull=_pull_var)
define_kernel(np.std, push=_push_std, pull=_pull_std)


def _declare_spread(function: Any) -> None:
    @implements(function)
    def spread(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: Any = 0,
        keepdims: Any = False,
        where: Any = True,
        correction: Any = _MISSING,
    ) -> Any:
        return _spread_of(function, a, axis, dtype, ddof if correction is _MISSING else correction, keepdims, where)

    spread.__name__ = function.__name__


_declare_spread(np.var)
_declare_spread(np.std)


def _spread_of(function: Any, a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any) -> Any:
    a = _typed(a, dtype)
    if where is True or where is _MISSING:
        return apply(primitive_of(function), (a,), _given(axis=axis, keepdims=keepdims, ddof=ddof or None))
    a = _masked(a, where, 0)
    deviation = np.where(where, np.abs(a - np.mean(a, axis=axis, keepdims=True, where=where)), 0.0)
    count = np.sum(np.broadcast_to(where, np.shape(a)), axis=axis, dtype=deviation.dtype, keepdims=bool(keepdims))
    if function is np.std:
        return np.linalg.norm(deviation, axis=axis, keepdims=bool(keepdims)) / np.sqrt(count - ddof)
    return np.sum(deviation * deviation, axis=axis, keepdims=bool(keepdims)) / (count - ddof)


# Largest and smallest: ties share.


def _weights(y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    hit = np.equal(x, _kept(y, x, axis, keepdims))
    return hit / np.sum(hit, axis=axis, keepdims=True)


for _function in (np.max, np.min):
    define_kernel(
        _function,
        push=lambda i, t, y, x, axis=None, keepdims=False: np.sum(
            selected(_weights(y, x, axis, keepdims), t), axis=axis, keepdims=keepdims
        ),
        pull=lambda i, g, y, x, axis=None, keepdims=False: selected(
            _weights(y, x, axis, keepdims), _kept(g, x, axis, keepdims)
        ),
    )


@implements(np.max, np.amax)
def _max(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = _MISSING, where: Any = True) -> Any:
    return _extreme(np.max, np.maximum, a, axis, keepdims, initial, where)


@implements(np.min, np.amin)
def _min(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = _MISSING, where: Any = True) -> Any:
    return _extreme(np.min, np.minimum, a, axis, keepdims, initial, where)


def _extreme(function: Any, pair: Any, a: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Any:
    if where is not True and where is not _MISSING:
        if initial is _MISSING:
            refuse(f"np.{function.__name__} with where= needs initial=", "initial=-np.inf, or np.inf for the smallest")
        a = np.where(np.broadcast_to(where, np.shape(a)), a, -np.inf if function is np.max else np.inf)
    if np.size(a) == 0 and initial is not _MISSING:
        return initial + np.sum(a, axis=axis, keepdims=bool(keepdims))
    found = apply(primitive_of(function), (a,), _given(axis=axis, keepdims=keepdims))
    return found if initial is _MISSING else pair(found, initial)


@composite(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=bool(keepdims)) - np.min(a, axis=axis, keepdims=bool(keepdims))


# Products: the partial derivative is the product of all others, without a division that a zero would spoil.


def _others(x: Any, axis: Any) -> Any:
    """For each element the product of all others along the axes."""
    if axis is None or isinstance(axis, tuple):
        axes = tuple(range(np.ndim(x))) if axis is None else tuple(k % np.ndim(x) for k in axis)
        front = [k for k in range(np.ndim(x)) if k not in axes]
        order = [*front, *axes]
        moved = np.transpose(x, order)
        flat = np.reshape(moved, [np.shape(x)[k] for k in front] + [-1])
        return np.transpose(np.reshape(_others(flat, -1), np.shape(moved)), np.argsort(order))
    ones = np.ones_like(np.take(x, [0], axis=axis))
    before = np.cumprod(np.concatenate([ones, np.delete(x, -1, axis=axis)], axis=axis), axis=axis)
    back = np.flip(np.concatenate([np.delete(x, 0, axis=axis), ones], axis=axis), axis=axis)
    return before * np.flip(np.cumprod(back, axis=axis), axis=axis)


define_kernel(
    np.prod,
    push=lambda i, t, y, x, axis=None, keepdims=False: np.sum(t * _others(x, axis), axis=axis, keepdims=keepdims),
    pull=lambda i, g, y, x, axis=None, keepdims=False: _kept(g, x, axis, keepdims) * _others(x, axis),
)


@implements(np.prod)
def _prod(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, initial: Any = _MISSING, where: Any = True
) -> Any:
    a = _typed(_masked(a, where, 1), dtype)
    if np.size(a) == 0:
        total = 1.0 + np.sum(a, axis=axis, keepdims=bool(keepdims))
    elif np.ndim(a) == 0:
        total = np.positive(a)
    else:
        total = apply(primitive_of(np.prod), (a,), _given(axis=axis, keepdims=keepdims))
    return total if initial is _MISSING else total * initial


# Running totals.


def _backward_total(g: Any, axis: int) -> Any:
    return np.flip(np.cumsum(np.flip(g, axis=axis), axis=axis), axis=axis)


define_kernel(
    np.cumsum,
    push=lambda i, t, y, x, axis: np.cumsum(t, axis=axis),
    pull=lambda i, g, y, x, axis: _backward_total(g, axis),
)


def _running_product(x: Any, axis: int) -> Any:
    """One step after the other: exact at zeros too."""
    running = [np.take(x, 0, axis=axis)]
    for k in range(1, np.shape(x)[axis]):
        running.append(running[-1] * np.take(x, k, axis=axis))
    return np.stack(running, axis=axis)


define_kernel(np.cumprod, body=_running_product)


@implements(np.cumsum)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return _running(np.cumsum, a, axis, dtype)


@implements(np.cumprod)
def _cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return _running(np.cumprod, a, axis, dtype)


def _running(function: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    a = _typed(a, dtype)
    if axis is None:
        a, axis = np.ravel(a), 0
    return apply(primitive_of(function), (a,), {"axis": axis}) if np.size(a) else a


if hasattr(np, "cumulative_sum"):  # NumPy 2.1

    @implements(np.cumulative_sum)
    def _cumulative_sum(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
        return _with_initial(_running(np.cumsum, x, axis, dtype), 0.0, axis, include_initial)

    @implements(np.cumulative_prod)
    def _cumulative_prod(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
        return _with_initial(_running(np.cumprod, x, axis, dtype), 1.0, axis, include_initial)


def _with_initial(running: Any, initial: float, axis: int | None, include: bool) -> Any:
    if not include:
        return running
    axis = axis or 0
    return np.concatenate([np.full_like(np.take(running, [0], axis=axis), initial), running], axis=axis)


@composite(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


# The same, leaving out what is not a number.


@composite(np.nansum)
def _nansum(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.sum(a, axis=axis, keepdims=bool(keepdims), where=~np.isnan(a))


@composite(np.nanprod)
def _nanprod(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.prod(a, axis=axis, keepdims=bool(keepdims), where=~np.isnan(a))


@composite(np.nanmean)
def _nanmean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.mean(a, axis=axis, keepdims=bool(keepdims), where=~np.isnan(a))


@composite(np.nanvar)
def _nanvar(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False) -> Any:
    return np.var(a, axis=axis, ddof=ddof, keepdims=bool(keepdims), where=~np.isnan(a))


@composite(np.nanstd)
def _nanstd(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False) -> Any:
    return np.std(a, axis=axis, ddof=ddof, keepdims=bool(keepdims), where=~np.isnan(a))


@composite(np.nanmax)
def _nanmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=bool(keepdims), where=~np.isnan(a), initial=-np.inf)


@composite(np.nanmin)
def _nanmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.min(a, axis=axis, keepdims=bool(keepdims), where=~np.isnan(a), initial=np.inf)


@composite(np.nancumsum)
def _nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0.0, a), axis, dtype)


@composite(np.nancumprod)
def _nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1.0, a), axis, dtype)
