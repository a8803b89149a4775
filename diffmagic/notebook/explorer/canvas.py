"""A figure that persists: what stays in it is drawn once, and what moves in front of that each time."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from diffmagic.notebook.render.pictures import PAGE, in_our_style, tidied

_DPI = 72
_KEPT = 8
"""So many backgrounds are kept as they were written: sliders go back and forth."""
_STYLE = "stroke-linejoin:round;stroke-linecap:butt;width:100%;height:auto;display:block"


class Canvas:
    """One of Matplotlib's figures, as SVG in a page's own colours.

    SVG takes a fraction of the time that pixels do, since only what moved is written again.

    Parameters
    ----------
    width, height : float
        In inches.
    name : str
        What identities begin with, so that pictures on one page do not share them: a hidden one would take what it
        defines with it.
    """

    def __init__(self, width: float, height: float, name: str = "") -> None:
        from matplotlib.figure import Figure

        with in_our_style():
            self.figure = Figure(figsize=(width, height), dpi=_DPI)
        self._size = width * _DPI, height * _DPI
        self._name = name
        self._key: Any = None
        self._backgrounds: deque[tuple[Any, str]] = deque(maxlen=_KEPT)

    def draw(self, key: Any, behind: Callable[[Any], None], before: Callable[[], Iterable[Any]], told: str) -> str:
        """The figure as an HTML element.

        Parameters
        ----------
        key : object
            What the background depends on.
        behind : callable
            ``behind(figure)`` prepares the background, if that is another one than the last.
        before : callable
            ``before()`` gives the artists that stand in front of it, with what they are to show.
        told : str
            What there is to see, for people who do not see it.
        """
        with in_our_style():
            if key != self._key:
                behind(self.figure)
                self._key = key
            text = next((text for known, text in self._backgrounds if known == key), "")
            if not text:
                text = self._written([self.figure])
                self._backgrounds.append((key, text))
            text += self._written(before())
        width, height = self._size
        box = f'viewBox="0 0 {width:g} {height:g}" style="{_STYLE};max-width:{1.5 * width:g}px"'
        return f'<div role="img" aria-label="{escape(told)}"><svg aria-hidden="true" {box}>{text}</svg></div>'

    def _written(self, artists: Iterable[Any]) -> str:
        """What is inside the SVG element of some artists, for a place in a page."""
        from matplotlib.backends.backend_svg import RendererSVG

        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        renderer = RendererSVG(*self._size, file, image_dpi=_DPI, metadata=nothing)
        for artist in artists:
            artist.draw(renderer)
        renderer.finalize()
        text = re.sub(r"<style.*?</style>|^<svg[^>]*>|</svg>\s*$", "", tidied(file.getvalue()), flags=re.DOTALL)
        text = re.sub(r'<g id="[^"]*"', "<g", text).replace(PAGE, "currentColor")
        return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{self._name}", text)
