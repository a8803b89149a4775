"""Pictures as SVG: the same bytes on every run, with their content in words."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from urllib.parse import quote

PAGE = "#1a1a1a"
"""The colour of text and axes."""
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "diffmagic",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": PAGE,
    "axes.edgecolor": PAGE,
    "axes.labelcolor": PAGE,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.2,
    "grid.color": PAGE,
    "xtick.color": PAGE,
    "ytick.color": PAGE,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
}
COLOURS = ("#4c8eda", "#e07b39", "#43a26a", "#c75b9b", "#8d7cc9", "#a08528", "#3aa6a6")
"""Colours that can be told apart on a light and on a dark page."""


def drawn(number: float) -> float:
    """A number to the digits that a picture shows, so that rounding errors do not change it.

    Examples
    --------
    >>> drawn(0.0123456), drawn(-3.0)
    (0.0123, -3.0)
    """
    return float(f"{number:.3g}")


def svg(draw: Callable[..., None], alternative: str, *, width: float = 6.4, height: float = 3.6, rows: int = 1) -> str:
    """Draw on one pair of axes, or on several below each other.

    Parameters
    ----------
    draw : callable
        ``draw(*axes)``, with Matplotlib's axes.
    alternative : str
        What the picture shows, for people who do not see it.
    width, height : float
        In inches.
    rows : int
        How many axes.

    Returns
    -------
    str
        An HTML element.
    """
    from matplotlib.figure import Figure

    with in_our_style():
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(*figure.subplots(rows, sharex=True, squeeze=False)[:, 0])
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return image(tidied(file.getvalue()), alternative)


@contextmanager
def in_our_style() -> Iterator[None]:
    """Matplotlib with our settings, whatever the user's are."""
    from matplotlib import style

    with style.context(["default", _STYLE]):
        yield


def tidied(text: str) -> str:
    """The SVG element that Matplotlib writes, without what nobody sees: a date, and digits below a hundredth."""
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'(?<= d=")[^"]*', _rounded, text)


def image(svg: str, alternative: str, style: str = "max-width:100%") -> str:
    """A picture as an image of its own, on white.

    Where a page does not trust a notebook yet it takes SVG elements apart and leaves their words, but it shows images.
    Where it does, `DARK` turns them over on dark pages.

    Parameters
    ----------
    svg : str
        An SVG element with its namespace.
    alternative : str
        What it shows, for people who do not see it.
    style : str
        How large it may be.

    Returns
    -------
    str
        An HTML element.

    Examples
    --------
    >>> image('<svg xmlns="http://www.w3.org/2000/svg"/>', "Nothing.")[:60]
    '<img class="diffmagic" alt="Nothing." src="data:image/svg+xm'
    """
    source = quote(svg.strip(), safe=" ='/:;,.()!*?@$&+-_~")
    words = f'class="diffmagic" alt="{escape(alternative)}"'
    return f'<img {words} src="data:image/svg+xml,{escape(source)}" style="background:#fff;{style}">'


DARK = (
    "<style>[data-jp-theme-light=false] img.diffmagic, .vscode-dark img.diffmagic "
    "{background: none !important; filter: invert(1) hue-rotate(180deg)}</style>"
)
"""What turns pictures over on dark pages of JupyterLab, Jupyter Notebook and Visual Studio Code."""


def _rounded(path: re.Match[str]) -> str:
    """The coordinates of a path to a hundredth of a point, which nobody sees."""
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), path[0])
