"""What the notebook says of numbers that are lost, kinks and draws: one line, or with ``--why`` the whole account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from diffmagic.notebook.render import html_of, text_of

Run = Callable[[str], Any]
Output = Callable[[str], str]

SOFTPLUS = "%%grad x=1000.0{}\ny = np.log(1 + np.exp(x))"


def test_one_line_by_default(run: Run) -> None:
    text = text_of(run(SOFTPLUS.format("")))
    note = "Note: line 2: np.exp(x) is inf at x = 1000.0: exp overflows above 709.78.\n  Instead: np.logaddexp(0, x)."
    assert note in text
    assert "Why" not in text


def test_why_gives_the_whole_account(run: Run) -> None:
    assert text_of(run(SOFTPLUS.format(" --why"))) == (
        "y = inf\n\n∂y/∂x = nan\n\n"
        "Why the value is not finite\n"
        "  line 2       y = np.log(1 + np.exp(x))\n"
        "                              ^^^^^^^^^\n"
        "  numbers      x = 1000.0 gives inf\n"
        "  reason       exp overflows above 709.78\n"
        "  differences  the function is not finite on either side, so there is no difference for ∂y/∂x\n"
        "  instead      np.logaddexp(0, x)\n\n"
        "Reverse mode (1 input, 1 output: one pass back gives every derivative).\n"
        "∂y/∂x is not finite (nan), so there is nothing to compare."
    )


def test_why_a_derivative_is_lost(run: Run) -> None:
    text = text_of(run("%%grad v=np.zeros(2) --why\ny = v**2\nnp.sqrt(np.sum(y))"))
    assert "Why the derivative is not finite\n  line 3       np.sqrt(np.sum(y))\n" in text
    assert "  chain rule   cotangent × ∂/∂(np.sum(y)) = 1.0 × inf = inf\n" in text
    assert "  differences  ∂/∂v[0] is -1.0 from the left and 1.0 from the right\n" in text
    assert "  instead      np.linalg.norm(y)" not in text


def test_why_with_nothing_to_explain(run: Run) -> None:
    assert "There is nothing to explain" in text_of(run("%%grad x=2.0 --why\nx**2"))
    assert "explain" not in text_of(run("%%grad x=2.0\nx**2"))


def test_why_in_html_is_escaped_and_marked(run: Run) -> None:
    html = html_of(run("%%grad x=np.array([-1.0, 2.0]) --why\nnp.sum(np.where(0 < x, np.log(x), 0.0))"))
    assert "A branch that was not chosen</caption>" in html
    assert "<code>np.sum(<mark>np.where(0 &lt; x, np.log(x), 0.0)</mark>)</code>" in html
    assert html.count("<table>") == html.count("</table>")


def test_lines_are_at_most_100_columns_wide(run: Run) -> None:
    long = " + ".join(["x * np.log(x)"] * 20)
    for options in ("", " --why"):
        text = text_of(run(f"%%grad x=np.zeros(3){options}\nnp.sum({long})"))
        assert all(len(line) <= 100 for line in text.splitlines())


def test_functions_of_the_notebook(run: Run) -> None:
    run("def entropy(p):\n    logarithm = np.log(p)\n    return -np.sum(p * logarithm)")
    (finding,) = run("%grad entropy p=np.array([1.0, 0.0])").findings
    assert (finding.line, finding.source.strip()) == (2, "logarithm = np.log(p)")


def test_seeds(run: Run) -> None:
    for line in ("--mode forward --seed [1, 1]", "--mode reverse --seed [0, 1]"):
        found = run(f"%%grad x=np.array([1.0, 0.0]) {line}\nnp.sqrt(x)")
        (finding,) = found.findings
        assert finding.operands == (("x[1]", 0.0),)
    assert run("%%grad x=np.array([1.0, 0.0]) --mode reverse --seed [1, 0]\nnp.sqrt(x)").findings == []


@pytest.mark.parametrize("draw", ["rng.normal()", "np.random.normal()", "random.gauss(0, 1)", "old.normal()", "draw()"])
def test_random_draws_are_constants_of_the_trace(run: Run, draw: str) -> None:
    run("import random\nrng, old = np.random.default_rng(0), np.random.RandomState(0)\ndef draw(): return rng.normal()")
    assert run(f"%%grad x=2.0\nx * {draw}").notes == [
        "the random numbers that were drawn are constants: no derivative comes through the draw"
    ]
    assert run("%%grad x=2.0\nx * 2").notes == []


def test_numpys_warnings_are_part_of_the_account(output: Output, run: Run) -> None:
    assert "RuntimeWarning" not in output("%%grad x=np.zeros(2)\nnp.sum(np.log(x))")
    data = "np.sum(np.where(np.arange(3) > 0, 1 / np.arange(3), 0))"
    assert run(f"%%grad x=2.0\ny = x**2\ny * {data}").notes == ["line 3: NumPy met a division by zero"]
    assert run(f"%%grad x=2.0\nwith np.errstate(all='ignore'):\n    y = x * {data}").notes == []


def test_why_needs_a_point(output: Output) -> None:
    assert "--why needs a point" in output("%%grad --why\ndef f(x):\n    return x")
