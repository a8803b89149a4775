"""The panel: controls, a picture that follows them, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import ipywidgets as widgets
from IPython.core.getipython import get_ipython
from IPython.display import display

from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.explorer.controls import Control, rows_of, view_control
from diffmagic.notebook.explorer.function import Function
from diffmagic.notebook.explorer.render import Renderer
from diffmagic.notebook.explorer.scene import Scene, TraceScene
from diffmagic.notebook.explorer.state import State, check_state
from diffmagic.notebook.explorer.views import scene_of
from diffmagic.notebook.tracebacks import in_words
from diffmagic.results import Curves, Field

_SLOW, _QUICK = 0.2, 0.1  # seconds for a picture: from the first on sliders wait until they are released
_WIDGET = "application/vnd.jupyter.widget-view+json"
_COPY = (
    "const box = this.previousElementSibling; box.select(); document.execCommand('copy'); "
    "if (navigator.clipboard) navigator.clipboard.writeText(box.value)"
)


class Explorer:
    """A panel over a function.

    Its display is the static picture first, which a saved notebook keeps, and then the widgets.

    Parameters
    ----------
    function : Function
    state : State
        How the controls are set at first.
    line : callable
        ``line(state)`` is a magic's line for the point.
    still : Curves or Field
        The static picture.

    Attributes
    ----------
    inputs : Inputs
        What can be varied.
    state : State
        How the controls are set now.
    scene : Scene or None
        What is shown; None if the panel is closed, or something went wrong.
    cell, run : str
        The cell that opened it, and the run of the cell.
    error : str
        What went wrong last, in words; empty if nothing did.
    """

    def __init__(self, function: Function, state: State, line: Any, still: Curves | Field) -> None:
        self.inputs = function.inputs
        self.state = state
        self.still = still
        self.error = ""
        self._function: Function | None = function
        self._line = line
        self._renderer: Renderer | None = Renderer()
        self.scene: Scene | None = None
        self._telling = False
        self.cell, self.run = _running()
        self._slow = False
        view = view_control(function.inputs)
        self._rows = rows_of(function, state)
        self._controls = [view, *(control for row in self._rows for control in row.controls)]
        self._lines = [widgets.HBox([each.widget for each in row.controls], layout=_WRAPPED) for row in self._rows]
        self._progress, self._mistake, self._copy = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._picture, self._table = widgets.HTML(), widgets.HTMLMath()
        close = widgets.Button(description="Close", layout={"width": "auto"})
        self._lines[-1].children += (close,)
        top = widgets.HBox([view.widget, self._progress], layout=_WRAPPED)
        left = widgets.VBox([*self._lines, self._copy], layout=_CONTROLS)
        right = widgets.VBox([self._picture, self._table], layout=_SHOWN)
        right.add_class("diffmagic-shown")
        self.box = widgets.VBox([top, self._mistake, widgets.Box([left, right], layout=_BESIDE)])
        self.box.add_class("diffmagic-explorer")
        close.on_click(lambda _: self.close())
        for control in self._controls:
            self._listen(control)
        _open.append(self)
        try:
            self._show(state)
        except BaseException:
            self.close()
            raise

    def _listen(self, control: Control) -> None:
        if control.changes is None:
            return
        if isinstance(control.widget, widgets.Button):
            control.widget.on_click(lambda _: self._change(control, None))
        else:
            control.widget.observe(lambda change: self._change(control, change["new"]), "value")

    def _change(self, control: Control, value: Any) -> None:
        """What a control asks for, unless it only tells what the state is."""
        if self._telling or self._function is None:
            return
        assert control.changes is not None
        with self._mistakes_told():
            state = control.changes(self.state, value)
            if state is not self.state:
                self._progress.value = "" if isinstance(control.widget, _SLIDERS) and not self._slow else _PROGRESS
                self._show(state)

    def set(self, **changes: Any) -> None:
        """Set the controls.

        Parameters
        ----------
        **changes
            Attributes of the state: ``view="compare"``, ``order=2``, ``numbers={"x": 0.5, "a": 1.0}``.

        Raises
        ------
        Exception
            Whatever the function raises there.
        DiffmagicError
            If the panel is closed, or no control can be set so.
        """
        self._show(self.state.but(**changes))

    @contextmanager
    def _mistakes_told(self) -> Iterator[None]:
        """A mistake stands in the panel, and the panel lives on."""
        try:
            yield
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # whatever the user's function raises
            self.error = in_words(error)
            stale = _FADED if self.scene is None else ""
            self._mistake.value = f'{stale}<pre role="alert" style="{_ALERT}">{escape(self.error)}</pre>'
        finally:
            self._progress.value = ""

    def _show(self, state: State) -> None:
        """Another state: first the controls, then what is to be seen."""
        if self._function is None or self._renderer is None:
            raise DiffmagicError("the panel is closed", rewrite="run its cell again")
        check_state(state, self.inputs)
        before, self.state = self.state, state
        self.scene, self.error = None, ""
        self._tell()
        start = time.perf_counter()
        try:
            scene = scene_of(self._function, state)
        except BaseException:
            self.state = state.but(ranges=before.ranges)  # or the next state would fail where this one does
            raise
        finally:
            self._heed(time.perf_counter() - start)
        html = self._renderer(scene)
        typeset = isinstance(scene, TraceScene)
        self.scene, self._mistake.value = scene, ""
        self._table.value, self._picture.value = (html, "") if typeset else ("", html)
        self._tell()

    def _tell(self) -> None:
        """Let the controls show the state."""
        self._telling = True
        try:
            for row, line in zip(self._rows, self._lines, strict=True):
                line.layout.display = "flex" if row.when(self.state) else "none"
            for control in self._controls:
                _set(control.widget, control.shows(self.state, self.scene))
            self._copy.value = _copied(self._line(self.state))
        finally:
            self._telling = False

    def _heed(self, seconds: float) -> None:
        """Sliders of a slow function wait until they are released."""
        self._slow = seconds > (_QUICK if self._slow else _SLOW)
        for control in self._controls:
            if isinstance(control.widget, _SLIDERS):
                control.widget.continuous_update = not self._slow

    def close(self) -> None:
        """Free every model of the panel, and everything it holds."""
        if self not in _open:
            return
        _open.remove(self)
        for widget in parts(self.box):
            widget.unobserve_all()
            widget.close()
        for name in ("_function", "_renderer", "scene", "_line", "_mistake", "_progress", "_copy", "box"):
            setattr(self, name, None)
        self._picture = self._table = None
        self._rows, self._controls, self._lines = [], [], []

    def _ipython_display_(self) -> None:
        display(self.still)
        if self.box is not None:
            view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
            display({_WIDGET: view, "text/plain": "Run this cell to open the panel."}, raw=True)


_open: list[Explorer] = []


def close_all() -> None:
    """Close every panel."""
    while _open:
        _open[-1].close()


def close_earlier() -> None:
    """Close the panels that earlier runs of the present cell have opened."""
    cell, run = _running()
    for panel in [each for each in _open if cell and each.cell == cell and each.run != run]:
        panel.close()


def _running() -> tuple[str, str]:
    """The cell that runs and the message that runs it; nothing without a kernel. Front ends that do not name the cell
    are known by its text."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return cell, parent.get("header", {}).get("msg_id", "")


_SLIDERS = widgets.FloatSlider | widgets.FloatLogSlider
_WRAPPED = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "0 8px", "overflow": "visible"}
_CONTROLS = {"flex": "1 1 300px", "max_width": "440px", "overflow": "visible"}
_SHOWN = {"flex": "3 1 460px", "min_width": "0", "overflow": "auto"}
_BESIDE = {  # where there is no room beside each other, the picture stands above the controls
    "display": "flex",
    "flex_flow": "row wrap-reverse",
    "align_items": "flex-end",
    "grid_gap": "8px 16px",
    "width": "100%",
}
_ALERT = "margin:0;padding:4px 8px;white-space:pre-wrap;border-left:4px solid #c0392b"
_FADED = "<style>.diffmagic-explorer:has([role=alert]) .diffmagic-shown {opacity: .4}</style>"
"""Around a mistake: what is shown is not what the controls say."""
_PROGRESS = '<p role="status" style="margin:0">Computing …</p>'
_FIELD = "flex:1;min-width:0;font-family:monospace;background:transparent;color:inherit;border:1px solid currentColor"


def _set(widget: Any, traits: dict[str, Any]) -> None:
    """Values of several traits in one message, if they are others."""
    new = {name: value for name, value in traits.items() if getattr(widget, name) != value}
    if new:
        with widget.hold_sync(), widget.hold_trait_notifications():
            for name, value in new.items():
                setattr(widget, name, value)


def _copied(line: str) -> str:
    """A line to be copied, and the button that does it."""
    name = 'readonly aria-label="The point as the line of a magic"'
    field = f'<input {name} value="{escape(line)}" style="{_FIELD}">'
    button = f'<button class="jupyter-button" onclick="{escape(_COPY)}">Copy</button>'
    return f'<div style="display:flex;gap:4px">{field}{button}</div>'


def parts(widget: Any) -> list[Any]:
    """A widget and every model that belongs to it: children, layouts and styles."""
    found: dict[str, Any] = {}
    waiting = [widget]
    while waiting:
        each = waiting.pop()
        if each.model_id is None or each.model_id in found:
            continue
        found[each.model_id] = each
        for name in each.keys:
            value = getattr(each, name)
            waiting += [
                part for part in (value if isinstance(value, tuple) else [value]) if isinstance(part, widgets.Widget)
            ]
    return list(found.values())
