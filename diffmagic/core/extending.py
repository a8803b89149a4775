"""Rules of the user's own, values treated as constant, and recomputing instead of storing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.primitives import Primitive, Rule
from diffmagic.core.reverse import transposed
from diffmagic.core.structures import Rebuild, flatten
from diffmagic.core.tracing import READ_ONLY, apply, concrete, is_traced, refuse


class primitive:  # noqa: N801 — used as a decorator
    """A function with a derivative of the user's own: a trace sees one operation, whatever happens inside.

    The function is called with plain numbers and arrays, so it may do anything. Its derivative is given by one of the
    methods below; each serves forward and reverse accumulation. Higher orders work where the rule is written in
    functions that can be traced.

    Parameters
    ----------
    function : callable
        Takes numbers and arrays by position; keywords are options without a derivative.

    Raises
    ------
    DiffmagicError
        When it is differentiated before a derivative has been given.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> import diffmagic
    >>> @diffmagic.primitive
    ... def erf(x):
    ...     return math.erf(x)
    >>> erf.define_partials(lambda y, x: 2 / math.sqrt(math.pi) * np.exp(-x * x))
    <primitive erf>
    >>> round(diffmagic.grad(erf)(0.5), 12)
    0.878782578935
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        name = str(getattr(function, "__name__", "function"))
        self._primitive = Primitive(name, _on_locked(function, name), push=self._undefined)

    def _undefined(self, i: int, t: Any, *_: Any, **__: Any) -> Any:
        name = self._primitive.name
        refuse(f"{name} has no derivative yet", f"{name}.define_partials(...), .define_jvp(...) or .define_vjp(...)")

    def __call__(self, *args: Any, **options: Any) -> Any:
        return apply(self._primitive, args, options)

    def __repr__(self) -> str:
        return repr(self._primitive)

    def define_partials(self, *partials: Rule | None) -> primitive:
        """Give the derivative of an elementwise function.

        Parameters
        ----------
        *partials : callable or None
            For each operand ``partial(y, *operands)``, of the result's shape; None where the result is constant.
        """
        self._primitive.partials, self._primitive.push, self._primitive.pull = partials, None, None
        return self

    def define_jvp(self, rule: Callable[..., tuple[Any, Any]]) -> primitive:
        """Give the derivative along a direction.

        Parameters
        ----------
        rule : callable
            ``rule(primals, tangents)`` returns ``(value, tangent)``; linear in the tangents, which are zeros for
            arguments that do not move. Reverse accumulation uses its transpose.
        """

        def push(i: int, t: Any, y: Any, *operands: Any, **options: Any) -> Any:
            still = [np.zeros_like(concrete(operand), dtype=float)[()] for operand in operands]
            return rule(operands, tuple(t if k == i else zero for k, zero in enumerate(still)), **options)[1]

        self._primitive.partials, self._primitive.push, self._primitive.pull = None, push, None
        return self

    def define_vjp(self, rule: Callable[..., Any]) -> primitive:
        """Give what a cotangent of the result gives to the arguments.

        Parameters
        ----------
        rule : callable
            ``rule(cotangent, value, *args)`` returns one cotangent for each argument; linear in the cotangent. Forward
            accumulation uses its transpose.
        """

        def pull(i: int, g: Any, y: Any, *operands: Any, **options: Any) -> Any:
            parts = rule(g, y, *operands, **options)
            return parts[i] if isinstance(parts, tuple | list) else parts

        def push(i: int, t: Any, y: Any, *operands: Any, **options: Any) -> Any:
            return transposed(lambda g: pull(i, g, y, *operands, **options), y, t)

        self._primitive.partials, self._primitive.push, self._primitive.pull = None, push, pull
        return self


def _on_locked(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function that gets arrays which it cannot change, as a trace would not see it."""

    def locked(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            value = value.view()
            value.flags.writeable = False
        return value

    def call(*operands: Any, **options: Any) -> Any:
        try:
            return function(*map(locked, operands), **options)
        except ValueError as error:
            if str(error).endswith(READ_ONLY):
                refuse(f"{name} changes its argument in place, which a trace does not see", "x = x.copy() first")
            raise

    return call


_constant = Primitive("stop_gradient", lambda x: x)


def stop_gradient(x: Any) -> Any:
    """A value treated as a constant: the same numbers, and no derivative flows through them.

    Parameters
    ----------
    x : number, ndarray or a container of them

    Returns
    -------
    number, ndarray or container
        The same.

    Examples
    --------
    >>> from diffmagic import grad, stop_gradient
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    leaves, rebuild = flatten(x)
    return rebuild([apply(_constant, (leaf,)) for _, leaf in leaves])


def _numbers(value: Any) -> tuple[list[tuple[str, Any]], Rebuild]:
    """The numbers and arrays in an argument; anything else is passed on as it is."""
    try:
        return flatten(value)
    except DiffmagicError:
        return [], lambda leaves: value


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose intermediate values are recomputed when the derivative needs them, instead of stored.

    Memory for time: inside a gradient, only the arguments and results of `f` are kept, and `f` is called once more.

    Parameters
    ----------
    f : callable
        All that it is differentiated with respect to must be among its arguments.

    Returns
    -------
    callable
        Takes what `f` takes and returns the same.

    Raises
    ------
    DiffmagicError
        By the function returned: if `f` uses a traced value that is not among its arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import checkpoint, grad
    >>> layer = checkpoint(lambda w, x: np.tanh(w * x))
    >>> round(grad(lambda w: layer(w, layer(w, 1.0)))(0.5), 12)
    0.811253492447
    """

    @functools.wraps(f)
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        names = [*range(len(args)), *kwargs]
        split = [_numbers(value) for value in (*args, *kwargs.values())]
        rebuild_result: list[Rebuild] = []

        def run(*values: Any) -> Any:
            rest = iter(values)
            again: dict[Any, Any] = {
                name: rebuild([next(rest) for _ in leaves])
                for name, (leaves, rebuild) in zip(names, split, strict=True)
            }
            positional = [again.pop(k) for k in range(len(args))]
            parts, assemble = flatten(f(*positional, **again), "the result")
            rebuild_result[:] = [assemble]
            results = tuple(part for _, part in parts)
            return results[0] if len(results) == 1 else results

        def compute(*values: Any) -> Any:
            result = run(*values)
            if is_traced(result):
                refuse(
                    f"{getattr(f, '__name__', 'the function')} uses a traced value that is not among its arguments",
                    "pass it as an argument",
                )
            return result

        name = getattr(f, "__name__", "f")
        layer = Primitive(f"checkpoint({name})", _on_locked(compute, name), body=run)
        layer.recomputes = True
        found = apply(layer, tuple(leaf for leaves, _ in split for _, leaf in leaves))
        return rebuild_result[0](list(found) if isinstance(found, tuple) else [found])

    return recomputed
