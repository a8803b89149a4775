"""All methods on one function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special

from diffmagic import DiffmagicError, compare, trace
from diffmagic.comparison import agreement, scaling
from diffmagic.methods import METHODS
from diffmagic.operations import forward_operations, reverse_operations


def test_every_method_has_a_row() -> None:
    found = compare(lambda x: np.sin(x) * x, 0.7)
    assert [row.method for row in found.rows] == list(METHODS)
    assert found.reference == "the formula at 30 digits"
    assert all(row.digits is not None and row.digits > 6 for row in found.rows)
    assert all(row.evaluations >= 1 for row in found.rows)


@pytest.mark.parametrize("name", METHODS)
def test_own_errors_are_meant(name: str) -> None:
    row = compare(lambda x: np.exp(x) / (1 + x**2), 1.2, methods=[name]).rows[0]
    assert row.digits is not None
    if row.error is not None:
        assert 10.0**-row.digits <= 10 * row.error + 2e-16


def test_structures() -> None:
    def f(p: Any, s: float) -> Any:
        return {"a": p["w"] * s, "b": np.sum(p["w"] ** 2)}

    found = compare(f, {"w": np.array([1.0, 2.0])}, 3.0, argnums=(0, 1), methods=["forward", "adaptive", "symbolic"])
    np.testing.assert_array_equal(found.derivative["b"][0]["w"], [2.0, 4.0])
    assert all(row.digits > 13 for row in found.rows)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders(order: int) -> None:
    found = compare(np.exp, 0.3, methods=["reverse", "symbolic", "adaptive"], order=order)
    assert found.derivative == pytest.approx(math.exp(0.3), rel=1e-15)
    assert all(row.digits > 10 for row in found.rows)


def test_without_a_formula_reverse_accumulation_is_the_reference() -> None:
    found = compare(lambda x: np.sum(np.linalg.svd(x * np.eye(2))[1]), 1.5, methods=["symbolic", "adaptive"])
    assert found.reference == "reverse accumulation"
    assert "np.linalg.svd" in found.rows[0].failure
    assert found.rows[1].digits > 12


def test_without_a_trace_the_method_with_the_least_error_is_the_reference() -> None:
    found = compare(lambda x: math.sin(float(np.asarray(x))), 1.0)
    best = min((row for row in found.rows if row.error is not None), key=lambda row: row.error)
    assert found.reference == best.method
    assert found.derivative == pytest.approx(math.cos(1.0), rel=1e-13)


def test_a_formula_that_cannot_be_evaluated() -> None:
    found = compare(lambda x: special.gammainc(x, 2.0), 1.0, methods=["symbolic", "adaptive"])
    assert "meijerg" in found.rows[0].failure
    assert found.rows[1].digits > 10


def test_functions_that_change_are_told() -> None:
    rng = np.random.default_rng(0)
    found = compare(lambda x: x**2 * rng.random(), 1.0, methods=["reverse", "forward"])
    assert found.notes[-1] == "it gives another value at each call"


def test_what_is_refused() -> None:
    with pytest.raises(DiffmagicError, match="there is no method 'revers'"):
        compare(np.sin, 1.0, methods=["revers"])
    with pytest.raises(DiffmagicError, match="there are no methods to compare"):
        compare(np.sin, 1.0, methods=[])
    with pytest.raises(DiffmagicError, match="returned None"):
        compare(lambda x: None, 1.0)
    with pytest.raises(RuntimeError, match="mine"):
        compare(_stops, 1.0)
    assert compare(np.sin, 1.0, methods="reverse").rows[0].method == "reverse"


def _stops(x: Any) -> Any:
    raise RuntimeError("mine")


def test_agreement() -> None:
    one = np.array([1.0])
    assert agreement(one, one) == pytest.approx(15.95, abs=0.01)
    assert agreement(one, 2 * one) == pytest.approx(-math.log10(0.5))
    assert agreement(one, -one) == 0.0
    assert agreement(one, np.array([math.nan])) is None
    assert agreement(np.array([math.inf]), np.array([math.inf])) is None
    assert agreement(np.zeros(2), np.zeros(2)) > 15


def test_a_minus_sign_is_part_of_an_addition() -> None:
    first, second = trace(lambda x: abs(x) - x, 2.0), trace(lambda x: -x + abs(x), 2.0)
    assert reverse_operations(first) == reverse_operations(second) == 3
    assert forward_operations(first) == 3


def test_scaling_with_more_outputs_than_inputs_has_no_crossing() -> None:
    found = scaling(lambda n: (lambda t: t * np.arange(1.0, n + 2), (0.5,)), "n", [1, 2, 4])
    assert found.inputs == [1, 1, 1]
    assert found.crossing is None
