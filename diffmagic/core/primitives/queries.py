"""Functions whose result has no derivative: questions about an array, orderings, counts, and fresh arrays like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.core.primitives import HANDLERS, implements, primitive_of
from diffmagic.core.tracing import apply, concrete, is_traced, refuse

# Answered from shape and dtype alone, without a trace in the program.


def _answered(function: Any) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> Any:
        return function(*map(concrete, args), **{name: concrete(value) for name, value in kwargs.items()})

    return answer


_function: Any
for _function in (
    np.shape,
    np.ndim,
    np.size,
    np.iscomplexobj,
    np.isrealobj,
    np.result_type,
    np.can_cast,
    np.common_type,
    np.min_scalar_type,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
):
    HANDLERS[_function] = _answered(_function)


@implements(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    fresh = np.empty_like(concrete(a), dtype=dtype, shape=shape)
    if is_traced(fill_value):
        return np.broadcast_to(fill_value, fresh.shape).astype(fresh.dtype)
    fresh[...] = fill_value
    return fresh


# Recorded, and constant almost everywhere: a decision that depends on them becomes a guard.


def _recorded(function: Any) -> Callable[..., Any]:
    primitive = primitive_of(function)

    def handler(*args: Any, **kwargs: Any) -> Any:
        for name, value in kwargs.items():
            if is_traced(value):
                refuse(f"{primitive.name} with a traced {name}= is not traced", "pass a plain value")
        if kwargs.pop("out", None) is not None:
            refuse(f"{primitive.name} with out= is not traced", "assign the result to a name instead")
        return apply(primitive, args, kwargs)

    handler.__name__ = function.__name__
    return handler


for _function in (
    np.argmax,
    np.argmin,
    np.argsort,
    np.argpartition,
    np.nanargmax,
    np.nanargmin,
    np.lexsort,
    np.nonzero,
    np.flatnonzero,
    np.argwhere,
    np.count_nonzero,
    np.searchsorted,
    np.digitize,
    np.all,
    np.any,
    np.isclose,
    np.allclose,
    np.array_equal,
    np.array_equiv,
    np.isin,
    np.isreal,
    np.iscomplex,
    np.isposinf,
    np.isneginf,
):
    HANDLERS[_function] = _recorded(_function)


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    if is_traced(weights):
        refuse("np.bincount with traced weights is not traced", "np.stack([np.sum(weights[x == k]) for k in range(n)])")
    return apply(primitive_of(np.bincount), (x,), {"weights": weights, "minlength": minlength})


@implements(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    if is_traced([bins, range, weights]) or (np.ndim(bins) == 0 and range is None):
        refuse("np.histogram with edges or weights that move is not traced", "bins=edges, an array of plain numbers")
    return apply(primitive_of(np.histogram), (a, bins), {"range": range, "density": density, "weights": weights})
