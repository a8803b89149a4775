"""A program without what it does not need: dead code, common subexpressions, constants, factors of one.

Every rewriting gives the same numbers to the last bit, signed zeros, infinities and NaN included. So nothing is
reordered, and the best known identities are missing: x + 0.0 is not x for -0.0, x * 0 is not 0 for NaN, and a complex
x * 1.0 is a product with 1 + 0j, which spoils infinities. The one exception is the square, which as a product is exact
to half a unit in the last place, as a power need not be.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.primitives import Primitive, primitive_of
from diffmagic.core.primitives.moves import Call
from diffmagic.core.program import Equation, Guard, Program, Variable
from diffmagic.core.tracing import concrete

_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE = map(primitive_of, (np.add, np.subtract, np.multiply, np.divide))
_POWER, _SQUARE, _NEGATIVE, _COPY, _WHERE = map(primitive_of, (np.power, np.square, np.negative, np.copy, np.where))
_SUM, _RESHAPE, _SPREAD = map(primitive_of, (np.sum, np.reshape, np.broadcast_to))
_SAME = frozenset(
    map(primitive_of, (np.positive, np.real, np.conjugate, np.reshape, np.ravel, np.squeeze, np.broadcast_to))
)
"""What gives back its operand where that is real and has the result's form already."""
_FEW, _SHORT = 4, 16  # elements of an array that are written out: among zeros, and of all


def simplified(program: Program) -> Program:
    """The same program in fewer equations.

    Parameters
    ----------
    program : Program

    Returns
    -------
    Program
        With the same inputs, and variables of its own. Guards on what turned out to be constant are left out.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> print(simplified(diffmagic.trace(lambda x: np.sin(1.0 * x) * np.sin(x), 0.5)))
         x  = 0.5
      1  v1 = np.sin(x)   0.47942554  line 1
      2  v2 = v1 * v1     0.22984885  line 1
    returns v2
    """
    known: dict[Variable, Any] = {variable: variable for variable in program.inputs}
    made: dict[Variable, Equation] = {}
    seen: dict[Any, tuple[Variable, ...]] = {}
    ends = [0]  # how many equations there are after each of the old ones
    for equation in program.equations:
        operands = tuple([known.get(o, o) if isinstance(o, Variable) else o for o in equation.operands])
        found = _rewritten(equation, operands, made)
        if isinstance(found, Equation):
            key = _key(found)
            twins = seen.get(key) if key is not None else None
            if twins is None:
                twins = tuple([Variable(concrete(v.value), v.name) for v in found.results])
                seen[key if key is not None else found] = twins
                found.results = twins
                made.update(dict.fromkeys(twins, found))
            for twin, result in zip(twins, equation.results, strict=True):
                twin.name = twin.name or result.name
            known.update(zip(equation.results, twins, strict=True))
        else:
            known[equation.results[0]] = found
            if isinstance(found, Variable) and found in made:
                found.name = found.name or equation.results[0].name
        ends.append(len(seen))
    outputs = [known.get(out, out) if isinstance(out, Variable) else out for out in program.outputs]
    guards = [Guard(known[g.variable], g.value, ends[g.position]) for g in program.guards]
    guards = [guard for guard in guards if isinstance(guard.variable, Variable)]
    versions = {known[new]: known.get(old, old) for new, old in program.versions.items() if new in known}
    return _alive(program.inputs, list(dict.fromkeys(made.values())), outputs, guards, versions)


def _alive(
    inputs: list[Variable], equations: list[Equation], outputs: list[Any], guards: list[Guard], versions: Any
) -> Program:
    """Only what outputs and guards need."""
    needed = {v for v in (*outputs, *(guard.variable for guard in guards)) if isinstance(v, Variable)}
    kept = []
    for equation in reversed(equations):
        if needed.intersection(equation.results):
            kept.append(equation)
            needed.update(o for o in equation.operands if isinstance(o, Variable))
    kept.reverse()
    alive = set(kept)
    before = [0]
    for equation in equations:
        before.append(before[-1] + (equation in alive))
    guards = _once([Guard(guard.variable, guard.value, before[guard.position]) for guard in guards])
    return Program(inputs, kept, outputs, guards, versions)


def _once(guards: list[Guard]) -> list[Guard]:
    """Each decision where it was first taken."""
    return list({(guard.variable, _identity(guard.value)): guard for guard in reversed(guards)}.values())[::-1]


# What makes two equations one.


def _key(equation: Equation) -> Any:
    """What two equations share that compute the same; None where that cannot be told."""
    operands = tuple([o if isinstance(o, Variable) else _identity(o) for o in equation.operands])
    form = tuple([_form(result.value) for result in equation.results])  # `x * y` and `np.multiply(x, y)` may differ
    call = equation.params.get("call")
    primitive = _identity(call) if isinstance(call, Call) else equation.primitive
    params = tuple([(name, _identity(value)) for name, value in equation.params.items() if name != "call"])
    try:
        commutes = equation.primitive in (_ADD, _MULTIPLY) and _is_real(equation.results[0].value)
        key = primitive, frozenset(operands) if commutes else operands, params, form
        hash(key)
    except TypeError:
        return None
    return key


def _identity(value: Any) -> Any:
    """Something hashable that is equal for the same values of the same type: 0.0 is not -0.0, and NaN is NaN."""
    if isinstance(value, tuple | list):
        return type(value), tuple(map(_identity, value))
    if isinstance(value, dict):
        return tuple([(name, _identity(part)) for name, part in value.items()])
    if isinstance(value, slice):
        return slice, _identity((value.start, value.stop, value.step))
    if isinstance(value, Call):
        return value.function, value.data, _identity(value.args), _identity(value.kwargs)
    if isinstance(value, np.ndarray):
        return "array", value.dtype, value.shape, value.tobytes()
    return type(value), repr(value) if isinstance(value, float | complex | np.inexact) else value


def _form(value: Any) -> Any:
    """What promotion goes by: the type of a number, the shape and dtype of an array."""
    value = concrete(value)
    return (value.shape, value.dtype) if isinstance(value, np.ndarray | np.generic) else type(value)


def _is_real(value: Any) -> bool:
    return np.result_type(concrete(value)).kind == "f"


# What an equation can be instead.


def _rewritten(equation: Equation, operands: tuple[Any, ...], made: dict[Variable, Equation]) -> Any:
    """An equation of its own, or what it gives without one: a variable or a constant."""
    primitive, params, results = equation.primitive, equation.params, equation.results
    if len(results) == 1:
        value = concrete(equation.value)
        if not any(isinstance(o, Variable) for o in operands) and not _is_long(primitive, value):
            return value
        if primitive.partials and isinstance(primitive.function, np.ufunc):
            operands = tuple([_unspread(k, operands, made) for k in range(len(operands))])
        if _is_real(value):
            same = _unchanged(primitive, operands, made)
            if same is not None and _form(_value(same)) == _form(value):
                return same
            if not params:
                primitive, operands = _in_another_form(primitive, operands, value, made)
            elif primitive is _RESHAPE:
                primitive, operands, params = _without_axes(equation, operands, made)
                if primitive is _SUM:
                    results = (Variable(value[()], results[0].name),)  # that of all elements is a number
    arguments = tuple([_value(o) for o in operands])
    return Equation(primitive, operands, arguments, params, results, equation.origin)


def _is_long(primitive: Primitive, value: Any) -> bool:
    """Whether a constant is longer than what it is made of: parts of a large array of zeros."""
    return primitive.name == "scatter" and np.size(value) > _SHORT and int(np.count_nonzero(value)) > _FEW


def _unspread(k: int, operands: tuple[Any, ...], made: dict[Variable, Equation]) -> Any:
    """An operand before it was repeated, beside another of its shape, with which NumPy repeats it itself."""
    operand, value = operands[k], _value(operands[k])
    others = operands[:k] + operands[k + 1 :]
    if not np.ndim(value) or not any(np.shape(_value(other)) == np.shape(value) for other in others):
        return operand
    if isinstance(operand, Variable):
        equation = made.get(operand)
        if equation is None or equation.primitive is not _SPREAD:
            return operand
        (small,) = equation.operands
        return small if isinstance(_value(small), np.ndarray | np.generic) else operand
    first = value.flat[0] if np.size(value) else value
    return first if np.size(value) and value.tobytes() == first.tobytes() * value.size else operand


def _without_axes(
    equation: Equation, operands: tuple[Any, ...], made: dict[Variable, Equation]
) -> tuple[Primitive, tuple[Any, ...], Any]:
    """A sum that keeps its axes, and is then reshaped as if it had not, is a sum that does not."""
    total = made.get(operands[0])
    if total is None or total.primitive is not _SUM or not total.params.get("keepdims"):
        return equation.primitive, operands, equation.params
    (whole,), axes = total.operands, total.params.get("axis")
    shape = np.shape(_value(whole))
    gone = range(len(shape)) if axes is None else [axis % len(shape) for axis in np.atleast_1d(axes)]
    if np.shape(concrete(equation.value)) != tuple(n for axis, n in enumerate(shape) if axis not in gone):
        return equation.primitive, operands, equation.params
    return _SUM, (whole,), {} if len(gone) == len(shape) else {"axis": axes}


def _value(operand: Any) -> Any:
    return concrete(operand.value) if isinstance(operand, Variable) else operand


def _everywhere(operand: Any, number: float) -> bool:
    """Whether an operand is a constant that is this number in all its elements."""
    return not isinstance(operand, Variable) and np.size(operand) > 0 and bool(np.all(np.equal(operand, number)))


def _minus(operand: Any, made: dict[Variable, Equation]) -> Any:
    """What an operand is the negative of; None if it is not written as a negative."""
    if not isinstance(operand, Variable):
        plain = isinstance(operand, float) or (type(operand) is int and operand)
        return -operand if plain and np.signbit(operand) else None
    equation = made.get(operand)
    negative = equation is not None and equation.primitive is _NEGATIVE and _is_real(equation.value)
    return equation.operands[0] if equation is not None and negative else None


def _unchanged(primitive: Primitive, operands: tuple[Any, ...], made: dict[Variable, Equation]) -> Any:
    """The operand that a real result is equal to; None if that is not known."""
    first, last = operands[0], operands[-1]
    if primitive in _SAME and _is_real(_value(first)):
        return first
    if primitive is _COPY and not isinstance(_value(first), np.ndarray):
        return first  # a copy of an array is one that may change
    if primitive is _NEGATIVE:
        return _minus(first, made)  # only the sign bit changes, and back
    if primitive is _MULTIPLY and _everywhere(last, 1):
        return first
    if primitive is _MULTIPLY and _everywhere(first, 1):
        return last
    if primitive in (_DIVIDE, _POWER) and _everywhere(last, 1):
        return first
    if primitive is _ADD and _everywhere(last, 0) and np.all(np.signbit(last)):
        return first  # x + -0.0 is x, also for x = -0.0; x + 0.0 would be 0.0
    if primitive is _ADD and _everywhere(first, 0) and np.all(np.signbit(first)):
        return last
    if primitive is _SUBTRACT and _everywhere(last, 0) and not np.any(np.signbit(last)):
        return first
    if primitive is _WHERE and not isinstance(first, Variable) and np.size(first):
        return operands[1] if np.all(first) else operands[2] if not np.any(first) else None
    return None


def _in_another_form(
    primitive: Primitive, operands: tuple[Any, ...], value: Any, made: dict[Variable, Equation]
) -> tuple[Primitive, tuple[Any, ...]]:
    """The same operation in simpler terms: a negation changes nothing but the sign bit, so it can be put off."""
    if len(operands) != 2:
        return primitive, operands
    a, b = operands
    minus_a, minus_b = _minus(a, made), _minus(b, made)
    if primitive is _ADD and minus_b is not None:
        return _SUBTRACT, (a, minus_b)
    if primitive is _ADD and minus_a is not None:
        return _SUBTRACT, (b, minus_a)
    if primitive is _SUBTRACT and minus_b is not None:
        return _ADD, (a, minus_b)
    if primitive in (_MULTIPLY, _DIVIDE) and minus_b is not None and _everywhere(b, -1):
        return _NEGATIVE, (a,)
    if primitive is _MULTIPLY and minus_a is not None and _everywhere(a, -1):
        return _NEGATIVE, (b,)
    if primitive in (_MULTIPLY, _DIVIDE) and minus_a is not None and minus_b is not None:
        return primitive, (minus_a, minus_b)
    if primitive is _POWER and _everywhere(b, 2) and type(_value(a)) is float and isinstance(value, np.float64):
        return _SQUARE, (a,)  # of a number of Python's; the power of an array is one already
    return primitive, operands
