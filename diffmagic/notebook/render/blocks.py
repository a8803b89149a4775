"""What a result consists of when it is shown; `text` and `html` know how each of these looks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from diffmagic.results import Finding


@dataclass(frozen=True, slots=True)
class Pairs:
    """Numbers and arrays with their labels, in groups.

    Attributes
    ----------
    caption : str
        Shown where a table needs one.
    groups : sequence of lists of (str, number or ndarray)
    digits : int
    """

    caption: str
    groups: Sequence[list[tuple[str, Any]]]
    digits: int = 8


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a head; the first cell of each row is its label.

    Attributes
    ----------
    caption : str
    head : sequence of str
    rows : sequence of sequences of str
    words : sequence of int
        The columns that hold words, which stand to the left; numbers stand to the right.
    shaded : collection of (int, int)
        The row and column of cells with another background, beside what their text says.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = ()
    shaded: Collection[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a trace table: text and, where it is a formula, LaTeX for each line of it."""

    text: str
    latex: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a trace table, and what it is called where it stands in several tables."""

    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that are folded away: what they are, and ``opened()``, the rows themselves."""

    caption: str
    opened: Callable[[], Sequence[Row | Fold]]


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace table. The first column numbers the rows.

    Attributes
    ----------
    caption : str
    head : sequence of str
        Some in two lines.
    rows : sequence of Row or Fold
    figures : collection of int
        The columns that hold numbers.
    second : int
        The column that a second table begins with, where one is too wide.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Row | Fold]
    figures: Collection[int]
    second: int


@dataclass(frozen=True, slots=True)
class Account:
    """A finding in full."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Formulas:
    """Formulas, each with a label, LaTeX and text."""

    caption: str
    lines: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Steps:
    """A chain of equal formulas in LaTeX and as text, each with the reason why it equals the one before."""

    caption: str
    lines: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Code:
    """Program text."""

    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Attributes
    ----------
    draw : callable
        ``draw(alternative)`` gives SVG when it is needed.
    alternative : str
        What it shows, in words.
    table : Table or None
        The same as numbers: what text shows in its place, and what opens below it in HTML.
    """

    draw: Callable[[str], str]
    alternative: str
    table: Table | None = None


Block = Pairs | Table | Trace | Account | Formulas | Steps | Code | Picture | str
"""Text stands for a sentence."""
