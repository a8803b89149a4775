"""``%diffexplore`` and ``%%diffexplore``: a panel to vary the inputs of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffmagic.core.errors import DiffmagicError
from diffmagic.methods import find
from diffmagic.notebook.explorer.state import MOST_ORDERS, VIEWS
from diffmagic.notebook.inputs import evaluate
from diffmagic.notebook.line import Options, one_of
from diffmagic.notebook.plot import ends_of
from diffmagic.notebook.request import Request, add_common_options, add_input_options, check_order

if TYPE_CHECKING:
    from diffmagic.notebook.explorer.panel import Explorer

_ABOUT = """\
Vary the inputs of a cell, and watch its derivatives.

    %%diffexplore x=-3:3, a=1.0     a slider from -3 to 3, one around 1
    %%diffexplore x=-2:2, y=-1:3    contours, and gradient descent by hand
    %%diffexplore x=-3:3, kind=["tanh", "relu"]
                                    a choice; a dict has labels for values
    %diffexplore f x=-3:3           a function of the notebook

A panel of widgets: curves of the function and its derivatives with tangent
and secants, contours, all methods side by side, the trace and the graph one
step at a time; up to four derivatives. Arrays of up to 16 numbers have a
box for each. Boxes take numbers and arithmetic such as pi/4. The picture
above the panel is there without a kernel, too."""


def _options() -> Options:
    parser = Options("diffexplore", _ABOUT, ranges=True)
    add_input_options(parser)
    parser.add_argument(
        "--view", type=one_of(*VIEWS), metavar=f"{{{','.join(VIEWS)}}}", help="what the panel shows at first"
    )
    parser.add_argument("--method", metavar="NAME", help="how to differentiate; the panel has a list of all")
    add_common_options(parser)
    return parser


DIFFEXPLORE = _options()


def run_diffexplore(request: Request) -> Explorer:
    """Open the panel that ``%diffexplore`` asks for."""
    from diffmagic.notebook.explorer.opening import opened  # with ipywidgets

    options, line = request.options, request.line
    order = check_order(options.order)
    if order > MOST_ORDERS:
        raise DiffmagicError(f"a panel has no room for {order} derivatives", rewrite=f"--order {MOST_ORDERS}")
    subject = request.subject()
    given = {name: ends_of(name, texts, request) for name, texts in line.ranges.items()}
    given |= {name: evaluate(text, request.names, name) for name, text in line.inputs.items()}
    wrt = request.wrt()
    for name, ends in line.ranges.items():
        if wrt is not None and name not in wrt:
            raise DiffmagicError(
                f"{name}={':'.join(ends)} is a range, and --wrt leaves it out", rewrite=f"a number, or --wrt {name}"
            )
    view = {"view": options.view} if options.view else {}
    return opened(
        subject,
        given,
        request.names,
        wrt,
        "" if request.cell is not None else line.subject,
        texts=line.inputs,
        digits=request.digits,
        **view,
        order=order,
        method=find(options.method or "reverse").name,
    )
