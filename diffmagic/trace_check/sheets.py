"""Tables as cells, from whatever holds them: Markdown, a dict, a list of rows, a data frame, source."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from diffmagic.core.errors import DiffmagicError
from diffmagic.trace_check.notation import number

_BY_COLUMN = r"name|variable|step|value"
_EXAMPLE = '{"v1": 0.785398, "v2": 0.707107}'


class Sheet(NamedTuple):
    """A table as cells: texts and numbers."""

    head: list[str] | None
    rows: list[list[Any]]


def sheet_of(table: Any) -> Sheet:
    """A table in a string (Markdown), a dict, a list of rows or a data frame.

    Raises
    ------
    DiffmagicError
        If it is something else, or empty.

    Examples
    --------
    >>> sheet_of({"v1": 0.5, "v2": 1.5})
    Sheet(head=None, rows=[['v1', 0.5], ['v2', 1.5]])
    >>> sheet_of("| name | value |\\n|---|---|\\n| v1 | 0.50 |")
    Sheet(head=['name', 'value'], rows=[['v1', '0.50']])
    """
    if isinstance(table, str):
        found = _markdown(table)
    elif isinstance(table, Mapping):
        found = _mapping(table)
    elif hasattr(table, "itertuples") and hasattr(table, "columns"):
        found = _frame(table)
    elif isinstance(table, Sequence) or hasattr(table, "tolist"):
        found = _rows(list(table))
    else:
        raise DiffmagicError(f"a value of type {type(table).__name__} is no table", rewrite=_EXAMPLE)
    if not found.rows:
        raise DiffmagicError("the table has no rows", rewrite=_EXAMPLE)
    return found


def sheet_in(expression: ast.expr, source: str) -> Sheet:
    """A table written out in source, its numbers as they are printed there."""

    def of(node: ast.expr | None) -> Any:
        match node:
            case None:
                raise DiffmagicError("a table with ** in it cannot be read", rewrite="--table NAME")
            case ast.Dict(keys=keys, values=values):
                return {str(of(key)): of(value) for key, value in zip(keys, values, strict=True)}
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [of(each) for each in elements]
            case ast.Constant(value=str(text)):
                return text
        return ast.get_source_segment(source, node) or ast.unparse(node)

    return sheet_of(of(expression))


def is_table(text: str) -> bool:
    """Whether a text holds a Markdown table."""
    rows = [line for line in text.splitlines() if line.strip().startswith("|")]
    return any(is_number(cell) for row in rows for cell in row.split("|"))


def text_in(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def is_number(cell: Any) -> bool:
    return bool(text_in(cell)) and number(text_in(cell)) is not None


def _markdown(text: str) -> Sheet:
    lines = [line.strip().strip("|") for line in text.splitlines() if line.strip().startswith("|")]
    if not lines:
        raise DiffmagicError("the string holds no Markdown table", rewrite="| v1 | 0.785398 |")
    rows = [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    ruled = len(rows) > 1 and _is_rule(rows[1])
    rows = [row for row in rows if any(row) and not _is_rule(row)]
    return Sheet(rows[0], rows[1:]) if ruled else _with_head(rows)


def _is_rule(row: list[str]) -> bool:
    return all(re.fullmatch(r":?-+:?", cell) for cell in row)


def _mapping(table: Mapping[Any, Any]) -> Sheet:
    values = list(table.values())
    if values and all(isinstance(value, Mapping) for value in values):
        return _records([{"name": name, **row} for name, row in table.items()])
    if all(map(_is_list, values)) and any(re.fullmatch(_BY_COLUMN, str(key).lower()) for key in table):
        return Sheet(list(map(str, table)), [list(row) for row in zip(*values, strict=False)])
    return Sheet(None, [[name, *(value if _is_list(value) else [value])] for name, value in table.items()])


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0)


def _frame(table: Any) -> Sheet:
    head, rows = list(map(str, table.columns)), [list(row) for row in table.itertuples(index=True)]
    named = any(isinstance(row[0], str) for row in rows)
    return Sheet(["name", *head], rows) if named else Sheet(head, [row[1:] for row in rows])


def _rows(table: list[Any]) -> Sheet:
    if table and all(isinstance(row, Mapping) for row in table):
        return _records(table)
    if not all(map(_is_list, table)):
        raise DiffmagicError("the table is a list, and not one of rows", rewrite='[("v1", 0.785398), …]')
    return _with_head([list(row) for row in table])


def _records(rows: Sequence[Mapping[Any, Any]]) -> Sheet:
    head = list(dict.fromkeys(key for row in rows for key in row))
    return Sheet(list(map(str, head)), [[row.get(key) for key in head] for row in rows])


def _with_head(rows: list[list[Any]]) -> Sheet:
    """Rows of which the first is a head where it holds no number and others do."""
    if len(rows) > 1 and not any(map(is_number, rows[0])) and any(map(is_number, rows[1][1:])):
        return Sheet(list(map(str, rows[0])), rows[1:])
    return Sheet(None, rows)
