"""NumPy's, Python's and SciPy's elementwise functions as SymPy writes them: one line each, by the function's name.

They are written for reading. What is exact on paper may lose digits in floating point, where NumPy has a function of
its own for that reason: `expm1` is written exp(x) - 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.str import StrPrinter

from diffmagic.core.mutation import COMPLEX
from diffmagic.core.primitives import Primitive

PI = sp.Symbol("pi", positive=True)
"""The double that programs know as π. It differs from π, so it is not SymPy's."""

_HOMES = ("np", "math", "cmath", "scipy.special")
_HALF = sp.Rational(1, 2)


def written(primitive: Primitive) -> Callable[..., Any] | None:
    """The function of SymPy's expressions that an elementwise primitive is, if there is one."""
    if primitive is COMPLEX:
        return lambda real, imag: real + sp.I * imag
    if primitive.function is float:
        return lambda x: x
    home, _, name = primitive.name.rpartition(".")
    return FUNCTIONS.get(name) if home in _HOMES else None


def exact(value: Any) -> Any:
    """A number without loss: every double is a rational number. That which stands for π is written so."""
    if isinstance(value, complex | np.complexfloating):
        return exact(value.real) + sp.I * exact(value.imag)
    if isinstance(value, bool | int | np.integer | np.bool_):
        return sp.Integer(int(value))
    number = float(value)
    if not np.isfinite(number):
        return sp.nan if np.isnan(number) else sp.oo if number > 0 else -sp.oo
    turns = number / np.pi
    if 1 / 64 <= abs(turns) <= 64 and np.log2(abs(turns)) % 1 == 0:  # then the product is exact
        return sp.Rational(turns) * PI
    return sp.Rational(number)


class Abs(sp.Abs):  # type: ignore[misc]
    """The absolute value of what is real in the program, even where SymPy cannot know: |log x|."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        return sp.Abs(x) if x.is_extended_real else None

    def _eval_derivative(self, symbol: Any) -> Any:
        return sign(self.args[0]) * self.args[0].diff(symbol)


class sign(sp.sign):  # type: ignore[misc]  # noqa: N801
    """The sign of what is real in the program, which is constant almost everywhere."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        return sp.sign(x) if x.is_extended_real else None

    def _eval_derivative(self, symbol: Any) -> Any:
        return sp.S.Zero


def _choice(function: Any) -> Callable[..., Any]:
    """The larger or smaller of two, which SymPy need not compare."""
    return lambda a, b: function(a, b, evaluate=a.is_Number and b.is_Number)


_larger, _smaller = _choice(sp.Max), _choice(sp.Min)


def _huber(d: Any, size: Any) -> Any:
    inner = _smaller(size, d)
    return inner * (size - inner / 2)


def _norm(*legs: Any) -> Any:
    return sp.sqrt(sp.Add(*[leg**2 for leg in legs]))


def _normal(x: Any) -> Any:
    return sp.erfc(-x / sp.sqrt(2)) / 2


FUNCTIONS: dict[str, Callable[..., Any]] = {
    # Arithmetic.
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "fma": lambda a, b, c: a * b + c,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    **dict.fromkeys(["power", "float_power", "pow"], lambda a, b: a**b),
    "sqrt": sp.sqrt,
    "cbrt": lambda x: sign(x) * sp.cbrt(Abs(x)),
    "ldexp": lambda x, e: x * 2**e,
    # Exponentials and logarithms.
    "exp": sp.exp,
    "exp2": lambda x: 2**x,
    "exp10": lambda x: 10**x,
    "expm1": lambda x: sp.exp(x) - 1,
    "exprel": lambda x: (sp.exp(x) - 1) / x,
    "log": sp.log,
    "log2": lambda x: sp.log(x) / sp.log(2),
    "log10": lambda x: sp.log(x) / sp.log(10),
    "log1p": lambda x: sp.log(1 + x),
    "logaddexp": lambda a, b: sp.log(sp.exp(a) + sp.exp(b)),
    "logaddexp2": lambda a, b: sp.log(2**a + 2**b) / sp.log(2),
    "softplus": lambda x: sp.log(1 + sp.exp(x)),
    "expit": lambda x: 1 / (1 + sp.exp(-x)),
    "log_expit": lambda x: -sp.log(1 + sp.exp(-x)),
    "logit": lambda x: sp.log(x / (1 - x)),
    "xlogy": lambda a, b: a * sp.log(b),
    "xlog1py": lambda a, b: a * sp.log(1 + b),
    "entr": lambda x: -x * sp.log(x),
    "rel_entr": lambda a, b: a * sp.log(a / b),
    "kl_div": lambda a, b: a * sp.log(a / b) - a + b,
    "boxcox": lambda x, p: (x**p - 1) / p,
    "boxcox1p": lambda x, p: ((1 + x) ** p - 1) / p,
    "inv_boxcox": lambda x, p: (1 + p * x) ** (1 / p),
    "inv_boxcox1p": lambda x, p: (1 + p * x) ** (1 / p) - 1,
    "powm1": lambda a, b: a**b - 1,
    "lambertw": lambda x, branch, tolerance: sp.LambertW(x, branch),
    "wrightomega": lambda x: sp.LambertW(sp.exp(x)),
    "huber": lambda d, r: _huber(d, Abs(r)),
    "pseudo_huber": lambda d, r: d**2 * (sp.sqrt(1 + (r / d) ** 2) - 1),
    # Trigonometric and hyperbolic functions, and their inverses.
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    **dict.fromkeys(["arcsin", "asin"], sp.asin),
    **dict.fromkeys(["arccos", "acos"], sp.acos),
    **dict.fromkeys(["arctan", "atan"], sp.atan),
    **dict.fromkeys(["arctan2", "atan2"], sp.atan2),
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    **dict.fromkeys(["arcsinh", "asinh"], sp.asinh),
    **dict.fromkeys(["arccosh", "acosh"], sp.acosh),
    **dict.fromkeys(["arctanh", "atanh"], sp.atanh),
    "hypot": _norm,
    "sinc": lambda x: sp.sinc(PI * x),
    **dict.fromkeys(["deg2rad", "radians"], lambda x: x * PI / 180),
    **dict.fromkeys(["rad2deg", "degrees"], lambda x: x * 180 / PI),
    "sindg": lambda x: sp.sin(x * PI / 180),
    "cosdg": lambda x: sp.cos(x * PI / 180),
    "tandg": lambda x: sp.tan(x * PI / 180),
    "cotdg": lambda x: 1 / sp.tan(x * PI / 180),
    "cosm1": lambda x: sp.cos(x) - 1,
    # Absolute value, sign and choices.
    "fabs": Abs,
    "sign": sign,
    "copysign": lambda a, b: Abs(a) * sign(b),
    **dict.fromkeys(["maximum", "fmax"], _larger),
    **dict.fromkeys(["minimum", "fmin"], _smaller),
    "clip": lambda x, low, high: _smaller(_larger(x, low), high),
    # Error functions and the normal distribution.
    "erf": sp.erf,
    "erfc": sp.erfc,
    "erfi": sp.erfi,
    "erfinv": sp.erfinv,
    "erfcinv": sp.erfcinv,
    "erfcx": lambda x: sp.exp(x**2) * sp.erfc(x),
    "dawsn": lambda x: sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x),
    "ndtr": _normal,
    "log_ndtr": lambda x: sp.log(_normal(x)),
    "ndtri": lambda p: sp.sqrt(2) * sp.erfinv(2 * p - 1),
    # The gamma function and its relatives.
    "gamma": sp.gamma,
    "rgamma": lambda x: 1 / sp.gamma(x),
    **dict.fromkeys(["gammaln", "lgamma", "loggamma"], sp.loggamma),
    **dict.fromkeys(["psi", "digamma"], lambda x: sp.polygamma(0, x)),
    "beta": sp.beta,
    "betaln": lambda a, b: sp.loggamma(a) + sp.loggamma(b) - sp.loggamma(a + b),
    "poch": lambda a, m: sp.gamma(a + m) / sp.gamma(a),
    "binom": lambda n, k: sp.gamma(n + 1) / (sp.gamma(k + 1) * sp.gamma(n - k + 1)),
    "zeta": lambda x, q=sp.S.One: sp.zeta(x, q),
    "gammainc": lambda a, x: sp.lowergamma(a, x) / sp.gamma(a),
    "gammaincc": lambda a, x: sp.uppergamma(a, x) / sp.gamma(a),
    # Integrals.
    "expi": sp.Ei,
    "exp1": lambda x: sp.expint(1, x),
    "expn": sp.expint,
    "sici": lambda x: (sp.Si(x), sp.Ci(x)),
    "shichi": lambda x: (sp.Shi(x), sp.Chi(x)),
    "fresnel": lambda x: (sp.fresnels(x), sp.fresnelc(x)),
    "ellipk": sp.elliptic_k,
    "ellipe": sp.elliptic_e,
    "ellipkinc": sp.elliptic_f,
    "ellipeinc": sp.elliptic_e,
    # Bessel functions.
    **dict.fromkeys(["jv", "jn"], sp.besselj),
    **dict.fromkeys(["yv", "yn"], sp.bessely),
    "iv": sp.besseli,
    **dict.fromkeys(["kv", "kn"], sp.besselk),
    "j0": lambda x: sp.besselj(0, x),
    "j1": lambda x: sp.besselj(1, x),
    "y0": lambda x: sp.bessely(0, x),
    "y1": lambda x: sp.bessely(1, x),
    "i0": lambda x: sp.besseli(0, x),
    "i1": lambda x: sp.besseli(1, x),
    "k0": lambda x: sp.besselk(0, x),
    "k1": lambda x: sp.besselk(1, x),
    "ive": lambda v, x: sp.exp(-Abs(x)) * sp.besseli(v, x),
    "i0e": lambda x: sp.exp(-Abs(x)) * sp.besseli(0, x),
    "i1e": lambda x: sp.exp(-Abs(x)) * sp.besseli(1, x),
    "kve": lambda v, x: sp.exp(x) * sp.besselk(v, x),
    "k0e": lambda x: sp.exp(x) * sp.besselk(0, x),
    "k1e": lambda x: sp.exp(x) * sp.besselk(1, x),
    "airy": lambda x: (sp.airyai(x), sp.airyaiprime(x), sp.airybi(x), sp.airybiprime(x)),
    # Hypergeometric functions and orthogonal polynomials.
    "hyp0f1": lambda b, x: sp.hyper((), (b,), x),
    "hyp1f1": lambda a, b, x: sp.hyper((a,), (b,), x),
    "hyp2f1": lambda a, b, c, x: sp.hyper((a, b), (c,), x),
    "eval_legendre": sp.legendre,
    "eval_chebyt": sp.chebyshevt,
    "eval_chebyu": sp.chebyshevu,
    "eval_hermite": sp.hermite,
    "eval_hermitenorm": lambda n, x: sp.expand(2 ** (-n * _HALF) * sp.hermite(n, x / sp.sqrt(2))),
    "eval_laguerre": sp.laguerre,
    "eval_genlaguerre": sp.assoc_laguerre,
    "eval_gegenbauer": sp.gegenbauer,
    "eval_jacobi": sp.jacobi,
}
"""Several results are a tuple."""


def readable(expression: Any, digits: int = 15) -> Any:
    """An expression with its numbers as people write them: 1/3 and 3/4 stay, what 0.1 stands for becomes 0.1."""
    return expression.xreplace({r: sp.Float(float(r), digits) for r in expression.atoms(sp.Rational) if _is_long(r)})


def text(expression: Any) -> str:
    """An expression in one line, as Python writes it, and derivatives that are still to be taken as d/dx[…]."""
    return str(_Text({"full_prec": False}).doprint(readable(expression)))


class _Text(StrPrinter):  # type: ignore[misc]
    def _print_Derivative(self, left: Any) -> str:  # noqa: N802
        return f"d/d{left.variables[0]}[{self._print(left.expr)}]"


def _is_long(number: Any) -> bool:
    p, q = abs(number.p), number.q
    return bool(p > 10**15 if q == 1 else max(p, q) > 10**9 or (q > 64 and q & (q - 1) == 0))
