"""On which side of each kink a program runs."""

from __future__ import annotations

from collections.abc import Callable
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
    """Whether a step of a program stands exactly on its kink, or where it jumps."""
    steps = [(_EDGES[e.primitive.name], e) for e in program.equations if e.primitive.name in _EDGES]
    cut = [guard.variable.value for guard in program.guards if type(guard.value) is int]  # by int(x)
    return any(np.any(meets(e.value, *e.arguments, **e.params)) for meets, e in steps) or any(map(_is_whole, cut))


def _is_whole(x: Any) -> bool:
    return bool(np.result_type(x).kind == "f" and np.all(np.equal(x, np.rint(x))))


def _whole(y: Any, x: Any) -> Any:
    return np.equal(x, np.rint(x))


def _halfway(y: Any, x: Any, decimals: int = 0) -> Any:
    return np.equal(np.abs(np.remainder(x * 10.0**decimals, 1.0)), 0.5)


def _whole_quotient(y: Any, a: Any, b: Any) -> Any:
    return np.equal(np.remainder(a, b), 0)


_ROUNDING = ("np.floor", "np.ceil", "np.trunc", "np.fix", "math.floor", "math.ceil", "math.trunc")
_EDGES: dict[str, Callable[..., Any]] = {
    **KINKS,
    **dict.fromkeys(_ROUNDING, _whole),
    **dict.fromkeys(("np.rint", "np.round", "np.around"), _halfway),
    **dict.fromkeys(("np.remainder", "np.fmod", "np.floor_divide"), _whole_quotient),
    "np.sign": lambda y, x: np.equal(x, 0),
    "np.heaviside": lambda y, x, h: np.equal(x, 0),
}


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
