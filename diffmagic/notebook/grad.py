"""``%grad`` and ``%%grad``: automatic differentiation of a cell, a function or an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.automatic import automatic, cotangent, seed_like, tangent
from diffmagic.checking import check_derivative
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.hook import traceable
from diffmagic.core.structures import flatten
from diffmagic.core.transforms import grad
from diffmagic.notebook.cells import Subject
from diffmagic.notebook.inputs import Inputs, evaluate
from diffmagic.notebook.line import Options, nearest, one_of
from diffmagic.notebook.namespace import Snapshot
from diffmagic.notebook.plot import (
    add_curve_options,
    add_plot_options,
    around,
    check_plot_options,
    exact,
    plotted,
    refuse_at_ranges,
)
from diffmagic.notebook.request import Request, add_common_options, add_input_options, check_order, merged, result_names
from diffmagic.notebook.views import VIEWS, add_view_options, add_views, check_source, check_view_options
from diffmagic.results import Curves, Derivative, Field

_ABOUT = """\
Differentiate a cell of ordinary NumPy.

    %%grad w=0.5, x=2.0        the cell is a function of w and x
    %%grad x=-3:3 --order 2    curves of it and its derivatives
    %%grad                     of the notebook's floats that it reads
    %%grad                     above a def, without values: defines the
                               function f and its gradient grad_f, with
                               respect to the first parameter or --wrt
    %grad f w=w0               a function of the notebook
    %grad "x**2" x=3           an expression
    d = %grad f w=w0           keeps the result

The result is the cell's last expression, the last name assigned, or the
function that it ends in. Inputs are name=expression, evaluated in the
notebook, with commas or blanks between them; arrays that the cell reads
are data unless --wrt names them. A number has a gradient, an array a
Jacobian. A semicolon at the end of the line or the cell silences.
%config DiffMagic sets the mode and the digits for all cells."""


def _options() -> Options:
    parser = Options("grad", _ABOUT, ranges=True)
    add_input_options(parser)
    parser.add_argument(
        "--mode",
        type=one_of("auto", "forward", "reverse", "both"),
        metavar="{auto,forward,reverse,both}",
        help="forward or reverse accumulation; auto takes the one with fewer passes; both are the columns of --trace",
    )
    parser.add_argument("--hessian", action="store_true", help="the same as --order 2")
    parser.add_argument(
        "--seed",
        metavar="VALUES",
        help="with --mode forward a direction, one entry for each input or a dict by name: gives the derivative along "
        "it; with --mode reverse one weight for each number of the result: gives the gradient of the weighted sum",
    )
    add_view_options(parser)
    parser.add_argument("--why", action="store_true", help="explain what is not finite, and the kinks, step by step")
    add_plot_options(parser)
    add_curve_options(parser)
    add_common_options(parser)
    return parser


GRAD = _options()
_AT_A_POINT = ("mode", "hessian", "seed", *VIEWS, "why")


def run_grad(request: Request) -> Derivative | Curves | Field | None:
    """Differentiate or draw what ``%grad`` asks for; None where a function and its gradient were defined instead."""
    options = request.options
    _check_options(options)
    check_view_options(options)
    check_plot_options(request)
    if request.line.ranges:
        refuse_at_ranges(request, _AT_A_POINT)
        return plotted(request, exact)
    subject = request.subject()
    if request.cell is not None and subject.function and not request.line.inputs:
        _define_gradient(subject, request)
        return None
    inputs = request.inputs(subject)
    columns: Any = options.mode or request.mode
    mode = "auto" if columns == "both" else columns
    seed = None
    if options.seed is not None:
        seed = evaluate(options.seed, request.names, "the seed")
        if mode == "auto":
            raise DiffmagicError(
                "a seed is a direction of the inputs or weights of the result, and this does not say which",
                rewrite="--mode forward for a direction, --mode reverse for weights",
            )
    order = 2 if options.hessian or options.eigen else options.order or 1
    if seed is None:
        check_source(request, inputs, mode, order)
    with request.function(subject, inputs) as function:
        found = _differentiated(function, subject, inputs, mode, order, seed)
        found.check = check_derivative(found, function, inputs.varied)
        add_views(found, request, function, inputs, columns)
        found.curves = around(request, function, inputs, found.names[0], exact) if options.plot else None
    found.notes = merged(inputs.notes, found.notes, function.notes(found.findings))
    found.explained = options.why
    found.digits = request.digits
    return found


def _check_options(options: Any) -> None:
    check_order(options.order)
    second = "--hessian" if options.hessian else "--eigen" if options.eigen else ""
    if second and options.order not in (None, 2):
        raise DiffmagicError(f"{second} is the derivative of order 2, not {options.order}", rewrite="one of the two")
    if options.seed is not None and (second or (options.order or 1) > 1):
        raise DiffmagicError(
            "a seed goes with the first derivative", rewrite=f"leave --order{' and ' * bool(second)}{second} out"
        )


def _define_gradient(subject: Subject, request: Request) -> None:
    """A cell that ends in a def and has no values: define it, and its gradient."""
    options, names, wrt = request.options, request.names, request.wrt()
    for name in (*_AT_A_POINT, "order", "plot", "digits", "out"):
        if value := getattr(options, name):
            written = f"--{name}" if value is True else f"--{name} {value}"
            raise DiffmagicError(f"--{name} needs a point", rewrite=f"%%grad {_example(subject)} {written}")
    parameters = subject.parameters or ()
    if not parameters:
        raise DiffmagicError(f"{subject.function} has no parameters", rewrite=f"def {subject.function}(x):")
    for name in wrt or ():
        if name not in parameters:
            near = nearest(name, parameters) or parameters[0]
            raise DiffmagicError(f"{subject.function} has no parameter {name}", rewrite=f"--wrt {near}")
    before = Snapshot(names, [])
    try:
        subject.run(names)
    except BaseException:
        before.restore()
        raise
    function = names[subject.function]
    chosen = wrt or [parameters[0]]
    gradient = grad(traceable(function), tuple(chosen) if len(chosen) > 1 else chosen[0])
    names[gradient.__name__] = gradient
    if not request.silent:
        call = f"{gradient.__name__}({', '.join(p for p in parameters if p not in subject.defaults)})"
        print(f"{subject.function} is defined, and {call}: its gradient with respect to {', '.join(chosen)}.")


def _example(subject: Subject) -> str:
    return ", ".join(f"{name}=1.0" for name in subject.parameters or () if name not in subject.defaults)


def _differentiated(
    function: Callable[[Any], Any], subject: Subject, inputs: Inputs, mode: Any, order: int, seed: Any
) -> Derivative:
    results = result_names(subject, inputs)
    if seed is None:
        return automatic(function, (inputs.varied,), mode=mode, order=order, inputs=inputs.paths, results=results)
    if mode == "forward":
        return tangent(function, inputs.varied, _direction(seed, inputs.varied), inputs.paths, results)
    return cotangent(function, inputs.varied, seed, inputs.paths, results)


def _direction(seed: Any, varied: dict[str, Any]) -> dict[str, Any]:
    """A seed as one tangent for each input."""
    if isinstance(seed, dict):
        for name in seed:
            if name not in varied:
                near = nearest(str(name), varied) or f"a dict by input: {', '.join(varied)}"
                raise DiffmagicError(f"the seed's {name} is no input", rewrite=near)
        parts = dict(seed)
    elif len(varied) == 1:
        parts = dict.fromkeys(varied, seed)
    elif isinstance(seed, list | tuple | np.ndarray) and len(seed) == len(varied):
        parts = dict(zip(varied, seed, strict=True))
    else:
        raise DiffmagicError(
            f"the seed has not one entry for each of the {len(varied)} inputs {', '.join(varied)}",
            rewrite=f"--seed [{', '.join('1' if k == 0 else '0' for k in range(len(varied)))}]",
        )
    return {
        name: seed_like(parts[name], value, name) if name in parts else _zero(value) for name, value in varied.items()
    }


def _zero(value: Any) -> Any:
    leaves, rebuild = flatten(value)
    return rebuild([np.zeros_like(leaf) if np.ndim(leaf) else 0.0 for _, leaf in leaves])
