"""Zeros that were not chosen, and zeros that were computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffmagic import grad, hvp, jacobian, jvp, vjp

inf, nan = np.inf, np.nan
x = np.array([0.0, 4.0])


def both_modes(f: Any, at: Any, expected: Any) -> None:
    for mode in ("forward", "reverse"):
        np.testing.assert_array_equal(jacobian(f, mode=mode)(at), expected)


def test_elements_that_a_seed_leaves_out():
    both_modes(np.sqrt, x, [[inf, 0.0], [0.0, 0.25]])
    both_modes(lambda x: np.sqrt(x) * np.array([1.0, 8.0]), x, [[inf, 0.0], [0.0, 2.0]])
    assert jvp(np.sqrt, (x,), (np.array([0.0, 1.0]),))[1].tolist() == [0.0, 0.25]
    assert vjp(np.sqrt, x)[1](np.array([0.0, 1.0]))[0].tolist() == [0.0, 0.25]


CHOICES = [
    lambda x: np.where(x > 0, np.sqrt(x), 0.0),
    lambda x: np.sin(np.where(x > 0, np.sqrt(x), 0.0)),
    lambda x: np.where(x > 0, np.sin(np.sqrt(x)), 0.0),
    lambda x: np.where(x > 0, np.sqrt(x) * np.sqrt(x), 0.0),
    lambda x: np.where(x > 0, np.log(x), 0.0) + np.where(x > 0, 1 / x, 0.0),
    lambda x: np.where(x > 0, x / np.sqrt(x), 0.0),
    lambda x: np.where(x > 0, np.where(x < 9, np.log(x), x), 0.0),
    lambda x: np.concatenate([[0.0], np.cumsum(np.sqrt(x)[1:])]),
    lambda x: np.array([0.0, 1.0]) + np.where([False, True], np.cumprod(np.sqrt(x)[::-1])[::-1], 0.0) * 0.0,
    lambda x: np.select([x > 1, x > 0], [np.sqrt(x), np.log(x)], 0.0),
]


@pytest.mark.parametrize("f", CHOICES, ids=range(len(CHOICES)))
def test_branches_that_were_not_chosen(f):
    with np.errstate(all="ignore"):
        forward, backward = jacobian(f, mode="forward")(x), jacobian(f, mode="reverse")(x)
        step = 1e-6 * np.array([0.0, 1.0])
        slope = (f(x + step) - f(x - step)) / 2e-6
    np.testing.assert_array_equal(forward[:, 0], 0.0)
    np.testing.assert_allclose(forward[:, 1], slope, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(backward, forward, rtol=1e-15)


def test_the_branch_that_was_chosen_keeps_its_infinity():
    both_modes(lambda x: np.where(x >= 0, np.sqrt(x), 0.0), x, [[inf, 0.0], [0.0, 0.25]])
    both_modes(lambda x: np.maximum(np.sqrt(x), -1.0), x, [[inf, 0.0], [0.0, 0.25]])


COMPUTED = [
    lambda x: np.sqrt(x) ** 2,
    lambda x: np.sqrt(x) - np.sqrt(x),
    lambda x: 0.0 * np.sqrt(x),
    lambda x: np.where(x >= 0, np.sqrt(x) ** 2, 0.0),
]


@pytest.mark.parametrize("f", COMPUTED, ids=range(len(COMPUTED)))
def test_computed_zeros_times_infinity(f):
    for mode in ("forward", "reverse"):
        found = jacobian(f, mode=mode)(x)
        assert np.isnan(found[0, 0])
        assert np.isfinite(found[1]).all()
        assert found[0, 1] == 0.0


def test_a_difference_of_one_value_with_itself():
    def f(x: Any) -> Any:
        root = np.sqrt(x)
        return root - root

    assert np.isnan(grad(f)(0.0))
    assert np.isnan(jvp(f, (0.0,), (1.0,))[1])


def test_second_order():
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    assert hvp(f)(x, np.ones(2)).tolist() == [0.0, -1 / 32]
    assert hvp(lambda x: np.sum(np.sqrt(x)[1:]))(x, np.ones(2)).tolist() == [0.0, -1 / 32]


def test_nothing_is_printed_on_the_way():
    with np.errstate(all="raise"):
        assert grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(x).tolist() == [0.0, 0.25]


PRODUCTS = [
    (lambda x: np.sqrt(x @ x), np.zeros(2), [nan, nan]),
    (lambda x: np.sqrt(np.dot(x, x)), np.zeros(2), [nan, nan]),
    (lambda x: np.sqrt(np.einsum("i,i->", x, x)), np.zeros(2), [nan, nan]),
    (lambda x: np.sqrt(np.inner(x, x)), np.zeros(2), [nan, nan]),
    (lambda x: np.sqrt(np.outer(x, x)[0, 1]), np.array([0.0, 0.0]), [nan, nan]),
    (lambda x: np.array([0.0, 1.0]) @ np.sqrt(x), np.array([0.0, 4.0]), [nan, 0.25]),
    (lambda x: np.einsum("i,i->", [0.0, 1.0], np.sqrt(x)), np.array([0.0, 4.0]), [nan, 0.25]),
    (lambda x: np.sum(np.diag(np.sqrt(x))[1:]), np.array([0.0, 4.0]), [0.0, 0.25]),
]


@pytest.mark.parametrize(("f", "x", "expected"), PRODUCTS, ids=range(len(PRODUCTS)))
def test_zeros_among_the_factors_of_a_product_are_computed(f, x, expected):
    for mode in ("forward", "reverse"):
        np.testing.assert_array_equal(jacobian(f, mode=mode)(x), expected)
