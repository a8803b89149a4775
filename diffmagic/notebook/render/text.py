"""Blocks as text of at most 100 columns, the same on every run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from diffmagic.notebook.render.blocks import Account, Block, Code, Formulas, Pairs, Picture, Steps, Table, Trace
from diffmagic.notebook.render.columns import padded, trace_text, width
from diffmagic.notebook.render.parts import WIDTH, account, shown
from diffmagic.results import Finding

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
            return trace_text(block)
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
    room = max((width(label) for label, _ in pairs), default=0)
    texts = [shown(value, digits, room + 3) for _, value in pairs]
    signed = any(text.startswith("-") for text in texts)
    signs = [" " if signed and not text.startswith(("-", "[")) else "" for text in texts]
    listed = "\n".join(
        f"{padded(label, room)} = {sign}{text}" for (label, _), sign, text in zip(pairs, signs, texts, strict=True)
    )
    if all(width(line) <= WIDTH for line in listed.splitlines()):
        return listed
    return "\n".join(f"{_cut(label, WIDTH - 2)} =\n    {shown(value, digits, 4)}" for label, value in pairs)


def _cut(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    while text and width(text) >= room:
        text = text[:-1]
    return f"{text}…"


def table_text(table: Table) -> str:
    """A table with its numbers to the right; words are cut where it would be too wide."""
    rows = [table.head, *table.rows]
    widths = [max(width(row[k]) for row in rows) for k in range(len(table.head))]
    for _ in range(table_width(table) - WIDTH):
        widest = max((0, *table.words), key=lambda k: widths[k])
        widths[widest] -= 1
    left = {0, *table.words}
    lines = [
        "  ".join(
            padded(_cut(cell, room), room) if k in left else cell.rjust(room)
            for k, (cell, room) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([*([table.caption] if table.caption else []), *("  " + line.rstrip() for line in lines)])


def table_width(table: Table) -> int:
    """How wide a table is as text, in columns."""
    rows = [table.head, *table.rows]
    return sum(max(width(row[k]) for row in rows) + 2 for k in range(len(table.head)))


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
