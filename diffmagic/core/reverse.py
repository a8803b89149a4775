"""Reverse accumulation: cotangents come back through a program from its results."""

from __future__ import annotations

from collections.abc import Mapping
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
        for i, operand in enumerate(equation.operands):
            if operand.__class__ is not Variable:
                continue
            value = operand.value
            old = cotangents.get(operand)
            if partials is not None:
                part = contribution(equation, i, g, results[0], product)
            elif primitive.add_into is not None and old.__class__ is not Tracer and _is_plain(value, g):
                if operand not in owned:
                    cotangents[operand] = np.zeros(value.shape, value.dtype) if old is None else old.copy()
                    owned.add(operand)
                primitive.add_into(cotangents[operand], g, **equation.params)
                continue
            else:
                part = _pull(equation, i, g)
            if part.__class__ is np.ndarray is value.__class__:
                if part.shape != value.shape or part.dtype is not value.dtype:
                    part = _fitted(part, value)
            elif part.__class__ not in REAL_NUMBERS or value.__class__ not in REAL_NUMBERS:
                part = _fitted(part, value)
            if part is None:
                continue
            if old is None:
                cotangents[operand] = part
            elif operand in owned and part.__class__ is np.ndarray is old.__class__:
                old += part
            else:
                cotangents[operand] = old = old + part
                if old.__class__ is np.ndarray:
                    owned.add(operand)
    return cotangents


def _is_plain(value: Any, g: Any) -> bool:
    """Whether `g` can be added into an array like `value` in place."""
    if value.__class__ is not np.ndarray or value.dtype.kind != "f" or value.ndim == 0:
        return False
    return g.dtype.kind == "f" if g.__class__ is np.ndarray else isinstance(g, float | np.floating)


def _fitted(part: Any, value: Any) -> Any:
    """A cotangent in the shape and dtype of its variable: broadcasting repeated it, so the repeats are summed."""
    like = concrete(value)
    if part is None:
        return None
    kind = like.dtype.kind if hasattr(like, "dtype") else "c" if like.__class__ is complex else "f"
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
    if primitive.push is not None:
        return _transposed(equation, i, g)
    body, inputs = opened(equation)
    parts = zip(body.outputs, g if len(equation.results) > 1 else (g,), strict=True)
    seeds = {out: part for out, part in parts if isinstance(out, Variable) and part is not None}
    return reverse(body, seeds).get(inputs[i])


def _transposed(equation: Equation, i: int, g: Any) -> Any:
    """The transpose of a push rule, which is linear in the tangent: trace it, and go back through the trace."""
    push = equation.primitive.push
    assert push is not None

    def linear(tangent: Any) -> Any:
        return push(i, tangent, equation.value, *equation.arguments, **equation.params)

    like = concrete(equation.arguments[i])
    program, _ = trace_flat(linear, np.zeros_like(like) if np.ndim(like) else like * 0.0)
    seeds: dict[Variable, Any] = {}
    for out, part in zip(program.outputs, g if len(equation.results) > 1 else (g,), strict=True):
        if isinstance(out, Variable) and part is not None:
            seeds[out] = seeds[out] + part if out in seeds else part
    return reverse(program, seeds).get(program.inputs[0])
