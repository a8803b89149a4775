"""What calls outside NumPy's protocols mean: the value of plain Python, and derivatives of both orders and modes."""

from __future__ import annotations

import abc
import cmath
import collections.abc
import copy
import decimal
import fractions
import functools
import itertools
import math
import numbers
import operator
import random
import statistics
import sys
from math import *  # noqa: F403 — as people write it

import mpmath
import numpy as np
import pytest
from numpy.polynomial import Chebyshev, Hermite, HermiteE, Laguerre, Legendre, Polynomial, polynomial

from diffmagic import DiffmagicError, grad, jvp, trace, traceable

mp, mpf = mpmath.mp, mpmath.mpf
X = 0.6


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(40):
        yield


square = np.frompyfunc(lambda t: t * t, 1, 1)
halves = np.frompyfunc(lambda t, u: (t / 2, np.sin(u)), 2, 2)
doubled = np.vectorize(lambda t: 2 * t)


class Area(abc.ABC):  # noqa: B024
    def __init__(self, x):
        self.value = math.exp(x)


PLAIN = Polynomial([1.0, 2.0, 3.0])


def series(*coefficients):
    return lambda x: sum(c * x**k for k, c in enumerate(coefficients))


def basis(polynomial, x):
    """The value of a family's polynomial with coefficients 1, 2 x, 3 at x."""
    return polynomial(0, x) + 2 * x * polynomial(1, x) + 3 * polynomial(2, x)


CASES = {
    # arrays
    "r_ in brackets": (
        lambda x: np.r_[x, x:2, np.array([x * x]), 0:x:3j].sum(),
        lambda x: x + 2 * x + 1 + x * x + 1.5 * x,
    ),
    "r_ of one": (lambda x: np.r_[x:2].sum() * np.r_[[x, x]].sum(), lambda x: (2 * x + 1) * 2 * x),
    "c_ in brackets": (lambda x: np.c_[[x, 1], [2, x]][1, 1] * x, lambda x: x * x),
    "vectorize a closure": (lambda x: np.vectorize(lambda t: t * x * x)(np.arange(3.0)).sum(), lambda x: 3 * x * x),
    "frompyfunc a closure": (
        lambda x: np.frompyfunc(lambda t: t * math.exp(x), 1, 1)(np.arange(3.0)).sum(),
        lambda x: 3 * mp.exp(x),
    ),
    "generators": (
        lambda x: math.fsum(x * k for k in range(3)) * np.fromiter((x * k for k in range(3)), float).sum(),
        lambda x: 9 * x * x,
    ),
    "abstract": (lambda x: Area(x).value, mp.exp),
    "vectorize with otypes": (lambda x: np.vectorize(lambda t: t * t, otypes=[float])([x, 2.0]).sum(), lambda x: x * x),
    "vectorize with excluded": (
        lambda x: np.vectorize(lambda t, p: t * t * p[0], excluded=["p"])(np.array([x, 2.0]), p=[x]).sum(),
        lambda x: x**3 + 4 * x,
    ),
    "vectorize with an excluded place": (
        lambda x: np.vectorize(lambda t, p: t * p[0], excluded=[1])(np.array([x, 2.0]), [x]).sum(),
        lambda x: x * x + 2 * x,
    ),
    "vectorize with a signature": (
        lambda x: np.vectorize(lambda t, u: t @ u, signature="(n),(n)->()")(np.array([[x, 1], [2, x]]), [x, 3])[1],
        lambda x: 5 * x,
    ),
    "vectorize with vectors for results": (
        lambda x: np.vectorize(lambda t: t * math.exp(t[0]), signature="(n)->(n)")(np.array([[x, 1.0]]))[0, 1],
        mp.exp,
    ),
    "vectorize with two results": (
        lambda x: sum(np.vectorize(lambda t, s=2.0: (t * t, s * t))(np.array([x, 1.0]), s=x)[k][0] for k in (0, 1)),
        lambda x: 2 * x * x,
    ),
    "vectorize that broadcasts": (
        lambda x: np.vectorize(lambda t, u: t * u)(np.array([[x], [1.0]]), np.array([x, 2.0]))[0].sum(),
        lambda x: x * x + 2 * x,
    ),
    "vectorized before": (lambda x: doubled(x)[()] * x, lambda x: 2 * x * x),
    "frompyfunc": (lambda x: square(x), lambda x: x * x),
    "frompyfunc of arrays": (
        lambda x: halves(np.array([[x], [1.0]]), np.array([x, 2.0]))[1].sum() + square([x]).sum(),
        lambda x: 2 * mp.sin(x) + 2 * mp.sin(2) + x * x,
    ),
    "fromfunction": (lambda x: np.fromfunction(lambda i, j: i * x**2 + j, (2, 2)).sum(), lambda x: 2 * x * x + 2),
    "fromiter": (lambda x: np.fromiter([x, x * x], float).sum(), lambda x: x + x * x),
    "fromiter of some": (lambda x: np.fromiter([x * x, x, 1.0], float, count=2).sum(), lambda x: x + x * x),
    "ndenumerate": (
        lambda x: sum((i + 2 * j) * v * v for (i, j), v in np.ndenumerate(np.array([[x, 1.0], [x, x]]))),
        lambda x: 4 * x * x + 2,
    ),
    "r_": (lambda x: np.r_.__getitem__((x, slice(0, 3), np.array([x * x]), [1, x])).sum(), lambda x: x * x + 2 * x + 4),
    "r_ of points": (lambda x: np.r_.__getitem__((x, slice(0, x * x, 3j))).sum(), lambda x: x + 1.5 * x * x),
    "r_ of a range": (lambda x: np.r_.__getitem__((x * x, slice(x, 2.0))).sum(), lambda x: x * x + 2 * x + 1),
    "c_": (
        lambda x: (np.c_.__getitem__((np.array([x, 2.0]), np.array([1, x * x]))) * [[1, 2], [3, 4]]).sum(),
        lambda x: x + 4 * x * x + 8,
    ),
    "c_ of matrices": (lambda x: np.c_.__getitem__((np.array([[x, 1]]), [[x]]))[0, 2] * x, lambda x: x * x),
    "unbound methods": (
        lambda x: np.ndarray.sum(np.array([x, x * x])) + np.ndarray.dot(np.ones(1), [x]),
        lambda x: 2 * x + x * x,
    ),
    "scalar types": (lambda x: np.float64(x) * np.double(x) + np.complex128(x).real, lambda x: x * x + x),
    "integer types": (lambda x: np.int64(3 * x) * x * x + np.bool_(x) * x, lambda x: x * x + x),
    "asarray_chkfinite": (lambda x: np.asarray_chkfinite([x, x])[1] * x, lambda x: x * x),
    "eye, indices, tri": (
        lambda x: (np.eye(2) * x + np.indices((2, 2))[0] * x * x + np.tri(2)).sum(),
        lambda x: 2 * x + 2 * x * x + 3,
    ),
    # polynomials
    "Polynomial": (lambda x: Polynomial([1.0, x, x * x])(3.0), lambda x: 1 + 3 * x + 9 * x * x),
    "Polynomial at": (lambda x: PLAIN(x) + Polynomial([1.0, 2.0])(x), series(2, 4, 3)),
    "Polynomial of an array": (lambda x: Polynomial([x, x])(np.array([[x], [2.0]])).sum(), lambda x: 4 * x + x * x),
    "Polynomial with a domain": (
        lambda x: Polynomial([1.0, x, x], domain=[0, 3])(x),
        lambda x: 1 + x * (2 * x / 3 - 1) + x * (2 * x / 3 - 1) ** 2,
    ),
    "Polynomial arithmetic": (
        lambda x: ((Polynomial([1.0, x]) * PLAIN - Polynomial([x]) + 1) ** 2 / 2)(x),
        lambda x: ((1 + x * x) * (1 + 2 * x + 3 * x * x) - x + 1) ** 2 / 2,
    ),
    "Polynomial on the right": (
        lambda x: (PLAIN * Polynomial([x]) + 2 * Polynomial([x, x]))(x),
        lambda x: x * (1 + 2 * x + 3 * x * x) + 2 * x * (1 + x),
    ),
    "Polynomial division": (
        lambda x: (
            (Polynomial([1.0, x, 2.0]) // Polynomial([x, 1]))(x) + (Polynomial([1.0, x, 2.0]) % Polynomial([x, 1]))(x)
        ),
        lambda x: 2 * x - x + 1 - x * (x - 2 * x),
    ),
    "Polynomial calculus": (
        lambda x: Polynomial([x, x, x * x]).deriv()(2.0) + Polynomial([x, 1.0]).integ(2, k=[x], lbnd=x)(2.0),
        lambda x: x + 4 * x * x + integral(x),
    ),
    "plain Polynomial calculus": (lambda x: PLAIN.integ(lbnd=x)(2.0), lambda x: 14 - x - x * x - x**3),
    "Polynomial of roots": (lambda x: Polynomial.fromroots([x, 1.0, x])(3.0), lambda x: (3 - x) ** 2 * 2),
    "Polynomial attributes": (
        lambda x: Polynomial([1.0, x]).coef[1] * Polynomial([x, x]).degree() + next(iter(Polynomial([x]))) ** 2,
        lambda x: x + x * x,
    ),
    "polyval": (lambda x: polynomial.polyval(x, [1.0, 2.0, x]), lambda x: 1 + 2 * x + x**3),
    "polyder, polyint": (
        lambda x: polynomial.polyval(x, polynomial.polyint(polynomial.polyder([x, x, x]))),
        lambda x: x * x + x**3,
    ),
    "Chebyshev": (lambda x: Chebyshev([1.0, 2 * x, 3.0])(x), lambda x: basis(mp.chebyt, x)),
    "Legendre": (lambda x: Legendre([1.0, 2 * x, 3.0])(x), lambda x: basis(mp.legendre, x)),
    "Laguerre": (lambda x: Laguerre([1.0, 2 * x, 3.0])(x), lambda x: basis(lambda n, t: mp.laguerre(n, 0, t), x)),
    "Hermite": (lambda x: Hermite([1.0, 2 * x, 3.0])(x), lambda x: basis(mp.hermite, x)),
    "HermiteE": (lambda x: HermiteE([1.0, 2 * x, 3.0])(x), lambda x: basis(lambda n, t: [1, t, t * t - 1][n], x)),
    "Chebyshev arithmetic": (
        lambda x: (Chebyshev([1.0, x, 3.0]) * Chebyshev([x, 2.0])).deriv()(0.25) + Chebyshev([0.0, x * x]).integ()(0.5),
        lambda x: mp.diff(lambda t: (1 + x * t + 3 * mp.chebyt(2, t)) * (x + 2 * t), mpf(0.25)) + x * x / 8,
    ),
    "poly1d": (lambda x: np.poly1d([1.0, x, 2.0])(3.0) + np.poly1d([1.0, 2.0])(x), lambda x: 13 + 4 * x),
    "poly1d arithmetic": (
        lambda x: ((np.poly1d([1.0, x]) * np.poly1d([x, 1, 1]) - 3 + np.poly1d([x])) / x * x)(2.0),
        lambda x: (2 + x) * (4 * x + 3) - 3 + x,
    ),
    "poly1d calculus": (
        lambda x: np.poly1d([x, x, 2.0]).deriv()(x) + np.poly1d([x, 1.0]).integ()(x),
        lambda x: 2 * x * x + x + x**3 / 2 + x,
    ),
    # math
    "gamma, lgamma": (lambda x: math.gamma(x) + math.lgamma(x + 1), lambda x: mp.gamma(x) + mp.loggamma(x + 1)),
    "erf, erfc": (lambda x: math.erf(x) * math.erfc(x), lambda x: mp.erf(x) * mp.erfc(x)),
    "hypot": (lambda x: math.hypot(x, 1.0, x * x) + math.hypot(x), lambda x: mp.sqrt(x * x + 1 + x**4) + x),
    "dist": (lambda x: math.dist([x, x * x], (1.0, 2.0)), lambda x: mp.sqrt((x - 1) ** 2 + (x * x - 2) ** 2)),
    "modf": (lambda x: math.modf(4 * x)[0] ** 2 + math.modf(4 * x)[1], lambda x: (4 * x - 2) ** 2 + 2),
    "frexp, ldexp": (
        lambda x: math.ldexp(math.frexp(5 * x)[0] ** 2, 3) * math.frexp(5 * x)[1],
        lambda x: 8 * 25 * x * x / 16 * 2,
    ),
    "remainder, fmod": (
        lambda x: math.remainder(x, 0.25 * x * x) + math.fmod(7 * x, 2 * x),
        lambda x: x - 7 * 0.25 * x * x + 7 * x - 6 * x,
    ),
    "fsum": (lambda x: math.fsum([1e100, x * x, -1e100]), lambda x: x * x),
    "prod": (lambda x: math.prod([x, x, 2], start=x), lambda x: 2 * x**3),
    "nextafter, ulp": (lambda x: math.nextafter(x, 2.0) * x + math.ulp(x), lambda x: x * x),
    "copysign, fabs, trunc": (
        lambda x: math.copysign(x * x, -1.0) + math.fabs(-x) * math.trunc(2 * x),
        lambda x: x - x * x,
    ),
    "integers": (
        lambda x: x * math.comb(int(9 * x), 2) * math.factorial(int(5 * x)) * math.gcd(4, round(10 * x)) * x,
        lambda x: 120 * x * x,
    ),
    "isclose": (lambda x: x * x if math.isclose(x, 0.6) else x, lambda x: x * x),
    "a star": (lambda x: exp(sin(x)) * tanh(x), lambda x: mp.exp(mp.sin(x)) * mp.tanh(x)),  # noqa: F405
    "cmath": (lambda x: cmath.exp(1j * x * x).real, lambda x: mp.cos(x * x)),
    "cmath of real numbers": (
        lambda x: cmath.sqrt(-x).imag + cmath.acos(x + 1).imag,
        lambda x: mp.sqrt(x) - mp.acosh(x + 1),
    ),
    "cmath.log": (lambda x: cmath.log(-x, 2 + x).real, lambda x: mp.re(mp.log(-x) / mp.log(2 + x))),
    "cmath.polar": (
        lambda x: cmath.polar(x + 2j)[0] * cmath.phase(x + 2j),
        lambda x: mp.sqrt(x * x + 4) * mp.atan2(2, x),
    ),
    "cmath.rect": (lambda x: cmath.rect(x, x).imag, lambda x: x * mp.sin(x)),
    "cmath decides": (lambda x: x * x if cmath.isfinite(1j * x) and not cmath.isnan(x) else x, lambda x: x * x),
    # builtins
    "divmod": (lambda x: sum(divmod(5 * x, 2 * x)) + divmod(7.5, x)[1] * x, lambda x: 2 + x + 7.5 * x - 12 * x * x),
    "round, int": (lambda x: round(3 * x) * x + int(9 * x) * x * x + round(x * x), lambda x: 2 * x + 5 * x * x),
    "range": (lambda x: math.prod(x for _ in range(int(6 * x))), lambda x: x**3),
    "sum, min, max with options": (
        lambda x: sum([x, x], x) * min([x, -2 * x], key=abs) + max(np.array([x, 3 * x])) + max([], default=x),
        lambda x: 3 * x * x + 4 * x,
    ),
    "sorted, reversed": (
        lambda x: sorted([x * x, 2.0, x], reverse=True)[1] * next(iter(reversed([2, x]))),
        lambda x: x * x,
    ),
    "reversed array": (
        lambda x: next(iter(reversed(np.array([1.0, x])))) * list(np.array([x, x]))[1],
        lambda x: x * x,
    ),
    "isinstance": (
        lambda x: (
            x * x if isinstance(x, numbers.Real) and isinstance(x, int | float) and not isinstance(x, np.ndarray) else x
        ),
        lambda x: x * x,
    ),
    "isinstance of what it stands for": (
        lambda x: x if isinstance(x, collections.abc.Iterable | collections.abc.Sized) else x * x,
        lambda x: x * x,
    ),
    "hasattr, getattr": (
        lambda x: getattr(x, "real", 0.0) * getattr(x, "shape", 3) * x if not hasattr(x, "__len__") else x,
        lambda x: 3 * x * x,
    ),
    "type": (lambda x: x * x if type(x) is float and issubclass(type(x), float) else x, lambda x: x * x),
    "text": (
        lambda x: x * x * len(f"{x:.3f} {x!r} {x}" + str(x) + repr(x) + format(x, ".2f") + f"{x}" + "%s" % x),  # noqa: UP031
        lambda x: x * x * 29,
    ),
    "truth": (lambda x: x * x if bool(x) and any([x > 1, x]) and all(np.array([x]) > 0) else x, lambda x: x * x),
    "complex": (lambda x: (complex(x, x) * complex(imag=x)).imag * complex(x).real, lambda x: x**3),
    "containers": (
        lambda x: next(t for t in tuple(np.array([x]))) * sum(list(iter([x]))) * (x in [x, 2.0]),
        lambda x: x * x,
    ),
    "pow": (lambda x: pow(x, 3) + pow(2, x) + abs(-x), lambda x: x**3 + mpf(2) ** x + x),
    "copy": (lambda x: copy.copy(x) * copy.deepcopy([x])[0], lambda x: x * x),
    "id": (lambda x: x * x if id(x) else x, lambda x: x * x),
    "operator": (
        lambda x: (
            operator.mul(x, operator.itemgetter(0)([x]))
            + operator.iadd(x, 1) * operator.truth(x)
            + operator.matmul(np.array([x, 1.0]), np.ones(2))
            + operator.methodcaller("sum")(np.array([x]))
        ),
        lambda x: x * x + x + 1 + x + 1 + x,
    ),
    "reduce, accumulate": (
        lambda x: (
            functools.reduce(operator.mul, [x, x, 2.0])
            + list(itertools.accumulate([x, x], lambda a, b: a + math.sin(b)))[1]
        ),
        lambda x: 2 * x * x + x + mp.sin(x),
    ),
    "starmap, product": (
        lambda x: (
            sum(itertools.starmap(math.pow, [(x, 3)])) + sum(a * b for a, b in itertools.product([x, 1], repeat=2))
        ),
        lambda x: x**3 + x * x + 2 * x + 1,
    ),
    "random": (lambda x: random.Random(1).gauss(x, 0.0) * x, lambda x: x * x),
}


def integral(x):
    """From x twice of x + t, the first time with x added."""
    first = lambda t: x * t + t * t / 2 - x * x - x * x / 2 + x
    return mp.quad(first, [x, 2])


if sys.version_info >= (3, 12):
    CASES["sumprod"] = (lambda x: math.sumprod([x, 2.0], [x, x]), lambda x: x * x + 2 * x)
if sys.version_info >= (3, 13):
    CASES["fma"] = (lambda x: math.fma(x, x, x), lambda x: x * x + x)


@pytest.mark.parametrize(("f", "exact"), CASES.values(), ids=CASES)
def test_as_written(f, exact):
    ours, first, second = traceable(f), float(mp.diff(exact, mpf(X))), float(mp.diff(exact, mpf(X), 2))
    assert ours(X) == f(X)
    assert trace(ours, X).outputs[0].value == pytest.approx(f(X), rel=1e-15)
    assert grad(ours)(X) == pytest.approx(first, rel=1e-13, abs=1e-15)
    assert jvp(ours, (X,), (1.0,))[1] == pytest.approx(first, rel=1e-13, abs=1e-15)
    assert grad(grad(ours))(X) == pytest.approx(second, rel=1e-12, abs=1e-12)
    assert jvp(grad(ours), (X,), (1.0,))[1] == pytest.approx(second, rel=1e-12, abs=1e-12)


# Every function of `math` and `cmath`: it has the derivative of its mathematical meaning, or takes no floats.

AT = {
    "acosh": (1.5,),
    "atan2": (0.6, 1.7),
    "copysign": (0.6, -1.7),
    "dist": ([0.6, 1.0], [2.0, 0.5]),
    "fma": (0.6, 1.7, 0.3),
    "fmod": (2.6, 1.7),
    "fsum": ([0.6, 1.7],),
    "hypot": (0.6, 1.7),
    "isclose": (0.6, 1.7),
    "ldexp": (0.6, 3),
    "nextafter": (0.6, 1.7),
    "pow": (0.6, 1.7),
    "prod": ([0.6, 1.7],),
    "rect": (0.6, 1.7),
    "remainder": (2.6, 1.7),
    "sumprod": ([0.6, 1.7], [2.0, 0.5]),
}
OF_COMPLEX_NUMBERS = "acos acosh asin asinh atan atanh cos cosh exp log log10 sin sinh sqrt tan tanh"
OF_INTEGERS = {"comb", "factorial", "gcd", "isqrt", "lcm", "perm"}
FUNCTIONS = [
    getattr(module, name)
    for module in (math, cmath)
    for name in dir(module)
    if callable(getattr(module, name)) and not name.startswith("_")
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_every_function_of_math(function):
    """The first argument moves and is a factor; the reference is a central difference, good to nine digits."""
    first, *rest = AT.get(function.__name__, (X,))

    def at(x):
        found = function([x, *first[1:]] if isinstance(first, list) else x, *rest)
        found = found[0] if isinstance(found, tuple) else found
        return x * (found.real + found.imag if isinstance(found, complex) else found)

    start = first[0] if isinstance(first, list) else first
    if function.__name__ in OF_INTEGERS:
        with pytest.raises(TypeError):
            at(start)
        with pytest.raises(TypeError):
            grad(traceable(at))(start)
        return
    h, weights = 1e-3, (4 / 5, -1 / 5, 4 / 105, -1 / 280)
    slope = sum(w * (at(start + k * h) - at(start - k * h)) / h for k, w in enumerate(weights, start=1))
    ours = traceable(at)
    assert ours(start) == at(start)
    assert trace(ours, start).outputs[0].value == at(start)
    assert grad(ours)(start) == pytest.approx(slope, rel=1e-9, abs=1e-9)
    assert jvp(ours, (start,), (1.0,))[1] == pytest.approx(slope, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("z", [0.3 + 0.4j, -1.5 - 0.2j, -0.4 + 2.0j, 2.0 - 1.0j])
@pytest.mark.parametrize("name", OF_COMPLEX_NUMBERS.split())
def test_complex_points(name, z):
    f = getattr(cmath, name)
    ours = traceable(lambda x: f(z + x * (1 + 2j)).imag)
    exact = lambda x: mp.im(getattr(mp, name)(mpmath.mpc(z) + x * mpmath.mpc(1, 2)))
    assert grad(ours)(0.0) == pytest.approx(float(mp.diff(exact, 0)), rel=1e-13)
    assert grad(grad(ours))(0.0) == pytest.approx(float(mp.diff(exact, 0, 2)), rel=1e-12)


def test_hypot_at_zero():
    assert grad(traceable(lambda x: math.hypot(x, 0.0)))(0.0) == 0.0


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: sum(v for v in np.nditer(np.array([x, x]))), "np.ndenumerate"),
        (lambda x: np.broadcast(np.array([x]), np.ones(2)), "np.broadcast_arrays"),
        (lambda x: np.matrix([[x]]), "np.array"),
        (lambda x: np.r_.__getitem__(("0,2", [x, x])), "np.concatenate"),
        (lambda x: np.vectorize(lambda t: t)(np.array([x])[1:]), "empty"),
        (lambda x: Polynomial([x, 1.0]).roots(), "roots"),
        (lambda x: statistics.mean([x, 1.0]), "np.mean"),
        (lambda x: statistics.stdev([x, 1.0]), "np.std"),
        (lambda x: fractions.Fraction(x), "floats"),
        (lambda x: decimal.Decimal(x), "floats"),
        (lambda x: hash(x), "key"),
        (lambda x: {x: 1}, "key"),
        (lambda x: {x}, "key"),
        (lambda x: x.as_integer_ratio(), "as_integer_ratio"),
    ],
)
def test_refused(f, words):
    with pytest.raises(DiffmagicError, match=words) as refused:
        grad(traceable(f))(X)
    assert refused.value.rewrite


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: math.gamma(-1 + 0 * x), ValueError),
        (lambda x: math.hypot(x, "2"), TypeError),
        (lambda x: math.dist([x], [1.0, 2.0]), ValueError),
        (lambda x: cmath.log(0 * x), ValueError),
        (lambda x: cmath.exp(2000 * x), OverflowError),
        (lambda x: np.fromiter([x], float, count=2), ValueError),
        (lambda x: Polynomial([[x]]), ValueError),
        (lambda x: Polynomial([1.0, x]) // Polynomial([0.0 * x]), ZeroDivisionError),
        (lambda x: getattr(x, "shape"), AttributeError),  # noqa: B009
        (lambda x: len(x), TypeError),
        (lambda x: np.vectorize(lambda t: t)(x, x), TypeError),
    ],
)
def test_errors_are_the_users_own(f, error):
    with pytest.raises(error):
        f(X)
    with pytest.raises(error):
        grad(traceable(f))(X)
