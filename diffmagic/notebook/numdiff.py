"""``%numdiff`` and ``%%numdiff``: numerical differentiation of a cell, a function or an expression."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.curves import curves, sampled, spaced
from diffmagic.methods import METHODS, Method, find, run
from diffmagic.notebook.cells import CellFunction
from diffmagic.notebook.inputs import Inputs
from diffmagic.notebook.line import Options
from diffmagic.notebook.plot import add_plot_options, around, check_plot_options, plotted, refuse_at_ranges
from diffmagic.notebook.request import (
    Request,
    add_common_options,
    add_input_options,
    check_order,
    merged,
    result_names,
    words_in,
)
from diffmagic.numerical.sweep import SWEPT, sweep
from diffmagic.results import Curves, Derivative, Field

_ABOUT = """\
Differentiate a cell by evaluating it beside the point.

    %%numdiff w=0.5, x=2.0     the cell is a function of w and x
    %%numdiff                  of the notebook's floats that it reads
    %numdiff f w=w0            a function of the notebook
    %numdiff "x**2" x=3        an expression
    %%numdiff x=0.2 --sweep    the error against the step, drawn
    %%numdiff x=-3:3           curves, and the difference to exact ones

It works on any code that gives numbers, and says how far the result may be
from the truth. The default method, adaptive, finds its steps itself; the
classic ones take --step. Inputs are given as for %%grad."""


def _options() -> Options:
    parser = Options("numdiff", _ABOUT, ranges=True)
    add_input_options(parser)
    parser.add_argument(
        "--method",
        metavar=f"{{{','.join(method.name for method in METHODS.values() if method.family == 'numerical')}}}",
        help="how to differentiate; with --sweep one or more, with commas between them",
    )
    parser.add_argument("--step", metavar="H", help="the step h of a classic method")
    parser.add_argument("--relative-step", metavar="H", help="the step as a multiple of the input's size")
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="draw the error against the step, for forward and central differences and the complex step or for the "
        "methods named, with the automatic derivative as the truth",
    )
    add_plot_options(parser)
    add_common_options(parser)
    return parser


NUMDIFF = _options()
_POINTS = 201


def run_numdiff(request: Request) -> Derivative | Curves | Field:
    """Differentiate or draw what ``%numdiff`` asks for."""
    options = request.options
    order = check_order(options.order)
    methods = [_numerical(name) for name in words_in(options.method or "adaptive")]
    steps = _steps(options, methods)
    if len(methods) > 1 and not options.sweep:
        raise DiffmagicError(
            "several methods at once are for --sweep", rewrite=f"--method {methods[0].name}, or --sweep"
        )
    check_plot_options(request)
    draw = partial(_curves, methods[0], steps)
    if request.line.ranges:
        refuse_at_ranges(request, ["sweep"])
        return plotted(request, draw)
    subject = request.subject()
    inputs = request.inputs(subject)
    with request.function(subject, inputs) as function:
        found = run(
            methods[0],
            function,
            (inputs.varied,),
            order=order,
            inputs=inputs.paths,
            results=result_names(subject, inputs),
            **steps,
        )
        if options.sweep:
            swept = [method.name for method in methods] if options.method else SWEPT
            truth, notes = _truth(function, inputs, order)
            found.sweep = sweep(function, (inputs.varied,), truth, methods=swept, order=order)
            found.notes += notes
        found.curves = around(request, function, inputs, found.names[0], draw) if options.plot else None
    found.notes = merged(inputs.notes, found.notes, function.notes())
    found.digits = request.digits
    return found


def _curves(
    method: Method,
    steps: dict[str, Any],
    request: Request,
    f: Callable[..., Any],
    ranges: dict[str, tuple[float, float]],
    of: str,
    _: None,
) -> Curves:
    """A numerical derivative along a range, and the automatic one if there is one."""
    order, points = check_order(request.options.order), request.options.points or _POINTS
    (name, ends), *others = ranges.items()
    if others:
        raise DiffmagicError("a numerical curve has one range", rewrite=f"a number for {others[0][0]}")

    def differentiate(x: float, order: int) -> tuple[Any, Any]:
        found = run(method, f, (x,), order=order, **steps)
        return found.value, found.derivative

    x = spaced(*ends, points)
    try:
        exact = curves(f, *ends, order=order, points=points, wrt=name, of=of)
    except Exception as error:  # a traced value may raise anything in code that wants an ordinary number
        only = sampled(differentiate, x, range(1, order + 1), "")
        if not np.isfinite(only.y).any():
            raise
        reason = error.reason if isinstance(error, DiffmagicError) else f"{type(error).__name__}: {error}"
        note = f"these are numerical derivatives only, as there is no automatic one: {reason}"
        return Curves(of, name, order, [only], notes=[note])
    exact.compared = [sampled(differentiate, x, [order], method.name)]
    return exact


def _truth(function: CellFunction, inputs: Inputs, order: int) -> tuple[Any, list[str]]:
    """The derivative that errors are taken from: the automatic one, or else the best numerical one, and a note."""
    try:
        return run(find("forward"), function, (inputs.varied,), order=order).derivative, []
    except DiffmagicError as error:
        best = run(find("adaptive"), function, (inputs.varied,), order=order)
        return best.derivative, [f"errors are taken from adaptive, as there is no automatic derivative: {error.reason}"]


def _numerical(name: str) -> Method:
    method = find(name)
    if method.family != "numerical":
        magics = {"automatic": f"%%grad --mode {name}", "symbolic": "%%symdiff"}
        magic = magics.get(method.family, f"%%diffcompare --methods {name}")
        raise DiffmagicError(f"{name} is not a numerical method", rewrite=magic)
    return method


def _steps(options: Any, methods: list[Method]) -> dict[str, Any]:
    """The step that is asked for, as the methods take it."""
    given = {"step": options.step, "relative_step": options.relative_step}
    given = {name: text for name, text in given.items() if text is not None}
    if given and any("step" not in method.options for method in methods):
        raise DiffmagicError(
            f"{methods[0].name} finds its steps itself", rewrite="--method central-difference with the step"
        )
    return {name: _number(text, name) for name, text in given.items()}


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        flag = name.replace("_", "-")
        raise DiffmagicError(f"--{flag} takes a number, not {text}", rewrite=f"--{flag} 1e-6") from None
