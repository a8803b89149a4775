"""What a panel finds for a state: against mpmath, plain NumPy, and itself without a memory."""

from __future__ import annotations

import math
import re
import time
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmagic.core.errors import DiffmagicError
from diffmagic.methods import METHODS, differentiate
from diffmagic.notebook.explorer.function import Function
from diffmagic.notebook.explorer.render import render
from diffmagic.notebook.explorer.scene import CompareScene, ContoursScene, CurvesScene, GraphScene, TraceScene
from diffmagic.notebook.explorer.state import MARKS, SECANTS, State
from diffmagic.notebook.explorer.views import descended, scene_of, steps_shown
from diffmagic.notebook.render.blocks import Row
from diffmagic.notebook.render.trace import trace_grid
from tests.notebook.explorer.panels import function_of


def _wave(x: Any, a: Any) -> Any:
    return np.exp(-a * x) * np.sin(3 * x)


def _exact(x: float, a: float, order: int) -> float:
    return float(mpmath.diff(lambda t: mpmath.exp(-a * t) * mpmath.sin(3 * t), x, order))


def rosenbrock(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.family == "automatic"])
def test_derivatives_along_the_axis(method: str) -> None:
    function, state = function_of(_wave, x=(0, 2), a=0.5)
    scene = scene_of(function, state.moved("x", 0.7).but(method=method, order=4))
    assert isinstance(scene, CurvesScene)
    assert scene.point is not None
    numbers = [scene.point.value, *scene.point.derivatives]
    assert numbers == pytest.approx([_exact(0.7, 0.5, k) for k in range(5)], rel=1e-12)
    for k in range(5):
        places = scene.derivatives.x[20::90]
        exact = [_exact(x, 0.5, k) for x in places]
        np.testing.assert_allclose(scene.derivatives.y[k, 20::90], exact, rtol=1e-11)


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.family != "automatic"])
def test_other_derivatives_are_those_of_the_method_point_by_point(method: str) -> None:
    function, state = function_of(_wave, x=(0, 2), a=0.5)
    scene = scene_of(function, state.moved("x", 0.7).but(method=method, order=2))
    assert isinstance(scene, CurvesScene)
    assert scene.point is not None
    most = min(2, METHODS[method].orders or 2)
    for k in range(1, most + 1):
        at = [
            differentiate(_wave, x, 0.5, method=method, order=k).derivative for x in (0.7, *scene.derivatives.x[::25])
        ]
        assert [scene.point.derivatives[k - 1], *scene.derivatives.y[k, ::25]] == at
    assert len(scene.point.derivatives) == most == len(scene.derivatives.y) - 1
    assert scene.notes == ([] if most == 2 else [f"{method} goes up to order 1"])


def test_secants() -> None:
    function, state = function_of(lambda x: x**3, x=(-2, 2))
    scene = scene_of(function, state.moved("x", 1.0).but(secants=SECANTS, h=0.5))
    assert isinstance(scene, CurvesScene)
    slopes = {secant.kind: secant.slope for secant in scene.secants}
    assert slopes == {"left": 1.75, "centred": 3.25, "right": 4.75}  # by hand
    ends = {secant.kind: secant.ends for secant in scene.secants}
    assert ends["centred"] == ((0.5, 0.125), (1.5, 3.375))
    for secant, side in zip(scene.secants, (-1, 0, 1), strict=True):
        h = scene.steps
        assert (h[0], h[-1]) == (1e-16, 2.0)
        exact = 3 + 3 * side * h + h**2
        np.testing.assert_allclose(secant.slopes[h > 1e-7], exact[h > 1e-7], rtol=1e-7)
        assert np.abs(secant.slopes[h < 1e-15] - 3).max() > 0.1  # round-off


def test_secants_beside_where_there_is_no_value() -> None:
    function, state = function_of(lambda x: np.sqrt(x), x=(0, 2))
    scene = scene_of(function, state.moved("x", 0.25).but(secants=SECANTS, h=0.5))
    assert isinstance(scene, CurvesScene)
    left, centred, right = scene.secants
    assert math.isnan(left.slope)
    assert math.isnan(centred.slope)
    assert right.slope == pytest.approx((math.sqrt(0.75) - 0.5) / 0.5)


def test_marks_are_those_asked_for() -> None:
    function, state = function_of(lambda x: np.abs(x - 1) * (x + 2) - 1, x=(-3, 3))
    found = {}
    for mark in MARKS:
        scene = scene_of(function, state.but(marks=(mark,)))
        assert isinstance(scene, CurvesScene)
        found[mark] = [(each.kind, round(each.x, 9)) for each in scene.curve.marks]
    low, near, far = (-1 - 5**0.5) / 2, (-1 + 5**0.5) / 2, (-1 + 13**0.5) / 2
    assert found["kinks"] == [("kink", 1.0)]
    assert found["extrema"] == [("maximum", -0.5), ("minimum", 1.0)]
    assert found["roots"] == [("root", round(root, 9)) for root in (low, near, far)]
    scene = scene_of(function, state)
    assert isinstance(scene, CurvesScene)
    assert scene.curve.marks == []


def test_a_point_on_a_kink_says_so() -> None:
    function, state = function_of(lambda x: np.abs(x), x=(-1, 1))
    scene = scene_of(function, state)
    assert isinstance(scene, CurvesScene)
    assert scene.point is not None
    assert scene.point.derivatives == (0.0,)
    assert "kink at x = 0.0" in scene.point.notes[0]


def test_the_function_may_have_no_value_at_the_point() -> None:
    function, state = function_of(lambda x: 1 / x, x=(-1, 1))
    scene = scene_of(function, state)
    assert isinstance(scene, CurvesScene)
    assert scene.point is None
    assert [mark.kind for mark in scene.curve.marks] == ["pole"]


def _of_nothing(x: Any) -> Any:
    if x < 0:
        raise ValueError("x is negative")
    return x


def test_what_is_complex_is_no_value() -> None:
    function, state = function_of(lambda x: np.emath.sqrt(x), x=(-1, 2))
    scene = scene_of(function, state.moved("x", -0.5))
    assert isinstance(scene, CurvesScene)
    assert scene.point is None
    assert "no value at the point" in render(scene)


def test_a_function_without_any_value_is_refused() -> None:
    function, state = function_of(_of_nothing, x=(-2, -1))
    for method in ("reverse", "adaptive"):
        with pytest.raises(DiffmagicError, match=r"no value on all of the range.*ValueError"):
            scene_of(function, state.but(method=method))


def test_a_function_that_cannot_be_traced_has_numerical_curves() -> None:
    function, state = function_of(lambda x: math.sinh(x), x=(-1, 3))
    with pytest.raises(DiffmagicError, match="takes the plain number out"):
        scene_of(function, state)
    scene = scene_of(function, state.but(method="adaptive", order=2, secants=("right",)))
    assert isinstance(scene, CurvesScene)
    np.testing.assert_allclose(scene.curve.y[0], np.sinh(scene.curve.x), rtol=1e-14)
    np.testing.assert_allclose(scene.derivatives.y[1], np.cosh(scene.curve.x), rtol=1e-11)
    np.testing.assert_allclose(scene.derivatives.y[2], np.sinh(scene.curve.x), rtol=1e-7, atol=1e-8)
    assert scene.secants[0].slope == pytest.approx((math.sinh(1.5) - math.sinh(1.0)) / 0.5)


@pytest.mark.parametrize("method", METHODS)
def test_the_gradient_on_contours_by_every_method(method: str) -> None:
    function, state = function_of(rosenbrock, x=(-2, 2), y=(-1, 3))
    scene = scene_of(function, state.moved("x", -1.25).moved("y", 1.0).but(view="contours", method=method))
    assert isinstance(scene, ContoursScene)
    assert scene.point is not None
    rough = METHODS[method].family == "numerical"
    assert scene.point.derivatives == pytest.approx((-285.75, -112.5), rel=1e-5 if rough else 1e-13)
    x, y = np.meshgrid(scene.field.x, scene.field.y)
    np.testing.assert_allclose(scene.field.value, rosenbrock(x, y), rtol=1e-13)


def test_gradient_descent_is_that_of_plain_numpy() -> None:
    function, state = function_of(rosenbrock, x=(-2, 2), y=(-1, 3))
    state = state.moved("x", -1.2).moved("y", 1.0).but(view="contours", rate=0.002)
    after = descended(function, descended(function, state), 9)
    point = np.array([-1.2, 1.0])
    way = [point]
    for _ in range(10):
        x, y = point
        point = point - 0.002 * np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])
        way.append(point)
    np.testing.assert_allclose(after.descent, way, rtol=1e-12)
    assert tuple(after.numbers.values()) == after.descent[-1]
    assert after.ranges == state.ranges
    assert after.moved("x", 0.0).descent == ()


def test_descent_that_leaves_every_number_behind_is_refused() -> None:
    function, state = function_of(rosenbrock, x=(-2, 2), y=(-1, 3))
    with pytest.raises(DiffmagicError, match="leads to where there is no finite value") as refusal:
        descended(function, state.moved("x", -1.5).but(view="contours", rate=1.0), 50)
    assert refusal.value.rewrite == "a smaller learning rate"


def test_methods_beside_each_other() -> None:
    function, state = function_of(_wave, x=(0, 2), a=0.5)
    state = state.moved("x", 0.7).but(view="compare", method="symbolic", against="richardson")
    scene = scene_of(function, state)
    assert isinstance(scene, CompareScene)
    assert [row.method for row in scene.comparison.rows] == list(METHODS)
    assert scene.comparison.derivative == pytest.approx(_exact(0.7, 0.5, 1), rel=1e-14)
    assert scene.sweep is not None
    assert [each.method for each in scene.sweep.methods][-1] == "richardson"
    exact = [_exact(x, 0.5, 1) for x in scene.x[::20]]
    np.testing.assert_allclose(scene.first[::20], exact, rtol=1e-12)
    np.testing.assert_allclose(scene.second[::20], exact, rtol=1e-7, atol=1e-9)
    same = scene_of(function, state.but(against="symbolic"))
    assert isinstance(same, CompareScene)
    assert "the same numbers everywhere" in render(same)


@pytest.mark.parametrize("view", ["trace", "graph"])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_every_step_of_an_accumulation(view: Any, mode: Any) -> None:
    function, state = function_of(lambda w, x: 1 / (1 + np.exp(-w * x)), w=0.5, x=2.0)
    state = state.but(view=view, mode=mode, step=0)
    count = steps_shown(function, state)
    pages = [render(scene_of(function, state.but(step=step))) for step in range(count + 1)]
    assert len(set(pages)) == count + 1
    assert (
        pages[-1] == render(scene_of(function, state.but(step=None))) == render(scene_of(function, state.but(step=99)))
    )


def test_a_trace_fills_as_it_goes() -> None:
    function, state = function_of(lambda x: np.sin(x) * x, x=2.0)
    forwards = [scene_of(function, state.but(view="trace", mode="forward", step=step)) for step in range(3)]
    assert [[row.operation for row in scene.table.rows] for scene in forwards if isinstance(scene, TraceScene)] == [
        [""],
        ["", "np.sin(x)"],
        ["", "np.sin(x)", "v1 * x"],
    ]
    scene = scene_of(function, state.but(view="trace", step=0))
    assert isinstance(scene, TraceScene)
    cells = [row.cells[-1].text for row in trace_grid(scene.table).rows if isinstance(row, Row)]
    assert cells == ["", "", "1.0"]
    backwards = [render(scene_of(function, state.but(view="trace", step=step))) for step in range(3)]
    assert ["∂y/∂v1 = 2.0" in page for page in backwards] == [False, True, False]
    assert [f"∂y/∂x = {np.cos(2) * 2 + np.sin(2):.8}" in page for page in backwards] == [False, False, True]


def test_a_graph_fills_as_it_goes() -> None:
    function, state = function_of(lambda x: np.sin(x) * x, x=2.0)
    scenes = [scene_of(function, state.but(view="graph", step=step)) for step in range(4)]
    reached = [set(scene.state.reached) for scene in scenes if isinstance(scene, GraphScene)]
    assert [{name for _, name in each} for each in reached] == [
        {"v2"},
        {"v2", "v1"},
        {"v2", "v1", "x"},
        {"v2", "v1", "x"},
    ]


def test_a_graph_of_many_inputs_follows_the_one_along_the_axis() -> None:
    function, state = function_of(lambda x, y, w: np.sum(w) * x * y, x=0.5, y=2.0, w=np.array([3.0, 4.0]))
    scene = scene_of(function, state.but(view="graph", mode="forward", along="w[1]"))
    assert isinstance(scene, GraphScene)
    assert scene.graph.nodes[-1].values[0].moved == (1.0,)  # x y


def test_a_graph_of_a_constant_has_nothing_to_bring_back() -> None:
    function, state = function_of(lambda x: 1.0, x=(-1, 1))
    scene = scene_of(function, state.but(view="graph"))
    assert isinstance(scene, GraphScene)
    assert scene.graph.mode == "plain"


def test_what_a_function_reads_may_change() -> None:
    """As it may where no snapshot reaches: in objects, closures and other modules."""
    factors = [3.0]
    function, state = function_of(lambda x, a: factors[0] * a * x, x=(-3, 3), a=1.0)
    for view in ("curves", "contours", "compare"):
        state = state.but(view=view)
        scene_of(function, state)
        factors[0] += 1
        fresh = Function(function.call, function.inputs, function.of)
        assert render(scene_of(function, state.moved("x", 1.0))) == render(scene_of(fresh, state.moved("x", 1.0)))


def test_what_a_function_reads_may_change_where_it_is_looked_at() -> None:
    limit = [2.0]
    function, state = function_of(lambda x: np.where(x > limit[0], 5.0, x), x=(-3, 3))
    for view in ("curves", "compare"):
        limit[0] = 2.0
        scene_of(function, state.but(view=view).moved("x", 2.5))
        limit[0] = 10.0
        fresh = Function(function.call, function.inputs, function.of)
        found, expected = (render(scene_of(each, state.but(view=view).moved("x", 2.5))) for each in (function, fresh))
        assert found == expected


def test_contours_are_looked_at_again_too() -> None:
    limit = [2.0]
    function, state = function_of(lambda x, y: np.where(x > limit[0], 5.0, x) * y, x=(-3, 3), y=(1, 2))
    state = state.moved("x", 2.5).but(view="contours")
    scene_of(function, state)
    limit[0] = 10.0
    found = scene_of(function, state)
    assert isinstance(found, ContoursScene)
    assert found.field.value[0, -1] == 3.0


def test_contours_need_a_function_that_can_be_traced() -> None:
    function, state = function_of(lambda x, y: math.sinh(x) * y, x=(-3, 3), y=(1, 2))
    with pytest.raises(DiffmagicError, match="takes the plain number out"):
        scene_of(function, state.but(view="contours"))


def test_slow_methods_are_asked_at_fewer_places() -> None:
    def f(x: Any) -> Any:
        time.sleep(0.03)
        return x * x

    function, state = function_of(f, x=(-1, 1))
    scene = scene_of(function, state.but(method="central-difference"))
    assert isinstance(scene, CurvesScene)
    assert len(scene.derivatives.x) == 21
    np.testing.assert_allclose(scene.derivatives.y[1], 2 * scene.derivatives.x, atol=1e-9)
    assert scene.notes == ["central-difference takes its time here: its derivatives are those at 21 places"]


@pytest.mark.parametrize(
    "f", [lambda x: np.log(x), lambda x: np.log(x - 1), lambda x: 1e308 * x, lambda x: 1 / (x * x)]
)
def test_what_is_not_finite_is_not_drawn_and_nobody_warns(f: Any) -> None:
    function, state = function_of(f, x=(-3, 3))
    for secants in ((), SECANTS):
        page = render(scene_of(function, state.but(secants=secants, h=1e-300)))
        assert re.findall(r"nan|inf", re.sub(r"<p>.*?</p>|aria-label=\"[^\"]*\"", "", page)) == []


def test_arrays_and_choices() -> None:
    def f(w: Any, act: Any, n: Any) -> Any:
        for _ in range(n):
            w = act(w)
        return np.sum(w * np.array([1.0, 10.0]))

    function, state = function_of(f, w=np.array([0.5, 0.25]), act={"sine": np.sin, "cube": lambda w: w**3}, n=[1, 2])
    scene = scene_of(function, state.but(along="w[1]"))
    assert isinstance(scene, CurvesScene)
    assert scene.point is not None
    assert scene.point.derivatives[0] == pytest.approx(10 * np.cos(0.25), rel=1e-15)
    scene = scene_of(function, state.chosen("act", "cube").chosen("n", "2").but(along="w[1]"))
    assert isinstance(scene, CurvesScene)
    assert scene.point is not None
    assert scene.point.value == pytest.approx(0.5**9 + 10 * 0.25**9, rel=1e-14)
    assert scene.point.derivatives[0] == pytest.approx(90 * 0.25**8, rel=1e-14)


_F, _STATE = function_of(
    lambda x, a, kind: (np.sin if kind == "sin" else np.abs)(a * x) + x / a, x=(-2, 2), a=1.0, kind=["sin", "abs"]
)
_METHODS = ["reverse", "taylor", "central-difference"]
STATES = st.builds(
    lambda x, a, kind, axis, width, **settings: (
        _STATE.moved("x", x).moved("a", a).chosen("kind", kind).ranged("x", -width, width).but(**axis, **settings)
    ),
    x=st.sampled_from([-1.0, 0.0, 0.5]),
    a=st.sampled_from([0.5, 1.0]),
    kind=st.sampled_from(["sin", "abs"]),
    axis=st.sampled_from([{"along": "x", "up": "a"}, {"along": "a", "up": "x"}]),
    width=st.sampled_from([1.0, 2.0]),
    view=st.sampled_from(["curves", "curves", "contours", "compare", "trace", "graph"]),
    order=st.sampled_from([1, 2]),
    method=st.sampled_from(_METHODS),
    against=st.sampled_from(_METHODS),
    secants=st.sampled_from([(), ("left",), ("left", "right")]),
    h=st.sampled_from([0.1, 1.0]),
    marks=st.sampled_from([(), ("kinks",), ("roots", "extrema")]),
    mode=st.sampled_from(["forward", "reverse"]),
    step=st.sampled_from([None, 0, 2]),
)
"""States that differ in everything that something might be remembered by."""


def _seen(found: Any, state: State) -> str:
    try:
        return render(scene_of(found, state))
    except DiffmagicError as error:
        return str(error)


@settings(max_examples=15)
@given(st.lists(STATES, min_size=2, max_size=4))
def test_what_is_seen_does_not_depend_on_what_was_seen_before(states: list[State]) -> None:
    pages = [_seen(_F, state) for state in states]
    fresh = [_seen(Function(_F.call, _F.inputs, _F.of), state) for state in states]
    assert pages == fresh
