"""The trace table of a program: the picture in every textbook, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffmagic.core.forward import forward, local_partial
from diffmagic.core.program import Equation, Program, Variable, operation
from diffmagic.core.reverse import reverse
from diffmagic.core.zeros import accumulate
from diffmagic.results import TraceRow, TraceTable

_TANGENT_COLUMNS = 3


def trace_table(
    program: Program,
    *,
    result: str = "",
    tangents: Mapping[Variable, Any] | None = None,
    cotangents: Mapping[Variable, Any] | None = None,
) -> TraceTable:
    """Every step of a program with its value, local partials, tangents and cotangent.

    Parameters
    ----------
    program : Program
    result : str
        What the result is called.
    tangents : mapping of Variable to tangent, optional
        The seed of the one tangent column; by default there is one column for each input, if these are at most three
        numbers.
    cotangents : mapping of Variable to cotangent, optional
        The seed of the cotangent column; by default 1 for the result, if it is one number.
    """
    names = program.names()
    columns: dict[str, dict[Variable, Any]] = {}
    if tangents is not None:
        columns["seed"] = accumulate(forward, program, tangents, program.outputs)
    elif len(program.inputs) <= _TANGENT_COLUMNS and all(not variable.shape for variable in program.inputs):
        for variable in program.inputs:
            columns[names[variable]] = accumulate(forward, program, {variable: 1.0}, program.outputs)
    back: dict[Variable, Any] = {}
    of = ""
    outputs = [out for out in program.outputs if isinstance(out, Variable)]
    if cotangents is None and len(program.outputs) == 1 and outputs and not outputs[0].shape:
        cotangents = {outputs[0]: 1.0}
        of = result or names[outputs[0]]
    elif cotangents is not None:
        of = "seed"
    if cotangents is not None:
        back = accumulate(reverse, program, cotangents, program.inputs, keep=True)

    def row(step: int, variable: Variable, text: str, partials: tuple[tuple[str, Any], ...] = ()) -> TraceRow:
        moves = tuple(column.get(variable) for column in columns.values())
        return TraceRow(step, names[variable], text, variable.value, partials, moves, back.get(variable))

    rows = [row(0, variable, "") for variable in program.inputs]
    for step, equation in enumerate(program.equations, start=1):
        partials = _partials(equation, names)
        rows += [row(step, variable, operation(equation, names), partials) for variable in equation.results]
    return TraceTable(rows, tuple(columns), of)


def _partials(equation: Equation, names: Mapping[Variable, str]) -> tuple[tuple[str, Any], ...]:
    found: dict[str, Any] = {}
    for i, operand in enumerate(equation.operands):
        if isinstance(operand, Variable):
            name, partial = names[operand], _partial(equation, i)
            twice = name in found and not isinstance(partial, str)
            found[name] = found[name] + partial if twice else partial
    return tuple(found.items())


def _partial(equation: Equation, i: int) -> Any:
    """A number or array for an elementwise operation; for any other a word."""
    if not equation.primitive.differentiable:
        return "constant"
    if equation.primitive.partials is None:
        return "–"
    with np.errstate(all="ignore"):
        return local_partial(equation, i)
