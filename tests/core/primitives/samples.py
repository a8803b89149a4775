"""A table: for every NumPy function with a primitive, calls of it on which its derivatives are tried.

A new primitive needs a line here, or `test_registry` fails.
"""

from __future__ import annotations

import io
import itertools
import math
import operator
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath
import numpy as np

from diffmagic.core.primitives.refusals import DATES, FILES, TEXTS

mp = mpmath.mp

Operands = tuple[Any, ...]


def leaves(value: Any) -> list[Any]:
    """The numbers and arrays in nested lists and tuples."""
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def mapped(f: Callable[..., Any], value: Any, *others: Any) -> Any:
    """`f` of every number and array in nested lists and tuples, in plain lists."""
    if isinstance(value, list | tuple):
        return [mapped(f, *parts) for parts in zip(value, *others, strict=True)]
    return f(value, *others)


def is_float(value: Any) -> bool:
    """Whether something is a floating-point number or array, or a nest of them."""
    found = leaves(value)
    kinds = (float, np.floating, np.ndarray)
    return bool(found) and all(isinstance(leaf, kinds) and np.result_type(leaf).kind == "f" for leaf in found)


@dataclass(frozen=True, eq=False)
class Sample:
    """One call of a function. Those of its positional arguments that are floating-point numbers move.

    Attributes
    ----------
    args, kwargs
        What the function is called with.
    code : callable, optional
        Other code with the function in it, called with `args`.
    analytic : callable, optional
        The same function of `args` for complex numbers, where NumPy's own is not analytic or not complex.
    exact : callable, optional
        The same function of single numbers in mpmath, where it is elementwise.
    same : bool
        Whether the value is NumPy's to the last bit; it need not be where it is written in other functions.
    function, name
        Filled in by `_table`.
    """

    args: Operands
    kwargs: dict[str, Any] = field(default_factory=dict)
    code: Callable[..., Any] | None = None
    analytic: Callable[..., Any] | None = None
    exact: Callable[..., Any] | None = None
    same: bool = True
    function: Any = None
    name: str = ""

    def against(self, analytic: Callable[..., Any]) -> Sample:
        return replace(self, analytic=analytic)

    def rounded(self) -> Sample:
        return replace(self, same=False)

    def __call__(self, *args: Any) -> Any:
        return self.code(*args) if self.code is not None else self.function(*args, **self.kwargs)

    @property
    def moving(self) -> list[int]:
        return [k for k, arg in enumerate(self.args) if is_float(arg)]

    @property
    def operands(self) -> list[Any]:
        return [self.args[k] for k in self.moving]

    def of_moving(self, f: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """The function, or another one of the same arguments, of those that move."""
        f = f or self

        def restricted(*moving: Any) -> Any:
            args = list(self.args)
            for k, arg in zip(self.moving, moving, strict=True):
                args[k] = arg
            return f(*args)

        return restricted

    def __repr__(self) -> str:
        return self.name


def call(*args: Any, **kwargs: Any) -> Sample:
    """The function with these arguments."""
    return Sample(args, kwargs)


def code(f: Callable[..., Any], *args: Any) -> Sample:
    """Code that comes to the function in its own way: an operator, a method, a traced integer."""
    return Sample(args, code=f)


def method(name: str, *args: Any, **kwargs: Any) -> Sample:
    """The method of this name of the first argument."""
    return Sample(args, code=lambda array, *rest: getattr(array, name)(*rest, **kwargs))


def _table(samples: dict[Any, list[Sample]]) -> dict[Any, list[Sample]]:
    named: dict[Any, list[Sample]] = {}
    for function, given in samples.items():
        name = getattr(function, "__name__", str(function))
        named[function] = [replace(sample, function=function, name=f"{name}-{k}") for k, sample in enumerate(given)]
    return named


# Arrays of different numbers, far enough apart that a small step changes no order.

_shuffle = np.random.default_rng(20240229)


def spread(*shape: int, gap: float = 0.3, start: float = -1.63) -> np.ndarray:
    count = math.prod(shape)
    return (start + gap * _shuffle.permutation(count)).reshape(shape)


V = spread(5)
W = spread(5)
A = spread(3, 4)
B = spread(4, 2)
M = spread(3, 3)
N = spread(3, 3)
T = spread(2, 3, 4, gap=0.15)
P = spread(3, 4, start=0.4)  # positive
GAPS = np.where(np.arange(12).reshape(3, 4) % 5 == 2, np.nan, A)
MASK = A > -0.5
EMPTY = np.zeros((0, 3))
ORDER = np.argsort(spread(3, 4), axis=1)

# Elementwise functions: their equivalents in mpmath, and where they are defined.


@dataclass(frozen=True)
class Elementwise:
    """An elementwise function of one operand.

    Attributes
    ----------
    exact : callable
        The same in mpmath.
    low, high : float
        The open interval on which it is smooth, except at zero if `at_zero` is true.
    at_zero : bool
        Whether zero is a pole or a kink.
    """

    exact: Callable[[Any], Any]
    low: float = -math.inf
    high: float = math.inf
    at_zero: bool = False

    def holds(self, x: float) -> bool:
        return self.low < x < self.high and not (self.at_zero and x == 0)


def _sinc(x: Any) -> Any:
    return mp.sin(mp.pi * x) / (mp.pi * x) if x else mp.mpf(1)


_identity = Elementwise(lambda x: x)
_to_radians = Elementwise(lambda x: x * mp.pi / 180)
_to_degrees = Elementwise(lambda x: x * 180 / mp.pi)
_absolute = Elementwise(abs, at_zero=True)

UNARY: dict[Any, Elementwise] = {
    np.negative: Elementwise(lambda x: -x),
    np.positive: _identity,
    np.conjugate: _identity,
    np.real: _identity,
    np.nan_to_num: _identity,
    np.square: Elementwise(lambda x: x * x),
    np.reciprocal: Elementwise(lambda x: 1 / x, at_zero=True),
    np.sqrt: Elementwise(mp.sqrt, low=0, at_zero=True),
    np.cbrt: Elementwise(lambda x: mp.sign(x) * mp.cbrt(abs(x)), at_zero=True),
    np.exp: Elementwise(mp.exp),
    np.exp2: Elementwise(lambda x: mp.mpf(2) ** x),
    np.expm1: Elementwise(lambda x: mp.exp(x) - 1),
    np.log: Elementwise(mp.log, low=0, at_zero=True),
    np.log2: Elementwise(lambda x: mp.log(x) / mp.log(2), low=0, at_zero=True),
    np.log10: Elementwise(mp.log10, low=0, at_zero=True),
    np.log1p: Elementwise(lambda x: mp.log(1 + x), low=-1),
    np.sin: Elementwise(mp.sin),
    np.cos: Elementwise(mp.cos),
    np.tan: Elementwise(mp.tan),
    np.arcsin: Elementwise(mp.asin, -1, 1),
    np.arccos: Elementwise(mp.acos, -1, 1),
    np.arctan: Elementwise(mp.atan),
    np.sinh: Elementwise(mp.sinh),
    np.cosh: Elementwise(mp.cosh),
    np.tanh: Elementwise(mp.tanh),
    np.arcsinh: Elementwise(mp.asinh),
    np.arccosh: Elementwise(mp.acosh, low=1),
    np.arctanh: Elementwise(mp.atanh, -1, 1),
    np.deg2rad: _to_radians,
    np.radians: _to_radians,
    np.rad2deg: _to_degrees,
    np.degrees: _to_degrees,
    np.absolute: _absolute,
    np.fabs: _absolute,
    np.sinc: Elementwise(_sinc),
}

BINARY: dict[Any, Callable[[Any, Any], Any]] = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.power: lambda a, b: a**b,
    np.float_power: lambda a, b: a**b,
    np.remainder: lambda a, b: a - b * mp.floor(a / b),
    np.fmod: lambda a, b: a - b * mp.sign(a / b) * mp.floor(abs(a / b)),
    np.hypot: lambda a, b: mp.sqrt(a * a + b * b),
    np.arctan2: lambda a, b: mp.atan2(a, b),
    np.logaddexp: lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
    np.logaddexp2: lambda a, b: mp.log(mp.mpf(2) ** a + mp.mpf(2) ** b) / mp.log(2),
    np.copysign: lambda a, b: abs(a) if b >= 0 else -abs(a),
    np.nextafter: lambda a, b: a,
    np.maximum: max,
    np.minimum: min,
    np.fmax: max,
    np.fmin: min,
    np.heaviside: lambda a, b: mp.mpf(int(a > 0)) if a else b,
}
POSITIVE_BASE = (np.power, np.float_power)


def _unary(function: Any, known: Elementwise) -> list[Sample]:
    points = [x for x in (-2.3, -0.7, -0.31, 0.12, 0.43, 0.86, 1.37, 2.6, 3.1, 5.2) if known.holds(x)]
    array = np.array(points[:6] if len(points) >= 6 else (points * 2)[:6]).reshape(2, 3)
    shapes = [array, points[0], np.array(points[-1]), array[:1, :1], array[:0], array[1], np.float64(points[-1])]
    return [replace(call(shape), exact=known.exact) for shape in shapes]


def _binary(function: Any, exact: Callable[[Any, Any], Any]) -> list[Sample]:
    left, right = np.array([[0.7], [-2.3], [3.7]]), np.array([[1.3, -0.62, 2.9, -3.3]])
    if function in POSITIVE_BASE:
        left = np.abs(left)
    pairs: list[Operands] = [
        (left, right),
        (left, -0.57),
        (1.7, right),
        (1.7, 0.4),
        (left[2], right[0]),
        (np.array(1.7), np.array([0.4, 0.9])),
        (left[:, :0], right[:, :1]),
        (left.astype(int).clip(1, 3), right),
        (left, np.array([[2, 1, -1, 3]])),
    ]
    return [replace(call(*pair), exact=exact) for pair in pairs]


def _clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


ELEMENTWISE: dict[Any, list[Sample]] = {
    **{function: _unary(function, known) for function, known in UNARY.items()},
    **{function: _binary(function, exact) for function, exact in BINARY.items()},
    np.ldexp: [
        replace(call(*pair), exact=lambda a, b: a * mp.mpf(2) ** int(b))
        for pair in [(A, 3), (V, np.array([[1], [-2]])), (0.3, -1), (0.3, np.array([2, 5]))]
    ],
    np.where: [
        replace(call(*given), exact=lambda c, a, b: a if c else b)
        for given in [
            (MASK, A, A[:, :1]),
            (MASK, A, 0.5),
            (True, 1.5, V),
            (np.array([[True], [False]]), V, np.array(0.3)),
            (A[0] > 0, 0.5, 0.7),
            (np.array([2, 0, 1]), np.array([0.1, 0.2, 0.3]), 0.5),
            ([True, False], V[:2], W[:2]),
        ]
    ],
    np.clip: [
        replace(call(*given), exact=_clip)
        for given in [
            (A, -0.9, 0.8),
            (0.3, V, 2.0),
            (A, A[:1] * 0.5, np.array([[1.0], [0.2], [-0.7]])),
            (0.3, -1.0, 0.1),
            (V, 0, 1),
            (EMPTY, 0.1, 0.2),
        ]
    ],
}

OPERATORS: dict[Any, list[Sample]] = {
    np.add: [code(lambda a, b: a + b, A, V[:4]), code(lambda a: 2 + a, V), code(lambda a: np.add(a, [1, 2, 3, 4]), A)],
    np.subtract: [
        code(lambda a: [1, 2, 3, 4] - a, A),
        code(lambda a, b: a - b, A, V[:4]),
        code(lambda a: 2.5 - a, V),
        code(lambda a: W - a, V),
    ],
    np.multiply: [code(lambda a, b: a * b, A, A[:, :1]), code(lambda a: 3 * a * W, V), code(lambda a: a * a, 1.3)],
    np.divide: [code(lambda a, b: a / b, A, A[:, :1]), code(lambda a: 3 / a, V), code(lambda a: W / a, V)],
    np.negative: [code(lambda a: -a, V), code(lambda a: -a, 0.3)],
    np.positive: [code(lambda a: +a, V), code(lambda a: +a.copy(), A)],
    np.absolute: [code(abs, V).against(lambda a: a * np.sign(V)), code(abs, -0.3).against(lambda a: -a)],
    np.power: [
        code(lambda a: a**2, A),
        code(lambda a: a**3, -1.3),
        code(lambda a: a**-2, V),
        code(lambda a: a**0, V),
        code(lambda a: a**1, V),
        code(lambda a: a**0.5, P),
        code(lambda a: a ** np.array([1, 2, 3, 0]), A),
        code(lambda a: a ** np.array([1.0, 2.0, -3.0, 0.0]), A),
        code(lambda a: 2**a, V),
        code(lambda a: 0.5**a, 1.2),
        code(lambda a, b: a**b, P, 1.5),
    ],
    np.remainder: [
        code(lambda a: a % 0.7, V).against(lambda a: a - 0.7 * (V // 0.7)),
        code(lambda a: 5.1 % a, V).against(lambda a: 5.1 - a * (5.1 // V)),
        code(divmod, V, W).against(lambda a, b: (0 * a, a - b * (V // W))),
        code(lambda a: divmod(5.2, a), V).against(lambda a: (0 * a, 5.2 - a * (5.2 // V))),
    ],
    np.where: [
        code(lambda c, a: np.where(a > 0, a * a, c), 0.5, V),
        code(lambda a: np.where([True, False], [0.5, 1.5], a), V[:2]),
    ],
    np._core.umath.clip: [code(lambda a: np.linspace(-2, 2, 12).reshape(3, 4).clip(a, 0.7), A / 2)],
    np.clip: [
        call(A, None, 0.61),
        call(A, -0.58, None),
        call(A, None, None),
        call(A, min=-0.5, max=0.5),
        method("clip", A, -0.5, 0.5),
        method("clip", A, max=0.5),
    ],
    np.real: [
        code(lambda a, b: np.real(np.exp(a + 1j * b)), V, W).against(lambda a, b: np.exp(a) * np.cos(b)),
        code(lambda a: (a * (2 + 3j)).real, V).against(lambda a: 2 * a),
        code(lambda a: a.real, V).against(lambda a: a),
    ],
    np.conjugate: [
        code(lambda a, b: np.real((2 + 1j) * np.conjugate(a + 1j * b)), V, W).against(lambda a, b: 2 * a + b),
        code(lambda a, b: np.real((2 + 1j) * (a + 1j * b).conj()), V, W).against(lambda a, b: 2 * a + b),
        code(lambda a, b: np.real((2 + 1j) * (a + 1j * b).conjugate()), V, W).against(lambda a, b: 2 * a + b),
    ],
}

PARTS: dict[Any, list[Sample]] = {
    np.heaviside: [
        code(lambda h: np.heaviside([[-1.0], [0.0], [2.0]], h), V).against(lambda h: np.stack([0 * h, h, 0 * h + 1]))
    ],
    np.imag: [
        code(lambda a, b: np.imag(np.exp(a + 1j * b)), V, W).against(lambda a, b: np.exp(a) * np.sin(b)),
        code(lambda a: (a * (2 + 3j)).imag, V).against(lambda a: 3 * a),
        call(V).against(lambda a: 0 * a),
        code(lambda a: a.imag, 0.5).against(lambda a: 0 * a),
    ],
    np.angle: [
        code(lambda a, b: np.angle(a + 1j * b), P[0], W[:4]).against(lambda a, b: np.arctan(b / a)),
        code(lambda a, b: np.angle(a + 1j * b, deg=True), P[0], W[:4]).against(
            lambda a, b: np.arctan(b / a) * (180 / np.pi)
        ),
        call(V).against(lambda a: 0 * a),
    ],
    np.absolute: [
        code(lambda a, b: np.abs(np.exp(0.5 * a) + 1j * b), V, W).against(lambda a, b: np.sqrt(np.exp(a) + b * b))
    ],
    np.modf: [call(x).against(lambda a, x=x: (a - np.trunc(x), 0 * a)) for x in (A, -1.7)],
    np.frexp: [code(lambda a: np.frexp(a)[0], x).against(lambda a, x=x: a / 2.0 ** np.frexp(x)[1]) for x in (A, -1.7)],
    np.divmod: [
        call(V, W).against(lambda a, b: (0 * a, a - b * (V // W))),
        call(V, 0.7).against(lambda a, b: (0 * a, a - b * (V // 0.7))),
        call(5.2, V).against(lambda a, b: (0 * b, a - b * (5.2 // V))),
    ],
    np.real_if_close: [
        code(lambda a: np.real_if_close(a * (1 + 0j)), V).against(lambda a: a),
        call(V).against(lambda a: a),
    ],
    np.select: [
        code(lambda a: np.select([a > 0.5, a > -0.5], [a * a, np.sin(a)], -1.5 * a), A),
        code(lambda a: np.select([a > 0.5], [np.exp(a)]), V),
        code(lambda a: np.select([MASK, A > 0.7], [a, 2 * a], 0.5), A),
    ],
    np.piecewise: [
        code(lambda a: np.piecewise(a, [a < 0, a >= 0], [np.sin, lambda t: t**3]), A),
        code(lambda a: np.piecewise(a, [a < -0.5, a > 0.7], [2.0, np.exp, np.cos]), V),
        code(lambda a: np.piecewise(a, [a > 0.7], [lambda t, k: k * t], 3.0), V),
    ],
}

# Moving elements.

MOVES: dict[Any, list[Sample]] = {
    operator.getitem: [
        code(lambda a: a[1], V),
        code(lambda a: a[-1], A),
        code(lambda a: a[1:3], V),
        code(lambda a: a[::-2, 1:], A),
        code(lambda a: a[..., 0], T),
        code(lambda a: a[None, :, None, 1], A),
        code(lambda a: a[[0, 2, 2]], A),
        code(lambda a: a[[0, 2, 2], [1, 1, 1]], A),
        code(lambda a: a[np.array([[0, 1], [1, 1]])], V),
        code(lambda a: a[MASK], A),
        code(lambda a: a[a > 0], A),
        code(lambda a: a[np.argmax(a)], V),
        code(lambda a: a[1, 2], A),
        code(lambda a: a[()], V),
        code(lambda a: a[1:1], V),
        code(lambda a: a[np.ix_([0, 1], [2, 0])], A),
        code(lambda a: a * a.item(3), V),
        code(lambda a: [row @ row for row in a], A),
        code(lambda a: sum(a), V),
        code(lambda a: list(a.flat), A),
    ],
    np.reshape: [
        call(A, (2, 6)),
        call(A, -1),
        call(A, (4, -1), order="F"),
        call(0.5, (1, 1)),
        method("reshape", A, 2, 3, 2),
        method("reshape", A, (6, 2)),
        method("reshape", A, -1, order="F"),
    ],
    np.ravel: [
        call(A),
        call(A, order="F"),
        call(0.5),
        call(EMPTY),
        method("ravel", T),
        method("flatten", A),
        method("flatten", A, "F"),
    ],
    np.squeeze: [call(A[:, :1]), call(A[None, :, :1], axis=0), call(A[None, :, :1], axis=(0, 2)), method("squeeze", A)],
    np.expand_dims: [call(V, 0), call(A, -1), call(A, (0, 2)), call(0.5, 0)],
    np.transpose: [
        call(A),
        call(T, (2, 0, 1)),
        call(T, axes=[1, 0, -1]),
        call(V),
        method("transpose", T, 2, 0, 1),
        method("transpose", T, (1, 2, 0)),
        method("transpose", T),
        code(lambda a: a.T, T),
        code(lambda a: np.permute_dims(a, (1, 0, 2)), T),
    ],
    np.swapaxes: [call(T, 0, 2), call(T, -1, 1), method("swapaxes", T, 0, 1)],
    np.moveaxis: [call(T, 0, -1), call(T, [0, 1], [-1, 0])],
    np.matrix_transpose: [call(A), call(T), code(lambda a: a.mT, T)],
    np.rollaxis: [call(T, 2), call(T, 1, 3)],
    np.broadcast_to: [call(V, (3, 5)), call(A[:, :1], (2, 3, 4)), call(0.5, (2, 2)), call(0.5, 3), call(V, (0, 5))],
    np.broadcast_arrays: [call(A, A[:, :1], 0.5), call(V, W)],
    np.astype: [
        call(V, np.float64).against(lambda a, dtype: a),
        method("astype", V, float).against(lambda a, dtype: a),
        code(lambda a: a.astype(np.longdouble), V).against(lambda a: a),
        code(lambda a: a.astype(complex).real, V).against(lambda a: a),
    ],
    np.copy: [call(V), call(A, order="F")],
    np.take: [
        call(A, [0, 5, 5]),
        call(A, [[0, 1], [1, 0]], axis=1),
        call(A, -1, axis=0),
        call(A, [4, 7], axis=0, mode="wrap"),
        call(A, [-1, 9], axis=1, mode="clip"),
        method("take", V, [1, 1]),
    ],
    np.take_along_axis: [call(A, ORDER, 1), call(A, ORDER[:, :2], axis=1), call(V, np.array([0, 0, 3]), axis=None)],
    np.repeat: [call(V, 2), call(A, 2, axis=0), call(A, [0, 1, 3], axis=0), call(0.5, 3), method("repeat", A, 2, 1)],
    np.tile: [call(V, 2), call(A, (2, 1)), call(V, (2, 2)), call(0.5, 3)],
    np.roll: [call(V, 2), call(A, -1), call(A, 1, axis=1), call(A, (1, 2), axis=(0, 1)), call(EMPTY, 1)],
    np.rot90: [call(A), call(A, 2), call(T, -1, axes=(0, 2))],
    np.flip: [call(A), call(A, 0), call(T, axis=(0, -1))],
    np.fliplr: [call(A)],
    np.flipud: [call(A), call(V)],
    np.diag: [call(V), call(V, 1), call(A), call(M, -1)],
    np.diagonal: [call(A), call(A, 1), call(T, offset=0, axis1=0, axis2=2), method("diagonal", M, -1)],
    np.diagflat: [call(V), call(A, 1)],
    np.triu: [call(M), call(A, 1), call(T, -1)],
    np.tril: [call(M), call(A, 1), call(T, k=-1)],
    np.delete: [call(V, 1), call(A, [0, 2], axis=1), call(A, slice(1, 3)), call(A, MASK[0], axis=1)],
    np.resize: [call(V, (3, 4)), call(A, 5)],
    np.concatenate: [
        call([A, M], axis=1),
        call((V, W)),
        call([A, A[:1]], axis=0),
        call([A, V], axis=None),
        code(lambda a: np.concatenate([a, np.arange(3)]), V),
        call([V]),
    ],
    np.stack: [call([V, W]), call([V, W], axis=-1), call([0.5, 0.25]), call((A, A[::-1]), axis=1)],
    np.vstack: [call([V, W]), call([A, A[:1]])],
    np.hstack: [call([V, W]), call([A, M]), call([0.5, V])],
    np.dstack: [call([V, W]), call([A, A])],
    np.column_stack: [call([V, W]), call([A, V[:3]])],
    np.block: [call([[M, N], [A[:, :3], N]]), call([V, W]), call([[M, V[:3, None]], [V[None, :3], W[:1, None]]])],
    np.split: [call(V, [2]), call(A, 2, axis=1), call(A, [1, 2])],
    np.array_split: [call(V, 3), call(A, 3, axis=1)],
    np.hsplit: [call(A, 2), call(V, [1])],
    np.vsplit: [call(A, 3)],
    np.dsplit: [call(T, 2)],
    np.unstack: [call(A), call(T, axis=1)],
    np.append: [call(V, W), call(A, A[:1], axis=0), call(V, 0.5), call(A, V)],
    np.insert: [call(V, 1, 0.5), call(V, [1, 3], W[:2]), call(A, 1, V[:4], axis=0), call(A, 0, 0.5, axis=1)],
    np.compress: [
        call([True, False, True], A, axis=0),
        call([0, 1, 1], V),
        code(lambda a: a.compress([True, True]), V),
    ],
    np.extract: [call(MASK, A), code(lambda a: np.extract(a > 0, a), V)],
    np.choose: [call([0, 1, 1, 0], [A[0], A[1]]), call(np.array([1, 0]), [V[:2], 0.5])],
    np.meshgrid: [
        call(V, W[:3]),
        call(V, W[:3], indexing="ij"),
        call(V[:2], W[:3], M[0]),
        call(V[:2], W[:3], sparse=True),
    ],
    np.atleast_1d: [call(0.5), call(V), call(0.5, V)],
    np.atleast_2d: [call(V), call(0.5, A)],
    np.atleast_3d: [call(V), call(A)],
    np.pad: [
        call(V, 2),
        call(A, ((1, 0), (2, 1))),
        call(A, (1, 2), mode="edge"),
        call(V, 3, mode="reflect"),
        call(A, 2, "symmetric"),
        call(V, (4, 1), "wrap"),
        call(A, 1, constant_values=1.5),
        call(A, 1, mode="constant", constant_values=((1.0, 2.0), (3.0, 4.0))),
    ],
    np.sort: [call(V), call(A), call(A, axis=0), call(A, axis=None), call(A, -2, kind="stable"), call(EMPTY)],
    np.partition: [call(np.sort(V), 2), call(np.sort(A), 1, axis=1), call(np.sort(V), [1, 3])],
    np.unique: [call(V), call(A), call(np.array([0.5, -0.25, 0.5])).against(lambda a: a[[1, 0]])],
}

# Reductions.


def _variance(x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    count = x.size if axis is None else math.prod(np.take(x.shape, axis, axis=0).ravel().tolist())
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / (count - ddof)


def _masked_variance(x: Any, mask: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    deviation = x - np.mean(x, axis=axis, keepdims=True, where=mask)
    count = np.sum(mask, axis=axis, keepdims=keepdims)
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims, where=mask) / (count - ddof)


def _spreads(root: Callable[[Any], Any]) -> list[Sample]:
    options: list[dict[str, Any]] = [
        {},
        {"axis": 0},
        {"axis": -1, "keepdims": True},
        {"axis": (0, 1)},
        {"axis": 1, "ddof": 1},
        {"keepdims": True, "ddof": 2},
    ]
    found = [call(A, **o).against(lambda a, o=o: root(_variance(a, **o))) for o in options]
    found += [call(T, axis=(0, -1)).against(lambda a: root(_variance(a, axis=(0, 2))))]
    found += [call(V, correction=1).against(lambda a: root(_variance(a, ddof=1)))]
    found += [call(V, dtype=np.float64).against(lambda a: root(_variance(a)))]
    masked: list[dict[str, Any]] = [{}, {"axis": 0}, {"axis": 1, "keepdims": True, "ddof": 1}]
    where = np.array([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 0]]) > 0
    references = [lambda a, o=o: root(_masked_variance(a, where, **o)) for o in masked]
    return found + [call(A, where=where, **o).against(f).rounded() for o, f in zip(masked, references, strict=True)]


def _nan_spreads(root: Callable[[Any], Any]) -> list[Sample]:
    known = ~np.isnan(GAPS)
    options: list[dict[str, Any]] = [{}, {"axis": 0}, {"axis": -1, "keepdims": True, "ddof": 1}]
    return [call(GAPS, **o).against(lambda a, o=o: root(_masked_variance(a, known, **o))) for o in options]


def _interpolated(a: Any, q: Any, axis: int = -1) -> Any:
    """The quantile by NumPy's interpolation, which takes complex values."""
    lines = np.moveaxis(np.sort(a, axis=axis), axis, -1)
    places = np.asarray(q) * (lines.shape[-1] - 1)
    found = [np.interp(places, np.arange(lines.shape[-1]), line) for line in lines.reshape(-1, lines.shape[-1])]
    return (
        np.moveaxis(np.array(found).reshape(*lines.shape[:-1], *np.shape(q)), -1, 0)
        if np.ndim(q)
        else np.array(found).reshape(lines.shape[:-1])
    )


def _reduced() -> list[Sample]:
    """The options that all reductions have."""
    return [
        call(A),
        call(A, axis=0),
        call(A, axis=-1),
        call(A, 1, keepdims=True),
        call(A, keepdims=True),
        call(T, axis=(0, 2)),
        call(T, axis=(-1, 0), keepdims=True),
        call(V[:1]),
        call(A[:, :1], axis=1),
    ]


def _extremes(bound: float) -> list[Sample]:
    return [
        *_reduced(),
        call(A, axis=1, initial=0.55),
        call(A, initial=bound, where=MASK),
        call(A, axis=0, initial=bound, where=A[:, :1] > -9),
        call(EMPTY, axis=0, initial=0.5),
        call(EMPTY, axis=1),
        call(0.5),
    ]


REDUCTIONS: dict[Any, list[Sample]] = {
    np.sum: [
        *_reduced(),
        call(A, where=MASK),
        call(A, axis=0, where=MASK[:, :1], keepdims=True),
        call(A, initial=2.5),
        call(A, axis=1, initial=0.5, where=MASK),
        call(A, dtype=np.float64).against(np.sum),
        call(EMPTY),
        call(EMPTY, axis=0),
        call(EMPTY, axis=1),
        call(0.5),
        call(np.array(0.5)),
        method("sum", A, axis=0, keepdims=True),
        method("sum", A, 1),
    ],
    np.mean: [
        *_reduced(),
        call(A, where=MASK),
        call(A, axis=0, where=A > -9, keepdims=True),
        call(A, dtype=np.float64).against(np.mean),
        call(0.5),
        method("mean", A, axis=(0, 1)),
    ],
    np.var: [*_spreads(lambda v: v), method("var", A, axis=0, ddof=1).against(lambda a: _variance(a, 0, 1))],
    np.std: [*_spreads(np.sqrt), method("std", A, axis=0).against(lambda a: np.sqrt(_variance(a, 0)))],
    np.max: [*_extremes(-5.0), method("max", A, axis=1, keepdims=True)],
    np.amax: _extremes(-5.0),
    np.min: [*_extremes(5.0), method("min", A, axis=1)],
    np.amin: _extremes(5.0),
    np.ptp: _reduced(),
    np.prod: [
        *_reduced(),
        call(A, where=MASK),
        call(A, axis=1, where=MASK, initial=0.5),
        call(A, dtype=np.float64).against(np.prod),
        call(EMPTY),
        call(EMPTY, axis=0),
        call(EMPTY, axis=1),
        call(EMPTY, axis=0, keepdims=True, initial=0.5),
        call(0.5, axis=0),
        call(0.5),
        call(np.array([0.5, 0.0, 2.0])),
        call(np.array([[0.5, 0.0], [0.0, 2.0]])),
        call(np.array([[0.5, 0.0], [0.0, 0.0]]), axis=0),
        call(np.array([[0.5, 0.0], [0.0, 0.0]]), axis=(1, 0)),
        method("prod", A, axis=0),
    ],
    np.cumsum: [call(V), call(A), call(A, axis=0), call(A, -1), call(EMPTY, 0), call(0.5), method("cumsum", A, 1)],
    np.cumprod: [
        call(V),
        call(A),
        call(A, axis=0),
        call(T, axis=1),
        call(np.array([2.0, 0.0, 3.0, 0.0, 4.0])),
        call(EMPTY, 0),
        call(0.5),
        method("cumprod", A, axis=-1),
    ],
    np.cumulative_sum: [call(V), call(A, axis=0), call(A, axis=1, include_initial=True), call(V, include_initial=True)],
    np.cumulative_prod: [call(V), call(A, axis=0), call(A, axis=-1, include_initial=True)],
    np.trace: [call(M), call(A, 1), call(T, axis1=0, axis2=2), method("trace", M, offset=-1)],
    np.median: [
        call(V),
        call(A),
        call(A, axis=0),
        call(A, axis=-1, keepdims=True),
        call(A, keepdims=True),
        call(V[:1]),
    ],
    np.quantile: [
        call(V, q=0.3).against(lambda a: _interpolated(a, 0.3)),
        call(V, q=0.5).against(lambda a: _interpolated(a, 0.5)),
        call(V, q=1.0).against(lambda a: _interpolated(a, 1.0)),
        call(V, q=[0.0, 0.1, 0.9]).against(lambda a: _interpolated(a, [0.0, 0.1, 0.9])),
        call(A, q=0.3).against(lambda a: _interpolated(a.ravel(), 0.3)),
        call(A, q=0.3, axis=0).against(lambda a: _interpolated(a, 0.3, 0)),
        call(A, q=[0.2, 0.6], axis=1).against(lambda a: _interpolated(a, [0.2, 0.6])),
        call(A, q=[0.2, 0.6], axis=-1, keepdims=True).against(lambda a: _interpolated(a, [0.2, 0.6])[..., None]),
    ],
    np.percentile: [
        call(V, q=30).against(lambda a: _interpolated(a, 0.3)),
        call(A, q=[20.0, 60.0], axis=0).against(lambda a: _interpolated(a, [0.2, 0.6], 0)),
        call(A, q=75, keepdims=True).against(lambda a: _interpolated(a.ravel(), 0.75).reshape(1, 1)),
    ],
    np.average: [
        call(A),
        call(A, 0),
        call(A, None, P),
        call(A, 1, P[0]),
        call(A, -2, P[:, 0]),
        call(A, 1, P, keepdims=True),
        call(V, weights=[1.0, 2.0, 3.0, 4.0, 5.0]),
    ],
    np.nancumsum: [call(GAPS), call(GAPS, axis=1), call(A, 0)],
    np.nancumprod: [call(GAPS), call(GAPS, axis=1), call(A, 0)],
    np.nansum: [call(GAPS), call(GAPS, axis=0), call(GAPS, axis=-1, keepdims=True)],
    np.nanprod: [call(GAPS), call(GAPS, axis=0)],
    np.nanmean: [call(GAPS), call(GAPS, axis=0), call(GAPS, axis=-1, keepdims=True)],
    np.nanvar: _nan_spreads(lambda v: v),
    np.nanstd: _nan_spreads(np.sqrt),
    np.nanmax: [call(GAPS), call(GAPS, axis=0), call(GAPS, axis=-1, keepdims=True)],
    np.nanmin: [call(GAPS), call(GAPS, axis=0), call(GAPS, axis=-1, keepdims=True)],
    "reduce": [
        code(np.add.reduce, A),
        code(lambda a: np.add.reduce(a, axis=None), A),
        code(lambda a: np.multiply.reduce(a, axis=1, keepdims=True), A),
        code(np.maximum.reduce, A),
        code(lambda a: np.minimum.reduce(a, axis=(0, 1)), A),
        code(lambda a: np.subtract.reduce(a, axis=1), A),
        code(lambda a: np.logaddexp.reduce(a), V).against(lambda a: np.log(np.sum(np.exp(a)))),
        code(lambda a: np.hypot.reduce(a), A).against(lambda a: np.sqrt(np.sum(a * a, 0))),
        code(lambda a: np.subtract.reduce(a, keepdims=True), A),
        code(lambda a: np.add.reduce(a, where=MASK, initial=2.0), A).rounded(),
        code(lambda a: np.maximum.reduce(a, initial=-9.0), V),
    ],
    "accumulate": [
        code(np.add.accumulate, A),
        code(lambda a: np.multiply.accumulate(a, axis=1), A),
        code(np.maximum.accumulate, V),
        code(lambda a: np.minimum.accumulate(a, axis=1), A),
        code(lambda a: np.subtract.accumulate(a, axis=-1), A),
    ],
    "reduceat": [
        code(lambda a: np.add.reduceat(a, [0, 3, 1, 1]), V).rounded(),
        code(lambda a: np.multiply.reduceat(a, [1, 2], axis=1), A),
        code(lambda a: np.maximum.reduceat(a, [0, 2, 4]), V).against(
            lambda a: np.stack([a[0:2][np.argmax(V[0:2])], a[2:4][np.argmax(V[2:4])], a[4]])
        ),
        code(lambda a: np.subtract.reduceat(a, [0, 1], axis=-1), A).against(
            lambda a: np.stack([a[:, 0], a[:, 1] - a[:, 2] - a[:, 3]], 1)
        ),
    ],
    "outer": [code(np.multiply.outer, V, W), code(np.subtract.outer, A, V), code(np.add.outer, 0.5, V)],
}

# Statistics.


def _ordered(a: Any) -> Any:
    return np.sort(np.ravel(a[~np.isnan(a)]))


def _between(a: Any, place: float) -> Any:
    """The number at a place between two of the sorted ones."""
    below = int(place)
    return _ordered(a)[below] * (1 - place + below) + _ordered(a)[min(below + 1, len(_ordered(a)) - 1)] * (
        place - below
    )


_PLACES_OF_FIVE = {  # of the quantile 0.33 of five elements, counted from zero, by R. J. Hyndman and Y. Fan (1996)
    "inverted_cdf": 1,
    "averaged_inverted_cdf": 1,
    "closest_observation": 1,
    "interpolated_inverted_cdf": 0.65,
    "hazen": 1.15,
    "weibull": 0.98,
    "linear": 1.32,
    "median_unbiased": 5 * 0.33 + (0.33 + 1) / 3 - 1,
    "normal_unbiased": 5 * 0.33 + 3 / 8 + 0.33 / 4 - 1,
    "lower": 1,
    "higher": 2,
    "midpoint": 1.5,
    "nearest": 1,
}


def _products(x: Any, weights: Any = 1.0, freedom: float = 1.0) -> Any:
    weights = weights * np.ones(x.shape[1])
    centred = x - (x @ weights / np.sum(weights))[:, None]
    return (centred * weights) @ centred.T / (np.sum(weights) - freedom)


def _normalised(c: Any) -> Any:
    return c / np.sqrt(np.diag(c))[:, None] / np.sqrt(np.diag(c))


def _inside(sums: Any) -> Any:
    return lambda w: np.stack([np.sum(w[k]) if k else 0 * w[0] for k in sums])


STATISTICS: dict[Any, list[Sample]] = {
    np.median: [call(T, axis=(0, 2)), call(T, (0, -1), keepdims=True)],
    np.quantile: [
        *(
            call(V, q=0.33, method=name).against(lambda a, place=place: _between(a, place))
            for name, place in _PLACES_OF_FIVE.items()
        ),
        call(T, q=[0.25, 0.5], axis=(1, 2)).against(lambda a: _interpolated(np.reshape(a, (2, 12)), [0.25, 0.5], -1)),
    ],
    np.percentile: [call(V, q=33, method="hazen").against(lambda a: _between(a, 1.15))],
    np.nanmedian: [
        call(GAPS).against(lambda a: _between(a, (np.sum(~np.isnan(GAPS)) - 1) / 2)),
        call(GAPS, axis=1, keepdims=True).against(lambda a: np.stack([[np.median(r[~np.isnan(r)])] for r in a])),
    ],
    np.nanquantile: [
        call(GAPS, q=0.3, axis=1).against(lambda a: np.stack([_interpolated(r[~np.isnan(r)], 0.3) for r in a])),
        call(GAPS, q=[0.1, 0.8]).against(lambda a: _interpolated(a[~np.isnan(a)], [0.1, 0.8])),
        call(V, q=0.33, method="weibull").against(lambda a: _between(a, 0.98)),
    ],
    np.nanpercentile: [
        call(GAPS, q=30, axis=0).against(lambda a: np.stack([_interpolated(c[~np.isnan(c)], 0.3) for c in a.T]))
    ],
    np.average: [
        call(A, returned=True),
        call(A, 1, P, returned=True),
        call(T, (0, 2), P[:2]),
        call(T, (2, 0), P[:2].T, keepdims=True),
        call(A, 0, V[:3] ** 2, True),
    ],
    np.cov: [
        call(A).against(_products),
        call(V).against(lambda a: _products(a[None])[0, 0]),
        call(V, W).against(lambda a, b: _products(np.stack([a, b]))),
        call(A, rowvar=False, bias=True).against(lambda a: _products(a.T, freedom=0)),
        call(A, V[:4], ddof=2).against(lambda a, b: _products(np.concatenate([a, b[None]]), freedom=2)),
        call(A, fweights=[1, 2, 1, 3]).against(lambda a: _products(a, np.array([1, 2, 1, 3]))),
        call(A, aweights=np.array([0.5, 1.0, 2.0, 0.7])).against(
            lambda a: _products(a, np.array([0.5, 1.0, 2.0, 0.7]), (0.25 + 1 + 4 + 0.49) / 4.2)
        ),
        code(lambda a: np.cov(a, [1, 2, 4, 3], rowvar=False), A[0]).against(
            lambda a: _products(np.stack([a, np.array([1, 2, 4, 3])]))
        ),
    ],
    np.corrcoef: [
        call(A).against(lambda a: _normalised(_products(a))),
        call(V, W).against(lambda a, b: _normalised(_products(np.stack([a, b])))),
        call(A, rowvar=False).against(lambda a: _normalised(_products(a.T))),
        call(V).against(lambda a: 1 + 0 * a[0]),
    ],
    np.bincount: [
        code(lambda w: np.bincount([0, 2, 2, 0, 3], w), V).against(
            lambda w: np.stack([w[0] + w[3], 0 * w[0], w[1] + w[2], w[4]])
        ),
        code(lambda w: np.bincount([0, 1, 1], weights=w, minlength=3), V[:3]).against(
            lambda w: np.stack([w[0], w[1] + w[2], 0 * w[0]])
        ),
    ],
    np.histogram_bin_edges: [
        call(V, bins=4).against(
            lambda a: (
                a[np.argmin(np.real(a))] + (a[np.argmax(np.real(a))] - a[np.argmin(np.real(a))]) * np.linspace(0, 1, 5)
            )
        ),
        code(lambda e: np.histogram_bin_edges(W, e), np.array([-1.0, 0.5, 2.0])).against(lambda e: e),
        code(lambda a: np.histogram_bin_edges(a * np.ones(3), 2), 0.3).against(
            lambda a: np.stack([a - 0.5, a, a + 0.5])
        ),
    ],
    np.histogram: [
        code(lambda w: np.histogram([1, 2, 3, 5, 9], [0, 2, 3, 5], weights=w)[0], V)
        .against(lambda w: np.stack([w[0], w[1], w[2] + w[3]]))
        .rounded(),
        code(lambda w: np.histogram([1, 2, 3, 5, 9], [0, 2, 3, 5], weights=w, density=True)[0], P.ravel()[:5])
        .against(lambda w: np.stack([w[0] / 2, w[1], (w[2] + w[3]) / 2]) / (w[0] + w[1] + w[2] + w[3]))
        .rounded(),
        code(lambda a: np.histogram(a, 2, density=True)[0], np.array([0.3, 0.7, 2.3])).against(
            lambda a: np.array([2, 1]) * 2 / 3 / (a[2] - a[0])
        ),
        code(lambda a: np.histogram(a, 2)[1], np.array([0.3, 0.7, 2.3])).against(
            lambda a: np.stack([a[0], (a[0] + a[2]) / 2, a[2]])
        ),
    ],
    np.histogramdd: [
        code(lambda w: np.histogramdd([[1, 2, 3], [4, 5, 9]], 2, weights=w)[0], V[:3]).against(
            lambda w: np.stack([np.stack([w[0], 0 * w[0]]), w[1:]])
        ),
        code(
            lambda w: np.histogramdd(np.array([[1, 4], [2, 5], [3, 9]]), [[0, 2, 3], [4, 9]], weights=w, density=True)[
                0
            ],
            P[0, :3],
        ).against(lambda w: np.stack([w[:1] / 10, (w[1:2] + w[2:]) / 5]) / (w[0] + w[1] + w[2])),
        code(lambda a: np.histogramdd([a, [1, 2, 3]], [1, 2], density=True)[0], V[:3]).against(
            lambda a: np.array([[1, 2]]) / 3 / (a[np.argmax(np.real(a))] - a[np.argmin(np.real(a))])
        ),
    ],
    np.histogram2d: [
        code(lambda w: np.histogram2d([1, 2, 3], [4, 5, 9], 2, weights=w)[0], V[:3]).against(
            lambda w: np.stack([np.stack([w[0], 0 * w[0]]), w[1:]])
        ),
        code(lambda a: np.histogram2d(a, [1, 2, 3], [1, 2])[1], V[:3]).against(
            lambda a: np.stack([a[np.argmin(np.real(a))], a[np.argmax(np.real(a))]])
        ),
    ],
}

# Sets.

_TWICE = np.array([0.75, -0.5, 0.75, 1.875, -0.5])
_OTHER = np.array([1.875, 0.75, 5.5, -3.125])

SETS: dict[Any, list[Sample]] = {
    np.unique: [
        *(call(V), call(A)),
        *(
            code(lambda a, options=options: np.unique(a, **options)[0], _TWICE).against(lambda a: a[[1, 0, 3]])
            for options in ({"return_index": True}, {"return_inverse": True}, {"return_counts": True})
        ),
        code(lambda a: np.unique(a, axis=0), A[[1, 0, 1]]).against(lambda a: a[:2] if A[1, 0] < A[0, 0] else a[[1, 0]]),
    ],
    np.unique_all: [code(lambda a: np.unique_all(a).values, _TWICE).against(lambda a: a[[1, 0, 3]])],
    np.unique_counts: [code(lambda a: np.unique_counts(a)[0], _TWICE).against(lambda a: a[[1, 0, 3]])],
    np.unique_inverse: [code(lambda a: np.unique_inverse(a)[0], _TWICE).against(lambda a: a[[1, 0, 3]])],
    np.unique_values: [
        code(lambda a: np.sort(np.unique_values(a)), _TWICE).against(lambda a: a[[1, 0, 3]]),
    ],
    np.intersect1d: [
        code(lambda a: np.intersect1d(a, _OTHER), _TWICE).against(lambda a: a[[0, 3]]),
        code(lambda a: np.intersect1d(a, _OTHER, return_indices=True)[0], _TWICE).against(lambda a: a[[0, 3]]),
    ],
    np.setdiff1d: [call(_OTHER, _TWICE).against(lambda a, b: a[[3, 2]])],
    np.setxor1d: [call(_OTHER, _TWICE).against(lambda a, b: np.stack([a[3], b[1], a[2]]))],
    np.union1d: [call(_OTHER, _TWICE).against(lambda a, b: np.stack([a[3], b[1], a[1], a[0], a[2]]))],
}

# Complex numbers where the real ones end. A complex result is compared in its two parts.


def _parts(value: Any) -> Any:
    return [np.real(value), np.imag(value)] if np.iscomplexobj(value) else value


def _widened(f: Any, outside: Any, *parts: Callable[..., Any]) -> Sample:
    """A call out of the real domain, against the real and the imaginary part there."""
    return code(lambda a: _parts(f(a)), outside).against(lambda a: [part(a) for part in parts])


def _nothing(x: Any) -> Any:
    return 0 * x


def _arccosh(x: Any) -> Any:
    return np.log(x + np.sqrt(x * x - 1))


SCIMATH: dict[Any, list[Sample]] = {
    **{
        f: [
            *(call(x) for x in (P, 0.3)),
            *(_widened(f, x, lambda x, log=log: log(-x), _nothing) for x in (-P, -1.7)),
            code(lambda a, f=f: np.real(f(a)), V).against(lambda a, log=log: log(a * np.sign(V))),
        ]
        for f, log in ((np.emath.log, np.log), (np.emath.log2, np.log2), (np.emath.log10, np.log10))
    },
    np.emath.sqrt: [call(P), *(_widened(np.emath.sqrt, x, _nothing, lambda x: np.sqrt(-x)) for x in (-P, -1.7))],
    np.emath.logn: [
        call(P[:, :1] + 1, P),
        _widened(lambda a: np.emath.logn(2, a), -P, lambda x: np.log2(-x), _nothing),
    ],
    np.emath.power: [
        call(P, A),
        call(2, V),
        code(lambda a: np.real(np.emath.power(a, 2)), V).against(lambda a: a**2),
        code(lambda a: np.emath.power(a, [2, -1]), P[0, :2]).against(lambda a: np.stack([a[0] ** 2, 1 / a[1]])),
        _widened(
            lambda a: np.emath.power(a, 0.3),
            -P,
            lambda x: (-x) ** 0.3 * np.cos(0.3 * np.pi),
            lambda x: (-x) ** 0.3 * np.sin(0.3 * np.pi),
        ),
    ],
    np.emath.arccos: [
        call(P / 9),
        _widened(np.emath.arccos, 1 + P, _nothing, lambda x: -_arccosh(x)),
        _widened(np.emath.arccos, -1 - P, _nothing, lambda x: -_arccosh(-x)),
    ],
    np.emath.arcsin: [
        call(P / 9),
        _widened(np.emath.arcsin, 1 + P, _nothing, _arccosh),
        _widened(np.emath.arcsin, -1 - P, _nothing, lambda x: _arccosh(-x)),
    ],
    np.emath.arctanh: [
        call(P / 9),
        _widened(np.emath.arctanh, 1 + P, lambda x: np.arctanh(1 / x), _nothing),
        _widened(np.emath.arctanh, -1.7, lambda x: np.arctanh(1 / x), _nothing),
    ],
}

# Slices.


def _last_products(a: Any) -> Any:
    return np.cumprod(a[..., :2], axis=-1)


LIKE: dict[Any, list[Sample]] = {
    **{
        f: [code(lambda a, f=f: f(a, like=a), V), code(lambda a, f=f: f([1, 2], like=a) * a[0], V)]
        for f in (np.array, np.asanyarray, np.asarray, np.ascontiguousarray, np.asfortranarray, np.require)
    },
    np.full: [code(lambda a: np.full(3, a[1], like=a), V), code(lambda a: np.full((2, 5), a, like=a), V)],
    np.fromfunction: [code(lambda a: np.fromfunction(lambda i, j: a[0] ** i * j, (2, 3), like=a), V)],
}

SLICES: dict[Any, list[Sample]] = {
    np.lib.stride_tricks.sliding_window_view: [
        call(V, 3),
        call(A, (2, 3)),
        call(T, 2, axis=1),
        call(A, (1, 2), (0, 1)),
    ],
    np.apply_along_axis: [
        code(lambda a: np.apply_along_axis(_last_products, 1, a), A),
        code(lambda a: np.apply_along_axis(lambda v: np.outer(v, v * v), 0, a), A),
        code(lambda a: np.apply_along_axis(lambda v, k, c: k * v[0] * v[1] + c, -2, a, 2.0, c=1.5), T),
        code(lambda a: np.apply_along_axis(lambda v: [v[0] * v[1], 1.0], 1, a), A).against(
            lambda a: np.stack([a[:, 0] * a[:, 1], 1 + 0 * a[:, 0]], 1)
        ),
        code(lambda a: np.apply_along_axis(np.sum, 0, a), V),
    ],
    np.apply_over_axes: [
        code(lambda a: np.apply_over_axes(np.sum, a * a, [0, -1]), T),
        code(lambda a: np.apply_over_axes(lambda b, k: np.mean(b * b, k, keepdims=True), a, 1), T),
    ],
    np.trim_zeros: [
        code(lambda a: np.trim_zeros(np.concatenate([[0.0, 0.0], a, [0.0]])), V),
        code(lambda a: np.trim_zeros(np.concatenate([[0.0, 0.0], a, [0.0]]), "f"), V),
        code(lambda a: np.trim_zeros(np.concatenate([[0.0, 0.0], a, [0.0]]), trim="B"), V),
        code(lambda a: np.trim_zeros(0 * a), V).against(lambda a: a[:0]),
    ],
    np.sort_complex: [
        code(lambda a: np.real(np.sort_complex(a)), V).against(lambda a: a[np.argsort(V)]),
        code(lambda a: np.imag(np.sort_complex(np.stack([1 + 1j * a, 0.5 - 2j * a]))), 0.3).against(
            lambda a: np.stack([-2 * a, a])
        ),
    ],
    np.ix_: [call(V, W), code(lambda a: np.ix_(a, [True, False, True])[0], V)],
}

# Products of arrays.

S = spread(3, start=-0.4)
U = spread(3, start=0.9)
NODES = np.array([-1.5, -0.4, 0.3, 1.1, 2.5])
PLACES = np.array([-3.0, -1.0, 0.05, 0.8, 1.6, 4.0])


def _lines(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """np.interp, element by element, for complex numbers."""
    found = []
    for one in np.ravel(x):
        k = int(np.sum(np.real(xp) <= np.real(one)))
        if k == 0:
            found.append(fp[0] if left is None else left)
        elif k == len(xp):
            found.append(fp[-1] if right is None else right)
        else:
            share = (one - xp[k - 1]) / (xp[k] - xp[k - 1])
            found.append(fp[k - 1] * (1 - share) + fp[k] * share)
    return np.array(found).reshape(np.shape(x))


PRODUCTS: dict[Any, list[Sample]] = {
    np.matmul: [
        call(A, B),
        call(A, V[:4]),
        call(V[:3], A),
        call(V, W),
        call(T, B),
        call(T, A.T),
        call(M, T),
        call(T, V[:4]),
        call(V[:3], T),
        call(T[:1], T.mT),
        code(lambda a, b: a @ b, A, B),
        code(lambda a: a @ B, A),
        code(lambda b: A @ b, B),
        code(lambda a: a @ a, V),
        code(lambda a: a @ [1.0, 2.0, 3.0, 4.0], A),
    ],
    np.dot: [
        call(A, B),
        call(V, W),
        call(0.5, A),
        call(A, 0.5),
        call(0.5, 0.25),
        call(T, B),
        call(T, V[:4]),
        call(V[:3], T),
        call(A, T.mT),
        method("dot", A, B),
    ],
    np.inner: [call(A, V[:4]), call(V, W), call(A, T), call(0.5, V), call(A, A[:2])],
    np.outer: [call(V, W), call(A, V), call(0.5, V)],
    np.vdot: [call(V, W).against(lambda a, b: np.sum(a * b)), call(A, A[::-1]).against(lambda a, b: np.sum(a * b))],
    np.vecdot: [
        call(A, A[::-1]).against(lambda a, b: np.sum(a * b, -1)),
        call(A, V[:4]).against(lambda a, b: np.sum(a * b, -1)),
    ],
    np.matvec: [call(A, V[:4]), call(T, V[:4]), call(A, T[0])],
    np.vecmat: [call(V[:3], A).against(lambda a, b: a @ b), call(A[:, :3].T[:, :3], T[0]).against(lambda a, b: a @ b)],
    np.tensordot: [
        call(T, M, axes=(1, 0)),
        call(T, A, axes=2),
        call(V, W, axes=0),
        call(T, A, axes=([1, 2], [0, 1])),
        call(T, T, axes=([0, -1], [0, -1])),
        call(V, W, axes=1),
    ],
    np.kron: [call(V, W), call(M, A), call(A, V[:2]), call(V[:2], M)],
    np.cross: [
        call(S, U),
        call(M, N),
        call(M, S),
        call(M, N, axis=0),
        call(T[..., :3], U),
        call(M.T, N, axisa=0, axisb=1, axisc=0),
    ],
    np.einsum: [
        code(lambda a, b: np.einsum("ij,jk->ik", a, b), A, B),
        code(lambda a, b: np.einsum("ij,jk", a, b), A, B),
        code(lambda a: np.einsum("ii", a), M),
        code(lambda a: np.einsum("ii->i", a), M),
        code(lambda a: np.einsum("ij->ji", a), A),
        code(lambda a: np.einsum("ij->", a), A),
        code(lambda a: np.einsum("ijk->j", a), T),
        code(lambda a, b: np.einsum("...i,i->...", a, b), T, V[:4]),
        code(lambda a, b: np.einsum("...ij,...jk->...ik", a, b), T, A.T),
        code(lambda a, b: np.einsum("i...,i...", a, b), A, M[:, :1]),
        code(lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True), A, B, M[:2]),
        code(lambda a: np.einsum("i,i->i", a, a), V),
        code(lambda a, b: np.einsum("iij,j->i", a, b), spread(3, 3, 2), V[:2]),
        code(lambda a, b: np.einsum("i,j->ij", a, b), V, W),
        code(lambda a, b: np.einsum("i , i -> ", a, b), V, W),
        code(lambda a, b: np.einsum("ij,ij->j", a, b), A, A[:1]),
    ],
    np.convolve: [
        call(V, S),
        call(S, V),
        call(V, S, "same"),
        call(S, V, mode="same"),
        call(V, S, "valid"),
        call(S, V, "valid"),
        call(V, W, "same"),
        call(V[:4], B[:2, 0], mode="same"),
        call(V, V[:1]),
    ],
    np.correlate: [
        call(V, S).against(lambda a, v: np.convolve(a, v[::-1], "valid")),
        call(V, S, "full").against(lambda a, v, mode: np.convolve(a, v[::-1])),
        call(V, S, mode="same").against(lambda a, v: np.convolve(a, v[::-1], "same")),
    ],
}

# Differences, integrals, interpolation, grids.

_positive = np.abs(S) + 0.3


def _lines_around(x: Any, xp: Any, fp: Any) -> Any:
    """np.interp of period 5, for complex numbers."""
    x, xp = (a - 5 * np.floor(np.real(a) / 5) for a in (x, xp))
    order = np.argsort(np.real(xp))
    xp, fp = xp[order], fp[order]
    return _lines(x, np.concatenate([xp[-1:] - 5, xp, xp[:1] + 5]), np.concatenate([fp[-1:], fp, fp[:1]]))


CALCULUS: dict[Any, list[Sample]] = {
    np.diff: [
        *(call(V), call(A), call(A, axis=0), call(V, n=2), call(V, 3), call(T, 2, 1), call(V, n=0), call(V[:1])),
        call(V, 1, -1, 0.5, W),
        call(A, prepend=0.2),
        call(A, 2, 0, A[:1] * 2, A[:2] + 1),
    ],
    np.ediff1d: [call(V), call(A), call(V, 0.5, W), call(V, to_begin=[1.0, 2.0])],
    np.gradient: [
        call(V),
        call(A),
        call(T, axis=1),
        call(A, axis=(1, 0)),
        call(V, 0.25),
        call(A, 0.5, 0.25),
        call(V, NODES),
        call(V, 0.25, edge_order=2),
        call(V, NODES, edge_order=2),
        call(A, np.arange(3.0) ** 2, NODES[:4], edge_order=2),
        call(T, 0.3, NODES[:4], axis=(0, -1)),
        code(lambda a: np.gradient(a, 2.0, edge_order=2), V),
    ],
    np.unwrap: [
        call(4 * V).against(lambda a: a),
        call(4 * A, axis=0).against(lambda a: a),
        call(4 * V, discont=4.0, period=5).against(lambda a: a),
    ],
    np.trapezoid: [
        call(V),
        call(V, dx=0.5),
        call(A, axis=0),
        call(A, NODES[:4]),
        call(A, A * 1.5),
        call(A, A[::-1], axis=0),
        call(A, NODES[:3], axis=0),
    ],
    np.interp: [
        call(PLACES, NODES, V).against(_lines),
        call(0.8, NODES, V).against(_lines),
        call(PLACES.reshape(2, 3), NODES, V).against(_lines),
        call(PLACES, NODES, V, left=-1.0, right=2.0).against(lambda x, xp, fp: _lines(x, xp, fp, -1.0, 2.0)),
        code(lambda fp: np.interp(PLACES, [-2.0, 0.0, 2.0], fp), S).against(
            lambda fp: _lines(PLACES, [-2.0, 0.0, 2.0], fp)
        ),
        code(lambda x: np.interp(x, [-2.0, 0.0, 2.0], [1.0, 3.0, 2.0]), PLACES).against(
            lambda x: _lines(x, [-2.0, 0.0, 2.0], [1.0, 3.0, 2.0])
        ),
        call(PLACES, NODES, V, period=5).against(_lines_around),
        code(lambda x: np.interp(x, [0.5], [2.0]), PLACES).against(lambda x: 0 * x + 2),
    ],
    np.linspace: [
        call(0.3, 1.7, num=5),
        call(0.3, 1.7, 5, endpoint=False),
        call(S, U, 4),
        call(0, 1.5, 6),
        call(1.5, 2, 1),
        call(S, 2.0, 3),
        call(S, U, 4, axis=-1),
        call(0.3, 1.7, 5, False, True),
        call(S, U, 3, retstep=True),
        call(0.3, 1.7, 4, dtype=np.longdouble).against(lambda a, b, num: np.linspace(a, b, num)),
    ],
    np.logspace: [
        call(0.3, 1.7, num=5),
        call(0.3, 1.7, 5, False, 2.5),
        call(S, U, 4, True, 3.0, axis=1),
        call(S, 1.5, 3, base=_positive),
        call(0.2, 0.4, 3, base=2),
    ],
    np.geomspace: [
        call(0.3, 1.7, num=5).against(lambda a, b: a * (b / a) ** np.linspace(0, 1, 5)),
        call(-0.3, -1.7, 4, False).against(lambda a, b, num, end: a * (b / a) ** np.linspace(0, 1, num, end)),
        call(_positive, U, 4).against(lambda a, b, num: a * (b / a) ** np.linspace(0, 1, num)[:, None]),
        call(_positive, 2.5, 4, axis=1).against(lambda a, b, num: (a * (b / a) ** np.linspace(0, 1, num)[:, None]).T),
    ],
}

# Polynomials.

_weights = np.array([0.5, 1.5, 1.0, 0.7, 2.0])


def _normal_equations(x: Any, y: Any, deg: int, w: Any = 1.0) -> Any:
    rows = np.vander(x, deg + 1) * np.reshape(w, (-1, 1))
    return np.linalg.solve(rows.T @ rows, rows.T @ (y.T * w).T)


def _polynomial_of(*roots: Any) -> Any:
    product = np.ones(1)
    for root in roots:
        product = np.append(product, 0) - root * np.append(0, product)
    return product


def _newton(p: Any) -> Any:
    """The roots of a polynomial with complex coefficients close to real ones, in the order of those."""
    roots = np.roots(np.real(p)) + 0j
    slopes = np.polyder(p)
    for _ in range(8):
        roots = roots - np.polyval(p, roots) / np.polyval(slopes, roots)
    return roots


POLYNOMIALS: dict[Any, list[Sample]] = {
    np.polyval: [call(V, 0.7), call(V, A), call([0.5, 0.25, 2.0], V), call([1, 2, 3], V), call(V, 2)],
    np.vander: [call(V), call(V, 3), call(V, N=4, increasing=True)],
    np.polyadd: [call(V, S), call(S, V), call(V, [1, 2]), call(V, 0.5)],
    np.polysub: [call(V, S), call(S, V), call([1, 2], V), call(0.5, V)],
    np.polymul: [call(V, S), call(S, V), call(V, 2.0), call([1, 2], V)],
    np.polydiv: [
        call(V, S),
        call(V, W),
        call(S, V),
        code(lambda a: np.polydiv(a, 2.0), V),
        code(lambda a: np.polydiv(a, [2.0, 1.0]), V),
    ],
    np.polyder: [call(V), call(V, 2), call(V, m=0), call(V, 7), call(A[0])],
    np.polyint: [
        call(V),
        call(V, 2),
        code(lambda p: np.polyint(p, 2, [0.5, 1.5]), V),
        call(V, m=2, k=0.25),
        call(V, 1, 0.5),
    ],
    np.poly: [
        call(V),
        call([0.5, 1.5]),
        code(lambda a, b: np.poly(np.stack([a + 1j * b, a - 1j * b])), 0.5, 0.7).against(
            lambda a, b: np.stack([1 + 0 * a, -2 * a, a * a + b * b])
        ),
        call(np.array([[0.5, 2.0], [-1.0, 1.5]])).against(
            lambda m: np.stack([1 + 0 * m[0, 0], -m[0, 0] - m[1, 1], m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]])
        ),
    ],
    np.roots: [
        call(np.poly([0.5, 1.5, -2.0])).against(lambda p: _newton(p)),
        call(np.poly([0.5, 1.5, 0.0])).against(lambda p: _newton(p)),
        code(lambda p: np.real(np.roots(p)), np.array([1.0, 0.5, 2.0])).against(
            lambda p: np.stack([-p[1] / p[0]] * 2) / 2
        ),
        code(lambda p: np.imag(np.roots(p)), np.array([1.0, 0.5, 2.0])).against(
            lambda p: np.stack([1, -1]) * np.sqrt(4 * p[0] * p[2] - p[1] ** 2) / (2 * p[0])
        ),
    ],
    np.polyfit: [
        call(NODES, V, 2).against(_normal_equations),
        call(NODES, np.stack([V, W], -1), 1).against(_normal_equations),
        code(lambda x, y, w: np.polyfit(x, y, 2, w=w), NODES, V, _weights).against(
            lambda x, y, w: _normal_equations(x, y, 2, w)
        ),
        code(lambda x: np.polyfit(x, [1, 2, 3, 5, 4], 1), NODES).against(
            lambda x: _normal_equations(x, np.array([1, 2, 3, 5, 4]), 1)
        ),
    ],
}

# Fourier transforms.


def _continued(f: Callable[..., Any]) -> Callable[..., Any]:
    """A linear function of real numbers for complex ones, by NumPy itself."""

    def continued(*args: Any) -> Any:
        return mapped(lambda p, q: p + 1j * q, f(*map(np.real, args)), f(*map(np.imag, args)))

    return continued


def _spectra(function: Any, *calls: tuple[Any, dict[str, Any]], real_only: bool = False) -> list[Sample]:
    """Calls of a linear function, on real operands and on complex ones."""

    def of_one(a: Any, options: dict[str, Any]) -> Sample:
        f = lambda a: _parts(function(a, **options))
        return code(f, a).against(_continued(f))

    def of_two(a: Any, options: dict[str, Any]) -> Sample:
        f = lambda a, b: _parts(function(a + 1j * b, **options))
        return code(f, a, a[::-1] * 0.7 + 0.2).against(_continued(f))

    return [of_one(*given) for given in calls] + ([] if real_only else [of_two(*given) for given in calls])


_along_axis: list[tuple[Any, dict[str, Any]]] = [
    (V, {}),
    (A, {}),
    (A, {"axis": 0, "norm": "ortho"}),
    (A, {"n": 3, "norm": "forward"}),
    (V, {"n": 8, "norm": "backward"}),
    (T, {"n": 5, "axis": 1, "norm": "ortho"}),
    (T, {"n": 2, "axis": -3}),
]
_over_axes: list[tuple[Any, dict[str, Any]]] = [
    (A, {}),
    (T, {"axes": (0, 2), "norm": "ortho"}),
    (A, {"s": (5, 3), "axes": (0, 1), "norm": "forward"}),
    (T, {"s": (4, -1), "axes": (2, 1)}),
    (T, {"s": (3, 3), "axes": (-2, -1), "norm": "backward"}),
]
_all_axes: list[tuple[Any, dict[str, Any]]] = [(V, {"norm": "ortho"}), (T, {}), (T, {"axes": [1]})]

FOURIER: dict[Any, list[Sample]] = {
    **{f: _spectra(f, *_along_axis) for f in (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft)},
    **{f: _spectra(f, *_along_axis, real_only=True) for f in (np.fft.rfft, np.fft.ihfft)},
    **{f: _spectra(f, *_over_axes) for f in (np.fft.fft2, np.fft.ifft2, np.fft.irfft2)},
    **{f: _spectra(f, *_over_axes, *_all_axes) for f in (np.fft.fftn, np.fft.ifftn, np.fft.irfftn)},
    np.fft.rfft2: _spectra(np.fft.rfft2, *_over_axes, real_only=True),
    np.fft.rfftn: _spectra(np.fft.rfftn, *_over_axes, *_all_axes, real_only=True),
    np.fft.fftshift: [call(V), call(A), call(A, 1), call(T, axes=(0, 2))],
    np.fft.ifftshift: [call(V), call(A), call(A, 1), call(T, axes=(0, 2))],
}

DIFFERENTIABLE: dict[Any, list[Sample]] = {}
for _function, _given in itertools.chain.from_iterable(
    part.items()
    for part in (
        ELEMENTWISE,
        OPERATORS,
        PARTS,
        MOVES,
        REDUCTIONS,
        STATISTICS,
        SETS,
        SCIMATH,
        LIKE,
        SLICES,
        PRODUCTS,
        CALCULUS,
        POLYNOMIALS,
        FOURIER,
    )
):
    DIFFERENTIABLE.setdefault(_function, []).extend(_given)
DIFFERENTIABLE = _table(DIFFERENTIABLE)

# Functions that have no meaning for a traced number.

REFUSED = {*DATES, *FILES, *TEXTS}

# Functions whose derivative is zero.

_whole = np.array([3.0, 5.0, 6.0])
CONSTANT: dict[Any, list[Sample]] = _table(
    {
        **{f: [call(A, A[::-1]), code(lambda a, f=f: f(a, 0), V)] for f in (np.greater, np.greater_equal, np.less)},
        **{f: [call(A, A[:1]), code(lambda a, f=f: f(0.5, a), V)] for f in (np.less_equal, np.equal, np.not_equal)},
        **{
            f: [call(A), call(0.5), call(EMPTY)]
            for f in (np.sign, np.floor, np.ceil, np.trunc, np.rint, np.fix, np.spacing, np.signbit, np.logical_not)
        },
        **{f: [call(A), call(0.5), call(GAPS)] for f in (np.isnan, np.isinf, np.isfinite, np.isposinf, np.isneginf)},
        **{f: [call(A, A > 0), call(A, 0.0)] for f in (np.logical_and, np.logical_or, np.logical_xor)},
        np.around: [call(A), call(A, 1)],
        np.round: [call(A), call(A, 1), method("round", A, 1), call(0.57, decimals=1)],
        **{f: [call(A), call(A, axis=1), call(A, axis=0, keepdims=True)] for f in (np.argmax, np.argmin)},
        **{f: [call(A), call(A, axis=0)] for f in (np.nanargmax, np.nanargmin)},
        **{
            f: [code(lambda a, f=f: f(a.astype(int), 2), _whole), code(lambda a, f=f: f(2, a.astype(int)), _whole)]
            for f in (np.gcd, np.lcm, np.left_shift, np.right_shift)
        },
        np.floor_divide: [call(V, W), code(lambda a: a // 0.7, V), code(lambda a: 5.1 // a, V)],
        np.bitwise_and: [code(lambda a: (a > 0) & (a < 1), A), code(lambda a: MASK & (a < 1), A)],
        np.bitwise_or: [code(lambda a: (a > 0) | (a < -1), A), code(lambda a: MASK | (a < 1), A)],
        np.bitwise_xor: [code(lambda a: (a > 0) ^ (a < 1), A), code(lambda a: MASK ^ (a < 1), A)],
        np.invert: [code(lambda a: ~(a > 0), A)],
        np.bitwise_count: [code(lambda a: np.bitwise_count(a.astype(int)), _whole)],
        np.argsort: [call(A), call(A, axis=0), method("argsort", V)],
        np.argpartition: [call(np.sort(V), 2), method("argpartition", np.sort(V), 1)],
        np.lexsort: [code(lambda a: np.lexsort(a), A)],
        np.nonzero: [call(A), method("nonzero", V)],
        np.flatnonzero: [call(A)],
        np.argwhere: [call(A)],
        np.count_nonzero: [call(A), call(A, axis=0)],
        np.searchsorted: [call(NODES, V), call(NODES, 0.5, side="right"), method("searchsorted", NODES, V)],
        np.digitize: [call(V, NODES)],
        np.bincount: [code(lambda a: np.bincount(a.astype(int)), _whole)],
        np.histogram: [code(lambda a: np.histogram(a, bins=NODES), V), code(lambda a: np.histogram(a, 3, (-2, 2)), V)],
        np.all: [call(A), call(A, axis=0), method("all", A)],
        np.any: [call(A), call(A, axis=0, keepdims=True), method("any", A)],
        np.isclose: [call(A, A + 1e-9), call(A, 0.5, rtol=0.1)],
        np.allclose: [call(A, A + 1e-9)],
        np.array_equal: [call(A, A)],
        np.array_equiv: [call(A, A[:1])],
        np.isin: [call(A, V)],
        np.array2string: [code(lambda a: len(np.array2string(a, precision=3)), A)],
        np.array_repr: [code(lambda a: len(np.array_repr(a)), A)],
        np.array_str: [code(lambda a: len(np.array_str(a)), A)],
        np.diag_indices_from: [call(M)],
        np.tril_indices_from: [call(A, k=1)],
        np.triu_indices_from: [call(A)],
        np.einsum_path: [code(lambda a, b: len(np.einsum_path("ij,jk", a, b)[0]), A, B)],
        np.may_share_memory: [code(lambda a: np.may_share_memory(a, a), A), call(A, B)],
        np.shares_memory: [code(lambda a: np.shares_memory(a, a), A), call(A, B)],
        np._core.umath._ones_like: [call(A)],
        np.packbits: [code(lambda a: np.packbits(a > 0, axis=1), A)],
        np.unpackbits: [code(lambda a: np.unpackbits(a.astype(np.uint8)), _whole)],
        np.ravel_multi_index: [code(lambda a: np.ravel_multi_index((a.astype(int), 2), (8, 8)), _whole)],
        np.unravel_index: [code(lambda a: np.unravel_index(a.astype(int), (4, 4)), _whole)],
        **{
            f: [code(lambda a, f=f: f(3, like=a), V)]
            for f in (np.arange, np.eye, np.identity, np.ones, np.tri, np.zeros)
        },
        np.empty: [code(lambda a: np.empty(0, like=a), V)],
        np.frombuffer: [code(lambda a: np.frombuffer(b"12345678", like=a), V)],
        np.fromfile: [code(lambda a: np.fromfile(os.devnull, like=a), V)],
        np.fromiter: [code(lambda a: np.fromiter(range(3), float, like=a), V)],
        np.fromstring: [code(lambda a: np.fromstring("1 2", sep=" ", like=a), V)],
        np.genfromtxt: [code(lambda a: np.genfromtxt(io.StringIO("1 2"), like=a), V)],
        np.loadtxt: [code(lambda a: np.loadtxt(io.StringIO("1 2"), like=a), V)],
        np.isreal: [call(A)],
        np.iscomplex: [call(A)],
        np.zeros_like: [call(A), call(0.5), call(A, dtype=int)],
        np.ones_like: [call(A), call(A, shape=(2,))],
        np.empty_like: [code(lambda a: np.empty_like(a) * 0 == 0, EMPTY)],
        np.full_like: [call(A, fill_value=0.5), call(A, 2), call(V, fill_value=2, dtype=int)],
        np.shape: [call(A), call(0.5)],
        np.ndim: [call(A), call(0.5)],
        np.size: [call(A), call(A, 1)],
        np.iscomplexobj: [call(A)],
        np.isrealobj: [call(A)],
        np.result_type: [code(lambda a: np.result_type(a, np.float32).itemsize, V)],
        np.can_cast: [call(V, np.float32), call(V, np.float64)],
        np.common_type: [code(lambda a: np.common_type(a, np.zeros(2)) is np.float64, V)],
        np.min_scalar_type: [code(lambda a: np.min_scalar_type(a).itemsize, V)],
    }
)
