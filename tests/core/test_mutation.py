"""Arrays that change: the value of plain NumPy to the last bit, and the derivative of complex steps through it."""

from __future__ import annotations

import copy
import operator
import tracemalloc
from typing import Any

import numpy as np
import pytest

from diffmagic import DiffmagicError, grad, hessian, jacobian, jvp, trace, traceable, vjp
from diffmagic.core.program import operation

pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # NumPy 2.5; people write it

X = np.array([0.3, 0.7, 1.1, 0.5])
CASES: dict[str, Any] = {}


def case(f):
    CASES[f.__name__.replace("_", " ").strip()] = f
    return f


def weighed(*arrays):
    """A sum with different weights for all elements, and a product that makes second derivatives."""
    total = 0.0
    for k, array in enumerate(arrays):
        weights = 0.3 + np.arange(np.size(array)).reshape(np.shape(array)) * (0.7 + k)
        total = total + (weights * array).sum() + (array * array * weights).sum()
    return total


# Item assignment.


@case
def an_integer(x):
    y = x * 2
    y[1] = x[0] * x[3]
    y[-1] = 3.0
    return weighed(y, x)


@case
def a_slice(x):
    y = x * 2
    y[1:3] = x[:2] ** 2
    y[::-2] = x[0]
    return weighed(y)


@case
def a_tuple(x):
    y = np.reshape(x * 2, (2, 2))
    y[0, 1] = x[0] * x[2]
    y[:, 0] = y[:, 1] * 2
    y[1, ...] = 0.5
    return weighed(y)


@case
def an_ellipsis(x):
    y = x * 2
    y[...] = x[0] * x
    z = np.stack([x, x])
    z[..., 0] = x[:2]
    return weighed(y, z)


@case
def a_new_axis(x):
    y = np.stack([x, x * x])
    y[:, None, 1] = x[:2, None]
    return weighed(y)


@case
def broadcasting(x):
    y = np.outer(x, x)
    y[1:3] = x
    y[:, 1:2] = x[:, None]
    y[0] = x[1]
    y[3:4] = x.reshape(1, 1, 4)
    return weighed(y)


@case
def a_mask(x):
    y = x * 3
    y[y > 1.6] = 0.0
    y[np.array([True, False, False, True])] = x[1:3] * 2
    return weighed(y)


@case
def a_mask_of_two_dimensions(x):
    y = np.outer(x, x)
    y[y > 0.3] = x[0]
    y[y < 0.1] *= 3
    return weighed(y)


@case
def integer_arrays(x):
    y = x * 2
    y[[0, 2]] = x[[1, 1]] ** 2
    y[np.array([3])] = x[0]
    return weighed(y)


@case
def integer_arrays_that_repeat(x):
    y = x * 2
    y[[0, 2, 0]] = x[:3] ** 2
    y[np.array([[3, 3], [1, 3]])] = np.reshape(x, (2, 2))
    return weighed(y)


@case
def mixed_indices(x):
    y = np.outer(x, x)
    y[1:, [0, 2]] = x[:3, None]
    y[[0, 1], [2, 2]] = x[2:]
    y[np.ix_([0, 3], [1, 3])] = x[0] * np.reshape(x, (2, 2))
    return weighed(y)


@case
def a_list_of_values(x):
    y = x * 2
    y[:3] = [x[0], 1.0, x[1] * x[2]]
    return weighed(y)


@case
def a_traced_position(x):
    y = x * 2
    y[np.argmax(x)] = x[0]
    y[np.argsort(x)[0]] = x[1]
    return weighed(y)


@case
def nothing(x):
    y = x * 2
    y[[]] = 1.0
    y[2:2] = x[:0]
    return weighed(y)


@case
def a_single_precision_number(x):
    y = x * 2
    y[0] = np.float32(0.5)
    y[1] = 2
    return weighed(y)


@case
def an_array_without_dimensions(x):
    y = np.array(x[0])
    y[...] = x[1] * 2
    z = y
    z += x[2]
    y[()] = y * z
    return weighed(y, z)


# New arrays, filled.


@case
def zeros_in_a_loop(x):
    r = np.zeros(6, x.dtype)
    r[0] = x[0]
    for k in range(1, 6):
        r[k] = r[k - 1] * x[k % 4] + 0.1
    return weighed(r)


@case
def empty_and_full(x):
    r = np.empty((2, 2), dtype=x.dtype)
    r[0] = x[:2]
    r[1, :] = r[0] * x[2:]
    s = np.full(3, 2.0, x.dtype)
    s[1] = x[3]
    return weighed(r, s)


@case
def ones_identity_and_like(x):
    r = np.ones(4, x.dtype) / 4
    r[2] = x[0]
    a = np.eye(2, dtype=x.dtype)
    a[0, 1] = x[1]
    b = np.zeros_like(x)
    b[1:] = x[1:] - x[:-1]
    c = np.full_like(x, x[2])
    c[0] = 1.0
    return weighed(r, a, b, c, a @ a)


@case
def a_plain_copy(x):
    data = np.array([1.0, 2.0, 3.0, 4.0], x.dtype)
    r = data.copy()
    r[0] = x[0]
    s = data * 2
    s[:2] = x[2:]
    t = data[[0, 1]]
    t[1] = x[1]
    return weighed(r, s, t, data)


@case
def plain_and_traced_in_turn(x):
    r = np.zeros(4, x.dtype)
    r[0] = 2.0
    s = r[:2]
    r += 1
    early = r * x
    r[1] = x[0]
    s[0] = 5.0
    late = r * x
    r[:] = 1.0
    return weighed(early, late, r, s)


@case
def a_matrix_row_by_row(x):
    k = np.zeros((4, 4), x.dtype)
    for i in range(4):
        for j in range(i + 1):
            k[i, j] = k[j, i] = np.exp(-((x[i] - x[j]) ** 2))
    return weighed(k)


@case
def rows_of_a_matrix(x):
    a = np.zeros((2, 4), x.dtype)
    for row in a:
        row[:] = x
        row *= 2
    a[1][2] = x[0]
    return weighed(a)


@case
def arrays_in_containers(x):
    parts = [np.zeros(2, x.dtype) for _ in range(3)]
    parts[1][0] = x[0]
    parts[2][:] = x[:2]
    named = {"a": np.ones(2, x.dtype), "b": x * 2}
    named["a"][1] = x[3]
    named["b"][1] += x[2]
    return weighed(*parts, named["a"], named["b"])


class Filter:
    def __init__(self, dtype):
        self.state = np.zeros(3, dtype)

    def step(self, value):
        self.state[1:] = self.state[:-1]
        self.state[0] = value
        return self.state.sum()


@case
def an_attribute(x):
    smooth = Filter(x.dtype)
    return weighed(np.stack([smooth.step(value) for value in x]), smooth.state)


def _set_first(array, value):
    array[0] = value


@case
def a_function_that_changes_its_argument(x):
    r = np.zeros(2, x.dtype)
    _set_first(r, x[0])
    y = x * 2
    _set_first(y, x[1] ** 2)
    return weighed(r, y)


# In-place operators.


@case
def the_input_itself(x):
    x *= 2
    x[1] += x[0]
    return weighed(x)


@case
def every_operator(x):
    y = x + 1
    y += x
    y -= 0.3 * x
    y *= x[1]
    y /= 1 + x
    y **= 2
    y **= x
    return weighed(y)


@case
def operators_on_parts(x):
    y = np.outer(x, x)
    y[0] += x
    y[:, 1] *= 2
    y[1:3, 1:3] /= x[0]
    y[[0, 2], [1, 1]] -= x[:2]
    y[y > 1] **= 2
    return weighed(y)


@case
def a_matrix_product(x):
    y = np.outer(x[:2], x[2:])
    y @= np.outer(x[2:], x[:2])
    return weighed(y)


@case
def accumulating_numbers(x):
    total = x[0]
    before = total
    total += x[1]
    total *= total
    return total + before * x[2]


@case
def accumulating_rows(x):
    total = np.zeros(4, x.dtype)
    for k in range(3):
        total += x * k
    total[0] -= x[3]
    return weighed(total)


# Views and aliases.


@case
def two_names(x):
    y = x * 2
    z = y
    z[0] = x[1]
    y += x
    return weighed(y, z)


@case
def a_slice_writes_into_its_base(x):
    y = x * 2
    v = y[1:3]
    v[0] = x[0] ** 2
    v += 1
    return weighed(y, v)


@case
def a_base_writes_into_its_slice(x):
    y = x * 2
    v = y[1:3]
    w = y[::-1]
    y[2] = x[0] ** 2
    y *= x
    return weighed(y, v, w)


@case
def slices_that_overlap(x):
    y = x * 2
    v, w = y[:3], y[1:]
    v[1:] = x[:2] * x[0]
    w[0] *= 3
    v -= w
    return weighed(y, v, w)


@case
def slices_that_do_not_overlap(x):
    y = np.zeros(4, x.dtype)
    v, w = y[:2], y[2:]
    v[0] = x[0]
    w[1] = 3.0
    w *= x[1]
    return weighed(y, v, w)


@case
def slices_without_their_base(x):
    v, w = (lambda y: (y[:3], y[1:]))(x * 2)
    v[1] = x[0] * x[1]
    w[1:] += 1.0
    return weighed(v, w)


@case
def a_view_of_a_view(x):
    y = np.outer(x, x)
    v = y[1:]
    w = v[:, ::2]
    w[0] = x[:2]
    y[2] = 0.5
    v *= 2
    return weighed(y, v, w)


@case
def reshaped_and_transposed(x):
    y = x * 2
    m = y.reshape(2, 2)
    t = m.T
    t[0, 1] = x[0] * x[3]
    m += 1
    y[0] = x[1]
    t[:, 0] *= 3
    return weighed(y, m, t, np.swapaxes(m, 0, 1))


@case
def a_copy_is_no_view(x):
    y = x * 2
    c, d, e, f = y.copy(), y[[0, 1]], np.array(y), y.flatten()
    g, h, i = copy.copy(y), copy.deepcopy(y), np.copy(y)
    j, k, m = y + 0, y[y > 0], y.astype(x.dtype)
    y[:] = x * x
    c[0] = d[0] = e[0] = f[0] = g[0] = h[0] = i[0] = j[0] = k[0] = m[0] = x[2]
    return weighed(y, c, d, e, f, g, h, i, j, k, m)


@case
def ravel_of_either_kind(x):
    y = np.outer(x, x)
    a, b = y.ravel(), y.T.ravel()
    y[0, 1] = x[0]
    a[5] = x[1]
    b[6] = x[2]
    return weighed(y, a, b)


@case
def functions_that_return_views(x):
    y = np.stack([x, x * x])
    views = [
        np.asarray(y), np.squeeze(y[None]), np.atleast_2d(y), np.expand_dims(y, 0), np.moveaxis(y, 0, 1),
        np.flip(y, 1), np.rot90(y), *np.split(y, 2), *np.hsplit(y, 2), np.swapaxes(y, 0, 1), y.mT,
        y.view(), np.ravel(y), np.diagonal(y), np.lib.stride_tricks.sliding_window_view(y, 2, axis=1),
        np.broadcast_to(y, (2, 2, 4)),
    ]  # fmt: skip
    y[1] *= x[0]
    views[0][0, 2] = x[1] ** 2
    views[4][3, 1] += 1.0
    return weighed(y, *views)


@case
def an_input_and_its_view(x):
    v = x[1:]
    v *= 2
    return weighed(x, v)


@case
def swapped_elements(x):
    y = x * 2
    y[0], y[1] = y[1], y[0]
    y[[2, 3]] = y[[3, 2]]
    y[1:3] = y[2:0:-1]
    return weighed(y)


@case
def swapped_rows(x):
    y = np.outer(x, x)
    y[0], y[1] = y[1], y[0]  # NumPy's own: both become the second
    y[[2, 3]] = y[[3, 2]]
    y[2], y[3] = y[3].copy(), y[2].copy()
    return weighed(y)


@case
def shifted_along_itself(x):
    y = x * 2
    y[1:] = y[:-1]
    y[:-1] += y[1:]
    return weighed(y)


@case
def unpacked_into_parts(x):
    y = np.zeros(4, x.dtype)
    y[0], y[1:3], y[3] = x[3], x[:2], x[1] * x[2]
    for y[2] in x[:2]:
        pass
    y[1], *y[2:] = x[1:] * 2
    return weighed(y)


@case
def a_loop_over_rows(x):
    y = np.outer(x, x)
    for k, row in enumerate(y):
        row[k] = x[0]
        row /= 2
    return weighed(y)


# Functions that write.


@case
def fill_sort_and_partition(x):
    y, z, w = x * 2, x * -3, x[::-1] * x
    y.sort()
    z[1:].sort()
    z[:2].fill(x[3])
    w.partition(2)
    v = np.outer(x, x)
    v.sort(axis=0)
    return weighed(y, z, np.sort(w), v)


@case
def put_and_place(x):
    y, z, w, v = x * 2, np.outer(x, x), x + 1, x - 1
    np.put(y, [0, -1], x[1:3])
    z.put([1, 5, 7], x[:2])
    np.put(z, [99, 2], 0.5 * x[0], mode="clip")
    np.place(w, x > 0.4, x[:2])
    np.putmask(v, x > 0.4, x * x)
    np.putmask(v, x < 0.4, x[2:])
    return weighed(y, z, w, v)


@case
def copyto_and_diagonals(x):
    y, z, w = x * 2, np.outer(x, x), np.zeros((3, 3), x.dtype)
    np.copyto(y[1:], x[0])
    np.copyto(y, x * x, where=np.array([True, False, True, False]))
    np.fill_diagonal(z, x)
    np.fill_diagonal(w, x[0])
    np.put_along_axis(z, np.argmax(z.real, axis=1)[:, None], x[:, None], axis=1)
    return weighed(y, z, w)


@case
def ufunc_at(x):
    y, z, w, v = x * 2, x + 1, np.outer(x, x), np.zeros(3, x.dtype)
    np.add.at(y, [0, 1, 0], x[:3])
    np.subtract.at(y, slice(1, 3), x[0])
    np.multiply.at(z, [2, 2, 3, 2], x)
    np.add.at(w, ([0, 0], [1, 1]), x[:2])
    np.add.at(v, [0, 0, 2, 2], x * x)
    np.negative.at(z, [0, 1])
    return weighed(y, z, w, v)


@case
def out(x):
    y, z, w = x * 2, np.zeros(4, x.dtype), np.outer(x, x)
    np.sin(x, out=y)
    same = np.multiply(x, y, out=z)
    same[0] += 1
    np.add(w[0], x, out=w[1])
    np.exp(z, z)
    s = np.zeros((), x.dtype)
    np.sum(x * x, out=s)
    x.cumsum(out=y[:])
    np.dot(w, x, out=z)
    np.add.reduce(w, axis=0, out=w[2])
    return weighed(y, z, w, s)


@case
def out_and_where(x):
    positive = np.divide(1, x - 0.5, out=np.zeros_like(x), where=np.abs(x - 0.5) > 1e-3)
    y = x * 1
    np.log(y, out=y, where=np.array([True, False, True, False]))
    np.add(y, 1, out=y, where=True)
    z = np.outer(x, x)
    np.sqrt(z, out=z, where=x > 0.4)
    return weighed(positive, y, z)


@case
def attributes(x):
    y, z, w = x * 2, x * x, np.outer(x, x)
    y.shape = (2, 2)
    y[0, 1] = x[0]
    z.flat = x[:2]
    w.flat[3] = x[1]
    w.flat[5:7] = 0.5
    return weighed(y, z, w)


@case
def algorithms(x):
    # LU without pivoting, in place
    a = np.outer(x, x) + 3 * np.eye(4, dtype=x.dtype)
    for k in range(3):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    # an insertion sort
    y = x * 2
    for i in range(1, 4):
        j = i
        while j > 0 and y[j - 1].real > y[j].real:
            y[j - 1], y[j] = y[j], y[j - 1]
            j -= 1
    # the heat equation
    u = np.zeros(6, x.dtype)
    u[1:5] = x
    for _ in range(3):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    # Gram–Schmidt
    q = np.outer(x, x) + np.eye(4, dtype=x.dtype)
    for i in range(4):
        for j in range(i):
            q[:, i] -= (q[:, j] @ q[:, i]) * q[:, j]
        q[:, i] /= np.sqrt(q[:, i] @ q[:, i])
    return weighed(a, y, u, q)


def complex_step(f, x):
    gradient = np.zeros_like(x)
    for k in range(x.size):
        moved = x.astype(complex)
        moved[k] += 1e-200j
        gradient[k] = f(moved).imag / 1e-200
    return gradient


def second_along(f, x, v):
    """The second derivative in a direction, by Cauchy's integral over a small circle."""
    radius, points = 0.01, 16
    turns = np.exp(2j * np.pi * np.arange(points) / points)
    return 2 * np.mean([f(x + radius * turn * v) / turn**2 for turn in turns]).real / radius**2


each = pytest.mark.parametrize("f", CASES.values(), ids=CASES)


@each
def test_value_and_gradient(f):
    g, x = traceable(f), X.copy()
    gradient = grad(g)(x)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(gradient, complex_step(f, X), rtol=1e-14, atol=1e-14)
    v = np.array([0.7, -1.1, 0.4, 0.9])
    value, tangent = jvp(g, (x,), (v,))
    assert value == f(X.copy())
    assert tangent == pytest.approx(v @ gradient, rel=1e-13)


@each
def test_second_order(f):
    v = np.array([0.7, -1.1, 0.4, 0.9])
    along = jvp(grad(traceable(f)), (X,), (v,))[1]
    assert v @ along == pytest.approx(second_along(f, X, v), rel=1e-10)


# What comes in and what goes out.


@pytest.mark.parametrize(
    "x",
    [np.arange(12.0).reshape(3, 4)[:, ::2], np.arange(6.0).reshape(2, 3).T, np.arange(12.0)[::-2], np.eye(3)[1:, 1:]],
    ids=["strided", "transposed", "backwards", "part"],
)
def test_an_input_has_its_own_memory_that_lies_as_the_callers(x):
    def f(x):
        flat = x.ravel()
        flat[1] = 100.0
        rows = x.reshape(-1)
        rows[0] = x.sum()
        return x.sum() + flat[1] * x[0].sum()

    before, same = x.copy(), x.copy("K")
    block = np.zeros(200)
    twin = np.lib.stride_tricks.as_strided(block[100:], x.shape, x.strides)
    twin[...] = x
    assert jvp(f, (x,), (np.ones_like(x),))[0] == f(twin)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(x, same)


def test_a_repeated_input_has_independent_elements():
    x = np.broadcast_to(np.array([1.0, 2.0]), (3, 2))

    def f(x):
        x[0] = x[1] * x[2]
        return x.sum()

    np.testing.assert_array_equal(grad(f)(x), [[0.0, 0.0], [2.0, 3.0], [2.0, 3.0]])


def test_one_array_given_twice_is_two_inputs():
    def f(a, b):
        a *= 2
        return (a * b).sum()

    a, b = grad(f, (0, 1))(X, X)
    np.testing.assert_array_equal(a, 2 * X)
    np.testing.assert_array_equal(b, 2 * X)


def test_results_that_share_memory():
    y, v = jacobian(lambda x: (y := x * 2, y[1:]))(X)
    y += 1
    np.testing.assert_array_equal(v, 2 * np.eye(4)[1:])
    (y, v), pullback = vjp(lambda x: (y := x * 2, y[1:]), X)
    y[:] = 7.0
    np.testing.assert_array_equal(pullback((np.ones(4), np.ones(3)))[0], [2.0, 4.0, 4.0, 4.0])


# Nested derivatives: whose perturbation is in which element.


def test_an_inner_function_writes_into_an_array_of_the_outer():
    def f(x):
        shared = x * 2

        def inner(y):
            shared[0] = y * x[1]
            return shared[0] * shared[1]

        slope = grad(inner)(3.0)  # x1 · 2 x1
        return slope + shared.sum()  # and shared[0] is 3 x1 from now on

    np.testing.assert_allclose(grad(traceable(f))(X), [0.0, 4 * X[1] + 5.0, 2.0, 2.0], rtol=1e-15)


def test_an_inner_function_changes_its_input():
    def f(x):
        def inner(y):
            y *= x
            y[0] = y[1]
            return y.sum()

        return grad(inner)(x).sum() + x.sum() * 0.5

    np.testing.assert_allclose(grad(traceable(f))(X), [0.5, 2.5, 1.5, 1.5], rtol=1e-15)


def test_an_inner_gradient_is_written_to():
    def f(x):
        slope = grad(lambda y: (y**3).sum())(x)
        slope[0] = x[1]
        slope *= 2
        return slope.sum() + (slope[:2] ** 2).sum()

    np.testing.assert_allclose(grad(f)(X), [0.0, 2 + 8 * X[1] + 12 * X[1] + 144 * X[1] ** 3, *(12 * X[2:])], rtol=1e-14)


def test_values_of_an_inner_function_are_written_to_before_its_pullback():
    def f(x):
        y, pullback = vjp(lambda x: x**3, x)
        y[0] = 100.0
        x[1] = 100.0
        return pullback(np.ones(4))[0].sum() + y.sum()

    np.testing.assert_allclose(grad(f)(X), [6 * X[0], *(6 * X[1:] + 3 * X[1:] ** 2)], rtol=1e-14)


def test_a_view_across_levels():
    def f(x):
        base = np.zeros(4)
        part = base[1:3]
        part[0] = x[0]

        def inner(y):
            part[1] = y * base[1]
            base[0] = part[1] * x[1]
            return base.sum()

        slope = grad(inner)(2.0)
        return slope * part[1] + base[0] + base[1]

    def plain(x):  # x0 (1 + x1) · 2 x0 + 2 x0 x1 + x0
        return 2 * x[0] ** 2 * (1 + x[1]) + 2 * x[0] * x[1] + x[0]

    np.testing.assert_allclose(grad(traceable(f))(X), grad(plain)(X), rtol=1e-14)
    np.testing.assert_allclose(hessian(traceable(f))(X), hessian(plain)(X), rtol=1e-13, atol=1e-15)


def test_a_closed_trace_leaves_plain_arrays():
    kept = []

    def f(x):
        r = np.zeros(3)
        r[0] = x
        kept.append(r)
        return r.sum()

    assert grad(traceable(f))(2.0) == 1.0
    (r,) = kept
    r[1] = 5.0
    r += 1
    np.testing.assert_array_equal(np.asarray(r), [3.0, 6.0, 1.0])
    np.testing.assert_array_equal(np.sin(r), np.sin([3.0, 6.0, 1.0]))


# Where nothing is rewritten.


def like(x):
    r, s, t = np.zeros_like(x), np.full_like(x, 2.0), np.empty_like(x)
    for k in range(len(x)):
        r[k] = x[k] ** 2
    s[1:] *= x[1:]
    t[:] = x * r
    np.add.at(s, [0, 0], x[:2])
    return weighed(r, s, t)


def test_arrays_made_like_a_traced_one_in_ordinary_functions():
    np.testing.assert_allclose(grad(like)(X), complex_step(like, X), rtol=1e-14)


# What NumPy refuses, and what we do.


WRONG = {
    "too many values": (lambda y: y.__setitem__(slice(2), y), ValueError, "could not broadcast"),
    "outside": (lambda y: y.__setitem__(7, 1.0), IndexError, "out of bounds"),
    "a number": (
        lambda y: operator.setitem(y.sum(), 0, 1.0),
        TypeError,
        "'numpy.float64' object does not support item",
    ),
    "a read-only view": (lambda y: np.broadcast_to(y, (2, 4)).__setitem__(0, 1.0), ValueError, "read-only"),
    "a diagonal": (lambda y: np.diagonal(np.outer(y, y)).fill(0.0), ValueError, "read-only"),
    "shapes of an operator": (lambda y: y.__iadd__(np.ones((2, 4))), ValueError, "non-broadcastable output operand"),
    "kinds of an operator": (lambda y: y.__imul__(1j), TypeError, "same_kind"),
    "integers and floats": (lambda y: np.argsort(y).__iadd__(y), TypeError, "same_kind"),
    "a shape that needs a copy": (lambda y: setattr(np.outer(y, y).T, "shape", (16,)), AttributeError, "in-place"),
    "an imaginary part": (lambda y: setattr(y, "imag", 1.0), TypeError, "imaginary"),
    "an unknown option of put": (lambda y: np.put(y, [0], 1.0, nonsense=1), TypeError, "nonsense"),
    "an unknown option of copyto": (lambda y: np.copyto(y, 1.0, nonsense=1), TypeError, "nonsense"),
    "a cast in copyto": (lambda y: np.copyto(y, 1j), TypeError, "same_kind"),
    "put outside": (lambda y: np.put(y, [9], 1.0), IndexError, "out of bounds"),
}


@pytest.mark.parametrize(("change", "kind", "words"), WRONG.values(), ids=WRONG)
def test_numpys_own_errors(change, kind, words):
    if words != "in-place":
        with pytest.raises(kind, match=words):
            change(X * 2)
    with pytest.raises(kind, match=words):
        grad(lambda x: change(x * 2))(X)


def complex_into_real(x):
    r = np.zeros(2)
    r[0] = x[0] * 1j
    return r.sum()


def float_into_integers(x):
    r = np.zeros(2, int)
    r[:] = x[:2]
    return r.sum()


def float_into_traced_integers(x):
    order = np.argsort(x)
    order[0] = x[0]
    return order.sum() * x[1]


notebook_data = np.ones(4)


def data_of_the_notebook(x):
    notebook_data[0] = x[0]
    return notebook_data.sum()


def data_of_the_notebook_in_place(x):
    global notebook_data
    notebook_data += x
    return notebook_data.sum()


def an_array_that_a_library_keeps(x):
    r = np.zeros(2)
    kept = memoryview(np.asarray(r))
    r[0] = x[0]
    return r.sum() + kept[0]


def a_view_of_the_imaginary_part(x):
    z = x * (1 + 2j)
    part = z.imag
    z[0] = 1.0
    return part.sum()


REFUSED = {
    complex_into_real: ("imaginary part", "r[k] = v.real"),
    float_into_integers: ("plain array", "of floats"),
    float_into_traced_integers: ("whole part", "of floats"),
    data_of_the_notebook: ("plain array", "np.array"),
    data_of_the_notebook_in_place: ("plain array", "np.array"),
    an_array_that_a_library_keeps: ("something else refers to", "np.array(r)"),
    a_view_of_the_imaginary_part: ("another dtype", "copy"),
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused_with_line_reason_and_rewrite(f):
    reason, rewrite = REFUSED[f]
    with pytest.raises(DiffmagicError) as caught:
        grad(traceable(f))(X)
    assert reason in caught.value.reason
    assert rewrite in caught.value.rewrite
    assert caught.value.location.line > f.__code__.co_firstlineno
    np.testing.assert_array_equal(notebook_data, np.ones(4))


# Memory.


def test_a_loop_that_fills_a_large_array_takes_linear_memory():
    def f(x):
        r = np.zeros(5000)
        r[0] = x
        for k in range(1, 5000):
            r[k] = 0.99 * r[k - 1] + x
        return r.sum()

    for run in (grad(traceable(f)), lambda x: jvp(traceable(f), (x,), (1.0,)), lambda x: trace(traceable(f), x)):
        tracemalloc.start()
        try:
            run(0.5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 30e6  # all versions of the array would take 200 MB


def test_views_that_are_gone_are_forgotten():
    def f(x):
        y = x * 2
        for _ in range(1000):
            y[1:]
        assert len(y._memory.views) < 100
        y[0] = 1.0
        return y.sum()

    grad(f)(X)


# What it looks like.


def told(x):
    y = x * 2
    v = y[:2]
    y[0] = 1.0
    y[1] = x[2]
    s = v[1] * 3
    y[1:] += s
    r = np.zeros(2)
    r[1] = y[2]
    return r.sum() + v.sum()


def test_a_program_keeps_the_names_and_leaves_out_what_nobody_reads():
    program = trace(traceable(told), np.array([1.0, 2.0, 3.0]))
    names = program.names()
    assert [f"{names[e.results[0]]} = {operation(e, names)}" for e in program.equations] == [
        "y = x * 2",
        "v = y[:2]",
        "y_2 = y[0] ← 1.0",
        "v4 = x[2]",
        "y_3 = y_2[1] ← v4",
        "v_2 = y_3[:2]",
        "v7 = v_2[1]",
        "s = v7 * 3",
        "v9 = y_3[1:]",
        "v10 = v9 + s",
        "y_4 = y_3[1:] ← v10",
        "v12 = np.ravel(v10)",
        "v13 = v12[[0]]",
        "v_3 = v_2[[1]] ← v13",
        "v15 = y_4[2]",
        "r = [0.0, 0.0][1] ← v15",
        "v17 = np.sum(r)",
        "v18 = np.sum(v_3)",
        "v19 = v17 + v18",
    ]
    assert program.outputs[0].value == told(np.array([1.0, 2.0, 3.0]))


def test_decisions_stay_at_their_place_when_equations_are_left_out():
    def f(x):
        y = x * 2
        y[1:] += y[:-1]
        if y[1] > 0:
            y[0] = x[1]
        return y.sum()

    program = trace(f, X)
    (guard,) = program.guards
    assert program.equations[guard.position - 1].results[0] is guard.variable
