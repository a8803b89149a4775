"""A derivative as source that a person can read, paste and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back
from diffmagic.core.codegen import Source, source
from diffmagic.core.derivative_program import with_gradient, with_tangents
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program, Variable, summed
from diffmagic.core.replay import replay
from diffmagic.core.statements import Statements
from diffmagic.core.structures import flatten
from diffmagic.core.transforms import jacobian, variable_size
from diffmagic.results import Derivative

_AGREEMENT = 1e-12  # of the largest number: more than libraries differ in from machine to machine

Levels = list[list[Any]]
"""The positions of values, first derivatives and so on among a program's outputs, nested as they are returned."""


def derivative_source(found: Derivative, arrays: Mapping[str, Any] | None = None) -> str:
    """The program that found a derivative, as the source of one function.

    Parameters
    ----------
    found : Derivative
        By an automatic method.
    arrays : mapping of str to ndarray, optional
        The names of arrays that the function may have read. Those too large to be written out become parameters.

    Returns
    -------
    str
        The function takes the inputs; it returns the value and the derivatives, up to the order that was found. It is
        the plain accumulation: at other inputs what a choice leaves out is multiplied by zero, which gives NaN where
        that is infinite.

    Raises
    ------
    DiffmagicError
        If there is no such source, or it would give other numbers than the derivative has.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic.automatic import automatic
    >>> print(derivative_source(automatic(lambda w, x: np.sin(w * x), (0.5, 2.0), (0, 1))))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def gradient(w, x):
        \"""Value and derivative with respect to w and x.\"""
        v1 = w * x
        v2 = np.sin(v1)
        grad_v1 = np.cos(v1)
        grad_w = grad_v1 * x
        grad_x = grad_v1 * w
        return v2, (grad_w, grad_x)
    <BLANKLINE>
    """
    assert found.program is not None
    names = list(Statements(found.program, "traced", found.program.names()).names.values())
    program, levels = _derived(found, found.program)
    name = "gradient" if found.method.endswith("reverse") else "derivative"
    along = "along the seed" if found.kind == "tangent" else f"with respect to {_listed(names)}"
    weighted = " of the result, weighted," if found.kind == "cotangent" else ""
    what = "derivative" if len(levels) == 2 else f"derivatives to order {found.order}"
    gradient = [f"grad_{name}" for name in names] if name == "gradient" else []
    written = source(
        program,
        name,
        about=f"Value and {what}{weighted} {along}",
        outputs=[*[""] * len(found.program.outputs), *gradient],
        returned=lambda texts: ", ".join(_nested(level, texts) for level in levels),
        arrays=arrays,
    )
    _check(found, written, name)
    return written.text


def check_inputs(inputs: Mapping[str, Any], mode: str, order: int) -> None:
    """Refuse what has no source whatever the function is: there is one pass forward for each number.

    Parameters
    ----------
    inputs : mapping of str to number or ndarray
    mode : str
        As for `automatic`.
    order : int

    Raises
    ------
    DiffmagicError
    """
    if order > 1 or mode == "forward":
        for name, value in inputs.items():
            if np.ndim(value) or np.iscomplexobj(value):
                raise DiffmagicError(
                    f"{name} is not one real number, and the source has one pass forward for each",
                    rewrite="--order 1" if order > 1 else "--mode reverse",
                )
    if order > 1 and mode == "reverse":
        raise DiffmagicError("the source of higher derivatives ends in passes forward", rewrite="leave --mode out")
    if order > 2 and len(inputs) > 1:
        raise DiffmagicError(f"there is no source of order {order} in several inputs", rewrite="--order 2")


def _derived(found: Derivative, program: Program) -> tuple[Program, Levels]:
    count, inputs = len(program.outputs), program.inputs
    values = list(range(count))
    if found.kind != "derivative":
        parts = [part for _, part in flatten(found.seed)[0]]
        if found.kind == "tangent":
            along = with_tangents(program, [dict(zip(inputs, parts, strict=True))])
            return along, [values, [count + k for k in values]]
        return with_gradient(program, summed(program.outputs, parts)), [values, [count + k for k in range(len(inputs))]]
    names = program.names()
    check_inputs({names[variable]: variable.value for variable in inputs}, found.method, found.order)
    if found.method.endswith("reverse"):
        derived = with_gradient(program, {_only_number(program): 1.0})
        levels: Levels = [values, [count + k for k in range(len(inputs))]]
    else:
        derived = with_tangents(program, [{variable: 1.0} for variable in inputs])
        levels = [values, [[count + k * len(inputs) + j for j in range(len(inputs))] for k in values]]
    for _ in range(1, found.order):
        derived, levels = _once_more(derived, levels)
    return derived, levels


def _once_more(program: Program, levels: Levels) -> tuple[Program, Levels]:
    """The program with the derivatives of its last ones."""
    last = _flat(levels[-1])
    seeds = [{variable: 1.0} for variable in program.inputs]
    whole = with_tangents(program, seeds)
    rows = [[len(program.outputs) + k * len(seeds) + j for j in range(len(seeds))] for k in last]
    kept = [*range(len(program.outputs)), *_flat(rows)]
    places = {old: new for new, old in enumerate(kept)}
    outputs = [whole.outputs[k] for k in kept]
    return Program(whole.inputs, whole.equations, outputs, whole.guards, whole.versions), [
        *levels,
        [[places[k] for k in row] for row in rows],
    ]


def _only_number(program: Program) -> Variable:
    count = sum(variable_size(out) for out in program.outputs)
    if count != 1 or len(program.outputs) != 1:
        raise DiffmagicError(
            f"the result has {count} numbers, and one pass back is the derivative of one",
            rewrite="end the cell in one number, or weight them: --mode reverse --seed …",
        )
    (out,) = program.outputs
    if not isinstance(out, Variable):
        raise DiffmagicError("the result does not depend on the inputs, so there is no derivative to write")
    return out


def _check(found: Derivative, written: Source, name: str) -> None:
    """Run it: the value and all derivatives must be those that were found."""
    assert found.program is not None
    namespace: dict[str, Any] = {}
    try:
        with np.errstate(all="ignore"):
            exec(written.text, namespace)
            inputs = [variable.value for variable in found.program.inputs]
            returned = namespace[name](*inputs, **written.constants)
    except Exception as error:
        raise DiffmagicError(f"the source stops at this point: {error}", rewrite="--why explains it") from None
    for mine, theirs in zip(returned, _expected(found, found.program), strict=True):
        _compare([np.asarray(part) for part in _flat(mine)], [np.asarray(leaf) for leaf in theirs])


def _expected(found: Derivative, program: Program) -> Iterator[list[Any]]:
    """The value, the derivatives of lower orders, and the derivative that was found, each as a list of numbers."""

    def f(*inputs: Any) -> Any:
        values = replay(program, inputs)
        return [values[out] if isinstance(out, Variable) else out for out in program.outputs]

    yield [out.value if isinstance(out, Variable) else out for out in program.outputs]
    inputs = [variable.value for variable in program.inputs]
    for _ in range(1, found.order):
        f = jacobian(f, tuple(range(len(inputs))), mode="forward")
        with np.errstate(all="ignore"), notes_kept_back():
            yield [leaf for _, leaf in flatten(f(*inputs))[0]]
    yield [leaf for _, leaf in flatten(found.derivative)[0]]


def _compare(mine: list[Any], theirs: list[Any]) -> None:
    forms = [[(part.shape, part.dtype) for part in parts] for parts in (mine, theirs)]
    if forms[0] != forms[1]:
        raise DiffmagicError("the source gives numbers of another type or shape", rewrite="--trace shows every step")
    ours, found = (np.concatenate([np.ravel(part) for part in parts]) for parts in (mine, theirs))
    scale = float(np.max(np.abs(found[np.isfinite(found)]), initial=0.0))
    if not np.allclose(ours, found, rtol=_AGREEMENT, atol=_AGREEMENT * scale, equal_nan=True):
        raise DiffmagicError(
            "straight-line source gives other numbers at this point: it multiplies by zero what an index or a choice "
            "does not take, and that is not finite",
            rewrite="another point; --why explains what is not finite",
        )


def _nested(level: Any, texts: Sequence[str]) -> str:
    if isinstance(level, int):
        return texts[level]
    parts = [_nested(part, texts) for part in level]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _flat(nested: Any) -> list[Any]:
    return [leaf for part in nested for leaf in _flat(part)] if isinstance(nested, list | tuple) else [nested]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
