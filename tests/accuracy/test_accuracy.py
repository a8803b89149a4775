"""The adaptive method on the accuracy set: what it must reach, and that the set's truth is one.

``python benchmarks/accuracy.py`` prints the same figures, with other libraries beside them.
"""

from collections import Counter
from functools import cache
from statistics import median

import numpy as np
import pytest
from mpmath import mp

import diffmagic

from . import Answer, derivative, natural_scale, on_a_circle, score, truth
from .cases import CASES
from .random_cases import random_cases
from .several_inputs import PROBLEMS, array_digits, gradient, hessian

RANDOM = random_cases(seed=2024, count=200)
LEVELS = (6, 8, 10, 12)
SHARES = {  # per cent of the cases that must have so many digits, by order and whether complex values may be asked for
    (1, True): (98, 94, 90, 85),
    (2, True): (94, 89, 82, 70),
    (3, True): (92, 87, 78, 65),
    (4, True): (88, 75, 65, 53),
    (1, False): (97, 92, 86, 78),
    (2, False): (94, 86, 76, 28),
}
EVERY_RUN = pytest.mark.parametrize(("order", "complex"), SHARES)


def adaptive(f, x, **options):
    found = diffmagic.differentiate(f, x, method="adaptive", **options)
    return Answer(found.derivative, found.error, found.evaluations)


@cache
def scores(order, complex=True, fresh=False):
    """What the adaptive method says of every case, computed once."""
    cases = [case for case in (RANDOM if fresh else CASES) if order <= case.highest]
    return [score(case, order, adaptive(case.f, case.x, order=order, complex=complex)) for case in cases]


def share(truths):
    truths = list(truths)
    return 100 * sum(truths) / len(truths)


# What the method must reach.


@EVERY_RUN
def test_digits(order, complex):
    reached = [share(s.digits >= level for s in scores(order, complex)) for level in LEVELS]
    assert all(np.greater_equal(reached, SHARES[order, complex])), reached


@EVERY_RUN
def test_the_error_is_at_most_ten_times_the_estimate(order, complex):
    found = scores(order, complex)
    assert share(s.honest for s in found) >= 98, [(s.case.name, s.answer) for s in found if not s.honest]


@EVERY_RUN
def test_no_digits_are_claimed_that_are_not_there(order, complex):
    assert [(s.case.name, s.answer) for s in scores(order, complex) if s.bold] == []


@pytest.mark.parametrize(("order", "most"), [(1, 60), (2, 120)])
def test_evaluations(order, most):
    assert median(s.answer.evaluations for s in scores(order)) <= most


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_cases_that_nobody_chose(order):
    found = scores(order, fresh=True)
    assert share(s.digits >= 6 for s in found) >= 97
    assert share(s.honest for s in found) >= 98
    assert not any(s.bold for s in found)


@pytest.mark.parametrize(
    ("order", "complex", "exact", "digits"),
    [(1, True, gradient, 15), (2, True, hessian, 13), (2, False, hessian, 11.5)],
    ids=["gradients", "Hessians", "Hessians of real values"],
)
def test_several_inputs(order, complex, exact, digits):
    reached = []
    for problem in PROBLEMS:
        estimate = adaptive(problem.f, problem.x, order=order, complex=complex).derivative
        reached.append(array_digits(estimate, exact(problem), problem.x))
    assert median(reached) >= digits, dict(zip([p.name for p in PROBLEMS], reached, strict=True))


@pytest.mark.parametrize("case", [c for c in CASES if c.bounds], ids=lambda case: case.name)
def test_bounds_are_kept_and_do_no_harm(case):
    def inside(x):
        assert np.all((case.bounds[0] <= x) & (x <= case.bounds[1]))
        return case.f(x)

    [plain] = [s for s in scores(1, complex=False) if s.case is case]
    bounded = score(case, 1, adaptive(inside, case.x, bounds=case.bounds, complex=False))
    assert bounded.digits >= min(plain.digits, 8)
    assert not bounded.bold


# The set and its truth.


def test_the_set_is_large_and_of_many_kinds():
    kinds = Counter(case.kind for case in CASES)
    assert len(CASES) >= 150
    assert len(kinds) >= 20
    assert max(kinds.values()) <= len(CASES) / 5
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_both_ways_of_writing_a_function_mean_the_same(case):
    tolerance = 1e-7 if case.kind == "noisy" else 1e-9
    assert float(case.f(case.x)) == pytest.approx(float(mp.re(case.exact(mp.mpf(case.x)))), rel=tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_two_independent_ways_to_the_truth_agree_to_forty_digits(case):
    for order in range(1, case.highest + 1):
        scale = abs(truth(case, order)) or natural_scale(case, order)
        assert abs(on_a_circle(case.exact, case.x, order) - derivative(case.exact, case.x, order)) < 1e-40 * scale


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_truth_of_several_inputs(problem):
    assert problem.f(problem.x) == pytest.approx(float(problem.exact(problem.x * mp.mpf(1))), rel=1e-9)
    size = np.where(problem.x == 0, 1.0, np.abs(problem.x))
    for exact, unit in ((gradient, size), (hessian, np.outer(size, size)))[: 2 if len(size) < 5 else 1]:
        gap = np.abs((exact(problem, along=on_a_circle) - exact(problem)) * unit)
        assert np.max(gap) < 1e-40 * np.max(np.abs(exact(problem) * unit))


@pytest.mark.parametrize(
    ("name", "printed"),
    [("textbook: the logistic map, l₄ at 0.2", 9.0660864), ("textbook: the sigmoid at 0.5", 0.393223866483)],
)
def test_the_truth_is_what_books_print(name, printed):
    [case] = [case for case in CASES if f"{case.kind}: {case.name}" == name]
    assert float(truth(case, 1)) == pytest.approx(printed, rel=1e-8)


def test_random_cases_are_the_same_every_time():
    assert [case.name for case in random_cases(2024, 5)] == [case.name for case in RANDOM[:5]]
