"""Expressions as functions of numbers: in double precision, and to as many digits as one likes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from diffmagic.core.errors import DiffmagicError
from diffmagic.symbolic.elementary import PI, readable

_PLAIN = set(NumPyPrinter().known_functions) | {"Max", "Min", "Heaviside", "sinc", "Abs"}
DIGITS = 30
"""Of values that are called exact."""

_HIGHEST = 800


def numerical(symbols: Sequence[Any], expressions: Sequence[Any]) -> Callable[..., list[Any]]:
    """A function of numbers, and of traced numbers, that computes expressions; what they share it computes once."""
    expressions = [readable(one, 17) for one in expressions]
    names = {type(part).__name__ for one in expressions for part in one.atoms(sp.Function)}
    modules: list[Any] = [{"Heaviside": np.heaviside}, "numpy"]
    if names - _PLAIN:
        modules = [{"Heaviside": np.heaviside} | _special(), "scipy", "numpy"]
    made = sp.lambdify([*symbols, PI], expressions, modules, cse=True, dummify=True)

    def function(*numbers: Any) -> list[Any]:
        try:
            with np.errstate(all="ignore"):
                return list(made(*[np.float64(n) if type(n) is float else n for n in numbers], math.pi))
        except NameError as error:
            reason = f"the formula needs {error.name}, which neither NumPy nor SciPy has"
            raise DiffmagicError(reason, rewrite="%%grad, which needs no formula") from None

    return function


@functools.cache
def _special() -> dict[str, Any]:
    """SciPy's names for what SymPy calls otherwise."""
    from scipy import special

    def polygamma(n: int, x: Any) -> Any:
        return special.psi(x) if n == 0 else (-1) ** (n + 1) * math.factorial(n) * special.zeta(n + 1.0, x)

    def hyper(above: tuple[Any, ...], below: tuple[Any, ...], x: Any) -> Any:
        return getattr(special, f"hyp{len(above)}f{len(below)}")(*above, *below, x)

    return {
        "polygamma": polygamma,
        "hyper": hyper,
        "expint": special.expn,
        "Shi": lambda x: special.shichi(x)[0],
        "Chi": lambda x: special.shichi(x)[1],
        "elliptic_k": special.ellipk,
        "elliptic_f": special.ellipkinc,
        "elliptic_e": lambda *phi_m: special.ellipe(*phi_m) if len(phi_m) == 1 else special.ellipeinc(*phi_m),
    }


def to_digits(symbols: Sequence[Any], expressions: Sequence[Any], point: Sequence[float]) -> list[Any]:
    """The values of expressions at exactly these doubles, rounded once 30 digits are known.

    The working precision is raised until the digits stay as they are, so cancellation costs time and not digits.

    Returns
    -------
    list of float or complex
    """
    made = sp.lambdify([*symbols, PI], expressions, [_EXACT, "mpmath"], cse=True, dummify=True)
    found: list[Any] = []
    precision = DIGITS + 20
    while precision <= _HIGHEST:
        with mpmath.workdps(precision):
            try:
                before, found = found, [mpmath.mpmathify(one) for one in made(*map(mpmath.mpf, [*point, math.pi]))]
            except (ArithmeticError, ValueError, NameError):
                break
            if before and all(_agree(a, b) for a, b in zip(before, found, strict=True)):
                return [complex(one) if isinstance(one, mpmath.mpc) else float(one) for one in found]
        precision *= 2
    raise DiffmagicError(f"the formula cannot be evaluated to {DIGITS} digits here", rewrite="another point")


def _agree(a: Any, b: Any) -> bool:
    return bool(a == b or abs(a - b) <= mpmath.mpf(10) ** -DIGITS * abs(b) or max(abs(a), abs(b)) < 1e-60)


_EXACT = {
    "Heaviside": lambda x, at_zero: at_zero if x == 0 else mpmath.mpf(int(x > 0)),
    "Max": lambda *x: max(x),
    "Min": lambda *x: min(x),
    "erfcinv": lambda x: mpmath.erfinv(1 - x),
    "airyaiprime": lambda x: mpmath.airyai(x, derivative=1),
    "airybiprime": lambda x: mpmath.airybi(x, derivative=1),
}
"""What SymPy does not write for mpmath."""
