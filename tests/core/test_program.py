"""Programs as data and as text."""

import numpy as np

from diffmagic import Equation, Program, Variable, trace


def test_a_wengert_list_with_the_users_names_values_and_lines():
    def f(w, x):
        y1 = w * x
        return 1 / (1 + np.exp(-y1))

    first = f.__code__.co_firstlineno
    assert str(trace(f, 0.5, 2.0)).splitlines() == [
        "     w  = 0.5",
        "     x  = 2.0",
        f"  1  y1 = w * x        1.0         line {first + 1}",
        f"  2  v2 = -y1         -1.0         line {first + 2}",
        f"  3  v3 = np.exp(v2)   0.36787944  line {first + 2}",
        f"  4  v4 = 1 + v3       1.3678794   line {first + 2}",
        f"  5  v5 = 1 / v4       0.73105858  line {first + 2}",
        "returns v5",
    ]


def test_names_come_from_every_kind_of_assignment_and_stay_apart():
    def f(x, p):
        a, b = x * 2, x * 3
        c: float = a + b
        c += p["k"]
        if (d := c * 2) > 0:
            d = d * d
        return d

    names = list(trace(f, 1.0, {"k": 4.0}).names().values())
    assert names == ["x", "p['k']", "a", "b", "c", "c_2", "d", "v6", "d_2"]


def test_an_expression_of_several_steps_names_the_last():
    def f(w):
        loss = w[:1].item()
        for _ in range(2):
            loss = np.tanh(loss)
        return loss

    assert list(trace(f, np.ones(2)).names().values()) == ["w", "v1", "v2", "loss", "loss_2", "loss_3"]


def test_operations_read_as_they_were_written():
    def f(x):
        y = np.sum(x[1:, None], axis=0, keepdims=True)
        y = np.concatenate([y[0], x], axis=0)
        return y, x @ x, np.where(x > 0, x, 0.0), np.reshape(x, (2, 1)), x.mean(), x.astype(np.float32)

    lines = str(trace(f, np.array([1.0, 2.0]))).splitlines()
    text = [line.split(" = ", 1)[1].split("  ")[0] for line in lines if " = " in line][1:]
    assert text == [
        "x[1:, None]",
        "np.sum(v1, axis=0, keepdims=True)",
        "y[0]",
        "np.concatenate([v3, x], axis=0)",
        "x @ x",
        "x > 0",
        "np.where(v6, x, 0.0)",
        "np.reshape(x, shape=(2, 1))",
        "np.mean(x)",
        "np.float32(x)",
    ]


def test_typed_variables():
    program = trace(lambda x: x * 2, np.ones((2, 3), np.float32))
    assert isinstance(program, Program)
    (equation,) = program.equations
    assert isinstance(equation, Equation)
    (result,) = equation.results
    assert isinstance(result, Variable)
    assert (result.shape, result.dtype) == ((2, 3), np.float32)
    assert equation.operands == (program.inputs[0], 2)
    assert program.outputs == [result]
    assert len(program) == 1


def test_several_results_are_one_equation():
    program = trace(lambda x: np.split(x, 2), np.ones(4))
    (equation,) = program.equations
    assert [result.shape for result in equation.results] == [(2,), (2,)]
    assert "v1_1, v1_2 = np.split(x, 2)" in str(program)


def test_large_values_are_summarised():
    assert "<10×10 float64>" in str(trace(lambda x: x + 1, np.zeros((10, 10))))


def test_the_text_is_the_same_twice():
    def f(x):
        return np.sum(np.sin(x) * np.array([1.0, 2.0]))

    assert str(trace(f, np.ones(2))) == str(trace(f, np.ones(2)))
