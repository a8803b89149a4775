"""A panel is opened: over a function, or by a magic over a cell."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

from IPython.core.getipython import get_ipython

from diffmagic.core.errors import DiffmagicError
from diffmagic.methods import find
from diffmagic.notebook.cells import CellFunction, Subject
from diffmagic.notebook.explorer.copied import line_of, name_of
from diffmagic.notebook.explorer.function import Function
from diffmagic.notebook.explorer.panel import Explorer, close_earlier
from diffmagic.notebook.explorer.scene import ContoursScene, CurvesScene, Scene
from diffmagic.notebook.explorer.state import MOST_NUMBERS, Inputs, State, first_state, inputs_of
from diffmagic.notebook.explorer.views import scene_of
from diffmagic.notebook.inputs import Inputs as Values
from diffmagic.notebook.inputs import chosen_inputs
from diffmagic.notebook.namespace import Names
from diffmagic.notebook.request import merged, result_names
from diffmagic.results import Curve, Curves, Field


def explore(f: Callable[..., Any], /, **inputs: Any) -> Explorer:
    """A panel of a function: sliders for its inputs, curves, methods side by side, its trace and its graph.

    Parameters
    ----------
    f : callable
        Returns one real number.
    **inputs
        A pair of numbers is a range to slide along, ``x=(-3, 3)``; a number, or an array of at most 16, is where to
        start. A list, a longer tuple or a truth is a choice, and so is a dict from labels to values. What is none of
        these stays as it is. By default the numbers that f's parameters have as defaults.

    Returns
    -------
    Explorer
        The panel: as the last line of a cell it is displayed. Its ``state`` tells how the controls are set, and
        ``close()`` frees it.

    Raises
    ------
    DiffmagicError
        If there is nothing to vary, or the function has no value on all of the range.
    Exception
        What the function raises, if that is no error of arithmetic.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import explore
    >>> panel = explore(lambda x, a: np.sin(a * x), x=(-3, 3), a=2.0)
    >>> panel.state.numbers, panel.scene.point.derivatives
    ({'x': 0.0, 'a': 2.0}, (2.0,))
    >>> panel.close()
    """
    if not callable(f):
        raise DiffmagicError(f"{f!r} is no function", rewrite="%diffexplore takes an expression in quotes")
    shell = get_ipython()
    subject, given = _subject_of(f, inputs)
    if not inputs_of(given)[0].values:
        example = ", ".join(f"{name}=(-3, 3)" for name in subject.parameters or ())
        raise DiffmagicError("there is nothing to vary", rewrite=f"explore(f, {example})")
    missing = [name for name in subject.parameters or () if name not in {*given, *subject.defaults}]
    if missing:  # a variable of the notebook is not meant
        example = ", ".join(f"{name}=1.0" for name in missing)
        raise DiffmagicError(f"{subject.function} needs {' and '.join(missing)}", rewrite=f"explore(f, …, {example})")
    names: Names = {} if shell is None else shell.user_ns
    return opened(subject, given, names, None, name_of(f, names) or None)


def opened(
    subject: Subject,
    given: Mapping[str, Any],
    names: Names,
    wrt: Sequence[str] | None,
    written: str | None,
    *,
    texts: Mapping[str, str] | None = None,
    digits: int = 8,
    **settings: Any,
) -> Explorer:
    """A panel over a subject.

    Parameters
    ----------
    subject : Subject
    given : mapping
        The inputs, as `explore` takes them; floats of the notebook that the subject reads if no number is given.
    names : dict
        The notebook's namespace.
    wrt : sequence of str or None
        The inputs that get controls, variables of the notebook among them; None for all that can be varied.
    written : str or None
        What stands for the subject on a magic's line: nothing for a cell; None if that is not known.
    texts : mapping of str to str, optional
        The inputs as they were written.
    digits : int
        How many digits to show.
    **settings
        How controls are set at first: attributes of the state.

    Raises
    ------
    DiffmagicError
    """
    close_earlier()
    inputs, rest, found = _varied(subject, given, wrt, names)
    ranges = [value for value in given.values() if isinstance(value, tuple)]
    state = first_state(inputs).but(**{"view": "contours" if len(ranges) > 1 else "curves", **settings})
    if state.view == "contours" and not state.up:
        raise DiffmagicError("contours need two numbers", rewrite="--view curves")
    first = {name: inputs.choices[name][label] for name, label in state.choices.items()}
    with CellFunction(subject, names, {**rest, **first}) as cell:

        def call(values: Mapping[str, Any], chosen: Mapping[str, Any]) -> Any:
            cell.constants = {**rest, **chosen}
            return cell(values)

        function = Function(call, inputs, result_names(subject, found)[0], digits)
        state, still = _first_look(function, state)
        still.notes = merged(found.notes, still.notes, cell.notes())
        still.digits = digits
        return Explorer(function, state, lambda now: line_of(inputs, now, given, texts or {}, written, names), still)


def _subject_of(f: Callable[..., Any], inputs: dict[str, Any]) -> tuple[Subject, dict[str, Any]]:
    """A function as a subject, and its inputs: what is given, or else its defaults."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except ValueError:  # a ufunc
        parameters = []
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    defaults = {p.name: p.default for p in named if p.default is not p.empty}
    given = inputs or {name: value for name, value in defaults.items() if type(value) in (int, float)}
    name = getattr(f, "__name__", "")
    name = name if name.isidentifier() else ""
    by_name = any(p.kind is p.VAR_KEYWORD for p in parameters)

    def unnamed(*_: Any, **values: Any) -> Any:
        return f(**values) if by_name else f(*values.values())

    function = f if named else unnamed
    codes = [f.__code__] if isinstance(f, FunctionType) else []
    names = tuple(p.name for p in named) or tuple(given) or ("x",)
    return Subject(codes, (name,), lambda _: function, names, tuple(defaults), name or "the function"), given


def _varied(
    subject: Subject, given: Mapping[str, Any], wrt: Sequence[str] | None, names: Names
) -> tuple[Inputs, dict[str, Any], Values]:
    """What gets controls, what is given besides, and both as the other magics see them."""
    asked = given if wrt is None else {name: {**names, **given}[name] for name in wrt if name in {**names, **given}}
    inputs, rest = inputs_of(asked)
    rest |= {name: value for name, value in given.items() if name not in asked}
    if inputs.values:
        starts = {name: asked[name] if isinstance(asked[name], int) else value for name, value in inputs.values.items()}
        choices = {name: next(iter(values.values())) for name, values in inputs.choices.items()}
        unknown = [name for name in wrt or () if name not in asked]
        return inputs, rest, chosen_inputs(subject, {**starts, **choices, **rest}, [*starts, *unknown], names)
    found = chosen_inputs(subject, rest, wrt, names)  # the notebook's floats
    inputs = replace(inputs_of(found.varied)[0], choices=inputs.choices)
    if not inputs.values:
        many = " and ".join(found.varied)
        raise DiffmagicError(f"{many} has too many numbers for a panel", rewrite=f"an array of {MOST_NUMBERS} at most")
    return inputs, rest, found


def _first_look(function: Function, state: State) -> tuple[State, Curves | Field]:
    """The static picture; curves by a numerical method where a derivative cannot be had otherwise."""
    view = "contours" if state.view == "contours" else "curves"
    try:
        return state, _still(scene_of(function, state.but(view=view)))
    except Exception as error:  # a traced value may raise anything in code that wants an ordinary number
        if find(state.method).family == "numerical" and view == "curves":
            raise
        numerical = state.but(method="adaptive", view=state.view if view == "curves" else "curves")
        try:
            still = _still(scene_of(function, numerical.but(view="curves")))
        except Exception:
            raise error from None
        reason = error.reason if isinstance(error, DiffmagicError) else f"{type(error).__name__}: {error}"
        still.notes.append(f"these are numerical derivatives, as there is no automatic one: {reason}")
        return numerical, still


def _still(scene: Scene) -> Curves | Field:
    """What a scene shows as an ordinary result."""
    if isinstance(scene, ContoursScene):
        return scene.field
    assert isinstance(scene, CurvesScene)
    shown = scene.derivatives
    whole = Curve("", shown.x, shown.y, scene.curve.marks, scene.curve.gaps)
    point = scene.point.place[0] if scene.point else None
    return Curves(scene.of, scene.wrt, len(shown.y) - 1, [whole], point=point, notes=list(scene.notes))
