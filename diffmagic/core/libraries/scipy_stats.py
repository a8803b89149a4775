"""The distributions of `scipy.stats`: a line for each, with the functions of its standard form.

What is not given follows: the density is the exponential of its logarithm, `sf` is 1 - `cdf`, `logcdf` the logarithm
of `cdf`, `isf(q)` is `ppf(1 - q)`. As SciPy computes the values, these only have to have the right derivatives: `sf`
is given where 1 - `cdf` would cancel in `logsf`. Outside of its support a distribution is constant; where its
parameters are none of a distribution, it is not a number.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special, stats

from diffmagic.core.hook import MEANINGS, call
from diffmagic.core.libraries import declare, listed
from diffmagic.core.primitives import Primitive
from diffmagic.core.tracing import apply, concrete, is_traced, refuse

Form = Callable[..., Any]

_LOG_ROOT_2PI = math.log(2 * math.pi) / 2
_INSIDE = 0.5  # stands for what is outside of the support, where a density is not asked for


# Declaring.


def continuous(distribution: Any, **given: Form) -> None:
    """Declare a distribution by its standard form: ``logpdf(z, *shapes)``, ``cdf(z, *shapes)``, ``ppf(q, *shapes)``."""
    forms = _with_the_rest(given, "logpdf", "pdf")
    for name, form in forms.items():
        body = {"pdf": _density, "logpdf": _log_density, "ppf": _quantile, "isf": _quantile}.get(name, _probability)
        _declare(distribution, name, functools.partial(body, distribution, form))


def discrete(distribution: Any, **given: Form) -> None:
    """Declare a distribution over the integers by ``logpmf(k, *shapes)`` and ``cdf``; `k` itself does not move."""
    for name, form in _with_the_rest(given, "logpmf", "pmf").items():
        _declare(distribution, name, functools.partial(_over_integers, distribution, form, "pmf" in name))


def _with_the_rest(given: dict[str, Form], log_density: str, density: str) -> dict[str, Form]:
    forms = given | {density: lambda *args: np.exp(given[log_density](*args))}
    if "cdf" in forms:
        forms.setdefault("sf", lambda *args: 1 - forms["cdf"](*args))
        forms.setdefault("logcdf", lambda *args: np.log(forms["cdf"](*args)))
        forms.setdefault("logsf", lambda *args: np.log(forms["sf"](*args)))
    if "ppf" in forms:
        forms.setdefault("isf", lambda q, *shapes: forms["ppf"](1 - q, *shapes))
    return forms


def _in_double(value: Any) -> Any:
    """An argument in the precision in which SciPy computes."""
    value = listed(value)
    kind = np.result_type(concrete(value))
    return np.astype(value, np.float64) if kind in (np.float32, np.float16) else value


def _declare(distribution: Any, name: str, body: Form) -> None:
    method = getattr(distribution, name)
    first = next(iter(inspect.signature(method).parameters))
    parameters = [_parameter(each) for each in (first, *_shapes(distribution))] + [_parameter("loc", 0.0)]
    if isinstance(distribution, stats.rv_continuous):
        parameters.append(_parameter("scale", 1.0))
    signature = inspect.Signature(parameters)
    primitive = Primitive(f"scipy.stats.{distribution.name}.{name}", method, body=body)

    def meaning(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        last = list(signature.parameters).index([*bound.arguments][-1])
        bound.apply_defaults()
        return apply(primitive, tuple(map(_in_double, bound.args[: last + 1])))

    MEANINGS[method] = meaning
    MEANINGS[distribution] = MEANINGS[distribution.freeze] = functools.partial(Frozen, distribution)


def _parameter(name: str, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _shapes(distribution: Any) -> list[str]:
    return distribution.shapes.split(", ") if distribution.shapes else []


class Frozen:
    """A distribution with parameters, some of them traced: ``norm(mu, sigma)``."""

    def __init__(self, distribution: Any, *args: Any, **kwargs: Any) -> None:
        self.dist, self.args, self.kwds = distribution, args, kwargs

    def __getattr__(self, name: str) -> Any:
        return functools.partial(_thawed, getattr(self.dist, name), self)


def _thawed(method: Any, frozen: Any, *args: Any, **kwargs: Any) -> Any:
    if args and method not in MEANINGS:
        name = f"scipy.stats.{frozen.dist.name}.{method.__name__}"
        refuse(f"{name} of traced values has no derivative here", "its formula in NumPy functions")
    return call(method, *args, *frozen.args, **frozen.kwds, **kwargs)


def find(function: Any) -> Callable[..., Any] | None:
    """The meaning that is declared here; for a method of a frozen distribution that of the distribution's."""
    frozen: Any = getattr(function, "__self__", None)
    if type(frozen) is type(stats.multivariate_normal()) and hasattr(stats.multivariate_normal, function.__name__):
        method = getattr(stats.multivariate_normal, function.__name__)
        return lambda *args: call(method, *args, frozen.mean, frozen.cov)
    named = getattr(stats, getattr(getattr(frozen, "dist", None), "name", ""), None)
    if named is not None and type(named) is type(frozen.dist):
        return functools.partial(_thawed, getattr(named, function.__name__), frozen)
    return MEANINGS.get(function)


# From the standard form to that with a location and a scale.


def _parts(distribution: Any, rest: tuple[Any, ...]) -> tuple[Any, Any, tuple[Any, ...], tuple[Any, Any]]:
    """The location, the scale, the shapes and the support; the scale is not a number where there is no distribution."""
    count = len(_shapes(distribution))
    shapes, (loc, scale) = rest[:count], rest[count:] + (0.0, 1.0)[len(rest) - count :]
    support = distribution.support(*map(concrete, shapes))
    none = np.logical_or(np.isnan(support[0]), ~np.greater(concrete(scale), 0))
    return loc, scale * np.where(none, np.nan, 1.0) if np.any(none) else scale, shapes, support


def _outside(z: Any, support: tuple[Any, Any]) -> Any:
    return np.logical_or(np.less(concrete(z), support[0]), np.greater(concrete(z), support[1]))


def _within(support: tuple[Any, Any], value: float, form: Form, z: Any) -> Any:
    """A function on the support, and a value outside of it."""
    outside = _outside(z, support)
    return np.where(outside, value, form(np.where(outside, _INSIDE, z))) if np.any(outside) else form(z)


def _log_density(distribution: Any, form: Form, x: Any, *rest: Any) -> Any:
    loc, scale, shapes, support = _parts(distribution, rest)
    return _within(support, -np.inf, lambda z: form(z, *shapes) - np.log(scale), (x - loc) / scale)


def _density(distribution: Any, form: Form, x: Any, *rest: Any) -> Any:
    loc, scale, shapes, support = _parts(distribution, rest)
    return _within(support, 0.0, lambda z: form(z, *shapes) / scale, (x - loc) / scale)


def _probability(distribution: Any, form: Form, x: Any, *rest: Any) -> Any:
    loc, scale, shapes, support = _parts(distribution, rest)
    z = (x - loc) / scale
    return form(z if np.all(np.isinf(support)) else np.clip(z, *support), *shapes)


def _quantile(distribution: Any, form: Form, q: Any, *rest: Any) -> Any:
    loc, scale, shapes, _ = _parts(distribution, rest)
    return loc + scale * form(q, *shapes)


def _over_integers(distribution: Any, form: Form, is_mass: bool, k: Any, *rest: Any) -> Any:
    loc, one, shapes, support = _parts(distribution, rest)
    if is_traced((k, loc)):
        refuse(f"{distribution.name} is a distribution over integers, which have no derivatives", "plain integers")
    whole = np.floor(k - loc)
    nothing = np.logical_or(_outside(whole, support), is_mass & np.not_equal(whole, k - loc))
    return one * np.where(nothing, 0.0, form(np.clip(whole, *support), *shapes))


# One variable.


def _normal(z: Any) -> Any:
    return -z * z / 2 - _LOG_ROOT_2PI


def _laplace(z: Any) -> Any:
    low = np.less(z, 0)
    return np.where(low, np.exp(np.where(low, z, 0.0)) / 2, 1 - np.exp(-np.where(low, 0.0, z)) / 2)


def _integer(name: str, n: Any) -> Any:
    return refuse(f"{name} is an integer, which has no derivative", "a plain integer") if is_traced(n) else n


def _log_i0e(kappa: Any) -> Any:
    """log(I₀(κ) e^-κ), without the kink that `i0e` has at zero."""
    near = np.less(kappa, 1.0)
    small = np.where(near, kappa, 0.0)
    return np.where(near, np.log(special.i0(small)) - small, np.log(special.i0e(np.where(near, 1.0, kappa))))


continuous(
    stats.norm,
    logpdf=_normal,
    cdf=special.ndtr,
    sf=lambda z: special.ndtr(-z),
    logcdf=special.log_ndtr,
    logsf=lambda z: special.log_ndtr(-z),
    ppf=special.ndtri,
    isf=lambda q: -special.ndtri(q),
)
continuous(
    stats.lognorm,
    logpdf=lambda z, s: _normal(np.log(z) / s) - np.log(s * z),
    cdf=lambda z, s: special.ndtr(np.log(z) / s),
    sf=lambda z, s: special.ndtr(-np.log(z) / s),
    logcdf=lambda z, s: special.log_ndtr(np.log(z) / s),
    logsf=lambda z, s: special.log_ndtr(-np.log(z) / s),
    ppf=lambda q, s: np.exp(s * special.ndtri(q)),
    isf=lambda q, s: np.exp(-s * special.ndtri(q)),
)
continuous(
    stats.halfnorm,
    logpdf=lambda z: _normal(z) + math.log(2),
    cdf=lambda z: special.erf(z / math.sqrt(2)),
    sf=lambda z: special.erfc(z / math.sqrt(2)),
    logsf=lambda z: special.log_ndtr(-z) + math.log(2),
    ppf=lambda q: math.sqrt(2) * special.erfinv(q),
    isf=lambda q: math.sqrt(2) * special.erfcinv(q),
)
continuous(
    stats.expon,
    logpdf=lambda z: -z,
    cdf=lambda z: -np.expm1(-z),
    sf=lambda z: np.exp(-z),
    logsf=lambda z: -z,
    ppf=lambda q: -np.log1p(-q),
    isf=lambda q: -np.log(q),
)
continuous(
    stats.laplace,
    logpdf=lambda z: -np.abs(z) - math.log(2),
    cdf=_laplace,
    sf=lambda z: _laplace(-z),
    ppf=lambda q: np.where(np.less(q, 0.5), np.log(2 * q), -np.log(2 * (1 - q))),
    isf=lambda q: np.where(np.less(q, 0.5), -np.log(2 * q), np.log(2 * (1 - q))),
)
continuous(
    stats.logistic,
    logpdf=lambda z: special.log_expit(z) + special.log_expit(-z),
    cdf=special.expit,
    sf=lambda z: special.expit(-z),
    logcdf=special.log_expit,
    logsf=lambda z: special.log_expit(-z),
    ppf=special.logit,
    isf=lambda q: -special.logit(q),
)
continuous(
    stats.cauchy,
    logpdf=lambda z: -np.log1p(z * z) - math.log(math.pi),
    cdf=lambda z: np.arctan2(1.0, -z) / math.pi,
    sf=lambda z: np.arctan2(1.0, z) / math.pi,
    ppf=lambda q: -1 / np.tan(math.pi * q),
    isf=lambda q: 1 / np.tan(math.pi * q),
)
continuous(
    stats.uniform,
    logpdf=lambda z: 0.0 * z,
    cdf=lambda z: z,
    ppf=lambda q: q,
)
continuous(
    stats.gamma,
    logpdf=lambda z, a: special.xlogy(a - 1, z) - z - special.gammaln(a),
    cdf=lambda z, a: special.gammainc(a, z),
    sf=lambda z, a: special.gammaincc(a, z),
    ppf=lambda q, a: special.gammaincinv(a, q),
    isf=lambda q, a: special.gammainccinv(a, q),
)
continuous(
    stats.invgamma,
    logpdf=lambda z, a: -(a + 1) * np.log(z) - 1 / z - special.gammaln(a),
    cdf=lambda z, a: special.gammaincc(a, 1 / z),
    sf=lambda z, a: special.gammainc(a, 1 / z),
    ppf=lambda q, a: 1 / special.gammainccinv(a, q),
    isf=lambda q, a: 1 / special.gammaincinv(a, q),
)
continuous(
    stats.chi2,
    logpdf=lambda z, df: special.xlogy(df / 2 - 1, z / 2) - z / 2 - special.gammaln(df / 2) - math.log(2),
    cdf=lambda z, df: special.gammainc(df / 2, z / 2),
    sf=lambda z, df: special.gammaincc(df / 2, z / 2),
    ppf=lambda q, df: 2 * special.gammaincinv(df / 2, q),
    isf=lambda q, df: 2 * special.gammainccinv(df / 2, q),
)
continuous(
    stats.beta,
    logpdf=lambda z, a, b: special.xlogy(a - 1, z) + special.xlog1py(b - 1, -z) - special.betaln(a, b),
    cdf=lambda z, a, b: special.betainc(a, b, z),
    sf=lambda z, a, b: special.betaincc(a, b, z),
    ppf=lambda q, a, b: special.betaincinv(a, b, q),
    isf=lambda q, a, b: special.betainccinv(a, b, q),
)
continuous(
    stats.t,
    logpdf=lambda z, df: -(df + 1) / 2 * np.log1p(z * z / df) - special.betaln(0.5, df / 2) - np.log(df) / 2,
    cdf=lambda z, df: special.stdtr(df, z),
    sf=lambda z, df: special.stdtr(df, -z),
    ppf=lambda q, df: special.stdtrit(df, q),
    isf=lambda q, df: -special.stdtrit(df, q),
)
continuous(
    stats.weibull_min,
    logpdf=lambda z, c: np.log(c) + special.xlogy(c - 1, z) - z**c,
    cdf=lambda z, c: -np.expm1(-(z**c)),
    sf=lambda z, c: np.exp(-(z**c)),
    logsf=lambda z, c: -(z**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c),
    isf=lambda q, c: (-np.log(q)) ** (1 / c),
)
continuous(
    stats.gumbel_r,
    logpdf=lambda z: -z - np.exp(-z),
    cdf=lambda z: np.exp(-np.exp(-z)),
    sf=lambda z: -np.expm1(-np.exp(-z)),
    logcdf=lambda z: -np.exp(-z),
    ppf=lambda q: -np.log(-np.log(q)),
    isf=lambda q: -np.log(-np.log1p(-q)),
)
continuous(
    stats.pareto,
    logpdf=lambda z, b: np.log(b) - (b + 1) * np.log(z),
    cdf=lambda z, b: -np.expm1(-b * np.log(z)),
    sf=lambda z, b: z ** (-b),
    logsf=lambda z, b: -b * np.log(z),
    ppf=lambda q, b: (1 - q) ** (-1 / b),
    isf=lambda q, b: q ** (-1 / b),
)
continuous(
    stats.vonmises,
    logpdf=lambda z, kappa: kappa * special.cosm1(z) - _log_i0e(kappa) - math.log(2 * math.pi),
)
discrete(
    stats.poisson,
    logpmf=lambda k, mu: special.xlogy(k, mu) - special.gammaln(k + 1) - mu,
    cdf=special.pdtr,
    sf=special.pdtrc,
)
discrete(
    stats.binom,
    logpmf=lambda k, n, p: (
        special.xlogy(k, p)
        + special.xlog1py(_integer("n", n) - k, -p)
        - special.betaln(n - k + 1, k + 1)
        - np.log(n + 1)
    ),
    cdf=lambda k, n, p: special.bdtr(k, _integer("n", n), p),
    sf=lambda k, n, p: special.bdtrc(k, _integer("n", n), p),
)
discrete(
    stats.bernoulli,
    logpmf=lambda k, p: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
    cdf=lambda k, p: special.bdtr(k, 1, p),
    sf=lambda k, p: special.bdtrc(k, 1, p),
)
discrete(
    stats.nbinom,
    logpmf=lambda k, n, p: (
        special.gammaln(k + n) - special.gammaln(k + 1) - special.gammaln(n) + n * np.log(p) + special.xlog1py(k, -p)
    ),
    cdf=lambda k, n, p: special.betainc(n, k + 1, p),
    sf=lambda k, n, p: special.betaincc(n, k + 1, p),
)
discrete(
    stats.geom,
    logpmf=lambda k, p: special.xlog1py(k - 1, -p) + np.log(p),
    cdf=lambda k, p: -np.expm1(k * np.log1p(-p)),
    sf=lambda k, p: np.exp(k * np.log1p(-p)),
    logsf=lambda k, p: k * np.log1p(-p),
)


# Several variables.


def _log_density_of_normal(x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
    d = np.size(mean) if mean is not None else 1 if np.ndim(cov) < 2 else np.shape(cov)[0]
    mean = np.zeros(d) if mean is None else np.reshape(mean, d)
    cov = np.reshape(cov, (1, 1)) if d == 1 else cov * np.eye(d) if np.ndim(cov) == 0 else cov
    factor = np.linalg.cholesky(np.diag(cov) if np.ndim(cov) == 1 else cov)
    deviation = (np.expand_dims(x, -1) if d == 1 and np.ndim(x) < 2 else x) - mean
    z = np.linalg.solve(factor, np.transpose(np.reshape(deviation, (-1, d))))
    log = -np.sum(z * z, axis=0) / 2 - np.sum(np.log(np.diagonal(factor))) - d * _LOG_ROOT_2PI
    return np.squeeze(np.reshape(log, np.shape(deviation)[:-1]))


_several = stats.multivariate_normal
_NORMALS = "scipy.stats.multivariate_normal"
for _method, _body in (
    (_several.logpdf, _log_density_of_normal),
    (_several.pdf, lambda x, mean=None, cov=1.0: np.exp(_log_density_of_normal(x, mean, cov))),
):
    declare(Primitive(f"{_NORMALS}.{_method.__name__}", _method, body=_body), _method, _body, 3)
MEANINGS[_several] = functools.partial(Frozen, _several)
