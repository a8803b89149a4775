"""Trace tables as data: rows, columns, contributions, folded rows, loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffmagic import jacobian, trace
from diffmagic.core.loops import Loop
from diffmagic.core.program import Variable
from diffmagic.results import TraceRow, TraceTable
from diffmagic.trace_table import trace_table
from tests.test_textbooks import TABLES, Table, auto_ed, baydin, sigmoid


def by_name(table: TraceTable) -> dict[str, TraceRow]:
    return {row.name: row for row in table.rows}


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("book", TABLES.values(), ids=TABLES)
def test_both_ways_through_published_tables(book: Table, folded: bool) -> None:
    table = trace_table(trace(book.f, *book.point), mode="both", folded=folded)
    gradient = [float(row.cotangent or 0.0) for row in table.rows if not row.step]
    assert gradient == pytest.approx(list(book.gradient), rel=max(book.digits, 1e-13))
    assert [float(tangent or 0.0) for tangent in table.rows[-1].tangents] == pytest.approx(gradient, rel=1e-13)
    assert folded or len(table.rows) == len(book.point) + len(trace(book.f, *book.point))


def test_the_sum_of_several_uses_is_spelt_in_the_order_of_the_way_back() -> None:
    row = by_name(trace_table(trace(auto_ed, 1.0, 2.0)))["xy"]
    assert row.contributions == pytest.approx((1.0, np.exp(2)), rel=1e-15)
    assert row.cotangent == row.contributions[0] + row.contributions[1]
    rows = by_name(trace_table(trace(baydin, 2.0, 5.0)))
    assert rows["x1"].contributions == (5.0, 0.5)
    assert rows["x2"].contributions == pytest.approx((-np.cos(5), 2.0), rel=1e-15)
    assert rows["v1"].contributions == ()


def test_both_operands_of_one_operation_are_two_uses() -> None:
    assert by_name(trace_table(trace(lambda x: x * x, 3.0)))["x"].contributions == (3.0, 3.0)


def test_a_seeded_result_that_is_used_again_has_its_seed_first() -> None:
    program = trace(lambda x: (y := np.exp(x), y * 2), 0.0)
    first, second = program.outputs
    row = by_name(trace_table(program, cotangents={first: 10.0, second: 1.0}))["y"]
    assert (row.cotangent, row.contributions) == (12.0, (10.0, 2.0))


def test_uses_by_an_array_operation() -> None:
    row = by_name(trace_table(trace(lambda x: np.sum(x) + x @ x, np.array([1.0, 2.0]))))["x"]
    np.testing.assert_array_equal(row.contributions, [[1.0, 2.0], [1.0, 2.0], [1.0, 1.0]])


OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a * b,
    lambda a, b: a - 2 * b,
    lambda a, b: -a,
    lambda a, b: 3 + np.sin(a),
    lambda a, b: a / (2 + np.cos(b)) / 4,
    lambda a, b: np.maximum(a, b),
]
STEPS = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8)


@given(STEPS, st.booleans())
def test_a_table_adds_up(steps: list[Any], folded: bool) -> None:
    """Each row's partials times the operands' tangents are its tangents; contributions are what the cotangent is of."""

    def f(x: Any, y: Any) -> Any:
        values = [x, y]
        for operation, a, b in steps:
            values.append(operation(values[a % len(values)], values[b % len(values)]))
        return values[-1] * x

    table = trace_table(trace(f, 0.7, 1.3), folded=folded)
    rows = by_name(table)
    for row in table.rows:
        if row.step:
            for k, tangent in enumerate(row.tangents):
                expected = sum(partial * (rows[name].tangents[k] or 0.0) for name, partial in row.partials)
                assert (tangent or 0.0) == pytest.approx(expected, rel=1e-12, abs=1e-12)
        if row.contributions:
            assert sum(row.contributions[1:], row.contributions[0]) == row.cotangent
    readers: dict[str, float] = dict.fromkeys(rows, 0.0)
    for row in table.rows:
        for name, partial in row.partials:
            readers[name] += partial * (row.cotangent or 0.0)
    for name, row in rows.items():
        if name != table.result:
            assert (row.cotangent or 0.0) == pytest.approx(readers[name], rel=1e-12, abs=1e-12)


# Columns.


@pytest.mark.parametrize(
    ("mode", "tangents", "cotangent"),
    [
        ("auto", ("w", "x"), "v5"),
        ("both", ("w", "x"), "v5"),
        ("forward", ("w", "x"), ""),
        ("reverse", (), "v5"),
    ],
)
def test_the_mode_says_which_columns_there_are(mode: Any, tangents: tuple[str, ...], cotangent: str) -> None:
    table = trace_table(trace(lambda w, x: 1 / (1 + np.exp(-w * x)), 0.5, 2.0), mode=mode)
    assert (table.tangents, table.cotangent, table.result, table.notes) == (tangents, cotangent, "v5", ())
    assert {len(row.tangents) for row in table.rows} == {len(tangents)}
    assert all((row.cotangent is None) == (not cotangent) for row in table.rows)


def test_a_tangent_for_each_number_of_an_array() -> None:
    def f(v: Any, s: Any) -> Any:
        return np.sin(v) * v[::-1] * s

    point = np.array([1.0, 2.0]), 3.0
    table = trace_table(trace(f, *point))
    assert (table.tangents, table.cotangent) == (("v[0]", "v[1]", "s"), "")
    by_v, by_s = jacobian(f, (0, 1))(*point)
    np.testing.assert_allclose(np.stack(table.rows[-1].tangents, axis=-1), np.column_stack([by_v, by_s]), rtol=1e-15)


@pytest.mark.parametrize(("count", "mode", "columns"), [(3, "auto", 3), (4, "auto", 0), (8, "both", 8), (9, "both", 0)])
def test_as_many_tangents_as_fit(count: int, mode: Any, columns: int) -> None:
    table = trace_table(trace(np.sum, np.ones(count)), mode=mode)
    assert len(table.tangents) == columns
    said = f"There is no tangent column: one for each of {count} inputs does not fit."
    assert [note.startswith(said) for note in table.notes] == [True] * (columns == 0 and mode == "both")


@pytest.mark.parametrize("f", [lambda x: x**2, lambda x: (np.sum(x), x[0]), lambda x: 1.0])
def test_a_missing_cotangent_column_is_explained_if_it_was_asked_for(f: Callable[[Any], Any]) -> None:
    program = trace(f, np.array([1.0, 2.0]))
    assert not trace_table(program).notes
    (note,) = trace_table(program, mode="reverse").notes
    assert note.startswith("There is no cotangent column: the result is not one number that depends on the inputs.")


def test_seeds() -> None:
    program = trace(lambda x, y: x * y, 2.0, 3.0)
    x, y = program.inputs
    table = trace_table(program, mode="forward", tangents={x: 1.0, y: 10.0})
    assert (table.tangents, table.cotangent, table.result) == (("the seed",), "", "")
    assert table.rows[-1].tangents == (23.0,)
    table = trace_table(program, mode="reverse", cotangents={program.outputs[0]: 2.0})
    assert (table.tangents, table.cotangent, table.result) == ((), "the seed", "")
    assert [row.cotangent for row in table.rows] == [6.0, 4.0, 2.0]


def test_an_input_called_seed_is_no_seed() -> None:
    table = trace_table(trace(lambda seed: 2 * np.exp(seed), 0.0))
    assert (table.tangents, table.result) == (("seed",), "v2")


def test_a_result_whose_name_another_row_has() -> None:
    def f(x: Any) -> Any:
        y = x * x
        y = np.exp(y)
        return y  # noqa: RET504 — the name is to be seen

    table = trace_table(trace(f, 1.0), result="y")
    assert (table.cotangent, table.result, table.rows[-1].name) == ("y_2", "y_2", "y_2")


def test_the_tangent_of_a_complex_input_is_along_its_real_axis() -> None:
    table = trace_table(trace(lambda z: np.real(z * z), 3 + 1j))
    assert table.tangents == ("z.real",)
    assert (table.rows[-1].tangents, table.rows[0].cotangent) == ((6.0,), 6 + 2j)
    assert trace_table(trace(lambda z: np.real(z[0]), np.array([1j]))).tangents == ("z.real[0]",)


@pytest.mark.parametrize("f", [lambda w: (w @ w).item(), lambda w: w[0].item()])
def test_the_one_number_of_an_array(f: Any) -> None:
    table = trace_table(trace(f, np.array([[1.5]])))
    np.testing.assert_array_equal(table.rows[-1].tangents[0], np.ravel(table.rows[0].cotangent)[0])
    assert table.rows[-1].partials == ((table.rows[-2].name, 1.0),)


def test_an_index_of_a_number() -> None:
    assert trace_table(trace(lambda x: x[()] * x, np.array(2.0))).rows[-1].tangents == (4.0,)


def test_no_result_at_all() -> None:
    table = trace_table(trace(lambda x: [], 1.0), mode="both")
    assert (table.cotangent, len(table.rows)) == ("", 1)


def test_the_result_is_called_as_the_function() -> None:
    program = trace(lambda x: np.sin(x) * 2, 1.0)
    assert [row.name for row in trace_table(program, result="f").rows] == ["x", "v1", "f"]

    def named(x: Any) -> Any:
        y = np.sin(x)
        return y  # noqa: RET504

    assert [row.name for row in trace_table(trace(named, 1.0), result="f").rows] == ["x", "y"]
    assert [row.name for row in trace_table(program, result="v1").rows] == ["x", "v1", "v2"]
    assert trace_table(trace(named, 1.0), result="f").cotangent == "f"


# Folded rows.


def operations(f: Callable[..., Any], *args: Any) -> list[str]:
    return [row.operation for row in trace_table(trace(f, *args), folded=True).rows if row.step]


@pytest.mark.parametrize(
    ("f", "args", "rows"),
    [
        (lambda w, x: 1 / (1 + np.exp(-w * x)), (0.5, 2.0), ["-w * x", "1 + np.exp(v2)", "1 / v4"]),
        (
            lambda x: x - np.exp(-2 * np.sin(4 * x) ** 2),
            (0.2,),
            ["np.sin(4 * x)", "-2 * v2 ** 2", "np.exp(v4)", "x - v5"],
        ),
        (lambda x: 1 + x + x * x / 2, (0.5,), ["x * x / 2", "1 + x + v3"]),
        (lambda x: -(2 * x + 1) / 3, (0.5,), ["-(2 * x + 1) / 3"]),
        (lambda x, y: 2 * x - 3 * y, (1.0, 2.0), ["2 * x - 3 * y"]),
        (lambda x: (y := 2 * x) + y, (1.0,), ["2 * x", "y + y"]),  # used twice
        (lambda x: np.sum(2 * x), (np.ones(2),), ["2 * x", "np.sum(v1)"]),  # no partials by elements
        (lambda x: (a := 2 * x, a + 1), (1.0,), ["2 * x", "a + 1"]),  # a result
        (lambda x: np.array([1.0, 2.0]) * x, (3.0,), ["[1.0, 2.0] * x"]),
    ],
)
def test_constants_and_signs_are_folded_into_the_operations(f: Any, args: tuple[Any, ...], rows: list[str]) -> None:
    assert operations(f, *args) == rows


def test_a_name_of_the_users_has_a_row_of_its_own() -> None:
    def f(w: Any, x: Any) -> Any:
        minus = -w * x
        e = np.exp(minus)
        total = 1 + e
        return 1 / total

    assert operations(f, 0.5, 2.0) == ["-w * x", "np.exp(minus)", "1 + e", "1 / total"]


def test_folded_partials_are_products_along_the_group() -> None:
    rows = by_name(trace_table(trace(lambda x: -2 * np.sin(4 * x), 0.2), folded=True))
    assert rows["v3"].step == 3
    assert dict(rows["v3"].partials) == {"x": pytest.approx(-8 * np.cos(0.8), rel=1e-15)}
    assert [equation.primitive.name for equation in rows["v3"].equations] == ["np.multiply", "np.sin", "np.multiply"]


# Loops and lines.


def test_loops_are_found_by_rows() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x)
        for _ in range(10):
            y = np.sin(y) * x
        return y

    assert trace_table(trace(f, 0.5)).loops == (Loop(start=2, length=2, passes=10),)
    assert trace_table(trace(f, 0.5), folded=True).loops == (Loop(start=2, length=2, passes=10),)


def test_rows_know_the_line_they_come_from() -> None:
    table = trace_table(trace(sigmoid, 0.5, 2.0))
    first = sigmoid.__code__.co_firstlineno
    assert [row.line for row in table.rows] == [0, 0, *[first + 1] * 5]


def test_a_loop_is_one_however_python_optimises_it() -> None:
    def heat(x: Any) -> Any:
        u = np.full(20, 1.0) * x
        for _ in range(100):
            u[1:-1] = u[1:-1] + 0.1 * (u[2:] - u[:-2])
        return u.sum()

    assert trace_table(trace(heat, 2.0)).loops == (Loop(start=2, length=7, passes=100),)


def test_a_constant_result_and_an_input_as_the_result() -> None:
    table = trace_table(trace(lambda x: 3.0, 1.0), mode="both")
    assert [(row.name, row.tangents, row.cotangent) for row in table.rows] == [("x", (1.0,), None)]
    table = trace_table(trace(lambda x: x, 1.0))
    assert [(row.name, row.cotangent) for row in table.rows] == [("x", 1.0)]
    assert isinstance(next(iter(table.names)), Variable)
