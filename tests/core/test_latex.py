"""Names, numbers, operations and programs as LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser
from scipy import special

from diffmagic import trace
from diffmagic.core.latex import number, right_side, symbol
from tests.core.primitives.samples import CONSTANT, DIFFERENTIABLE, Sample

SAMPLES = [samples[0] for table in (DIFFERENTIABLE, CONSTANT) for samples in table.values()]


def parse(formula: str) -> None:
    """What is not LaTeX raises. Matplotlib knows all that we write but for cases and one operator."""
    for ours, known in ((r"\begin{cases}", "("), (r"\end{cases}", ")"), (r" \\", ";"), ("&", ","), (r"\bmod", "+")):
        formula = formula.replace(ours, known)
    MathTextParser("path").parse(f"${formula}$")


@pytest.mark.parametrize(
    ("name", "typeset"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("v12", "v_{12}"),
        ("x1_2", "x_{1,2}"),
        ("y_2", "y_{2}"),
        ("loss", r"\mathrm{loss}"),
        ("grad_w", r"\mathrm{grad}_{w}"),
        ("w_new", r"w_{\mathrm{new}}"),
        ("y_pred_3", r"y_{\mathrm{pred},3}"),
        ("learning_rate", r"\mathrm{learning\_rate}"),
        ("a_long_name", r"\mathrm{a\_long\_name}"),
        ("a_long_name_2", r"\mathrm{a\_long\_name}_{2}"),
        ("x1y", r"\mathrm{x1y}"),
        ("x1_new", r"\mathrm{x1\_new}"),
        ("dx_dt", r"\mathrm{dx\_dt}"),
        ("alpha", r"\alpha"),
        ("lambda_", r"\lambda"),
        ("Omega_0", r"\Omega_{0}"),
        ("α", r"\alpha"),
        ("λ1", r"\lambda_{1}"),
        ("ς", r"\varsigma"),
        ("Ω", r"\Omega"),
        ("Α", r"\text{Α}"),  # a capital alpha, which LaTeX has no command for
        ("速度", r"\text{速度}"),
        ("速度_1", r"\text{速度}_{1}"),
        ("x\u0302", "\\text{x\u0302}"),
        ("_x", r"\_\text{x}"),
        ("A[0, 1]", "A[0, 1]"),
        ("p['a_b'][0]", r"p\text{['a}\_\text{b'][0]}"),
        ("p.x", r"p\text{.x}"),
        ("p['$&%#{}^~|\\']", r"p\text{['}\$\&\%\#\{\}\wedge\sim\vert\backslash\text{']}"),
    ],
)
def test_names(name: str, typeset: str) -> None:
    assert symbol(name) == typeset
    parse(typeset)


@pytest.mark.parametrize(
    ("text", "typeset"),
    [
        ("1.5", "1.5"),
        ("-1.5e-07", r"-1.5 \cdot 10^{-7}"),
        ("2e+20", r"2 \cdot 10^{20}"),
        ("inf", r"\infty"),
        ("-inf", r"-\infty"),
        ("nan", r"\text{nan}"),
        ("(1.0-2.0j)", r"(1.0-2.0\mathrm{i})"),
        ("[1.0, -2.0]", "[1.0, -2.0]"),
        ("[1.0, …, 1e-05] (10×10)", r"[1.0, \dots, 1 \cdot 10^{-5}] (10\times 10)"),
        ("<10×10 float64>", r"\text{<10×10 float64>}"),
        ("5.5 = 5.0 + 0.5", "5.5 = 5.0 + 0.5"),
        ("True", r"\text{True}"),
    ],
)
def test_numbers(text: str, typeset: str) -> None:
    assert number(text).text == typeset
    parse(typeset)


a, b, c = 2.0, -3.0, np.ones((2, 2))


@pytest.mark.parametrize(
    ("f", "args", "typeset"),
    [
        (lambda x: x.astype(np.float32), (np.ones(2),), r"\operatorname{float32}(x)"),
        (lambda x, y: x * y, (a, b), r"x \cdot y"),
        (lambda x: x * -3.0, (a,), r"x \cdot (-3.0)"),
        (lambda x: -3.0 * x, (a,), r"-3.0 \cdot x"),
        (lambda x: x - -3.0, (a,), r"x - (-3.0)"),
        (lambda x: 1 / x, (a,), r"\frac{1}{x}"),
        (lambda x: -1.0 / x, (a,), r"-\frac{1.0}{x}"),
        (lambda x: x**0.5, (a,), "x^{0.5}"),
        (lambda x: (-2.0) ** x, (a,), "(-2.0)^{x}"),
        (lambda x: x // 2, (a,), r"\left\lfloor \frac{x}{2} \right\rfloor"),
        (lambda x: x % 2, (a,), r"x \bmod 2"),
        (lambda x: x <= 2, (a,), r"x \leq 2"),
        (lambda x: -x, (a,), "-x"),
        (np.exp, (a,), "e^{x}"),
        (np.log, (a,), r"\ln(x)"),
        (np.sqrt, (a,), r"\sqrt{x}"),
        (np.abs, (a,), r"\left\vert x \right\vert"),
        (np.square, (a,), "x^{2}"),
        (np.tanh, (a,), r"\tanh(x)"),
        (np.arcsin, (0.5,), r"\arcsin(x)"),
        (lambda x, y: np.hypot(x, y), (a, b), r"\sqrt{x^{2} + y^{2}}"),
        (lambda x, y: np.logaddexp(x, y), (a, b), r"\ln(e^{x} + e^{y})"),
        (lambda x, y: np.maximum(x, y), (a, b), r"\max(x, y)"),
        (lambda A: A @ A, (c,), r"A \, A"),
        (lambda A: A.T, (c,), r"A^{\mathsf{T}}"),
        (np.linalg.inv, (np.eye(2),), "a^{-1}"),
        (lambda A: np.sum(A, axis=0), (c,), r"\operatorname{sum}(A, \text{axis=0})"),
        (lambda A: A[1], (c,), "A[1]"),
        (lambda A: A[:, None], (c,), r"A[\text{:, None}]"),
        (special.gamma, (a,), r"\Gamma(x)"),
    ],
)
def test_operations(f: Callable[..., Any], args: tuple[Any, ...], typeset: str) -> None:
    if isinstance(f, np.ufunc):
        f = (lambda ufunc: lambda x: ufunc(x))(f)
    program = trace(f, *args)
    assert right_side(program.equations[-1], program.names()) == typeset
    parse(typeset)


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_every_function_is_latex(sample: Sample) -> None:
    for line in trace(sample.of_moving(), *sample.operands).to_latex().splitlines()[2:-1]:
        parse(" ".join(line.removesuffix(r" \\").split(" & ")[1:]))


def sigmoid(w: Any, x: Any) -> Any:
    y1 = w * x
    return 1 / (1 + np.exp(-y1))


def test_a_program_as_latex() -> None:
    assert (
        trace(sigmoid, 0.5, 2.0).to_latex(4)
        == r"""\begin{array}{rll}
\text{step} & \text{operation} & \text{value} \\ \hline
 & w & 0.5 \\
 & x & 2.0 \\
1 & y_{1} = w \cdot x & 1.0 \\
2 & v_{2} = -y_{1} & -1.0 \\
3 & v_{3} = e^{v_{2}} & 0.3679 \\
4 & v_{4} = 1 + v_{3} & 1.368 \\
5 & v_{5} = \frac{1}{v_{4}} & 0.7311 \\
\end{array}"""
    )


def test_a_program_as_markdown() -> None:
    assert (
        trace(sigmoid, 0.5, 2.0).to_markdown()
        == r"""| step | operation | value |
| ---: | :--- | :--- |
|  | $w$ | 0.5 |
|  | $x$ | 2.0 |
| 1 | $y_{1} = w \cdot x$ | 1.0 |
| 2 | $v_{2} = -y_{1}$ | -1.0 |
| 3 | $v_{3} = e^{v_{2}}$ | 0.36787944 |
| 4 | $v_{4} = 1 + v_{3}$ | 1.3678794 |
| 5 | $v_{5} = \frac{1}{v_{4}}$ | 0.73105858 |"""
    )


def test_several_results_stand_before_one_operation() -> None:
    assert r"v_{1,1}, v_{1,2} = \operatorname{split}(x, 2)" in trace(lambda x: np.split(x, 2), np.ones(4)).to_latex()


def test_the_bars_of_a_table_are_only_its_own() -> None:
    program = trace(lambda p: np.abs(p["a|b"]) + np.linalg.norm(np.stack([p["a|b"]])), {"a|b": -2.0})
    assert {line.count("|") for line in program.to_markdown().splitlines()} == {4}
