"""Every NumPy function with a primitive: its value and its derivatives, of both orders, by both modes.

One loop over the table in `samples`. The references are not ours: NumPy itself for values, complex steps through plain
NumPy for first derivatives, Cauchy's integral for second ones, and mpmath for elementwise functions.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from diffmagic import jvp, vjp
from diffmagic.core.primitives import HANDLERS, PRIMITIVES, public_name
from diffmagic.core.tracing import trace_flat
from tests.core.primitives.samples import (
    CONSTANT,
    DIFFERENTIABLE,
    REFUSED,
    Sample,
    is_float,
    leaves,
    mapped,
)

mp = mpmath.mp

IN_PLACE = {np.put, np.place, np.putmask, np.copyto, np.fill_diagonal, np.put_along_axis, "at"}  # in test_mutation
WITH_SCIPY = {np.i0}  # in test_special, as all of scipy.special
ALL = [sample for samples in DIFFERENTIABLE.values() for sample in samples]
ZERO = [sample for samples in CONSTANT.values() for sample in samples]
each = pytest.mark.parametrize("sample", ALL, ids=repr)
each_constant = pytest.mark.parametrize("sample", ZERO, ids=repr)

TINY = 1e-200
RADIUS, POINTS = 0.02, 24


def directions(sample: Sample, seed: int = 0) -> Any:
    """A random direction for the operands that move, in their types."""
    rng = np.random.default_rng(seed)

    def random(operand: Any) -> Any:
        drawn = rng.uniform(-1.0, 1.0, np.shape(operand))
        return float(drawn) if type(operand) is float else np.asarray(drawn, operand.dtype)[()]

    return mapped(random, sample.operands)


def weights(value: Any) -> Any:
    """A random cotangent for a result; zero for its parts that are no floating-point numbers."""
    rng = np.random.default_rng(7)

    def random(leaf: Any) -> Any:
        drawn = rng.uniform(-1.0, 1.0, np.shape(leaf))
        return drawn[()] if is_float(leaf) else np.zeros(np.shape(leaf))[()]

    return mapped(random, value)


def inner(a: Any, b: Any) -> tuple[float, float]:
    """A sum of products over all numbers of two structures, and the sum of their sizes."""
    pairs = list(zip(leaves(a), leaves(b), strict=True))
    return float(sum(np.sum(x * y) for x, y in pairs)), float(sum(np.sum(np.abs(x * y)) for x, y in pairs))


def same(found: Any, expected: Any) -> None:
    """The same containers, types, shapes, dtypes and numbers."""
    assert type(found) is type(expected)
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for part, other in zip(found, expected, strict=True):
            same(part, other)
        return
    assert np.shape(found) == np.shape(expected)
    assert np.result_type(found) == np.result_type(expected)
    np.testing.assert_array_equal(found, expected)


def close(found: Any, expected: Any, tolerance: float, size: float = 0.0) -> None:
    """Equal within a tolerance, relative to the largest expected number or to `size`."""
    for part, other in zip(leaves(found), leaves(expected), strict=True):
        assert np.shape(part) == np.shape(other)
        scale = max(size, float(np.max(np.abs(other), initial=0.0)))
        np.testing.assert_allclose(part, other, rtol=0, atol=tolerance * scale)


# The references.


def moved(sample: Sample, direction: list[Any], step: complex) -> Any:
    return mapped(lambda x, u: x + step * u, sample.operands, direction)


def first_reference(sample: Sample, direction: list[Any]) -> Any:
    if sample.exact is not None:
        return exact_reference(sample, direction, 1)
    f = sample.of_moving(sample.analytic)
    return mapped(lambda y: np.imag(y) / TINY, f(*moved(sample, direction, TINY * 1j)))


def second_reference(sample: Sample, direction: list[Any]) -> Any:
    if sample.exact is not None:
        return exact_reference(sample, direction, 2)
    f = sample.of_moving(sample.analytic)
    roots = np.exp(2j * np.pi * np.arange(POINTS) / POINTS)
    values = [f(*moved(sample, direction, RADIUS * root)) for root in roots]

    def integral(*around: Any) -> Any:
        total = sum(value / root**2 for value, root in zip(around, roots, strict=True))
        return 2 * np.real(total) / (POINTS * RADIUS**2)

    return mapped(integral, *values)


def exact_reference(sample: Sample, direction: list[Any], order: int) -> Any:
    """The derivative along a direction, element by element, by differences at 80 digits."""
    slopes: list[Any] = [0.0] * len(sample.args)
    for k, slope in zip(sample.moving, direction, strict=True):
        slopes[k] = slope
    columns = np.broadcast_arrays(*sample.args, *slopes)
    found = np.zeros(columns[0].shape)
    assert sample.exact is not None
    with mpmath.workdps(80):
        step = mp.mpf(10) ** -25
        for place in np.ndindex(found.shape):
            numbers = [mp.mpf(float(column[place])) for column in columns]
            x, u = numbers[: len(slopes)], numbers[len(slopes) :]
            low, middle, high = (
                sample.exact(*[a + t * b for a, b in zip(x, u, strict=True)]) for t in (-step, mp.mpf(0), step)
            )
            found[place] = (high - low) / (2 * step) if order == 1 else (high - 2 * middle + low) / step**2
    return found[()]


# The table.


def test_every_function_has_samples():
    known = DIFFERENTIABLE.keys() | CONSTANT.keys() | REFUSED | WITH_SCIPY | IN_PLACE
    missing = {
        public_name(function)
        for function in PRIMITIVES.keys() | HANDLERS.keys()
        if function not in known and not public_name(function).startswith(("np.linalg.", "scipy.special."))
    }
    assert not missing
    assert all(DIFFERENTIABLE.values())
    assert all(CONSTANT.values())


@pytest.mark.parametrize("sample", ALL + ZERO, ids=repr)
def test_samples_are_of_the_function_they_stand_under(sample, monkeypatch):
    function = sample.function
    seen = []
    if function in HANDLERS:
        handler = HANDLERS[function]

        def spy(*args: Any, **kwargs: Any) -> Any:
            seen.append(function)
            return handler(*args, **kwargs)

        monkeypatch.setitem(HANDLERS, function, spy)
    else:
        primitive = PRIMITIVES[function]
        compute = primitive.function

        def watched(*args: Any, **params: Any) -> Any:
            seen.append(function)
            return compute(*args, **params)

        monkeypatch.setattr(primitive, "function", watched)
    flat = leaves(sample.operands)

    def rebuilt(*parts: Any) -> Any:
        supply = iter(parts)
        return leaves(sample.of_moving()(*mapped(lambda _: next(supply), sample.operands)))

    program, _ = trace_flat(rebuilt, *flat)
    assert seen or any(equation.primitive is PRIMITIVES.get(function) for equation in program.equations)


# First derivatives.


@each
def test_value_is_that_of_numpy(sample):
    value, _ = jvp(sample.of_moving(), sample.operands, directions(sample))
    expected = sample(*sample.args)
    if sample.same:
        same(value, expected)
    else:
        close(value, expected, 1e-15)
        same(np.equal(value, 0), np.equal(expected, 0))


@each
def test_forward_against_the_reference(sample):
    direction = directions(sample)
    _, tangent = jvp(sample.of_moving(), sample.operands, direction)
    close(tangent, first_reference(sample, direction), 1e-13)


@each
def test_reverse_is_the_transpose_of_forward(sample):
    direction = directions(sample)
    value, tangent = jvp(sample.of_moving(), sample.operands, direction)
    _, pullback = vjp(sample.of_moving(), *sample.operands)
    cotangent = weights(value)
    back = pullback(cotangent)
    for part, operand in zip(leaves(back), leaves(sample.operands), strict=True):
        assert np.shape(part) == np.shape(operand)
        assert np.result_type(part) == np.result_type(operand)
    ahead, size = inner(cotangent, tangent)
    behind, other = inner(back, direction)
    assert abs(ahead - behind) <= 1e-14 * (size + other)


# Second derivatives.


@each
def test_second_derivative_against_the_reference(sample):
    direction = directions(sample)
    f = sample.of_moving()

    def slope(*operands: Any) -> Any:
        return jvp(f, operands, direction)[1]

    _, curvature = jvp(slope, sample.operands, direction)
    size = max((float(np.max(np.abs(y), initial=1.0)) for y in leaves(f(*sample.operands))), default=1.0)
    close(curvature, second_reference(sample, direction), 1e-11, size)


@each
def test_second_derivatives_agree_in_all_orders_of_the_modes(sample):
    f = sample.of_moving()
    first, second = directions(sample, 1), directions(sample, 2)
    cotangent = weights(f(*sample.operands))

    def slope(*operands: Any) -> Any:
        return jvp(f, operands, first)[1]

    def gradient(*operands: Any) -> Any:
        return vjp(f, *operands)[1](cotangent)

    ahead, size = inner(cotangent, jvp(slope, sample.operands, second)[1])
    over_forward = vjp(slope, *sample.operands)[1](cotangent)
    over_reverse = jvp(gradient, sample.operands, first)[1]
    back = vjp(gradient, *sample.operands)[1](tuple(second))
    for found, direction in ((over_forward, second), (over_reverse, second), (back, first)):
        total, other = inner(found, direction)
        assert abs(ahead - total) <= 1e-14 * (size + other) + 1e-300


# Single precision.


@each
def test_single_precision_stays_single(sample):
    operands = mapped(lambda x: x if type(x) is float else x.astype(np.float32), sample.operands)
    direction = mapped(lambda u, x: u if type(x) is float else u.astype(np.float32), directions(sample), operands)
    f = sample.of_moving()
    value, tangent = jvp(f, operands, direction)
    expected = f(*operands)
    for found, part, plain in zip(leaves(value), leaves(tangent), leaves(expected), strict=True):
        assert np.result_type(found) == np.result_type(plain)
        if is_float(plain):
            assert np.result_type(part) == np.result_type(plain)
    _, double = jvp(f, sample.operands, directions(sample))
    close(tangent, double, 1e-5, 1.0)
    cotangent = weights(value)
    back = vjp(f, *operands)[1](mapped(lambda u, y: np.asarray(u, np.result_type(y, np.float32))[()], cotangent, value))
    for part, operand in zip(leaves(back), leaves(operands), strict=True):
        assert type(operand) is float or np.result_type(part) == np.result_type(operand)
    close(back, vjp(f, *sample.operands)[1](cotangent), 1e-5, 1.0)


# Functions that are constant almost everywhere.


@each_constant
def test_constant_functions_have_zero_derivatives(sample):
    f = sample.of_moving()
    value, tangent = jvp(f, sample.operands, directions(sample))
    same(value, f(*sample.operands))
    assert not any(np.any(part) for part in leaves(tangent))
    back = vjp(f, *sample.operands)[1](mapped(lambda y: np.ones(np.shape(y))[()], value))
    for part, operand in zip(leaves(back), leaves(sample.operands), strict=True):
        assert np.shape(part) == np.shape(operand)
        assert not np.any(part)
