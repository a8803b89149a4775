"""Curves of a cell: what ``--plot`` and ranges such as ``x=-3:3`` ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.curves import ACROSS, POINTS, curves, field_of, spaced
from diffmagic.notebook.cells import CellFunction
from diffmagic.notebook.inputs import Inputs, chosen_inputs, evaluate
from diffmagic.notebook.line import Options
from diffmagic.notebook.request import Request, check_order, merged, result_names, words_in
from diffmagic.results import Curves, Field

_MARKS = ("roots", "extrema")
_MEMBERS = 5
_MOST_ORDERS = 12
_MOST_MEMBERS = 14

Draw = Callable[..., Curves | Field]
"""``draw(request, f, ranges, of, family)``: curves along one range, by the way that the magic stands for."""


def add_plot_options(parser: Options) -> None:
    """The options of curves, the same for all methods."""
    parser.add_argument(
        "--plot",
        action="store_true",
        help="draw the function and its derivatives over a range as in x=-3:3, or around the point",
    )
    parser.add_argument("--points", type=int, metavar="N", help="how many points a curve has")


def add_curve_options(parser: Options) -> None:
    """The options of exact curves."""
    parser.add_argument("--mark", metavar=f"{{{','.join(_MARKS)}}}", help="what to mark besides kinks, jumps and poles")
    parser.add_argument("--stacked", action="store_true", help="axes of its own for each derivative")
    parser.add_argument(
        "--family",
        metavar="NAME",
        help="draw a curve for each value of this input, a list of numbers, or five from a range; without it, two "
        "ranges give contours and the gradient",
    )


def check_plot_options(request: Request) -> None:
    """Refuse what only goes with curves.

    Raises
    ------
    DiffmagicError
    """
    options = request.options
    for name in ("points", "mark", "stacked", "family"):
        if getattr(options, name, None) and not (options.plot or request.line.ranges):
            raise DiffmagicError(f"--{name} is for curves", rewrite="x=-3:3 --plot, or --plot around the point")
    for mark in words_in(getattr(options, "mark", None) or ""):
        if mark not in _MARKS:
            raise DiffmagicError(f"{mark} is not among {', '.join(_MARKS)}", rewrite="--mark roots,extrema")
    if getattr(options, "family", None) and not request.line.ranges:
        raise DiffmagicError("--family needs a range for the other input", rewrite=f"x=-3:3 --family {options.family}")


def refuse_at_ranges(request: Request, names: Iterable[str]) -> None:
    """Refuse the options that need a point.

    Raises
    ------
    DiffmagicError
    """
    for name in (*names, "wrt"):
        if getattr(request.options, name):
            raise DiffmagicError(f"--{name} needs a point, and there is a range", rewrite="a number for each input")


def plotted(request: Request, draw: Draw) -> Curves | Field:
    """The curves that a line with ranges asks for.

    Raises
    ------
    DiffmagicError
        If the ranges do not fit together.
    """
    ranges = {name: ends_of(name, texts, request) for name, texts in request.line.ranges.items()}
    subject = request.subject()
    members = _members(request, ranges)
    along = [name for name in ranges if name not in members]
    if not 1 <= len(along) <= 2:
        raise DiffmagicError(
            f"there are {len(along)} ranges, and a picture has room for one or two",
            rewrite="numbers for the others, or --family NAME for one of them",
        )
    given = {name: evaluate(text, request.names, name) for name, text in request.line.inputs.items()}
    given |= {name: 0.5 * (low + high) for name, (low, high) in ranges.items()}
    given |= {name: float(values[0]) for name, values in members.items()}
    inputs = chosen_inputs(subject, given, [*along, *members], request.names)
    of = result_names(subject, inputs)[0]
    with request.function(subject, inputs) as function:
        f = function.by_position(list(inputs.varied))
        family = next(iter(members.items()), None)
        found = draw(request, f, {name: ranges[name] for name in along}, of, family)
    found.notes = merged(inputs.notes, found.notes, function.notes())
    found.digits = request.digits
    return found


def exact(
    request: Request,
    f: Callable[..., Any],
    ranges: dict[str, tuple[float, float]],
    of: str,
    family: tuple[str, list[float]] | None,
) -> Curves | Field:
    """Automatic derivatives along one range, or the gradient over two."""
    options, order = request.options, check_order(request.options.order)
    names, points = list(ranges), options.points
    if order > _MOST_ORDERS:
        raise DiffmagicError(f"a picture has no room for {order} derivatives", rewrite=f"--order {_MOST_ORDERS}")
    if len(names) == 2:
        if order > 1 or options.mark or options.stacked or family:
            raise DiffmagicError("two ranges give contours and the gradient, and no more", rewrite="one range")
        return field_of(f, *ranges.values(), points=points or ACROSS, wrt=(names[0], names[1]), of=of)
    found = curves(
        f,
        *ranges[names[0]],
        order=order,
        points=points or POINTS,
        marks=words_in(options.mark or ""),
        family=family,
        wrt=names[0],
        of=of,
    )
    found.stacked = options.stacked
    return found


def around(request: Request, function: CellFunction, inputs: Inputs, of: str, draw: Draw) -> Curves:
    """Curves around the point of a line without ranges.

    Raises
    ------
    DiffmagicError
        If the point is not one number.
    """
    (name, point), *others = inputs.varied.items()
    if others or not isinstance(point, float | np.floating):
        raise DiffmagicError("--plot needs one number to go along the axis", rewrite=f"a range: {name}=-3:3 --plot")
    point = float(point)
    reach = max(2.0, abs(point))
    found = draw(request, function.by_position([name]), {name: (point - reach, point + reach)}, of, None)
    assert isinstance(found, Curves)
    found.point = point
    return found


def ends_of(name: str, texts: tuple[str, str], request: Request) -> tuple[float, float]:
    """A range as two numbers."""
    values = [evaluate(text, request.names, name) for text in texts]
    try:
        low, high = (float(value) for value in values)
    except (TypeError, ValueError):
        raise DiffmagicError(f"{name}={texts[0]}:{texts[1]} is no range of numbers", rewrite=f"{name}=-3:3") from None
    return low, high


def _members(request: Request, ranges: dict[str, tuple[float, float]]) -> dict[str, list[float]]:
    """The values of the input that tells the curves of a family apart; nothing without one."""
    name = getattr(request.options, "family", None)
    if name is None:
        return {}
    if name in ranges:
        return {name: spaced(*ranges[name], _MEMBERS).tolist()}
    if name not in request.line.inputs:
        raise DiffmagicError(f"{name} of --family is not among the inputs", rewrite=f"{name}=[0.5, 1.0, 2.0]")
    values = evaluate(request.line.inputs[name], request.names, name)
    try:
        members = [float(value) for value in values]
    except (TypeError, ValueError):
        members = []
    if not members:
        raise DiffmagicError(
            f"{name} of --family is no list of numbers", rewrite=f"{name}=[0.5, 1.0, 2.0], or a range {name}=0:2"
        )
    if len(members) > _MOST_MEMBERS:
        raise DiffmagicError(
            f"{len(members)} curves cannot be told apart", rewrite=f"at most {_MOST_MEMBERS} values of {name}"
        )
    return {name: members}
