"""A cell for one value after another of a name that it or its inputs read: the number of inputs, a loop count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.utils.capture import capture_output

from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.cells import CellFunction, Subject
from diffmagic.notebook.inputs import evaluate
from diffmagic.notebook.line import NAME, known_as, nearest
from diffmagic.notebook.namespace import Snapshot, reachable_names
from diffmagic.notebook.request import Request

_MOST = 100


@contextmanager
def cell_for(request: Request, name: str, value: int) -> Iterator[tuple[CellFunction, tuple[dict[str, Any]]]]:
    """The cell as a function, and the arguments to call it with, where a name has a value; nothing of it stays."""
    before = Snapshot(request.names, [])
    request.names[name] = value
    try:
        subject = request.subject()
        _check_read(name, subject, request)
        inputs = request.inputs(subject)
        function = request.function(subject, inputs)
        with capture_output():
            yield function, (inputs.varied,)
        function.undo()
    finally:
        before.restore()


def _check_read(name: str, subject: Subject, request: Request) -> None:
    expressions = [compile(text, "", "eval") for text in request.line.inputs.values()]
    reads = reachable_names([*subject.codes, *expressions], request.names)
    if name not in reads:
        raise DiffmagicError(f"neither the cell nor its inputs read {name}", rewrite=nearest(name, reads) or reads[0])


def values_of(text: str, flag: str, request: Request) -> tuple[str, list[int]]:
    """A name and its values: ``n=1,2,5``, or ``n=1:6`` for 1 to 6.

    Raises
    ------
    DiffmagicError
        If they are not positive whole numbers.
    """
    example = f"{flag} n=1,2,5,10, or {flag} n=1:6"
    found = re.fullmatch(rf"\s*({NAME})\s*=\s*(.+)", text)
    if not found:
        raise DiffmagicError(f"{flag} takes a name and its values, not {text}", rewrite=example)
    name, words = known_as(found[1]), found[2]
    if span := re.fullmatch(r"([^:,]+):([^:,]+)", words):
        first, last = (evaluate(each, request.names, name) for each in span.groups())
        whole = isinstance(first, int) and isinstance(last, int)
        values = list(range(first, last + 1)) if whole else []
    else:
        values = [evaluate(each, request.names, name) for each in words.split(",") if each.strip()]
    if not values or not all(isinstance(value, int) and value > 0 for value in values):
        raise DiffmagicError(f"{flag} {text}: the values are not positive whole numbers", rewrite=example)
    if len(values) > _MOST:
        raise DiffmagicError(f"{flag} {text}: that are {len(values):,} values", rewrite=f"{flag} {name}=1,10,100")
    return name, sorted(set(values))
