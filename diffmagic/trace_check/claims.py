"""What a student's table claims: rows with a name, an operation and numbers, in cells or in comments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from diffmagic.core.errors import DiffmagicError
from diffmagic.trace_check.notation import Number, is_name, known_name, number, plain
from diffmagic.trace_check.sheets import Sheet, is_number, text_in

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
    width = max(map(len, [*sheet.rows, sheet.head or []]))
    cells = [[*row, *[None] * (width - len(row))] for row in sheet.rows]
    head = sheet.head or _guessed_head(cells)
    meanings: list[Any] = [_meaning(text, inputs, result) for text in head]
    columns = list(zip(*cells, strict=True))
    notes = []
    for k, meaning in enumerate(meanings):
        if isinstance(meaning, Column) and meaning.kind != "value" and not _mostly_numbers(columns[k]):
            meanings[k] = None
            notes.append(f"the column “{head[k]}” holds formulas, which are not checked")
    names = [k for k, meaning in enumerate(meanings) if meaning == "name"]
    label = next((k for k in names if not all(map(is_number, columns[k]))), None)
    operation = next((k for k, meaning in enumerate(meanings) if meaning == "operation"), None)
    if label is None and operation is None:
        raise DiffmagicError("the table has no column of names", rewrite=_COLUMNS.format(*inputs[:1]))
    claims = []
    for row in cells:
        name = text_in(row[label]) if label is not None else ""
        done = text_in(row[operation]) if operation is not None else ""
        name, *equal = [part.strip() for part in re.split(r"(?<![<>=!])=(?!=)", name)]
        if not is_name(name):
            name, done = "", done or name
        claim = Claim(name, done or next((part for part in equal if not is_number(part)), ""))
        for meaning, cell in zip(meanings, row, strict=False):
            if isinstance(meaning, Column) and text_in(cell).lower() not in _EMPTY:
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
    pairs = [_item(item) for item in items_in(bare)]
    if name == result and len(pairs) == 1 and is_name(pairs[0][0]) and pairs[0][0] not in inputs:
        pairs = [("", pairs[0][1])]  # a result may be called as one likes
    if not pairs or not re.search(r"[\dπ]", text) or re.fullmatch(r"\(\d+\)", text.strip()):
        return {}
    claims: dict[Column, Number] = {}
    unsaid = sum(not label for label, _ in pairs)
    moving = iter([Column("tangent", each) for each in (inputs if unsaid == 1 + len(inputs) else [""])])
    columns = [_said(label, name, inputs, result) for label, _ in pairs]
    known = zip(pairs, columns, strict=True)
    if not all(value and (column or not label) for (label, value), column in known):
        return {}
    for (label, value), said in zip(pairs, columns, strict=True):
        assert value is not None
        column = said if label else next(moving, None) if claims else VALUE
        if column is None or column in claims:
            raise DiffmagicError(
                f"it is not clear what the numbers of {name} are: {text.strip()}",
                rewrite=f"# {name} = 0.785, ∂/∂{inputs[0] if inputs else 'x'} = 4, cotangent = 1",
            )
        claims[column] = value
    return claims


def items_in(text: str) -> list[str]:
    """What stands between a comment's commas."""
    return [item.strip() for item in re.split(r"[;,](?=\s|$)|;", text) if item.strip()]


def looks_claimed(text: str) -> bool:
    """Whether a comment that is not read may have been meant as a claim."""
    return re.search(r"^\W*\d*\.\d+|[=≈]\s*[-−]?\.?\d|^[-−]?\d+\s*(,|$)", text) is not None


def _said(label: str, name: str, inputs: Sequence[str], result: str) -> Column | None:
    """The column that a word stands for; None for another word."""
    if known_name(label) == known_name(name):
        return VALUE
    try:
        meaning = _meaning(label, inputs, result)
    except DiffmagicError:
        return None
    return meaning if isinstance(meaning, Column) else None


def _item(item: str) -> tuple[str, Number | None]:
    label, equals, rest = item.replace(":", "=", 1).rpartition("=")
    label = label.strip()
    return (label, number(rest)) if equals and label and not is_number(label) else ("", number(item))


def _guessed_head(cells: list[list[Any]]) -> list[str]:
    """Heads for a table without: a name, perhaps the operation, the value, derivatives."""
    columns = [[row[k] for row in cells] for k in range(1, len(cells[0]))]
    numbers = iter(["value"])
    kinds = [next(numbers, "derivative") if _mostly_numbers(column) else "operation" for column in columns]
    return ["name", *kinds]


def _mostly_numbers(column: Iterable[Any]) -> bool:
    filled = [cell for cell in column if text_in(cell).lower() not in _EMPTY]
    return 2 * sum(map(is_number, filled)) >= len(filled) > 0


def _demanded(cell: Any, row: str) -> Number:
    text = text_in(float(cell) if hasattr(cell, "dtype") and getattr(cell, "ndim", 1) == 0 else cell)
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
