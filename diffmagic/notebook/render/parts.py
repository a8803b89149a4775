"""What a result's text and HTML have in common: labels, numbers, sentences, the cells of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.core.structures import flatten
from diffmagic.labels import component, partial_label
from diffmagic.results import Check, Derivative, Finding, TraceRow, TraceTable

WIDTH = 100
_MOST_ROWS, _MOST_COLUMNS = 12, 8
_UNFOLDED, _FOLDED = 60, 25


_ABOUT = {
    "value": "Why the value is not finite",
    "derivative": "Why the derivative is not finite",
    "kink": "A kink",
    "choice": "A branch that was not chosen",
    "constant": "A step without a derivative",
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """A table of numbers with a label on each row and column."""

    caption: str
    rows: list[str]
    columns: list[str]
    cells: list[list[str]]


def shown(value: Any, digits: int, indent: int = 0) -> str:
    """A number or array as NumPy shows it, to so many digits; continuation lines are indented."""
    if not np.ndim(value):
        return _brief(value, digits)
    return np.array2string(
        value, precision=digits, max_line_width=WIDTH, threshold=100, prefix=" " * indent, suppress_small=False
    )


def values(found: Derivative) -> list[tuple[str, Any]]:
    """Each number and array of the result, with its name."""
    if len(found.names) == 1:
        return [(path or "value", leaf) for path, leaf in flatten(found.value, found.names[0])[0]]
    return [leaf for part, name in zip(found.value, found.names, strict=True) for leaf in flatten(part, name)[0]]


def derivatives(found: Derivative) -> list[tuple[str, Any]]:
    """Each derivative, with its label."""
    if found.kind == "tangent":
        return [(f"tangent of {entry.of or 'the result'}", entry.value) for entry in found.entries]
    if found.kind == "cotangent":
        return [(f"cotangent of {entry.wrt[0]}", entry.value) for entry in found.entries]
    return [(partial_label(entry.of, entry.wrt) + _shape(entry.value), entry.value) for entry in found.entries]


def _shape(value: Any) -> str:
    return f" ({'×'.join(map(str, np.shape(value)))})" if np.size(value) > _MOST_COLUMNS else ""


def matrix(found: Derivative) -> Matrix | None:
    """A small Jacobian or Hessian as one table; None for a gradient, or for what is too large."""
    if found.kind != "derivative" or found.order > 2:
        return None
    outputs = [(name, np.shape(leaf)) for name, leaf in values(found)]
    count = round((len(found.entries) / len(outputs)) ** (1 / found.order))
    offset = len(outputs[0][1])
    first = found.entries[0].value
    offset_last = offset if found.order == 1 else (np.ndim(first) + offset) // 2
    inputs = [(entry.wrt[-1], np.shape(entry.value)[offset_last:]) for entry in found.entries[:count]]
    across = [component(name, shape, k) for name, shape in inputs for k in range(int(np.prod(shape)))]
    if found.order == 2:
        if len(outputs) > 1 or offset or len(across) == 1:
            return None
        caption = f"Second derivatives of {found.names[0] or 'the result'}"
        down = [f"∂/∂{name}" for name in across]
        heights = [int(np.prod(shape)) for _, shape in inputs]
    else:
        if len(outputs) == 1 and not offset:
            return None
        caption = f"Jacobian of {', '.join(name for name in found.names if name) or 'the result'}"
        down = [component("" if name == "value" else name, s, k) for name, s in outputs for k in range(int(np.prod(s)))]
        heights = [int(np.prod(shape)) for _, shape in outputs]
    if not 0 < len(down) <= _MOST_ROWS or not 0 < len(across) <= _MOST_COLUMNS:
        return None
    blocks = [found.entries[k : k + count] for k in range(0, len(found.entries), count)]
    numbers = np.vstack(
        [
            np.hstack([np.reshape(entry.value, (height, -1)) for entry in block])
            for block, height in zip(blocks, heights, strict=True)
        ]
    )
    cells = [[short(number, found.digits) for number in row] for row in numbers]
    return Matrix(caption, down, [f"∂/∂{name}" for name in across], cells)


def method_sentence(found: Derivative) -> str:
    """How it was found, and why so."""
    return f"{found.method.capitalize()} mode ({found.why})." if found.why else f"{found.method.capitalize()} mode."


def check_sentence(check: Check) -> str:
    """How it compares with a central difference."""
    match check.verdict:
        case "digits":
            return f"A central difference agrees to at least {check.digits} digits."
        case "decimals":
            return f"A central difference agrees to at least {check.digits} decimal places."
        case "unclear":
            return f"A central difference cannot tell about {check.where}: it changes too much with its step."
        case "disagrees":
            return (
                f"A central difference disagrees: {check.where} is {short(check.exact, 4)}, "
                f"and the difference gives {short(check.numerical, 4)}."
            )
        case "not finite":
            return f"{check.where} is not finite ({short(check.exact)}), so there is nothing to compare."
        case "not compared":
            return f"Not compared with a central difference: {check.reason}."


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
        f"{partial}" if isinstance(partial, str) else f"∂/∂{name} = {_brief(partial, digits)}"
        for name, partial in row.partials
    ]
    cells = [
        str(row.step) if row.step else "",
        f"{row.name} = {row.operation}" if row.operation else row.name,
        _brief(row.value, digits),
        "\n".join(dict.fromkeys(partials)),
    ]
    cells += [_moved(tangent, digits) for tangent in row.tangents]
    if table.cotangent:
        cells.append(_moved(row.cotangent, digits))
    return cells


def _moved(value: Any, digits: int) -> str:
    """A tangent or cotangent; what does not move has zero."""
    return "0" if value is None else _brief(value, digits)


def _brief(value: Any, digits: int) -> str:
    """A value in a few characters, an array of no dimensions like a number."""
    return short(value[()] if isinstance(value, np.ndarray) else value, digits)
