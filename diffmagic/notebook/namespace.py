"""The notebook's names: which of them code reads, how they go back to what they were, and tracers taken out of them."""

from __future__ import annotations

import dis
import pickle
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType, SimpleNamespace
from typing import Any

import numpy as np

from diffmagic.core.tracing import Tracer, concrete

Names = dict[str, Any]
_MOST_BYTES = 1 << 24
_MOST_ITEMS = 100_000


def free_names(*codes: CodeType) -> list[str]:
    """The global names that code, run piece by piece, reads without having assigned them first, in order."""
    found: dict[str, None] = {}
    inner: list[str] = []
    stored: set[str] = set()
    for instruction in (each for code in codes for each in dis.get_instructions(code)):
        if instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL") and instruction.argval not in stored:
            found[instruction.argval] = None
        elif instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            stored.add(instruction.argval)
        elif isinstance(instruction.argval, CodeType):
            inner += free_names(instruction.argval)
    found.update(dict.fromkeys(name for name in inner if name not in stored))
    return list(found)


def reachable_names(codes: Iterable[CodeType], names: Names) -> list[str]:
    """The global names that code reads, by itself or through the notebook's functions and classes that it uses."""
    found: dict[str, None] = {}
    waiting: list[Any] = list(codes)
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, CodeType):
            new = [name for name in free_names(thing) if name not in found]
            found.update(dict.fromkeys(new))
            waiting += [names[name] for name in new if name in names]
        else:
            waiting += _uses(thing, names)
    return list(found)


def _uses(thing: Any, names: Names) -> list[Any]:
    """The code of a function of the notebook, and what else may lead to such code."""
    match thing:
        case FunctionType():
            return [thing.__code__, *_closed_over(thing)] if thing.__globals__ is names else []
        case MethodType() | staticmethod() | classmethod():
            return [thing.__func__]
        case partial():
            return [thing.func]
        case property():
            return [thing.fget]
        case type():
            return [*vars(thing).values(), *thing.__bases__] if thing.__module__ == "__main__" else []
    return [type(thing)]


def _closed_over(function: FunctionType) -> list[Any]:
    return [cell.cell_contents for cell in _cells(function)]


def _cells(function: FunctionType) -> list[CellType]:
    """A closure's cells, without those that are still empty."""
    return [cell for cell in function.__closure__ or () if cell != CellType()]


class Snapshot:
    """The notebook's names, what some values hold, and the state of the random numbers, to go back to.

    Parameters
    ----------
    names : dict
        The notebook's namespace.
    held : iterable
        The values whose lists, dicts, sets and arrays are remembered element by element, as code may change them in
        place.
    lock : bool
        Whether arrays that are too large to be remembered are read-only until `restore`.
    """

    def __init__(self, names: Names, held: Iterable[Any], *, lock: bool = False) -> None:
        self._names = names
        self._before = dict(names)
        seen: set[int] = set()
        large: list[Any] = []
        self._undo = [undo for value in held for undo in _undo(value, seen, large)]
        self._locked = sorted(large, key=lambda array: array.base is not None) if lock else []
        for array in self._locked:
            array.flags.writeable = False
        self._undo.append(_Rewind(np.random.get_state, np.random.set_state))
        self._undo.append(_Rewind(random.getstate, random.setstate))

    def restore(self) -> None:
        """Go back."""
        for array in self._locked:  # views last: they cannot be writeable before what they look at
            array.flags.writeable = True
        for name in [name for name in self._names if name not in self._before]:
            del self._names[name]
        self._names.update(self._before)
        for undo in self._undo:
            undo()

    def changed(self) -> list[str]:
        """The names that are new or mean something else."""
        missing = object()
        return [name for name, value in self._names.items() if self._before.get(name, missing) is not value]

    def drew(self) -> bool:
        """Whether random numbers have been drawn."""
        return any(undo.moved() for undo in self._undo if isinstance(undo, _Rewind))

    def put_back(self, name: str) -> None:
        """One name as it was."""
        if name in self._before:
            self._names[name] = self._before[name]
        else:
            self._names.pop(name, None)


class _Rewind:
    """Takes random numbers back to where they are now."""

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], Any]) -> None:
        self._read, self._write = read, write
        self._state = read()

    def __call__(self) -> None:
        self._write(self._state)

    def moved(self) -> bool:
        return pickle.dumps(self._read()) != pickle.dumps(self._state)


def _undo(value: Any, seen: set[int], large: list[Any]) -> Iterator[Callable[[], Any]]:
    """What brings a mutable value, and the mutable values in it, back to what they hold now."""
    if id(value) in seen or len(seen) > _MOST_ITEMS:
        return
    seen.add(id(value))
    parts: Sequence[Any] = ()
    mapping = _mapping(value)
    if isinstance(value, np.ndarray):
        if value.flags.writeable and value.nbytes > _MOST_BYTES:
            large.append(value)
        elif value.flags.writeable:
            yield partial(np.copyto, value, value.copy())
        if value.dtype == object:
            parts = list(value.flat)
    elif isinstance(value, np.random.Generator):
        bits = value.bit_generator
        yield _Rewind(lambda: bits.state, partial(setattr, bits, "state"))
    elif isinstance(value, np.random.RandomState):
        yield _Rewind(value.get_state, value.set_state)
    elif isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        yield _Rewind(value.getstate, value.setstate)
    elif isinstance(value, set):
        yield partial(_refill, value, set(value))
    elif isinstance(value, list | deque):
        parts = list(value)
        yield partial(_refill, value, parts)
    elif isinstance(value, tuple):
        parts = value
    elif isinstance(value, MethodType):
        parts = [value.__self__]
    if mapping is not None:
        yield partial(_refill, mapping, dict(mapping))
        parts = [*parts, *mapping.values()]
    if len(parts) <= _MOST_ITEMS:
        for part in parts:
            yield from _undo(part, seen, large)
    for place, name, part in _places(value):
        yield partial(_put, place, name, part)
        yield from _undo(part, seen, large)


def _refill(container: Any, content: Any) -> None:
    container.clear()
    (container.update if hasattr(container, "update") else container.extend)(content)


def _put(place: Any, name: str, part: Any) -> None:
    now = vars(place).get(name) if isinstance(place, type) else getattr(place, name)
    if now is not part:  # an Enum refuses even what it has
        setattr(place, name, part)


def _mapping(value: Any) -> dict[Any, Any] | None:
    """A dict, or the attributes of a function or object whose code is the notebook's."""
    if isinstance(value, dict):
        return value
    owner = value if isinstance(value, FunctionType) else type(value)
    if isinstance(value, SimpleNamespace) or owner.__module__ == "__main__":
        attributes = getattr(value, "__dict__", None)
        return attributes if isinstance(attributes, dict) else None
    return None


def _places(value: Any) -> list[tuple[Any, str, Any]]:
    """What a function of the notebook closes over and its defaults, or a class's attributes, and where they stand."""
    if getattr(value, "__module__", None) != "__main__":
        return []
    if isinstance(value, FunctionType):
        places: list[tuple[Any, str]] = [(cell, "cell_contents") for cell in _cells(value)]
        places += [(value, "__defaults__"), (value, "__kwdefaults__")]
        return [(place, name, getattr(place, name)) for place, name in places]
    if isinstance(value, type):
        return [(value, name, part) for name, part in vars(value).items() if not name.startswith("__")]
    return []


def plain(value: Any, seen: set[int] | None = None) -> Any:
    """A value with ordinary numbers and arrays for tracers; what can change in place keeps its identity."""
    if isinstance(value, Tracer):
        return concrete(value)
    seen = set() if seen is None else seen
    if id(value) in seen or len(seen) > _MOST_ITEMS:
        return value
    seen.add(id(value))
    if isinstance(value, list | deque):
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
    for place, name, part in _places(value):
        if (new := plain(part, seen)) is not part:
            setattr(place, name, new)
    return value
