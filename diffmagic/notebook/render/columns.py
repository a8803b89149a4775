"""Columns of text, as wide as a terminal shows them, wrapped and parted where they do not fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import starmap, zip_longest

from diffmagic.notebook.render.blocks import Cell, Fold, Row, Trace
from diffmagic.notebook.render.parts import WIDTH

_NARROW = 8
_PIECE = re.compile(r"\s*(?:[-+*/=@·]+ +)?(?:\[[^\]]*\](?: \(\d[^)]*\))?|\S)+")


def width(text: str) -> int:
    """How many columns of a terminal a text takes: Japanese letters take two, accents none.

    Examples
    --------
    >>> width("speed"), width("速度"), width("x\\u0302")
    (5, 4, 1)
    """
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, room: int) -> str:
    """A text with blanks after it."""
    return text + " " * (room - width(text))


def pieces(line: str) -> list[str]:
    """Where a line may be broken: before operators, and never within an array.

    Examples
    --------
    >>> pieces("y = np.sin(v1) * [1.0, …, 2.0] (20)")
    ['y', ' = np.sin(v1)', ' * [1.0, …, 2.0] (20)']
    """
    return _PIECE.findall(line) or [""]


def wrapped(line: str, room: int) -> list[str]:
    """A line in as many as it needs; what has no place to be broken is broken anywhere.

    Examples
    --------
    >>> wrapped("np.exp(first * second)", 12)
    ['np.exp(first', ' * second)']
    """
    lines = [""]
    for piece in pieces(line):
        if lines[-1].strip() and width(lines[-1] + piece) > room:
            lines.append("")
        for letter in piece:
            if width(lines[-1] + letter) > room:
                lines.append(" ")
            lines[-1] += letter
    return lines


def trace_text(trace: Trace) -> str:
    """A trace table; where it is too wide, the columns from the second part on have tables of their own."""
    count = len(trace.head)
    head = Row("", [Cell(text) for text in trace.head])
    grid = [
        row if isinstance(row, Fold) else [*(cell.text for cell in row.cells), row.name]
        for row in with_signs([head, *trace.rows], trace.figures)
    ]
    lines = [[line for row in grid for line in _lines(row, k)] for k in range(count + 1)]
    wide = [max(map(width, column)) for column in lines]
    least = [max(width(piece) for line in column for piece in pieces(line)) for column in lines]
    parts = [list(range(count))]
    if _total(parts[0], wide) > WIDTH and trace.second < count:
        fits = _total(range(trace.second), least) <= WIDTH
        parts = [list(range(trace.second - (not fits)))]
        for k in range(len(parts[0]), count):
            if len(parts) == 1 or _total([*parts[-1], k], wide) > WIDTH:
                parts.append([0, count])  # the step and its name once more
            parts[-1].append(k)
    return "\n\n".join(_table(grid, part, _room([wide[k] for k in part], [least[k] for k in part])) for part in parts)


def _room(wide: list[int], least: list[int]) -> list[int]:
    """How wide columns are that have to be narrower in all: first those that can be broken well."""
    room = list(wide)
    for narrow in (least, [wide[0], *[_NARROW] * (len(wide) - 1)]):
        while sum(room) + 2 * len(room) - 2 > WIDTH and any(a > b for a, b in zip(room, narrow, strict=True)):
            room[max(range(len(room)), key=lambda k: (room[k] > narrow[k], room[k]))] -= 1
    return room


def _lines(row: Fold | list[str], k: int) -> list[str]:
    return [] if isinstance(row, Fold) else row[k].split("\n")


def _total(columns: Sequence[int], wide: Sequence[int]) -> int:
    return sum(wide[k] + 2 for k in columns) - 2


def with_signs(rows: Sequence[Row | Fold], figures: Collection[int]) -> list[Row | Fold]:
    """Numbers with a column for the sign, where one of them has a sign."""
    plain = [row for row in rows if isinstance(row, Row)]
    signed = {k for k in figures if any("\n-" in f"\n{row.cells[k].text}" for row in plain)}

    def cell(k: int, cell: Cell) -> Cell:
        lines = [line if line.startswith("-") or not line else f" {line}" for line in cell.text.split("\n")]
        return Cell("\n".join(lines)) if k in signed else cell

    return [
        replace(row, cells=list(starmap(cell, enumerate(row.cells)))) if isinstance(row, Row) else row for row in rows
    ]


def _table(grid: list[Fold | list[str]], columns: Sequence[int], room: list[int]) -> str:
    texts: list[str] = []
    for row in grid:
        if isinstance(row, Fold):
            texts.append(f"{'…':>{room[0]}}  {row.caption}")
            continue
        cells = [
            [part for line in _lines(row, k) for part in wrapped(line, size)]
            for k, size in zip(columns, room, strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            first, *rest = map(padded, parts, room)
            texts.append("  ".join([f"{first.strip():>{room[0]}}", *rest]).rstrip())
        if row is grid[0]:
            texts.append("─" * (sum(room) + 2 * len(room) - 2))
    return "\n".join(texts)
