"""How many digits numerical derivatives have, by diffmagic and by other libraries, on the accuracy set of the tests.

    python benchmarks/accuracy.py [--orders 1,2,3,4] [--tools WORD,WORD] [--worst N] [--random N --seed N]

Every tool runs with its default settings on the same functions and points; the truth comes from mpmath. A function
that takes no arrays is given point by point to tools that need one that does.
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

from tests.accuracy import Answer, Case, Score, score
from tests.accuracy.cases import CASES
from tests.accuracy.random_cases import random_cases
from tests.accuracy.several_inputs import PROBLEMS, array_digits, gradient, hessian

LEVELS = (6, 8, 10, 12)
Function = Callable[[Any], Any]
Run = Callable[[Function, Any, int], Answer]


@dataclass
class Tool:
    """A way to differentiate.

    Attributes
    ----------
    name : str
    run : callable
        Of a function, a number or a vector, and the order.
    highest : int
        The highest order for a number.
    several : int
        The highest order for a vector: 1 for gradients, 2 for Hessians too.
    estimates : bool
        Whether it estimates its error.
    """

    name: str
    run: Run
    highest: int = 4
    several: int = 2
    estimates: bool = True


# The tools.


class Counted:
    """A function that counts at how many points it is called."""

    def __init__(self, f: Function, x: Any) -> None:
        self.f, self.several, self.points = f, np.ndim(x) > 0, 0

    def __call__(self, x: Any) -> Any:
        self.points += 1 if self.several else np.size(x)
        return self.f(x)


def over_arrays(f: Function, x: Any) -> Function:
    """The function of arrays of points, whatever the user's takes; the components of a vector come first."""
    if np.ndim(x):
        return lambda points: np.apply_along_axis(f, 0, points)
    try:
        if np.shape(f(np.array([x, x]))) == (2,):
            return f
    except Exception:  # a function of single numbers may raise anything
        pass
    return np.vectorize(f, otypes=[float])


def ours(method: str, **options: Any) -> Run:
    def run(f: Function, x: Any, order: int) -> Answer:
        found = diffmagic.differentiate(f, x, method=method, order=order, **options)
        return Answer(found.derivative, found.error, found.evaluations)

    return run


def with_numdifftools(method: str) -> Run:
    import numdifftools

    def run(f: Function, x: Any, order: int) -> Answer:
        if np.ndim(x):
            counted = Counted(f, x)
            kind = numdifftools.Gradient if order == 1 else numdifftools.Hessian
            return Answer(kind(counted, method=method)(x), None, counted.points)
        counted = Counted(over_arrays(f, x) if method == "central" else f, x)
        found = numdifftools.Derivative(counted, n=order, method=method, full_output=True)(x)
        return Answer(float(found.estimate), float(found.error_estimate), counted.points)

    return run


def with_scipy(f: Function, x: Any, order: int) -> Answer:
    from scipy import differentiate

    if np.ndim(x):
        counted = Counted(f, x)
        found = (differentiate.jacobian if order == 1 else differentiate.hessian)(over_arrays(counted, x), x)
        return Answer(found.df if order == 1 else found.ddf, None, counted.points)

    def nested(f: Function, order: int) -> Function:
        return nested(lambda y: differentiate.derivative(f, y).df, order - 1) if order else f

    counted = Counted(over_arrays(f, x), x)
    found = differentiate.derivative(nested(counted, order - 1), x)
    return Answer(float(found.df), float(found.error), counted.points)


def with_jacobi(f: Function, x: Any, order: int) -> Answer:
    from jacobi import jacobi

    counted = Counted(f if np.ndim(x) else over_arrays(f, x), x)
    value, error = jacobi(counted, x)
    return Answer(value, error, counted.points)


def complex_step(f: Function, x: Any, order: int) -> Answer:
    if np.ndim(x):
        parts = [np.imag(f(x + 1e-20j * unit)) / 1e-20 for unit in np.eye(len(x))]
        return Answer(np.array(parts), None, len(x))
    return Answer(float(np.imag(f(x + 1e-20j))) / 1e-20, None, 1)


def tools() -> list[Tool]:
    """What there is: our numerical methods, and the other libraries that are installed."""
    found = [
        Tool(method.name, ours(method.name), method.orders or 4, min(method.orders or 2, 2))
        for method in METHODS.values()
        if method.family == "numerical"
    ]
    found.append(Tool("adaptive, real values only", ours("adaptive", complex=False)))
    if find_spec("numdifftools"):
        found += [Tool(f"numdifftools, {kind}", with_numdifftools(kind)) for kind in ("central", "complex")]
    if find_spec("scipy.differentiate"):
        found.append(Tool("scipy.differentiate", with_scipy))
    if find_spec("jacobi"):
        found.append(Tool("jacobi", with_jacobi, 1, 1))
    found.append(Tool("complex step 1e-20, unchecked", complex_step, 1, 1, estimates=False))
    return found


def answer(tool: Tool, f: Function, x: Any, order: int) -> Answer:
    """What the tool says; NaN where it fails."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return tool.run(f, x, order)
    except Exception:
        return Answer(math.nan, math.nan, 0)


# The tables.

ROW = "{:<31}{:>6}{:>17}{:>10}{:>6}{:>6}{:>13}"
SEVERAL = "{:<31}{:>16}{:>13}{:>16}{:>13}"


def shares(digits: Iterable[float]) -> str:
    """Percentages with at least so many digits."""
    reached = np.less_equal.outer(LEVELS, list(digits)).mean(axis=1)
    return "/".join(f"{100 * share:.0f}" for share in reached)


def row(tool: Tool, order: int, scores: list[Score]) -> str:
    honest, bold = "–", "–"
    if tool.estimates:
        honest = f"{100 * sum(s.honest for s in scores) / len(scores):.1f} %"
        bold = str(sum(s.bold for s in scores))
    evaluations = f"{statistics.median(s.answer.evaluations for s in scores):g}"
    none = sum(not math.isfinite(s.answer.derivative) for s in scores)
    return ROW.format(tool.name, order, shares(s.digits for s in scores), honest, bold, none, evaluations)


def one_input(cases: list[Case], order: int, chosen: list[Tool], worst: int) -> None:
    cases = [case for case in cases if order <= case.highest]
    best = dict.fromkeys(cases, 0.0)
    print(ROW.format("", "order", "/".join(map(str, LEVELS)), "honest", "bold", "none", "evaluations"))
    for tool in chosen:
        if order > tool.highest:
            continue
        scores = [score(case, order, answer(tool, case.f, case.x, order)) for case in cases]
        print(row(tool, order, scores), flush=True)
        best |= {s.case: max(best[s.case], s.digits) for s in scores}
        for s in sorted(scores, key=lambda s: s.digits)[:worst]:
            error = f" ± {s.answer.error:.0e}" if s.answer.error is not None else ""
            print(f"    {s.digits:4.1f}  {s.case.kind}: {s.case.name}: {s.answer.derivative:.9g}{error}")
    print(ROW.format("the best of these, each time", order, shares(best.values()), "", "", "", "").rstrip(), end="\n\n")


def several_inputs(chosen: list[Tool]) -> None:
    print(SEVERAL.format(f"{len(PROBLEMS)} problems", "gradients", "evaluations", "Hessians", "evaluations"))
    for tool in chosen:
        cells = []
        for order, exact in ((1, gradient), (2, hessian)):
            if order > tool.several:
                cells += ["–", "–"]
                continue
            answers = [answer(tool, problem.f, problem.x, order) for problem in PROBLEMS]
            digits = [array_digits(a.derivative, exact(p), p.x) for a, p in zip(answers, PROBLEMS, strict=True)]
            cells.append(f"{statistics.median(digits):.1f} ({min(digits):.1f})")
            cells.append(f"{statistics.median(a.evaluations for a in answers):g}")
        print(SEVERAL.format(tool.name, *cells), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="How many digits numerical derivatives have.")
    parser.add_argument("--orders", default="1,2,3,4", help="of the derivative, separated by commas")
    parser.add_argument("--tools", default="", metavar="WORDS", help="only tools whose name contains one of these")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="list so many cases with the fewest digits")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="so many random cases in place of the set")
    parser.add_argument("--seed", type=int, default=0, help="of the random cases")
    options = parser.parse_args()

    chosen = [tool for tool in tools() if any(word in tool.name for word in options.tools.split(","))]
    cases = random_cases(options.seed, options.random) if options.random else CASES
    print(f"{len(cases)} cases; percentages with at least {', '.join(map(str, LEVELS))} digits.\n")
    for order in options.orders.split(","):
        one_input(cases, int(order), chosen, options.worst)
    if not options.random:
        several_inputs(chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
