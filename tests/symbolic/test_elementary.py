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
        found += [(case.name, case.exact, point, case.moving, case.part) for point in case.points[:2] if not case.plain]
    found += [
        ("lambertw", lambda x, k, tolerance: mp.lambertw(x, int(k)), (0.3, 0, 0), [0], None),
        ("lambertw", lambda x, k, tolerance: mp.lambertw(x, int(k)), (-0.2, -1, 0), [0], None),
        ("i0", lambda x: mp.besseli(0, x), (0.7,), [0], None),
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
    """30 digits. SymPy does not evaluate the inverse of erfc."""
    formula = formula.subs({PI: sp.pi}).replace(sp.erfcinv, lambda x: sp.erfinv(1 - x))
    found = mpmath.mpmathify(formula.evalf(45, subs=given))
    assert abs(found - mp.re(expected)) <= mpf(10) ** -30 * max(abs(expected), 1)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (2.0, "2"),
        (0.5, "1/2"),
        (-0.75, "-3/4"),
        (0.1, "0.1"),
        (1e25, "1.0e+25"),
        (1 / 3, "0.333333333333333"),
        (np.pi, "pi"),
        (2 * np.pi, "2*pi"),
        (np.pi / 4, "pi/4"),
        (np.float32(0.1), "0.100000001490116"),
        (3 - 2j, "3 - 2*I"),
        (True, "1"),
        (np.inf, "oo"),
    ],
)
def test_numbers_are_exact_and_readable(number: Any, written: str) -> None:
    assert text(exact(number)) == written
    if np.isfinite(number) and not isinstance(number, complex):
        assert exact(number).subs(PI, sp.Rational(np.pi)) == sp.Rational(float(number))


def test_fractions_stay_fractions() -> None:
    x = sp.Symbol("x", real=True)
    assert text(readable(exact(0.1) * x / 3 + x**3 / 3628800)) == "x**3/3628800 + 0.0333333333333333*x"
