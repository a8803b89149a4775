"""What is typed is read and never run."""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.explorer import typed
from diffmagic.notebook.explorer.typed import typed_number

NUMBERS = {
    "0.5": 0.5,
    " -3 ": -3.0,
    "1e-3": 1e-3,
    ".5": 0.5,
    "1_000": 1000.0,
    "pi/4": math.pi / 4,
    "-π": -math.pi,
    "np.pi*2": math.tau,
    "math.e**2": math.e**2,
    "2*(1 + e)": 2 * (1 + math.e),
    "tau/τ": 1.0,
    "2**-3": 0.125,
    "2**3**2": 512.0,
    "+-+1": -1.0,
    "10**15*1e7": 1e22,
}

REFUSED = [
    "",
    "  ",
    "x",
    "np",
    "np.e.real",
    "os.pi",
    "np.inf",
    "inf",
    "nan",
    "1e999",
    "1/0",
    "0**-1",
    "(-8)**(1/3)",
    "10**400",
    "-10**400",
    "9**9**9**9**9",
    "1e308*10 - 1e308*10",
    "1j",
    "True",
    "None",
    "'1'",
    "[1]",
    "(1, 2)",
    "1 if 1 else 2",
    "1 < 2",
    "1 is 1",
    "not 1",
    "~1",
    "7 // 2",
    "7 % 2",
    "1 << 100",
    "f(1)",
    "abs(-1)",
    "print(1)",
    "__import__('os').system('true')",
    "(lambda: 1)()",
    "[x for x in (1,)][0]",
    "x := 1",
    "1; 2",
    "1\n2",
    "1 +",
    ")",
    "(" * 39 + "1" + ")" * 39 + "()",
    "1" + "+1" * 40,
    "\0",
    "１+x",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_and_arithmetic(text: str) -> None:
    assert typed_number(text) == NUMBERS[text]


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(DiffmagicError) as refusal:
        typed_number(text)
    assert "such as" in refusal.value.rewrite


_NUMBER = st.floats(-10, 10).map(lambda x: f"{x:.3g}")


def _arithmetic(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(parts, st.sampled_from("+-*"), parts).map(lambda three: f"({''.join(three)})")


@given(st.recursive(_NUMBER, _arithmetic, max_leaves=4))
def test_arithmetic_is_that_of_floats(text: str) -> None:
    assert typed_number(text) == pytest.approx(eval(text), rel=1e-12, abs=1e-12)


@given(st.text(max_size=90))
def test_no_text_does_anything_else(text: str) -> None:
    with warnings.catch_warnings(action="error"), contextlib.suppress(DiffmagicError):
        assert math.isfinite(typed_number(text))


def test_nothing_is_compiled_or_run() -> None:
    """Only `ast.parse` compiles, and to a tree; no other function is called by a name that is made up."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(typed))) if isinstance(node, ast.Call)]
    assert {ast.unparse(call.func) for call in calls} == {
        "DiffmagicError",
        "_OPERATORS[type(op)]",
        "_SIGNS[type(op)]",
        "_value",
        "ast.parse",
        "float",
        "isinstance",
        "len",
        "math.isfinite",
        "text.isprintable",
        "text.strip",
        "type",
        "warnings.catch_warnings",
        "ast.unparse",
    }
