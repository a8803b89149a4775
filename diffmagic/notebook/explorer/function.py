"""The function of a panel: what it is along its numbers, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.grid import UNDEFINED, Grid
from diffmagic.methods import Method, run
from diffmagic.notebook.explorer.scene import Point
from diffmagic.notebook.explorer.state import Inputs, State, components

_SOMEWHERE = 0.618  # of a range: where nothing special is

Call = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""``call(values, chosen)``: the result for values of the inputs, and for what is chosen."""


@dataclass(slots=True, eq=False)
class Function:
    """A function of numbers, small arrays and choices, and what is known of it.

    Attributes
    ----------
    call : callable
    inputs : Inputs
    of : str
        What its result is called.
    digits : int
        How many digits to show.
    slow : dict of (str, int) to bool
        Whether a method takes long for one place, by its name and the order, as far as that was asked.
    """

    call: Call
    inputs: Inputs
    of: str = ""
    digits: int = 8
    _grids: dict[Any, Grid] = field(default_factory=dict)
    _kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    slow: dict[tuple[str, int], bool] = field(default_factory=dict)

    def along(self, state: State, *names: str) -> Callable[..., Any]:
        """The function of these numbers, with the others where they are."""
        chosen = self._chosen(state)

        def function(*numbers: Any) -> Any:
            values = {**state.numbers, **dict(zip(names, numbers, strict=True))}
            return self.call(self._by_input(values), chosen)

        function.__name__ = self.of or "the function"
        return function

    def call_at(self, state: State) -> tuple[Callable[[Any], Any], dict[str, Any]]:
        """The function of all inputs as a dict by name, and their values."""
        chosen = self._chosen(state)
        return lambda values: self.call(values, chosen), self._by_input(state.numbers)

    def grid(self, state: State, order: int) -> Grid:
        """The function and its derivatives along the axis; traced once for each path, wherever the others are."""
        names = self.inputs.numbers
        key = (tuple(state.choices.items()), state.along, order)
        if key not in self._grids:
            f = self.along(state, *names)
            self._grids[key] = Grid(f, tuple(order if name == state.along else 0 for name in names))
        return self._grids[key]

    def rows(self, state: State, order: int) -> Callable[[Any], Any]:
        """Values and derivatives at places along the axis."""
        grid, names, at = self.grid(state, order), self.inputs.numbers, state.numbers

        def rows(x: Any) -> Any:
            return grid(*(x if name == state.along else np.full(np.shape(x), at[name]) for name in names))

        return rows

    def surroundings(self, state: State, *names: str) -> tuple[Any, ...]:
        """All that stays as it is while the point moves along these numbers.

        The function's value at one place is part of it, since what the function reads may have changed unseen.
        """
        ranges = {name: state.ranges[name] for name in names}
        place = {name: low + _SOMEWHERE * (high - low) for name, (low, high) in ranges.items()}
        value = value_of(self.along(state, *names), *place.values())
        self._forget_what_differs(state.at(place), value)
        others = {name: number for name, number in state.numbers.items() if name not in names}
        return (*ranges.items(), *others.items(), *state.choices.items(), repr(value))

    def _forget_what_differs(self, state: State, value: float) -> None:
        """Programs that give another value than the function itself are of no use."""
        choices, place = tuple(state.choices.items()), [np.asarray([x]) for x in state.numbers.values()]
        for key, grid in [each for each in self._grids.items() if each[0][0] == choices]:
            known = value_of(lambda *x, grid=grid: grid(*x)[0, 0], *place)
            if not agree(known, value):
                del self._grids[key]

    def once(self, view: str, key: Any, compute: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        """What stays the same while the point moves is computed once, and again where it no longer holds."""
        kept = self._kept.get(view)
        if kept is not None and kept[0] == key and not holds(kept[1]):
            self._grids.clear()
            kept = None
        if kept is None or kept[0] != key:
            kept = self._kept[view] = (key, compute())
        return kept[1]

    def gives(self, state: State, place: Mapping[str, float], value: float) -> bool:
        """Whether the function has this value at a place."""
        return agree(value_of(self.along(state, *place), *place.values()), value)

    def point(self, state: State, method: Method, names: tuple[str, ...], orders: range) -> Point | None:
        """The point, and its derivatives: of several orders, or the gradient; None where there is no real value.

        What has no value has no derivative, but its notes say why.
        """
        f, place = self.along(state, *names), tuple(state.numbers[name] for name in names)
        argnums = tuple(range(len(names))) if len(names) > 1 else 0
        try:
            found = [run(method, f, place, argnums, order=k, inputs=names, results=(self.of,)) for k in orders]
        except UNDEFINED:
            return None
        value = found[0].value
        if np.iscomplexobj(value):
            return None
        numbers = np.ravel([each.derivative for each in found])
        numbers[:] = numbers if np.isfinite(value) else np.nan
        notes = list(dict.fromkeys(note for each in found for note in each.notes))
        return Point(place, value, tuple(numbers.tolist()), notes)

    def _chosen(self, state: State) -> dict[str, Any]:
        return {name: self.inputs.choices[name][label] for name, label in state.choices.items()}

    def _by_input(self, numbers: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the inputs from those of all numbers, which may be traced."""
        values = {}
        for name, start in self.inputs.values.items():
            parts = [numbers[label] for label, _ in components(name, start)]
            values[name] = np.reshape(np.stack(parts), np.shape(start)) if np.ndim(start) else parts[0]
        return values


def agree(value: float, other: float) -> bool:
    """Whether two values are the same but for rounding."""
    return bool(np.isclose(value, other, rtol=1e-9, atol=1e-300, equal_nan=True))


def value_of(f: Callable[..., Any], *numbers: Any) -> float:
    """What a function gives; NaN where it gives no number."""
    try:
        return float(f(*numbers))
    except Exception:  # whatever the user's function raises
        return np.nan
