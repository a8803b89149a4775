"""Blocks as text of at most 100 columns, the same on every run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from diffmagic.notebook.render.blocks import Account, Block, Code, Formulas, Pairs, Picture, Steps, Table, Trace
from diffmagic.notebook.render.parts import WIDTH, account, shown, trace_cells, trace_head
from diffmagic.results import Finding, TraceTable

_LABEL = 13


def as_text(blocks: Iterable[Block]) -> str:
    """Blocks as text; pictures without a table have none."""
    sections: list[str] = []
    for sentence, group in groupby(blocks, key=lambda block: isinstance(block, str)):
        parts = [_text(block) for block in group]
        sections += ["\n".join(parts)] if sentence else parts
    return "\n\n".join(section for section in sections if section)


def _text(block: Block) -> str:
    match block:
        case str():
            return _wrapped(block)
        case Pairs():
            return "\n\n".join(_listed(group, block.digits) for group in block.groups if group)
        case Table():
            return table_text(block)
        case Trace():
            return trace_text(block.table, block.digits)
        case Account():
            return finding_text(block.finding)
        case Formulas():
            return formulas_text(block)
        case Steps():
            return steps_text(block)
        case Code():
            return f"{block.caption}\n\n{textwrap.indent(block.text.rstrip(), '    ')}"
        case Picture():
            return table_text(block.table) if block.table else ""


def finding_text(finding: Finding) -> str:
    """A finding in full, with the user's line and the part that is meant underlined."""
    title, rows = account(finding)
    lines = [title]
    if finding.source:
        source = finding.source.strip()
        start = source.find(finding.expression)
        lines.append(f"  {f'line {finding.line}':<{_LABEL}}{_cut(source, WIDTH - _LABEL - 2)}")
        if finding.expression and 0 <= start < start + len(finding.expression) <= WIDTH - _LABEL - 2:
            lines.append(" " * (2 + _LABEL + start) + "^" * len(finding.expression))
    for label, text in rows:
        first = f"  {label:<{_LABEL}}"
        rest = " " * len(first)
        lines.append(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))
    return "\n".join(lines)


def _wrapped(sentence: str) -> str:
    if len(sentence) > WIDTH:  # what to write instead stays together if it can
        sentence = sentence.replace(" Instead: ", "\nInstead: ")
    lines = sentence.split("\n")
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent="  " * (k > 0), subsequent_indent="  ", break_on_hyphens=False)
        for k, line in enumerate(lines)
    )


def _listed(pairs: list[tuple[str, Any]], digits: int) -> str:
    width = max((len(label) for label, _ in pairs), default=0)
    texts = [shown(value, digits, width + 3) for _, value in pairs]
    signed = any(text.startswith("-") for text in texts)
    signs = [" " if signed and not text.startswith(("-", "[")) else "" for text in texts]
    listed = "\n".join(
        f"{label:<{width}} = {sign}{text}" for (label, _), sign, text in zip(pairs, signs, texts, strict=True)
    )
    if all(len(line) <= WIDTH for line in listed.splitlines()):
        return listed
    return "\n".join(f"{_cut(label, WIDTH - 2)} =\n    {shown(value, digits, 4)}" for label, value in pairs)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def table_text(table: Table) -> str:
    """A table with its numbers to the right; words are cut where it would be too wide."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[k]) for row in rows) for k in range(len(table.head))]
    for _ in range(table_width(table) - WIDTH):
        widest = max((0, *table.words), key=lambda k: widths[k])
        widths[widest] -= 1
    left = {0, *table.words}
    lines = [
        "  ".join(
            _cut(cell, width).ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([*([table.caption] if table.caption else []), *("  " + line.rstrip() for line in lines)])


def table_width(table: Table) -> int:
    """How wide a table is as text, in columns."""
    rows = [table.head, *table.rows]
    return sum(max(len(row[k]) for row in rows) + 2 for k in range(len(table.head)))


def formulas_text(formulas: Formulas) -> str:
    """Formulas as code, one below the other."""
    lines = [formulas.caption] if formulas.caption else []
    for label, _, text in formulas.lines:
        head = f"  {label} = " if label else "  "
        rest = " " * min(len(head), 12)
        lines.append(textwrap.fill(text, WIDTH, initial_indent=head, subsequent_indent=rest, break_on_hyphens=False))
    return "\n".join(lines)


def steps_text(steps: Steps) -> str:
    """Formulas as code, each with its reason beside it or, if that is too wide, below."""
    lines = [steps.caption]
    width = max(len(text) for _, text, _ in steps.lines) + 4
    for k, (_, text, reason) in enumerate(steps.lines):
        line = f"  {'=' if k else ' '} {text}"
        if reason and width + len(reason) + 4 <= WIDTH:
            line = f"{line:<{width}}    {reason}"
        elif reason:
            line += f"\n        {_cut(reason, WIDTH - 8)}"
        lines += [_folded(part) for part in line.split("\n")]
    return "\n".join(lines)


def _folded(line: str) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent="      ", break_on_hyphens=False, drop_whitespace=False)


def trace_text(table: TraceTable, digits: int = 8) -> str:
    """A trace table, with fewer digits where it would become too wide."""
    for fewer in (digits, 6, 4):
        head, *body = ([_lines(cell, k) for k, cell in enumerate(row)] for row in _rows(table, min(digits, fewer)))
        columns = list(zip(head, *body, strict=True))
        widths = [max(len(line) for cell in column for line in cell) for column in columns]
        excess = sum(widths) + 2 * len(widths) - 2 - WIDTH
        if excess <= 0:
            break
    for _ in range(excess):
        widths[widths.index(max(widths))] -= 1
    lines = [*_row(head, widths), "─" * min(WIDTH, sum(widths) + 2 * len(widths) - 2)]
    for row in body:
        lines += _row(row, widths)
    return "\n".join(lines)


def _rows(table: TraceTable, digits: int) -> list[list[str]]:
    return [trace_head(table), *trace_cells(table, digits)]


def _lines(cell: str, column: int) -> list[str]:
    """A cell's lines, numbers with a column for the sign."""
    return [line if column < 2 or line.startswith(("-", "∂")) or not line else " " + line for line in cell.split("\n")]


def _row(cells: list[list[str]], widths: list[int]) -> list[str]:
    height = max(map(len, cells))
    rows = []
    for k in range(height):
        parts = [cell[k] if k < len(cell) else "" for cell in cells]
        cut = [_cut(part, width) for part, width in zip(parts, widths, strict=True)]
        rest = [part.ljust(w) for part, w in zip(cut[1:], widths[1:], strict=True)]
        rows.append("  ".join([cut[0].rjust(widths[0]), *rest]).rstrip())
    return rows
