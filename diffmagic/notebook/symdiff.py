"""``%symdiff`` and ``%%symdiff``: symbolic differentiation of a cell, a function or an expression."""

from __future__ import annotations

import builtins
import re
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
from IPython.utils.capture import capture_output

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.structures import flatten
from diffmagic.methods import find, run
from diffmagic.notebook.cells import Subject
from diffmagic.notebook.inputs import Inputs
from diffmagic.notebook.line import Options, nearest
from diffmagic.notebook.request import (
    Request,
    add_common_options,
    add_input_options,
    check_order,
    merged,
    names_in,
    result_names,
)
from diffmagic.notebook.sizes import cell_for, values_of
from diffmagic.results import Derivation, Growth, Symbolic

_ABOUT = """\
Differentiate a cell by the rules of calculus: formulas of it and of its
partial derivatives.

    %%symdiff w, x             names without values are symbols
    %%symdiff w=0.5, x=2.0     with numbers besides, and branches as taken
    %symdiff f                 a function of the notebook
    %symdiff "x**2" x          an expression
    %%symdiff x --steps        one rule at a time
    %%symdiff x=0.3 --growth n=1:6
                               how the formulas grow with n

Loops are unrolled; arrays go component by component. Of a branch the formula
is that of the piece which is taken, and a note says so. The result is
callable: -o d, then d(0.5, 2.0) gives numbers."""


def _options() -> Options:
    parser = Options("symdiff", _ABOUT)
    add_input_options(parser)
    parser.add_argument("--simplify", action="store_true", help="simplify the formulas of the derivatives")
    parser.add_argument("--steps", action="store_true", help="show the rules applied one at a time")
    parser.add_argument(
        "--growth", metavar="n=1:6", help="count operations for each value of a name that the cell reads"
    )
    add_common_options(parser)
    return parser


SYMDIFF = _options()


def run_symdiff(request: Request) -> Symbolic | Growth:
    """Differentiate what ``%symdiff`` asks for."""
    options = request.options
    order = check_order(options.order)
    if options.steps and order > 1:
        raise DiffmagicError("the rules are shown for the first derivative", rewrite="leave --order or --steps out")
    if options.growth is not None:
        return _growth(request)
    request, bare = _without_bare_names(request)
    subject = request.subject()
    symbols = _symbols(request, subject, bare)
    found = _in_symbols(request, subject, symbols, order) if symbols else _with_values(request, subject, order)
    if options.steps:
        found.derivations = _derivations(found)
    found.digits = request.digits
    return found


def _in_symbols(request: Request, subject: Subject, symbols: list[str], order: int) -> Symbolic:
    """The formulas, where the inputs have no values."""
    from diffmagic.symbolic.method import symdiff

    inputs = Inputs(dict.fromkeys(symbols), {}, [])
    with request.function(subject, inputs) as function, capture_output():
        found = symdiff(
            function.by_position(symbols),
            wrt=_chosen(request, symbols),
            order=order,
            simplify=request.options.simplify,
            results=result_names(subject, inputs),
        )
        found.notes += function.notes()
        if subject.parameters is None:
            function.undo()  # what the cell defines belongs to no value of the inputs
    return found


def _with_values(request: Request, subject: Subject, order: int) -> Symbolic:
    """The formulas, and their numbers at these values."""
    from diffmagic.symbolic.method import symdiff

    inputs = _everything(request.inputs(subject))
    names, values = list(inputs.varied), list(inputs.varied.values())
    results = result_names(subject, inputs)
    with request.function(subject, inputs) as function:
        function(inputs.varied)
        found = symdiff(
            function.by_position(names),
            *values,
            wrt=_chosen(request, names),
            order=order,
            simplify=request.options.simplify,
            results=results,
        )
        chosen = {name: inputs.varied[name] for name in _chosen(request, names)}
        rest = {name: value for name, value in inputs.varied.items() if name not in chosen}
        found.at = run(
            find("symbolic"),
            lambda varied: function({**rest, **varied}),
            (chosen,),
            order=order,
            inputs=[path for name, value in chosen.items() for path, _ in flatten(value, name)[0]],
            results=results,
        )
    found.notes = merged(inputs.notes, found.notes, found.at.notes, function.notes())
    return found


def _everything(inputs: Inputs) -> Inputs:
    """All inputs as symbols, also those that are not differentiated."""
    numbers = {name: value for name, value in inputs.constants.items() if _is_numbers(value)}
    rest = {name: value for name, value in inputs.constants.items() if name not in numbers}
    return Inputs({**inputs.varied, **numbers}, rest, inputs.notes)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _without_bare_names(request: Request) -> tuple[Request, list[str]]:
    """The names without values on the line, and the request without them."""
    line = request.line
    text = line.subject
    if request.cell is not None:
        subject, words = "", text
    elif quoted := re.match(r"(\"|')((?!\1).)*\1", text):
        subject, words = quoted[0], text[quoted.end() :]
    else:
        subject, _, words = text.partition(" ")
    names = names_in(words, "the line") if words.strip(" ,") else []
    for name in names:
        if name in line.inputs:
            raise DiffmagicError(f"{name} is given with and without a value", rewrite=f"one {name}")
    if names and line.inputs:
        given = ", ".join(f"{name}=…" for name in line.inputs)
        raise DiffmagicError(
            f"{given} has a value and {names[0]} has none", rewrite=f"{names[0]}=1.0, or no values at all"
        )
    return replace(request, line=replace(line, subject=subject)), names


def _symbols(request: Request, subject: Subject, bare: list[str]) -> list[str]:
    """The inputs without values; none if all have one."""
    if request.line.inputs:
        return []
    if subject.parameters is not None:
        required = [name for name in subject.parameters if name not in subject.defaults]
        for name in bare:
            if name not in subject.parameters:
                raise DiffmagicError(
                    f"{subject.function} has no parameter {name}", rewrite=nearest(name, subject.parameters)
                )
        return [name for name in subject.parameters if name in required or name in bare]
    reads = subject.reads()
    unknown = [name for name in reads if name not in request.names and not hasattr(builtins, name)]
    for name in bare:
        if name not in reads:
            raise DiffmagicError(f"the cell does not read {name}", rewrite=nearest(name, reads) or ", ".join(unknown))
    return bare or unknown


def _chosen(request: Request, names: list[str]) -> list[str]:
    """The inputs that are differentiated, among those that are symbols."""
    wrt = request.wrt() or names
    for name in wrt:
        if name not in names:
            raise DiffmagicError(f"there is no input {name}", rewrite=f"--wrt {nearest(name, names) or names[0]}")
    return wrt


def _derivations(found: Symbolic) -> list[Derivation]:
    from diffmagic.symbolic.rules import steps

    formulas = {entry.of: entry.value for entry in found.formulas}
    return [
        Derivation(entry.of, entry.wrt[0], formulas[entry.of], steps(formulas[entry.of], found.symbols[entry.wrt[0]]))
        for entry in found.entries
    ]


def _growth(request: Request) -> Growth:
    """How the formulas grow with a name that the cell reads."""
    from diffmagic.symbolic.growth import growth

    name, values = values_of(request.options.growth, "--growth", request)
    with ExitStack() as stack:
        return growth(lambda value: stack.enter_context(cell_for(request, name, value)), values, name)
