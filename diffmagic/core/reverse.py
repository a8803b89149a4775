"""Reverse accumulation: cotangents come back through a program from its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diffmagic.core.forward import REAL_NUMBERS, Product, contribution, opened
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import Tracer, concrete, trace_flat


def reverse(
    program: Program, seeds: Mapping[Variable, Any], product: Product | None = None, *, keep: bool = False
) -> dict[Variable, Any]:
    """The cotangents of the inputs, given those of outputs.

    Parameters
    ----------
    program : Program
    seeds : mapping of Variable to float or ndarray
        The cotangent of each output that counts, in the output's shape.
    product : callable, optional
        ``product(result, cotangent, partial)`` in place of ``cotangent * partial``.
    keep : bool
        Keep the cotangents of all variables, not only those of the inputs.

    Returns
    -------
    dict of Variable to float or ndarray
        A variable that is missing has no influence.
    """
    cotangents: dict[Variable, Any] = dict(seeds)
    take = cotangents.get if keep else cotangents.pop
    owned: set[Variable] = set()  # whose cotangent is an array of ours, to be added to in place
    for equation in reversed(program.equations):
        results = equation.results
        if len(results) == 1:
            g = take(results[0], None)
            if g is None:
                continue
        else:
            g = tuple([take(result, None) for result in results])
            if all([part is None for part in g]):
                continue
        primitive = equation.primitive
        partials = primitive.partials
        if partials is not None and not partials:
            continue
        from_body = None
        if partials is None:
            if primitive.clear is not None and not keep and results[0] in owned:
                _hand_back(equation, g, cotangents, owned)
                continue
            if primitive.body is not None:
                from_body = _pull_body(equation, g)
        for i, operand in enumerate(equation.operands):
            if type(operand) is not Variable:
                continue
            value = operand.value
            old = cotangents.get(operand)
            if partials is not None:
                part = contribution(equation, i, g, results[0], product)
            elif primitive.add_into is not None and type(old) is not Tracer and _is_plain(value, g):
                if operand not in owned:
                    cotangents[operand] = np.zeros(value.shape, value.dtype) if old is None else old.copy()
                    owned.add(operand)
                primitive.add_into(cotangents[operand], g, **equation.params)
                continue
            elif from_body is not None:
                part = from_body.get(i)
            else:
                part = _pull(equation, i, g)
            if type(part) is np.ndarray is type(value):
                if part.shape != value.shape or part.dtype is not value.dtype:
                    part = _fitted(part, value)
            elif type(part) not in REAL_NUMBERS or type(value) not in REAL_NUMBERS:
                part = _fitted(part, value)
            if part is None:
                continue
            if old is None:
                cotangents[operand] = part
            elif operand in owned and type(part) is np.ndarray is type(old):
                old += part
            else:
                cotangents[operand] = old = old + part
                if type(old) is np.ndarray:
                    owned.add(operand)
    return cotangents


def _hand_back(equation: Equation, g: Any, cotangents: dict[Variable, Any], owned: set[Variable]) -> None:
    """An assignment's cotangents, with the array that `g` is of ours for what was not assigned."""
    new, old = equation.operands
    if type(new) is Variable:
        part = _fitted(_pull(equation, 0, g), new.value)
        if part is not None:
            cotangents[new] = cotangents[new] + part if new in cotangents else part
            owned.discard(new)
    if type(old) is Variable:
        g = equation.primitive.clear(g, **equation.params)  # type: ignore[misc]
        cotangents[old] = cotangents[old] + g if old in cotangents else g
        owned.add(old)


def _is_plain(value: Any, g: Any) -> bool:
    """Whether `g` can be added into an array like `value` in place."""
    if type(value) is not np.ndarray or value.dtype.kind != "f" or value.ndim == 0:
        return False
    return g.dtype.kind == "f" if type(g) is np.ndarray else isinstance(g, float | np.floating)


def _fitted(part: Any, value: Any) -> Any:
    """A cotangent in the shape and dtype of its variable: broadcasting repeated it, so the repeats are summed."""
    like = concrete(value)
    if part is None:
        return None
    kind = like.dtype.kind if hasattr(like, "dtype") else "c" if type(like) is complex else "f"
    if kind not in "fc":
        return None
    have = concrete(part)
    shape, wide = np.shape(like), np.shape(have)
    if shape != wide:
        extra = tuple(range(len(wide) - len(shape)))
        ones = tuple(k for k in range(len(extra), len(wide)) if shape[k - len(extra)] == 1 and wide[k] != 1)
        if extra or ones:
            part = np.sum(part, axis=extra + ones, keepdims=True)
            part = np.reshape(part, shape)
        if np.shape(concrete(part)) != shape:
            part = np.broadcast_to(part, shape)
    if kind == "f" and np.iscomplexobj(have):
        part = np.real(part)
    if hasattr(like, "dtype") and np.result_type(concrete(part)) != like.dtype:
        part = part.astype(like.dtype) if hasattr(part, "astype") else like.dtype.type(part)
    return part


def _pull(equation: Equation, i: int, g: Any) -> Any:
    primitive = equation.primitive
    if primitive.pull is not None:
        return primitive.pull(i, g, equation.value, *equation.arguments, **equation.params)
    return _transposed_push(equation, i, g)


def _pull_body(equation: Equation, g: Any) -> dict[int, Any]:
    """What a composite gives to each of its traced operands, by one pass back through its body."""
    body, inputs = opened(equation)
    found = reverse(body, _seeds(body, g, len(equation.results)))
    if equation.primitive.recomputes:
        equation.opened = None
    return {i: found.get(variable) for i, variable in inputs.items()}


def _seeds(program: Program, g: Any, results: int) -> dict[Variable, Any]:
    """The cotangents of a program's outputs, where one variable may be an output twice."""
    seeds: dict[Variable, Any] = {}
    for out, part in zip(program.outputs, g if results > 1 else (g,), strict=True):
        if isinstance(out, Variable) and part is not None:
            seeds[out] = seeds[out] + part if out in seeds else part
    return seeds


def _transposed_push(equation: Equation, i: int, g: Any) -> Any:
    push = equation.primitive.push
    assert push is not None

    def linear(tangent: Any) -> Any:
        return push(i, tangent, equation.value, *equation.arguments, **equation.params)

    return transposed(linear, equation.arguments[i], g, len(equation.results))


def transposed(linear: Callable[[Any], Any], like: Any, g: Any, results: int = 1) -> Any:
    """The transpose of a linear function, by going back through its trace.

    Parameters
    ----------
    linear : callable
        Of one number or array; it returns as many as `results` says.
    like : number or ndarray
        What its argument looks like.
    g : number or ndarray, or a tuple of them or None
        What its transpose is applied to.

    Returns
    -------
    number, ndarray or None
        None stands for zero.
    """
    like = concrete(like)
    program, _ = trace_flat(linear, np.zeros_like(like) if np.ndim(like) else like * 0.0)
    return reverse(program, _seeds(program, g, results)).get(program.inputs[0])
