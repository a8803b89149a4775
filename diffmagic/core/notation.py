"""Programs of one or a few equations as single expressions, in Python or in another notation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from diffmagic.core.program import Program, Variable
from diffmagic.core.written import ATOM, PLUS, Written, number, written


class Notation(NamedTuple):
    """How expressions are written.

    Attributes
    ----------
    write : callable
        An equation's right side from its operands, as `written`.
    constant : callable
        A number that the user wrote, from its text.
    value : callable
        A number that is put in for a name, from its text.
    name : callable
        A variable's name.
    """

    write: Callable[..., Written]
    constant: Callable[[str], Written]
    value: Callable[[str], Written]
    name: Callable[[str], Written]


def _value(text: str) -> Written:
    """With a sign, it stands in brackets unless it is the first of a sum."""
    return Written(text, PLUS if text.startswith("-") else ATOM)


PYTHON = Notation(written, number, _value, Written)


def expressions(
    program: Program, operands: Mapping[Variable, Written], constant: Callable[[Any], str], notation: Notation = PYTHON
) -> list[str]:
    """Each output of a program of one-result equations as one expression.

    Parameters
    ----------
    program : Program
    operands : mapping of Variable to Written
        What stands for the inputs: names or numbers.
    constant : callable
        A constant as text.
    notation : Notation

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> program = diffmagic.trace(lambda w, x: np.exp(-w * x), -0.5, 2.0)
    >>> expressions(program, {v: PYTHON.value(str(v.value)) for v in program.inputs}, repr)
    ['np.exp(-(-0.5) * 2.0)']
    """
    known = dict(operands)

    def of(operand: Any) -> Written:
        return known[operand] if isinstance(operand, Variable) else notation.constant(constant(operand))

    for equation in program.equations:
        known[equation.results[0]] = notation.write(equation, [of(operand) for operand in equation.operands], constant)
    return [of(out).text for out in program.outputs]
