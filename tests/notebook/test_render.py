"""What results look like."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from diffmagic import differentiate, trace
from diffmagic.notebook.render import html_of, text_of
from diffmagic.notebook.render.derivative import check_sentence
from diffmagic.results import Check

Run = Callable[[str], Any]


def test_sigmoid(run: Run) -> None:
    found = run("%%grad w=0.5, x=2.0 --trace\ny = 1 / (1 + np.exp(-w * x))")
    assert (
        text_of(found)
        == """\
step  operation        with numbers     value       local partials
─────────────────────────────────────────────────────────────────────────────────
      w                                 0.5
      x                                 2.0
   1  v1 = -w          -0.5            -0.5         ∂/∂w = -1
   2  v2 = v1 * x      (-0.5) * 2.0    -1.0         ∂/∂v1 = x = 2.0
                                                    ∂/∂x = v1 = -0.5
   3  v3 = np.exp(v2)  np.exp(-1.0)     0.36787944  ∂/∂v2 = v3 = 0.36787944
   4  v4 = 1 + v3      1 + 0.36787944   1.3678794   ∂/∂v3 = 1
   5  y = 1 / v4       1 / 1.3678794    0.73105858  ∂/∂v4 = -y / v4 = -0.53444665

step       tangent      tangent       cotangent
           ∂/∂w         ∂/∂x          ∂y/∂·
─────────────────────────────────────────────────
      w    1.0          0             0.39322387
      x    0            1.0           0.098305967
   1  v1  -1.0          0            -0.39322387
   2  v2  -2.0         -0.5          -0.19661193
   3  v3  -0.73575888  -0.18393972   -0.53444665
   4  v4  -0.73575888  -0.18393972   -0.53444665
   5  y    0.39322387   0.098305967   1.0

Chain rule for w
    ∂y/∂w = ∂y/∂v4 · ∂v4/∂v3 · ∂v3/∂v2 · ∂v2/∂v1 · ∂v1/∂w
  = (-0.53444665) · 1 · 0.36787944 · 2.0 · (-1) = 0.39322387

Chain rule for x
    ∂y/∂x = ∂y/∂v4 · ∂v4/∂v3 · ∂v3/∂v2 · ∂v2/∂x
  = (-0.53444665) · 1 · 0.36787944 · (-0.5) = 0.098305967

y = 0.73105858

∂y/∂w = 0.39322387
∂y/∂x = 0.098305967

Reverse mode (2 inputs, 1 output: one pass back gives every derivative).
A central difference agrees to at least 6 digits."""
    )


def test_baydin(run: Run) -> None:
    found = run(
        "%%grad x1=2.0, x2=5.0 --trace\nv1 = np.log(x1)\nv2 = x1 * x2\nv3 = np.sin(x2)\nv4 = v1 + v2\ny = v4 - v3"
    )
    rows = {row.name: row for row in found.trace.rows}
    published = {
        "x1": (2, 1, 5.5),
        "x2": (5, 0, 1.7163378145367738),
        "v1": (0.693, 0.5, 1),
        "v2": (10, 5, 1),
        "v3": (-0.959, 0, -1),
        "v4": (10.693, 5.5, 1),
        "y": (11.652, 5.5, 1),
    }
    assert set(rows) == set(published)
    for name, (value, tangent, cotangent) in published.items():
        row = rows[name]
        assert row.value == pytest.approx(value, abs=5e-4)
        assert (row.tangents[0] or 0) == pytest.approx(tangent)
        assert row.cotangent == pytest.approx(cotangent, abs=1e-12)


def test_matrix_with_the_users_names(run: Run) -> None:
    text = text_of(run("%%grad x=np.array([1.0, 2.0]), s=2.0\ny = x**2 * s"))
    assert (
        """\
Jacobian of y
        ∂/∂x[0]  ∂/∂x[1]  ∂/∂s
  y[0]      4.0        ·   1.0
  y[1]        ·      8.0   4.0
"""
        in text
    )
    text = text_of(run("%%grad x=3.0, y=2.0 --hessian\nf = x**2 * y"))
    assert (
        """\
Second derivatives of f
        ∂/∂x  ∂/∂y
  ∂/∂x   4.0   6.0
  ∂/∂y   6.0     ·
"""
        in text
    )


WIDE = [
    "%%grad v=np.linspace(0, 1, 200)\nout = np.sin(v) * v[0]",
    "%%grad v=np.linspace(0, 1, 200) --trace\nout = np.sum(np.sin(v) * v[::-1])",
    "%%grad a_long_name_of_an_input=1.5, another_long_name=2.25 --trace\n"
    "result_with_a_long_name = np.exp(a_long_name_of_an_input * another_long_name) / another_long_name",
    "%%grad x=1.5 --trace --digits 17\ny = 1.0\nfor k in range(200):\n    y = np.sin(y * x)",
    "%%grad v=np.linspace(0, 1, 8)\nnp.exp(v / 3)",
    "%%grad v=np.linspace(0, 1, 6) --hessian\nnp.prod(np.exp(v / 3))",
    "%%grad the_first_of_two_very_long_names=1.5, the_second_of_two_very_long_names=np.ones(9) --hessian\n"
    "result_with_a_long_name = the_first_of_two_very_long_names**2 * np.sum(the_second_of_two_very_long_names)",
    f"%%grad {'x' * 110}=1.5\n{'x' * 110} ** 2 * np.floor({'x' * 110})",
    "%%diffcompare the_first_long_name=1.5, the_second_long_name=2.0, a_third=1.0 --time --digits 17\n"
    "result_with_a_long_name = the_first_long_name**2 * the_second_long_name * a_third",
    "%%numdiff the_first_of_two_very_long_names=1.5, the_second_of_two_very_long_names=2.5 --digits 17\n"
    "result_with_a_long_name = the_first_of_two_very_long_names**2 * the_second_of_two_very_long_names",
    "%%numdiff v=np.linspace(0, 1, 10) --order 2\nnp.prod(np.exp(v / 3))",
    "%%numdiff x=1.0 --sweep\nnp.exp(x)",
    "%%symdiff x=1.0, the_second_of_two_very_long_names=2.0 --steps\n"
    "np.sin(x * the_second_of_two_very_long_names) * np.exp(-x * the_second_of_two_very_long_names) / (1 + x**2)",
    "%%gradcheck the_first_of_two_very_long_names=1.5\n"
    "def a_function_with_a_long_name(the_first_of_two_very_long_names):\n"
    "    return the_first_of_two_very_long_names**2\ndef g(x):\n    return x",
    "%%grad p={'some': [1.0, 2.0], 'others': np.ones(30)}\np['some'][0] * np.sum(p['others'])",
]


@pytest.mark.parametrize("cell", WIDE)
def test_text_fits_and_stays_the_same(run: Run, cell: str) -> None:
    text = text_of(run(cell))
    assert max(map(len, text.splitlines())) <= 100
    assert "--time" in cell or text == text_of(run(cell))
    assert " at 0x" not in text


class Tags(HTMLParser):
    """Checks that every element is closed, and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("cell", ["%%grad x=2.0, y=3.0 --trace\nx < y\nz = x * y", *WIDE])
def test_html(run: Run, cell: str) -> None:
    page = html_of(run(cell))
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    tables = [tag for tag, _ in tags.seen].count("table")
    assert [tag for tag, _ in tags.seen].count("caption") == tables > 0
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in tags.seen if tag == "th")
    assert "color" not in page
    assert "></th>" not in page


def test_html_is_escaped(run: Run) -> None:
    page = html_of(run("%%grad p={'<b>': 2.0}\np['<b>'] * 2"))
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_displayed_in_the_notebook(shell: InteractiveShell) -> None:
    assert shell.display_formatter is not None
    data, _ = shell.display_formatter.format(differentiate(np.sin, 0.0))
    assert set(data) == {"text/plain", "text/html"}
    data, _ = shell.display_formatter.format(trace(np.sin, 0.0))
    assert "np.sin(x1)" in data["text/plain"] or "np.sin(x)" in data["text/plain"]


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (Check("digits", 3), "A central difference agrees to at least 3 digits."),
        (Check("decimals", 6), "A central difference agrees to at least 6 decimal places."),
        (
            Check("unclear", where="∂/∂x"),
            "A central difference cannot tell about ∂/∂x: it changes too much with its step.",
        ),
        (
            Check("disagrees", where="∂/∂x", exact=1.0, numerical=2.0),
            "A central difference disagrees: ∂/∂x is 1.0, and the difference gives 2.0.",
        ),
        (
            Check("not compared", reason="there are complex inputs"),
            "Not compared with a central difference: there are complex inputs.",
        ),
    ],
)
def test_sentences_about_the_check(check: Check, sentence: str) -> None:
    assert check_sentence(check) == sentence


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("np.sqrt(x)", "∂/∂x is not finite (inf), so there is nothing to compare."),
        ("np.floor(x)", "A central difference cannot tell about ∂/∂x: it changes too much with its step."),
        ("x**3", "A central difference agrees to at least 6 decimal places."),
        ("np.abs(x)", "A central difference agrees to at least 6 digits."),
        (
            "x**1.5",
            "Not compared with a central difference: the function is not finite on both sides of this point.",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges(run: Run, expression: str, sentence: str) -> None:
    assert text_of(run(f"%grad {expression} x=0.0")).splitlines()[-1] == sentence
