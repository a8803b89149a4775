"""What every magic does with input that is none: one clear error, and the notebook as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from diffmagic.notebook.magics import PARSERS

Output = Callable[[str], str]

MAGICS = [name for name in PARSERS if name not in ("gradcheck", "tracecheck")]
BAD = {
    "a string": ("s='text'", "s", "a string"),
    "an empty array": ("v=np.zeros(0)", "np.sum(v)", "v holds no numbers"),
    "no range": ("x=0:1:2", "x**2", "range"),
    "a function that raises": ("x=1.0", "raise RuntimeError('mine')\nx", "RuntimeError: mine"),
    "nothing": ("x=1.0", "x\nNone", "gives None"),
    "a result that is a string": ("x=1.0", "str(x)", "a string"),
    "no result": ("x=1.0", "import math", "so it has no result"),
    "a syntax error": ("x=1.0", "x +", "SyntaxError"),
    "an order of 0": ("x=1.0 --order 0", "x**2", "order 0 is not a positive number"),
    "an order of -1": ("x=1.0 --order=-1", "x**2", "order -1 is not a positive number"),
    "an order that is none": ("x=1.0 --order two", "x**2", "--order"),
    "no digits": ("x=1.0 --digits 0", "x**2", "0 digits cannot be shown"),
    "an unknown option": ("x=1.0 --ordr 2", "x**2", "there is no option --ordr"),
    "an unknown name": ("x=y_that_is_not_there", "x**2", "NameError"),
    "a name that is no input": ("x=1.0 --wrt z", "x**2", "there is no input z"),
    "no number": ("", "1 + 1", "nothing to differentiate with respect to"),
}


@pytest.mark.parametrize("magic", MAGICS)
@pytest.mark.parametrize("kind", BAD)
def test_one_clear_error(shell: InteractiveShell, output: Output, magic: str, kind: str) -> None:
    line, body, message = BAD[kind]
    shell.user_ns.update(kept=[1.0, 2.0], x="mine")
    before = {name: value for name, value in shell.user_ns.items() if not name.startswith("_")}
    said = output(f"%%{magic} {line}\nkept.append(3.0)\ntemporary = kept\n{body}")
    assert message in said
    assert "diffmagic/" not in said
    after = {name: value for name, value in shell.user_ns.items() if not name.startswith("_")}
    assert after == before
    assert shell.user_ns["kept"] == [1.0, 2.0]


def test_a_shape_that_changes(output: Output) -> None:
    cell = "np.ones(2) * x if x == 1 else np.ones(3) * x"
    message = "the result has shape (2,) at 1 and shape (3,) at"
    assert message in output(f"%%numdiff x=1.0\n{cell}")
    assert f"adaptive: {message}" in output(f"%%diffcompare x=1.0\n{cell}")
    assert "a function whose result has the same shape everywhere" in output(f"%%numdiff x=1.0\n{cell}")


@pytest.mark.parametrize("magic", [name for name in MAGICS if name != "diffexplore"])
def test_input_that_is_changed_by_the_cell(shell: InteractiveShell, output: Output, magic: str) -> None:
    shell.user_ns["w0"] = np.array([1.0, 2.0])
    said = output(f"%%{magic} w=w0\nw *= 2\nnp.sum(w**2)")
    assert "= 20.0" in said  # the value
    assert "[ 8. 16.]" in said or "16.0" in said or f"{np.hypot(8, 16):.7g}" in said  # the derivative, or its norm
    np.testing.assert_array_equal(shell.user_ns["w0"], [1.0, 2.0])


BAD_CHECKS = {
    "a string": ("w='text'", "return w", "return w", "a string"),
    "an empty array": ("w=np.zeros(0)", "return np.sum(w)", "return w", "w holds no numbers"),
    "a range": ("w=0:1", "return w", "return 1.0", "is a range"),
    "a function that raises": ("w=1.0", "raise RuntimeError('mine')", "return 1.0", "RuntimeError: mine"),
    "a gradient that raises": ("w=1.0", "return w", "raise RuntimeError('mine')", "RuntimeError: mine"),
    "a function that returns nothing": ("w=1.0", "pass", "return 1.0", "f returns None"),
    "a gradient that returns nothing": ("w=1.0", "return w", "pass", "g returns None"),
    "a gradient that is a string": ("w=1.0", "return w", "return 'text'", "a string"),
    "a gradient of another size": ("w=np.ones(2)", "return w @ w", "return np.ones(3)", "3"),
    "an unknown option": ("w=1.0 --gradent g", "return w", "return 1.0", "there is no option --gradent"),
}


@pytest.mark.parametrize("kind", BAD_CHECKS)
def test_one_clear_error_of_the_gradient_check(shell: InteractiveShell, output: Output, kind: str) -> None:
    line, f, g, message = BAD_CHECKS[kind]
    shell.user_ns.update(kept=[1.0, 2.0], w="mine")
    before = {name: value for name, value in shell.user_ns.items() if not name.startswith("_")}
    said = output(f"%%gradcheck {line}\nkept.append(3.0)\ndef f(w):\n    {f}\ndef g(w):\n    {g}")
    assert message in said
    assert "diffmagic/" not in said
    assert {name: value for name, value in shell.user_ns.items() if not name.startswith("_")} == before
    assert shell.user_ns["kept"] == [1.0, 2.0]


@pytest.mark.parametrize("step", ["0", "nan", "inf", "-1", "1e-30"])
@pytest.mark.parametrize("method", ["forward-difference", "central-difference", "richardson", "ridders"])
def test_steps(output: Output, method: str, step: str) -> None:
    said = output(f"%%numdiff x=1.0 --method {method} --step={step}\nx**2")
    assert "Instead:" in said
    assert "step" in said


def test_an_order_of_100(output: Output) -> None:
    assert "¹⁰⁰ = 0.0" in output("%%grad x=1.0 --order 100\nx**2")
    assert "adaptive goes up to order 7\n  Instead: a lower order" in output("%%numdiff x=1.0 --order 100\nx**2")
    assert "adaptive: adaptive goes up to order 7." in output("%%diffcompare x=1.0 --order 100\nx**2")


def test_a_jump_is_not_a_derivative(output: Output) -> None:
    said = output("%%numdiff x=2.0\nnp.floor(x)")
    assert "Note: a jump: 1 on the left, 2 here, 2 on the right." in said
    assert "nan  unknown" in said
