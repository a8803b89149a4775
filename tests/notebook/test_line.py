"""The line of a magic."""

from __future__ import annotations

import pytest

from diffmagic import DiffmagicError
from diffmagic.notebook.grad import GRAD
from diffmagic.notebook.line import MagicLine, read_line
from diffmagic.notebook.symdiff import SYMDIFF


def read(line: str) -> MagicLine:
    return read_line(line, GRAD)


@pytest.mark.parametrize(
    ("line", "inputs"),
    [
        ("w=0.5, x=2.0", {"w": "0.5", "x": "2.0"}),
        ("w=0.5 x=2.0", {"w": "0.5", "x": "2.0"}),
        ("w = 0.5", {"w": "0.5"}),
        ("x=1 + 2 y=3", {"x": "1 + 2", "y": "3"}),
        ("x=a == b, y=(c<=d)", {"x": "a == b", "y": "(c<=d)"}),
        ("x=a -b y=2", {"x": "a -b", "y": "2"}),
        ("x=[1, 2], y={'a': 1, 'b': (2, 3)}", {"x": "[1, 2]", "y": "{'a': 1, 'b': (2, 3)}"}),
        ("s='p=3, q' t=\"--trace #\"", {"s": "'p=3, q'", "t": '"--trace #"'}),
        (r"s='it\'s x=1' t=2", {"s": r"'it\'s x=1'", "t": "2"}),
        ("x=f(a=1, b=2) # y=3", {"x": "f(a=1, b=2)"}),
        ("x=1,", {"x": "1"}),
        ("σ=1.0", {"σ": "1.0"}),
        ("ϵ=0.1, x\u0302=1.0 v\u20d7=2", {"ε": "0.1", "x\u0302": "1.0", "v\u20d7": "2"}),
        ("x=(lambda t, k=2: t**k)(3.0), y=2", {"x": "(lambda t, k=2: t**k)(3.0)", "y": "2"}),
        ("", {}),
    ],
)
def test_inputs(line: str, inputs: dict[str, str]) -> None:
    found = read(line)
    assert found.inputs == inputs
    assert not found.subject


def test_options_and_inputs_in_any_order() -> None:
    found = read("--wrt w, b, w=1 --mode=forward x=2 --seed [1, 0] --trace -o d --digits 4")
    assert found.inputs == {"w": "1", "x": "2"}
    options = found.options
    assert (options.wrt, options.mode, options.seed, options.out, options.digits) == (
        "w, b",
        "forward",
        "[1, 0]",
        "d",
        4,
    )
    assert options.trace


@pytest.mark.parametrize("line", ["x[0]=1.0", "p['a']=1.0", "'x'=1.0", "(x=1.0)"])
def test_what_is_no_name_is_no_input(line: str) -> None:
    assert read(line).inputs == {}
    assert read(line).subject == line


@pytest.mark.parametrize("line", ["loss w=w0 --trace", "--trace loss w=w0", "--digits 3 loss w=w0", "loss, w=w0"])
def test_subject(line: str) -> None:
    found = read(line)
    assert found.subject == "loss"
    assert found.inputs == {"w": "w0"}


def test_ranges() -> None:
    found = read("x=-1:n[0:2][1], y=2 --wrt a")
    assert (found.inputs, found.ranges) == ({"y": "2"}, {"x": ("-1", "n[0:2][1]")})
    with pytest.raises(DiffmagicError, match="ranges are for curves"):
        read_line("x=1:3", SYMDIFF)


def test_semicolon() -> None:
    assert read("loss w=1;").silent
    assert read("loss w=1 ; ").inputs == {"w": "1"}
    assert not read("loss s=';'").silent


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x=1:3:2", "x=1:3:2 is no range"),
        ("x=1:", "x=1: is no range"),
        ("x=", "x has no value"),
        ("x=(1", "a bracket is not closed"),
        ("x=1)", "closes nothing"),
        ("x='a", "a quote is not closed"),
        ("x=1, 2", "Instead: x=(1, 2) if you mean a tuple"),
        ("x=1 x=2", "x is given twice"),
        ("x=1 --order 2 --order 3", "--order is given twice"),
        ("lambda=1.0", "lambda is a word of Python and cannot be a name\n  Instead: lambda_=1.0"),
        ("f=lambda t, k: t, x=1", "the lambda after f= goes on after a comma\n  Instead: f=(lambda …)"),
        ("f=lambda t, k=2: t, x=1", "the lambda after f= goes on after a comma"),
        ("--trac", "there is no option --trac\n  Instead: --trace"),
        ("--tra", "there is no option --tra\n  Instead: --trace"),
        ("--trace=3", "--trace takes no value"),
        ("--wrt", "--wrt needs a value"),
        ("--mode revers", "Instead: reverse"),
        ("--digits many", "invalid int value"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        read(line)
    assert message in str(caught.value)
