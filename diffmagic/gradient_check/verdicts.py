"""Which numbers of a gradient are right, and how to say so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.gradient_check.case import TRUSTED, Case, with_error
from diffmagic.gradient_check.kinks import on_a_kink
from diffmagic.gradient_check.problem import Problem
from diffmagic.numerical.sides import one_sided
from diffmagic.results import GradientRow, Judgement

VERDICTS: tuple[Judgement, ...] = ("wrong", "cannot tell", "right")
WRONG, UNKNOWN, RIGHT = range(3)
_MOST_SIDES = 50
_ZERO = 1e-6
"""The part of a derivative's usual size below which a zero is confirmed."""


def verdicts_of(case: Case, reach: float) -> Any:
    """For each number an index into `VERDICTS`; the reach is the size of the function's values around the point."""
    known, measured = ~np.isnan(case.automatic), np.isfinite(case.numerical)
    by_automatic = case.same(case.mine, case.automatic)
    by_numerical = measured & case.same(case.mine, case.numerical, case.error)
    conflict = known & measured & ~case.same(case.automatic, case.numerical, case.error)
    sizes = np.where(measured, np.abs(case.numerical), 0.0)
    whole, rows = np.max(sizes, initial=0.0), np.max(sizes, axis=1, keepdims=True, initial=0.0)
    resolved = np.maximum(np.maximum(1e-3 * sizes, 1e-10 * rows), 1e-14 * whole)
    stationary = np.all(np.abs(case.numerical) <= TRUSTED * case.error, axis=1, keepdims=True)
    usual = np.where(stationary, (reach or np.inf) / case.problem.scales, rows)
    resolved = np.where(case.mine == 0, np.maximum(resolved, _ZERO * usual), resolved)
    sharp = measured & (TRUSTED * case.error <= resolved + case.floor)
    alone = np.where(by_numerical, np.where(sharp, RIGHT, UNKNOWN), np.where(measured, WRONG, UNKNOWN))
    verdicts = np.where(known, np.where(by_automatic, RIGHT, WRONG), alone)
    verdicts = np.where(conflict, np.where(by_automatic | by_numerical, UNKNOWN, WRONG), verdicts)
    refuted = measured & ~conflict & ~by_numerical
    case.lost = case.lost & ~by_automatic & ~refuted
    verdicts = np.where(case.lost, np.where(by_numerical, RIGHT, UNKNOWN), verdicts)
    case.problem.notes += _without_digits(case)
    if case.doubted:
        verdicts = np.where(measured | (verdicts == WRONG), verdicts, UNKNOWN)
    verdicts[np.isnan(case.mine) & (known | measured)] = WRONG
    return _excused(case, verdicts)


def _without_digits(case: Case) -> Iterator[str]:
    if np.any(case.lost):
        row, column = (int(k) for k in np.argwhere(case.lost)[0])
        more = np.count_nonzero(case.lost) - 1
        yield (
            f"digits of {case.problem.label(row, column)} are lost to rounding: yours and the automatic derivative "
            "differ by no more than rounding does there" + (f"; so with {more} more" if more else "")
        )


def _excused(case: Case, verdicts: Any) -> Any:
    """At a kink every number between the derivatives from the left and from the right is right."""
    problem = case.problem
    if case.program is not None and not on_a_kink(case.program):
        return verdicts
    said: dict[bool, list[str]] = {True: [], False: []}
    for k in np.flatnonzero(np.any(verdicts != RIGHT, axis=0))[:_MOST_SIDES].tolist():
        sides = _sides(problem, k)
        if sides is None:
            continue
        low, high = np.minimum(*sides), np.maximum(*sides)
        size = np.maximum(np.abs(low), np.abs(high))
        kinked = high - low > np.maximum(1e-4 * size, 1e-8 * np.max(size))
        inside = (case.mine[:, k] >= low - 1e-6 * size) & (case.mine[:, k] <= high + 1e-6 * size)
        for row in np.flatnonzero(kinked & (verdicts[:, k] != RIGHT)).tolist():
            between = bool(inside[row])
            verdicts[row, k] = RIGHT if between else WRONG
            left, right = (short(float(np.round(side[row], 6)) + 0.0, 6) for side in sides)
            lies = "right at a kink, as it lies" if between else "wrong at a kink, as it does not lie"
            number = f"{problem.label(row, k)} = {short(case.mine[row, k], 6)}"
            said[between].append(f"{number} is {lies} between {left} and {right}, the slopes on its sides")
    case.excused = len(said[True])
    for each in said.values():
        problem.notes += [each[0] + (f"; so with {len(each) - 1} more" if each[1:] else "")] if each else []
    return verdicts


def _sides(problem: Problem, k: int) -> tuple[Any, Any] | None:
    """The derivatives from the left and from the right, where shorter steps confirm them."""

    def moved(t: float) -> Any:
        x = problem.x
        x[k] += t
        return problem(x)

    found = [one_sided(moved, scale * problem.scales[k]) for scale in (1.0, 0.1)]
    if any(np.shape(side) != (problem.rows,) or not np.all(np.isfinite(side)) for pair in found for side in pair):
        return None
    size = np.max(np.abs(found[0]))
    steady = np.allclose(found[0], found[1], rtol=1e-3, atol=1e-3 * size)
    return found[0] if steady else None


def rows_of(case: Case, verdicts: Any) -> list[GradientRow]:
    """Every component, the worst first."""
    rows = []
    for row, column in np.ndindex(case.mine.shape):
        mine, automatic, numerical = (
            float(matrix[row, column]) for matrix in (case.mine, case.automatic, case.numerical)
        )
        rows.append(
            GradientRow(
                case.problem.label(row, column),
                mine,
                automatic if case.traced else None,
                numerical if math.isfinite(numerical) else None,
                float(case.error[row, column]) if math.isfinite(numerical) else None,
                _relative(mine, numerical if math.isnan(automatic) else automatic),
                VERDICTS[verdicts[row, column]],
            )
        )
    order = {verdict: k for k, verdict in enumerate(VERDICTS)}
    return sorted(rows, key=lambda row: (order[row.verdict], -_noticeable(row)))


def _noticeable(row: GradientRow) -> float:
    """The relative error without what rounding does to it, so that the order is the same on every machine."""
    return 0.0 if row.verdict == "right" else float(f"{row.relative_error:.6g}")


def _relative(mine: float, true: float) -> float:
    if mine == true:
        return 0.0
    size = max(abs(mine), abs(true))
    error = abs(mine - true) / size if size else math.inf
    return error if math.isfinite(error) else math.inf


def summary_of(case: Case, rows: list[GradientRow], who: str) -> str:
    worst, count = rows[0], len(rows)
    number = sum(row.verdict == worst.verdict for row in rows)
    of = f" in {number} of {count} components" if count > 1 else ""
    other = "the automatic derivative" if case.traced else "differences"
    if worst.verdict == "right":
        agree = count - case.excused
        if count == 1:
            return f"{who} is right: it {f'agrees with {other}' if agree else 'lies between the two sides of a kink'}"
        kink = f", {case.excused} lie{'s' * (case.excused == 1)} between the two sides of a kink" * (case.excused > 0)
        return (
            f"{who} is right: {f'{agree} of {count}' if kink else f'all {count}'} components agree with {other}{kink}"
        )
    true = worst.numerical if worst.automatic is None or math.isnan(worst.automatic) else worst.automatic
    if worst.verdict == "wrong":
        instead = "" if true is None else f", where {other} give{'s' * case.traced} {short(true, 6)}"
        return f"{who} is wrong{of}; the worst: {worst.label} is {short(worst.mine, 6)}{instead}"
    return f"whether {who} is right cannot be told{of}: {_doubt(worst)}"


def _doubt(row: GradientRow) -> str:
    if row.numerical is None or row.error is None:
        return f"{row.label} is {short(row.mine, 6)}, and there is nothing to compare it with"
    differences = f"differences give {with_error(row.numerical, row.error)}"
    if row.automatic is None:
        return f"{row.label} is {short(row.mine, 6)}, and {differences}"
    return f"{row.label} is {short(row.mine, 6)}, the automatic derivative {short(row.automatic, 6)}, and {differences}"
