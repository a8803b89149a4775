"""Which results of a program depend on which of its inputs: by the paths between them, not by the numbers on these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffmagic.core import extending
from diffmagic.core.forward import local_partial, opened
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import concrete

_GOLDEN = 0.6180339887498949
_MOST_BYTES = 200_000_000


def dependence(program: Program) -> Any:
    """Where a program's Jacobian is not zero by structure.

    A factor that is zero is a number, and does not cut the path; what was not chosen does. An operation that is neither
    elementwise nor linear is taken to mix everything.

    Returns
    -------
    ndarray of bool or None
        A row for each number of the outputs, a column for each number of the inputs; None for what is too large.

    Examples
    --------
    >>> from diffmagic import trace
    >>> dependence(trace(lambda x, y: 0.0 * x, 1.0, 2.0))
    array([[ True, False]])
    """
    count = sum(_size(variable) for variable in program.inputs)
    results = [result for equation in program.equations for result in equation.results]
    if count * sum(_size(variable) for variable in [*program.inputs, *results]) > _MOST_BYTES:
        return None
    whole = np.eye(count, dtype=bool)
    marks, start = {}, 0
    for variable in program.inputs:
        marks[variable] = whole[:, start : start + _size(variable)].reshape(count, *variable.shape)
        start += _size(variable)
    reached = _reached(program, marks)
    rows = [reached.get(out) if isinstance(out, Variable) else None for out in program.outputs]
    parts = [
        np.zeros((_size(out), count), bool) if mark is None else mark.reshape(count, _size(out)).T
        for out, mark in zip(program.outputs, rows, strict=True)
    ]
    return np.vstack([np.zeros((0, count), bool), *parts])


def _size(value: Any) -> int:
    return int(np.size(concrete(value.value if isinstance(value, Variable) else value)))


def _reached(program: Program, marks: Mapping[Variable, Any]) -> dict[Variable, Any]:
    """For each variable that moves, where each input number reaches it: an array with the input numbers in front."""
    marks = dict(marks)
    for equation in program.equations:
        moving = {i: marks[v] for i, v in enumerate(equation.operands) if isinstance(v, Variable) and v in marks}
        if moving and equation.primitive.differentiable:
            parts = zip(equation.results, _through(equation, moving), strict=True)
            marks.update({result: part for result, part in parts if part is not None})
    return marks


def _through(equation: Equation, moving: dict[int, Any]) -> list[Any]:
    """Where the results of an equation are reached, given where its operands are."""
    primitive = equation.primitive
    if primitive.partials is not None:
        return [_elementwise(equation, moving)]
    if primitive.body is not None:
        body, inputs = opened(equation)
        inside = _reached(body, {inputs[i]: mark for i, mark in moving.items()})
        return [inside.get(out) if isinstance(out, Variable) else None for out in body.outputs]
    if primitive.push is not None and (primitive.multilinear or _is_linear(equation)):
        return _moved(equation, moving)
    anywhere = np.any([mark.any(axis=tuple(range(1, mark.ndim))) for mark in moving.values()], axis=0)
    shapes = [np.shape(concrete(result.value)) for result in equation.results]
    return [np.broadcast_to(anywhere.reshape(-1, *[1] * len(shape)), (len(anywhere), *shape)) for shape in shapes]


def _elementwise(equation: Equation, moving: dict[int, Any]) -> Any:
    shape = np.shape(concrete(equation.results[0].value))
    total = None
    for i, mark in moving.items():
        if equation.primitive.partials[i] is None:  # type: ignore[index]
            continue
        part = mark.reshape(len(mark), *[1] * (len(shape) + 1 - mark.ndim), *mark.shape[1:])
        if equation.primitive.selects:
            part = part & np.not_equal(concrete(local_partial(equation, i)), 0)
        total = part if total is None else total | part
    return None if total is None else np.broadcast_to(total, (len(total), *shape))


def _is_linear(equation: Equation) -> bool:
    """Whether it only moves its operands' elements and adds them up, by trying it on numbers."""
    function = equation.primitive.function
    if (
        getattr(function, "__module__", "") == extending.__name__
    ):  # the user's own is not called where they did not call it
        return False
    ours, others = ([_generic(argument, seed) for argument in equation.arguments] for seed in (1, 2))
    both = [a + b if isinstance(a, np.ndarray) else a for a, b in zip(ours, others, strict=True)]
    try:
        with np.errstate(all="ignore"):
            found = [function(*each, **equation.params) for each in (ours, others, both)]
            triples = zip(*found, strict=True) if len(equation.results) > 1 else [found]
            return all(np.allclose(a + b, c, rtol=1e-5, atol=1e-8) for a, b, c in triples)
    except Exception:  # it is not made for these numbers
        return False


def _moved(equation: Equation, moving: dict[int, Any]) -> list[Any]:
    """Through an operation that is linear in each operand: where numbers that do not cancel arrive."""
    arguments: Sequence[Any] = equation.arguments
    if equation.primitive.multilinear:  # a zero among the other factors is a number
        arguments = [np.ones(np.shape(argument)) for argument in arguments]
    totals: list[Any] = [None] * len(equation.results)
    for i, mark in moving.items():
        weights = _generic(concrete(equation.arguments[i]), 1)
        pushed = [
            equation.primitive.push(i, (weights * row)[()], equation.value, *arguments, **equation.params)  # type: ignore[misc]
            for row in mark
        ]
        for k, result in enumerate(equation.results):
            shape = np.shape(concrete(result.value))
            parts = [part[k] if len(equation.results) > 1 else part for part in pushed]
            found = [np.broadcast_to(False if part is None else np.not_equal(part, 0), shape) for part in parts]
            totals[k] = np.array(found) if totals[k] is None else totals[k] | np.array(found)
    return totals


def _generic(value: Any, seed: int) -> Any:
    """Numbers in the shape of an operand, without a relation among them; masks are left as they are."""
    kind = np.result_type(value).kind
    if kind == "b":
        return value
    numbers = 1.0 + (np.arange(1, np.size(value) + 1) ** 2 * seed * _GOLDEN) % 1.0
    return (numbers * (1 + _GOLDEN * 1j) if kind == "c" else numbers).reshape(np.shape(value))
