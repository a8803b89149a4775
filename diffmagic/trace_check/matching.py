"""Which step of a function a row means that names no operation: by its name, by its numbers, by its place."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import trace_flat
from diffmagic.core.written import ATOM, PLUS, TIMES, UNARY, Written
from diffmagic.trace_check.claims import COTANGENT, VALUE, Claim, Column
from diffmagic.trace_check.notation import known_name
from diffmagic.trace_check.steps import Computation, Key, Numbers, Step, followed, pulled, pushed

_MOST_TERMS = 6
_MOST_OPTIONS = 20
_CHAINS = {"+": "sum", "-": "sum", "*": "product", "/": "product"}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What a row may mean.

    Attributes
    ----------
    key : Key
    place : int
        Its position in the program, 0 for an input.
    of : dict of Column to number
    step : Step or None
        How to compute it, where the program has no such step: part of a sum or of a product, or what it does twice.
    instead : dict of Key to Step
        The program's steps that are then made of it.
    """

    key: Key
    place: int
    of: Mapping[Column, Any]
    step: Step | None = None
    instead: Mapping[Key, Step] = field(default_factory=dict)


def candidates(program: Program, computation: Computation, numbers: Numbers) -> list[Candidate]:
    """Every number of a program, what it computes twice, and parts of sums and products in another order."""
    equations = {result: equation for equation in program.equations for result in equation.results}
    places = {key: place for place, key in enumerate(computation.steps, start=1) if not _is_array(key, numbers)}
    found = [Candidate(v, 0, numbers.of[v]) for v in program.inputs if not v.shape]
    found += [Candidate(key, place, numbers.of[key]) for key, place in places.items()]
    found += _twins(program, computation, numbers, places)
    for key, place in places.items():
        if _chain(equations[key]):
            found += _parts(key, place, equations, numbers)
    return found


def _is_array(key: Key, numbers: Numbers) -> bool:
    return bool(np.ndim(numbers.of[key][VALUE]))


def _twins(
    program: Program, computation: Computation, numbers: Numbers, places: Mapping[Key, int]
) -> Iterator[Candidate]:
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
            of = dict(numbers.of[keys[0]])
            if COTANGENT in of:
                of[COTANGENT] = sum(numbers.of[key][COTANGENT] for key in keys)
            one = ("all", *keys)
            same_as = Step((one,), lambda value: value)
            yield Candidate(one, places[keys[0]], of, computation.steps[keys[0]], dict.fromkeys(keys, same_as))


@dataclass(frozen=True, slots=True)
class _Term:
    """A term of a sum or a factor of a product."""

    operand: Any
    inverse: bool = False


def _chain(equation: Equation) -> str:
    kind = _CHAINS.get(equation.primitive.symbol, "")
    return kind if len(equation.operands) == 2 else ""


def _terms(operand: Any, kind: str, equations: Mapping[Variable, Equation], inverse: bool = False) -> list[_Term]:
    """A sum's terms, or a product's factors; the sign of a constant factor is one of its own."""
    equation = equations.get(operand) if isinstance(operand, Variable) else None
    if equation is not None and not np.ndim(operand.value):
        symbol, operands = equation.primitive.symbol, equation.operands
        if len(operands) == 1 and symbol == "-":
            own = [_Term(-1.0)] if kind == "product" else []
            return [*own, *_terms(operands[0], kind, equations, inverse ^ (kind == "sum"))]
        if _chain(equation) == kind:
            other = inverse ^ (symbol in ("-", "/"))
            return [*_terms(operands[0], kind, equations, inverse), *_terms(operands[1], kind, equations, other)]
    if not isinstance(operand, Variable) and kind == "product" and np.ndim(operand) == 0 and operand < 0:
        return [_Term(-1.0), *([_Term(-operand, inverse)] if operand != -1 else [])]
    return [_Term(operand, inverse)]


def _parts(key: Key, place: int, equations: Mapping[Variable, Equation], numbers: Numbers) -> Iterator[Candidate]:
    kind = _chain(equations[key])
    terms = _terms(key, kind, equations)
    if not 2 <= len(terms) <= _MOST_TERMS or any(np.ndim(_at(term, numbers)) for term in terms):
        return
    for size in range(len(terms) - 1, 0, -1):
        for chosen in itertools.combinations(range(len(terms)), size):
            part = [terms[k] for k in chosen]
            left = [term for k, term in enumerate(terms) if k not in chosen]
            if not any(isinstance(term.operand, Variable) for term in part):
                continue
            if size == 1 and not part[0].inverse:
                continue  # it is there already
            yield _part(key, place, kind, part, left, numbers, False)
            if kind == "sum" and size > 1 and all(term.inverse for term in part):
                yield _part(key, place, kind, part, left, numbers, True)


def _at(term: _Term, numbers: Numbers) -> Any:
    return numbers.of[term.operand][VALUE] if isinstance(term.operand, Variable) else term.operand


def _part(
    whole: Key, place: int, kind: str, part: list[_Term], left: list[_Term], numbers: Numbers, negated: bool
) -> Candidate:
    if negated:
        part = [_Term(term.operand) for term in part]
    key = (whole, kind, tuple((term.operand, term.inverse) for term in part))
    step = _joined(kind, part)
    rest = _joined(kind, [_Term(_Itself(key), negated), *left])
    operands = [numbers.of[operand] for operand in step.operands]
    local, _ = trace_flat(step.compute, *[operand[VALUE] for operand in operands])
    of = {VALUE: step.compute(*[operand[VALUE] for operand in operands])}
    for column in operands[0]:
        if column.kind == "tangent":
            of[column] = pushed(local, [operand[column] for operand in operands])
    if COTANGENT in numbers.of[whole]:
        others = [of[VALUE] if operand is key else numbers.of[operand][VALUE] for operand in rest.operands]
        around, _ = trace_flat(rest.compute, *others)
        of[COTANGENT] = pulled(around, numbers.of[whole][COTANGENT])[rest.operands.index(key)]
    return Candidate(key, place, of, step, {whole: rest})


@dataclass(frozen=True, slots=True)
class _Itself:
    """Stands for a part within its whole."""

    key: Key


def _joined(kind: str, terms: list[_Term]) -> Step:
    """A sum or product of terms as a step."""
    operands = [term.operand for term in terms if isinstance(term.operand, Variable | _Itself)]
    keys = tuple(operand.key if isinstance(operand, _Itself) else operand for operand in operands)

    def compute(*values: Any) -> Any:
        given = iter(values)
        total: Any = None
        for term in terms:
            value = next(given) if isinstance(term.operand, Variable | _Itself) else term.operand
            if total is None:
                total = value if not term.inverse else -value if kind == "sum" else 1 / value
            elif kind == "sum":
                total = total - value if term.inverse else total + value
            else:
                total = total / value if term.inverse else total * value
        return total

    def write(texts: Sequence[Written]) -> Written:
        given, text = iter(texts), ""
        binding = PLUS if kind == "sum" else TIMES
        plus, minus = ("+", "-") if kind == "sum" else ("*", "/")
        ones = [term for term in terms if term.operand != -1.0]
        for term in ones:
            moving = isinstance(term.operand, Variable | _Itself)
            one = next(given).within(binding + 1) if moving else f"{term.operand:g}"
            lead = (minus if kind == "sum" else "1 / ") if term.inverse else ""
            text += f" {minus if term.inverse else plus} {one}" if text else lead + one
        if len(ones) < len(terms):
            return Written(f"-{text}", UNARY)
        return Written(text, binding if len(terms) > 1 or terms[0].inverse else ATOM)

    return Step(keys, compute, write)


def agreeing(claim: Claim, of: Mapping[Column, Any], slack: Mapping[Column, float] | None = None) -> int:
    """How many of a row's numbers are these."""
    return sum(
        column in of and not np.ndim(of[column]) and bool(number.agrees(of[column], (slack or {}).get(column, 1e-14)))
        for column, number in claim.numbers.items()
    )


def place_in_names(name: str) -> tuple[str, int] | None:
    """A name's letters and its number: v₄ is ("v", 4)."""
    found = re.fullmatch(r"([^\W\d]\D*?)(-?\d+)", known_name(name))
    return (found[1], int(found[2])) if found else None


def matched(
    claims: Mapping[int, Claim], program: Program, computation: Computation, numbers: Numbers, own: set[Variable]
) -> dict[int, Candidate]:
    """What each row means; rows that mean nothing that there is are missing.

    Parameters
    ----------
    claims : mapping of int to Claim
        Row numbers and rows.
    program, computation, numbers
        The function.
    own : set of Variable
        Those whose names are the user's own.
    """
    options = candidates(program, computation, numbers)
    plain = {option.key: option for option in options if option.step is None}
    names = program.names()
    by_name = {known_name(names[key]): option for key, option in plain.items()}
    inputs = [option for option in options if option.place == 0]
    found: dict[int, Candidate] = {}
    for row, claim in claims.items():
        option = by_name.get(known_name(claim.name))
        if option is not None and (option.key in own or option.place == 0):
            found[row] = option
    order = sorted(claims, key=lambda row: _rank(row, claims))
    last = 0
    for row in order:
        if row not in found:
            taken = {option.key for option in found.values()}
            full = [option for option in options if agreeing(claims[row], option.of) == len(claims[row].numbers)]
            numbered = place_in_names(claims[row].name)
            meant = None
            if numbered and -len(inputs) < numbered[1] <= 0:
                meant = inputs[numbered[1] - 1]  # v₀ is the last input, v₋₁ the one before it
            if meant is not None and (meant in full or not full):
                found[row] = meant
            elif full and claims[row].numbers:
                same = by_name.get(known_name(claims[row].name))
                found[row] = min(
                    full,
                    key=lambda option: (
                        option is not same,
                        option.place == 0,
                        option.key in taken,
                        option.step is not None,
                        option.place < last,
                        option.place,
                    ),
                )
        if row in found:
            last = found[row].place
    _by_neighbours(order, claims, found, plain, by_name)
    _by_what_follows(order, claims, found, options, computation)
    return found


def _rank(row: int, claims: Mapping[int, Claim]) -> tuple[float, int]:
    """Rows in the order of their numbers; others stand where they stand."""
    numbered = place_in_names(claims[row].name)
    letters = {place[0] for claim in claims.values() if (place := place_in_names(claim.name))}
    if numbered is None:
        return (math.inf if len(letters) == 1 else row, row)
    return (numbered[1] if len(letters) == 1 else row, row)


def _by_neighbours(
    order: Sequence[int],
    claims: Mapping[int, Claim],
    found: dict[int, Candidate],
    plain: Mapping[Key, Candidate],
    by_name: Mapping[str, Candidate],
) -> None:
    """Rows that are numbered as the steps are, as those around them say, are these steps."""
    steps = {option.place: option for option in plain.values() if option.place}
    numbered = {row: place for row in order if (place := place_in_names(claims[row].name))}
    settled = {row: option for row, option in found.items() if option.step is None and option.place}
    for row in order:
        option = found.get(row)
        if row not in numbered or (option is not None and option.step is None):
            continue
        letter, number = numbered[row]
        around = {
            settled[other].place - place
            for other, (same, place) in numbered.items()
            if other in settled and same == letter and abs(place - number) == 1
        }
        called = by_name.get(known_name(claims[row].name))
        agree = sum(by_name.get(known_name(claims[other].name)) is settled[other] for other in settled)
        by_offset = steps.get(number + next(iter(around))) if len(around) == 1 else None
        sides = [other for other, (same, place) in numbered.items() if same == letter and abs(place - number) == 1]
        if by_offset is not None and all(other in settled for other in sides) and len(sides) == 2:
            if by_offset.key not in {each.key for each in found.values()}:
                found[row] = by_offset
        elif called is not None and option is None and 2 * agree > len(settled) > 0:
            found[row] = called


def _by_what_follows(
    order: Sequence[int],
    claims: Mapping[int, Claim],
    found: dict[int, Candidate],
    options: Sequence[Candidate],
    computation: Computation,
) -> None:
    """Rows with other numbers than any step: those that explain most of the rows after them, else the only one left."""
    for position, row in enumerate(order):
        if row in found:
            continue
        alike = [r for r in order[:position] if r in found and _printed(claims[r]) == _printed(claims[row])]
        if alike:  # the same number under another name
            found[row] = found[alike[0]]
            continue
        low = max((found[other].place for other in order[:position] if other in found), default=0)
        after = [found[other].place for other in order[position:] if other in found and found[other].place]
        high = min(after, default=math.inf)
        taken = {option.key for option in found.values()}
        window = [o for o in options if low <= o.place <= high and o.key not in taken and (o.place or not position)]
        window = sorted(window, key=lambda option: option.place)[:_MOST_OPTIONS]
        open_rows = [other for other in order[position + 1 :] if other not in found]
        so_far = _with(computation, found, claims)
        scores = {}
        for option in window:
            student = _with(computation, {**found, row: option}, claims)
            explained = sum(
                any(_agrees_with(claims[other], each, student) for each in window if each is not option)
                for other in open_rows
            )
            scores[option] = (
                agreeing(claims[row], option.of),
                _agrees_with(claims[row], option, so_far),
                explained,
            )
        best = max(scores.values(), default=None)
        leading = sorted(
            (option for option in window if scores[option] == best),
            key=lambda option: (option.place == 0, option.step is not None),
        )
        steps_left = [option for option in window if option.step is None and option.place]
        steps_left = steps_left or [option for option in window if option.step is None]
        evident = best is not None and any(best)
        if evident or len(steps_left) == 1 or len(steps_left) == len(open_rows) + 1:
            found[row] = (leading if evident else steps_left)[0]


def _printed(claim: Claim) -> dict[Column, float]:
    return {column: number.value for column, number in claim.numbers.items()}


def _agrees_with(claim: Claim, option: Candidate, student: Numbers) -> bool:
    """Whether a row is what follows from a student's numbers."""
    if option.step is None:
        return bool(claim.numbers) and agreeing(claim, student.of[option.key]) == len(claim.numbers)
    with np.errstate(all="ignore"):
        value = option.step.compute(*[student.of[operand][VALUE] for operand in option.step.operands])
    number = claim.numbers.get(VALUE)
    return number is not None and bool(number.agrees(value, 1e-14))


def _with(computation: Computation, found: Mapping[int, Candidate], claims: Mapping[int, Claim]) -> Numbers:
    """The numbers that follow from those of a student."""
    given: dict[Key, dict[Column, float]] = {}
    for row, option in found.items():
        given.setdefault(option.key, {}).update({c: n.value for c, n in claims[row].numbers.items()})
    steps = with_parts(computation, found.values())
    return followed(steps, lambda key, column, value, so_far: given.get(key, {}).get(column, value))


def with_parts(computation: Computation, found: Any) -> Computation:
    """A computation with the parts of sums and products that rows mean as steps of their own."""
    extra = list({option.key: option for option in found if option.step is not None}.values())
    steps: dict[Key, Step] = {}
    for key, step in computation.steps.items():
        for option in extra:
            if key in option.instead and option.step is not None:
                steps.setdefault(option.key, option.step)
        steps[key] = next((option.instead[key] for option in extra if key in option.instead), step)
    return replace(computation, steps=steps)
