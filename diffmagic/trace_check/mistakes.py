"""What a wrong number of a trace table may come from, where exactly one mistake explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from diffmagic.core.program import Program, Variable
from diffmagic.core.tracing import concrete
from diffmagic.trace_check.claims import COTANGENT, VALUE, Column
from diffmagic.trace_check.notation import Number
from diffmagic.trace_check.steps import Computation, Key, Numbers, pulled, pushed

_OF_ANGLES = {"np.sin", "np.cos", "np.tan"}
_TO_ANGLES = {"np.arcsin", "np.arccos", "np.arctan"}


def guess(
    claimed: Number,
    right: float,
    key: Key,
    column: Column,
    computation: Computation,
    numbers: Numbers,
    true: Mapping[Column, Any],
    slack: float,
) -> str:
    """The one mistake that gives the claimed number; empty if there is none, or more than one.

    Parameters
    ----------
    claimed : Number
    right : float
        What it should be, given the student's own numbers.
    key : Key
    column : Column
    computation : Computation
    numbers : Numbers
        The student's.
    true : mapping of Column to number
        All true numbers of that step.
    slack : float
        How far the student's roundings may move it.
    """
    with np.errstate(all="ignore"):
        if claimed.agrees(-right, slack):
            return "the sign is flipped"  # also where a factor of -1 is missing
        found = [
            text
            for text, number in _mistakes(right, key, column, computation, numbers, true)
            if np.ndim(number) == 0 and math.isfinite(number) and claimed.agrees(number, slack)
        ]
    return found[0] if len(set(found)) == 1 else ""


def _mistakes(
    right: float, key: Key, column: Column, computation: Computation, numbers: Numbers, true: Mapping[Column, Any]
) -> Iterator[tuple[str, Any]]:
    for other, number in true.items():
        if column.kind == other.kind == "tangent" and other != column:
            yield f"it is the derivative with respect to {other.wrt}", number
    if column == COTANGENT:
        yield from _of_a_cotangent(key, computation, numbers)
    elif key in computation.steps:
        local = numbers.local[key]
        operands = [numbers.of[operand] for operand in computation.steps[key].operands]
        if column == VALUE:
            yield from _of_a_value(local, right, [of[VALUE] for of in operands], computation.steps[key].compute)
        else:
            yield from _of_a_tangent(local, [of[column] for of in operands])


def _of_a_value(local: Program, right: float, operands: list[Any], compute: Any) -> Iterator[tuple[str, Any]]:
    functions = {equation.primitive.name for equation in local.equations}
    if functions & _OF_ANGLES:
        yield "the angle was taken in degrees, and it is in radians", compute(*[v * math.pi / 180 for v in operands])
    if functions & _TO_ANGLES:
        yield "the angle is in degrees, and it should be in radians", right * 180 / math.pi
    if functions == {"np.log"} and len(operands) == 1:
        yield "the logarithm was taken to base 10, and it is the natural one", np.log10(operands[0])
    if functions == {"np.exp"} and np.ndim(operands[0]) == 0:
        yield "the sign of the exponent is flipped", 1 / right if right else math.nan
        if abs(operands[0]) != 1:
            yield "it is e, without the exponent", math.e
    if len(local.equations) == 1:
        for operand in operands:
            yield "it is what the operation is applied to", operand


def _of_a_tangent(local: Program, tangents: list[Any]) -> Iterator[tuple[str, Any]]:
    moving = [k for k, tangent in enumerate(tangents) if np.any(tangent)]
    if len(moving) == 1 and np.ndim(tangents[moving[0]]) == 0:
        (k,) = moving
        if tangents[k] != 1:
            unit = [1.0 if k == place else 0.0 for place in range(len(tangents))]
            yield "the derivative of what is inside is missing from the chain rule", pushed(local, unit)
        yield "the derivative of the operation itself is missing from the chain rule", tangents[k]
    elif len(moving) > 1:
        for k in moving:
            alone = [t if k == place else np.zeros_like(t) for place, t in enumerate(tangents)]
            yield "it is one term of the sum", pushed(local, alone)


def _of_a_cotangent(key: Key, computation: Computation, numbers: Numbers) -> Iterator[tuple[str, Any]]:
    parts = numbers.parts.get(key, [])
    if len(parts) > 1:
        for _, part in parts:
            yield f"its {len(parts)} uses are to be summed, and this is one of them", part
        return
    for consumer, _ in parts:
        local, g = numbers.local[consumer], numbers.of[consumer][COTANGENT]
        place = computation.steps[consumer].operands.index(key)
        if np.ndim(g) == 0 and np.ndim(concrete(_out(local))) == 0 and g != 1:
            yield "the cotangent of the step that reads it is missing as a factor", pulled(local, 1.0)[place]
        yield "the derivative of the step that reads it is missing as a factor", g


def _out(local: Program) -> Any:
    (out,) = local.outputs
    return out.value if isinstance(out, Variable) else out
