"""Automatic differentiation of one call: a program, the mode it is run in, and what comes out."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError, DiffmagicNote
from diffmagic.core.program import Program
from diffmagic.core.recording import Argnums, Recording, find_argument, traced
from diffmagic.core.structures import flatten, is_leaf, like, vector
from diffmagic.core.tracing import concrete
from diffmagic.core.transforms import (
    Mode,
    cheaper_mode,
    derivatives_along,
    jacobian,
    jacobian_of,
    jvp,
    variable_size,
    vjp,
)
from diffmagic.diagnosis import Function, diagnose, remarks
from diffmagic.results import Derivative, Entry


def automatic(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: Argnums = 0,
    *,
    mode: Mode = "auto",
    order: int = 1,
    inputs: Sequence[str] = (),
    results: Sequence[str] = (),
) -> Derivative:
    """Differentiate ``f(*args)`` by the rules of its elementary operations.

    Parameters
    ----------
    f : callable
    args : tuple
    argnums : int, str or sequence of them
    mode : {"auto", "forward", "reverse"}
    order : int
        Above 1 the derivative is differentiated again, so `f` is called once more.
    inputs : sequence of str, optional
        What to call each number or array among the inputs; by default as f's parameters.
    results : sequence of str, optional
        What to call the result, or each part of it; by default as `f`.

    Returns
    -------
    Derivative
    """
    recording = record_named(f, args, argnums, inputs)
    names = tuple(results) or (_name(f),)
    method, why, modes = _plan(recording.program, mode, order)
    if order == 1:
        found = jacobian_of(recording, modes[0])
    else:
        higher = f
        for each in modes:
            higher = jacobian(higher, argnums, mode=each)
        with notes_kept_back():
            found = higher(*args)
    found = _python_floats(found)
    paths = result_paths(recording.value(), names)
    result = Derivative(
        value=recording.value(),
        derivative=found,
        method=method,
        order=order,
        evaluations=min(order, 2),
        calls=min(order, 2),
        program=recording.program,
        notes=recording.notes + remarks(recording.program),
        why=why,
        names=names,
        entries=_entries(found, paths, recording.program, order),
    )
    return _diagnosed(result, f, args, argnums, paths)


def taylor(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: Argnums = 0,
    *,
    order: int = 1,
    inputs: Sequence[str] = (),
    results: Sequence[str] = (),
) -> Derivative:
    """Differentiate ``f(*args)`` by power series along lines: to any order for one number, to order 2 for several.

    Parameters
    ----------
    f, args, argnums, order, inputs, results
        As for `automatic`.

    Returns
    -------
    Derivative
    """
    recording = record_named(f, args, argnums, inputs)
    program = recording.program
    names = tuple(results) or (_name(f),)
    lines, arrays, notes = _along_lines(program, order)
    found = _python_floats(recording.rebuild_output([_structured(recording, array, order) for array in arrays]))
    paths = result_paths(recording.value(), names)
    result = Derivative(
        value=recording.value(),
        derivative=found,
        method="taylor",
        order=order,
        program=program,
        notes=recording.notes + remarks(program) + notes,
        why="one pass gives all orders" if lines == 1 else f"one pass along each of {lines} lines",
        names=names,
        entries=_entries(found, paths, program, order),
    )
    return _diagnosed(result, f, args, argnums, paths)


def _along_lines(program: Program, order: int) -> tuple[int, list[Any], list[str]]:
    """The number of lines, each output's derivatives, with an axis for all input numbers for each order, and notes."""
    notes: dict[str, None] = {}
    ends = np.cumsum([variable_size(variable) for variable in program.inputs])

    def along(direction: Any) -> list[Any]:
        parts = zip(program.inputs, np.split(direction, ends[:-1]), strict=True)
        seeds = {v: part.reshape(v.shape).astype(v.dtype)[()] for v, part in parts}
        derivatives, told = derivatives_along(program, seeds, order)
        notes.update(dict.fromkeys(told))
        return derivatives[-1]

    units = np.eye(ends[-1])
    table = {(k,) * order: along(unit) for k, unit in enumerate(units)}
    if order == 2:
        for i, j in itertools.combinations(range(len(units)), 2):  # what the sum has that neither direction has alone
            both = zip(along(units[i] + units[j]), table[i, i], table[j, j], strict=True)
            table[i, j] = [(whole - one - other) / 2 for whole, one, other in both]
    places = [tuple(sorted(place)) for place in itertools.product(range(len(units)), repeat=order)]
    columns = [np.stack([table[place][k] for place in places], axis=-1) for k in range(len(program.outputs))]
    arrays = [column.reshape(*column.shape[:-1], *[len(units)] * order) for column in columns]
    return len(table), arrays, list(notes)


def _structured(recording: Recording, array: Any, order: int) -> Any:
    """An array whose last axes, as many as the order, are all input numbers, in the structure of the arguments."""
    if order == 0:
        return array[()]
    variables, before = recording.program.inputs, np.shape(array)[: array.ndim - order]
    ends = np.cumsum([variable_size(variable) for variable in variables])
    parts = zip(variables, np.split(array, ends[:-1], axis=len(before)), strict=True)
    shaped = [part.reshape((*before, *v.shape, *array.shape[len(before) + 1 :])) for v, part in parts]
    return recording.like_inputs([_structured(recording, part, order - 1) for part in shaped])


def record_named(f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums, inputs: Sequence[str]) -> Recording:
    """The trace of ``f(*args)``, with these names on its inputs if there are any."""
    recording = traced(f, args, {}, argnums)
    for variable, name in zip(recording.program.inputs, inputs, strict=False):
        variable.name = name
    return recording


@contextmanager
def notes_kept_back() -> Iterator[None]:
    """Notes that would repeat those of the first call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiffmagicNote)
        yield


def _plan(program: Program, mode: Mode, order: int) -> tuple[str, str, list[Mode]]:
    """The method's name, why, and the mode for each order of the derivative."""
    if mode != "auto":
        return mode, "as asked", [mode] * order
    cheaper, why = cheaper_mode(program)
    if order == 1:
        return cheaper, why, [cheaper]
    if sum(np.size(concrete(v.value)) for v in program.inputs) == 1:
        return "forward", "1 input: one pass forward for each order", ["forward"] * order
    rest: list[Mode] = ["forward"] * (order - 1)
    return "forward over " + cheaper, f"{why}, and passes forward through it give the rest", [cheaper, *rest]


def _python_floats(found: Any) -> Any:
    """Single numbers as Python's, which print as themselves."""
    leaves, rebuild = flatten(found)
    return rebuild([float(leaf) if type(leaf) is np.float64 else leaf for _, leaf in leaves])


def _name(f: Callable[..., Any]) -> str:
    name = str(getattr(f, "__name__", ""))
    return "" if name == "<lambda>" else name


def result_paths(value: Any, names: Sequence[str]) -> list[str]:
    """What to call each number and array of a result."""
    if len(names) == 1:
        return [path for path, _ in flatten(value, names[0])[0]]
    return [path for part, name in zip(value, names, strict=True) for path, _ in flatten(part, name)[0]]


def _entries(found: Any, results: list[str], program: Program, order: int) -> list[Entry]:
    inputs = [variable.name for variable in program.inputs]
    labels = itertools.product(results, *[inputs] * order)
    leaves = [leaf for _, leaf in flatten(found)[0]]
    return [Entry(of, tuple(wrt), leaf) for (of, *wrt), leaf in zip(labels, leaves, strict=True)]


def _diagnosed(
    found: Derivative, f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums, results: list[str]
) -> Derivative:
    """A derivative with what there is to say about the steps it came from."""
    chosen = [argnums] if isinstance(argnums, int | str) else argnums
    places = [find_argument(f, argnum, list(args), {})[1] for argnum in chosen]
    point = [args[place] for place in places]

    def call(numbers: Any) -> Any:
        arguments = list(args)
        for place, value in zip(places, like(point, numbers), strict=True):
            arguments[place] = value
        return vector(f(*arguments))

    found.findings = diagnose(found, Function(call, vector(point), results))
    found.notes += [finding.summary for finding in found.findings]
    return found


def tangent(
    f: Callable[..., Any], point: Any, direction: Any, inputs: Sequence[str] = (), results: Sequence[str] = ("",)
) -> Derivative:
    """The derivative of ``f(point)`` along a direction, by one pass forward."""
    recording = record_named(f, (point,), 0, inputs)
    with notes_kept_back():
        value, found = jvp(f, (point,), (direction,))
    found = _python_floats(found)
    paths = result_paths(value, results)
    result = Derivative(
        value=value,
        derivative=found,
        method="forward",
        kind="tangent",
        seed=direction,
        evaluations=2,
        calls=2,
        program=recording.program,
        notes=recording.notes + remarks(recording.program),
        why="the seed is a direction of the inputs: one pass forward",
        names=tuple(results),
        entries=[Entry(path, (), leaf) for path, (_, leaf) in zip(paths, flatten(found)[0], strict=True)],
    )
    return _diagnosed(result, f, (point,), 0, paths)


def cotangent(
    f: Callable[..., Any], point: Any, weights: Any, inputs: Sequence[str] = (), results: Sequence[str] = ("",)
) -> Derivative:
    """The derivative of ``f(point)``, its results weighted, by one pass back."""
    recording = record_named(f, (point,), 0, inputs)
    weights = seed_like(weights, recording.value(), "the result")
    with notes_kept_back():
        value, pullback = vjp(f, point)
    found = _python_floats(pullback(weights)[0])
    result = Derivative(
        value=value,
        derivative=found,
        method="reverse",
        kind="cotangent",
        seed=weights,
        evaluations=2,
        calls=2,
        program=recording.program,
        notes=recording.notes + remarks(recording.program),
        why="the seed weights the results: one pass back",
        names=tuple(results),
        entries=[
            Entry("", (variable.name,), leaf)
            for variable, (_, leaf) in zip(recording.program.inputs, flatten(found)[0], strict=True)
        ],
    )
    return _diagnosed(result, f, (point,), 0, result_paths(value, results))


def seed_like(seed: Any, value: Any, name: str) -> Any:
    """A seed in the structure of the value it goes with: lists of numbers are arrays where the value has one.

    Raises
    ------
    DiffmagicError
        If it does not fit.
    """
    if is_leaf(value):
        numbers = _numbers(seed)
        if numbers is not None and numbers.shape == np.shape(value):
            wide = np.result_type(value, np.float32)
            if np.can_cast(numbers.dtype, wide, "same_kind"):
                return numbers.astype(wide) if numbers.shape else seed
            raise DiffmagicError(f"the seed for {name} is complex, and {name} is real", rewrite="a real seed")
    elif isinstance(value, Mapping):
        if isinstance(seed, Mapping) and seed.keys() == value.keys():
            return {key: seed_like(seed[key], part, f"{name}[{key!r}]") for key, part in value.items()}
    elif type(value) in (list, tuple):
        seeds = list(seed) if isinstance(seed, np.ndarray) and seed.ndim else seed
        if isinstance(seeds, list | tuple) and len(seeds) == len(value):
            pairs = enumerate(zip(seeds, value, strict=True))
            return type(value)([seed_like(one, part, f"{name}[{k}]") for k, (one, part) in pairs])
    elif type(seed) is type(value):
        return seed
    raise DiffmagicError(
        f"the seed for {name} is {_form(seed)}, and {name} is {_form(value)}", rewrite="a seed of the same form"
    )


def _numbers(seed: Any) -> Any:
    """A seed as an array; None if it is not one of numbers."""
    try:
        numbers = np.asarray(seed)
    except ValueError:
        return None
    return numbers if numbers.dtype.kind in "biufc" else None


def _form(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a dict with {', '.join(map(repr, value))}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if is_leaf(value):
        return f"an array of shape {np.shape(value)}" if np.ndim(value) else "one number"
    return "a string" if isinstance(value, str) else f"an object of type {type(value).__name__}"
