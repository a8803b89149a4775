"""SciPy's functions that do not dispatch: SciPy's own values, and derivatives of both orders against mpmath."""

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
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.signal
import scipy.sparse
from scipy import linalg, special, stats

from diffmagic import DiffmagicError, grad, hessian, jacobian, jvp, trace, traceable

mp, mpf = mpmath.mp, mpmath.mpf
FIRST, SECOND = 1e-13, 1e-11


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(50):
        yield


def exactly(x: Any) -> Any:
    return [exactly(part) for part in x] if isinstance(x, list | np.ndarray) else mpf(float(x))


def close(ours: Any, exact: Any, tolerance: float) -> None:
    """Relative to each number, or to the largest of them where that is what can be had."""
    exact = np.array(exact, float)
    np.testing.assert_allclose(np.asarray(ours, float), exact, rtol=tolerance, atol=tolerance * 1e-3)


def partial(f: Callable[..., Any], x: list[Any], *places: int) -> Any:
    """The derivative of a function of several numbers with respect to those at these places."""
    orders = [places.count(k) for k in range(len(x))]
    return mp.diff(lambda *args: f(*args), tuple(x), tuple(orders))


# Distributions of one variable.


@dataclass(frozen=True)
class Distribution:
    """A distribution, its shapes, points of its standard form, and the same in mpmath."""

    ours: Any
    shapes: tuple[float, ...]
    points: tuple[float, ...]
    log_density: Callable[..., Any]
    cdf: Callable[..., Any] | None = None
    sf: Callable[..., Any] | None = None
    still: bool = False  # the shapes, in the distribution function

    def __repr__(self) -> str:
        return str(self.ours.name)


def gamma_cdf(z: Any, a: Any) -> Any:
    return mp.gammainc(a, 0, z, regularized=True)


def gamma_sf(z: Any, a: Any) -> Any:
    return mp.gammainc(a, z, mp.inf, regularized=True)


def beta_cdf(z: Any, a: Any, b: Any) -> Any:
    return mp.betainc(a, b, 0, z, regularized=True)


def t_sf(z: Any, df: Any) -> Any:
    tail = mp.betainc(df / 2, mpf(0.5), 0, df / (df + z * z), regularized=True) / 2
    return tail if z > 0 else 1 - tail


def normal(z: Any) -> Any:
    return -z * z / 2 - mp.log(2 * mp.pi) / 2


def normal_cdf(z: Any) -> Any:
    return mp.erfc(-z / mp.sqrt(2)) / 2


def laplace_cdf(z: Any) -> Any:
    return mp.exp(z) / 2 if z < 0 else 1 - mp.exp(-z) / 2


CONTINUOUS = [
    Distribution(stats.norm, (), (0.3, -1.7, 3.0), normal, normal_cdf, lambda z: normal_cdf(-z)),
    Distribution(
        stats.lognorm,
        (0.7,),
        (0.4, 2.5),
        lambda z, s: normal(mp.log(z) / s) - mp.log(s * z),
        lambda z, s: normal_cdf(mp.log(z) / s),
        lambda z, s: normal_cdf(-mp.log(z) / s),
    ),
    Distribution(
        stats.halfnorm,
        (),
        (0.4, 2.5),
        lambda z: normal(z) + mp.log(2),
        lambda z: mp.erf(z / mp.sqrt(2)),
        lambda z: mp.erfc(z / mp.sqrt(2)),
    ),
    Distribution(stats.expon, (), (0.4, 2.5), lambda z: -z, lambda z: -mp.expm1(-z), lambda z: mp.exp(-z)),
    Distribution(
        stats.laplace,
        (),
        (-1.4, 2.5),
        lambda z: -abs(z) - mp.log(2),
        laplace_cdf,
        lambda z: laplace_cdf(-z),
    ),
    Distribution(
        stats.logistic,
        (),
        (-1.4, 2.5),
        lambda z: -z - 2 * mp.log(1 + mp.exp(-z)),
        lambda z: 1 / (1 + mp.exp(-z)),
        lambda z: 1 / (1 + mp.exp(z)),
    ),
    Distribution(
        stats.cauchy,
        (),
        (-1.4, 2.5),
        lambda z: -mp.log(mp.pi * (1 + z * z)),
        lambda z: mp.atan2(1, -z) / mp.pi,
        lambda z: mp.atan2(1, z) / mp.pi,
    ),
    Distribution(stats.uniform, (), (0.2, 0.7), lambda z: 0 * z, lambda z: z, lambda z: 1 - z),
    Distribution(
        stats.gamma,
        (2.3,),
        (0.4, 5.5),
        lambda z, a: (a - 1) * mp.log(z) - z - mp.loggamma(a),
        gamma_cdf,
        gamma_sf,
        still=True,
    ),
    Distribution(
        stats.invgamma,
        (2.3,),
        (0.4, 1.5),
        lambda z, a: -(a + 1) * mp.log(z) - 1 / z - mp.loggamma(a),
        lambda z, a: gamma_sf(1 / z, a),
        lambda z, a: gamma_cdf(1 / z, a),
        still=True,
    ),
    Distribution(
        stats.chi2,
        (3.5,),
        (0.4, 5.5),
        lambda z, d: (d / 2 - 1) * mp.log(z) - z / 2 - mp.loggamma(d / 2) - d / 2 * mp.log(2),
        lambda z, d: gamma_cdf(z / 2, d / 2),
        lambda z, d: gamma_sf(z / 2, d / 2),
        still=True,
    ),
    Distribution(
        stats.beta,
        (2.3, 1.6),
        (0.2, 0.85),
        lambda z, a, b: (a - 1) * mp.log(z) + (b - 1) * mp.log(1 - z) - mp.log(mp.beta(a, b)),
        beta_cdf,
        lambda z, a, b: beta_cdf(1 - z, b, a),
        still=True,
    ),
    Distribution(
        stats.t,
        (3.5,),
        (-1.4, 2.5),
        lambda z, d: (
            mp.loggamma((d + 1) / 2) - mp.loggamma(d / 2) - mp.log(d * mp.pi) / 2 - (d + 1) / 2 * mp.log(1 + z * z / d)
        ),
        lambda z, d: t_sf(-z, d),
        t_sf,
        still=True,
    ),
    Distribution(
        stats.weibull_min,
        (1.7,),
        (0.4, 1.5),
        lambda z, c: mp.log(c) + (c - 1) * mp.log(z) - z**c,
        lambda z, c: -mp.expm1(-(z**c)),
        lambda z, c: mp.exp(-(z**c)),
    ),
    Distribution(
        stats.gumbel_r,
        (),
        (-0.4, 2.5),
        lambda z: -z - mp.exp(-z),
        lambda z: mp.exp(-mp.exp(-z)),
        lambda z: -mp.expm1(-mp.exp(-z)),
    ),
    Distribution(
        stats.pareto,
        (2.3,),
        (1.4, 2.5),
        lambda z, b: mp.log(b) - (b + 1) * mp.log(z),
        lambda z, b: 1 - z**-b,
        lambda z, b: z**-b,
    ),
    Distribution(
        stats.vonmises,
        (1.3,),
        (-0.4, 2.5),
        lambda z, k: k * mp.cos(z) - mp.log(2 * mp.pi * mp.besseli(0, k)),
    ),
]
LOC, SCALE = 0.25, 1.75


def methods(case: Distribution) -> dict[str, Callable[..., Any]]:
    """The functions of a distribution in mpmath: of the variable, the shapes, the location and the scale."""

    def standard(form: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, *rest: form((x - rest[-2]) / rest[-1], *rest[:-2])

    def solved(form: Callable[..., Any], name: str) -> Callable[..., Any]:
        def quantile(q: Any, *rest: Any) -> Any:
            start = mpf(float(getattr(case.ours, name)(float(q), *map(float, rest[:-2]))))
            z = mp.findroot(lambda z: form(z, *rest[:-2]) - q, (start, start * (1 + mpf(10) ** -9)))
            return rest[-2] + rest[-1] * z

        return quantile

    found = {
        "logpdf": lambda x, *rest: standard(case.log_density)(x, *rest) - mp.log(rest[-1]),
        "pdf": lambda x, *rest: mp.exp(standard(case.log_density)(x, *rest)) / rest[-1],
    }
    if case.cdf is not None and case.sf is not None:
        cdf, sf = case.cdf, case.sf
        found |= {"cdf": standard(cdf), "sf": standard(sf)}
        found["logcdf"] = lambda *args: mp.log(standard(cdf)(*args))
        found["logsf"] = lambda *args: mp.log(standard(sf)(*args))
        found |= {"ppf": solved(cdf, "ppf"), "isf": solved(sf, "isf")}
    return found


@pytest.mark.parametrize("method", ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf"])
@pytest.mark.parametrize("case", CONTINUOUS, ids=repr)
def test_distributions(case, method):
    exact = methods(case).get(method)
    function = getattr(case.ours, method)
    if exact is None:
        with pytest.raises(DiffmagicError, match=method):
            grad(traceable(lambda x: function(x, *case.shapes)))(case.points[0])
        return
    quantile = method in ("ppf", "isf")
    moving = [
        k
        for k in range(3 + len(case.shapes))
        if not (case.still and "pdf" not in method and 0 < k < 1 + len(case.shapes))
    ]
    for k, z in enumerate((0.3, 0.1) if quantile else case.points):
        point = [z if quantile else LOC + SCALE * z, *case.shapes, LOC, SCALE]

        def f(moved, point=point):
            supply = iter(moved)
            return function(*[next(supply) if k in moving else x for k, x in enumerate(point)])

        ours, x = traceable(f), np.array([point[k] for k in moving])
        assert trace(ours, x).outputs[0].value == function(*point)
        found = [partial(exact, exactly(point), place) for place in moving]
        close(grad(ours)(x), found, FIRST)
        directions = np.eye(len(x))
        close([jvp(ours, (x,), (direction,))[1] for direction in directions], found, FIRST)
        if k == 0 and not quantile:
            pairs = itertools.combinations_with_replacement(range(len(moving)), 2)
            second = hessian(ours)(x)
            for i, j in pairs:
                exact_second = partial(exact, exactly(point), moving[i], moving[j])
                close(second[i, j], exact_second, SECOND)
                close(second[j, i], exact_second, SECOND)


DISCRETE = {
    "poisson": (
        stats.poisson,
        (2.3,),
        lambda k, mu: mu**k * mp.exp(-mu) / mp.factorial(k),
        (0,),
    ),
    "binom": (stats.binom, (7, 0.3), lambda k, n, p: mp.binomial(n, k) * p**k * (1 - p) ** (n - k), (1,)),
    "bernoulli": (stats.bernoulli, (0.3,), lambda k, p: p if k == 1 else 1 - p, (0,)),
    "nbinom": (
        stats.nbinom,
        (2.5, 0.3),
        lambda k, n, p: mp.gamma(k + n) / mp.gamma(n) / mp.factorial(k) * p**n * (1 - p) ** k,
        (0, 1),
    ),
    "geom": (stats.geom, (0.3,), lambda k, p: (1 - p) ** (k - 1) * p if k > 0 else mpf(0), (0,)),
}


@pytest.mark.parametrize("method", ["logpmf", "pmf", "cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("name", DISCRETE)
def test_distributions_over_integers(name, method):
    ours, shapes, mass, moving = DISCRETE[name]
    if name == "nbinom" and "pmf" not in method:
        moving = (1,)
    k = {"bernoulli": 0, "geom": 2}.get(name, 3)

    def exact(*shapes):
        total = sum(mass(j, *shapes) for j in range(k + 1))
        plain = {"pmf": lambda: mass(k, *shapes), "cdf": lambda: total, "sf": lambda: 1 - total}[
            method.removeprefix("log")
        ]()
        return mp.log(plain) if method.startswith("log") else plain

    def f(moved):
        supply = iter(moved)
        return getattr(ours, method)(k, *[next(supply) if i in moving else x for i, x in enumerate(shapes)])

    x = np.array([shapes[i] for i in moving])
    function = traceable(f)
    assert trace(function, x).outputs[0].value == getattr(ours, method)(k, *shapes)
    found = [partial(exact, exactly(list(shapes)), i) for i in moving]
    close(grad(function)(x), found, FIRST)
    close([jvp(function, (x,), (direction,))[1] for direction in np.eye(len(x))], found, FIRST)
    second = [[partial(exact, exactly(list(shapes)), i, j) for j in moving] for i in moving]
    close(hessian(function)(x), second, SECOND)


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (lambda x: stats.norm.logcdf(x), -40.0, lambda x: mp.log(normal_cdf(x))),
        (lambda x: stats.norm.logsf(x), 40.0, lambda x: mp.log(normal_cdf(-x))),
        (lambda x: stats.norm.logcdf(x), 9.0, lambda x: mp.log(normal_cdf(x))),
        (lambda x: stats.norm.sf(x), 30.0, lambda x: normal_cdf(-x)),
        (lambda x: stats.norm.isf(x), 1e-200, lambda q: mp.sqrt(2) * mp.erfinv(1 - 2 * q)),
        (lambda x: stats.gamma.logsf(x, 2.5), 90.0, lambda x: mp.log(gamma_sf(x, mpf(2.5)))),
        (lambda x: stats.expon.isf(x), 1e-200, lambda q: -mp.log(q)),
        (lambda x: stats.logistic.logcdf(x), -800.0, lambda x: -mp.log(1 + mp.exp(-x))),
        (lambda x: stats.cauchy.logcdf(x), -1e9, lambda x: mp.log(mp.atan2(1, -x) / mp.pi)),
        (lambda x: stats.t.logpdf(x, 3.0), 1e8, lambda x: -2 * mp.log(1 + x * x / 3)),
    ],
)
def test_tails(f, x, exact):
    with mp.workdps(1000):
        close(grad(traceable(f))(x), mp.diff(exact, mpf(x)), FIRST)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: stats.expon.pdf(x), -1.0, 0.0),
        (lambda x: stats.expon.cdf(x), -1.0, 0.0),
        (lambda x: stats.expon.cdf(x), 0.0, 0.5),
        (lambda x: stats.uniform.cdf(x), 1.0, 0.5),
        (lambda x: stats.uniform.cdf(x), 2.0, 0.0),
        (lambda x: stats.beta.pdf(x, 2.0, 3.0), 1.5, 0.0),
        (lambda x: stats.laplace.logpdf(x), 0.0, 0.0),
        (lambda x: stats.poisson.pmf(-1, x), 2.0, 0.0),
        (lambda x: stats.poisson.cdf(-1, x), 2.0, 0.0),
        (lambda x: stats.poisson.pmf(1.5, x), 2.0, 0.0),
        (lambda x: stats.poisson.cdf(0.5, x), 2.0, -math.exp(-2.0)),
    ],
)
def test_outside_of_the_support_and_at_its_ends(f, x, slope):
    assert grad(traceable(f))(x) == slope
    assert jvp(traceable(f), (x,), (1.0,))[1] == slope


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda s: stats.norm.logpdf(0.3, 0.0, s), 0.0),
        (lambda s: stats.norm.logpdf(0.3, 0.0, s), -1.0),
        (lambda x: stats.norm.cdf(x, 0.0, -1.0), 0.5),
        (lambda a: stats.gamma.logpdf(0.3, a), -1.0),
        (lambda x: stats.gamma.pdf(x, -1.0), 0.5),
        (lambda p: stats.bernoulli.logpmf(1, p), 1.5),
        (lambda x: stats.norm.ppf(x), 1.5),
        (lambda x: stats.norm.logpdf(x), math.nan),
    ],
)
def test_where_there_is_no_distribution(f, x):
    with np.errstate(divide="ignore"):  # SciPy divides by a scale of zero
        assert math.isnan(f(x))
        assert math.isnan(grad(traceable(f))(x))


def test_random_numbers_move_with_location_and_scale():
    def draw(p):
        return stats.norm(p[0], p[1]).rvs(random_state=3)

    np.testing.assert_allclose(grad(traceable(draw))(np.array([0.5, 2.0])), [1.0, stats.norm.rvs(random_state=3)])


def test_many_at_once():
    """As in a likelihood: data, and parameters that are broadcast."""
    data = np.array([0.2, -1.0, 3.5])

    def likelihood(p):
        return stats.norm.logpdf(data, loc=p[0], scale=np.exp(p[1])).sum()

    p = np.array([0.4, 0.3])
    z = (data - p[0]) / np.exp(p[1])
    close(grad(traceable(likelihood))(p), [np.sum(z) / np.exp(p[1]), np.sum(z * z - 1)], 1e-14)
    assert trace(traceable(likelihood), p).outputs[0].value == likelihood(p)


frozen = stats.norm(0.5, 2.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: stats.norm(x, 2 * x).logpdf(1.3) + stats.norm.freeze(x).cdf(1.3),
        lambda x: stats.norm(loc=x).cdf(1.3) + stats.norm(scale=x).sf(1.3),
        lambda x: frozen.pdf(x) + frozen.logsf(x),
        lambda x: stats.gamma(x, scale=2.0).logpdf(x),
        lambda x: stats.poisson(x).logpmf(np.arange(4)).sum(),
        lambda x: stats.multivariate_normal([x, 0.0], np.eye(2) * x).logpdf(np.array([0.3, x])),
        lambda x: sum(map(stats.norm.logpdf, [x, 2 * x])),
    ],
)
def test_frozen(f):
    ours, step = traceable(f), 1e-5
    assert trace(ours, 0.7).outputs[0].value == f(0.7)
    assert grad(ours)(0.7) == pytest.approx((f(0.7 + step) - f(0.7 - step)) / (2 * step), rel=1e-8)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x: stats.norm.logpdf(x, 0.5, 2.0), "scipy.stats.norm.logpdf(x, 0.5, 2.0)"),
        (lambda x: stats.norm.logpdf(x), "scipy.stats.norm.logpdf(x)"),
        (lambda x: stats.norm.logpdf(0.5, scale=x), "scipy.stats.norm.logpdf(0.5, 0.0, x)"),
        (lambda x: special.comb(x, 2), "scipy.special.comb(x, 2)"),
        (lambda x: special.polygamma(1, x), "scipy.special.polygamma(1, x)"),
    ],
)
def test_one_equation_with_the_name_that_was_written(f, text):
    program = trace(traceable(f), 0.7)
    assert len(program.equations) == 1
    assert text in str(program)


# Several variables, sums of exponentials, linear algebra: functions of a vector, by their Jacobian.


@dataclass(frozen=True)
class Case:
    """A function of a vector; the same in mpmath, of a list; a point."""

    name: str
    ours: Callable[..., Any]
    exact: Callable[..., Any]
    point: tuple[float, ...]
    first: float = FIRST
    second: float = SECOND

    def __repr__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(name: str, ours: Callable[..., Any], exact: Callable[..., Any], *point: float, **tolerances: float) -> None:
    CASES.append(Case(name, ours, exact, point, **tolerances))


def log_sum(values: Any, weights: Any = None) -> Any:
    weights = [1] * len(values) if weights is None else weights
    return mp.log(abs(sum(w * mp.exp(v) for v, w in zip(values, weights, strict=True))))


def shares(values: Any) -> Any:
    return [mp.exp(v - log_sum(values)) for v in values]


def log_normal_of(x: Any, mean: Any, cov: Any) -> Any:
    d = len(x)
    deviation = mp.matrix([p - q for p, q in zip(x, mean, strict=True)])
    square = (deviation.T * mp.inverse(cov) * deviation)[0]
    return -(square + mp.log(mp.det(cov)) + d * mp.log(2 * mp.pi)) / 2


def symmetric(entries: Any) -> Any:
    """A positive definite matrix of three numbers, in NumPy or mpmath as they are."""
    a, b, c = entries
    return [[a * a + 1, b], [b, c * c + 2]]


def rows(matrix: Any) -> Any:
    return [[matrix[i, j] for j in range(matrix.cols)] for i in range(matrix.rows)]


def upper(matrix: Any) -> Any:
    return rows(mp.cholesky(matrix).T)


def scaled(x: Any) -> Any:
    return [[mpf(a) * p for a, p in zip(row, x, strict=True)] for row in A]


def many(p: Any) -> Any:
    covariance = mp.matrix([[p[2], 0], [0, p[2]]])
    return [log_normal_of(x, [0, 0], covariance) for x in ([p[0], mpf(1)], [mpf(0.5), p[1]])]


lse = special.logsumexp
A = np.array([[0.3, -1.0, 2.0], [1.5, 0.2, -0.4]])
W = np.array([1.0, 0.0, 2.5])
case("logsumexp", lambda x: lse(x), log_sum, 0.3, -1.0, 2.0)
case("logsumexp of a list", lambda x: lse([x[0], 1.0, x[1]]), lambda x: log_sum([x[0], mpf(1), x[1]]), 0.3, -1.0)
case("logsumexp, axis", lambda x: lse(A * x, axis=1), lambda x: list(map(log_sum, scaled(x))), 0.3, -1.0, 2.0)
case("logsumexp, keepdims", lambda x: lse(x, keepdims=True), lambda x: [log_sum(x)], 0.3, -1.0, 2.0)
case("logsumexp, weights", lambda x: lse(x, b=W), lambda x: log_sum(x, exactly(W)), 0.3, -1.0, 2.0)
case("logsumexp, both", lambda x: lse(x, b=np.sin(x)), lambda x: log_sum(x, list(map(mp.sin, x))), 0.3, 1.0, 2.0)
case(
    "logsumexp, sign",
    lambda x: lse(x, b=np.array([1.0, -2.0]), return_sign=True)[0],
    lambda x: log_sum(x, [1, -2]),
    *(0.3, 0.9),
)
case("logsumexp of large numbers", lambda x: lse(x), log_sum, 1e6, 1e6 + 0.5, 1e6 - 3.0)
case("logsumexp, ties", lambda x: lse(x), log_sum, 1.0, 1.0, 1.0)
case("logsumexp with one far ahead", lambda x: lse(x), log_sum, 50.0, 1.0, -3.0)
case("softmax", lambda x: special.softmax(x), shares, 0.3, -1.0, 2.0)
case("softmax, axis", lambda x: special.softmax(A * x, axis=1), lambda x: list(map(shares, scaled(x))), 0.3, -1.0, 2.0)
case("softmax, saturated", lambda x: special.softmax(x), shares, 50.0, 1.0, -3.0)
case("log_softmax", lambda x: special.log_softmax(x), lambda x: list(map(mp.log, shares(x))), 0.3, -1.0, 2.0)
case("log_softmax, saturated", lambda x: special.log_softmax(x), lambda x: list(map(mp.log, shares(x))), 50.0, 1.0)
case("polygamma", lambda x: special.polygamma(2, x), lambda x: [mp.polygamma(2, v) for v in x], 0.3, 4.0)
case("digamma", lambda x: special.polygamma(0, x), lambda x: [mp.polygamma(0, v) for v in x], 0.3, 4.0)
case("comb", lambda x: special.comb(x[0], x[1]), lambda x: mp.binomial(*x), 5.3, 2.2)
case("perm", lambda x: special.perm(x[0], 2.0), lambda x: x[0] * (x[0] - 1), 5.3)
case("factorial", lambda x: special.factorial(x), lambda x: list(map(mp.factorial, x)), 5.3, 0.4)
case(
    "multigammaln",
    lambda x: special.multigammaln(x[0], 2),
    lambda x: mp.loggamma(x[0]) + mp.loggamma(x[0] - mpf(0.5)) + mp.log(mp.pi) / 2,
    *(2.3,),
)
for _method, _of in (("logpdf", lambda v: v), ("pdf", mp.exp)):
    _f = getattr(stats.multivariate_normal, _method)
    case(
        f"multivariate normal {_method}",
        lambda p, f=_f: f(p[:2], p[2:4], np.array(symmetric(p[4:]))),
        lambda p, of=_of: of(log_normal_of(p[:2], p[2:4], mp.matrix(symmetric(p[4:])))),
        *(0.3, -1.0, 0.5, 0.2, 1.1, 0.4, 0.7),
    )
case(
    "multivariate normal of many",
    lambda p: stats.multivariate_normal.logpdf(np.array([[p[0], 1.0], [0.5, p[1]]]), np.zeros(2), p[2]),
    many,
    *(0.3, -1.0, 0.8),
)
case(
    "multivariate normal of variances",
    lambda p: stats.multivariate_normal.logpdf(p[:2], np.zeros(2), p[2:]),
    lambda p: log_normal_of(p[:2], [0, 0], mp.matrix([[p[2], 0], [0, p[3]]])),
    *(0.3, -1.0, 0.8, 1.9),
)
case(
    "multivariate normal of one",
    lambda p: stats.multivariate_normal.logpdf(p[:2], p[2], p[3]),
    lambda p: [log_normal_of([x], [p[2]], mp.matrix([[p[3]]])) for x in p[:2]],
    *(0.3, -1.0, 0.8, 1.9),
)

# Matrices: of four numbers, and positive definite ones of three.

M, S = (1.5, 0.4, -0.3, 2.2), (1.1, 0.4, 0.7)
B = np.array([0.7, -1.2])


def square(p: Any) -> Any:
    return np.array([[p[0], p[1]], [p[2], p[3]]])


def positive(p: Any) -> Any:
    return np.array(symmetric(p))


def exact_square(p: Any) -> Any:
    return mp.matrix([[p[0], p[1]], [p[2], p[3]]])


def exact_positive(p: Any) -> Any:
    return mp.matrix(symmetric(p))


def exact_upper(p: Any) -> Any:
    return mp.matrix([[p[0], p[1]], [0, p[3]]])


def exact_unit(p: Any) -> Any:
    return mp.matrix([[1, 0], [p[2], 1]])


def solved(matrix: Any, b: Any = B) -> Any:
    return list(mp.lu_solve(matrix, mp.matrix(exactly(b) if isinstance(b, np.ndarray) else b)))


def of_square(name: str, ours: Callable[..., Any], exact: Callable[..., Any], **tolerances: float) -> None:
    case(name, lambda p: ours(square(p)), lambda p: exact(exact_square(p)), *M, **tolerances)


def of_positive(name: str, ours: Callable[..., Any], exact: Callable[..., Any], **tolerances: float) -> None:
    case(name, lambda p: ours(positive(p)), lambda p: exact(exact_positive(p)), *S, **tolerances)


def lower_factor(a: Any) -> Any:
    return rows(mp.cholesky(a))


def upper_factor(a: Any) -> Any:
    return rows(mp.cholesky(a).T)


def eigenvalues(a: Any) -> Any:
    return list(mp.eigsy(a, eigvals_only=True))


def eigenvalues_of_two(a: Any) -> Any:
    inverse = mp.inverse(mp.cholesky(mp.matrix([[2, mpf(0.5)], [mpf(0.5), 1]])))
    return eigenvalues(inverse * a * inverse.T)


def orthogonal(a: Any) -> Any:
    """Q and R of Gram and Schmidt, with the signs that LAPACK chooses."""
    first = a[:, 0] / -mp.norm(a[:, 0])
    rest = a[:, 1] - first * (first.T * a[:, 1])[0]
    second = rest / (mp.norm(rest) * SIGN)
    return rows(mp.matrix([[first[k], second[k]] for k in range(2)]))


SIGN = float(np.sign(linalg.qr(np.reshape(M, (2, 2)))[1][1, 1]))

case("solve", lambda p: linalg.solve(square(p), p[4:]), lambda p: solved(exact_square(p), p[4:]), *M, *B)
of_square("solve, transposed", lambda a: linalg.solve(a, B, transposed=True), lambda a: solved(a.T))
for _name in ("gen", "sym", "her", "pos"):
    of_positive(f"solve, {_name}", lambda a, name=_name: linalg.solve(a, B, assume_a=name), solved)
of_positive("solve, upper triangle", lambda a: linalg.solve(np.triu(a), B, assume_a="pos"), solved)
of_positive("solve, lower triangle", lambda a: linalg.solve(np.tril(a), B, assume_a="sym", lower=True), solved)
case("solve_triangular", lambda p: linalg.solve_triangular(square(p), B), lambda p: solved(exact_upper(p)), *M)
case(
    "solve_triangular, transposed",
    lambda p: linalg.solve_triangular(square(p), p[4:], trans="T"),
    lambda p: solved(exact_upper(p).T, p[4:]),
    *(*M, *B),
)
case(
    "solve_triangular, lower with units",
    lambda p: linalg.solve_triangular(square(p), B, lower=True, unit_diagonal=True),
    lambda p: solved(exact_unit(p)),
    *M,
)
of_positive("cholesky", lambda a: linalg.cholesky(a), upper_factor)
of_positive("cholesky, lower", lambda a: linalg.cholesky(a, lower=True), lower_factor)
of_positive("cholesky of a triangle", lambda a: linalg.cholesky(np.triu(a)), upper_factor)
of_positive("cho_factor", lambda a: np.triu(linalg.cho_factor(a)[0]), upper_factor)
of_positive("cho_factor, other triangle", lambda a: linalg.cho_factor(a, lower=True)[0][0, 1], lambda a: a[0, 1])
of_positive("cho_solve", lambda a: linalg.cho_solve(linalg.cho_factor(a), B), solved)
of_positive("cho_solve, lower", lambda a: linalg.cho_solve((linalg.cholesky(a, True), True), B), solved)
of_square("inv", lambda a: linalg.inv(a), lambda a: rows(mp.inverse(a)))
of_square("inv, options", lambda a: linalg.inv(a, check_finite=False), lambda a: rows(mp.inverse(a)))
of_square("det", lambda a: linalg.det(a), mp.det)
of_square("pinv", lambda a: linalg.pinv(a), lambda a: rows(mp.inverse(a)), first=1e-12)
of_square("norm", lambda a: linalg.norm(a), lambda a: mp.norm(list(a)))
of_square("norm, ord", lambda a: linalg.norm(a, 1), lambda a: abs(a[0, 1]) + abs(a[1, 1]))
of_square("svdvals", lambda a: linalg.svdvals(a), lambda a: list(mp.svd_r(a, compute_uv=False)))
of_square("svd", lambda a: np.prod(linalg.svd(a)[1]), mp.det)
of_square(
    "svd, all",
    lambda a: (lambda u, s, v: u @ np.diag(s * s) @ v)(*linalg.svd(a)),
    lambda a: rows(a * mp.sqrtm(a.T * a)),
)
of_square(
    "lu", lambda a: (lambda _, lower, upper: lower @ upper @ upper)(*linalg.lu(a)), lambda a: rows(a * upper_of(a))
)
of_square("lu_factor", lambda a: np.triu(linalg.lu_factor(a)[0]), lambda a: rows(upper_of(a)))
of_square("lu_solve", lambda a: linalg.lu_solve(linalg.lu_factor(a), B), solved)
of_square("lu_solve, transposed", lambda a: linalg.lu_solve(linalg.lu_factor(a), B, trans=1), lambda a: solved(a.T))
of_square(
    "lu_solve, rows exchanged",
    lambda a: linalg.lu_solve(linalg.lu_factor(np.flip(a, 0)), B, trans=1),
    lambda a: solved(mp.matrix([[a[1, 0], a[0, 0]], [a[1, 1], a[0, 1]]])),
)
of_square("qr", lambda a: linalg.qr(a)[0], orthogonal)
of_square("qr, r", lambda a: abs(np.prod(np.diag(linalg.qr(a, mode="r")[0]))), mp.det)
of_positive("eigh", lambda a: linalg.eigh(a)[0], eigenvalues)
of_positive(
    "eigh, vectors",
    lambda a: (lambda w, v: v @ np.diag(np.sqrt(w)) @ v.T)(*linalg.eigh(a)),
    lambda a: rows(mp.sqrtm(a)),
)
of_positive("eigh, upper", lambda a: linalg.eigh(np.triu(a), lower=False)[0], eigenvalues)
of_positive("eigh, values", lambda a: linalg.eigh(a, eigvals_only=True), eigenvalues)
of_positive("eigvalsh", lambda a: linalg.eigvalsh(a), eigenvalues)
of_positive("eigvalsh of two", lambda a: linalg.eigvalsh(a, np.array([[2, 0.5], [0.5, 1]])), eigenvalues_of_two)
of_positive("eigvals", lambda a: np.sort(np.real(linalg.eigvals(a))), eigenvalues)
of_square("expm", lambda a: linalg.expm(a), lambda a: rows(mp.expm(a, method="pade")), first=1e-12)
case(
    "block_diag",
    lambda p: linalg.block_diag([[p[0], 1.0]], p[1]),
    lambda p: [[p[0], mpf(1), mpf(0)], [mpf(0), mpf(0), p[1]]],
    *(0.3, 1.2),
)
case("toeplitz", lambda p: linalg.toeplitz(p), lambda p: [[p[0], p[1]], [p[1], p[0]]], 0.3, 1.2)
case("toeplitz of two", lambda p: linalg.toeplitz(p, 2 * p), lambda p: [[p[0], 2 * p[1]], [p[1], p[0]]], 0.3, 1.2)
case("hankel", lambda p: linalg.hankel(p), lambda p: [[p[0], p[1]], [p[1], mpf(0)]], 0.3, 1.2)
case("circulant", lambda p: linalg.circulant(p), lambda p: [[p[0], p[1]], [p[1], p[0]]], 0.3, 1.2)
case(
    "solve_toeplitz",
    lambda p: linalg.solve_toeplitz(p, B),
    lambda p: solved(mp.matrix([[p[0], p[1]], [p[1], p[0]]])),
    *(1.3, 0.2),
)


# Transforms, convolutions and sums.


def transformed(x: Any, sign: int = -1) -> Any:
    turn = mp.exp(sign * 2j * mp.pi / len(x))
    return [sum(v * turn ** (j * k) for k, v in enumerate(x)) for j in range(len(x))]


def convolved(a: Any, b: Any) -> Any:
    return [sum(a[j] * b[k - j] for j in range(len(a)) if 0 <= k - j < len(b)) for k in range(len(a) + len(b) - 1)]


def trapezoids(y: Any, x: Any) -> Any:
    parts = [(q - p) * (a + b) / 2 for p, q, a, b in zip(x, x[1:], y, y[1:], strict=False)]
    return [sum(parts[: k + 1]) for k in range(len(parts))]


Y = (0.3, -1.0, 2.0, 0.7)
case("fft", lambda x: scipy.fft.fft(x).imag, lambda x: list(map(mp.im, transformed(x))), *Y)
case(
    "ifft", lambda x: scipy.fft.ifft(x * 1j, norm="forward").real, lambda x: [-mp.im(v) for v in transformed(x, 1)], *Y
)
case("fft of fewer", lambda x: scipy.fft.fft(x, 3).real, lambda x: list(map(mp.re, transformed(x[:3]))), *Y)
case("rfft", lambda x: scipy.fft.rfft(x).imag, lambda x: list(map(mp.im, transformed(x)))[:3], *Y)
case("irfft", lambda x: scipy.fft.irfft(scipy.fft.rfft(x) ** 2), lambda x: convolved_in_a_circle(x, x), *Y)
case("fft2", lambda x: scipy.fft.fft2(np.reshape(x, (2, 2)))[1, 0].real, lambda x: x[0] + x[1] - x[2] - x[3], *Y)
case("fftn", lambda x: scipy.fft.fftn(np.reshape(x, (2, 2)), axes=(1,))[1, 1].real, lambda x: x[2] - x[3], *Y)
case("convolve", lambda x: scipy.signal.convolve(x[:3], x[1:]), lambda x: convolved(x[:3], x[1:]), *Y)
case("convolve, same", lambda x: scipy.signal.convolve(x[:2], x, "same"), lambda x: convolved(x[:2], x)[1:3], *Y)
case("fftconvolve", lambda x: scipy.signal.fftconvolve(x, x[:2], "valid"), lambda x: convolved(x, x[:2])[1:4], *Y)
case("trapezoid", lambda x: scipy.integrate.trapezoid(x, x**2), lambda x: trapezoids(x, [v * v for v in x])[-1], *Y)
case("trapezoid, dx", lambda x: scipy.integrate.trapezoid(x, dx=2.0), lambda x: trapezoids(x, [0, 2, 4, 6])[-1], *Y)
case(
    "cumulative_trapezoid",
    lambda x: scipy.integrate.cumulative_trapezoid(np.sin(x), x, initial=0),
    lambda x: [mpf(0), *trapezoids(list(map(mp.sin, x)), x)],
    *Y,
)
case(
    "simpson",
    lambda x: scipy.integrate.simpson(x[:3] ** 2, dx=3.0),
    lambda x: x[0] ** 2 + 4 * x[1] ** 2 + x[2] ** 2,
    *Y,
)
case(
    "simpson, places",
    lambda x: scipy.integrate.simpson(np.stack([x[:3], x[1:]]), x=np.array([0.0, 1.0, 2.0])),
    lambda x: [(x[0] + 4 * x[1] + x[2]) / 3, (x[1] + 4 * x[2] + x[3]) / 3],
    *Y,
)


def convolved_in_a_circle(a: Any, b: Any) -> Any:
    return [sum(a[j] * b[k - j] for j in range(len(a))) for k in range(len(a))]


def upper_of(a: Any) -> Any:
    """The upper factor, where the first row is the largest."""
    return mp.matrix([[a[0, 0], a[0, 1]], [0, a[1, 1] - a[1, 0] / a[0, 0] * a[0, 1]]])


def flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for part in value for leaf in flat(part)]
    return [value]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_functions_of_a_vector(case):
    ours, x = traceable(case.ours), np.array(case.point)
    np.testing.assert_array_equal(ours(x), case.ours(x))
    value = trace(ours, x).outputs[0].value
    np.testing.assert_array_equal(value, case.ours(x))
    assert np.shape(value) == np.shape(case.ours(x))

    def component(k):
        return lambda *p: flat(case.exact(list(p)))[k]

    count = len(flat(case.exact(exactly(x))))
    assert count == np.size(value)
    point = exactly(x)
    first = [[partial(component(k), point, i) for i in range(len(x))] for k in range(count)]
    close(np.reshape(jacobian(ours)(x), (count, -1)), first, case.first)
    forward = [np.ravel(jvp(ours, (x,), (direction,))[1]) for direction in np.eye(len(x))]
    close(np.transpose(forward), first, case.first)
    weights = np.cos(np.arange(count))
    second = hessian(traceable(lambda x: np.sum(weights * np.ravel(case.ours(x)))))(x)
    total = lambda *p: sum(mpf(w) * v for w, v in zip(weights, flat(case.exact(list(p))), strict=True))
    exact_second = [[partial(total, point, i, j) for j in range(len(x))] for i in range(len(x))]
    scale = max(1.0, float(max(abs(v) for v in flat(exact_second))))
    np.testing.assert_allclose(second, np.array(exact_second, float), rtol=case.second, atol=case.second * scale)


@pytest.mark.parametrize(
    ("x", "slopes"),
    [
        ([-np.inf, 0.0, 0.0], [0.0, 0.5, 0.5]),
        ([-np.inf, -np.inf], [0.5, 0.5]),
        ([-np.inf], [1.0]),
        ([np.inf, 0.0], [1.0, 0.0]),
        ([1e307, -1e307], [1.0, 0.0]),
    ],
)
def test_logsumexp_of_infinities(x, slopes):
    """A term that is nothing adds nothing; equal infinities share, as in np.logaddexp."""
    f, x = traceable(lambda x: special.logsumexp(x)), np.array(x)
    np.testing.assert_array_equal(grad(f)(x), slopes)
    np.testing.assert_array_equal([jvp(f, (x,), (direction,))[1] for direction in np.eye(len(x))], slopes)


def test_logsumexp_of_a_negative_sum():
    with np.errstate(invalid="ignore"):  # SciPy takes its logarithm
        assert math.isnan(grad(traceable(lambda x: special.logsumexp([x, 1.0], b=[1.0, -2.0])))(0.5))


MEAN = np.zeros(2)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: stats.multivariate_normal.cdf(x * np.ones(2), MEAN), "multivariate_normal"),
        (lambda x: stats.multivariate_normal.logpdf(x * np.ones(2), MEAN, np.eye(2), True), "logpdf"),
        (lambda x: stats.gamma.cdf(0.5, x), "gammainc"),
        (lambda x: stats.poisson.logpmf(x, 2.0), "integers"),
        (lambda x: stats.binom.logpmf(2, 4 * x, 0.5), "integer"),
        (lambda x: stats.gamma.rvs(x), "scipy.stats.gamma.rvs"),
        (lambda x: stats.norm.fit([x, 1.0]), "fit"),
        (lambda x: stats.norm(x, 1.0).expect(np.sin), "expect"),
        (lambda x: stats.levy.logpdf(x), "scipy.stats.levy.logpdf"),
        (lambda x: stats.zscore(np.array([x, 1.0])), "zscore"),
        (lambda x: special.logsumexp([1j * x, 1.0]), "complex"),
        (lambda x: special.comb(x, 2, exact=True), "comb"),
        (lambda x: special.ellip_harm(8.0, 5.0, 1, 1, x), "ellip_harm"),
        (lambda x: linalg.sqrtm(x * np.eye(2)), "sqrtm"),
        (lambda x: linalg.qr(x * np.ones((3, 2))), "economic"),
        (lambda x: linalg.qr(x * np.eye(2), pivoting=True), "pivoting"),
        (lambda x: linalg.svd(x * np.ones((3, 2))), "full_matrices"),
        (lambda x: linalg.eigh(x * np.eye(2), np.eye(2)), "eigvalsh"),
        (lambda x: linalg.lu(x * np.ones((3, 2))), "square"),
        (lambda x: linalg.solve_banded((0, 0), x * np.ones((1, 2)), MEAN), "solve_banded"),
        (lambda x: linalg.pinv(x * np.eye(2), return_rank=True), "return_rank"),
        (lambda x: scipy.fft.dct(np.array([x, 1.0])), "scipy.fft.dct"),
        (lambda x: scipy.fft.fft2(x * np.eye(2), (3, 3)), "scipy.fft.fft2"),
        (lambda x: scipy.integrate.quad(math.sin, 0.0, x), "scipy.integrate.quad"),
        (lambda x: scipy.integrate.quad(lambda t: t * x, 0.0, 1.0), "scipy.integrate.quad"),
        (lambda x: scipy.integrate.odeint(lambda y, t: -x * y, 1.0, [0.0, 1.0]), "scipy.integrate.odeint"),
        (lambda x: scipy.optimize.minimize(lambda t: (t[0] - x) ** 2, [0.0]), "scipy.optimize.minimize"),
        (lambda x: scipy.integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), [x]), "solve_ivp"),
        (lambda x: scipy.interpolate.CubicSpline([0, 1, 2], [0.0, x, 1.0]), "CubicSpline"),
        (lambda x: scipy.optimize.brentq(math.sin, -1.0, x), "brentq"),
        (lambda x: scipy.signal.lfilter([1.0], [1.0, x], np.ones(4)), "np.convolve"),
        (lambda x: scipy.integrate.simpson([1.0, x, 2.0], x=[0.0, x, 2.0]), "option"),
        (lambda x: scipy.sparse.csr_array(x * np.eye(2)), "dense"),
    ],
)
def test_what_is_refused_says_why_and_what_to_write(f, words):
    with pytest.raises(DiffmagicError, match=words) as refused:
        grad(traceable(f))(0.5)
    assert refused.value.rewrite
    assert "float()" not in str(refused.value)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: stats.norm.logpdf(x, 0.0, 1.0, 2.0),
        lambda x: stats.gamma.logpdf(x),
        lambda x: special.logsumexp(x, axes=0),
        lambda x: special.softmax(x, check_finite=True),
        lambda x: linalg.inv(x, x, x, x, x),
        lambda x: linalg.cholesky(),
    ],
)
def test_mistakes_are_the_users_own(f):
    with pytest.raises(TypeError):
        f(0.5)
    with pytest.raises(TypeError):
        grad(traceable(f))(0.5)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_scipy_is_imported_where_it_is_used():
    code = """
import sys
from diffmagic import grad, traceable
print(any(name.startswith("scipy") for name in sys.modules))
from scipy import linalg
import numpy as np
print(grad(traceable(lambda x: linalg.det(x * np.eye(2))))(3.0), "scipy.stats" in sys.modules)
"""
    # code without a file has no source to rewrite, so the call is made as rewritten code makes it
    code = code.replace("traceable(lambda x: linalg.det(x * np.eye(2)))", "lambda x: call(linalg.det, x * np.eye(2))")
    assert run("from diffmagic.core.hook import call" + code).split() == ["False", "6.0", "False"]


def test_without_scipy():
    code = """
import sys, math
sys.modules["scipy"] = None
from diffmagic import grad, DiffmagicError
from diffmagic.core.hook import call
print(grad(lambda x: call(math.hypot, x, 4.0))(3.0))
try:
    grad(lambda x: call(math.gamma, x))(3.0)
except DiffmagicError as error:
    print(error.rewrite)
"""
    assert run(code).splitlines() == ["0.6", "pip install scipy"]
