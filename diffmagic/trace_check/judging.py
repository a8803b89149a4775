"""A student's numbers followed through a computation: right, following from a mistake, or a mistake."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.core.program import Program, Variable
from diffmagic.results import RowVerdict
from diffmagic.trace_check.claims import COTANGENT, VALUE, Claim, Column
from diffmagic.trace_check.mistakes import guess
from diffmagic.trace_check.notation import Number
from diffmagic.trace_check.steps import Key, Numbers, followed, pulled, pushed
from diffmagic.trace_check.subject import Subject, rows_text

_NONE: frozenset[int] = frozenset()


@dataclass(slots=True)
class Cell:
    """A judged number."""

    verdict: RowVerdict
    true: float
    how: str = ""
    roots: frozenset[int] = _NONE
    guess: str = ""


def judged(subject: Subject, table: Mapping[int, Claim]) -> dict[tuple[int, Column], Cell]:
    """What each number of a table is, by row and column; those that cannot be told are missing."""
    judge = _Judge(subject, table)
    for row, key in subject.keys.items():
        judge.rows.setdefault(key, []).append(row)
    followed(subject.computation, judge.override)
    for row, claim in table.items():
        if row not in subject.keys:
            cells = {(row, column): Cell("wrong", math.nan, roots=frozenset([row])) for column in claim.numbers}
            judge.cells.update(cells)
    _tell_swapped(table, judge.cells)
    return judge.cells


@dataclass(slots=True)
class _Judge:
    """Follows a student's numbers through the computation, and says of each what it is.

    Attributes
    ----------
    subject : Subject
    table : mapping of int to Claim
    rows : dict of Key to list of int
        The rows about each number.
    cells : dict
        What was judged so far.
    roots : dict
        The mistakes that each of the student's numbers comes from.
    spread : dict
        How far it may be off because numbers were rounded.
    wrong : set of Key
        Those whose value is a mistake.
    """

    subject: Subject
    table: Mapping[int, Claim]
    rows: dict[Key, list[int]] = field(default_factory=dict)
    cells: dict[tuple[int, Column], Cell] = field(default_factory=dict)
    roots: dict[tuple[Key, Column], frozenset[int]] = field(default_factory=dict)
    spread: dict[tuple[Key, Column], float] = field(default_factory=dict)
    wrong: set[Key] = field(default_factory=set)

    def override(self, key: Key, column: Column, value: Any, numbers: Numbers) -> Any:
        """Judge what is claimed of a number; what the student goes on with."""
        roots, others = self._behind(key, column, numbers)
        spread = self._spreading(key, column, numbers)
        reached = column != COTANGENT or key in numbers.parts or key is self.subject.computation.output
        options = [(value, roots), *others] if reached else []
        student, self.roots[key, column], self.spread[key, column] = value, roots, spread
        first = True
        for row in self.rows.get(key, ()):
            claimed, true = self.table[row].numbers.get(column), self.subject.truth(row, column)
            if claimed is None or true is None:
                continue
            cell = self._judged(row, key, column, claimed, true, options, spread)
            if cell.verdict == "wrong":
                right = value if reached and roots else true
                cell.guess = guess(
                    claimed, right, key, column, self.subject.computation, numbers, self.subject.true.of[key], spread
                )
            self.cells[row, column] = cell
            if column == VALUE and cell.verdict == "wrong":
                self.wrong.add(key)
            if first:
                student, self.roots[key, column], self.spread[key, column] = claimed.value, cell.roots, claimed.unit
                options = [*options, (claimed.value, cell.roots)]  # the same number again is no new mistake
            first = False
        return student

    def _judged(
        self,
        row: int,
        key: Key,
        column: Column,
        claimed: Number,
        true: float,
        options: Sequence[tuple[Any, frozenset[int]]],
        spread: float,
    ) -> Cell:
        if row in self.subject.strange and column == VALUE:
            roots = options[0][1] if options else _NONE
            first = row == self.subject.strange[0]
            return Cell("wrong" if first else "follows", math.nan, roots=frozenset([self.subject.strange[0]]) | roots)
        if how := claimed.agrees(true, self.subject.slack[key][column]):
            return Cell("right", true, how)
        for value, roots in options:
            if how := claimed.agrees(value, spread if roots else 0.0):
                return Cell("follows" if roots else "right", true, how if roots else "from rounded numbers", roots)
        return Cell("wrong", true, roots=frozenset([row]))

    def _behind(
        self, key: Key, column: Column, numbers: Numbers
    ) -> tuple[frozenset[int], list[tuple[Any, frozenset[int]]]]:
        """The mistakes that a number may follow from; and what else follows if a step's own wrong value was used."""
        steps = self.subject.computation.steps
        roots: set[int] = set()
        if column == COTANGENT:
            consumers = list(dict.fromkeys(consumer for consumer, _ in numbers.parts.get(key, ())))
            for consumer in consumers:
                roots |= self.roots[consumer, COTANGENT]
                for operand in steps[consumer].operands:
                    roots |= self.roots[operand, VALUE]
            wrong = [consumer for consumer in consumers if consumer in self.wrong]
            if not wrong:
                return frozenset(roots), []
            total = 0.0
            for consumer in consumers:
                g, local = numbers.of[consumer][COTANGENT], numbers.local[consumer]
                own = numbers.of[consumer][VALUE] if consumer in wrong else None
                parts = _with_own(local, own, lambda local=local, g=g: pulled(local, g))
                total += sum(p for o, p in zip(steps[consumer].operands, parts, strict=True) if o is key)
            more = roots.union(*[self.roots[consumer, VALUE] for consumer in wrong])
            return frozenset(roots), [(total, frozenset(more))]
        operands = steps[key].operands if key in steps else ()
        for operand in operands:
            roots |= self.roots[operand, VALUE]
            if column != VALUE:
                roots |= self.roots[operand, column]
        if column == VALUE or key not in self.wrong or key not in steps:
            return frozenset(roots), []
        local, tangents = numbers.local[key], [numbers.of[operand][column] for operand in operands]
        found = _with_own(local, numbers.of[key][VALUE], lambda: pushed(local, tangents))
        return frozenset(roots), [(found, frozenset(roots | self.roots[key, VALUE]))]

    def _spreading(self, key: Key, column: Column, numbers: Numbers) -> float:
        """How far the roundings of a student's numbers may move what follows from them; about."""
        steps = self.subject.computation.steps
        if column == COTANGENT:
            total = 0.0
            for consumer, part in numbers.parts.get(key, ()):
                g = np.max(np.abs(numbers.of[consumer][COTANGENT]), initial=0.0)
                share = self.spread[consumer, COTANGENT] / g if g else 0.0
                operands = steps[consumer].operands
                total += float(np.max(np.abs(part), initial=0.0)) * (share + self._bending(operands, numbers))
            return total
        operands = steps[key].operands if key in steps else ()
        spreads = [self.spread[operand, column] for operand in operands]
        total = self._pushed_apart(key, spreads, numbers) if any(spreads) else 0.0
        if column != VALUE and operands:
            tangents = [float(np.max(np.abs(numbers.of[o][column]), initial=0.0)) for o in operands]
            total += self._pushed_apart(key, tangents, numbers) * self._bending(operands, numbers)
        return total

    def _pushed_apart(self, key: Key, tangents: Sequence[float], numbers: Numbers) -> float:
        """The sum of what each operand gives, without signs."""
        local, total = numbers.local[key], 0.0
        for k, tangent in enumerate(tangents):
            if tangent:
                parts = enumerate(local.inputs)
                seeds = [np.full(np.shape(v.value), tangent if place == k else 0.0)[()] for place, v in parts]
                total += float(np.max(np.abs(pushed(local, seeds)), initial=0.0))
        return total

    def _bending(self, operands: Sequence[Key], numbers: Numbers) -> float:
        """How far, relatively, the roundings of operands may move a partial derivative."""
        bends = [0.0]
        for operand in operands:
            size = np.min(np.abs(numbers.of[operand][VALUE]), initial=math.inf)
            bends.append(2 * self.spread[operand, VALUE] * max(1.0, 1 / size if size else 1.0))
        return max(bends)


def _tell_swapped(table: Mapping[int, Claim], cells: Mapping[tuple[int, Column], Cell]) -> None:
    """Two rows that have each other's number."""
    wrong = [(row, column) for (row, column), cell in cells.items() if cell.verdict == "wrong"]
    for row, column in wrong:

        def has(one: int, other: int, column: Column = column) -> bool:
            return bool(table[one].numbers[column].agrees(cells[other, column].true))

        partners = [o for o, same in wrong if o != row and same == column and has(row, o) and has(o, row)]
        if len(partners) == 1:
            cells[row, column].guess = f"{rows_text(sorted([row, *partners]))} are swapped"


def _with_own(local: Program, own: Any, run: Any) -> Any:
    """Run with a step's own value replaced, which partial derivatives like that of exp read."""
    (out,) = local.outputs
    if own is None or not isinstance(out, Variable) or out in local.inputs:
        return run()
    before = out.value
    out.value = own
    try:
        return run()
    finally:
        out.value = before
