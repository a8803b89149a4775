"""Functions of the kinds that people differentiate, as they write them in a cell, each above its mathematics in mpmath.

A reference shares no NumPy with its function: it takes the same arguments as nested lists of fifty-digit numbers, and
where a shorter way to the same number is known (a closed form, a sum over all paths, a full solve) it takes that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp, mpf

Function = Callable[..., Any]


@dataclass
class Case:
    """A function, the point at which it is differentiated, and its reference."""

    function: Function
    point: dict[str, Any]
    reference: Function | None = None

    @property
    def name(self) -> str:
        return self.function.__name__

    def exact(self) -> tuple[float, dict[str, Any]]:
        """The value and the gradient, in the structure of the point, rounded once."""
        with mp.workdps(50):
            numbers = [mpf(number) for number in numbers_of(self.point)]

            def value(*numbers: Any) -> Any:
                return self.reference(**_filled(self.point, iter(numbers)))

            def partial(k: int) -> float:
                return float(mp.diff(lambda t: value(*numbers[:k], t, *numbers[k + 1 :]), numbers[k]))

            return float(value(*numbers)), _floats(_filled(self.point, map(partial, range(len(numbers)))))


CASES: dict[str, Case] = {}


def at(**point: Any) -> Callable[[Function], Function]:
    """Add a function to the cases, at a point: numbers, arrays and dicts of them."""

    def add(function: Function) -> Function:
        CASES[function.__name__] = Case(function, _floats(point))
        return function

    return add


def exactly(function: Function) -> Callable[[Function], Function]:
    """Give a function of the cases its reference."""

    def add(reference: Function) -> Function:
        CASES[function.__name__].reference = reference
        return reference

    return add


def reals(values: Any) -> Any:
    """An array as nested lists of mpmath's numbers."""
    return [reals(part) for part in values] if np.ndim(values) else mpf(float(values))


def numbers_of(value: Any) -> list[float]:
    """All numbers of dicts and arrays, one after the other."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_of(part)]
    return np.ravel(value).tolist()


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floats(part) for name, part in value.items()}
    return np.array(value, float) if np.ndim(value) else float(value)


def _filled(value: Any, numbers: Iterator[Any]) -> Any:
    """The same dicts, and nested lists for arrays, of other numbers."""
    if isinstance(value, dict):
        return {name: _filled(part, numbers) for name, part in value.items()}
    return [_filled(part, numbers) for part in value] if np.ndim(value) else next(numbers)
