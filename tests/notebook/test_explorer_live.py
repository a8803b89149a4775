"""The explorer in a real JupyterLab, Notebook 7 and Voila, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.notebook.browser import violations
from tests.notebook.frontends import Open, frontends

COUNTER = """\
import ipywidgets as w
from ipywidgets.widgets.widget import _instances
from diffmagic.notebook.explorer import panel

count = w.Button(description="Count")
counted = w.HTML()
said = "<p id='counted'>{}, {}</p>"
count.on_click(lambda _: setattr(counted, "value", said.format(len(_instances) - before, len(panel._open))))
w.VBox([count, counted])
"""
CELLS = [
    "%load_ext diffmagic\nimport numpy as np",
    COUNTER,
    "before = len(_instances)",
    '%%diffexplore x=-3:3, a=1.0, name=["sin", "cos", "nothing"]\ny = getattr(np, name)(a * x) * np.abs(x - 1)',
]
PANEL = ".diffmagic-explorer"
PICTURE = f"{PANEL} [role=img]"


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with frontends() as found:
        yield found


class Keyboard:
    """A person without a mouse."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.locator(PICTURE).wait_for()
        page.locator(f"{PANEL} button").first.focus()

    def to(self, name: str, key: str = "Tab", most: int = 60) -> None:
        """Go on to the control of that name, from wherever the focus is."""
        for _ in range(most):
            if self.page.evaluate(_NAME) == name:
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"Tab does not lead to {name}")

    def back_to(self, name: str) -> None:
        self.to(name, "Shift+Tab")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.press("ControlOrMeta+a")
        self.page.keyboard.type(text)
        self.press("Enter")

    def sees(self, text: str) -> str:
        """Wait for some words in the panel; gives the drawing that is there, without its words."""
        self.page.wait_for_function(_SAYS, arg=[PANEL, text])
        drawing = self.page.locator(f"{PICTURE} svg")
        return str(drawing.inner_html()) if drawing.count() else ""


_NAME = """() => {
    const here = document.activeElement
    if (here.closest('.noUi-handle')) return 'slider'
    return here.getAttribute('aria-label') || here.labels?.[0]?.innerText || here.innerText
}"""
_SAYS = "([panel, text]) => document.querySelector(panel)?.innerText.includes(text)"


@pytest.mark.parametrize(("kind", "theme"), [("lab", "light"), ("notebook", "dark"), ("voila", "light")])
def test_by_keyboard(opened: Open, kind: str, theme: str) -> None:
    with opened(kind, CELLS, theme=theme) as page:
        keyboard = Keyboard(page)
        first = keyboard.sees("At x = 0.0: y = 0.0, ∂y/∂x = 1.0 (reverse)")
        keyboard.to("x")
        keyboard.type("pi/4")
        typed = keyboard.sees("At x = 0.78539816")
        keyboard.to("slider")
        keyboard.press("PageUp")
        slid = keyboard.sees("At x = 1.05")
        assert len({first, typed, slid}) == 3

        keyboard.back_to("x")
        keyboard.type("open('file')")
        keyboard.sees("open('file') is neither a number nor a constant")
        keyboard.type("2")
        keyboard.sees("At x = 2.0")

        keyboard.to("name")
        keyboard.press("End")
        keyboard.sees("AttributeError: module 'numpy' has no attribute 'nothing'")
        keyboard.press("Home")
        keyboard.sees("At x = 2.0: y = 0.90929743")
        page.locator(f"{PANEL} [role=alert]").wait_for(state="detached")

        keyboard.to("method")
        keyboard.press("End")
        keyboard.sees("(adaptive)")
        keyboard.to("left secant")
        keyboard.press("Space")
        keyboard.sees("The left secant with h = 0.5")
        keyboard.to("h")
        keyboard.to("slider")
        keyboard.press("PageDown")
        keyboard.sees("The left secant with h = 0.281")

        keyboard.back_to("Compare")
        keyboard.press("Space")
        keyboard.sees("the difference between adaptive and central-difference")
        keyboard.to("Trace")
        keyboard.press("Enter")
        keyboard.sees("backwards")
        keyboard.to("First")
        keyboard.press("Enter")
        keyboard.sees("Step 0 of")
        keyboard.to("Next")
        keyboard.press("Enter", "Enter")
        keyboard.sees("Step 2 of")
        keyboard.back_to("Back")
        keyboard.press("Enter")
        keyboard.sees("Step 1 of")
        keyboard.back_to("Graph")
        keyboard.press("Space")
        keyboard.sees("Computational graph")
        keyboard.back_to("Contours")
        keyboard.press("Space")
        keyboard.sees("The arrow points along the gradient")
        keyboard.to("Step down")
        keyboard.press("Enter")
        keyboard.sees("1 step of gradient descent")

        page.get_by_role("button", name="Count").press("Enter")
        page.wait_for_function("document.querySelector('#counted')?.innerText.endsWith(', 1')")
        page.locator(PANEL).get_by_role("button", name="Close").focus()
        keyboard.press("Enter")
        page.locator(PANEL).wait_for(state="detached")
        page.get_by_role("button", name="Count").press("Enter")
        page.wait_for_function("document.querySelector('#counted').innerText == '0, 0'")


def test_running_a_cell_again_replaces_its_panel(opened: Open) -> None:
    with opened("lab", CELLS) as page:
        for _ in range(3):
            page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
            page.locator(PICTURE).wait_for()
        page.get_by_role("button", name="Count").press("Enter")
        page.wait_for_function("document.querySelector('#counted')?.innerText.endsWith(', 1')")
        assert page.locator(PANEL).count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [800, 1600])
def test_everybody_can_use_it(opened: Open, theme: str, width: int) -> None:
    with opened("lab", CELLS, theme=theme, width=width) as page:
        page.locator(PICTURE).wait_for()
        for view, said in {
            "Compare": "the difference between",
            "Trace": "backwards",
            "Graph": "Computational graph",
            "Contours": "The arrow points",
            "Curves": "At x = 0.0",
        }.items():
            page.locator(PANEL).get_by_role("button", name=view).press("Enter")
            page.wait_for_function(_SAYS, arg=[PANEL, said])
            if view == "Curves":
                for name in ("left secant", "right secant", "roots"):
                    page.get_by_label(name).check()
                page.get_by_label("x", exact=True).fill("nonsense")
                page.get_by_label("x", exact=True).press("Enter")
                page.locator(f"{PANEL} [role=alert]").wait_for()
                page.get_by_label("h", exact=True).wait_for()
            found = violations(page, PANEL)
            assert [each for each in found if "noUi-handle" not in each] == []
            assert {each.split(":")[0] for each in found} <= {"aria-input-field-name"}
        handles = page.locator(f"{PANEL} .noUi-handle:visible")
        assert handles.count() == 3
        for k in range(handles.count()):  # each slider stands beside a box with a name
            row = handles.nth(k).locator("xpath=ancestor::*[contains(@class, 'widget-hbox')][1]")
            assert row.get_by_role("textbox", name=("x", "a", "h")[k], exact=True).count() == 1
        wide = page.evaluate("panel => document.querySelector(panel).scrollWidth", PANEL)
        assert wide <= page.evaluate("panel => document.querySelector(panel).clientWidth", PANEL)


def test_a_line_is_copied_with_one_click(opened: Open) -> None:
    with opened("lab", CELLS) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator(PANEL).get_by_role("button", name="Copy").press("Enter")
        line = page.evaluate("navigator.clipboard.readText()")
        assert line == "%%grad x=0.0, a=1.0, name='sin' --wrt x,a"
