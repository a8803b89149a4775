"""A `Comparison` and a `Scaling` as blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.core.structures import flatten, vector
from diffmagic.labels import component, partial_label
from diffmagic.notebook.render.blocks import Block, Pairs, Picture, Table
from diffmagic.notebook.render.estimates import error_bound
from diffmagic.notebook.render.parts import WIDTH
from diffmagic.notebook.render.pictures import COLOURS, PAGE, svg
from diffmagic.notebook.render.text import table_width
from diffmagic.results import Comparison, Contender, Scaling

_MOST_COLUMNS = 3
_TO_THE_END = 15  # digits: what is left is rounding, which differs from machine to machine


def comparison_blocks(found: Comparison) -> list[Block]:
    """A row for each method."""
    table = _table(found, _labels(found))
    if table_width(table) > WIDTH:
        table = _table(found, [])
    failures = [f"{row.method}: {row.failure}." for row in found.rows if row.failure]
    said = [f"Digits: agreement with {found.reference}. Operations: besides one evaluation of the function."]
    said += failures + [f"Note: {note}." for note in found.notes]
    values = [
        (path or "value", leaf)
        for part, name in zip([found.value] if len(found.names) == 1 else found.value, found.names, strict=True)
        for path, leaf in flatten(part, name)[0]
    ]
    return [Pairs("Value", [values], found.digits), table, *said]


def _table(found: Comparison, labels: list[str]) -> Table:
    """The methods that succeeded, with a column for each of these numbers or, without any, for the norm."""
    head = ["method", *(labels or ["norm"]), "digits", "own error", "evaluations", "operations", "size"]
    head += ["milliseconds"] if found.timed else []
    return Table(
        "The derivative by each method", head, [_row(row, len(labels), found) for row in found.rows if not row.failure]
    )


def _labels(found: Comparison) -> list[str]:
    """The numbers of the derivative, if they are few."""
    numbers = [(entry, k) for entry in found.entries for k in range(int(np.size(entry.value)))]
    if not 0 < len(numbers) <= _MOST_COLUMNS:
        return []
    return [component(partial_label(entry.of, entry.wrt), np.shape(entry.value), k) for entry, k in numbers]


def _row(row: Contender, columns: int, found: Comparison) -> list[str]:
    numbers = vector(row.derivative)
    shown = [short(number, found.digits) for number in numbers] if columns else [_norm(numbers, found.digits)]
    cells = [row.method, *shown, digits_shown(row.digits), "" if row.error is None else error_bound(row.error)]
    cells += [str(row.evaluations), _count(row.operations), _count(row.size)]
    return [*cells, f"{1e3 * row.elapsed:.3g}"] if found.timed else cells


def _norm(numbers: Any, digits: int) -> str:
    return short(float(np.linalg.norm(numbers)), digits)


def _count(count: int | None) -> str:
    return "" if count is None else str(count)


def digits_shown(digits: float | None) -> str:
    """How many digits agree, in a form that rounding does not change.

    Examples
    --------
    >>> digits_shown(7.9), digits_shown(15.7), digits_shown(None)
    ('7', 'all', 'none')
    """
    if digits is None:
        return "none"
    return "all" if digits >= _TO_THE_END else str(math.floor(digits))


def scaling_blocks(found: Scaling) -> list[Block]:
    """A row for each size, and the cost as curves."""
    head = [found.name, "inputs", "f itself", *found.operations]
    head += [f"{method}, ms" for method in found.seconds] if found.timed else []
    rows = []
    for k, size in enumerate(found.sizes):
        cells = [str(size), str(found.inputs[k]), str(found.function[k])]
        cells += [str(counts[k]) for counts in found.operations.values()]
        cells += [f"{1e3 * seconds[k]:.3g}" for seconds in found.seconds.values()] if found.timed else []
        rows.append(cells)
    caption = "Elementary operations of the function and of its derivatives"
    if found.crossing is None:
        said = f"Reverse accumulation does not come out below forward up to {found.name} = {found.sizes[-1]}."
    else:
        said = f"From {found.name} = {found.crossing} on, reverse accumulation takes fewer operations than forward."
    picture = Picture(
        lambda alternative: _scaling_picture(found, alternative), f"{caption}, against {found.name}. {said}"
    )
    return [Table(caption, head, rows), picture, said]


def _scaling_picture(found: Scaling, alternative: str) -> str:
    def draw(axes: Any) -> None:
        axes.loglog(found.sizes, _positive(found.function), color=PAGE, linestyle=":", label="f itself")
        for (method, counts), colour, marker in zip(found.operations.items(), COLOURS, "os^", strict=False):
            axes.loglog(found.sizes, _positive(counts), color=colour, marker=marker, markersize=4, label=method)
        if found.crossing is not None:
            axes.axvline(found.crossing, color=PAGE, linewidth=0.8, linestyle="--")
            axes.annotate(
                "crossing", (found.crossing, 1), (3, 3), xycoords=("data", "axes fraction"), textcoords="offset points"
            )
        axes.set_xlabel(found.name)
        axes.set_ylabel("operations")
        axes.legend()

    return svg(draw, alternative)


def _positive(counts: list[int]) -> list[float]:
    """Nothing has no place on a logarithmic scale."""
    return [count or math.nan for count in counts]
