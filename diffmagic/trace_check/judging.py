"""A student's numbers followed through a computation: right, following from a mistake, or a mistake."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diffmagic.results import RowVerdict
from diffmagic.trace_check.claims import COTANGENT, VALUE, Claim, Column
from diffmagic.trace_check.mistakes import guess
from diffmagic.trace_check.notation import Number
from diffmagic.trace_check.steps import Cell, Key
from diffmagic.trace_check.subject import Subject, rows_text

Roots = frozenset[int]
"""The rows whose mistakes a number comes from."""


@dataclass(slots=True)
class Judged:
    """What a claimed number is."""

    verdict: RowVerdict
    true: float
    how: str = ""
    roots: Roots = frozenset()
    guess: str = ""


def judged(subject: Subject, table: Mapping[int, Claim]) -> dict[tuple[int, Column], Judged]:
    """What each number of a table is, by row and column; those that cannot be told are missing."""
    steps, strange = subject.computation, subject.strange
    found: dict[tuple[int, Column], Judged] = {}
    of: dict[Cell, Any] = {}  # the student's, or what follows from these
    spread: dict[Cell, Any] = {}  # how far these may be off because numbers were rounded
    roots: dict[Cell, Roots] = {}
    wrong: set[Key] = set()
    rows: dict[Key, list[int]] = {}
    for row, key in subject.keys.items():
        rows.setdefault(key, []).append(row)

    def behind(sources: Iterable[Cell]) -> Roots:
        return frozenset().union(*[roots[source] for source in sources])

    for key, column in steps.cells():
        cell, sources = (key, column), steps.sources(key, column)
        value = steps.following(key, column, of)
        of[cell], roots[cell] = value, behind(sources)
        spread[cell] = near = steps.spreading(key, column, of, spread)
        options = [(value, roots[cell])]
        if column == COTANGENT and key != steps.output and not steps.parts(key, of):
            options = []
        elif (own := steps.sources(key, column, wrong)) != sources:
            options.append((steps.following(key, column, of, wrong), behind(own)))
        claims = [(row, table[row].numbers[column]) for row in rows.get(key, ()) if column in table[row].numbers]
        for row, claimed in claims:
            true = subject.truth[row].get(column)
            if true is None:
                continue
            if row in strange and column == VALUE:
                first = frozenset([strange[0]])
                judge = Judged("wrong" if row == strange[0] else "follows", math.nan, roots=first | behind(sources))
            else:
                judge = _judged(row, claimed, true, subject.slack[cell], options, near)
            if judge.verdict == "wrong":
                right = options[0][0] if options and options[0][1] else true
                judge.guess = guess(claimed, right, cell, steps, of, subject.truth[row], near)
                wrong |= {key} if column == VALUE else set()
            found[row, column] = judge
            if (claimed.value, judge.roots) not in options:  # the same number again is no new mistake
                options.append((claimed.value, judge.roots))
            if row == claims[0][0]:
                of[cell], roots[cell], spread[cell] = claimed.value, judge.roots, claimed.unit
    for row, claim in table.items():
        if row not in subject.keys:
            found |= {(row, column): Judged("wrong", math.nan, roots=frozenset([row])) for column in claim.numbers}
    _tell_swapped(table, found)
    return found


def _judged(
    row: int, claimed: Number, true: float, slack: float, options: Sequence[tuple[Any, Roots]], spread: float
) -> Judged:
    if how := claimed.agrees(true, slack):
        return Judged("right", true, how)
    for value, roots in options:
        if how := claimed.agrees(value, spread if roots else 0.0):
            return Judged("follows" if roots else "right", true, how if roots else "from rounded numbers", roots)
    return Judged("wrong", true, roots=frozenset([row]))


def _tell_swapped(table: Mapping[int, Claim], cells: Mapping[tuple[int, Column], Judged]) -> None:
    """Two rows that have each other's number."""
    wrong = [cell for cell, judge in cells.items() if judge.verdict == "wrong"]

    def has(row: int, other: int, column: Column) -> bool:
        return bool(table[row].numbers[column].agrees(cells[other, column].true))

    for row, column in wrong:
        partners = [
            o for o, same in wrong if o != row and same == column and has(row, o, column) and has(o, row, column)
        ]
        if len(partners) == 1:
            cells[row, column].guess = f"{rows_text(sorted([row, *partners]))} are swapped"
