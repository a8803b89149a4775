"""What a panel can vary, and how its controls are set: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.curves import check_range
from diffmagic.labels import component
from diffmagic.methods import find

View = Literal["curves", "contours", "compare", "trace", "graph"]
VIEWS: tuple[View, ...] = ("curves", "contours", "compare", "trace", "graph")
SECANTS = ("left", "centred", "right")
MARKS = ("roots", "extrema", "kinks")
MOST_ORDERS = 4
MOST_NUMBERS = 16
"""So many components have room in a table of boxes."""
_REACH = 2.0

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a panel can vary.

    Attributes
    ----------
    values : mapping of str to float or ndarray
        Where each number and small array starts.
    ranges : mapping of str to pair of float
        Of every number, components of arrays among them: from where to where it goes.
    choices : mapping of str to mapping of str to object
        For each input that is chosen the possible values, by what the panel calls them.
    """

    values: Mapping[str, Any]
    ranges: Mapping[str, Range]
    choices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        """Every number, components of arrays among them, in order."""
        return list(self.ranges)


@dataclass(frozen=True, slots=True)
class State:
    """How the controls of a panel are set.

    Attributes
    ----------
    numbers : mapping of str to float
        The point: the value of every number.
    ranges : mapping of str to pair of float
        How far each number's slider goes, and the axis along it.
    choices : mapping of str to str
        What is chosen, by the names that the panel has for it.
    view : str
    along, up : str
        The number along the axis of curves, and the one along the other axis of contours; the latter is empty if there
        is no other.
    order : int
        How many derivatives are drawn.
    method, against : str
        How the derivative is computed, and what it is compared with.
    secants : tuple of {"left", "centred", "right"}
    h : float
        The secants' step.
    marks : tuple of {"roots", "extrema", "kinks"}
    rate : float
        The learning rate of gradient descent.
    descent : tuple of pair of float
        The points that it has been at, the present one last; empty if it has not begun.
    mode : {"forward", "reverse"}
        The accumulation that is followed.
    step : int or None
        How many steps of it have been taken; None for all.
    sliding : mapping of str to str
        For an array the component that its slider moves, where that was chosen.
    """

    numbers: Mapping[str, float]
    ranges: Mapping[str, Range]
    choices: Mapping[str, str]
    along: str
    up: str = ""
    view: View = "curves"
    order: int = 1
    method: str = "reverse"
    against: str = "central-difference"
    secants: tuple[str, ...] = ()
    h: float = 0.5
    marks: tuple[str, ...] = ()
    rate: float = 0.1
    descent: tuple[tuple[float, float], ...] = ()
    mode: Literal["forward", "reverse"] = "reverse"
    step: int | None = None
    sliding: Mapping[str, str] = field(default_factory=dict)

    def moved(self, name: str, value: float) -> State:
        """One number somewhere else; its range grows as far as that. Gradient descent begins anew."""
        low, high = self.ranges[name]
        ranges = {**self.ranges, name: (min(low, value), max(high, value))}
        return replace(self, numbers={**self.numbers, name: value}, ranges=ranges, descent=())

    def ranged(self, name: str, low: float, high: float) -> State:
        """Another range for a number, which moves into it if it has to.

        Raises
        ------
        DiffmagicError
            If it is empty, or too short to be divided.
        """
        check_range(low, high)
        number = float(np.clip(self.numbers[name], low, high))
        return replace(
            self, ranges={**self.ranges, name: (low, high)}, numbers={**self.numbers, name: number}, descent=()
        )

    def chosen(self, name: str, label: str) -> State:
        """Another value for an input that is chosen."""
        return replace(self, choices={**self.choices, name: label}, descent=(), step=None)

    def but(self, **changes: Any) -> State:
        """The same with other attributes."""
        return replace(self, **changes)

    def at(self, point: Mapping[str, float]) -> State:
        """Some numbers somewhere else, wherever that is."""
        return replace(self, numbers={**self.numbers, **point})


def check_state(state: State, inputs: Inputs) -> None:
    """Refuse what no control can be set to, wherever it comes from: a front end may send anything.

    Raises
    ------
    DiffmagicError
        It names the first attribute that is wrong.
    """
    numbers = list(inputs.ranges)
    possible = [
        ("view", state.view in VIEWS),
        ("numbers", list(state.numbers) == numbers and all(map(np.isfinite, state.numbers.values()))),
        ("ranges", list(state.ranges) == numbers),
        ("choices", list(state.choices) == list(inputs.choices)),
        ("choices", all(label in inputs.choices[name] for name, label in state.choices.items())),
        ("along", state.along in numbers),
        ("up", state.up in numbers if len(numbers) > 1 else not state.up and state.view != "contours"),
        ("order", type(state.order) is int and 1 <= state.order <= MOST_ORDERS),
        ("secants", set(state.secants) <= set(SECANTS)),
        ("marks", set(state.marks) <= set(MARKS)),
        ("h", 0 < state.h < np.inf),
        ("rate", 0 < state.rate < np.inf),
        ("mode", state.mode in ("forward", "reverse")),
        ("step", state.step is None or (type(state.step) is int and state.step >= 0)),
    ]
    for name, holds in possible:
        if not holds:
            raise DiffmagicError(f"the panel has no {name}={getattr(state, name)!r}", rewrite=_LIKE.get(name, ""))
    find(state.method)
    find(state.against)
    for low, high in state.ranges.values():
        check_range(low, high)


_LIKE = {
    "view": f"one of {', '.join(VIEWS)}",
    "numbers": "a finite number for each name, as panel.state has them",
    "order": f"1 to {MOST_ORDERS}",
    "h": "a positive number",
    "rate": "a positive number",
    "secants": f"some of {', '.join(SECANTS)}",
    "marks": f"some of {', '.join(MARKS)}",
    "mode": "forward or reverse",
    "step": "a whole number from 0 on, or None for all",
}


def first_state(inputs: Inputs) -> State:
    """How the controls are set when a panel opens: the inputs with a range along the axes."""
    along, *others = inputs.numbers
    numbers = {
        label: float(number) for name, value in inputs.values.items() for label, number in components(name, value)
    }
    choices = {name: next(iter(values)) for name, values in inputs.choices.items()}
    return State(numbers, dict(inputs.ranges), choices, along, others[0] if others else "")


def inputs_of(given: Mapping[str, Any]) -> tuple[Inputs, dict[str, Any]]:
    """What can be varied of what is given, and the rest, which stays as it is.

    Parameters
    ----------
    given : mapping of str to object
        A pair of numbers is a range. A number and an array of at most 16 start where they are. A list, a `range`, a
        truth, or a dict of labels to values is a choice.

    Raises
    ------
    DiffmagicError
        For a range that is none, a choice without values, and what is not finite.

    Examples
    --------
    >>> inputs, rest = inputs_of({"x": (-3, 3), "a": 1.0, "kind": ["tanh", "relu"], "data": None})
    >>> inputs.ranges
    {'x': (-3.0, 3.0), 'a': (-1.0, 3.0)}
    >>> list(inputs.choices["kind"]), rest
    (['tanh', 'relu'], {'data': None})
    """
    values: dict[str, Any] = {}
    ranges: dict[str, Range] = {}
    choices: dict[str, dict[str, Any]] = {}
    rest: dict[str, Any] = {}
    for name, value in given.items():
        if _is_range(value):
            low, high = map(float, value)
            check_range(low, high)
            values[name], ranges[name] = 0.5 * low + 0.5 * high, (low, high)
        elif isinstance(value, bool | np.bool_ | list | tuple | range | dict):
            choices[name] = _choices(name, value)
        elif isinstance(value, int | float | np.integer | np.floating):
            values[name] = float(value)
            ranges |= _around(name, values[name])
        elif isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and 0 < value.size <= MOST_NUMBERS:
            values[name] = value.astype(float)
            ranges |= _around(name, values[name])
        else:
            rest[name] = value
    first = sorted(values, key=lambda name: not _is_range(given[name]))  # those that were given a range go first
    labels = [label for name in first for label, _ in components(name, values[name])]
    return Inputs({name: values[name] for name in first}, {label: ranges[label] for label in labels}, choices), rest


def components(name: str, value: Any) -> list[tuple[str, Any]]:
    """The numbers of an input, each with what it is called."""
    return [(component(name, np.shape(value), k), number) for k, number in enumerate(np.ravel(value))]


def _is_range(value: Any) -> bool:
    numbers = int | float | np.integer | np.floating
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(end, numbers) and not isinstance(end, bool) for end in value)
    )


def _around(name: str, value: Any) -> dict[str, Range]:
    """A range for each number of an input, around where it starts."""
    found = {}
    for label, number in components(name, value):
        reach = max(_REACH, abs(float(number)))
        found[label] = (float(number) - reach, float(number) + reach)
        if not np.isfinite(found[label]).all():
            raise DiffmagicError(f"{label} = {number} is not a number to start from", rewrite=f"{label}=1.0")
    return found


def _choices(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool | np.bool_):
        return {str(each): each for each in (bool(value), not value)}
    if isinstance(value, dict):
        found = {str(label): each for label, each in value.items()}
    else:
        found = {_called(each): each for each in value}
    if not found or len(found) < len(value):
        what = "has two values with one name" if found else "has no values to choose from"
        raise DiffmagicError(f"{name} {what}", rewrite=f'{name}={{"a label": a_value, "another": another_value}}')
    return found


def _called(value: Any) -> str:
    """What the panel calls a value to choose."""
    if isinstance(value, str):
        return value
    return getattr(value, "__name__", None) or str(value)
