"""What a primitive is, and the registry of all of them. The families stand in the files beside this one."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from diffmagic.core.errors import DiffmagicError

Rule = Callable[..., Any]

PRIMITIVES: dict[Any, Primitive] = {}
"""Every NumPy function that is recorded as it is, and its primitive."""

HANDLERS: dict[Any, Callable[..., Any]] = {}
"""Every NumPy function that takes options, and the function that turns a call of it into primitives."""

_HOMES = ("numpy", "scipy.special", "scipy.special._ufuncs")  # of ufuncs, which do not say where they belong


class Primitive:
    """An elementary operation and how it is differentiated.

    Of the ways to give the derivative one is enough. A primitive with none is constant almost everywhere.

    Attributes
    ----------
    name : str
        What the user calls it: ``np.exp``.
    function : callable
        ``function(*operands, **params)`` computes the result from plain values.
    partials : tuple or None
        For an elementwise function: one entry per operand. ``partial(y, *operands, **params)`` is the derivative with
        respect to that operand; the numbers 1 and -1 stand for themselves, None for an operand that does not count.
        Empty for a function that is constant almost everywhere, None where a rule below is given instead.
    selects : bool
        The partials are weights of a choice: where one is zero the operand contributes exactly nothing, even infinity.
    push : callable or None
        ``push(i, t, y, *operands, **params)`` is the tangent that operand `i`, with tangent `t`, gives the result.
    pull : callable or None
        ``pull(i, g, y, *operands, **params)`` is what the cotangent `g` of the result gives operand `i`. Where only
        `push` is given, this is its transpose, found by tracing it.
    add_into : callable or None
        ``add_into(buffer, g, **params)`` adds ``pull(0, g, ...)`` to a plain array in place: for operations that
        touch a small part of a large operand.
    clear : callable or None
        ``clear(g, **params)`` makes the cotangent of the last operand from that of the result, in place.
    body : callable or None
        For a composite: the same function written in other primitives.
    keeps_positions : bool
        Without being elementwise, it leaves each element where it is.
    multilinear : bool
        It is linear in each operand, and multiplies each by all others.
    recomputes : bool
        The program of its body is let go after each pass.
    symbol : str
        The operator it is written with, if it is: ``*``.
    """

    __slots__ = (
        "add_into",
        "body",
        "clear",
        "function",
        "keeps_positions",
        "multilinear",
        "name",
        "partials",
        "pull",
        "push",
        "recomputes",
        "selects",
        "symbol",
    )

    def __init__(
        self,
        name: str,
        function: Rule,
        *,
        partials: tuple[Rule | int | None, ...] | None = None,
        selects: bool = False,
        push: Rule | None = None,
        pull: Rule | None = None,
        add_into: Rule | None = None,
        body: Rule | None = None,
        symbol: str = "",
    ) -> None:
        self.name = name
        self.function = function
        self.partials = partials if push or pull or body else partials or ()
        self.selects = selects
        self.push = push
        self.pull = pull
        self.add_into = add_into
        self.clear: Rule | None = None
        self.keeps_positions = False
        self.multilinear = False
        self.recomputes = False
        self.body = body
        self.symbol = symbol

    def reads(self, traced: list[bool]) -> frozenset[int]:
        """What the partials with respect to the traced operands read: 0 for the result, 1, 2, … for the operands."""
        partials = [partial for partial, counts in zip(self.partials or (), traced, strict=True) if counts]
        return frozenset().union(*(_read(partial) for partial in partials if callable(partial)))

    @property
    def differentiable(self) -> bool:
        """Whether any operand counts."""
        return bool(self.partials) or self.push is not None or self.body is not None

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


_EVERYTHING = frozenset(range(100))


@functools.cache
def _read(partial: Rule) -> frozenset[int]:
    """Which of its arguments a function reads, by its bytecode."""
    code = getattr(partial, "__code__", None)
    if code is None or code.co_cellvars or code.co_flags & inspect.CO_VARARGS:
        return _EVERYTHING
    names = code.co_varnames[: code.co_argcount]
    read: set[str] = set()
    for instruction in dis.get_instructions(code):
        if "LOAD_FAST" in instruction.opname:
            read.update(instruction.argval if isinstance(instruction.argval, tuple) else [instruction.argval])
    return frozenset(k for k, name in enumerate(names) if name in read)


def primitive_of(function: Any) -> Primitive:
    """The primitive that records a NumPy function, made when first asked for."""
    if function not in PRIMITIVES:
        PRIMITIVES[function] = Primitive(public_name(function), function)
    return PRIMITIVES[function]


def define(function: Any, *partials: Rule | int | str | None, selects: bool = False, symbol: str = "") -> Primitive:
    """Declare an elementwise function by one partial per operand, or the operand's name where there is none."""
    primitive = primitive_of(function)
    primitive.partials = tuple(_without_rule(primitive, p) if isinstance(p, str) else p for p in partials)
    primitive.selects = selects
    primitive.symbol = symbol
    return primitive


def _without_rule(primitive: Primitive, operand: str) -> Rule:
    """The partial that has no formula."""

    def refused(*_: Any, **params: Any) -> NoReturn:
        raise DiffmagicError(
            f"{primitive.name} has no derivative in {operand} here",
            rewrite=f"a number for {operand} that does not depend on the inputs",
        )

    return refused


def define_kernel(
    function: Any, *, push: Rule | None = None, pull: Rule | None = None, body: Rule | None = None, symbol: str = ""
) -> Primitive:
    """Declare a function that is not elementwise, by its own rules or by its body in other primitives."""
    primitive = primitive_of(function)
    primitive.partials, primitive.push, primitive.pull, primitive.body = None, push, pull, body
    primitive.symbol = symbol
    return primitive


def constant(*functions: Any) -> None:
    """Declare elementwise functions whose derivative is zero almost everywhere."""
    for function in functions:
        primitive_of(function)


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what a call of these NumPy functions does on traced arrays."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            HANDLERS[function] = handler
        return handler

    return register


def said(**options: tuple[Any, Any]) -> dict[str, Any]:
    """Of pairs of an option and its default, the options that say something: these go into the program.

    Examples
    --------
    >>> said(n=(2, 1), axis=(-1, -1), norm=(None, None))
    {'n': 2}
    """
    return {
        name: value
        for name, (value, default) in options.items()
        if not (value is default or (type(value) is type(default) and value == default))
    }


def public_name(function: Any) -> str:
    """The name that people write: ``np.linalg.norm``, ``scipy.special.expit``.

    Examples
    --------
    >>> import numpy as np
    >>> public_name(np.exp), public_name(np.linalg.norm)
    ('np.exp', 'np.linalg.norm')
    """
    name = str(getattr(function, "__name__", function))
    homes = (home for home in _HOMES if getattr(sys.modules.get(home), name, None) is function)
    module = getattr(function, "__module__", None) or next(homes, "")
    return f"{module.replace('numpy', 'np', 1)}.{name}".lstrip(".")
