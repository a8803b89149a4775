"""``%gradcheck`` and ``%%gradcheck``: whether the user's own gradient is right."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from diffmagic.core.errors import DiffmagicError
from diffmagic.gradient_check import gradcheck
from diffmagic.notebook.cells import Subject, cell_subject, defs_in, function_subject
from diffmagic.notebook.inputs import evaluate
from diffmagic.notebook.line import Options, nearest
from diffmagic.notebook.namespace import Names
from diffmagic.notebook.request import Request, add_common_options, add_input_options, merged, words_in
from diffmagic.results import GradientCheck

_ABOUT = """\
Check a gradient that you wrote against the automatic and the numerical one.

    %%gradcheck w=w0             the last def of the cell is the gradient,
                                 the one before it the function
    %%gradcheck w=w0 --gradient my_grad
    %gradcheck loss my_grad w=w0 functions of the notebook

The gradient takes what the function takes. It returns one gradient for each
input on the line, or for those that --wrt names. The rows stand worst first,
and where the pattern is clear a guess at the mistake follows."""


def _options() -> Options:
    parser = Options("gradcheck", _ABOUT)
    add_input_options(parser, order=False)
    parser.add_argument("--gradient", metavar="NAME", help="which function is the gradient")
    add_common_options(parser)
    return parser


GRADCHECK = _options()


def run_gradcheck(request: Request) -> GradientCheck:
    """Check the gradient that ``%gradcheck`` names."""
    subject, gradient = _on_the_line(request) if request.cell is None else _in_the_cell(request, request.cell)
    inputs = request.inputs(subject)
    names = request.names
    others = {
        name: inputs.constants.get(name, names.get(name))
        for name in subject.parameters or ()
        if name not in inputs.varied and (name in inputs.constants or (name in names and name not in subject.defaults))
    }
    values = {**inputs.varied, **others}
    values = {name: values[name] for name in sorted(values, key=_place(subject))}
    places = [place for place, name in enumerate(values) if name in inputs.varied]
    with request.function(subject, inputs) as function:
        function(values)
        found = gradcheck(
            function.by_position(list(values)),
            function.beside(gradient).by_position(_same_arguments(gradient, list(values), names)),
            *values.values(),
            argnums=places if len(places) > 1 else places[0],
        )
    return replace(found, notes=merged(inputs.notes, found.notes), digits=request.digits)


def _in_the_cell(request: Request, cell: str) -> tuple[Subject, Subject]:
    """The function and its gradient among those that a cell defines."""
    if request.line.subject:
        request.subject()  # which says what is wrong with the line
    whole = cell_subject(request.shell, cell)
    defined = [each.name for each in defs_in(ast.parse(cell))]
    gradient = request.options.gradient or (whole.function and defined[0])
    if not gradient:
        raise DiffmagicError("the cell does not end in a def", rewrite="end it with the def of the gradient")
    if gradient not in defined:
        raise DiffmagicError(f"the cell defines no function {gradient}", rewrite=nearest(gradient, defined))
    before = [name for name in defined[defined.index(gradient) + 1 :] if name != gradient]
    before = before or [name for name in defined if name != gradient]
    if not before:
        raise DiffmagicError(
            f"the cell defines {gradient} and no other function",
            rewrite=f"the def of the function above it, or %gradcheck f {gradient} for one of the notebook",
        )
    return cell_subject(request.shell, cell, function=before[0]), cell_subject(request.shell, cell, function=gradient)


def _on_the_line(request: Request) -> tuple[Subject, Subject]:
    """The function and its gradient, by their names in the notebook."""
    words = words_in(request.line.subject) + words_in(request.options.gradient or "")
    if len(words) != 2:
        raise DiffmagicError("the line names a function and its gradient", rewrite="%gradcheck loss my_grad w=w0")
    values = [evaluate(word, request.names, "the function") for word in words]
    for word, value in zip(words, values, strict=True):
        if not callable(value):
            raise DiffmagicError(f"{word} is not a function", rewrite="%gradcheck loss my_grad w=w0")
    return function_subject(values[0], words[0]), function_subject(values[1], words[1])


def _place(subject: Subject) -> Callable[[str], int]:
    """Where a parameter stands; names that are none come last."""
    parameters = list(subject.parameters or ())
    return lambda name: parameters.index(name) if name in parameters else len(parameters)


def _same_arguments(gradient: Subject, names: list[str], notebook: Names) -> list[str]:
    """What the gradient calls the function's arguments: it has their names, or takes them by position."""
    parameters = list(gradient.parameters or ())
    called = names if set(names) <= set(parameters) else parameters[: len(names)]
    needed = [name for name in parameters if name not in gradient.defaults and name not in notebook]
    missing = [name for name in needed if name not in called]
    if missing or len(called) < len(names):
        takes = f"takes {', '.join(parameters) or 'nothing'}"
        raise DiffmagicError(
            f"{gradient.function} {takes}, and the function takes {', '.join(names)}",
            rewrite=f"def {gradient.function}({', '.join(names)}):",
        )
    return called
