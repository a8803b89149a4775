"""JupyterLab, Notebook 7 and Voila as the other tests find them: what the keyboard reaches, and what axe-core sees."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.notebook.browser import violations
from tests.notebook.frontends import Open, frontends

CONTROLS = """\
import json, os
import ipywidgets as w

slider = w.FloatSlider(description="slider", min=0, max=10, value=5)
text = w.Text(description="text", value="a", continuous_update=False)
menu = w.Dropdown(description="menu", options=["one", "two", "three"])
buttons = w.ToggleButtons(options=["left", "right"])
box = w.Checkbox(description="box")
button = w.Button(description="press")
faint = w.HTML("<span style='color: #777'>faint on both</span>")
shown = w.HTML()
pressed = []


def show(*_):
    state = [slider.value, text.value, menu.value, buttons.value, box.value, len(pressed)]
    shown.value = f"<pre class='shown'>{json.dumps(state)}</pre>"


for each in (slider, text, menu, buttons, box):
    each.observe(show, "value")
button.on_click(lambda _: (pressed.append(1), show()))
show()
w.VBox([slider, text, menu, buttons, box, button, faint, shown, w.Label(f"pid {os.getpid()}")]).add_class("panel")
"""

STATE = "state => document.querySelector('.shown').textContent == state"


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with frontends() as found:
        yield found


def press(page: Any, keys: list[str], *state: Any) -> None:
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function(STATE, arg=json.dumps(state))


@pytest.mark.parametrize(("kind", "theme"), [("lab", "light"), ("notebook", "dark"), ("voila", "light")])
def test_the_keyboard_reaches_everything(opened: Open, kind: str, theme: str) -> None:
    with opened(kind, [CONTROLS], theme=theme) as page:
        page.locator(".panel .noUi-handle").focus()
        press(page, ["PageUp"], 5.5, "a", "one", "left", False, 0)
        press(page, ["End"], 10.0, "a", "one", "left", False, 0)
        press(page, ["Tab", "Tab", "End", "b", "Enter"], 10.0, "ab", "one", "left", False, 0)
        press(page, ["Tab", "End"], 10.0, "ab", "three", "left", False, 0)
        press(page, ["Tab", "Tab", "Space"], 10.0, "ab", "three", "right", False, 0)
        press(page, ["Tab", "Space"], 10.0, "ab", "three", "right", True, 0)
        press(page, ["Tab", "Enter"], 10.0, "ab", "three", "right", True, 1)
        found = [violation.split(":")[0] for violation in violations(page, ".panel")]
        assert sorted(found) == ["aria-input-field-name", "color-contrast"]
        pid = int(page.locator(".panel > .widget-label").inner_text().removeprefix("pid "))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("kind", ["lab", "voila"])
def test_a_cell_that_fails_is_not_passed_over(opened: Open, kind: str) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"), opened(kind, ["1 / 0"]):
        pass
