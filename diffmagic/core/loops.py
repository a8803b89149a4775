"""Loops in a program: the same operations of the user's source, over and over."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from diffmagic.core.program import Equation

_LEAST = 4


class Loop(NamedTuple):
    """A run of passes over the same source.

    Attributes
    ----------
    start : int
        The position of its first equation.
    length : int
        How many equations a pass has.
    passes : int
    """

    start: int
    length: int
    passes: int

    @property
    def stop(self) -> int:
        """The position after its last equation."""
        return self.start + self.length * self.passes


def loops(equations: Sequence[Equation]) -> list[Loop]:
    """The outermost loops of at least four passes among a program's equations, in order.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> def f(x):
    ...     y = np.exp(x)
    ...     for _ in range(10):
    ...         y = np.sin(y) * x
    ...     return y
    >>> loops(diffmagic.trace(f, 0.5).equations)
    [Loop(start=1, length=2, passes=10)]
    """
    return repeats(list(map(site, equations)))


def site(equation: Equation) -> Hashable:
    """What an operation has in common with itself in another pass.

    Its offset is not: once Python has optimised an instruction, that is one of the instruction's last byte.
    """
    location = equation.location
    return location.code, location.span or location.offset, equation.primitive.name


def lines(equations: Sequence[Equation]) -> str:
    """Where the user wrote them: ``line 3``, ``lines 3–4``; empty if that is not known.

    They are all taken from the file of the first.
    """
    file = equations[0].location.code.co_filename
    known = [e.location.line for e in equations if e.location.code.co_filename == file and e.location.line]
    if not known:
        return ""
    first, last = min(known), max(known)
    return f"line {first}" if first == last else f"lines {first}–{last}"


def repeats(keys: Sequence[Hashable]) -> list[Loop]:
    """Runs of one stretch of keys at least four times in a row, from the left, each as long as it can be.

    Examples
    --------
    >>> repeats("abcbcbcbca")
    [Loop(start=1, length=2, passes=4)]
    """
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    row = [numbers[key] for key in keys]
    places: dict[int, list[int]] = {}
    for place, number in enumerate(row):
        places.setdefault(number, []).append(place)
    found: list[Loop] = []
    start = 0
    while start < len(row):
        best = _longest(row, start, places[row[start]])
        if best is not None:
            found.append(best)
        start = best.stop if best else start + 1
    return found


def _longest(row: list[int], start: int, places: list[int]) -> Loop | None:
    """The run from `start` that reaches furthest, among those whose passes begin with the same key."""
    best: Loop | None = None
    for place in places:
        length = place - start
        if length <= 0:
            continue
        if start + _LEAST * length > len(row):
            break
        if best and place < best.stop and length % best.length == 0:
            continue  # several passes taken as one
        one, passes = row[start:place], 1
        while row[start + passes * length : start + (passes + 1) * length] == one:
            passes += 1
        if passes >= _LEAST and (best is None or passes * length > best.passes * best.length):
            best = Loop(start, length, passes)
    return best
