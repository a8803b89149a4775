"""The panel: controls, a picture that follows them, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import partial
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
from diffmagic.notebook.line import nearest
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
        self._renderer: Renderer | None = Renderer(self.box.model_id)
        close.on_click(self._closed)
        self._deaf: list[Callable[[], Any]] = [partial(close.on_click, self._closed, remove=True)]
        for control in self._controls:
            self._listen(control)
        _open.append(self)
        _watch(True)
        try:
            self._show(state)
        except BaseException:
            self.close()
            raise

    def _listen(self, control: Control) -> None:
        def heard(change: Any) -> None:
            self._change(control, None if change is control.widget else change["new"])

        if isinstance(control.widget, widgets.Button):
            control.widget.on_click(heard)
            self._deaf.append(partial(control.widget.on_click, heard, remove=True))
        else:
            control.widget.observe(heard, "value")

    def _change(self, control: Control, value: Any) -> None:
        """What a control asks for, unless it only tells what the state is."""
        if self._telling or self._function is None:
            return
        with suppress(*_MISTAKES), self._mistakes_told():
            state = control.changes(self.state, value)
            if state is not self.state:
                self._progress.value = "" if isinstance(control.widget, _SLIDERS) and not self._slow else _PROGRESS
                self._show(state)

    def set(self, **changes: Any) -> None:
        """Set the controls.

        Parameters
        ----------
        **changes
            Attributes of the state: ``view="compare"``, ``order=2``, ``numbers={"x": 0.5}``. What `numbers`, `ranges`
            and `choices` do not name stays as it is.

        Raises
        ------
        Exception
            Whatever the function raises there.
        DiffmagicError
            If the panel is closed, or no control can be set so.
        """
        if self._function is None:
            raise DiffmagicError("the panel is closed", rewrite="run its cell again")
        known = [each.name for each in fields(State)]
        for name in changes:
            if name not in known:
                raise DiffmagicError(f"the panel has no {name}", rewrite=nearest(name, known) or ", ".join(known))
        for name in ("numbers", "ranges", "choices"):
            if name in changes:
                changes[name] = {**getattr(self.state, name), **changes[name]}
        with self._mistakes_told():
            self._show(self.state.but(**changes))

    @contextmanager
    def _mistakes_told(self) -> Iterator[None]:
        """A mistake stands in the panel, and the panel lives on."""
        try:
            yield
        except _MISTAKES as error:
            self.error = in_words(error)
            stale = _FADED if self.scene is None else ""
            self._mistake.value = f'{stale}<pre role="alert" style="{_ALERT}">{escape(self.error)}</pre>'
            raise
        finally:
            self._progress.value = ""

    def _show(self, state: State) -> None:
        """Another state: first the controls, then what is to be seen."""
        assert self._function is not None
        assert self._renderer is not None
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

    def _closed(self, _: Any) -> None:
        self.close()

    def close(self) -> None:
        """Free every model and observer of the panel, and what has been computed for it."""
        if self not in _open:
            return
        _open.remove(self)
        for stop in self._deaf:
            stop()
        for widget in parts(self.box):
            widget.unobserve_all()
            widget.close()
        for name in ("_function", "_renderer", "scene", "_line", "_mistake", "_progress", "_copy", "box"):
            setattr(self, name, None)
        self._picture = self._table = None
        self._rows, self._controls, self._lines, self._deaf = [], [], [], []

    def __repr__(self) -> str:
        return f"Explorer({'closed' if self.box is None else ', '.join(self.inputs.values)})"

    def _ipython_display_(self) -> None:
        display(self.still)
        if self.box is not None:
            view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
            display({_WIDGET: view, "text/plain": "Run this cell in a notebook to open the panel."}, raw=True)


_open: list[Explorer] = []


def close_all() -> None:
    """Close every panel."""
    while _open:
        _open[-1].close()
    _watch(False)


def close_earlier(_: Any = None) -> None:
    """Close the panels that earlier runs of the present cell have opened."""
    cell, run = _running()
    for panel in [each for each in _open if cell and each.cell == cell and each.run != run]:
        panel.close()


def _watch(watched: bool) -> None:
    """Whether panels are closed before their cell runs again, whatever it does then."""
    shell: Any = get_ipython()
    if shell is not None and watched != (close_earlier in shell.events.callbacks["pre_run_cell"]):
        (shell.events.register if watched else shell.events.unregister)("pre_run_cell", close_earlier)


def _running() -> tuple[str, str]:
    """The cell that runs and the message that runs it; nothing without a kernel. Front ends that do not name the cell
    are known by its text."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return cell, parent.get("header", {}).get("msg_id", "")


_MISTAKES = (Exception, KeyboardInterrupt, SystemExit)
"""Whatever the user's function raises."""
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
