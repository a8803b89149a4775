"""Where an operation stands in the user's source: the line, the expression, the name it is assigned to."""

from __future__ import annotations

import ast
import dis
import functools
import linecache
import os
import sys
import sysconfig
from dataclasses import dataclass
from types import CodeType, FrameType

import numpy as np

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
_INSTALLED = tuple(
    {os.path.join(sysconfig.get_paths()[key], "") for key in ("stdlib", "platstdlib", "purelib", "platlib")}
)
is_library: dict[str, bool] = {}
"""Each file seen so far, and whether its frames are not the user's."""

Span = tuple[int, int, int, int]
Origin = tuple[CodeType, int]
NOWHERE: Origin = compile("", "", "exec"), -1
"""Where stands what no user has written."""


def origin(frame: FrameType | None) -> Origin:
    """The innermost of the user's own frames from `frame` outwards, as code and instruction offset."""
    first = frame
    while frame is not None:
        if not seen_library(frame.f_code.co_filename):
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return _outside_the_arrays(first)


def seen_library(filename: str) -> bool:
    """`belongs_to_a_library`, remembered."""
    library = is_library.get(filename)
    if library is None:
        library = is_library[filename] = belongs_to_a_library(filename)
    return library


def belongs_to_a_library(filename: str) -> bool:
    return filename.startswith((_OWN, _NUMPY, "<frozen ", "<__array_function__", *_INSTALLED))


def _outside_the_arrays(frame: FrameType | None) -> Origin:
    """For a program that is itself an installed package: the innermost frame that is not ours and not NumPy's."""
    assert frame is not None
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_OWN, _NUMPY, "<__array_function__")):
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def here() -> Location:
    """Where the user's code stands now."""
    return Location(*origin(sys._getframe(1)))


def asks_for_the_class(frame: FrameType) -> bool:
    """Whether it is the user's code that asks what a value is, and by Python's own means.

    C code would take an array for real that only says so.
    """
    code = frame.f_code
    if code.co_filename == functools.__file__:  # singledispatch
        return code.co_name == "wrapper"
    if code.co_name == "__instancecheck__" and frame.f_back is not None:  # of an abstract class
        return asks_for_the_class(frame.f_back)
    if code.co_filename.startswith(_NUMPY) and code.co_name == "isscalar":
        return True
    if belongs_to_a_library(code.co_filename):
        return False
    asking = dis.opname[code.co_code[frame.f_lasti]]
    if asking.startswith("CALL") or asking == "PRECALL":
        return "isinstance(" in Location(code, frame.f_lasti).expression
    return asking in ("LOAD_ATTR", "MATCH_CLASS")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the user's source.

    Attributes
    ----------
    code : types.CodeType
        The code object that was running.
    offset : int
        The instruction's offset in it, in bytes.
    """

    code: CodeType
    offset: int

    @property
    def span(self) -> Span | None:
        """First line, last line, first column, last column of the expression (columns in bytes of UTF-8)."""
        positions = _positions(self.code)
        index = self.offset // 2
        if not 0 <= index < len(positions):
            return None
        first, last, left, right = positions[index]
        if first is None or last is None or left is None or right is None:
            return None
        return first, last, left, right

    @property
    def line(self) -> int:
        """The line's number, counted from one; zero if it is not known."""
        positions = _positions(self.code)
        index = self.offset // 2
        return (positions[index][0] or 0) if 0 <= index < len(positions) else 0

    @property
    def text(self) -> str:
        """The user's line, without its end; empty if the source is gone."""
        return linecache.getline(self.code.co_filename, self.line).rstrip("\n") if self.line else ""

    @property
    def expression(self) -> str:
        """The operation as the user wrote it; empty if the source is gone or it spans several lines."""
        span = self.span
        if span is None or span[0] != span[1]:
            return ""
        line = linecache.getline(self.code.co_filename, span[0]).encode()
        return line[span[2] : span[3]].decode(errors="replace")

    @property
    def target(self) -> str:
        """The name that the user gave to exactly this operation's result, or of the array that it is stored in."""
        span = self.span
        if not span:
            return ""
        stored = dis.opname[self.code.co_code[self.offset]] == "STORE_SUBSCR"
        return _targets(self.code.co_filename, _fingerprint(self.code.co_filename)).get((stored, span), "")


@functools.lru_cache(maxsize=1024)
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


def _fingerprint(filename: str) -> int:
    return hash("".join(linecache.getlines(filename)))


@functools.lru_cache(maxsize=256)
def _targets(filename: str, fingerprint: int) -> dict[tuple[bool, Span], str]:
    """Each expression of a file that is assigned to one name, and each place in an array that is: the name."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return {}
    found: dict[tuple[bool, Span], str] = {}

    def pair(target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            found[False, _span(value)] = target.id
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            for one, other in zip(target.elts, value.elts, strict=False):
                pair(one, other)

    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found[True, _span(node)] = node.value.id
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                pair(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            pair(node.target, node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found[False, _span(node)] = node.target.id
    return found


def _span(node: ast.expr | ast.stmt) -> Span:
    return node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0
