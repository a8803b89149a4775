"""What a student's table claims: rows with a name, an operation and printed numbers, from whatever holds them."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from diffmagic.core.errors import DiffmagicError
from diffmagic.trace_check.notation import Number, is_name, known_name, number, plain

_SKIPPED = r"partial|local|\bline\b|comment|note|^#$|^no\.?$"
_BACKWARD = r"cotangent|adjoint|\bbar\b|reverse|backward|vjp"
_FORWARD = r"tangent|deriv|\bdot\b|gradient|\bgrad\b|\bdiff|jvp|∇|∂|'|′|\bd_?\w{0,3}\b"
_OPERATION = r"operation|\bop\b|elementary|expression|\bexpr\b|formula|function|computation|definition|primitive"
_VALUE = r"value|\bval\b|number|primal|result|numeric|evaluat|forward"
_NAME = r"name|variable|\bvar\b|trace|node|\brow\b|step|symbol|quantity|intermediate|^v_?i?$|^$"
_EMPTY = ("", "-", "–", "—", "?", "/", "n/a", "none", "nan")
_COLUMNS = "name, operation, value, ∂/∂{}, cotangent"


class Column(NamedTuple):
    """What a number is claimed of: ``value``, ``tangent`` with respect to an input ("" if that is not said), or
    ``cotangent``."""

    kind: str
    wrt: str = ""


VALUE, COTANGENT = Column("value"), Column("cotangent")


@dataclass(slots=True)
class Claim:
    """A row of a student's table.

    Attributes
    ----------
    name : str
        As it is written; it may be empty.
    operation : str
        As it is written, if it is.
    numbers : dict of Column to Number
    found : object
        What the row is about where that is known: a variable of the program, or a number.
    """

    name: str
    operation: str = ""
    numbers: dict[Column, Number] = field(default_factory=dict)
    found: Any = None

    @property
    def label(self) -> str:
        return self.name or self.operation


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
        raise DiffmagicError(
            f"a value of type {type(table).__name__} is no table", rewrite='{"v1": 0.785398, "v2": 0.707107}'
        )
    if not found.rows:
        raise DiffmagicError("the table has no rows", rewrite='{"v1": 0.785398, "v2": 0.707107}')
    return found


def sheet_in(expression: ast.expr, source: str) -> Sheet:
    """A table written out in source, its numbers as they are printed there."""
    return sheet_of(_written(expression, source))


def is_table(text: str) -> bool:
    """Whether a text holds a Markdown table."""
    rows = [line for line in text.splitlines() if line.strip().startswith("|")]
    return any(_number(cell) for row in rows for cell in row.split("|"))


def _written(node: ast.expr, source: str) -> Any:
    match node:
        case ast.Dict(keys=keys, values=values):
            return {_key(key, source): _written(value, source) for key, value in zip(keys, values, strict=True)}
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_written(each, source) for each in elements]
        case ast.Constant(value=str(text)):
            return text
    return ast.get_source_segment(source, node) or ast.unparse(node)


def _key(node: ast.expr | None, source: str) -> str:
    if node is None:
        raise DiffmagicError("a table with ** in it cannot be read", rewrite="--table NAME")
    return str(_written(node, source))


def _markdown(text: str) -> Sheet:
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    if not lines:
        raise DiffmagicError("the string holds no Markdown table", rewrite="| v1 | 0.785398 |")
    rows = [[cell.strip().replace(r"\|", "|") for cell in _CELLS.split(line.strip("|"))] for line in lines]
    rules = [k for k, row in enumerate(rows) if all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    if rules and rules[0] == 1:
        return Sheet(rows[0], [row for row in rows[2:] if any(row)])
    return _with_head([row for k, row in enumerate(rows) if k not in rules and any(row)])


_CELLS = re.compile(r"(?<!\\)\|")


def _mapping(table: Mapping[Any, Any]) -> Sheet:
    values = list(table.values())
    if values and all(isinstance(value, Mapping) for value in values):
        inner = list(dict.fromkeys(key for value in values for key in value))
        return Sheet(["name", *map(str, inner)], [[k, *(v.get(c) for c in inner)] for k, v in table.items()])
    if any(re.search(rf"^({_NAME}|{_VALUE})$", str(key).lower()) for key in table) and all(map(_is_list, values)):
        return Sheet(list(map(str, table)), [list(row) for row in zip(*values, strict=False)])
    return Sheet(None, [[name, *(value if _is_list(value) else [value])] for name, value in table.items()])


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0)


def _frame(table: Any) -> Sheet:
    head = [str(name) for name in table.columns]
    rows = [list(row) for row in table.itertuples(index=True)]
    if any(isinstance(row[0], str) for row in rows):
        return Sheet(["name", *head], rows)
    return Sheet(head, [row[1:] for row in rows])


def _rows(table: list[Any]) -> Sheet:
    if table and all(isinstance(row, Mapping) for row in table):
        head = list(dict.fromkeys(key for row in table for key in row))
        return Sheet(list(map(str, head)), [[row.get(key) for key in head] for row in table])
    if not all(map(_is_list, table)):
        raise DiffmagicError("the table is a list, and not one of rows", rewrite='[("v1", 0.785398), …]')
    return _with_head([list(row) for row in table])


def _with_head(rows: list[list[Any]]) -> Sheet:
    """Rows of which the first is a head where it holds no number and others do."""
    if len(rows) > 1 and not any(_number(cell) for cell in rows[0]) and any(_number(cell) for cell in rows[1][1:]):
        return Sheet([str(cell) for cell in rows[0]], rows[1:])
    return Sheet(None, rows)


def claims_of(sheet: Sheet, inputs: Sequence[str], result: str) -> tuple[list[Claim], list[str]]:
    """The rows of a table as claims, and notes on what is not checked.

    Parameters
    ----------
    sheet : Sheet
    inputs : sequence of str
        The inputs that tangents may belong to.
    result : str
        What the result is called.

    Raises
    ------
    DiffmagicError
        For columns that are not known, and what is no number where a number should be.
    """
    width = max(map(len, sheet.rows))
    cells = [[*row, *[None] * (width - len(row))] for row in sheet.rows]
    head = sheet.head or _guessed_head(cells)
    meanings: list[Any] = [_meaning(text, inputs, result) for text in head]
    columns = [[row[k] if k < width else None for row in cells] for k in range(len(head))]
    notes = []
    for k, meaning in enumerate(meanings):
        if isinstance(meaning, Column) and meaning.kind != "value" and not _mostly_numbers(columns[k]):
            meanings[k] = None
            notes.append(f"the column “{head[k]}” holds formulas, which are not checked")
    names = [k for k, meaning in enumerate(meanings) if meaning == "name"]
    label = next((k for k in names if not all(map(_number, columns[k]))), None)
    operation = next((k for k, meaning in enumerate(meanings) if meaning == "operation"), None)
    if label is None and operation is None:
        raise DiffmagicError("the table has no column of names", rewrite=_COLUMNS.format(*inputs[:1]))
    claims = []
    for row in cells:
        name = _text(row[label]) if label is not None else ""
        done = _text(row[operation]) if operation is not None else ""
        name, *equal = [part.strip() for part in re.split(r"(?<![<>=!])=(?!=)", name)]
        if not is_name(name):
            name, done = "", done or name
        claim = Claim(name, done or next((part for part in equal if not _number(part)), ""))
        for meaning, cell in zip(meanings, row, strict=False):
            if isinstance(meaning, Column) and _text(cell).lower() not in _EMPTY:
                claim.numbers[meaning] = _demanded(cell, claim.label)
        claims.append(claim)
    return claims, notes


def claims_in_comment(text: str, name: str, inputs: Sequence[str], result: str) -> dict[Column, Number]:
    """The numbers that a comment claims of a name; none if it is prose.

    Examples
    --------
    >>> found = claims_in_comment("v = 0.785, dv = 4", "v", ["x"], "y")
    >>> [(column, claimed.text) for column, claimed in found.items()]
    [(Column(kind='value', wrt=''), '0.785'), (Column(kind='tangent', wrt='x'), '4')]
    >>> claims_in_comment("the 2nd step", "v", ["x"], "y")
    {}
    """
    bare = re.sub(r"^(->|=>|[=≈→])\s*", "", text.strip())
    pairs = [_item(item.strip()) for item in re.split(r"[;,](?=\s|$)|;", bare) if item.strip()]
    if name == result and len(pairs) == 1 and is_name(pairs[0][0]) and pairs[0][0] not in inputs:
        pairs = [("", pairs[0][1])]  # a result may be called as one likes
    if not pairs or not re.search(r"[\dπ]", text) or re.fullmatch(r"\(\d+\)", text.strip()):
        return {}
    if not all(value and (not label or is_label(label, name, inputs, result)) for label, value in pairs):
        return {}
    claims: dict[Column, Number] = {}
    unsaid = sum(not label for label, _ in pairs)
    moving = iter([Column("tangent", each) for each in (inputs if unsaid == 1 + len(inputs) else [""])])
    for place, (label, value) in enumerate(pairs):
        assert value is not None
        if label:
            column = VALUE if known_name(label) == known_name(name) else _meaning(label, inputs, result)
        else:
            column = VALUE if place == 0 else next(moving, None)
        if column is None or column in claims:
            raise DiffmagicError(
                f"it is not clear what the numbers of {name} are: {text.strip()}",
                rewrite=f"# {name} = 0.785, ∂/∂{inputs[0] if inputs else 'x'} = 4, cotangent = 1",
            )
        claims[column] = value
    return claims


def looks_claimed(text: str) -> bool:
    """Whether a comment that is prose may have been meant as a claim."""
    return re.search(r"^\W*\d*\.\d+|[=≈]\s*[-−]?\.?\d", text) is not None


def is_label(label: str, name: str, inputs: Sequence[str], result: str) -> bool:
    """Whether a word stands for a column of numbers."""
    if known_name(label) == known_name(name):
        return True
    try:
        return isinstance(_meaning(label, inputs, result), Column)
    except DiffmagicError:
        return False


def _item(item: str) -> tuple[str, Number | None]:
    label, equals, rest = item.replace(":", "=", 1).rpartition("=")
    label = label.strip()
    return (label, number(rest)) if equals and label and not _number(label) else ("", number(item))


def _guessed_head(cells: list[list[Any]]) -> list[str]:
    """Heads for a table without: a name, perhaps the operation, the value, derivatives."""
    columns = [[row[k] for row in cells] for k in range(1, len(cells[0]))]
    numbers = iter(["value"])
    kinds = [next(numbers, "derivative") if _mostly_numbers(column) else "operation" for column in columns]
    return ["name", *kinds]


def _mostly_numbers(column: Iterable[Any]) -> bool:
    filled = [cell for cell in column if _text(cell).lower() not in _EMPTY]
    return 2 * sum(map(_number, filled)) >= len(filled) > 0


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _number(cell: Any) -> bool:
    return bool(_text(cell)) and number(_text(cell)) is not None


def _demanded(cell: Any, row: str) -> Number:
    text = _text(float(cell) if hasattr(cell, "dtype") and getattr(cell, "ndim", 1) == 0 else cell)
    found = number(text)
    if found is None:
        raise DiffmagicError(f"{row}: {text} is not a number", rewrite=f"{row}: 0.785398, or π/4")
    return found


def _meaning(head: str, inputs: Sequence[str], result: str) -> Any:
    """What a column holds: a `Column`, "name", "operation", or None for what is not checked."""
    head = head.replace(r"\partial", "∂")
    marks = unicodedata.normalize("NFD", head)
    text = plain(head).lower().replace("**", "")
    wrt = next((name for name in sorted(inputs, key=len, reverse=True) if _mentions(head, name)), "")
    ratio = re.search(r"[d∂][^/∂]*/[d∂](.*)$", re.sub(r"[()\s]", "", plain(head)))
    if re.search(_SKIPPED, text):
        return None
    if ratio and known_name(ratio[1]) not in map(known_name, inputs):
        return COTANGENT
    if re.search(_BACKWARD, text.replace("cotangent", "adjoint")) or re.search("[\u0304\u0305]", marks):
        return COTANGENT
    if ratio or "\u0307" in marks or re.search(_FORWARD, text):
        return Column("tangent", wrt or (inputs[0] if len(inputs) == 1 else ""))
    for pattern, meaning in ((_OPERATION, "operation"), (_VALUE, VALUE), (_NAME, "name")):
        if re.search(pattern, text):
            return meaning
    raise DiffmagicError(
        f"the table's column “{head}” is not known", rewrite=f"columns {_COLUMNS.format(*inputs[:1] or ['x'])}"
    )


def _mentions(head: str, name: str) -> bool:
    """Whether a head names an input: D_x, ∂/∂x1, ẋ₁, tangent x."""
    bare = unicodedata.normalize("NFD", plain(head)).replace("\u0307", "")
    spelt = "_?".join(re.findall(r"\D+|\d+", known_name(name)))
    return re.search(rf"(?:(?<!\w)|(?<=[dD∂∇_]))(?:[dD]_?)?{spelt}(?!\w)", bare) is not None
