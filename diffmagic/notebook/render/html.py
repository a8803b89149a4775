"""Results as HTML: semantic tables in the page's own colours, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from diffmagic.notebook.render.parts import Matrix, account, derivatives, matrix, shown, trace_cells, trace_head, values
from diffmagic.notebook.render.text import sentences
from diffmagic.results import Derivative, Finding, TraceTable

_LEFT = 'style="text-align:left"'
_NUMBER = 'style="text-align:left;white-space:pre;font-family:monospace"'


def derivative_html(found: Derivative) -> str:
    """A `Derivative`: the value, the derivatives, the mode and why, notes, and the comparison."""
    table = matrix(found)
    parts = [trace_html(found.trace, found.digits)] if found.trace else []
    if table:
        parts += [_listed("Value", values(found), found.digits), matrix_html(table)]
    else:
        parts.append(_listed("Value and derivative", [*values(found), *derivatives(found)], found.digits))
    parts += [finding_html(finding) for finding in found.findings if found.explained]
    said = "<br>".join(escape(sentence) for sentence in sentences(found))
    return f"<div>{''.join(parts)}<p>{said}</p></div>"


def finding_html(finding: Finding) -> str:
    """A finding in full, with the part of the user's line that is meant marked."""
    title, said = account(finding)
    rows = [(label, escape(text)) for label, text in said]
    if finding.source:
        before, meant, after = finding.source.strip().partition(finding.expression or "\n")
        marked = f"{escape(before)}<mark>{escape(meant)}</mark>{escape(after)}" if meant else escape(before)
        rows.insert(0, (f"line {finding.line}", f"<code>{marked}</code>"))
    body = "".join(f'<tr><th scope="row" {_LEFT}>{label}</th><td {_LEFT}>{text}</td></tr>' for label, text in rows)
    return f"<table>{_caption(title)}<tbody>{body}</tbody></table>"


def _listed(caption: str, pairs: Iterable[tuple[str, Any]], digits: int) -> str:
    rows = [
        f'<tr><th scope="row" {_LEFT}>{escape(label)}</th><td {_NUMBER}>{escape(shown(value, digits))}</td></tr>'
        for label, value in pairs
    ]
    return f"<table>{_caption(caption)}<tbody>{''.join(rows)}</tbody></table>"


def matrix_html(table: Matrix) -> str:
    """A labelled matrix."""
    return _table(table.caption, ["", *table.columns], [[a, *b] for a, b in zip(table.rows, table.cells, strict=True)])


def trace_html(table: TraceTable, digits: int = 8) -> str:
    """A trace table."""
    return _table("Trace table", trace_head(table), trace_cells(table, digits))


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col" {_LEFT}>{_lines(text)}</th>' if text else "<td></td>" for text in head)
    body = "".join(
        f"<tr>{_row_head(first)}" + "".join(f"<td {_NUMBER}>{escape(cell)}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return f"<table>{_caption(caption)}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _row_head(text: str) -> str:
    return f'<th scope="row" {_LEFT}>{escape(text)}</th>' if text else "<td></td>"


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _caption(text: str) -> str:
    return f'<caption style="text-align:left;white-space:nowrap">{escape(text)}</caption>'
