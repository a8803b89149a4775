"""What every magic does with input that is none: one clear error, and the notebook as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from diffmagic.notebook.magics import PARSERS

Output = Callable[[str], str]

MAGICS = [name for name in PARSERS if name != "gradcheck"]
BAD = {
    "a string": ("s='text'", "s", "a string"),
    "an empty array": ("v=np.zeros(0)", "np.sum(v)", "v holds no numbers"),
    "a range": ("x=0:1", "x**2", "is a range"),
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


@pytest.mark.parametrize("magic", MAGICS)
def test_a_shape_that_changes(output: Output, magic: str) -> None:
    said = output(f"%%{magic} x=1.0\nnp.ones(2) * x if x == 1 else np.ones(3) * x")
    assert "Traceback" not in said


@pytest.mark.parametrize("magic", MAGICS)
def test_input_that_is_changed_by_the_cell(shell: InteractiveShell, output: Output, magic: str) -> None:
    shell.user_ns["w0"] = np.array([1.0, 2.0])
    said = output(f"%%{magic} w=w0\nw *= 2\nnp.sum(w**2)")
    assert "8" in said  # the derivative is 8 w
    np.testing.assert_array_equal(shell.user_ns["w0"], [1.0, 2.0])


@pytest.mark.parametrize("step", ["0", "nan", "inf", "-1", "1e-30"])
@pytest.mark.parametrize("method", ["forward-difference", "central-difference", "richardson", "ridders"])
def test_steps(output: Output, method: str, step: str) -> None:
    said = output(f"%%numdiff x=1.0 --method {method} --step={step}\nx**2")
    assert "Instead:" in said
    assert "step" in said


@pytest.mark.parametrize("magic", ["grad", "numdiff"])
def test_an_order_of_100(output: Output, magic: str) -> None:
    said = output(f"%%{magic} x=1.0 --order 100\nx**2")
    assert "0.0" in said or "Instead:" in said


def test_a_jump_is_not_a_derivative(output: Output) -> None:
    said = output("%%numdiff x=2.0\nnp.floor(x)")
    assert "jump" in said or "not continuous" in said or "discontinuous" in said
