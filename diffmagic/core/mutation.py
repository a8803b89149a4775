"""Arrays that change: item assignment, in-place operators and functions, `out=`, views and aliases.

A program is in single assignment; an array of the user's is one object that changes. So the tracer of an array is what
the user's names refer to, and a change gives it a new value: ``r[0] = v`` records the equation ``r_2 = r[0] ← v``
and lets the tracer stand for `r_2`. Whoever holds the tracer sees it. The old value stays what it was, for the
equations that have read it.

* Two tracers may look at the same memory, as a view and its base do. Which, is what NumPy says about their arrays, and
  each group is a `Memory`. A change is made once, in memory of its own; the others of the group take over, by an
  equation, the elements that they share with what was changed. Where these are is read off the arrays' addresses.
* A plain array cannot come to hold a traced value. In rewritten code every new array is therefore the value of a *plain
  tracer*, which belongs to no open trace and behaves as the array itself until a traced value is stored in it. A new
  array is one that nothing else refers to, so no name for it is missed.
* What an array is not known to be shared with cannot be kept right: then the store is refused.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from diffmagic.core import tracing  # each knows the other: a tracer is changed here, and records itself there
from diffmagic.core.primitives import Primitive, implements, public_name
from diffmagic.core.program import Equation, Guard, Variable

_LARGE_BYTES = 1 << 16
_FLOATING = "fc"
_NOWHERE = Variable(None)


# Assignment as a function: the old value and the new elements give the new value.


def _assigned(v: Any, x: Any, key: Any) -> Any:
    new = twin(np.asarray(x))
    new[key] = v
    return new


def _push(i: int, t: Any, y: Any, v: Any, x: Any, key: Any) -> Any:
    if i == 1:
        return assign(t, key, 0.0)
    return assign(np.zeros(np.shape(x), np.result_type(tracing.concrete(t))), key, t)


def _pull(i: int, g: Any, y: Any, v: Any, x: Any, key: Any) -> Any:
    if i == 1:
        return assign(g, key, 0.0)
    taken = np.copy(g[key])
    if np.ndim(v) > np.ndim(taken):  # NumPy lets more dimensions in, if their length is one
        taken = np.reshape(taken, (1,) * (np.ndim(v) - np.ndim(taken)) + np.shape(taken))
    last = _last_written(key, np.shape(x))
    return taken if last is None else np.where(last, taken, 0.0)


def _last_written(key: Any, shape: tuple[int, ...]) -> Any:
    """Where a key names a place twice, the last one counts: a mask over what it takes. None where none is repeated."""
    parts = key if isinstance(key, tuple) else (key,)
    if not any([isinstance(part, np.ndarray) and part.dtype != np.bool_ for part in parts]):
        return None
    labels = np.zeros(shape, np.intp)
    numbers = np.arange(1, np.size(labels[key]) + 1).reshape(np.shape(labels[key]))
    labels[key] = numbers
    kept = labels[key] == numbers
    return None if np.all(kept) else kept


def _clear(g: Any, key: Any) -> Any:
    g[key] = 0.0
    return g


ASSIGN = Primitive("assign", _assigned, push=_push, pull=_pull, symbol="[]=")
ASSIGN.clear = _clear


def assign(x: Any, key: Any, v: Any) -> Any:
    """An array like `x` in which ``[key]`` is `v`; `x` stays as it is."""
    return tracing.apply(ASSIGN, (v, x), {"key": key})


def twin(array: Any) -> Any:
    """A copy with the same strides, since these decide what is a view of it and what a copy."""
    if array.flags.forc:
        return array.copy("K")
    low, high = np.lib.array_utils.byte_bounds(array)
    if high - low < array.nbytes:  # elements share their places
        return array.copy("K")
    block = np.empty(high - low, np.uint8)
    new: Any = np.ndarray(array.shape, array.dtype, block, _address(array) - low, array.strides)
    new[...] = array
    return new


# Who looks at the same memory.


class Memory:
    """Tracers whose arrays look at the same memory, so that what is written through one is seen by all.

    Attributes
    ----------
    views : list
        Of each tracer a weak reference and, where it came from another by basic indexing, the other and the key.
    own : bool
        Whether the memory is that of a traced value. Otherwise it is a plain array's, which is written to directly.
    constant : ndarray or None
        A copy of a large plain array, for the programs that have read it.
    assigned : bool
        Whether its value comes from an assignment, so that no partial derivative reads it.
    """

    __slots__ = ("assigned", "constant", "limit", "own", "views")

    def __init__(self, first: tracing.Tracer, own: bool) -> None:
        self.views: list[tuple[Any, Any, Any]] = [(weakref.ref(first), None, None)]
        self.own = own
        self.constant: Any = None
        self.assigned = False
        self.limit = 32

    def alive(self) -> list[tuple[tracing.Tracer, tracing.Tracer | None, Any]]:
        """Each tracer that is still in use, and where it came from."""
        entries = [(view(), None if base is None else base(), key) for view, base, key in self.views]
        return [(tracer, base, key) for tracer, base, key in entries if tracer is not None]


def share(base: tracing.Tracer, view: tracing.Tracer, key: Any = None) -> None:
    """Remember that a tracer's array looks at the memory of another's, found in it by `key` if there is one."""
    memory = base._memory
    if memory is None:
        memory = base._memory = Memory(base, True)
    elif len(memory.views) >= memory.limit:
        memory.views = [entry for entry in memory.views if entry[0]() is not None]
        memory.limit = 2 * len(memory.views) + 32
    memory.views.append((weakref.ref(view), None if key is None else weakref.ref(base), key))
    view._memory = memory


def find_shared(operands: tuple[Any, ...], results: Any, params: Mapping[str, Any]) -> None:
    """Remember which results of an operation look at the memory of which operands: NumPy's arrays know it."""
    for result in results if isinstance(results, list | tuple) else (results,):
        if type(result) is not tracing.Tracer:
            continue
        root = owner(tracing.concrete(result))
        for operand in operands:
            same = type(operand) is tracing.Tracer and root is owner(tracing.concrete(operand))
            if same and type(root) is np.ndarray and result._memory is None:
                share(operand, result, params.get("key"))


def owner(value: Any) -> Any:
    """The array that owns the memory."""
    while (base := getattr(value, "base", None)) is not None:
        value = base
    return value


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _addresses(array: Any) -> Any:
    """Where each element is, in one dimension."""
    places = np.asarray(_address(array))
    for length, stride in zip(array.shape, array.strides, strict=True):
        places = np.add.outer(places, np.arange(length) * stride)
    return places.ravel()


# Plain tracers.


def _references(value: Any) -> int:
    return sys.getrefcount(value)


_ALONE = _references(np.empty(0))
"""The references that Python counts for an argument that nothing else refers to."""
_HELD = SimpleNamespace(first=np.empty(0))
_HELD.second = _HELD.first
_HELD_TWICE = sys.getrefcount(_HELD.first)
"""The same for an array that a tracer and its variable refer to."""


def mine(value: Any) -> Any:
    """A new array, to which nothing else refers, as a plain tracer while a trace is open; anything else as it is."""
    if not tracing.active.traces or sys.getrefcount(value) > _ALONE:
        return value
    if type(value) is np.ndarray:
        return plain_tracer(value) if _owns_its_memory(value) else value
    if type(value) not in (tuple, list):
        return value
    parts = []
    for part in value:
        alone = sys.getrefcount(part) <= _ALONE + 1  # the container refers to it
        parts.append(plain_tracer(part) if alone and _owns_its_memory(part) else part)
    return type(value)(parts)


def _owns_its_memory(array: Any) -> bool:
    """Whether it holds floating-point numbers that no other array looks at."""
    if type(array) is not np.ndarray or array.dtype.kind not in _FLOATING:
        return False
    base = array.base
    return base is None or (
        type(base) is np.ndarray and base.base is None and sys.getrefcount(base) <= _ALONE + 1  # by the array
    )


def plain_tracer(array: Any) -> tracing.Tracer:
    """A tracer that is the array itself until a traced value is stored in it."""
    tracer = tracing.Tracer(tracing.PLAIN, _NOWHERE)
    tracer._value = array
    tracer._memory = Memory(tracer, False)
    return tracer


def is_plain(value: Any) -> bool:
    """Whether something is a plain tracer, whose array is written to directly."""
    if type(value) is not tracing.Tracer or value._trace is not tracing.PLAIN:
        return False
    return value._memory is not None and not value._memory.own


def of_plain(operands: tuple[Any, ...], result: Any) -> Any:
    """What is computed from plain tracers, as plain tracers again, so that views of them are known."""
    sources = [operand for operand in operands if type(operand) is tracing.Tracer and operand._trace is tracing.PLAIN]
    if not sources:
        return result
    if isinstance(result, list | tuple):
        parts = [of_plain(operands, part) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if type(result) is not np.ndarray or result.dtype.kind not in _FLOATING:
        return result
    made: tracing.Tracer | None = None
    for source in sources:
        if result is source._value:
            return source
        if made is None and owner(result) is owner(source._value):
            made = plain_tracer(result)
            share(source, made)
    return plain_tracer(result) if made is None else made


def constants(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Tracers whose trace is over as their values; large arrays that may still change as a copy, if it is recorded."""
    values = tuple(map(tracing.settled, operands))
    if not any([type(value) is tracing.Tracer for value in values]):
        return values
    return tuple([_constant(operand) if is_plain(operand) else tracing.settled(operand) for operand in operands])


def _constant(source: tracing.Tracer) -> Any:
    """An array that may still change, as a constant of a program: a copy, which serves again while it is the same."""
    array, memory = source._value, _memory(source)
    if array.nbytes <= _LARGE_BYTES:
        return array
    frozen = memory.constant
    if frozen is None or frozen.shape != array.shape or not _identical(frozen, array):
        frozen = memory.constant = array.copy("K")
    return frozen


def _identical(a: Any, b: Any) -> bool:
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(np.real(a)), np.signbit(np.real(b)))


def _seen_from_outside(memory: Memory) -> bool:
    """Whether an array that is not known here looks at the memory of plain tracers: someone counts as a reference."""
    arrays = [tracer._value for tracer, _, _ in memory.alive()]
    root = owner(arrays[0])
    views = len({id(array) for array in arrays if array is not root})
    if not any([array is root for array in arrays]) and sys.getrefcount(root) > _ALONE + views:
        return True
    for array in arrays:
        known = 2 * sum([other is array for other in arrays])  # by its tracer and by the list
        if array is root:
            known += 1 + views
        if sys.getrefcount(array) > _ALONE + known:
            return True
    return False


# A change.


def write(target: tracing.Tracer, key: Any, value: Any) -> None:
    """``target[key] = value``, as NumPy does it; `__setitem__` of a tracer."""
    key = tracing.settled_key(key)
    if isinstance(value, list | tuple) and tracing.is_traced(value):
        value = tracing.stacked(value)
    if is_plain(target):
        if not tracing.is_open(value):
            target._value[key] = tracing.settled(value)
            return
        target._value[key]  # its errors come before a traceback refers to the array
    _check(target, value)
    if _is_already_there(target, key, value):
        return
    if _can_reuse(target, value):
        _reuse(target, key, value)
        return
    _replace(target, assign(target, key, value))
    _memory(target).assigned = True


def update(target: tracing.Tracer, value: Any, name: str) -> None:
    """Give an array new contents of the same shape, by an operator or function of this name."""
    array = tracing.concrete(target)
    shape, dtype = np.shape(tracing.concrete(value)), np.result_type(tracing.concrete(value))
    if shape != array.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {array.shape} doesn't match the broadcast shape {shape}"
        )
    if dtype != array.dtype:
        if not np.can_cast(dtype, array.dtype, "same_kind"):
            raise TypeError(
                f"Cannot cast {name} output from {dtype!r} to {array.dtype!r} with casting rule 'same_kind'"
            )
        value = value.astype(array.dtype)
    del array
    if is_plain(target) and not tracing.is_open(value):
        target._value[...] = tracing.settled(value)
        return
    _check(target, value)
    _replace(target, value)


def _memory(target: tracing.Tracer) -> Memory:
    if target._memory is None:
        target._memory = Memory(target, True)
    return target._memory


def _check(target: tracing.Tracer, value: Any) -> None:
    """What NumPy would not do, or what would lose the derivative."""
    if is_plain(target) and _seen_from_outside(_memory(target)):
        tracing.refuse(
            "a traced value cannot be stored in an array that something else refers to, which would not see it",
            "a copy of its own: r = np.array(r)",
        )
    array, new = tracing.concrete(target), tracing.concrete(value)
    if type(array) is not np.ndarray:
        raise TypeError(f"'{_type_name(array)}' object does not support item assignment")
    if not array.flags.writeable:
        raise ValueError("assignment destination is read-only")
    if np.iscomplexobj(new) and not np.iscomplexobj(array):
        tracing.refuse(
            "a complex number in a real array loses its imaginary part",
            "r = np.zeros(n, complex), or r[k] = v.real",
        )
    if array.dtype.kind in "iub" and np.result_type(new).kind in _FLOATING and type(value) is tracing.Tracer:
        tracing.refuse(
            f"an array of dtype {array.dtype} keeps the whole part of a traced value only, which has no derivative",
            "an array of floats: np.zeros(n), or r.astype(float)",
        )


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _is_already_there(target: tracing.Tracer, key: Any, value: Any) -> bool:
    """Whether a view is assigned to its own place, which is how Python ends ``a[k] += v``."""
    if type(value) is not tracing.Tracer or target._memory is None or value._memory is not target._memory:
        return False
    new, old = tracing.concrete(value), tracing.concrete(target)[key]
    same_memory = type(old) is np.ndarray and owner(old) is owner(new) and _address(old) == _address(new)
    return same_memory and old.shape == new.shape and old.strides == new.strides


def _replace(target: tracing.Tracer, value: Any) -> None:
    """Let a tracer stand for a new value of the same shape and dtype, and all who look at its memory see it."""
    memory = _memory(target)
    memory.assigned, memory.constant = False, None
    entries = memory.alive()
    array = tracing.concrete(target)
    if len(entries) == 1:
        numbers = tracing.concrete(value)
        fits = type(numbers) is np.ndarray and numbers.base is None and numbers.strides == array.strides
        fits = fits and getattr(value, "_memory", None) is None
        _adopt(target, value if fits else _placed(value, twin(array)))
        target._memory = Memory(target, True)
        return
    views = _in_new_memory([tracing.concrete(tracer) for tracer, _, _ in entries])
    places = {id(tracer): view for (tracer, _, _), view in zip(entries, views, strict=True)}
    traces = [(trace, len(trace.equations)) for trace in tracing.active.traces]
    origin = next((base, key) for tracer, base, key in entries if tracer is target)
    changes = [
        (other, _of_overlap(target, value, other, origin, (base, key)))
        for other, base, key in entries
        if other is not target
    ]
    for trace, start in traces:
        if len(trace.equations) > start:
            trace.taken_over.append(range(start, len(trace.equations)))
    for other, change in changes:
        _adopt(other, _placed(other if change is None else change, places[id(other)]))
    _adopt(target, _placed(value, places[id(target)]))
    memory.own = True


def _of_overlap(
    target: tracing.Tracer, value: Any, other: tracing.Tracer, of_target: tuple[Any, Any], of_other: tuple[Any, Any]
) -> Any:
    """The new value of another array that shares elements with what was changed; None if it shares none."""
    if of_target[0] is other:
        return assign(other, of_target[1], value)
    if of_other[0] is target:
        return value[of_other[1]]
    changed, seen = tracing.concrete(target), tracing.concrete(other)
    if changed.dtype != seen.dtype:
        tracing.refuse(
            f"an array changes while a view of it with another dtype ({seen.dtype} of {changed.dtype}) is in use",
            "a + 1j * b makes a new complex array; x.real.copy() is a copy",
        )
    here, there = _addresses(changed), _addresses(seen)
    order = np.argsort(here, kind="stable")
    here = here[order]
    if np.any(here[1:] == here[:-1]):
        tracing.refuse("an array changes that holds elements of its base more than once", "x.copy()")
    near = np.searchsorted(here, there).clip(max=here.size - 1)
    shared = np.flatnonzero(here[near] == there) if here.size else near[:0]
    if not shared.size:
        return None
    elements = np.ravel(value)[order[near[shared]]]
    if shared.size == there.size:
        return np.reshape(elements, seen.shape)
    return assign(other, np.unravel_index(shared, seen.shape), elements)


def _in_new_memory(arrays: list[Any]) -> list[Any]:
    """Arrays that lie to each other as these do."""
    root = owner(arrays[0])
    block = np.empty(root.size, root.dtype)
    return [
        np.ndarray(array.shape, array.dtype, block, _address(array) - _address(root), array.strides) for array in arrays
    ]


def _placed(value: Any, place: Any) -> Any:
    """A value whose numbers stand in this array."""
    place[...] = tracing.concrete(value)
    if type(value) is not tracing.Tracer:
        return place
    value = inner = tracing.snapshot(value)
    while type(inner._value) is tracing.Tracer:
        inner._value = inner = tracing.snapshot(inner._value)
    inner._value = place
    return value


def _adopt(target: tracing.Tracer, value: Any) -> None:
    """Let a tracer be what another one is."""
    if type(value) is tracing.Tracer:
        if value._trace is target._trace and value._variable is not target._variable:
            value._trace.versions[value._variable] = target._variable
        target._trace, target._variable, target._value = value._trace, value._variable, value._value
    else:
        target._trace, target._variable, target._value = tracing.PLAIN, _NOWHERE, value


def without_unread(
    equations: list[Equation], taken_over: list[range], outputs: list[Any], guards: list[Guard]
) -> tuple[list[Equation], list[Guard]]:
    """A program's equations and guards without what views took over and nobody has read."""
    doubtful = {position for places in taken_over for position in places}
    read = {value for value in [*outputs, *(guard.variable for guard in guards)] if isinstance(value, Variable)}
    kept: list[Equation] = []
    before = [0]  # how many are kept before each
    for position in range(len(equations) - 1, -1, -1):
        equation = equations[position]
        needed = position not in doubtful or not read.isdisjoint(equation.results)
        before.append(needed)
        if needed:
            read.update(operand for operand in equation.operands if type(operand) is Variable)
            kept.append(equation)
    counts = np.cumsum([0, *before[:0:-1]]).tolist()
    return kept[::-1], [Guard(guard.variable, guard.value, counts[guard.position]) for guard in guards]


def _can_reuse(target: tracing.Tracer, value: Any) -> bool:
    """Whether nothing will ever read the old value, so that a loop that fills a large array takes linear memory."""
    memory, trace = target._memory, target._trace
    if memory is None or not memory.assigned or type(target._value) is not np.ndarray:
        return False
    if (
        target._value.nbytes <= tracing.KEPT_BYTES
        or target._value.base is not None
        or target._variable.value is not target._value
    ):
        return False
    if type(value) is tracing.Tracer and value._trace is not trace:
        return False
    return trace.open and sys.getrefcount(target._value) <= _HELD_TWICE and len(memory.alive()) == 1


def _reuse(target: tracing.Tracer, key: Any, value: Any) -> None:
    array = target._value
    array[key] = tracing.concrete(value)
    target._variable.value = target._value = tracing.hollow(array)
    _adopt(target, tracing.apply(ASSIGN, (value, target), {"key": key}, compute=lambda v, x, key: array))


# The ways in which NumPy's code changes an array.


def in_place(ufunc: np.ufunc, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An in-place operator. Numbers do not change, so for them `x += y` is `x = x + y`."""
    name = f"ufunc {ufunc.__name__!r}"

    def method(self: tracing.Tracer, other: Any) -> Any:
        result = compute(self, other)
        if type(tracing.concrete(self)) is not np.ndarray:
            return result
        update(self, result, name)
        return self

    return method


def into(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any], out: tuple[Any, ...]) -> Any:
    """A ufunc, or one of its methods, with ``out=``; where ``where=`` says no, `out` stays as it is."""
    name = f"ufunc {ufunc.__name__!r}"
    if type(out[0]) is np.ndarray and all([np.result_type(tracing.concrete(i)).kind in "iub" for i in inputs]):
        inputs = tuple(map(tracing.settled_key, inputs))  # decisions
    if len(out) > 1 or (type(out[0]) is not tracing.Tracer and any([tracing.is_open(value) for value in inputs])):
        _refuse_plain(name)
    where = options.pop("where", True)
    if method != "__call__" or where is True:
        rest = options if where is True else {**options, "where": where}
        result = getattr(ufunc, method)(*inputs, **rest)
        if method == "__call__" and np.shape(result) != np.shape(out[0]):
            result = np.broadcast_to(result, np.broadcast_shapes(np.shape(result), np.shape(out[0])))
        return write_out(out, result, name)
    mask = np.broadcast_to(tracing.settled_key(where), out[0].shape)
    chosen = [part if np.ndim(part) == 0 else np.broadcast_to(part, mask.shape)[mask] for part in inputs]
    elements = ufunc(*chosen, **options)
    dtype = np.result_type(tracing.concrete(elements))
    if not np.can_cast(dtype, out[0].dtype, "same_kind"):
        raise TypeError(f"Cannot cast {name} output from {dtype!r} to {out[0].dtype!r} with casting rule 'same_kind'")
    out[0][mask] = elements
    return out[0]


def write_out(out: Any, result: Any, name: str) -> Any:
    """Store the result of a function called with ``out=``, which is returned."""
    (out,) = out if isinstance(out, tuple) else (out,)
    if type(out) is tracing.Tracer:
        update(out, result, name)
        return out
    if tracing.is_open(result):
        _refuse_plain(name)
    np.copyto(out, tracing.settled(result), casting="same_kind")
    return out


def _refuse_plain(name: str) -> None:
    tracing.refuse(
        f"{name} writes a traced result into a plain array (by out=, or by an operator such as +=)",
        "y = y + x, which gives the result a name instead; or a copy made here: y = np.array(y)",
    )


def _changes(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare which assignment, as key and value, a function that changes its first argument stands for."""

    def declare(assignment: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
        def handler(a: Any, *args: Any, **options: Any) -> None:
            if type(a) is not tracing.Tracer:
                _refuse_plain(public_name(function))
            write(a, *assignment(a, *args, **options))

        handler.__name__ = assignment.__name__
        implements(function)(handler)
        return handler

    return declare


def _flat(places: Any, a: Any) -> Any:
    """Positions counted through the whole array, as an index."""
    return np.unravel_index(np.ravel(places), np.shape(a))


def _repeated(values: Any, count: int) -> Any:
    return np.resize(tracing.stacked(values) if tracing.is_traced(values) else values, (count,))


@_changes(np.put)
def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> tuple[Any, Any]:
    places = np.take(np.arange(np.size(a)), tracing.settled_key(ind), mode=mode)
    if np.size(v) == 0:  # which NumPy lets pass
        places = places[:0]
    return _flat(places, a), _repeated(v, np.size(places))


@_changes(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> tuple[Any, Any]:
    mask = np.asarray(tracing.settled_key(mask), bool).reshape(np.shape(arr))
    return mask, _repeated(vals, int(mask.sum()))


@_changes(np.putmask)
def _putmask(a: Any, /, mask: Any, values: Any) -> tuple[Any, Any]:
    mask = np.asarray(tracing.settled_key(mask), bool).reshape(np.shape(a))
    return mask, np.resize(values, np.shape(a))[mask]


@_changes(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> tuple[Any, Any]:
    np.copyto(np.empty_like(tracing.concrete(dst)), tracing.concrete(src), casting=casting)  # its own errors
    if where is True:
        return Ellipsis, src
    mask = np.broadcast_to(tracing.settled_key(where), np.shape(dst))
    return mask, np.broadcast_to(src, np.shape(dst))[mask]


@_changes(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> tuple[Any, Any]:
    diagonal = np.zeros(np.shape(a), bool)
    np.fill_diagonal(diagonal, True, wrap)
    return diagonal, val if np.ndim(val) == 0 else _repeated(val, int(diagonal.sum()))


@_changes(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> tuple[Any, Any]:
    labels = np.arange(np.size(arr)).reshape(np.shape(arr))
    places = np.take_along_axis(labels, tracing.settled_key(indices), axis)
    return np.unravel_index(places, np.shape(arr)), values


@implements("at")
def _at(ufunc: np.ufunc, a: Any, indices: Any, *operand: Any) -> None:
    """``ufunc.at``: an index that occurs twice counts twice, one after the other."""
    if type(a) is not tracing.Tracer:
        _refuse_plain(public_name(ufunc) + ".at")
    key = tracing.settled_key(indices)
    labels = np.arange(np.size(a)).reshape(np.shape(a))[key]
    parts = [tracing.stacked(part) if tracing.is_traced(part) else part for part in operand]
    if ufunc in _ADD_AT and not is_plain(a):
        update(a, tracing.apply(_ADD_AT[ufunc], (*parts, a), {"key": key}), public_name(ufunc))
        return
    parts = [np.ravel(np.broadcast_to(part, np.shape(labels))) for part in parts]
    places = np.ravel(labels)
    for turn in _turns(places):
        where = _flat(places[turn], a)
        write(a, where, ufunc(a[where], *[part[turn] for part in parts]))


def _added_at(ufunc: np.ufunc, sign: int) -> Primitive:
    def compute(b: Any, a: Any, key: Any) -> Any:
        new = twin(np.asarray(a))
        ufunc.at(new, key, b)
        return new

    def push(i: int, t: Any, y: Any, b: Any, a: Any, key: Any) -> Any:
        return t if i == 1 else tracing.apply(primitive, (t, np.zeros(np.shape(a))), {"key": key})

    def pull(i: int, g: Any, y: Any, b: Any, a: Any, key: Any) -> Any:
        return g if i == 1 else sign * g[key]

    primitive = Primitive(public_name(ufunc) + ".at", compute, push=push, pull=pull)
    return primitive


_ADD_AT = {np.add: _added_at(np.add, 1), np.subtract: _added_at(np.subtract, -1)}


def _turns(places: Any) -> Iterator[Any]:
    """Positions in `places` such that in each turn no place occurs twice, in order."""
    order = np.argsort(places, kind="stable")
    first = np.searchsorted(places[order], places[order])
    turns = np.arange(places.size) - first
    for turn in range(int(turns.max(initial=-1)) + 1):
        yield np.sort(order[turns == turn])


# The methods and attributes of an array that change it.


def fill(self: tracing.Tracer, value: Any) -> None:
    """Give all elements one value."""
    write(self, Ellipsis, value)


def sort(self: tracing.Tracer, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
    """Sort the array itself."""
    update(self, np.sort(self, axis=axis, kind=kind, order=order, stable=stable), "sort")


def partition(self: tracing.Tracer, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> None:
    """Partition the array itself."""
    update(self, np.partition(self, kth, axis, kind, order), "partition")


def put(self: Any, indices: Any, values: Any, mode: Any = "raise") -> None:
    """Give some elements, counted through the whole array, new values."""
    np.put(self, indices, values, mode)


def _of_parts(real: Any, imag: Any) -> Any:
    parts = np.broadcast_arrays(real, imag)
    whole = np.empty(parts[0].shape, np.result_type(*parts, np.complex64))
    whole.real, whole.imag = parts
    return whole[()]


COMPLEX = Primitive("complex", _of_parts, partials=(1, lambda y, real, imag: 1j))
"""A complex number of its parts, which ``real + 1j * imag`` is not where one of them is infinite."""


def set_real(self: tracing.Tracer, value: Any) -> None:
    """``x.real = value``."""
    if np.iscomplexobj(tracing.concrete(self)):
        update(self, tracing.apply(COMPLEX, (value, np.imag(self))), "real part")
    else:
        write(self, Ellipsis, value)


def set_imag(self: tracing.Tracer, value: Any) -> None:
    """``x.imag = value``."""
    if not np.iscomplexobj(tracing.concrete(self)):
        raise TypeError("array does not have imaginary part to set")
    update(self, tracing.apply(COMPLEX, (np.real(self), value)), "imaginary part")


def set_shape(self: tracing.Tracer, shape: Any) -> None:
    """``x.shape = shape``: the same memory in another shape."""
    new = np.reshape(self, shape)
    if owner(tracing.concrete(new)) is not owner(tracing.concrete(self)):
        raise AttributeError("incompatible shape for in-place modification: use np.reshape, which makes a copy")
    memory = _memory(self)
    memory.views = [(view, None, None) for view, _, _ in memory.views]  # the keys were those of the old shape
    _adopt(self, new)


class Flat:
    """``x.flat``: what is read from it is a copy, what is written to it goes to the array."""

    __slots__ = ("base",)

    def __init__(self, base: tracing.Tracer) -> None:
        self.base = base

    def copy(self) -> Any:
        """All elements in one dimension."""
        return np.copy(np.ravel(self.base))

    def __len__(self) -> int:
        return int(self.base.size)

    def __iter__(self) -> Iterator[Any]:
        return iter(np.ravel(self.base))

    def __getitem__(self, key: Any) -> Any:
        return np.ravel(self.base)[key].copy()

    def __setitem__(self, key: Any, value: Any) -> None:
        places = np.arange(len(self))[tracing.settled_key(key)]
        write(
            self.base,
            _flat(places, self.base),
            value if type(value) is not tracing.Tracer and np.isscalar(value) else _repeated(value, np.size(places)),
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.copy().__array__(dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*[i.copy() if isinstance(i, Flat) else i for i in inputs], **options)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return function(*[a.copy() if isinstance(a, Flat) else a for a in args], **options)


def set_flat(self: tracing.Tracer, value: Any) -> None:
    """``x.flat = value``: one element after the other, from the start again when they run out."""
    write(self, Ellipsis, np.reshape(np.resize(value, (self.size,)), self.shape))
