"""What text and HTML have in common: numbers, the account of a finding, the cells of a trace table."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.results import Finding, TraceRow, TraceTable

WIDTH = 100
_UNFOLDED, _FOLDED = 60, 25


_ABOUT = {
    "value": "Why the value is not finite",
    "derivative": "Why the derivative is not finite",
    "kink": "A kink",
    "choice": "A branch that was not chosen",
    "constant": "A step without a derivative",
}


def shown(value: Any, digits: int, indent: int = 0) -> str:
    """A number or array as NumPy shows it, to so many digits; continuation lines are indented."""
    if not np.ndim(value):
        return brief(value, digits)
    return np.array2string(
        value, precision=digits, max_line_width=WIDTH, threshold=100, prefix=" " * indent, suppress_small=False
    )


def account(finding: Finding) -> tuple[str, list[tuple[str, str]]]:
    """A finding in full: what it is about, and what there is to say, each with its label."""
    numbers = ", ".join(f"{text} = {short(number, 17)}" for text, number in finding.operands)
    if finding.result is not None:
        numbers += f" gives {short(finding.result)}" if numbers else short(finding.result)
    said = [
        ("numbers", f"{numbers} ({finding.where})" if finding.where else numbers),
        ("chain rule", finding.chain),
        ("reason", finding.reason),
        ("differences", finding.numerical),
        ("instead", finding.rewrite),
    ]
    return _ABOUT[finding.kind], [(label, text) for label, text in said if text] or [("reason", finding.summary)]


def trace_head(table: TraceTable) -> list[str]:
    """The heads of a trace table's columns, some in two lines."""
    head = ["step", "operation", "value", "local partials"]
    head += ["tangent" if name == "seed" else f"tangent\n∂/∂{name}" for name in table.tangents]
    if table.cotangent:
        head.append("cotangent" if table.cotangent == "seed" else f"cotangent\n∂{table.cotangent}/∂·")
    return head


def trace_cells(table: TraceTable, digits: int) -> list[list[str]]:
    """The cells of a trace table, row by row, some in several lines; the middle of a long table is one row."""
    rows = table.rows
    if len(rows) <= _UNFOLDED:
        return [_row(row, table, digits) for row in rows]
    fold = [["…", f"{len(rows) - 2 * _FOLDED} more steps", *[""] * (len(trace_head(table)) - 2)]]
    return (
        [_row(row, table, digits) for row in rows[:_FOLDED]]
        + fold
        + [_row(row, table, digits) for row in rows[-_FOLDED:]]
    )


def _row(row: TraceRow, table: TraceTable, digits: int) -> list[str]:
    partials = [
        f"{partial}" if isinstance(partial, str) else f"∂/∂{name} = {brief(partial, digits)}"
        for name, partial in row.partials
    ]
    cells = [
        str(row.step) if row.step else "",
        f"{row.name} = {row.operation}" if row.operation else row.name,
        brief(row.value, digits),
        "\n".join(dict.fromkeys(partials)),
    ]
    cells += [_moved(tangent, digits) for tangent in row.tangents]
    if table.cotangent:
        cells.append(_moved(row.cotangent, digits))
    return cells


def _moved(value: Any, digits: int) -> str:
    """A tangent or cotangent; what does not move has zero."""
    return "0" if value is None else brief(value, digits)


def brief(value: Any, digits: int) -> str:
    """A value in a few characters, an array of no dimensions like a number."""
    return short(value[()] if isinstance(value, np.ndarray) else value, digits)
