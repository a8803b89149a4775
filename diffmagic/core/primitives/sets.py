"""Sets of numbers: NumPy chooses them by value, and they are gathered from where they first stand.

Which ones these are follows from the ranks of the numbers, so the ranks are a decision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.primitives import Primitive, implements
from diffmagic.core.tracing import apply, concrete, is_traced, settled_key

_RANKS = Primitive("np.unique", lambda ar, **options: np.unique(ar, **options)[1])


def _ranked(*arrays: Any) -> Any:
    """The plain arrays, whose numbers have a common order that is kept as a decision."""
    if any(map(is_traced, arrays)):
        numbers = np.concatenate(list(map(np.ravel, arrays))) if len(arrays) > 1 else arrays[0]
        settled_key(apply(_RANKS, (numbers,), {"return_inverse": True}))
    return list(map(concrete, arrays))


def _gathered(source: Any, chosen: Any) -> Any:
    """The elements of `source` that are equal to the chosen numbers."""
    elements = np.ravel(source)
    numbers = concrete(elements)
    order = np.argsort(numbers, kind="stable")
    found = elements[order[np.searchsorted(numbers, chosen, sorter=order)]]
    return found if found.dtype == chosen.dtype else np.astype(found, chosen.dtype)


@implements(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **options: Any,
) -> Any:
    asked = {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis, **options}
    (plain,) = _ranked(ar)
    _, first, *others = np.unique(plain, return_index=True, **asked)
    values = np.ravel(ar)[first] if axis is None else np.take(ar, first, axis=axis)
    results = (values, *([first] if return_index else []), *others)
    return results if len(results) > 1 else values


def _named(function: Any) -> None:
    @implements(function)
    def named(x: Any, /) -> Any:
        found = function(*_ranked(x))
        return found._replace(values=_gathered(x, found.values))


for _function in (np.unique_all, np.unique_counts, np.unique_inverse):
    _named(_function)


@implements(np.unique_values)
def _unique_values(x: Any, /) -> Any:
    return _gathered(x, np.unique_values(*_ranked(x)))


@implements(np.intersect1d)
def _intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    first, second = _ranked(ar1, ar2)
    found, *places = np.intersect1d(first, second, assume_unique, return_indices=True)
    return (_gathered(ar1, found), *places) if return_indices else _gathered(ar1, found)


@implements(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    first, second = _ranked(ar1, ar2)
    return _gathered(ar1, np.setdiff1d(first, second, assume_unique))


@implements(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    first, second = _ranked(ar1, ar2)
    both = np.concatenate([np.ravel(ar1), np.ravel(ar2)])
    return _gathered(both, np.setxor1d(first, second, assume_unique))


@implements(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    first, second = _ranked(ar1, ar2)
    both = np.concatenate([np.ravel(ar1), np.ravel(ar2)])
    return _gathered(both, np.union1d(first, second))
