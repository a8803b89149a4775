"""The panel without a browser: its widgets are set as the front end sets them."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure

from diffmagic.core.errors import DiffmagicError
from diffmagic.methods import METHODS
from diffmagic.notebook.explorer import panel as panels
from diffmagic.notebook.explorer.panel import Explorer, parts
from diffmagic.notebook.explorer.render import Renderer
from diffmagic.notebook.explorer.scene import CompareScene, CurvesScene
from diffmagic.results import Curves
from tests.notebook.explorer.panels import function_of, press, seen, slider, widget


def _open(f: Any, **given: Any) -> Explorer:
    function, state = function_of(f, **given)
    return Explorer(function, state, lambda now: f"%grad f x={now.numbers.get('x')}", Curves("", "", 0, []))


def _bent(x: Any, a: Any) -> Any:
    return np.sin(a * x) * np.abs(x - 1)


@pytest.fixture
def panel() -> Iterator[Explorer]:
    found = _open(_bent, x=(-3, 3), a=1.0)
    yield found
    found.close()


def _shown(panel: Explorer) -> str:
    return "".join(each.value for each in seen(panel.box) if isinstance(each, widgets.HTML | widgets.HTMLMath))


def _consistent(panel: Explorer) -> None:
    """What is shown is the scene of the state."""
    assert panel.scene is not None
    assert Renderer(panel.box.model_id)(panel.scene) in _shown(panel)


def test_a_slider_moves_the_point(panel: Explorer) -> None:
    before = _shown(panel)
    slider(panel, "x").set_state({"value": 1.5})  # what a front end sends
    assert panel.state.numbers == {"x": 1.5, "a": 1.0}
    assert widget(panel, "x").value == "1.5"
    assert _shown(panel) != before
    assert "At x = 1.5: y = 0.49874749" in _shown(panel)
    assert "x=1.5" in _shown(panel)
    _consistent(panel)


def test_a_box_takes_arithmetic(panel: Explorer) -> None:
    widget(panel, "x").set_state({"value": "pi/4"})
    assert panel.state.numbers["x"] == np.pi / 4
    assert widget(panel, "x").value == "0.78539816"
    assert slider(panel, "x").value == np.pi / 4
    widget(panel, "x").value = "5"
    assert (slider(panel, "x").max, slider(panel, "x").value) == (5.0, 5.0)
    _consistent(panel)


def test_what_a_front_end_answers_is_not_what_people_ask_for(panel: Explorer) -> None:
    """The handle of a slider stands at the nearest step, and the front end tells so."""
    panel.set(numbers={"x": np.pi / 4, "a": 1.0}, secants=("left",), h=0.3)
    slider(panel, "x").set_state({"value": 0.8})
    slider(panel, "h").set_state({"value": 10**-0.5})
    assert (panel.state.numbers["x"], panel.state.h) == (np.pi / 4, 0.3)
    slider(panel, "x").set_state({"value": 0.85})
    slider(panel, "h").set_state({"value": 10**-0.55})
    assert (panel.state.numbers["x"], panel.state.h) == (0.85, 10**-0.55)


@pytest.mark.parametrize("text", ["", "y", "__import__('os')", "1/0", "<b>1</b>", "1e999"])
def test_what_a_box_does_not_take_stands_in_the_panel(panel: Explorer, text: str) -> None:
    before = panel.state
    widget(panel, "x").value = text
    assert panel.state == before
    assert panel.error
    assert 'role="alert"' in _shown(panel)
    assert "<b>" not in _shown(panel)
    assert widget(panel, "x").value == text  # to be mended
    slider(panel, "x").value = 0.5
    assert panel.error == ""
    assert "alert" not in _shown(panel)
    assert widget(panel, "x").value == "0.5"


def test_a_mistake_of_the_users_stands_in_the_panel_and_it_lives_on() -> None:
    def f(x: Any, n: Any) -> Any:
        if n == "bad":
            raise KeyError("no such thing")
        return x * x

    panel = _open(f, x=(-1, 1), n=["good", "bad"])
    widget(panel, "n").value = "bad"
    assert panel.error.splitlines()[-1] == "KeyError: 'no such thing'"
    assert panel.error.startswith("line ")
    assert 'raise KeyError("no such thing")' in panel.error
    assert "no such thing" in _shown(panel)
    assert panel.scene is None
    slider(panel, "x").value = 0.5
    assert "no such thing" in _shown(panel)
    widget(panel, "n").value = "good"
    assert panel.error == ""
    assert "At x = 0.5: y = 0.25" in _shown(panel)
    panel.close()


def test_what_is_shown_fades_while_it_is_not_what_the_controls_say(panel: Explorer) -> None:
    widget(panel, "x").value = "nonsense"
    assert "opacity: .4" not in _shown(panel)
    function = panel._function
    assert function is not None
    call, function.call = function.call, _interrupted
    widget(panel, "x").value = "7"
    assert "opacity: .4" in _shown(panel)
    assert panel.state.ranges["x"] == (-3.0, 3.0)  # or what fails at 7 would fail for ever
    function.call = call
    widget(panel, "x").value = "1"
    assert panel.error == ""
    assert "opacity: .4" not in _shown(panel)


def test_what_is_set_and_fails_stands_in_the_panel_and_is_raised(panel: Explorer) -> None:
    assert panel._function is not None
    panel._function.call = _interrupted
    with pytest.raises(KeyboardInterrupt):
        panel.set(order=2)
    assert panel.error.endswith("KeyboardInterrupt")
    assert "alert" in _shown(panel)


def test_reset_brings_everything_back(panel: Explorer) -> None:
    first = panel.state
    panel.set(numbers={"x": 2.0, "a": 2.5}, ranges={"x": (-9.0, 9.0)}, order=3, method="adaptive", against="taylor")
    panel.set(along="a", up="x", secants=("left",), h=0.1, marks=("roots",), rate=1.0, mode="forward", step=1)
    panel.set(view="compare")
    press(panel, "Reset")
    assert panel.state == first.but(view="compare")
    _consistent(panel)


def test_an_interrupt_stands_in_the_panel() -> None:
    function, state = function_of(lambda x: x, x=(-1, 1))
    panel = Explorer(function, state, lambda now: "", Curves("", "", 0, []))
    function.call = _interrupted
    widget(panel, "order").value = 2
    assert panel.error.endswith("KeyboardInterrupt")
    panel.close()


def _interrupted(*_: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_registry_can_be_chosen(panel: Explorer, method: str) -> None:
    widget(panel, "method").value = method
    assert isinstance(panel.scene, CurvesScene)
    assert panel.scene.method == method
    assert f"({method})" in _shown(panel)
    press(panel, "Compare")
    widget(panel, "and").value = method
    assert isinstance(panel.scene, CompareScene)
    assert panel.scene.names == (method, method)


def test_each_view_has_its_controls(panel: Explorer) -> None:
    names = {}
    for view in ("Curves", "Contours", "Compare", "Trace", "Graph"):
        press(panel, view)
        names[view] = {getattr(each, "description", "") for each in seen(panel.box)} - {""}
        _consistent(panel)
    always = {"x", "a", "Reset", "Close"}
    marks = {"roots", "extrema", "kinks", "left secant", "centred secant", "right secant"}
    axis = {"axis", "from", "to"}
    assert names == {
        "Curves": always | marks | axis | {"order", "method"},
        "Contours": always | axis | {"up", "method", "learning rate", "Step down", "10 steps", "Forget the way"},
        "Compare": always | axis | {"order", "method", "and"},
        "Trace": always | {"accumulation", "step", "First", "Back", "Next", "Last"},
        "Graph": always | {"accumulation", "step", "First", "Back", "Next", "Last"},
    }


def test_every_control_has_a_name_but_sliders_which_have_a_box_with_one(panel: Explorer) -> None:
    named = (widgets.Text, widgets.Dropdown, widgets.Checkbox, widgets.Button, widgets.BoundedIntText)
    for each in parts(panel.box):
        if isinstance(each, named):
            assert each.description
        if isinstance(each, widgets.HBox) and any(isinstance(c, panels._SLIDERS) for c in each.children):
            assert isinstance(each.children[0], widgets.Text | widgets.Dropdown)
            assert each.children[0].description


def test_secants_and_their_step(panel: Explorer) -> None:
    widget(panel, "left secant").value = True
    widget(panel, "right secant").value = True
    slider(panel, "h").value = 0.01
    assert (panel.state.secants, panel.state.h) == (("left", "right"), 0.01)
    widget(panel, "h").value = "2**-10"
    assert panel.state.h == 2**-10
    widget(panel, "left secant").value = False
    assert panel.state.secants == ("right",)
    widget(panel, "h").value = "-1"
    assert "is not positive" in panel.error
    _ = [press(panel, "Reset"), _consistent(panel)]
    assert panel.state.secants == ()


def test_axes_and_their_ranges(panel: Explorer) -> None:
    widget(panel, "axis").value = "a"
    assert (panel.state.along, panel.state.up) == ("a", "x")
    widget(panel, "from").value = "-2*pi"
    assert panel.state.ranges["a"] == (-2 * np.pi, 3.0)
    widget(panel, "to").value = "-8"
    assert "is no range" in panel.error
    press(panel, "Contours")
    _consistent(panel)
    widget(panel, "up").value = "a"
    assert (panel.state.along, panel.state.up) == ("x", "a")
    _consistent(panel)


def test_descent_by_hand() -> None:
    panel = _open(lambda x, y: x**2 + 3 * y**2, x=(-2, 2), y=(-2, 2))
    panel.set(view="contours", numbers={"x": 1.0, "y": 1.0})
    widget(panel, "learning rate").value = "0.1"
    press(panel, "Step down")
    assert panel.state.numbers == pytest.approx({"x": 0.8, "y": 0.4})
    press(panel, "10 steps")
    assert len(panel.state.descent) == 12
    assert "11 steps of gradient descent" in _shown(panel)
    slider(panel, "learning rate").value = 1.0
    press(panel, "10 steps")
    assert "outside the picture" in _shown(panel)
    assert slider(panel, "y").value == slider(panel, "y").max  # as far as it goes
    press(panel, "Forget the way")
    assert panel.state.descent == ()
    panel.close()


@pytest.mark.parametrize("view", ["Trace", "Graph"])
def test_back_and_next_through_an_accumulation(panel: Explorer, view: str) -> None:
    press(panel, view)
    for mode in ("reverse", "forward"):
        widget(panel, "accumulation").value = mode
        assert widget(panel, "step").value == (0 if mode == "forward" else widget(panel, "step").max)
        press(panel, "First")
        pages = [_shown(panel)]
        for _ in range(widget(panel, "step").max):
            press(panel, "Next")
            pages.append(_shown(panel))
        assert len(set(pages)) == len(pages) > 4
        last = _shown(panel)
        press(panel, "Next")
        assert _shown(panel) == last
        press(panel, "Back")
        assert _shown(panel) == pages[-2]
        widget(panel, "step").value = 1
        assert _shown(panel) == pages[1]
        press(panel, "Last")
        assert _shown(panel) == last


def test_a_table_of_components_with_one_slider() -> None:
    panel = _open(lambda w, b: np.sum(w**2) + b, w=np.array([[1.0, 2.0], [3.0, 4.0]]), b=0.5)
    assert [widget(panel, f"w[{k}, {m}]").value for k in (0, 1) for m in (0, 1)] == ["1.0", "2.0", "3.0", "4.0"]
    widget(panel, "w[1, 0]").value = "1/4"
    assert panel.state.numbers["w[1, 0]"] == 0.25
    assert widget(panel, "slide w").value == "w[0, 0]"  # along the axis
    widget(panel, "slide w").value = "w[1, 1]"
    slider(panel, "slide w").value = 6.0
    assert panel.state.numbers["w[1, 1]"] == 6.0
    assert widget(panel, "w[1, 1]").value == "6.0"
    _consistent(panel)
    panel.close()


def test_slow_functions_wait_for_the_release() -> None:
    waits = [0.0]

    def f(x: Any) -> Any:
        time.sleep(waits[0])
        return x * x

    panel = _open(f, x=(-1, 1))
    assert slider(panel, "x").continuous_update
    waits[0] = 0.3
    slider(panel, "x").value = 0.1
    assert not slider(panel, "x").continuous_update
    said: list[str] = []
    for each in parts(panel.box):
        if isinstance(each, widgets.HTML):
            each.observe(lambda change: said.append(change["new"]), "value")
    slider(panel, "x").value = 0.2
    assert [text for text in said if "status" in text] == ['<p role="status" style="margin:0">Computing …</p>']
    assert "Computing" not in _shown(panel)
    waits[0] = 0.0
    slider(panel, "x").value = 0.3
    assert slider(panel, "x").continuous_update
    panel.close()


def test_a_quick_function_shows_no_progress(panel: Explorer) -> None:
    said: list[str] = []
    for each in parts(panel.box):
        if isinstance(each, widgets.HTML):
            each.observe(lambda change: said.append(change["new"]), "value")
    slider(panel, "x").value = 1.0
    assert said
    assert not any("Computing" in text for text in said)


def test_nothing_of_a_hundred_panels_is_left() -> None:
    def figures() -> int:
        gc.collect()
        return sum(isinstance(thing, Figure) for thing in gc.get_objects())

    models, before = set(_instances), figures()
    for _ in range(100):
        panel = _open(lambda x, a, w, kind: _bent(x, a) + w[1], x=(-3, 3), a=1.0, w=np.ones(2), kind=["one"])
        press(panel, "Trace")
        panel.close()
    assert set(_instances) == models
    assert figures() == before
    assert panels._open == []


def test_pictures_on_one_page_share_nothing() -> None:
    """What is hidden would take its clip paths and markers with it."""
    opened = [_open(_bent, x=(-3, 3), a=1.0) for _ in range(2)]
    names = [set(re.findall(r' id="([^"]*)"', _shown(each))) for each in opened]
    assert names[0]
    assert names[0].isdisjoint(names[1])
    for each, known in zip(opened, names, strict=True):
        assert set(re.findall(r'(?:url\(#|href="#)([^")]*)', _shown(each))) <= known
        each.close()


def test_a_panel_that_does_not_open_leaves_nothing() -> None:
    models = set(_instances)
    with pytest.raises(TypeError):
        _open(lambda x: x["no"], x=(-3, 3))
    assert set(_instances) == models
    assert panels._open == []


def test_a_closed_panel_holds_nothing() -> None:
    panel = _open(_bent, x=(-3, 3), a=1.0)
    inside = parts(panel.box)
    press(panel, "Close")
    assert all(each.comm is None for each in inside)
    assert not any(each._click_handlers.callbacks for each in inside if isinstance(each, widgets.Button))
    assert repr(panel) == "Explorer(closed)"
    assert not any(each._trait_notifiers.get("value") for each in inside)
    assert panel.scene is None
    panel.close()  # twice does no harm
    with pytest.raises(DiffmagicError, match="the panel is closed"):
        panel.set(view="trace")


@pytest.mark.parametrize(
    "changes",
    [
        {"bogus": 1},
        {"order": 2.0},
        {"h": -1.0},
        {"step": -3},
        {"numbers": {"x": np.nan}},
        {"numbers": {"z": 1.0}},
        {"secants": ("bogus",)},
        {"view": "plot"},
        {"along": "z"},
        {"method": "magic"},
        {"choices": {}, "up": "q"},
    ],
)
def test_what_a_panel_cannot_be_set_to(panel: Explorer, changes: dict[str, Any]) -> None:
    before = panel.state
    with pytest.raises(DiffmagicError, match=r"(the panel has|there is) no "):
        panel.set(**changes)
    assert panel.state == before
    _consistent(panel)
