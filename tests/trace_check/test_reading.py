"""What people write in trace tables: numbers as they print them, mathematics, comments, tables of all kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import diffmagic
from diffmagic import DiffmagicError
from diffmagic.results import TraceCheck
from diffmagic.trace_check import check_table, claims_in_comment, claims_of, sheet_of
from diffmagic.trace_check.notation import formula, known_name, number

E1, E2, R2 = math.exp(-1), math.exp(2), math.sqrt(2)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0.7853", 0.7853, 1e-4),
        ("−0.50", -0.5, 0.01),
        ("12", 12, 0),
        ("1.20e3", 1200, 10),
        ("π/4", math.pi / 4, 0),
        ("2√2", 2 * R2, 0),
        ("√2/2", R2 / 2, 0),
        ("½", 0.5, 0),
        ("1 + 8/e", 1 + 8 * E1, 0),
        ("1 + e²", 1 + E2, 0),
        (r"$\frac{\pi}{16} - \frac{1}{e}$", math.pi / 16 - E1, 0),
        ("≈ 0.785", 0.785, 1e-3),
        ("π/4 ≈ 0.785", 0.785, 1e-3),
        ("0.693 + 10", 10.693, 1e-3),
        ("np.pi/4", math.pi / 4, 0),
        ("**0.5**", 0.5, 0.1),
    ],
)
def test_numbers(text: str, value: float, unit: float) -> None:
    found = number(text)
    assert found is not None
    assert found.value == pytest.approx(value, rel=1e-15)
    assert found.unit == pytest.approx(unit, rel=1e-9)


@pytest.mark.parametrize("text", ["", "x", "sin", "2.5.1", "1/2x", "1/2π", "0.5 or so", "[1]", "__import__('os')"])
def test_no_numbers(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("claimed", "true", "how"),
    [
        ("0.7853", 0.78539816, "truncated"),
        ("0.7854", 0.78539816, "rounded"),
        ("0.7855", 0.78539816, ""),
        ("0.7852", 0.78539816, ""),
        ("-0.7853", -0.78539816, "truncated"),
        ("-0.7853", 0.78539816, ""),
        ("-0.00", 0.004, "rounded"),
        ("0.00", 0.009, "truncated"),
        ("0.00", 0.01, ""),
        ("1", 1.3, ""),
        ("1", 1.0 + 1e-13, "exact"),
        ("0.1", 0.1, "exact"),
        ("inf", math.inf, "exact"),
        ("1.0", math.inf, ""),
    ],
)
def test_what_a_printed_number_claims(claimed: str, true: float, how: str) -> None:
    found = number(claimed)
    assert found is not None
    assert found.agrees(true) == how


NUMBERS = {"x": 0.7, "x1": 0.3, "v-1": 1.7, "v0": 2.3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4x1", 4 * 0.3),
        ("-2 sin²(x)", -2 * math.sin(0.7) ** 2),
        ("ln v₋₁", math.log(1.7)),
        ("v−1 × v0", 1.7 * 2.3),
        ("sin x cos x", math.sin(0.7) * math.cos(0.7)),
        ("sin 4x", math.sin(2.8)),
        ("x₁x", 0.21),
        ("e^{x}", math.exp(0.7)),
        (r"\frac{1}{v_0}", 1 / 2.3),
        (r"\sin(v_{-1}) \cdot x", math.sin(1.7) * 0.7),
        ("1/(1+np.exp(-x))", 1 / (1 + math.exp(-0.7))),
        ("σ(x)", 1 / (1 + math.exp(-0.7))),
        ("x**2/2", 0.245),
        ("-x^2", -0.49),
        ("2^x^2", 2**0.49),
        ("np.power(x, 3)", 0.343),
        ("√x", math.sqrt(0.7)),
        ("x - 1", -0.3),
        ("exp(-x)²", math.exp(-1.4)),
    ],
)
def test_operations(text: str, value: float) -> None:
    found = formula(text, {name: name for name in NUMBERS})
    assert found is not None
    assert float(found.compute(*[NUMBERS[name] for name in found.reads])) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("text", ["1/2x", "foo(x)", "x +", "(x", "x y", "", "x.real", "x if x else 1", "x = 1"])
def test_what_is_no_operation(text: str) -> None:
    assert formula(text, {"x": "x"}) is None


def test_minus_one_beside_a_name_of_its_own() -> None:
    found = formula("v-1", {"v": "v", "v-1": "v-1"})
    assert found is not None
    assert found.reads == ("v",)


@pytest.mark.parametrize("text", ["v₋₁", "v_{-1}", "$v_{-1}$", "v-1", "v−1", "**v_{-1}**", "`v-1`"])
def test_one_name_in_many_forms(text: str) -> None:
    assert known_name(text) == "v-1"


VALUE = [("value", "")]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("0.785", VALUE),
        ("0.785, 4", [*VALUE, ("tangent", "")]),
        ("0.785, 4, 0", [*VALUE, ("tangent", "x1"), ("tangent", "x2")]),
        ("v = 0.785, dv = 4", [*VALUE, ("tangent", "")]),
        ("v = 0.785; ∂v/∂x2 = 4; bar = 1", [*VALUE, ("tangent", "x2"), ("cotangent", "")]),
        ("= 1.5", VALUE),
        ("≈ 0.785", VALUE),
        ("-> -0.785", VALUE),
        ("adjoint: 3.2", [("cotangent", "")]),
        ("dy/dv = 3.2", [("cotangent", "")]),
        ("ẋ₁ = 2", [("tangent", "x1")]),
        ("the 2nd step", []),
        ("(3)", []),
        ("pi", []),
        ("uses x = 3 here", []),
    ],
)
def test_comments(text: str, columns: list[tuple[str, str]]) -> None:
    assert list(claims_in_comment(text, "v", ["x1", "x2"], "y")) == columns


@pytest.mark.parametrize("text", ["1, 2, 3, 4", "v = 1, v = 2", "0.1, 0.2, 0.3, 0.4, 0.5"])
def test_comments_that_are_not_clear(text: str) -> None:
    with pytest.raises(DiffmagicError, match="it is not clear what the numbers of v are"):
        claims_in_comment(text, "v", ["x1", "x2"], "y")


HEADS = {
    "value": ["value", "Current Value", "val", "numerical value", "Forward primal trace"],
    "tangent x1": ["∂/∂x1", "dv/dx1", "D_{x_1}", "ẋ₁", "tangent x1", r"$\frac{\partial v}{\partial x_1}$", "∇x1"],
    "tangent": ["derivative", "tangent", "v̇", "dv", "v'", "deriv.", "D", "dot"],
    "cotangent": ["adjoint", "cotangent", "bar", "v̄", "∂y/∂v", "dy/dv_i", r"$\frac{\partial y}{\partial v_i}$"],
}


@pytest.mark.parametrize(("kind", "head"), [(kind, head) for kind, heads in HEADS.items() for head in heads])
def test_heads(kind: str, head: str) -> None:
    claims, notes = claims_of(sheet_of([["name", head], ["v1", "2.5"]]), ["x1", "x2"], "y")
    assert [" ".join(column).strip() for column in claims[0].numbers] == [kind]
    assert notes == []


class Frame:
    """As much of a data frame as is read."""

    columns = ("name", "value", "D_x")

    def itertuples(self, index: bool = True) -> list[tuple[Any, ...]]:
        return [(0, "a", 2.0, 2.0), (1, "b", 4.0, 8.0)]


class IndexedFrame:
    """The same with the names in its index."""

    columns = ("value", "D_x")

    def itertuples(self, index: bool = True) -> list[tuple[Any, ...]]:
        return [("a", 2.0, 2.0), ("b", 4.0, 8.0)]


def check(table: Any) -> TraceCheck:
    program = diffmagic.trace(lambda x: (2 * x) ** 2, 1.0)
    return check_table(program, claims_of(sheet_of(table), ["x"], "y")[0])


TABLES = {
    "Markdown": "| | value | derivative |\n|---|:-:|--:|\n| $a$ | **2.0** | 2 |\n| $b$ | 4.0 | 8 |",
    "Markdown without a head": "| a | 2.0 | 2 |\n| b | 4.0 | 8 |",
    "pairs": {"a": (2.0, 2), "b": (4.0, 8)},
    "columns": {"name": ["a", "b"], "value": [2.0, 4.0], "dx": [2, 8]},
    "records": [{"name": "a", "value": 2.0, "dv/dx": 2}, {"name": "b", "value": 4.0, "dv/dx": 8}],
    "dicts by name": {"a": {"value": 2.0, "tangent": 2}, "b": {"value": 4.0, "tangent": 8}},
    "rows": [("a", 2.0, 2), ("b", 4.0, 8)],
    "rows with a head": [("variable", "op", "val", "∂x"), ("a", "2x", "2.0", "2"), ("b", "a²", "4.0", "8")],
    "an array": np.array([["a", "2.0", "2"], ["b", "4.0", "8"]]),
    "a data frame": Frame(),
    "a data frame with an index": IndexedFrame(),
    "equations": "| step | value | D_x |\n|---|---|---|\n| a = 2x | 2.0 | 2 |\n| b = a^2 | 4.0 | 8 |",
    "numbered": "| step | name | value | local partial | D_x |\n|-|-|-|-|-|\n"
    "| 1 | a | 2.0 | 2 | 2 |\n| 2 | b | 4.0 | 2a | 8 |",
    "empty cells": "| name | value | D_x |\n|-|-|-|\n| a | – | 2 |\n| b | 4.0 | |\n| c | | |",
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables(kind: str) -> None:
    found = check(TABLES[kind])
    assert found
    assert [row.name.strip("$") for row in found.rows] == ["a", "b"]
    assert found.columns == ("value", "∂/∂x")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "the table has no rows"),
        (3.0, "a value of type float is no table"),
        ([1.0, 2.0], "not one of rows"),
        ("no table", "no Markdown table"),
        ({"a": "many"}, "no number is claimed"),
        ({"a": "0,5"}, "0,5 has a decimal comma\n  Instead: 0.5"),
        ("| name | value |\n|-|-|\n| a | 2 |\n| b | two |", "b: two is not a number"),
        ("| name | colour |\n|-|-|\n| a | 2 |", "column “colour” is not known\n  Instead: columns name, operation"),
        ("| value |\n|-|\n| 2 |", "no column of names"),
        ("| name | op | value |\n|-|-|-|\n| a | 2*z | 2 |", "reads z, which is neither a row nor an input"),
        ("| name | op | value |\n|-|-|-|\n| a | 2*b | 2 |\n| b | 2*a | 4 |", "in a circle: row 1, a"),
        ("| name | op | value |\n|-|-|-|\n| a | 2x | 2 |\n| a | x² | 4 |", "a stands in rows 1 and 2"),
    ],
)
def test_what_is_refused(table: Any, message: str) -> None:
    with pytest.raises(DiffmagicError) as error:
        check(table)
    assert message in str(error.value)
