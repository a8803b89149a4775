"""A program as Python source of one function, and as that function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent, wrap
from typing import Any

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.runnable import Dialect, imports, published
from diffmagic.core.simplify import simplified
from diffmagic.core.statements import Statements, identifier

_WIDTH = 92  # with the two indents that it is shown with, 100


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a function.

    Attributes
    ----------
    text : str
        Imports, and the function.
    constants : dict of str to ndarray
        The arrays that were too large to be written out, by the names of the function's last parameters.
    """

    text: str
    constants: dict[str, Any]


def source(
    program: Program,
    name: str = "f",
    *,
    about: str = "",
    outputs: Sequence[str] = (),
    returned: Callable[[list[str]], str] = ", ".join,
    arrays: Mapping[str, Any] | None = None,
) -> Source:
    """A program as source for people, in public functions of NumPy and SciPy.

    Parameters
    ----------
    program : Program
    name : str
        What to call the function.
    about : str
        Its docstring, without a full stop.
    outputs : sequence of str
        What to call the outputs; the empty string for those that need no name of their own.
    returned : callable
        What to return, from the texts of the outputs.
    arrays : mapping of str to ndarray, optional
        What large constants are called that are equal to these.

    Returns
    -------
    Source

    Raises
    ------
    DiffmagicError
        If a function has no public name and is not made of those that have.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> print(source(diffmagic.trace(lambda w, x: 1 / (1 + np.exp(-w * x)), 0.5, 2.0)).text)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(w, x):
        v5 = 1 / (1 + np.exp(-w * x))
        return v5
    <BLANKLINE>
    """
    program = _ready(program)
    body = Statements(program, "traced", _wishes(program), arrays)
    body.write(asserted=True)
    texts = [body.output(out) for out in program.outputs]
    for k, wish in enumerate(map(identifier, outputs)):
        if outputs[k] and wish not in body.taken:
            body.lines.append(f"{wish} = {texts[k]}")
            texts[k] = wish
    lines = wrap(f'"""{_told(about, program, body.constants)}"""', _WIDTH, break_long_words=False) if about else []
    lines += [*map(_wrapped, body.lines), _wrapped(f"return {returned(texts)}")]
    parameters = ", ".join([*(body.names[variable] for variable in program.inputs), *body.constants])
    function = f"{_wrapped(f'def {name}({parameters}):', 8)}\n{indent(chr(10).join(lines), '    ')}\n"
    return Source("".join([*(f"{line}\n" for line in imports(function)), "\n\n", function]).lstrip(), body.constants)


def compiled(program: Program, dialect: Dialect = "traced", *, guards: bool = False) -> Callable[..., tuple[Any, ...]]:
    """A program as a fast function of its inputs.

    Parameters
    ----------
    program : Program
    dialect : {"traced", "numpy", "math"}
        ``"numpy"`` takes arrays in place of the numbers of a program of numbers, and does the same to each of their
        elements. ``"math"`` is for a program of real numbers, and raises Python's errors where NumPy gives infinity or
        NaN. ``"traced"`` computes as the program was traced.
    guards : bool
        Whether to return, after the outputs, the values that the program's decisions were taken on.

    Returns
    -------
    callable
        It returns a tuple.

    Raises
    ------
    DiffmagicError
        If the program cannot be written in the dialect.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> square = compiled(diffmagic.trace(lambda x: x * x, 3.0), "numpy")
    >>> square(np.array([1.0, 2.0]))
    (array([1., 4.]),)
    """
    program = _ready(program)
    if dialect == "math":
        _check_numbers(program)
    outputs = [*program.outputs, *(guard.variable for guard in program.guards if guards)]
    body = Statements(Program(program.inputs, _soon(program.equations), outputs), dialect)
    body.write()
    returned = "".join(f"{body.output(out)}, " for out in outputs)
    lines = [*body.lines, f"return ({returned})"]
    function = f"def f({', '.join(body.names[v] for v in program.inputs)}):\n{indent(chr(10).join(lines), ' ')}\n"
    namespace = dict(body.constants)
    exec("\n".join([*imports(function), function]), namespace)
    found: Callable[..., tuple[Any, ...]] = namespace["f"]
    return found


def _soon(equations: list[Equation]) -> list[Equation]:
    """Equations in an order in which values do not wait: one that lets go of an operand stands after its operands."""
    last = {o: equation for equation in equations for o in equation.operands if isinstance(o, Variable)}
    places: dict[Variable, int] = {}
    order = []
    for k, equation in enumerate(equations):
        operands = [o for o in equation.operands if isinstance(o, Variable)]
        early = any(last[o] is equation for o in operands)
        place = max((places.get(o, 0) for o in operands), default=k) if early else k
        places.update(dict.fromkeys(equation.results, place))
        order.append((place, k))
    return [equations[k] for _, k in sorted(order)]


def _ready(program: Program) -> Program:
    """In public functions, and simplified."""
    return simplified(published(program))


def _wishes(program: Program) -> dict[Variable, str]:
    """What to call the variables: as the program's text does; nothing where the user's source has no line for it."""
    names = program.names()
    for equation in program.equations:
        if not equation.location.line:
            names.update((result, result.name) for result in equation.results)
    return names


def _check_numbers(program: Program) -> None:
    for variable in (*program.inputs, *(result for equation in program.equations for result in equation.results)):
        if variable.shape or variable.dtype.kind == "c":
            raise DiffmagicError(
                "a program of arrays or complex numbers cannot be computed without NumPy", rewrite='dialect="numpy"'
            )


def _told(about: str, program: Program, constants: Mapping[str, Any]) -> str:
    """A docstring that says what else the function takes, and where it holds."""
    shapes = [f"{name} ({'×'.join(map(str, value.shape))})" for name, value in constants.items()]
    given = f"; {', '.join(shapes)} {'are' if len(shapes) > 1 else 'is'} constant" if shapes else ""
    return f"{about}{given}{', on the path that is asserted' if program.guards else ''}."


def _wrapped(line: str, further: int = 4) -> str:
    """A line that is too long goes on below, after a comma in brackets."""
    rows, depth = [""], 0
    for part in re.split(r"(?<=,) ", line):
        if depth and len(rows[-1]) + 1 + len(part) > _WIDTH:
            rows.append(f"{' ' * further}{part}")
        else:
            rows[-1] += f" {part}" if rows[-1] else part
        depth += sum(map(part.count, "([{")) - sum(map(part.count, ")]}"))
    return "\n".join(rows)
