"""The ufuncs of SciPy's special functions, with one partial derivative per operand.

This file is loaded when such a function is first called on a traced value, so diffmagic itself does not import SciPy.
`y` is the result; a string stands for an operand in which the derivative has no formula, and names it. The partials are
written in SciPy's functions, so they can be traced again. Numbers such as 10.6.1 are equations of the NIST Digital
Library of Mathematical Functions, https://dlmf.nist.gov.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special
from scipy.special import _ufuncs

from diffmagic.core.primitives import Rule, constant, define, define_kernel, implements
from diffmagic.core.tracing import Tracer, apply, refuse

_ROOT_PI = math.sqrt(math.pi)
_ROOT_2PI = math.sqrt(2 * math.pi)
_DEGREE = math.pi / 180


def _define_results(function: Any, *slopes: Rule) -> None:
    """Declare a function of one operand and several results, by ``slope(y, x)`` of each."""

    def push(i: int, t: Any, y: Any, x: Any) -> Any:
        return tuple(t * slope(y, x) for slope in slopes)

    def pull(i: int, g: Any, y: Any, x: Any) -> Any:
        return sum(part * slope(y, x) for part, slope in zip(g, slopes, strict=True) if part is not None)

    define_kernel(function, push=push, pull=pull)


def _horner(coefficients: list[float], z: Any) -> Any:
    total: Any = 0.0
    for coefficient in reversed(coefficients):
        total = total * z + coefficient
    return total


def _real_operand(name: str, x: Any) -> None:
    if np.iscomplexobj(x):
        refuse(f"scipy.special.{name} of complex numbers has no such derivative here", "real operands")


# Exponentials, logarithms and powers.


def _exprel_slope(x: Any) -> Any:
    """The derivative of (eˣ - 1)/x, by 13.3.15 for 1F1(1; 2; x)."""
    return special.hyp1f1(2.0, 3.0, x) / 2


def _boxcox_rate(power: Any, log: Any) -> Any:
    """The derivative of (e^(power log) - 1)/power with respect to the power."""
    at_zero = np.logical_and(np.isinf(log), np.greater(power, 0))
    log, inverse = np.where(at_zero, 0.0, log), 1 / np.where(at_zero, power, 1.0)
    return np.where(at_zero, np.square(inverse), np.square(log) * _exprel_slope(power * log))


def _inv_boxcox_rate(power: Any, x: Any) -> Any:
    """The derivative of log(1 + power x)/power with respect to the power, by 15.5.1 for x 2F1(1, 1; 2; -power x)."""
    return -np.square(x) * special.hyp2f1(2.0, 2.0, 3.0, -power * x) / 2


define(special.exp2, lambda y, x: y * math.log(2))
define(special.exp10, lambda y, x: y * math.log(10))
define(special.expm1, lambda y, x: np.exp(x))
define(special.exprel, lambda y, x: _exprel_slope(x))
define(special.log1p, lambda y, x: np.reciprocal(1 + x))
define(special.cbrt, lambda y, x: np.reciprocal(3 * y * y))
define(special.powm1, lambda y, a, b: b * np.power(a, b - 1.0), lambda y, a, b: special.xlogy(y + 1, a))
define(special.boxcox, lambda y, x, p: np.power(x, p - 1.0), lambda y, x, p: _boxcox_rate(p, np.log(x)))
define(special.boxcox1p, lambda y, x, p: np.power(1 + x, p - 1.0), lambda y, x, p: _boxcox_rate(p, np.log1p(x)))
define(special.inv_boxcox, lambda y, x, p: y / (1 + p * x), lambda y, x, p: y * _inv_boxcox_rate(p, x))
define(special.inv_boxcox1p, lambda y, x, p: (y + 1) / (1 + p * x), lambda y, x, p: (y + 1) * _inv_boxcox_rate(p, x))
define(special.wrightomega, lambda y, x: y / (1 + y))
define(_ufuncs._lambertw, lambda y, x, k, tol: np.exp(-y) / (1 + y), "k", "tol").name = "scipy.special.lambertw"

# Degrees.

define(special.sindg, lambda y, x: _DEGREE * special.cosdg(x))
define(special.cosdg, lambda y, x: -_DEGREE * special.sindg(x))
define(special.tandg, lambda y, x: _DEGREE * (1 + y * y))
define(special.cotdg, lambda y, x: -_DEGREE * (1 + y * y))
define(special.cosm1, lambda y, x: -np.sin(x))
define(special.radian, lambda y, d, m, s: _DEGREE, lambda y, d, m, s: _DEGREE / 60, lambda y, d, m, s: _DEGREE / 3600)

# The logistic function.

define(special.expit, lambda y, x: y * special.expit(-x))
define(special.logit, lambda y, x: np.reciprocal(x) + np.reciprocal(1 - x))
define(special.log_expit, lambda y, x: special.expit(-x))

# Entropies and losses.


def _quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where both are 0, as x log y is."""
    both = np.logical_and(np.equal(x, 0), np.equal(y, 0))
    return np.where(both, 0.0, x / np.where(both, 1.0, y))


def _log_ratio(x: Any, y: Any) -> Any:
    """log(x / y), by their difference where they are close."""
    close = np.less(np.abs(x - y), 0.5 * y)
    return np.where(close, np.log1p(np.where(close, x - y, 0.0) / y), np.log(np.where(close, 1.0, x / y)))


define(special.xlogy, lambda y, a, b: np.log(b), lambda y, a, b: _quotient(a, b))
define(special.xlog1py, lambda y, a, b: np.log1p(b), lambda y, a, b: _quotient(a, 1 + b))
define(special.entr, lambda y, x: -1 - np.log(x))
define(special.rel_entr, lambda y, a, b: 1 + _log_ratio(a, b), lambda y, a, b: -_quotient(a, b))
define(special.kl_div, lambda y, a, b: _log_ratio(a, b), lambda y, a, b: (b - a) / b)
define(special.huber, lambda y, d, r: np.maximum(np.abs(r) - d, 0.0), lambda y, d, r: np.clip(r, -d, d))


def _pseudo_huber_width(y: Any, d: Any, r: Any) -> Any:
    """The derivative of d(√(d² + r²) - d), without their difference."""
    root = np.hypot(d, r)
    return np.square(r / (d + root)) * r / root * r


define(special.pseudo_huber, _pseudo_huber_width, lambda y, d, r: r / np.hypot(1.0, r / d))

# Error functions and the normal distribution. Where x is large, 1 - 2xF(x) and the like are what is left of a
# difference, and the asymptotic series 7.12.1 stands in for it.

_DOUBLE_FACTORIALS = [0.0, *(float(math.prod(range(1, 2 * k, 2))) for k in range(1, 14))]


def _beyond(x: Any, sign: float, series: float, direct: Any) -> Any:
    """`direct`, and for real x far out the sum of (2k-1)!! (sign / 2x²)ᵏ times `series`."""
    if np.iscomplexobj(x):
        return direct
    far = np.greater(x if sign < 0 else np.abs(x), 10.0)
    return np.where(
        far,
        series * _horner(_DOUBLE_FACTORIALS, 0.5 * sign / np.square(np.where(far, x, 10.0))),
        np.where(far, 0.0, direct),
    )


def _normal(x: Any) -> Any:
    return np.exp(-0.5 * x * x) / _ROOT_2PI


def _hazard(x: Any) -> Any:
    """The density over the distribution function of the normal distribution."""
    if np.iscomplexobj(x):
        return _normal(x) / special.ndtr(x)
    low = np.less(x, 0)
    tail = math.sqrt(2) / (_ROOT_PI * special.erfcx(np.where(low, -x, 0.0) / math.sqrt(2)))
    return np.where(low, tail, _normal(x) / special.ndtr(np.where(low, 0.0, x)))


define(special.erf, lambda y, x: 2 / _ROOT_PI * np.exp(-x * x))
define(special.erfc, lambda y, x: -2 / _ROOT_PI * np.exp(-x * x))
define(special.erfi, lambda y, x: 2 / _ROOT_PI * np.exp(x * x))
define(special.erfcx, lambda y, x: _beyond(x, -1.0, 2 / _ROOT_PI, 2 * x * y - 2 / _ROOT_PI))
define(special.dawsn, lambda y, x: _beyond(x, 1.0, -1.0, 1 - 2 * x * y))
define(special.wofz, lambda y, x: 2j / _ROOT_PI - 2 * x * y)
define(special.erfinv, lambda y, x: _ROOT_PI / 2 * np.exp(y * y))
define(special.erfcinv, lambda y, x: -_ROOT_PI / 2 * np.exp(y * y))
define(special.ndtr, lambda y, x: _normal(x))
define(special.ndtri, lambda y, x: _ROOT_2PI * np.exp(0.5 * y * y))
define(special.log_ndtr, lambda y, x: _hazard(x))
define(special.ndtri_exp, lambda y, x: 1 / _hazard(y))
define(
    special.owens_t,
    lambda y, h, a: -0.5 * _normal(h) * special.erf(a * h / math.sqrt(2)),
    lambda y, h, a: np.exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
)
define(
    special.nrdtrimn,
    lambda y, p, sd, x: -sd * _ROOT_2PI * np.exp(0.5 * np.square((x - y) / sd)),
    lambda y, p, sd, x: (y - x) / sd,
    1,
)
define(
    special.nrdtrisd,
    lambda y, mean, p, x: -1 / special.ndtri(p),
    lambda y, mean, p, x: -y * _ROOT_2PI * np.exp(0.5 * np.square(special.ndtri(p))) / special.ndtri(p),
    lambda y, mean, p, x: 1 / special.ndtri(p),
)

# The gamma function and its relatives.


def _trigamma(x: Any) -> Any:
    _real_operand("psi", x)
    return special.zeta(2.0, x)


def _rgamma_slope(y: Any, x: Any) -> Any:
    """Left of 1/2 by reflection, 5.5.3, so that the zeros of 1/Γ have their slopes."""
    if np.iscomplexobj(x):
        return -y * special.psi(x)
    left = np.less(x, 0.5)
    turn = np.where(left, x, 0.0)
    nearest = np.rint(turn)
    sign, angle, z = 1 - 2 * np.remainder(nearest, 2), math.pi * (turn - nearest), 1 - turn
    reflected = sign * special.gamma(z) * (np.cos(angle) - np.sin(angle) * special.psi(z) / math.pi)
    return np.where(left, reflected, -y * special.psi(np.where(left, 1.0, x)))


_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6]


def _psi_step(x: Any, h: Any) -> Any:
    """ψ(x + h) - ψ(x): for positive operands ten steps of 5.5.2 up, and 5.11.2 there, by differences of its terms."""
    positive = np.logical_and(np.greater(x, 0), np.greater(x + h, 0))
    a, d = np.where(positive, x, 1.0), np.where(positive, h, 1.0)
    total: Any = 0.0
    for k in range(10):
        total = total + d / (a + k) / (a + d + k)
    a = a + 10
    log = np.log1p(d / a)
    total = total + log + 0.5 * d / a / (a + d)
    for k, number in enumerate(_BERNOULLI, start=1):
        total = total - number / (2 * k) * np.power(a, -2.0 * k) * np.expm1(-2 * k * log)
    return np.where(
        positive, total, special.psi(np.where(positive, 1.0, x + h)) - special.psi(np.where(positive, 1.0, x))
    )


define(special.gamma, lambda y, x: y * special.psi(x))
define(special.rgamma, _rgamma_slope)
define(special.gammaln, lambda y, x: special.psi(x))
define(special.loggamma, lambda y, x: special.psi(x))
define(special.psi, lambda y, x: _trigamma(x))
define(special.beta, lambda y, a, b: -y * _psi_step(a, b), lambda y, a, b: -y * _psi_step(b, a))
define(special.betaln, lambda y, a, b: -_psi_step(a, b), lambda y, a, b: -_psi_step(b, a))
define(special.poch, lambda y, a, m: y * _psi_step(a, m), lambda y, a, m: y * special.psi(a + m))
define(
    special.binom,
    lambda y, n, k: y * _psi_step(n - k + 1.0, k),
    lambda y, n, k: y * _psi_step(k + 1.0, n - 2.0 * k),
)
define(_ufuncs._zeta, "x", lambda y, x, q: -x * special.zeta(x + 1, q)).name = "scipy.special.zeta"
if hasattr(_ufuncs, "_riemann_zeta"):
    define(_ufuncs._riemann_zeta, "x").name = "scipy.special.zeta"

# Incomplete gamma and beta functions, and the distributions that they are. Their densities are computed by the
# deviation from the mean where the parameters are large: C. Loader, "Fast and accurate computation of binomial
# probabilities", 2000.

_STIRLING = [number / (2 * k * (2 * k - 1)) for k, number in enumerate(_BERNOULLI, start=1)]


def _stirling(a: Any) -> Any:
    """log Γ(a) - (a - 1/2) log a + a - log(2π)/2 for a > 10, by 5.11.1."""
    return _horner(_STIRLING, np.power(a, -2.0)) / a


def _gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) e^(-x) / Γ(a)."""
    large, inside = np.greater(a, 10), np.greater(x, 0)
    big, small, z = np.where(large, a, 11.0), np.where(large, 1.0, a), np.where(inside, x, 1.0)
    deviation = (z - big) / big
    bell = np.sqrt(big) / (_ROOT_2PI * z) * np.exp(big * (np.log1p(deviation) - deviation) - _stirling(big))
    plain = np.exp(special.xlogy(small - 1.0, x) - x) * special.rgamma(small)
    return np.where(large, np.where(inside, bell, 0.0), plain)


def _beta_density(a: Any, b: Any, x: Any, rest: Any) -> Any:
    """x^(a-1) rest^(b-1) / B(a, b), where `rest` is 1 - x."""
    large = np.logical_and(np.greater(a, 10), np.greater(b, 10))
    inside = np.logical_and(large, np.logical_and(np.greater(x, 0), np.greater(rest, 0)))
    p, q = np.where(large, a, 11.0), np.where(large, b, 11.0)
    u, v = np.where(inside, x, 0.5), np.where(inside, rest, 0.5)
    deviation = q * u - p * v
    exponent = p * np.log1p(deviation / p) + q * np.log1p(-deviation / q)
    exponent = exponent + _stirling(p + q) - _stirling(p) - _stirling(q)
    bell = np.sqrt(p / (p + q) * q) / (_ROOT_2PI * u * v) * np.exp(exponent)
    c, d = np.where(large, 1.0, a), np.where(large, 1.0, b)
    low = np.less(x, 0.5)
    log = special.xlog1py(d - 1.0, -np.where(low, x, 0.0)) + special.xlogy(d - 1.0, np.where(low, 1.0, rest))
    plain = np.exp(special.xlogy(c - 1.0, x) + log) / special.beta(c, d)
    return np.where(large, np.where(inside, bell, 0.0), plain)


def _f_density(n: Any, d: Any, x: Any) -> Any:
    whole = n * x + d
    return _beta_density(n / 2, d / 2, n * x / whole, d / whole) * n * d / np.square(whole)


def _t_density(df: Any, t: Any) -> Any:
    normal = np.isinf(df)
    n = np.where(normal, 1.0, df)
    student = np.exp(-0.5 * (n + 1) * np.log1p(t * t / n)) / (np.sqrt(n) * special.beta(0.5, n / 2))
    return np.where(normal, _normal(t), student)


define(special.gammainc, "a", lambda y, a, x: _gamma_density(a, x))
define(special.gammaincc, "a", lambda y, a, x: -_gamma_density(a, x))
define(special.gammaincinv, "a", lambda y, a, p: 1 / _gamma_density(a, y))
define(special.gammainccinv, "a", lambda y, a, p: -1 / _gamma_density(a, y))
define(special.chdtr, "v", lambda y, v, x: _gamma_density(v / 2, x / 2) / 2)
define(special.chdtrc, "v", lambda y, v, x: -_gamma_density(v / 2, x / 2) / 2)
define(special.chdtri, "v", lambda y, v, p: -2 / _gamma_density(v / 2, y / 2))
define(special.pdtr, None, lambda y, k, m: -_gamma_density(np.floor(k) + 1, m))
define(special.pdtrc, None, lambda y, k, m: _gamma_density(np.floor(k) + 1, m))
define(special.pdtri, "k", lambda y, k, p: -1 / _gamma_density(k + 1, y))
define(
    special.gdtr, lambda y, a, b, x: x * _gamma_density(b, a * x), "b", lambda y, a, b, x: a * _gamma_density(b, a * x)
)
define(
    special.gdtrc,
    lambda y, a, b, x: -x * _gamma_density(b, a * x),
    "b",
    lambda y, a, b, x: -a * _gamma_density(b, a * x),
)
define(special.gdtria, lambda y, p, b, x: 1 / (x * _gamma_density(b, y * x)), "b", lambda y, p, b, x: -y / x)
define(special.gdtrix, lambda y, a, b, p: -y / a, "b", lambda y, a, b, p: 1 / (a * _gamma_density(b, a * y)))
define(special.betainc, "a", "b", lambda y, a, b, x: _beta_density(a, b, x, 1 - x))
define(special.betaincc, "a", "b", lambda y, a, b, x: -_beta_density(a, b, x, 1 - x))
define(special.betaincinv, "a", "b", lambda y, a, b, p: 1 / _beta_density(a, b, y, 1 - y))
define(special.betainccinv, "a", "b", lambda y, a, b, p: -1 / _beta_density(a, b, y, 1 - y))
define(special.bdtr, None, "n", lambda y, k, n, p: -_beta_density(np.floor(k) + 1, n - np.floor(k), p, 1 - p))
define(special.bdtrc, None, "n", lambda y, k, n, p: _beta_density(np.floor(k) + 1, n - np.floor(k), p, 1 - p))
define(special.bdtri, "k", "n", lambda y, k, n, p: -1 / _beta_density(np.floor(k) + 1, n - np.floor(k), y, 1 - y))
define(special.nbdtr, "k", "n", lambda y, k, n, p: _beta_density(n, k + 1, p, 1 - p))
define(special.nbdtrc, "k", "n", lambda y, k, n, p: -_beta_density(n, k + 1, p, 1 - p))
define(special.nbdtri, "k", "n", lambda y, k, n, p: 1 / _beta_density(n, k + 1, y, 1 - y))
define(special.fdtr, "dfn", "dfd", lambda y, n, d, x: _f_density(n, d, x))
define(special.fdtrc, "dfn", "dfd", lambda y, n, d, x: -_f_density(n, d, x))
define(special.fdtri, "dfn", "dfd", lambda y, n, d, p: 1 / _f_density(n, d, y))
define(special.stdtr, "df", lambda y, df, t: _t_density(df, t))
define(special.stdtrit, "df", lambda y, df, p: 1 / _t_density(df, y))


def _noncentral_density(x: Any, df: Any, shift: Any) -> Any:
    """The density of the noncentral χ² distribution, by its Bessel function or, where that vanishes, 10.39.9."""
    near = np.less(x * shift, 1.0)
    z, s = np.where(near, 1.0, x), np.where(near, 1.0, shift)
    far = np.exp(-0.5 * np.square(np.sqrt(z) - np.sqrt(s))) * np.power(z / s, df / 4 - 0.5)
    close = np.where(near, x * shift, 0.0) / 4
    return np.where(
        near,
        _gamma_density(df / 2, x / 2) * np.exp(-shift / 2) * special.hyp0f1(df / 2, close) / 2,
        far * special.ive(df / 2 - 1.0, np.sqrt(z * s)) / 2,
    )


define(
    special.chndtr,
    lambda y, x, df, shift: _noncentral_density(x, df, shift),
    "df",
    lambda y, x, df, shift: -_noncentral_density(x, df + 2, shift),
)
define(
    special.chndtrix,
    lambda y, p, df, shift: 1 / _noncentral_density(y, df, shift),
    "df",
    lambda y, p, df, shift: _noncentral_density(y, df + 2, shift) / _noncentral_density(y, df, shift),
)


def _tukey_density(y: Any, x: Any, shape: Any) -> Any:
    outside = np.logical_or(np.equal(y, 0), np.equal(y, 1))
    p = np.where(outside, 0.5, y)
    return np.where(outside, 0.0, 1 / (np.power(p, shape - 1.0) + np.power(1 - p, shape - 1.0)))


define(special.tklmbda, _tukey_density, "lmbda")

# Exponential, logarithmic, trigonometric and Fresnel integrals.


def _expn_slope(y: Any, n: Any, x: Any) -> Any:
    """8.19.13, and for n = 0 the derivative of e^(-x)/x."""
    return -np.where(np.greater(n, 0), special.expn(np.maximum(n - 1, 0), x), y * (1 + np.reciprocal(x)))


def _spence_slope(y: Any, x: Any) -> Any:
    """log(x)/(1 - x), around 1 as the series 15.4.1."""
    near = np.less(np.abs(x - 1), 0.5)
    close, far = np.where(near, x, 1.0), np.where(near, 2.0, x)
    return np.where(near, -special.hyp2f1(1.0, 1.0, 2.0, 1 - close), np.log(far) / (1 - far))


define(special.expi, lambda y, x: np.exp(x) / x)
define(special.exp1, lambda y, x: -np.exp(-x) / x)
define(special.expn, "n", _expn_slope)
define(special.spence, _spence_slope)
_define_results(special.sici, lambda y, x: np.sinc(x / math.pi), lambda y, x: np.cos(x) / x)
_define_results(special.shichi, lambda y, x: special.hyp0f1(1.5, x * x / 4), lambda y, x: np.cosh(x) / x)
_define_results(special.fresnel, lambda y, x: np.sin(math.pi / 2 * x * x), lambda y, x: np.cos(math.pi / 2 * x * x))
for _modfresnel, _unit in ((special.modfresnelp, 1j), (special.modfresnelm, -1j)):
    _define_results(
        _modfresnel,
        lambda y, x, i=_unit: -np.exp(i * x * x),
        lambda y, x, i=_unit: -2 * i * x * y[1] - np.exp(-i * math.pi / 4) / _ROOT_PI,
    )

# Bessel functions: the derivative is half the sum or difference of the neighbouring orders, 10.6.1 and 10.29.1.

for _bessel in (special.jv, special.yv, special.hankel1, special.hankel2):
    define(_bessel, "v", lambda y, v, x, f=_bessel: (f(v - 1, x) - f(v + 1, x)) / 2)
define(special.yn, "n", lambda y, n, x: (special.yn(n - 1, x) - special.yn(n + 1, x)) / 2)
define(special.iv, "v", lambda y, v, x: (special.iv(v - 1, x) + special.iv(v + 1, x)) / 2)
define(special.kv, "v", lambda y, v, x: -(special.kv(v - 1, x) + special.kv(v + 1, x)) / 2)
define(special.kn, "n", lambda y, n, x: -(special.kn(n - 1, x) + special.kn(n + 1, x)) / 2)
define(special.j0, lambda y, x: -special.j1(x))
define(special.y0, lambda y, x: -special.y1(x))
define(special.i0, lambda y, x: special.i1(x))
define(special.k0, lambda y, x: -special.k1(x))
define(special.j1, lambda y, x: (special.j0(x) - special.jv(2.0, x)) / 2)
define(special.y1, lambda y, x: (special.y0(x) - special.yv(2.0, x)) / 2)
define(special.i1, lambda y, x: (special.i0(x) + special.iv(2.0, x)) / 2)
define(special.k1, lambda y, x: -(special.k0(x) + special.kv(2.0, x)) / 2)
define(np.i0, lambda y, x: special.i1(x))
define(special.hankel1e, "v", lambda y, v, x: (special.hankel1e(v - 1, x) - special.hankel1e(v + 1, x)) / 2 - 1j * y)
define(special.hankel2e, "v", lambda y, v, x: (special.hankel2e(v - 1, x) - special.hankel2e(v + 1, x)) / 2 + 1j * y)


def _unless_complex(name: str, f: Any) -> Rule:
    """For real operands the scaled function is the function itself."""

    def slope(y: Any, v: Any, x: Any) -> Any:
        _real_operand(name, x)
        return (f(v - 1, x) - f(v + 1, x)) / 2

    return slope


define(special.jve, "v", _unless_complex("jve", special.jve))
define(special.yve, "v", _unless_complex("yve", special.yve))


def _decay(v: Any, x: Any, sign: float, direct: Any) -> Any:
    """The derivative of e^x K_v(x) or e^-|x| I_v(x): far out `direct` cancels, and the series of 10.40 stands in."""
    size = np.abs(x)
    far = np.greater(size, 30.0 + v * v)
    z = np.where(far, size, 30.0 + v * v)
    terms: list[Any] = [1.0]
    for k in range(1, 15):
        terms.append(terms[-1] * sign * (4.0 * v * v - (2 * k - 1) ** 2) / (8 * k * z))
    slope = -sum((k + 0.5) * term for k, term in enumerate(terms)) / z
    scale = 1 / np.sqrt(2 * math.pi * z) if sign < 0 else np.sqrt(math.pi / (2 * z))
    return np.where(far, slope * scale, direct)


def _kve_slope(y: Any, v: Any, x: Any) -> Any:
    direct = y - (special.kve(v - 1, x) + special.kve(v + 1, x)) / 2
    return direct if np.iscomplexobj(x) else _decay(v, x, 1.0, direct)


def _ive_slope(y: Any, v: Any, x: Any) -> Any:
    _real_operand("ive", x)
    direct = (special.ive(v - 1, x) + special.ive(v + 1, x)) / 2 - np.sign(x) * y
    return np.where(np.less(x, -30.0 - v * v), _mirrored(v), 1.0) * _decay(v, x, -1.0, direct)


def _mirrored(v: Any) -> Any:
    """I_v(-x) is (-1)^v I_v(x) for a whole order, so its slope has the other sign; it is not real for others."""
    return np.where(np.equal(v, np.rint(v)), 2 * np.remainder(v, 2) - 1, np.nan)


define(special.kve, "v", _kve_slope)
define(special.ive, "v", _ive_slope)
define(special.k0e, lambda y, x: _kve_slope(y, 0.0, x))
define(special.k1e, lambda y, x: _kve_slope(y, 1.0, x))
define(special.i0e, lambda y, x: _ive_slope(y, 0.0, x))
define(special.i1e, lambda y, x: _ive_slope(y, 1.0, x))

# Airy, Kelvin, Struve and parabolic cylinder functions: the second derivative comes from the differential equation.

_define_results(special.airy, lambda y, x: y[1], lambda y, x: x * y[0], lambda y, x: y[3], lambda y, x: x * y[2])


def _over(slope: Any, x: Any, limit: Any) -> Any:
    """slope / x, and its limit at 0."""
    zero = np.equal(x, 0)
    return np.where(zero, limit, slope / np.where(zero, 1.0, x))


define(special.ber, lambda y, x: special.berp(x))
define(special.bei, lambda y, x: special.beip(x))
define(special.ker, lambda y, x: special.kerp(x))
define(special.kei, lambda y, x: special.keip(x))
define(special.berp, lambda y, x: -special.bei(x) - _over(y, x, 0.0))
define(special.beip, lambda y, x: special.ber(x) - _over(y, x, 0.5))
define(special.kerp, lambda y, x: -special.kei(x) - y / x)
define(special.keip, lambda y, x: special.ker(x) - y / x)
_define_results(
    special.kelvin,
    lambda y, x: y[2],
    lambda y, x: y[3],
    lambda y, x: 1j * y[0] - _over(y[2], x, 0.5j),
    lambda y, x: 1j * y[1] - y[3] / x,
)


def _struve_power(v: Any, x: Any) -> Any:
    return np.power(x / 2, v) * special.rgamma(v + 1.5) / _ROOT_PI


define(  # 11.4.24
    special.struve,
    "v",
    lambda y, v, x: (special.struve(v - 1, x) - special.struve(v + 1, x) + _struve_power(v, x)) / 2,
)
define(  # 11.4.26
    special.modstruve,
    "v",
    lambda y, v, x: (special.modstruve(v - 1, x) + special.modstruve(v + 1, x) + _struve_power(v, x)) / 2,
)


def _define_cylinder(function: Any, name: str, curvature: Rule) -> None:
    """Declare a function and its derivative as two results; `curvature` is the second derivative over the function."""
    primitive = define_kernel(function, push=lambda i, t, y, a, x: (t * y[1], t * curvature(a, x) * y[0]))

    @implements(function)
    def handler(a: Any, x: Any) -> Any:
        if type(a) is Tracer:
            refuse(f"{primitive.name} has no derivative in {name} here", f"a number for {name} that is not traced")
        return apply(primitive, (a, x))


_define_cylinder(special.pbdv, "v", lambda v, x: x * x / 4 - v - 0.5)
_define_cylinder(special.pbvv, "v", lambda v, x: x * x / 4 - v - 0.5)
_define_cylinder(special.pbwa, "a", lambda a, x: a - x * x / 4)

# Integrals of Bessel, Airy and Struve functions.


def _departure(sign: int, x: Any, direct: Any) -> Any:
    """(1 - J0(x))/x for the sign -1, (I0(x) - 1)/x for 1, by the power series near 0."""
    near = np.less(np.abs(x), 2.0)
    half = np.where(near, x, 0.0) / 2
    series = half / 2 * _horner([sign**k / math.factorial(k + 1) ** 2 for k in range(12)], half * half)
    return np.where(near, series, direct / np.where(near, 1.0, x))


_define_results(special.itj0y0, lambda y, x: special.j0(x), lambda y, x: special.y0(x))
_define_results(special.iti0k0, lambda y, x: special.i0(x), lambda y, x: special.k0(x))
_define_results(special.it2j0y0, lambda y, x: _departure(-1, x, 1 - special.j0(x)), lambda y, x: -special.y0(x) / x)
_define_results(special.it2i0k0, lambda y, x: _departure(1, x, special.i0(x) - 1), lambda y, x: -special.k0(x) / x)
_define_results(
    special.itairy,
    lambda y, x: special.airy(x)[0],
    lambda y, x: special.airy(x)[2],
    lambda y, x: special.airy(-x)[0],
    lambda y, x: special.airy(-x)[2],
)
define(special.itstruve0, lambda y, x: special.struve(0.0, x))
define(special.it2struve0, lambda y, x: -special.struve(0.0, x) / x)
define(special.itmodstruve0, lambda y, x: special.modstruve(0.0, x))
define(
    special.besselpoly,
    lambda y, a, p, v: special.besselpoly(a, p + 1.0, v - 1.0) - special.besselpoly(a, p + 1.0, v + 1.0),
    "lmb",
    "nu",
)

# Hypergeometric functions: 13.3.15, 15.5.1, 13.3.22, 16.3.1, and the entire function of E. M. Wright.

define(special.hyp0f1, "v", lambda y, v, x: special.hyp0f1(v + 1, x) / v)
define(special.hyp1f1, "a", "b", lambda y, a, b, x: a / b * special.hyp1f1(a + 1, b + 1, x))
define(special.hyp2f1, "a", "b", "c", lambda y, a, b, c, x: a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, x))
define(special.hyperu, "a", "b", lambda y, a, b, x: -a * special.hyperu(a + 1, b + 1, x))
define(special.wright_bessel, "a", "b", lambda y, a, b, x: special.wright_bessel(a, a + b, x))
if hasattr(special, "log_wright_bessel"):
    define(special.log_wright_bessel, "a", "b", lambda y, a, b, x: np.exp(special.log_wright_bessel(a, a + b, x) - y))

# Elliptic integrals. The complete ones are hypergeometric functions, 19.5.1 and 19.5.2; those of Carlson, with the
# derivatives of 19.18, say the rest without cancellation.


def _ellipk_slope(m: Any) -> Any:
    return math.pi / 8 * special.hyp2f1(0.5, 0.5, 2.0, m) / (1 - m)


def _ellipe_slope(m: Any) -> Any:
    return -math.pi / 8 * special.hyp2f1(0.5, 1.5, 2.0, m)


def _elliprd_side(y: Any, a: Any, b: Any, c: Any) -> Any:
    """The derivative in `a` or, as they are symmetric, `b`; not known where it equals `c`."""
    return (special.elliprd(b, c, a) - y) / (2 * (a - c))


def _elliprd_last(y: Any, a: Any, b: Any, c: Any) -> Any:
    """By homogeneity, of degree -3/2."""
    total = 1.5 * y
    for side, other in ((a, b), (b, a)):
        zero = np.equal(side, 0)
        away = np.where(zero, 2 * c + 1, side)
        total = total + np.where(zero, 0.0, away * _elliprd_side(y, away, other, c))
    return -total / c


def _incomplete(phi: Any, m: Any, form: Any, complete: Any) -> Any:
    """sin³φ form(cos²φ, 1 - m sin²φ)/6 between -π/2 and π/2, and twice the complete slope for each half turn."""
    turns = np.rint(phi / math.pi)
    inner = phi - turns * math.pi
    sine, cosine = np.sin(inner), np.cos(inner)
    whole = np.where(np.equal(turns, 0), 0.0, 2 * turns * complete(np.where(np.equal(turns, 0), 0.0, m)))
    return whole + sine * sine * sine * form(cosine * cosine, 1 - m * sine * sine) / 6


def _ellipkinc_slope(phi: Any, m: Any) -> Any:
    return _incomplete(phi, m, lambda c, d: special.elliprd(c, 1.0, d), _ellipk_slope)


def _ellipeinc_slope(phi: Any, m: Any) -> Any:
    return _incomplete(phi, m, lambda c, d: -special.elliprd(c, d, 1.0), _ellipe_slope)


def _root(phi: Any, m: Any) -> Any:
    return np.sqrt(1 - m * np.square(np.sin(phi)))


def _push_ellipj(i: int, t: Any, y: Any, u: Any, m: Any) -> Any:
    """The change of the amplitude, and what the others have of it."""
    sn, cn, dn, phi = y
    turn = t * dn if i == 0 else -t * dn * _ellipkinc_slope(phi, m)
    own = 0.0 if i == 0 else t * sn * sn / (2 * dn)
    return turn * cn, -turn * sn, -turn * m * sn * cn / dn - own, turn


define(special.ellipk, lambda y, m: _ellipk_slope(m))
define(special.ellipe, lambda y, m: _ellipe_slope(m))
define(special.ellipkm1, lambda y, p: -special.elliprd(0.0, 1.0, p) / 6)
define(special.ellipkinc, lambda y, phi, m: 1 / _root(phi, m), lambda y, phi, m: _ellipkinc_slope(phi, m))
define(special.ellipeinc, lambda y, phi, m: _root(phi, m), lambda y, phi, m: _ellipeinc_slope(phi, m))
define_kernel(special.ellipj, push=_push_ellipj)
define(
    special.elliprf,
    lambda y, a, b, c: -special.elliprd(b, c, a) / 6,
    lambda y, a, b, c: -special.elliprd(c, a, b) / 6,
    lambda y, a, b, c: -special.elliprd(a, b, c) / 6,
)
define(
    special.elliprc,
    lambda y, a, b: -special.elliprd(b, b, a) / 6,
    lambda y, a, b: (a * special.elliprd(b, b, a) / 3 - y) / (2 * b),
)
define(
    special.elliprd,
    lambda y, a, b, c: _elliprd_side(y, a, b, c),
    lambda y, a, b, c: _elliprd_side(y, b, a, c),
    _elliprd_last,
)
define(
    special.agm,
    lambda y, a, b: 2 / (3 * math.pi) * np.square(y / a) * special.elliprd(0.0, np.square(b / a), 1.0),
    lambda y, a, b: 2 / (3 * math.pi) * np.square(y / b) * special.elliprd(0.0, np.square(a / b), 1.0),
)

# Orthogonal polynomials: the derivative is one of a degree less, 18.9.15 to 18.9.28. That of degree 0 is 0.


def _define_polynomial(function: Any, *parameters: str, slope: Any) -> None:
    """Declare a polynomial by ``slope(n, m, *parameters, x)``, where `m` is the degree below `n`, and 0 below 0."""

    def rule(y: Any, n: Any, *others: Any) -> Any:
        nothing = np.equal(n, 0)
        return np.where(nothing, 0.0, slope(n, np.where(nothing, 0, n - 1), *others))

    define(function, "n", *parameters, rule)


_define_polynomial(special.eval_chebyt, slope=lambda n, m, x: n * special.eval_chebyu(m, x))
_define_polynomial(special.eval_chebyu, slope=lambda n, m, x: 2 * special.eval_gegenbauer(m, 2.0, x))
_define_polynomial(special.eval_chebyc, slope=lambda n, m, x: n * special.eval_chebys(m, x))
_define_polynomial(special.eval_chebys, slope=lambda n, m, x: special.eval_gegenbauer(m, 2.0, x / 2))
_define_polynomial(special.eval_sh_chebyt, slope=lambda n, m, x: 2 * n * special.eval_sh_chebyu(m, x))
_define_polynomial(special.eval_sh_chebyu, slope=lambda n, m, x: 4 * special.eval_gegenbauer(m, 2.0, 2 * x - 1))
_define_polynomial(special.eval_legendre, slope=lambda n, m, x: special.eval_gegenbauer(m, 1.5, x))
_define_polynomial(special.eval_sh_legendre, slope=lambda n, m, x: 2 * special.eval_gegenbauer(m, 1.5, 2 * x - 1))
_define_polynomial(special.eval_hermite, slope=lambda n, m, x: 2 * n * special.eval_hermite(m, x))
_define_polynomial(special.eval_hermitenorm, slope=lambda n, m, x: n * special.eval_hermitenorm(m, x))
_define_polynomial(special.eval_laguerre, slope=lambda n, m, x: -special.eval_genlaguerre(m, 1.0, x))
_define_polynomial(special.eval_genlaguerre, "alpha", slope=lambda n, m, a, x: -special.eval_genlaguerre(m, a + 1, x))
_define_polynomial(
    special.eval_gegenbauer, "alpha", slope=lambda n, m, a, x: 2 * a * special.eval_gegenbauer(m, a + 1, x)
)
_define_polynomial(
    special.eval_jacobi,
    *("alpha", "beta"),
    slope=lambda n, m, a, b, x: (n + a + b + 1) / 2 * special.eval_jacobi(m, a + 1, b + 1, x),
)
_define_polynomial(
    special.eval_sh_jacobi,
    *("p", "q"),
    slope=lambda n, m, p, q, x: n * special.eval_sh_jacobi(m, p + 2, q + 1, x),
)


def _lpmv_slope(y: Any, m: Any, v: Any, x: Any) -> Any:
    """From the relations 14.10, in the form with the neighbouring orders, which is no difference of like terms."""
    sides = (v + m) * (v - m + 1) * special.lpmv(m - 1, v, x) - special.lpmv(m + 1, v, x)
    return sides / (2 * np.sqrt((1 - x) * (1 + x)))


define(special.lpmv, "m", "v", _lpmv_slope)

# The Voigt profile: the real part of the Faddeeva function. It has no derivative here where the width is 0.


def _faddeeva_slope(x: Any, sigma: Any, gamma: Any) -> Any:
    z = (x + 1j * gamma) / (math.sqrt(2) * sigma)
    return (2j / _ROOT_PI - 2 * z * special.wofz(z)) / (2 * _ROOT_PI * sigma * sigma)


define(
    special.voigt_profile,
    lambda y, x, sigma, gamma: np.real(_faddeeva_slope(x, sigma, gamma)),
    lambda y, x, sigma, gamma: -(y + np.real((x + 1j * gamma) * _faddeeva_slope(x, sigma, gamma))) / sigma,
    lambda y, x, sigma, gamma: -np.imag(_faddeeva_slope(x, sigma, gamma)),
)

# Zero almost everywhere.

constant(special.round, special.gammasgn)
