"""A Jacobian or Hessian as one matrix: its labels, what is zero by structure, and whether it is symmetric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.structures import flatten
from diffmagic.results import Derivative, Entry

Sides = list[tuple[str, tuple[int, ...]]]
"""What stands along one side of a matrix: numbers and arrays, each with its name and shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """First or second derivatives as one matrix.

    Attributes
    ----------
    of : str
        What is differentiated.
    order : int
        1 for a Jacobian, 2 for a Hessian.
    rows, columns : list of (str, tuple of int)
        The results or inputs along each side.
    numbers : ndarray
    structure : ndarray of bool
        What is zero because nothing leads there.
    """

    of: str
    order: int
    rows: Sides
    columns: Sides
    numbers: Any
    structure: Any


def matrix_of(found: Derivative, entries: Sequence[Entry]) -> Matrix | None:
    """These entries of a derivative as one matrix; None if they are a gradient or of a higher order."""
    if found.kind != "derivative" or found.order > 2 or not entries:
        return None
    shapes = [np.shape(leaf) for _, leaf in flatten(found.value)[0]]
    count = round((len(entries) / len(shapes)) ** (1 / found.order))
    rank = len(shapes[0])
    if found.order == 2:
        rank += (np.ndim(entries[0].value) - rank) // 2
        if len(shapes) > 1 or shapes[0]:
            return None
    columns = [(entry.wrt[-1], np.shape(entry.value)[rank:]) for entry in entries[:count]]
    rows = columns if found.order == 2 else [(e.of, s) for e, s in zip(entries[::count], shapes, strict=True)]
    heights, widths = ([math.prod(shape) for _, shape in side] for side in (rows, columns))
    blocks = [
        [np.reshape(entry.value, (height, width)) for entry, width in zip(entries[k * count :], widths, strict=False)]
        for k, height in enumerate(heights)
    ]
    numbers: Any = np.block(blocks)
    if not numbers.size or (found.order == 1 and shapes == [()]):
        return None
    depends = np.ones(numbers.shape, bool) if found.depends is None else found.depends
    return Matrix(", ".join(name for name in found.names if name), found.order, rows, columns, numbers, ~depends)


def block_name(name: str, shape: tuple[int, ...]) -> str:
    """A number or array of a matrix's side, with its size.

    Examples
    --------
    >>> block_name("x", ()), block_name("W", (2, 3)), block_name("", (5,))
    ('x', 'W (2×3)', '(5)')
    """
    return f"{name} ({'×'.join(map(str, shape))})".strip() if shape else name


def symmetric_digits(numbers: Any) -> int | None:
    """To how many digits a square matrix is symmetric, its largest entry taken as the scale; at most what there are.

    None where that cannot be said.

    Examples
    --------
    >>> symmetric_digits(np.eye(2)), symmetric_digits(np.array([[1.0, 2.0], [2.02, 1.0]]))
    (15, 2)
    """
    rows, columns = numbers.shape
    if rows != columns or not np.isfinite(numbers).all():
        return None
    most = int(-math.log10(np.finfo(numbers.dtype).eps))
    gap = float(np.max(np.abs(numbers - numbers.T)))
    return most if gap == 0 else max(0, min(most, math.floor(-math.log10(gap / np.max(np.abs(numbers))))))
