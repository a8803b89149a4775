"""Simplified programs: fewer equations, the same numbers to the last bit."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffmagic import trace
from diffmagic.core.program import Program, Variable
from diffmagic.core.replay import replay
from diffmagic.core.simplify import simplified

inf, nan = np.inf, np.nan
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.3, -2.7, inf, -inf, nan, 5e-324, 1.7e308, -1.7e308])
PAIRS = np.repeat(SPECIAL, SPECIAL.size), np.tile(SPECIAL, SPECIAL.size)


def operations(program: Program) -> list[str]:
    """The equations of a simplified program, in order, as text."""
    return [line.split("= ")[1].split("  ")[0] for line in str(simplified(program)).splitlines() if "line" in line]


def same_bits(found: Any, expected: Any) -> None:
    assert np.shape(found) == np.shape(expected)
    assert np.result_type(found) == np.result_type(expected)
    np.testing.assert_array_equal(found, expected)  # where NaN is NaN
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(expected)[number])


# The same numbers.

UNARY = [np.negative, np.positive, np.square, np.copy, np.real, np.exp, lambda x: np.reshape(x, np.shape(x))]
BINARY = [np.add, np.subtract, np.multiply, np.divide, np.maximum, lambda a, b: np.where(a > b, a, b)]
CONSTANTS = [
    1,
    -1,
    0,
    2,
    1.0,
    -1.0,
    0.0,
    -0.0,
    np.float64(1.0),
    np.full(144, 1.0),
    np.full(144, -0.0),
    np.full(144, 0.5),
]


@st.composite
def functions(draw: Any) -> Any:
    """Straight lines of elementary operations on two arrays and constants, the operations that are rewritten mostly."""
    steps = []
    for count in range(draw(st.integers(1, 12))):
        operand = st.integers(0, count + 1) | st.sampled_from(CONSTANTS)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(UNARY)), [draw(st.integers(0, count + 1))]))
        else:
            operands = [draw(st.integers(0, count + 1)), draw(operand.map(lambda o: (o,)) | st.integers(0, count + 1))]
            steps.append((draw(st.sampled_from(BINARY)), draw(st.permutations(operands))))

    def f(a: Any, b: Any) -> Any:
        values = [a, b]
        for function, places in steps:
            values.append(function(*[place[0] if type(place) is tuple else values[place] for place in places]))
        return tuple(values[2:])

    return f


def outputs(program: Program, inputs: Any) -> list[Any]:
    values = replay(program, inputs)
    return [values[out] if isinstance(out, Variable) else out for out in program.outputs]


@given(functions(), st.booleans())
def test_the_same_numbers_to_the_last_bit(f: Any, few: bool) -> None:
    with np.errstate(all="ignore"):
        program = trace(f, *PAIRS)
        shorter = simplified(
            Program(program.inputs, program.equations, program.outputs[-1:] if few else program.outputs)
        )
        assert len(shorter) <= len(program)
        for inputs in (PAIRS, [array[::-1].copy() for array in PAIRS]):
            expected = outputs(program, inputs)[-1:] if few else outputs(program, inputs)
            for found, other in zip(outputs(shorter, inputs), expected, strict=True):
                same_bits(np.broadcast_to(found, np.shape(other)), other)


@given(functions())
def test_it_is_a_pure_function_and_does_all_at_once(f: Any) -> None:
    with np.errstate(all="ignore"):
        program = trace(f, *PAIRS)
    before = str(program)
    once = simplified(program)
    assert str(program) == before
    assert str(simplified(program)) == str(once)
    assert str(simplified(once)) == str(once)


@pytest.mark.parametrize("x", [0.1, 1 / 3, 1e-160, 123456.789, -7e100])
def test_a_square_is_exact_to_half_a_unit(x):
    program = trace(lambda x: np.power(x, 2.0), x)
    assert operations(program) == ["np.square(x)"]
    (found,) = outputs(simplified(program), [x])
    assert abs(Fraction(float(found)) - Fraction(float(x)) ** 2) <= Fraction(float(np.spacing(found))) / 2


# What becomes what.

x = np.array([0.5, -1.5])


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: 1.0 * x * 1, []),
        (lambda x: x / 1 - 0.0, []),
        (lambda x: (x - 0) ** 1, []),
        (lambda x: x + -0.0, []),
        (lambda x: -np.negative(x), []),
        (lambda x: np.positive(np.real(x)), []),
        (lambda x: np.reshape(np.broadcast_to(x, (2,)), (2,)), []),
        (lambda x: np.ones(2) * x, []),
        (lambda x: x * -1, ["-x"]),
        (lambda x: x / -1.0, ["-x"]),
        (lambda x: np.sin(x) - -x, ["np.sin(x)", "v1 + x"]),
        (lambda x: np.sin(x) + -x, ["np.sin(x)", "v1 - x"]),
        (lambda x: -np.sin(x) + x, ["np.sin(x)", "x - v1"]),
        (lambda x: -np.sin(x) * -x, ["np.sin(x)", "v1 * x"]),
        (lambda x: -x / -np.sin(x), ["np.sin(x)", "x / v1"]),
        (lambda x: x + -2.0, ["x - 2.0"]),
        (lambda x: -0.25 + x, ["x - 0.25"]),
        (lambda x: x - -2, ["x + 2"]),
        (lambda x: np.full(2, 0.5) * x, ["0.5 * x"]),
        (lambda x: x * np.broadcast_to(x[0], (2,)), ["x[0]", "x * v1"]),
        (lambda x: np.reshape(np.sum(x, axis=(0,), keepdims=True), ()), ["np.sum(x)"]),
        (
            lambda x: np.reshape(np.sum(np.outer(x, x), axis=1, keepdims=True), 2),
            ["np.outer(x, x)", "np.sum(v1, axis=1)"],
        ),
        (lambda x: np.where([True, True], x, 0.0), []),
        (lambda x: np.where([False, False], 0.0, x), []),
        (lambda x: np.sin(x) * np.sin(x), ["np.sin(x)", "v1 * v1"]),
        (lambda x: np.sin(x) * x + x * np.sin(x), ["np.sin(x)", "v1 * x", "v2 + v2"]),
        (lambda x: np.take(x, [1, 0]) + np.take(x, [1, 0]), ["np.take(x, [1, 0])", "v1 + v1"]),
        (lambda x: (np.exp(x), x[0])[1], ["x[0]"]),
    ],
)
def test_less_is_left(f, expected):
    assert operations(trace(f, x)) == expected


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x + 0.0, ["x + 0.0"]),  # -0.0 would become 0.0
        (lambda x: x - -0.0, ["x + 0.0"]),
        (lambda x: 0.0 - x, ["0.0 - x"]),
        (lambda x: x * 0.0, ["x * 0.0"]),
        (lambda x: x - x, ["x - x"]),
        (lambda x: x / x, ["x / x"]),
        (lambda x: x**0, ["x ** 0"]),
        (lambda x: x * 2 * 3, ["x * 2", "v1 * 3"]),
        (lambda x: x * [1.0, 2.0], ["x * [1.0, 2.0]"]),
        (lambda x: np.reshape(x, (2, 1)), ["np.reshape(x, shape=(2, 1))"]),
        (lambda x: x - x[::-1], ["x[::-1]", "x - v1"]),
        (lambda x: np.astype(x, np.float32), ["np.float32(x)"]),
        (lambda x: x * np.ones((2, 2)), ["x * [[1.0, 1.0], [1.0, 1.0]]"]),  # another shape
        (lambda x: (x > 0) * 1.0, ["x > 0", "v1 * 1.0"]),  # another dtype
        (lambda x: np.copy(x), ["np.copy(x)"]),
    ],
)
def test_what_is_not_the_same_stays(f, expected):
    assert operations(trace(f, x)) == expected


def test_numbers_of_python_and_of_numpy_stay_what_they_are():
    """A double of NumPy's widens an array of single precision, where Python's float does not."""
    single = np.ones(2, np.float32)
    program = trace(lambda x, y: (np.multiply(x, 1.0) * y, x * y), 0.5, single)
    wide, narrow = outputs(simplified(program), [0.5, single])
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)


def test_unsigned_numbers_have_no_sign_to_move():
    program = trace(lambda x: x + np.negative(np.astype(np.floor(x), np.uint8)), np.array([3.5, 5.5]))
    same_bits(outputs(simplified(program), [np.array([3.5, 5.5])])[0], np.array([256.5, 256.5]))


def test_sums_of_all_elements_are_the_same_in_any_form():
    numbers = np.random.default_rng(0).normal(size=(37, 41))
    program = trace(lambda x: np.reshape(np.sum(x, axis=(0, 1), keepdims=True), ()), numbers)
    assert operations(program) == ["np.sum(x)"]
    same_bits(outputs(simplified(program), [numbers])[0], program.outputs[0].value[()])


def test_complex_products_with_one_stay():
    program = trace(lambda x: np.real(x * 1j * 1.0), x)
    assert operations(program) == ["x * (0.0+1.0j)", "v1 * 1.0", "np.real(v2)"]


def test_constants_that_are_equal_are_one():
    program = trace(lambda x: x * np.array([2.0, 3.0]) + np.array([2.0, 3.0]) * x + x * np.array([2.0, -3.0]), x)
    assert len(simplified(program)) == 4
    program = trace(lambda x: np.maximum(x, 0.0) + np.maximum(x, -0.0) + np.maximum(x, nan) + np.maximum(x, nan), x)
    assert len(simplified(program)) == 6


def test_what_does_not_depend_on_the_inputs_is_computed():
    program = trace(lambda x: x * 2.0, 0.5)
    inner = Program([], program.equations, program.outputs)
    (equation,) = inner.equations
    equation.operands = (0.5, 2.0)
    assert simplified(inner).outputs == [1.0]
    assert len(simplified(inner)) == 0


def test_guards_stay_where_they_were():
    def f(x: Any) -> Any:
        unused = np.exp(x)
        if x > 0:
            x = 1.0 * x
        for _ in range(3):
            if x > 0 and unused is not None:
                x = np.sin(x)
        return x

    program = trace(f, 0.5)
    assert [guard.position for guard in program.guards] == [2, 4, 6, 8]
    shorter = simplified(program)
    assert operations(program) == ["x > 0", "np.sin(x)", "x_2 > 0", "np.sin(x_2)", "x_3 > 0", "np.sin(x_3)"]
    assert [guard.position for guard in shorter.guards] == [1, 3, 5]
    assert shorter.conditions() == ["x > 0", "x_2 > 0", "x_3 > 0"]
    assert [guard.value for guard in shorter.guards] == [True, True, True]


def test_names_stay():
    def f(x: Any) -> Any:
        first = np.sin(x)
        second = np.sin(x)
        third = 1.0 * second
        return first * third

    shorter = simplified(trace(f, 0.5))
    assert set(shorter.names().values()) == {"x", "first", "v2"}
