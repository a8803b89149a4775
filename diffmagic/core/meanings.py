"""What calls outside NumPy's protocols mean for traced values: constructors, lists, `math` and builtins."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.core.hook import MEANINGS
from diffmagic.core.primitives import (
    Primitive,
    elementwise,  # noqa: F401 — declares the partials that `math` shares
    primitive_of,
)
from diffmagic.core.tracing import Tracer, apply, concrete, is_traced, refuse


def means(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what a call of these functions does when an argument is traced."""

    def declare(meaning: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            MEANINGS[function] = meaning
        return meaning

    return declare


def _plain(value: Any) -> Any:
    """The numbers behind nested lists of traced ones."""
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else concrete(value)


# Arrays of traced numbers.


def array(values: Any, dtype: Any = None) -> Any:
    """`np.array`: nested lists of numbers and arrays, some of them traced."""
    kind = np.dtype(dtype) if dtype is not None else np.array(_plain(values)).dtype  # NumPy's own word on ragged lists
    if not is_traced(values):
        return np.array(values, dtype)
    if values.__class__ is Tracer:
        made = np.positive(values) if np.ndim(values) else np.reshape(values, ())
    else:
        made = np.stack([array(part) for part in values])
    return made if made.dtype == kind else np.astype(made, kind)


@means(np.array)
def _array(object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", ndmin: int = 0) -> Any:
    made = array(object, dtype)
    return np.reshape(made, (1,) * (ndmin - made.ndim) + made.shape) if made.ndim < ndmin else made


@means(np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)
def _asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None) -> Any:
    return array(a, dtype)


@means(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    made = np.broadcast_to(array(fill_value), shape if isinstance(shape, tuple | list) else (int(shape),))
    return made if dtype is None else np.astype(made, dtype)


def _steps(start: Any, stop: Any, step: Any) -> Any:
    return start + step * np.arange(np.size(np.arange(concrete(start), concrete(stop), concrete(step))))


_range = Primitive("np.arange", np.arange, body=_steps)


@means(np.arange)
def _arange(start: Any, stop: Any = None, step: Any = 1) -> Any:
    if stop is None:
        start, stop = 0, start
    int(np.ceil((stop - start) / step))  # how many there are is a decision
    return apply(_range, (start, stop, step))


@means(np.vectorize)
def _vectorize(function: np.vectorize) -> Callable[..., Any]:
    from diffmagic.core.hook import call

    def each(*args: Any) -> Any:
        if function.signature or function.excluded or function.otypes:
            refuse("np.vectorize with options is not traced", "np.vectorize(f) alone, or a loop")
        arrays = np.broadcast_arrays(*map(array, args))
        results = [call(function.pyfunc, *numbers) for numbers in zip(*map(np.ravel, arrays), strict=True)]
        first = np.asarray(concrete(results[0])).dtype  # np.vectorize gives all results the first one's dtype
        return np.reshape(array(results, first), np.shape(arrays[0]))

    return each


_OF_SEQUENCES = frozenset({np.column_stack, np.concatenate, np.dstack, np.hstack, np.stack, np.vstack})
_OF_NESTED_LISTS = frozenset({np.block, np.choose, np.linalg.multi_dot, np.piecewise, np.select})


@means(np.ufunc)
def _with_lists(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A NumPy function takes a list of numbers for an array."""
    if function in _OF_SEQUENCES:
        args = ([_listed(part) for part in args[0]], *args[1:])
    elif function not in _OF_NESTED_LISTS:
        args = tuple(map(_listed, args))
    return function(*args, **kwargs)


def _listed(value: Any) -> Any:
    return array(value) if isinstance(value, list | tuple) and is_traced(value) else value


# Numbers.


@means(float)
def _float(x: Any = 0.0, /) -> Any:
    if np.size(x) != 1:
        raise TypeError("only length-1 arrays can be converted to Python scalars")
    if np.iscomplexobj(x):
        raise TypeError("float() argument must be a string or a real number, not 'complex'")
    return x if concrete(x).__class__ is float else np.astype(np.reshape(x, ()), np.float64)


@means(complex)
def _complex(real: Any = 0.0, imag: Any = 0.0) -> Any:
    return real + 1j * imag


for _kind in (np.float64, np.float32, np.float16, np.complex128, np.complex64, np.longdouble):
    MEANINGS[_kind] = lambda x=0.0, kind=_kind: np.astype(x, kind)


@means(isinstance)
def _isinstance(value: Any, kinds: Any, /) -> bool:
    return isinstance(value, kinds) or isinstance(concrete(value), kinds)


@means(type)
def _type(value: Any) -> type:
    return type(concrete(value))


@means(np.isscalar)
def _isscalar(element: Any) -> bool:
    return np.isscalar(concrete(element))


@means(operator.index)
def _index(value: Any) -> int:
    return value.__index__()  # type: ignore[no-any-return]


# `math`: its own values and errors, with the derivatives of NumPy's functions.


def _as_in(function: Callable[..., Any], twin: Any) -> None:
    primitive = Primitive(f"math.{function.__name__}", function, partials=primitive_of(twin).partials)
    MEANINGS[function] = lambda *args: apply(primitive, args)


_SAME = "cbrt copysign cos cosh degrees exp exp2 expm1 fmod log10 log1p log2 radians sin sinh sqrt tan tanh"
for _name in _SAME.split():
    _as_in(getattr(math, _name), getattr(np, _name))
for _name in ("cos", "cosh", "sin", "sinh", "tan", "tanh"):
    _as_in(getattr(math, "a" + _name), getattr(np, "arc" + _name))
_as_in(math.atan2, np.arctan2)
_as_in(math.fabs, np.fabs)
_as_in(math.pow, np.power)

_gaussian = 2 / math.sqrt(math.pi)
_erf = Primitive("math.erf", math.erf, partials=(lambda y, x: _gaussian * np.exp(-x * x),))
_erfc = Primitive("math.erfc", math.erfc, partials=(lambda y, x: -_gaussian * np.exp(-x * x),))
_natural_log = Primitive("math.log", math.log, partials=primitive_of(np.log).partials)
MEANINGS[math.erf] = lambda x: apply(_erf, (x,))
MEANINGS[math.erfc] = lambda x: apply(_erfc, (x,))


@means(math.log)
def _log(x: Any, *base: Any) -> Any:
    whole = apply(_natural_log, (x,))
    return whole / apply(_natural_log, base) if base else whole


@means(math.hypot)
def _hypot(*coordinates: Any) -> Any:
    return np.linalg.norm(array(coordinates))


@means(math.dist)
def _dist(p: Any, q: Any) -> Any:
    return np.linalg.norm(array(p) - array(q))


@means(math.fsum)
def _fsum(seq: Any) -> Any:
    return np.sum(array(list(seq)))


@means(math.prod)
def _prod(iterable: Any, *, start: Any = 1) -> Any:
    product = start
    for factor in iterable:
        product = product * factor
    return product


def _decided(question: Callable[..., Any]) -> None:
    """A function whose result is a decision of Python's: kept as a guard."""
    primitive = Primitive(f"math.{question.__name__}", question)

    def decide(*args: Any, **options: Any) -> Any:
        answer = apply(primitive, args, options)
        return answer.decide(concrete(answer)) if answer.__class__ is Tracer else answer

    MEANINGS[question] = decide


for _question in (math.isnan, math.isinf, math.isfinite, math.isclose, math.floor, math.ceil, math.trunc):
    _decided(_question)
