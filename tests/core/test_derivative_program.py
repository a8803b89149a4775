"""Programs that compute derivatives: the numbers of the accumulations, names, guards, and derivatives of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import diffmagic
from diffmagic import trace, traceable
from diffmagic.core.derivative_program import with_gradient, with_tangents
from diffmagic.core.program import Program, Variable
from diffmagic.core.replay import replay


def baydin(x1: Any, x2: Any) -> Any:
    return np.log(x1) + x1 * x2 - np.sin(x2)


def values(program: Program) -> list[Any]:
    return [out.value if isinstance(out, Variable) else out for out in program.outputs]


def at(program: Program, *inputs: Any) -> list[Any]:
    found = replay(program, inputs)
    return [found[out] if isinstance(out, Variable) else out for out in program.outputs]


def names(program: Program) -> set[str]:
    return {name for name in program.names().values() if "_" in name}


def test_the_gradient_of_the_published_example():
    program = trace(baydin, 2.0, 5.0)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    assert values(derived) == [baydin(2.0, 5.0), 5.5, 2 - math.cos(5)]
    assert names(derived) == {"grad_x1", "grad_x2"}
    assert at(derived, 3.0, 0.5) == [baydin(3.0, 0.5), 0.5 + 1 / 3, 3 - np.cos(0.5)]


def test_tangents_of_the_published_example():
    program = trace(baydin, 2.0, 5.0)
    first, second = program.inputs
    one = with_tangents(program, [{first: 1.0}])
    assert values(one) == [baydin(2.0, 5.0), 5.5]
    assert one.names()[one.outputs[1]] == "d_v5"
    both = with_tangents(program, [{first: 1.0}, {second: 1.0}])
    assert values(both) == [baydin(2.0, 5.0), 5.5, 2 - math.cos(5)]
    assert [both.names()[out] for out in both.outputs[1:]] == ["d_v5_x1", "d_v5_x2"]
    along = with_tangents(program, [{first: 0.5, second: -2.0}])
    assert values(along)[1] == pytest.approx(0.5 * 5.5 - 2 * (2 - math.cos(5)), rel=1e-15)


def test_names_may_hold_braces():
    program = trace(lambda p: p["a{b}"] * p["{}"], {"a{b}": 1.0, "{}": 2.0})
    both = with_tangents(program, [{variable: 1.0} for variable in program.inputs])
    assert values(both) == [2.0, 2.0, 1.0]
    assert values(with_gradient(program, {program.outputs[0]: 1.0})) == [2.0, 2.0, 1.0]


def test_seeds_weight_the_outputs():
    x = np.array([0.5, 1.5])
    program = trace(lambda x: (np.sin(x), x[0] * x[1]), x)
    weights = np.array([2.0, -1.0])
    derived = with_gradient(program, dict(zip(program.outputs, [weights, 3.0], strict=True)))
    np.testing.assert_allclose(values(derived)[2], weights * np.cos(x) + 3 * x[::-1], rtol=1e-15)


def test_what_does_not_move_is_zero():
    program = trace(lambda x, y: (np.exp(y), 3.0, x), np.ones(2), 0.5)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    np.testing.assert_array_equal(values(derived)[3], np.zeros(2))
    tangents = with_tangents(program, [{program.inputs[1]: 1.0}])
    assert values(tangents)[3:5] == [np.exp(0.5), 0.0]
    np.testing.assert_array_equal(values(tangents)[5], np.zeros(2))


def test_the_user_s_names_stay_and_cotangents_have_theirs():
    def f(w: Any, x: Any) -> Any:
        y1 = w * x
        y2 = np.tanh(y1)
        return np.sin(y2) * y1

    program = trace(f, 0.5, 2.0)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    found = {name: variable.value for variable, name in derived.names().items()}
    assert {"y1", "y2", "grad_y1", "grad_y2", "grad_w", "grad_x"} <= found.keys()
    assert found["grad_w"] == found["grad_y1"] * 2.0
    assert found["grad_w"] == diffmagic.grad(f)(0.5, 2.0)


def test_guards_stay_and_a_choice_adds_none():
    def f(x: Any) -> Any:
        return np.maximum(x, 1.0) * np.where(x > 2, x, 0.5) if x > 0 else x

    program = trace(f, 3.0)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    assert derived.conditions() == ["x > 0"]
    for x in (0.5, 1.0, 1.5, 2.5, 7.0):
        np.testing.assert_allclose(at(derived, x), diffmagic.value_and_grad(f)(x), rtol=1e-15)
    tangents = with_tangents(program, [{program.inputs[0]: 1.0}])
    assert [at(tangents, x)[1] for x in (0.5, 1.0, 7.0)] == [0.0, 0.25, 14.0]


def test_a_derivative_program_has_derivatives():
    def f(x: Any) -> Any:
        return np.exp(-x * x) * np.sin(x)

    program, order = trace(f, 0.7), 5
    for _ in range(order):
        program = with_tangents(program, [{program.inputs[0]: 1.0}])
        program = Program(program.inputs, program.equations, program.outputs[-1:], program.guards)
    found = at(program, 0.3)[0]
    assert found == pytest.approx(diffmagic.derivative(f, order)(0.3), rel=1e-12)
    assert program.names()[program.outputs[0]] == "d5_v5"


def test_the_hessian_is_forward_over_reverse():
    x = np.array([0.3, -0.7, 1.1])

    def f(x: Any) -> Any:
        return np.sum(np.outer(x, np.sin(x))) * x[0]

    program = trace(f, x)
    gradient = with_gradient(program, {program.outputs[0]: 1.0})
    rows = [{gradient.inputs[0]: unit} for unit in np.eye(3)]
    hessian = [out.value for out in with_tangents(gradient, rows).outputs[-3:]]
    np.testing.assert_allclose(hessian, diffmagic.hessian(f)(x), rtol=1e-13)


def test_the_program_is_left_as_it_is():
    program = trace(traceable(baydin), 2.0, 5.0)
    before = str(program), [variable.name for variable in program.inputs]
    with_gradient(program, {program.outputs[0]: 1.0})
    with_tangents(program, [{program.inputs[0]: 1.0}])
    assert (str(program), [variable.name for variable in program.inputs]) == before


def test_numbers_of_python_stay_such():
    program = trace(lambda x: x**2 * 3 - abs(x), 0.5)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    assert {type(equation.value) for equation in derived.equations} == {float, np.float64}  # np.sign gives the latter
    assert type(values(derived)[0]) is float
