"""The rules of differentiation, applied one at a time as a student would write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.function import ArgumentIndexError

from diffmagic.core.errors import DiffmagicError
from diffmagic.results import Step
from diffmagic.symbolic.elementary import Abs, readable, sign, text

STEPS = 100
"""The longest derivation that anybody reads."""

_RULES: dict[Any, str] = {
    sp.exp: "exponential rule",
    sp.log: "logarithm rule",
    **dict.fromkeys([sp.sin, sp.cos, sp.tan], "trigonometric rule"),
    **dict.fromkeys([sp.asin, sp.acos, sp.atan, sp.atan2], "inverse trigonometric rule"),
    **dict.fromkeys([sp.sinh, sp.cosh, sp.tanh], "hyperbolic rule"),
    **dict.fromkeys([sp.asinh, sp.acosh, sp.atanh], "inverse hyperbolic rule"),
    **dict.fromkeys([sp.Abs, Abs], "absolute value rule"),
}
_CONSTANT_PIECES = (sp.sign, sp.Heaviside)


def steps(expression: Any, symbol: Any) -> list[Step]:
    """The derivation of a partial derivative. Its last line has no derivative left to take.

    Raises
    ------
    DiffmagicError
        If it is too long, or there is no rule for a function in it.

    Examples
    --------
    >>> import sympy as sp
    >>> from diffmagic.symbolic.rules import steps
    >>> x = sp.Symbol("x", real=True)
    >>> for step in steps(x * sp.sin(x**2), x):
    ...     print(f"{step.rule}: {step.line}")
    product rule: x*Derivative(sin(x**2), x) + sin(x**2)
    chain rule with the trigonometric rule: x*cos(x**2)*Derivative(x**2, x) + sin(x**2)
    power rule: 2*x**2*cos(x**2) + sin(x**2)
    """
    line = sp.Derivative(expression, symbol)
    found: list[Step] = []
    while left := line.atoms(sp.Derivative):
        before = max(left, key=lambda one: (one.count_ops(), str(one)))  # from the outside inwards
        rule, after, detail = _applied(before.expr, symbol)
        line = line.xreplace({before: after})
        found.append(Step(rule, readable(before), readable(after), detail, readable(line)))
        if len(found) > STEPS:
            raise DiffmagicError(f"the derivation has more than {STEPS} steps", rewrite="a shorter formula")
    return found


def _applied(e: Any, x: Any) -> tuple[str, Any, str]:
    """The rule for the outermost operation, what it makes of the derivative, and what its parts are."""

    def d(u: Any) -> Any:
        """A derivative that is still to be taken, unless nobody would write it down."""
        return sp.S.Zero if not u.has(x) else sp.S.One if u == x else sp.Derivative(u, x)

    if not e.has(x):
        return "constant rule", sp.S.Zero, ""
    if e == x:
        return "identity", sp.S.One, ""
    if e.is_Add:
        constants = [text(u) for u in e.args if not u.has(x)]
        detail = f"{' and '.join(constants)} {'is' if len(constants) == 1 else 'are'} constant" if constants else ""
        return "sum rule", sp.Add(*map(d, e.args)), detail
    if e.is_Mul:
        return _of_product(e, x, d)
    if e.is_Pow:
        return _of_power(e, x, d)
    if isinstance(e, _CONSTANT_PIECES):
        return "constant almost everywhere", sp.S.Zero, ""
    outer = [sp.Symbol(name, real=True) for name in _letters(e, len(e.args))]
    slopes = [(_slope(e, k), u) for k, u in enumerate(e.args) if u.has(x)]
    rule = _RULES.get(type(e), f"rule for {type(e).__name__}")
    if e.args == (x,):
        return rule, slopes[0][0], ""
    parts = [f"{letter} = {text(u)}" for letter, u in zip(outer, e.args, strict=True)]
    detail = f"outer {e.func(*outer, evaluate=False)}, inner {', '.join(parts)}"
    return f"chain rule with the {rule}", sp.Add(*[slope * d(u) for slope, u in slopes]), detail


def _of_product(e: Any, x: Any, d: Callable[[Any], Any]) -> tuple[str, Any, str]:
    factor, rest = e.as_independent(x)
    if factor != 1:
        return "constant factor rule", factor * d(rest), f"factor {text(factor)}"
    below = [one for one in e.args if one.is_Pow and one.exp.is_number and one.exp.is_negative]
    u, v = sp.Mul(*[one for one in e.args if one not in below]), 1 / sp.Mul(*below)
    parts = f"u = {text(u)}, v = {text(v)}"
    if u == 1:
        return "reciprocal rule", -d(v) / v**2, f"v = {text(v)}"
    if below:
        return "quotient rule", (d(u) * v - u * d(v)) / v**2, parts
    terms = [sp.Mul(*[d(other) if other is one else other for other in e.args]) for one in e.args]
    return (
        "product rule",
        sp.Add(*terms),
        ", ".join(f"{letter} = {text(one)}" for letter, one in zip(_letters(e, len(e.args)), e.args, strict=True)),
    )


def _of_power(e: Any, x: Any, d: Callable[[Any], Any]) -> tuple[str, Any, str]:
    base, exponent = e.args
    (u,) = _letters(e, 1)
    if not exponent.has(x):
        slope = exponent * base ** (exponent - 1)
        if base == x:
            return "power rule", slope, ""
        if exponent == -1:
            return "reciprocal rule", slope * d(base), f"v = {text(base)}"
        detail = f"outer {u}**({text(exponent)}), inner {u} = {text(base)}"
        return "chain rule with the power rule", slope * d(base), detail
    if not base.has(x):
        detail = "" if exponent == x else f"outer {text(base)}**{u}, inner {u} = {text(exponent)}"
        rule = "exponential rule" if exponent == x else "chain rule with the exponential rule"
        return rule, e * sp.log(base) * d(exponent), detail
    logarithmic = e * (d(exponent) * sp.log(base) + exponent * d(base) / base)
    detail = f"(u**v)' = u**v (v log u)' with u = {text(base)}, v = {text(exponent)}"
    return "logarithmic differentiation", logarithmic, detail


def _slope(e: Any, k: int) -> Any:
    """The derivative of a function with respect to its k-th argument."""
    if isinstance(e, sp.Abs):
        return sign(e.args[0])
    try:
        slope = e.fdiff(k + 1)
    except ArgumentIndexError:
        slope = None
    if slope is None or slope.has(sp.Derivative, sp.Subs):
        raise DiffmagicError(f"there is no rule for {type(e).__name__} in argument {k + 1}", rewrite="%%grad")
    return slope


def _letters(e: Any, count: int) -> list[str]:
    """Names for parts that the formula does not use."""
    taken = {symbol.name for symbol in e.free_symbols}
    free = [letter for letter in "uvwzabcdpqrst" if letter not in taken]
    return free[:count] if count <= len(free) else [f"u_{k}" for k in range(1, count + 1)]
