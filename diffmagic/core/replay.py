"""A program's equations on other inputs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import Trace, Tracer, apply, concrete

_PYTHON_NUMBERS = (bool, int, float, complex)
_OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.remainder: operator.mod,
    np.floor_divide: operator.floordiv,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.absolute: operator.abs,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
}


def replay(program: Program, inputs: Sequence[Any], after: Callable[[], object] = lambda: None) -> dict[Variable, Any]:
    """The values of all variables for other inputs, by the same equations.

    The program is taken as it is, whatever its guards say of these inputs. Traced inputs give traced values, so within
    an open trace a replay is recorded itself.

    Parameters
    ----------
    program : Program
    inputs : sequence of number, ndarray or Tracer
    after : callable
        Called after each equation.

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
        found = apply(equation.primitive, operands, equation.params, _operator(equation))
        parts = (found,) if len(equation.results) == 1 and not isinstance(found, tuple | list) else found
        values.update(zip(equation.results, parts, strict=True))
        after()
    return values


def _operator(equation: Equation) -> Callable[..., Any] | None:
    """Python's operator, if it computed the value: it keeps Python's numbers, which NumPy's function would not."""
    plain = type(concrete(equation.value)) in _PYTHON_NUMBERS
    return _OPERATORS.get(equation.primitive.function) if plain else None


def retraced(
    program: Program, inputs: Sequence[Any], after: Callable[[], object] = lambda: None
) -> tuple[Program, dict[Variable, Tracer]]:
    """The same program at other inputs, whose rules run on these; and what stands in it for each variable.

    Where the inputs are traced by an open trace, derivatives are recorded, too.

    Parameters
    ----------
    program : Program
    inputs : sequence of number, ndarray or Tracer
    after : callable
        Called after each equation.

    Returns
    -------
    program : Program
    values : dict of Variable to Tracer
        By the variables of the program that was given; they carry the values.
    """
    with Trace() as trace:
        tracers = [trace.input(value, v.name) for v, value in zip(program.inputs, inputs, strict=True)]
        found = replay(program, tracers, after)
        outputs = [found[out] if isinstance(out, Variable) else out for out in program.outputs]
        again = trace.program([tracer._variable for tracer in tracers], outputs)
    return again, found
