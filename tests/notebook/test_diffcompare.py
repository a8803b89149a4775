"""``%diffcompare`` and ``%%diffcompare`` in an IPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from diffmagic.methods import METHODS
from diffmagic.notebook.render import html_of, text_of
from tests.notebook.pictures import svgs_in

Run = Callable[[str], Any]
Output = Callable[[str], str]

SIGMOID = "%%diffcompare w=0.5, x=2.0{}\ny = 1 / (1 + np.exp(-w * x))"
SPEELPENNING = "%%diffcompare x=np.linspace(1, 2, n) --scale {}\ny = x[0]\nfor each in x[1:]:\n    y = y * each"


def test_all_methods(run: Run) -> None:
    found = run(SIGMOID.format(""))
    assert [row.method for row in found.rows] == list(METHODS)
    assert found.reference == "the formula at 30 digits"
    assert found.derivative == pytest.approx({"w": 0.3932238664829637, "x": 0.09830596662074093}, rel=1e-15)
    rows = {row.method: row for row in found.rows}
    assert all(not row.failure and row.digits > 6 for row in found.rows)
    assert rows["reverse"].digits > 15 > 12 > rows["forward-difference"].digits
    assert rows["reverse"].operations < rows["forward"].operations < rows["adaptive"].operations
    assert rows["symbolic"].size > 0
    assert run("y") == found.value


def test_what_is_shown(run: Run) -> None:
    found = run(SIGMOID.format(" --methods reverse,central-difference"))
    text = text_of(found)
    assert text == text_of(run(SIGMOID.format(" --methods reverse,central-difference")))
    assert "ms" not in text.split()
    assert "milliseconds" not in text
    assert "Digits: agreement with the formula at 30 digits." in text
    timed = run(SIGMOID.format(" --methods reverse --time"))
    assert "milliseconds" in text_of(timed)
    assert "milliseconds" in html_of(timed)


def test_a_method_that_cannot_has_a_row_that_says_why(run: Run) -> None:
    found = run("%%diffcompare x=2.0 --methods reverse,adaptive\nfloat(str(x)) ** 2")
    assert [bool(row.failure) for row in found.rows] == [True, False]
    assert found.reference == "adaptive"
    assert f"reverse: {found.rows[0].failure}." in text_of(found)


def test_arrays_are_compared_by_their_norms(run: Run) -> None:
    found = run("%%diffcompare v=np.linspace(0, 1, 10), s=2.0 --methods reverse,adaptive\nnp.sum(v**2) * s")
    assert "norm" in text_of(found)
    assert all(row.digits > 12 for row in found.rows)


@pytest.mark.parametrize("order", [2, 3])
def test_order(run: Run, order: int) -> None:
    found = run(f"%%diffcompare x=0.5 --order {order} --methods forward,reverse,symbolic,adaptive\nnp.sin(x) * x")
    assert all(row.digits > 11 for row in found.rows)
    assert found.rows[1].operations > 0


def test_scale(run: Run) -> None:
    found = run(SPEELPENNING.format("n=1,2,5,10"))
    assert found.operations["forward"] == [0, 6, 60, 270]
    assert found.operations["reverse"] == [0, 2, 8, 18]
    assert (found.function, found.inputs, found.crossing) == ([0, 1, 4, 9], [1, 2, 5, 10], 2)
    text, page = text_of(found), html_of(found)
    assert "From n = 2 on, reverse accumulation takes fewer operations than forward." in text
    assert "ms" not in text.split()
    assert len(svgs_in(page)) == 1
    assert run(SPEELPENNING.format("n=1:3")).sizes == [1, 2, 3]
    assert "reverse, ms" in text_of(run(SPEELPENNING.format("n=1,2 --time")))


def test_scale_leaves_nothing_behind(run: Run, output: Output) -> None:
    run("n = 'mine'")
    assert output(SPEELPENNING.format("n=1,2") + "\nprint('printed')\ny").count("printed") == 0
    assert run("n") == "mine"
    assert "NameError" in output("y")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x=1.0 --methods reverse,adaptiv", "there is no method 'adaptiv'\n  Instead: 'adaptive'"),
        ("x=1.0 --scale 5", "--scale takes a name and its values, not 5\n  Instead: --scale n=1,2,5,10"),
        ("x=1.0 --scale n=0,1", "not positive whole numbers"),
        ("x=1.0 --scale n=1.5", "not positive whole numbers"),
        ("x=1.0 --scale n=1:1000", "that are 1,000 values"),
        ("x=1.0 --scale n=1,2", "neither the cell nor its inputs read n"),
        ("x=1.0 --scale n=1,2 --order 2", "--order does not go with --scale"),
        ("x=1.0 --scale n=1,2 --methods reverse", "--methods does not go with --scale"),
    ],
)
def test_what_is_refused(output: Output, line: str, message: str) -> None:
    assert message in output(f"%%diffcompare {line}\nx**2")
