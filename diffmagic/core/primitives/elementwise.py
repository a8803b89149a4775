"""Elementwise functions: one line each, with one partial derivative per operand.

`y` is the result and `x`, or `a` and `b`, the operands. The partials are NumPy code like the user's, so they can be
traced again for higher orders. They are written for accuracy: without cancellation, and finite wherever the derivative
is. At a kink they give the mean of the one-sided derivatives.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy._core import umath

from diffmagic.core.mutation import update
from diffmagic.core.primitives import (
    PRIMITIVES,
    Primitive,
    Rule,
    constant,
    define,
    define_kernel,
    implements,
    primitive_of,
    said,
)
from diffmagic.core.primitives.moves import lying_as
from diffmagic.core.tracing import Tracer, apply, concrete, refuse

_ROWS = np.empty(0).flags

# Arithmetic.

define(np.add, 1, 1, symbol="+")
define(np.subtract, 1, -1, symbol="-")
define(np.multiply, lambda y, a, b: b, lambda y, a, b: a, symbol="*")
define(np.divide, lambda y, a, b: 1 / b, lambda y, a, b: -y / b, symbol="/")
define(np.negative, -1, symbol="-")
define(np.positive, 1)
define(np.square, lambda y, x: 2 * x)
define(np.reciprocal, lambda y, x: -y * y)


def _power_base(y: Any, a: Any, b: Any) -> Any:
    """b a^(b-1), without 0 * inf where a = b = 0."""
    if type(b) in (int, float):
        return 2 * a if b == 2 else np.float64(b) * np.power(a, b - 1.0) if b != 0 else 0.0 * np.real(a)
    flat = np.logical_and(np.equal(a, 0), np.equal(b, 0))
    return np.where(flat, 0.0, b * np.power(a, np.where(flat, 1.0, b - 1)))


def _power_exponent(y: Any, a: Any, b: Any) -> Any:
    """y log a; zero where a = 0 and b > 0, where the power is constant in b."""
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        return y * np.log(a)
    flat = np.logical_and(np.equal(a, 0), np.greater(b, 0))
    return np.where(flat, 0.0, y * np.log(np.where(flat, 1.0, a)))


define(np.power, _power_base, _power_exponent, symbol="**")
define(np.float_power, _power_base, _power_exponent)
define(np.sqrt, lambda y, x: 0.5 / y)
define(np.cbrt, lambda y, x: 1 / (3 * y * y))

# Remainders: between the jumps the quotient is constant.

define(np.remainder, 1, lambda y, a, b: -np.floor_divide(a, b), symbol="%")
define(np.fmod, 1, lambda y, a, b: -np.rint((a - y) / b))
constant(np.floor_divide)
primitive_of(np.floor_divide).symbol = "//"


@implements(np.divmod)
def _divmod(a: Any, b: Any) -> Any:
    return np.floor_divide(a, b), np.remainder(a, b)


define_kernel(
    np.modf,
    push=lambda i, t, y, x: (t, None),
    pull=lambda i, g, y, x: g[0],
)
define_kernel(
    np.frexp,
    push=lambda i, t, y, x: (np.ldexp(t, -y[1]), None),
    pull=lambda i, g, y, x: None if g[0] is None else np.ldexp(g[0], -y[1]),
)
define(np.ldexp, lambda y, x, e: np.ldexp(1.0, e), None)

# Exponentials and logarithms.

define(np.exp, lambda y, x: y)
define(np.exp2, lambda y, x: y * math.log(2))
define(np.expm1, lambda y, x: np.exp(x))
define(np.log, lambda y, x: 1 / x)
define(np.log2, lambda y, x: 1 / (x * math.log(2)))
define(np.log10, lambda y, x: 1 / (x * math.log(10)))
define(np.log1p, lambda y, x: 1 / (1 + x))


def _share_of_exponentials(exp: Any, rate: float) -> Rule:
    """e^a / (e^a + e^b), whose own derivative is finite where an exponential is not."""
    sigmoid = Primitive(
        "sigmoid", lambda d: 1 / (1 + exp(-d)), partials=(lambda y, d: rate * y * apply(sigmoid, (-d,)),)
    )

    def share(a: Any, b: Any) -> Any:
        same = np.logical_and(np.isinf(a), np.equal(a, b))
        return apply(sigmoid, (np.where(same, 0.0, a - b),))

    return share


for _logaddexp, _part in (
    (np.logaddexp, _share_of_exponentials(np.exp, 1.0)),
    (np.logaddexp2, _share_of_exponentials(np.exp2, math.log(2))),
):
    define(_logaddexp, lambda y, a, b, part=_part: part(a, b), lambda y, a, b, part=_part: part(b, a))

# Trigonometric and hyperbolic functions, and their inverses.


def _leg(x: Any) -> Any:
    """√(1 - x²); for complex numbers on the cuts, whose side 1 - x would lose, too."""
    return np.sqrt(-(x - 1)) * np.sqrt(1 + x) if np.iscomplexobj(x) else np.sqrt((1 - x) * (1 + x))


define(np.sin, lambda y, x: np.cos(x))
define(np.cos, lambda y, x: -np.sin(x))
define(np.tan, lambda y, x: 1 + y * y)
define(np.arcsin, lambda y, x: 1 / _leg(x))
define(np.arccos, lambda y, x: -1 / _leg(x))
define(np.arctan, lambda y, x: 1 / (1 + x * x))
define(np.sinh, lambda y, x: np.cosh(x))
define(np.cosh, lambda y, x: np.sinh(x))
_tanh_slope = Primitive(
    "sech2", lambda x: 1 / np.square(np.cosh(x)), partials=(lambda y, x: -2 * np.tanh(x) * y,)
)  # its own derivative is finite where cosh is not
define(np.tanh, lambda y, x: apply(_tanh_slope, (x,)))
define(np.arcsinh, lambda y, x: 1 / (np.sqrt(1 + x * x) if np.iscomplexobj(x) else np.hypot(1.0, x)))
define(np.arccosh, lambda y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)))
define(np.arctanh, lambda y, x: 1 / ((1 - x) * (1 + x)))
for _to_radians in (np.deg2rad, np.radians):
    define(_to_radians, lambda y, x: math.pi / 180)
for _to_degrees in (np.rad2deg, np.degrees):
    define(_to_degrees, lambda y, x: 180 / math.pi)


def _share(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where both are 0: the mean over all directions of a cone at its tip."""
    return np.where(np.equal(whole, 0), 0.0, part / np.where(np.equal(whole, 0), 1.0, whole))


define(np.hypot, lambda y, a, b: _share(a, y), lambda y, a, b: _share(b, y))
define(
    np.arctan2,
    lambda y, a, b: b / np.hypot(a, b) / np.hypot(a, b),
    lambda y, a, b: -a / np.hypot(a, b) / np.hypot(a, b),
)

# Absolute value, sign and complex parts. For a real result of a complex operand the partial p stands for t ↦ Re(p t).


def _absolute(y: Any, x: Any) -> Any:
    return _share(np.conjugate(x), y) if np.iscomplexobj(x) else np.sign(x)


define(np.absolute, _absolute)
define(np.fabs, lambda y, x: np.sign(x))
define(np.copysign, lambda y, a, b: np.where(np.signbit(a) == np.signbit(b), 1.0, -1.0), None)
define(np.real, 1)
define(np.imag, lambda y, x: -1j if np.iscomplexobj(x) else 0.0)
define(np.angle, lambda y, x, deg=False: -1j / x * (180 / math.pi if deg else 1) if np.iscomplexobj(x) else 0.0)
define_kernel(
    np.conjugate,
    push=lambda i, t, y, x: np.conjugate(t),
    pull=lambda i, g, y, x: np.conjugate(g),
)


@implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    return apply(PRIMITIVES[np.angle], (z,), {"deg": True} if deg else {})


# Choices: the partials are weights, one half each at a tie.


def _above(a: Any, b: Any) -> Any:
    """1 where a > b, 1/2 where a = b, 0 where a < b."""
    return 0.5 * (np.greater(a, b) * 1.0 + np.greater_equal(a, b))


def _unless_nan(other: Any, weight: Any) -> Any:
    return np.where(np.isnan(other), 1.0, weight)


define(np.maximum, lambda y, a, b: _above(a, b), lambda y, a, b: _above(b, a), selects=True)
define(np.minimum, lambda y, a, b: _above(b, a), lambda y, a, b: _above(a, b), selects=True)
define(
    np.fmax,
    lambda y, a, b: _unless_nan(b, _above(a, b)),
    lambda y, a, b: 1 - _unless_nan(b, _above(a, b)),
    selects=True,
)
define(
    np.fmin,
    lambda y, a, b: _unless_nan(b, _above(b, a)),
    lambda y, a, b: 1 - _unless_nan(b, _above(b, a)),
    selects=True,
)
define(
    np.clip,
    lambda y, x, low, high: _above(x, low) * _above(high, x),
    lambda y, x, low, high: _above(low, x) * _above(high, low),
    lambda y, x, low, high: _above(np.maximum(x, low), high),
    selects=True,
)
define(np.where, None, lambda y, c, a, b: c * 1.0, lambda y, c, a, b: 1.0 - c, selects=True)
define(np.nan_to_num, lambda y, x, **options: np.isfinite(x) * 1.0, selects=True)


@implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        return np.positive(a)
    if low is None:
        return np.minimum(a, high)
    if high is None:
        return np.maximum(a, low)
    return apply(PRIMITIVES[np.clip], (a, low, high))


@implements(vars(umath)["clip"])  # what the method of a plain array calls
def _clip_between(a: Any, low: Any, high: Any) -> Any:
    return np.clip(a, low, high)


@implements(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return np.nonzero(condition)
    chosen, other = choices
    if type(condition) is not Tracer:
        condition = np.asarray(condition)
    if condition.dtype != np.bool_:
        condition = np.not_equal(condition, 0)
    return apply(PRIMITIVES[np.where], (condition, chosen, other))


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return np.copy(result, "C") if getattr(concrete(result), "flags", _ROWS).fnc else result  # by rows, as NumPy's


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    pieces = [piece(x, *args, **kw) if callable(piece) else piece for piece in funclist]
    result: Any = pieces[-1] if len(pieces) > len(conditions) else 0.0
    for condition, piece in zip(conditions, pieces, strict=False):
        result = np.where(condition, piece, result)
    dtype = np.result_type(concrete(x))  # NumPy fills an array like x
    return result if np.result_type(concrete(result)) == dtype else np.astype(result, dtype)


@implements(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if any(type(option) is Tracer for option in (nan, posinf, neginf)):
        refuse("np.nan_to_num with a traced replacement is not traced", "np.where(np.isnan(x), replacement, x)")
    found = apply(PRIMITIVES[np.nan_to_num], (x,), {"nan": nan, "posinf": posinf, "neginf": neginf})
    if copy or type(concrete(x)) is not np.ndarray:
        return found
    update(x, found, "np.nan_to_num")
    return x


# sin(πx)/(πx): near zero its derivatives cancel, so there a series stands in for them.


def _sinc(y: Any, x: Any) -> Any:
    z = math.pi * x
    near = np.less(np.abs(z), 1.0)
    far = np.where(near, 1.0, z)
    small = np.where(near, z, 0.0)
    square = small * small
    series: Any = 0.0
    for k in range(11, 0, -1):
        series = series * square + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    return math.pi * np.where(near, series * small, (np.cos(far) - np.sin(far) / far) / far)


define(np.sinc, _sinc)

# Zero almost everywhere.

constant(np.sign, np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round, np.around, np.spacing, np.signbit)
define(np.nextafter, 1, None)
define(np.heaviside, None, lambda y, x, h: np.equal(x, 0) * 1.0)
constant(np.isnan, np.isinf, np.isfinite, np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
constant(np.gcd, np.lcm, np.left_shift, np.right_shift, np.bitwise_count)
for _comparison, _symbol in [
    (np.greater, ">"),
    (np.greater_equal, ">="),
    (np.less, "<"),
    (np.less_equal, "<="),
    (np.equal, "=="),
    (np.not_equal, "!="),
    (np.bitwise_and, "&"),
    (np.bitwise_or, "|"),
    (np.bitwise_xor, "^"),
    (np.invert, "~"),
]:
    constant(_comparison)
    primitive_of(_comparison).symbol = _symbol


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Any:
    return apply(PRIMITIVES[np.round], (a,), {"decimals": decimals} if decimals else {})


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    return np.real(a) if not np.iscomplexobj(np.real_if_close(concrete(a), tol)) else a


@implements("outer")
def _outer(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """``ufunc.outer(a, b)``: every pair of an element of `a` and one of `b`."""
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)


_REDUCTIONS: dict[Any, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}
_RUNNING: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


def _reduced(ufunc: np.ufunc, array: Any, axis: int, keep: bool) -> Any:
    count = np.shape(array)[axis]
    parts = [np.take(array, 0, axis=axis)] if count else []
    for k in range(1, count):
        parts.append(ufunc(parts[-1], np.take(array, k, axis=axis)))
    if not parts:
        refuse(f"np.{ufunc.__name__} of nothing", "pass at least one element")
    return np.stack(parts, axis=axis) if keep else parts[-1]


@implements("reduce")
def _reduce(
    ufunc: np.ufunc, array: Any, axis: int | None = 0, dtype: Any = None, keepdims: bool = False, **options: Any
) -> Any:
    """``ufunc.reduce``: the named reduction where there is one, else one step after the other."""
    named: Any = _REDUCTIONS.get(ufunc)
    if named is not None:
        return named(array, axis=axis, keepdims=keepdims, **said(dtype=(dtype, None)), **options)
    if options:
        refuse(
            f"np.{ufunc.__name__}.reduce with {', '.join(options)}= is not traced", "np.where(mask, x, neutral) first"
        )
    if axis is None or dtype is not None:
        refuse(f"np.{ufunc.__name__}.reduce with axis=None or dtype= is not traced", "np.ravel(x), then axis=0")
    result = _reduced(ufunc, array, axis, keep=False)
    return np.expand_dims(result, axis) if keepdims else result


@implements("accumulate")
def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    """``ufunc.accumulate``: the named one where there is one, else one step after the other."""
    named: Any = _RUNNING.get(ufunc)
    if named is not None:
        return named(array, axis=axis, **said(dtype=(dtype, None)))
    if dtype is not None:
        refuse(f"np.{ufunc.__name__}.accumulate with dtype= is not traced", "x.astype(dtype) first")
    return lying_as(array, _reduced(ufunc, array, axis, keep=True))


@implements("reduceat")
def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """``ufunc.reduceat``: a reduction of each part from one index to the next; of one element where there is none."""
    starts = concrete(indices).tolist() if type(indices) is Tracer else np.asarray(indices).tolist()
    count = np.shape(array)[axis]
    if not all(0 <= start < count for start in starts):
        raise IndexError(f"an index is out of bounds in {ufunc.__name__}.reduceat [0, {count})")
    ends = [*starts[1:], count]
    parts = [
        np.take(array, range(start, max(end, start + 1)), axis=axis) for start, end in zip(starts, ends, strict=True)
    ]
    return np.stack([ufunc.reduce(part, axis=axis, **said(dtype=(dtype, None))) for part in parts], axis=axis)
