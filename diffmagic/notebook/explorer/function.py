"""The function of a panel: what it and its derivatives are for a state of the controls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from diffmagic.automatic import automatic, notes_kept_back, result_paths
from diffmagic.comparison import compare
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.graph import graph_of, modes_of
from diffmagic.core.graph_steps import state_after, steps_of
from diffmagic.core.program import Program, Variable
from diffmagic.curves import curve_of, field_of, nothing, sampled, spaced
from diffmagic.grid import UNDEFINED, Grid
from diffmagic.methods import Method, find, run
from diffmagic.notebook.explorer.scene import (
    CompareScene,
    ContoursScene,
    CurvesScene,
    GraphScene,
    Point,
    Scene,
    Secant,
    TraceScene,
)
from diffmagic.notebook.explorer.state import SECANTS, VIEWS, Inputs, State, components
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.sweep import SWEPT, sweep
from diffmagic.results import Curve, Derivative
from diffmagic.trace_table import accumulation_steps, trace_so_far, trace_table

_POINTS, _FEW, _FEWER, _ACROSS = 401, 101, 21, 61
_SOMEWHERE = 0.618  # of a range: where nothing special is
_LONG = 0.1  # seconds for one place
_STEPS = 97
_SHORTEST = 1e-16
_SECANTS: dict[str, tuple[float, float]] = {"left": (-1.0, 0.0), "centred": (-1.0, 1.0), "right": (0.0, 1.0)}
_MARKED = {"roots": ("root",), "extrema": ("minimum", "maximum"), "kinks": ("kink",)}

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
    """

    call: Call
    inputs: Inputs
    of: str = ""
    digits: int = 8
    _grids: dict[Any, Grid] = field(default_factory=dict)
    _kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def scene(self, state: State) -> Scene:
        """What there is to see.

        Raises
        ------
        Exception
            Whatever the function raises, and what a method refuses.
        """
        with notes_kept_back(), np.errstate(all="ignore"):
            match state.view:
                case "curves":
                    return self._curves(state)
                case "contours":
                    return self._contours(state)
                case "compare":
                    return self._compare(state)
                case "trace":
                    return self._trace(state)
                case "graph":
                    return self._graph(state)
        raise DiffmagicError(f"there is no view {state.view!r}", rewrite=", ".join(VIEWS))

    # The function itself.

    def _chosen(self, state: State) -> dict[str, Any]:
        return {name: self.inputs.choices[name][label] for name, label in state.choices.items()}

    def _by_input(self, numbers: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the inputs from those of all numbers, which may be traced."""
        values = {}
        for name, start in self.inputs.values.items():
            parts = [numbers[label] for label, _ in components(name, start)]
            values[name] = np.reshape(np.stack(parts), np.shape(start)) if np.ndim(start) else parts[0]
        return values

    def along(self, state: State, *names: str) -> Callable[..., Any]:
        """The function of these numbers, with the others where they are."""
        chosen = self._chosen(state)

        def function(*numbers: Any) -> Any:
            values = {**state.numbers, **dict(zip(names, numbers, strict=True))}
            return self.call(self._by_input(values), chosen)

        function.__name__ = self.of or "the function"
        return function

    def _grid(self, state: State, order: int) -> Grid:
        """The function and its derivatives along the axis; traced once for each path, wherever the others are."""
        names = self.inputs.numbers
        key = (tuple(state.choices.items()), state.along, order)
        if key not in self._grids:
            f = self.along(state, *names)
            self._grids[key] = Grid(f, tuple(order if name == state.along else 0 for name in names))
        return self._grids[key]

    def _rows(self, state: State, order: int) -> Callable[[Any], Any]:
        """Values and derivatives at places along the axis."""
        grid, names, at = self._grid(state, order), self.inputs.numbers, state.numbers

        def rows(x: Any) -> Any:
            return grid(*(x if name == state.along else np.full(np.shape(x), at[name]) for name in names))

        return rows

    def _surroundings(self, state: State, *names: str) -> tuple[Any, ...]:
        """All that stays as it is while the point moves along these numbers.

        The function's value at one place is part of it, since what the function reads may have changed unseen.
        """
        ranges = {name: state.ranges[name] for name in names}
        place = {name: low + _SOMEWHERE * (high - low) for name, (low, high) in ranges.items()}
        value = _value(self.along(state, *names), *place.values())
        self._forget_what_differs(state.at(place), value)
        others = {name: number for name, number in state.numbers.items() if name not in names}
        return (*ranges.items(), *others.items(), *state.choices.items(), repr(value))

    def _forget_what_differs(self, state: State, value: float) -> None:
        """Programs that give another value than the function itself are of no use."""
        choices, place = tuple(state.choices.items()), [np.asarray([x]) for x in state.numbers.values()]
        for key, grid in [each for each in self._grids.items() if each[0][0] == choices]:
            known = _value(lambda *x, grid=grid: grid(*x)[0, 0], *place)
            if not np.isclose(known, value, rtol=1e-9, atol=1e-300, equal_nan=True):
                del self._grids[key]

    def _once(self, view: str, key: Any, compute: Callable[[], Any]) -> Any:
        """What stays the same while the point moves is computed once."""
        kept = self._kept.get(view)
        if kept is None or kept[0] != key:
            kept = self._kept[view] = (key, compute())
        return kept[1]

    # Curves.

    def _curves(self, state: State) -> CurvesScene:
        method = find(state.method)
        order = min(state.order, method.orders or state.order)
        key = (self._surroundings(state, state.along), order, state.method, state.marks)
        curve, derivatives = self._once("curves", key, lambda: self._along_the_range(state, method, order))
        point = self._point(state, method, (state.along,), range(1, order + 1))
        notes = [] if order == state.order else [f"{method.name} goes up to order {order}"]
        if derivatives.x.size < _FEW:
            notes.append(f"{method.name} takes its time here: its derivatives are those at {derivatives.x.size} places")
        low, high = state.ranges[state.along]
        steps = np.geomspace(_SHORTEST, 0.5 * (high - low), _STEPS) if state.secants else np.zeros(0)
        return CurvesScene(
            self.of,
            state.along,
            curve,
            derivatives,
            state.method,
            point,
            self._secants(state, steps),
            state.h,
            steps,
            notes,
            self.digits,
        )

    def _along_the_range(self, state: State, method: Method, order: int) -> tuple[Curve, Curve]:
        """The curve, with what is to be marked, and the derivatives by the method."""
        marks = [mark for mark in state.marks if mark != "kinks"]
        is_exact = method.family == "automatic"
        depth = order if is_exact else 1
        curve = None
        try:
            curve = curve_of(self._rows(state, depth), spaced(*state.ranges[state.along], _POINTS), marks)
        except Exception:  # a traced value may raise anything in code that wants an ordinary number
            if is_exact:
                raise
        if curve and is_exact:
            derivatives = curve
        else:
            derivatives = self._pointwise(state, method, range(1, order + 1), self._places(state, order, method))
        curve = curve or Curve("", derivatives.x, derivatives.y)
        if not np.isfinite(curve.y[0]).any():
            raise nothing(self._grid(state, depth))
        shown = {"jump", "pole", *(kind for mark in state.marks for kind in _MARKED[mark])}
        curve.marks = [mark for mark in curve.marks if mark.kind in shown]
        return curve, derivatives

    def _pointwise(self, state: State, method: Method, orders: range, places: int) -> Curve:
        """The derivatives by a method that takes one point at a time."""
        f = self.along(state, state.along)

        def differentiate(x: float, order: int) -> tuple[Any, Any]:
            found = run(method, f, (x,), order=order)
            return found.value, found.derivative

        return sampled(differentiate, spaced(*state.ranges[state.along], places), orders, method.name)

    def _places(self, state: State, order: int, *methods: Method) -> int:
        """At how many places to ask these methods: at fewer if one takes long."""
        f, x = self.along(state, state.along), state.numbers[state.along]
        start = time.perf_counter()
        for method in methods:
            with suppress(*UNDEFINED, DiffmagicError):
                run(method, f, (x,), order=order)
        return _FEW if time.perf_counter() - start < _LONG else _FEWER

    def _point(self, state: State, method: Method, names: tuple[str, ...], orders: range) -> Point | None:
        """The point, and its derivatives: of several orders, or the gradient; None where the function raises an error.

        What has no value has no derivative, but its notes say why.
        """
        f, place = self.along(state, *names), tuple(state.numbers[name] for name in names)
        argnums = tuple(range(len(names))) if len(names) > 1 else 0
        try:
            found = [run(method, f, place, argnums, order=k, inputs=names, results=(self.of,)) for k in orders]
        except UNDEFINED:
            return None
        value = found[0].value
        numbers = np.ravel([each.derivative for each in found]).tolist()
        return Point(place, value, tuple(numbers if np.isfinite(value) else [np.nan] * len(numbers)), _notes(*found))

    def _secants(self, state: State, steps: Any) -> list[Secant]:
        if not state.secants:
            return []
        x, values = state.numbers[state.along], self._values(state)
        steps = np.concatenate([[state.h], steps])
        at = {side: values(x + side * steps) for side in (-1.0, 0.0, 1.0)}
        found = []
        for kind in [kind for kind in SECANTS if kind in state.secants]:
            left, right = _SECANTS[kind]
            slopes = (at[right] - at[left]) / ((right - left) * steps)
            ends = tuple((float(x + side * state.h), float(at[side][0])) for side in (left, right))
            found.append(Secant(kind, (ends[0], ends[1]), float(slopes[0]), slopes[1:]))
        return found

    def _values(self, state: State) -> Callable[[Any], Any]:
        """The function at places along the axis, traced or as it is."""
        rows, f = self._rows(state, 1), self.along(state, state.along)

        def values(x: Any) -> Any:
            try:
                return rows(x)[0]
            except Exception:  # it cannot be traced
                return sampled(lambda each, _: (f(each), np.nan), x, (1,), "").y[0]

        return values

    # Contours.

    def _contours(self, state: State) -> ContoursScene:
        names, method = (state.along, state.up), find(state.method)
        ranges = [state.ranges[name] for name in names]
        f = self.along(state, *names)
        key = self._surroundings(state, *names)
        found = self._once("contours", key, lambda: field_of(f, *ranges, points=_ACROSS, wrt=names, of=self.of))
        point = self._point(state, method, names, range(1, 2))
        return ContoursScene(found, point, state.method, state.descent, state.rate, list(found.notes), self.digits)

    def descended(self, state: State, steps: int = 1) -> State:
        """A state after steps of gradient descent along the two axes.

        Raises
        ------
        DiffmagicError
            If a step leads to where there is no value or no gradient.
        """
        names, method = (state.along, state.up), find(state.method)
        f = self.along(state, *names)
        way = [*(state.descent or [tuple(state.numbers[name] for name in names)])]
        with notes_kept_back(), np.errstate(all="ignore"):
            for _ in range(steps):
                try:
                    slope = np.asarray(run(method, f, way[-1], (0, 1), inputs=names).derivative)
                    x, y = (float(each) for each in np.asarray(way[-1]) - state.rate * slope)
                except UNDEFINED:
                    x = y = np.nan
                if not np.isfinite([x, y, _value(f, x, y)]).all():
                    raise DiffmagicError(
                        f"step {len(way)} of gradient descent leads to where there is no finite value",
                        rewrite="a smaller learning rate",
                    )
                way.append((x, y))
        return state.at(dict(zip(names, way[-1], strict=True))).but(descent=tuple(way))

    # Methods beside each other.

    def _compare(self, state: State) -> CompareScene:
        f, x = self.along(state, state.along), state.numbers[state.along]
        comparison = compare(f, x, order=state.order, inputs=(state.along,), results=(self.of,))
        comparison.digits = self.digits
        asked = [name for name in (state.method, state.against) if name in CLASSICS and name not in SWEPT]
        notes: list[str] = []
        swept = None
        try:
            swept = sweep(f, (x,), comparison.derivative, methods=[*SWEPT, *asked], order=state.order)
            notes += swept.notes
        except DiffmagicError as error:
            notes.append(f"there is no error against the step: {error.reason}")
        names = (state.method, state.against)
        places = self._places(state, state.order, *map(find, names))
        key = (self._surroundings(state, state.along), state.order, places)
        first, second = (self._by_method(state, name, key, places) for name in names)
        return CompareScene(
            comparison, swept, first.x, first.y[1], second.y[1], names, state.along, x, state.order, notes
        )

    def _by_method(self, state: State, name: str, key: Any, places: int) -> Curve:
        """The derivative of one order along the axis, place by place."""
        orders = range(state.order, state.order + 1)
        return cast(Curve, self._once(f"by {name}", key, lambda: self._pointwise(state, find(name), orders, places)))

    # One step after another.

    def _traced(self, state: State) -> Derivative:
        """The derivative with respect to all inputs, with its program."""
        chosen = self._chosen(state)
        values = self._by_input(state.numbers)
        found = automatic(
            lambda values: self.call(values, chosen),
            (values,),
            mode=state.mode,
            inputs=list(values),
            results=(self.of,),
        )
        assert found.program is not None
        return found

    def steps(self, state: State) -> int:
        """How many steps the accumulation that is shown has."""
        scene = self.scene(state)
        assert isinstance(scene, TraceScene | GraphScene)
        return scene.steps

    def _trace(self, state: State) -> TraceScene:
        found = self._traced(state)
        assert found.program is not None
        whole = trace_table(found.program, result=self.of, mode=state.mode)
        steps = accumulation_steps(whole)
        step = steps if state.step is None else min(state.step, steps)
        return TraceScene(trace_so_far(whole, step), state.mode, step, steps, _notes(found), self.digits)

    def _graph(self, state: State) -> GraphScene:
        found = self._traced(state)
        assert found.program is not None
        possible = modes_of(found.program)
        mode = state.mode if state.mode in possible or state.mode == "forward" else "plain"  # nothing comes back
        seeds = None if mode in possible else _direction(found.program, state.along)
        graph = graph_of(found.program, mode, results=result_paths(found.value, (self.of,)), seeds=seeds)
        steps = len(steps_of(graph))
        step = steps if state.step is None else min(state.step, steps)
        return GraphScene(graph, state_after(graph, step), _notes(found), self.digits)


def _direction(program: Program, along: str) -> dict[Variable, Any]:
    """The tangent of one number, where there is no room for those of all."""
    return {
        variable: np.reshape(
            [float(label == along) for label, _ in components(variable.name, variable.value)], variable.shape
        )
        for variable in program.inputs
    }


def _value(f: Callable[..., Any], *numbers: Any) -> float:
    """What a function gives; NaN where it gives no number."""
    try:
        return float(f(*numbers))
    except Exception:  # whatever the user's function raises
        return np.nan


def _notes(*found: Derivative) -> list[str]:
    return list(dict.fromkeys(note for each in found for note in each.notes))
