"""``%diffcompare`` and ``%%diffcompare``: all methods on one cell."""

from __future__ import annotations

from contextlib import ExitStack

from diffmagic.comparison import compare, scaling
from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.line import Options
from diffmagic.notebook.request import (
    Request,
    add_common_options,
    add_input_options,
    check_order,
    merged,
    result_names,
    words_in,
)
from diffmagic.notebook.sizes import cell_for, values_of
from diffmagic.results import Comparison, Scaling

_ABOUT = """\
Differentiate a cell by all methods, side by side.

    %%diffcompare w=0.5, x=2.0     symbolic, numerical and automatic
    %diffcompare f w=w0            a function of the notebook
    %%diffcompare x=np.linspace(1, 2, n) --scale n=1,2,5,10
                                   the cost as the number of inputs grows

For each method: the derivative (its norm if it has many numbers), digits of
agreement with the reference, the method's own estimate of its relative
error, evaluations of the function, elementary operations, and the size of
the expression. Inputs are given as for %%grad."""


def _options() -> Options:
    parser = Options("diffcompare", _ABOUT)
    add_input_options(parser)
    parser.add_argument("--methods", metavar="NAMES", help="only these, as in --methods reverse,adaptive")
    parser.add_argument("--scale", metavar="n=1,2,5", help="values of a name that the inputs are made with")
    parser.add_argument("--time", action="store_true", help="show times too; they differ from run to run")
    add_common_options(parser)
    return parser


DIFFCOMPARE = _options()


def run_diffcompare(request: Request) -> Comparison | Scaling:
    """Compare the methods on what ``%diffcompare`` asks for."""
    options = request.options
    order = check_order(options.order)
    if options.scale is not None:
        return _scaled(request)
    subject = request.subject()
    inputs = request.inputs(subject)
    with request.function(subject, inputs) as function:
        found = compare(
            function,
            inputs.varied,
            methods=None if options.methods is None else words_in(options.methods),
            order=order,
            inputs=inputs.paths,
            results=result_names(subject, inputs),
        )
    found.notes = merged(inputs.notes, found.notes, function.notes())
    found.digits, found.timed = request.digits, options.time
    return found


def _scaled(request: Request) -> Scaling:
    options = request.options
    for flag in ("methods", "order"):
        if getattr(options, flag) is not None:
            raise DiffmagicError(f"--{flag} does not go with --scale", rewrite=f"leave --{flag} out")
    name, sizes = values_of(options.scale, "--scale", request)
    with ExitStack() as stack:
        found = scaling(lambda size: stack.enter_context(cell_for(request, name, size)), name, sizes)
    found.timed = options.time
    return found
