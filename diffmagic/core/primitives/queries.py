"""Functions whose result has no derivative: questions about an array, texts, orderings, counts, and new arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core import umath

from diffmagic.core.mutation import mine, plain_tracer
from diffmagic.core.primitives import HANDLERS, implements, primitive_of
from diffmagic.core.tracing import active, apply, concrete, is_traced, refuse

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
    np.array2string,
    np.array_repr,
    np.array_str,
    np.diag_indices_from,
    np.einsum_path,
    np.may_share_memory,
    np.shares_memory,
    np.tril_indices_from,
    np.triu_indices_from,
):
    HANDLERS[_function] = _answered(_function)


# New arrays, which traced values may be stored in.


def _new(function: Any) -> Callable[..., Any]:
    answer = _answered(function)
    return lambda *args, **kwargs: mine(answer(*args, **kwargs))


for _function in (np.zeros_like, np.ones_like, np.empty_like, vars(umath)["_ones_like"]):
    HANDLERS[_function] = _new(_function)


@implements(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    fresh = np.empty_like(concrete(a), dtype=dtype, shape=shape)
    if is_traced(fill_value):
        return np.broadcast_to(fill_value, fresh.shape).astype(fresh.dtype)
    fresh[...] = fill_value
    return plain_tracer(fresh) if active.traces and fresh.dtype.kind in "fc" else fresh


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
    np.packbits,
    np.unpackbits,
    np.unravel_index,
):
    HANDLERS[_function] = _recorded(_function)


if "in1d" in vars(np):  # until NumPy 2.3
    HANDLERS[vars(np)["in1d"]] = _recorded(vars(np)["in1d"])


# Those that take several arrays in one argument.


primitive_of(np.ravel_multi_index).function = lambda *indices, **options: np.ravel_multi_index(indices, **options)
primitive_of(np.lexsort).function = lambda *keys, **options: np.lexsort(keys, **options)


@implements(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    return apply(primitive_of(np.ravel_multi_index), tuple(multi_index), {"dims": dims, "mode": mode, "order": order})


@implements(np.lexsort)
def _lexsort(keys: Any, axis: int = -1) -> Any:
    return apply(primitive_of(np.lexsort), tuple(keys), {"axis": axis})
