"""``%%diffexplore`` and ``explore``: what a panel opens with, and what it does to the notebook."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import diffmagic
from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.explorer import panel as panels
from diffmagic.notebook.explorer.panel import Explorer, close_all, parts
from diffmagic.notebook.explorer.scene import ContoursScene, CurvesScene
from tests.notebook.explorer.panels import slider, widget

Run = Callable[[str], Any]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


def copied(panel: Explorer) -> str:
    """The line that the panel gives to be copied."""
    pages = [each.value for each in parts(panel.box) if isinstance(each, widgets.HTML)]
    (line,) = [found[1] for page in pages if (found := re.search(r'<input readonly [^>]*value="([^"]*)"', page))]
    return html.unescape(line)


def test_the_static_picture_comes_first(run: Run, shell: InteractiveShell) -> None:
    with capture_output() as captured:
        shell.run_cell("%%diffexplore x=-3:3, a=1.0\ny = np.sin(a * x)")
    still, panel = captured.outputs
    assert still.data["text/plain"].startswith("y, ∂y/∂x for x from -3.0 to 3.0")
    assert still.data["text/html"].startswith("<div>")
    view = panel.data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == panels._open[-1].box.model_id
    assert panel.data["text/plain"] == "Run this cell in a notebook to open the panel."


def test_ranges_starts_and_options(run: Run) -> None:
    panel = run('%%diffexplore a=2.0, x=-3:3, kind=["sin", "cos"] --order 2 --method taylor\ngetattr(np, kind)(a * x)')
    assert isinstance(panel, Explorer)
    assert (panel.state.along, panel.state.up, panel.state.order, panel.state.method) == ("x", "a", 2, "taylor")
    assert panel.state.numbers == {"x": 0.0, "a": 2.0}
    assert isinstance(panel.scene, CurvesScene)
    assert panel.scene.point is not None
    assert panel.scene.point.derivatives == (2.0, 0.0)
    assert run("%%diffexplore x=-2:2, y=-1:3\nx * y").state.view == "contours"
    assert run("%%diffexplore x=-2:2, y=-1:3 --view curves\nx * y").state.view == "curves"
    assert run("x0 = 2.0\n") is None
    assert run("%%diffexplore\nx0**2").state.numbers == {"x0": 2.0}


@pytest.mark.parametrize("view", ["curves", "contours", "compare", "trace", "graph"])
def test_every_view_opens(run: Run, view: str) -> None:
    panel = run(f"%%diffexplore x=1:2, y=1:2 --view {view}\nx * np.log(y)")
    assert panel.state.view == view
    assert panel.error == ""
    assert type(panel.scene).__name__.lower() == f"{view}scene"


def test_the_cell_runs_once_for_the_user(run: Run, shell: InteractiveShell) -> None:
    run("counts = [0]")
    with capture_output() as captured:
        shell.run_cell("%%diffexplore x=-1:1\nprint('once')\ncounts[0] += 1\nhelper = 2.0\ny = helper * x")
    assert captured.stdout.count("once") == 1
    assert shell.user_ns["counts"] == [1]
    assert type(shell.user_ns["helper"]) is float
    assert "x" not in shell.user_ns
    (panel,) = panels._open
    with capture_output() as captured:
        slider(panel, "x").value = 0.5
    assert captured.stdout == ""
    assert shell.user_ns["counts"] == [1]


def test_a_panel_keeps_to_the_notebook_as_its_cell_has_met_it(run: Run, shell: InteractiveShell) -> None:
    run("data = np.array([1.0, 2.0])\ndef helper(x):\n    return data[1] * x")
    panel = run("%%diffexplore x=0:2\nhelper(x) + data[0]")
    run("data[1] = 99.0\ndef helper(x):\n    return -x")
    slider(panel, "x").value = 0.5
    assert panel.scene.point.value == 2.0
    assert panel.scene.point.derivatives == (2.0,)
    assert shell.user_ns["data"].tolist() == [1.0, 99.0]
    assert shell.user_ns["helper"](1.0) == -1.0


def test_input_that_is_changed_by_the_cell(run: Run, shell: InteractiveShell) -> None:
    shell.user_ns["w0"] = np.array([1.0, 2.0])
    panel = run("%%diffexplore w=w0\nw *= 2\nnp.sum(w**2)")
    for _ in range(2):
        assert panel.scene.point.value == 20.0
        assert panel.scene.point.derivatives == (8.0,)
        panel.set(secants=("left",))
    np.testing.assert_array_equal(shell.user_ns["w0"], [1.0, 2.0])


def test_what_is_varied_can_be_named(run: Run) -> None:
    run("w = np.array([1.0, 2.0])\nb = 3.0")
    panel = run("%%diffexplore a=2.0, x=-1:1, n=[1, 2] --wrt x,w,n\na * x**n * np.sum(w) + b")
    assert panel.inputs.numbers == ["x", "w[0]", "w[1]"]
    assert list(panel.inputs.choices) == ["n"]
    assert panel.scene.point.derivatives == (6.0,)
    assert copied(panel) == "%%grad x=0.0, w=np.array([1.0, 2.0]), a=2.0, n=1 --wrt x,w"
    with pytest.raises(DiffmagicError, match="there is no input v"):
        run("%%diffexplore x=-1:1 --wrt x,v\nx")
    with pytest.raises(DiffmagicError, match="x=-1:1 is a range, and --wrt leaves it out"):
        run("%%diffexplore x=-1:1, a=1.0 --wrt a\na * x")
    with pytest.raises(DiffmagicError, match="data has too many numbers for a panel"):
        run("%%diffexplore data=np.arange(20.0)\nnp.sum(data)")


def test_integers_are_taken_as_floats(run: Run) -> None:
    panel = run("%%diffexplore x=-1:1, a=2\na * x")
    assert panel.state.numbers["a"] == 2.0
    assert panel.still.notes == ["a is an integer, which is taken as float"]


def test_code_that_cannot_be_traced_opens_with_numbers(run: Run) -> None:
    run(
        "import ctypes, ctypes.util\nlibm = ctypes.CDLL(ctypes.util.find_library('m'))\nsinh = libm.sinh\n"
        "sinh.restype, sinh.argtypes = ctypes.c_double, [ctypes.c_double]"
    )
    panel = run("%%diffexplore x=-1:3\nsinh(x)")
    assert panel.state.method == "adaptive"
    assert panel.scene.point.derivatives == pytest.approx((math.cosh(1.0),), rel=1e-10)
    assert panel.still.notes[-1].startswith("these are numerical derivatives, as there is no automatic one: ")


@pytest.mark.parametrize(
    ("cell", "reason", "instead"),
    [
        ("%%diffexplore x=3:-3\nx", "3:-3 is no range", "-3:3"),
        ("%%diffexplore x=-3:3 --order 5\nx", "a panel has no room for 5 derivatives", "--order 4"),
        ("%%diffexplore x=-3:3 --view curve\nx", "'curve' is not among", "curves"),
        ("%%diffexplore x=-3:3 --method revers\nx", "there is no method 'revers'", "'reverse'"),
        ("%%diffexplore x=-3:3 --view contours\nx", "contours need two numbers", "--view curves"),
        ("%%diffexplore x=-3:3, n=[]\nx", "n has no values to choose from", 'n={"a label": a_value'),
        ("%%diffexplore x=-3:3\nnp.array([x, x])", "the result is an array of shape (2,)", "np.sum(…)"),
        ("%%diffexplore x=-3:-1\nnp.log(x)", "there is no value on all of the range", "another range"),
        ("%%diffexplore xx=-3:3\nxy = 1.0\nxx1 * xy", "the cell does not read xx", "xx1"),
        ("%%diffexplore\n3.0", "there is nothing to differentiate with respect to", "x=1.0"),
    ],
)
def test_what_cannot_be_explored_is_refused(
    run: Run, shell: InteractiveShell, cell: str, reason: str, instead: str
) -> None:
    names = dict(shell.user_ns)
    with pytest.raises(DiffmagicError) as refusal:
        run(cell)
    assert reason in str(refusal.value)
    assert instead in refusal.value.rewrite
    assert panels._open == []
    assert shell.user_ns.keys() - {"_", "__", "___"} <= names.keys() | {f"_i{k}" for k in range(10_000)}


def test_a_mistake_in_the_cell_is_the_users_own(run: Run) -> None:
    with pytest.raises(KeyError):
        run("%%diffexplore x=-1:1\ny = {}['key']\nx")
    assert panels._open == []


def test_silent_ones_are_kept(run: Run, shell: InteractiveShell) -> None:
    for line in ("x=-1:1 -o kept --quiet", "x=-1:1 -o kept;"):
        with capture_output() as captured:
            shell.run_cell(f"%%diffexplore {line}\nx**2")
        assert captured.outputs == []
        assert shell.user_ns.pop("kept").state.numbers == {"x": 0.0}


def test_a_line_magic_explores_a_function(run: Run) -> None:
    run("def f(x, a=2.0):\n    return a * x**2")
    panel = run("p = %diffexplore f x=1:3\np")
    assert panel.scene.point.derivatives == (8.0,)
    assert copied(panel) == "%grad f x=2.0"


LINES = {
    "numbers": "%%diffexplore x=-3:3, a=0.1\nnp.sin(a * x)",
    "orders": "%%diffexplore x=-3:3, a=0.1 --order 3\nnp.sin(a * x)",
    "choices": "%%diffexplore x=-3:3, n=[3, 2], name=['it\\'s', 'b'], up=True\nx**n * len(name) * (1 + up)",
    "functions": "%%diffexplore x=1:3, act={'sine': np.sin, 'line': lambda z: 2 * z}\nact(x)",
    "listed functions": "%%diffexplore x=1:3, act=[np.sin, np.cos]\nact(x)",
    "an array": "%%diffexplore w=np.array([[1.0, 0.1], [2.0, 0.3]])\nnp.sum(w**3)",
    "what has no literal": "%%diffexplore x=1:3, c=[1.0, np.inf]\nx * np.exp(-1 / c)",
    "a numerical method": "%%diffexplore x=1:3, n=[2, 3] --method adaptive\nx**n",
    "a formula": "%%diffexplore x=1:3, n=[2, 3] --method symbolic\nx**n",
    "forward": "%%diffexplore x=1:3, a=2.0 --method forward\na * x**2",
    "data": "%%diffexplore x=1:3, data=np.arange(20.0)\nnp.sum(data * x)",
}


@pytest.mark.parametrize("name", LINES)
def test_the_line_that_is_copied_gives_the_same(run: Run, name: str) -> None:
    cell = LINES[name]
    panel = run(cell)
    first = panel.inputs.numbers[0]
    panel.set(numbers={**panel.state.numbers, first: math.pi / 3})
    for chosen, labels in panel.inputs.choices.items():
        widget(panel, chosen).value = list(labels)[-1]
    line, body = copied(panel), cell.partition("\n")[2]
    found = run(f"{line}\n{body}")
    if name == "a formula":
        assert line.startswith("%%symdiff")
        found = found.at
    assert (found.method == "adaptive") == (name == "a numerical method")
    assert (" --mode forward" in line) == (name == "forward")
    assert found.value == panel.scene.point.value
    entries = [np.ravel(entry.value)[0] for entry in found.entries if entry.wrt[0] == first.partition("[")[0]]
    assert entries[0] == pytest.approx(panel.scene.point.derivatives[-1], rel=1e-14)


def test_a_function_without_a_name_has_no_line_but_numbers(run: Run, shell: InteractiveShell) -> None:
    run("def f(x, data=None):\n    return 100 * x\ndata = np.ones(20)")
    other = {"x": (1, 3)}
    assert copied(diffmagic.explore(lambda x: x**2, **other)) == "x=2.0"
    f, data = shell.user_ns["f"], shell.user_ns["data"]
    assert copied(diffmagic.explore(f, **other)) == "%grad f x=2.0"
    assert copied(diffmagic.explore(f, data=data, **other)) == "%grad f x=2.0, data=data --wrt x"
    assert copied(diffmagic.explore(f, data=data + 1, **other)) == "x=2.0"
    assert copied(diffmagic.explore(f, data={"one": data, "other": None}, **other)) == "x=2.0"


def test_running_a_cell_again_replaces_its_panel(run: Run, shell: InteractiveShell, monkeypatch: Any) -> None:
    def running(cell: str, run: str) -> dict[str, Any]:
        return {"metadata": {"cellId": cell}, "header": {"msg_id": run}, "content": {"code": "code"}}

    now: dict[str, Any] = {}
    monkeypatch.setattr(shell, "get_parent", lambda: now, raising=False)
    opened = []
    for cell, message in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "3")]:
        now.update(running(cell, message))
        opened.append(run("%%diffexplore x=-1:1\nx"))
    assert [panel.scene is None for panel in opened] == [True, False, False, False]
    now.update(running("b", "5"))
    with pytest.raises(NameError):
        run("%%diffexplore x=-1:1\nnot_there")
    assert panels._open == opened[2:]  # what a cell showed before is gone from the page
    for front_end in ("", "again"):
        now.update({"metadata": {}, "header": {"msg_id": front_end}, "content": {"code": "the text of a cell"}})
        opened.append(run("%%diffexplore x=-1:1\nx"))
    assert panels._open == [*opened[2:4], opened[5]]


def test_unloading_closes_panels(run: Run, shell: InteractiveShell) -> None:
    panel = run("%%diffexplore x=-1:1\nx")
    run("%unload_ext diffmagic\n%load_ext diffmagic")
    assert panel.scene is None
    assert panels._open == []


def _plain(x: float, a: float = 2.0) -> Any:
    return np.exp(-a * x)


class _Called:
    def __call__(self, x: Any) -> Any:
        return 3 * x


@pytest.mark.parametrize(
    ("f", "inputs", "value", "slope"),
    [
        (_plain, {"x": (0, 2)}, math.exp(-2), -2 * math.exp(-2)),
        (_plain, {"x": (0, 2), "a": 1.0}, math.exp(-1), -math.exp(-1)),
        (np.sin, {"x": (0, 2)}, math.sin(1), math.cos(1)),
        (lambda x, b: np.sum(b * x), {"x": (0, 2), "b": np.array([1.0, 2.0])}, 3.0, 3.0),
        (lambda x: math.sin(x), {"x": (0, 2)}, math.sin(1), math.cos(1)),
        (partial(_plain, a=1.0), {"x": (0, 2)}, math.exp(-1), -math.exp(-1)),
        (_Called(), {"x": (0, 2)}, 3.0, 3.0),
        (lambda x=1.0, a=3.0, shape=(2, 3): a * x + len(shape), {}, 5.0, 3.0),
        (lambda **inputs: inputs["x"] ** 2, {"x": (0, 2)}, 1.0, 2.0),
    ],
)
def test_explore_takes_functions(f: Any, inputs: dict[str, Any], value: float, slope: float) -> None:
    panel = diffmagic.explore(f, **inputs)
    assert isinstance(panel.scene, CurvesScene)
    assert panel.scene.point is not None
    assert panel.scene.point.value == pytest.approx(value, rel=1e-15)
    assert panel.scene.point.derivatives == pytest.approx((slope,), rel=1e-14)


def test_explore_takes_nothing_from_the_notebook(run: Run) -> None:
    run("b = 3.0\ndef f(x, b):\n    return x * b\nimport diffmagic")
    with pytest.raises(DiffmagicError, match="f needs b"):
        run("diffmagic.explore(f, x=(0, 1))")


def test_explore_opens_contours_for_two_ranges() -> None:
    panel = diffmagic.explore(lambda x, y: x * y, x=(0, 2), y=(0, 4))
    assert isinstance(panel.scene, ContoursScene)
    assert panel.scene.point is not None
    assert panel.scene.point.derivatives == (2.0, 1.0)


@pytest.mark.parametrize(
    ("f", "inputs", "reason"),
    [
        (lambda x: x, {}, "there is nothing to vary"),
        (lambda x, b: x, {"x": (0, 1)}, "needs b"),
        (lambda x: x, {"x": "text"}, "there is nothing to vary"),
        (lambda x: "text", {"x": (0, 1)}, "a string"),
        ("sin(x)", {"x": (0, 1)}, "'sin\\(x\\)' is no function"),
        (lambda x: None, {"x": (0, 1)}, "returns None"),
    ],
)
def test_explore_refuses(f: Any, inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(DiffmagicError, match=reason):
        diffmagic.explore(f, **inputs)
    assert panels._open == []
