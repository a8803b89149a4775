"""What people type into a panel: numbers, and simple arithmetic with them. It is read, never run."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable

from diffmagic.core.errors import DiffmagicError

_CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau, "τ": math.tau}
_MODULES = ("np", "numpy", "math")
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SIGNS: dict[type, Callable[[float], float]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_LONGEST = 80  # characters: a panel may be served to strangers, and nesting costs
_EXAMPLES = "a number such as 0.5 or 1e-3, or arithmetic such as pi/4 and 2*(1 + e)"


def typed_number(text: str) -> float:
    """The number that a text stands for: numbers, constants, ``+ - * / **`` and brackets.

    Parameters
    ----------
    text : str
        ``0.5``, ``-1e-3``, ``pi/4``, ``2*(1 + e)``; the constants are pi, e and tau.

    Returns
    -------
    float
        Finite. Every number in the text is taken as a float, so that no power grows without end.

    Raises
    ------
    DiffmagicError
        For anything else.

    Examples
    --------
    >>> typed_number("3*pi/4"), typed_number("2**-3")
    (2.356194490192345, 0.125)
    """
    text = text.strip()
    if not text:
        raise DiffmagicError("nothing is typed", rewrite=_EXAMPLES)
    if len(text) > _LONGEST or not text.isprintable():
        raise DiffmagicError(f"what is typed is not one line of {_LONGEST} characters", rewrite=_EXAMPLES)
    try:
        with warnings.catch_warnings(action="ignore"):  # the parser's
            value = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise DiffmagicError(f"{text} is not a number", rewrite=_EXAMPLES) from None
    except ZeroDivisionError:
        raise DiffmagicError(f"{text} divides by zero", rewrite=_EXAMPLES) from None
    except OverflowError:
        value = math.inf
    if isinstance(value, complex) or not math.isfinite(value):
        raise DiffmagicError(f"{text} is not a finite real number", rewrite=_EXAMPLES)
    return value


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in _MODULES and name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
            return _SIGNS[type(op)](_value(operand))
    raise DiffmagicError(f"{ast.unparse(node)} is neither a number nor a constant", rewrite=_EXAMPLES)
