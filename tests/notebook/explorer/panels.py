"""Functions of panels for the tests, and how to find a panel's widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from diffmagic.notebook.explorer.function import Function
from diffmagic.notebook.explorer.panel import Explorer, parts
from diffmagic.notebook.explorer.state import State, first_state, inputs_of


def function_of(f: Callable[..., Any], of: str = "y", **given: Any) -> tuple[Function, State]:
    """A panel's function over a plain one, and its first state."""
    inputs, rest = inputs_of(given)

    def call(values: Mapping[str, Any], chosen: Mapping[str, Any]) -> Any:
        return f(**values, **chosen, **rest)

    return Function(call, inputs, of), first_state(inputs)


def widget(panel: Explorer, description: str, kind: type = widgets.Widget) -> Any:
    """The widget of that name that is there to be seen."""
    (found,) = [each for each in seen(panel.box) if isinstance(each, kind) and _name(each) == description]
    return found


def slider(panel: Explorer, description: str) -> Any:
    """The slider beside the box of that name."""
    for row in seen(panel.box):
        if isinstance(row, widgets.HBox) and description in map(_name, row.children):
            return next(each for each in row.children if isinstance(each, widgets.FloatSlider | widgets.FloatLogSlider))
    raise AssertionError(description)


def seen(box: Any) -> list[Any]:
    """The widgets in a box that are not hidden."""
    if box.layout.display == "none":
        return []
    return [box, *(each for child in getattr(box, "children", ()) for each in seen(child))]


def press(panel: Explorer, description: str) -> None:
    """Press a button, or one of the buttons that choose the view."""
    toggles = next(each for each in parts(panel.box) if isinstance(each, widgets.ToggleButtons))
    if description in [label for label, _ in toggles.options]:
        toggles.value = dict(toggles.options)[description]
    else:
        widget(panel, description, widgets.Button).click()


def _name(each: Any) -> str:
    return getattr(each, "description", "")
