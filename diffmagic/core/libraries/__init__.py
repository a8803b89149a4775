"""Other libraries' functions, which NumPy's protocols do not reach: one file per module, loaded when first needed.

The library computes the value, and its equation carries the name that the user wrote. Its derivative is that of a NumPy
function (`shares`), or of the same function written in NumPy (`composed`): one line, or one small function.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.hook import MEANINGS, passed
from diffmagic.core.meanings import array, plain
from diffmagic.core.primitives import Primitive, primitive_of
from diffmagic.core.tracing import apply, plain_option, refuse

_SCIPY = {f"scipy.{name}" for name in ("fft", "integrate", "linalg", "signal", "special", "stats")}
_DECLARED = frozenset({"numpy.polynomial", *_SCIPY})
"""The modules with a file beside this one."""

_REWRITES = {
    "scipy.fft": "the product with its matrix: T = scipy.fft.dct(np.eye(n), axis=0), then T @ x",
    "scipy.integrate": "np.trapezoid, or the steps of the method as a loop",
    "scipy.interpolate": "np.interp, or the formula of the piece",
    "scipy.optimize": "the steps of the method as a loop; the solution on plain numbers, then its own derivative",
    "scipy.signal": "np.convolve, or a loop",
    "scipy.sparse": "a dense array: a.toarray() @ x",
    "scipy.stats": "the formula of the distribution in NumPy functions",
    "statistics": "np.mean, np.median, np.std(x, ddof=1), ...",
    "fractions": "floats",
    "decimal": "floats",
    "pandas": "the columns as arrays: frame['name'].to_numpy()",
}
_OF_PLAIN_NUMBERS = frozenset({"statistics", "fractions", "decimal"})
_PERMITS = frozenset({"overwrite_a", "overwrite_b", "check_finite"})  # say nothing of the result


def meaning_of(function: Any) -> Callable[..., Any] | None:
    """What a call of a library's function with traced arguments means; None for other functions."""
    home = _home(function)
    if home in _DECLARED:
        file: Any = importlib.import_module(f"{__name__}.{home.replace('.', '_')}")
        found: Callable[..., Any] | None = file.find(function)
        if found is not None:
            return found
    library = home.partition(".")[0]
    if library not in ("scipy", *_REWRITES):
        return None
    rewrite = _REWRITES.get(home) or _REWRITES.get(library) or "the same in NumPy functions"
    return functools.partial(_tried, function, f"{rewrite}; or diffmagic.primitive with a rule of your own")


def _home(function: Any) -> str:
    """The module that people know a function from: ``scipy.linalg``."""
    return ".".join(str(getattr(function, "__module__", "")).split(".")[:2])


def _name(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    of = "" if owner is None else f"{getattr(owner, 'name', type(owner).__name__)}."
    return f"{_home(function)}.{of}{getattr(function, '__name__', type(function).__name__)}"


def _tried(function: Any, rewrite: str, *args: Any, **kwargs: Any) -> Any:
    """A call that works where a library computes with whatever it is given; otherwise it is refused by its name."""
    if _home(function) not in _OF_PLAIN_NUMBERS:
        try:
            return function(*map(passed, args), **{name: passed(value) for name, value in kwargs.items()})
        except DiffmagicError as error:
            if "cannot become" not in error.reason:
                raise
        except Exception:
            function(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})  # or the user's own
    return refuse(f"{_name(function)} of traced values has no derivative here", rewrite)


# Declaring.


def find(function: Any) -> Callable[..., Any] | None:
    """The meaning that a file has declared."""
    return MEANINGS.get(function)


def shares(function: Any, twin: Any) -> None:
    """Declare a library's function that computes what a NumPy function does: it shares its rule, not its numbers."""
    rule = primitive_of(twin)
    like = rule.body or functools.partial(push_of(twin), None, None, None)
    declare(Primitive(_name(function), function, push=rule.push, pull=rule.pull, body=rule.body), function, like)


def push_of(twin: Any) -> Callable[..., Any]:
    """The rule of a NumPy function."""
    push = primitive_of(twin).push
    assert push is not None, twin
    return push


def composed(function: Any, operands: int = 1) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a library's function by its body in NumPy functions, whose first parameters are the operands.

    Parameters
    ----------
    function : callable
    operands : int
        The other parameters are options.
    """

    def define(body: Callable[..., Any]) -> Callable[..., Any]:
        declare(Primitive(_name(function), function, body=body), function, body, operands)
        return body

    return define


def declare(primitive: Primitive, function: Any, like: Callable[..., Any], operands: int = 1) -> None:
    """Say what a call of a function means: its arguments are given as `like` takes them."""
    signature = inspect.signature(like)
    names = list(signature.parameters)[:operands]
    defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
    permits = _PERMITS.intersection(inspect.signature(function).parameters)

    def meaning(*args: Any, **kwargs: Any) -> Any:
        kwargs = {name: value for name, value in kwargs.items() if name not in permits}
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            inspect.signature(function).bind(*args, **kwargs)  # or is it a mistake of the user's?
            refuse(f"{primitive.name} with these arguments has no derivative here: {error}", "leave the option out")
        found = [listed(given.get(name, defaults[name])) for name in names]
        while found[-1] is None:
            found.pop()
        params = {
            name: plain_option(value, primitive.name)
            for name, value in given.items()
            if name not in names and value is not defaults[name]
        }
        return apply(primitive, tuple(found), params)

    MEANINGS[function] = meaning


def listed(value: Any) -> Any:
    """A list of numbers, some of them traced, as an array."""
    return array(value) if isinstance(value, list | tuple) else value
