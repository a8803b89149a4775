"""`np.emath`: functions that give complex numbers where the real ones end."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.primitives import implements
from diffmagic.core.tracing import concrete, is_traced


def _widened(x: Any, real: Any) -> Any:
    """Complex numbers instead of real ones that are not all in the domain."""
    x = x if is_traced(x) else np.asarray(x)
    if np.iscomplexobj(x) or np.all(real(concrete(x)) | np.isnan(concrete(x))):
        return x
    return np.astype(x, np.result_type(concrete(x), np.complex64)) if np.ndim(x) else x + 0j


def _not_negative(x: Any) -> Any:
    return np.greater_equal(x, 0)


def _at_most_one(x: Any) -> Any:
    return np.less_equal(np.abs(x), 1)


def _declare(function: Any, inside: Any, real: Any) -> None:
    @implements(function)
    def widened(x: Any) -> Any:
        return inside(_widened(x, real))


for _name in ("sqrt", "log", "log2", "log10"):
    _declare(getattr(np.emath, _name), getattr(np, _name), _not_negative)
for _name in ("arccos", "arcsin", "arctanh"):
    _declare(getattr(np.emath, _name), getattr(np, _name), _at_most_one)


@implements(np.emath.logn)
def _logn(n: Any, x: Any) -> Any:
    return np.emath.log(x) / np.emath.log(n)


@implements(np.emath.power)
def _power(x: Any, p: Any) -> Any:
    p = p if is_traced(p) else np.asarray(p)[()]
    p = p + 0.0 if np.any(np.less(concrete(p), 0)) else p
    return np.power(_widened(x, _not_negative), p)
