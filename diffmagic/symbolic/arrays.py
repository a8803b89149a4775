"""What NumPy's functions of whole arrays are for arrays of expressions.

Many of NumPy's own functions work on arrays of objects, and then they are used. The others are written here. A
function that chooses among numbers gets them beside the expressions, takes what it takes there, and says so.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Equation
from diffmagic.operations import MOVES
from diffmagic.symbolic.elementary import FUNCTIONS, Abs, exact, sign


def each(f: Callable[..., Any], *operands: Any) -> Any:
    """A function of single expressions, of arrays of them; a tuple of arrays if it has several results."""
    operands = np.broadcast_arrays(*operands)
    shape = operands[0].shape
    found = [f(*[operand[place] for operand in operands]) for place in np.ndindex(shape)]
    if found and isinstance(found[0], tuple):
        return tuple(filled(part, shape) for part in zip(*found, strict=True))
    return filled(found, shape)


def filled(expressions: Any, shape: tuple[int, ...]) -> Any:
    """An array of these expressions."""
    array = np.empty(len(expressions), object)
    for k, expression in enumerate(expressions):
        array[k] = expression
    return array.reshape(shape)


def boxed(value: Any) -> Any:
    """What a function of arrays returned as an array: NumPy takes single objects out of theirs."""
    if isinstance(value, sp.Basic):
        return filled([value], ())
    array = np.asarray(value)
    return each(sp.sympify if array.dtype == object else exact, array)


def moved(equation: Equation, *operands: Any, optimize: Any = False, **params: Any) -> Any:
    """NumPy's own function, of arrays of expressions."""
    found = equation.primitive.function(*operands, **params)
    return tuple(map(boxed, found)) if isinstance(found, list | tuple) else boxed(found)


def _along(reduce: Callable[[Any], Any]) -> Callable[..., Any]:
    """A reduction, by a function of the list of expressions that become one."""

    def reduced(equation: Equation, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        axes = range(x.ndim) if axis is None else [k % x.ndim for k in np.atleast_1d(axis)]
        rest = [k for k in range(x.ndim) if k not in axes]
        rows = x.transpose([*rest, *axes]).reshape(*[x.shape[k] for k in rest], math.prod(x.shape[k] for k in axes))
        shape = [1 if k in axes else n for k, n in enumerate(x.shape) if keepdims or k in rest]
        return filled([reduce(list(rows[place])) for place in np.ndindex(rows.shape[:-1])], tuple(shape))

    return reduced


_sum = _along(lambda row: sp.Add(*row))
_mean = _along(lambda row: sp.Add(*row) / len(row))


def _variance(equation: Equation, x: Any, *, axis: Any = None, keepdims: bool = False, ddof: Any = 0) -> Any:
    def of_row(row: list[Any]) -> Any:
        mean = sp.Add(*row) / len(row)
        return sp.Add(*[(one - mean) ** 2 for one in row]) / (len(row) - exact(ddof))

    return _along(of_row)(equation, x, axis=axis, keepdims=keepdims)


def _deviation(equation: Equation, x: Any, **options: Any) -> Any:
    return each(sp.sqrt, _variance(equation, x, **options))


def _norm(equation: Equation, x: Any, *, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    matrices = x.ndim > 1 if axis is None else isinstance(axis, tuple) and len(axis) == 2
    if ord not in ((None, "fro", "f") if matrices and ord is not None else (None, 2)):
        return NotImplemented
    return _along(lambda row: FUNCTIONS["hypot"](*row))(equation, x, axis=axis, keepdims=keepdims)


def _log_of_sum(equation: Equation, a: Any, b: Any = None, *, axis: Any = None, keepdims: bool = False) -> Any:
    terms = each(sp.exp, a) if b is None else each(lambda weight, x: weight * sp.exp(x), b, a)
    return each(sp.log, _sum(equation, terms, axis=axis, keepdims=keepdims))


def _portions(equation: Equation, x: Any, *, axis: Any = None) -> Any:
    powers = each(sp.exp, x)
    return each(operator.truediv, powers, _sum(equation, powers, axis=axis, keepdims=True))


def _log_portions(equation: Equation, x: Any, *, axis: Any = None) -> Any:
    return each(operator.sub, x, _log_of_sum(equation, x, axis=axis, keepdims=True))


def _product(equation: Equation, a: Any, b: Any) -> Any:
    """Of matrices, adding up at once what NumPy would add one by one."""
    if not 1 <= a.ndim <= 2 or not 1 <= b.ndim <= 2:
        return moved(equation, a, b)
    rows, columns = np.atleast_2d(a), b.reshape(b.shape[0], -1)
    found = [sp.Add(*[p * q for p, q in zip(row, column, strict=True)]) for row in rows for column in columns.T]
    return filled(found, a.shape[:-1] + b.shape[1:])


def _finite(equation: Equation, x: Any, **replacements: Any) -> Any:
    return each(lambda ok, x, y: x if ok else y, boxed(np.isfinite(equation.arguments[0])), x, boxed(equation.value))


def _part(part: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The real or imaginary part, which SymPy multiplies out."""

    def of_short(z: Any) -> Any:
        if z.count_ops() > 100:
            raise DiffmagicError("the formula is too long to be split into its real and imaginary part")
        return part(z)

    return of_short


_real, _imaginary = _part(sp.re), _part(sp.im)


def _of_parts(real: Callable[[Any], Any], complex_: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function that means one thing for real numbers and another for complex ones."""
    return lambda equation, z: each(complex_ if np.iscomplexobj(equation.arguments[0]) else real, z)


def assigned(new: Any, old: Any, *, key: Any) -> Any:
    result = old.copy()
    result[key] = new if new.ndim else new[()]
    return result


# Pieces: what was taken, among the numbers that there were.


def _extreme(equation: Equation, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest or smallest; where several tie, their mean, as they share the derivative."""

    def taken(row: list[Any]) -> Any:
        best = equation.primitive.function([number for _, number in row])
        winners = [one for one, number in row if number == best]
        return sp.Add(*winners) / len(winners)

    pairs = filled(list(zip(x.ravel(), np.ravel(equation.arguments[0]), strict=True)), x.shape)
    return _along(taken)(equation, pairs, axis=axis, keepdims=keepdims)


def _remainder(equation: Equation, a: Any, b: Any) -> Any:
    x, y = equation.arguments
    return each(lambda a, b, k: a - k * b, a, b, boxed(np.rint((x - equation.value) / y)))


def _chosen(equation: Equation, condition: Any, a: Any, b: Any) -> Any:
    return each(lambda c, a, b: a if c else b, condition, a, b)


PIECES: dict[str, Callable[..., Any]] = {
    "np.max": _extreme,
    "np.min": _extreme,
    "np.remainder": _remainder,
    "np.fmod": _remainder,
    "math.fmod": _remainder,
    "math.remainder": _remainder,
}
"""Functions that hold for other numbers only while these are chosen alike."""

# Matrices.


def _det(a: Any) -> Any:
    """By expansion along the rows, without multiplying out."""

    @functools.cache
    def minor(row: int, columns: tuple[int, ...]) -> Any:
        """Of the rows from this one on."""
        terms = [a[row, c] * minor(row + 1, columns[:k] + columns[k + 1 :]) for k, c in enumerate(columns)]
        return sp.Add(*[-term if k % 2 else term for k, term in enumerate(terms)]) if columns else sp.S.One

    return minor(0, tuple(range(len(a))))


def _adjugate(a: Any) -> Any:
    def cofactor(i: int, j: int) -> Any:
        return (-1) ** (i + j) * _det(np.delete(np.delete(a, j, axis=0), i, axis=1))

    return filled([cofactor(i, j) for i, j in np.ndindex(a.shape)], a.shape)


def _determinant(equation: Equation, a: Any) -> Any:
    return filled([_det(a)], ()) if _is_small(a) else NotImplemented


def _sign_and_log(equation: Equation, a: Any) -> Any:
    if not _is_small(a):
        return NotImplemented
    det = _det(a)
    return filled([sign(det)], ()), filled([sp.log(Abs(det))], ())


def _inverse(equation: Equation, a: Any) -> Any:
    return each(lambda one: one / _det(a), _adjugate(a)) if _is_small(a) else NotImplemented


def _solution(equation: Equation, a: Any, b: Any) -> Any:
    if a.ndim == 2 and not any(one.free_symbols for one in a.flat):
        inverse = filled(list(sp.Matrix(a.tolist()).inv()), a.shape)
        return _product(equation, inverse, b)
    return each(lambda one: one / _det(a), _product(equation, _adjugate(a), b)) if _is_small(a) else NotImplemented


def _cholesky(equation: Equation, a: Any) -> Any:
    if not _is_small(a):
        return NotImplemented
    root = filled([sp.S.Zero] * a.size, a.shape)
    for i, j in np.ndindex(a.shape):
        rest = a[i, j] - sp.Add(*(root[i, :j] * root[j, :j]))
        if j <= i:
            root[i, j] = sp.sqrt(rest) if i == j else rest / root[j, j]
    return root


def _is_small(a: Any) -> bool:
    return a.ndim == 2 and len(a) <= 6


ARRAYS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys([*MOVES, "np.cumsum", "np.einsum", "np.convolve"], moved),
    "np.where": _chosen,
    **dict.fromkeys(["np.astype", "np.copy"], lambda equation, x, **options: x),
    "np.real": _of_parts(lambda x: x, _real),
    "np.imag": _of_parts(lambda x: sp.S.Zero, _imaginary),
    "np.conjugate": _of_parts(lambda x: x, sp.conjugate),
    "np.absolute": _of_parts(Abs, lambda z: FUNCTIONS["hypot"](_real(z), _imaginary(z))),
    "np.nan_to_num": _finite,
    "np.sum": _sum,
    "math.fsum": _sum,
    "np.mean": _mean,
    "np.var": _variance,
    "np.std": _deviation,
    "np.prod": _along(lambda row: sp.Mul(*row)),
    "np.matmul": _product,
    "np.dot": _product,
    "np.linalg.norm": _norm,
    "np.linalg.vector_norm": _norm,
    **dict.fromkeys(["np.linalg.det", "scipy.linalg.det"], _determinant),
    **dict.fromkeys(["np.linalg.inv", "scipy.linalg.inv"], _inverse),
    "np.linalg.solve": _solution,
    "np.linalg.cholesky": _cholesky,
    "np.linalg.slogdet": _sign_and_log,
    "scipy.special.logsumexp": _log_of_sum,
    "scipy.special.softmax": _portions,
    "scipy.special.log_softmax": _log_portions,
}
