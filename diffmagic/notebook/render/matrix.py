"""A Jacobian or Hessian as blocks: a table, or a picture of what is too large for one, and what can be said of it."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.labels import component, partial_label
from diffmagic.matrices import Matrix, Sides, block_name, matrix_of, symmetric_digits
from diffmagic.notebook.render.blocks import Block, Pairs, Picture, Table
from diffmagic.notebook.render.estimates import known_entries
from diffmagic.notebook.render.heat_map import heat_map
from diffmagic.notebook.render.parts import WIDTH
from diffmagic.notebook.render.text import table_width
from diffmagic.results import Curvature, Derivative

_MOST_ROWS, _MOST_COLUMNS, _MOST_LISTED = 12, 8, 100
_ENDS = 5  # of many eigenvalues


def matrix_blocks(found: Derivative, listed: list[tuple[str, Any]]) -> list[Block]:
    """A Jacobian or Hessian, also as it is listed if it is neither small nor large; nothing for a gradient."""
    matrix = matrix_of(found, known_entries(found))
    if matrix is None or matrix.numbers.size == 1:
        return []
    rows, columns = matrix.numbers.shape
    table = _table(matrix, found.digits) if rows <= _MOST_ROWS and columns <= _MOST_COLUMNS else None
    if table and table_width(table) <= WIDTH:
        return [table, *_sentences(matrix)]
    if min(rows, columns) == 1:
        return []
    facts = _facts(matrix, found.digits)
    said = "; ".join(f"{label}: {text}" for label, text in facts)
    table = Table(_caption(matrix), ["", "what is in it"], [list(fact) for fact in facts], words=[1])
    picture = Picture(partial(heat_map, matrix, _caption(matrix)), f"Heat map: {_caption(matrix)}. {said}.", table)
    if matrix.numbers.size > _MOST_LISTED:
        return [picture]
    return [Pairs(_caption(matrix), [listed], found.digits), picture]


def _caption(matrix: Matrix) -> str:
    of = matrix.of or "the result"
    return f"Jacobian of {of}" if matrix.order == 1 else f"Second derivatives of {of}"


def _labels(sides: Sides) -> list[str]:
    """What each row or column is called."""
    return [component(name, shape, k) for name, shape in sides for k in range(math.prod(shape))]


def _table(matrix: Matrix, digits: int) -> Table:
    across = [f"∂/∂{name}" for name in _labels(matrix.columns)]
    down = across if matrix.order == 2 else _labels(matrix.rows)
    zeros = matrix.structure & (matrix.numbers == 0)
    cells = [
        [label, *("·" if zero else short(number, digits) for number, zero in zip(*row, strict=True))]
        for label, *row in zip(down, matrix.numbers, zeros, strict=True)
    ]
    shaded = [(int(row), int(column) + 1) for row, column in np.argwhere(zeros)]
    return Table(_caption(matrix), ["", *across], cells, shaded=shaded)


def _sentences(matrix: Matrix) -> list[str]:
    zeros = int(np.sum(matrix.structure & (matrix.numbers == 0)))
    said = [f"· is zero by structure: nothing there depends on that input ({zeros} of {matrix.numbers.size})."]
    return said * (zeros > 0) + [f"{symmetric[0].upper()}{symmetric[1:]}." for symmetric in _symmetry(matrix)]


def _symmetry(matrix: Matrix) -> list[str]:
    """Whether a Hessian is symmetric; of a Jacobian only if it is, and not by being diagonal."""
    numbers = matrix.numbers
    digits = symmetric_digits(numbers)
    if digits is None:
        return []
    if matrix.order == 1:
        off = numbers - np.diag(np.diag(numbers))
        return [f"symmetric to {digits} digits"] * bool(digits > 3 and np.any(off))
    if digits > 3:
        return [f"symmetric to {digits} digits"]
    gap = np.abs(numbers - numbers.T)
    row, column = np.unravel_index(int(np.argmax(gap)), gap.shape)
    names = _labels(matrix.columns)
    both = [
        f"{partial_label(matrix.of, [names[i], names[j]])} is {short(numbers[i, j], 4)}"
        for i, j in ((row, column), (column, row))
    ]
    return [f"not symmetric: {both[0]} and {both[1]}"]


def _facts(matrix: Matrix, digits: int) -> list[tuple[str, str]]:
    """A large matrix in words and numbers."""
    numbers = matrix.numbers
    zeros = numbers == 0
    count, by_structure = int(zeros.sum()), int((zeros & matrix.structure).sum())
    share = f"{count} of {numbers.size}, {100 * count / numbers.size:.3g} %"
    facts = [("size", f"{numbers.shape[0]} × {numbers.shape[1]}")]
    if matrix.order == 1:
        facts.append(("down", _names(matrix.rows)))
    facts.append(("across" if matrix.order == 1 else "down and across", _names(matrix.columns)))
    facts.append(("zeros", f"{share}; {by_structure} by structure" if by_structure else share))
    lost = int((~np.isfinite(numbers)).sum())
    if lost:
        facts.append(("not finite", str(lost)))
    if count + lost < numbers.size:
        facts.append(("largest entry", _largest(matrix, digits)))
    if not lost:
        facts.append(("Frobenius norm", short(float(np.linalg.norm(numbers)), digits)))
    return facts + [("symmetry", symmetric) for symmetric in _symmetry(matrix)]


def _names(sides: Sides) -> str:
    names = [block_name(*side) for side in sides]
    return ", ".join(names if len(names) <= 8 else [*names[:4], "…", *names[-3:]])


def _largest(matrix: Matrix, digits: int) -> str:
    """The largest entry; of several that are as large but for rounding, the first."""
    sizes = np.where(np.isfinite(matrix.numbers), np.abs(matrix.numbers), 0.0)
    row, column = np.argwhere(sizes >= sizes.max() * (1 - 1e-9))[0]
    above, below = _labels(matrix.rows)[row], _labels(matrix.columns)[column]
    label = partial_label(matrix.of, [above, below]) if matrix.order == 2 else partial_label(above, [below])
    return f"{label} = {short(matrix.numbers[row, column], digits)}"


def curvature_blocks(found: Curvature, digits: int) -> list[Block]:
    """A Hessian's eigenvalues and what they say of the point."""
    values = found.eigenvalues
    rows = [[f"λ{k}", *_eigenvalue(float(value), found, digits)] for k, value in enumerate(values, start=1)]
    if len(rows) > 2 * _ENDS:
        rows = [*rows[:_ENDS], ["…", f"{len(rows) - 2 * _ENDS} more", ""], *rows[-_ENDS:]]
    table = Table("Eigenvalues of the Hessian", ["", "eigenvalue", "along it the function curves"], rows, words=[2])
    return [table, *_point(found)]


def _eigenvalue(value: float, found: Curvature, digits: int) -> tuple[str, str]:
    if not abs(value) > found.tolerance:
        return ("0", "not, but for rounding") if value == value else ("nan", "")
    return short(value, digits), "up" if value > 0 else "down"


_NATURES = {
    "minimum": "a local minimum, as the function curves up along every direction",
    "maximum": "a local maximum, as the function curves down along every direction",
    "saddle": "a saddle, as the function curves up along some directions and down along others",
}


def _point(found: Curvature) -> list[str]:
    """Whether the point is stationary, and of what nature."""
    undecided = f"Second derivatives do not tell a minimum, a maximum or a saddle: {found.reason}."
    if math.isnan(found.tolerance):
        return [undecided]
    if found.stationary:
        said = [f"The point is stationary: the gradient is zero{' but for rounding' * (found.gradient > 0)}."]
        said.append(undecided if found.reason else f"It is {_NATURES[found.nature]}.")
    else:
        said = [f"The point is not stationary: the gradient's norm is {found.gradient:.3g}."]
        if found.reason:
            said.append(undecided)
        if found.distance is not None:
            distance = f"{found.distance:.3g}"
            said.append(f"The quadratic model there has a {found.nature}, at a distance of {distance}.")
    regular = f"The Hessian's condition number is about {found.condition:.2g}."
    return [*said, regular if math.isfinite(found.condition) else "The Hessian is singular but for rounding."]
