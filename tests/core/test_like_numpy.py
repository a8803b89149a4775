"""What code can ask of a traced value, what is a view and what a copy, and what is read later: all as in NumPy."""

from __future__ import annotations

import copy
import functools
import math
import numbers
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

from diffmagic import DiffmagicError, checkpoint, grad, hessian, jvp, linearize, traceable

X = np.array([0.3, 0.7, 1.1, 0.5])


@functools.singledispatch
def dispatched(x: Any) -> Any:
    return x * 100


@dispatched.register(float)
def _(x: float) -> Any:
    return x * 2


@dispatched.register(np.ndarray)
def _(x: Any) -> Any:
    return (x * 3).sum()


def matched(x: Any) -> Any:
    match {"key": x}:
        case {"key": float() as value}:
            return value * 2
        case {"key": np.ndarray() as value}:
            return (value * 3).sum()
    return x * 100


QUESTIONS = [
    dispatched,
    matched,
    lambda x: x * 2 if x.__class__ is float else (x * 3).sum(),
    lambda x: x * 2 if isinstance(x, float) else (x * 3).sum(),
    lambda x: (x * 3).sum() if isinstance(x, (list, np.ndarray)) else x * 2,
    lambda x: x * 2 if isinstance(x, numbers.Real) else (x * 3).sum(),
    lambda x: (x * 3).sum() if hasattr(x, "shape") else x * 2,
    lambda x: (x * 3).sum() if getattr(x, "ndim", 0) else x * 2,
    lambda x: x * 2 if np.isscalar(x) else (x * 3).sum(),
]


@pytest.mark.parametrize("wrap", [lambda f: f, traceable], ids=["plain", "rewritten"])
@pytest.mark.parametrize("f", QUESTIONS, ids=range(len(QUESTIONS)))
def test_questions_about_the_class(f, wrap):
    assert grad(wrap(f))(1.5) == 2.0
    np.testing.assert_array_equal(grad(wrap(f))(X), 3 * np.ones(4))


def named(x: Any) -> Any:
    return x * 2


WEIGHTS = {named: 2.0}


def kept_functions(x: Any) -> Any:
    held: list[Any] = []
    held.append(named)
    unique = set()
    for _ in range(3):
        unique.add(named)
    return x * WEIGHTS.get(named, 7.0) * (3.0 if held[0] is named else 5.0) * len(unique) * held.count(named)


def called_functions(x: Any) -> Any:
    values = [x, x * 2]
    values.sort(key=lambda t: -math.sin(t))
    product = functools.reduce(lambda p, q: p * math.sin(q), values)
    return product + sum(map(math.exp, values)) + max(values, key=lambda t: math.cos(t))


def test_functions_keep_their_identity_and_are_called_as_written():
    assert grad(traceable(kept_functions))(0.5) == 6.0
    slope = (called_functions(0.5 + 1e-6) - called_functions(0.5 - 1e-6)) / 2e-6
    assert grad(traceable(called_functions))(0.5) == pytest.approx(slope, rel=1e-8)


# Which results are views, which copies, and in which order they lie.

F = np.asfortranarray(np.arange(6.0).reshape(2, 3))

COPIES = {
    "astype, no copy": lambda a: a.astype(float, copy=False),
    "np.astype, no copy": lambda a: np.astype(a, float, copy=False),
    "astype": lambda a: a.astype(float),
    "astype in order": lambda a: a.astype(float, order="F").ravel("K"),
    "array": lambda a: np.array(a),
    "array, if needed": lambda a: np.array(a, copy=None),
    "array in order": lambda a: np.array(a, order="F").ravel("K"),
    "array with dimensions": lambda a: np.array(a, copy=None, ndmin=3),
    "asarray": lambda a: np.asarray(a),
    "asarray in order": lambda a: np.asarray(a, order="F"),
    "asarray in the other order": lambda a: np.asarray(a, order="C"),
    "ascontiguousarray": lambda a: np.ascontiguousarray(a),
    "ascontiguousarray of the transpose": lambda a: np.ascontiguousarray(a.T),
    "asfortranarray": lambda a: np.asfortranarray(a),
    "reshape, copy": lambda a: np.reshape(a, -1, copy=True) if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else a,
    "copy.copy": lambda a: copy.copy(a).ravel("K"),
    "copy.deepcopy": lambda a: copy.deepcopy(a).ravel("K"),
    "copy": lambda a: a.copy().ravel("K"),
    "copy as it lies": lambda a: a.copy("K").ravel("K"),
    "full": lambda a: np.full((2, 3), a, order="F").ravel("K"),
    "flat, all": lambda a: a.flat[:],
    "flat, some": lambda a: a.flat[2:5],
    "conj": lambda a: a.conj(),
    "view": lambda a: a.view(),
}


@pytest.mark.parametrize("a", [np.arange(6.0).reshape(2, 3), F, np.arange(12.0).reshape(2, 6)[:, ::2]], ids="CFS")
@pytest.mark.parametrize("of", COPIES.values(), ids=COPIES)
def test_views_and_copies(of, a):
    """The result is written to, and then the array; what is seen by which is in the value."""

    def f(a: Any) -> Any:
        made = of(a)
        made[...] *= 2
        a[1] += made.ravel()[:3] * a[0]
        a[0] = 0.5
        weights = np.arange(1.0, made.size + 1).reshape(made.shape)
        return (made * weights).sum() + (a * a).sum()

    def plain(values: Any) -> Any:
        block = np.empty(100)
        twin = np.lib.stride_tricks.as_strided(block, a.shape, a.strides)
        twin[...] = values
        return f(twin)

    expected = plain(a)
    value, slope = jvp(traceable(f), (a,), (np.ones_like(a),))
    assert value == expected
    step = 0.125  # of a polynomial of degree four these differences are exact
    differences = [(plain(a + k * step) - plain(a - k * step)) / (2 * k * step) for k in (1, 2)]
    assert slope == pytest.approx((4 * differences[0] - differences[1]) / 3, rel=1e-12)


def test_flat():
    def f(a: Any) -> Any:
        t = a.T
        t.flat[1] = a[0, 0] ** 2
        t.flat[3:] = [5.0, a[0, 1]]
        return sum(v * k for k, v in enumerate(a.flat)) + np.sum(np.multiply(a.flat, 2.0)) + len(t.flat) * t.flat[0]

    def slope(direction: Any) -> Any:
        moved = F.astype(complex) + 1e-200j * direction
        return f(moved).imag / 1e-200

    direction = np.linspace(1.0, 2.0, 6).reshape(2, 3)
    value, found = jvp(f, (F,), (direction,))
    assert value == f(F.copy())
    assert found == pytest.approx(slope(direction), rel=1e-14)


@pytest.mark.parametrize("shape", [(5,), (4, 3)])
def test_shuffled_rows(shape):
    x = np.arange(float(math.prod(shape))).reshape(shape) + 1
    weights = x[::-1] ** 2

    def f(x: Any) -> Any:
        y = x * 2
        rng = np.random.default_rng(3)
        rng.shuffle(y)
        np.random.RandomState(1).shuffle(y)
        return (y * weights).sum()

    found = grad(traceable(f))(x)
    assert found.ravel() @ x.ravel() == pytest.approx(f(x), rel=1e-14)


# What is read again later.


def test_a_tangent_is_not_the_callers_array():
    def f(x: Any) -> Any:
        v = x * 1
        _, t = jvp(lambda u: u, (np.zeros(4),), (v,))
        t *= 2
        _, linear = linearize(lambda u: u * 1, np.zeros(4))
        s = linear(v)
        s[0] = 9.0
        return v.sum()

    np.testing.assert_array_equal(grad(traceable(f))(X), np.ones(4))


def test_an_inner_gradient_is_written_to_even_if_it_is_one_number_repeated():
    def f(x: Any) -> Any:
        g = grad(lambda u: u.sum() * x[0])(x)
        g[0] = x[1]
        return g.sum()

    np.testing.assert_array_equal(grad(f)(X), [3.0, 1.0, 0.0, 0.0])


def test_forward_over_forward_through_changes():
    def f(x: Any) -> Any:
        y = x * 1
        for k in range(1, 4):
            y[k] = y[k] * y[k - 1]
        return y.sum()

    v = np.array([1.0, -2.0, 0.5, 3.0])
    twice = jvp(lambda x: jvp(f, (x,), (v,))[1], (X,), (v,))[1]
    assert twice == pytest.approx(v @ hessian(f)(X) @ v, rel=1e-13)


def test_a_checkpoint_that_reads_what_has_changed_is_refused():
    factor = [2.0]

    def f(x: Any) -> Any:
        y = checkpoint(lambda v: np.sin(v) * factor[0])(x)
        factor[0] = 5.0
        return y

    with pytest.raises(DiffmagicError, match="computed again and gives another value"):
        grad(f)(0.5)


def test_large_constants_are_as_they_were_when_they_were_read():
    def f(x: Any) -> Any:
        c = np.arange(20_000.0)
        first = (x * c).sum()
        c[7] = 500.0
        second = (x * c).sum()
        np.random.default_rng(0).random(out=c)
        third = (x * c).sum()
        return first + 2 * second + 3 * third

    assert grad(traceable(f))(1.0) == pytest.approx(f(1.0), rel=1e-14)


def test_an_index_error_may_be_caught():
    def f(x: Any) -> Any:
        y = np.zeros(3)
        try:
            y[10] = x
        except IndexError:
            y[1] = x
        return y.sum()

    assert grad(traceable(f))(2.0) == 1.0


def new_arrays(x: Any) -> Any:
    _, edges = np.histogram([1.0, 2.0, 3.0], 2)
    edges[0] = x
    drawn = np.random.default_rng(0).normal(size=3)
    drawn[1] *= x
    mask = np.zeros(3, bool)
    mask |= np.array([x, 2 * x, -x]) > 0
    wide = np.zeros((2, 3))
    np.add(x * np.ones(3), 1, out=wide)
    return edges.sum() + drawn.sum() * x + mask.sum() * x + (wide * wide).sum()


def test_new_arrays_of_many_kinds():
    slope = (new_arrays(0.5 + 1e-5) - new_arrays(0.5 - 1e-5)) / 2e-5
    assert grad(traceable(new_arrays))(0.5) == pytest.approx(slope, rel=1e-9)


def test_a_number_stays_single_precision_beside_a_python_number():
    f = traceable(lambda x: np.ones(3, np.float32) * float(np.array([x])[0]))
    assert jvp(f, (0.5,), (1.0,))[0].dtype == f(0.5).dtype == np.float32


# Found by looking for them.


def test_an_axis_that_is_zero_is_an_axis():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    f = traceable(lambda x: scipy.special.logsumexp(x, axis=0))
    np.testing.assert_array_equal(jvp(f, (x,), (x,))[0], scipy.special.logsumexp(x, axis=0))
    np.testing.assert_allclose(grad(lambda x: f(x)[0])(x)[:, 1], [0.0, 0.0])


def test_pieces_have_the_type_of_their_argument():
    x = np.array([0.3, 0.9])
    value = jvp(lambda x: np.piecewise(x, [x < 0.5], [0, 1]), (x,), (x,))[0]
    assert value.dtype == np.float64
    np.testing.assert_array_equal(value, np.piecewise(x, [x < 0.5], [0, 1]))


def test_distributions_compute_in_double_precision():
    f = traceable(lambda m: scipy.stats.norm.logpdf(np.float32(0.4), m, 1e-3))
    exact = (float(np.float32(0.4)) - 0.4) / 1e-6
    assert grad(f)(0.4) == pytest.approx(exact, rel=1e-9)


def test_a_uniform_von_mises_distribution():
    for kappa in (0.0, 1e-9, 0.5, 2.0, 30.0):
        found = grad(traceable(lambda k: scipy.stats.vonmises.logpdf(0.3, k)))(kappa)
        exact = np.cos(0.3) - scipy.special.i1e(kappa) / scipy.special.i0e(kappa)
        assert found == pytest.approx(exact, rel=1e-12)


def test_parts_of_complex_numbers_that_are_infinite():
    def f(x: Any) -> Any:
        r = x * (1 + 0j)
        r.imag = np.inf
        s = x * (1 + 0j)
        s.real = x * 2
        return r.real.sum() + s.real.sum() + (complex(x[0], np.inf).real if isinstance(x, np.ndarray) else 0.0)

    value, slope = jvp(traceable(f), (X,), (np.ones(4),))
    assert value == f(X.copy())
    assert slope == 13.0


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.insert(np.arange(3), 1, x[0]).sum() * x[1],
        lambda x: np.mean(x * 5, dtype=int),
        lambda x: np.var(x * (1 + 1j), dtype=np.float64),
    ],
)
def test_what_would_lose_a_part_of_a_number_is_refused(f):
    with pytest.raises(DiffmagicError, match=r"whole part|lose a part"):
        grad(f)(X)
