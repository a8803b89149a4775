"""Programs that compute a program's value together with its derivative: the accumulations, run on tracers.

The program is replayed on traced values, and the same rules that give numbers are recorded. So a derivative program is
a program like any other: it can be simplified, written as source, and differentiated again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.forward import forward
from diffmagic.core.primitives import Primitive
from diffmagic.core.program import Equation, Guard, Program, Variable
from diffmagic.core.recording import inexact
from diffmagic.core.replay import retraced
from diffmagic.core.reverse import reverse
from diffmagic.core.simplify import simplified
from diffmagic.core.source import NOWHERE
from diffmagic.core.tracing import Trace, Tracer, concrete

_NUMBERED = re.compile(r"v\d+(_\d+)?")
_TANGENT = re.compile(r"d(\d*)_(.*)")


def with_gradient(program: Program, seeds: Mapping[Variable, Any]) -> Program:
    """The program that computes, after the outputs, the cotangent of each input, by reverse accumulation.

    Parameters
    ----------
    program : Program
    seeds : mapping of Variable to number or ndarray
        The cotangent of each output that counts.

    Returns
    -------
    Program
        Its variables have the names of the program's, and cotangents are called ``grad_`` and the name. It is the plain
        accumulation: what an index or a choice does not reach is multiplied by zero, and not left out.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> program = diffmagic.trace(lambda x: np.sin(x) * x, 0.5)
    >>> print(with_gradient(program, {program.outputs[0]: 1.0}))
         x      = 0.5
      1  v1     = np.sin(x)   0.47942554
      2  v2     = v1 * x      0.23971277
      3  v3     = np.cos(x)   0.87758256
      4  v4     = x * v3      0.43879128
      5  grad_x = v1 + v4     0.91821682
    returns v2, grad_x
    """

    def accumulate(replayed: _Replayed) -> list[Any]:
        found = reverse(replayed.program, replayed.seeds(seeds), keep=True)
        replayed.name(found, "grad")
        return [replayed.of(found, variable) for variable in program.inputs]

    return _recorded(program, accumulate)


def with_tangents(program: Program, seeds: Sequence[Mapping[Variable, Any]]) -> Program:
    """The program that computes, after the outputs, the tangents of each for each seed, by forward accumulation.

    Parameters
    ----------
    program : Program
    seeds : sequence of mappings of Variable to number or ndarray
        In each the tangent of each input that moves.

    Returns
    -------
    Program
        Tangents are called ``d_`` and the name; where there are several seeds, with the name of the input that moves.
    """

    def accumulate(replayed: _Replayed) -> list[Any]:
        found = []
        for seed in seeds:
            found.append(forward(replayed.program, replayed.seeds(seed)))
            replayed.name(found[-1], "d", [replayed.names[variable] for variable in seed] if len(seeds) > 1 else [])
        return [replayed.of(tangents, out) for out in program.outputs for tangents in found]

    return _recorded(program, accumulate)


@dataclass(frozen=True, slots=True)
class _Replayed:
    """A program whose values are traced: what its rules do to them is recorded.

    Attributes
    ----------
    program : Program
    inner : dict of Variable to Variable
        Its variable for each of the original.
    names : dict of Variable to str
        Of the original; an array has one name, however often it changes.
    outer : Trace
        That which records.
    """

    program: Program
    inner: dict[Variable, Variable]
    names: dict[Variable, str]
    outer: Trace

    def seeds(self, seeds: Mapping[Variable, Any]) -> dict[Variable, Any]:
        """Traced, so that what they alone determine is recorded: it may be longer to write than to compute."""
        return {self.inner[variable]: self.outer.input(part) for variable, part in seeds.items()}

    def of(self, found: Mapping[Variable, Any], out: Any) -> Any:
        """What was found for a variable of the original; zeros in its form if nothing was."""
        part = found.get(self.inner[out]) if isinstance(out, Variable) else None
        if part is not None:
            return part
        like = concrete(out.value if isinstance(out, Variable) else out)
        return np.zeros_like(like, dtype=inexact(like)) if np.ndim(like) else 0.0

    def name(self, found: Mapping[Variable, Any], before: str, behind: Sequence[str] = ()) -> None:
        """Name what was found for each variable. The first name counts: of inputs, of outputs, by the user."""
        ends = {id(end) for end in (*self.program.inputs, *self.program.outputs)}
        for variable in sorted(
            self.names, key=lambda v: (id(self.inner[v]) not in ends, bool(_NUMBERED.fullmatch(self.names[v])))
        ):
            part = found.get(self.inner[variable])
            if type(part) is Tracer and not part._variable.name:
                name = self.names[variable]
                higher = _TANGENT.fullmatch(name) if before == "d" and not behind else None
                first, name = (f"d{int(higher[1] or 1) + 1}", higher[2]) if higher else (before, name)
                part._variable.name = "_".join([first, name, *behind])


def _recorded(program: Program, accumulate: Callable[[_Replayed], list[Any]]) -> Program:
    """The program, and after its outputs those of an accumulation over it."""
    with np.errstate(all="ignore"), Trace() as outer:
        inputs = [outer.input(concrete(variable.value), variable.name) for variable in program.inputs]
        replayed, guards = _replayed(program, inputs, outer)
        more = accumulate(replayed)
    outputs = [replayed.inner[out].value if isinstance(out, Variable) else out for out in program.outputs]
    found = outer.program([tracer._variable for tracer in inputs], [*outputs, *more])
    known = set(found.inputs).union(*(equation.results for equation in found.equations))

    def settled(operand: Any) -> Any:
        return concrete(operand.value) if isinstance(operand, Variable) and operand not in known else operand

    for equation in found.equations:
        equation.origin = NOWHERE
        equation.operands = tuple(map(settled, equation.operands))
    found.outputs[:] = map(settled, found.outputs)
    guards = [*guards, *(guard for guard in found.guards if guard.variable in known)]
    found.guards[:] = sorted(guards, key=lambda guard: guard.position)
    return simplified(found)


def _replayed(program: Program, inputs: Sequence[Tracer], outer: Trace) -> tuple[_Replayed, list[Guard]]:
    """A program on tracers of an open trace, and its guards there."""
    names, ends = program.names(), [0]
    again, values = retraced(program, inputs, lambda: ends.append(len(outer.equations)))
    again.equations[:] = map(_traced_choice, again.equations)
    for variable, value in values.items():
        value._value._variable.name = names[variable]
    guards = [Guard(values[g.variable]._value._variable, g.value, ends[g.position]) for g in program.guards]
    stems = {variable: names[_first(variable, program, names)] for variable in values}
    return _Replayed(again, {variable: value._variable for variable, value in values.items()}, stems, outer), guards


def _first(variable: Variable, program: Program, names: Mapping[Variable, str]) -> Variable:
    """An array as it was before it changed."""
    while (earlier := program.versions.get(variable)) in names:
        assert earlier is not None
        variable = earlier
    return variable


def _traced_choice(equation: Equation) -> Equation:
    """A choice between numbers as a choice and not as a decision, so that the program holds on either side."""
    primitive = equation.primitive
    partials = primitive.partials
    if not primitive.selects or not partials:
        return equation

    def through(i: int, part: Any, y: Any, *operands: Any, **params: Any) -> Any:
        partial = partials[i]
        if not callable(partial):
            return None
        weight = partial(y, *operands, **params)
        return np.where(np.equal(weight, 0), 0.0, part * weight)

    choice = Primitive(primitive.name, primitive.function, push=through, pull=through)
    return Equation(choice, equation.operands, equation.arguments, equation.params, equation.results, equation.origin)
