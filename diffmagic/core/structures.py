"""Arguments and results that are containers: taken apart into numbers and arrays, and put together again."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.tracing import Tracer

Rebuild = Callable[[list[Any]], Any]


def is_leaf(value: Any) -> bool:
    """Whether a value is one number or array."""
    return isinstance(value, Tracer | np.ndarray | np.generic | float | int | complex)


def flatten(value: Any, path: str = "") -> tuple[list[tuple[str, Any]], Rebuild]:
    """The numbers and arrays in a value, each with its path, and the function that puts others in their place.

    Parameters
    ----------
    value : number, ndarray, None, or a dict, list, tuple, namedtuple or dataclass of such
    path : str
        What the user calls the value.

    Raises
    ------
    DiffmagicError
        For a value that is none of these.

    Examples
    --------
    >>> leaves, rebuild = flatten({"w": [1.0, 2.0], "b": 3.0}, "p")
    >>> leaves
    [("p['w'][0]", 1.0), ("p['w'][1]", 2.0), ("p['b']", 3.0)]
    >>> rebuild([10.0, 20.0, 30.0])
    {'w': [10.0, 20.0], 'b': 30.0}
    """
    if is_leaf(value):
        return [(path, value)], lambda leaves: leaves[0]
    if value is None:
        return [], lambda leaves: None
    parts, assemble = taken_apart(value, path)
    flat = [flatten(part, name) for name, part in parts]
    leaves = [leaf for some, _ in flat for leaf in some]

    def rebuild(new: list[Any]) -> Any:
        rest = iter(new)
        return assemble([again([next(rest) for _ in some]) for some, again in flat])

    return leaves, rebuild


def _refilled(like: MutableMapping[Any, Any], parts: list[Any]) -> MutableMapping[Any, Any]:
    """A mapping of the same kind, with what else it carries: an order, a default, attributes."""
    new = copy.copy(like)
    for key, value in zip(like, parts, strict=True):
        new[key] = value
    return new


def taken_apart(value: Any, path: str) -> tuple[list[tuple[str, Any]], Rebuild]:
    """The parts of a container, each with its path, and the function that puts others in their place."""
    if isinstance(value, Mapping):
        like = copy.copy(value) if isinstance(value, MutableMapping) else dict(value)
        return [(f"{path}[{key!r}]", like[key]) for key in like], lambda new: _refilled(like, new)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        named = type(value)
        return [(f"{path}.{name}", getattr(value, name)) for name in value._fields], lambda new: named(*new)
    if isinstance(value, list | tuple):
        sequence = list if isinstance(value, list) else tuple
        return [(f"{path}[{k}]", part) for k, part in enumerate(value)], sequence
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in dataclasses.fields(value) if f.init]
        return [(f"{path}.{name}", getattr(value, name)) for name in names], lambda new: dataclasses.replace(
            value, **dict(zip(names, new, strict=True))
        )
    what = path or "the value"
    kind_name = type(value).__name__
    if hasattr(value, "to_numpy"):
        raise DiffmagicError(f"{what} is a {kind_name}", rewrite=f"{what}.to_numpy()")
    raise DiffmagicError(
        f"{what} is {'a string' if isinstance(value, str) else f'an object of type {kind_name}'}, "
        "and a derivative needs numbers or arrays of them",
        rewrite="pass numbers, arrays, or a dict, list, tuple or dataclass of them",
    )


def vector(value: Any) -> Any:
    """All numbers of a value in one dimension, in double precision."""
    leaves = [np.ravel(leaf) for _, leaf in flatten(value)[0]]
    whole = np.concatenate(leaves) if leaves else np.zeros(0)
    return whole.astype(np.result_type(whole.dtype, np.float64))


def like(value: Any, numbers: Any) -> Any:
    """A value of the same structure with other numbers."""
    leaves, rebuild = flatten(value)
    parts, start = [], 0
    for _, leaf in leaves:
        stop = start + np.size(leaf)
        part = numbers[start:stop].reshape(np.shape(leaf))
        parts.append(part if isinstance(leaf, np.ndarray) else part[()].item())
        start = stop
    return rebuild(parts)
