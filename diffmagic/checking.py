"""A `Derivative` compared with central differences of the function it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.structures import flatten, like, vector
from diffmagic.core.transforms import jacobian
from diffmagic.labels import component, partial_label
from diffmagic.numerical.check import central_check
from diffmagic.results import Check, Derivative, Entry


def check_derivative(found: Derivative, f: Callable[[Any], Any], point: Any) -> Check:
    """Compare a derivative with central differences: one of order 1 by differences of values, a higher one by
    differences of the derivative below it.

    Parameters
    ----------
    found : Derivative
        Of ``f(point)``.
    f : callable
        Of one argument, which may be a container.
    point : number, ndarray or container of them

    Returns
    -------
    Check
    """
    if found.kind == "tangent":
        start, step = vector(point), vector(found.seed)
        return central_check(
            lambda t: vector(f(like(point, start + t * step))),
            np.zeros(1),
            vector(found.derivative)[:, None],
            lambda row, column: _number(found.entries, row),
        )
    lower: Callable[[Any], Any] = f
    for _ in range(found.order - 1):
        lower = jacobian(lower)
    if found.kind == "cotangent":
        weights = vector(found.seed)
        lower = lambda inputs: np.dot(weights, vector(f(inputs))).real  # noqa: E731

    shapes = [np.shape(leaf) for _, leaf in flatten(point)[0]]
    sizes = [int(np.prod(shape)) for shape in shapes]
    rows = [found.entries[k : k + len(shapes)] for k in range(0, len(found.entries), len(shapes))]
    blocks = [
        np.hstack([np.reshape(e.value, (_height(e.value, s), n)) for e, s, n in zip(row, shapes, sizes, strict=True)])
        for row in rows
    ]

    def label(row: int, column: int | None) -> str:
        above = [
            component(_above(first), np.shape(first.value)[: np.ndim(first.value) - len(shapes[0])], k)
            for (first, *_), block in zip(rows, blocks, strict=True)
            for k in range(len(block))
        ][row]
        if column is None:
            return f"the derivative of {above} along a direction" if above else "the derivative along a direction"
        below = [
            component(entry.wrt[-1], shape, k)
            for entry, shape, size in zip(rows[0], shapes, sizes, strict=True)
            for k in range(size)
        ][column]
        return f"∂{above}/∂{below}"

    with notes_kept_back():
        return central_check(lambda x: vector(lower(like(point, x))), vector(point), np.vstack(blocks), label)


def _height(value: Any, below: tuple[int, ...]) -> int:
    """How many numbers are differenced, of a derivative with respect to an input of that shape."""
    return int(np.prod(np.shape(value)[: np.ndim(value) - len(below)]))


def _above(entry: Entry) -> str:
    """What is differenced: the result, or the derivative of the order below."""
    return f"({partial_label(entry.of, entry.wrt[:-1])})" if entry.wrt[1:] else entry.of


def _number(entries: list[Entry], position: int) -> str:
    for entry in entries:
        if position < np.size(entry.value):
            return component(entry.of, np.shape(entry.value), position) or "the tangent"
        position -= int(np.size(entry.value))
    raise IndexError(position)
