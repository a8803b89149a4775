"""How many elementary operations a program takes, and its derivative in either mode.

An operation is one arithmetic operation or function evaluation on one number; a whole array counts each of its numbers.
Moving numbers, asking about them and choosing among them is free. What a derivative costs besides the function follows
from the rules that are used:

* A contribution of one operand is the partial derivative times a tangent or cotangent: one multiplication, and the
  operations of the partial itself. A partial that is an operand, or the result, costs nothing; one that is ±1 is not
  multiplied with. Contributions to the same number are added up; a minus sign is part of that addition.
* A forward pass follows all inputs at once, and there is one for each number of the inputs. A reverse pass comes from
  one number of the results.

By this convention Speelpenning's product of five takes 4 operations, its gradient 8 in reverse and 5 × 12 = 60 forward.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.forward import opened
from diffmagic.core.mutation import ASSIGN
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import GETITEM, trace_flat

_SHAPED = "reshape ravel squeeze expand_dims transpose swapaxes moveaxis matrix_transpose rollaxis broadcast_to"
_SAME = "copy astype positive real imag where"
MOVES = frozenset(["float", "complex", "scatter", *(f"np.{name}" for name in [*_SHAPED.split(), *_SAME.split()])])
"""The names of operations that compute nothing, besides indexing, assignment and those that say how they move."""


def function_operations(program: Program) -> int:
    """The operations that computing the results takes.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> function_operations(diffmagic.trace(lambda x: np.sum(np.sin(x) * 2), np.ones(10)))
    29
    """
    return sum(map(_evaluation, program.equations))


def forward_operations(program: Program) -> int:
    """The operations of the Jacobian by forward accumulation, besides those of the function."""
    passes = sum(np.size(variable.value) for variable in program.inputs)
    return int(passes) * _forward(program, set(program.inputs))


def reverse_operations(program: Program) -> int:
    """The operations of the Jacobian by reverse accumulation, besides those of the function."""
    outputs = [out for out in program.outputs if isinstance(out, Variable)]
    moving = _moving(program, set(program.inputs))
    return sum(int(np.size(out.value)) * _reverse(program, [out], moving) for out in outputs)


def _evaluation(equation: Equation) -> int:
    primitive, value = equation.primitive, equation.results[0].value
    if primitive.name in _COUNTS:
        return int(_COUNTS[primitive.name](equation))
    if is_move(equation) or np.result_type(value).kind in "biu":
        return 0
    if primitive.body is not None:
        return function_operations(opened(equation)[0])
    return sum(int(np.size(result.value)) for result in equation.results)


def is_move(equation: Equation) -> bool:
    """Whether an equation computes nothing."""
    primitive = equation.primitive
    return primitive in (GETITEM, ASSIGN) or "call" in equation.params or primitive.name in MOVES


def _moving(program: Program, moving: set[Variable]) -> set[Variable]:
    """The variables that have tangents, if these have."""
    moving = set(moving)
    for equation in program.equations:
        if equation.primitive.differentiable and any(operand in moving for _, operand in _operands(equation)):
            moving.update(equation.results)
    return moving


def _operands(equation: Equation) -> list[tuple[int, Variable]]:
    """The operands that can move and count."""
    partials = equation.primitive.partials
    return [
        (i, operand)
        for i, operand in enumerate(equation.operands)
        if isinstance(operand, Variable) and (partials is None or (partials and partials[i] is not None))
    ]


def _forward(program: Program, inputs: set[Variable]) -> int:
    """One pass."""
    moving, total = _moving(program, inputs), 0
    for equation in program.equations:
        places = [i for i, operand in _operands(equation) if operand in moving]
        if not places or is_move(equation) or not equation.primitive.differentiable:
            continue
        if equation.primitive.body is not None:
            body, own = opened(equation)
            total += _forward(body, {own[i] for i in places})
            continue
        size = sum(int(np.size(result.value)) for result in equation.results)
        total += sum(_contribution(equation, i, forward=True) for i in places) + (len(places) - 1) * size
        total += size if len(places) == 1 and _is_minus(equation, places[0]) else 0
    return total


def _reverse(program: Program, outputs: list[Variable], moving: set[Variable]) -> int:
    """One pass from these results to the variables that move."""
    total = 0
    minus: dict[Variable, int] = {}  # signs, unless an addition takes them in
    reached: dict[Variable, Any] = {out: np.ones(np.shape(out.value), bool) for out in outputs}
    for equation in reversed(program.equations):
        if not equation.primitive.differentiable or not any(result in reached for result in equation.results):
            continue
        places = [(i, operand) for i, operand in _operands(equation) if operand in moving]
        if equation.primitive.body is not None:
            body, own = opened(equation)
            inner = [out for out in body.outputs if isinstance(out, Variable)]
            total += _reverse(body, inner, _moving(body, {own[i] for i, _ in places}))
        for i, operand in places:
            arrivals = _arrivals(equation, i, operand)
            before = reached.get(operand, np.zeros(arrivals.shape, bool))
            added = int(np.sum(arrivals - 1, where=arrivals > 0) + np.sum(before & (arrivals > 0)))
            if equation.primitive.body is None and not is_move(equation):
                total += _contribution(equation, i, forward=False)
                minus[operand] = int(arrivals.size) if _is_minus(equation, i) and not added else 0
            if added:
                minus[operand] = 0
            total += added
            reached[operand] = before | (arrivals > 0)
    return total + sum(minus.values())


def _arrivals(equation: Equation, i: int, operand: Variable) -> Any:
    """How many numbers come back to each number of an operand."""
    shape, primitive = np.shape(operand.value), equation.primitive
    if is_move(equation) and primitive.pull is not None and primitive.name != "np.broadcast_to":
        ones = [np.ones(np.shape(result.value)) for result in equation.results]
        g = ones[0] if len(ones) == 1 else ones
        came = primitive.pull(i, g, equation.value, *equation.arguments, **equation.params)
        return np.reshape(came, shape).astype(int)
    broadcast = primitive.partials is not None or is_move(equation)
    repeats = np.size(equation.results[0].value) // max(math.prod(shape), 1) if broadcast else 1
    return np.full(shape, max(repeats, 1))


def _is_minus(equation: Equation, i: int) -> bool:
    partials = equation.primitive.partials
    return bool(partials) and partials[i] == -1  # type: ignore[index]


def _contribution(equation: Equation, i: int, *, forward: bool) -> int:
    """What one operand adds to a pass: the partial, and the product with it."""
    primitive = equation.primitive
    size = int(np.size(equation.results[0].value))
    if primitive.partials is not None:
        partial = primitive.partials[i]
        if type(partial) is int or primitive.selects:
            return 0
        return size + _traced(equation, lambda _, y, *operands, **params: partial(y, *operands, **params), 0.0)  # type: ignore[misc, operator]
    if primitive.pull is not None and not forward:
        seeds = [np.ones(np.shape(result.value)) for result in equation.results]
        if len(seeds) == 1:
            return _traced(equation, functools.partial(primitive.pull, i), seeds[0])
        return _traced(equation, lambda *all_: primitive.pull(i, seeds, *all_[1:]), 0.0)  # type: ignore[misc]
    assert primitive.push is not None
    return _traced(equation, functools.partial(primitive.push, i), np.ones(np.shape(equation.arguments[i])))


def _traced(equation: Equation, rule: Callable[..., Any], along: Any) -> int:
    """The operations of ``rule(along, y, *operands)``."""
    value = equation.value
    given = [value, *equation.arguments]
    floats = [k for k, one in enumerate(given) if not isinstance(one, tuple) and np.result_type(one).kind == "f"]
    floats = [k for k in floats if k == 0 or isinstance(equation.operands[k - 1], Variable)]

    def run(along: Any, *moving: Any) -> Any:
        filled = list(given)
        for k, tracer in zip(floats, moving, strict=True):
            filled[k] = tracer
        return rule(along, *filled, **equation.params)

    try:
        with np.errstate(all="ignore"):
            return function_operations(trace_flat(run, along, *[given[k] for k in floats])[0])
    except (ArithmeticError, DiffmagicError):
        return int(np.size(value)) if not isinstance(value, tuple) else 1


def _reduced(equation: Equation) -> int:
    return int(np.size(equation.arguments[0]) - np.size(equation.value))


def _running(equation: Equation) -> int:
    size = int(np.size(equation.value))
    return size - size // int(np.shape(equation.value)[equation.params["axis"]])


def _spread(equation: Equation) -> int:
    return 4 * int(np.size(equation.arguments[0]))  # the mean, the deviations, their squares and the sum of these


def _product(equation: Equation) -> int:
    """Each number is a sum of products."""
    a = equation.arguments[0]
    return int(np.size(equation.value)) * (2 * int(np.shape(a)[-1]) - 1)


def _index_sum(equation: Equation) -> int:
    terms, output = equation.params["subscripts"].split("->")
    sizes = {
        letter: n
        for term, operand in zip(terms.split(","), equation.arguments, strict=True)
        for letter, n in zip(term, np.shape(operand), strict=True)
    }
    places = math.prod(sizes.values())
    return int(places * len(equation.arguments) - math.prod(sizes[letter] for letter in output))


def _solve(equation: Equation) -> float:
    a, b = equation.arguments
    return _cubic(2 / 3)(equation) + float(2 * np.size(b) * np.shape(a)[-1])


def _cubic(factor: float) -> Callable[[Equation], float]:
    """The leading term of a method for n × n matrices."""
    return lambda equation: factor * max(np.shape(equation.arguments[0])[-2:]) * np.size(equation.arguments[0])


_COUNTS: dict[str, Callable[[Equation], float]] = {
    "np.sum": _reduced,
    "np.prod": _reduced,
    "np.max": lambda equation: 0,
    "np.min": lambda equation: 0,
    "np.mean": lambda equation: np.size(equation.arguments[0]),
    "np.var": _spread,
    "np.std": lambda equation: _spread(equation) + np.size(equation.value),
    "np.cumsum": _running,
    "np.matmul": _product,
    "np.dot": _product,
    "np.einsum": _index_sum,
    "np.linalg.solve": _solve,
    "np.linalg.inv": _cubic(2),
    "np.linalg.det": _cubic(2 / 3),
    "np.linalg.slogdet": _cubic(2 / 3),
    "np.linalg.cholesky": _cubic(1 / 3),
    "np.linalg.qr": _cubic(4 / 3),
    "np.linalg.eigh": _cubic(9),
    "np.linalg.eig": _cubic(25),
    "np.linalg.svd": _cubic(22),
}
"""What functions of whole arrays take. The factorizations of matrices have the usual leading terms."""
