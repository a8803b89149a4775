"""What calls outside NumPy's protocols mean for traced values: constructors, lists, `math` and builtins."""

from __future__ import annotations

import cmath
import functools
import math
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from diffmagic.core.hook import MEANINGS
from diffmagic.core.mutation import COMPLEX, update
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


def plain(value: Any) -> Any:
    """The numbers behind nested lists of traced ones."""
    return type(value)(map(plain, value)) if isinstance(value, list | tuple) else concrete(value)


# Arrays of traced numbers.


def array(values: Any, dtype: Any = None) -> Any:
    """`np.array`: nested lists of numbers and arrays, some of them traced."""
    kind = np.dtype(dtype) if dtype is not None else np.array(plain(values)).dtype  # NumPy's own word on ragged lists
    if not is_traced(values):
        return np.array(values, dtype)
    made = np.copy(values) if type(values) is Tracer else np.stack([array(part) for part in values])
    return made if made.dtype == kind else np.astype(made, kind)


@means(np.array)
def _array(object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", ndmin: int = 0) -> Any:
    made = _converted(np.array, object, dtype, copy=copy, order=order)
    return np.reshape(made, (1,) * (ndmin - made.ndim) + made.shape) if made.ndim < ndmin else made


def _converted(function: Any, a: Any, dtype: Any = None, **options: Any) -> Any:
    """An array made by `np.array` or its kind: a traced one itself, or a copy in the order that NumPy gives it."""
    if type(a) is not Tracer or type(concrete(a)) is not np.ndarray:
        made = array(a, dtype)
        return np.copy(made, options["order"]) if options.get("order") not in (None, "K", "C") else made
    value = concrete(a)
    own = function(value, dtype, **options)
    if own is value:
        return a
    order = "F" if own.flags.fnc else "C"
    copied: Any = np.copy
    return copied(a, order) if own.dtype == value.dtype else a.astype(own.dtype, order)


for _function in (np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray):
    MEANINGS[_function] = functools.partial(_converted, _function)


@means(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    whole = np.broadcast_to(array(fill_value), shape if isinstance(shape, tuple | list) else (int(shape),))
    made = np.copy(whole, order)
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
def _vectorize(function: Any, **options: Any) -> Callable[..., Any]:
    """A vectorized function called with traced arguments, or made of a function that reads a traced value."""
    made = function if isinstance(function, np.vectorize) else np.vectorize(function, **options)
    return functools.partial(_each, made)


def _each(made: np.vectorize, *args: Any, **kwargs: Any) -> Any:
    from diffmagic.core.hook import call

    moving = {key: value for key, value in [*enumerate(args), *kwargs.items()] if key not in made.excluded}
    inputs, outputs = _core_dimensions(made.signature, len(moving))
    arrays = list(map(array, moving.values()))
    loops = [np.shape(one)[: np.ndim(one) - count] for one, count in zip(arrays, inputs, strict=True)]
    loop = np.broadcast_shapes(*loops)
    arrays = [
        np.reshape(np.broadcast_to(one, loop + np.shape(one)[len(own) :]), (-1, *np.shape(one)[len(own) :]))
        for one, own in zip(arrays, loops, strict=True)
    ]
    rows = []
    for parts in zip(*arrays, strict=True):
        given = dict(zip(moving, parts, strict=True))
        positional = [given.get(k, value) for k, value in enumerate(args)]
        rows.append(call(made.pyfunc, *positional, **{name: given.get(name, kwargs[name]) for name in kwargs}))
    if not rows:
        refuse("np.vectorize of an empty array is not traced", "a test for the empty array before it")
    several = isinstance(rows[0], tuple) if made.signature is None else len(outputs) > 1
    results = [
        _gathered(part, loop, made.otypes[k] if made.otypes else None)
        for k, part in enumerate(zip(*rows, strict=True) if several else [rows])
    ]
    return tuple(results) if several else results[0]


def _core_dimensions(signature: str | None, count: int) -> tuple[list[int], list[int]]:
    """How many axes each argument and each result of one call has: ``(m,n),(n)->(m)``."""
    if signature is None:
        return [0] * count, [0]
    sides = [side.strip("() ").split("),(") for side in signature.replace(" ", "").split("->")]
    inputs, outputs = [[len(one.split(",")) if one else 0 for one in side] for side in sides]
    return inputs, outputs


def _gathered(results: Any, loop: tuple[int, ...], dtype: Any) -> Any:
    """The results of single calls as one array. np.vectorize gives all the first one's dtype."""
    kind = dtype or np.asarray(plain(results[0])).dtype
    return np.reshape(array(list(results), kind), loop + np.shape(results[0]))


@means(np.fromiter)
def _fromiter(iter: Any, dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    numbers = list(iter)
    if count > len(numbers):
        raise ValueError(f"iterator too short: Expected {count} but iterator had only {len(numbers)} items.")
    return array(numbers if count < 0 else numbers[:count], dtype)


@means(np.ndenumerate)
def _ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    arr = array(arr)
    return zip(np.ndindex(np.shape(arr)), np.ravel(arr), strict=True)


def _joined(concatenator: Any, key: Any) -> Any:
    """What ``np.r_[key]`` and ``np.c_[key]`` are; a 1-d part of the latter is a column."""
    items = key if isinstance(key, tuple) else (key,)
    if any(isinstance(item, str) for item in items):
        refuse("a directive in np.r_ or np.c_ is not traced", "np.concatenate([...], axis=...)")
    parts = [_stretch(item) if isinstance(item, slice) else array(item) for item in items]
    while any(np.ndim(part) < concatenator.ndmin for part in parts):
        parts = [part if np.ndim(part) >= concatenator.ndmin else np.expand_dims(part, -1) for part in parts]
    joined = np.concatenate(parts, axis=concatenator.axis)
    kind = concatenator[tuple(map(_plain_item, items))].dtype
    return joined if joined.dtype == kind else np.astype(joined, kind)


def _plain_item(item: Any) -> Any:
    return slice(*map(concrete, (item.start, item.stop, item.step))) if isinstance(item, slice) else plain(item)


def _stretch(item: slice) -> Any:
    """``start:stop:step``, where an imaginary step is a number of points."""
    start, step = 0 if item.start is None else item.start, 1 if item.step is None else item.step
    if isinstance(step, complex):
        return np.linspace(start, item.stop, int(abs(step)))
    return _arange(start, item.stop, step) if is_traced((start, item.stop, step)) else np.arange(start, item.stop, step)


for _concatenator in (np.r_, np.c_):
    MEANINGS[_concatenator.__getitem__] = functools.partial(_joined, _concatenator)


@means(np.poly1d)
def _poly1d(*args: Any, **kwargs: Any) -> Any:
    from diffmagic.core.libraries.numpy_polynomial import twin

    return twin(np.poly1d)(*args, **kwargs)


def _refused(name: str, rewrite: str) -> Callable[..., NoReturn]:
    def refused(*args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"{name} of traced values is not traced", rewrite)

    return refused


for _name, _rewrite in {
    "nditer": "for v in np.ravel(x), or np.ndenumerate(x)",
    "broadcast": "np.broadcast_arrays(x, y), np.broadcast_shapes(x.shape, y.shape)",
    "matrix": "np.array, and @ for the product",
    "asmatrix": "np.array, and @ for the product",
    "bmat": "np.block",
    "recarray": "a dict of arrays",
}.items():
    MEANINGS[getattr(np, _name)] = _refused(f"np.{_name}", _rewrite)


@means(np.asarray_chkfinite)
def _asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    np.asarray_chkfinite(plain(a))
    return _converted(np.asarray, a, dtype, order=order)


_OF_SEQUENCES = frozenset({np.column_stack, np.concatenate, np.dstack, np.hstack, np.stack, np.vstack})
_OF_NESTED_LISTS = frozenset({np.block, np.choose, np.linalg.multi_dot, np.piecewise, np.select})


@means(np.ufunc)
def _with_lists(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A NumPy function takes a list of numbers for an array; `np.frompyfunc` makes one that takes single objects."""
    if function in _OF_SEQUENCES:
        args = ([_listed(part) for part in args[0]], *args[1:])
    elif function not in _OF_NESTED_LISTS:
        args = tuple(map(_listed, args))
    if isinstance(function, np.ufunc) and not kwargs and all(kinds.strip("O") == "->" for kinds in function.types):
        return _for_each_object(function, *args)
    return function(*args, **kwargs)


def _for_each_object(function: np.ufunc, *args: Any) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, args))
    columns = []
    for arg in args:
        column = np.empty(math.prod(shape), object)
        for k, number in enumerate(np.ravel(np.broadcast_to(arg, shape))):
            column[k] = number
        columns.append(column)
    found = function(*columns)
    results = [np.reshape(array(list(part)), shape) for part in (found if function.nout > 1 else [found])]
    return tuple(results) if function.nout > 1 else results[0]


def _listed(value: Any) -> Any:
    return array(value) if isinstance(value, list | tuple) and is_traced(value) else value


@means(object)
def _of_any_other(function: Any) -> Callable[..., Any] | None:
    """What a call of a function that is not in the table means: a method of a type, or a function of a library."""
    if isinstance(function, types.MethodDescriptorType) and function.__objclass__ in (np.ndarray, float, complex):
        same_of_a_tracer = getattr(Tracer, function.__name__, None)
        return functools.partial(_unbound, same_of_a_tracer) if callable(same_of_a_tracer) else None
    if getattr(function, "__module__", None) is None:  # a method of a builtin object
        return None
    from diffmagic.core.libraries import meaning_of

    return meaning_of(function)


def _unbound(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return method(*map(_listed, args), **kwargs)


# Shuffling, which swaps rows by copies of them.


def shuffled(function: Any, x: Any, axis: int = 0) -> None:
    """``rng.shuffle(x)``, by shuffling the positions."""
    places = np.arange(np.shape(x)[axis])
    function(places)
    update(x, np.take(x, places, axis), "shuffle")


MEANINGS["shuffle"] = shuffled  # of any generator: numpy.random is loaded when it is used


# Numbers.


_to_float = Primitive("float", float, partials=(1,))  # a Python number, which NumPy promotes otherwise than its own


@means(float)
def _float(x: Any = 0.0, /) -> Any:
    if np.size(x) != 1:
        raise TypeError("only length-1 arrays can be converted to Python scalars")
    if np.iscomplexobj(x):
        raise TypeError("float() argument must be a string or a real number, not 'complex'")
    return x if type(concrete(x)) is float else apply(_to_float, (np.reshape(x, ()),))


@means(complex)
def _complex(real: Any = 0.0, imag: Any = 0.0) -> Any:
    if np.iscomplexobj(concrete(real)) or np.iscomplexobj(concrete(imag)):
        return real + 1j * imag
    return apply(COMPLEX, (real, imag))


for _kind in set(np.sctypeDict.values()):
    if issubclass(_kind, np.number | np.bool):
        MEANINGS[_kind] = lambda x=0.0, kind=_kind: np.astype(array(x), kind)


@means(isinstance)
def _isinstance(value: Any, kinds: Any, /) -> bool:
    return isinstance(concrete(value), kinds)


@means(hasattr)
def _hasattr(value: Any, name: str, /) -> bool:
    return hasattr(concrete(value), name)


@means(getattr)
def _getattr(value: Any, name: str, /, *default: Any) -> Any:
    return getattr(value if hasattr(concrete(value), name) else concrete(value), name, *default)


@means(type)
def _type(value: Any) -> type:
    return type(concrete(value))


@means(np.isscalar)
def _isscalar(element: Any) -> bool:
    return np.isscalar(concrete(element))


@means(operator.index)
def _index(value: Any) -> int:
    return value.__index__()  # type: ignore[no-any-return]


# `math` and `cmath`: their own values and errors, with the derivatives of NumPy's functions.


def _as_in(function: Callable[..., Any], twin: Any) -> None:
    rule = primitive_of(twin)
    _define(function, partials=rule.partials, push=rule.push, pull=rule.pull)


def _define(function: Callable[..., Any], **rule: Any) -> None:
    primitive = Primitive(f"{function.__module__}.{function.__name__}", function, **rule)
    MEANINGS[function] = lambda *args: apply(primitive, args)


_TRIGONOMETRIC = ("cos", "cosh", "sin", "sinh", "tan", "tanh")
_SAME = "cbrt copysign cos cosh degrees exp exp2 expm1 fmod frexp log10 log1p log2 modf radians sin sinh sqrt tan tanh"
for _name in _SAME.split():
    _as_in(getattr(math, _name), getattr(np, _name))
for _name in _TRIGONOMETRIC:
    _as_in(getattr(math, "a" + _name), getattr(np, "arc" + _name))
_as_in(math.atan2, np.arctan2)
_as_in(math.fabs, np.fabs)
_as_in(math.pow, np.power)
_as_in(math.ldexp, np.ldexp)
_as_in(math.nextafter, np.nextafter)
_as_in(math.ulp, np.spacing)
_define(math.remainder, partials=(1, lambda y, a, b: -np.rint((a - y) / b)))
if hasattr(math, "fma"):  # Python 3.13
    _define(math.fma, partials=(lambda y, a, b, c: b, lambda y, a, b, c: a, 1))

_gaussian = 2 / math.sqrt(math.pi)
_define(math.erf, partials=(lambda y, x: _gaussian * np.exp(-x * x),))
_define(math.erfc, partials=(lambda y, x: -_gaussian * np.exp(-x * x),))


def _digamma(x: Any) -> Any:
    try:
        from scipy import special
    except ImportError:
        refuse("the derivative of the gamma function is computed by SciPy", "pip install scipy")
    return special.psi(x)


_define(math.gamma, partials=(lambda y, x: y * _digamma(x),))
_define(math.lgamma, partials=(lambda y, x: _digamma(x),))

_natural_log = Primitive("math.log", math.log, partials=primitive_of(np.log).partials)


@means(math.log)
def _log(x: Any, *base: Any) -> Any:
    whole = apply(_natural_log, (x,))
    return whole / apply(_natural_log, base) if base else whole


@functools.cache
def _hypotenuse(count: int) -> Primitive:
    """Its derivatives are the cosines, and at zero their mean."""
    share: Any = (primitive_of(np.hypot).partials or ())[0]
    partials = tuple(lambda y, *sides, k=k: share(y, sides[k], None) for k in range(count))
    return Primitive("math.hypot", math.hypot, partials=partials)


@means(math.hypot)
def _hypot(*coordinates: Any) -> Any:
    return apply(_hypotenuse(len(coordinates)), coordinates)


@means(math.dist)
def _dist(p: Any, q: Any, /) -> Any:
    return _hypot(*[a - b for a, b in zip(p, q, strict=True)])


_exact_sum = Primitive("math.fsum", lambda numbers: math.fsum(numbers.tolist()), body=np.sum)
_exact_dot = Primitive("math.sumprod", lambda p, q: math.sumprod(p.tolist(), q.tolist()), body=np.dot)  # type: ignore[attr-defined, unused-ignore]


@means(math.fsum)
def _fsum(seq: Any, /) -> Any:
    return apply(_exact_sum, (array(list(seq)),))


if hasattr(math, "sumprod"):  # Python 3.12

    @means(math.sumprod)
    def _sumprod(p: Any, q: Any, /) -> Any:
        return apply(_exact_dot, (array(list(p)), array(list(q))))


@means(math.prod)
def _prod(iterable: Any, /, *, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, iterable, start)


def _complex_operand(function: Callable[..., Any], twin: Any) -> None:
    """A function of `cmath`, whose result is complex for real operands too."""
    primitive = Primitive(f"cmath.{function.__name__}", function, partials=primitive_of(twin).partials)
    MEANINGS[function] = lambda z: apply(primitive, (z if np.iscomplexobj(z) else np.astype(array(z), complex),))


for _name in (*_TRIGONOMETRIC, "exp", "log10", "sqrt"):
    _complex_operand(getattr(cmath, _name), getattr(np, _name))
for _name in _TRIGONOMETRIC:
    _complex_operand(getattr(cmath, "a" + _name), getattr(np, "arc" + _name))
_complex_operand(cmath.phase, np.angle)
_complex_operand(cmath.log, np.log)
_natural_log_of_complex = MEANINGS[cmath.log]
_define(cmath.rect, partials=(lambda y, r, phi: np.exp(1j * phi), lambda y, r, phi: 1j * y))


@means(cmath.log)
def _log_of_complex(z: Any, *base: Any) -> Any:
    parts = [_natural_log_of_complex(part) if is_traced(part) else cmath.log(part) for part in (z, *base)]
    return parts[0] / parts[1] if base else parts[0]


@means(cmath.polar)
def _polar(z: Any, /) -> tuple[Any, Any]:
    return abs(z), MEANINGS[cmath.phase](z)


def _decided(question: Callable[..., Any]) -> None:
    """A function whose result is a decision of Python's: kept as a guard."""
    primitive = Primitive(f"{question.__module__}.{question.__name__}", question)

    def decide(*args: Any, **options: Any) -> Any:
        answer = apply(primitive, args, options)
        return answer.decide(concrete(answer)) if type(answer) is Tracer else answer

    MEANINGS[question] = decide


for _name in ("isclose", "isfinite", "isinf", "isnan"):
    _decided(getattr(math, _name))
    _decided(getattr(cmath, _name))
for _name in ("ceil", "comb", "factorial", "floor", "gcd", "isqrt", "lcm", "perm", "trunc"):
    _decided(getattr(math, _name))
