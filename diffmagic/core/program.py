"""The Wengert list: inputs, a straight line of equations in single assignment, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from diffmagic.core.primitives import Primitive
from diffmagic.core.source import Location, Origin
from diffmagic.core.written import Written, written


class Variable:
    """One value of a program.

    Attributes
    ----------
    value : float, complex or ndarray
        Its value where the program was traced. Python numbers stay Python numbers, as NumPy promotes them differently.
    name : str
        The name the user gave it; empty if none.
    """

    __slots__ = ("name", "value")

    def __init__(self, value: Any, name: str = "") -> None:
        self.value = value
        self.name = name

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(self.value)


class Equation:
    """One elementary operation of a program.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple of Variable or constants
    arguments : tuple
        The values of the operands.
    params : mapping
        Static parameters, such as ``axis``.
    results : tuple of Variable
    origin : tuple
        Where the user wrote it; `location` reads it.
    opened : tuple or None
        A composite's body as a program, once it has been needed.
    """

    __slots__ = ("arguments", "opened", "operands", "origin", "params", "primitive", "results")

    def __init__(
        self,
        primitive: Primitive,
        operands: tuple[Any, ...],
        arguments: tuple[Any, ...],
        params: Mapping[str, Any],
        results: tuple[Variable, ...],
        origin: Origin,
    ) -> None:
        self.primitive = primitive
        self.operands = operands
        self.arguments = arguments
        self.params = params
        self.results = results
        self.origin = origin
        self.opened: tuple[Program, dict[int, Variable]] | None = None

    @property
    def location(self) -> Location:
        return Location(*self.origin)

    @property
    def value(self) -> Any:
        """The value of its result; a tuple of values if it has several."""
        return self.results[0].value if len(self.results) == 1 else tuple(v.value for v in self.results)


@dataclass(frozen=True, slots=True)
class Guard:
    """A decision that Python took on a traced value: the program holds while it would be taken again.

    Attributes
    ----------
    variable : Variable
    value : bool, int or ndarray
        What it was.
    position : int
        The number of equations before it.
    """

    variable: Variable
    value: Any
    position: int


@dataclass(eq=False, slots=True)
class Program:
    """A traced function.

    Attributes
    ----------
    inputs : list of Variable
    equations : list of Equation
    outputs : list of Variable or constants
    guards : list of Guard
    versions : dict
        Of variables that took another's place when an array changed, the other: they are named alike.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> def f(w, x):
    ...     return 1 / (1 + np.exp(-w * x))
    >>> print(diffmagic.trace(f, 0.5, 2.0))
         w  = 0.5
         x  = 2.0
      1  v1 = -w          -0.5         line 2
      2  v2 = v1 * x      -1.0         line 2
      3  v3 = np.exp(v2)   0.36787944  line 2
      4  v4 = 1 + v3       1.3678794   line 2
      5  v5 = 1 / v4       0.73105858  line 2
    returns v5
    """

    inputs: list[Variable]
    equations: list[Equation]
    outputs: list[Any]
    guards: list[Guard] = field(default_factory=list)
    versions: dict[Variable, Variable] = field(default_factory=dict)

    def names(self) -> dict[Variable, str]:
        """One name for each variable: the user's where there is one, else v1, v2, … by equation."""
        names: dict[Variable, str] = {}
        wishes: dict[Variable, str] = {}
        uses: dict[str, int] = {}
        taken: set[str] = set()

        def unique(wish: str) -> str:
            name = wish
            while name in taken:
                uses[wish] = uses.get(wish, 1) + 1
                name = f"{wish}_{uses[wish]}"
            taken.add(name)
            return name

        for position, variable in enumerate(self.inputs, start=1):
            wishes[variable] = variable.name or f"x{position}"
            names[variable] = unique(wishes[variable])
        targets = self.targets()
        for number, equation in enumerate(self.equations, start=1):
            for part, result in enumerate(equation.results, start=1):
                plain = f"v{number}" if len(equation.results) == 1 else f"v{number}_{part}"
                earlier = self.versions.get(result)
                while earlier is not None and earlier not in wishes:  # it may have been left out
                    earlier = self.versions.get(earlier)
                wishes[result] = targets.get(result, "") if earlier is None else wishes[earlier]
                names[result] = unique(result.name or wishes[result] or plain)
        return names

    def targets(self) -> dict[Variable, str]:
        """The names that the user gave to results; of an expression that is several steps, to the last of them."""
        found: dict[Variable, str] = {}
        for equation, after in zip_longest(self.equations, self.equations[1:]):
            result, *others = equation.results
            same = after is not None and after.origin == equation.origin and after.primitive is not equation.primitive
            if not others and not (same and any(operand is result for operand in after.operands)):
                found[result] = equation.location.target
        return {result: target for result, target in found.items() if target}

    def __len__(self) -> int:
        return len(self.equations)

    def __str__(self) -> str:
        names = self.names()
        rows: list[tuple[str, str, str, str, str]] = [("", names[v], short(v.value), "", "") for v in self.inputs]
        for number, equation in enumerate(self.equations, start=1):
            results = ", ".join(names[v] for v in equation.results)
            where = f"line {equation.location.line}" if equation.location.line else ""
            rows.append((str(number), results, operation(equation, names), short(equation.value), where))
        widths = [max((len(row[k]) for row in rows), default=0) for k in range(5)]
        lines = []
        for label, left, right, value, line in rows:
            sign = "" if value.startswith("-") else " "
            middle = f"{right:<{widths[2]}}  {sign + value:<{widths[3] + 1}}  {line}" if value else right
            lines.append(f"{label:>{max(widths[0], 3)}}  {left:<{widths[1]}} = {middle}".rstrip())
        outputs = ", ".join(names[v] if isinstance(v, Variable) else short(v) for v in self.outputs)
        lines.append(f"returns {outputs}")
        lines.extend(f"holds while {condition}" for condition in self.conditions(names))
        return "\n".join(lines)

    def to_latex(self, digits: int = 8) -> str:
        """The list as a LaTeX array, which stands in a formula: every step, its operation and its value."""
        from diffmagic.core.latex import to_latex

        return to_latex(self, digits)

    def to_markdown(self, digits: int = 8) -> str:
        """The list as a Markdown table: every step, its operation in LaTeX and its value."""
        from diffmagic.core.latex import to_markdown

        return to_markdown(self, digits)

    def to_dot(self, mode: Literal["auto", "forward", "reverse", "plain"] = "plain") -> str:
        """The graph of the program as source for Graphviz, with values and local partial derivatives.

        Parameters
        ----------
        mode : {"plain", "forward", "reverse", "auto"}
            Whether tangents or cotangents are on the nodes as well, where there are at most three.

        Examples
        --------
        >>> import diffmagic
        >>> print(diffmagic.trace(lambda w, x: w * x, 0.5, 2.0).to_dot())
        digraph {
          rankdir=LR
          node [shape=box, style=rounded, fontname="monospace"]
          edge [fontname="monospace"]
          n0 [label="input\\nw = 0.5", shape=oval]
          n1 [label="input\\nx = 2.0", shape=oval]
          n2 [label="result\\nv1 = w * x = 1.0", peripheries=2]
          n0 -> n2 [label="2.0"]
          n1 -> n2 [label="0.5"]
        }
        """
        from diffmagic.core.dot import dot
        from diffmagic.core.graph import graph_of

        return dot(graph_of(self, mode))

    def conditions(self, names: dict[Variable, str] | None = None) -> list[str]:
        """What must stay true for the program to hold, each condition once: ``x > 0``, ``not (n < 3)``."""
        names = names or self.names()
        written = {
            result: operation(equation, names)
            for equation in self.equations
            if not equation.primitive.differentiable
            for result in equation.results
        }
        found: dict[str, None] = {}
        for guard in self.guards:
            text = written.get(guard.variable, names[guard.variable])
            if guard.value is True:
                found[text] = None
            elif guard.value is False:
                found[f"not ({text})"] = None
            else:
                found[f"{text} is {short(guard.value)}"] = None
        return list(found)


def summed(ends: Sequence[Any], parts: Sequence[Any]) -> dict[Variable, Any]:
    """The parts of a seed by variable, with their sum where one variable is returned several times."""
    seeds: dict[Variable, Any] = {}
    for end, part in zip(ends, parts, strict=True):
        if isinstance(end, Variable):
            seeds[end] = seeds[end] + part if end in seeds else part
    return seeds


def operation(equation: Equation, names: Mapping[Variable, str]) -> str:
    """An equation's right side as one would write it: ``v1 * x``, ``np.sum(v3, axis=0)``."""
    operands = [Written(names[o] if isinstance(o, Variable) else short(o)) for o in equation.operands]
    return written(equation, operands, short).text


def short(value: Any, digits: int = 8) -> str:
    """A value in a few characters: numbers to so many digits, large arrays by shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> short(0.1234567890123), short(np.ones(3)), short(np.ones((10, 10)))
    ('0.12345679', '[1.0, 1.0, 1.0]', '<10×10 float64>')
    """
    if isinstance(value, tuple | list):
        inside = ", ".join(short(part, digits) for part in value)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        size = abs(float(value))
        if size == 0 or 1e-4 <= size < 1e8 or not np.isfinite(size):
            return np.format_float_positional(value, digits, unique=True, fractional=False, trim="0")
        return np.format_float_scientific(value, digits - 1, unique=True, trim="0")
    if isinstance(value, complex | np.complexfloating):
        sign = "-" if value.imag < 0 or (value.imag == 0 and np.signbit(value.imag)) else "+"
        return f"({short(float(value.real), digits)}{sign}{short(abs(float(value.imag)), digits)}j)"
    if isinstance(value, np.ndarray):
        if value.size <= 6:
            return f"[{', '.join(short(part, digits) for part in value)}]" if value.ndim else short(value[()], digits)
        return f"<{'×'.join(map(str, value.shape))} {value.dtype}>"
    return str(value)
