"""What a row of a trace table may mean that names no operation: the numbers of a function, in every convention."""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from diffmagic.core.program import Equation, Program, Variable
from diffmagic.trace_check.claims import VALUE, Claim, Column
from diffmagic.trace_check.steps import Computation, Key, Numbers, Step

_MOST_TERMS = 6
_CHAINS = {"+": "sum", "-": "sum", "*": "product", "/": "product"}


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """What a row may mean.

    Attributes
    ----------
    key : Key
    place : int
        Its position in the program, 0 for an input.
    of : mapping of Column to number
        Its true numbers.
    step : Step or None
        How to compute it, where the program has no such step.
    instead : mapping of Key to Step
        The program's steps that are then made of it.
    """

    key: Key
    place: int
    of: Mapping[Column, Any]
    step: Step | None = None
    instead: Mapping[Key, Step] = field(default_factory=dict)


def agreeing(claim: Claim, of: Mapping[Column, Any]) -> int:
    """How many of a row's numbers are these."""
    found = [(number, of[column]) for column, number in claim.numbers.items() if column in of]
    return sum(not np.ndim(true) and bool(number.agrees(true, 1e-14)) for number, true in found)


def options(program: Program, base: Computation, of: Numbers) -> list[Option]:
    """Every number of a program, what it computes twice, and parts of its sums and products in another order."""

    def at(key: Key) -> dict[Column, Any]:
        return {column: of[key, column] for column in base.columns()}

    equations = {result: equation for equation in program.equations for result in equation.results}
    places = {key: place for place, key in enumerate(base.steps, start=1) if not np.ndim(of[key, VALUE])}
    found = [Option(v, 0, at(v)) for v in program.inputs if not v.shape]
    found += [Option(key, place, at(key)) for key, place in places.items()]
    for option in [*_twins(program, base, places), *_parts(equations, places, of)]:
        one = including(base, [option])
        mine: dict[Any, Any] = {}
        for column in base.columns():
            mine[option.key, column] = one.following(option.key, column, ChainMap(mine, of))  # type: ignore[arg-type]
        found.append(replace(option, of={column: number for (_, column), number in mine.items()}))
    return found


def including(base: Computation, found: Iterable[Option]) -> Computation:
    """A computation with what rows mean as steps of their own."""
    extra = list({option.key: option for option in found if option.step is not None}.values())
    steps: dict[Key, Step] = {}
    for key, step in base.steps.items():
        mine = [option for option in extra if key in option.instead]
        for option in mine:
            steps.setdefault(option.key, option.step)  # type: ignore[arg-type]
        steps[key] = mine[0].instead[key] if mine else step
    return replace(base, steps=steps)


def _twins(program: Program, base: Computation, places: Mapping[Key, int]) -> Iterator[Option]:
    """What a program computes several times, as one step that has all the uses."""
    alike: dict[Any, list[Variable]] = {}
    first: dict[Variable, Variable] = {}
    for equation in program.equations:
        operands = [first.get(o, o) if isinstance(o, Variable) else repr(o) for o in equation.operands]
        same = alike.setdefault((equation.primitive, *operands, repr(equation.params)), [])
        same.append(equation.results[0])
        first[equation.results[0]] = same[0]
    for keys in alike.values():
        if len(keys) > 1 and keys[0] in places:
            one = ("all", *keys)
            as_it = Step((one,), lambda value: value)
            yield Option(one, places[keys[0]], {}, base.steps[keys[0]], dict.fromkeys(keys, as_it))


class _Term(NamedTuple):
    """A term of a sum or a factor of a product."""

    operand: Any
    inverse: bool = False
    moving: bool = True


def _kind(equation: Equation) -> str:
    return _CHAINS.get(equation.primitive.symbol, "") if len(equation.operands) == 2 else ""


def _terms(operand: Any, kind: str, equations: Mapping[Variable, Equation], inverse: bool = False) -> list[_Term]:
    """A sum's terms, or a product's factors; the sign of a constant factor is one of its own."""
    if not isinstance(operand, Variable):
        signed = kind == "product" and np.ndim(operand) == 0 and operand < 0
        rest = [] if signed and operand == -1 else [_Term(-operand if signed else operand, inverse, False)]
        return [_Term(-1, False, False), *rest] if signed else rest
    equation = equations.get(operand)
    if equation is not None and not np.ndim(operand.value):
        symbol, operands = equation.primitive.symbol, equation.operands
        if len(operands) == 1 and symbol == "-":
            own = [_Term(-1, False, False)] if kind == "product" else []
            return [*own, *_terms(operands[0], kind, equations, inverse ^ (kind == "sum"))]
        if _kind(equation) == kind:
            other = inverse ^ (symbol in ("-", "/"))
            return [*_terms(operands[0], kind, equations, inverse), *_terms(operands[1], kind, equations, other)]
    return [_Term(operand, inverse)]


def _parts(equations: Mapping[Variable, Equation], places: Mapping[Key, int], of: Numbers) -> Iterator[Option]:
    """Some of the terms of a sum, or of the factors of a product, and minus these."""
    for whole, place in places.items():
        kind = _kind(equations[whole])
        terms = _terms(whole, kind, equations) if kind else []
        arrays = any(np.ndim(of[t.operand, VALUE] if t.moving else t.operand) for t in terms)
        if not 2 <= len(terms) <= _MOST_TERMS or arrays:
            continue
        sizes = range(len(terms) - 1, 0, -1)
        for chosen in itertools.chain(*[itertools.combinations(range(len(terms)), size) for size in sizes]):
            part = [terms[k] for k in chosen]
            left = [term for k, term in enumerate(terms) if k not in chosen]
            if not any(term.moving for term in part) or (len(part) == 1 and not part[0].inverse):
                continue  # a constant, or what is there already
            signs = [False, True] if kind == "sum" and len(part) > 1 and all(t.inverse for t in part) else [False]
            for minus in signs:
                mine = [term._replace(inverse=False) for term in part] if minus else part
                key = (whole, kind, *mine)
                yield Option(key, place, {}, _joined(kind, mine), {whole: _joined(kind, [_Term(key, minus), *left])})


def _joined(kind: str, terms: list[_Term]) -> Step:
    """A sum or product of terms as a step."""
    terms = sorted(terms, key=lambda term: kind == "product" and (term.moving or term.inverse))  # factors come first

    def compute(*values: Any) -> Any:
        given, total = iter(values), None
        for term in terms:
            value: Any = next(given) if term.moving else term.operand
            if total is None:
                total = value if not term.inverse else -value if kind == "sum" else 1 / value
            elif kind == "sum":
                total = total - value if term.inverse else total + value
            elif term.inverse:
                total = total / value
            else:
                total = -value if type(total) is int and total == -1 else total * value
        return total

    return Step(tuple(term.operand for term in terms if term.moving), compute)
