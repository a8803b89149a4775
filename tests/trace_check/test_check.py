"""Homework: published trace tables, right and with the mistakes that were published, and tables of random programs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import diffmagic
from diffmagic.results import TraceCheck
from diffmagic.trace_check import check_table, claims_of, sheet_of
from diffmagic.trace_check.notation import formula, known_name


def check(f: Callable[..., Any], point: tuple[float, ...], table: Any) -> TraceCheck:
    program = diffmagic.trace(f, *point)
    claims, notes = claims_of(sheet_of(table), [v.name for v in program.inputs], "y")
    found = check_table(program, claims)
    found.notes[:0] = notes
    return found


@dataclass
class Published:
    """A function, a point, and a table: name, operation, value, tangent in the first input, cotangent."""

    f: Callable[..., Any]
    point: tuple[float, ...]
    rows: list[tuple[str, str, float, float, float]]


E, E1, E2, R2 = math.e, math.exp(-1), math.exp(2), math.sqrt(2)
S = 1 / (1 + E1)
NEURON = dict(zip(("x1", "x2", "w1", "w2"), (2.0, 0.0, -3.0, 1.0), strict=True))
B = 6.8813735870195432


def harvard(x: Any) -> Any:
    return x - np.exp(-2 * np.sin(4 * x) ** 2)


def baydin(x1: Any, x2: Any) -> Any:
    return np.log(x1) + x1 * x2 - np.sin(x2)


def auto_ed(x: Any, y: Any) -> Any:
    return x * y + np.exp(x * y)


def exp_2(x: Any) -> Any:
    return 1 + x + x * x / 2


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


def neuron(x1: Any, x2: Any, w1: Any, w2: Any) -> Any:
    return np.tanh(x1 * w1 + x2 * w2 + B)


def speelpenning(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    return a * b * c * d * e


PUBLISHED = {
    "Harvard CS107": Published(
        harvard,
        (math.pi / 16,),
        [
            ("x1", "x", math.pi / 16, 1, 1 + 8 * E1),
            ("x2", "4 x1", math.pi / 4, 4, 2 * E1),
            ("x3", "sin(x2)", R2 / 2, 2 * R2, 2 * R2 * E1),
            ("x4", "x3^2", 0.5, 4, 2 * E1),
            ("x5", "-2 x4", -1, -8, -E1),
            ("x6", "exp(x5)", E1, -8 * E1, -1),
            ("x7", "-x6", -E1, 8 * E1, 1),
            ("x8", "x1 + x7", math.pi / 16 - E1, 1 + 8 * E1, 1),
        ],
    ),
    "Harvard CS107, folded": Published(
        harvard,
        (math.pi / 16,),
        [
            ("v1", "sin(4x)", R2 / 2, 2 * R2, 2 * R2 * E1),
            ("v2", "-2 v1²", -1, -8, -E1),
            ("v3", "e^{v2}", E1, -8 * E1, -1),
            ("y", "x - v3", math.pi / 16 - E1, 1 + 8 * E1, 1),
        ],
    ),
    "Baydin et al. 2018": Published(
        baydin,
        (2.0, 5.0),
        [
            ("v₋₁", "x₁", 2, 1, 5.5),
            ("v₀", "x₂", 5, 0, 2 - math.cos(5)),
            ("v₁", "ln v₋₁", math.log(2), 0.5, 1),
            ("v₂", "v₋₁ × v₀", 10, 5, 1),
            ("v₃", "sin v₀", math.sin(5), 0, -1),
            ("v₄", "v₁ + v₂", math.log(2) + 10, 5.5, 1),
            ("v₅", "v₄ − v₃", math.log(2) + 10 - math.sin(5), 5.5, 1),
            ("y", "v₅", math.log(2) + 10 - math.sin(5), 5.5, 1),
        ],
    ),
    "Baydin et al. 2018, a subtraction as two rows": Published(
        baydin,
        (2.0, 5.0),
        [
            ("v1", "np.log(x1)", math.log(2), 0.5, 1),
            ("v2", "x1 * x2", 10, 5, 1),
            ("v3", "np.sin(x2)", math.sin(5), 0, -1),
            ("v4", "-v3", -math.sin(5), 0, 1),
            ("v5", "v2 + v4", 10 - math.sin(5), 5, 1),
            ("v6", "v1 + v5", math.log(2) + 10 - math.sin(5), 5.5, 1),
        ],
    ),
    "Auto-eD": Published(
        auto_ed,
        (1.0, 2.0),
        [
            ("v1", "xy", 2, 2, 1 + E2),
            ("v2", "exp(v1)", E2, 2 * E2, 1),
            ("v3", "v1 + v2", 2 + E2, 2 + 2 * E2, 1),
        ],
    ),
    "CppAD exp_2": Published(
        exp_2,
        (0.5,),
        [
            ("v1", "x", 0.5, 1, 1.5),
            ("v2", "1 + v1", 1.5, 1, 1),
            ("v3", "v1 * v1", 0.25, 1, 0.5),
            ("v4", "v3 / 2", 0.125, 0.5, 1),
            ("v5", "v2 + v4", 1.625, 1.5, 1),
        ],
    ),
    "the sigmoid": Published(
        sigmoid,
        (0.5, 2.0),
        [
            ("y1", "w x", 1, 2, S * (1 - S)),
            ("y2", "-y1", -1, -2, -S * (1 - S)),
            ("y3", "exp y2", E1, -2 * E1, -S * S),
            ("y4", "1 + y3", 1 + E1, -2 * E1, -S * S),
            ("y5", "1/y4", S, 2 * S * (1 - S), 1),
        ],
    ),
    "the sigmoid, folded": Published(
        sigmoid,
        (0.5, 2.0),
        [
            ("y1", "w x", 1, 2, S * (1 - S)),
            ("y2", "1 + exp(-y1)", 1 + E1, -2 * E1, -S * S),
            ("y3", "\\frac{1}{y_2}", S, 2 * S * (1 - S), 1),
        ],
    ),
    "Karpathy's neuron": Published(
        neuron,
        tuple(NEURON.values()),
        [
            ("x1w1", "x1 * w1", -6, -3, 0.5),
            ("x2w2", "x2 * w2", 0, 0, 0.5),
            ("s", "x1w1 + x2w2", -6, -3, 0.5),
            ("n", f"s + {B}", B - 6, -3, 0.5),
            ("o", "tanh(n)", R2 / 2, -1.5, 1),
        ],
    ),
    "Speelpenning's product": Published(
        speelpenning,
        (2.0, 1.0, 1.0, 1.0, 1.0),
        [
            ("v1", "a b", 2, 1, 1),
            ("v2", "v1 c", 2, 1, 1),
            ("v3", "v2 d", 2, 1, 1),
            ("v4", "v3 e", 2, 1, 1),
        ],
    ),
}
NAMES = list(PUBLISHED)


def printed(value: float, digits: int, truncate: bool = False) -> str:
    """As books print numbers: whole ones without a point."""
    if value == int(value):
        return f"{value:.0f}"
    shift = 10**digits
    return f"{math.trunc(value * shift) / shift:.{digits}f}" if truncate else f"{value:.{digits}f}"


def table(name: str, digits: int = 6, *, operations: bool = True, truncate: bool = False) -> list[list[str]]:
    rows = [
        [label, operation, *(printed(each, digits, truncate) for each in numbers)]
        for label, operation, *numbers in PUBLISHED[name].rows
    ]
    if not operations:
        rows = [[row[0], *row[2:]] for row in rows]
    first = diffmagic.trace(PUBLISHED[name].f, *PUBLISHED[name].point).inputs[0].name
    return [["name", *(["operation"] if operations else []), "value", f"∂/∂{first}", "adjoint"], *rows]


def checked(name: str, cells: list[list[str]]) -> TraceCheck:
    return check(PUBLISHED[name].f, PUBLISHED[name].point, cells)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("digits", range(3, 9))
@pytest.mark.parametrize("truncate", [False, True])
def test_right_at_any_precision(name: str, digits: int, truncate: bool) -> None:
    found = checked(name, table(name, digits, truncate=truncate))
    assert [row.verdict for row in found.rows] == ["right"] * len(found.rows)
    assert found
    assert found.first is None
    assert found.summary == f"All {len(found.rows)} rows are right."
    hows = {cell.how for row in found.rows for cell in row.cells}
    assert hows <= ({"exact", "truncated", "rounded"} if truncate else {"exact", "rounded"})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("operations", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_right_in_any_order(name: str, operations: bool, seed: int) -> None:
    head, *rows = table(name, 5, operations=operations)
    random.Random(seed).shuffle(rows)
    assert checked(name, [head, *rows]).summary == f"All {len(rows)} rows are right."


@pytest.mark.parametrize("name", NAMES)
def test_right_by_numbers_alone(name: str) -> None:
    values = {row[0]: row[1] for row in table(name, 5, operations=False)[1:]}
    assert checked(name, values)


# Mistakes.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("column", [2, 3, 4])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_one_wrong_number_is_the_only_mistake(name: str, column: int, seed: int | None) -> None:
    for place in range(len(PUBLISHED[name].rows)):
        head, *rows = table(name, 5)
        right = rows[place][column]
        rows[place][column] = f"{float(right) * 1.37 + 0.211:.5f}"
        label = rows[place][0]
        if seed is not None:
            random.Random(seed).shuffle(rows)
        found = checked(name, [head, *rows])
        wrong = [row for row in found.rows if row.verdict != "right"]
        assert [(row.name, row.verdict, row.number) for row in wrong] == [(label, "wrong", found.first)]
        (cell,) = [cell for cell in wrong[0].cells if cell.verdict == "wrong"]
        assert cell.shown == f"{float(right):.5f}"


PRINTED_MISTAKES = [
    # a −1 printed as 1
    ("Harvard CS107", "x5", 2, "1", "-1", "the sign is flipped"),
    ("Harvard CS107, folded", "v2", 2, "1", "-1", "the sign is flipped"),
    ("Baydin et al. 2018", "v₃", 4, "1", "-1", "the sign is flipped"),
    # e for e²
    ("Auto-eD", "v2", 2, "2.71828", "7.38906", "it is e, without the exponent"),
    # 5 for 2 + 5·0
    ("Baydin et al. 2018", "v₀", 3, "1", "0", "it is the derivative with respect to x2"),
    # the others that students make
    ("Baydin et al. 2018", "v₃", 2, "0.08716", "-0.95892", "the angle was taken in degrees, and it is in radians"),
    ("Harvard CS107", "x3", 2, "0.01371", "0.70711", "the angle was taken in degrees, and it is in radians"),
    (
        "Baydin et al. 2018",
        "v₁",
        2,
        "0.30103",
        "0.69315",
        "the logarithm was taken to base 10, and it is the natural one",
    ),
    ("Harvard CS107", "x3", 3, "0.70711", "2.82843", "the derivative of what is inside is missing from the chain rule"),
    ("Harvard CS107", "x3", 3, "4", "2.82843", "the derivative of the operation itself is missing from the chain rule"),
    ("Harvard CS107", "x6", 2, "2.71828", "0.36788", "the sign of the exponent is flipped"),
    ("Auto-eD", "v1", 4, "1", "8.38906", "its 2 uses are to be summed, and this is one of them"),
    ("Auto-eD", "v1", 4, "7.38906", "8.38906", "its 2 uses are to be summed, and this is one of them"),
    ("Auto-eD", "v3", 3, "2", "16.77811", "it is one term of the sum"),
    ("the sigmoid", "y3", 4, "1", "-0.53445", "the cotangent of the step that reads it is missing as a factor"),
    ("Harvard CS107", "x4", 2, "0.55", "0.50", ""),
]


@pytest.mark.parametrize(("name", "label", "column", "wrong", "right", "guess"), PRINTED_MISTAKES)
@pytest.mark.parametrize("shuffled", [False, True])
def test_printed_mistakes(
    name: str, label: str, column: int, wrong: str, right: str, guess: str, shuffled: bool
) -> None:
    head, *rows = table(name, 5)
    for row in rows:
        row[column] = wrong if row[0] == label else row[column]
    if shuffled:
        random.Random(7).shuffle(rows)
    found = checked(name, [head, *rows])
    mistaken = [row for row in found.rows if row.verdict != "right"]
    assert [(row.name, row.verdict) for row in mistaken] == [(label, "wrong")]
    assert [cell.shown for cell in mistaken[0].cells if cell.verdict == "wrong"] == [right]
    assert mistaken[0].guess == guess


@pytest.mark.parametrize(("name", "label", "wrong"), [("Harvard CS107", "x5", "1"), ("Auto-eD", "v2", "2.71828")])
def test_printed_mistakes_without_operations(name: str, label: str, wrong: str) -> None:
    values = {row[0]: row[1] for row in table(name, 5, operations=False)[1:]}
    found = checked(name, {**values, label: wrong})
    assert [row.name for row in found.rows if row.verdict != "right"] == [label]
    assert found.rows[found.first - 1].name == label


def carried(name: str, label: str, wrong: float) -> list[list[str]]:
    """The values of a table with one mistake, and what follows from it, by plain Python."""
    known = dict(zip("abcdexy", [0.0] * 7, strict=True))
    known |= {"x": PUBLISHED[name].point[0], "x1": PUBLISHED[name].point[0], "x2": PUBLISHED[name].point[-1]}
    rows = [["name", "operation", "value"]]
    for row, operation, *_ in PUBLISHED[name].rows:
        found = formula(operation, {known_name(each): each for each in known})
        assert found is not None
        known[known_name(row)] = wrong if row == label else float(found.compute(*[known[each] for each in found.reads]))
        rows.append([row, operation, f"{known[known_name(row)]:.6f}"])
    return rows


@pytest.mark.parametrize("operations", [True, False])
def test_what_follows_is_no_mistake_of_its_own(operations: bool) -> None:
    cells = carried("Harvard CS107", "x5", -2.0)
    found = checked("Harvard CS107", cells if operations else [[row[0], row[2]] for row in cells])
    assert [row.verdict for row in found.rows] == ["right"] * 4 + ["wrong"] + ["follows"] * 3
    assert [row.follows for row in found.rows] == [()] * 5 + [(5,)] * 3
    assert found.summary == (
        "4 of 8 rows are right. The first mistake is row 5, x5: -1.000000, not -2.000000; "
        "rows 6, 7 and 8 follow from it."
    )


def test_two_mistakes_are_told_apart() -> None:
    cells = carried("Harvard CS107", "x3", 0.6)
    cells[6][2] = "0.9"
    found = checked("Harvard CS107", cells)
    verdicts = ["right", "right", "wrong", "follows", "follows", "wrong", "wrong", "follows"]
    assert [row.verdict for row in found.rows] == verdicts
    assert found.first == 3
    assert "rows 4 and 5 follow from it" in found.summary
    assert "Rows 6 and 7 are mistakes of their own." in found.summary


def test_a_row_from_rounded_numbers_is_right() -> None:
    rows = [["a", "exp(x)", "148.4"], ["b", "sin(a)", f"{math.sin(148.4):.5f}"]]
    found = check(lambda x: np.sin(np.exp(x)), (5.0,), rows)
    assert found
    assert [cell.how for row in found.rows for cell in row.cells] == ["rounded", "from rounded numbers"]


def test_swapped_rows() -> None:
    head, *rows = table("Baydin et al. 2018", 5)
    rows[2][2], rows[3][2] = rows[3][2], rows[2][2]
    found = checked("Baydin et al. 2018", [head, *rows])
    assert [row.guess for row in found.rows if row.verdict == "wrong"] == ["rows 3 and 4 are swapped"] * 2


def test_a_step_that_the_function_does_not_have() -> None:
    rows = [["v1", "3x", "0.5890"], ["v2", "sin(v1)", "0.5556"], ["v3", "x + v2", "0.7519"]]
    found = check(lambda x: x + np.sin(4 * x), (math.pi / 16,), rows)
    assert [row.verdict for row in found.rows] == ["wrong", "follows", "follows"]
    assert found.rows[0].guess == "the function has no step 3x"
    said = "The first mistake is row 1, v1: the function has no step 3x; rows 2 and 3 follow from it."
    assert found.summary.endswith(said)


def test_a_number_that_no_step_has() -> None:
    found = check(lambda a, b: np.exp(a) * np.sin(b), (1.0, 2.0), {"q": 17.5})
    assert found.rows[0].verdict == "wrong"
    assert not found


def test_the_same_number_again_is_no_new_mistake() -> None:
    found = check(lambda x: np.exp(2 * x), (0.5,), {"v1": 1, "v2": 2.9, "v3": 2.9})
    assert [row.verdict for row in found.rows] == ["right", "wrong", "follows"]


def test_operations_that_do_not_lead_to_the_result() -> None:
    rows = [["name", "operation", "value", "adjoint"], ["a", "3x", "1.5", "1"], ["b", "2x", "1", "2.718"]]
    found = check(lambda x: np.exp(2 * x), (0.5,), rows)
    assert [row.verdict for row in found.rows] == ["right", "right"]
    assert [[cell.column for cell in row.cells] for row in found.rows] == [["value"], ["value", "cotangent"]]
    assert found.notes == [
        "row 1: the numbers are compared with the operation alone, which is no step of the function that is known",
        "the cotangents of row 1 are not checked, as these do not lead to the result",
    ]


def test_steps_may_be_numbered_from_zero() -> None:
    values = {f"v{k}": number for k, number in enumerate(["0.7854", "0.7071", "0.5", "-1", "0.3679", "-0.1715"])}
    assert check(harvard, (math.pi / 16,), values)
    assert check(harvard, (math.pi / 16,), {**values, "v3": "-2"}).first == 4


def test_inputs_with_wrong_numbers() -> None:
    found = check(baydin, (2.0, 5.0), {"v-1": 3, "v0": 5, "v1": "1.0986", "v2": 15, "v3": "-0.959"})
    assert [row.verdict for row in found.rows] == ["wrong", "right", "follows", "follows", "right"]


def test_the_only_step_left_in_another_order() -> None:
    values = {"v-1": 2, "v0": 5, "v1": "0.6931", "v2": 10, "v3": "-0.9589", "v4": 3, "v5": "11.6521"}
    found = check(baydin, (2.0, 5.0), values)
    assert [(row.name, row.cells[0].shown) for row in found.rows if row.verdict == "wrong"] == [("v4", "10.6931")]


def test_part_of_a_table() -> None:
    assert check(harvard, (math.pi / 16,), {"-2 sin²(4x)": "-1", "sin(4x)": "√2/2"})
    assert not check(harvard, (math.pi / 16,), {"-2 sin²(4x)": "1", "sin(4x)": "√2/2"})


SIGNS = {
    "all of it": (sigmoid, (0.5, 2.0), {"y1": 1, "y2": -1, "y3": "0.3679", "y4": "1.3679", "y5": "0.7311"}, None, []),
    "dropped, and the row before is the same": (
        sigmoid,
        (0.5, 2.0),
        {"y1": 1, "y2": 1, "y3": "0.3679", "y4": "1.3679", "y5": "0.7311"},
        2,
        [1],
    ),
    "dropped from the exponential": (
        harvard,
        (math.pi / 16,),
        {"a": "0.7854", "b": "0.7071", "c": "0.5", "d": -1, "e": "0.3679", "f": "0.3679", "y": "-0.1715"},
        6,
        [],
    ),
    "dropped, or folded into the exponential": (
        harvard,
        (math.pi / 16,),
        {"a": "0.7854", "b": "0.7071", "c": "0.5", "d": 1, "e": "0.3679", "y": "-0.1715"},
        None,
        [4],
    ),
}


@pytest.mark.parametrize("case", SIGNS)
def test_a_sign_that_no_row_has(case: str) -> None:
    f, point, cells, first, told = SIGNS[case]
    found = check(f, point, cells)
    assert found.first == first
    assert [row.number for row in found.rows if row.verdict != "right"] == [first] * (first is not None)
    assert [row.guess for row in found.rows if row.verdict == "wrong"] == ["the sign is flipped"] * (first is not None)
    said = [note for note in found.notes if note.endswith("which the function has: was a sign dropped?")]
    assert [int(note.split()[1]) for note in said] == told


# Random programs.

UNARY: dict[str, Callable[[Any], Any]] = {
    "sin({})": np.sin,
    "cos({})": np.cos,
    "tanh({})": np.tanh,
    "exp({})": np.exp,
    "-{}": lambda a: -a,
    "{}^2": lambda a: a**2,
    "3 {}": lambda a: 3 * a,
    "1 / (1 + {}^2)": lambda a: 1 / (1 + a**2),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "{} + {}": lambda a, b: a + b,
    "{} - {}": lambda a, b: a - b,
    "{} * {}": lambda a, b: a * b,
}


@st.composite
def programs(draw: Any) -> list[tuple[str, Callable[..., Any], tuple[int, ...]]]:
    """Rows: how it is written, what it computes, of which earlier ones; 0 and 1 are the inputs."""
    rows = []
    for k in range(2, 2 + draw(st.integers(2, 7))):
        earlier = st.integers(max(0, k - 3), k - 1)
        if draw(st.booleans()):
            text, function = draw(st.sampled_from(list(UNARY.items())))
            rows.append((text, function, (draw(earlier),)))
        else:
            text, function = draw(st.sampled_from(list(BINARY.items())))
            rows.append((text, function, (k - 1, draw(earlier))))
    return rows


def evaluated(rows: Any, point: tuple[Any, Any], moved: int = -1, by: complex = 0.0) -> list[Any]:
    values = list(point)
    for k, (_, function, operands) in enumerate(rows, start=2):
        values.append(function(*[values[each] for each in operands]) + (by if k == moved else 0.0))
    return values


def printed_table(rows: Any, point: tuple[float, float], digits: int) -> list[list[str]]:
    """Values by plain NumPy, derivatives by complex steps."""
    names = ["p", "q", *(f"v{k}" for k in range(1, len(rows) + 1))]
    values = evaluated(rows, point)
    tangents = [np.imag(each) / 1e-30 for each in evaluated(rows, (complex(point[0], 1e-30), point[1]))]
    cells = [["name", "operation", "value", "∂/∂p", "cotangent"]]
    for k, (text, _, operands) in enumerate(rows, start=2):
        cotangent = np.imag(evaluated(rows, point, k, 1e-30j)[-1]) / 1e-30
        numbers = (values[k], tangents[k], cotangent)
        cells.append(
            [names[k], text.format(*[names[o] for o in operands]), *(f"{each:.{digits}f}" for each in numbers)]
        )
    return cells


def random_check(rows: Any, point: tuple[float, float], cells: list[list[str]]) -> TraceCheck:
    def f(p: Any, q: Any) -> Any:
        return evaluated(rows, (p, q))[-1]

    return check(f, point, cells)


POINTS = st.tuples(st.floats(0.3, 1.7), st.floats(-1.4, -0.2))


@given(programs(), POINTS, st.integers(3, 8), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_a_random_table_is_right(rows: Any, point: tuple[float, float], digits: int, order: random.Random) -> None:
    values = evaluated(rows, point)
    assume(all(abs(value) < 1e4 for value in values))
    assume(_depends(rows))
    head, *cells = printed_table(rows, point, digits)
    order.shuffle(cells)
    found = random_check(rows, point, [head, *cells])
    assert [row.verdict for row in found.rows] == ["right"] * len(cells)


@given(programs(), POINTS, st.integers(4, 8), st.data())
@settings(max_examples=150)
def test_one_changed_cell_is_the_first_mistake(rows: Any, point: tuple[float, float], digits: int, data: Any) -> None:
    values = evaluated(rows, point)
    assume(all(abs(value) < 1e3 for value in values))
    assume(_depends(rows))
    head, *cells = printed_table(rows, point, digits)
    place, column = data.draw(st.integers(0, len(cells) - 1)), data.draw(st.integers(2, 4))
    right = float(cells[place][column])
    wrong = right * data.draw(st.sampled_from([-2, 0.5, 1.1, 3])) + data.draw(st.sampled_from([-0.3, 0.0, 0.7]))
    assume(abs(wrong - right) > 0.05 * (1 + abs(right)))
    cells[place][column] = f"{wrong:.{digits}f}"
    if data.draw(st.booleans()):
        order = data.draw(st.permutations(range(len(cells))))
        cells, place = [cells[k] for k in order], order.index(place)
    found = random_check(rows, point, [head, *cells])
    assert found.first == place + 1
    assert [row.number for row in found.rows if row.verdict != "right"] == [place + 1]


@given(programs(), POINTS, st.integers(4, 8), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_a_random_table_without_operations(
    rows: Any, point: tuple[float, float], digits: int, order: random.Random
) -> None:
    assume(all(abs(value) < 1e4 for value in evaluated(rows, point)))
    assume(_depends(rows))
    cells = [[row[0], row[2], row[3]] for row in printed_table(rows, point, digits)]
    cells[0][2] = "∂/∂p"
    head, *cells = cells
    order.shuffle(cells)
    assert random_check(rows, point, [head, *cells])


@given(programs(), POINTS, st.integers(3, 7), st.data())
@settings(max_examples=150)
def test_what_follows_in_a_random_table(rows: Any, point: tuple[float, float], digits: int, data: Any) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    wrong = data.draw(st.sampled_from([-0.9, 0.25, 1.6]))
    rounding = data.draw(st.booleans())  # each from the printed ones, or from what the calculator holds
    values: list[float] = list(point)
    true = evaluated(rows, point)
    for k, (_, function, operands) in enumerate(rows):
        value = wrong if k == place else float(function(*[values[each] for each in operands]))
        values.append(float(f"{value:.{digits}f}") if rounding or k == place else value)
    assume(all(abs(value) < 100 for value in [*values, *true]))
    assume(_depends(rows))
    assume(abs(true[place + 2] - wrong) > 0.05)
    head, *cells = printed_table(rows, point, digits)
    cells = [[name, text, f"{value:.{digits}f}"] for (name, text, *_), value in zip(cells, values[2:], strict=True)]
    found = random_check(rows, point, [head[:3], *cells])
    assert [row.number for row in found.rows if row.verdict == "wrong"] == [place + 1]
    assert {row.follows for row in found.rows if row.verdict == "follows"} <= {(place + 1,)}


def _depends(rows: Any) -> bool:
    """Whether every row counts: what nobody reads is no step of the function."""
    used = {operand for _, _, operands in rows for operand in operands}
    return used >= set(range(2, len(rows) + 1))
