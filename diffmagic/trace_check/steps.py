"""A computation as steps, and how each of its numbers follows from the others."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.core.forward import forward
from diffmagic.core.program import Equation, Program, Variable, short
from diffmagic.core.reverse import reverse
from diffmagic.core.tracing import apply, concrete, trace_flat
from diffmagic.core.written import Written, number, written
from diffmagic.trace_check.claims import COTANGENT, VALUE, Column

Key = Any
"""What a step computes: a variable of the program, a part of one of its sums or products, or a row of the table."""
Cell = tuple[Key, Column]
Numbers = Mapping[Cell, Any]

_ROUNDING = 2.0**-42  # of the inputs, relatively


@dataclass(frozen=True, slots=True)
class Step:
    """How a number comes from others.

    Attributes
    ----------
    operands : tuple of Key
    compute : callable
        Of their values, plain or traced.
    """

    operands: tuple[Key, ...]
    compute: Callable[..., Any]


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
    readers : dict of Key to list of Key
        The steps that read a number.
    """

    inputs: dict[Variable, Any]
    wrt: dict[str, Variable]
    steps: dict[Key, Step]
    output: Key = None
    readers: dict[Key, list[Key]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for key, step in self.steps.items():
            for operand in dict.fromkeys(step.operands):
                self.readers.setdefault(operand, []).append(key)

    def columns(self) -> list[Column]:
        tangents = [Column("tangent", name) for name in self.wrt]
        return [VALUE, *tangents, *([COTANGENT] if self.output is not None else [])]

    def cells(self) -> Iterator[Cell]:
        """Every number after those that it comes from: values and tangents forward, then cotangents back."""
        for key in (*self.inputs, *self.steps):
            yield from ((key, column) for column in self.columns() if column != COTANGENT)
        if self.output is not None:
            yield from ((key, COTANGENT) for key in (*reversed(self.steps), *self.inputs))

    def sources(self, key: Key, column: Column, own: Collection[Key] = ()) -> list[Cell]:
        """The numbers that one comes from; with those in `own`, where it reads a step's own value."""
        found: list[Cell] = []
        steps = self.readers.get(key, ()) if column == COTANGENT else [key] if key in self.steps else ()
        for each in steps:
            operands = self.steps[each].operands
            found += [(each, COTANGENT)] if column == COTANGENT else [(operand, column) for operand in operands]
            found += [(operand, VALUE) for operand in operands]
            found += [(each, VALUE)] if each in own and column != VALUE else []
        return list(dict.fromkeys(found))

    def following(self, key: Key, column: Column, of: Numbers, own: Collection[Key] = ()) -> Any:
        """A number as it comes from others; with those in `own`, partials like that of exp read a step's own."""
        with np.errstate(all="ignore"):
            if column == COTANGENT:
                total = 1.0 if key == self.output else _zero(of[key, VALUE])
                for _, part in self.parts(key, of, own):
                    total = total + part
                return total
            if key in self.inputs:
                value = self.inputs[key]
                return value if column == VALUE else 1.0 if self.wrt[column.wrt] is key else _zero(value)
            if column == VALUE:
                step = self.steps[key]
                return concrete(step.compute(*[of[operand, VALUE] for operand in step.operands]))
            return pushed(self.local(key, of, own), [of[operand, column] for operand in self.steps[key].operands])

    def parts(self, key: Key, of: Numbers, own: Collection[Key] = ()) -> list[tuple[Key, Any]]:
        """What each use of a number gives to its cotangent, with the step that reads it."""
        found = []
        for reader in self.readers.get(key, ()):
            if np.any(of[reader, COTANGENT]):
                given = pulled(self.local(reader, of, own), of[reader, COTANGENT])
                operands = self.steps[reader].operands
                found += [(reader, part) for operand, part in zip(operands, given, strict=True) if operand == key]
        return found

    def local(self, key: Key, of: Numbers, own: Collection[Key] = ()) -> Program:
        """A step by itself."""
        step = self.steps[key]
        local, _ = trace_flat(step.compute, *[of[operand, VALUE] for operand in step.operands])
        (out,) = local.outputs
        if key in own and isinstance(out, Variable) and out not in local.inputs:
            out.value = of[key, VALUE]
        return local

    def spreading(self, key: Key, column: Column, of: Numbers, spread: Numbers) -> Any:
        """How far a number moves when those that it comes from move by so much, each by itself, without signs."""
        value, total = self.following(key, column, of), 0.0
        for source in self.sources(key, column):
            if np.any(spread[source]) and np.asarray(of[source]).dtype.kind in "fc":
                moved = ChainMap({source: of[source] + spread[source]}, of)  # type: ignore[arg-type]
                total = total + np.abs(1.0 * self.following(key, column, moved) - 1.0 * value)
        return np.nan_to_num(total, nan=0.0, posinf=0.0)


def computation(program: Program) -> Computation:
    """A program's equations as steps."""
    steps: dict[Key, Step] = {}
    for equation in program.equations:
        operands = tuple(operand for operand in equation.operands if isinstance(operand, Variable))
        for part, result in enumerate(equation.results):
            steps[result] = Step(operands, _applied(equation, part))
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


def followed(computation: Computation, given: Numbers | None = None) -> dict[Cell, Any]:
    """Every number of a computation; those that are given instead of what they should be."""
    of: dict[Cell, Any] = {}
    for cell in computation.cells():
        of[cell] = given[cell] if given and cell in given else computation.following(*cell, of)
    return of


def slack(computation: Computation, of: Numbers) -> dict[Cell, float]:
    """How far rounding may move each number: as far as it goes when the inputs move by a few of their last digits."""
    spread: dict[Cell, Any] = {}
    for key, column in computation.cells():
        if key in computation.inputs and column == VALUE:
            spread[key, column] = _ROUNDING * (np.abs(of[key, VALUE]) + (np.asarray(of[key, VALUE]) == 0))
        else:
            spread[key, column] = computation.spreading(key, column, of, spread)
    return {cell: _at_most(spread[cell], of[cell]) for cell in spread}


def _at_most(spread: Any, number: Any) -> float:
    """At a kink the numbers beside it say nothing."""
    return 0.0 if np.ndim(number) or not np.isfinite(number) else min(float(spread), 1e-9 * (1 + abs(number)))


def pushed(local: Program, tangents: Sequence[Any]) -> Any:
    """A step's tangent from those of its operands."""
    (out,) = local.outputs
    found = forward(local, dict(zip(local.inputs, tangents, strict=True)))
    return found.get(out, _zero(out.value)) if isinstance(out, Variable) else _zero(out)


def pulled(local: Program, cotangent: Any) -> list[Any]:
    """What a step gives to the cotangents of its operands."""
    (out,) = local.outputs
    found = reverse(local, {out: cotangent}) if isinstance(out, Variable) else {}
    return [found.get(variable, _zero(variable.value)) for variable in local.inputs]


def text_of(local: Program, operands: Sequence[Written]) -> Written:
    """A step in the texts of its operands."""
    known = dict(zip(local.inputs, operands, strict=True))

    def of(operand: Any) -> Written:
        return known[operand] if isinstance(operand, Variable) else number(short(operand))

    for equation in local.equations:
        right = written(equation, [of(operand) for operand in equation.operands], short)
        known.update(dict.fromkeys(equation.results, right))
    return of(local.outputs[0])


def _zero(value: Any) -> Any:
    return np.zeros_like(value) if np.ndim(value) else 0.0
