"""Which results depend on which inputs: by the paths of a program."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic import jacobian, primitive, trace, traceable
from diffmagic.core.dependence import dependence
from diffmagic.core.recording import record
from tests.core.primitives.samples import DIFFERENTIABLE, Sample, leaves, mapped

ALL = [sample for samples in DIFFERENTIABLE.values() for sample in samples]
X = np.array([1.0, 2.0, 3.0])
ZEROS = np.zeros(3)
TRIANGLE = np.tril(np.ones((3, 3)))


def numbers(value: Any) -> Any:
    return np.concatenate([np.zeros(0), *(np.ravel(leaf) for leaf in leaves(value))])


@pytest.mark.parametrize("sample", ALL, ids=repr)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_independent_does_not_change(sample: Sample) -> None:
    """Against NumPy: a number that is moved changes no result that is said not to depend on it."""
    f = sample.of_moving()
    found = dependence(trace(lambda *moving: leaves(f(*moving)), *sample.operands))
    before = numbers(f(*sample.operands))
    assert found.shape[0] == len(before)
    places = [(k, place) for k, leaf in enumerate(leaves(sample.operands)) for place in np.ndindex(np.shape(leaf))]
    assert found.shape[1] == len(places)
    for column, (k, place) in enumerate(places):
        count = itertools.count()

        def nudged(leaf: Any, k: int = k, place: Any = place, count: Any = count) -> Any:
            if next(count) != k:
                return leaf
            leaf = np.array(leaf)
            leaf[place] += 1e-5 * (abs(leaf[place]) or 1)
            return leaf[()]

        after = numbers(f(*mapped(nudged, sample.operands)))
        if len(after) == len(before):  # numbers that were equal may be no longer, and the program not the same
            changed = ~np.isclose(before, after, rtol=0, atol=1e-10, equal_nan=True)
            assert not np.any(changed & ~found[:, column])


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x * X, ZEROS, np.eye(3)),
        (lambda x: 0.0 * x, X, np.eye(3)),  # zero is a number
        (lambda x: x**2, ZEROS, np.eye(3)),
        (lambda x: np.floor(x), X, np.zeros((3, 3))),
        (lambda x: x[::-1], X, np.eye(3)[::-1]),
        (lambda x: np.cumsum(x), X, TRIANGLE),
        (lambda x: np.diff(x), X, [[1, 1, 0], [0, 1, 1]]),
        (lambda x: x - np.mean(x), X, np.ones((3, 3))),
        (lambda x: np.diag(X) @ x, X, np.ones((3, 3))),  # zeros of a matrix are numbers
        (lambda x: np.outer(x, x), X[:2], [[1, 0], [1, 1], [1, 1], [0, 1]]),
        (lambda x: np.where(x > 1.5, x, 0.0), X, np.diag([0, 1, 1])),
        (lambda x: np.maximum(x, x[1]), X, [[0, 1, 0], [0, 1, 0], [0, 0, 1]]),
        (lambda x: np.linalg.det(x.reshape(2, 2)), np.eye(2).ravel(), np.ones((1, 4))),  # of 1, 0, 0, 1
        (lambda x: np.linalg.norm(x[:2]), X, [[1, 1, 0]]),
        (lambda x: np.linalg.inv(np.diag(x)), X[:2], np.ones((4, 2))),
        (lambda x: np.sum(x.reshape(2, 2), axis=0), np.arange(4.0), [[1, 0, 1, 0], [0, 1, 0, 1]]),
        (lambda x: np.vdot(x[:2], x[1:]), X, [[1, 1, 1]]),
        (lambda x: np.fft.fft(x).real, X, np.ones((3, 3))),
        (lambda x: np.concatenate([x[:1], np.ones(2), x[2:]]), X, [[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]]),
        (lambda x: np.split(x, [1]), X, np.eye(3)),
        (lambda x: 5.0, X, np.zeros((1, 3))),
    ],
)
def test_patterns(f: Callable[..., Any], x: Any, expected: Any) -> None:
    found = dependence(trace(f, x))
    assert found.dtype == bool
    np.testing.assert_array_equal(found, np.asarray(expected, bool))


def test_assignments() -> None:
    @traceable
    def f(x: Any) -> Any:
        y = np.zeros(4)
        y[1:] = x
        y[2] = 7.0
        y[0] += x[2] * 2
        return y

    np.testing.assert_array_equal(dependence(trace(f, X)), np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 1]], bool))


def test_rules_of_the_users_own() -> None:
    """Only elementwise ones say what depends on what; the function is not called with numbers of ours."""
    seen = []

    @primitive
    def reversed_twice(x: Any) -> Any:
        seen.append(x.tolist())
        return 2 * x[::-1]

    reversed_twice.define_vjp(lambda g, y, x: 2 * g[::-1])
    np.testing.assert_array_equal(dependence(trace(lambda x: reversed_twice(x) * x, X)), np.ones((3, 3), bool))
    assert seen == [X.tolist()]

    @primitive
    def tripled(x: Any) -> Any:
        return 3 * x

    tripled.define_partials(lambda y, x: 3.0)
    np.testing.assert_array_equal(dependence(trace(tripled, X)), np.eye(3, dtype=bool))


def test_several_inputs_and_outputs() -> None:
    found = dependence(trace(lambda w, b, p: {"h": w @ b, "p": [p["a"], w[0, 0]]}, np.eye(2), np.ones(2), {"a": 3.0}))
    expected = [[1, 1, 0, 0, 1, 1, 0], [0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(found, np.array(expected, bool))


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2), np.eye(4) + np.eye(4, k=1) + np.eye(4, k=-1)),
        (lambda x: np.sum(x**3), np.eye(4)),
        (lambda x: np.linalg.norm(x + 1.0), np.ones((4, 4))),
        (lambda x: x[0] * x[1] + np.exp(x[2]) + x[3], [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]),
    ],
)
def test_of_hessians(f: Callable[..., Any], expected: Any) -> None:
    gradient = record(jacobian(f), 0, (np.zeros(4),), {}).program
    np.testing.assert_array_equal(dependence(gradient), np.asarray(expected, bool))


def test_what_is_too_large_is_not_looked_at() -> None:
    assert dependence(trace(lambda x: [np.sum(x), x[0]], np.zeros(100_000))) is None
