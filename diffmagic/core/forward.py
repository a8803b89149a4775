"""Forward accumulation: tangents go through a program along with its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import Tracer, concrete, is_hollow, trace_flat

Product = Callable[[Variable, Any, Any], Any]
REAL_NUMBERS = frozenset({float, np.float64})


def forward(program: Program, seeds: Mapping[Variable, Any], product: Product | None = None) -> dict[Variable, Any]:
    """The tangents of all variables, given those of inputs.

    Parameters
    ----------
    program : Program
    seeds : mapping of Variable to float or ndarray
        The tangent of each input that moves, in the input's shape.
    product : callable, optional
        ``product(operand, tangent, partial)`` in place of ``tangent * partial``.

    Returns
    -------
    dict of Variable to float or ndarray
        A variable that is missing does not move.
    """
    tangents: dict[Variable, Any] = dict(seeds)
    owned: set[Variable] = set()  # whose tangent is an array of ours, from an assignment
    for equation in program.equations:
        primitive = equation.primitive
        partials = primitive.partials
        if partials is not None and not partials:
            continue
        if partials is None and primitive.clear is not None:
            owned.add(equation.results[0])
            if _assigned(equation, tangents, owned):
                continue
        total: Any = None
        for i, operand in enumerate(equation.operands):
            if type(operand) is not Variable:
                continue
            tangent = tangents.get(operand)
            if tangent is None:
                continue
            if partials is None:
                part = _push(equation, i, tangent)
            else:
                part = contribution(equation, i, tangent, operand, product)
            total = part if total is None else _sum(total, part)
        if total is None:
            continue
        if len(equation.results) == 1:
            total = (total,)
        for result, part in zip(equation.results, total, strict=True):
            if part is not None:
                plain = type(part) in REAL_NUMBERS and type(result.value) in REAL_NUMBERS
                tangents[result] = part if plain else spread(part, result.value)
    return tangents


def _assigned(equation: Equation, tangents: dict[Variable, Any], owned: set[Variable]) -> bool:
    """Go through an assignment in place, where nothing else will ever read the tangent of the old value."""
    new, old = equation.operands
    if type(old) is not Variable or old not in owned or not is_hollow(old.value):
        return False
    t, tangent = tangents.get(old), tangents.get(new) if type(new) is Variable else None
    if type(t) is not np.ndarray or type(tangent) is Tracer:
        return False
    t[equation.params["key"]] = 0.0 if tangent is None else tangent
    tangents[equation.results[0]] = tangents.pop(old)
    return True


def contribution(equation: Equation, i: int, g: Any, variable: Variable, product: Product | None) -> Any:
    """A tangent or cotangent times the local partial derivative of operand `i`; None if the operand does not count."""
    primitive = equation.primitive
    partial = primitive.partials[i]  # type: ignore[index]
    if partial is None:
        return None
    if type(partial) is int:
        weight = partial
    else:
        try:  # as in `local_partial`, without another call: most of a gradient is spent here
            weight = partial(equation.results[0].value, *equation.arguments, **equation.params)  # type: ignore[operator]
        except (ZeroDivisionError, OverflowError, DiffmagicError):
            weight = local_partial(equation, i)
        if primitive.selects:
            return selected(weight, g)
    if product is not None:
        return product(variable, g, weight)
    return g * weight if type(partial) is not int else g if partial == 1 else -g


def local_partial(equation: Equation, i: int) -> Any:
    """The partial derivative of an elementwise equation with respect to operand `i`, at the operands' values."""
    partial = equation.primitive.partials[i]  # type: ignore[index]
    if partial is None or type(partial) is int:
        return partial or 0
    try:
        return partial(equation.results[0].value, *equation.arguments, **equation.params)  # type: ignore[operator]
    except DiffmagicError as error:
        error.location = equation.location  # where the user called the function, not where it is differentiated
        raise
    except (ZeroDivisionError, OverflowError):  # Python's numbers raise where NumPy's give infinity
        values = [
            a * np.result_type(concrete(a), np.float64).type(1) if type(concrete(a)) in (int, float, complex) else a
            for a in (equation.results[0].value, *equation.arguments)
        ]
        return partial(*values, **equation.params)  # type: ignore[operator]


def selected(weight: Any, part: Any) -> Any:
    """What a choice lets through: exactly nothing where the weight is zero."""
    if np.ndim(weight) == 0 == np.ndim(part):
        return part * weight if weight != 0 else 0.0
    return np.where(np.equal(weight, 0), 0.0, part * weight)


def _push(equation: Equation, i: int, tangent: Any) -> Any:
    push = equation.primitive.push
    if push is not None:
        return push(i, tangent, equation.value, *equation.arguments, **equation.params)
    body, inputs = opened(equation)
    tangents = forward(body, {inputs[i]: tangent})
    parts = [tangents.get(out) if isinstance(out, Variable) else None for out in body.outputs]
    return parts[0] if len(equation.results) == 1 else parts


def opened(equation: Equation) -> tuple[Program, dict[int, Variable]]:
    """A composite's body as a program, and the input that stands for each traced operand."""
    if equation.opened is None:
        places = [i for i, operand in enumerate(equation.operands) if isinstance(operand, Variable)]
        body = equation.primitive.body
        assert body is not None, equation.primitive

        def of_traced(*traced: Any) -> Any:
            operands = list(equation.arguments)
            for i, tracer in zip(places, traced, strict=True):
                operands[i] = tracer
            return body(*operands, **equation.params)

        try:
            program, _ = trace_flat(of_traced, *[equation.arguments[i] for i in places])
        except DiffmagicError as error:
            error.location = equation.location  # where the user called the composite, not where it is differentiated
            raise
        if equation.primitive.recomputes:
            _check_repeated(equation, program)
        equation.opened = program, dict(zip(places, program.inputs, strict=True))
    return equation.opened


def _check_repeated(equation: Equation, program: Program) -> None:
    """What is computed again must be what it was."""
    for result, out in zip(equation.results, program.outputs, strict=True):
        again = concrete(out.value if isinstance(out, Variable) else out)
        if not np.array_equal(again, concrete(result.value), equal_nan=True):
            raise DiffmagicError(
                f"{equation.primitive.name} is computed again and gives another value: something that it reads has "
                "changed",
                rewrite="pass what it reads as an argument",
                location=equation.location,
            )


def _sum(total: Any, part: Any) -> Any:
    if isinstance(total, list | tuple):
        return [_sum(a, b) for a, b in zip(total, part, strict=True)]
    return part if total is None else total if part is None else total + part


def spread(part: Any, value: Any) -> Any:
    """A tangent in its variable's shape and dtype: where broadcasting repeats a value it repeats the tangent."""
    like, have = concrete(value), concrete(part)
    if np.shape(have) != np.shape(like):
        part = np.broadcast_to(part, np.shape(like))
    if np.iscomplexobj(have) and not np.iscomplexobj(like):
        part = np.real(part)
    dtype = getattr(like, "dtype", None)
    if dtype is not None and dtype != getattr(part, "dtype", dtype) and dtype.kind == part.dtype.kind:
        part = part.astype(dtype)
    return part
