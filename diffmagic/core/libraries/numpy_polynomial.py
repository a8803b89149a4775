"""`numpy.polynomial` and `np.poly1d`: Python written in NumPy, so it is rewritten as if it were the user's own.

Operators pass no dispatcher, so a polynomial with traced coefficients is of a subclass whose methods are rewritten.
What NumPy fills in place is written out here, for all families at once: sums, products, derivatives and integrals.
"""

from __future__ import annotations

import functools
import linecache
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

from diffmagic.core.hook import _FUTURE_FLAGS, MEANINGS, _codes_of
from diffmagic.core.meanings import array
from diffmagic.core.tracing import refuse

_FAMILIES = {
    polynomial: "poly",
    chebyshev: "cheb",
    legendre: "leg",
    laguerre: "lag",
    hermite: "herm",
    hermite_e: "herme",
}
_OPERATIONS = "add sub mul div pow der int val line roots fromroots"
_TWINS: set[type] = set()
_BASES = (np.polynomial.Polynomial.__bases__[0], np.poly1d)


def find(function: Any) -> Callable[..., Any] | None:
    """A function, a class of polynomials, a polynomial or a method of one: the same, rewritten."""
    if isinstance(function, FunctionType):
        return MEANINGS.setdefault(function, _rewritten(function))
    owner = getattr(function, "__self__", function)
    ours = twin(owner) if isinstance(owner, type) else adopted(owner)
    method: Callable[..., Any] = ours if owner is function else getattr(ours, function.__name__)
    return method


def _rewritten(function: FunctionType) -> FunctionType:
    code = function.__code__
    source = "".join(linecache.getlines(code.co_filename))
    codes = _codes_of(code.co_filename, source, code.co_flags & _FUTURE_FLAGS)
    return FunctionType(
        codes.get(code, code), function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )


@functools.cache
def twin(kind: type) -> type:
    """A subclass of a class of polynomials, with all methods rewritten."""
    methods: dict[str, Any] = {}
    for base in reversed(kind.__mro__[:-1]):
        for name, method in vars(base).items():
            if isinstance(method, FunctionType):
                methods[name] = _rewritten(method)
            elif isinstance(method, classmethod):
                methods[name] = classmethod(_rewritten(method.__func__))  # type: ignore[arg-type]
    if kind is not np.poly1d:
        coefficients = methods["_get_coefficients"]
        methods["_get_coefficients"] = lambda self, other: coefficients(self, adopted(other))
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod"):
            methods[f"__r{name}__"] = _reflected(f"__{name}__", methods[f"__r{name}__"])
    made: type = type(kind)(kind.__name__, (kind,), methods)
    _TWINS.add(made)
    return made


def _reflected(name: str, of_numbers: Callable[..., Any]) -> Callable[..., Any]:
    """An operator whose left operand is a polynomial that is not traced."""

    def method(self: Any, other: Any) -> Any:
        return getattr(adopted(other), name)(self) if isinstance(other, _BASES) else of_numbers(self, other)

    return method


def adopted(value: Any) -> Any:
    """A polynomial as one of the twin class; anything else as it is."""
    kind: Any = type(value)
    if not isinstance(value, _BASES) or kind in _TWINS:
        return value
    made: Any = object.__new__(twin(kind))
    made.__dict__.update(value.__dict__)
    return made


# What NumPy fills in place. A series is a vector of coefficients; what is linear in it is a matrix.


def _series(c: Any) -> Any:
    return _trimmed(np.atleast_1d(array(c)))


def _trimmed(c: Any) -> Any:
    while np.size(c) > 1 and c[-1] == 0:
        c = c[:-1]
    return c


def _padded(c: Any, size: int) -> Any:
    return np.concatenate([c, np.zeros(size - np.size(c))])


def _sum(sign: int, c1: Any, c2: Any) -> Any:
    c1, c2 = _series(c1), _series(c2)
    size = max(np.size(c1), np.size(c2))
    return _trimmed(_padded(c1, size) + sign * _padded(c2, size))


def _product(multiply: Callable[..., Any], c1: Any, c2: Any) -> Any:
    c1, c2 = _series(c1), _series(c2)
    first, second, size = np.eye(np.size(c1)), np.eye(np.size(c2)), np.size(c1) + np.size(c2) - 1
    table = np.stack([[_padded(multiply(a, b), size) for b in second] for a in first])
    return _trimmed(np.einsum("ijk,i,j->k", table, c1, c2))


def _quotient(multiply: Callable[..., Any], c1: Any, c2: Any) -> Any:
    rest, c2 = _series(c1), _series(c2)
    if c2[-1] == 0:
        raise ZeroDivisionError
    if np.size(rest) < np.size(c2):
        return rest[:1] * 0, rest
    if np.size(c2) == 1:
        return rest / c2[-1], rest[:1] * 0
    parts = []
    for power in range(np.size(rest) - np.size(c2), -1, -1):
        part = _product(multiply, np.eye(power + 1)[-1], c2)
        parts.append(rest[-1] / part[-1])
        rest = rest[:-1] - parts[-1] * part[:-1]
    return array(parts[::-1]), _trimmed(rest)


def _power(multiply: Callable[..., Any], c: Any, pow: Any, maxpower: Any = None) -> Any:
    if int(pow) != pow or pow < 0:
        raise ValueError("Power must be a non-negative integer.")
    return functools.reduce(functools.partial(_product, multiply), [_series(c)] * int(pow), np.ones(1))


def _derivative(differentiate: Callable[..., Any], c: Any, m: Any = 1, scl: Any = 1, axis: int = 0) -> Any:
    c = np.moveaxis(array(c), axis, 0)
    rates = np.atleast_2d(differentiate(np.eye(np.shape(c)[0]), int(m)))
    return np.moveaxis(np.tensordot(rates, c, axes=1) * scl ** int(m), 0, axis)


def _integral(
    integrate: Callable[..., Any],
    evaluate: Callable[..., Any],
    c: Any,
    m: Any = 1,
    k: Any = (),
    lbnd: Any = 0,
    scl: Any = 1,
    axis: int = 0,
) -> Any:
    c = np.moveaxis(array(c), axis, 0)
    constants = list(k) if np.iterable(k) else [k]
    for step in range(int(m)):
        c = np.tensordot(integrate(np.eye(np.shape(c)[0])), c, axes=1) * scl
        start = (constants[step] if step < len(constants) else 0) - MEANINGS[evaluate](lbnd, c)
        c = np.concatenate([np.expand_dims(c[0] + start, 0), c[1:]])
    return np.moveaxis(c, 0, axis)


def _from_roots(line: Callable[..., Any], multiply: Callable[..., Any], roots: Any) -> Any:
    factors = [array(line(0.0, 1.0)) - _padded(np.atleast_1d(root), 2) for root in roots]
    return functools.reduce(functools.partial(_product, multiply), factors, np.ones(1))


def _roots(c: Any) -> Any:
    refuse("the roots of a polynomial with traced coefficients have no derivative here", "np.roots(c[::-1])")


for _module, _prefix in _FAMILIES.items():
    _named = {name: getattr(_module, _prefix + name) for name in _OPERATIONS.split()}
    MEANINGS[_named["add"]] = functools.partial(_sum, 1)
    MEANINGS[_named["sub"]] = functools.partial(_sum, -1)
    MEANINGS[_named["mul"]] = functools.partial(_product, _named["mul"])
    MEANINGS[_named["div"]] = functools.partial(_quotient, _named["mul"])
    MEANINGS[_named["pow"]] = functools.partial(_power, _named["mul"])
    MEANINGS[_named["der"]] = functools.partial(_derivative, _named["der"])
    MEANINGS[_named["int"]] = functools.partial(_integral, _named["int"], _named["val"])
    MEANINGS[_named["val"]] = _rewritten(_named["val"])
    MEANINGS[_named["roots"]] = _roots
    MEANINGS[_named["fromroots"]] = functools.partial(_from_roots, _named["line"], _named["mul"])
