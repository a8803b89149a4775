"""A student's trace table against the true one: what is right, the first mistake, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program
from diffmagic.results import CheckedRow, RowVerdict, TraceCell, TraceCheck
from diffmagic.trace_check.claims import COTANGENT, Claim, Column
from diffmagic.trace_check.judging import Judged, judged
from diffmagic.trace_check.subject import Subject, rows_text, subject_of

_KINDS = ("value", "tangent", "cotangent")
_WORST_FIRST: tuple[RowVerdict, ...] = ("wrong", "follows", "right")


def check_table(program: Program, claims: Sequence[Claim], *, digits: int = 8) -> TraceCheck:
    """Compare the rows of a trace table with a program.

    A row is known by the operation that it gives, in whatever names; else by its name, if that is the user's own; else
    by its numbers. A number is right if the true one rounds or truncates to it, or if it comes from the student's own
    rounded numbers; it follows from other rows if it is right given their mistakes.

    Parameters
    ----------
    program : Program
    claims : sequence of Claim
    digits : int
        How many digits to show where the table prints none.

    Raises
    ------
    DiffmagicError
        If nothing is claimed, or what is claimed is none of a trace table's numbers.
    """
    if not any(claim.numbers for claim in claims):
        raise DiffmagicError(
            "there is nothing to check: no number is claimed",
            rewrite="v1 = 4*x  # 0.785398, or below the function a table, {'v1': 0.785398}",
        )
    table = dict(enumerate(claims, start=1))
    subject = subject_of(program, table)
    cells = judged(subject, table)
    columns = sorted(dict.fromkeys(c for claim in claims for c in claim.numbers), key=lambda c: _KINDS.index(c.kind))
    rows = [_row(row, subject, table, cells, columns, digits) for row, claim in table.items() if claim.numbers]
    wrong = sorted((row.number for row in rows if row.verdict == "wrong"), key=lambda row: _place(row, subject, cells))
    skipped = [
        row.number for row in rows if COTANGENT in table[row.number].numbers and (row.number, COTANGENT) not in cells
    ]
    notes = list(subject.notes)
    if skipped:
        notes.append(f"the cotangents of {rows_text(skipped)} are not checked, as these do not lead to the result")
    summary = " ".join(_sentences(rows, wrong))
    return TraceCheck(rows, tuple(map(_name, columns)), wrong[0] if wrong else None, summary, notes, digits)


def _row(
    row: int,
    subject: Subject,
    table: Mapping[int, Claim],
    cells: Mapping[tuple[int, Column], Judged],
    columns: Sequence[Column],
    digits: int,
) -> CheckedRow:
    claim = table[row]
    own = {column: cells[row, column] for column in columns if (row, column) in cells}
    shown = tuple(
        TraceCell(
            _name(column),
            claim.numbers[column].text,
            float(cell.true),
            "" if math.isnan(cell.true) else claim.numbers[column].shown(cell.true, digits, _finest(table, column)),
            cell.verdict,
            cell.how,
        )
        for column, cell in own.items()
    )
    verdicts = {cell.verdict for cell in own.values()}
    worst: list[RowVerdict] = [verdict for verdict in _WORST_FIRST if verdict in verdicts]
    verdict = worst[0] if worst else "not checked"
    roots = {root for cell in own.values() for root in cell.roots if verdict == "follows"}
    guesses = {cell.guess: None for cell in own.values() if cell.guess}
    guess = next(iter(guesses)) if len(guesses) == 1 else ""
    if row not in subject.keys:
        guess = "no step of the function has this number"
    elif row in subject.strange and verdict == "wrong":
        guess = f"the function has no step {claim.operation}"
    operation = claim.operation or subject.texts.get(row, "")
    return CheckedRow(row, claim.name, operation, shown, verdict, tuple(sorted(roots)), guess)


def _finest(table: Mapping[int, Claim], column: Column) -> float:
    """What one more in the last digit is, of the number in a column, or else in the table, that has most decimals."""
    every = [(c, n.unit) for claim in table.values() for c, n in claim.numbers.items() if n.unit]
    return min([unit for c, unit in every if c == column] or [unit for _, unit in every], default=0.0)


def _place(row: int, subject: Subject, cells: Mapping[tuple[int, Column], Judged]) -> tuple[int, float]:
    """Where a mistake comes in the computation: values and tangents forward, then cotangents back."""
    order = [*subject.computation.inputs, *subject.computation.steps]
    if row in subject.keys:
        place: float = order.index(subject.keys[row])
    else:  # after what stands before it
        place = max((order.index(key) + 0.5 for other, key in subject.keys.items() if other < row), default=-1.0)
    kinds = {column.kind for (other, column), cell in cells.items() if other == row and cell.verdict == "wrong"}
    return (1, -place) if kinds == {"cotangent"} else (0, place)


def _name(column: Column) -> str:
    return f"∂/∂{column.wrt}" if column.kind == "tangent" else column.kind


def _sentences(rows: Sequence[CheckedRow], wrong: Sequence[int]) -> Iterator[str]:
    right = sum(row.verdict == "right" for row in rows)
    if right == len(rows):
        yield {1: "The row is right.", 2: "Both rows are right."}.get(right, f"All {right} rows are right.")
        return
    if len(rows) > 1:
        yield f"{right} of {len(rows)} rows {'is' if right == 1 else 'are'} right."
    if not wrong:
        return
    first = next(row for row in rows if row.number == wrong[0])
    cell = next(cell for cell in first.cells if cell.verdict == "wrong")
    of = {"value": "", "cotangent": "its cotangent is "}.get(cell.column, f"its {cell.column} is ")
    instead = f"{of}{cell.shown}, not {cell.claimed}" if cell.shown else first.guess
    label = f", {first.name or first.operation}" if first.name or first.operation else ""
    after = [row.number for row in rows if row.verdict == "follows" and wrong[0] in row.follows]
    tail = f"; {rows_text(after)} follow{'s' * (len(after) == 1)} from it" if after else ""
    which = "The first mistake is row" if len(rows) > 1 else "There is a mistake in row"
    yield f"{which} {wrong[0]}{label}: {instead}{tail}."
    if first.guess and cell.shown:
        yield f"Perhaps {first.guess}."
    if others := sorted(wrong[1:]):
        said = "is a mistake of its own" if len(others) == 1 else "are mistakes of their own"
        yield f"{rows_text(others).capitalize()} {said}."
