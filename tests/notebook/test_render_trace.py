"""What a trace table looks like: text, HTML, Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.mathtext import MathTextParser

from diffmagic import DiffmagicError, trace
from diffmagic.core.latex import symbol
from diffmagic.notebook.render import html_of, text_of
from diffmagic.notebook.render.columns import width, wrapped
from diffmagic.results import TraceTable
from diffmagic.trace_table import trace_table
from tests.test_textbooks import TABLES, Table, auto_ed, babylon, baydin

Run = Callable[[str], Any]


@dataclass
class Shown:
    """A rendered table: of each row, by name, the cells by the column's head; and what is folded."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    folds: list[str] = field(default_factory=list)


def read_text(text: str) -> Shown:
    """The tables that stand one below the other, as one."""
    shown = Shown()
    for part in text.split("\n\n"):
        if not part.startswith("step"):
            continue
        lines = ["".join(letter + "\0" * (width(letter) - 1) for letter in line) for line in part.split("\n")]
        shown.folds += [line.split("…  ")[1] for line in lines if line.startswith("   …  ")]
        rule = next(k for k, line in enumerate(lines) if line.startswith("─"))
        rows = [line.ljust(100) for line in lines if not line.startswith(("─", "   …  "))]
        blank = "".join(" " if set(letters) == {" "} else "x" for letters in zip(*rows, strict=True))
        columns = [found.span() for found in re.finditer("x+( x+)*", blank)]
        table = [[row[start:end] for start, end in columns] for row in rows]
        heads = [" ".join(" ".join(head).split()) or "name" for head in zip(*table[:rule], strict=True)]
        for cells in table[rule:]:
            row = dict(zip(heads, cells, strict=True))
            name = row.get("name", row.get("operation", ""))
            if row["step"].strip() or (name.strip() and not name.startswith(" ") and row.get("value", "0").strip()):
                current = shown.rows.setdefault(name.split(" = ")[0].strip(), {})
                current |= dict.fromkeys(heads, "")
            for head, cell in row.items():
                current[head] = f"{current[head]} {cell.strip()}".strip().replace("\0", "")
    return shown


class Cells(HTMLParser):
    """The outer table's rows as lists of text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.depth = 0
        self.closed = False
        self.summaries: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.depth += tag == "table" and not self.closed
        if self.depth == 1 and tag == "tr":
            self.rows.append([])
        elif self.depth == 1 and tag in ("td", "th"):
            self.rows[-1].append("")
        elif self.depth == 1 and tag == "br":
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "table" and not self.closed
        self.closed = self.depth == 0

    def handle_data(self, data: str) -> None:
        if self.inside == "summary":
            self.summaries.append(data)
            self.inside = ""
        elif self.depth == 1 and self.rows:
            self.rows[-1][-1] += data


def number(cell: str) -> float:
    """What stands before the sum in a cell; NaN for an array."""
    return float("nan") if cell.startswith("[") else float(cell.split(" = ")[0])


def read_html(page: str, table: TraceTable) -> Shown:
    """The trace table of a page."""
    names = {symbol(row.name): row.name for row in table.rows}
    reader = Cells()
    reader.feed(page[page.index("<table") :])
    head, *rows = reader.rows
    shown = Shown(folds=reader.summaries)
    for row in rows:
        if len(row) == len(head):
            cells = {name: " ".join(cell.split()) for name, cell in zip(head, row, strict=True)}
            left = cells["operation"].removeprefix(r"$\displaystyle ").removesuffix("$").split(" = ")[0]
            shown.rows[names[left]] = cells
    return shown


@pytest.mark.parametrize(
    "read", [lambda t: read_text(text_of(t)), lambda t: read_html(html_of(t), t)], ids=["text", "html"]
)
@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("book", TABLES.values(), ids=TABLES)
def test_published_values_tangents_and_cotangents(book: Table, folded: bool, read: Callable[[Any], Shown]) -> None:
    """All that the book prints stands in the rendered table, at the printed precision or at the eight digits shown."""
    program = trace(book.f, *book.point)
    table = trace_table(program, mode="both", folded=folded, result="f")
    shown = read(table)
    seed = program.names()[program.inputs[book.seed]]
    rounding = max(book.digits, 1e-7)

    def close(row: dict[str, str], column: str, value: float | None, sign: int) -> bool:
        return value is None or sign * number(row[column]) == pytest.approx(value, rel=rounding, abs=1e-8)

    for value, tangent, cotangent in book.rows:
        # a book's row may be one of ours with the sign taken out, or folded into the next
        assert folded or any(
            close(row, "value", value, sign)
            and close(row, f"tangent ∂/∂{seed}", tangent, sign)
            and close(row, "cotangent ∂f/∂·", cotangent, sign)
            for row in shown.rows.values()
            for sign in (1, -1)
        ), (value, tangent, cotangent)
    if folded:
        whole = read(trace_table(program, mode="both", result="f")).rows
        columns = ["value", f"tangent ∂/∂{seed}", "cotangent ∂f/∂·"]
        assert len(shown.rows) > len(program.inputs)
        for name, row in shown.rows.items():
            assert [row[column] for column in columns] == [whole[name][column] for column in columns]
    for variable, derivative in zip(program.inputs, book.gradient, strict=True):
        assert close(shown.rows[program.names()[variable]], "cotangent ∂f/∂·", derivative, 1)


def test_the_sum_of_the_uses_is_spelt_out() -> None:
    table = trace_table(trace(auto_ed, 1.0, 2.0), result="f")
    for shown in (read_text(text_of(table)), read_html(html_of(table), table)):
        assert shown.rows["xy"]["cotangent ∂f/∂·"] == "8.3890561 = 1.0 + 7.3890561"
    table = trace_table(trace(baydin, 2.0, 5.0), result="f")
    assert (
        read_text(
            text_of(
                table,
            )
        ).rows["x2"]["cotangent ∂f/∂·"]
        == "1.7163378 = -0.28366219 + 2.0"
    )


def test_a_sum_of_many_uses_is_short() -> None:
    table = trace_table(trace(babylon, 2.0), mode="reverse")
    assert (
        read_text(text_of(table)).rows["x"][f"cotangent ∂{table.result}/∂·"] == "0.35355339 = 0.35355339 + … (12 uses)"
    )


def test_baydin_as_text(run: Run) -> None:
    found = run("%%grad x1=2.0, x2=5.0 --trace --rows one\nv1 = np.log(x1)\ny = v1 + x1 * x2 - np.sin(x2)")
    assert text_of(found).split("\n\ny = ")[0] == (
        """\
step  line  operation        with numbers                value       local partials
────────────────────────────────────────────────────────────────────────────────────────────────────
            x1                                           2.0
            x2                                           5.0
   1  2     v1 = np.log(x1)  np.log(2.0)                 0.69314718  ∂/∂x1 = 1 / x1 = 0.5
   2  3     v2 = x1 * x2     2.0 * 5.0                   10.0        ∂/∂x1 = x2 = 5.0
                                                                     ∂/∂x2 = x1 = 2.0
   3  3     v3 = v1 + v2     0.69314718 + 10.0           10.693147   ∂/∂v1 = 1
                                                                     ∂/∂v2 = 1
   4  3     v4 = np.sin(x2)  np.sin(5.0)                -0.95892427  ∂/∂x2 = np.cos(x2) = 0.28366219
   5  3     y = v3 - v4      10.693147 - (-0.95892427)   11.652071   ∂/∂v3 = 1
                                                                     ∂/∂v4 = -1

step      tangent  tangent      cotangent
          ∂/∂x1    ∂/∂x2        ∂y/∂·
───────────────────────────────────────────────────
      x1  1.0      0            5.5
                                = 5.0 + 0.5
      x2  0        1.0          1.7163378
                                = -0.28366219 + 2.0
   1  v1  0.5      0            1.0
   2  v2  5.0      2.0          1.0
   3  v3  5.5      2.0          1.0
   4  v4  0        0.28366219  -1.0
   5  y   5.5      1.7163378    1.0

Chain rule for x1
    ∂y/∂x1 = ∂y/∂v3 · ∂v3/∂v1 · ∂v1/∂x1 + ∂y/∂v3 · ∂v3/∂v2 · ∂v2/∂x1
  = 1 · 1 · 0.5 + 1 · 1 · 5.0 = 5.5

Chain rule for x2
    ∂y/∂x2 = ∂y/∂v3 · ∂v3/∂v2 · ∂v2/∂x2 + ∂y/∂v4 · ∂v4/∂x2
  = 1 · 1 · 2.0 + (-1) · 0.28366219 = 1.7163378"""
    )


def test_folded_rows_as_text(run: Run) -> None:
    found = run("%%grad w=0.5, x=2.0 --trace --rows folded --mode reverse\n1 / (1 + np.exp(-w * x))")
    assert text_of(found).startswith(
        """\
step  operation            with numbers       value       local partials
─────────────────────────────────────────────────────────────────────────────────────────
      w                                       0.5
      x                                       2.0
   2  v2 = -w * x          -0.5 * 2.0        -1.0         ∂/∂w = -x = -2.0
                                                          ∂/∂x = -w = -0.5
   4  v4 = 1 + np.exp(v2)  1 + np.exp(-1.0)   1.3678794   ∂/∂v2 = np.exp(v2) = 0.36787944
   5  v5 = 1 / v4          1 / 1.3678794      0.73105858  ∂/∂v4 = -v5 / v4 = -0.53444665
"""
    )


def test_formulas_in_html(run: Run) -> None:
    found = run("%%grad w=0.5, x=2.0 --trace --digits 4\n1 / (1 + np.exp(-w * x))")
    shown = read_html(html_of(found), found.trace)
    assert shown.rows["v5"]["operation"] == r"$\displaystyle v_{5} = \frac{1}{v_{4}}$"
    assert shown.rows["v5"]["with numbers"] == r"$\displaystyle \frac{1}{1.368}$"
    assert shown.rows["v5"]["local partials"] == (
        r"$\displaystyle \frac{\partial v_{5}}{\partial v_{4}} = -\frac{v_{5}}{v_{4}} = -0.5344$"
    )
    assert (shown.rows["v5"]["value"], shown.rows["v3"]["cotangent ∂v5/∂·"]) == ("0.7311", "-0.5344")


# Loops and long tables.


LOOP = "%%grad x=1.5 --trace\ny = 1.0\nfor k in range(100):\n    z = y * x\n    y = np.sin(z)"


def test_a_loop_shows_its_first_and_its_last_pass(run: Run) -> None:
    found = run(LOOP)
    shown = read_text(text_of(found))
    assert list(shown.rows) == ["x", "z", "y", "z_100", "y_100"]
    assert shown.folds == ["98 more passes of lines 4–5"] * 2  # in each of the two tables
    page = html_of(found)
    shown = read_html(page, found.trace)
    assert list(shown.rows) == ["x", "z", "y", "z_100", "y_100"]
    assert shown.folds == ["98 more passes of lines 4–5"]
    opened = page[page.index("<details>") : page.index("</details>")]
    assert ">Steps 3 to 198</caption>" in opened
    assert page.count(">Trace table</caption>") == 1
    assert opened.count("<tr>") == 1 + 2 * 98
    assert r"$\displaystyle y_{50} = \sin(z_{50})$" in opened


def test_short_loops_are_left_alone() -> None:
    def f(x: Any) -> Any:
        for _ in range(6):
            x = np.sin(x) * 2
        return x

    table = trace_table(trace(f, 1.0))
    assert read_text(text_of(table)).folds == []
    assert len(read_html(html_of(table), table).rows) == 13


def test_a_loop_whose_passes_differ_counts_no_passes() -> None:
    def f(x: Any) -> Any:
        for k in range(60):
            x = np.sin(x) if k % 3 else np.cos(x)
        return x

    (line,) = {f.__code__.co_firstlineno + 2}
    table = trace_table(trace(f, 1.0), mode="reverse")
    assert set(read_text(text_of(table)).folds) == {f"18 more times the same 3 steps of line {line}"}


def test_many_different_steps_fold_in_the_middle() -> None:
    def f(x: Any) -> Any:
        for k in range(80):
            x = [np.sin, np.cos, np.tanh, np.arctan][k * k * k // 7 % 4](x) + 1.0
        return x

    table = trace_table(trace(f, 1.0), mode="reverse")
    shown = read_text(text_of(table))
    assert len(shown.rows) == 50
    assert set(shown.folds) == {"111 more steps"}
    page = html_of(table)
    assert read_html(page, table).folds == ["111 more steps"]
    assert page.count("<tr>") == 50 + 1 + 1 + 111 + 1


def test_the_page_stays_small_however_long_the_loop() -> None:
    def f(x: Any) -> Any:
        for _ in range(3000):
            x = np.sin(x)
        return x

    page = html_of(trace_table(trace(f, 1.0)))
    assert "2598 more steps" in page
    assert page.count("<tr>") < 420


# Layout.


CELLS = [
    "%%grad x=0.5 --trace\nz = np.exp(1j * x)\n(z * 2).real",
    "%%grad x=1.5 --trace --digits 17 --mode both\ny = np.sin(x) * np.exp(x) / x",
    "%%grad v=np.linspace(0, 1, 200) --trace\nnp.sum(np.sin(v) * v[::-1])",
    "%%grad v=np.array([1.0, 2.0]) --trace\nA = np.array([[1.0, 2.0], [3.0, 4.0]])\nnp.sum((A @ v)**2)",
    "%%grad first_of_the_long_names=1.5, second_of_the_long_names=2.25 --trace\n"
    "result_with_a_long_name = np.exp(first_of_the_long_names * second_of_the_long_names) / second_of_the_long_names",
    "%%grad 速度=1.5, α=2.0, β_1=0.1 --trace\n加速度 = 速度 * α\nエネルギー = 加速度**2 / 2 + np.hypot(α, β_1)",
    "%%grad a=2.0, b=1.0, c=1.0, d=1.0, e=1.0, f=3.0, g=-1.0, h=1e-9 --trace --mode both --digits 12\na*b*c*d*e*f*g*h",
    f"%%grad {'x' * 60}=2.0 --trace\nnp.sin({'x' * 60})",
    "%%grad X=np.ones((30, 40)) --trace\nnp.sum(np.take_along_axis(X, np.zeros((30, 1), int), axis=1) @ X[:1])",
    LOOP,
]


@pytest.mark.parametrize("cell", CELLS)
def test_text_fits_a_terminal_and_loses_nothing(run: Run, cell: str) -> None:
    found = run(cell)
    text = text_of(found)
    assert max(map(width, text.splitlines())) <= 100
    assert text == text_of(run(cell))
    for row, cells in zip(found.trace.rows[:3], read_text(text).rows.values(), strict=False):
        shown = f"{row.name} = {row.operation}" if row.operation else row.name
        assert cells["operation"].replace(" ", "") == shown.replace(" ", "")


def test_columns_stand_below_each_other_in_japanese(run: Run) -> None:
    found = run("%%grad 速度=1.5, α=2.0 --trace --mode reverse\n加速度 = 速度 * α\nα * 加速度")
    assert text_of(found).startswith(
        """\
step  line  operation          with numbers  value  local partials       cotangent
                                                                         ∂v2/∂·
────────────────────────────────────────────────────────────────────────────────────
            速度                             1.5                         4.0
            α                                2.0                         6.0
                                                                         = 3.0 + 3.0
   1  2     加速度 = 速度 * α  1.5 * 2.0     3.0    ∂/∂速度 = α = 2.0    2.0
                                                    ∂/∂α = 速度 = 1.5
   2  3     v2 = α * 加速度    2.0 * 3.0     6.0    ∂/∂α = 加速度 = 3.0  1.0
                                                    ∂/∂加速度 = α = 2.0

"""
    )


def test_wrapping_keeps_operators_with_their_right_side() -> None:
    assert wrapped("result = v2 / another_long_name", 20) == ["result = v2", " / another_long_name"]
    assert wrapped("∂/∂v = np.cos(v) = [1.0, …, 2.0] (200)", 24) == ["∂/∂v = np.cos(v)", " = [1.0, …, 2.0] (200)"]
    assert wrapped("abcdefghij", 4) == ["abcd", " efg", " hij"]
    assert wrapped("速度速度", 4) == ["速度", " 速", " 度"]
    assert wrapped("", 4) == [""]


# Options.


@pytest.mark.parametrize(
    ("options", "heads"),
    [
        ("--mode forward", ["tangent ∂/∂w", "tangent ∂/∂x"]),
        ("--mode reverse", ["cotangent ∂v5/∂·"]),
        ("--mode both", ["tangent ∂/∂w", "tangent ∂/∂x", "cotangent ∂v5/∂·"]),
        ("", ["tangent ∂/∂w", "tangent ∂/∂x", "cotangent ∂v5/∂·"]),
        ("--mode forward --seed [1, 0]", ["tangent"]),
        ("--mode reverse --seed 2.0", ["cotangent"]),
    ],
)
def test_the_mode_says_which_columns_there_are(run: Run, options: str, heads: list[str]) -> None:
    found = run(f"%%grad w=0.5, x=2.0 --trace {options}\n1 / (1 + np.exp(-w * x))")
    (row, *_) = read_html(html_of(found), found.trace).rows.values()
    assert list(row)[5:] == heads
    assert found.method == ("forward" if "forward" in options else "reverse")


def test_the_mode_of_the_configuration_counts(run: Run) -> None:
    run("%config DiffMagic.mode = 'forward'")
    assert run("%%grad x=2.0 --trace\nx**2").trace.cotangent == ""
    run("%config DiffMagic.mode = 'auto'")


@pytest.mark.parametrize("option", ["--mode both", "--rows folded", "--rows one"])
def test_options_of_the_table_need_the_table(run: Run, option: str) -> None:
    with pytest.raises(DiffmagicError, match=f"{option} is for the table of steps\n  Instead: --trace {option}"):
        run(f"%%grad x=2.0 {option}\nx**2")


def test_a_missing_column_is_explained(run: Run) -> None:
    text = text_of(run("%%grad x=np.array([1.0, 2.0]) --trace --mode reverse\nx**2"))
    assert "There is no cotangent column: the result is not one number" in text


def test_weights_of_one_value_are_summed_in_table_and_graph(run: Run) -> None:
    found = run("%%grad x=2.0, y=1.0 --mode reverse --seed [1, 2, 3] --trace --graph\na = x * y\nz = a, a, 3.0")
    assert [row.cotangent for row in found.trace.rows] == [3.0, 6.0, 3.0]
    assert [value.moved[0] for node in found.graph.nodes for value in node.values] == [3.0, 6.0, 3.0, None]


@pytest.mark.parametrize(
    ("view", "order", "said"), [("--trace", 2, 1), ("--graph", 3, 1), ("--trace", 1, 0), ("", 2, 0)]
)
def test_the_steps_of_a_higher_derivative_are_those_of_the_first(run: Run, view: str, order: int, said: int) -> None:
    text = text_of(run(f"%%grad x=2.0 --order {order} {view}\nx**3"))
    assert text.count("Note: the steps are those of the first derivative.") == said


def test_one_step_is_no_product(run: Run) -> None:
    assert "    ∂y/∂c = 6.0\n" in text_of(run("%%grad a=2.0, b=3.0, c=5.0 --trace\ny = a * b * c")) + "\n"


def test_too_many_paths_are_left_to_the_table(run: Run) -> None:
    cell = "%%grad x=1.1 --trace {}\nfor k in range(4):\n    x = x * np.sin(x)\nx"
    text = " ".join(text_of(run(cell.format(""))).split())
    assert "is a sum over 16 paths. None is walked on its own: a cotangent is the sum, over the uses" in text
    text = " ".join(text_of(run(cell.format("--mode forward"))).split())
    assert "is a sum over 16 paths. None is walked on its own: a tangent is the sum, over the operands" in text


# Safety.


def test_names_and_values_are_escaped(run: Run) -> None:
    page = html_of(run("%%grad p={'<script>': 2.0, 'b': 1.0} --trace\nnp.sin(p['<script>']) * p['b']"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_trace_is_displayed_in_the_notebook(shell: InteractiveShell, run: Run) -> None:
    table = run("%%grad x=2.0 --trace\nx**2").trace
    assert shell.display_formatter is not None
    data, _ = shell.display_formatter.format(table)
    assert data["text/plain"] == text_of(table)
    assert data["text/html"] == html_of(table)


def test_digits(run: Run) -> None:
    text = text_of(run("%%grad x=1.5 --trace --digits 3\nnp.sin(x) * x"))
    assert "np.sin(1.5)" in text
    assert "∂/∂x = np.cos(x) = 0.0707" in text
    assert max(map(len, re.findall(r"\.(\d+)", text))) <= 4


# Notes.


def test_as_markdown() -> None:
    table = trace_table(trace(lambda x: x + np.exp(x), 0.0), result="f", mode="reverse")
    assert (
        table.to_markdown() == r"""| step | operation | with numbers | value | local partials | cotangent ∂f/∂· |
| ---: | :--- | :--- | :--- | :--- | :--- |
|  | $x$ |  | 0.0 |  | 2.0 = 1.0 + 1.0 |
| 1 | $v_{1} = e^{x}$ | $e^{0.0}$ | 1.0 | $\frac{\partial v_{1}}{\partial x} = v_{1} = 1.0$ | 1.0 |
| 2 | $f = x + v_{1}$ | $0.0 + 1.0$ | 1.0 | $\frac{\partial f}{\partial x} = 1$<br>"""
        r"""$\frac{\partial f}{\partial v_{1}} = 1$ | 1.0 |"""
    )


def test_as_latex() -> None:
    table = trace_table(trace(lambda x: -np.exp(x), 0.0), result="f")
    assert (
        table.to_latex() == r"""\begin{array}{rllllll}
\text{step} & \text{operation} & \text{with numbers} & \text{value} & \text{local partials} & """
        r"""\text{tangent} \; \partial / \partial x & \text{cotangent} \; \partial f / \partial \cdot \\ \hline
 & x &  & 0.0 &  & 1.0 & -1.0 \\
1 & v_{1} = e^{x} & e^{0.0} & 1.0 & \frac{\partial v_{1}}{\partial x} = v_{1} = 1.0 & 1.0 & -1.0 \\
2 & f = -v_{1} & -1.0 & -1.0 & \frac{\partial f}{\partial v_{1}} = -1 & -1.0 & 1.0 \\
\end{array}"""
    )


@pytest.mark.parametrize("cell", CELLS)
def test_notes_are_well_formed(run: Run, cell: str) -> None:
    table = run(cell).trace
    lines = table.to_markdown().splitlines()
    assert len({line.count("|") for line in lines}) == 1
    first, *rows, last = table.to_latex().splitlines()
    assert (first[:15], last) == (r"\begin{array}{r", r"\end{array}")
    assert len({row.count(" & ") for row in rows}) == 1
    for row in rows:
        for formula in row.removesuffix(r" \hline").removesuffix(r" \\").split(" & "):
            MathTextParser("path").parse(f"${formula or 'x'}$")


def test_markdown_of_names_with_bars(run: Run) -> None:
    lines = run("%%grad p={'a|b': 2.0} --trace\nnp.abs(p['a|b']) * 2").trace.to_markdown().splitlines()
    assert {line.replace(r"\|", "").count("|") for line in lines} == {8}
