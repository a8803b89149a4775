"""A `TraceTable` as blocks: the table, and the chain rule along every path. And as Markdown and LaTeX, for notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from diffmagic.chain_rule import chain_rules
from diffmagic.core.latex import LATEX, symbol, words
from diffmagic.core.loops import lines
from diffmagic.core.notation import PYTHON, Notation, expressions
from diffmagic.core.partial_formulas import partial_formulas, step_of
from diffmagic.core.program import Program, Variable
from diffmagic.core.written import Written
from diffmagic.notebook.render.blocks import Block, Cell, Fold, Row, Steps, Trace
from diffmagic.notebook.render.parts import brief, ends
from diffmagic.results import ChainRule, TraceRow, TraceTable
from diffmagic.trace_table import SEED

_LEAST, _MOST, _ENDS, _OPENED = 10, 60, 25, 200
_LONGEST = 48
_SPELT = 2
_USES = 4


def trace_blocks(table: TraceTable, digits: int = 8) -> list[Block]:
    """What to show of a trace table."""
    rules = chain_rules(table)
    few = [chain_steps(rule, digits) for rule in rules if rule.paths]
    sum_of = (
        "a cotangent is the sum, over the uses of the value, of the cotangent there"
        if table.cotangent
        else "a tangent is the sum, over the operands, of the tangent there"
    )
    many = [
        f"∂{rule.of}/∂{rule.wrt} is a sum over {rule.count} paths. None is walked on its own: {sum_of} times the local "
        "partial."
        for rule in rules
        if not rule.paths
    ]
    return [trace_grid(table, digits), *table.notes, *few, *many]


def trace_grid(table: TraceTable, digits: int = 8) -> Trace:
    """The rows and columns of a trace table; loops, and the middle of what is still long, are folded."""
    places = [_place(row, table) for row in table.rows]
    lined = len({place for place in places if place}) > 1
    head = ["step", *["line"] * lined, "operation", "with numbers", "value", "local partials"]
    second = len(head)
    head += ["tangent" if name == SEED else f"tangent\n∂/∂{name}" for name in table.tangents]
    if table.cotangent:
        head.append("cotangent" if table.cotangent == SEED else f"cotangent\n∂{table.cotangent}/∂·")

    def row(at: int) -> Row:
        step, *cells = _cells(table.rows[at], table, digits)
        if table.reached is not None and at < len(table.rows) - table.reached:
            cells[-1] = Cell("")
        return Row(table.rows[at].name, [step, *[Cell(places[at])] * lined, *cells])

    def shown(items: Iterable[int | _Range]) -> list[Row | Fold]:
        return [row(item) if isinstance(item, int) else fold(item) for item in items]

    def fold(item: _Range) -> Fold:
        inside = item.inside
        if len(inside) > 2 * _OPENED:
            rest = inside[_OPENED:-_OPENED]
            inside = [*inside[:_OPENED], _Range(f"{_count(rest)} more steps", []), *inside[-_OPENED:]]
        return Fold(item.caption, lambda: shown(inside))

    figures = {head.index("value"), *range(second, len(head))}
    return Trace("Trace table", head, shown(_items(table)), figures, second)


class _Range(NamedTuple):
    """Rows that are folded, by their positions."""

    caption: str
    inside: list[Any]  # of int or _Range


def _items(table: TraceTable) -> list[int | _Range]:
    items: list[int | _Range] = []
    at = 0
    for loop in table.loops:
        first, last = loop.start + loop.length, loop.stop - loop.length
        if last - first >= _LEAST:
            one_pass = [equation for row in table.rows[loop.start : first] for equation in row.equations]
            once = len({equation.origin for equation in one_pass}) == len(one_pass)
            times = "passes" if once else f"times the same {loop.length} steps"
            where = lines(one_pass)
            caption = f"{loop.passes - 2} more {times}{' of ' * bool(where)}{where}"
            items += [*range(at, first), _Range(caption, list(range(first, last)))]
            at = last
    items += range(at, len(table.rows))
    if len(items) > _MOST:
        middle = items[_ENDS:-_ENDS]
        items[_ENDS:-_ENDS] = [_Range(f"{_count(middle)} more steps", middle)]
    return items


def _count(items: list[int | _Range]) -> int:
    return sum(1 if isinstance(item, int) else _count(item.inside) for item in items)


def _place(row: TraceRow, table: TraceTable) -> str:
    """The line; with the function's name where that stands in another file than the result."""
    if not row.line:
        return ""
    code, last = row.equations[-1].location.code, table.rows[-1].equations
    here = not last or code.co_filename == last[-1].location.code.co_filename
    return str(row.line) if here else f"{code.co_name} {row.line}"


def _cells(row: TraceRow, table: TraceTable, digits: int) -> list[Cell]:
    moved = [Cell("0" if tangent is None else brief(tangent, digits)) for tangent in row.tangents]
    moved += [Cell(_spelt(row, digits))] if table.cotangent else []
    value = Cell(brief(row.value, digits))
    left = symbol(row.name)
    if not row.equations:
        return [Cell(""), Cell(row.name, [left]), Cell(""), value, Cell(""), *moved]
    step = step_of(row.equations)

    def right(notation: Notation, numbers: bool) -> str:
        def operand(variable: Variable) -> Written:
            put_in = notation.value(ends(variable.value, digits))
            return put_in if numbers else notation.name(table.names[variable])

        found = expressions(step, {v: operand(v) for v in step.inputs}, partial(ends, digits=digits), notation)
        return " ".join(found[0].split())

    return [
        Cell(str(row.step)),
        Cell(f"{row.name} = {row.operation}", [f"{left} = {right(LATEX, numbers=False)}"]),
        Cell(right(PYTHON, numbers=True), [right(LATEX, numbers=True)]),
        value,
        _partials(row, step, table, digits),
        *moved,
    ]


def _partials(row: TraceRow, step: Program, table: TraceTable, digits: int) -> Cell:
    """Each local partial derivative with its formula and its number."""
    names = [row.name, *(table.names[v] for v in step.inputs)]
    formulas = partial_formulas(step)
    plain = typeset = [""] * len(row.partials)
    if formulas is not None:
        plain, typeset = (_formulas(formulas, names, digits, notation) for notation in (PYTHON, LATEX))
    found: dict[str, str] = {}
    for (name, number), text, formula in zip(row.partials, plain, typeset, strict=True):
        if isinstance(number, str):
            found[number] = words(number)
            continue
        value = ends(number, digits)
        known = 0 < len(text) <= _LONGEST
        left = [f"∂/∂{name}", rf"\frac{{\partial {symbol(row.name)}}}{{\partial {symbol(name)}}}"]
        found[" = ".join([left[0], *[text] * known, value])] = " = ".join(
            [left[1], *[formula] * known, LATEX.value(value).text]
        )
    return Cell("\n".join(found), list(found.values()))


def _formulas(program: Program, names: list[str], digits: int, notation: Notation) -> list[str]:
    """The formula of each local partial derivative; empty where it is a number."""
    operands = {v: notation.name(name) for v, name in zip(program.inputs, names, strict=True)}
    texts = expressions(program, operands, lambda value: ends(value, digits).removesuffix(".0"), notation)
    texts = [text.replace(" + -", " - ") for text in texts]
    return [text * isinstance(out, Variable) for text, out in zip(texts, program.outputs, strict=True)]


def _spelt(row: TraceRow, digits: int) -> str:
    """A cotangent, and the sum that it is."""
    total = "0" if row.cotangent is None else brief(row.cotangent, digits)
    parts = [brief(part, digits) for part in row.contributions]
    if not parts or any(np.size(part) > _SPELT for part in row.contributions):
        return total
    if len(parts) > _USES:
        return f"{total}\n= {parts[0]} + … ({len(parts)} uses)"
    first, *rest = parts
    return f"{total}\n= {first}" + "".join(f" - {part[1:]}" if part.startswith("-") else f" + {part}" for part in rest)


def chain_steps(rule: ChainRule, digits: int) -> Steps:
    """The chain rule with symbols, then with numbers."""

    def ratio(of: str, wrt: str, _: Any = None) -> tuple[str, str]:
        return rf"\frac{{\partial {symbol(of)}}}{{\partial {symbol(wrt)}}}", f"∂{of}/∂{wrt}"

    def value(_: str, __: str, number: Any) -> tuple[str, str]:
        text = brief(number, digits)
        text = f"({text})" if text.startswith("-") else text
        return LATEX.value(text).text, text

    def products(factor: Callable[[str, str, Any], tuple[str, str]]) -> tuple[str, str]:
        paths = [[factor(*one) for one in path] for path in rule.paths]
        typeset = " + ".join(r" \cdot ".join(part[0] for part in path) for path in paths)
        return typeset, " + ".join(" · ".join(part[1] for part in path) for path in paths)

    total = brief(rule.value, digits)
    whole, number = ratio(rule.of, rule.wrt), (LATEX.value(total).text, total)
    lines = [(whole, products(ratio)), (products(value), number)]
    if len(rule.paths) == len(rule.paths[0]) == 1:  # nothing is multiplied
        lines = [(whole, number)]
    return Steps(f"Chain rule for {rule.wrt}", [(f"{a[0]} = {b[0]}", f"{a[1]} = {b[1]}", "") for a, b in lines])


def to_markdown(table: TraceTable, digits: int = 8) -> str:
    """A trace table in Markdown, with its formulas in LaTeX."""
    trace = trace_grid(table, digits)
    head = [text.replace("\n", " ").replace("|", r"\|") for text in trace.head]
    body = [["<br>".join(f"${line}$" for line in c.latex) or _line(c) for c in row] for row in _flat(trace)]
    rule = ["---:", *[":---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])


def to_latex(table: TraceTable, digits: int = 8) -> str:
    """A trace table as a LaTeX array, which stands in a formula."""
    trace = trace_grid(table, digits)
    head = [words(text) for text in trace.head[: trace.second]]
    head += [
        words("tangent") if name == SEED else rf"\text{{tangent}} \; \partial / \partial {symbol(name)}"
        for name in table.tangents
    ]
    if table.cotangent:
        of = "" if table.cotangent == SEED else rf" \; \partial {symbol(table.cotangent)} / \partial \cdot"
        head.append(r"\text{cotangent}" + of)
    body = [[r", \; ".join(c.latex) or LATEX.value(_line(c)).text for c in row] for row in _flat(trace)]
    first, *rows = (rf"{' & '.join(row)} \\" for row in [head, *body])
    columns = "r" + "l" * (len(head) - 1)
    return "\n".join([rf"\begin{{array}}{{{columns}}}", rf"{first} \hline", *rows, r"\end{array}"])


def _flat(trace: Trace) -> list[Sequence[Cell]]:
    """The rows, with what is folded away in one."""
    empty = [Cell("")] * (len(trace.head) - 2)
    return [[Cell("…"), Cell(row.caption), *empty] if isinstance(row, Fold) else row.cells for row in trace.rows]


def _line(cell: Cell) -> str:
    return cell.text.replace("\n", " ")
