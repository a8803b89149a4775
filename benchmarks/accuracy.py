"""How many digits numerical derivatives have, by diffmagic and by other libraries, on the accuracy set of the tests.

    python benchmarks/accuracy.py [--orders 1,2,3,4] [--tools WORD,WORD] [--worst N] [--random N --seed N]

Every tool runs with its default settings on the same functions and points; the truth comes from mpmath. A function
that takes no arrays is given to tools that need one point by point.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import diffmagic
from diffmagic.methods import METHODS

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.accuracy import Case, digits, natural_scale, truth
from tests.accuracy.cases import CASES

LEVELS = (6, 8, 10, 12)
STEP = 1e-20


@dataclass
class Answer:
    """What a tool says: the derivative, the error it estimates (None if it does not), the points it evaluated."""

    derivative: float
    error: float | None
    evaluations: int


@dataclass
class Tool:
    """A way to differentiate ``f`` at a point, and the orders it knows."""

    name: str
    run: Callable[[Callable[[Any], Any], float, int], Answer]
    highest: int = 4


# The tools.


class Counted:
    """A function that takes arrays, whatever the user's takes, and counts points."""

    def __init__(self, f: Callable[[Any], Any], x: float) -> None:
        self.points = 0
        try:
            taken = np.shape(f(np.array([x, x]))) == (2,)
        except Exception:
            taken = False
        self.f = f if taken else np.vectorize(f, otypes=[float])

    def __call__(self, x: Any) -> Any:
        self.points += np.size(x)
        return self.f(x)


def ours(method: str, **options: Any) -> Callable[[Callable[[Any], Any], float, int], Answer]:
    def run(f: Callable[[Any], Any], x: float, order: int) -> Answer:
        found = diffmagic.differentiate(f, x, method=method, order=order, **options)
        return Answer(float(found.derivative), found.error, found.evaluations)

    return run


def with_numdifftools(method: str) -> Callable[[Callable[[Any], Any], float, int], Answer]:
    import numdifftools

    def run(f: Callable[[Any], Any], x: float, order: int) -> Answer:
        counted = Counted(f, x)
        if method == "complex":
            counted.f = f  # point by point it would lose the imaginary part
        found = numdifftools.Derivative(counted, n=order, method=method, full_output=True)(x)
        return Answer(float(found.estimate), float(found.error_estimate), counted.points)

    return run


def with_scipy(f: Callable[[Any], Any], x: float, order: int) -> Answer:
    from scipy.differentiate import derivative

    counted = Counted(f, x)
    nested: Callable[[Any], Any] = counted
    for _ in range(order - 1):
        nested = lambda y, inner=nested: derivative(inner, y).df
    found = derivative(nested, x)
    return Answer(float(found.df), float(found.error), counted.points)


def with_jacobi(f: Callable[[Any], Any], x: float, order: int) -> Answer:
    from jacobi import jacobi

    counted = Counted(f, x)
    value, error = jacobi(counted, x)
    return Answer(float(value), float(error), counted.points)


def complex_step(f: Callable[[Any], Any], x: float, order: int) -> Answer:
    return Answer(float(np.imag(f(x + STEP * 1j))) / STEP, None, 1)


def tools() -> list[Tool]:
    """What there is: our numerical methods, and the other libraries that are installed."""
    found = []
    for method in METHODS.values():
        if method.family == "numerical":
            found.append(Tool(method.name, ours(method.name), method.orders or 4))
    if "adaptive" in METHODS:
        found.append(Tool("adaptive, real values only", ours("adaptive", complex=False)))
    if find_spec("numdifftools"):
        found += [Tool(f"numdifftools {kind}", with_numdifftools(kind)) for kind in ("central", "complex")]
    if find_spec("scipy.differentiate"):
        found.append(Tool("scipy.differentiate", with_scipy))
    if find_spec("jacobi"):
        found.append(Tool("jacobi", with_jacobi, 1))
    found.append(Tool("complex step 1e-20, unchecked", complex_step, 1))
    return found


# Measuring.


@dataclass
class Score:
    """How an answer compares with the truth.

    Attributes
    ----------
    case : Case
    digits : float
        That are right, 0 to 16.
    honest : bool
        The true error is at most ten times the estimate; None without an estimate.
    bold : bool
        More than three digits are claimed and fewer than three are right.
    answer : Answer
    """

    case: Case
    digits: float
    honest: bool | None
    bold: bool
    answer: Answer


def score(tool: Tool, case: Case, order: int) -> Score:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            answer = tool.run(case.f, case.x, order)
    except Exception:
        answer = Answer(math.nan, math.nan, 0)
    right = digits(answer.derivative, case, order)
    if answer.error is None:
        return Score(case, right, None, False, answer)
    if not math.isfinite(answer.derivative):
        return Score(case, right, True, False, answer)
    honest = bool(abs(answer.derivative - truth(case, order)) <= 10 * answer.error)
    size = abs(answer.derivative) if truth(case, order) else natural_scale(case, order)
    return Score(case, right, honest, bool(answer.error < 1e-3 * size and right < 3), answer)


def scores(tool: Tool, cases: Iterable[Case], order: int) -> list[Score]:
    return [score(tool, case, order) for case in cases if order <= case.highest]


def shares(digits: Iterable[float]) -> str:
    """Percentages with at least so many digits."""
    digits = list(digits)
    return "/".join(f"{100 * sum(d >= level for d in digits) / len(digits):.0f}" for level in LEVELS)


ROW = "{:<32}{:>5}{:>14}{:>10}{:>6}{:>13}"


def row(name: str, order: int, found: list[Score]) -> str:
    judged = [s.honest for s in found if s.honest is not None]
    honest = f"{100 * sum(judged) / len(judged):.1f} %" if judged else "–"
    bold = sum(s.bold for s in found) if judged else "–"
    count = statistics.median(s.answer.evaluations for s in found)
    return ROW.format(name, order, shares(s.digits for s in found), honest, bold, f"{count:g}")


def main() -> int:
    parser = argparse.ArgumentParser(description="How many digits numerical derivatives have.")
    parser.add_argument("--orders", default="1,2,3,4", help="of the derivative, separated by commas")
    parser.add_argument("--tools", default="", metavar="WORDS", help="only tools whose name contains one of these")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="list so many cases with the fewest digits")
    options = parser.parse_args()
    words = options.tools.split(",")

    for order in map(int, options.orders.split(",")):
        best: dict[str, float] = {}
        for tool in tools():
            if order > tool.highest or not any(word in tool.name for word in words):
                continue
            found = scores(tool, CASES, order)
            print(row(tool.name, order, found), flush=True)
            for s in found:
                best[s.case.kind + s.case.name] = max(best.get(s.case.kind + s.case.name, 0.0), s.digits)
            for s in sorted(found, key=lambda s: s.digits)[: options.worst]:
                said = "" if s.answer.error is None else f" ± {s.answer.error:.1e}"
                print(f"    {s.digits:4.1f}  {s.case.kind}: {s.case.name}: {s.answer.derivative:.10g}{said}")
        print(f"{'the best of these':<32}{order:>5}{shares(best.values()):>14}\n")
        for k,v in sorted(best.items(), key=lambda p:p[1])[:30]: print(f"{v:.1f} {k}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
