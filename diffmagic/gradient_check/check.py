"""Whether a gradient is right: three derivatives side by side, and what to make of it where they differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program, short
from diffmagic.core.recording import Argnums, function_name
from diffmagic.core.structures import flatten, vector
from diffmagic.core.tracing import concrete
from diffmagic.core.transforms import Mode, jacobian
from diffmagic.gradient_check.given import given_gradient
from diffmagic.gradient_check.kinks import has_kinks, kink_between
from diffmagic.gradient_check.mistakes import Evidence, guesses, place
from diffmagic.gradient_check.problem import Problem, copied, posed
from diffmagic.gradient_check.rounding import roughness, rounding
from diffmagic.gradient_check.taylor import taylor_remainder
from diffmagic.methods import differentiate
from diffmagic.numerical.sides import one_sided
from diffmagic.results import Derivative, GradientCheck, GradientRow, Judgement

_ONE_BY_ONE, _WORST, _DIRECTIONS = 50, 8, 2
_TRUSTED, _UNSEEN = 10.0, 16.0
_ENOUGH, _ASIDE = 3, 1e-3
_NEAR = 1e-6
_DOUBLE = float(np.finfo(np.float64).eps)
_VERDICTS: tuple[Judgement, ...] = ("wrong", "cannot tell", "right")
_WRONG, _UNKNOWN, _RIGHT = range(3)


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
            check = _of_diffmagic(posed(lower, inputs, places), names[mode])
            if not check:
                of = f"order {level} in {names[mode]} mode" if order > 1 else f"{names[mode]} mode"
                raise DiffmagicError(f"{of}: {check.summary}", rewrite="look at its rows: gradcheck(f, args)")
            lower = _flat(jacobian(lower, places, mode=names[mode]), function_name(f))


def _flat(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function with all its results in one vector."""

    def vector(*args: Any) -> Any:
        return np.concatenate([np.ravel(leaf) for _, leaf in flatten(f(*args))[0]])

    vector.__name__ = name
    return vector


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


# The three derivatives.


@dataclass(slots=True)
class _Case:
    """Everything that is known of a gradient, as matrices.

    Attributes
    ----------
    problem : Problem
    mine : ndarray
    automatic : ndarray
        NaN where there is none.
    program : Program or None
    traced : bool
        Whether there is an automatic derivative to compare with.
    eps : float
        The spacing of the numbers in which the user computes.
    inner : float
        That of the numbers in which the function computes when it is given doubles.
    floor : ndarray
        The size of the rounding errors that a right gradient has.
    numerical, error : ndarray
        NaN and infinity where there is none.
    right : ndarray of bool
    doubted : bool
        Whether differences along a direction do not confirm the automatic derivative.
    excused : int
        How many numbers are right because they lie between the two sides of a kink.
    """

    problem: Problem
    mine: Any
    automatic: Any
    program: Program | None
    traced: bool
    eps: float = _DOUBLE
    inner: float = _DOUBLE
    floor: Any = 0.0
    numerical: Any = None
    error: Any = None
    right: Any = None
    doubted: bool = False
    excused: int = 0

    def same(self, a: Any, b: Any, error: Any = 0.0) -> Any:
        """Where two derivatives agree, as far as their numbers can tell."""
        with np.errstate(all="ignore"):
            slack = np.sqrt(self.eps) * np.maximum(np.abs(a), np.abs(b)) + self.floor + _TRUSTED * error
            return np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b) <= slack, np.equal(a, b))


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
    case = _Case(problem, given.matrix, true if traced else np.full(given.matrix.shape, np.nan), program, traced)
    problem.notes += [*(derivative.notes if derivative else []), *given.notes]
    if callable(gradient) and traced and not np.all(case.same(case.mine, true)):
        case.floor = _rough(case, gradient)
    found = _judged(case, given.eps)
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
    case = _Case(problem, mine, np.full(mine.shape, np.nan), found.program, False)
    return _judged(case, 0.0, "the automatic derivative")


def _judged(case: _Case, eps: float, who: str = "your gradient") -> GradientCheck:
    problem = case.problem
    steady = _precision(case, eps)
    floor = rounding(problem, case.program, case.automatic if case.traced else case.mine, case.eps)
    case.floor = np.maximum(case.floor, floor)
    _differences(case)
    verdicts = _verdicts(case)
    if not steady:
        verdicts[:] = _UNKNOWN
    case.right = verdicts == _RIGHT
    rows = _rows(case, verdicts)
    worst = int(np.min(verdicts))
    taylor = None
    if np.all(np.isfinite(case.mine)):
        taylor = taylor_remainder(problem, case.mine, (case.inner, case.eps), case.program)
    return GradientCheck(_VERDICTS[worst], _summary(case, rows, who), [], problem.notes, rows, taylor)


def _precision(case: _Case, eps: float) -> bool:
    """How finely the user and the function compute; and whether the function gives the same number every time."""
    problem = case.problem
    for _, leaf in flatten([*problem.point, problem.value])[0]:
        eps = max(eps, _spacing(leaf))
    again = problem.f(*problem.arguments(problem.x))
    case.inner = max(_DOUBLE, _spacing(again))
    if case.program:
        for equation in case.program.equations:
            spacing = max(_spacing(concrete(result.value)) for result in equation.results)
            if spacing > case.inner:
                line = f"line {equation.location.line}: " if equation.location.line else ""
                problem.notes.append(f"{line}{equation.results[0].dtype} inside, so few digits count")
                case.inner = spacing
    case.eps = max(eps, case.inner)
    if case.eps > case.inner:
        digits = int(-math.log10(case.eps))
        problem.notes.append(
            f"single precision is used, so about {digits} digits count; the function is differentiated in double "
            "precision at the same point"
        )
    values = vector(problem.value), vector(again)
    if np.allclose(*values, rtol=float(np.sqrt(case.eps)), equal_nan=True):
        return True
    problem.notes.append("the function gives other numbers when it is called again, so nothing can be compared")
    return False


def _spacing(value: Any) -> float:
    dtype = np.result_type(value)
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _differences(case: _Case) -> None:
    """The numerical derivative: with many inputs only where it matters most, and along directions."""
    problem, count = case.problem, case.problem.x.size
    case.numerical, case.error = np.full(case.mine.shape, np.nan), np.full(case.mine.shape, np.inf)
    columns = range(count)
    if count > _ONE_BY_ONE and np.all(np.isfinite(case.automatic)):
        with np.errstate(all="ignore"):
            off = np.abs(case.mine - case.automatic) / (np.abs(case.mine) + np.abs(case.automatic) + case.floor)
        off = np.max(np.where(np.isnan(off), np.inf, off), axis=0)
        columns = np.argsort(-off, kind="stable")[:_WORST].tolist()
        for turn in range(1, _DIRECTIONS + 1):
            _along(case, problem.direction(turn))
    for k in columns:

        def moved(number: float, k: int = k) -> Any:
            x = problem.x
            x[k] = number
            return problem(x)

        found, error = _slope(moved, problem.x[k], problem.rows)
        unseen = _UNSEEN * case.inner * np.abs(problem(problem.x)) / problem.scales[k]
        case.numerical[:, k], case.error[:, k] = found, np.maximum(error, unseen)
    _pass_over_kinks(case)


def _pass_over_kinks(case: _Case) -> None:
    """Leave out differences that were taken across a kink beside the point, as they say nothing of the point."""
    problem, program = case.problem, case.program
    if program is None or not has_kinks(program):
        return
    off = ~case.same(case.automatic if case.traced else case.mine, case.numerical, case.error)
    passed: dict[str, None] = {}
    for k in np.flatnonzero(np.any(off, axis=0))[:_ONE_BY_ONE].tolist():
        for side in (-1, 1):
            x = problem.x
            x[k] += side * _NEAR * problem.scales[k]
            where = kink_between(problem, program, x)
            if where:
                passed[where] = None
                case.numerical[:, k], case.error[:, k] = np.nan, np.inf
    problem.notes += [
        f"there is a kink close to the point: {where}; differences across it say nothing" for where in passed
    ]


def _slope(function: Callable[[float], Any], at: float, rows: int) -> tuple[Any, Any]:
    """The numerical derivative of a function from a number to a vector, and its error; NaN where there is none."""
    try:
        with np.errstate(all="ignore"):
            found = differentiate(function, float(at), method="adaptive")
        slope, error = (np.asarray(each, float).reshape(rows) for each in (found.derivative, found.error))
    except (DiffmagicError, ValueError):  # it is not finite beside the point, or has another shape there
        return np.full(rows, np.nan), np.full(rows, np.inf)
    known = np.isfinite(slope) & np.isfinite(error)
    return np.where(known, slope, np.nan), np.where(known, error, np.inf)


def _along(case: _Case, direction: Any) -> None:
    """The automatic derivative against differences, along a direction in which every input moves."""
    exact = case.automatic @ direction
    found, error = _slope(lambda t: case.problem(case.problem.x + t * direction), 0.0, case.problem.rows)
    size = np.sqrt(case.eps) * np.abs(case.automatic) @ np.abs(direction)
    off = np.isfinite(found) & (np.abs(exact - found) > size + _TRUSTED * error)
    if np.any(off):
        case.doubted = True
        k = int(np.argmax(off))
        case.problem.notes.append(
            f"along a direction in which every input moves the automatic derivative gives {short(float(exact[k]), 6)} "
            f"and differences give {_with_error(float(found[k]), float(error[k]))}"
        )


def _with_error(number: float, error: float) -> str:
    return f"{short(number, 6)} ± {short(error, 2)}"


# What to make of them.


def _verdicts(case: _Case) -> Any:
    """For each number an index into `_VERDICTS`."""
    known, measured = ~np.isnan(case.automatic), np.isfinite(case.numerical)
    by_automatic = case.same(case.mine, case.automatic)
    by_numerical = measured & case.same(case.mine, case.numerical, case.error)
    conflict = known & measured & ~case.same(case.automatic, case.numerical, case.error)
    sizes = np.where(measured, np.abs(case.numerical), 0.0)
    resolved = np.maximum(1e-3 * sizes, 1e-10 * np.max(sizes, axis=1, keepdims=True, initial=0.0))
    sharp = measured & (_TRUSTED * case.error <= resolved + case.floor)
    alone = np.where(by_numerical, np.where(sharp, _RIGHT, _UNKNOWN), np.where(measured, _WRONG, _UNKNOWN))
    verdicts = np.where(known, np.where(by_automatic, _RIGHT, _WRONG), alone)
    verdicts = np.where(conflict, np.where(by_automatic | by_numerical, _UNKNOWN, _WRONG), verdicts)
    if case.doubted:
        verdicts = np.where(measured | (verdicts == _WRONG), verdicts, _UNKNOWN)
    verdicts[np.isnan(case.mine) & (known | measured)] = _WRONG
    return _excused(case, verdicts)


def _excused(case: _Case, verdicts: Any) -> Any:
    """At a kink every number between the derivatives from the left and from the right is right."""
    problem = case.problem
    excused: list[str] = []
    missed: list[str] = []
    for k in np.flatnonzero(np.any(verdicts != _RIGHT, axis=0))[:_ONE_BY_ONE].tolist():
        sides = _sides(problem, k)
        if sides is None:
            continue
        low, high = np.minimum(*sides), np.maximum(*sides)
        slack = 1e-6 * (np.abs(low) + np.abs(high))
        kinked = high - low > 1e-4 * np.maximum(np.abs(low), np.abs(high))
        inside = (case.mine[:, k] >= low - slack) & (case.mine[:, k] <= high + slack)
        for row in np.flatnonzero(kinked & (verdicts[:, k] != _RIGHT)).tolist():
            left, right = (short(float(np.round(side[row], 6)) + 0.0, 6) for side in sides)
            said = f"{problem.label(row, k)} is {left} from the left and {right} from the right"
            (excused if inside[row] else missed).append(said)
            verdicts[row, k] = _RIGHT if inside[row] else _WRONG
    case.excused = len(excused)
    for which, meaning in ((excused, "yours lies between, which is right at a kink"), (missed, "yours is neither")):
        if which:
            more = f", and {len(which) - 1} more like it" if len(which) > 1 else ""
            problem.notes.append(f"{which[0]}{more}: {meaning}")
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


def _rows(case: _Case, verdicts: Any) -> list[GradientRow]:
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
                _VERDICTS[verdicts[row, column]],
            )
        )
    order = {verdict: k for k, verdict in enumerate(_VERDICTS)}
    return sorted(rows, key=lambda row: (order[row.verdict], -row.relative_error))


def _relative(mine: float, true: float) -> float:
    if mine == true:
        return 0.0
    error = abs(mine - true) / max(abs(mine), abs(true))
    return error if math.isfinite(error) else math.inf


def _summary(case: _Case, rows: list[GradientRow], who: str) -> str:
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
    differences = f"differences give {_with_error(row.numerical, row.error)}"
    if row.automatic is None:
        return f"{row.label} is {short(row.mine, 6)}, and {differences}"
    return f"{row.label} is {short(row.mine, 6)}, the automatic derivative {short(row.automatic, 6)}, and {differences}"


# The mistake.


def _guesses(case: _Case, gradient: Any) -> list[str]:
    """What explains the gradient here, and, if it can be had there, beside this point."""
    true, floor = (case.automatic, case.floor) if case.traced else (case.numerical, _TRUSTED * case.error)
    evidence = Evidence(case.problem, case.problem.x, case.mine, true, floor, case.right, case.program)
    found = guesses(evidence)
    if callable(gradient) and found:
        beside = _beside(case, gradient)
        found = [said for said in found if said in beside]
    elif case.mine.size < _ENOUGH:
        found = []
    return [said for said in (place(evidence), *found[:1]) if said]


def _beside(case: _Case, gradient: Callable[..., Any]) -> list[str]:
    """What explains the gradient at another point, so that nothing is taken for a pattern that is chance."""
    x = case.problem.x + _ASIDE * case.problem.direction(3)
    there = _moved(case, gradient, x)
    if there is None:
        return []
    true, floor = there.automatic, case.floor
    if not there.traced:
        _differences(there)
        true, floor = there.numerical, _TRUSTED * there.error
    right = there.same(there.mine, true, 0.0 if there.traced else there.error)
    return guesses(Evidence(there.problem, x, there.mine, true, floor, right, there.program))


def _moved(case: _Case, gradient: Callable[..., Any], x: Any) -> _Case | None:
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


def _rough(case: _Case, gradient: Callable[..., Any]) -> Any:
    """What of the difference from the automatic derivative is rounding in the gradient that was given."""

    def beside(x: Any) -> Any:
        there = _moved(case, gradient, x)
        return np.nan if there is None else there.mine - there.automatic

    return roughness(case.problem, case.automatic, case.mine - case.automatic, beside)
