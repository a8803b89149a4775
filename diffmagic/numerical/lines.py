"""A call of a function, as a function along lines: one of its numbers moves, or several at once."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, find_argument, function_name, parameter_names
from diffmagic.core.structures import Rebuild, flatten
from diffmagic.labels import component
from diffmagic.numerical.sampling import Effort, Sampler

_FAR = 2.0**10  # how many times x, or 1, a scale may be: a function with digits to gain beyond tells so before
_LARGEST = 2.0**1000


class Call:
    """``f(*args)`` and the numbers in its chosen arguments.

    Making one calls `f`, as its user would; this and all later calls get arrays of their own.

    Parameters
    ----------
    f, args, argnums
        As for `diffmagic.differentiate`.
    names : sequence of str
        What to call the numbers and arrays of the arguments; by default as f's parameters.

    Attributes
    ----------
    value : object
        What the function returned.
    point : ndarray
        The chosen numbers, in double precision.
    paths : list of str
        What the numbers and arrays are called.
    labels : list of str
        What each of the numbers is called.
    effort : Effort
    notes : list of str
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums, names: Sequence[str]) -> None:
        self.effort = Effort()
        self.notes: list[str] = []
        self._f, self._args = f, list(args)
        self._single = isinstance(argnums, int | np.integer | str)
        chosen: Any = [argnums] if self._single else argnums
        self._places = [find_argument(f, argnum, self._args, {})[1] % len(args) for argnum in chosen]
        if len(set(self._places)) < len(self._places):
            raise DiffmagicError(
                f"argnums chooses one argument of {function_name(f)} twice", rewrite="each argument once"
            )
        parameters = parameter_names(f, len(args))
        found = [flatten(args[place], parameters[place]) for place in self._places]
        leaves = [leaf for some, _ in found for leaf in some]
        self._rebuilds = [(len(some), rebuild) for some, rebuild in found]
        self.paths = list(names) or [path for path, _ in leaves]
        self._leaves = [_as_given(leaf, path, self.notes) for path, (_, leaf) in zip(self.paths, leaves, strict=True)]
        self._shapes = [np.shape(leaf) for leaf in self._leaves]
        self.point = np.concatenate([np.zeros(0), *(np.ravel(leaf) for leaf in self._leaves)]).astype(float)
        if not self.point.size:
            raise DiffmagicError(f"{function_name(f)} is given no number to differentiate by", rewrite="pass numbers")
        self._owners = [(k, at) for k, shape in enumerate(self._shapes) for at in range(int(np.prod(shape)))]
        self.labels = [component(self.paths[k], self._shapes[k], at) for k, at in self._owners]

        self.limit(None, None)

        self.value = self._at_point()
        parts, self._rebuild = _result_parts(f, self.value)
        self._results = [(np.shape(part), np.iscomplexobj(part)) for part in parts]
        if any(np.result_type(leaf) != np.float64 for leaf in self._leaves):
            self._leaves = [np.asarray(leaf, float) if np.ndim(leaf) else float(leaf) for leaf in self._leaves]
            parts = self._parts(self._at_point())
        else:
            parts = self._split(parts)
        self._row_shapes = [np.shape(part) for part in parts]
        self._row = np.concatenate([np.ravel(part) for part in parts]).astype(float)
        self._eps = np.repeat([_precision(part, self.notes) for part in parts], [np.size(part) for part in parts])
        self._reach = _FAR * np.clip(np.abs(self.point), 1.0, _LARGEST)

    def _at_point(self) -> Any:
        self.effort.count(1)
        return self._call(self._leaves)

    def limit(self, lower: Any, upper: Any) -> None:
        """Bounds of the chosen numbers: for each None, one number for all, or what has the structure of the inputs.

        Raises
        ------
        DiffmagicError
            If the point is outside.
        """
        self._lower, self._upper = self._spread(lower, -np.inf), self._spread(upper, np.inf)
        room = (self._lower <= self.point) & (self.point <= self._upper) & (self._lower < self._upper)
        for k in np.flatnonzero(~room):
            raise DiffmagicError(
                f"{self.labels[k]} = {self.point[k]:.6g} is not between its bounds", rewrite="wider bounds"
            )

    def line(self, k: int, *bounds: float) -> Sampler:
        """The function of the k-th number, the others where they are; within its bounds, or these."""
        leaf, at = self._owners[k]

        def moved(t: Any) -> list[Any]:
            leaves = list(self._leaves)
            given = leaves[leaf]
            if type(given) is float:
                leaves[leaf] = t
            elif isinstance(given, np.ndarray):
                leaves[leaf] = given.astype(np.result_type(given, t))
                leaves[leaf].flat[at] = t
            else:
                leaves[leaf] = np.asarray(t)[()]
            return self._parts(self._call(leaves))

        lower, upper = bounds or (self._lower[k], self._upper[k])
        vectorised = False if self._shapes[leaf] else None
        return self._sampler(moved, float(self.point[k]), lower, upper, self._reach[k], vectorised)

    def along(self, direction: Any) -> Sampler:
        """The function of t at the point plus t times a direction."""

        def moved(t: Any) -> list[Any]:
            return self._parts(self._call(self._cut(self.point + t * direction)))

        moving = np.flatnonzero(direction)
        ends = (np.stack([self._lower, self._upper]) - self.point)[:, moving] / direction[moving]
        lower, upper = np.max(np.min(ends, axis=0)), np.min(np.max(ends, axis=0))
        reach = np.min(self._reach[moving] / np.abs(direction[moving]))
        return self._sampler(moved, 0.0, lower, upper, reach, False)

    def _sampler(self, moved: Callable[[Any], list[Any]], point: float, *rest: Any) -> Sampler:
        return Sampler(moved, point, self._row, self._row_shapes, self.effort, self._eps, *rest)

    def _cut(self, numbers: Any) -> list[Any]:
        """Numbers in a row as those and the arrays that the function takes."""
        parts = np.split(numbers, np.cumsum([np.prod(shape, dtype=int) for shape in self._shapes])[:-1])
        return [
            part.reshape(shape) if isinstance(given, np.ndarray) else part.item()
            for part, shape, given in zip(parts, self._shapes, self._leaves, strict=True)
        ]

    def structured(self, numbers: Any, *, bound: bool = False) -> tuple[Any, list[Any]]:
        """A derivative in the structure of the result and, within, of the inputs; and its numbers and arrays in a row.

        `numbers` has an axis for the result's numbers, and one for the inputs' for each order. With `bound` it is the
        error, whose size is what counts.
        """
        blocks: list[Any] = []
        stops = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        columns = [slice(stop - int(np.prod(shape)), stop) for stop, shape in zip(stops, self._shapes, strict=True)]

        def nested(rows: Any, shape: tuple[int, ...], taken: int) -> Any:
            """All blocks of some rows, whose axes up to `taken` have been cut to one input each."""
            if taken == numbers.ndim:
                blocks.append(rows.reshape(shape)[()] if shape else rows.ravel()[0].item())
                return blocks[-1]
            return self.like_inputs(
                [
                    nested(rows[(slice(None),) * taken + (column,)], shape + inner, taken + 1)
                    for column, inner in zip(columns, self._shapes, strict=True)
                ]
            )

        parts, start = [], 0
        for shape, is_complex in self._results:
            size = int(np.prod(shape))
            rows = numbers[start : start + size]
            start += size
            if is_complex:
                rows = rows + 1j * numbers[start : start + size]
                rows = np.abs(rows) if bound else rows
                start += size
            parts.append(nested(rows, shape, 1))
        return self._rebuild(parts), blocks

    def like_inputs(self, parts: list[Any]) -> Any:
        """One value for each number or array, in the structure of the chosen arguments."""
        rest = iter(parts)
        structured = [rebuild(list(itertools.islice(rest, count))) for count, rebuild in self._rebuilds]
        return structured[0] if self._single else tuple(structured)

    def like_point(self, numbers: Any) -> Any:
        """One number for each chosen number, in the structure of the chosen arguments."""
        return self.like_inputs(self._cut(np.asarray(numbers, float)))

    def _spread(self, given: Any, nothing: float) -> Any:
        """A number for each chosen number."""
        if given is None or isinstance(given, float | int | np.number):
            return np.full(self.point.size, nothing if given is None else given, float)
        try:
            parts = zip((part for _, part in flatten(given)[0]), self._shapes, strict=True)
            return np.concatenate([np.ravel(np.broadcast_to(part, shape)) for part, shape in parts]).astype(float)
        except ValueError:
            raise DiffmagicError("a bound does not have the structure of the inputs", rewrite="one number") from None

    def _call(self, leaves: list[Any]) -> Any:
        arguments = [value if index in self._places else _fresh(value) for index, value in enumerate(self._args)]
        rest = iter(leaves)
        for place, (count, rebuild) in zip(self._places, self._rebuilds, strict=True):
            arguments[place] = rebuild([_fresh(leaf) for leaf in itertools.islice(rest, count)])
        return self._f(*arguments)

    def _parts(self, result: Any) -> list[Any]:
        return [result] if type(result) is float else self._split([leaf for _, leaf in flatten(result)[0]])

    def _split(self, parts: list[Any]) -> list[Any]:
        """The real and the imaginary parts of what is complex at the point."""
        if not any(is_complex for _, is_complex in self._results):
            return parts
        pairs = zip(parts, self._results, strict=True)
        return [
            each
            for part, (_, is_complex) in pairs
            for each in ((np.real(part), np.imag(part)) if is_complex else (part,))
        ]


def _as_given(leaf: Any, path: str, notes: list[str]) -> Any:
    """A number or array to call the function with: integers as floats."""
    what = path or "the input"
    if type(leaf) is float:
        return leaf
    kind = np.result_type(leaf).kind
    if kind in "iub":
        if isinstance(leaf, np.ndarray):
            notes.append(f"{what} holds integers, which are taken as floats")
            return leaf.astype(float)
        notes.append(f"{what} is an integer, which is taken as a float")
        return float(leaf)
    if kind == "c":
        raise DiffmagicError(f"{what} is complex", rewrite="a function of its real and its imaginary part")
    if kind != "f" or (isinstance(leaf, np.ndarray) and type(leaf) is not np.ndarray):
        what = f"{what} is a {type(leaf).__name__} of dtype {np.result_type(leaf)}"
        raise DiffmagicError(f"{what}, and a derivative needs numbers", rewrite="np.asarray(x, float)")
    return leaf


def _result_parts(f: Callable[..., Any], value: Any) -> tuple[list[Any], Rebuild]:
    """The numbers and arrays of a result, which must have some."""
    if value is None:
        raise DiffmagicError(f"{function_name(f)} returned None", rewrite="end it with: return value")
    found, rebuild = flatten(value, "the result")
    for path, part in found:
        if np.result_type(part).kind not in "biufc":
            raise DiffmagicError(f"{path} is an array of dtype {np.result_type(part)}", rewrite="return numbers")
    if not sum(np.size(part) for _, part in found):
        raise DiffmagicError(f"{function_name(f)} returned no number", rewrite="return a number or an array of them")
    return [part for _, part in found], rebuild


def _precision(part: Any, notes: list[str]) -> float:
    """The relative distance of neighbouring numbers of its type, which is never taken for less than a double's."""
    kind, double = np.result_type(part), float(np.finfo(float).eps)
    eps = float(np.finfo(kind).eps) if kind.kind in "fc" else double
    if eps > double:
        note = f"the result is {kind}: its values have {-np.log10(eps):.0f} digits, and differences of them fewer"
        notes += [note] if note not in notes else []
    return max(eps, double)


def _fresh(value: Any) -> Any:
    """An argument that the function may change."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return copy.deepcopy(value) if isinstance(value, list | dict | tuple) else value
