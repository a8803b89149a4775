"""Pictures of scenes: pure functions, the same bytes everywhere, in words and in place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from diffmagic.notebook.explorer.picture import ComparePicture, ContoursPicture, CurvesPicture, calm
from diffmagic.notebook.explorer.render import Renderer, render
from diffmagic.notebook.explorer.scene import CompareScene, ContoursScene, CurvesScene
from diffmagic.notebook.explorer.state import MARKS, SECANTS, VIEWS, State
from diffmagic.notebook.explorer.views import descended, scene_of
from tests.notebook.explorer.panels import function_of


def _bent(x: Any, a: Any) -> Any:
    return np.sin(a * x) * np.abs(x - 1)


FUNCTION, FIRST = function_of(_bent, x=(-3, 3), a=1.0)
STATES = {
    "curves": FIRST.moved("x", 0.5),
    "four orders": FIRST.moved("x", 0.5).but(order=4, marks=MARKS),
    "secants": FIRST.moved("x", 0.5).but(secants=SECANTS, h=0.25),
    "one secant": FIRST.moved("x", 0.5).but(secants=("left",)),
    "numerical": FIRST.moved("x", 0.5).but(method="central-difference"),
    "another curve": FIRST.moved("x", -1.5).moved("a", 2.0),
    "contours": FIRST.moved("x", 0.5).but(view="contours"),
    "descent": descended(FUNCTION, FIRST.moved("x", 0.5).but(view="contours"), 5),
    "compare": FIRST.moved("x", 0.5).but(view="compare"),
    "trace": FIRST.moved("x", 0.5).but(view="trace", step=2),
    "graph": FIRST.moved("x", 0.5).but(view="graph", mode="forward", step=2),
}
SCENES = {name: scene_of(FUNCTION, state) for name, state in STATES.items()}
PICTURES = [name for name, state in STATES.items() if state.view in ("curves", "contours", "compare")]


def _svg(page: str) -> ElementTree.Element:
    found = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert found is not None
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return ElementTree.fromstring(found[0].replace("<svg", f"<svg {names}", 1))


def _words(page: str) -> str:
    found = re.search(r'aria-label="([^"]*)"', page)
    assert found is not None
    return found[1]


def test_every_view_is_here() -> None:
    assert {state.view for state in STATES.values()} == set(VIEWS)


def test_a_picture_depends_on_the_scene_alone() -> None:
    used = Renderer()
    orders = [list(SCENES), list(reversed(SCENES)), [name for name in SCENES for _ in range(2)]]
    fresh = {name: render(scene) for name, scene in SCENES.items()}
    for names in orders:
        assert [used(SCENES[name]) for name in names] == [fresh[name] for name in names]
    assert len(set(fresh.values())) == len(fresh)


_ELSEWHERE = """\
from tests.notebook.explorer.test_render import SCENES
from diffmagic.notebook.explorer.render import render
import hashlib
print(hashlib.sha256("".join(map(render, SCENES.values())).encode()).hexdigest())
"""


def test_the_same_bytes_in_other_processes() -> None:
    root = Path(__file__).parents[3]
    found = {
        subprocess.run(
            [sys.executable, "-c", _ELSEWHERE],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop()) == 65


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_takes_the_colours_of_its_page_and_leaves_the_page_alone(name: str) -> None:
    page = render(SCENES[name])
    svg = _svg(page)
    assert "currentColor" in page
    assert not re.search(r"#1a1a1a|<style|<script|<metadata", page)
    kinds = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert kinds <= {"svg", "g", "path", "use", "defs", "clipPath", "rect", "text", "tspan"}
    backgrounds = re.findall(r'style="fill: (?:#ffffff|white)', page)
    assert backgrounds == []
    assert [svg.get("role"), svg.get("aria-hidden")] == [None, "true"]
    assert page.startswith('<div role="img" aria-label="') or name == "compare"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("curves", ["Curves for x from -3.0 to 3.0", "At x = 0.5: y = 0.23971277, ∂y/∂x = -0.040634258 (reverse)."]),
        ("numerical", ["(central-difference)."]),
        ("four orders", ["∂⁴y/∂x⁴ = ", "Marked: minimum at x = ", "kink at x = 1.0", "root at x = 0.0"]),
        ("secants", ["The left secant with h = 0.25 has the slope", "from the derivative", "The right secant"]),
        ("contours", ["Contours over x and a.", "∂y/∂a = ", "The arrow points along the gradient"]),
        ("descent", ["5 steps of gradient descent; the learning rate is 0.1."]),
        ("compare", ["The least errors are: forward-difference", "difference between reverse and central-difference"]),
    ],
)
def test_pictures_in_words(name: str, said: list[str]) -> None:
    page = render(SCENES[name])
    words = _words(page)
    for part in said:
        assert part in words
    visible = re.sub(r"<[^>]*>", "", page)
    for part in said[1:]:
        assert part in visible  # for everybody


def _drawn(state: State) -> list[tuple[float, float]]:
    """Where the markers of a picture stand, in its coordinates."""
    svg = _svg(render(scene_of(FUNCTION, state)))
    uses = [element for element in svg.iter() if element.tag.endswith("}use")]
    return [(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in uses]


def _slope(x: float) -> float:
    return float(np.cos(x) * abs(x - 1) + np.sin(x) * np.sign(x - 1))


def _data(name: str) -> dict[str, tuple[Any, Any]]:
    """What each artist of a picture of curves shows, in the coordinates of its axes."""
    scene = SCENES[name]
    assert isinstance(scene, CurvesScene)
    picture = CurvesPicture(bool(scene.secants), "")
    picture(scene, "")
    drawn = picture._contents(scene, [(-9.0, 9.0)] * 3)
    return {name: picture._fronts[name].get_data() for name in drawn}


def test_curves_are_drawn_where_the_function_is() -> None:
    data = _data("secants")
    for name, f in (("curve", lambda x: _bent(x, 1.0)), ("order 1", _slope)):
        x, y = data[name]
        known = np.isfinite(y)
        assert known.sum() > 400
        np.testing.assert_allclose(y[known], [f(each) for each in x[known]], atol=1e-2)
    (place,), (value,) = data["point"]
    assert (place, value) == (0.5, pytest.approx(_bent(0.5, 1.0), abs=1e-3))
    (a, b), (low, high) = data["tangent"]
    assert (high - low) / (b - a) == pytest.approx(_slope(0.5), abs=1e-2)
    assert 0.5 * (low + high) == pytest.approx(value, abs=1e-2)
    assert data["slopes at the point"][1] == pytest.approx([_slope(0.5)], abs=1e-3)
    for kind, (left, right) in {"left": (0.25, 0.5), "centred": (0.25, 0.75), "right": (0.5, 0.75)}.items():
        x, y = data[f"ends {kind}"]
        assert list(x) == [left, right]
        assert list(y) == pytest.approx([_bent(left, 1.0), _bent(right, 1.0)], abs=1e-3)
        slope = (_bent(right, 1.0) - _bent(left, 1.0)) / (right - left)
        (a, b), (low, high) = data[f"secant {kind}"]
        assert (high - low) / (b - a) == pytest.approx(slope, abs=2e-2)
        assert (data[f"slope {kind}"][0][0], data[f"slope {kind}"][1][0]) == (0.25, pytest.approx(slope, abs=1e-3))
        h, slopes = data[f"slopes {kind}"]
        assert slopes[np.argmin(np.abs(h - 0.25))] == pytest.approx(slope, abs=0.1)
    assert data["truth"][1] == pytest.approx([_slope(0.5)] * 2, abs=1e-3)


def test_marks_are_drawn_where_they_are() -> None:
    data = _data("four orders")
    assert [tuple(each) for each in np.transpose(data["kink"]).round(2)] == [(1.0, 0.0)]
    assert sorted(data["root"][0].round(2)) == [0.0, 1.0]
    assert len(data["minimum"][0]) == 2
    assert {"order 1", "order 2", "order 3", "order 4"} <= data.keys()


def test_the_gradient_and_the_way_down_are_drawn() -> None:
    scene = SCENES["descent"]
    assert isinstance(scene, ContoursScene)
    assert scene.point is not None
    picture = ContoursPicture("")
    picture(scene, "")
    np.testing.assert_allclose(np.transpose(picture._way.get_data()), scene.descent)
    assert np.ravel(picture._point.get_data()).tolist() == list(scene.point.place)
    arrow = np.subtract(picture._arrow.xy, picture._arrow.xyann) / np.array([6.0, 4.0]) ** 2  # as it looks
    gradient = np.asarray(scene.point.derivatives)
    assert arrow @ gradient == pytest.approx(np.hypot(*arrow) * np.hypot(*gradient))


def test_errors_and_differences_are_drawn() -> None:
    scene = SCENES["compare"]
    assert isinstance(scene, CompareScene)
    assert scene.sweep is not None
    picture = ComparePicture("")
    picture(scene, "")
    for line, each in zip(picture._lines, scene.sweep.methods, strict=False):
        assert list(line.get_data()[0]) == each.steps
        shown = np.asarray(each.errors) > 1e-17
        np.testing.assert_array_equal(np.asarray(line.get_data()[1])[shown], np.asarray(each.errors)[shown])
    x, apart = picture._dots.get_data()
    assert len(x) > 50
    assert apart.tolist() == [abs(a - b) for a, b in zip(scene.first, scene.second, strict=True) if abs(a - b) > 0]


def test_the_point_stands_where_it_is() -> None:
    """The marker of the point moves as the axis says, and its height is that of the function."""
    states = [FIRST.moved("x", x) for x in (-1.5, 0.0, 1.5)]
    places = [set(_drawn(state)) for state in states]
    moving = [sorted(here - set.intersection(*places)) for here in places]
    assert [len(points) for points in moving] == [2, 2, 2]  # on the curve, and on its derivative
    (xs,) = {tuple(points[0][0] for points in moving)}
    assert np.diff(xs) == pytest.approx([(xs[2] - xs[0]) / 2] * 2)
    values = np.array([_bent(x, 1.0) for x in (-1.5, 0.0, 1.5)])
    upper = np.array([min(point[1] for point in points) for points in moving])
    scale = np.diff(upper) / np.diff(values)
    assert scale[0] == pytest.approx(scale[1], rel=1e-3)
    assert scale[0] < 0  # in SVG, up is less
    lower = np.array([max(point[1] for point in points) for points in moving])
    slopes = np.array([_slope(x) for x in (-1.5, 0.0, 1.5)])
    scale = np.diff(lower) / np.diff(slopes)
    assert scale[0] == pytest.approx(scale[1], rel=2e-3)  # hundredths of a point
    assert scale[0] < 0


def test_four_derivatives_have_names() -> None:
    one, four = (render(SCENES[name]) for name in ("curves", "four orders"))
    for label in ("∂²y/∂x²", "∂³y/∂x³", "∂⁴y/∂x⁴"):
        assert f">{label}</text>" in four
        assert f">{label}</text>" not in one


def test_figures_persist(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(Figure, "__init__", _counted(Figure.__init__, made))
    renderer = Renderer()
    for scene in [*SCENES.values()] * 3:
        renderer(scene)
    assert len(made) == 4  # curves without and with slopes, contours, errors


def _counted(init: Any, made: list[Any]) -> Any:
    def counting(figure: Any, *args: Any, **kwargs: Any) -> None:
        made.append(figure)
        init(figure, *args, **kwargs)

    return counting


@pytest.mark.parametrize("limits", [(-0.93, 1.07), (0.0, 1e-9), (1e6, 1e6 + 1), (-3e299, 2e299), (-1.0, 1.0)])
def test_calm_limits_have_room_and_are_round(limits: tuple[float, float]) -> None:
    low, high = calm(limits)
    assert low <= limits[0] < limits[1] <= high
    assert high - low <= 3 * (limits[1] - limits[0])
    inner = calm((limits[0] + 0.001 * (limits[1] - limits[0]), limits[1]))
    assert inner[1] == high


def test_axes_stand_still_while_a_curve_changes_a_little() -> None:
    def frame(a: float) -> str:
        return "".join(re.findall(r"<text.*?</text>", render(scene_of(FUNCTION, FIRST.moved("a", a))), re.DOTALL))

    assert frame(1.0) == frame(1.005)
    assert frame(1.0) != frame(2.0)
