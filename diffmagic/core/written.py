"""Equations as Python text, with parentheses only where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from diffmagic.core.program import Equation

COMPARE, OR, XOR, AND, SHIFT, PLUS, TIMES, UNARY, POWER, ATOM = range(10)
"""How strongly operators bind, from the weakest on."""

BINDING = dict.fromkeys("+-", PLUS) | dict.fromkeys(["*", "/", "//", "%", "@"], TIMES)
BINDING |= dict.fromkeys(["<", "<=", ">", ">=", "==", "!="], COMPARE)
BINDING |= {"**": POWER, "&": AND, "|": OR, "^": XOR, "<<": SHIFT, ">>": SHIFT}
"""The same of each operator of two operands."""


class Written(NamedTuple):
    """An expression as text.

    Attributes
    ----------
    text : str
    binding : int
        How strongly its outermost operator binds.
    """

    text: str
    binding: int = ATOM

    def within(self, binding: int) -> str:
        """As an operand of an operator that binds so strongly."""
        return self.text if self.binding >= binding else f"({self.text})"


def number(text: str) -> Written:
    """A number that is written out; with a sign, it is an operation."""
    return Written(text, UNARY if text.startswith("-") else ATOM)


def written(equation: Equation, operands: Sequence[Written], constant: Callable[[Any], str]) -> Written:
    """An equation's right side.

    Parameters
    ----------
    equation : Equation
    operands : sequence of Written
    constant : callable
        How to write a value among indices and options.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> (equation,) = diffmagic.trace(lambda a, b: a * b, 2.0, 3.0).equations
    >>> written(equation, [Written("x + 1", PLUS), number("-3.0")], repr)
    Written(text='(x + 1) * -3.0', binding=6)
    """
    primitive, params = equation.primitive, equation.params
    symbol = primitive.symbol
    texts = [operand.text for operand in operands]
    if symbol == "[]":
        return Written(f"{operands[0].within(ATOM)}[{key_text(params['key'], constant)}]")
    if symbol == "[]=":
        return Written(f"{operands[1].within(ATOM)}[{key_text(params['key'], constant)}] ← {texts[0]}", COMPARE)
    if symbol and len(operands) == 2:
        binding = BINDING[symbol]
        left, right = (binding + 1, UNARY) if symbol == "**" else (binding, binding + 1)
        if binding == COMPARE:
            left += 1  # they would chain
        return Written(f"{operands[0].within(left)} {symbol} {operands[1].within(right)}", binding)
    if symbol:
        return Written(f"{symbol}{operands[0].within(UNARY)}", UNARY)
    if primitive.name == "np.astype":
        return Written(f"np.{np.dtype(params['dtype']).name}({texts[0]})")
    if "call" in params:
        return Written(f"{primitive.name}({params['call'].written(texts)})")
    options = [f"{name}={_option(value, constant)}" for name, value in params.items()]
    return Written(f"{primitive.name}({', '.join(texts + options)})")


def key_text(key: Any, constant: Callable[[Any], str]) -> str:
    """What stands in brackets."""
    if isinstance(key, tuple):
        return ", ".join(key_text(part, constant) for part in key) or "()"
    if isinstance(key, slice):
        parts = ["" if part is None else str(part) for part in (key.start, key.stop)]
        return ":".join(parts + ([] if key.step is None else [str(key.step)]))
    return "..." if key is Ellipsis else _option(key, constant)


def _option(value: Any, constant: Callable[[Any], str]) -> str:
    return constant(value) if isinstance(value, np.ndarray | np.generic) else repr(value)
