"""Every function that SymPy knows: its formula and the derivative of that, against mpmath at 30 digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

from diffmagic.symbolic.calculus import derivative
from diffmagic.symbolic.elementary import FUNCTIONS, PI, exact, readable, text
from tests.core.primitives.samples import BINARY, UNARY
from tests.core.primitives.test_special import CASES

mp, mpf = mpmath.mp, mpmath.mpf

Point = tuple[float, ...]

ALIASES = {
    "arcsin": ["asin"],
    "arccos": ["acos"],
    "arctan": ["atan"],
    "arctan2": ["atan2"],
    "arcsinh": ["asinh"],
    "arccosh": ["acosh"],
    "arctanh": ["atanh"],
    "power": ["pow"],
    "gammaln": ["lgamma"],
    "psi": ["digamma"],
    "jv": ["jn"],
}


def _cases() -> dict[str, tuple[str, Callable[..., Any], tuple[Any, ...], list[int], int | None]]:
    """By name: the function, the same in mpmath, a point, the operands that move, and which of several results."""
    found = []
    for function, known in UNARY.items():
        points = [x for x in (0.43, -0.7, 1.37) if known.holds(x)]
        found += [(function.__name__, known.exact, (x,), [0], None) for x in points]
    for function, reference in BINARY.items():
        found.append((function.__name__, reference, (1.7, 0.4), [0, 1], None))
    for case in CASES:
        branches = 1 if case.name == "lambertw" and "-1" not in repr(case.points) else 0
        points = case.points[:2] if case.name != "lambertw" else [(x, branches - 1, 0) for (x,) in case.points[:1]]
        found += [(case.name, case.exact, point, case.moving, case.part) for point in points]
    found += [
        ("sign", mp.sign, (0.7,), [0], None),
        ("clip", lambda x, low, high: min(max(x, low), high), (0.7, 0.1, 1.9), [0, 1, 2], None),
        ("clip", lambda x, low, high: min(max(x, low), high), (2.7, 0.1, 1.9), [0, 1, 2], None),
        ("ldexp", lambda x, e: x * mpf(2) ** e, (0.7, 3), [0], None),
        ("fma", lambda a, b, c: a * b + c, (0.7, 1.3, -0.4), [0, 1, 2], None),
        ("softplus", lambda x: mp.log1p(mp.exp(x)), (0.7,), [0], None),
    ]
    aliases = [(alias, *rest) for name, *rest in found for alias in ALIASES.get(name, [])]
    known = [case for case in [*found, *aliases] if case[0] in FUNCTIONS]
    return {f"{case[0]}-{k}": case for k, case in enumerate(known)}


CASES_BY_NAME = _cases()


def test_every_function_has_a_case() -> None:
    assert {case[0] for case in CASES_BY_NAME.values()} == set(FUNCTIONS)


@pytest.mark.parametrize("case", CASES_BY_NAME.values(), ids=CASES_BY_NAME)
def test_value_and_derivatives(case: Any) -> None:
    name, reference, point, moving, part = case
    symbols = sp.symbols("a b c d", real=True)[: len(point)]
    operands = [symbol if k in moving else exact(x) for k, (symbol, x) in enumerate(zip(symbols, point, strict=True))]
    formula = FUNCTIONS[name](*operands)
    formula = formula if part is None else formula[part]
    given = dict(zip(symbols, [sp.Rational(float(x)) for x in point], strict=True))
    with mp.workdps(60):
        numbers = [mpf(float(x)) for x in point]
        same(formula, given, reference(*numbers))
        for k in moving:
            orders = tuple(int(k == place) for place in range(len(point)))
            same(derivative(formula, symbols[k]), given, mp.diff(reference, tuple(numbers), orders))


def same(formula: Any, given: dict[Any, Any], expected: Any) -> None:
    """30 digits."""
    found = mpmath.mpmathify(sp.N(formula.subs({PI: sp.pi}).subs(given), 40))
    assert abs(found - mp.re(expected)) <= mpf(10) ** -30 * max(abs(expected), 1)
