"""`gradcheck` and `check_grads`: forms, edges, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmagic import DiffmagicError, primitive
from diffmagic.gradient_check import check_grads, gradcheck

rng = np.random.default_rng(3)
A = rng.normal(size=(6, 3))
b = rng.normal(size=6)


# Forms in which a gradient comes.


class Pair(NamedTuple):
    w: Any
    v: Any


@dataclass
class Record:
    w: Any
    v: Any


def loss(w: Any, v: Any) -> Any:
    return np.sum(w**2) * v


def true(w: Any, v: Any) -> tuple[Any, Any]:
    return 2 * w * v, np.sum(w**2)


W = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]])


@pytest.mark.parametrize(
    ("form", "note"),
    [
        (lambda dw, dv: (dw, dv), ""),
        (lambda dw, dv: [dw.tolist(), dv], ""),
        (lambda dw, dv: {"w": dw, "v": dv}, ""),
        (lambda dw, dv: {"v": dv, "w": dw}, ""),
        (lambda dw, dv: np.append(dw, dv), ""),
        (lambda dw, dv: np.append(dw, dv).tolist(), ""),
        (lambda dw, dv: (dw, np.array([dv])), ""),
        (lambda dw, dv: (dw.ravel(), dv), "your gradient of w has shape (6,) and is read as one of (2, 3)"),
        (lambda dw, dv: (30.75, (dw, dv)), "the value that stands beside your gradient is 30.75"),
    ],
)
def test_forms_of_several_gradients(form: Callable[..., Any], note: str) -> None:
    check = gradcheck(loss, lambda w, v: form(*true(w, v)), W, 2.0, argnums=(0, 1))
    assert check
    assert [said for said in check.notes if note in said] == check.notes
    assert bool(note) == bool(check.notes)
    assert gradcheck(loss, form(*true(W, 2.0)), W, 2.0, argnums=("w", "v"))


@pytest.mark.parametrize("container", [dict, Pair, Record, tuple, list])
def test_containers(container: Any) -> None:
    def make(w: Any, v: Any) -> Any:
        return container([w, v]) if container in (tuple, list) else container(w=w, v=v)

    def parts(p: Any) -> Any:
        return p.values() if container is dict else (p.w, p.v) if container in (Pair, Record) else p

    point = make(W, 2.0)
    for form in (lambda w, v: make(*true(w, v)), lambda w, v: np.append(*true(w, v))):
        assert gradcheck(lambda p: loss(*parts(p)), lambda p, form=form: form(*parts(p)), point)
    check = gradcheck(lambda p: loss(*parts(p)), lambda p: make(true(*parts(p))[0], 1.0), point)
    assert not check
    assert "is wrong" in check.guesses[0]


@pytest.mark.parametrize("shape", [(3, 1), (1, 3)])
def test_a_column_is_told(shape: tuple[int, int]) -> None:
    check = gradcheck(lambda x: np.sum(x**2), lambda x: (2 * x).reshape(shape), np.ones(3))
    assert check
    assert check.notes == [f"your gradient of x has shape {shape} and is read as one of (3,)"]


def test_integers_are_numbers() -> None:
    assert gradcheck(lambda x: x**2, lambda x: 2 * x, 3)
    assert gradcheck(lambda x: np.sum(np.array(x) ** 2), [2, 4], np.array([1, 2]))


def test_a_jacobian() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.outer(x, y)

    x, y = np.array([1.0, 2.0]), np.array([0.5, -1.0, 3.0])
    dx = np.einsum("ik,j->ijk", np.eye(2), y)
    assert gradcheck(f, dx, x, y)
    assert gradcheck(f, dx.reshape(6, 2), x, y)
    check = gradcheck(f, dx.reshape(6, 2).T, x, y)
    assert not check
    assert check.guesses == [
        "your gradient of x has shape (2, 6), and the result (2, 3) and x (2,): compared after transposing"
    ]
    check = gradcheck(f, lambda x, y: 2 * np.einsum("ik,j->ijk", np.eye(2), y), x, y)
    assert check.guesses == ["yours is twice the true gradient: a 2 too many, or a 1/2 forgotten"]


def test_functions_that_change_their_input() -> None:
    def f(x: Any) -> Any:
        x *= 2
        return np.sum(x**2)

    def gradient(x: Any) -> Any:
        x *= 8
        return x

    x = np.array([1.0, 2.0])
    check = gradcheck(f, gradient, x)
    assert check
    assert x.tolist() == [1.0, 2.0]
    assert check.notes == [
        "f changes x in place; it was given a copy",
        "your gradient changes x in place; it was given a copy",
    ]


# Kinks, noise, lines, single precision, code that cannot be traced.


@pytest.mark.parametrize(
    ("given", "verdict"), [(-1, "right"), (0, "right"), (1, "right"), (0.3, "right"), (1.1, "wrong")]
)
@pytest.mark.parametrize("f", [np.abs, lambda x: x if x > 0 else -x, lambda x: np.maximum(x, -x)])
def test_at_a_kink_what_lies_between_the_sides_is_right(f: Callable[..., Any], given: float, verdict: str) -> None:
    check = gradcheck(f, lambda x: given, 0.0)
    assert check.verdict == verdict
    lies = {"right": "right at a kink, as it lies", "wrong": "wrong at a kink, as it does not lie"}[verdict]
    assert [f"{lies} between -1.0 and 1.0" in note for note in check.notes] == [False] + [True] * (
        given != check.rows[0].automatic
    )


def test_a_kink_beside_the_point_excuses_the_differences() -> None:
    def f(w: Any) -> Any:
        return np.maximum(0, w @ np.array([1.0, 1.0, 2.0]))

    w = np.array([1.0, 2.0, -1.5 + 5e-14])
    assert gradcheck(f, lambda w: [1.0, 1.0, 2.0], w)
    check = gradcheck(f, lambda w: [0.5, 0.5, 1.0], w)
    assert check.verdict == "wrong"
    assert "a kink close to the point: `np.maximum(0, w @ np.array([1.0, 1.0, 2.0]))`" in check.notes[0]


def test_kinks_on_the_way_are_left_out_of_the_slope() -> None:
    def f(w: Any) -> Any:
        return np.sum(np.maximum(w - 0.31, 0) ** 2) + w @ w

    w = np.array([0.3, 0.32, 0.2])
    check = gradcheck(f, lambda w: 2 * np.maximum(w - 0.31, 0) + 2 * w, w)
    assert check.taylor is not None
    assert check.taylor.kink is not None
    assert check.taylor.slope == pytest.approx(2, abs=0.01)


def test_a_linear_function() -> None:
    check = gradcheck(lambda w: w @ b, lambda w: b, np.ones(6))
    assert check
    assert check.taylor is not None
    assert check.taylor.slope is None
    assert check.taylor.reading.startswith("exactly linear")
    check = gradcheck(lambda w: w @ b, lambda w: b * (1 + 1e-6), np.ones(6))
    assert check.taylor is not None
    assert check.taylor.slope == pytest.approx(1, abs=0.01)
    assert check.guesses == ["yours is 1.000001 times the true gradient in every component"]


def test_noise_from_outside() -> None:
    noise = np.random.default_rng(0)
    check = gradcheck(lambda x: np.sin(x) * (1 + 0.1 * noise.normal()), np.cos, 0.7)
    assert check.verdict == "cannot tell"
    assert "other numbers when it is called again" in check.notes[0]


def test_noise_inside() -> None:
    def f(x: Any) -> Any:
        return np.sin(x) + 1e-10 * np.round(1e6 * np.sin(1e15 * x)) / 1e6  # another number at every point

    assert gradcheck(f, np.cos, 0.7)
    assert gradcheck(f, lambda x: 1.01 * np.cos(x), 0.7).verdict == "wrong"


def test_where_derivatives_disagree_both_are_said() -> None:
    @primitive
    def cube(x: Any) -> Any:
        return x**3

    cube.define_partials(lambda y, x: 2 * x**2)
    for factor in (2, 3):
        check = gradcheck(lambda x: cube(x), lambda x, factor=factor: factor * x**2, 1.3)
        assert check.verdict == "cannot tell"
        assert "the automatic derivative 3.38, and differences give 5.07" in check.summary
    assert gradcheck(lambda x: cube(x), lambda x: 4 * x**2, 1.3).verdict == "wrong"
    with pytest.raises(DiffmagicError, match=r"reverse mode: the automatic derivative is wrong; .* is 3.38, where"):
        check_grads(lambda x: cube(x), (1.3,), modes=["rev"])


def test_code_that_cannot_be_traced() -> None:
    def f(x: Any) -> Any:
        return math.sin(x) * x

    check = gradcheck(f, lambda x: math.sin(x) + x * math.cos(x), 0.7)
    assert check
    assert check.notes[0].startswith("there is no automatic derivative: line ")
    assert "math.sin" in check.notes[0]
    assert check.rows[0].automatic is None
    check = gradcheck(f, lambda x: -math.sin(x) - x * math.cos(x), 0.7)
    assert check.guesses == ["yours is the true gradient with the opposite sign"]


class TestSinglePrecision:
    x = A.astype(np.float32)
    y = (b > 0).astype(np.float32)
    w = np.array([0.1, 0.2, -0.3], np.float32)

    def loss(self, w: Any) -> Any:
        score = self.x @ w
        return np.mean(np.logaddexp(np.float32(0), score) - self.y * score)

    def gradient(self, w: Any) -> Any:
        return self.x.T @ (1 / (1 + np.exp(-(self.x @ w))) - self.y) / np.float32(len(self.y))

    def test_the_gradient_is_right_and_the_step_was_not(self) -> None:
        exact = self.gradient(self.w.astype(float))
        h = np.float32(1e-5)
        moved = self.w + np.array([h, 0, 0], np.float32)
        difference = (self.loss(moved) - self.loss(self.w)) / h
        assert abs(difference / exact[0] - 1) > 1e-3
        check = gradcheck(self.loss, self.gradient, self.w)
        assert check
        assert check.notes[0].startswith("single precision is used, so about 6 digits count")
        assert max(row.relative_error for row in check.rows) > 1e-9

    def test_a_mistake_is_found_all_the_same(self) -> None:
        check = gradcheck(self.loss, lambda w: self.gradient(w) * np.float32(1.002), self.w)
        assert check.verdict == "wrong"

    def test_inside(self) -> None:
        def f(w: Any) -> Any:
            return np.sum(np.float64(1) * (A @ w).astype(np.float32) ** 2)

        w = np.array([0.1, 0.2, -0.3])
        check = gradcheck(f, lambda w: 2 * A.T @ (A @ w), w)
        assert check
        assert "float32 inside" in check.notes[0]
        assert not gradcheck(f, lambda w: 1.9 * A.T @ (A @ w), w)


def test_at_the_very_minimum() -> None:
    w = np.array([0.3, -1.7, 2.9])
    y = A @ w
    for gradient in (lambda w: 2 * A.T @ (A @ w - y), lambda w: 2 * (A.T @ A) @ w - 2 * A.T @ y):
        assert gradcheck(lambda w: np.sum((A @ w - y) ** 2), gradient, w)


def test_digits_that_a_formula_loses_are_no_mistake() -> None:
    check = gradcheck(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 13.0)
    assert check
    assert check.rows[0].relative_error > 1e-7
    assert not gradcheck(np.tanh, lambda x: 1.001 * (1 - np.tanh(x) ** 2), 13.0)


def test_inputs_of_very_different_sizes() -> None:
    def f(x: Any) -> Any:
        return 1e20 * x[0] + x[1] ** 2

    x = np.array([1e-18, 0.5])
    assert gradcheck(f, lambda x: [1e20, 2 * x[1]], x)
    assert gradcheck(f, lambda x: [1e20, x[1]], x).verdict == "wrong"


@pytest.mark.parametrize("given", [np.inf, np.nan, 0.0])
def test_what_is_not_finite(given: float) -> None:
    check = gradcheck(np.sqrt, lambda x: given, 0.0)
    assert bool(check) == (given == np.inf)
    check = gradcheck(np.square, lambda x: np.nan, 1.0)
    assert check.verdict == "wrong"
    assert "is nan, where the automatic derivative gives 2.0" in check.summary


def test_many_inputs() -> None:
    B = rng.normal(size=(40, 30))
    x = rng.normal(size=(40, 30))
    calls = 0

    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return np.sum(np.sin(x) * B)

    def gradient(x: Any) -> Any:
        return np.cos(x) * B

    assert gradcheck(f, gradient, x)
    assert calls < 1200

    def slip(x: Any) -> Any:
        g = gradient(x)
        g[7, 3] *= 1.001
        return g

    check = gradcheck(f, slip, x)
    assert check.rows[0].label == "∂f/∂x[7, 3]"
    assert check.rows[0].numerical is not None
    assert check.guesses == ["only ∂f/∂x[7, 3] is wrong"]


# No false accusations, and nothing overlooked.

PIECES: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (np.sin, np.cos),
    (np.exp, np.exp),
    (np.tanh, lambda t: 1 / np.cosh(t) ** 2),
    (np.square, lambda t: 2 * t),
    (lambda t: np.logaddexp(0, t), lambda t: 1 / (1 + np.exp(-t))),
    (lambda t: 1 / (1 + t * t), lambda t: -2 * t / (1 + t * t) ** 2),
    (np.abs, np.sign),
]
NUMBERS = st.floats(-3, 3).filter(lambda t: t == 0 or abs(t) > 1e-3)


@st.composite
def problems(draw: Any) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """Sums of functions of linear combinations, with their gradients."""
    n = draw(st.integers(1, 4))
    terms = draw(
        st.lists(
            st.tuples(st.sampled_from(PIECES), st.lists(NUMBERS, min_size=n, max_size=n), NUMBERS),
            min_size=1,
            max_size=4,
        )
    )
    x = np.array(draw(st.lists(NUMBERS, min_size=n, max_size=n)))

    def f(x: Any) -> Any:
        return np.sum(np.array([]), initial=0) + sum(c * g(x @ np.array(a)) for (g, _), a, c in terms)

    def gradient(x: Any) -> Any:
        return sum(c * dg(x @ np.array(a)) * np.array(a) for (_, dg), a, c in terms)

    return f, gradient, x


@settings(max_examples=60)
@given(problems())
def test_a_right_gradient_is_never_accused(problem: Any) -> None:
    f, gradient, x = problem
    check = gradcheck(f, gradient, x)
    assert check.verdict == "right", (check.summary, check.rows)
    assert not any("wrong beside it" in note or "lost" in note for note in check.notes)


@settings(max_examples=60)
@given(problems(), st.integers(0, 3), st.floats(-6, 1), st.booleans())
def test_a_wrong_number_is_never_overlooked(problem: Any, k: int, size: float, up: bool) -> None:
    f, gradient, x = problem
    k %= len(x)
    whole = float(np.max(np.abs(gradient(x))))
    off = (1.0 if up else -1.0) * 1.1 * 10.0**size * (abs(gradient(x)[k]) or whole or 1.0)
    on_a_kink = len(gradcheck(f, gradient, x).notes) > 0

    def wrong(x: Any) -> Any:
        return gradient(x) + off * np.eye(len(x))[k]

    if not on_a_kink:
        assert gradcheck(f, wrong, x).verdict == "wrong"


# PyTorch's and JAX's habits.


def test_without_a_gradient_it_is_diffmagics_own() -> None:
    check = gradcheck(lambda x, y: x * np.sin(y), (0.5, np.array([1.0, 2.0])))
    assert check
    assert check.summary == "the automatic derivative is right: all 6 components agree with differences"
    assert gradcheck(lambda x, n: np.sum(x[n]), (np.ones(3), np.array([0, 2])))
    assert gradcheck(np.sin, 0.5)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_check_grads(order: int) -> None:
    check_grads(lambda x: np.sin(x) * x, (0.5,), order)
    check_grads(
        lambda p: np.sum(p["a"] ** 3) * p["b"], ({"a": np.array([1.0, 2.0]), "b": 0.5},), order=order, modes=["rev"]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 0}, "order 0 is not a positive whole number"),
        ({"modes": ("rev", "reverse")}, "there is no mode 'reverse'"),
        ({"modes": "fwd"}, "there is no mode 'fwd'"),
        ({"modes": ()}, r"there is no mode \(\)"),
    ],
)
def test_what_check_grads_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DiffmagicError, match=message):
        check_grads(np.sin, (0.5,), **options)


# What is refused.


def total(x: Any) -> Any:
    return np.sum(x)


@pytest.mark.parametrize(
    ("f", "gradient", "x", "message"),
    [
        (total, lambda x: None, np.ones(3), "your gradient returned None\n  Instead: end it with: return gradient"),
        (total, lambda x: "one", np.ones(3), "your gradient of x is a string, not real numbers"),
        (total, lambda x: x * 1j, np.ones(3), "your gradient of x is complex, not real numbers"),
        (total, lambda x: [[1.0], [1.0, 2.0]], np.ones(3), "your gradient of x is a list of 2, not real numbers"),
        (total, lambda x: np.ones(2), np.ones(3), "has shape (2,), and x has shape (3,)"),
        (total, lambda x: np.ones((5, 3)) / 5, np.ones(3), "Instead: np.sum(…, axis=0) of it"),
        (total, lambda x: np.ones((5, 3)), np.ones(3), "Instead: np.mean(…, axis=0) of it"),
        (lambda x: x * x, lambda x: np.ones(2), 1.0, "your gradient of x has shape (2,), and x is one number"),
        (lambda x: x * x, lambda x: np.ones(2), np.ones(3), "has shape (2,), and the result (3,) and x (3,)"),
        (lambda x: None, lambda x: x, 1.0, "returned None"),
        (lambda x: "a", lambda x: x, 1.0, "returned a str, and a derivative is checked for real numbers"),
        (lambda x: (x, x), lambda x: x, 1.0, "returned a tuple, and a derivative is checked for real numbers"),
        (lambda x: x * 1j, lambda x: x, 1.0, "returned complex128, and a derivative is checked for real numbers"),
        (np.abs, lambda x: x, 1j, "is complex, and a gradient is checked for real numbers"),
        (total, lambda x: x, np.zeros(0), "there are no numbers to differentiate with respect to"),
        (lambda p: p["a"], lambda p: {"b": 1.0}, {"a": 1.0}, "is a dict with 'b', and the inputs are 'a'"),
        (lambda p: p[0] * p[1], lambda p: {"b": 1.0}, (1.0, 2.0), "is a dict with 'b'"),
        (lambda p: p[0] * p[1], lambda p: (1.0, 2.0, 3.0), (1.0, 2.0), "is a tuple of 3, and there are 2 inputs"),
    ],
)  # fmt: skip
def test_what_is_refused(f: Callable[..., Any], gradient: Any, x: Any, message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        gradcheck(f, gradient, x)
    assert message in str(caught.value)


def test_a_gradient_without_a_point() -> None:
    with pytest.raises(DiffmagicError, match="there is no point to check the gradient at"):
        gradcheck(np.sin, np.cos)


def test_an_argument_too_few() -> None:
    with pytest.raises(DiffmagicError, match="your gradient is one number, and there are 2 inputs: w, v"):
        gradcheck(loss, lambda w, v: v, W, 2.0, argnums=(0, 1))


@pytest.mark.parametrize("which", [0, 1])
def test_errors_of_the_user_pass_through(which: int) -> None:
    def stops(x: Any) -> Any:
        raise KeyError("mine")

    functions: list[Callable[..., Any]] = [np.sin, np.cos]
    functions[which] = stops
    with pytest.raises(KeyError, match="mine"):
        gradcheck(functions[0], functions[1], 1.0)


# Where a number says little: zeros, lost digits, special points, the ends of the number line.


@pytest.mark.parametrize("x", [np.array([0.3, -0.7, 1.2]), np.zeros(3), np.array([1e-3, 5.0, 40.0])])
@pytest.mark.parametrize("f", [np.sin, np.cos, np.exp, np.square, lambda x: x**3, lambda x: np.outer(x, x), np.sum])
def test_zeros_are_confirmed(f: Callable[..., Any], x: Any) -> None:
    check_grads(f, (x,), order=3, modes=["fwd"])


def test_a_zero_that_differences_contradict_is_wrong() -> None:
    @primitive
    def f(x: Any) -> Any:
        return np.cos(x) + 1e-6 * x

    f.define_partials(lambda y, x: 0.0 * x)
    with pytest.raises(DiffmagicError, match="the automatic derivative is wrong"):
        check_grads(lambda x: f(x), (0.0,))


def test_the_rewrite_shows_the_order_that_is_wrong() -> None:
    @primitive
    def square(x: Any) -> Any:
        return x**2

    @primitive
    def twice(x: Any) -> Any:
        return 2 * x

    square.define_partials(lambda y, x: twice(x))
    twice.define_partials(lambda y, x: 3.0)
    with pytest.raises(DiffmagicError, match=r"order 2 in forward mode(.|\n)*gradcheck\(jacobian\(f\), args\)"):
        check_grads(lambda x: square(x), (1.3,), order=2)


def test_check_grads_where_the_function_overflows() -> None:
    with np.errstate(over="ignore"), pytest.raises(DiffmagicError, match="cannot be told"):
        check_grads(np.exp, (1e3,))


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def sums(x: Any) -> Any:
    return np.sum(sigmoid(x))


def through_the_value(x: Any) -> Any:
    return sigmoid(x) * (1 - sigmoid(x))


def one_minus(x: Any) -> Any:
    return 1 - np.tanh(x) ** 2


LOST = [
    *((sigmoid, through_the_value, x) for x in (30.0, 36.0, 40.0, 60.0)),
    *((np.tanh, one_minus, x) for x in (15.0, 18.0, 20.0)),
    (sums, through_the_value, np.array([0.0, 30.0, 40.0])),
    (sums, through_the_value, np.linspace(25.0, 40.0, 8)),
    (sums, through_the_value, np.linspace(10.0, 45.0, 80)),
]


@pytest.mark.parametrize(("f", "gradient", "x"), LOST)
def test_lost_digits_are_no_mistake(f: Callable[..., Any], gradient: Callable[..., Any], x: Any) -> None:
    check = gradcheck(f, gradient, x)
    assert check
    assert any("are lost to rounding" in note for note in check.notes)
    assert not any("wrong" in note for note in check.notes)


@pytest.mark.parametrize(
    ("f", "gradient", "x"),
    [
        (sigmoid, lambda x: 1.02 * through_the_value(x), 30.0),
        (sigmoid, lambda x: 0.0, 30.0),
        (np.tanh, lambda x: 1.02 * one_minus(x), 15.0),
        (sums, lambda x: through_the_value(x) * [1 + 1e-6, 1.0], np.array([0.5, 30.0])),
        (sums, lambda x: through_the_value(x) * [1.0, 1.0, 0.0], np.array([0.5, 30.0, 20.0])),
        (lambda x: 1e8 * x[0] ** 2 + 1e-8 * x[1] ** 2, lambda x: [2e8 * x[0], 0.0], np.ones(2)),
        (lambda x: 1e8 * x[0] ** 2 + 1e-8 * x[1] ** 2, lambda x: [2e8 * x[0], 2.001e-8 * x[1]], np.ones(2)),
        (lambda x: np.sin(1e4 * x), lambda x: 1.00001e4 * np.cos(1e4 * x), 1.3),
        (lambda x: np.exp(-x), lambda x: 0.0, 80.0),
    ],
)
def test_mistakes_among_lost_digits_are_found(f: Callable[..., Any], gradient: Callable[..., Any], x: Any) -> None:
    assert gradcheck(f, gradient, x).verdict == "wrong"


def test_digits_that_the_automatic_derivative_loses() -> None:
    def f(x: Any) -> Any:
        return (1 - np.cos(x)) / x

    check = gradcheck(f, lambda x: 0.5, 1e-6)
    assert check.verdict in ("right", "cannot tell")
    assert check.guesses == []
    assert any("digits of ∂f/∂x are lost" in note for note in check.notes)
    assert gradcheck(f, lambda x: 0.51, 1e-6).verdict == "wrong"


@pytest.mark.parametrize(
    ("f", "gradient", "x"),
    [
        (lambda w: np.sum((w - 1) ** 2) + 3 * np.sum(w**2), lambda w: 2 * (w - 1), np.zeros(2)),
        (lambda x: x**2, lambda x: 3 * x, 0.0),
        (lambda w: np.mean((A @ w - b) ** 2), lambda w: 2 * A.T @ (A @ w - b), np.linalg.lstsq(A, b)[0]),
        (lambda x: np.sum(x**3), lambda x: 3 * x, np.ones(3)),
        (lambda x: math.sin(x) ** 2, lambda x: x, 0.0),
    ],
)
def test_right_at_a_special_point_and_wrong_beside_it(f: Callable[..., Any], gradient: Any, x: Any) -> None:
    check = gradcheck(f, gradient, x)
    assert check
    assert check.notes[-1].startswith("right at this point and wrong beside it: a little further ∂/∂")
    assert not any("beside" in note for note in gradcheck(f, gradient(x), x).notes)


def test_an_inner_derivative_is_not_the_two_of_a_square() -> None:
    for x in (np.array([0.1, 0.2, 0.3]), 0.7):
        check = gradcheck(lambda w: np.sum(np.exp(2 * w)), lambda w: np.exp(2 * w), x)
        assert [guess.split(" (")[0] for guess in check.guesses] == ["the derivative of `2 * w`"]
        assert check.guesses[0].endswith("with respect to w is left out")
    check = gradcheck(lambda w: w @ A.T @ A @ w, lambda w: A.T @ A @ w, np.array([0.1, 0.2, 0.3]))
    assert check.guesses[0].startswith("yours is half the true gradient: the 2 of a square is missing")


def test_a_size_is_named_once() -> None:
    X = rng.normal(size=(30, 2))
    check = gradcheck(lambda w: np.mean((X @ w - 1) ** 2), lambda w: 2 * X.T @ (X @ w - 1), np.array([0.1, 0.2]))
    assert check.guesses == [
        "yours is 30 times the true gradient, and 30 is len(X): a sum where the function has a mean"
    ]


@pytest.mark.parametrize(("x", "right"), [(-1.0, 0), (np.array([2.0, -1.0]), 2)])
def test_where_the_function_is_nan_nothing_is_right(x: Any, right: int) -> None:
    with np.errstate(invalid="ignore"):
        check = gradcheck(np.log, lambda x: np.diag(1 / x) if np.ndim(x) else 1 / x, x)
    assert check.verdict == "cannot tell"
    assert "the function is nan at this point, so it has no derivative there" in check.notes
    assert sum(row.verdict == "right" for row in check.rows) == right


@pytest.mark.parametrize(("dtype", "name"), [(np.float16, "half precision"), (np.float32, "single precision")])
def test_the_precision_is_called_by_its_name(dtype: Any, name: str) -> None:
    assert gradcheck(lambda x: np.sum(x**2), lambda x: 2 * x, np.ones(2, dtype)).notes[0].startswith(name)


@pytest.mark.parametrize("x", [[1e150, 1e-150, 1.0], [1e150, 1e-310, 1.0], [1e-300, 1.0, 2.0]])
def test_the_ends_of_the_number_line_raise_no_warnings(x: list[float]) -> None:
    assert gradcheck(lambda x: np.sum(x**2), lambda x: 2 * x, np.array(x))
    assert gradcheck(lambda x: np.sum(3 * x), lambda x: np.full_like(x, 3), np.array(x))
