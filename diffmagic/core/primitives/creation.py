"""`like=`: an array like a traced one is plain, unless what fills it is traced."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.hook import MEANINGS
from diffmagic.core.mutation import mine
from diffmagic.core.primitives import HANDLERS, implements
from diffmagic.core.tracing import is_traced

CREATING = (
    np.arange,
    np.array,
    np.asanyarray,
    np.asarray,
    np.ascontiguousarray,
    np.asfortranarray,
    np.empty,
    np.eye,
    np.frombuffer,
    np.fromfile,
    np.fromfunction,
    np.fromiter,
    np.fromstring,
    np.full,
    np.genfromtxt,
    np.identity,
    np.loadtxt,
    np.ones,
    np.tri,
    np.zeros,
)


def _creates(function: Any) -> None:
    def create(*args: Any, **kwargs: Any) -> Any:
        meaning = MEANINGS.get(function) if is_traced([*args, *kwargs.values()]) else None
        if meaning is None:
            return mine(function(*args, **kwargs))
        kwargs.pop("device", None)  # there is but one
        return meaning(*args, **kwargs)

    create.__name__ = function.__name__
    HANDLERS[function] = create


for _function in CREATING:
    _creates(_function)


@implements(np.require)
def _require(a: Any, dtype: Any = None, requirements: Any = None) -> Any:
    return MEANINGS[np.asarray](a, dtype)
