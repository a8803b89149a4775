"""The chain rule along paths, against gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffmagic import grad, trace
from diffmagic.chain_rule import chain_rules
from diffmagic.core.tracing import trace_flat
from diffmagic.trace_table import trace_table

OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a * b,
    lambda a, b: a - b,
    lambda a, b: np.sin(a),
    lambda a, b: np.exp(-a * a),
    lambda a, b: a / (2 + np.cos(b)),
    lambda a, b: np.hypot(a, b),
]


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


@pytest.mark.parametrize("folded", [False, True])
def test_the_sigmoid(folded: bool) -> None:
    w, x = chain_rules(trace_table(trace(sigmoid, 0.5, 2.0), folded=folded, result="y"))
    assert (w.of, w.wrt, w.count, x.of, x.wrt, x.count) == ("y", "w", 1, "y", "x", 1)
    (path,) = w.paths
    if folded:
        assert [factor[:2] for factor in path] == [("y", "v4"), ("v4", "v2"), ("v2", "w")]
    else:
        assert [factor[:2] for factor in path] == [("y", "v4"), ("v4", "v3"), ("v3", "v2"), ("v2", "v1"), ("v1", "w")]
        assert [factor[2] for factor in path] == pytest.approx([-0.5344466, 1, 0.3678794, 2, -1], abs=1e-7)
    assert (w.value, x.value) == pytest.approx((0.39322386648296376, 0.09830596662074094), rel=1e-15)


def test_several_paths_are_a_sum() -> None:
    (rule,) = chain_rules(trace_table(trace(lambda x: x * np.exp(x), 1.0)))
    assert [[factor[:2] for factor in path] for path in rule.paths] == [[("v2", "x")], [("v2", "v1"), ("v1", "x")]]
    assert rule.value == pytest.approx(2 * np.e, rel=1e-15)


def test_inputs_one_step_away_are_there_if_others_are() -> None:
    a, b, c = chain_rules(trace_table(trace(lambda a, b, c: a * b * c, 2.0, 3.0, 5.0)))
    assert [len(path) for rule in (a, b, c) for path in rule.paths] == [2, 2, 1]
    assert (a.value, b.value, c.value) == (15.0, 10.0, 6.0)


@pytest.mark.filterwarnings("error")
def test_infinity_times_zero_is_no_warning() -> None:
    assert chain_rules(trace_table(trace(lambda x: np.sqrt(x) * np.sin(x), 0.0))) == []


def test_too_many_paths_are_counted() -> None:
    def f(x: Any) -> Any:
        for _ in range(5):
            x = x * np.sin(x)
        return x

    (rule,) = chain_rules(trace_table(trace(f, 1.1)))
    assert (rule.count, rule.paths, rule.value) == (32, (), None)


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda x: np.sum(x**2), np.ones(2)),  # arrays
        (lambda x: np.real(np.exp(1j * x)), 0.5),  # a real part of products is no product of real parts
        (lambda x: (np.sin(x), np.cos(x)), 0.5),  # several results
        (lambda x: 2 * x, 1.0),  # nothing to multiply
        (lambda x: np.floor(2 * x), 1.2),  # no path
        (lambda x: 1.0, 1.0),  # a constant
        (lambda x: np.sqrt(2 * x), 0.0),  # not finite
    ],
)
def test_no_chain_rule_where_there_is_none_to_show(f: Callable[[Any], Any], point: Any) -> None:
    assert chain_rules(trace_table(trace(f, point))) == []


def test_no_chain_rule_of_a_long_program() -> None:
    def f(x: Any) -> Any:
        for _ in range(13):
            x = np.sin(x)
        return x

    assert chain_rules(trace_table(trace(f, 1.0))) == []


def test_no_chain_rule_for_a_seed() -> None:
    program = trace(sigmoid, 0.5, 2.0)
    assert chain_rules(trace_table(program, tangents={program.inputs[0]: 2.0})) == []
    assert chain_rules(trace_table(program, cotangents={program.outputs[0]: 2.0})) == []


@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 9), st.integers(0, 9)), max_size=6), st.booleans()
)
def test_the_sum_of_products_is_the_gradient(steps: list[Any], folded: bool) -> None:
    def f(x: Any, y: Any) -> Any:
        values = [x, y, np.sin(x * y)]
        for operation, a, b in steps:
            values.append(operation(values[a % len(values)], values[b % len(values)]))
        return values[-1]

    program, _ = trace_flat(f, 0.7, 1.3, names=("x", "y"))
    exact = dict(zip("xy", grad(f, (0, 1))(0.7, 1.3), strict=True))
    for rule in chain_rules(trace_table(program, folded=folded)):
        assert len(rule.paths) == rule.count or (rule.count > 3 and not rule.paths)
        assert rule.value is None or rule.value == pytest.approx(exact[rule.wrt], rel=1e-13, abs=1e-13)
