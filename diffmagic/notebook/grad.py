"""``%grad`` and ``%%grad``: automatic differentiation of a cell, a function or an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffmagic.automatic import automatic, cotangent, notes_kept_back, result_paths, seed_like, tangent
from diffmagic.checking import check_derivative
from diffmagic.core.dependence import dependence
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.graph import Graph, graph_of, modes_of
from diffmagic.core.graph_steps import state_after
from diffmagic.core.hook import traceable
from diffmagic.core.program import Variable
from diffmagic.core.recording import record
from diffmagic.core.structures import flatten
from diffmagic.core.transforms import grad, jacobian
from diffmagic.curvature import curvature
from diffmagic.derivative_source import derivative_source
from diffmagic.gradient_check.kinks import on_a_kink
from diffmagic.matrices import matrix_of
from diffmagic.notebook.cells import CellFunction, Subject
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
from diffmagic.results import Curves, Derivative, Field, TraceTable
from diffmagic.trace_table import Columns, trace_table

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
        "--eigen",
        action="store_true",
        help="the Hessian with its eigenvalues, and whether the point is a minimum, a maximum or a saddle",
    )
    parser.add_argument(
        "--seed",
        metavar="VALUES",
        help="with --mode forward a direction, one entry for each input or a dict by name: gives the derivative along "
        "it; with --mode reverse one weight for each number of the result: gives the gradient of the weighted sum",
    )
    parser.add_argument("--trace", action="store_true", help="show every step with its value and its derivatives")
    parser.add_argument(
        "--rows",
        type=one_of("one", "folded"),
        metavar="{one,folded}",
        help="the rows of --trace: one operation each, or constants and signs folded into the others",
    )
    parser.add_argument(
        "--graph",
        nargs="?",
        const=True,
        type=one_of("forward", "reverse", "plain"),
        metavar="{forward,reverse,plain}",
        help="draw the computational graph with the tangents, the cotangents or neither; by default as the mode is",
    )
    parser.add_argument("--step", type=int, metavar="K", help="the graph after K steps of the accumulation")
    parser.add_argument("--source", action="store_true", help="show the derivative as a function to paste and run")
    parser.add_argument("--why", action="store_true", help="explain what is not finite, and the kinks, step by step")
    add_plot_options(parser)
    add_curve_options(parser)
    add_common_options(parser)
    return parser


GRAD = _options()
_AT_A_POINT = ("mode", "hessian", "eigen", "seed", "trace", "rows", "graph", "source", "why")


def run_grad(request: Request) -> Derivative | Curves | Field | None:
    """Differentiate or draw what ``%grad`` asks for; None where a function and its gradient were defined instead."""
    options = request.options
    _check_options(options)
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
    with request.function(subject, inputs) as function:
        found = _differentiated(function, subject, inputs, mode, order, seed)
        found.check = check_derivative(found, function, inputs.varied)
        found.trace = _trace(found, columns, options.rows == "folded") if options.trace else None
        found.curves = around(request, function, inputs, found.names[0], exact) if options.plot else None
        if options.graph:
            found.graph = _graph(found, "auto" if options.graph is True else options.graph)
            found.graph_state = None if options.step is None else state_after(found.graph, options.step)
        found.source = derivative_source(found, _arrays(request)) if options.source else ""
        _look_into(found, function, inputs.varied, options.eigen)
    found.notes = merged(inputs.notes, found.notes, function.notes(found.findings))
    found.explained = options.why
    found.digits = request.digits
    return found


def _check_options(options: Any) -> None:
    check_order(options.order)
    second = "--hessian" if options.hessian else "--eigen" if options.eigen else ""
    if second and options.order not in (None, 2):
        raise DiffmagicError(f"{second} is the derivative of order 2, not {options.order}", rewrite="one of the two")
    if not options.trace and (options.rows or options.mode == "both"):
        written = f"--rows {options.rows}" if options.rows else "--mode both"
        raise DiffmagicError(f"{written} is for the table of steps", rewrite=f"--trace {written}")
    if options.step is not None and not options.graph:
        raise DiffmagicError("--step is that of a graph", rewrite=f"--graph --step {options.step}")
    if options.seed is not None and (second or (options.order or 1) > 1):
        raise DiffmagicError(
            "a seed goes with the first derivative", rewrite=f"leave --order{' and ' * bool(second)}{second} out"
        )


def _arrays(request: Request) -> dict[str, Any]:
    """The arrays of the notebook, by name."""
    return {name: value for name, value in request.names.items() if type(value) is np.ndarray and name.isidentifier()}


def _graph(found: Derivative, mode: Any) -> Graph:
    """The computational graph, with what the derivative's own mode carries if the line does not say."""
    program = found.program
    assert program is not None
    seeds = None
    if found.kind != "derivative" and mode in ("auto", found.method):
        mode = found.method
        ends = program.inputs if mode == "forward" else program.outputs
        parts = [part for _, part in flatten(found.seed)[0]]
        seeds = {end: part for end, part in zip(ends, parts, strict=True) if isinstance(end, Variable)}
    elif mode == "auto" and found.method in modes_of(program):
        mode = found.method
    return graph_of(program, mode, results=result_paths(found.value, found.names), seeds=seeds)


def _define_gradient(subject: Subject, request: Request) -> None:
    """A cell that ends in a def and has no values: define it, and its gradient."""
    options, names, wrt = request.options, request.names, request.wrt()
    for name in (
        "mode",
        "order",
        "hessian",
        "eigen",
        "seed",
        "trace",
        "rows",
        "graph",
        "source",
        "why",
        "digits",
        "out",
    ):
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


def _look_into(found: Derivative, function: CellFunction, varied: dict[str, Any], eigen: bool) -> None:
    """What is zero by structure in a Jacobian or Hessian and, if that is asked for, what its eigenvalues say."""
    whole = matrix_of(found, found.entries)
    if whole is None and eigen:
        raise DiffmagicError(
            "the eigenvalues are those of one number's Hessian, and the result is not one number",
            rewrite="end the cell in one number",
        )
    if whole is None:
        return
    program = found.program
    if found.order == 2:
        with notes_kept_back():
            program = record(jacobian(function), 0, (varied,), {}).program
    assert program is not None
    found.depends = dependence(program)
    if eigen:
        assert found.program is not None
        found.curvature = curvature(program, whole.numbers, on_a_kink(found.program))


def _trace(found: Derivative, mode: Columns, folded: bool) -> TraceTable:
    program = found.program
    assert program is not None
    tangents = cotangents = None
    if found.kind != "derivative":
        parts = [part for _, part in flatten(found.seed)[0]]
        if found.kind == "tangent":
            tangents = dict(zip(program.inputs, parts, strict=True))
        else:
            pairs = zip(program.outputs, parts, strict=True)
            cotangents = {out: part for out, part in pairs if isinstance(out, Variable)}
    return trace_table(
        program, result=found.names[0], mode=mode, folded=folded, tangents=tangents, cotangents=cotangents
    )
