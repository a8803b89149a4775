"""What a wrong number of a trace table may come from, where exactly one mistake explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from diffmagic.trace_check.claims import COTANGENT, VALUE, Column
from diffmagic.trace_check.notation import Number
from diffmagic.trace_check.steps import Cell, Computation, Key, Numbers, pulled, pushed

_OF_ANGLES = {"np.sin", "np.cos", "np.tan"}
_TO_ANGLES = {"np.arcsin", "np.arccos", "np.arctan"}


def guess(
    claimed: Number,
    right: float,
    cell: Cell,
    computation: Computation,
    of: Numbers,
    truth: Mapping[Column, Any],
    slack: float,
) -> str:
    """The one mistake that gives the claimed number; empty if there is none, or more than one.

    Parameters
    ----------
    claimed : Number
    right : float
        What it should be, given the student's own numbers.
    cell : Cell
        Where it stands.
    computation : Computation
    of : mapping of Cell to number
        The student's numbers.
    truth : mapping of Column to number
        All true numbers of that step.
    slack : float
        How far the student's roundings may move it.
    """
    key, column = cell
    if claimed.agrees(-right, slack):
        return "the sign is flipped"  # also where a factor of -1 is missing
    mistakes: Iterator[tuple[str, Any]] = iter(())
    if column == COTANGENT:
        mistakes = _of_a_cotangent(key, computation, of)
    elif key in computation.steps and column == VALUE:
        mistakes = _of_a_value(key, right, computation, of)
    elif key in computation.steps:
        mistakes = _of_a_tangent(cell, computation, of)
    with np.errstate(all="ignore"):
        found = [
            *mistakes,
            *(
                (f"it is the derivative with respect to {other.wrt}", number)
                for other, number in truth.items()
                if column.kind == other.kind == "tangent" and other != column
            ),
        ]
    texts = {text for text, n in found if np.ndim(n) == 0 and math.isfinite(n) and claimed.agrees(n, slack)}
    return texts.pop() if len(texts) == 1 else ""


def _of_a_value(key: Key, right: float, computation: Computation, of: Numbers) -> Iterator[tuple[str, Any]]:
    step, functions = computation.steps[key], [e.primitive.name for e in computation.local(key, of).equations]
    operands = [of[operand, VALUE] for operand in step.operands]
    if _OF_ANGLES.intersection(functions):
        yield (
            "the angle was taken in degrees, and it is in radians",
            step.compute(*[v * math.pi / 180 for v in operands]),
        )
    if _TO_ANGLES.intersection(functions):
        yield "the angle is in degrees, and it should be in radians", right * 180 / math.pi
    if functions == ["np.log"]:
        yield "the logarithm was taken to base 10, and it is the natural one", np.log10(operands[0])
    if functions == ["np.exp"]:
        yield "the sign of the exponent is flipped", np.exp(-operands[0])
        yield "it is e, without the exponent", math.e if np.abs(operands[0]) != 1 else math.nan
    if len(functions) == 1:
        yield from (("it is what the operation is applied to", operand) for operand in operands)


def _of_a_tangent(cell: Cell, computation: Computation, of: Numbers) -> Iterator[tuple[str, Any]]:
    key, column = cell
    local = computation.local(key, of)
    tangents = [of[operand, column] for operand in computation.steps[key].operands]
    moving = [k for k, tangent in enumerate(tangents) if np.any(tangent)]

    def alone(k: int, tangent: Any) -> Any:
        return pushed(local, [tangent if k == place else 0.0 * t for place, t in enumerate(tangents)])

    if len(moving) == 1 and np.ndim(tangents[moving[0]]) == 0:
        (k,) = moving
        yield "the derivative of what is inside is missing from the chain rule", alone(k, 1.0)
        yield "the derivative of the operation itself is missing from the chain rule", tangents[k]
    elif len(moving) > 1:
        yield from (("it is one term of the sum", alone(k, tangents[k])) for k in moving)


def _of_a_cotangent(key: Key, computation: Computation, of: Numbers) -> Iterator[tuple[str, Any]]:
    parts = computation.parts(key, of)
    if len(parts) > 1:
        yield from ((f"its {len(parts)} uses are to be summed, and this is one of them", part) for _, part in parts)
    elif parts:
        ((reader, _),) = parts
        step, g = computation.steps[reader], of[reader, COTANGENT]
        if np.ndim(g) == 0:
            local = pulled(computation.local(reader, of), 1.0)[step.operands.index(key)]
            yield "the cotangent of the step that reads it is missing as a factor", local
        yield "the derivative of the step that reads it is missing as a factor", g
