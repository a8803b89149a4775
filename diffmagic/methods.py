"""The registry: every way to differentiate, under one name and one signature."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from diffmagic.automatic import automatic
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums
from diffmagic.results import Derivative

Family = Literal["automatic", "symbolic", "numerical", "system"]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to differentiate.

    Attributes
    ----------
    name : str
    family : {"automatic", "symbolic", "numerical", "system"}
    function : callable
        ``function(f, args, argnums, order=order, **options)`` returns a `Derivative`.
    orders : int or None
        The highest order it can do; None for any.
    several_inputs, several_outputs : bool
        Whether it can do more than one number.
    options : tuple of str
        What else it accepts.
    """

    name: str
    family: Family
    function: Callable[..., Derivative]
    orders: int | None = None
    several_inputs: bool = True
    several_outputs: bool = True
    options: tuple[str, ...] = ()


METHODS: dict[str, Method] = {}
"""Every method by its name."""


def register(method: Method) -> None:
    """Make a method known under its name."""
    METHODS[method.name] = method


register(Method("forward", "automatic", partial(automatic, mode="forward")))
register(Method("reverse", "automatic", partial(automatic, mode="reverse")))


def find(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    DiffmagicError
        If there is none; it names the nearest.
    """
    if name in METHODS:
        return METHODS[name]
    near = difflib.get_close_matches(name, METHODS, n=1) or METHODS
    raise DiffmagicError(f"there is no method {name!r}", rewrite=" or ".join(map(repr, near)))


def differentiate(
    f: Callable[..., Any],
    *args: Any,
    argnums: Argnums = 0,
    method: str = "reverse",
    order: int = 1,
    **options: Any,
) -> Derivative:
    """The value and derivative of ``f(*args)``, by any method.

    Parameters
    ----------
    f : callable
        A function of numbers and arrays (and of dicts, lists, tuples and dataclasses of them).
    *args
        What to call it with.
    argnums : int, str or sequence of them
        The arguments to differentiate with respect to, by position or name.
    method : str
        A name from the registry: ``"forward"``, ``"reverse"``.
    order : int
        The order of the derivative.
    **options
        What the method accepts besides.

    Returns
    -------
    Derivative
        Its ``derivative`` is the gradient of a scalar result, the Jacobian of an array; of order 2 the Hessian; for a
        function of one number, its derivative of that order.

    Raises
    ------
    DiffmagicError
        If there is no such method, or it cannot do what was asked.

    Examples
    --------
    >>> import diffmagic
    >>> result = diffmagic.differentiate(lambda w, x: (w * x) ** 2, 0.5, 2.0, argnums=("w", "x"))
    >>> result.value, [float(part) for part in result.derivative]
    (1.0, [4.0, 1.0])

    What is not finite is explained:

    >>> import numpy as np
    >>> result = diffmagic.differentiate(lambda x: np.sqrt(x) ** 2, 0.0)
    >>> result.derivative, result.findings[0].chain
    (nan, 'cotangent × ∂/∂x = 0.0 × inf = nan')
    """
    chosen = find(method)
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise DiffmagicError(f"order {order!r} is not a positive whole number", rewrite="order=1, order=2, …")
    if chosen.orders is not None and order > chosen.orders:
        raise DiffmagicError(f"{method} goes up to order {chosen.orders}", rewrite="a lower order or another method")
    for name in options:
        if name not in chosen.options:
            near = difflib.get_close_matches(name, chosen.options, n=1)
            raise DiffmagicError(
                f"{method} has no option {name!r}",
                rewrite=f"{near[0]}=" if near else f"leave {name}= out",
            )
    start = time.perf_counter()
    found = chosen.function(f, args, argnums, order=order, **options)
    found.elapsed = time.perf_counter() - start
    return found
