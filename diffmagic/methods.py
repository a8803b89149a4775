"""The registry: every way to differentiate, under one name and one signature."""

from __future__ import annotations

import difflib
import functools
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, find_argument
from diffmagic.core.structures import flatten
from diffmagic.core.transforms import tell
from diffmagic.results import Derivative

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Family = Literal["automatic", "symbolic", "numerical", "system"]

GROUP = "diffmagic.methods"
"""The group of entry points in which other packages offer a `Method`."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to differentiate.

    Attributes
    ----------
    name : str
    family : {"automatic", "symbolic", "numerical", "system"}
    function : callable or str
        ``function(f, args, argnums, order=order, inputs=inputs, results=results, **options)`` returns a `Derivative`:
        `inputs` and `results` are what to call the numbers and arrays, if that is known. As text, ``"module:name"``,
        it is imported when it is first used.
    settings : mapping
        Keywords that make this method of the function.
    orders : int or None
        The highest order it can do of a function of one number; None for any.
    several_orders : int or None
        The highest order it can do of a function of several numbers; None for any, 0 if it takes one number only.
    several_results : bool
        Whether the result may be more than one number.
    options : tuple of str
        What else it accepts.
    """

    name: str
    family: Family
    function: Callable[..., Derivative] | str
    settings: Mapping[str, Any] = field(default_factory=dict)
    orders: int | None = None
    several_orders: int | None = None
    several_results: bool = True
    options: tuple[str, ...] = ()


METHODS: dict[str, Method] = {}
"""Every method that is loaded, by its name."""


def register(method: Method) -> None:
    """Make a method known under its name."""
    METHODS[method.name] = method


for _mode in ("forward", "reverse"):
    register(Method(_mode, "automatic", "diffmagic.automatic:automatic", {"mode": _mode}))
register(Method("taylor", "automatic", "diffmagic.automatic:taylor", orders=50, several_orders=2))
register(Method("symbolic", "symbolic", "diffmagic.symbolic.method:symbolic", options=("simplify",)))
_BESIDE = ("bounds", "budget")
_STEPS = (*_BESIDE, "step", "relative_step")
for _name, _orders, _options in (
    ("forward-difference", 8, (*_STEPS, "accuracy")),
    ("backward-difference", 8, (*_STEPS, "accuracy")),
    ("central-difference", 8, (*_STEPS, "accuracy")),
    ("richardson", 8, _STEPS),
    ("ridders", 8, _STEPS),
    ("complex-step", 1, _STEPS),
    ("adaptive", 7, (*_BESIDE, "complex")),
):
    register(
        Method(
            _name,
            "numerical",
            "diffmagic.numerical.method:numerical",
            {"method": _name},
            orders=_orders,
            several_orders=2,
            options=_options,
        )
    )


@functools.cache
def _offered() -> Mapping[str, EntryPoint]:
    """What other packages offer, by name."""
    from importlib.metadata import entry_points  # slow to import

    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def names() -> list[str]:
    """The names of all methods, those of other packages last."""
    return [*METHODS, *(name for name in _offered() if name not in METHODS)]


def find(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    DiffmagicError
        If there is none; it names the nearest. If the package that offers it cannot be loaded.
    """
    if name in METHODS:
        return METHODS[name]
    offered = _offered().get(name)
    if offered is None:
        near = difflib.get_close_matches(str(name), names(), n=1) or names()
        raise DiffmagicError(f"there is no method {name!r}", rewrite=" or ".join(map(repr, near)))
    try:
        method = offered.load()
    except Exception as error:  # whatever another package raises
        reason = f"the method {name} of {offered.value} cannot be loaded: {type(error).__name__}: {error}"
        raise DiffmagicError(reason, rewrite="another method, or install what it needs") from error
    if not isinstance(method, Method):
        raise DiffmagicError(f"{offered.value} is not a diffmagic.methods.Method, so there is no method {name}")
    register(method)
    return method


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
        A name from the registry: ``"reverse"``, ``"forward"``, ``"symbolic"``, ``"adaptive"``, …
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
    return run(find(method), f, args, argnums, order=order, **options)


def run(
    method: Method,
    f: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: Argnums = 0,
    *,
    order: int = 1,
    inputs: Sequence[str] = (),
    results: Sequence[str] = (),
    **options: Any,
) -> Derivative:
    """`differentiate` by a method that was found, with names for the numbers and arrays of inputs and results.

    Raises
    ------
    DiffmagicError
        If it cannot do what was asked.
    """
    _check(method, f, args, argnums, order, options)
    function = pkgutil.resolve_name(method.function) if isinstance(method.function, str) else method.function
    start = time.perf_counter()
    found: Derivative = function(
        f, args, argnums, order=order, inputs=inputs, results=results, **method.settings, **options
    )
    found.elapsed = time.perf_counter() - start
    return found


def _check(method: Method, f: Any, args: tuple[Any, ...], argnums: Argnums, order: int, options: Iterable[str]) -> None:
    """Refuse what a method says it cannot do."""
    if not isinstance(order, int | np.integer) or isinstance(order, bool) or order < 1:
        raise DiffmagicError(f"order {order!r} is not a positive whole number", rewrite="order=1, order=2, …")
    if method.orders is not None and order > method.orders:
        raise DiffmagicError(
            f"{method.name} goes up to order {method.orders}",
            rewrite="a lower order, or automatic differentiation, which goes up to any",
        )
    if method.several_orders is not None and order > method.several_orders and _count(f, args, argnums) > 1:
        raise DiffmagicError(
            f"{method.name} goes up to order {method.several_orders} for several numbers at once",
            rewrite="a lower order, or a function of one number: lambda t: f(x + t * direction)",
        )
    for name in options:
        if name not in method.options:
            near = difflib.get_close_matches(name, method.options, n=1)
            others = [other.name for other in METHODS.values() if name in other.options]
            instead = f"leave {name}= out{f', or method={others[0]!r}' if others else ''}"
            raise DiffmagicError(f"{method.name} has no option {name!r}", rewrite=f"{near[0]}=" if near else instead)


def numdiff(
    f: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    method: str = "adaptive",
    order: int = 1,
    step: float | None = None,
    **options: Any,
) -> Callable[..., Any]:
    """The derivative of a function by evaluating it beside the point: for code that cannot be traced.

    Parameters
    ----------
    f : callable
        A function of numbers and arrays (and of dicts, lists, tuples and dataclasses of them).
    argnums : int, str or sequence of them
        The arguments to differentiate with respect to, by position or name.
    method : str
        A numerical method: ``"adaptive"``, ``"central-difference"``, ``"complex-step"``, …
    order : int
        The order of the derivative: any for a function of one number, at most 2 for several.
    step : float, optional
        The step, for methods that have one.
    **options
        What the method accepts besides.

    Returns
    -------
    callable
        Takes what `f` takes; returns the gradient of a scalar result, the Jacobian of an array; of order 2 the Hessian.

    Warns
    -----
    DiffmagicNote
        For what is right and may still surprise.

    Examples
    --------
    >>> import math
    >>> from diffmagic import numdiff
    >>> round(numdiff(math.sin)(0.0), 12)
    1.0
    """
    chosen = find(method)
    if chosen.family != "numerical":
        raise DiffmagicError(f"{method} is not a numerical method", rewrite=f"differentiate(f, x, method={method!r})")
    given = options if step is None else {**options, "step": step}

    def derivative(*args: Any, **kwargs: Any) -> Any:
        function, positional = _positional(f, args, kwargs) if kwargs else (f, args)
        found = run(chosen, function, positional, argnums, order=order, **given)
        tell(found.notes)
        return found.derivative

    derivative.__name__ = f"numdiff_{getattr(f, '__name__', 'function')}"
    return derivative


def _positional(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
    """A call without keywords, as far as it can be had."""
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
    except ValueError:  # a function without a signature
        return functools.partial(f, **kwargs), args
    bound.apply_defaults()
    return (functools.partial(f, **bound.kwargs) if bound.kwargs else f), bound.args


def _count(f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums) -> int:
    """How many numbers vary."""
    chosen = [argnums] if isinstance(argnums, int | str) else argnums
    arguments = list(args)
    places = [find_argument(f, argnum, arguments, {})[1] for argnum in chosen]
    return sum(int(np.size(leaf)) for place in places for _, leaf in flatten(args[place])[0])
