"""Derivatives as source: the exact text, the numbers in an empty namespace, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffmagic
from diffmagic import DiffmagicError, traceable
from diffmagic.automatic import automatic, cotangent, tangent
from diffmagic.core.codegen import Source, source
from diffmagic.derivative_source import derivative_source
from tests import test_textbooks as textbooks


def run(text: str, *args: Any) -> Any:
    """What the function in a source returns, in an empty namespace."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    (function,) = [value for name, value in namespace.items() if name in ("gradient", "derivative")]
    return function(*args)


SIGMOID = '''\
import numpy as np


def gradient(w, x):
    """Value and derivative with respect to w and x."""
    v1 = -w
    v3 = np.exp(v1 * x)
    v4 = 1 + v3
    v5 = 1 / v4
    grad_v2 = -v5 / v4 * v3
    grad_x = grad_v2 * v1
    grad_w = -(grad_v2 * x)
    return v5, (grad_w, grad_x)
'''


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


def test_the_sigmoid():
    found = automatic(sigmoid, (0.5, 2.0), (0, 1))
    text = derivative_source(found)
    assert text == SIGMOID
    assert run(text, 0.5, 2.0) == (found.value, found.derivative)
    assert run(text, -1.5, 0.3) == (sigmoid(-1.5, 0.3), diffmagic.grad(sigmoid, (0, 1))(-1.5, 0.3))


FORWARD = '''\
import numpy as np


def derivative(x):
    """Value and derivatives to order 2 with respect to x."""
    y = np.sin(x)
    d_y = np.cos(x)
    d2_y = -y
    return y, d_y, d2_y
'''


def test_derivatives_of_one_number_to_an_order():
    def f(x: Any) -> Any:
        y = np.sin(x)
        return y  # noqa: RET504 — the name is to be seen

    assert derivative_source(automatic(f, (0.5,), order=2)) == FORWARD
    for order in (1, 3, 4):
        f = lambda x: np.exp(-x * x) / (1 + x)
        found = automatic(f, (0.5,), order=order, mode="forward")
        derivatives = run(derivative_source(found), 0.8)
        assert len(derivatives) == 1 + order
        for k, each in enumerate(derivatives):
            assert each == pytest.approx(diffmagic.derivative(f, k)(0.8), rel=1e-13)


@pytest.mark.parametrize("table", textbooks.TABLES.values(), ids=textbooks.TABLES)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_the_worked_examples_of_textbooks(table, mode):
    function = traceable(table.f)
    found = automatic(function, table.point, tuple(range(len(table.point))), mode=mode)
    value, derivative = run(derivative_source(found), *table.point)
    assert value == found.value
    np.testing.assert_array_equal(np.ravel(derivative), np.ravel(found.derivative))


def test_the_hessian_of_several_numbers():
    found = automatic(sigmoid, (0.5, 2.0), (0, 1), order=2)
    text = derivative_source(found)
    value, gradient, hessian = run(text, -0.3, 1.2)
    assert value == sigmoid(-0.3, 1.2)
    np.testing.assert_allclose(gradient, diffmagic.grad(sigmoid, (0, 1))(-0.3, 1.2), rtol=1e-15)
    expected = diffmagic.hessian(lambda v: sigmoid(v[0], v[1]))(np.array([-0.3, 1.2]))
    np.testing.assert_allclose(hessian, expected, rtol=1e-13)
    assert '"""Value and derivatives to order 2 with respect to w and x."""' in text


def test_several_results_by_forward_accumulation():
    f = lambda x, y: (x * y, np.sin(x), y)
    text = derivative_source(automatic(f, (0.5, 2.0), (0, 1), mode="forward"))
    values, jacobian = run(text, 0.3, 0.7)
    assert values == f(0.3, 0.7)
    np.testing.assert_array_equal(jacobian, [(0.7, 0.3), (np.cos(0.3), 0.0), (0.0, 1.0)])
    text = derivative_source(automatic(lambda x: x * np.array([1.0, 2.0]), (0.5,)))
    values, slopes = run(text, 3.0)
    np.testing.assert_array_equal([values, slopes], [[3.0, 6.0], [1.0, 2.0]])


def test_seeds():
    point, direction = {"w": 0.5, "x": 2.0}, {"w": 1.0, "x": -3.0}
    f = lambda p: sigmoid(p["w"], p["x"])
    found = tangent(f, point, direction, inputs=["w", "x"])
    text = derivative_source(found)
    assert '"""Value and derivative along the seed."""' in text
    assert run(text, 0.5, 2.0) == (found.value, found.derivative)
    g = lambda x: np.stack([np.sin(x[0]) * x[1], x[1] ** 3])
    x, weights = np.array([0.4, 1.3]), np.array([2.0, -1.0])
    found = cotangent(g, x, weights, inputs=["x"])
    text = derivative_source(found)
    assert '"""Value and derivative of the result, weighted, with respect to x."""' in text
    value, gradient = run(text, x)
    np.testing.assert_array_equal(value, found.value)
    np.testing.assert_array_equal(gradient, found.derivative)


def test_matrices_loops_branches_and_assignments():
    a = np.arange(6.0).reshape(2, 3) / 7

    def network(w: Any, b: Any) -> Any:
        hidden = np.tanh(a @ w + b)
        return np.linalg.norm(hidden) + np.sum(np.maximum(hidden, 0.1))

    def loop(x: Any) -> Any:
        for k in range(4):
            x = np.sin(x) * k + x if x > 0.2 else x * x
        return x

    def assigned(x: Any) -> Any:
        r = np.zeros((2, 3))
        r[0] = x
        r[1, ::2] = r[0, :2] ** 2
        r *= x
        return np.sum(r[::-1] * a)

    for f, args in [(network, (np.ones((3, 2)), np.array([0.1, -0.2]))), (loop, (0.7,)), (assigned, (np.arange(3.0),))]:
        found = automatic(traceable(f), args, tuple(range(len(args))), mode="reverse")
        value, gradient = run(derivative_source(found), *args)
        assert value == found.value
        for part, expected in zip(gradient if len(args) > 1 else [gradient], found.derivative, strict=True):
            np.testing.assert_array_max_ulp(part, expected, 2)


def test_large_arrays_have_the_notebook_s_names():
    data = np.random.default_rng(0).normal(size=(30, 2))
    found = automatic(lambda w: np.sum((data @ w) ** 2), (np.ones(2),))
    text = derivative_source(found, {"other": np.ones(3), "data": data})
    assert "def gradient(w, data):" in text
    assert '"""Value and derivative with respect to w; data (30×2) is constant."""' in text
    np.testing.assert_array_equal(run(text, np.ones(2), data)[1], found.derivative)


def test_names_that_are_no_names():
    found = automatic(
        lambda p: p["a b"][0] * p["a b"][1], ({"a b": [2.0, 3.0]},), inputs=["p['a b'][0]", "p['a b'][1]"]
    )
    text = derivative_source(found)
    assert "def gradient(p_a_b_0, p_a_b_1):" in text
    assert run(text, 2.0, 3.0) == (6.0, (3.0, 2.0))


def test_two_inputs_whose_names_are_one_in_source():
    p = {"a b": 2.0, "a|b": 3.0}
    text = derivative_source(automatic(lambda p: p["a b"] * p["a|b"], (p,), inputs=["p['a b']", "p['a|b']"]))
    assert "def gradient(p_a_b, p_a_b_2):" in text
    assert '"""Value and derivative with respect to p_a_b and p_a_b_2."""' in text


# What is refused.


@pytest.mark.parametrize(
    ("f", "args", "options", "reason"),
    [
        (lambda x: x * x, (np.ones(2),), {}, "the result has 2 numbers"),
        (lambda x: (x, x), (np.ones(2),), {"mode": "reverse"}, "the result has 4 numbers"),
        (np.sum, (np.ones(2),), {"mode": "forward"}, "x is not one real number"),
        (lambda x: np.sum(x * x), (np.ones(2),), {"order": 2}, "x is not one real number"),
        (lambda x: x * x, (2.0,), {"order": 2, "mode": "reverse"}, "ends in passes forward"),
        (lambda x, y: x * y, (2.0, 1.0), {"order": 3}, "no source of order 3 in several inputs"),
    ],
)
def test_what_has_no_such_source_is_refused(f, args, options, reason):
    found = automatic(f, args, tuple(range(len(args))), inputs=["x", "y"], **options)
    with pytest.raises(DiffmagicError, match=reason) as caught:
        derivative_source(found)
    assert caught.value.rewrite


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("y = np.sin(x)", "y = np.sin(x) + 1e-9", "gives other numbers"),
        ("d_y = np.cos(x)", "d_y = np.cos(x) + 1e-9", "gives other numbers"),
        ("return y,", "return np.full(1, y),", "another type or shape"),
        ("return y,", "return np.float32(y),", "another type or shape"),
        ("d2_y = -y", "d2_y = y.what", "the source stops at this point: .*what"),
    ],
)
def test_the_value_and_all_derivatives_are_checked(monkeypatch, old, new, reason):
    def written_wrong(*args: Any, **options: Any) -> Source:
        right = source(*args, **options)
        assert old in right.text
        return Source(right.text.replace(old, new), right.constants)

    def f(x: Any) -> Any:
        y = np.sin(x)
        return y  # noqa: RET504 — the name is to be seen

    found = automatic(f, (0.5,), order=2)
    monkeypatch.setattr("diffmagic.derivative_source.source", written_wrong)
    with pytest.raises(DiffmagicError, match=reason):
        derivative_source(found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_source_with_other_numbers_is_refused():
    """A choice keeps √x out at 0, where its slope is infinite; straight-line code multiplies that by zero."""
    f = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    found = automatic(f, (0.0,), mode="reverse")
    assert found.derivative == (0.0,) or found.derivative == 0.0
    with pytest.raises(DiffmagicError, match="gives other numbers at this point"):
        derivative_source(found)
    assert run(derivative_source(automatic(f, (4.0,))), 4.0) == (2.0, 0.25)


@pytest.mark.filterwarnings("ignore")
def test_numbers_that_are_not_finite_are_given_if_they_are_the_same():
    found = automatic(lambda x: np.sqrt(x), (0.0,))
    assert run(derivative_source(found), 0.0) == (0.0, np.inf)
    found = automatic(lambda x: 1 / x, (np.float64(0.0),))
    value, slope = run(derivative_source(found), np.float64(0.0))
    assert (value, slope) == (np.inf, -np.inf)
