"""Published trace tables: every value, every tangent, every cotangent, at the published points.

Values are looked up by the sub-expressions' values, never by rows: conventions for rows differ.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

import diffmagic
from diffmagic.core.forward import forward
from diffmagic.core.reverse import reverse


@dataclass
class Table:
    """A function, a point, and what the book prints: (value, tangent, cotangent) of sub-expressions.

    The tangent is that of the first input unless `seed` names another; None stands for what is not printed.
    """

    f: object
    point: tuple
    rows: list
    seed: int = 0
    digits: float = 1e-12
    gradient: tuple = field(default=())


def sigmoid(w, x):
    return 1 / (1 + np.exp(-(w * x)))


def baydin(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def harvard(x):
    return x - np.exp(-2 * np.sin(4 * x) ** 2)


def auto_ed(x, y):
    xy = x * y
    return xy + np.exp(xy)


def speelpenning(a, b, c, d, e):
    return a * b * c * d * e


def exp_2(x):
    return 1 + x + x * x / 2


def polynomial(x):
    return sum(x**k for k in range(1, 5)) + 1


def neuron(x1, x2, w1, w2):
    return np.tanh(x1 * w1 + x2 * w2 + 6.8813735870195432)


def logistic_map(x):
    return 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x * x) ** 2


def babylon(x):
    root = x
    for _ in range(10):
        root = (root + x / root) / 2
    return root


E1, E2 = math.exp(-1), math.exp(2)
S = 1 / (1 + E1)

TABLES = {
    "the sigmoid, in w": Table(
        sigmoid,
        (0.5, 2.0),
        [
            (1.0, 2.0, S * (1 - S)),
            (-1.0, -2.0, -S * (1 - S)),
            (E1, -2 * E1, -S * S),
            (1 + E1, -2 * E1, -S * S),
            (S, 2 * S * (1 - S), 1.0),
        ],
        gradient=(0.39322386648296376, 0.09830596662074094),
    ),
    "the sigmoid, in x": Table(
        sigmoid,
        (0.5, 2.0),
        [(1.0, 0.5, None), (-1.0, -0.5, None), (S, 0.5 * S * (1 - S), 1.0)],
        gradient=(0.39322386648296376, 0.09830596662074094),
        seed=1,
    ),
    "the sigmoid, as printed": Table(
        sigmoid,
        (0.5, 2.0),
        [(0.367879, None, None), (1.367879, None, None), (0.731059, 0.393224, 1.0)],
        digits=1e-5,
        gradient=(0.393224, 0.0983060),
    ),
    "Baydin et al. 2018, tables 2 and 3": Table(
        baydin,
        (2.0, 5.0),
        [
            (math.log(2), 0.5, 1.0),
            (10.0, 5.0, 1.0),
            (math.sin(5), None, -1.0),
            (math.log(2) + 10, 5.5, 1.0),
            (math.log(2) + 10 - math.sin(5), 5.5, 1.0),
        ],
        gradient=(5.5, 1.7163378145367738),
    ),
    "Baydin et al. 2018, as printed": Table(
        baydin,
        (2.0, 5.0),
        [(0.693, 0.5, 1.0), (10.693, 5.5, 1.0), (-0.959, None, -1.0), (11.652, 5.5, 1.0)],
        digits=5e-4,
        gradient=(5.5, 1.716),
    ),
    "Harvard CS107": Table(
        harvard,
        (math.pi / 16,),
        [
            (math.pi / 4, 4.0, None),
            (math.sqrt(2) / 2, 2 * math.sqrt(2), None),
            (0.5, 4.0, None),
            (-1.0, -8.0, None),
            (E1, -8 * E1, -1.0),
            (math.pi / 16 - E1, 1 + 8 * E1, 1.0),
        ],
        gradient=(1 + 8 * E1,),
    ),
    "Auto-eD": Table(
        auto_ed,
        (1.0, 2.0),
        [(2.0, 2.0, 1 + E2), (E2, 2 * E2, 1.0), (2 + E2, 2 + 2 * E2, 1.0)],
        gradient=(2 + 2 * E2, 1 + E2),
    ),
    "Speelpenning's product": Table(
        speelpenning, (2.0, 1.0, 1.0, 1.0, 1.0), [(2.0, 1.0, 1.0)], gradient=(1.0, 2.0, 2.0, 2.0, 2.0)
    ),
    "Speelpenning's product with a zero": Table(
        lambda a, b, c: np.prod(np.stack([a, b, c])), (0.0, 2.0, 3.0), [(0.0, 6.0, 1.0)], gradient=(6.0, 0.0, 0.0)
    ),
    "CppAD exp_2": Table(
        exp_2,
        (0.5,),
        [(1.5, 1.0, 1.0), (0.25, 1.0, 0.5), (0.125, 0.5, 1.0), (1.625, 1.5, 1.0)],
        gradient=(1.5,),
    ),
    "CppAD get_started": Table(polynomial, (3.0,), [(81.0, 108.0, 1.0), (121.0, 142.0, 1.0)], gradient=(142.0,)),
    "Karpathy's neuron": Table(
        neuron,
        (2.0, 0.0, -3.0, 1.0),
        [(-6.0, -3.0, 0.5), (0.0, 0.0, 0.5), (math.sqrt(0.5), -1.5, 1.0)],
        gradient=(-1.5, 0.5, 1.0, 0.0),
    ),
    "Baydin et al. 2018, figure 3": Table(logistic_map, (0.2,), [], gradient=(9.0660864,)),
    "ten Babylonian steps for √2": Table(
        babylon, (2.0,), [(math.sqrt(2), math.sqrt(2) / 4, 1.0)], gradient=(0.35355339059327373,)
    ),
    "ten Babylonian steps for √49": Table(babylon, (49.0,), [(7.0, 1 / 14, 1.0)], gradient=(0.0714285714285714,)),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_value_tangent_and_cotangent(table):
    program = diffmagic.trace(table.f, *table.point)
    variables = [result for equation in program.equations for result in equation.results]
    tangents = forward(program, {program.inputs[table.seed]: 1.0})
    cotangents = reverse(program, {program.outputs[0]: 1.0}, keep=True)
    close = lambda a, b: a == pytest.approx(b, rel=table.digits, abs=table.digits)
    for value, tangent, cotangent in table.rows:
        # a book's row may be one of ours with the sign taken out: a difference is one row or two
        matches = [
            variable
            for variable in variables
            for sign in (1, -1)
            if close(sign * variable.value, value)
            and (tangent is None or close(sign * tangents.get(variable, 0.0), tangent))
            and (cotangent is None or close(sign * cotangents.get(variable, 0.0), cotangent))
        ]
        assert matches, (value, tangent, cotangent)


@pytest.mark.parametrize(
    "table", [t for t in TABLES.values() if t.gradient], ids=[n for n in TABLES if TABLES[n].gradient]
)
def test_the_gradient_in_both_modes(table):
    every = tuple(range(len(table.point)))
    tolerance = table.digits if table.digits > 1e-12 else 1e-14  # printed digits, or rounding
    assert diffmagic.grad(table.f, every)(*table.point) == pytest.approx(table.gradient, rel=tolerance)
    columns = [
        diffmagic.jvp(table.f, table.point, tuple(1.0 if k == moving else 0.0 for k in every))[1] for moving in every
    ]
    assert columns == pytest.approx(list(table.gradient), rel=tolerance)


def test_the_babylonian_derivative_never_calls_sqrt():
    assert "np.sqrt" not in str(diffmagic.trace(babylon, 2.0))
