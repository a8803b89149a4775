"""A program's equations on other inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffmagic.core.program import Program, Variable
from diffmagic.core.tracing import Trace, Tracer, apply


def replay(program: Program, inputs: Sequence[Any]) -> dict[Variable, Any]:
    """The values of all variables for other inputs, by the same equations.

    The program is taken as it is, whatever its guards say of these inputs. Traced inputs give traced values, so within
    an open trace a replay is recorded itself.

    Parameters
    ----------
    program : Program
    inputs : sequence of number, ndarray or Tracer

    Returns
    -------
    dict of Variable to number, ndarray or Tracer

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> program = diffmagic.trace(lambda x: np.sin(x) * 2, 0.0)
    >>> values = replay(program, [np.array([0.0, np.pi / 2])])
    >>> values[program.outputs[0]]
    array([0., 2.])
    """
    values: dict[Variable, Any] = dict(zip(program.inputs, inputs, strict=True))
    for equation in program.equations:
        operands = tuple([values[o] if isinstance(o, Variable) else o for o in equation.operands])
        found = apply(equation.primitive, operands, equation.params)
        parts = (found,) if len(equation.results) == 1 else found
        values.update(zip(equation.results, parts, strict=True))
    return values


def retraced(program: Program, inputs: Sequence[Any]) -> tuple[Program, dict[Variable, Any]]:
    """The same program at other inputs, and the value there of each of its variables.

    Its rules run on these values. Where these are traced by an open trace, derivatives are recorded, too.

    Parameters
    ----------
    program : Program
    inputs : sequence of number, ndarray or Tracer

    Returns
    -------
    program : Program
    values : dict of Variable to number, ndarray or Tracer
        By the variables of the program that was given.
    """
    with Trace() as trace:
        tracers = [trace.input(value, v.name) for v, value in zip(program.inputs, inputs, strict=True)]
        found = replay(program, tracers)
        outputs = [found[out] if isinstance(out, Variable) else out for out in program.outputs]
        again = trace.program([tracer._variable for tracer in tracers], outputs)
    return again, {v: value._value if type(value) is Tracer else value for v, value in found.items()}
