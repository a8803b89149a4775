"""A guess at the mistake in a wrong gradient, made only where it explains every component."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.core.program import Equation, Program, Variable, short
from diffmagic.core.reverse import reverse
from diffmagic.core.structures import flatten
from diffmagic.core.tracing import concrete
from diffmagic.gradient_check.problem import Problem, spread
from diffmagic.rewrites import Surroundings

_MOST_EQUATIONS = 250
_EXACT = 1e-6
_FEW = 3
_CONSTANTS = {
    math.log(2): "ln 2",
    math.log(10): "ln 10",
    math.pi: "π",
    2 * math.pi: "2π",
    math.pi / 180: "π/180, from degrees to radians",
}


@dataclass(slots=True)
class Evidence:
    """A wrong gradient and the true one, as matrices.

    Attributes
    ----------
    problem : Problem
    x : ndarray
        Where they were taken.
    mine, true : ndarray
    floor : ndarray
        The size of the rounding errors in each number.
    right : ndarray of bool
        Which numbers are right.
    program : Program or None
        The trace of the true one.
    """

    problem: Problem
    x: Any
    mine: Any
    true: Any
    floor: Any
    right: Any
    program: Program | None
    columns: Any = field(init=False)

    def __post_init__(self) -> None:
        wrong = ~np.all(self.right, axis=0)
        self.columns = np.zeros(len(wrong), bool)
        for where in self.problem.columns:
            self.columns[where] = np.any(wrong[where])

    @property
    def leaves(self) -> list[int]:
        """The inputs in whose part something is wrong."""
        return [k for k, where in enumerate(self.problem.columns) if np.any(self.columns[where])]

    @property
    def difference(self) -> Any:
        return self.mine - self.true

    def explains(self, candidate: Any) -> bool:
        """Whether the wrong parts of the gradient are those of a candidate."""
        have, want = (np.broadcast_to(matrix, self.mine.shape)[:, self.columns] for matrix in (candidate, self.mine))
        rest = np.abs(self.difference[:, self.columns])
        close = np.abs(want - have) <= _EXACT * np.max(rest, initial=0.0) + self.floor[:, self.columns]
        return bool(np.all(np.isfinite(have)) and np.all(close))

    @property
    def few(self) -> bool:
        """Whether there are so few numbers that any factor would explain them."""
        return int(np.count_nonzero(self.columns)) * len(self.mine) < _FEW

    def multiple(self, of: Any) -> float | None:
        """The factor that makes a part the difference of the two gradients, if there is one."""
        part, rest = np.broadcast_to(of, self.mine.shape)[:, self.columns], self.difference[:, self.columns]
        size = float(np.sum(part * part))
        if not np.isfinite(size) or size == 0 or np.max(np.abs(part)) < 1e3 * np.max(self.floor):
            return None
        factor = float(np.sum(part * rest)) / size
        return factor if self.explains(self.true + factor * np.asarray(of)) else None


def guesses(evidence: Evidence) -> list[str]:
    """Everything that explains the gradient, the simplest first.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    list of str
    """
    finite = np.all(np.isfinite(evidence.mine)) and np.all(np.isfinite(evidence.true))
    if not finite or not np.any(evidence.columns):
        return []
    one = _projected(evidence)
    said = [said for reading in (_nothing, _factor, _moved) for said in reading(evidence)]
    if evidence.multiple(evidence.true) is not None:
        said += [*_skipped(one), *_any_factor(evidence)]
    return said + [said for reading in (_parts, _skipped, _terms, _scaled) for said in reading(one)]


def place(evidence: Evidence) -> str:
    """Where it is wrong, if only in one input, row, column or component."""
    problem, wrong = evidence.problem, ~evidence.right
    if np.count_nonzero(wrong) == 1 < wrong.size:
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        return f"only {problem.label(row, column)} is wrong"
    where = ""
    if len(evidence.leaves) == 1 and len(problem.names) > 1:
        where = f"only the gradient of {problem.names[evidence.leaves[0]]} is wrong"
    if problem.rows == 1 and len(evidence.leaves) == 1:
        shape, columns = problem.shapes[evidence.leaves[0]], problem.columns[evidence.leaves[0]]
        block = wrong[0, columns].reshape(shape)
        for axis, what in enumerate(("row", "column")[: block.ndim] if block.ndim == 2 else ()):
            lines = np.flatnonzero(np.any(block, axis=1 - axis))
            if len(lines) == 1 < block.shape[axis]:
                return f"only {what} {lines[0]} of the gradient of {problem.names[evidence.leaves[0]]} is wrong"
    elif problem.rows > 1 and np.count_nonzero(np.any(wrong, axis=1)) == 1:
        row = int(np.argmax(np.any(wrong, axis=1)))
        return f"only the derivatives of number {row} of the result are wrong"
    return where


# The whole of it.


def _nothing(evidence: Evidence) -> Iterator[str]:
    if evidence.explains(np.zeros_like(evidence.mine)):
        yield "yours is zero"


def _factor(evidence: Evidence) -> Iterator[str]:
    """A constant times the true gradient that stands for something."""
    factor = 1 + (evidence.multiple(evidence.true) or 0.0)
    known = list(_known(abs(factor), evidence))
    if _is(factor, -1):
        yield "yours is the true gradient with the opposite sign"
    elif known:
        times = "minus " if factor < 0 else ""
        yield f"yours is {times}{' or '.join(known[:2])}"


def _any_factor(evidence: Evidence) -> Iterator[str]:
    """A constant times the true gradient."""
    more = evidence.multiple(evidence.true)
    if more is not None and abs(1 + more) > _EXACT and not evidence.few:
        yield f"yours is {short(1 + more, 6 if abs(more) > 1e-3 else 9)} times the true gradient in every component"


def _known(factor: float, evidence: Evidence) -> Iterator[str]:
    if _is(factor, 2):
        yield "twice the true gradient: a 2 too many, or a 1/2 forgotten"
    elif _is(factor, 0.5) and _squares(evidence.program):
        yield "half the true gradient: the 2 of a square is missing, or a 1/2 is counted twice"
    for n, name in _lengths(evidence).items():
        if n > 2:
            for twice, said in ((1.0, ""), (2.0, "2 × "), (0.5, "1/2 × "))[: 1 if name.endswith(".size") else 3]:
                if _is(factor, twice * n):
                    yield f"{said}{n} times the true gradient, and {n} is {name}: a sum where the function has a mean"
                if _is(factor, twice / n):
                    yield f"{said}1/{n} of the true gradient, and {n} is {name}: a mean where the function has a sum"
    for number, name in _CONSTANTS.items():
        if _is(factor, number):
            yield f"{name} times the true gradient"
        if _is(factor, 1 / number):
            yield f"the true gradient divided by {name}"


def _squares(program: Program | None) -> bool:
    """Whether something is squared, or multiplied by something else that depends on the inputs."""
    if program is None:
        return True
    for equation in program.equations:
        name, operands = equation.primitive.name, equation.operands
        products = equation.primitive.multilinear and sum(isinstance(one, Variable) for one in operands) > 1
        if products or name in ("np.square", "np.var") or (name == "np.power" and np.all(operands[1] == 2)):
            return True
    return False


def _is(a: float, b: float) -> bool:
    return abs(a - b) <= _EXACT * abs(b)


def _lengths(evidence: Evidence) -> dict[int, str]:
    """The sizes of the data that a function is given and that it reads, and what they are the size of."""
    found: dict[int, str] = {}
    leaves = _data(evidence)
    for path, leaf in leaves:
        for axis, n in enumerate(np.shape(leaf)):
            found.setdefault(n, f"{path}.shape[{axis}]" if axis else f"len({path})")
        if isinstance(leaf, int) and not isinstance(leaf, bool):
            found.setdefault(leaf, path)
    for path, leaf in leaves:
        found.setdefault(np.size(leaf), f"{path}.size")
    return found


def _data(evidence: Evidence) -> list[tuple[str, Any]]:
    """Every number and array that a function is given or reads, with what it is called."""
    values = dict(zip(evidence.problem.parameters, evidence.problem.args, strict=True))
    try:
        outside = inspect.getclosurevars(inspect.unwrap(evidence.problem.f))
        values = {**values, **outside.nonlocals, **outside.globals}
    except TypeError:  # not a function written in Python
        pass
    leaves: list[tuple[str, Any]] = []
    for name, value in values.items():
        with contextlib.suppress(Exception):  # whatever else the function reads
            leaves += flatten(value, name)[0]
    if evidence.program is not None:
        around = Surroundings(evidence.program)
        for equation in evidence.program.equations:
            texts = around.written(equation)
            leaves += [
                (text, leaf) for text, leaf in zip(texts, equation.arguments, strict=True) if text.isidentifier()
            ]
    return [(name, concrete(leaf)) for name, leaf in leaves]


# The right numbers in other places.


def _moved(evidence: Evidence) -> Iterator[str]:
    problem = evidence.problem
    if problem.rows > 1:
        if evidence.mine.shape[0] == evidence.mine.shape[1] and evidence.explains(evidence.true.T):
            yield "yours is the transposed Jacobian"
        return
    for turn, said in _TURNS.items():
        turned = evidence.true.copy()
        for k in evidence.leaves:
            block = turned[0, problem.columns[k]].reshape(problem.shapes[k])
            turned[0, problem.columns[k]] = turn(block).ravel()
        if evidence.explains(turned):
            yield f"yours is the true gradient {said}"
            return
    first, *rest = evidence.leaves
    if len(rest) == 1 and problem.shapes[first] == problem.shapes[rest[0]]:
        turned = evidence.true.copy()
        for a, b in ((first, rest[0]), (rest[0], first)):
            turned[:, problem.columns[a]] = evidence.true[:, problem.columns[b]]
        if evidence.explains(turned):
            yield f"the gradients of {problem.names[first]} and {problem.names[rest[0]]} are swapped"


def _transposed(block: Any) -> Any:
    return block.T if block.ndim == 2 and block.shape[0] == block.shape[1] else block


def _read_by_columns(block: Any) -> Any:
    return block.ravel(order="F")


def _turned_round(block: Any) -> Any:
    return block.ravel()[::-1]


def _later(block: Any) -> Any:
    return np.roll(block.ravel(), 1)


def _earlier(block: Any) -> Any:
    return np.roll(block.ravel(), -1)


_TURNS: dict[Callable[[Any], Any], str] = {
    _transposed: "transposed",
    _read_by_columns: "read in the other order: column by column, not row by row",
    _turned_round: "in reverse order",
    _later: "moved one place too far",
    _earlier: "moved one place too near",
}


# Parts of it, as they come through the steps of the program.


def _parts(evidence: Evidence) -> Iterator[str]:
    """One use of a value whose contribution is missing, or enters with another factor."""
    for equation, i, part in _uses(evidence):
        more = evidence.multiple(part)
        if more is None:
            continue
        through = _use(evidence, equation, i)
        factor = 1 + more
        if abs(factor) < _EXACT:
            yield f"the part that comes {through} is missing"
        elif _is(factor, -1):
            yield f"the part that comes {through} has the wrong sign"
        elif _is(factor, 2) or _is(factor, 0.5):
            yield f"the part that comes {through} enters {'twice' if factor > 1 else 'with half its size'}"
        elif not evidence.few:
            yield f"the part that comes {through} enters {factor:.6g} times"


def _use(evidence: Evidence, equation: Equation, i: int) -> str:
    assert evidence.program is not None
    location = equation.location
    operand = Surroundings(evidence.program).written(equation)[i]
    line = f" (line {location.line})" if location.line else ""
    inside = f" in {_quoted(location.expression)}" if 0 < len(location.expression) <= 40 else ""
    return f"through {_quoted(operand)}{inside}{line}"


def _quoted(text: str) -> str:
    return f"`{text}`"


def _accumulated(evidence: Evidence) -> tuple[Program, dict[Variable, Any]] | None:
    """The cotangent of every variable, for fixed weights of the results."""
    program = evidence.program
    if program is None or len(program) > _MOST_EQUATIONS or not isinstance(program.outputs[0], Variable):
        return None
    out = program.outputs[0]
    weights = _weights(evidence).reshape(out.shape)
    return program, reverse(program, {out: weights if out.shape else float(weights)}, keep=True)


def _weights(evidence: Evidence) -> Any:
    return np.ones(1) if evidence.problem.rows == 1 else spread(evidence.problem.rows, 1)


def _projected(evidence: Evidence) -> Evidence:
    """The same for one weighted result."""
    if evidence.problem.rows == 1:
        return evidence
    weights = _weights(evidence)[None]
    return Evidence(
        evidence.problem,
        evidence.x,
        weights @ evidence.mine,
        weights @ evidence.true,
        np.abs(weights) @ evidence.floor,
        np.all(evidence.right, axis=0)[None],
        evidence.program,
    )


def _uses(evidence: Evidence) -> Iterator[tuple[Equation, int, Any]]:
    """Each use of a value, the last first, and the part of the gradient that comes through it."""
    found = _accumulated(evidence)
    if found is None:
        return
    program, cotangents = found
    for number, equation in reversed(list(enumerate(program.equations))):
        back = {result: cotangents[result] for result in equation.results if result in cotangents}
        if not back:
            continue
        for i, operand in enumerate(equation.operands):
            if isinstance(operand, Variable):
                alone = Equation(
                    equation.primitive,
                    tuple(
                        one if k == i else concrete(a)
                        for k, (one, a) in enumerate(zip(equation.operands, equation.arguments, strict=True))
                    ),
                    equation.arguments,
                    equation.params,
                    equation.results,
                    equation.origin,
                )
                seeds = reverse(Program([], [alone], []), back)
                if operand in seeds:
                    yield equation, i, _pulled(evidence, program, number, {operand: seeds[operand]})


def _pulled(evidence: Evidence, program: Program, upto: int, seeds: dict[Variable, Any]) -> Any:
    """The gradient that comes from cotangents of values before an equation."""
    found = reverse(Program(program.inputs, program.equations[:upto], []), seeds)
    parts = [np.ravel(np.broadcast_to(found.get(v, 0.0), v.shape)) for v in program.inputs]
    return np.concatenate(parts)[None].astype(float)


def _skipped(evidence: Evidence) -> Iterator[str]:
    """A step of the chain rule that is left out: the cotangent of a result handed on to what it was computed from."""
    found = _accumulated(evidence)
    if found is None:
        return
    program, cotangents = found
    names = Surroundings(program).names
    origins: list[tuple[int, Variable]] = [(0, variable) for variable in program.inputs]
    for number, equation in enumerate(program.equations, start=1):
        origins += [(number, result) for result in equation.results]
    for before, source in origins:
        for after, result in _made_from(program, source, before):
            g = cotangents.get(result)
            if g is None:
                continue
            steps = Program([source], program.equations[before:after], [result])
            through = reverse(steps, {result: g}).get(source, 0.0)
            if evidence.explains(evidence.true + _pulled(evidence, program, before, {source: g - through})):
                location = program.equations[after - 1].location
                line = f" (line {location.line})" if location.line else ""
                step = _quoted(location.expression or names[result])
                origin = program.equations[before - 1].location if before else None
                of = names[source] if origin is None or origin.target else _quoted(origin.expression)
                yield f"the derivative of {step}{line} with respect to {of} is left out"
                return


def _made_from(program: Program, source: Variable, before: int) -> Iterator[tuple[int, Variable]]:
    """The values of the same shape that are computed from this one and from no input in another way."""
    others: set[Variable] = set(program.inputs) - {source}
    for equation in program.equations[:before]:
        others.update(equation.results)
    others.discard(source)
    made = {source}
    for after, equation in enumerate(program.equations[before:], start=before + 1):
        operands = [operand for operand in equation.operands if isinstance(operand, Variable)]
        if operands and all(operand in made for operand in operands):
            made.update(equation.results)
            if len(equation.results) == 1 and equation.results[0].shape == source.shape:
                yield after, equation.results[0]


# Terms and factors that are known parts of the inputs.


def _terms(evidence: Evidence) -> Iterator[str]:
    """A term that is missing or too many: as of a penalty."""
    problem, x = evidence.problem, evidence.x
    if evidence.few:
        return
    which = " and ".join(problem.names[k] for k in evidence.leaves)
    for term, called in ((x, f"× {which}"), (np.ones_like(x), "in each component"), (np.sign(x), f"× sign({which})")):
        more = evidence.multiple(term[None])
        if more is not None:
            yield f"yours {'lacks' if more < 0 else 'has too much by'} {short(abs(more), 6)} {called}"


def _scaled(evidence: Evidence) -> Iterator[str]:
    """The derivative with respect to the logarithm of an input."""
    which = " and ".join(evidence.problem.names[k] for k in evidence.leaves)
    with np.errstate(all="ignore"):
        if evidence.explains(evidence.true * evidence.x):
            yield f"yours is multiplied by {which}: the derivative with respect to its logarithm"
        elif evidence.explains(evidence.true / evidence.x):
            yield f"yours is divided by {which}"
