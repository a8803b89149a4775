"""Partial derivatives of expressions: by SymPy, or the large ones by symengine if it is installed."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.function import Application

from diffmagic.core.errors import DiffmagicError

LARGE = 100
"""From how many operations on symengine is faster, there and back."""

SWELL = 50_000
"""The most operations that a derivative may have."""

_BOTH = "exp log sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf gamma"


def derivative(expression: Any, symbol: Any) -> Any:
    """The partial derivative as the rules give it, without simplification.

    Raises
    ------
    DiffmagicError
        If SymPy has no rule for a function in it.
    """
    found = _by_symengine(expression, symbol)
    if found is None:
        found = expression.diff(symbol).replace(sp.DiracDelta, lambda *_: sp.S.Zero)  # nothing almost everywhere
    if found.count_ops() > SWELL:
        raise DiffmagicError(f"the derivative has more than {SWELL:,} operations", rewrite="a lower order, or %%grad")
    for unknown in found.atoms(sp.Derivative, sp.Subs):
        raise DiffmagicError(f"SymPy has no formula for {unknown}", rewrite="%%grad, which needs no formula")
    return found


def _by_symengine(expression: Any, symbol: Any) -> Any:
    """The same by symengine; None if it is not installed or not for it."""
    if expression.count_ops() < LARGE or {type(f).__name__ for f in expression.atoms(Application)} - set(_BOTH.split()):
        return None
    try:
        import symengine
    except ImportError:
        return None
    real = {sp.Symbol(own.name): own for own in expression.free_symbols}  # symengine's symbols have no assumptions
    found = symengine.sympify(expression).diff(symengine.Symbol(symbol.name))
    return sp.sympify(found).xreplace(real)


class Partials:
    """Partial derivatives of any order, each found once."""

    def __init__(self, symbols: list[Any]) -> None:
        self._place = {symbol: k for k, symbol in enumerate(symbols)}
        self._found: dict[tuple[Any, ...], Any] = {}

    def __call__(self, expression: Any, *wrt: Any) -> Any:
        """The order in which one differentiates makes no difference, so that of the inputs is taken."""
        if not wrt:
            return expression
        *before, last = sorted(wrt, key=self._place.__getitem__)
        key = expression, *before, last
        if key not in self._found:
            self._found[key] = derivative(self(expression, *before), last)
        return self._found[key]
