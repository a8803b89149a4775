"""A `TraceCheck` as blocks."""

from __future__ import annotations

from diffmagic.notebook.render.blocks import Block, Table
from diffmagic.results import CheckedRow, TraceCheck

_SAID = {"right": "✓ right", "wrong": "✗ wrong", "follows": "✗ follows from {}", "not checked": "not checked"}


def trace_check_blocks(found: TraceCheck) -> list[Block]:
    """The table as it was claimed, with a verdict on each row; then the first mistake."""
    named = any(row.operation and row.name for row in found.rows)
    head = ["row", "name", *(["operation"] if named else []), *found.columns, "verdict", "it is"]
    rows = [_row(row, found, named) for row in found.rows]
    words = [1, *([2] if named else []), len(head) - 2, len(head) - 1]
    if not any(row[-1] for row in rows):
        head, rows, words = head[:-1], [row[:-1] for row in rows], words[:-1]
    notes = [f"Note: {note}." for note in found.notes]
    return [Table("Your table", head, rows, words), found.summary, *notes]


def _row(row: CheckedRow, found: TraceCheck, named: bool) -> list[str]:
    claimed = {cell.column: cell.claimed for cell in row.cells}
    middle = [row.name, row.operation] if named else [row.name or row.operation]
    return [str(row.number), *middle, *(claimed.get(each, "") for each in found.columns), _verdict(row), _instead(row)]


def _verdict(row: CheckedRow) -> str:
    rows = f"row{'s' * (len(row.follows) > 1)} {', '.join(map(str, row.follows))}"
    said = _SAID[row.verdict].format(rows)
    hows = [how for how in ("truncated", "from rounded numbers") if any(cell.how == how for cell in row.cells)]
    return f"{said}, {hows[0]}" if row.verdict == "right" and hows else said


def _instead(row: CheckedRow) -> str:
    """The right numbers of what is not right."""
    off = [cell for cell in row.cells if cell.verdict in ("wrong", "follows") and cell.shown]
    if len(row.cells) == 1 or [cell.column for cell in off] == ["value"]:
        return ", ".join(cell.shown for cell in off)
    return ", ".join(f"{cell.column} = {cell.shown}" for cell in off)
