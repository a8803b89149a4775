"""A cell as a function of its inputs: its result, its inputs, and what it leaves in the notebook."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from diffmagic import DiffmagicError
from diffmagic.core.hook import MEANINGS
from diffmagic.notebook.cells import ends_silently
from diffmagic.notebook.namespace import free_names

Run = Callable[[str], Any]


@pytest.mark.parametrize(
    ("cell", "names", "derivative"),
    [
        ("x**2", ("",), 6.0),
        ("y = x**2", ("y",), 6.0),
        ("y: float = x**2", ("y",), 6.0),
        ("y = 0.0\ny += x**2", ("y",), 6.0),
        ("y = x**2\ny", ("y",), 6.0),
        ("def f(x):\n    return x**2", ("f",), 6.0),
        ("def f(x, *, k=2):\n    return x**k", ("f",), 6.0),
        ("y = 0.0\nfor k in range(2):\n    y = y + x**2 / 2", ("y",), 6.0),
        ("if x > 0:\n    y = x**2\nelse:\n    y = -x", ("y",), 6.0),
        ("square = lambda t: t**2\nsquare(x)", ("",), 6.0),
        ("sum([x**2 for k in range(1)])", ("",), 6.0),
    ],
)
def test_result_of_a_cell(run: Run, cell: str, names: tuple[str, ...], derivative: float) -> None:
    found = run("%%grad x=3.0\n" + cell)
    assert found.names == names
    assert found.value == 9.0
    assert found.derivative == {"x": derivative}


@pytest.mark.parametrize("end", ["a, b = x * y, x**2", "a = x * y\nb = x**2\na, b"])
def test_tuple_as_result(run: Run, end: str) -> None:
    found = run("%%grad x=3.0, y=2.0\n" + end)
    assert found.derivative == ({"x": 2.0, "y": 3.0}, {"x": 6.0, "y": 0.0})
    assert [(entry.of, entry.wrt) for entry in found.entries] == [
        ("a", ("x",)),
        ("a", ("y",)),
        ("b", ("x",)),
        ("b", ("y",)),
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("# nothing", "the cell is empty"),
        ("r = np.zeros(2)\nr[0] = 1", "line 3: r[0] = 1"),
        ("import math", "has no result"),
        ("print(x)", "the cell's last line gives None"),
        ("def f(x):\n    x**2", "f returns None"),
        ("'text'", "the result is a string"),
        ("%time y = x", "this line is for IPython"),
        ("files = !ls\nx", "this line is for IPython: files = !ls"),
        ("if x:\n    %time y = x\nx", "this line is for IPython: %time y = x"),
        ("x?", "this line is for IPython: x?"),
        ("[]", "the result holds no numbers"),
        ("a, b = x, 'text'", "b is a string"),
        ("f = lambda t: t * x", "f is a function"),
        ("def f(x, k):\n    return x * k", "f needs k\n  Instead: k=1.0"),
    ],
)
def test_cells_without_a_result(run: Run, cell: str, message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        run("%%grad x=3.0\n" + cell)
    assert message in str(caught.value)


def test_decorator_that_hides_the_parameters(run: Run, shell: InteractiveShell) -> None:
    run("def timed(f):\n    def inner(*args, **kwargs):\n        return f(*args, **kwargs)\n    return inner")
    found = run("%%grad x=3.0\n@timed\ndef power(x, k=2):\n    return x**k")
    assert found.derivative == {"x": 6.0}
    with pytest.raises(DiffmagicError, match="the parameters of power are not known"):
        run("%grad power x=3.0")


def test_empty_arrays(run: Run) -> None:
    found = run("%%grad x=np.zeros((2, 0)), y=2.0\nnp.sum(x) + y**2")
    assert (found.derivative["x"].shape, found.derivative["y"]) == ((2, 0), 4.0)
    assert found.check.digits == 6
    with pytest.raises(DiffmagicError, match="x holds no numbers"):
        run("%%grad x=np.zeros(0)\nx * 2")


def test_names_as_python_spells_them(run: Run, shell: InteractiveShell) -> None:
    found = run("%%grad ϵ=0.5, x\u0302=2.0 --wrt ϵ -o ϕ\nϵ**2 * x\u0302")
    assert found.derivative == {"ε": 2.0}
    assert run("ϕ") is found


def test_what_the_cell_assigns_first_is_no_input(run: Run) -> None:
    run("x = 3.0")
    for _ in range(2):
        assert run("%%grad\ny = x**2\ny").derivative == {"x": 6.0}


def test_floats_that_the_cell_reads(run: Run, shell: InteractiveShell) -> None:
    shell.user_ns.update(w=0.5, x=2.0, n=3, data=np.ones(3), unused=1.0, z=7.0)
    found = run("%%grad\nz = w * x * n\nloss = z**2 * np.sum(data)")
    assert found.derivative == {"w": 108.0, "x": 27.0}


def test_arrays_are_data_unless_named(run: Run, shell: InteractiveShell) -> None:
    shell.user_ns.update(w=2.0, data=np.array([1.0, 2.0]))
    found = run("%%grad --wrt data,w\nnp.sum(w * data)")
    assert list(found.derivative) == ["data", "w"]
    np.testing.assert_array_equal(found.derivative["data"], [2.0, 2.0])
    assert found.derivative["w"] == 3.0


def test_wrt_restricts_what_is_given(run: Run) -> None:
    found = run("%%grad x=3.0, n=2 --wrt x\nx**n")
    assert found.derivative == {"x": 6.0}
    assert found.notes == []


def test_integers_are_taken_as_floats(run: Run) -> None:
    found = run("%%grad x=3, v=np.arange(2), p=[1, 10**20]\nx**2 + np.sum(v) + p[0]")
    assert found.derivative["x"] == 6.0
    assert found.notes == [
        "x is an integer, which is taken as float",
        "v holds integers, which are taken as float",
        "p holds integers, which are taken as float",
        "the result does not depend on p[1]: its derivative is 0",
    ]


def test_one_note_for_all_inputs_that_do_nothing(run: Run) -> None:
    found = run("%%grad p=[1.0] * 100, q=2.0\np[0] * np.floor(q)")
    assert found.notes == [
        "the result does not depend on p[1], p[2], … p[99] (99 inputs): their derivatives are 0",
        "the result depends on q only through np.floor, which is constant almost everywhere: its derivative is 0",
    ]


def test_containers(run: Run) -> None:
    found = run("%%grad p={'a': 2.0, 'b': [3.0, 4.0]}\np['a'] * p['b'][0] + p['b'][1]")
    assert found.derivative == {"p": {"a": 3.0, "b": [2.0, 1.0]}}
    assert [entry.wrt for entry in found.entries] == [("p['a']",), ("p['b'][0]",), ("p['b'][1]",)]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%grad\n1 + 1", "there is nothing to differentiate"),
        ("%%grad\nk * 2", "only k (an integer)\n  Instead: --wrt k"),
        ("%%grad --wrt dat\nnp.sum(data)", "there is no input dat\n  Instead: --wrt data"),
        ("%%grad weigth=1.0\nweight**2", "the cell does not read weigth\n  Instead: weight"),
        ("%%grad x=undefined\nx", "NameError: name 'undefined' is not defined"),
        ("%%grad x=dat\nx", "Instead: data"),
        ("%%grad x='a'\nx", "x is a string"),
        ("%%grad x=None\n1.0", "x holds no numbers"),
        ("%%grad x=[], y=2.0\ny", "x holds no numbers"),
        ("%%grad x=1.0, y=2.0 --wrt x y\nx * y", "Instead: --wrt x,y"),
        ("%%grad x=1.0 --wrt ['x']\nx", "Instead: --wrt x"),
        ("%grad los w=1.0", "NameError: name 'los' is not defined\n  Instead: loss"),
        ("%%grad w\nw", "Instead: w=1.0"),
    ],
)
def test_inputs_that_are_none(run: Run, shell: InteractiveShell, cell: str, message: str) -> None:
    shell.user_ns.update(k=3, data=np.ones(3), loss=np.sin)
    with pytest.raises(DiffmagicError) as caught:
        run(cell)
    assert message in str(caught.value)


def test_names_of_the_cell_stay_with_ordinary_values(run: Run, shell: InteractiveShell) -> None:
    names = shell.user_ns
    names["x"] = "before"
    names["seen"] = []
    run(
        "%%grad x=3.0, y=1.0\nz = x * y\nseen.append(z)\nparts = {'z': (z, [z])}\n"
        "def f(t):\n    return t * z\nloss = f(z)"
    )
    assert names["x"] == "before"
    assert "y" not in names
    assert (type(names["z"]), names["z"]) == (float, 3.0)
    assert names["seen"] == [3.0]
    assert names["parts"] == {"z": (3.0, [3.0])}
    assert type(names["parts"]["z"][1][0]) is float
    assert names["f"].__globals__ is names
    assert names["f"](2.0) == 6.0


def test_tracers_do_not_stay_behind(run: Run) -> None:
    run(
        "%%grad x=3.0\nfrom collections import deque\nfrom types import SimpleNamespace\n"
        "def make(a):\n    return lambda t: a * t\n"
        "class Kept:\n    value = x\n"
        "f, g = make(x), lambda t, k=x, *, m=x: k * m * t\nspace, line = SimpleNamespace(v=x), deque([x])\nx**2"
    )
    found = run("[f(1.0), g(1.0), Kept.value, space.v, line[0]]")
    assert [(type(value), value) for value in found] == [(float, value) for value in (3.0, 9.0, 3.0, 3.0, 3.0)]


def test_a_failing_cell_changes_nothing(run: Run, shell: InteractiveShell) -> None:
    names = shell.user_ns
    names.update(x=1.0, seen=[1, [2]], table={"a": 1}, array=np.zeros(2), group={1})
    before = dict(names)
    with pytest.raises(ZeroDivisionError):
        run(
            "%%grad x=3.0\nnew = x\nseen.append(x)\nseen[1].append(x)\ntable['b'] = 1\narray[0] = 9\n"
            "group.add(2)\ny = x / 0\ny"
        )
    assert {name: names[name] for name in before if not name.startswith("_")} == {
        name: value for name, value in before.items() if not name.startswith("_")
    }
    assert "new" not in names
    assert (names["seen"], names["table"], names["array"].tolist(), names["group"]) == ([1, [2]], {"a": 1}, [0, 0], {1})


def test_a_cell_runs_once_for_the_user(output: Callable[[str], str], shell: InteractiveShell) -> None:
    names = shell.user_ns
    names.update(count=[], rng=np.random.default_rng(0))
    once = np.random.default_rng(0)
    expected = once.normal()
    np.random.seed(1)
    text = output(
        "%%grad x=3.0 --order 2\nprint('once')\ncount.append(1)\n"
        "noise = rng.normal() * np.random.normal()\nx**3 * noise"
    )
    assert text.count("once") == 1
    assert "agrees to at least 6 digits" in text
    assert names["count"] == [1]
    assert names["rng"].normal() == once.normal()
    np.random.seed(1)
    assert names["noise"] == expected * np.random.normal()


COUNTING = """\
import enum, random
from collections import deque
class Size(enum.Enum):
    ONE = 1
class Counter:
    calls = 0
    def __init__(self):
        self.own = []
    def __call__(self, x):
        Counter.calls += 1
        self.own.append(1)
        seen.append(1)
        return x * Size.ONE.value
    def method(self, x):
        return self(x)
def make():
    calls = 0
    def f(x, cache=[]):
        nonlocal calls
        calls += 1
        cache.append(1)
        f.calls = calls
        return x
    return f
long = [0] * 200_000
seen, line, boxes, counter, f = [], deque(), np.array([[], None], dtype=object), Counter(), make()
"""


def test_whatever_the_cell_reaches_is_run_once(run: Run, shell: InteractiveShell) -> None:
    run(COUNTING)
    names = shell.user_ns
    found = run("%%grad x=3.0\nline.append(1)\nlong.append(1)\nboxes[0].append(1)\ncounter(x) * f(x)")
    assert found.check.digits == 6
    counter = names["counter"]
    assert (names["Counter"].calls, counter.own, names["seen"]) == (1, [1], [1])
    assert (list(names["line"]), names["boxes"][0], len(names["long"])) == ([1], [1], 200_001)
    assert (names["f"].calls, names["f"].__defaults__) == (1, ([1],))
    for line in ("%grad counter x=3.0", "%grad counter.method x=3.0"):
        run(line)
    assert (names["Counter"].calls, len(counter.own), len(names["seen"])) == (3, 3, 3)


def test_generators_of_any_kind_go_back(run: Run, shell: InteractiveShell) -> None:
    shell.user_ns.update(old=np.random.RandomState(0), python=random.Random(0))
    found = run("%%grad x=3.0\nx * old.normal() * python.random()")
    assert found.value == 3 * np.random.RandomState(0).normal() * random.Random(0).random()
    assert found.check.digits == 6


def test_large_arrays_are_changed_once(run: Run, shell: InteractiveShell) -> None:
    large = shell.user_ns["large"] = np.zeros((3000, 1000))
    shell.user_ns["view"] = view = large[:2500]
    found = run("%%grad x=3.0\nview += 1\nx * large[0, 0]")
    assert (found.value, large[0, 0]) == (3.0, 1.0)
    assert found.check.reason == "the function stops with ValueError beside this point"
    assert large.flags.writeable
    assert view.flags.writeable


def test_inputs_are_those_before_the_cell(run: Run, shell: InteractiveShell) -> None:
    array = shell.user_ns["array"] = np.arange(3.0)
    shell.user_ns["view"] = array[1:]
    found = run("%%grad --wrt array\nview += 1\nnp.sum(array**2)")
    np.testing.assert_array_equal(found.derivative["array"], [0.0, 2.0, 4.0])
    assert found.check.digits == 6


def test_figures_are_drawn_once(run: Run) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    try:
        run("%%grad x=3.0\nfrom matplotlib import pyplot as plt\nplt.plot([1, 2])\nplt.figure()\nx**2")
        assert pyplot.get_fignums() == [1, 2]
        assert len(pyplot.figure(1).axes[0].lines) == 1
    finally:
        pyplot.close("all")


def test_free_names_in_order() -> None:
    code = compile("a = b + a\nc = [d for k in a]\ndef f(t):\n    return t * e + a\n", "", "exec")
    assert free_names(code) == ["b", "a", "d", "e"]
    assert free_names(compile("a = b", "", "exec"), compile("a + c", "", "eval")) == ["b", "c"]


@pytest.mark.parametrize(
    ("cell", "silent"),
    [("x;", True), ("x; # done\n\n", True), ("x", False), ("x = ';'", False), ("f(\n", False), ("'''", False)],
)
def test_semicolon_at_the_end(cell: str, silent: bool) -> None:
    assert ends_silently(cell) is silent


def test_the_check_runs_the_code_as_it_is_written(
    shell: InteractiveShell, output: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run_cell("import math")
    assert "agrees" in output("%%grad x=2.0\nmath.sin(x)")
    monkeypatch.setitem(MEANINGS, math.sin, lambda x: 3 * x)
    assert "disagrees" in output("%%grad x=2.0\nmath.sin(x)")


def test_the_check_of_code_that_differentiates(shell: InteractiveShell, output: Callable[[str], str]) -> None:
    shell.run_cell("import math\nfrom diffmagic import grad")
    assert "agrees" in output("%%grad x=2.0\ngrad(lambda t: math.sin(t) * t)(x) * x")
