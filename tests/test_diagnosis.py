"""Why a number is not finite, kinks, and steps that nothing comes from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from diffmagic import differentiate, traceable
from diffmagic.results import Finding

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

BIG = np.array([1.0, 1000.0])
ZEROS = np.zeros(2)

# What is written, where, the kind, the expression that is named, and a part of what to write instead.
LOST: list[tuple[Callable[..., Any], Any, str, str, str]] = [
    (lambda x: np.log(1 + np.exp(x)), 1000.0, "value", "np.exp(x)", "np.logaddexp(0, x)"),
    (lambda x: np.sum(np.log(1 + np.exp(x))), BIG, "value", "np.exp(x)", "np.logaddexp(0, x)"),
    (lambda x: np.log1p(np.exp(2 * x)), 1000.0, "value", "np.exp(2 * x)", "np.logaddexp(0, 2 * x)"),
    (lambda x: np.log(np.exp(x) + np.exp(1.0)), 800.0, "value", "np.exp(x)", "np.logaddexp("),
    (lambda x: np.exp(x) / np.sum(np.exp(x)), BIG, "value", "np.exp(x)", "np.exp(x - np.max(x))"),
    (lambda x: np.log(np.sum(np.exp(x))), BIG, "value", "np.exp(x)", "np.max(x) + np.log(np.sum("),
    (lambda x: 1 / (1 + np.exp(-x)), -1000.0, "derivative", "np.exp(-x)", "np.exp(-np.logaddexp(0, -x))"),
    (lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), 800.0, "value", "np.exp(x)", "np.tanh"),
    (lambda x: x / (1 + np.exp(-x)), -1000.0, "derivative", "np.exp(-x)", "x * np.exp(-np.logaddexp(0, -x))"),
    (lambda x: np.log(np.exp(x) / np.sum(np.exp(x))), -BIG, "value", "", "x - np.max(x) - np.log(np.sum("),
    (lambda x: x * np.exp(x), 1000.0, "value", "np.exp(x)", ""),
    (lambda x: np.sqrt(np.sum(x**2)), ZEROS, "derivative", "np.sqrt(np.sum(x**2))", "np.linalg.norm(x)"),
    (lambda x: np.sum(x * x) ** 0.5, ZEROS, "derivative", "np.sum(x * x) ** 0.5", "np.linalg.norm(x)"),
    (lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), ZEROS, "derivative", "", "np.hypot(x[0], x[1])"),
    (lambda x: np.sqrt(np.mean((x - np.mean(x)) ** 2)), ZEROS + 3, "derivative", "", "np.std(x)"),
    (
        lambda x: np.sqrt(np.sum(x**2, axis=1)),
        np.eye(3)[:2] * [[0, 1, 0]],
        "derivative",
        "",
        "np.linalg.norm(x, axis=1)",
    ),
    (lambda x: np.sqrt(x[0] * x[1]), ZEROS, "derivative", "np.sqrt(x[0] * x[1])", "np.where("),
    (lambda x: x * np.log(x), 0.0, "value", "np.log(x)", "scipy.special.xlogy(x, x)"),
    (lambda p: -np.sum(p * np.log(p)), np.array([1.0, 0.0]), "value", "np.log(p)", "scipy.special.xlogy(p, p)"),
    (lambda x: np.log(x), 0.0, "value", "np.log(x)", "np.log(x + tiny)"),
    (lambda x: np.log(x), -1.0, "value", "np.log(x)", "np.abs(x)"),
    (lambda x: np.log(np.prod(x)), np.full(200, 0.01), "value", "np.log(np.prod(x))", "np.sum(np.log(x))"),
    (lambda x: np.sin(x) / x, 0.0, "value", "np.sin(x) / x", "np.sinc(x / np.pi)"),
    (lambda x: np.sin(x) / x, np.array([1.0, 0.0]), "value", "np.sin(x) / x", "np.sinc(x / np.pi)"),
    (lambda x: x / np.sum(x), ZEROS, "value", "x / np.sum(x)", "np.where(np.sum(x) != 0, x / np.where("),
    (lambda x: 1 / x, np.array([2.0, 0.0]), "value", "1 / x", "keep x away from 0"),
    (lambda x: x ** (1 / 3), np.array([-8.0, 1.0]), "value", "x ** (1 / 3)", "np.cbrt(x)"),
    (lambda x: x**1.5, np.array([-8.0, 1.0]), "value", "x**1.5", "np.sign(x) * np.abs(x) ** 1.5"),
    (lambda x: x**0.7, np.array([0.0, 1.0]), "derivative", "x**0.7", "np.where(x > 0, x, 1) ** 0.7"),
    (lambda x: np.arccos(x), 1 + 1e-12, "value", "np.arccos(x)", "np.clip(x, -1.0, 1.0)"),
    (lambda x: np.arcsin(x), np.array([0.0, 1.0]), "derivative", "np.arcsin(x)", "keep x inside"),
    (lambda x: np.sqrt(x), 0.0, "derivative", "np.sqrt(x)", "np.where(x > 0, np.sqrt("),
    (lambda x: np.sqrt(x), -1e-17, "value", "np.sqrt(x)", "np.maximum(x, 0)"),
    (lambda x: np.sqrt(x) ** 2, 0.0, "derivative", "np.sqrt(x)", "x, without the root"),
    (lambda x: np.sqrt(x * x + 1), 1e200, "value", "x * x", "np.hypot"),
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def findings(f: Callable[..., Any], *args: Any, **options: Any) -> list[Finding]:
    return differentiate(f, *args, **options).findings


@pytest.mark.parametrize("method", ["forward", "reverse"])
@pytest.mark.parametrize(("f", "x", "kind", "expression", "rewrite"), LOST)
def test_what_lost_the_numbers(
    f: Callable[..., Any], x: Any, kind: str, expression: str, rewrite: str, method: str
) -> None:
    found = differentiate(f, x, method=method)
    (finding,) = found.findings
    assert finding.kind == kind
    assert finding.expression == expression or not expression
    assert finding.line == f.__code__.co_firstlineno
    assert finding.expression in finding.source
    assert rewrite in finding.rewrite
    assert bool(rewrite) == bool(finding.rewrite)
    assert finding.reason
    assert found.notes == [finding.summary]


@pytest.mark.parametrize(
    ("f", "rewrite"),
    [(lambda x: np.sqrt(x @ x), "np.linalg.norm(x)"), (lambda x: np.sqrt(np.var(x)), "np.std(x)")],
)
def test_behind_rules_that_weigh_by_zero(f: Callable[..., Any], rewrite: str) -> None:
    (finding,) = findings(f, ZEROS)
    assert finding.expression.startswith("np.sqrt(")
    assert finding.rewrite.startswith(rewrite)


@pytest.mark.parametrize(
    ("f", "x", "wrong"),
    [
        (lambda x: 3 * np.log(x), 0.0, "xlogy"),
        (lambda x: (np.exp(x) - 1) / x, 1000.0, "tanh"),
        (lambda x: 1 / (2 + np.exp(x)), 1000.0, "logaddexp"),
        (lambda x: np.sqrt(x) * (x + 2), 0.0, "square"),
        (lambda x: np.sqrt(x * (x + 1e250)), 1e200, "hypot"),
        (lambda x: np.log(np.exp(x) / 3), -1000.0, "np.max"),
    ],
)
def test_what_only_looks_like_a_pattern(f: Callable[..., Any], x: Any, wrong: str) -> None:
    (finding,) = findings(f, x)
    assert wrong not in finding.rewrite


MENDED: list[tuple[Callable[..., Any], Any, Any]] = [
    (lambda x: np.logaddexp(0, x), 1000.0, 1.0),
    (lambda x: np.exp(-np.logaddexp(0, -x)), -1000.0, 0.0),
    (lambda x: np.sinc(x / np.pi), 0.0, 0.0),
    (
        lambda x: np.sum(np.where(x > 0, x, 0) * np.log(np.where(x > 0, x, 1))),
        np.array([1.0, 2.0]),
        [1.0, 1 + np.log(2)],
    ),
    (lambda x: np.arccos(np.clip(x, -1.0, 1.0)), 1 + 1e-12, 0.0),
    (lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))), BIG, [0.0, 1.0]),
    (lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0), 0.0, 0.0),
]


@pytest.mark.parametrize(("f", "x", "expected"), MENDED)
def test_the_rewrites_mend(f: Callable[..., Any], x: Any, expected: Any) -> None:
    found = differentiate(f, x)
    np.testing.assert_allclose(found.derivative, expected, atol=1e-300)
    assert not [finding for finding in found.findings if finding.kind in ("value", "derivative")]


def test_positions_and_numbers() -> None:
    (finding,) = findings(lambda x: np.sum(np.log(1 + np.exp(x))), np.array([[1.0, 800.0], [900.0, 2.0]]))
    assert finding.operands == (("x[0, 1]", 800.0),)
    assert finding.result == np.inf
    assert finding.where == "and at 1 more position of 4"
    assert "x[0, 1] = 800.0" in finding.summary


def test_the_first_of_a_chain_is_named() -> None:
    def f(x: Any) -> Any:
        small = x - 1.0
        logarithm = np.log(small)
        return np.sum(np.tanh(logarithm * small) + small)

    (finding,) = findings(f, np.array([2.0, 1.0]))
    assert (finding.expression, finding.line) == ("np.log(small)", f.__code__.co_firstlineno + 2)
    assert finding.operands == (("small[1]", 0.0),)


def test_what_was_not_chosen_is_not_blamed() -> None:
    def f(x: Any) -> Any:
        chosen = np.where(x > 0, np.sqrt(x), 0.0)
        return np.sum(np.sqrt(x) + chosen)

    def other_order(x: Any) -> Any:
        root = np.sqrt(x)
        return np.sum(root + np.where(x > 0, np.sqrt(x), 0.0))

    for method in ("forward", "reverse"):
        (finding,) = findings(f, np.array([0.0, 1.0]), method=method)
        assert finding.source.strip() == "return np.sum(np.sqrt(x) + chosen)"
        (finding,) = findings(other_order, np.array([0.0, 1.0]), method=method)
        assert finding.source.strip() == "root = np.sqrt(x)"


def test_what_was_not_chosen_is_noted() -> None:
    found = differentiate(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), np.array([-1.0, 2.0]))
    np.testing.assert_array_equal(found.derivative, [0.0, 0.5])
    (finding,) = found.findings
    assert (finding.kind, finding.operands[0][0]) == ("choice", "(np.log(x))[0]")
    assert "nothing comes from it" in finding.summary


def test_data_and_inputs_that_are_not_finite_themselves() -> None:
    data = np.array([1.0, np.nan])
    (finding,) = findings(lambda x: np.sum(x * data), np.ones(2))
    assert finding.reason == "data is not finite itself"
    (finding,) = findings(lambda x: np.sum(x), np.array([1.0, np.inf]))
    assert finding.summary == "the input x[1] is inf itself"


def test_several_results_and_inputs() -> None:
    (finding,) = findings(lambda a, b: {"p": a * b, "q": np.sqrt(a - b)}, 2.0, 2.0, argnums=(0, 1))
    assert finding.expression == "np.sqrt(a - b)"
    assert finding.numerical == "∂['q']/∂a is undefined from the left and inf from the right"


def test_differences_of_the_function() -> None:
    assert findings(lambda x: np.sin(x) / x, 0.0)[0].numerical == "∂/∂x is 0.0 from both sides"
    (finding,) = findings(lambda x: np.sqrt(x) ** 2, 0.0)
    assert finding.numerical == "∂/∂x is undefined from the left and 1.0 from the right"
    assert findings(lambda x: np.exp(x), 1000.0)[0].numerical.startswith("the function is not finite on either side")


def test_the_chain_rules_product() -> None:
    def f(x: Any) -> Any:
        return np.sqrt(x) ** 2

    assert findings(f, 0.0, method="reverse")[0].chain == "cotangent × ∂/∂x = 0.0 × inf = nan"
    assert findings(f, 0.0, method="forward")[0].chain == "tangent × ∂/∂x = 1.0 × inf = inf"
    (finding,) = findings(lambda x: np.sum(1 / (1 + np.exp(x * 2))), BIG)
    assert finding.chain.endswith("× ∂/∂(x * 2)[1] = -0.0 × inf = nan")


def test_higher_orders() -> None:
    assert findings(lambda x: x**1.5, 0.0) == []
    (finding,) = findings(lambda x: 2 * x**1.5, 0.0, order=2)
    assert (finding.expression, finding.kind) == ("x**1.5", "derivative")


KINKS: list[tuple[Callable[..., Any], Any, str, str]] = [
    (lambda x: np.abs(x), 0.0, "np.abs(x)", "-1.0 from the left and 1.0 from the right; 0.0, their mean,"),
    (
        lambda x: 3 * np.maximum(x, 0),
        0.0,
        "np.maximum(x, 0)",
        "0.0 from the left and 3.0 from the right; 1.5, their mean,",
    ),
    (lambda x: np.sum(np.minimum(x, x**2)), np.array([1.0, 3.0]), "np.minimum(x, x**2)", "2.0 from the left and 1.0"),
    (lambda x: np.clip(x, 0, 1), 1.0, "np.clip(x, 0, 1)", "1.0 from the left and 0.0 from the right; 0.5"),
    (lambda x: np.linalg.norm(x), ZEROS, "np.linalg.norm(x)", "-1.0 from the left and 1.0 from the right; 0.0"),
    (lambda x: np.linalg.norm(x, axis=1)[1], np.array([[1.0, 2.0], [0, 0]]), "np.linalg.norm(x, axis=1)", "-1.0 from"),
    (lambda x: np.hypot(x, 0 * x), 0.0, "np.hypot(x, 0 * x)", "-1.0 from the left and 1.0"),
    (lambda x: np.std(x), ZEROS, "np.std(x)", "-0.5 from the left and 0.5"),
    (lambda x: np.max(x), ZEROS, "np.max(x)", "0.0 from the left and 1.0 from the right; 0.5"),
    (lambda x: np.sort(x)[0], ZEROS, "np.sort(x)", "1.0 from the left and 0.0 from the right; 1.0 is given"),
    (lambda x: x[np.argmax(x)], ZEROS, "np.argmax(x)", "0.0 from the left and 1.0 from the right; 1.0 is given"),
    (lambda x: x if x > 0 else -x, 0.0, "x > 0", "-1.0 from the left and 1.0 from the right; -1.0 is given"),
    (lambda x: 1.0 if x == 0 else np.cos(x) + x, 0.0, "x == 0", "1.0 from the left and 1.0 from the right; 0.0"),
    (lambda x: np.where(x > 0, np.sqrt(x), 0), 0.0, "x > 0", "0.0 from the left and inf from the right; 0.0"),
]


@pytest.mark.parametrize("method", ["forward", "reverse"])
@pytest.mark.parametrize(("f", "x", "expression", "sides"), KINKS)
def test_kinks(f: Callable[..., Any], x: Any, expression: str, sides: str, method: str) -> None:
    finding = findings(f, x, method=method)[0]
    assert (finding.kind, finding.expression) == ("kink", expression)
    assert sides in finding.summary


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.abs(x) ** 2, 0.0),
        (lambda x: np.abs(x), 1.0),
        (lambda x: np.sum(np.sort(x)), np.ones(3)),
        (lambda x: np.where(x > 0, x**2, 0.0), 0.0),
        (lambda x: np.minimum(x, np.inf) + np.prod(x), np.array([0.0, 2.0])),
        (lambda x: np.sum((x > 0) * x), np.array([1.0, 2.0])),
        (lambda x: 1 / (1 + np.exp(-x)), np.linspace(-5, 5, 11)),
    ],
)
@pytest.mark.parametrize("method", ["forward", "reverse"])
def test_nothing_is_found_where_there_is_nothing(f: Callable[..., Any], x: Any, method: str) -> None:
    found = differentiate(f, x, method=method)
    assert (found.findings, found.notes) == ([], [])


def test_the_function_is_not_called_again_where_there_is_nothing() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return np.exp(x) * np.abs(x)

    differentiate(f, 1.0)
    assert len(calls) == 1


def test_steps_that_are_constant_almost_everywhere() -> None:
    (finding,) = findings(lambda x: x * np.floor(x), 2.5)
    assert (finding.kind, finding.expression) == ("constant", "np.floor(x)")
    (finding,) = findings(lambda x, y: x * np.round(x) + np.floor(2 * y), 2.5, 1.5, argnums=(0, 1))
    assert finding.expression == "np.round(x)"
    (finding,) = findings(lambda x: x * int(x), 2.5)
    assert "x is taken as the integer 2" in finding.summary
    (finding,) = findings(lambda x: x * round(x), 2.7)
    assert "round(x) is taken as the integer 3" in finding.summary
    (finding,) = findings(traceable(lambda x: x * math.floor(x)), 2.7)
    assert "math.floor(x) is taken as the integer 2" in finding.summary
    assert differentiate(lambda x: np.round(np.floor(2 * x)), 2.5).notes == [
        "the result depends on x only through np.floor, which is constant almost everywhere: its derivative is 0"
    ]


def test_few_digits_are_noted() -> None:
    found = differentiate(lambda x: np.sum(x**2), np.ones(2, np.float32))
    assert found.notes == ["x is float32, so about 6 digits count"]


def test_a_function_that_stops_beside_the_point() -> None:
    def f(x: Any) -> Any:
        if x < 0:
            raise ValueError
        return np.sqrt(x)

    assert findings(f, 0.0)[0].numerical == "∂f/∂x is undefined from the left and inf from the right"


def test_complex_numbers() -> None:
    (finding,) = findings(lambda x: np.log(x * 1j), 0.0)
    assert finding.expression == "np.log(x * 1j)"
    assert findings(lambda z: np.abs(z), 0j)[:1] == []


def test_warnings_are_as_usual_outside_of_notebooks() -> None:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        differentiate(lambda x: np.log(x), np.float64(0.0))
    assert [str(warning.message) for warning in caught] == ["divide by zero encountered in log"]
