"""SciPy's special functions: each against mpmath, and none of them without a derivative or a refusal."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

from diffmagic import DiffmagicError, derivative, grad, jvp, trace, vjp
from diffmagic.core.primitives import PRIMITIVES, public_name

mp, mpf = mpmath.mp, mpmath.mpf
inf = math.inf

UFUNCS = {f.__name__: f for f in vars(special).values() if isinstance(f, np.ufunc)}
CONSTANT = {"round", "gammasgn"}
REFUSED = {
    "airye",
    "elliprg",
    "elliprj",
    "kolmogi",
    "kolmogorov",
    "smirnov",
    "smirnovi",
    "zetac",
    "bdtrik",
    "bdtrin",
    "btdtria",
    "btdtrib",
    "chdtriv",
    "chndtridf",
    "chndtrinc",
    "fdtridfd",
    "gdtrib",
    "nbdtrik",
    "nbdtrin",
    "ncfdtr",
    "ncfdtri",
    "ncfdtridfd",
    "ncfdtridfn",
    "ncfdtrinc",
    "nctdtr",
    "nctdtridf",
    "nctdtrinc",
    "nctdtrit",
    "pdtrik",
    "stdtridf",
    "mathieu_a",
    "mathieu_b",
    "mathieu_cem",
    "mathieu_sem",
    "mathieu_modcem1",
    "mathieu_modcem2",
    "mathieu_modsem1",
    "mathieu_modsem2",
    "obl_ang1",
    "obl_ang1_cv",
    "obl_cv",
    "obl_rad1",
    "obl_rad1_cv",
    "obl_rad2",
    "obl_rad2_cv",
    "pro_ang1",
    "pro_ang1_cv",
    "pro_cv",
    "pro_rad1",
    "pro_rad1_cv",
    "pro_rad2",
    "pro_rad2_cv",
}


class At(float):
    """An operand that does not move."""


@dataclass(frozen=True)
class Case:
    """A function, the same function in mpmath, operands for it, and how exact the derivatives of both orders are."""

    name: str
    exact: Callable[..., Any]
    points: tuple[tuple[float, ...], ...]
    first: float = 1e-12
    second: float = 1e-8
    part: int | None = None
    plain: Callable[..., Any] | None = None
    integral: bool = False

    @property
    def moving(self) -> list[int]:
        return [k for k, x in enumerate(self.points[0]) if not isinstance(x, At)]

    def function(self, point: tuple[float, ...]) -> Callable[..., Any]:
        """The function of its moving operands; the others are as they are in a point."""

        def f(*moved: Any) -> Any:
            supply = iter(moved)
            operands = [int(x) if x == int(x) else float(x) for x in point]
            operands = [next(supply) if k in self.moving else x for k, x in enumerate(operands)]
            y = (self.plain or getattr(special, self.name))(*operands)
            return y if self.part is None else y[self.part]

        return f

    def __repr__(self) -> str:
        return self.name if self.part is None else f"{self.name}[{self.part}]"


CASES: list[Case] = []


def case(name: str, exact: Callable[..., Any], *points: Any, **options: Any) -> None:
    """Declare a function of one operand by numbers, of several by tuples."""
    CASES.append(Case(name, exact, tuple(p if isinstance(p, tuple) else (p,) for p in points), **options))


def several(name: str, exacts: list[Callable[..., Any]], *points: Any, **options: Any) -> None:
    for part, exact in enumerate(exacts):
        case(name, exact, *points, part=part, **options)


def solved(f: Callable[..., Any], guess: Callable[..., Any]) -> Callable[..., Any]:
    """The inverse of a function of mpmath in its last operand, from a close guess."""

    def inverse(value: Any, *others: Any) -> Any:
        start = mpf(float(guess(float(value), *map(float, others))))
        return mp.findroot(lambda x: f(*others, x) - value, (start, start * (1 + mpf(10) ** -9)))

    return inverse


# Exponentials, logarithms and powers.

case("exp2", lambda x: mpf(2) ** x, 0.3, -5.0)
case("exp10", lambda x: mpf(10) ** x, 0.3, -5.0)
case("expm1", mp.expm1, 1e-9, 0.3, -40.0)
case("exprel", lambda x: mp.expm1(x) / x, 1e-9, -1e-4, 0.3, 2.0, 100.0, -3.0, -300.0)
case("log1p", mp.log1p, 1e-9, 3.0, -0.99)
case("cbrt", lambda x: mp.sign(x) * mp.cbrt(abs(x)), 0.3, -5.0)
case("powm1", lambda a, b: a**b - 1, (1.0001, 0.3), (3.0, -1.5))
for _name, _log in (("boxcox", mp.log), ("boxcox1p", mp.log1p)):
    case(_name, lambda x, p, log=_log: mp.expm1(p * log(x)) / p, (2.5, 1e-9), (0.3, 0.7), (30.0, -1.5), (1.01, 8.0))
case("inv_boxcox", lambda x, p: (1 + p * x) ** (1 / p), (2.5, 1e-9), (0.3, 0.7), (-0.6, 1.5), (2.0, 8.0))
case("inv_boxcox1p", lambda x, p: (1 + p * x) ** (1 / p) - 1, (2.5, 1e-9), (0.3, 0.7), (-0.6, 1.5), (2.0, 8.0))
case(
    "wrightomega",
    lambda x: mp.lambertw(mp.exp(x)).real,
    *(0.3, 20.0, -30.0),
)
_branch = lambda k: lambda x: special.lambertw(x, k).real
case("lambertw", lambda x: mp.lambertw(x).real, 0.3, 1e-9, 1e8, -0.2, plain=_branch(0))
case("lambertw", lambda x: mp.lambertw(x, -1).real, -0.2, -1e-9, plain=_branch(-1))

# Degrees.

case("sindg", lambda x: mp.sin(mp.radians(x)), 0.3, 75.0, 4000.0)
case("cosdg", lambda x: mp.cos(mp.radians(x)), 0.3, 75.0, 4000.0)
case("tandg", lambda x: mp.tan(mp.radians(x)), 0.3, 75.0, 130.0)
case("cotdg", lambda x: mp.cot(mp.radians(x)), 0.3, 75.0, 130.0)
case("cosm1", lambda x: mp.cos(x) - 1, 1e-9, 2.0)
case("radian", lambda d, m, s: mp.radians(d + m / 60 + s / 3600), (3.0, 20.0, 10.0))

# The logistic function, entropies and losses.

_logistic = lambda x: 1 / (1 + mp.exp(-x))
case("expit", _logistic, 0.3, -30.0, 30.0)
case("logit", lambda x: mp.log(x / (1 - x)), 0.3, 1e-9, 1 - 1e-9)
case("log_expit", lambda x: mp.log(_logistic(x)), 0.3, -30.0, 30.0)
case("xlogy", lambda a, b: a * mp.log(b), (0.3, 2.0), (5.0, 1e-9), (-2.0, 0.7))
case("xlog1py", lambda a, b: a * mp.log1p(b), (0.3, 2.0), (5.0, 1e-9), (-2.0, -0.7))
case("entr", lambda x: -x * mp.log(x), 0.3, 1e-9, 20.0)
case("rel_entr", lambda a, b: a * mp.log(a / b), (0.3, 2.0), (5.0, 5.0 + 1e-7), (20.0, 1e-9))
case("kl_div", lambda a, b: a * mp.log(a / b) - a + b, (0.3, 2.0), (5.0, 5.0 + 1e-7), (20.0, 1e-9))
case("huber", lambda d, r: r * r / 2 if abs(r) < d else d * (abs(r) - d / 2), (1.0, 0.3), (1.0, -3.0), (2.0, 5.0))
case("pseudo_huber", lambda d, r: d * d * (mp.hypot(1, r / d) - 1), (1.0, 0.3), (5.0, -1e-3), (2.0, 50.0))

# Error functions and the normal distribution.

_wide = 0.3, -1.0, 3.0, 9.9, 10.1, -4.0
_dawson = lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)
_log_ndtr = lambda x: mp.log(mp.ncdf(x))
case("erf", mp.erf, *_wide)
case("erfc", mp.erfc, *_wide)
case("erfi", mp.erfi, *_wide)
case("erfcx", lambda x: mp.exp(x * x) * mp.erfc(x), *_wide, 30.0, 1e4)
case("dawsn", _dawson, *_wide, 30.0, -30.0, 1e4)
case("wofz", lambda x: mp.exp(-x * x), *_wide[:3], plain=lambda x: np.real(special.wofz(x)))
case("wofz", lambda x: 2 / mp.sqrt(mp.pi) * _dawson(x), *_wide[:3], plain=lambda x: np.imag(special.wofz(x)))
case("erfinv", mp.erfinv, 0.3, 1e-9, -0.9, 0.999)
case("erfcinv", lambda x: mp.erfinv(1 - x), 0.3, 1e-9, 1.9, 0.999)
case("ndtr", mp.ncdf, *_wide)
case("ndtri", lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), 0.3, 0.5001, 1e-9, 0.99)
case("log_ndtr", _log_ndtr, 0.3, 5.0, 9.0, -1e-9, -5.0, -30.0, -1e3)
case("ndtri_exp", solved(_log_ndtr, special.ndtri_exp), -0.3, -1e-3, -5.0, -300.0)


def _owens_t(h: Any, a: Any) -> Any:
    return mp.quad(lambda x: mp.exp(-h * h * (1 + x * x) / 2) / (1 + x * x), [0, a]) / (2 * mp.pi)


case("owens_t", _owens_t, (-1.3, 0.7))
case("nrdtrimn", lambda p, sd, x: x - sd * mp.sqrt(2) * mp.erfinv(2 * p - 1), (0.3, 2.0, 1.0), (0.9, 0.5, -3.0))
case("nrdtrisd", lambda m, p, x: (x - m) / (mp.sqrt(2) * mp.erfinv(2 * p - 1)), (0.3, 0.7, 1.0), (0.9, 0.2, -3.0))

# The gamma function and its relatives.

_around = 0.3, 1.0, 7.5, 30.0, -0.7, -3.2
case("gamma", mp.gamma, *_around)
case("rgamma", mp.rgamma, *_around, 0.0, -1.0, -3.0, -3.0 + 1e-9, 0.5, 1e-9)
case("gammaln", lambda x: mp.log(abs(mp.gamma(x))), *_around, 1e8)
case("loggamma", mp.loggamma, *_around[:4], 1e8)
case("psi", mp.digamma, *_around, 1e8)
_pairs = (0.3, 0.7), (2.0, 30.0), (1e6, 2.0), (0.01, 1e6)
case("beta", mp.beta, *_pairs[:2])
case("betaln", lambda a, b: mp.log(mp.beta(a, b)), *_pairs)
case("poch", mp.rf, (0.3, 0.7), (5.0, -1.5), (1e6, 2.0), (2.0, 1e-3), (-0.4, 2.0))
case("binom", mp.binomial, (10.5, 3.2), (10.5, 10.4), (200.0, 2.5), (-0.4, 2.2))
case("zeta", mp.zeta, (At(3.0), 0.3), (At(1.5), 20.0))

# Incomplete gamma and beta functions, and the distributions that they are.

_below = lambda a, x: mp.gammainc(a, 0, x, regularized=True)
_above = lambda a, x: mp.gammainc(a, x, regularized=True)
_share = lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True)
_rest = lambda a, b, x: mp.betainc(a, b, x, 1, regularized=True)
_shapes = [(At(0.3), 0.2), (At(2.5), 4.0), (At(12.0), 9.0), (At(1000.0), 1020.0)]
_levels = [(At(0.3), 0.2), (At(2.5), 0.7), (At(12.0), 0.4), (At(1000.0), 0.8)]
case("gammainc", _below, *_shapes)
case("gammaincc", _above, *_shapes)
case(
    "gammaincinv", lambda a, p: solved(lambda x: _below(a, x), lambda p: special.gammaincinv(float(a), p))(p), *_levels
)
case(
    "gammainccinv",
    lambda a, p: solved(lambda x: _above(a, x), lambda p: special.gammainccinv(float(a), p))(p),
    *_levels,
)
case("chdtr", lambda v, x: _below(v / 2, x / 2), *_shapes)
case("chdtrc", lambda v, x: _above(v / 2, x / 2), *_shapes)
case("chdtri", lambda v, p: solved(lambda x: _above(v / 2, x / 2), lambda p: special.chdtri(float(v), p))(p), *_levels)
_counts = [(At(0.0), 0.2), (At(2.0), 4.0), (At(12.0), 9.0), (At(100.0), 120.0)]
case("pdtr", lambda k, m: _above(k + 1, m), *_counts)
case("pdtrc", lambda k, m: _below(k + 1, m), *_counts)
case("pdtri", lambda k, p: solved(lambda m: _above(k + 1, m), lambda p: special.pdtri(int(k), p))(p), (At(2.0), 0.7))
_scaled = [(0.7, At(2.5), 4.0), (2.0, At(30.0), 14.0)]
case("gdtr", lambda a, b, x: _below(b, a * x), *_scaled)
case("gdtrc", lambda a, b, x: _above(b, a * x), *_scaled)
_gamma_quantile = lambda b, p: solved(lambda x: _below(b, x), lambda p: special.gammaincinv(float(b), p))(p)
case("gdtria", lambda p, b, x: _gamma_quantile(b, p) / x, (0.3, At(2.5), 4.0), (0.8, At(30.0), 14.0))
case("gdtrix", lambda a, b, p: _gamma_quantile(b, p) / a, (0.7, At(2.5), 0.3), (2.0, At(30.0), 0.8))
_mixtures = [
    (At(0.5), At(2.5), 0.3),
    (At(12.0), At(20.0), 0.4),
    (At(0.7), At(30.0), 0.01),
    (At(300.0), At(200.0), 0.62),
]
case("betainc", _share, *_mixtures)
case("betaincc", _rest, *_mixtures)
_beta_quantile = lambda a, b, p: solved(lambda x: _share(a, b, x), lambda p: special.betaincinv(float(a), float(b), p))(
    p
)
case("betaincinv", _beta_quantile, *_mixtures)
case("betainccinv", lambda a, b, p: _beta_quantile(a, b, 1 - p), *_mixtures)
_trials = [(At(2.0), At(7.0), 0.3), (At(30.0), At(70.0), 0.4), (At(0.0), At(7.0), 0.1)]
case("bdtr", lambda k, n, p: _rest(k + 1, n - k, p), *_trials)
case("bdtrc", lambda k, n, p: _share(k + 1, n - k, p), *_trials)
case("bdtri", lambda k, n, q: _beta_quantile(k + 1, n - k, 1 - q), *_trials)
case("nbdtr", lambda k, n, p: _share(n, k + 1, p), *_trials)
case("nbdtrc", lambda k, n, p: _rest(n, k + 1, p), *_trials)
case("nbdtri", lambda k, n, q: _beta_quantile(n, k + 1, q), *_trials)
_ratios = [(At(3.0), At(7.0), 0.3), (At(30.0), At(40.0), 1.2)]
_fisher = lambda n, d, x: _share(n / 2, d / 2, n * x / (n * x + d))
case("fdtr", _fisher, *_ratios)
case("fdtrc", lambda n, d, x: 1 - _fisher(n, d, x), *_ratios)
case(
    "fdtri",
    lambda n, d, p: solved(lambda x: _fisher(n, d, x), lambda p: special.fdtri(float(n), float(d), p))(p),
    *((At(3.0), At(7.0), 0.3), (At(30.0), At(40.0), 0.6)),
)


def _student(df: Any, t: Any) -> Any:
    tail = _share(df / 2, mpf(1) / 2, df / (df + t * t)) / 2
    return tail if t < 0 else 1 - tail


case("stdtr", _student, (At(2.5), 0.3), (At(30.0), -4.0), (At(1e4), 2.0))
case(
    "stdtrit",
    lambda df, p: solved(lambda t: _student(df, t), lambda p: special.stdtrit(float(df), p))(p),
    *((At(2.5), 0.3), (At(30.0), 0.99)),
)


def _noncentral(x: Any, df: Any, shift: Any) -> Any:
    half = shift / 2
    return mp.exp(-half) * sum(half**j / mp.factorial(j) * _below(df / 2 + j, x / 2) for j in range(40))


case("chndtr", _noncentral, (0.3, At(2.5), 0.7), (8.0, At(5.0), 6.0))
case(
    "chndtrix",
    lambda p, df, shift: solved(
        lambda x: _noncentral(x, df, shift), lambda p: special.chndtrix(p, float(df), float(shift))
    )(p),
    (0.3, At(2.5), 0.7),
)
case(
    "tklmbda",
    lambda x, s: solved(lambda p: (p**s - (1 - p) ** s) / s, lambda x: special.tklmbda(x, float(s)))(x),
    *((0.3, At(0.5)), (-0.7, At(-0.4)), (0.2, At(3.0))),
)

# Integrals.

case("expi", mp.ei, 0.3, 20.0, -3.0)
case("exp1", mp.e1, 0.3, 20.0)
case("expn", mp.expint, (At(0.0), 0.7), (At(1.0), 0.7), (At(4.0), 9.0))
case("spence", lambda x: mp.polylog(2, 1 - x).real, 0.3, 1e-9, 0.9999, 1.0001, 1.8, 30.0)
several("sici", [mp.si, mp.ci], 1e-5, 0.3, 20.0)
several("shichi", [mp.shi, mp.chi], 1e-5, 0.3, 20.0)
several("fresnel", [mp.fresnels, mp.fresnelc], 1e-5, 0.3, 4.8)


def _modulus(sign: int, x: Any) -> Any:
    root = mp.exp(-1j * sign * mp.pi / 4)
    return mp.sqrt(mp.pi) / 2 / root * mp.erfc(root * x)


for _name, _sign in (("modfresnelp", 1), ("modfresnelm", -1)):
    case(
        _name,
        lambda x, s=_sign: _modulus(s, x).real,
        0.3,
        3.0,
        plain=lambda x, f=_name: np.real(getattr(special, f)(x)[0]),
    )
    case(
        _name,
        lambda x, s=_sign: (_modulus(s, x) * mp.exp(-1j * s * (x * x + mp.pi / 4))).imag / mp.sqrt(mp.pi),
        *(0.3, 3.0),
        plain=lambda x, f=_name: np.imag(getattr(special, f)(x)[1]),
    )

# Bessel functions.

_orders = [(At(0.0), 0.7), (At(1.0), 5.0), (At(2.5), 0.3), (At(-0.4), 9.0)]
_whole = [(At(0.0), 0.7), (At(1.0), 5.0), (At(4.0), 3.0)]
case("jv", mp.besselj, *_orders, (At(1.0), 1e-6))
case("yv", mp.bessely, *_orders)
case("iv", mp.besseli, *_orders)
case("kv", mp.besselk, *_orders)
case("jve", mp.besselj, *_orders)
case("yve", mp.bessely, *_orders)
case("yn", mp.bessely, *_whole)
case("kn", mp.besselk, *_whole)
for _kind, _f in (("j", mp.besselj), ("y", mp.bessely), ("i", mp.besseli), ("k", mp.besselk)):
    for _n in (0, 1):
        case(f"{_kind}{_n}", lambda x, f=_f, n=_n: f(n, x), 0.3, 5.0)
for _kind in (1, 2):
    _hankel = lambda v, x, s=3 - 2 * _kind: mp.besselj(v, x) + 1j * s * mp.bessely(v, x)
    case(
        f"hankel{_kind}",
        lambda v, x, f=_hankel: f(v, x).imag,
        *_orders,
        plain=lambda v, x, f=_kind: np.imag(getattr(special, f"hankel{f}")(v, x)),
    )
    case(
        f"hankel{_kind}e",
        lambda v, x, f=_hankel, s=3 - 2 * _kind: (f(v, x) * mp.exp(-1j * s * x)).real,
        *_orders,
        plain=lambda v, x, f=_kind: np.real(getattr(special, f"hankel{f}e")(v, x)),
    )
_ive = lambda v, x: mp.exp(-abs(x)) * mp.besseli(v, x)
_kve = lambda v, x: mp.exp(x) * mp.besselk(v, x)
_far = [(At(0.0), 31.0), (At(1.0), 1e4), (At(2.5), 1e7)]
case("ive", _ive, *_orders, *_far, (At(1.0), -3.0), (At(2.0), -50.0), (At(3.0), -50.0))
case("kve", _kve, *_orders[2:], *_far[2:])
for _n in (0, 1):
    case(f"i{_n}e", lambda x, n=_n: _ive(n, x), 0.3, 5.0, 30.0, 1e3, 1e6, -3.0, -50.0)
    case(f"k{_n}e", lambda x, n=_n: _kve(n, x), 0.3, 1e6)
case("np.i0", lambda x: mp.besseli(0, x), 0.3, 5.0, -3.0, plain=np.i0)

# Functions that are known by their differential equations.

several(
    "airy",
    [mp.airyai, lambda x: mp.airyai(x, derivative=1), mp.airybi, lambda x: mp.airybi(x, derivative=1)],
    *(0.3, 5.0, -4.0),
)
for _name, _f, _g in (("ber", mp.ber, mp.bei), ("ker", mp.ker, mp.kei)):  # the slopes are of order 1
    _other = _name[:-2] + "ei" if _name[0] == "b" else "kei"
    _parts = {
        _name: lambda x, f=_f: f(0, x),
        _other: lambda x, g=_g: g(0, x),
        f"{_name}p": lambda x, f=_f, g=_g: (f(1, x) + g(1, x)) / mp.sqrt(2),
        f"{_other}p": lambda x, f=_f, g=_g: (g(1, x) - f(1, x)) / mp.sqrt(2),
    }
    for _k, (_part, _h) in enumerate(_parts.items()):
        case(_part, _h, 0.3, 5.0)
        _place = 2 * (_k // 2) + (_name == "ker")
        _side = np.imag if _k % 2 else np.real
        case("kelvin", _h, 0.3, plain=lambda x, k=_place, side=_side: side(special.kelvin(x)[k]))
case("struve", mp.struveh, *_orders)
case("modstruve", mp.struvel, *_orders)
several("pbdv", [mp.pcfd, lambda v, x: mp.diff(lambda t: mp.pcfd(v, t), x)], (At(1.5), 0.3), (At(-0.4), 2.0))
_pbvv = lambda v, x: mp.pcfv(-v - mpf(1) / 2, x)
several("pbvv", [_pbvv, lambda v, x: mp.diff(lambda t: _pbvv(v, t), x)], (At(1.5), 0.3), (At(-0.4), 2.0))
case("pbwa", mp.pcfw, (At(1.5), 0.3), (At(-0.4), 2.0), part=0)
case("pbwa", lambda a, x: mp.diff(lambda t: mp.pcfw(a, t), x), (At(1.5), 0.3), part=1)

# Integrals of these, whose slopes are what is integrated.

several("itj0y0", [lambda x: mp.besselj(0, x), lambda x: mp.bessely(0, x)], 0.3, 3.0, integral=True)
several("iti0k0", [lambda x: mp.besseli(0, x), lambda x: mp.besselk(0, x)], 0.3, 3.0, integral=True)
several(
    "it2j0y0",
    [lambda x: (1 - mp.besselj(0, x)) / x, lambda x: -mp.bessely(0, x) / x],
    *(1e-5, 0.3, 3.0),
    integral=True,
)
several(
    "it2i0k0",
    [lambda x: (mp.besseli(0, x) - 1) / x, lambda x: -mp.besselk(0, x) / x],
    *(1e-5, 0.3, 3.0),
    integral=True,
)
several(
    "itairy",
    [mp.airyai, mp.airybi, lambda x: mp.airyai(-x), lambda x: mp.airybi(-x)],
    *(0.3, 3.0),
    integral=True,
)
case("itstruve0", lambda x: mp.struveh(0, x), 0.3, 3.0, integral=True)
case("it2struve0", lambda x: -mp.struveh(0, x) / x, 0.3, 3.0, integral=True)
case("itmodstruve0", lambda x: mp.struvel(0, x), 0.3, 3.0, integral=True)
case(
    "besselpoly",
    lambda a, p, v: mp.quad(lambda x: x**p * mp.besselj(v, 2 * a * x), [0, 1]),
    *((0.7, At(1.0), At(0.0)), (2.0, At(2.0), At(1.0))),
)

# Hypergeometric functions.

case("hyp0f1", mp.hyp0f1, (At(1.5), 0.3), (At(0.7), -8.0))
case("hyp1f1", mp.hyp1f1, (At(1.5), At(2.5), 0.3), (At(0.7), At(3.0), -8.0))
case("hyp2f1", mp.hyp2f1, (At(1.5), At(0.4), At(2.2), 0.3), (At(1.0), At(0.7), At(3.0), -8.0))
case("hyperu", mp.hyperu, (At(1.5), At(0.4), 0.3), (At(2.0), At(1.0), 8.0))


def _wright(a: Any, b: Any, x: Any) -> Any:
    return mp.nsum(lambda k: x**k * mp.rgamma(k + 1) * mp.rgamma(a * k + b), [0, mp.inf])


case("wright_bessel", _wright, (At(0.5), At(1.5), 0.3), (At(1.0), At(2.0), 4.0))
case("log_wright_bessel", lambda *z: mp.log(_wright(*z)), (At(0.5), At(1.5), 0.3), (At(1.0), At(2.0), 4.0))

# Elliptic integrals.

_moduli = 0.3, 1e-9, -5.0, 0.99, -1e4
_angles = (0.3, 0.7), (1.2, -3.0), (-5.0, 0.4), (0.7, 1e-3)
case("ellipk", mp.ellipk, *_moduli)
case("ellipe", mp.ellipe, *_moduli)
case("ellipkm1", lambda p: mp.ellipk(1 - p), 0.3, 1e-9, 1e-30, 5.0)
case("ellipkinc", mp.ellipf, *_angles)
case("ellipeinc", mp.ellipe, *_angles)
several(
    "ellipj",
    [lambda u, m, k=k: mp.ellipfun(k, u, m=m) for k in ("sn", "cn", "dn")],
    *((0.3, 0.7), (1.2, 0.2), (5.0, 0.4)),
)
_triples = (0.3, 1.5, 2.0), (3.0, 0.1, 0.7)
case("elliprf", mp.elliprf, *_triples)
case("elliprd", mp.elliprd, *_triples)
case("elliprc", mp.elliprc, (0.3, 1.5), (3.0, 0.1))
case("agm", mp.agm, (0.3, 1.5), (3.0, 1e-6))

# Orthogonal polynomials.

_degrees = [(At(0.0), 0.3), (At(1.0), -0.4), (At(5.0), 0.7), (At(2.5), 0.3)]
case("eval_chebyt", mp.chebyt, *_degrees)
case("eval_chebyu", mp.chebyu, *_degrees)
case("eval_chebyc", lambda n, x: 2 * mp.chebyt(n, x / 2), *_degrees)
case("eval_chebys", lambda n, x: mp.chebyu(n, x / 2), *_degrees)
case("eval_sh_chebyt", lambda n, x: mp.chebyt(n, 2 * x - 1), *_degrees[:1], *_degrees[2:])
case("eval_sh_chebyu", lambda n, x: mp.chebyu(n, 2 * x - 1), *_degrees[:1], *_degrees[2:])
case("eval_legendre", mp.legendre, *_degrees)
case("eval_sh_legendre", lambda n, x: mp.legendre(n, 2 * x - 1), *_degrees[:1], *_degrees[2:])
case("eval_hermite", mp.hermite, *_degrees[:3])
case("eval_hermitenorm", lambda n, x: mp.hermite(n, x / mp.sqrt(2)) / mp.sqrt(2) ** n, *_degrees[:3])
case("eval_laguerre", lambda n, x: mp.laguerre(n, 0, x), *_degrees)
case("eval_genlaguerre", mp.laguerre, (At(0.0), At(0.5), 0.3), (At(5.0), At(0.5), 0.7), (At(2.5), At(1.5), 0.3))
case("eval_gegenbauer", mp.gegenbauer, (At(0.0), At(0.7), 0.3), (At(5.0), At(0.7), 0.7), (At(2.5), At(1.5), 0.3))
_jacobi = [(At(0.0), At(0.7), At(0.4), 0.3), (At(5.0), At(0.7), At(1.4), 0.7), (At(2.5), At(1.5), At(0.4), 0.3)]
case("eval_jacobi", mp.jacobi, *_jacobi)
case(
    "eval_sh_jacobi",
    lambda n, p, q, x: mp.jacobi(n, p - q, q - 1, 2 * x - 1) / mp.binomial(2 * n + p - 1, n),
    *((At(0.0), At(1.7), At(0.4), 0.3), (At(4.0), At(2.7), At(1.4), 0.7)),
)
_associated = [(At(0.0), At(3.0), 0.3), (At(1.0), At(2.0), -0.4), (At(2.0), At(5.0), 0.9)]
case(
    "lpmv",
    lambda m, v, x: (-1) ** int(m) * (1 - x * x) ** (m / 2) * mp.diff(lambda t: mp.legendre(v, t), x, int(m)),
    *_associated,
)


def _voigt(x: Any, sigma: Any, gamma: Any) -> Any:
    z = (x + 1j * gamma) / (mp.sqrt(2) * sigma)
    return (mp.exp(-z * z) * mp.erfc(-1j * z)).real / (sigma * mp.sqrt(2 * mp.pi))


case("voigt_profile", _voigt, (0.3, 0.7, 0.4), (2.0, 1.5, 0.1))

each = pytest.mark.parametrize("known", CASES, ids=repr)


def exact(known: Case, point: tuple[float, ...], orders: list[int]) -> float:
    """A partial derivative, from 50 digits."""
    with mpmath.workdps(50):
        numbers = tuple(mpf(float(x)) for x in point)
        if known.integral:
            return float(mp.diff(known.exact, numbers[0], orders[0] - 1))
        found = mp.re(mp.diff(known.exact, numbers, tuple(orders)))
        return float(found) if abs(found) > mpf(10) ** -40 or sum(orders) == 1 else 0.0


def orders(known: Case, point: tuple[float, ...], *places: int) -> list[int]:
    return [places.count(k) for k in range(len(point))]


def unit(known: Case, place: int) -> tuple[float, ...]:
    return tuple(float(place == k) for k in known.moving)


def moved(known: Case, point: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(point[k]) for k in known.moving)


@each
def test_forward_against_mpmath(known):
    for point in known.points:
        f, x = known.function(point), moved(known, point)
        for place in known.moving:
            value, found = jvp(f, x, unit(known, place))
            np.testing.assert_array_equal(value, f(*x))
            reference = exact(known, point, orders(known, point, place))
            assert found == pytest.approx(reference, rel=known.first, abs=1e-300), point


@each
def test_reverse_agrees_with_forward(known):
    for point in known.points:
        f, x = known.function(point), moved(known, point)
        _, pullback = vjp(f, *x)
        for place, back in zip(known.moving, pullback(1.0), strict=True):
            assert back == pytest.approx(jvp(f, x, unit(known, place))[1], rel=1e-14, abs=1e-300)


@each
def test_second_derivatives_against_mpmath(known):
    for point in known.points:
        f, x = known.function(point), moved(known, point)
        for a, b in itertools.combinations_with_replacement(known.moving, 2):
            found = jvp(lambda *z, f=f, a=a: jvp(f, z, unit(known, a))[1], x, unit(known, b))[1]
            reference = exact(known, point, orders(known, point, a, b))
            assert found == pytest.approx(reference, rel=known.second, abs=0 if reference else 1e-15), point


@each
def test_broadcasting_repeats_the_derivative(known):
    point = known.points[0]
    f, x = known.function(point), moved(known, point)
    shapes = [(2, 1), (3,), (1, 3), (2, 3)][: len(x)]
    arrays = [np.full(shape, number) for shape, number in zip(shapes, x, strict=True)]
    value, pullback = vjp(f, *arrays)
    for place, back, array in zip(known.moving, pullback(np.ones(np.shape(value))), arrays, strict=True):
        assert back.shape == array.shape
        one = jvp(f, x, unit(known, place))[1]
        np.testing.assert_allclose(back, one * np.size(value) / array.size, rtol=1e-14, atol=1e-300)
    _, tangent = jvp(f, tuple(arrays), tuple(np.ones_like(array) for array in arrays))
    np.testing.assert_allclose(tangent, np.full(np.shape(value), jvp(f, x, (1.0,) * len(x))[1]), rtol=1e-13)


@each
def test_large_arrays_keep_what_the_slopes_read(known):
    """A gradient lets go of large operands that no partial reads."""
    point = known.points[0]
    f, x = known.function(point), moved(known, point)
    arrays = [np.full(8200, number) for number in x]
    found = grad(lambda *z: np.sum(f(*z)), argnums=tuple(range(len(x))))(*arrays)
    for place, part in zip(known.moving, found, strict=True):
        np.testing.assert_allclose(part, jvp(f, x, unit(known, place))[1], rtol=1e-13, atol=1e-300)


@each
@pytest.mark.filterwarnings("ignore::DeprecationWarning:scipy", "ignore:non-integer:DeprecationWarning")
def test_single_precision_stays_single(known):
    point = known.points[0]
    f = known.function(point)
    x = tuple(np.full(2, number, np.float32) for number in moved(known, point))
    value, tangent = jvp(f, x, tuple(np.ones_like(part) for part in x))
    assert np.result_type(tangent) == np.result_type(value) == np.result_type(f(*x))
    back = vjp(f, *x)[1](np.ones_like(value))
    assert all(part.dtype == np.float32 for part in back)
    _, double = jvp(f, moved(known, point), (1.0,) * len(x))
    np.testing.assert_allclose(tangent, np.full(2, double), rtol=2e-4)


# Where a formula could stop short.

SPECIAL_POINTS = [
    (special.expit, 800.0, 0.0, 0.0),
    (special.expit, -800.0, 0.0, 0.0),
    (special.expit, 200.0, math.exp(-200.0), -math.exp(-200.0)),
    (special.log_expit, 800.0, 0.0, 0.0),
    (special.log_expit, -800.0, 1.0, 0.0),
    (special.logit, 0.0, inf, -inf),
    (special.logit, 1.0, inf, inf),
    (special.erf, 40.0, 0.0, 0.0),
    (special.erf, inf, 0.0, None),
    (special.erfc, 40.0, 0.0, 0.0),
    (special.erfcx, -40.0, -inf, None),
    (special.erfcx, inf, 0.0, None),
    (special.dawsn, inf, 0.0, None),
    (special.log_ndtr, 60.0, 0.0, 0.0),
    (special.log_ndtr, -1e10, 1e10, -1.0),
    (special.log_ndtr, 0.0, math.sqrt(2 / math.pi), -2 / math.pi),
    (special.ndtri, 0.0, inf, None),
    (special.entr, 0.0, inf, -inf),
    (special.exprel, 0.0, 1 / 2, 1 / 3),
    (special.exprel, -1e5, 1e-10, 2e-15),
    (special.spence, 1.0, -1.0, 1 / 2),
    (special.cosm1, 0.0, 0.0, -1.0),
    (special.i0e, 0.0, 0.0, None),
    (special.i0, 0.0, 0.0, 1 / 2),
    (special.i1, 0.0, 1 / 2, 0.0),
    (special.j1, 0.0, 1 / 2, 0.0),
    (special.j0, 0.0, 0.0, -1 / 2),
    (special.ellipk, 0.0, math.pi / 8, 9 * math.pi / 64),
    (special.ellipe, 0.0, -math.pi / 8, -3 * math.pi / 64),
    (special.ellipk, 1.0, inf, inf),
    (special.ber, 0.0, 0.0, 0.0),
    (special.bei, 0.0, 0.0, 1 / 2),
    (special.rgamma, -170.0, math.gamma(171.0), None),
    (special.gammaln, -1e-12, 1e12 - 0.5772156649, None),
    (lambda x: special.lambertw(x).real, 0.0, 1.0, -2.0),
    (lambda x: special.sici(x)[0], 0.0, 1.0, 0.0),
    (lambda x: special.shichi(x)[0], 0.0, 1.0, 0.0),
    (lambda x: special.it2j0y0(x)[0], 0.0, 0.0, 1 / 4),
    (lambda x: special.xlogy(x, 0.0), 0.0, -inf, None),
    (lambda x: special.xlogy(x, 2.0), 0.0, math.log(2.0), 0.0),
    (lambda x: special.xlogy(0.0, x), 0.0, 0.0, None),
    (lambda x: special.xlogy(x, x), 0.5, math.log(0.5) + 1, 2.0),
    (lambda x: special.xlog1py(0.0, x), -1.0, 0.0, None),
    (lambda x: special.rel_entr(0.0, x), 0.0, 0.0, None),
    (lambda x: special.rel_entr(x, 2.0), 0.0, -inf, inf),
    (lambda x: special.kl_div(x, 2.0), 2.0, 0.0, 1 / 2),
    (lambda x: special.kl_div(2.0, x), 2.0, 0.0, 1 / 2),
    (lambda x: special.huber(1.0, x), 0.0, 0.0, 1.0),
    (lambda x: special.huber(1.0, x), 1.0, 1.0, 1 / 2),
    (lambda x: special.huber(1.0, x), -7.0, -1.0, 0.0),
    (lambda x: special.pseudo_huber(2.0, x), 0.0, 0.0, 1.0),
    (lambda x: special.pseudo_huber(x, 3.0), 0.0, 3.0, -2.0),
    (lambda x: special.boxcox(2.0, x), 0.0, math.log(2.0) ** 2 / 2, math.log(2.0) ** 3 / 3),
    (lambda x: special.boxcox(0.0, x), 2.0, 1 / 4, -1 / 4),
    (lambda x: special.inv_boxcox(2.0, x), 0.0, -2 * math.exp(2.0), None),
    (lambda x: special.gammainc(1.0, x), 0.0, 1.0, -1.0),
    (lambda x: special.gammainc(2.0, x), 0.0, 0.0, None),
    (lambda x: special.gammainc(30.0, x), 0.0, 0.0, 0.0),
    (lambda x: special.gammainc(0.5, x), 0.0, inf, None),
    (lambda x: special.betainc(1.0, 3.0, x), 0.0, 3.0, -6.0),
    (lambda x: special.betainc(3.0, 1.0, x), 1.0, 3.0, 6.0),
    (lambda x: special.betainc(30.0, 40.0, x), 1.0, 0.0, 0.0),
    (lambda x: special.stdtr(inf, x), 0.0, 1 / math.sqrt(2 * math.pi), 0.0),
    (lambda x: special.tklmbda(x, 3.0), 5.0, 0.0, 0.0),
    (lambda x: special.chndtr(1.0, 2.0, x), 0.0, -math.exp(-0.5) / 4, None),
    (lambda x: special.ellipkinc(math.pi / 2, x), 0.0, math.pi / 8, None),
    (lambda x: special.ellipkinc(x, 1.0), 0.3, 1 / math.cos(0.3), math.tan(0.3) / math.cos(0.3)),
    (lambda x: special.jv(0, x), 0.0, 0.0, -1 / 2),
    (lambda x: special.jv(2, x), 0.0, 0.0, 1 / 4),
    (lambda x: special.iv(1, x), 0.0, 1 / 2, 0.0),
    (lambda x: special.eval_legendre(3, x), 1.0, 6.0, 15.0),
    (lambda x: special.eval_chebyt(0, x), 1.0, 0.0, 0.0),
    (lambda x: special.eval_hermite(1, x), 0.3, 2.0, 0.0),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::diffmagic.DiffmagicNote")
@pytest.mark.parametrize(("f", "x", "first", "second"), SPECIAL_POINTS, ids=range(len(SPECIAL_POINTS)))
def test_special_points(f, x, first, second):
    for found in (derivative(f)(x), grad(f)(x)):
        assert found == pytest.approx(first, rel=1e-14, abs=1e-16)
    if second is not None:
        for found in (derivative(f, 2)(x), grad(grad(f))(x)):
            assert found == pytest.approx(second, rel=1e-12, abs=1e-15)


# Every ufunc has a derivative, is constant, or is refused.


def test_every_ufunc_is_in_one_place():
    derivative(special.erf)(0.3)  # loads the rules
    ruled = {name for name, f in UFUNCS.items() if f in PRIMITIVES}
    assert ruled - CONSTANT == {known.name for known in CASES if known.name in UFUNCS}
    assert ruled >= CONSTANT
    assert UFUNCS.keys() - ruled == REFUSED
    assert all(PRIMITIVES[UFUNCS[name]].differentiable == (name not in CONSTANT) for name in ruled)


def outcome(f: Callable[..., Any], x: float) -> Any:
    """The gradient, or the refusal of it."""
    try:
        return grad(f)(x)
    except DiffmagicError as error:
        return error


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_no_ufunc_has_a_fourth_outcome(name):
    ufunc = UFUNCS[name]
    whole = name.startswith("eval_hermite")
    refusals = 0
    for k in range(ufunc.nin):

        def f(x: Any, k: int = k) -> Any:
            results = ufunc(*[x if j == k else 2 if whole else 0.5 for j in range(ufunc.nin)])
            return sum(np.real(part) for part in (results if ufunc.nout > 1 else [results]))

        if whole and k == 0:
            continue
        slope = outcome(f, 0.4)
        if isinstance(slope, DiffmagicError):
            refusals += 1
            assert slope.reason.startswith(f"scipy.special.{name} has no derivative")
            assert slope.rewrite
            assert slope.location is not None
            assert "ufunc(" in slope.location.text
        else:
            assert isinstance(slope, float)
            assert name not in CONSTANT or slope == 0
    assert (refusals == ufunc.nin) == (name in REFUSED)


def test_an_operand_without_a_rule_is_refused_in_both_modes():
    f = lambda v: special.jv(v, 0.3)
    for transformed in (derivative(f), grad(f), grad(lambda v: derivative(lambda x: special.jv(v, x))(0.3))):
        with pytest.raises(DiffmagicError, match=r"scipy\.special\.jv has no derivative in v here"):
            transformed(1.5)
    with pytest.raises(DiffmagicError, match=r"pbdv has no derivative in v"):
        grad(lambda v: special.pbdv(v, 0.3)[0])(1.5)
    with pytest.raises(DiffmagicError, match=r"scipy\.special\.zeta has no derivative in x"):
        grad(special.zeta)(1.5)
    with pytest.raises(DiffmagicError, match=r"psi of complex numbers"):
        grad(lambda x: np.real(grad(lambda y: np.real(special.loggamma(y * (1 + 1j))))(x)))(1.5)


@pytest.mark.parametrize("option", ["out", "where", "dtype"])
@pytest.mark.parametrize("f", [special.erf, special.xlogy, special.sici, special.pbdv], ids=public_name)
def test_options_are_refused(f, option):
    value = {"out": (np.zeros(4),) * f.nout, "where": np.ones(4, bool), "dtype": np.float32}[option]
    with pytest.raises(DiffmagicError, match=option):
        grad(lambda x: np.sum(f(*[x] * f.nin, **{option: value})))(np.ones(4))


def test_complex_operands():
    """The slope along the real axis, by a step along the imaginary one."""
    for f in (special.erf, special.erfcx, special.wofz, special.gamma, special.rgamma, special.dawsn, special.spence):
        for z in (0.6 + 0.4j, 1.2 - 0.3j):
            found = derivative(lambda x, f=f, z=z: np.imag(f(x * z)))(1.0)
            step = 1e-5
            near = [np.imag(f(z * (1 + k * step))) for k in (-2, -1, 1, 2)]
            assert found == pytest.approx((near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * step), rel=1e-9)


def test_names_are_those_of_scipy():
    program = trace(lambda x: special.log1p(special.erf(x)) + special.lambertw(x).real, 0.3)
    assert "scipy.special.erf(" in str(program)
    assert "scipy.special.log1p(" in str(program)
    assert "scipy.special.lambertw(" in str(program)
    assert public_name(np.log1p) == "np.log1p"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def test_rules_are_loaded_when_a_function_is_called():
    start = "import sys, numpy as np, diffmagic, scipy.special as s; at = 'diffmagic.core.primitives.special'; "
    assert run(start + "diffmagic.grad(np.exp)(0.3); print(at in sys.modules)") == "False"
    assert run(start + "diffmagic.grad(s.expit)(0.3); print(at in sys.modules)") == "True"


def test_np_i0_needs_scipy():
    start = "import sys; sys.modules['scipy'] = None\nimport numpy as np, diffmagic\n"
    tried = (
        "try: diffmagic.grad(np.i0)(0.3)\nexcept diffmagic.DiffmagicError as error: print(error.reason, error.rewrite)"
    )
    assert "np.i0 has no derivative without SciPy" in run(start + tried)
    assert run("import numpy as np, diffmagic; print(diffmagic.grad(np.i0)(0.0))") == "0.0"
