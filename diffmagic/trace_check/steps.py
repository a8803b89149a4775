"""A computation as steps, and its numbers: the true ones, or those of a student with what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from diffmagic.core.forward import forward
from diffmagic.core.program import Equation, Program, Variable, short
from diffmagic.core.reverse import reverse
from diffmagic.core.tracing import apply, concrete, trace_flat
from diffmagic.core.written import Written, written
from diffmagic.core.written import number as literal
from diffmagic.trace_check.claims import COTANGENT, VALUE, Column

Key = Any
"""What a step computes: a variable of the program, or a row of the table."""

_BESIDE = 2.0**-44


@dataclass(frozen=True, slots=True)
class Step:
    """How a number comes from others.

    Attributes
    ----------
    operands : tuple of Key
    compute : callable
        Of their values, plain or traced.
    write : callable or None
        From its operands' texts to its own.
    """

    operands: tuple[Key, ...]
    compute: Callable[..., Any]
    write: Callable[[Sequence[Written]], Written] | None = None


@dataclass(slots=True)
class Computation:
    """Steps in an order in which they can be taken.

    Attributes
    ----------
    inputs : dict of Variable to number or array
    wrt : dict of str to Variable
        The inputs that tangents belong to.
    steps : dict of Key to Step
    output : Key
        What the cotangents belong to; None if there is no such number.
    """

    inputs: dict[Variable, Any]
    wrt: dict[str, Variable]
    steps: dict[Key, Step]
    output: Key = None

    def reading(self, key: Key) -> list[tuple[Key, int]]:
        """The steps that read a number, each with the operand's position."""
        return [(k, i) for k, step in self.steps.items() for i, operand in enumerate(step.operands) if operand is key]


@dataclass(slots=True)
class Numbers:
    """The numbers of a computation.

    Attributes
    ----------
    of : dict of Key to dict of Column to number or array
    local : dict of Key to Program
        Each step by itself, at its operands' values.
    parts : dict of Key to list of (Key, number)
        What each step that reads a number gives to its cotangent.
    """

    of: dict[Key, dict[Column, Any]] = field(default_factory=dict)
    local: dict[Key, Program] = field(default_factory=dict)
    parts: dict[Key, list[tuple[Key, Any]]] = field(default_factory=dict)


Override = Callable[[Key, Column, Any, "Numbers"], Any]
"""Called with each number as it follows from the others; returns what to go on with."""


def computation(program: Program) -> Computation:
    """A program's equations as steps."""
    steps: dict[Key, Step] = {}
    for equation in program.equations:
        operands = tuple(operand for operand in equation.operands if isinstance(operand, Variable))
        for part, result in enumerate(equation.results):
            steps[result] = Step(operands, _applied(equation, part), partial(_written, equation))
    names = program.names()
    scalars = {names[v]: v for v in program.inputs if not v.shape}
    outputs = program.outputs
    one = len(outputs) == 1 and isinstance(outputs[0], Variable) and not outputs[0].shape
    return Computation({v: concrete(v.value) for v in program.inputs}, scalars, steps, outputs[0] if one else None)


def _applied(equation: Equation, part: int) -> Callable[..., Any]:
    def compute(*values: Any) -> Any:
        given = iter(values)
        operands = tuple([next(given) if isinstance(o, Variable) else o for o in equation.operands])
        found = apply(equation.primitive, operands, equation.params)
        return found if len(equation.results) == 1 else found[part]

    return compute


def _written(equation: Equation, texts: Sequence[Written]) -> Written:
    given = iter(texts)
    operands = [next(given) if isinstance(o, Variable) else literal(short(o)) for o in equation.operands]
    return written(equation, operands, short)


def followed(computation: Computation, override: Override | None = None) -> Numbers:
    """Every number of a computation, forward and then back; `override` may put others in their place."""
    numbers = Numbers()
    keep: Override = override or (lambda key, column, value, so_far: value)
    with np.errstate(all="ignore"):
        for key, value in computation.inputs.items():
            of = numbers.of[key] = {}
            of[VALUE] = keep(key, VALUE, value, numbers)
            for name, variable in computation.wrt.items():
                column = Column("tangent", name)
                of[column] = keep(key, column, 1.0 if key is variable else _zero(value), numbers)
        for key, step in computation.steps.items():
            _push(computation, numbers, key, step, keep)
        _pull(computation, numbers, keep)
    return numbers


def _push(computation: Computation, numbers: Numbers, key: Key, step: Step, keep: Override) -> None:
    local, _ = trace_flat(step.compute, *[numbers.of[operand][VALUE] for operand in step.operands])
    numbers.local[key] = local
    of = numbers.of[key] = {}
    of[VALUE] = keep(key, VALUE, _value(local), numbers)
    for name in computation.wrt:
        column = Column("tangent", name)
        seeds = [numbers.of[operand][column] for operand in step.operands]
        of[column] = keep(key, column, pushed(local, seeds), numbers)


def _pull(computation: Computation, numbers: Numbers, keep: Override) -> None:
    if computation.output is None:
        return
    total: dict[Key, Any] = {}
    for key in [*reversed(computation.steps), *computation.inputs]:
        of = numbers.of[key]
        if key is computation.output:
            total[key] = 1.0
        of[COTANGENT] = g = keep(key, COTANGENT, total.get(key, _zero(of[VALUE])), numbers)
        if key in computation.steps and np.any(g):
            for operand, part in zip(computation.steps[key].operands, pulled(numbers.local[key], g), strict=True):
                numbers.parts.setdefault(operand, []).append((key, part))
                total[operand] = total[operand] + part if operand in total else part


def pushed(local: Program, tangents: Iterable[Any]) -> Any:
    """A step's tangent from those of its operands."""
    (out,) = local.outputs
    found = forward(local, dict(zip(local.inputs, tangents, strict=True)))
    return found.get(out, _zero(_value(local))) if isinstance(out, Variable) else _zero(out)


def pulled(local: Program, cotangent: Any) -> list[Any]:
    """What a step gives to the cotangents of its operands."""
    (out,) = local.outputs
    found = reverse(local, {out: cotangent}) if isinstance(out, Variable) else {}
    return [found.get(variable, _zero(variable.value)) for variable in local.inputs]


def _value(local: Program) -> Any:
    (out,) = local.outputs
    return concrete(out.value if isinstance(out, Variable) else out)


def _zero(value: Any) -> Any:
    return np.zeros_like(value) if np.ndim(value) else 0.0


def slack(computation: Computation, true: Numbers) -> Mapping[Key, Mapping[Column, float]]:
    """How far rounding may move each number: as far as it goes when the inputs move by a few of their last digits."""
    beside = Computation(
        {
            variable: value * (1 + (k + 1) * _BESIDE) + _BESIDE * (np.asarray(value) == 0)
            for k, (variable, value) in enumerate(computation.inputs.items())
        },
        computation.wrt,
        computation.steps,
        computation.output,
    )
    near = followed(beside)
    return {
        key: {column: _moved(near.of[key][column], number) for column, number in of.items()}
        for key, of in true.of.items()
    }


def _moved(near: Any, number: Any) -> float:
    """At a kink the numbers beside it say nothing."""
    if np.ndim(number) or np.iscomplexobj(number) or not math.isfinite(number) or not math.isfinite(near):
        return 0.0
    return min(4 * abs(float(near) - float(number)), 1e-9 * (1 + abs(float(number))))
