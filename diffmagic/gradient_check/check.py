"""Whether a gradient is right: three derivatives side by side, and what to make of it where they differ."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import short
from diffmagic.core.recording import Argnums, function_name
from diffmagic.core.structures import flatten, vector
from diffmagic.core.transforms import Mode, jacobian
from diffmagic.gradient_check.case import TRUSTED, Case, differences, precision
from diffmagic.gradient_check.given import given_gradient
from diffmagic.gradient_check.kinks import on_a_kink
from diffmagic.gradient_check.mistakes import Evidence, guesses, place
from diffmagic.gradient_check.problem import Problem, copied, posed
from diffmagic.gradient_check.rounding import roughness, rounding
from diffmagic.gradient_check.taylor import taylor_remainder
from diffmagic.gradient_check.verdicts import RIGHT, UNKNOWN, VERDICTS, rows_of, summary_of, verdicts_of
from diffmagic.results import Derivative, GradientCheck

_ENOUGH, _ASIDE, _PLAIN = 3, 1e-3, 1e-6


def gradcheck(f: Callable[..., Any], gradient: Any, *args: Any, argnums: Argnums = 0) -> GradientCheck:
    """Check a gradient written by hand against the automatic and the numerical one.

    Parameters
    ----------
    f : callable
        A function of numbers and arrays (and of containers of them), whose result is a number, or an array.
    gradient : callable, or numbers
        Takes what `f` takes and returns its gradient: in the structure of the chosen arguments, or as a dict by name,
        a flat vector, or a pair of the value and the gradient. Of an array, the Jacobian. Or the numbers themselves.
    *args
        Where to check it. Without them, the second argument is taken for f's arguments, and it is diffmagic's own
        derivative that is checked.
    argnums : int, str or sequence of them
        The arguments that the gradient belongs to, by position or name.

    Returns
    -------
    GradientCheck
        True if all of it is right; its ``rows`` stand worst first, its ``guesses`` say what the mistake may be.

    Raises
    ------
    DiffmagicError
        If the gradient does not have as many numbers as there are inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic.gradient_check import gradcheck
    >>> X, y = np.eye(4)[:, :3] + 1.0, np.arange(4.0)
    >>> def loss(w):
    ...     return np.mean((X @ w - y) ** 2)
    >>> def gradient(w):
    ...     return 2 * X.T @ (X @ w - y)
    >>> check = gradcheck(loss, gradient, np.array([1.0, 2.0, -1.0]))
    >>> check.verdict, check.guesses
    ('wrong', ['yours is 4 times the true gradient, and 4 is len(X): a sum where the function has a mean'])
    """
    if not args:
        if callable(gradient):
            raise DiffmagicError("there is no point to check the gradient at", rewrite="gradcheck(f, gradient, x)")
        inputs = tuple(gradient) if isinstance(gradient, tuple | list) else (gradient,)
        return _of_diffmagic(posed(f, inputs, _differentiable(inputs)), "reverse")
    return _against_both(posed(f, args, argnums), gradient)


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], order: int = 1, modes: Sequence[str] = ("fwd", "rev")
) -> None:
    """Check the automatic derivatives of a function, of every order up to one, against numerical ones.

    Parameters
    ----------
    f : callable
    args : sequence
        Its arguments.
    order : int
    modes : sequence of {"fwd", "rev"}

    Raises
    ------
    DiffmagicError
        If one of them is wrong, with the account.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic.gradient_check import check_grads
    >>> check_grads(np.sin, (0.5,), order=2)
    """
    names: dict[str, Mode] = {"fwd": "forward", "rev": "reverse"}
    unknown = [modes] if isinstance(modes, str) or not modes else [mode for mode in modes if mode not in names]
    if unknown:
        raise DiffmagicError(f"there is no mode {unknown[0]!r}", rewrite='modes=("fwd", "rev")')
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise DiffmagicError(f"order {order!r} is not a positive whole number", rewrite="order=1, order=2, …")
    inputs = tuple(args) if isinstance(args, tuple | list) else (args,)
    places = _differentiable(inputs)
    for mode in modes:
        lower = f
        for level in range(1, order + 1):
            with notes_kept_back():
                check = _of_diffmagic(posed(lower, inputs, places), names[mode])
            if not check:
                of = f"order {level} in {names[mode]} mode" if order > 1 else f"{names[mode]} mode"
                function = functools.reduce(lambda inner, _: f"jacobian({inner})", range(1, level), "f")
                raise DiffmagicError(f"{of}: {check.summary}", rewrite=f"look at its rows: gradcheck({function}, args)")
            lower = _flat(jacobian(lower, places, mode=names[mode]), function_name(f))


def _flat(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function with all its results in one vector."""

    @functools.wraps(f)
    def flat(*args: Any) -> Any:
        return np.concatenate([np.ravel(leaf) for _, leaf in flatten(f(*args))[0]])

    flat.__name__ = name
    return flat


def _differentiable(inputs: tuple[Any, ...]) -> tuple[int, ...]:
    """The arguments that are not data by their type: those with a number that is not whole."""
    kinds = []
    for value in inputs:
        try:
            kinds.append({np.result_type(leaf).kind for _, leaf in flatten(value)[0]})
        except DiffmagicError:
            kinds.append(set())
    chosen = [k for k, kind in enumerate(kinds) if kind & {"f", "c"}] or [k for k, kind in enumerate(kinds) if kind]
    return tuple(chosen)


# The check.


def _traced(problem: Problem) -> tuple[Derivative | None, Any]:
    """The automatic derivative, if the function can be traced, and its matrix."""
    try:
        with notes_kept_back():
            found = problem.automatic(problem.x)
    except DiffmagicError as error:
        line = f"line {error.location.line}: " if error.location and error.location.line else ""
        rewrite = f". Instead: {error.rewrite}" if error.rewrite else ""
        problem.notes.append(f"there is no automatic derivative: {line}{error.reason}{rewrite}")
    except Exception as error:  # called with plain numbers the function does not stop
        problem.notes.append(f"there is no automatic derivative: {type(error).__name__}: {error}")
    else:
        return found, problem.jacobian(found)
    return None, None


def _against_both(problem: Problem, gradient: Any) -> GradientCheck:
    """The check of a gradient that was given."""
    derivative, true = _traced(problem)
    given = given_gradient(gradient, problem, [copied(arg) for arg in problem.args], true)
    program, traced = (derivative.program, True) if derivative else (None, False)
    case = Case(problem, given.matrix, true if traced else np.full(given.matrix.shape, np.nan), program, traced)
    problem.notes += [*(derivative.notes if derivative else []), *given.notes]
    if callable(gradient) and traced and not np.all(case.same(case.mine, true)):
        case.floor, most = _rough(case, gradient)
        case.lost = np.abs(case.mine - true) <= most
    found = _judged(case, given.eps)
    if found and callable(gradient):
        found.notes.extend(_only_here(case, gradient))
    if given.transposed:
        said = [f"{shape}: compared after transposing" for shape in given.transposed]
        summary = "your gradient has the wrong shape" if found else found.summary
        found = replace(found, verdict="wrong", summary=summary, guesses=said)
    if found.verdict == "wrong":
        found = replace(found, guesses=found.guesses + _guesses(case, gradient))
    return found


def _of_diffmagic(problem: Problem, mode: Mode) -> GradientCheck:
    """The check of the automatic derivative."""
    with notes_kept_back():
        found = problem.automatic(problem.x, mode)
    mine = problem.jacobian(found)
    problem.notes += found.notes
    case = Case(problem, mine, np.full(mine.shape, np.nan), found.program, False)
    return _judged(case, 0.0, "the automatic derivative")


@np.errstate(all="ignore")
def _judged(case: Case, eps: float, who: str = "your gradient") -> GradientCheck:
    problem = case.problem
    steady = precision(case, eps)
    floor = rounding(problem, case.program, case.automatic if case.traced else case.mine, case.eps)
    case.floor = np.maximum(case.floor, floor)
    differences(case)
    taylor = None
    if np.all(np.isfinite(case.mine)):
        taylor = taylor_remainder(problem, case.mine, (case.inner, case.eps), case.program)
    moved = max((remainder for _, remainder in taylor.steps), default=0.0) if taylor else 0.0
    verdicts = verdicts_of(case, float(np.max(np.abs(vector(problem.value)), initial=0.0)) + moved)
    undefined = np.isnan(vector(problem.value))
    if np.any(undefined):
        problem.notes.append("the function is nan at this point, so it has no derivative there")
    verdicts[undefined | (not steady)] = UNKNOWN
    case.right = verdicts == RIGHT
    rows = rows_of(case, verdicts)
    worst = int(np.min(verdicts))
    if taylor and taylor.slope is not None and worst == RIGHT and np.any(case.lost):
        taylor = replace(taylor, slope=None, reading="hidden by rounding, as digits are lost")
    return GradientCheck(VERDICTS[worst], summary_of(case, rows, who), [], problem.notes, rows, taylor)


# The mistake.


def _guesses(case: Case, gradient: Any) -> list[str]:
    """What explains the gradient here, and, if it can be had there, beside this point."""
    true, floor = (case.automatic, case.floor) if case.traced else (case.numerical, TRUSTED * case.error)
    evidence = Evidence(case.problem, case.problem.x, case.mine, true, floor, case.right, case.program)
    found = guesses(evidence)
    if callable(gradient) and found:
        beside = _beside(case, gradient)
        known = guesses(beside) if beside else []
        found = [said for said in found if said in known]
    elif case.mine.size < _ENOUGH:
        found = []
    return [said for said in (place(evidence), *found[:1]) if said]


@np.errstate(all="ignore")
def _only_here(case: Case, gradient: Callable[..., Any]) -> list[str]:
    """That a gradient is right at this point and wrong beside it, as a wrong factor is where the gradient is zero."""
    kinked = case.excused or (case.program and on_a_kink(case.program))
    beside = None if kinked else _beside(case, gradient)
    if beside is None:
        return []
    off = np.where(beside.right | case.lost, 0.0, np.abs(beside.difference))
    off[~(off > _PLAIN * np.maximum(np.abs(beside.mine), np.abs(beside.true)))] = 0.0
    if not np.any(off):
        return []
    row, column = (int(k) for k in np.unravel_index(np.argmax(off), off.shape))
    mine, true = (short(float(matrix[row, column]), 6) for matrix in (beside.mine, beside.true))
    gives = "the automatic derivative gives" if case.traced else "differences give"
    label = case.problem.label(row, column)
    return [f"right at this point and wrong beside it: a little further {label} is {mine}, where {gives} {true}"]


def _beside(case: Case, gradient: Callable[..., Any]) -> Evidence | None:
    """The gradient at another point, so that nothing is taken for a pattern that is chance."""
    x = case.problem.x + _ASIDE * case.problem.direction(3)
    there = _moved(case, gradient, x)
    if there is None:
        return None
    true, floor = there.automatic, case.floor
    if not there.traced:
        differences(there)
        true, floor = there.numerical, TRUSTED * there.error
    right = there.same(there.mine, true, 0.0 if there.traced else there.error)
    return Evidence(there.problem, x, there.mine, true, floor, right, there.program)


def _moved(case: Case, gradient: Callable[..., Any], x: Any) -> Case | None:
    """The same case at another point, if the functions do not stop there."""
    try:
        with notes_kept_back(), np.errstate(all="ignore"):
            problem = posed(case.problem.f, tuple(case.problem.arguments(x)), case.problem.places)
            problem.single = case.problem.single
            mine = given_gradient(gradient, problem, problem.arguments(x)).matrix
            found = problem.automatic(x) if case.traced else None
    except Exception:  # whatever the user's functions raise there
        return None
    automatic = np.full(mine.shape, np.nan) if found is None else problem.jacobian(found)
    program = None if found is None else found.program
    return replace(case, problem=problem, mine=mine, automatic=automatic, program=program)


def _rough(case: Case, gradient: Callable[..., Any]) -> tuple[Any, Any]:
    """How much of the difference from the automatic derivative is rounding, and how much may be."""

    def difference(x: Any) -> Any:
        there = _moved(case, gradient, x)
        return np.full(case.mine.shape, np.nan) if there is None else there.mine - there.automatic

    return roughness(case.problem, case.automatic, difference)
