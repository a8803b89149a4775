"""``%tracecheck`` and ``%%tracecheck``: whether the user's own trace table is right."""

from __future__ import annotations

import ast
import io
import linecache
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from diffmagic.automatic import record_named
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program
from diffmagic.core.tracing import Tracer, concrete
from diffmagic.notebook.cells import Subject, cell_subject
from diffmagic.notebook.inputs import evaluate
from diffmagic.notebook.line import Options
from diffmagic.notebook.request import Request, add_common_options, add_input_options, merged, result_names
from diffmagic.results import TraceCheck
from diffmagic.trace_check import (
    Claim,
    check_table,
    claims_in_comment,
    claims_of,
    is_table,
    items_in,
    looks_claimed,
    sheet_in,
    sheet_of,
)

_ABOUT = """\
Check a trace table that you worked out yourself, row by row.

    %%tracecheck x=np.pi/16    what you claim stands in comments, with the
    v1 = 4 * x  # 0.785, 4     derivative too if you like, or by name:
    v2 = np.sin(v1)            # v2 = 0.707, dv2 = 2.83, bar = 0.5

    %%tracecheck x=np.pi/16    or in a table below the function: a dict of
    def f(x): ...              names and values, a string or a block of
    {"v1": 0.785}              comments with a Markdown table

    %tracecheck f x=np.pi/16 --table mine
                               or in a variable of the notebook

Columns: name, operation, value, ∂/∂x (also D_x, derivative, tangent),
cotangent (also adjoint, bar). A row is found by its operation, its name or
its numbers, in any order and any convention. A number is right if the true
one rounds or truncates to it; whole numbers and formulas are meant exactly.
What is right given an earlier mistake follows from it and is none itself."""

_WATCHER = "_diffmagic_claims_"


def _options() -> Options:
    parser = Options("tracecheck", _ABOUT)
    add_input_options(parser, order=False)
    parser.add_argument("--table", metavar="NAME", help="the table: a dict, a string, a list of rows or a data frame")
    add_common_options(parser)
    return parser


TRACECHECK = _options()


@dataclass(slots=True)
class _Comment:
    """A comment behind a statement.

    Attributes
    ----------
    line : int
        Counted from 1 below the magic's line.
    text : str
    name : str or None
        What its numbers are of; empty for the result, None behind a statement of another kind.
    operation : str
    end : tuple of int, or None
        Where the assignment ends, line and column in bytes; None for the result.
    targets : str
        All that is assigned there.
    """

    line: int
    text: str
    name: str | None = None
    operation: str = ""
    end: tuple[int, int] | None = None
    targets: str = ""


@dataclass(slots=True)
class _Homework:
    """A cell taken apart.

    Attributes
    ----------
    source : str
        The function.
    sheets : list
        The tables beside it.
    comments : list of _Comment
    """

    source: str
    sheets: list[Any] = field(default_factory=list)
    comments: list[_Comment] = field(default_factory=list)


def run_tracecheck(request: Request) -> TraceCheck:
    """Check the table that ``%tracecheck`` names or finds."""
    homework = _Homework("") if request.cell is None else _taken_apart(request.cell)
    if request.cell is None or request.line.subject:
        subject = request.subject()
    else:
        subject = cell_subject(request.shell, homework.source)
    inputs = request.inputs(subject)
    if request.options.table is not None:
        homework.sheets.append(sheet_of(evaluate(request.options.table, request.names, "the table")))
    result = result_names(subject, inputs)[0]
    seen: dict[int, Any] = {}
    with _told_to(seen, request), request.function(subject, inputs) as function:
        function(inputs.varied)
        with _watched(request, homework, subject) as watched:
            program = record_named(function.beside(watched), (inputs.varied,), 0, inputs.paths).program
        claims, notes = _claims(homework, program, result, seen)
        found = check_table(program, claims, digits=request.digits)
    return replace(found, notes=merged(inputs.notes, notes, found.notes, function.notes()))


def _claims(homework: _Homework, program: Program, result: str, seen: dict[int, Any]) -> tuple[list[Claim], list[str]]:
    names = program.names()
    moving = [names[variable] for variable in program.inputs if not variable.shape]
    claims: list[Claim] = []
    notes: list[str] = []
    for k, comment in enumerate(homework.comments):
        numbers = {}
        if comment.name is not None:
            numbers = claims_in_comment(comment.text, comment.name or result, moving, result)
        if not numbers:
            if looks_claimed(comment.text):
                notes.append(f"line {comment.line + 1}: the comment “{comment.text}” is not read as a claim")
            continue
        if comment.end is not None and k not in seen:
            notes.append(f"line {comment.line + 1} was not run, so {comment.name} is not checked")
            continue
        value = program.outputs[0] if comment.end is None else _variable(seen[k], program)
        claims.append(Claim(comment.name or result, comment.operation, numbers, value))
    if len(homework.sheets) + bool(claims) > 1:
        raise DiffmagicError("numbers are claimed in more than one place", rewrite="one table, or comments")
    for sheet in homework.sheets:
        claims, said = claims_of(sheet, moving, result)
        notes += said
    return claims, notes


def _variable(value: Any, program: Program) -> Any:
    """A traced value's variable; what is not in the program is worth its number."""
    if type(value) is Tracer:
        variable = value._variable
        known = {*program.inputs, *(result for equation in program.equations for result in equation.results)}
        return variable if variable in known else concrete(value)
    return value


def _taken_apart(cell: str) -> _Homework:
    """A cell as its function and what is claimed beside it."""
    try:
        tree = ast.parse(cell)
    except SyntaxError:
        return _Homework(cell)  # which says so when it is compiled
    homework = _Homework(cell)
    lines = cell.splitlines(keepends=True)
    if tree.body and _is_claimed_table(tree.body[-1]):
        table = tree.body.pop()
        assert isinstance(table, ast.Expr)
        homework.sheets.append(sheet_in(table.value, cell))
        lines = _upto(lines, table)
    texts = [
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    homework.sheets += [sheet_of(text) for text in texts if is_table(text)]
    comments = {
        token.start[0]: token
        for token in tokenize.generate_tokens(io.StringIO(cell).readline)
        if token.type == tokenize.COMMENT
    }
    block = "\n".join(token.string.lstrip("# ") for token in comments.values() if not token.line.split("#")[0].strip())
    if is_table(block):
        homework.sheets.append(sheet_of(block))
    homework.comments = sorted(_behind(tree, comments, cell), key=lambda comment: comment.line)
    homework.source = "".join(lines)
    return homework


def _is_claimed_table(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Dict()):
            return True
        case ast.Expr(value=ast.Constant(value=str(text))):
            return is_table(text)
        case ast.Expr(value=ast.List(elts=rows)):
            return bool(rows) and all(isinstance(row, ast.List | ast.Tuple | ast.Dict) for row in rows)
    return False


def _upto(lines: list[str], statement: ast.stmt) -> list[str]:
    """The lines before a statement."""
    last = lines[statement.lineno - 1].encode()[: statement.col_offset].decode()
    return [*lines[: statement.lineno - 1], last.rstrip().removesuffix(";")]


def _behind(tree: ast.Module, comments: dict[int, Any], cell: str) -> Iterator[_Comment]:
    """The comments that stand behind statements."""
    last = tree.body[-1] if tree.body else None
    final = last.body[-1] if isinstance(last, ast.FunctionDef) else last
    ends: dict[int, ast.stmt] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and (node.end_lineno or 0) in comments:
            before = ends.setdefault(node.end_lineno or 0, node)
            if (node.end_col_offset or 0) >= (before.end_col_offset or 0):  # what is inside another comes after it
                ends[node.end_lineno or 0] = node

    def source(node: ast.AST) -> str:
        return " ".join((ast.get_source_segment(cell, node) or "").split())

    for line, node in ends.items():
        text = comments[line].string.lstrip("#").strip()
        end = (line, node.end_col_offset or 0)
        match node:
            case ast.AugAssign(target=ast.Name(id=name)):
                yield _Comment(line, text, name, source(node), end, name)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield _Comment(line, text, name, source(value), end, name)
            case ast.Assign(targets=[ast.Tuple(elts=names) | ast.List(elts=names) as target], value=value) if len(
                items := items_in(text)
            ) == len(names) and all(isinstance(each, ast.Name) for each in names):
                values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
                written = [source(each) for each in values] if len(values) == len(names) else [""] * len(names)
                for item, each, operation in zip(items, names, written, strict=True):
                    yield _Comment(line, item, source(each), operation, end, source(target))
            case ast.Return(value=ast.expr() as value) | ast.Expr(value=value) if node is final and not isinstance(
                value, ast.Tuple
            ):
                yield _Comment(line, text, "", source(value))
            case _:
                yield _Comment(line, text)


@contextmanager
def _told_to(seen: dict[int, Any], request: Request) -> Iterator[None]:
    """While this lasts, a watched cell keeps what it tells in `seen`."""
    request.names[_WATCHER] = seen.__setitem__
    try:
        yield
    finally:
        request.names.pop(_WATCHER, None)


@contextmanager
def _watched(request: Request, homework: _Homework, subject: Subject) -> Iterator[Subject]:
    """The same subject, which also tells the values behind which comments stand; its lines are the user's."""
    lines = homework.source.splitlines(keepends=True)
    for k, comment in enumerate(homework.comments):
        if comment.end is not None:
            number, column = comment.end
            line = lines[number - 1].encode()
            again = f"{comment.targets} = {comment.targets}"  # it ends in the assignment still
            told = f"; {_WATCHER}({k}, {comment.name}); {again}"
            lines[number - 1] = (line[:column] + told.encode() + line[column:]).decode()
    source = "".join(lines)
    if source == homework.source:
        yield subject
        return
    watched = cell_subject(request.shell, source)
    try:
        yield watched
    finally:  # what is said later of its lines shows the user's
        filename = watched.codes[0].co_filename
        linecache.cache[filename] = (0, None, ["\n", *homework.source.splitlines(keepends=True)], filename)
