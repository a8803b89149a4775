"""A program as SymPy's expressions, one for each number of its results.

Inputs become symbols, loops are unrolled already, and composites are opened. Whatever was chosen among numbers (a
branch, a `where`, the largest) is the piece that was taken, and what has to stay as it is for that is told.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.forward import opened
from diffmagic.core.mutation import ASSIGN
from diffmagic.core.program import Equation, Guard, Program, Variable, operation
from diffmagic.core.tracing import GETITEM
from diffmagic.labels import component
from diffmagic.symbolic.arrays import ARRAYS, PIECES, assigned, boxed, each, filled, moved
from diffmagic.symbolic.elementary import written

NUMBERS = 64
"""The most numbers that an array of expressions may hold."""

SIZE = 5_000
"""The most operations that an expression may have, each counted as often as it is written."""

_REWRITE = "%%grad or %%numdiff, which need no formula"
_GENERIC = {"equal": False, "not_equal": True, "isnan": False, "isinf": False, "isfinite": True}
_ORDERED = ("median", "nanmedian", "quantile", "nanquantile", "percentile", "nanpercentile", "interp")


@dataclass(frozen=True, slots=True)
class Formulas:
    """What a program computes.

    Attributes
    ----------
    symbols : list of ndarray
        For each input an array of its symbols.
    labels : dict of Symbol to str
        What the user calls each: ``x[0]``.
    outputs : list of ndarray
        For each result an array of expressions.
    notes : list of str
        What it holds for.
    """

    symbols: list[Any]
    labels: dict[Any, str]
    outputs: list[Any]
    notes: list[str]


def formulas(program: Program) -> Formulas:
    """The expressions of a program's results, in symbols for its inputs.

    Raises
    ------
    DiffmagicError
        If an operation has no form in SymPy, or there would be too much to read or to compute.
    """
    symbols, labels = _symbols(program)
    walk = _Walk(program, dict(zip(program.inputs, symbols, strict=True)))
    try:
        outputs = walk.run()
    except RecursionError:
        raise DiffmagicError("the formula is nested too deeply for SymPy", rewrite=_REWRITE) from None
    if any(one.has(sp.nan, sp.zoo) for out in outputs for one in out.flat):
        raise DiffmagicError("the formula is not a number, whatever its inputs are", rewrite=_REWRITE)
    return Formulas(symbols, labels, outputs, walk.notes())


def _symbols(program: Program) -> tuple[list[Any], dict[Any, str]]:
    """Real symbols with the users' names, no two alike: ``x[0]`` is x_0."""
    names = program.names()
    labels: dict[Any, str] = {}
    arrays = []
    taken = {"pi"} | {names[variable] for variable in program.inputs}
    for variable in program.inputs:
        if np.iscomplexobj(variable.value):
            raise DiffmagicError(f"{names[variable]} is complex, and formulas are of real inputs", rewrite=_REWRITE)
        parts = []
        _check_count(names[variable], variable.shape)
        for position in range(int(np.prod(variable.shape))):
            label = component(names[variable], variable.shape, position)
            name = label if label == names[variable] and label.isidentifier() else _plain(label)
            while name in taken and name != names[variable]:
                name += "_"
            taken.add(name)
            parts.append(sp.Symbol(name, real=True))
            labels[parts[-1]] = label
        arrays.append(filled(parts, variable.shape))
    return arrays, labels


def _plain(label: str) -> str:
    """A path as one word: ``p['w'][0]`` is p_w_0."""
    return "_".join("".join(c if c.isalnum() else " " for c in label).split())


def _check_count(name: str, shape: tuple[int, ...]) -> None:
    if np.prod(shape) > NUMBERS:
        raise DiffmagicError(
            f"{name} holds {int(np.prod(shape)):,} numbers, and formulas are written for up to {NUMBERS}",
            rewrite=f"a smaller example; or {_REWRITE}",
        )


@dataclass(slots=True)
class _Walk:
    """Through a program, equation by equation.

    Attributes
    ----------
    program : Program
    known : dict of Variable to ndarray
        What moves with the inputs, as arrays of expressions. Everything else is a number.
    chosen : dict
        Of variables that stay as they are for a while, the choices that they come from, as guards by variable.
    held : dict of Variable to Guard
        The choices that have come into a formula.
    pieces : list of Equation
        What chose by itself among numbers that move.
    sizes : dict
        The operations in each expression.
    """

    program: Program
    known: dict[Variable, Any]
    chosen: dict[Variable, dict[Variable, Guard]] = field(default_factory=dict)
    held: dict[Variable, Guard] = field(default_factory=dict)
    pieces: list[Equation] = field(default_factory=list)
    sizes: dict[Any, int] = field(default_factory=dict)

    def run(self) -> list[Any]:
        """The arrays of expressions that the program returns."""
        for position, equation in enumerate(self.program.equations):
            try:
                self._step(position, equation)
            except DiffmagicError as error:
                error.location = equation.location
                raise
        outputs = self.program.outputs
        self.held.update(self._choices(outputs))
        return [self._expressions(out, out.value if isinstance(out, Variable) else out) for out in outputs]

    def notes(self) -> list[str]:
        names = self.program.names()
        guards = sorted([*self.program.guards, *self.held.values()], key=lambda guard: guard.position)
        conditions = dataclasses.replace(self.program, guards=guards).conditions(names)
        written = [equation.location.expression or operation(equation, names) for equation in self.pieces]
        conditions += [f"{expression} takes the same piece" for expression in written]
        return [f"holds while {condition}" for condition in dict.fromkeys(conditions)]

    def _step(self, position: int, equation: Equation) -> None:
        moves = any(operand in self.known for operand in equation.operands if isinstance(operand, Variable))
        if moves and not equation.primitive.differentiable and written(equation.primitive) is None:
            result = equation.results[0]
            choice = {} if _is_generic(equation) else {result: Guard(result, equation.value, position)}
            self.chosen.update(dict.fromkeys(equation.results, choice))
            return
        choices = self._choices(equation.operands)
        if not moves:
            self.chosen.update(dict.fromkeys(equation.results, choices))
            return
        self.held.update(choices)
        found = self._results(equation)
        for result, expressions in zip(equation.results, found if isinstance(found, tuple) else [found], strict=True):
            _check_count(f"the result of {equation.primitive.name}", expressions.shape)
            if sum(map(self._size, expressions.flat)) > SIZE:
                raise DiffmagicError(f"the formula has more than {SIZE:,} operations here", rewrite=_REWRITE)
            self.known[result] = expressions

    def _choices(self, operands: Any) -> dict[Variable, Guard]:
        """What has to stay as it is for the operands that are numbers."""
        found: dict[Variable, Guard] = {}
        for operand in operands:
            if isinstance(operand, Variable):
                found.update(self.chosen.get(operand, {}))
        return found

    def _results(self, equation: Equation) -> Any:
        """An array of expressions, or a tuple of such."""
        primitive, params = equation.primitive, equation.params
        operands = [self._expressions(*pair) for pair in zip(equation.operands, equation.arguments, strict=True)]
        if primitive is ASSIGN:
            return assigned(*operands, **params)
        if primitive is GETITEM:
            return moved(equation, *operands, **params)
        if "call" in params:  # which may put them into lists
            return moved(equation, *[operand if operand.ndim else operand[()] for operand in operands], **params)
        elementwise = written(primitive)
        if elementwise is not None and not params and not _is_cut(equation):
            return each(elementwise, *operands)
        whole = ARRAYS.get(primitive.name) or PIECES.get(primitive.name)
        found = NotImplemented if whole is None else whole(equation, *operands, **params)
        if found is NotImplemented and primitive.body is not None:
            return self._opened(equation)
        if found is NotImplemented:
            numbers = " of complex numbers" if _is_cut(equation) else ""
            raise DiffmagicError(f"{primitive.name}{numbers} has no formula in SymPy", rewrite=_REWRITE)
        if primitive.name in PIECES:
            self.pieces.append(equation)
        return found

    def _opened(self, equation: Equation) -> Any:
        """A composite, by its body."""
        body, inputs = opened(equation)
        operands = equation.operands
        inner = _Walk(body, {own: self.known[operands[i]] for i, own in inputs.items() if operands[i] in self.known})
        try:
            found = inner.run()
        except DiffmagicError as error:
            raise DiffmagicError(f"{equation.primitive.name}: {error.reason}", rewrite=error.rewrite) from None
        if inner.held or inner.pieces or body.guards or equation.primitive.name.removeprefix("np.") in _ORDERED:
            self.pieces.append(equation)
        return tuple(found) if len(equation.results) > 1 else found[0]

    def _expressions(self, operand: Any, value: Any) -> Any:
        """An operand as an array of expressions."""
        moves = isinstance(operand, Variable) and operand in self.known
        return self.known[operand] if moves else boxed(value)

    def _size(self, expression: Any) -> int:
        if expression not in self.sizes:
            self.sizes[expression] = bool(expression.args) + sum(map(self._size, expression.args))
        return self.sizes[expression]


def _is_cut(equation: Equation) -> bool:
    """Whether complex numbers meet an inverse function, on whose cuts SymPy may take the other side."""
    inverse = equation.primitive.name.rpartition(".")[2].startswith(("arc", "acos", "asin", "atan"))
    return inverse and any(map(np.iscomplexobj, equation.arguments))


def _is_generic(equation: Equation) -> bool:
    """Whether the answer is what it is nearly everywhere, so that it restricts nothing: no equality by chance."""
    answer = _GENERIC.get(equation.primitive.name.rpartition(".")[2])
    return answer is not None and bool(np.all(np.equal(equation.value, answer)))
