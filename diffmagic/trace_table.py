"""The trace table of a program: the picture in every textbook, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from diffmagic.core.forward import forward
from diffmagic.core.graph import along
from diffmagic.core.loops import repeats, site
from diffmagic.core.notation import PYTHON, expressions
from diffmagic.core.partial_formulas import partial_numbers, step_of
from diffmagic.core.program import Equation, Program, Variable, operation, short
from diffmagic.core.reverse import reverse
from diffmagic.core.zeros import accumulate
from diffmagic.labels import component
from diffmagic.results import TraceRow, TraceTable

SEED = "the seed"
"""What a column is called whose seed was given: no name of an input."""
Columns = Literal["auto", "forward", "reverse", "both"]
_FEW, _MANY = 3, 8
_LIGHT = ("np.negative", "np.positive", "np.add", "np.subtract", "np.multiply", "np.divide", "float")


def trace_table(
    program: Program,
    *,
    result: str = "",
    mode: Columns = "auto",
    folded: bool = False,
    tangents: Mapping[Variable, Any] | None = None,
    cotangents: Mapping[Variable, Any] | None = None,
) -> TraceTable:
    """Every step of a program with its value, local partials, tangents and cotangent.

    Parameters
    ----------
    program : Program
    result : str
        What the result is called.
    mode : {"auto", "forward", "reverse", "both"}
        Whether there are columns of tangents, of cotangents or of both. ``"auto"`` has both where they fit: up to three
        tangents.
    folded : bool
        Whether constants and signs are folded into the steps that they belong to, as textbooks do.
    tangents : mapping of Variable to tangent, optional
        The seed of the one tangent column; by default there is one column for each number of the inputs.
    cotangents : mapping of Variable to cotangent, optional
        The seed of the cotangent column; by default 1 for the result, if it is one number.
    """
    names = program.names()
    notes: list[str] = []
    columns: dict[str, dict[Variable, Any]] = {}
    if mode != "reverse":
        count = sum(int(np.size(variable.value)) for variable in program.inputs)
        if tangents is not None:
            columns[SEED] = accumulate(forward, program, tangents, program.outputs)
        elif count <= (_FEW if mode == "auto" else _MANY):
            for name, variable, seed in _seeds(program, names):
                columns[name] = accumulate(forward, program, {variable: seed}, program.outputs)
        elif mode != "auto":
            notes.append(
                f"There is no tangent column: one for each of {count} inputs does not fit. "
                "Instead: --mode forward --seed [...] for one direction."
            )
    out = _one_number(program)
    if out and result and result not in names.values() and out in _unnamed(program):
        names[out] = result
    of = ""
    back: dict[Variable, Any] = {}
    uses: dict[Variable, tuple[Any, ...]] = {}
    if mode != "forward":
        if cotangents is not None:
            of = SEED
        elif out:
            cotangents, of = {out: 1.0}, names[out] if result in names.values() else result or names[out]
        elif mode != "auto":
            notes.append(
                "There is no cotangent column: the result is not one number that depends on the inputs. "
                "Instead: --mode reverse --seed [...] for one weight of each number."
            )
        if cotangents is not None:
            back = accumulate(reverse, program, cotangents, program.inputs, keep=True)
            uses = _contributions(program, cotangents, back)

    def row(step: int, variable: Variable, text: str = "", equations: tuple[Equation, ...] = ()) -> TraceRow:
        partials = partial_numbers(step_of(equations)).items() if equations else ()
        return TraceRow(
            step,
            names[variable],
            text,
            variable.value,
            tuple((names[operand], partial) for operand, partial in partials),
            tuple(column.get(variable) for column in columns.values()),
            back.get(variable),
            uses.get(variable, ()),
            equations,
        )

    numbers = {equation: step for step, equation in enumerate(program.equations, start=1)}
    groups = _folded(program) if folded else [(equation,) for equation in program.equations]
    rows = [row(0, variable) for variable in program.inputs]
    for group in groups:
        text = _text(group, names)
        rows += [row(numbers[group[-1]], variable, text, group) for variable in group[-1].results]
    keys = [tuple(map(site, row.equations)) or row.name for row in rows]
    return TraceTable(
        rows,
        tuple(columns),
        of,
        names[out] if out and SEED not in (of, *columns) else "",
        names,
        tuple(repeats(keys)),
        tuple(notes),
    )


def accumulation_steps(table: TraceTable) -> int:
    """How many steps the accumulation of a whole table has: a row each; backwards the result is where it begins."""
    return len(table.rows) - (1 if table.cotangent else _given(table))


def trace_so_far(table: TraceTable, step: int) -> TraceTable:
    """A table after so many steps: forwards they are the first rows, backwards only the last rows have cotangents.

    Examples
    --------
    >>> from diffmagic import trace
    >>> whole = trace_table(trace(lambda x: (x + 1) * x, 2.0), mode="forward")
    >>> accumulation_steps(whole), [row.operation for row in trace_so_far(whole, 1).rows]
    (2, ['', 'x + 1'])
    """
    if table.cotangent:
        return replace(table, reached=step + 1)
    rows = table.rows[: _given(table) + step]
    return replace(table, rows=rows, loops=tuple(loop for loop in table.loops if loop.stop <= len(rows)))


def _given(table: TraceTable) -> int:
    """How many rows are inputs."""
    return sum(not row.step for row in table.rows)


def _one_number(program: Program) -> Variable | None:
    """The result, if it is one number that depends on the inputs."""
    out = program.outputs[0] if len(program.outputs) == 1 else None
    return out if isinstance(out, Variable) and not out.shape else None


def _unnamed(program: Program) -> set[Variable]:
    """The results of equations that the user gave no name."""
    named = program.targets().keys() | program.versions.keys()
    results = [result for equation in program.equations for result in equation.results]
    return {result for result in results if not result.name and result not in named}


def _seeds(program: Program, names: Mapping[Variable, str]) -> Iterator[tuple[str, Variable, Any]]:
    """A seed for each number of the inputs, with its name."""
    for variable in program.inputs:
        name = along(variable, names)
        for k in range(int(np.size(variable.value))):
            seed = np.zeros(variable.shape, variable.dtype)
            seed.flat[k] = 1
            yield component(name, variable.shape, k), variable, seed[()]


def _contributions(
    program: Program, seeds: Mapping[Variable, Any], cotangents: Mapping[Variable, Any]
) -> dict[Variable, tuple[Any, ...]]:
    """What each use adds to the cotangent of a value that is used more than once, in the order of the way back."""
    counts = Counter(o for e in program.equations for o in e.operands if isinstance(o, Variable))
    counts.update(seeds.keys())
    found: dict[Variable, list[Any]] = {v: [seeds[v]] if v in seeds else [] for v, count in counts.items() if count > 1}
    for equation in reversed(program.equations):
        given = {result: cotangents[result] for result in equation.results if result in cotangents}
        if not given or not any(operand in found for operand in equation.operands if isinstance(operand, Variable)):
            continue
        uses = tuple([Variable(o.value) if isinstance(o, Variable) else o for o in equation.operands])
        alone = Equation(
            equation.primitive, uses, equation.arguments, equation.params, equation.results, equation.origin
        )
        alone.opened = equation.opened
        inputs = [use for use in uses if isinstance(use, Variable)]
        with np.errstate(all="ignore"):
            parts = reverse(Program(inputs, [alone], list(equation.results)), given)
        for use, operand in zip(uses, equation.operands, strict=True):
            if isinstance(use, Variable) and use in parts and operand in found:
                found[operand].append(parts[use])
    return {
        variable: tuple(parts)
        for variable, parts in found.items()
        if len(parts) > 1 and np.array_equal(_sum(parts), cotangents[variable], equal_nan=True)
    }


def _sum(parts: Sequence[Any]) -> Any:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _folded(program: Program) -> list[tuple[Equation, ...]]:
    """The equations in groups: at most one operation, with the constants and signs before and after it."""
    place = {equation: position for position, equation in enumerate(program.equations)}
    reads = Counter(o for e in program.equations for o in e.operands if isinstance(o, Variable))
    reads.update(o for o in program.outputs if isinstance(o, Variable))
    unnamed = _unnamed(program)
    groups: dict[Equation, list[Equation]] = {}  # by the last of each
    open_ends: dict[Variable, list[Equation]] = {}  # by the result that the next equation may take in
    for equation in program.equations:
        group, room = [equation], _is_light(equation)
        for operand in dict.fromkeys(o for o in equation.operands if isinstance(o, Variable)):
            before = open_ends.get(operand, [])
            light = all(map(_is_light, before))
            if before and reads[operand] == 1 and equation.primitive.partials and (room or light):
                group, room = before + group, room and light
                del groups[before[-1]]
        groups[equation] = sorted(group, key=place.__getitem__)
        if equation.primitive.partials and equation.results[0] in unnamed:
            open_ends[equation.results[0]] = groups[equation]
    return [tuple(group) for group in groups.values()]


def _is_light(equation: Equation) -> bool:
    """Whether it is a sign, or a constant that is added or multiplied by."""
    moving = [i for i, operand in enumerate(equation.operands) if isinstance(operand, Variable)]
    name = equation.primitive.name
    return name in _LIGHT and len(moving) == 1 and (name != "np.divide" or moving == [0])


def _text(group: tuple[Equation, ...], names: Mapping[Variable, str]) -> str:
    if len(group) == 1:
        return " ".join(operation(group[0], names).split())  # large arrays are written in several lines
    step = step_of(group)
    return expressions(step, {v: PYTHON.name(names[v]) for v in step.inputs}, short)[0]
