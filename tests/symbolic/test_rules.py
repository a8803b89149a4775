"""The rules one at a time: every line is the derivative, and each rule has its name."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from diffmagic import DiffmagicError
from diffmagic.symbolic.elementary import Abs
from diffmagic.symbolic.rules import steps

x, a, u = sp.symbols("x a u", real=True)

DERIVATIONS: list[tuple[Any, list[str]]] = [
    (sp.Integer(3), ["constant rule"]),
    (x, ["identity"]),
    (x**3, ["power rule"]),
    (5 * x**2, ["constant factor rule", "power rule"]),
    (x**2 + a * x + 3, ["sum rule", "power rule", "constant factor rule"]),
    (x * sp.sin(x), ["product rule", "trigonometric rule"]),
    (x * sp.exp(x) * sp.log(x), ["product rule", "logarithm rule", "exponential rule"]),
    (sp.sin(x) / x, ["quotient rule", "trigonometric rule"]),
    (1 / (1 + sp.exp(-x)),
     ["reciprocal rule", "sum rule", "chain rule with the exponential rule", "constant factor rule"]),
    (sp.sqrt(1 + x**2), ["chain rule with the power rule", "sum rule", "power rule"]),
    (2**x, ["exponential rule"]),
    (a ** (x**2), ["chain rule with the exponential rule", "power rule"]),
    (x**x, ["logarithmic differentiation"]),
    (sp.atan2(x, x**2), ["chain rule with the inverse trigonometric rule", "power rule"]),
    (sp.tanh(x) + sp.asinh(x), ["sum rule", "hyperbolic rule", "inverse hyperbolic rule"]),
    (Abs(x**2 - 3), ["chain rule with the absolute value rule", "sum rule", "power rule"]),
    (sp.Max(0, x, evaluate=False), ["chain rule with the rule for Max"]),
    (sp.besselj(2, x) + sp.erf(x), ["sum rule", "rule for erf", "chain rule with the rule for besselj"]),
    (sp.sign(x) + u, ["sum rule", "constant almost everywhere"]),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "rules"), DERIVATIONS, ids=str)
def test_derivation(formula: Any, rules: list[str]) -> None:
    found = steps(formula, x)
    assert [step.rule for step in found] == rules
    expected = formula.diff(x).replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    for step in found:  # with the derivatives that are left taken, every line is the derivative
        line = step.line.replace(sp.DiracDelta, lambda *_: sp.S.Zero).doit()
        assert step.after.doit().equals(step.before.doit()) or not line.has(sp.Derivative)
        for point in (0.37, 1.9):
            given = {x: point, a: 1.3, u: 0.4}
            assert float(line.subs(given)) == pytest.approx(float(expected.subs(given)), rel=1e-12)
    assert not found[-1].line.has(sp.Derivative)
    assert sp.simplify(found[-1].line - expected) == 0


def test_parts_are_named() -> None:
    assert [(step.rule, step.detail) for step in steps(x**2 * sp.sin(2 * x) + u, x)] == [
        ("sum rule", "u is constant"),
        ("product rule", "u = x**2, v = sin(2*x)"),
        ("chain rule with the trigonometric rule", "outer sin(u), inner u = 2*x"),
        ("power rule", ""),
        ("constant factor rule", "factor 2"),
    ]
    assert steps(sp.exp(-(u**2)), u)[0].detail == "outer exp(v), inner v = -u**2"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (sp.zeta(x, 2), "there is no rule for zeta in argument 1"),
        (sp.Add(*[sp.sin(k * x) for k in range(1, 80)]), "more than 100 steps"),
    ],
)
def test_refusals(formula: Any, message: str) -> None:
    with pytest.raises(DiffmagicError, match=message):
        steps(formula, x)
