"""The notebook's names: which of them code reads, how they go back to what they were, and tracers taken out of them."""

from __future__ import annotations

import dis
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from diffmagic.core.tracing import Tracer, concrete

Names = dict[str, Any]
_MOST_BYTES = 1 << 24
_MOST_ITEMS = 100_000


def free_names(code: CodeType) -> list[str]:
    """The global names that code reads without having assigned them first, in order."""
    found: dict[str, None] = {}
    inner: list[str] = []
    stored: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL") and instruction.argval not in stored:
            found[instruction.argval] = None
        elif instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            stored.add(instruction.argval)
        elif isinstance(instruction.argval, CodeType):
            inner += free_names(instruction.argval)
    found.update(dict.fromkeys(name for name in inner if name not in stored))
    return list(found)


def reachable_names(codes: Iterable[CodeType], names: Names) -> list[str]:
    """The global names that code reads, by itself or through the notebook's functions that it calls."""
    found: dict[str, None] = {}
    waiting = list(codes)
    while waiting:
        for name in free_names(waiting.pop()):
            if name not in found:
                found[name] = None
                value = names.get(name)
                if isinstance(value, FunctionType) and value.__globals__ is names:
                    waiting.append(value.__code__)
    return list(found)


class Snapshot:
    """The notebook's names, what some values hold, and the state of the random numbers, to go back to.

    Parameters
    ----------
    names : dict
        The notebook's namespace.
    held : iterable
        The values whose lists, dicts, sets and arrays are remembered element by element, as code may change them in
        place.
    """

    def __init__(self, names: Names, held: Iterable[Any]) -> None:
        self._names = names
        self._before = dict(names)
        seen: set[int] = set()
        self._undo = [undo for value in held for undo in _undo(value, seen)]
        self._undo.append(partial(np.random.set_state, np.random.get_state()))
        self._undo.append(partial(random.setstate, random.getstate()))

    def restore(self) -> None:
        """Go back."""
        for name in [name for name in self._names if name not in self._before]:
            del self._names[name]
        self._names.update(self._before)
        for undo in self._undo:
            undo()

    def changed(self) -> list[str]:
        """The names that are new or mean something else."""
        missing = object()
        return [name for name, value in self._names.items() if self._before.get(name, missing) is not value]

    def put_back(self, name: str) -> None:
        """One name as it was."""
        if name in self._before:
            self._names[name] = self._before[name]
        else:
            self._names.pop(name, None)


def _undo(value: Any, seen: set[int]) -> Iterator[Callable[[], Any]]:
    """What brings a mutable value, and the mutable values in it, back to what they hold now."""
    if id(value) in seen or len(seen) > _MOST_ITEMS:
        return
    seen.add(id(value))
    parts: Iterable[Any] = ()
    mapping = _mapping(value)
    if isinstance(value, np.ndarray):
        if value.flags.writeable and value.nbytes <= _MOST_BYTES:
            yield partial(np.copyto, value, value.copy())
    elif isinstance(value, np.random.Generator):
        yield partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    elif isinstance(value, set):
        yield partial(_refill, value, set(value))
    elif isinstance(value, list) and len(value) <= _MOST_ITEMS:
        parts = list(value)
        yield partial(value.__setitem__, slice(None), parts)
    elif mapping is not None and len(mapping) <= _MOST_ITEMS:
        yield partial(_refill, mapping, dict(mapping))
        parts = list(mapping.values())
    elif isinstance(value, tuple):
        parts = value
    for part in parts:
        yield from _undo(part, seen)


def _refill(container: Any, content: Any) -> None:
    container.clear()
    container.update(content)


def _mapping(value: Any) -> dict[Any, Any] | None:
    """A dict, or the attributes of an object whose class the notebook defines."""
    if isinstance(value, dict):
        return value
    if type(value).__module__ == "__main__" and isinstance(getattr(value, "__dict__", None), dict):
        attributes: dict[Any, Any] = vars(value)
        return attributes
    return None


def plain(value: Any, seen: set[int] | None = None) -> Any:
    """A value with ordinary numbers and arrays for tracers; lists, dicts and objects keep their identity."""
    if isinstance(value, Tracer):
        return concrete(value)
    seen = set() if seen is None else seen
    if id(value) in seen or len(seen) > _MOST_ITEMS:
        return value
    seen.add(id(value))
    if isinstance(value, list):
        for k, part in enumerate(value):
            if (new := plain(part, seen)) is not part:
                value[k] = new
    elif isinstance(value, tuple):
        parts = [plain(part, seen) for part in value]
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    elif (mapping := _mapping(value)) is not None:
        for key, part in list(mapping.items()):
            if (new := plain(part, seen)) is not part:
                mapping[key] = new
    return value
