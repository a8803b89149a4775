"""All methods on one function, side by side: what each finds, how far it is right, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program
from diffmagic.core.recording import Argnums, traced
from diffmagic.core.structures import vector
from diffmagic.core.transforms import jacobian
from diffmagic.methods import Method, differentiate, find, names, run
from diffmagic.operations import forward_operations, function_operations, reverse_operations
from diffmagic.results import Comparison, Contender, Derivative, Scaling


def compare(
    f: Callable[..., Any],
    *args: Any,
    argnums: Argnums = 0,
    methods: Sequence[str] | None = None,
    order: int = 1,
    inputs: Sequence[str] = (),
    results: Sequence[str] = (),
) -> Comparison:
    """Differentiate ``f(*args)`` by several methods.

    The reference is the formula of the derivative at 30 digits where there is one, else reverse accumulation, else the
    method that estimates its own error to be least.

    Parameters
    ----------
    f : callable
    *args
        What to call it with.
    argnums : int, str or sequence of them
        The arguments to differentiate with respect to, by position or name.
    methods : sequence of str, optional
        Names from the registry; all of them by default.
    order : int
    inputs, results : sequence of str, optional
        What to call the numbers and arrays among the inputs, and the results.

    Returns
    -------
    Comparison
        Methods that cannot do what is asked have a row that says why.

    Raises
    ------
    DiffmagicError
        If there is no such method, or none of them succeeds.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> found = diffmagic.compare(np.sin, 1.0, methods=["reverse", "forward-difference"])
    >>> found.reference
    'the formula at 30 digits'
    >>> [(row.method, row.digits > 12) for row in found.rows]
    [('reverse', True), ('forward-difference', False)]
    """
    asked = [methods] if isinstance(methods, str) else names() if methods is None else methods
    chosen = [find(name) for name in asked]
    if not chosen:
        raise DiffmagicError("there are no methods to compare", rewrite='methods=["reverse", "adaptive"]')
    call = {"order": order, "inputs": inputs, "results": results}
    with notes_kept_back():
        found = {method.name: _tried(method, f, args, argnums, call) for method in chosen}
        best, truth, reference = _reference(found, f, args, argnums, call)
        program = best.program or _program(f, args, argnums)
        rows = [_row(method, found[method.name], vector(truth), program, f, args, argnums) for method in chosen]
    notes = [*best.notes, *(["it gives another value at each call"] if _changes(found.values()) else [])]
    return Comparison(best.value, truth, reference, rows, order, notes, best.names, best.entries)


def _tried(
    method: Method, f: Any, args: tuple[Any, ...], argnums: Argnums, call: dict[str, Any]
) -> Derivative | DiffmagicError:
    try:
        return run(method, f, args, argnums, **call)
    except DiffmagicError as error:
        return error


def _reference(
    found: dict[str, Derivative | DiffmagicError], f: Any, args: tuple[Any, ...], argnums: Argnums, call: dict[str, Any]
) -> tuple[Derivative, Any, str]:
    """A derivative to describe the function by, the reference, and where that comes from."""
    tried = {**found}
    if not isinstance(tried.get("reverse"), Derivative):
        tried["reverse"] = _tried(find("reverse"), f, args, argnums, call)
    worked = {name: each for name, each in tried.items() if isinstance(each, Derivative)}
    if not worked:
        raise next(each for each in found.values() if isinstance(each, DiffmagicError))
    name = "reverse" if "reverse" in worked else min(worked, key=lambda name: _own_error(worked[name]))
    best = worked[name]
    from diffmagic.symbolic.method import exact  # with SymPy, which nothing else here needs

    try:
        return best, exact(f, args, argnums, call["order"])[1], "the formula at 30 digits"
    except DiffmagicError:
        return best, best.derivative, "reverse accumulation" if name == "reverse" else name


def _row(
    method: Method,
    found: Derivative | DiffmagicError,
    truth: Any,
    program: Program | None,
    f: Any,
    args: tuple[Any, ...],
    argnums: Argnums,
) -> Contender:
    if isinstance(found, DiffmagicError):
        return Contender(method.name, method.family, failure=found.reason.splitlines()[0])
    error = None if found.error is None else _own_error(found)
    return Contender(
        method.name,
        method.family,
        found.derivative,
        agreement(vector(found.derivative), truth),
        error,
        found.evaluations,
        _operations(method, found, program, f, args, argnums),
        found.size,
        found.elapsed,
    )


def _own_error(found: Derivative) -> float:
    """A method's estimate of its error, relative to the derivative; infinite if it has none."""
    if found.error is None:
        return math.inf
    error = float(np.linalg.norm(vector(found.error))) / (float(np.linalg.norm(vector(found.derivative))) or 1.0)
    return math.inf if math.isnan(error) else error


def _changes(found: Iterable[Derivative | DiffmagicError]) -> bool:
    """Whether the function gave the methods different values."""
    values = [vector(each.value) for each in found if isinstance(each, Derivative)]
    return not all(np.array_equal(value, values[0], equal_nan=True) for value in values)


def agreement(found: Any, truth: Any) -> float | None:
    """In how many significant digits two vectors agree, by their norms: at most the 15.95 that doubles have.

    None if they are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> round(agreement(np.array([3.0, 4.0]), np.array([3.0, 4.005])))
    3
    """
    if found.shape != truth.shape:
        return 0.0
    with np.errstate(invalid="ignore"):
        difference, size = float(np.linalg.norm(found - truth)), float(np.linalg.norm(truth))
    if not (math.isfinite(difference) and math.isfinite(size)):
        return None
    relative = max(difference / (size or 1.0), np.finfo(float).epsneg)
    return max(0.0, -math.log10(relative))


def _operations(
    method: Method, found: Derivative, program: Program | None, f: Any, args: tuple[Any, ...], argnums: Argnums
) -> int | None:
    """The elementary operations that a method took besides evaluating the function once, where they can be counted."""
    if method.family == "numerical":
        return None if program is None else (found.evaluations - 1) * function_operations(program)
    if method.family != "automatic" or method.name == "taylor":
        return None
    lower = f
    for _ in range(found.order - 1):
        lower = jacobian(lower, argnums)
    below = program if found.order == 1 else _program(lower, args, argnums)
    if below is None:
        return None
    return forward_operations(below) if method.name == "forward" else reverse_operations(below)


def _program(f: Any, args: tuple[Any, ...], argnums: Argnums) -> Program | None:
    """The trace of a call; None if it cannot be traced."""
    try:
        return traced(f, args, {}, argnums).program
    except DiffmagicError:
        return None


SCALED = ("forward", "reverse", "central-difference")
"""The methods whose cost is followed as the number of inputs grows."""


def scaling(make: Callable[[int], tuple[Callable[..., Any], tuple[Any, ...]]], name: str, sizes: list[int]) -> Scaling:
    """What forward, reverse and numerical derivatives cost as the number of inputs grows.

    Parameters
    ----------
    make : callable
        ``make(n)`` gives a function and the arguments to call it with; the first is differentiated.
    name : str
        What grows.
    sizes : list of int
        The values of n.

    Examples
    --------
    Speelpenning's product:

    >>> import numpy as np
    >>> def speelpenning(x):
    ...     product = x[0]
    ...     for factor in x[1:]:
    ...         product = product * factor
    ...     return product
    >>> found = scaling(lambda n: (speelpenning, (np.linspace(1, 2, n),)), "n", [1, 2, 5])
    >>> found.operations["forward"], found.operations["reverse"], found.crossing
    ([0, 6, 60], [0, 2, 8], 2)
    """
    found = Scaling(name, sizes, [], [], {method: [] for method in SCALED}, seconds={method: [] for method in SCALED})
    for size in sizes:
        f, args = make(size)
        program = traced(f, args, {}, 0).program
        count = function_operations(program)
        found.inputs.append(sum(int(np.size(variable.value)) for variable in program.inputs))
        found.function.append(count)
        with notes_kept_back():
            runs = {method: differentiate(f, *args, method=method) for method in SCALED}
        for method, each in runs.items():
            found.seconds[method].append(each.elapsed)
        found.operations["forward"].append(forward_operations(program))
        found.operations["reverse"].append(reverse_operations(program))
        found.operations["central-difference"].append((runs["central-difference"].evaluations - 1) * count)
    found.crossing = _crossing(sizes, found.operations["forward"], found.operations["reverse"])
    return found


def _crossing(sizes: list[int], forward: list[int], reverse: list[int]) -> int | None:
    """The first size from which on reverse costs less."""
    crossing = None
    for size, up, back in zip(reversed(sizes), reversed(forward), reversed(reverse), strict=True):
        if back >= up:
            break
        crossing = size
    return crossing
