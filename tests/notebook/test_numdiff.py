"""``%numdiff`` and ``%%numdiff`` in an IPython."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic.methods import METHODS
from diffmagic.notebook.render import html_of, text_of
from tests.notebook.pictures import svgs_in

Run = Callable[[str], Any]
Output = Callable[[str], str]

NUMERICAL = [name for name, method in METHODS.items() if method.family == "numerical"]
SIGMOID = "%%numdiff w=0.5, x=2.0{}\ny = 1 / (1 + np.exp(-w * x))"
BAYDIN = "%%numdiff x=0.2 --sweep{}\n64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2"


@pytest.mark.parametrize("method", NUMERICAL)
def test_gradient(run: Run, method: str) -> None:
    found = run(SIGMOID.format(f" --method {method}"))
    assert found.value == 1 / (1 + math.exp(-1))
    assert found.method == method
    exact = {"w": 0.3932238664829637, "x": 0.09830596662074093}
    assert found.derivative == pytest.approx(exact, rel=1e-6)
    for name, number in exact.items():
        assert abs(found.derivative[name] - number) <= 10 * found.error[name]
        assert found.step[name] > 0
    assert found.evaluations >= found.calls > 2


def test_the_default_is_right_to_the_end(run: Run, output: Output) -> None:
    found = run(SIGMOID.format(""))
    assert found.method == "adaptive"
    assert found.derivative == pytest.approx({"w": 0.3932238664829637, "x": 0.09830596662074093}, rel=1e-14)
    text = output(SIGMOID.format(""))
    assert "derivative" in text
    assert "Adaptive: " in text
    assert f"{found.evaluations} evaluations of the function in {found.calls} calls." in text


def test_what_cannot_be_traced(run: Run) -> None:
    found = run("%%numdiff x=2.0\nfloat(str(x)) ** 2")
    assert found.derivative == pytest.approx({"x": 4.0}, rel=1e-9)


@pytest.mark.parametrize(("option", "step"), [("--step 0.25", 0.25), ("--relative-step 0.25", 0.5)])
def test_step(run: Run, option: str, step: float) -> None:
    found = run(f"%%numdiff x=2.0 --method central-difference {option}\nx**3")
    assert found.step == {"x": step}
    assert found.derivative["x"] == pytest.approx(12 + step**2, abs=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_order(run: Run, order: int) -> None:
    found = run(f"%numdiff np.exp x=1.0 --order {order}")
    leaf = found.derivative
    for _ in range(order):
        leaf = leaf["x"]
    assert leaf == pytest.approx(math.e, rel=1e-10)


def test_the_two_kinds_of_error_are_told_apart(run: Run) -> None:
    long, short = (text_of(run(f"%%numdiff x=1.0 --method central-difference --step {h}\nx**3")) for h in (1e-3, 1e-9))
    assert long.splitlines()[3].split() == ["derivative", "error", "step", "truncation", "round-off"]
    truncation, roundoff = (float(each) for each in long.splitlines()[4].split()[-2:])
    assert 5e-7 < truncation < 2e-6
    assert roundoff < 1e-11
    truncation, roundoff = (float(each) for each in short.splitlines()[4].split()[-2:])
    assert truncation < roundoff < 1e-5


def test_wrt_and_arrays(run: Run) -> None:
    run("w = np.array([1.0, 2.0])\nb = 3.0\nX = np.ones((2, 2))")
    found = run("%%numdiff --wrt w\nloss = np.sum((X @ w - b) ** 2)")
    np.testing.assert_allclose(found.derivative["w"], [0.0, 0.0], atol=1e-10)
    assert list(found.derivative) == ["w"]
    assert run("loss") == 0.0


def test_decimal_places_that_the_error_leaves_open_are_not_shown(run: Run) -> None:
    text = text_of(run("%%numdiff v=np.array([0.0, 1.0])\nnp.sum(v**2)"))
    assert [line.split()[1] for line in text.splitlines() if "∂/∂v" in line] == ["0.0", "2.0"]


@pytest.mark.parametrize("line", ["x=-1.0", "x=-1.0 --sweep", "x=-1.0 --method ridders"])
def test_where_there_is_nothing(run: Run, line: str) -> None:
    text = text_of(run(f"%%numdiff {line}\nnp.log(x)"))
    assert "nan  unknown" in text


def test_sweep(run: Run) -> None:
    found = run(BAYDIN.format(""))
    swept = {each.method: each for each in found.sweep.methods}
    assert list(swept) == ["forward-difference", "central-difference", "complex-step"]
    assert found.sweep.truth["x"] == pytest.approx(9.0660864)
    for name, slope in (("forward-difference", 1.0), ("central-difference", 2.0)):
        assert swept[name].truncation.slope == pytest.approx(slope, abs=0.05)
        assert swept[name].roundoff.slope == pytest.approx(-1.0, abs=0.15)
    assert 1e-10 < swept["forward-difference"].best_step < 1e-8
    assert 1e-8 < swept["central-difference"].best_step < 1e-6
    assert swept["complex-step"].best_error < 1e-15
    text, page = text_of(found), html_of(found)
    assert "Relative error against step" in text
    assert max(map(len, text.splitlines())) <= 100
    assert len(svgs_in(page)) == 1
    assert page == html_of(run(BAYDIN.format("")))


def test_sweep_of_methods_that_are_named(run: Run) -> None:
    found = run(BAYDIN.format(" --method central-difference,ridders --order 2"))
    assert [each.method for each in found.sweep.methods] == ["central-difference", "ridders"]
    assert found.method == "central-difference"


def test_sweep_of_what_cannot_be_traced(run: Run) -> None:
    found = run("%%numdiff x=2.0 --sweep\nfloat(str(x)) ** 2")
    assert found.sweep.truth["x"] == pytest.approx(4.0)
    assert "errors are taken from adaptive" in found.notes[-1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x=1.0 --method revers", "there is no method 'revers'"),
        ("x=1.0 --method reverse", "reverse is not a numerical method\n  Instead: %%grad --mode reverse"),
        ("x=1.0 --method symbolic", "Instead: %%symdiff"),
        ("x=1.0 --step 0.1", "adaptive finds its steps itself\n  Instead: --method central-difference"),
        ("x=1.0 --method ridders --step much", "--step takes a number, not much"),
        ("x=1.0 --method ridders,richardson", "several methods at once are for --sweep"),
        ("x=1.0, y=2.0 --sweep", "a sweep moves one number"),
        ("x=1.0 --sweep --method adaptive", "adaptive takes no step"),
        ("x=1j", "x is complex"),
        ("x=1.0, y=2.0 --order 3", "adaptive goes up to order 2 for several numbers at once"),
        ("x=1.0 --method complex-step --order 3", "complex-step goes up to order"),
    ],
)
def test_what_is_refused(output: Output, line: str, message: str) -> None:
    assert message in output(f"%%numdiff {line}\ny = 1.0\nx**2 * y")
