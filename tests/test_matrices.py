"""Derivatives as one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffmagic import differentiate
from diffmagic.matrices import matrix_of, symmetric_digits


def test_the_blocks_of_a_jacobian() -> None:
    W, b = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    found = differentiate(lambda W, b: (W @ b, np.sum(b)), W, b, argnums=(0, 1))
    matrix = matrix_of(found, found.entries)
    assert matrix is not None
    assert [shape for _, shape in matrix.rows] == [(2,), ()]
    assert matrix.columns == [("W", (2, 3)), ("b", (3,))]
    zero = np.zeros(3)
    expected = [np.hstack([b, zero, W[0]]), np.hstack([zero, b, W[1]]), np.hstack([zero, zero, np.ones(3)])]
    np.testing.assert_array_equal(matrix.numbers, expected)
    assert not matrix.structure.any()  # nobody looked


def test_the_blocks_of_a_hessian() -> None:
    found = differentiate(lambda x, A: x @ A @ x, np.array([1.0, 2.0]), np.eye(2), argnums=(0, 1), order=2)
    matrix = matrix_of(found, found.entries)
    assert matrix is not None
    assert matrix.rows == matrix.columns == [("x", (2,)), ("A", (2, 2))]
    mixed = [[2, 2, 2, 0], [0, 1, 1, 4]]
    np.testing.assert_array_equal(matrix.numbers[:2, 2:], mixed)
    np.testing.assert_array_equal(matrix.numbers, matrix.numbers.T)
    np.testing.assert_array_equal(matrix.numbers[2:, 2:], np.zeros((4, 4)))


@pytest.mark.parametrize("f", [np.sum, lambda x: 0.0 * x[:0]])
def test_what_is_no_matrix(f: Any) -> None:
    found = differentiate(f, np.ones(3))
    assert matrix_of(found, found.entries) is None


def test_higher_orders_are_no_matrix() -> None:
    found = differentiate(lambda x: np.sum(x**4), np.ones(3), order=3)
    assert matrix_of(found, found.entries) is None
    found = differentiate(lambda x: x**4, np.ones(3), order=2)
    assert matrix_of(found, found.entries) is None


@pytest.mark.parametrize(
    ("numbers", "digits"),
    [
        (np.zeros((2, 2)), 15),
        (np.array([[1.0, 1e-20], [0.0, 1.0]]), 15),
        (np.array([[1.0, 1.0], [1.0 + 2e-9, 1.0]]), 8),
        (np.array([[1e9, 0.0], [1.0, 1e9]]), 9),
        (np.array([[0.0, 1.0], [-1.0, 0.0]]), 0),
        (np.array([[1.0, 2.0], [2.0, 1.0]], np.float32), 6),
        (np.array([[0.0, 1j], [-1j, 0.0]]), 0),
        (np.array([[0.0, np.nan], [1.0, 0.0]]), None),
        (np.ones((2, 3)), None),
    ],
)
def test_to_how_many_digits_it_is_symmetric(numbers: Any, digits: int | None) -> None:
    assert symmetric_digits(numbers) == digits
