"""What there is to see of a function in a state of the controls: one view, one scene."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import numpy as np

from diffmagic.automatic import automatic, notes_kept_back, result_paths
from diffmagic.comparison import compare
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.graph import graph_of, modes_of
from diffmagic.core.graph_steps import state_after, steps_of
from diffmagic.core.program import Program, Variable
from diffmagic.curves import curve_of, field_of, nothing, sampled, spaced
from diffmagic.grid import UNDEFINED
from diffmagic.methods import Method, find, run
from diffmagic.notebook.explorer.function import Function, value_of
from diffmagic.notebook.explorer.scene import (
    CompareScene,
    ContoursScene,
    CurvesScene,
    GraphScene,
    Scene,
    Secant,
    TraceScene,
)
from diffmagic.notebook.explorer.state import SECANTS, State, components
from diffmagic.numerical.classics import CLASSICS
from diffmagic.numerical.sweep import SWEPT, sweep
from diffmagic.results import Curve, Field
from diffmagic.trace_table import accumulation_steps, trace_so_far, trace_table

_POINTS, _FEW, _FEWER, _ACROSS = 401, 101, 21, 61
_LONG = 0.1  # seconds for one place
_STEPS = 97
_SHORTEST = 1e-16
_SECANTS: dict[str, tuple[float, float]] = {"left": (-1.0, 0.0), "centred": (-1.0, 1.0), "right": (0.0, 1.0)}
_MARKED = {"roots": ("root",), "extrema": ("minimum", "maximum"), "kinks": ("kink",)}


def scene_of(function: Function, state: State) -> Scene:
    """What there is to see.

    Raises
    ------
    Exception
        Whatever the function raises, and what a method refuses.
    """
    with notes_kept_back(), np.errstate(all="ignore"):
        return _VIEWS[state.view](function, state)


def _curves(function: Function, state: State) -> CurvesScene:
    method = find(state.method)
    order = min(state.order, method.orders or state.order)
    key = (function.surroundings(state, state.along), order, state.method, state.marks)
    curve, derivatives = function.once(
        "curves",
        key,
        lambda: _along_the_range(function, state, method, order),
        lambda kept: _holds(function, state, kept[0]),
    )
    point = function.point(state, method, (state.along,), range(1, order + 1))
    notes = [] if order == state.order else [f"{method.name} goes up to order {order}"]
    if derivatives.x.size < _FEW:
        notes.append(f"{method.name} takes its time here: its derivatives are those at {derivatives.x.size} places")
    low, high = state.ranges[state.along]
    steps = np.geomspace(_SHORTEST, 0.5 * (high - low), _STEPS) if state.secants else np.zeros(0)
    return CurvesScene(
        function.of,
        state.along,
        curve,
        derivatives,
        state.method,
        point,
        _secants(function, state, steps),
        state.h,
        steps,
        notes,
        function.digits,
    )


def _along_the_range(function: Function, state: State, method: Method, order: int) -> tuple[Curve, Curve]:
    """The curve, with what is to be marked, and the derivatives by the method."""
    marks = [mark for mark in state.marks if mark != "kinks"]
    is_exact = method.family == "automatic"
    depth = order if is_exact else 1
    curve = None
    try:
        curve = curve_of(function.rows(state, depth), spaced(*state.ranges[state.along], _POINTS), marks)
    except Exception:  # a traced value may raise anything in code that wants an ordinary number
        if is_exact:
            raise
    if curve and is_exact:
        derivatives = curve
    else:
        derivatives = _pointwise(function, state, method, range(1, order + 1), _places(function, state, order, method))
    curve = curve or Curve("", derivatives.x, derivatives.y)
    if not np.isfinite(curve.y[0]).any():
        raise nothing(function.grid(state, depth))
    shown = {"jump", "pole", *(kind for mark in state.marks for kind in _MARKED[mark])}
    curve.marks = [mark for mark in curve.marks if mark.kind in shown]
    return curve, derivatives


def _pointwise(function: Function, state: State, method: Method, orders: range, places: int) -> Curve:
    """The derivatives by a method that takes one point at a time."""
    f = function.along(state, state.along)

    def differentiate(x: float, order: int) -> tuple[Any, Any]:
        found = run(method, f, (x,), order=order)
        return found.value, found.derivative

    return sampled(differentiate, spaced(*state.ranges[state.along], places), orders, method.name)


def _holds(function: Function, state: State, curve: Curve) -> bool:
    """Whether a curve is still that of the function, where it is nearest to the point."""
    (known,) = np.nonzero(np.isfinite(curve.y[0]))
    k = known[np.argmin(np.abs(curve.x[known] - state.numbers[state.along]))]
    return function.gives(state, {state.along: float(curve.x[k])}, curve.y[0, k])


def _places(function: Function, state: State, order: int, *methods: Method) -> int:
    """At how many places to ask these methods: at fewer if one takes long."""
    for method in methods:
        if (method.name, order) not in function.slow:  # the first time something may have to be loaded
            seconds = min(_seconds(function, state, order, method) for _ in range(2))
            function.slow[method.name, order] = seconds > _LONG
    return _FEWER if any(function.slow[method.name, order] for method in methods) else _FEW


def _seconds(function: Function, state: State, order: int, method: Method) -> float:
    start = time.perf_counter()
    with suppress(*UNDEFINED, DiffmagicError):
        run(method, function.along(state, state.along), (state.numbers[state.along],), order=order)
    return time.perf_counter() - start


def _secants(function: Function, state: State, steps: Any) -> list[Secant]:
    if not state.secants:
        return []
    x, values = state.numbers[state.along], _values(function, state)
    steps = np.concatenate([[state.h], steps])
    at = {side: values(x + side * steps) for side in (-1.0, 0.0, 1.0)}
    found = []
    for kind in [kind for kind in SECANTS if kind in state.secants]:
        left, right = _SECANTS[kind]
        slopes = (at[right] - at[left]) / ((right - left) * steps)
        ends = tuple((float(x + side * state.h), float(at[side][0])) for side in (left, right))
        found.append(Secant(kind, (ends[0], ends[1]), float(slopes[0]), slopes[1:]))
    return found


def _values(function: Function, state: State) -> Callable[[Any], Any]:
    """The function at places along the axis, traced or as it is."""
    rows, f = function.rows(state, 1), function.along(state, state.along)

    def values(x: Any) -> Any:
        try:
            return rows(x)[0]
        except Exception:  # it cannot be traced
            return sampled(lambda each, _: (f(each), np.nan), x, (1,), "").y[0]

    return values


def _contours(function: Function, state: State) -> ContoursScene:
    names, method = (state.along, state.up), find(state.method)
    key = function.surroundings(state, *names)
    found = function.once(
        "contours",
        key,
        lambda: _field(function, state, *names),
        lambda kept: _still_holds(function, state, kept),
    )
    point = function.point(state, method, names, range(1, 2))
    return ContoursScene(found, point, state.method, state.descent, state.rate, list(found.notes), function.digits)


def _field(function: Function, state: State, across: str, up: str) -> Field:
    try:
        return field_of(
            function.along(state, across, up),
            state.ranges[across],
            state.ranges[up],
            points=_ACROSS,
            wrt=(across, up),
            of=function.of,
        )
    except DiffmagicError:
        raise
    except Exception as error:  # a traced value may raise anything in code that wants an ordinary number
        reason = f"contours need a function that can be traced, and this one raises {type(error).__name__}: {error}"
        raise DiffmagicError(reason, rewrite="curves, by a numerical method") from error


def _still_holds(function: Function, state: State, found: Field) -> bool:
    """Whether contours are still those of the function, where they are nearest to the point."""
    across, up = (
        int(np.argmin(np.abs(axis - state.numbers[n]))) for axis, n in zip((found.x, found.y), found.wrt, strict=True)
    )
    place = {found.wrt[0]: float(found.x[across]), found.wrt[1]: float(found.y[up])}
    return function.gives(state, place, found.value[up, across])


def descended(function: Function, state: State, steps: int = 1) -> State:
    """A state after steps of gradient descent along the two axes.

    Raises
    ------
    DiffmagicError
        If a step leads to where there is no value or no gradient.
    """
    names, method = (state.along, state.up), find(state.method)
    f = function.along(state, *names)
    way = [*(state.descent or [tuple(state.numbers[name] for name in names)])]
    with notes_kept_back(), np.errstate(all="ignore"):
        for _ in range(steps):
            try:
                slope = np.asarray(run(method, f, way[-1], (0, 1), inputs=names).derivative)
                x, y = (float(each) for each in np.asarray(way[-1]) - state.rate * slope)
            except UNDEFINED:
                x = y = np.nan
            if not np.isfinite([x, y, value_of(f, x, y)]).all():
                raise DiffmagicError(
                    f"step {len(way)} of gradient descent leads to where there is no finite value",
                    rewrite="a smaller learning rate",
                )
            way.append((x, y))
    return state.at(dict(zip(names, way[-1], strict=True))).but(descent=tuple(way))


def _compare(function: Function, state: State) -> CompareScene:
    f, x = function.along(state, state.along), state.numbers[state.along]
    comparison = compare(f, x, order=state.order, inputs=(state.along,), results=(function.of,))
    comparison.digits = function.digits
    asked = [name for name in (state.method, state.against) if name in CLASSICS and name not in SWEPT]
    notes: list[str] = []
    swept = None
    try:
        swept = sweep(f, (x,), comparison.derivative, methods=[*SWEPT, *asked], order=state.order)
        notes += swept.notes
    except DiffmagicError as error:
        notes.append(f"there is no error against the step: {error.reason}")
    names = (state.method, state.against)
    places = _places(function, state, state.order, *map(find, names))
    key = (function.surroundings(state, state.along), state.order, places)
    first, second = (_by_method(function, state, name, key, places) for name in names)
    return CompareScene(comparison, swept, first.x, first.y[1], second.y[1], names, state.along, x, state.order, notes)


def _by_method(function: Function, state: State, name: str, key: Any, places: int) -> Curve:
    """The derivative of one order along the axis, place by place."""
    orders = range(state.order, state.order + 1)
    curve = function.once(
        f"by {name}",
        key,
        lambda: _pointwise(function, state, find(name), orders, places),
        lambda kept: not np.isfinite(kept.y[0]).any() or _holds(function, state, kept),
    )
    return cast(Curve, curve)


def steps_shown(function: Function, state: State) -> int:
    """How many steps the accumulation that is shown has."""
    scene = scene_of(function, state)
    assert isinstance(scene, TraceScene | GraphScene)
    return scene.steps


def _traced(function: Function, state: State) -> tuple[Program, Any, list[str]]:
    """The program with respect to all inputs, what the function returned, and notes."""
    call, values = function.call_at(state)
    found = automatic(call, (values,), mode=state.mode, inputs=list(values), results=(function.of,))
    assert found.program is not None
    return found.program, found.value, found.notes


def _trace(function: Function, state: State) -> TraceScene:
    program, _, notes = _traced(function, state)
    whole = trace_table(program, result=function.of, mode=state.mode)
    steps = accumulation_steps(whole)
    step = steps if state.step is None else min(state.step, steps)
    return TraceScene(trace_so_far(whole, step), state.mode, step, steps, notes, function.digits)


def _graph(function: Function, state: State) -> GraphScene:
    program, value, notes = _traced(function, state)
    possible = modes_of(program)
    mode = state.mode if state.mode in possible or state.mode == "forward" else "plain"  # nothing comes back
    seeds = None if mode in possible else _direction(program, state.along)
    graph = graph_of(program, mode, results=result_paths(value, (function.of,)), seeds=seeds)
    steps = len(steps_of(graph))
    step = steps if state.step is None else min(state.step, steps)
    return GraphScene(graph, state_after(graph, step), notes, function.digits)


def _direction(program: Program, along: str) -> dict[Variable, Any]:
    """The tangent of one number, where there is no room for those of all."""
    return {
        variable: np.reshape(
            [float(label == along) for label, _ in components(variable.name, variable.value)], variable.shape
        )
        for variable in program.inputs
    }


_VIEWS: dict[str, Callable[[Function, State], Scene]] = {
    "curves": _curves,
    "contours": _contours,
    "compare": _compare,
    "trace": _trace,
    "graph": _graph,
}
