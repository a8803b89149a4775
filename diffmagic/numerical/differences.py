"""The classic differences: weighted sums of values at equally spaced points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.numerical.sampling import BudgetUsedError, Estimate, Sampler
from diffmagic.numerical.steps import default_step, exact_step, wanted_step
from diffmagic.results import Trial

_HIGHEST = 20  # accuracy; beyond it the weights of a one-sided difference lose everything to round-off
_LONG = 64  # characters of a formula that are still read


def forward_difference(sampler: Sampler, point: float, order: int, *, accuracy: int = 1, **steps: Any) -> Estimate:
    """From values at x, x + h, x + 2h, …: of order 1 and accuracy 1, (f(x + h) − f(x)) / h."""
    return _difference(sampler, point, order, 1, accuracy, **steps)


def backward_difference(sampler: Sampler, point: float, order: int, *, accuracy: int = 1, **steps: Any) -> Estimate:
    """From values at x, x − h, x − 2h, …: of order 1 and accuracy 1, (f(x) − f(x − h)) / h."""
    return _difference(sampler, point, order, -1, accuracy, **steps)


def central_difference(sampler: Sampler, point: float, order: int, *, accuracy: int = 2, **steps: Any) -> Estimate:
    """From values at x ± h, x ± 2h, …: of order 1 and accuracy 2, (f(x + h) − f(x − h)) / 2h."""
    return _difference(sampler, point, order, 0, accuracy, **steps)


def weights(nodes: Sequence[int | Fraction], order: int) -> list[Fraction]:
    """What to weight values at some nodes by, so that their sum is a derivative at 0 of the polynomial through them.

    Parameters
    ----------
    nodes : sequence of int or Fraction
        More than `order` of them, in any order.
    order : int

    References
    ----------
    Fornberg, B. (1988). Generation of finite difference formulas on arbitrarily spaced grids. Mathematics of
    Computation 51, 699–706.

    Examples
    --------
    >>> [str(weight) for weight in weights([-2, -1, 0, 1, 2], 1)]
    ['1/12', '-2/3', '0', '2/3', '-1/12']
    """
    orders = range(order + 1)
    table = [[Fraction(k == 0) for k in orders]]  # a row for each node so far, a column for each order
    before = Fraction(1)
    for n in range(1, len(nodes)):
        gaps = [Fraction(nodes[n] - node) for node in nodes[:n]]
        product = math.prod(gaps, start=Fraction(1))
        last = table[-1]
        new = [before / product * (k * last[k - 1] - nodes[n - 1] * last[k]) for k in orders]
        table = [
            [(nodes[n] * row[k] - k * row[k - 1]) / gap for k in orders] for row, gap in zip(table, gaps, strict=True)
        ]
        table.append(new)
        before = product
    return [row[order] for row in table]


@cache
def stencil(order: int, accuracy: int, side: int) -> tuple[range, list[Fraction]]:
    """The nodes, in steps, of a difference whose error is of order h^accuracy, and their weights.

    `side` is 1 for nodes from 0 up, −1 for nodes from 0 down, 0 for both: these have even accuracies.
    """
    reach = (order + 1) // 2 + accuracy // 2 - 1
    nodes = range(0, side * (order + accuracy), side) if side else range(-reach, reach + 1)
    return nodes, weights(nodes, order)


def sampled(sampler: Sampler, nodes: Sequence[int], h: float) -> Any:
    """Values at some nodes; that at 0 is known."""
    away = [node for node in nodes if node]
    rows = iter(sampler(sampler.point + h * np.array(away)))
    return np.stack([next(rows) if node else sampler.value for node in nodes])


def weighted(exact: Sequence[Fraction], rows: Any, order: int, h: float, sampler: Sampler) -> tuple[Any, Any]:
    """A difference, and how far rounded numbers may put it off.

    A value is off by its own rounding and, within the function, by that of x.
    """
    numbers = np.array(exact, float)
    with np.errstate(all="ignore"):
        slope = np.max(np.abs(np.diff(rows, axis=0)), axis=0) / h
        size = np.max(np.abs(rows), axis=0) + abs(sampler.point) * slope
        return numbers @ rows / h**order, sampler.eps / 2 * np.sum(np.abs(numbers)) * size / h**order


def _difference(
    sampler: Sampler,
    point: float,
    order: int,
    side: int,
    accuracy: int,
    step: float | None = None,
    relative_step: float | None = None,
) -> Estimate:
    """One difference; its truncation is what the next accuracy, with one more point on each side, would change."""
    more = 1 if side else 2
    if not isinstance(accuracy, int) or accuracy not in range(more, _HIGHEST + 1, more):
        what = f"{'a whole' if side else 'an even'} number from {more} to {_HIGHEST}"
        raise DiffmagicError(f"accuracy={accuracy!r} is not {what}", rewrite=f"accuracy={more}, or leave it out")
    default = default_step(point, order, accuracy, np.max(sampler.eps))
    h = exact_step(point, wanted_step(point, default, step, relative_step))
    nodes, exact = stencil(order, accuracy, side)
    wider, better = stencil(order, accuracy + more, side)
    try:
        rows = sampled(sampler, wider, h)
    except BudgetUsedError:
        return nowhere(sampler, h, "the budget of evaluations is too small for this method")
    inner = rows[[wider.index(node) for node in nodes]]
    found, roundoff = weighted(exact, inner, order, h, sampler)
    truncation = np.abs(found - weighted(better, rows, order, h, sampler)[0])
    truncation[np.isnan(truncation) & np.isfinite(found)] = np.inf
    notes = [] if np.isfinite(found).all() else [missing(h)]
    account = f"{formula(nodes, exact, order)} with h = {h:.2g}"
    return Estimate(found, truncation + roundoff, h, [Trial(h, found, truncation, roundoff)], account, notes)


def nowhere(sampler: Sampler, h: float, note: str) -> Estimate:
    """No derivative, and why."""
    nothing = np.full(len(sampler.value), np.nan)
    return Estimate(nothing, nothing, h, [], "nothing was found", [note])


def missing(h: float) -> str:
    """A note on values that a method needs."""
    return f"the function has no finite value at a point that this method needs, with a step of {h:.2g}"


def formula(nodes: Sequence[int], exact: Sequence[Fraction], order: int) -> str:
    """A difference as one writes it.

    Examples
    --------
    >>> formula([0, 1, 2], weights([0, 1, 2], 1), 1)
    '(−f(x + 2h) + 4f(x + h) − 3f(x)) / 2h'
    """
    below = math.lcm(*(weight.denominator for weight in exact))
    terms = []
    for node, weight in sorted(zip(nodes, exact, strict=True), reverse=True):
        if weight:
            moved = f" {'−' if node < 0 else '+'} {_factor(node)}h" if node else ""
            terms.append(f"{'−' if weight < 0 else '+'} {_factor(weight * below)}f(x{moved})")
    text = " ".join(terms)
    if len(text) > _LONG:
        return f"a weighted sum of {len(terms)} values"
    text = text[2:] if text[0] == "+" else f"−{text[2:]}"
    power = "" if order == 1 else str(order).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"({text}) / {_factor(below)}h{power}"


def _factor(number: int | Fraction) -> str:
    return "" if abs(number) == 1 else str(abs(number))
