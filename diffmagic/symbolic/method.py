"""Symbolic differentiation of a function: the formulas of its derivatives, and their values at a point.

This file is imported with diffmagic, and SymPy only when one of its functions is called.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, find_argument, function_name
from diffmagic.core.structures import flatten
from diffmagic.results import Derivative, Symbolic

if TYPE_CHECKING:
    from diffmagic.symbolic.call import Call

_VALUES = "give the inputs values: symdiff(f, 0.5)"
_SAMPLES = (
    (0.7, 1.3, 0.4, 1.9),
    (2.3, 1.7, 3.1, 2.9),
    (0.2, 0.3, 0.1, 0.4),
    (-0.6, -1.2, -0.3, -1.7),
    (12.5, 7.5, 9.5),
)


def symbolic(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: Argnums = 0,
    *,
    order: int = 1,
    simplify: bool = False,
    inputs: Sequence[str] = (),
    results: Sequence[str] = (),
) -> Derivative:
    """Differentiate ``f(*args)`` by its formula, which is then evaluated in double precision.

    Its error is what that loses to round-off, measured against 30 digits.

    Parameters
    ----------
    f, args, argnums, order
        As for `diffmagic.differentiate`.
    simplify : bool
        Whether to simplify the formula of the derivative.
    inputs, results : sequence of str, optional
        What to call the numbers and arrays of the inputs and of the result.

    Returns
    -------
    Derivative

    Raises
    ------
    DiffmagicError
        If there is no formula, or none of a reasonable size.
    """
    from diffmagic.symbolic.call import Call
    from diffmagic.symbolic.functions import numerical, to_digits

    call = Call(f, args, argnums, inputs, results)
    call.check_value()
    expressions = call.derivatives(order, simplify)
    numbers = numerical(call.symbols, expressions)(*call.point)
    derivative, error = call.structured(numbers, order), None
    notes = call.recording.notes + call.formulas.notes
    try:
        exact = to_digits(call.symbols, expressions, call.point)
        with np.errstate(all="ignore"):
            errors = [abs(a - b) for a, b in zip(numbers, exact, strict=True)]
    except DiffmagicError:
        pass
    else:
        error = call.structured(errors, order)
        notes += _lost(numbers, errors)
    if not np.all(np.isfinite(np.asarray(numbers, complex))):
        notes.append("the formula of the derivative is not finite here, which need not be true of the derivative")
    size = sum(int(one.count_ops()) for one in expressions)
    return Derivative(
        value=call.recording.value(),
        derivative=derivative,
        method="symbolic",
        order=order,
        error=error,
        program=call.recording.program,
        notes=notes,
        why=f"the formula of the derivative has {size:,} operation{'s' * (size != 1)}",
        names=call.names,
        entries=call.entries(derivative, order),
        size=size,
    )


def _lost(numbers: list[Any], errors: list[Any]) -> list[str]:
    """A note if round-off leaves few digits."""
    worst = max((error / (abs(number) or 1.0) for number, error in zip(numbers, errors, strict=True)), default=0.0)
    if worst <= 1e-8:
        return []
    digits = max(0, int(-np.log10(worst))) if worst < np.inf else 0
    return [f"about {digits} digits are right here: in double precision the formula's terms cancel or overflow"]


def exact(f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums = 0, order: int = 1) -> tuple[Any, Any]:
    """The value and derivative of ``f(*args)`` at exactly these doubles, computed with 30 digits and rounded once.

    Raises
    ------
    DiffmagicError
        If there is no formula.

    Examples
    --------
    >>> from diffmagic.symbolic.method import exact
    >>> exact(lambda x: (1 + x) - 1, (1e-20,))
    (1e-20, 1.0)
    """
    from diffmagic.symbolic.call import Call
    from diffmagic.symbolic.functions import to_digits

    call = Call(f, args, argnums)
    call.check_value()
    results, derivatives = call.results(), call.derivatives(order)
    numbers = to_digits(call.symbols, results + derivatives, call.point)
    return call.structured(numbers[: len(results)], 0), call.structured(numbers[len(results) :], order)


def symdiff(
    f: Callable[..., Any],
    *values: Any,
    wrt: Argnums | None = None,
    order: int = 1,
    simplify: bool = False,
    results: Sequence[str] = (),
) -> Symbolic:
    """The formulas of a function and of its partial derivatives.

    Parameters
    ----------
    f : callable
        A function of numbers and small arrays (and of dicts, lists, tuples and dataclasses of them).
    *values
        What to call it with; needed where it takes arrays. By default its parameters without a default are numbers.
    wrt : int, str or sequence of them, optional
        The arguments to differentiate with respect to, by position or name. By default all that hold floats; these are
        symbols in any case.
    order : int
    simplify : bool
        Whether to simplify the derivatives.
    results : sequence of str, optional
        What to call the results.

    Returns
    -------
    Symbolic
        Called with values for the symbols, it returns the derivative as numbers.

    Raises
    ------
    DiffmagicError
        If a NumPy call in it has no formula, or the formula would be too long to read.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic.symbolic.method import symdiff
    >>> found = symdiff(lambda w, x: np.sin(w * x) + x**2)
    >>> for entry in found.entries:
    ...     print(entry.wrt, entry.value)
    ('w',) x*cos(w*x)
    ('x',) w*cos(w*x) + 2*x
    >>> found(0.0, 3.0)
    (3.0, 6.0)

    A branch is the piece that is taken at the values, or at some sample values:

    >>> symdiff(lambda x: x**2 if x > 0 else -x, -1.0).notes
    ['holds while not (x > 0)']
    """
    from diffmagic.symbolic.functions import numerical

    if type(order) is not int or order < 1:
        raise DiffmagicError(f"order {order!r} is not a positive whole number", rewrite="order=1, order=2, …")
    call, place = _called(f, values, wrt, results)
    function = numerical(call.symbols, call.derivatives(order, simplify))

    def derivative(*values: Any) -> Any:
        leaves = [leaf for value in values for _, leaf in flatten(value)[0]]
        if [np.shape(leaf) for leaf in leaves] != [array.shape for array in call.formulas.symbols]:
            raise DiffmagicError("the formula was found for values of another form", rewrite=_VALUES)
        numbers = [one for leaf in leaves for one in (np.ravel(leaf) if np.ndim(leaf) else [leaf])]
        return call.structured(function(*numbers), order)

    notes = call.formulas.notes
    return Symbolic(
        names=call.names,
        formulas=call.partials(0),
        entries=call.partials(order, simplify),
        order=order,
        notes=call.recording.notes + [f"found at {place}"] * bool(place and notes) + notes,
        program=call.recording.program,
        function=derivative,
        symbols={label: symbol for symbol, label in call.formulas.labels.items()},
    )


def _called(
    f: Callable[..., Any], values: tuple[Any, ...], wrt: Argnums | None, results: Sequence[str]
) -> tuple[Call, str]:
    """The formulas of a call with these values; without any, with samples, and where these are."""
    from diffmagic.symbolic.call import Call

    def called(values: tuple[Any, ...]) -> Call:
        argnums, chosen = _arguments(f, values, wrt)
        return Call(f, values, argnums, results=results, wrt=chosen)

    if values:
        return called(values), ""
    names = _parameters(f)
    failure: Exception | None = None
    for sample in _SAMPLES:
        numbers = dict(zip(names, itertools.cycle(sample), strict=False))
        try:
            with np.errstate(all="ignore"):
                call = called(tuple(numbers.values()))
        except Exception as error:
            failure = failure or error
            continue
        if all(np.all(np.isfinite(leaf)) for _, leaf in flatten(call.recording.value())[0]):
            return call, ", ".join(f"{name} = {number}" for name, number in numbers.items())
    if isinstance(failure, DiffmagicError):
        raise failure
    why = "it is not finite there" if failure is None else f"{type(failure).__name__}: {failure}"
    raise DiffmagicError(
        f"{function_name(f)} cannot be called with sample numbers: {why}",
        rewrite=_VALUES,
    ) from failure


def _arguments(
    f: Callable[..., Any], values: tuple[Any, ...], wrt: Argnums | None
) -> tuple[Argnums, int | list[int] | None]:
    """The arguments that become symbols, and which of these to differentiate by.

    Floats become symbols; integers only where they are asked for, or where there is nothing else.
    """
    found = {kinds: [k for k, value in enumerate(values) if _is_made_of(value, kinds)] for kinds in ("fc", "iufc")}
    if wrt is None:
        moving = found["fc"] or found["iufc"]
        if not moving:
            raise DiffmagicError("there is no number to differentiate with respect to", rewrite="symdiff(f, 0.5)")
        return moving[0] if len(moving) == 1 else moving, None
    single = isinstance(wrt, int | str)
    chosen: Any = [wrt] if single else wrt
    places = [find_argument(f, one, list(values), {})[1] % len(values) for one in chosen]
    moving = sorted({*found["fc"], *places})
    positions = [moving.index(place) for place in places]
    return moving, positions[0] if single else positions


def _is_made_of(value: Any, kinds: str) -> bool:
    try:
        leaves, _ = flatten(value)
    except DiffmagicError:
        return False
    return bool(leaves) and all(np.result_type(leaf).kind in kinds for _, leaf in leaves)


def _parameters(f: Callable[..., Any]) -> list[str]:
    """The parameters that a call needs."""
    try:
        needed = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError):
        needed = []
    positional = [p.name for p in needed if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not positional or len(positional) != len([p for p in needed if p.kind is not p.VAR_KEYWORD]):
        raise DiffmagicError(f"the parameters of {function_name(f)} are not known", rewrite=_VALUES)
    return positional
