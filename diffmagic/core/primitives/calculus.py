"""Calculus on grids: differences and derivatives, sums and integrals, interpolation, and the grids themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffmagic.core.primitives import define_kernel, implements, primitive_of, said
from diffmagic.core.tracing import apply, composite, is_traced, refuse, settled_key

# Differences.


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = [_end(part, a, axis) for part in (prepend, append)]
    if any(end is not None for end in ends):
        a = np.concatenate([part for part in (ends[0], a, ends[1]) if part is not None], axis=axis)
    return apply(primitive_of(np.diff), (a,), said(n=(n, 1), axis=(axis, -1)))


def _end(part: Any, a: Any, axis: int) -> Any:
    """What stands before or behind an array: a number is repeated along the other axes."""
    if part is None or np.ndim(part):
        return part
    return np.broadcast_to(part, [1 if k == axis % np.ndim(a) else size for k, size in enumerate(np.shape(a))])


def _differences(a: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        moved = np.moveaxis(a, axis, 0)
        a = np.moveaxis(moved[1:] - moved[:-1], 0, axis)
    return a


define_kernel(np.diff, body=_differences)
define_kernel(np.ediff1d, body=lambda ary: _differences(np.ravel(ary)))


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = apply(primitive_of(np.ediff1d), (ary,))
    begin, end = ([] if part is None else [np.astype(np.ravel(part), steps.dtype)] for part in (to_begin, to_end))
    return np.concatenate([*begin, steps, *end]) if begin or end else steps


define_kernel(
    np.unwrap,
    push=lambda i, t, y, p, **options: t,
    pull=lambda i, g, y, p, **options: g,  # what is added is a whole number of periods
).keeps_positions = True


@implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    if is_traced([discont, period]):
        refuse("np.unwrap with a traced discont= or period= is not traced", "pass plain numbers")
    options = said(discont=(discont, None), axis=(axis, -1), period=(period, 2 * math.pi))
    return apply(primitive_of(np.unwrap), (p,), options)


# Derivatives on a grid: quotients of differences, between the neighbours inside and one-sided at the ends.


def _gradient(f: Any, *spacings: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = range(np.ndim(f)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not spacings:
        spacings = (1.0,)
    if len(spacings) == 1:
        spacings = spacings * len(axes)
    slopes = [
        np.moveaxis(_slope(np.moveaxis(f, k, 0), h, edge_order), 0, k) for k, h in zip(axes, spacings, strict=True)
    ]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(f: Any, spacing: Any, edge_order: int) -> Any:
    """Along the first axis, by the parabola through each three points; at the ends by it or by a line."""
    count = np.shape(f)[0]
    steps = np.diff(spacing) if np.ndim(spacing) else np.broadcast_to(spacing, count - 1)
    steps = np.reshape(steps, (-1,) + (1,) * (np.ndim(f) - 1))
    before, after = steps[:-1], steps[1:]
    quotients = (f[1:] - f[:-1]) / steps
    inside = (after * quotients[:-1] + before * quotients[1:]) / (before + after)
    first, last = quotients[:1], quotients[-1:]
    if edge_order == 2:
        first = first - before[:1] * (quotients[1:2] - first) / (before[:1] + after[:1])
        last = last + after[-1:] * (last - quotients[-2:-1]) / (before[-1:] + after[-1:])
    return np.concatenate([first, inside, last])


define_kernel(np.gradient, body=_gradient)


@implements(np.gradient)
def _gradient_of(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axis = tuple(axis) if isinstance(axis, list) else axis
    return apply(primitive_of(np.gradient), (f, *varargs), said(axis=(axis, None), edge_order=(edge_order, 1)))


# Integrals and interpolation.


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    ends = np.moveaxis(y, axis, -1)
    steps: Any = dx
    if x is not None:
        steps = np.diff(x) if np.ndim(x) == 1 else np.moveaxis(np.diff(x, axis=axis), axis, -1)
    return np.sum(steps * (ends[..., 1:] + ends[..., :-1]) / 2.0, axis=-1)


@composite(np.interp, operands=3)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Between two nodes the line through them; beyond the nodes constant, or the same again after each period."""
    xp, fp = (part if is_traced(part) else np.asarray(part) for part in (xp, fp))
    if period is not None:
        period, left, right = abs(period), None, None
        x, xp = x % period, xp % period
        order = settled_key(np.argsort(xp))
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    count = len(xp)
    place = np.clip(settled_key(np.searchsorted(xp, x, side="right")) - 1, 0, max(count - 2, 0))
    beside = np.minimum(place + 1, count - 1)
    slope = (fp[beside] - fp[place]) / (xp[beside] - xp[place]) if count > 1 else 0.0
    inside = fp[place] + slope * (x - xp[place])
    below, above = np.less(x, xp[0]), np.greater(x, xp[-1])
    low, high = fp[0] if left is None else left, fp[-1] if right is None else right
    return np.where(below, low, np.where(above, high, inside))


# Grids.


def _shares(start: Any, stop: Any, num: int, endpoint: bool) -> Any:
    """How far each point is on the way from the start to the stop."""
    shares = np.arange(num) / max(num - 1 if endpoint else num, 1)
    return np.reshape(shares, (-1,) + (1,) * max(np.ndim(start), np.ndim(stop)))


def _linear(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    shares = _shares(start, stop, num, endpoint)
    return start * (1 - shares) + stop * shares


def _powers(start: Any, stop: Any, base: Any = 10.0, num: int = 50, endpoint: bool = True) -> Any:
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (np.reshape(a, (1,) * (ndim - np.ndim(a)) + np.shape(a)) for a in (start, stop, base))
        base = np.expand_dims(base, 0)
    return np.power(base, np.linspace(start, stop, num, endpoint))


def _geometric(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    return start * np.power(np.divide(stop, start), _shares(start, stop, num, endpoint))


define_kernel(np.linspace, body=_linear)
define_kernel(np.logspace, body=_powers).function = lambda start, stop, base=10.0, **options: np.logspace(
    start, stop, base=base, **options
)
define_kernel(np.geomspace, body=_geometric)


def _grid(function: Any, operands: Any, num: Any, endpoint: Any, dtype: Any, axis: int) -> Any:
    grid = apply(primitive_of(function), operands, said(num=(num, 50), endpoint=(endpoint, True)))
    if axis != 0:
        grid = np.moveaxis(grid, 0, axis)
    return grid if dtype is None else np.astype(grid, dtype)


@implements(np.linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    whole = dtype is not None and np.issubdtype(dtype, np.integer)
    grid = _grid(np.linspace, (start, stop), num, endpoint, None if whole else dtype, axis)
    if whole:
        grid = np.astype(np.floor(grid), dtype)
    if not retstep:
        return grid
    steps = num - 1 if endpoint else num
    return grid, np.divide(np.subtract(stop, start), steps) if steps > 0 else np.nan


@implements(np.logspace)
def _logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    plain = not is_traced(base) and np.ndim(base) == 0 and base == 10
    return _grid(np.logspace, (start, stop) if plain else (start, stop, base), num, endpoint, dtype, axis)


@implements(np.geomspace)
def _geomspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: int = 0) -> Any:
    return _grid(np.geomspace, (start, stop), num, endpoint, dtype, axis)
