"""Functions that only move elements: every one is a gather, and its transpose adds up where elements came from.

Where an element came from is found by running the function itself on labels, so a function is declared by naming it.
Indexing, reshaping and transposing are frequent enough to say their transpose themselves.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.mutation import owner
from diffmagic.core.primitives import HANDLERS, Primitive, define, define_kernel, implements, primitive_of
from diffmagic.core.tracing import GETITEM, Tracer, apply, concrete, is_traced, plain_option, refuse, settled_key

# Indexing, and its transpose: adding into an array of zeros.


def _is_basic(key: Any) -> bool:
    """Whether a key picks each element at most once."""
    parts = key if isinstance(key, tuple) else (key,)
    masks = all(part.dtype == np.bool_ for part in parts if isinstance(part, np.ndarray))
    return masks and not any(isinstance(part, list) for part in parts)


def _add_into(buffer: Any, g: Any, key: Any) -> None:
    if type(key) is slice or type(key) is int or _is_basic(key):
        buffer[key] += g
    else:
        np.add.at(buffer, key, g)


def _scattered(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    buffer = np.zeros(shape, np.result_type(g, np.float32) if np.ndim(g) else np.result_type(g))
    _add_into(buffer, g, key)
    return buffer


define_kernel(
    operator.getitem,
    push=lambda i, t, y, x, key: t[key],
    pull=lambda i, g, y, x, key: scatter(g, key, np.shape(x)),
    symbol="[]",
)
GETITEM.function = lambda x, key: x[key]
GETITEM.add_into = _add_into
_scatter = Primitive(
    "scatter",
    _scattered,
    push=lambda i, t, y, g, key, shape: scatter(t, key, shape),
    pull=lambda i, c, y, g, key, shape: c[key],
)


def scatter(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with `g` added at ``[key]``; what meets at one place is summed."""
    return apply(_scatter, (g,), {"key": key, "shape": shape})


@implements(operator.getitem)
def getitem(x: Any, key: Any) -> Any:
    """``x[key]``; a traced key is a decision, and kept as a guard."""
    return apply(GETITEM, (x,), {"key": settled_key(key)})


# New shapes for the same elements in the same order.


def _shaped(function: Any) -> Primitive:
    return define_kernel(
        function,
        push=lambda i, t, y, x, **params: np.reshape(t, np.shape(y)),
        pull=lambda i, g, y, x, **params: np.reshape(g, np.shape(x)),
    )


_function: Any
for _function in (np.reshape, np.ravel, np.squeeze, np.expand_dims):
    _shaped(_function)


primitive_of(np.reshape).function = lambda a, shape: np.reshape(a, shape)  # NumPy 2.0 calls it `newshape`


@implements(np.reshape)
def _reshape(a: Any, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    if copy is not None:
        return _reshaped_or_copied(a, shape, order, copy)
    shape = tuple(map(int, shape)) if isinstance(shape, list | tuple) else int(shape)
    if order == "C":
        return apply(primitive_of(np.reshape), (a,), {"shape": shape})
    return _gather(np.reshape, (0,), (a, shape), {"order": order})


def _reshaped_or_copied(a: Any, shape: Any, order: Any, copy: bool) -> Any:
    found = np.reshape(a, shape, order)
    shared = owner(concrete(found)) is owner(concrete(a))
    if not copy and not shared:
        raise ValueError("Unable to avoid creating a copy while reshaping.")
    return np.copy(found) if copy and shared else found


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return apply(primitive_of(np.ravel), (a,)) if order == "C" else _gather(np.ravel, (0,), (a,), {"order": order})


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return apply(primitive_of(np.squeeze), (a,), {} if axis is None else {"axis": axis})


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    return apply(primitive_of(np.expand_dims), (a,), {"axis": axis})


# New orders of the axes.


def _permuted(function: Any) -> Primitive:
    def inverse(g: Any, ndim: int, params: dict[str, Any]) -> Any:
        probe = np.broadcast_to(0, range(1, ndim + 1))  # axes told apart by their length
        order = [length - 1 for length in np.shape(function(probe, **params))]
        return np.transpose(g, np.argsort(order))

    return define_kernel(
        function,
        push=lambda i, t, y, x, **params: function(t, **params),
        pull=lambda i, g, y, x, **params: inverse(g, np.ndim(x), params),
    )


for _function in (np.transpose, np.swapaxes, np.moveaxis, np.matrix_transpose, np.rollaxis):
    _permuted(_function)


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    return apply(primitive_of(np.transpose), (a,), {} if axes is None else {"axes": tuple(axes)})


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return apply(primitive_of(np.swapaxes), (a,), {"axis1": axis1, "axis2": axis2})


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return apply(primitive_of(np.moveaxis), (a,), {"source": source, "destination": destination})


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    return apply(primitive_of(np.rollaxis), (a,), {"axis": axis, "start": start})


@implements(np.matrix_transpose)
def _matrix_transpose(x: Any) -> Any:
    return apply(primitive_of(np.matrix_transpose), (x,))


# Repeating.


define_kernel(
    np.broadcast_to,
    push=lambda i, t, y, x, shape: np.broadcast_to(t, shape),
    pull=lambda i, g, y, x, shape: g,  # summed where every cotangent is fitted to its variable
).keeps_positions = True


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return apply(primitive_of(np.broadcast_to), (array,), {"shape": tuple(np.atleast_1d(shape).tolist())})


@implements(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(array, shape) for array in arrays)


# A new dtype.


def _as_type(x: Any, dtype: Any, order: Any = "K") -> Any:
    return np.asarray(x).astype(dtype, order)[()]


_cast: Primitive = Primitive(
    "np.astype",
    _as_type,
    push=lambda i, t, y, x, dtype, order="K": apply(_cast, (t,), {"dtype": dtype}),
    pull=lambda i, g, y, x, dtype, order="K": g,
)
_cast.keeps_positions = True
_truncation = Primitive("np.astype", _as_type)


@implements(np.astype)
def _astype(
    x: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fciub":
        refuse(f"a traced array of dtype {dtype} has no derivative", "x.astype(float)")
    value = concrete(x)
    if not copy and type(value) is np.ndarray and value.astype(dtype, order, casting, subok, copy) is value:
        return x
    params = {"dtype": dtype} if order == "K" else {"dtype": dtype, "order": order}
    return apply(_cast if dtype.kind in "fc" else _truncation, (x,), params)


define(np.copy, 1)


@implements(np.copy)
def _copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return apply(primitive_of(np.copy), (a,), {} if order == "K" else {"order": order})


# All others: the function runs on labels, and zero is the label of elements that come from nowhere.


@dataclass(frozen=True, eq=False)
class Call:
    """A call with places for its operands: in the arguments `data`, which may be nested lists."""

    function: Any
    data: tuple[int, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self, operands: Any) -> Any:
        rest = iter(operands)
        args = [_filled(arg, rest) if k in self.data else arg for k, arg in enumerate(self.args)]
        return self.function(*args, **self.kwargs)

    def written(self, names: list[str]) -> str:
        rest = iter(names)
        args = [_written(arg, rest) if k in self.data else repr(arg) for k, arg in enumerate(self.args)]
        return ", ".join(args + [f"{name}={value!r}" for name, value in self.kwargs.items()])


def _leaves(arg: Any) -> list[Any]:
    if isinstance(arg, list | tuple):
        return [leaf for part in arg for leaf in _leaves(part)]
    return [arg]


def _filled(arg: Any, rest: Any) -> Any:
    return [_filled(part, rest) for part in arg] if isinstance(arg, list | tuple) else next(rest)


def _written(arg: Any, rest: Any) -> str:
    if isinstance(arg, list | tuple):
        return f"[{', '.join(_written(part, rest) for part in arg)}]"
    return str(next(rest))


def _alone(i: int, part: Any, operands: tuple[Any, ...]) -> list[Any]:
    """The operands with one replaced and the others zero."""
    kind = np.result_type(concrete(part))
    return [part if k == i else np.zeros(np.shape(concrete(o)), kind) for k, o in enumerate(operands)]


def _moved(i: int, part: Any, operands: tuple[Any, ...], call: Call) -> Any:
    """Where the elements of one operand go. A single part leaves its list, as it does in an equation."""
    found = call(_alone(i, part, operands))
    return found[0] if isinstance(found, list | tuple) and len(found) == 1 else found


def _push(i: int, t: Any, y: Any, *operands: Any, call: Call) -> Any:
    return _moved(i, t, operands, call)


def _pull(i: int, g: Any, y: Any, *operands: Any, call: Call) -> Any:
    shape = np.shape(concrete(operands[i]))
    size = math.prod(shape)
    sources = _moved(i, np.arange(1, size + 1).reshape(shape), operands, call)
    parts = [(sources, g)] if not isinstance(sources, list | tuple) else zip(sources, g, strict=True)
    total: Any = None
    for source, part in parts:
        if part is None:
            continue
        source = np.ravel(source)
        used = np.flatnonzero(source)
        one = scatter(np.ravel(part)[used], source[used] - 1, (size,))
        total = one if total is None else total + one
    return None if total is None else np.reshape(total, shape)


def _gather(function: Any, data: tuple[int, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call and record a function that only moves the elements of its arguments `data`."""
    primitive = primitive_of(function)
    args = tuple(arg if k in data else plain_option(arg, primitive.name) for k, arg in enumerate(args))
    kwargs = {name: plain_option(value, primitive.name) for name, value in kwargs.items()}
    operands = tuple(leaf for k in data if k < len(args) for leaf in _leaves(args[k]))
    template = tuple(_places(arg) if k in data else arg for k, arg in enumerate(args))
    call = Call(function, data, template, kwargs)
    mover = Primitive(primitive.name, lambda *operands, call: call(operands), push=_push, pull=_pull)
    found = apply(mover, operands, {"call": call})
    if type(found) is Tracer and found.dtype.kind in "iub" and any([_is_inexact(operand) for operand in operands]):
        refuse(f"{primitive.name} into integers keeps the whole part of a traced value only", "an array of floats")
    return found


def _is_inexact(operand: Any) -> bool:
    return type(operand) is Tracer and operand.dtype.kind in "fc"


def _places(arg: Any) -> Any:
    return [_places(part) for part in arg] if isinstance(arg, list | tuple) else None


def move(function: Any, *data: int) -> None:
    """Declare a function that only moves elements; `data` are the positions of the arguments that hold them."""
    places = data or (0,)

    def handler(*args: Any, **kwargs: Any) -> Any:
        if kwargs.pop("out", None) is not None:
            refuse(f"{primitive_of(function).name} with out= is not traced", "assign the result to a name instead")
        if len(args) <= max(places):
            refuse(f"{primitive_of(function).name} takes its arrays by position here", "pass the arrays first")
        return _gather(function, places if places != (-1,) else tuple(range(len(args))), args, kwargs)

    handler.__name__ = function.__name__
    primitive_of(function)
    HANDLERS[function] = handler


ALL = -1
for _function in (
    np.take,
    np.take_along_axis,
    np.repeat,
    np.tile,
    np.roll,
    np.rot90,
    np.flip,
    np.fliplr,
    np.flipud,
    np.diag,
    np.diagonal,
    np.diagflat,
    np.triu,
    np.tril,
    np.delete,
    np.resize,
    np.concatenate,
    np.stack,
    np.vstack,
    np.hstack,
    np.dstack,
    np.column_stack,
    np.block,
    np.split,
    np.array_split,
    np.hsplit,
    np.vsplit,
    np.dsplit,
):
    move(_function)
if hasattr(np, "unstack"):  # NumPy 2.1
    move(np.unstack)
move(np.append, 0, 1)
move(np.insert, 0, 2)
move(np.compress, 1)
move(np.extract, 1)
move(np.choose, 1)
for _function in (np.meshgrid, np.atleast_1d, np.atleast_2d, np.atleast_3d):
    move(_function, ALL)


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    moving = ("constant", "edge", "reflect", "symmetric", "wrap")
    if mode not in moving or options.get("reflect_type", "even") != "even":
        refuse(f"np.pad with mode={mode!r} computes new values", f"one of the modes {', '.join(moving)}")
    border = options.pop("constant_values", 0)
    if is_traced(border):
        refuse("np.pad with a traced constant_values= is not traced", "np.concatenate([border, x, border])")
    padded = _gather(np.pad, (0,), (array, pad_width), {"mode": mode, **options})
    if mode == "constant" and np.any(border):
        return padded + np.pad(np.zeros_like(concrete(array)), pad_width, constant_values=border)
    return padded


def lying_as(a: Any, result: Any) -> Any:
    """In the order of `a`, which decides what will be a view of it."""
    columns = getattr(concrete(a), "flags", None)
    return np.copy(result, "F") if columns is not None and columns.fnc else result


@implements(np.sort)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return lying_as(a, np.take_along_axis(a, np.argsort(a, axis=axis, kind="stable"), axis=axis))


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return lying_as(a, np.take_along_axis(a, np.argpartition(a, kth, axis=axis, kind=kind), axis=axis))
