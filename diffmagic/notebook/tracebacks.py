"""Errors and warnings of a magic as they concern the user: one message of ours, or the user's own lines."""

from __future__ import annotations

import linecache
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

import diffmagic
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.source import Location, origin

_OWN = str(Path(diffmagic.__file__).parent)
_LIBRARIES = ("site-packages", "dist-packages", Path(sysconfig.get_path("stdlib")).name)


@contextmanager
def users_view(shell: InteractiveShell) -> Iterator[None]:
    """Errors that leave show what concerns the user, and still fail the cell; warnings name the user's line."""
    try:
        with _users_warnings():
            yield
    except DiffmagicError as error:
        _render(error, str(error).splitlines())
        raise
    except SyntaxError as error:
        lines = shell.SyntaxTB.structured_traceback(type(error), error, None)
        raised = DiffmagicError(f"{type(error).__name__}: {error.msg} (line {error.lineno})")
        _render(raised, lines)
        raise raised from None
    except (Exception, KeyboardInterrupt) as error:
        for each in _chain(error):
            whole = None if isinstance(each, KeyboardInterrupt) else each.__traceback__
            each.__traceback__ = _users_frames(each.__traceback__) or whole
        lines = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__, tb_offset=0)
        _render(error, lines)
        raise


@contextmanager
def _users_warnings() -> Iterator[None]:
    """NumPy warns where it is called, which is in our code; what the user wants to know is where in theirs."""
    usual = warnings.showwarning

    def show(
        message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: str | None = None
    ) -> None:
        if filename.startswith(_OWN):
            location = Location(*origin(sys._getframe(1)))
            filename, lineno = location.code.co_filename, location.line
        usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def _render(error: BaseException, lines: list[str]) -> None:
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]


def _chain(error: BaseException) -> list[BaseException]:
    """An error and those that it came from, each once."""
    chain: list[BaseException] = []
    beneath: BaseException | None = error
    while beneath is not None and beneath not in chain:
        chain.append(beneath)
        beneath = beneath.__cause__ or beneath.__context__
    return chain


def _users_frames(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without our frames; None if there are no others."""
    frames: list[TracebackType] = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept: TracebackType | None = None
    for frame in reversed(frames):
        if not frame.tb_frame.f_code.co_filename.startswith(_OWN):
            kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return kept


def in_words(error: BaseException) -> str:
    """An error as a panel shows it: our message, or the user's line and what Python says of it."""
    if isinstance(error, DiffmagicError):
        return str(error)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    for frame, line in reversed(list(traceback.walk_tb(_users_frames(error.__traceback__)))):
        file = frame.f_code.co_filename
        text = linecache.getline(file, line).strip()
        if text and not set(Path(file).parts).intersection(_LIBRARIES):
            return f"line {line}: {text}\n{said}"
    return said
