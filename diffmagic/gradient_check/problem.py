"""A function at a point, as its checks need it: a vector in, a vector out, and what the numbers are called."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, find_argument, function_name, parameter_names
from diffmagic.core.structures import flatten, is_leaf, like, vector
from diffmagic.labels import component, partial_label
from diffmagic.methods import differentiate
from diffmagic.results import Derivative

GOLDEN = 0.6180339887498949


@dataclass(slots=True)
class Problem:
    """A function and the point at which its derivative is checked.

    The point is a vector in double precision: what is given in single precision is differentiated in double.

    Attributes
    ----------
    f : callable
    args : tuple
    places : tuple of int
        The positions of the arguments that it is differentiated with respect to.
    single : bool
        Whether one argument was chosen by itself, not a tuple of them.
    names : list of str
        What each number or array among these arguments is called.
    value : number or ndarray
        What the function gives there.
    parameters : list of str
        What every argument is called.
    notes : list of str
    """

    f: Callable[..., Any]
    args: tuple[Any, ...]
    places: tuple[int, ...]
    single: bool
    names: list[str] = field(default_factory=list)
    value: Any = None
    parameters: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def point(self) -> tuple[Any, ...]:
        return tuple(self.args[place] for place in self.places)

    @property
    def x(self) -> Any:
        return vector(self.point)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the numbers and arrays among the chosen arguments."""
        return [np.shape(leaf) for _, leaf in flatten(self.point)[0]]

    @property
    def columns(self) -> list[slice]:
        """Where each of them stands in the vector."""
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        return [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]

    @property
    def rows(self) -> int:
        return int(np.size(self.value))

    @property
    def above(self) -> tuple[int, ...]:
        """The shape of the result, for a derivative's shape: that of one number is empty."""
        return np.shape(self.value) if self.rows != 1 else ()

    @property
    def scales(self) -> Any:
        """The size over which each input may be thought to change: its own, or that of the largest if it is zero."""
        sizes = np.abs(self.x)
        return np.where(sizes > 0, sizes, np.max(sizes, initial=0.0) or 1.0)

    def arguments(self, x: Any) -> list[Any]:
        """All arguments, with these numbers in the chosen ones and copies of the arrays in the others."""
        arguments = [copied(arg) for arg in self.args]
        for place, part in zip(self.places, like(self.point, np.array(x)), strict=True):
            arguments[place] = part
        return arguments

    def __call__(self, x: Any) -> Any:
        """The function's numbers at x; NaN where it is not real."""
        with np.errstate(all="ignore"):
            numbers = vector(self.f(*self.arguments(x)))
        return np.full(numbers.shape, np.nan) if np.iscomplexobj(numbers) else numbers

    def automatic(self, x: Any, method: str = "reverse") -> Derivative:
        with np.errstate(all="ignore"):
            return differentiate(self.f, *self.arguments(x), argnums=self.places, method=method)

    def jacobian(self, found: Derivative) -> Any:
        """A derivative as a matrix: a row for each number of the result, a column for each of the inputs."""
        return np.hstack([np.reshape(entry.value, (self.rows, -1)) for entry in found.entries]).astype(float)

    def label(self, row: int, column: int) -> str:
        """What one number of the matrix is called."""
        of = "" if function_name(self.f) == "the function" else function_name(self.f)
        for name, shape, where in zip(self.names, self.shapes, self.columns, strict=True):
            if where.start <= column < where.stop:
                below = component(name, shape, column - where.start)
                return partial_label(component(of, np.shape(self.value), row), [below])
        raise IndexError(column)

    def direction(self, turn: int) -> Any:
        """A fixed direction in which every input moves, on its own scale."""
        return self.scales * spread(self.x.size, turn)


def spread(count: int, turn: int) -> Any:
    """Fixed numbers between 1/2 and 1 in size, of either sign, without a pattern."""
    numbers = 2 * (turn * GOLDEN * np.arange(1, count + 1) % 1.0) - 1
    return np.where(numbers < 0, -0.5, 0.5) + numbers / 2


def posed(f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums) -> Problem:
    """The problem of differentiating ``f(*args)``, which is called once as it stands."""
    single = isinstance(argnums, int | np.integer | str)
    chosen = [argnums] if single else list(argnums)  # type: ignore[arg-type]
    places = tuple(find_argument(f, argnum, list(args), {})[1] % len(args) for argnum in chosen)
    problem = Problem(f, args, places, single, parameters=parameter_names(f, len(args)))
    for place in places:
        leaves = flatten(args[place], problem.parameters[place])[0]
        problem.names += [name for name, _ in leaves]
        if any(np.iscomplexobj(leaf) for _, leaf in leaves):
            raise DiffmagicError(
                f"{problem.parameters[place]} is complex, and a gradient is checked for real numbers",
                rewrite="its real and its imaginary part as two inputs",
            )
    if not problem.names or not problem.x.size:
        raise DiffmagicError("there are no numbers to differentiate with respect to", rewrite="an input with numbers")
    given = [copied(arg) for arg in args]
    problem.value = _real(f, f(*given))
    problem.notes += changed(function_name(f), args, given, problem.parameters)
    return problem


def _real(f: Callable[..., Any], value: Any) -> Any:
    """The result of a function whose derivative can be checked."""
    name = function_name(f)
    if value is None:
        raise DiffmagicError(f"{name} returned None", rewrite="end it with: return value")
    if not is_leaf(value) or np.result_type(value).kind not in "fiub":
        kind = np.result_type(value) if is_leaf(value) else f"a {type(value).__name__}"
        raise DiffmagicError(
            f"{name} returned {kind}, and a derivative is checked for real numbers and arrays of them",
            rewrite="return one number or one array",
        )
    return value


def copied(value: Any) -> Any:
    """A value with its own arrays; what is not made of numbers stays as it is."""
    try:
        leaves, rebuild = flatten(value)
    except DiffmagicError:
        return value
    return rebuild([leaf.copy() if isinstance(leaf, np.ndarray) else leaf for _, leaf in leaves])


def changed(who: str, before: tuple[Any, ...], after: list[Any], names: list[str]) -> list[str]:
    """A note about arguments that a function has changed in place."""
    which = [name for name, old, new in zip(names, before, after, strict=True) if not _same(old, new)]
    return [f"{who} changes {' and '.join(which)} in place; it was given a copy"] if which else []


def _same(old: Any, new: Any) -> bool:
    try:
        pairs = zip(flatten(old)[0], flatten(new)[0], strict=True)
        return all(np.array_equal(a, b, equal_nan=np.result_type(a).kind in "fc") for (_, a), (_, b) in pairs)
    except (DiffmagicError, ValueError):
        return old is new
