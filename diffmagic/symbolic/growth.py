"""The expression swell: how formulas grow with a program, and the automatic derivative does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, traced
from diffmagic.operations import function_operations, reverse_operations
from diffmagic.results import Growth
from diffmagic.symbolic.call import Call


def growth(
    make: Callable[[Any], tuple[Callable[..., Any], tuple[Any, ...]]],
    values: Iterable[Any],
    name: str = "n",
    argnums: Argnums = 0,
) -> Growth:
    """Count the operations of a function that depends on a number, and of its derivatives.

    Parameters
    ----------
    make : callable
        ``make(n)`` gives the function and its arguments.
    values : iterable
        Of that number.
    name : str
        What it is called.
    argnums : int, str or sequence of them
        The arguments to differentiate with respect to.

    Returns
    -------
    Growth

    Examples
    --------
    The logistic map, whose formula doubles with each step:

    >>> from diffmagic.symbolic.growth import growth
    >>> def logistic(n):
    ...     def f(x):
    ...         for _ in range(n - 1):
    ...             x = 4 * x * (1 - x)
    ...         return x
    ...     return f, (0.3,)
    >>> found = growth(logistic, range(1, 5))
    >>> found.formula, found.derivative, found.automatic
    ([0, 3, 8, 18], [0, 2, 21, 82], [0, 7, 14, 21])
    """
    found = Growth(name, list(values))
    for value in found.values:
        f, args = make(value)
        program = traced(f, args, {}, argnums).program
        found.automatic.append(function_operations(program) + reverse_operations(program))
        try:
            call = Call(f, args, argnums)
            found.formula.append(_count(call.results()))
            found.derivative.append(_count(call.derivatives(1)))
        except DiffmagicError as error:
            found.limit = found.limit or error.reason
            for counts in (found.formula, found.derivative):
                counts += [None] * (len(found.automatic) - len(counts))
    if all(count is None for count in found.formula):
        raise DiffmagicError(found.limit, rewrite="%%grad or %%numdiff, which need no formula")
    return found


def _count(expressions: list[Any]) -> int:
    return sum(int(one.count_ops()) for one in expressions)
