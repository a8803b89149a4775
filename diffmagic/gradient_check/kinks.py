"""On which side of each kink a program runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.program import Program
from diffmagic.core.tracing import concrete
from diffmagic.diagnosis import KINKS
from diffmagic.gradient_check.problem import Problem


def has_kinks(program: Program) -> bool:
    """Whether a program takes decisions, or has steps that have kinks somewhere."""
    return bool(program.guards) or any(equation.primitive.name in KINKS for equation in program.equations)


def on_a_kink(program: Program) -> bool:
    """Whether a step of a program stands exactly on its kink."""
    steps = [equation for equation in program.equations if equation.primitive.name in KINKS]
    return any(np.any(KINKS[e.primitive.name](e.value, *e.arguments, **e.params)) for e in steps)


def kink_between(problem: Problem, program: Program, x: Any) -> str:
    """The first step that runs on another side of its kink at x than in this program; empty if there is none."""
    if not has_kinks(program):
        return ""
    try:
        with notes_kept_back():
            there = problem.automatic(x).program
    except Exception:  # it does not stop at the point itself
        there = None
    here, beyond = way_taken(program), way_taken(there) if there is not None else []
    for k, (equation, side) in enumerate(here):
        if k >= len(beyond) or side != beyond[k][1]:
            location = program.equations[equation].location
            return f"`{location.expression}` (line {location.line})" if location.expression else "another branch"
    return "" if len(here) == len(beyond) else "another branch"


def way_taken(program: Program) -> list[tuple[int, bytes]]:
    """What was decided in a program: for each branch and each step with a kink its position, and the side it is on."""
    made = {result: k for k, equation in enumerate(program.equations) for result in equation.results}
    sides = [(made.get(guard.variable, 0), np.asarray(guard.value).tobytes()) for guard in program.guards]
    for k, equation in enumerate(program.equations):
        if equation.primitive.name in KINKS:
            operands = [concrete(operand) for operand in equation.arguments]
            side = _side(equation.primitive.name, concrete(equation.value), operands, equation.params)
            sides.append((k, np.asarray(side).tobytes()))
    return sorted(sides)


def _side(name: str, value: Any, operands: list[Any], params: Any) -> Any:
    first, *others = operands
    if name in ("np.max", "np.min"):
        axis = params.get("axis")
        return np.equal(first, value if axis is None or params.get("keepdims") else np.expand_dims(value, axis))
    if np.result_type(value).kind in "bi":
        return value
    if others and name != "np.hypot":
        return np.sign([np.broadcast_to(first - other, np.shape(value)) for other in others])
    return np.sign(first)
