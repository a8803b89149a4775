"""Functions of several variables with their gradients and Hessians."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp

from . import HIGH_PRECISION, derivative, digits


@dataclass(frozen=True, eq=False)
class Problem:
    """A function from a vector to a number, as `Case` is one of a number."""

    name: str
    f: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    x: np.ndarray


def shifted(problem: Problem, direction: np.ndarray) -> Callable[[Any], Any]:
    """The exact function along a line through the point."""
    start = np.array([mp.mpf(number) for number in problem.x.tolist()])
    return lambda t: problem.exact(start + t * direction)


@cache
def gradient(problem: Problem, along: Callable[..., Any] = derivative) -> Any:
    """The exact gradient, from derivatives of a function of one number."""
    return np.array([along(shifted(problem, unit), 0.0, 1) for unit in np.eye(len(problem.x), dtype=int)])


@cache
def hessian(problem: Problem, along: Callable[..., Any] = derivative) -> Any:
    """The exact Hessian, by polarisation."""
    size = len(problem.x)
    units = np.eye(size, dtype=int)
    found = np.empty((size, size), dtype=object)
    for i in range(size):
        for j in range(i + 1):
            there, back = (along(shifted(problem, units[i] + sign * units[j]), 0.0, 2) for sign in (1, -1))
            found[i, j] = found[j, i] = (there - back) / 4
    return found


def array_digits(estimate: Any, exact: Any, x: np.ndarray) -> float:
    """The digits of the worst component, relative to the largest, with every variable in units of its size."""
    if not np.all(np.isfinite(estimate)):
        return 0.0
    size = np.where(x == 0, 1.0, np.abs(x))
    unit = size if np.ndim(exact) == 1 else np.outer(size, size)
    error = np.abs((np.asarray(estimate, dtype=object) - exact) * unit)
    return digits(np.max(error) / np.max(np.abs(exact * unit)))


# The functions, written once over the names of NumPy.

random = np.random.default_rng(7)
DATA = random.normal(size=(30, 4))
LABELS = np.sign(DATA @ [1.0, -2.0, 0.5, 0.0] + random.normal(size=30))
COUNTS = random.poisson(2.0, size=30).astype(float)
TIMES = np.linspace(0.0, 3.0, 20)
DECAY = 2.5 * np.exp(-1.3 * TIMES) + 0.5 + 0.02 * random.normal(size=20)
SAMPLE = np.concatenate([random.normal(-1.0, 0.5, 15), random.normal(2.0, 1.0, 15)])


def rosenbrock(np):
    return lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def beale(np):
    return lambda x: (
        (1.5 - x[0] + x[0] * x[1]) ** 2 + (2.25 - x[0] + x[0] * x[1] ** 2) ** 2 + (2.625 - x[0] + x[0] * x[1] ** 3) ** 2
    )


def booth(np):
    return lambda x: (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def himmelblau(np):
    return lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def wood(np):
    return lambda x: (
        100 * (x[1] - x[0] ** 2) ** 2
        + (1 - x[0]) ** 2
        + 90 * (x[3] - x[2] ** 2) ** 2
        + (1 - x[2]) ** 2
        + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2)
        + 19.8 * (x[1] - 1) * (x[3] - 1)
    )


def powell_badly_scaled(np):
    return lambda x: (1e4 * x[0] * x[1] - 1) ** 2 + (np.exp(-x[0]) + np.exp(-x[1]) - 1.0001) ** 2


def brown_badly_scaled(np):
    return lambda x: (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2) ** 2


def griewank(np):
    return lambda x: 1 + np.sum(x**2) / 4000 - np.cos(x[0]) * np.cos(x[1] / 2.0) * np.cos(x[2] / 3.0)


def ackley(np):
    return lambda x: (
        -20 * np.exp(-0.2 * np.sqrt(np.sum(x**2) / 3)) - np.exp(np.sum(np.cos(2 * math.pi * x)) / 3) + 20 + math.e
    )


def logistic_regression(np):
    return lambda w: np.sum(np.log1p(np.exp(-LABELS * (DATA @ w)))) / 30 + 0.01 * np.sum(w * w)


def poisson_regression(np):
    return lambda w: np.sum(np.exp(DATA @ w) - COUNTS * (DATA @ w))


def least_squares(np):
    return lambda w: np.sum((DATA @ w - COUNTS) ** 2)


def exponential_fit(np):
    return lambda p: np.sum((p[0] * np.exp(-p[1] * TIMES) + p[2] - DECAY) ** 2)


def mixture(np):
    def f(p):
        share = 1 / (1 + np.exp(-p[0]))
        left = np.exp(-(((SAMPLE - p[1]) / np.exp(p[2])) ** 2) / 2 - p[2])
        right = np.exp(-(((SAMPLE - p[3]) / np.exp(p[4])) ** 2) / 2 - p[4])
        return -np.sum(np.log(share * left + (1 - share) * right))

    return f


def log_sum_exp(np):
    return lambda x: np.log(np.sum(np.exp(x)))


def student(np):
    return lambda p: np.sum((p[2] + 1) / 2 * np.log(1 + ((SAMPLE - p[0]) / p[1]) ** 2 / p[2]) + np.log(p[1]))


def cluster(np):
    def f(x):
        atoms = [x[0:3], x[3:6], x[6:9]]
        squares = [np.sum((a - b) ** 2) for k, a in enumerate(atoms) for b in atoms[:k]]
        return sum(4 * (square**-6 - square**-3) for square in squares)

    return f


def network(np):
    def f(p):
        hidden = np.tanh(DATA[:8, :2] @ p[:4].reshape(2, 2) + p[4:6])
        return np.sum((hidden @ p[6:8] + p[8] - LABELS[:8]) ** 2) / 8

    return f


def reaction(np):
    return lambda k: np.sum((k[0] * np.exp(-k[1] / (8.314 * (300 + 20 * TIMES))) - 0.02 * (1 + TIMES)) ** 2)


def lens(np):
    return lambda x: np.sqrt(1 + (x[0] / 1e-6) ** 2) * np.log(x[1] / 1e6) + x[2] * np.sin(x[0] * 1e6)


PROBLEMS = [
    Problem(name, build(np), build(HIGH_PRECISION), np.array(x))
    for name, build, x in (
        ("Rosenbrock, 2 variables", rosenbrock, [-1.2, 1.0]),
        ("Rosenbrock, 10 variables", rosenbrock, np.linspace(-1.1, 1.3, 10)),
        ("Beale", beale, [1.0, 0.8]),
        ("Booth", booth, [0.3, -2.0]),
        ("Himmelblau", himmelblau, [-2.5, 0.4]),
        ("Wood", wood, [-3.0, -1.0, -3.0, -1.0]),
        ("Powell, badly scaled", powell_badly_scaled, [2e-5, 4.0]),
        ("Brown, badly scaled", brown_badly_scaled, [9e5, 3e-6]),
        ("Griewank", griewank, [3.0, -20.0, 7.5]),
        ("Ackley", ackley, [0.4, -1.1, 2.3]),
        ("logistic regression", logistic_regression, [0.4, -0.9, 0.1, 0.3]),
        ("Poisson regression", poisson_regression, [0.2, -0.3, 0.1, 0.4]),
        ("least squares", least_squares, [1.0, 0.5, -2.0, 0.3]),
        ("a fit of an exponential", exponential_fit, [2.0, 1.0, 0.3]),
        ("a mixture of two normal distributions", mixture, [0.3, -0.7, -0.4, 1.6, 0.2]),
        ("log-sum-exp", log_sum_exp, [1.0, 30.0, 29.0, 28.5, -4.0]),
        ("Student's distribution", student, [0.4, 1.3, 4.0]),
        ("a cluster of three atoms", cluster, [0.0, 0.1, 0.0, 1.1, 0.0, 0.2, 0.4, 1.2, -0.1]),
        ("a small network", network, [0.3, -0.5, 0.8, 0.2, 0.1, -0.2, 0.9, -1.1, 0.4]),
        ("Arrhenius, fitted", reaction, [3e6, 4.5e4]),
        ("variables of 10⁻⁶, 10⁶ and 1", lens, [4e-7, 3e6, 0.8]),
    )
]
