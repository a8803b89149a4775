"""Automatic differentiation of one call: a program, the mode it is run in, and what comes out."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicNote
from diffmagic.core.program import Program, Variable
from diffmagic.core.structures import flatten
from diffmagic.core.tracing import concrete
from diffmagic.core.transforms import Argnums, Mode, Recording, cheaper_mode, jacobian, jacobian_of, jvp, traced, vjp
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
    return Derivative(
        value=recording.value(),
        derivative=found,
        method=method,
        order=order,
        evaluations=min(order, 2),
        calls=min(order, 2),
        program=recording.program,
        notes=recording.notes + independent(recording.program),
        why=why,
        names=names,
        entries=_entries(found, result_paths(recording.value(), names), recording.program, order),
    )


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


def independent(program: Program) -> list[str]:
    """A note for each input whose derivative is zero by the shape of the program."""
    needed = {out for out in program.outputs if isinstance(out, Variable)}
    steps: dict[Variable, str] = {}
    for equation in reversed(program.equations):
        if needed.isdisjoint(equation.results):
            continue
        for operand in equation.operands:
            if isinstance(operand, Variable):
                if equation.primitive.differentiable:
                    needed.add(operand)
                else:
                    steps[operand] = equation.primitive.name
    notes = []
    for variable in program.inputs:
        if variable in needed:
            continue
        depends = "does not depend on " + variable.name
        if variable in steps:
            depends = f"depends on {variable.name} only through {steps[variable]}, which is constant almost everywhere"
        notes.append(f"the result {depends}: its derivative is 0")
    return notes


def tangent(
    f: Callable[..., Any], point: Any, direction: Any, inputs: Sequence[str] = (), results: Sequence[str] = ("",)
) -> Derivative:
    """The derivative of ``f(point)`` along a direction, by one pass forward."""
    recording = record_named(f, (point,), 0, inputs)
    with notes_kept_back():
        value, found = jvp(f, (point,), (direction,))
    found = _python_floats(found)
    paths = result_paths(value, results)
    return Derivative(
        value=value,
        derivative=found,
        method="forward",
        kind="tangent",
        seed=direction,
        evaluations=2,
        calls=2,
        program=recording.program,
        notes=recording.notes + independent(recording.program),
        why="the seed is a direction of the inputs: one pass forward",
        names=tuple(results),
        entries=[Entry(path, (), leaf) for path, (_, leaf) in zip(paths, flatten(found)[0], strict=True)],
    )


def cotangent(
    f: Callable[..., Any], point: Any, weights: Any, inputs: Sequence[str] = (), results: Sequence[str] = ("",)
) -> Derivative:
    """The derivative of ``f(point)``, its results weighted, by one pass back."""
    recording = record_named(f, (point,), 0, inputs)
    weights = _shaped(weights, recording.value())
    with notes_kept_back():
        value, pullback = vjp(f, point)
    found = _python_floats(pullback(weights)[0])
    return Derivative(
        value=value,
        derivative=found,
        method="reverse",
        kind="cotangent",
        seed=weights,
        evaluations=2,
        calls=2,
        program=recording.program,
        notes=recording.notes + independent(recording.program),
        why="the seed weights the results: one pass back",
        names=tuple(results),
        entries=[
            Entry("", (variable.name,), leaf)
            for variable, (_, leaf) in zip(recording.program.inputs, flatten(found)[0], strict=True)
        ],
    )


def _shaped(weights: Any, value: Any) -> Any:
    """Lists of numbers as arrays where the value has an array."""
    if isinstance(value, np.ndarray):
        return np.asarray(weights, dtype=np.result_type(value.dtype, np.float32))
    if isinstance(value, list | tuple) and isinstance(weights, list | tuple) and len(value) == len(weights):
        return type(value)([_shaped(weight, part) for weight, part in zip(weights, value, strict=True)])
    return weights
