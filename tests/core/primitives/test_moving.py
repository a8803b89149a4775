"""Properties of functions that only move elements, on random shapes and keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diffmagic import grad, jvp, vjp

common = settings(max_examples=100)
shapes = arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def whole(shape: tuple[int, ...], start: int = 1) -> Any:
    """An array of whole numbers, so that sums are exact."""
    return np.arange(start, start + math.prod(shape), dtype=float).reshape(shape)


def check(f: Any, x: Any) -> None:
    """Value, tangent, transpose and gradient of a function that moves elements, to the last bit."""
    direction = whole(x.shape, 100)
    value, tangent = jvp(f, (x,), (direction,))
    np.testing.assert_array_equal(value, f(x))
    np.testing.assert_array_equal(tangent, f(direction))
    assert np.shape(tangent) == np.shape(value)
    same, pullback = vjp(f, x)
    np.testing.assert_array_equal(same, value)
    cotangent = whole(np.shape(value), 7)[()]
    (back,) = pullback(cotangent)
    assert np.shape(back) == x.shape
    assert np.sum(cotangent * tangent) == np.sum(back * direction)
    labels = f(np.arange(x.size).reshape(x.shape))
    counts = np.bincount(np.ravel(labels), minlength=x.size).reshape(x.shape)
    np.testing.assert_array_equal(grad(lambda x: np.sum(f(x)))(x), counts)
    np.testing.assert_array_equal(grad(lambda x: np.sum(f(x) ** 2))(x), 2 * x * counts)


@st.composite
def keys(draw: Any) -> tuple[Any, Any]:
    """An array and a key: basic, fancy, a mask, or some of each."""
    shape = draw(shapes)
    kind = draw(st.sampled_from(["basic", "advanced", "mask", "mixed"]))
    if kind == "basic":
        key = draw(arrays.basic_indices(shape, allow_ellipsis=True, allow_newaxis=True))
    elif kind == "advanced":
        sides = arrays.array_shapes(max_dims=2, max_side=4)
        key = draw(arrays.integer_array_indices(shape, result_shape=sides))
    elif kind == "mask":
        key = draw(arrays.arrays(bool, shape[: draw(st.integers(1, len(shape)))]))
    else:
        parts = []
        for side in shape:
            whole_numbers = st.integers(-side, side - 1)
            lists = st.lists(whole_numbers, min_size=2, max_size=2)
            parts.append(draw(st.one_of(whole_numbers, st.slices(side), lists, lists.map(np.array))))
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from([None, Ellipsis])))
        key = tuple(parts)
    return whole(shape), key


@common
@given(keys())
def test_indexing(pair):
    x, key = pair
    check(lambda x: x[key], x)


@common
@given(st.data())
def test_reshape_and_transpose(data):
    x = whole(data.draw(shapes))
    axes = data.draw(st.permutations(range(x.ndim)))
    factors = [d for d in range(1, x.size + 1) if x.size % d == 0]
    rows = data.draw(st.sampled_from(factors))
    order = data.draw(st.sampled_from("CF"))
    check(lambda x: np.reshape(np.transpose(x, axes), (rows, -1), order=order), x)


@common
@given(st.data())
def test_roll_flip_and_repeat(data):
    x = whole(data.draw(shapes))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    shift = data.draw(st.integers(-5, 5))
    times = data.draw(st.integers(0, 3))
    check(lambda x: np.roll(x, shift, axis=axis), x)
    check(lambda x: np.flip(x, axis), x)
    check(lambda x: np.repeat(x, times, axis=axis), x)
    check(lambda x: np.moveaxis(np.expand_dims(x, axis), axis, 0), x)


@common
@given(st.data())
def test_pad(data):
    x = whole(data.draw(shapes))
    mode = data.draw(st.sampled_from(["edge", "wrap", "symmetric", "reflect"]))
    width = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=x.ndim, max_size=x.ndim))
    check(lambda x: np.pad(x, width, mode=mode), x)


@common
@given(st.data())
def test_joining_and_splitting(data):
    x = whole(data.draw(shapes))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    cut = data.draw(st.integers(0, x.shape[axis]))

    def f(x: Any) -> Any:
        first, second = np.split(x, [cut], axis=axis)
        return np.concatenate([second, first, x], axis=axis)

    check(f, x)
    check(lambda x: np.stack([x, x], axis=axis), x)
    check(lambda x: np.split(x, 1, axis=axis)[0], x)
    check(lambda x: np.meshgrid(np.ravel(x))[0], x)


@common
@given(st.data())
def test_sorting(data):
    shape = data.draw(shapes)
    order = data.draw(st.permutations(range(math.prod(shape))))
    x = 1.0 + np.array(order, dtype=float).reshape(shape)
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    places = np.argsort(x, axis=axis)
    value, tangent = jvp(lambda x: np.sort(x, axis=axis), (x,), (x * x,))
    np.testing.assert_array_equal(value, np.sort(x, axis=axis))
    np.testing.assert_array_equal(tangent, np.take_along_axis(x * x, places, axis=axis))
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.sort(x, axis=axis) ** 2))(x), 2 * x)
