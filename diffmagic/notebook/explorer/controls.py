"""The controls of a panel: for each widget what of the state it shows, and what it does to the state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ipywidgets as widgets
import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import short
from diffmagic.methods import names
from diffmagic.notebook.explorer.function import Function
from diffmagic.notebook.explorer.scene import GraphScene, Scene, TraceScene
from diffmagic.notebook.explorer.state import MARKS, MOST_ORDERS, SECANTS, VIEWS, Inputs, State, components
from diffmagic.notebook.explorer.typed import typed_number
from diffmagic.notebook.explorer.views import descended, steps_shown

_NAME = {"description_width": "initial"}
_SLIDER = {"flex": "1 1 8em", "width": "auto", "max_width": "16em"}
_HALF = 0.5 * (1 + 1e-9)
"""Of a slider's step: a front end answers each number with the nearest one that the handle can stand at."""
_COLUMNS = 4
_SHORTEST = -16.0
_RATES = (-6.0, 1.0)
_TEN = 10


@dataclass(frozen=True, slots=True)
class Control:
    """A widget.

    Attributes
    ----------
    widget : ipywidgets.Widget
    shows : callable
        From a state and the scene that it gave, if it gave one, to values of the widget's traits.
    changes : callable
        From a state and the widget's new value to another state.
    """

    widget: Any
    shows: Callable[[State, Scene | None], dict[str, Any]]
    changes: Callable[[State, Any], State]


@dataclass(frozen=True, slots=True)
class Row:
    """Controls beside each other, and when they are there."""

    controls: Sequence[Control]
    when: Callable[[State], bool] = lambda state: True


def rows_of(function: Function, first: State) -> list[Row]:
    """All controls of a panel, from top to bottom."""
    inputs = function.inputs
    return [
        *_inputs(inputs),
        Row([*_axis("along", "axis", inputs), *_ends("along")], _on("curves", "contours", "compare")),
        Row([*_axis("up", "up", inputs), *_ends("up")], _on("contours")),
        Row([_order(), _method("method", "method")], _on("curves")),
        Row([_method("method", "method")], _on("contours")),
        Row([_order(), _method("method", "method"), _method("and", "against")], _on("compare")),
        Row([_member("secants", kind, f"{kind} secant") for kind in SECANTS], _on("curves")),
        Row(_logarithmic("h", "h", _h_ends), lambda state: state.view == "curves" and bool(state.secants)),
        Row([_member("marks", kind, kind) for kind in MARKS], _on("curves")),
        Row(_logarithmic("learning rate", "rate", lambda state: _RATES), _on("contours")),
        Row(_descent(function), _on("contours")),
        *_accumulation(function),
        Row([_button("Reset", lambda state, _: first.but(view=state.view))]),
    ]


def _on(*views: str) -> Callable[[State], bool]:
    return lambda state: state.view in views


def _attribute(widget: Any, name: str) -> Control:
    """A widget whose value is an attribute of the state."""
    return Control(
        widget, lambda state, _: {"value": getattr(state, name)}, lambda state, value: state.but(**{name: value})
    )


def view_control(inputs: Inputs) -> Control:
    """What the panel shows."""
    possible = [view for view in VIEWS if view != "contours" or len(inputs.numbers) > 1]
    options = [(view.capitalize(), view) for view in possible]
    widget = widgets.ToggleButtons(options=options, style={"button_width": "auto"})

    def shows(state: State, _: Scene | None) -> dict[str, Any]:
        told = ["is shown" if view == state.view else f"show the {view}" for view in possible]
        return {"value": state.view, "tooltips": told}  # a pressed button does not say so

    return Control(widget, shows, lambda state, view: state.but(view=view, step=None))


def _inputs(inputs: Inputs) -> Iterator[Row]:
    """A slider and a box for each number, a table of boxes for each array with one slider, and the choices."""
    for name, start in inputs.values.items():
        if np.ndim(start) == 0:
            yield Row([_box(name), _slider(_always(name))])
        else:
            labels = [label for label, _ in components(name, start)]
            columns = min(np.shape(start)[-1], _COLUMNS)
            yield from (Row(list(map(_box, labels[k : k + columns]))) for k in range(0, len(labels), columns))
            yield _component_slider(name, labels)
    yield from (Row([_choice(name, values)]) for name, values in inputs.choices.items())


def _always(name: str) -> Callable[[State], str]:
    return lambda state: name


def _choice(name: str, values: Mapping[str, Any]) -> Control:
    widget = widgets.Dropdown(description=name, options=list(values), style=_NAME, layout={"width": "auto"})
    return Control(
        widget, lambda state, _: {"value": state.choices[name]}, lambda state, label: state.chosen(name, label)
    )


def _number(value: float) -> str:
    return short(value, 8)


def _text(description: str, least: float) -> Any:
    """A box so many em wide, and wider where its name is long."""
    width = f"{max(least, 6.5 + 0.6 * len(description)):g}em"
    return widgets.Text(
        description=description, continuous_update=False, style=_NAME, layout={"width": width, "min_width": width}
    )


def _box(label: str) -> Control:
    """A box to type a number into."""
    return Control(
        _text(label, 11),
        lambda state, _: {"value": _number(state.numbers[label])},
        lambda state, text: state.moved(label, typed_number(text)),
    )


def _slider(which: Callable[[State], str]) -> Control:
    """A slider for a number that the state tells; the box beside it has its name."""
    widget = widgets.FloatSlider(readout=False, layout=_SLIDER)

    def shows(state: State, _: Scene | None) -> dict[str, Any]:
        low, high = state.ranges[which(state)]
        value = float(np.clip(state.numbers[which(state)], low, high))
        return {"min": low, "max": high, "step": _pace(high - low), "value": value}

    def changes(state: State, value: float) -> State:
        told = shows(state, None)
        same = abs(value - told["value"]) <= _HALF * told["step"]
        return state if same else state.moved(which(state), value)

    return Control(widget, shows, changes)


def _pace(length: float) -> float:
    """A round number, about a hundredth."""
    power = 10.0 ** math.floor(math.log10(length / 100))
    return next(k for k in (5.0, 2.0, 1.0) if k * power <= length / 100 * (1 + 1e-9)) * power


def _component_slider(name: str, labels: list[str]) -> Row:
    """One slider for an array, and the component that it moves: one along an axis, if none is chosen."""
    widget = widgets.Dropdown(description=f"slide {name}", options=labels, style=_NAME, layout={"width": "11em"})

    def which(state: State) -> str:
        along = [each for each in (state.along, state.up) if each in labels]
        return state.sliding.get(name) or next(iter(along), labels[0])

    component = Control(
        widget,
        lambda state, _: {"value": which(state)},
        lambda state, label: state.but(sliding={**state.sliding, name: label}),
    )
    return Row([component, _slider(which)])


def _button(description: str, changes: Callable[[State, Any], State]) -> Control:
    return Control(widgets.Button(description=description, layout={"width": "auto"}), lambda state, scene: {}, changes)


def _axis(which: Literal["along", "up"], description: str, inputs: Inputs) -> Iterator[Control]:
    """What goes along an axis, if there is a choice; if it is along the other one, the two change places."""
    if len(inputs.numbers) == 1:
        return
    widget = widgets.Dropdown(description=description, options=inputs.numbers, style=_NAME, layout={"width": "auto"})
    other = "up" if which == "along" else "along"

    def changes(state: State, name: str) -> State:
        swapped = {other: getattr(state, which)} if getattr(state, other) == name else {}
        return state.but(**{which: name}, **swapped, descent=())

    yield Control(widget, lambda state, _: {"value": getattr(state, which)}, changes)


def _ends(which: Literal["along", "up"]) -> list[Control]:
    """From where to where an axis goes."""

    def end(k: int, description: str) -> Control:
        def shows(state: State, _: Scene | None) -> dict[str, Any]:
            name = getattr(state, which)
            return {"value": _number(state.ranges[name][k]) if name else ""}

        def changes(state: State, text: str) -> State:
            name = getattr(state, which)
            ends = list(state.ranges[name])
            ends[k] = typed_number(text)
            return state.ranged(name, *ends)

        return Control(_text(description, 8.5), shows, changes)

    return [end(0, "from"), end(1, "to")]


def _order() -> Control:
    orders = list(range(1, MOST_ORDERS + 1))
    return _attribute(
        widgets.Dropdown(description="order", options=orders, style=_NAME, layout={"width": "auto"}), "order"
    )


def _method(description: str, which: str) -> Control:
    """A method of the registry, whatever is in it."""
    widget = widgets.Dropdown(description=description, options=names(), style=_NAME, layout={"width": "auto"})
    return _attribute(widget, which)


def _member(which: str, kind: str, description: str) -> Control:
    """Whether something is among several."""
    widget = widgets.Checkbox(description=description, indent=False, layout={"width": "auto"})

    def changes(state: State, wanted: bool) -> State:
        others = [each for each in getattr(state, which) if each != kind]
        return state.but(**{which: (*others, *[kind] * wanted)})

    return Control(widget, lambda state, _: {"value": kind in getattr(state, which)}, changes)


def _h_ends(state: State) -> tuple[float, float]:
    low, high = state.ranges[state.along]
    longest = math.log10(0.5 * (high - low))
    return min(_SHORTEST, longest - 1), longest


def _logarithmic(description: str, which: str, ends: Callable[[State], tuple[float, float]]) -> list[Control]:
    """A box and a logarithmic slider for a positive number."""

    def typed(state: State, text: str) -> State:
        value = typed_number(text)
        if value <= 0:
            raise DiffmagicError(f"{description} = {text} is not positive", rewrite=f"{description} = 0.1")
        return state.but(**{which: value})

    def slid(state: State, _: Scene | None) -> dict[str, Any]:
        low, high = ends(state)
        value = float(np.clip(getattr(state, which), 10.0**low, 10.0**high))
        return {"min": low, "max": high, "value": value}

    def changes(state: State, value: float) -> State:
        same = abs(math.log10(value / slid(state, None)["value"])) <= _HALF * slider.step
        return state if same else state.but(**{which: value})

    slider = widgets.FloatLogSlider(readout=False, base=10, step=0.05, layout=_SLIDER)
    return [
        Control(_text(description, 13), lambda state, _: {"value": _number(getattr(state, which))}, typed),
        Control(slider, slid, changes),
    ]


def _descent(function: Function) -> list[Control]:
    return [
        _button("Step down", lambda state, _: descended(function, state)),
        _button(f"{_TEN} steps", lambda state, _: descended(function, state, _TEN)),
        _button("Forget the way", lambda state, _: state.but(descent=())),
    ]


def _accumulation(function: Function) -> Iterator[Row]:
    """Forwards or backwards, one step after another."""

    def by(count: int) -> Callable[[State, Any], State]:
        def changes(state: State, _: Any) -> State:
            steps = steps_shown(function, state)
            step = steps if state.step is None else min(state.step, steps)
            return state.but(step=min(max(step + count, 0), steps))

        return changes

    def counted(state: State, scene: Scene | None) -> dict[str, Any]:
        return {"max": scene.steps, "value": scene.step} if isinstance(scene, TraceScene | GraphScene) else {}

    mode = widgets.Dropdown(
        description="accumulation", options=["reverse", "forward"], style=_NAME, layout={"width": "auto"}
    )
    step = widgets.BoundedIntText(description="step", min=0, max=0, style=_NAME, layout={"width": "8em"})
    shown = _on("trace", "graph")
    yield Row(
        [
            Control(mode, lambda state, _: {"value": state.mode}, lambda state, mode: state.but(mode=mode, step=0)),
            Control(step, counted, lambda state, step: state.but(step=step)),
        ],
        shown,
    )
    yield Row(
        [
            _button("First", lambda state, _: state.but(step=0)),
            _button("Back", by(-1)),
            _button("Next", by(1)),
            _button("Last", lambda state, _: state.but(step=None)),
        ],
        shown,
    )
