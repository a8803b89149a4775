"""``%tracecheck`` and ``%%tracecheck`` in an IPython."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from diffmagic.notebook.render import html_of, text_of

Run = Callable[[str], Any]
Output = Callable[[str], str]

STEPS = """\
%%tracecheck x=np.pi/16
v1 = 4 * x        # 0.785398, 4
v2 = np.sin(v1)   # v2 = 0.7071, dv2 = 2.828
v3 = v2**2        # 0.5
v4 = -2 * v3      # {}
v5 = np.exp(v4)   # 0.3678, -2.943, bar = -1
y = x - v5        # -0.1715
"""
ONE_LINE = "def f(x):\n    return x - np.exp(-2 * np.sin(4 * x) ** 2)\n"
MARKDOWN = """\
| name | operation | value | derivative |
|------|-----------|-------|------------|
| v1   | 4x        | 0.785 | 4          |
| v2   | sin²(v1)  | 0.5   | 4          |
| v3   | -2 v2     | 1     | -8         |
| v4   | e^{v3}    | 0.368 | -2.943     |
| v5   | x - v4    | -0.172 | 3.943     |
"""


def test_comments(run: Run) -> None:
    found = run(STEPS.format("-1"))
    assert found
    assert [row.name for row in found.rows] == ["v1", "v2", "v3", "v4", "v5", "y"]
    assert found.columns == ("value", "∂/∂x", "cotangent")
    assert run("v3, y") == pytest.approx((0.5, np.pi / 16 - np.exp(-1)))


def test_the_first_mistake(run: Run) -> None:
    assert (
        text_of(run(STEPS.format("1")))
        == """\
Your table
  row  name  operation      value    ∂/∂x  cotangent  verdict             it is
  1    v1    4 * x       0.785398       4             ✓ right
  2    v2    np.sin(v1)    0.7071   2.828             ✓ right
  3    v3    v2**2            0.5                     ✓ right
  4    v4    -2 * v3            1                     ✗ wrong             -1
  5    v5    np.exp(v4)    0.3678  -2.943         -1  ✓ right, truncated
  6    y     x - v5       -0.1715                     ✓ right

5 of 6 rows are right. The first mistake is row 4, v4: -1, not 1. Perhaps the sign is flipped."""
    )


def test_what_follows(run: Run) -> None:
    cell = "%%tracecheck x=2.0\na = x**2  # 8\nb = a + 1  # 9\nc = 3 * b  # 27\nd = c / b  # 4"
    assert (
        text_of(run(cell))
        == """\
Your table
  row  name  operation  value  verdict               it is
  1    a     x**2           8  ✗ wrong               4
  2    b     a + 1          9  ✗ follows from row 1  5
  3    c     3 * b         27  ✗ follows from row 1  15
  4    d     c / b          4  ✗ wrong               3

0 of 4 rows are right. The first mistake is row 1, a: 4, not 8; rows 2 and 3 follow from it. Row 4
  is a mistake of its own."""
    )


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(
    "table",
    [
        f'"""\n{MARKDOWN}"""',
        "".join(f"# {line}\n" for line in MARKDOWN.splitlines()),
        '{"v1": (0.785, 4), "v2": (0.5, 4), "v3": (1, -8), "v4": (0.368, -2.943), "v5": (-0.172, 3.943)}',
        '[["v1", 0.785], ["sin(v1)**2", 0.50], ["v3", 1.5], ["v4", 0.368], ["v5", -0.172]]',
    ],
)
def test_a_table_below_the_function(run: Run, table: str, wrong: bool) -> None:
    function = "def f(x):\n    a = np.sin(4 * x) ** 2\n    return x - np.exp(-2 * a)\n"
    text = table if wrong else table.replace("| 1 ", "| -1 ").replace("(1, ", "(-1, ").replace("1.5", "-1")
    assert text != table or wrong
    found = run(f"%%tracecheck x=np.pi/16\n{function}{text}")
    assert [row.verdict for row in found.rows] == ["right", "right", "wrong" if wrong else "right", "right", "right"]
    assert run("f(0.0)") == -1.0


def test_a_docstring(run: Run) -> None:
    table = MARKDOWN.replace("\n", "\n    ")
    found = run(f'%%tracecheck x=np.pi/16\ndef f(x):\n    """Of a book.\n\n    {table}"""\n    {ONE_LINE[14:]}')
    assert found.first == 3


def test_a_table_below_steps(run: Run) -> None:
    found = run('%%tracecheck x=2.0\na = x * x\nb = a + 1\n{"b": 5, "a": 4.5}')
    assert [row.verdict for row in found.rows] == ["right", "wrong"]
    assert run("b") == 5.0


@pytest.mark.parametrize("line", ["%tracecheck f x=np.pi/16 --table mine", "%%tracecheck x=np.pi/16 --table mine\n"])
def test_a_table_by_name(run: Run, line: str) -> None:
    run(f"{ONE_LINE}mine = {{'v1': 0.785, 'v2': 0.707, 'v3': 0.51}}")
    found = run(line + (ONE_LINE if "%%" in line else ""))
    assert found.first == 3
    assert text_of(found).endswith("The first mistake is row 3, v3: 0.50, not 0.51.")


def test_the_notebook_stays_as_it_is(shell: InteractiveShell, run: Run) -> None:
    run(STEPS.format("-1").replace("%%tracecheck x=np.pi/16\n", "%%tracecheck x=np.pi/16\nprint('once')\n"))
    assert not [name for name in shell.user_ns if "diffmagic" in name]
    run("%%tracecheck x=1.0\ndef g(x):\n    a = 2 * x  # 2\n    return a  # 2")
    assert run("import inspect\ninspect.getsource(g)") == "def g(x):\n    a = 2 * x  # 2\n    return a  # 2\n"
    assert run("g(3.0)") == 6.0


def test_it_prints_once(output: Output) -> None:
    assert output("%%tracecheck x=1.0\nprint('once')\ny = 2 * x  # 2").count("once") == 1


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("y = x  # 2\nz = y * 3  # 6", {"y": 2.0, "z": 6.0}),
        ("def double(a):\n    return 2 * a\ny = double(x)  # 4\nz = y + 1", {"y": 4.0}),
        ("y = 1.0\nfor k in range(3):\n    y = y * x  # 8", {"y": 8.0}),
        ("y = x\ny += 3  # 5\ny *= 2  # 10", {"y": 10.0}),
        ("import math\ny = math.sqrt(x)  # 1.414\nfloat(y)", {"y": 2**0.5}),
        ("c = 3.0  # 3\ny = c * x", {"c": 3.0}),
        ("if x > 3:\n    y = x  # 17\nelse:\n    y = -x  # -2\ny", {"y": -2.0}),
        ("y: float = (x +\n     1)  # 3", {"y": 3.0}),
        ("a = 2; b = a * x  # 4\nb", {"b": 4.0}),
        ("σ = 1 / x  # 0.5\nσ", {"σ": 0.5}),
        ("y = 3 * x\ny + 1  # 7", {"": 7.0}),
        ("a, b = 2 * x, x**3  # 4, 8\na * b", {"a": 4.0, "b": 8.0}),
        ("[a, b] = divmod(7.0, 4.0)  # a = 1, b = 3\na * x", {"a": 1.0, "b": 3.0}),
    ],
)
def test_what_stands_before_a_comment(run: Run, cell: str, values: dict[str, float]) -> None:
    found = run(f"%%tracecheck x=2.0\n{cell}")
    assert found
    assert {row.name: row.cells[0].true for row in found.rows} == pytest.approx(values)


def test_arrays_on_the_way(run: Run) -> None:
    run("X = np.arange(6.0).reshape(3, 2)\nt = np.array([1.0, 0.0, 1.0])")
    found = run(
        "%%tracecheck w=np.array([0.5, -0.25])\nr = X @ w - t\nloss = np.mean(r**2)  # 0.5625\nhalf = loss / 2  # 0.4"
    )
    assert [row.verdict for row in found.rows] == ["right", "wrong"]


def test_notes(run: Run) -> None:
    found = run("%%tracecheck x=2, k=3.0\ny = x**2  # 4.0, 4\nz = y + k  # 7.0 or so\nif z > 9:\n    u = z  # 3\nz")
    assert found.notes == [
        "x is an integer, which is taken as float",
        "line 3: the comment “7.0 or so” is not read as a claim",
        "line 5 was not run, so u is not checked",
        "the derivatives are taken for those with respect to x",
    ]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("a, b = 2 * x, 3 * x  # 4\ny = a + b  # 10", "line 2: the comment “4”"),
        ("a = [0.0]\na[0] = 2 * x  # 5\ny = a[0] * 2  # 8", "line 3: the comment “5”"),
        ("y = x * 2  # 4\ny, x  # 4, 2", "line 3: the comment “4, 2”"),
    ],
)
def test_comments_that_are_not_read_are_told(run: Run, cell: str, said: str) -> None:
    found = run(f"%%tracecheck x=2.0\n{cell}")
    assert f"{said} is not read as a claim" in found.notes
    assert found


def test_several_names_keep_the_result(run: Run) -> None:
    found = run("%%tracecheck x=2.0\na, b = 2 * x, x**3  # 4, 9")
    assert [(row.name, row.operation, row.verdict) for row in found.rows] == [
        ("a", "2 * x", "right"),
        ("b", "x**3", "wrong"),
    ]
    assert run("a, b") == (4.0, 8.0)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page(run: Run) -> None:
    page = html_of(run("%%tracecheck x=1.0\ny = 2 * x\n{'y': 2, '2*x <script>': '3'}"))
    assert "<script>" not in page
    assert "2*x &lt;script&gt;" in page
    page = html_of(run(STEPS.format("1")))
    assert "✗ wrong" in page
    assert "✓ right, truncated" in page
    reader = _Tags()
    reader.feed(page)
    tags = [tag for tag, _ in reader.found]
    assert tags.count("caption") == tags.count("table") == 1
    assert sum(attributes.get("scope") == "row" for _, attributes in reader.found) == 6
    assert sum(attributes.get("scope") == "col" for _, attributes in reader.found) == 8


def test_wide_tables_fit(run: Run) -> None:
    names = [f"a_rather_long_name_of_a_step_{k}" for k in range(3)]
    lines = [
        f"{name} = np.sin({before}) * 2.0 + 1.0  # 0.5, 1, 2, 3"
        for name, before in zip(names, ["x", *names[:2]], strict=True)
    ]
    text = text_of(run("%%tracecheck x=1.0, y=2.0, z=3.0\n" + "\n".join(lines) + f"\n{names[-1]} * y * z"))
    assert max(map(len, text.splitlines())) <= 100


def test_options(run: Run) -> None:
    assert run("%%tracecheck x=1.0 --quiet -o kept\ny = 2 * x  # 3") is None
    assert not run("kept")
    found = run("%%tracecheck x=np.pi --digits 3\ny = 2 * x  # π")
    assert found.rows[0].cells[0].shown == "6.28"
    found = run("%%tracecheck x=1.0, y=2.0 --wrt y\nz = x * y  # 2, 1")
    assert found.columns == ("value", "∂/∂y")
    assert found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%tracecheck x=1.0\nx + 1", "there is nothing to check: no number is claimed"),
        ("%tracecheck np.sin x=1.0", "there is nothing to check"),
        ("%tracecheck", "there is no function on the line"),
        ("%%tracecheck x=1.0 --tabel t\nx + 1", "there is no option --tabel\n  Instead: --table"),
        ("%%tracecheck x=1.0 --table t\nx + 1", "the table cannot be evaluated: t\nNameError"),
        ("%%tracecheck x=1.0 --table 3\nx + 1", "a value of type int is no table"),
        ("%%tracecheck t x=1.0\nx + 1  # 2", "t on the magic's line is neither an input nor an option"),
        ("%%tracecheck x=1.0\ny = x  # 1\n{'y': 1}", "numbers are claimed in more than one place"),
        ("%%tracecheck x=1.0\nx\n{'y': 'two', 'z': 1}", "y: two is not a number"),
        ("%%tracecheck x=1.0\ny = x  # 1,5", "1,5 has a decimal comma\n  Instead: 1.5"),
        ("%%tracecheck x=1.0\ny = str(x)  # 1.0\nx", "row 1, y, is a str, and a row claims one real number"),
        ("%%tracecheck x=1.0\ny = x * np.ones(2)  # 1.0\ny", "row 1, y, is an array of shape (2,)"),
        ("%%tracecheck x=1.0j\ny = x * 2  # 1.0", "a row claims one real number"),
        ("%%tracecheck x=1.0\ny = x * np.ones(2)\nz = y[0]  # 1.0, bar = 1\ny", "so there are no cotangents"),
        ("%%tracecheck x=np.ones(2)\nz = x[0]  # 1.0, 1", "the inputs are arrays"),
        ("%%tracecheck x=1.0\ny = x +  # 1.0", "SyntaxError"),
        ("%%tracecheck x=1.0\ny = undefined_name * x  # 1.0", "NameError"),
        ("%%tracecheck x=1.0\n{'y': 1}", "the cell is empty"),
    ],
)
def test_what_is_refused(output: Output, source: str, message: str) -> None:
    said = output(source)
    assert message in said
    assert "_diffmagic" not in said
    assert "trace_check/" not in said


@pytest.mark.parametrize("last", ["raise RuntimeError('mine')", "y = 1 / 0  # 2", "y = x  # 1,5", "y = str(x)  # 2.0"])
def test_after_an_error_the_notebook_is_as_it_was(shell: InteractiveShell, output: Output, last: str) -> None:
    shell.user_ns.update(kept=[1.0, 2.0], x="mine")
    before = {name: value for name, value in shell.user_ns.items() if not name.startswith("_")}
    output(f"%%tracecheck x=1.0\nkept.append(3.0)\na = 2 * x  # 2\n{last}")
    assert {name: value for name, value in shell.user_ns.items() if not name.startswith("_")} == before
    assert shell.user_ns["kept"] == [1.0, 2.0]
    assert not [name for name in shell.user_ns if "diffmagic" in name]
