"""Gradients by diffmagic and by HIPS/autograd, side by side in one run.

    python benchmarks/gradient.py [--quick] [--only WORD]

Each problem is one source, run with plain NumPy, under `diffmagic.grad` and, with ``autograd.numpy`` in NumPy's place,
under `autograd.grad`. Before anything is timed both gradients must agree. Samples are taken in turn, function,
diffmagic, autograd, function, …, with the garbage collector off and linear algebra on one thread, and the medians are
compared.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy
import numpy
from threadpoolctl import threadpool_limits

import diffmagic

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.timing import measure, microseconds, thirty

AGREEMENT = 1e-10


@dataclass
class Problem:
    """A function to differentiate.

    Attributes
    ----------
    name : str
    build : callable
        Given ``numpy`` or ``autograd.numpy``, the function written with it.
    args : tuple
    argnums : int or tuple of int
    """

    name: str
    build: Callable[[Any], Callable[..., Any]]
    args: tuple[Any, ...]
    argnums: int | tuple[int, ...] = 0


# Scalars.


def sigmoid(np: Any) -> Callable[..., Any]:
    def f(w: Any, x: Any) -> Any:
        return 1 / (1 + np.exp(-w * x))

    return f


def loop(np: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        y = x
        for _ in range(100):
            y = y + 0.01 * np.sin(y) * x
        return y

    return f


# Arrays, element by element.


def eighty(np: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        y = x
        for _ in range(10):
            a = np.sin(y) * x  # 8 operations in each of ten turns
            b = np.exp(-a) + x / 2
            y = b * 0.5 - a
        return np.sum(y)

    return f


def rosenbrock(np: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return f


# Fits.


def logistic(np: Any) -> Callable[..., Any]:
    def f(w: Any, data: Any, sign: Any) -> Any:
        return np.mean(np.log1p(np.exp(-sign * np.dot(data, w)))) + 0.005 * np.sum(w * w)

    return f


def network(np: Any) -> Callable[..., Any]:
    def f(p: Any, data: Any, target: Any) -> Any:
        hidden = np.tanh(np.dot(data, p["W1"]) + p["b1"])
        output = np.tanh(np.dot(hidden, p["W2"]) + p["b2"])
        return np.mean((output - target) ** 2)

    return f


def problems() -> list[Problem]:
    random = numpy.random.default_rng(0)
    data = random.normal(size=(10_000, 100))
    sign = numpy.sign(data @ random.normal(size=100) + random.normal(size=10_000))
    parameters = {
        "W1": random.normal(size=(50, 32)) / 7,
        "b1": numpy.zeros(32),
        "W2": random.normal(size=(32, 1)) / 6,
        "b2": numpy.zeros(1),
    }
    return [
        Problem("σ(wx), both derivatives", sigmoid, (0.5, 2.0), (0, 1)),
        Problem("30 scalar operations", thirty, (0.7, 1.3), (0, 1)),
        Problem("Python loop of 100 steps", loop, (0.7,)),
        Problem("80 operations on 3 numbers", eighty, (numpy.linspace(0.1, 1.0, 3),)),
        Problem("80 operations on 10,000 numbers", eighty, (numpy.linspace(0.1, 1.0, 10_000),)),
        *(Problem(f"Rosenbrock, {n:,} variables", rosenbrock, (random.normal(size=n),)) for n in (10, 1_000, 100_000)),
        Problem("logistic regression, 10,000 × 100", logistic, (random.normal(size=100) / 10, data, sign)),
        Problem("network, 1,000 × 50, 32 hidden", network, (parameters, data[:1000, :50], sign[:1000, None])),
    ]


# Measuring.


def leaves(gradient: Any) -> list[Any]:
    """The arrays in a gradient."""
    if isinstance(gradient, dict):
        return [gradient[name] for name in sorted(gradient)]
    return list(gradient) if isinstance(gradient, tuple) else [gradient]


def disagreement(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest derivative of the same input."""
    return max(
        float(numpy.max(numpy.abs(numpy.subtract(a, b))) / numpy.max(numpy.abs(b)))
        for a, b in zip(leaves(ours), leaves(theirs), strict=True)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Gradients by diffmagic and by HIPS/autograd, side by side.")
    parser.add_argument("--quick", action="store_true", help="a few short samples: a look, not a measurement")
    parser.add_argument("--only", metavar="WORD", default="", help="only problems whose name contains this")
    options = parser.parse_args()
    rounds, seconds = (5, 0.002) if options.quick else (31, 0.02)

    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "autograd"))
    print(f"Python {platform.python_version()}, {packages}, diffmagic {diffmagic.__version__}")
    print(f"Medians of {rounds} samples of about {seconds * 1000:.0f} ms, in µs.\n")
    row = "{:<34}{:>12}{:>12}{:>12}{:>22}{:>22}"
    heads = ("NumPy", "diffmagic", "autograd", "autograd / diffmagic", "diffmagic / NumPy")
    print(row.format("gradient of", *heads), flush=True)
    failed = 0
    for problem in problems():
        if options.only not in problem.name:
            continue
        plain = problem.build(numpy)
        ours = diffmagic.grad(plain, problem.argnums)
        theirs = autograd.grad(problem.build(autograd.numpy), problem.argnums)
        try:
            gap = disagreement(ours(*problem.args), theirs(*problem.args))
        except Exception as error:
            failed += 1
            print(f"{problem.name:<34}  fails: {type(error).__name__}: {error}".replace("\n", " "), flush=True)
            continue
        if not gap <= AGREEMENT:
            failed += 1
            print(f"{problem.name:<34}  the gradients differ by {gap:.1e} of their size", flush=True)
            continue
        with threadpool_limits(1):
            times = measure([plain, ours, theirs], problem.args, rounds, seconds)
        ratios = (f"{times[2] / times[1]:.2f}", f"{times[1] / times[0]:.1f}")
        print(row.format(problem.name, *map(microseconds, times), *ratios), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
