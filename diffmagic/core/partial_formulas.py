"""The local partial derivatives of a step as numbers and as formulas: the rules run on its operands.

A step is one equation, or several that are written as one expression. It is a `Program` whose inputs are its operands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.forward import REAL_NUMBERS, forward, local_partial
from diffmagic.core.primitives import PRIMITIVES, Primitive
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.recording import inexact
from diffmagic.core.tracing import Tracer, apply, concrete, trace_flat


def step_of(equations: Sequence[Equation]) -> Program:
    """Equations of which each is read by the next ones only, as a program."""
    inside = {result for equation in equations for result in equation.results}
    read = [o for equation in equations for o in equation.operands if isinstance(o, Variable) and o not in inside]
    return Program(list(dict.fromkeys(read)), list(equations), [equations[-1].results[0]])


def partial_numbers(step: Program) -> dict[Variable, Any]:
    """The derivative of a step with respect to each of its operands: a number, an array for each element, or a word."""
    (result,) = step.outputs
    word = _word(step)
    with np.errstate(all="ignore"):
        if not word:
            try:
                return _products(step, step.equations)
            except DiffmagicError:
                return dict.fromkeys(step.inputs, "no rule")
        if word == "constant" or any(np.shape(concrete(v.value)) for v in (*step.inputs, result)):
            return dict.fromkeys(step.inputs, word)
        if np.iscomplexobj(concrete(result.value)) or len(step.equations[-1].results) > 1:
            return dict.fromkeys(step.inputs, word)
        return {v: forward(step, {v: inexact(v.value).type(1)}).get(result, 0.0) for v in step.inputs}


def partial_formulas(step: Program) -> Program | None:
    """The same as a program of the result and the operands, in this order; None where there is no formula.

    Where a rule chooses by cases it has the one that applies here.
    """
    (result,) = step.outputs
    if _word(step) or any(equation.primitive.selects for equation in step.equations):
        return None

    def partials(y: Any, *operands: Any) -> list[Any]:
        values = dict(zip(step.inputs, operands, strict=True))
        copies = []
        for equation in step.equations:
            arguments = tuple([values[o] if isinstance(o, Variable) else o for o in equation.operands])
            last = equation is step.equations[-1]
            value = y if last else apply(equation.primitive, arguments, equation.params)
            values[equation.results[0]] = value
            copies.append(
                Equation(
                    equation.primitive,
                    equation.operands,
                    arguments,
                    equation.params,
                    (Variable(value),),
                    equation.origin,
                )
            )
        return list(_products(step, copies).values())

    with np.errstate(all="ignore"):
        point = [_numpys(variable.value) for variable in (result, *step.inputs)]
        try:
            program, _ = trace_flat(partials, *point)
            program, _ = trace_flat(lambda *values: _plainly(program, values), *point)
        except DiffmagicError:  # no rule in this operand
            return None
    return program


def _word(step: Program) -> str:
    """What to say where there is no partial derivative by elements."""
    primitives = [equation.primitive for equation in step.equations]
    if not all(primitive.differentiable for primitive in primitives):
        return "constant"
    return "" if all(primitive.partials for primitive in primitives) else "whole array"


def _products(step: Program, equations: Sequence[Equation]) -> dict[Variable, Any]:
    """The chain rule within a step: element by element, so that nothing is summed."""
    (result,) = step.outputs
    weights: dict[Variable, Any] = {result: None}  # None stands for one
    for equation, plain in zip(reversed(equations), reversed(step.equations), strict=True):
        weight = weights.pop(plain.results[0], 0)
        for i, operand in enumerate(equation.operands):
            if isinstance(operand, Variable) and equation.primitive.partials[i] is not None:  # type: ignore[index]
                part = local_partial(equation, i)
                part = part * 1 if _is_truth(part) and type(part) is not Tracer else part
                part = part if weight is None else _product(weight, part)
                weights[operand] = weights[operand] + part if operand in weights else part
    return {operand: weights[operand] for operand in step.inputs if operand in weights}


def _numpys(value: Any) -> Any:
    """NumPy's number for Python's, which raises where NumPy's is infinite."""
    return np.result_type(value).type(value) if type(value) in (float, complex) else value


def _product(a: Any, b: Any) -> Any:
    for one, other in ((a, b), (b, a)):
        if type(one) is int and abs(one) == 1:
            return other if one == 1 else one * other if _is_truth(other) else -other
    return a * b


def _is_truth(value: Any) -> bool:
    """Whether it is True and False, for which NumPy has a sum and a product of their own and no sign."""
    return np.result_type(concrete(value)) == np.bool_


def _plainly(program: Program, values: Sequence[Any]) -> list[Any]:
    """A program of partial derivatives again, as one would write it here."""
    known = dict(zip(program.inputs, values, strict=True))

    def of(operand: Any) -> Any:
        return known[operand] if isinstance(operand, Variable) else operand

    for equation in program.equations:
        operands = [of(operand) for operand in equation.operands]
        known[equation.results[0]] = _case(equation.primitive, operands, equation.params)
    return [of(out) for out in program.outputs]


def _case(primitive: Primitive, operands: list[Any], params: Mapping[str, Any]) -> Any:
    if primitive is PRIMITIVES[np.where]:
        condition = concrete(operands[0])
        if np.all(condition) or not np.any(condition):
            return operands[1 if np.all(condition) else 2]
    if primitive is PRIMITIVES[np.multiply]:
        for one, other in (operands, operands[::-1]):
            if type(one) in REAL_NUMBERS and one == 1:
                return other
    home = getattr(primitive.function, "__module__", None) or ""
    if "." not in primitive.name and home.startswith("diffmagic.core.primitives."):  # it has no name that people know
        return primitive.function(*operands)
    return apply(primitive, tuple(operands), params)
