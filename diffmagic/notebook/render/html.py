"""Blocks as HTML: semantic tables in the page's own colours, everything escaped."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from html import escape
from itertools import chain, groupby
from typing import Any

from diffmagic.notebook.render.blocks import (
    Account,
    Block,
    Cell,
    Code,
    Fold,
    Formulas,
    Pairs,
    Picture,
    Row,
    Steps,
    Table,
    Trace,
)
from diffmagic.notebook.render.columns import with_signs
from diffmagic.notebook.render.parts import account, shown
from diffmagic.notebook.render.pictures import DARK
from diffmagic.results import Finding

_LEFT = 'style="text-align:left"'
_RIGHT = 'style="text-align:right"'
_NUMBER = 'style="text-align:left;white-space:pre;font-family:monospace"'
_FORMULA = 'style="text-align:left;white-space:nowrap"'
_FIGURE = 'style="text-align:right;white-space:pre;font-family:monospace"'
_SHADED = 'style="text-align:right;white-space:pre;font-family:monospace;background:rgba(128,128,128,.2)"'


def as_html(blocks: Iterable[Block]) -> str:
    """Blocks as one element."""
    blocks = list(blocks)
    parts = [DARK] if any(isinstance(block, Picture) for block in blocks) else []
    for sentence, group in groupby(blocks, key=lambda block: isinstance(block, str)):
        shown = [_html(block) for block in group]
        parts += [f"<p>{'<br>'.join(shown)}</p>"] if sentence else shown
    return f"<div>{''.join(parts)}</div>"


def _html(block: Block) -> str:
    match block:
        case str():
            return escape(block)
        case Pairs():
            return _listed(block.caption, chain(*block.groups), block.digits)
        case Table():
            return table_html(block)
        case Trace():
            return trace_html(block)
        case Account():
            return finding_html(block.finding)
        case Formulas():
            return formulas_html(block)
        case Steps():
            return steps_html(block)
        case Code():
            return code_html(block)
        case Picture():
            return picture_html(block)


def code_html(code: Code) -> str:
    """Program text, as it is to be copied."""
    text = f"<pre {_LEFT}><code>{escape(code.text)}</code></pre>"
    return f"<figure><figcaption>{escape(code.caption)}</figcaption>{text}</figure>"


def picture_html(picture: Picture) -> str:
    """A picture, and its numbers in a table that opens."""
    drawn = f"<div>{picture.draw(picture.alternative)}</div>"
    if picture.table is None:
        return drawn
    return f"{drawn}<details><summary>The same as a table</summary>{table_html(picture.table)}</details>"


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


def table_html(table: Table) -> str:
    """A table with a label on each row."""
    right = set(range(1, len(table.head))).difference(table.words)
    return _table(table.caption, table.head, table.rows, right, table.shaded)


def formulas_html(formulas: Formulas) -> str:
    """Formulas, typeset by the page."""
    rows = "".join(
        f'<tr><th scope="row" {_LEFT}>{escape(label)}</th><td {_LEFT}>{_typeset(latex)}</td></tr>'
        for label, latex, _ in formulas.lines
    )
    return f"<table>{_caption(formulas.caption)}<tbody>{rows}</tbody></table>"


def _typeset(latex: str) -> str:
    """LaTeX for the page to typeset, as large as in a line of its own."""
    return rf"$\displaystyle {escape(latex)}$"


def steps_html(steps: Steps) -> str:
    """Formulas typeset by the page, each with its reason."""
    rows = "".join(
        f"<tr><td {_LEFT}>{_typeset('= ' + latex if k else latex)}</td><td {_LEFT}>{escape(reason)}</td></tr>"
        for k, (latex, _, reason) in enumerate(steps.lines)
    )
    return f"<table>{_caption(steps.caption)}<tbody>{rows}</tbody></table>"


def trace_html(trace: Trace) -> str:
    """A trace table; rows that are folded away open in a table of their own."""
    return _trace(trace, trace.caption, trace.rows)


def _trace(trace: Trace, caption: str, rows: Sequence[Row | Fold]) -> str:
    heads = "".join(f'<th scope="col" {_LEFT}>{_lines(text)}</th>' for text in trace.head)
    body: list[str] = []
    for row in with_signs(rows, trace.figures):
        if isinstance(row, Row):
            first, *rest = row.cells
            cells = "".join(map(_cell, rest))
            body.append(f"<tr>{_row_head(first.text)}{cells}</tr>")
        else:
            inside = row.opened()
            steps = [each.cells[0].text for each in inside if isinstance(each, Row) and each.cells[0].text]
            title = f"Steps {steps[0]} to {steps[-1]}" if steps else row.caption
            opened = f"<summary>{escape(row.caption)}</summary>{_trace(trace, title, inside)}"
            shown = f"<details>{opened}</details>" if inside else escape(row.caption)
            body.append(f'<tr><td></td><td colspan="{len(trace.head) - 1}" {_LEFT}>{shown}</td></tr>')
    return f"<table>{_caption(caption)}<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _cell(cell: Cell) -> str:
    if not cell.latex:
        return f"<td {_NUMBER}>{escape(cell.text)}</td>"
    lines = "".join(f'<div style="padding:.3em 0">{_typeset(line)}</div>' for line in cell.latex)
    return f"<td {_FORMULA}>{lines}</td>"


def _table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Container[int] = (),
    shaded: Container[tuple[int, int]] = (),
) -> str:
    """A table; its columns are to the left but for those in `right`."""
    heads = "".join(
        f'<th scope="col" {_RIGHT if k in right else _LEFT}>{_lines(text)}</th>' if text else "<td></td>"
        for k, text in enumerate(head)
    )
    body = "".join(
        f"<tr>{_row_head(first)}"
        + "".join(
            f"<td {(_SHADED if (row, k) in shaded else _FIGURE) if k in right else _NUMBER}>{escape(cell)}</td>"
            for k, cell in enumerate(rest, 1)
        )
        + "</tr>"
        for row, (first, *rest) in enumerate(rows)
    )
    return f"<table>{_caption(caption)}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _row_head(text: str) -> str:
    return f'<th scope="row" {_LEFT}>{escape(text)}</th>' if text else "<td></td>"


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _caption(text: str) -> str:
    return f'<caption style="text-align:left;white-space:nowrap">{escape(text)}</caption>' if text else ""
