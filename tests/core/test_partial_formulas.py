"""Local partial derivatives as formulas: read as code, they give the numbers that the accumulations use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy
import scipy.special

from diffmagic import primitive, trace
from diffmagic.core.forward import forward
from diffmagic.core.notation import PYTHON, expressions
from diffmagic.core.partial_formulas import partial_formulas, partial_numbers, step_of
from diffmagic.core.program import Program
from tests.core.primitives.samples import DIFFERENTIABLE, Sample

SAMPLES = [sample for samples in DIFFERENTIABLE.values() for sample in samples]
a, b = 2.0, 3.0


def exactly(value: Any) -> str:
    """A constant as code, to the last bit."""
    return f"np.array({value.tolist()})" if isinstance(value, np.ndarray) else repr(value)


def written(step: Program, names: list[str]) -> list[str]:
    """The formulas of a step in the names of its result and its operands."""
    formulas = partial_formulas(step)
    assert formulas is not None
    operands = {v: PYTHON.name(name) for v, name in zip(formulas.inputs, names, strict=True)}
    return expressions(formulas, operands, exactly, PYTHON)


def of(program: Program) -> list[str]:
    """The formulas of a whole program, with y for its result."""
    step = step_of(program.equations)
    return written(step, ["y", *(program.names()[v] for v in step.inputs)])


@pytest.mark.parametrize(
    ("f", "args", "formulas"),
    [
        (lambda x: np.exp(x), (a,), ["y"]),
        (lambda x: np.log(x), (a,), ["1 / x"]),
        (lambda x, z: x * z, (a, b), ["z", "x"]),
        (lambda x, z: x / z, (a, b), ["1 / z", "-y / z"]),
        (lambda x, z: x - z, (a, b), ["1", "-1"]),
        (lambda x: x / 4, (a,), ["0.25"]),
        (lambda x: x * x, (a,), ["x + x"]),
        (lambda x: x**2, (a,), ["2 * x"]),
        (lambda x: x**3, (a,), ["np.float64(3.0) * x ** 2.0"]),
        (lambda x, z: x**z, (a, b), ["z * x ** (z - 1)", "y * np.log(x)"]),
        (lambda x: np.sin(x), (a,), ["np.cos(x)"]),
        (lambda x: np.tanh(x), (a,), ["1 / np.square(np.cosh(x))"]),
        (lambda x: np.sqrt(x), (a,), ["0.5 / y"]),
        # where a rule goes by cases, the case that applies here
        (lambda x, z: np.hypot(x, z), (a, b), ["x / y", "z / y"]),
        (lambda x, z: np.hypot(x, z), (0.0, 0.0), ["0.0", "0.0"]),
        (lambda x, z: np.logaddexp(x, z), (a, b), ["1 / (1 + np.exp(-(x - z)))", "1 / (1 + np.exp(-(z - x)))"]),
        # several equations in one step
        (lambda x: 1 + np.exp(x), (a,), ["np.exp(x)"]),
        (lambda x: -2 * np.sin(x), (a,), ["-2 * np.cos(x)"]),
        (lambda x: np.sin(4 * x), (a,), ["np.cos(4 * x) * 4"]),
        (lambda w, x: -w * x, (a, b), ["-x", "-w"]),
    ],
)
def test_formulas_as_one_would_write_them(f: Any, args: tuple[float, ...], formulas: list[str]) -> None:
    assert of(trace(f, *args)) == formulas


@pytest.mark.parametrize("f", [np.abs, np.sign, np.floor, lambda x: np.maximum(x, 1.0), lambda x: np.clip(x, 0, 1)])
def test_choices_and_constants_are_numbers_only(f: Any) -> None:
    step = step_of(trace(lambda x: f(x), 2.0).equations)
    if f is np.abs:
        assert of(trace(lambda x: f(x), 2.0)) == ["np.sign(x)"]
    else:
        assert partial_formulas(step) is None


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_read_as_code_they_are_the_numbers(sample: Sample) -> None:
    for equation in trace(sample.of_moving(), *sample.operands).equations:
        step = step_of([equation])
        numbers = partial_numbers(step)
        if not equation.primitive.partials or equation.primitive.selects:
            assert partial_formulas(step) is None
            continue
        names = ["y", *(f"x{k}" for k in range(len(step.inputs)))]
        values = [variable.value for variable in (equation.results[0], *step.inputs)]
        space = dict(zip(names, values, strict=True)) | {"np": np, "scipy": scipy, "inf": np.inf, "nan": np.nan}
        for text, number in zip(written(step, names), numbers.values(), strict=True):
            np.testing.assert_allclose(eval(text, space), number, rtol=1e-15, atol=0, equal_nan=True)


def test_the_numbers_of_a_folded_step_are_those_of_its_equations_one_after_the_other() -> None:
    program = trace(lambda w, x: 3 / (1 + np.exp(-w * x)) - 1, 0.5, 2.0)
    step = step_of(program.equations)
    for variable, number in partial_numbers(step).items():
        assert number == pytest.approx(forward(program, {variable: 1.0})[program.outputs[0]], rel=1e-15)


def test_the_partials_of_a_folded_step_go_by_elements() -> None:
    program = trace(lambda s, v: -(s * v), 2.0, np.array([1.0, 3.0]))
    s, v = program.inputs
    numbers = partial_numbers(step_of(program.equations))
    np.testing.assert_array_equal(numbers[s], [-1.0, -3.0])
    assert numbers[v] == -2.0


@pytest.mark.parametrize(
    ("f", "word"),
    [(np.sum, "whole array"), (lambda x: x[0], "whole array"), (np.floor, "constant"), (lambda x: x > 0, "constant")],
)
def test_words_where_there_are_no_numbers(f: Any, word: str) -> None:
    step = step_of(trace(lambda x: f(x), np.ones(3)).equations)
    assert partial_numbers(step) == {step.inputs[0]: word}
    assert partial_formulas(step) is None


def test_an_operand_that_does_not_count_has_none() -> None:
    step = step_of(trace(lambda c, x: np.where(c > 0, x, 1.0), 1.0, 2.0).equations[1:])
    assert [step.inputs[1]] == list(partial_numbers(step))


@pytest.mark.parametrize(
    ("f", "point", "number"),
    [
        (lambda x: 1 - np.bool_(True) * x, 2.0, -1),
        (lambda x: np.bool_(True) * x + np.bool_(True) * x, 2.0, 2),
        (lambda x: -(x * np.array([True, False])), np.ones(2), [-1, 0]),
        (lambda x: x[()], np.array(2.0), 1),
    ],
)
def test_partials_of_truth_values_and_of_an_index_are_numbers(f: Any, point: Any, number: Any) -> None:
    step = step_of(trace(f, point).equations)
    (found,) = partial_numbers(step).values()
    np.testing.assert_array_equal(found, number)
    assert np.result_type(found) != np.bool_


def test_the_sign_of_a_traced_truth_value() -> None:
    step = step_of(trace(lambda x, z: 1 - (z > 0) * x, 2.0, 3.0).equations[1:])
    assert written(step, ["y", "positive", "x"]) == ["-x", "-1 * positive"]
    assert [int(number) for number in partial_numbers(step).values()] == [-2, -1]


def test_a_rule_without_a_formula_has_its_number() -> None:
    step = step_of(trace(np.conj, 2.0).equations)
    assert partial_numbers(step) == {step.inputs[0]: 1.0}


def test_a_rule_of_the_users_stays_a_name() -> None:
    @primitive
    def sigmoid(x: float) -> float:
        return float(1 / (1 + np.exp(-x)))

    sigmoid.define_partials(lambda y, x: y * (1 - y))

    @primitive
    def softplus(x: float) -> float:
        return float(np.logaddexp(0.0, x))

    softplus.define_partials(lambda y, x: sigmoid(x))
    program = trace(softplus, 0.5)
    assert of(program) == ["sigmoid(x)"]
    assert list(partial_numbers(step_of(program.equations)).values()) == [1 / (1 + np.exp(-0.5))]


def test_a_rule_that_refuses() -> None:
    step = step_of(trace(lambda n, x: scipy.special.jv(n, x), 2.0, 0.5).equations)
    assert set(partial_numbers(step).values()) == {"no rule"}
    assert partial_formulas(step) is None


def test_a_partial_that_divides_by_zero() -> None:
    step = step_of(trace(lambda x: np.sqrt(x), 0.0).equations)
    assert partial_numbers(step) == {step.inputs[0]: np.inf}
    assert of(trace(lambda x: np.sqrt(x), 0.0)) == ["0.5 / y"]
    with np.errstate(divide="ignore"):
        assert of(trace(lambda x: np.log(x), 0.0)) == ["1 / x"]
