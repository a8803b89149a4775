"""What else ``%grad`` shows of a derivative: its steps, its graph, its source, what its matrix says."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.automatic import notes_kept_back, result_paths
from diffmagic.core.dependence import dependence
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.graph import Graph, graph_of, modes_of
from diffmagic.core.graph_steps import state_after
from diffmagic.core.program import summed
from diffmagic.core.recording import record
from diffmagic.core.structures import flatten
from diffmagic.core.transforms import jacobian
from diffmagic.curvature import curvature
from diffmagic.derivative_source import check_inputs, derivative_source
from diffmagic.gradient_check.kinks import on_a_kink
from diffmagic.matrices import matrix_of
from diffmagic.notebook.cells import CellFunction
from diffmagic.notebook.inputs import Inputs
from diffmagic.notebook.line import Options, one_of
from diffmagic.notebook.request import Request
from diffmagic.results import Derivative, TraceTable
from diffmagic.trace_table import Columns, trace_table

VIEWS = ("trace", "rows", "graph", "step", "source", "eigen")
"""The names of the options."""


def add_view_options(parser: Options) -> None:
    """The options that ask for more than numbers."""
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
    parser.add_argument(
        "--eigen",
        action="store_true",
        help="the Hessian with its eigenvalues, and whether the point is a minimum, a maximum or a saddle",
    )


def check_view_options(options: Any) -> None:
    """Refuse what only goes with another option.

    Raises
    ------
    DiffmagicError
    """
    if not options.trace and (options.rows or options.mode == "both"):
        written = f"--rows {options.rows}" if options.rows else "--mode both"
        raise DiffmagicError(f"{written} is for the table of steps", rewrite=f"--trace {written}")
    if options.step is not None and not options.graph:
        raise DiffmagicError("--step is that of a graph", rewrite=f"--graph --step {options.step}")


def add_views(found: Derivative, request: Request, function: CellFunction, inputs: Inputs, columns: Columns) -> None:
    """Give a derivative what the line asks for besides."""
    options = request.options
    found.trace = _trace(found, columns, options.rows == "folded") if options.trace else None
    if options.graph:
        found.graph = _graph(found, "auto" if options.graph is True else options.graph)
        found.graph_state = None if options.step is None else state_after(found.graph, options.step)
    found.source = _source(found, request) if options.source else ""
    if found.order > 1 and (options.trace or options.graph):
        found.notes += ["the steps are those of the first derivative"]
    _look_into(found, function, inputs.varied, options.eigen)


def check_source(request: Request, inputs: Inputs, mode: str, order: int) -> None:
    """Refuse a source that there is not, if nothing else is asked for, before the derivative is computed.

    Raises
    ------
    DiffmagicError
    """
    if request.options.source and _is_all(request.options):
        check_inputs(dict(zip(inputs.paths, (leaf for _, leaf in flatten(inputs.varied)[0]), strict=True)), mode, order)


def _is_all(options: Any) -> bool:
    """Whether a source is all that is asked for besides the numbers."""
    return not (options.trace or options.graph or options.eigen or options.plot)


def _source(found: Derivative, request: Request) -> str:
    try:
        return derivative_source(found, _arrays(request))
    except DiffmagicError as error:
        if _is_all(request.options):
            raise
        found.notes += [f"there is no source: {error.reason}"]
        return ""


def _trace(found: Derivative, mode: Columns, folded: bool) -> TraceTable:
    program = found.program
    assert program is not None
    tangents = cotangents = None
    if found.kind != "derivative":
        parts = [part for _, part in flatten(found.seed)[0]]
        if found.kind == "tangent":
            tangents = dict(zip(program.inputs, parts, strict=True))
        else:
            cotangents = summed(program.outputs, parts)
    return trace_table(
        program, result=found.names[0], mode=mode, folded=folded, tangents=tangents, cotangents=cotangents
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
        parts = [part for _, part in flatten(found.seed)[0]]
        seeds = summed(program.inputs if mode == "forward" else program.outputs, parts)
    elif mode == "auto" and found.method in modes_of(program):
        mode = found.method
    return graph_of(program, mode, results=result_paths(found.value, found.names), seeds=seeds)


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
    assert found.program is not None
    kink = on_a_kink(found.program)
    found.depends = None if kink else dependence(program)  # at a kink zero may be a mean
    if eigen:
        found.curvature = curvature(program, whole.numbers, kink)
