"""What the rows of a trace table mean in a function, and the true numbers of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program, Variable, short
from diffmagic.core.written import Written
from diffmagic.trace_check.claims import COTANGENT, VALUE, Claim, Column
from diffmagic.trace_check.matching import matched, without_sign
from diffmagic.trace_check.notation import Formula, Number, formula, known_name, with_any_names
from diffmagic.trace_check.options import Option, agreeing, including, options
from diffmagic.trace_check.steps import Cell, Computation, Key, Numbers, Step, computation, followed, slack, text_of

Table = Mapping[int, Claim]


@dataclass(slots=True)
class Subject:
    """The function, with what each row of a table means in it.

    Attributes
    ----------
    computation : Computation
        The program's steps, and those that rows have operations for.
    keys : dict of int to Key
        What each row means; rows that mean nothing are missing.
    truth : dict of int to dict of Column to number
        The true numbers of each of these rows; those that cannot be told are missing.
    slack : dict of Cell to float
    texts : dict of int to str
        The operations of rows that were found without.
    strange : list of int
        Rows whose operation the function does not have, first to last.
    notes : list of str
    """

    computation: Computation
    keys: dict[int, Key]
    truth: dict[int, dict[Column, Any]]
    slack: dict[Cell, float]
    texts: dict[int, str]
    strange: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def subject_of(program: Program, table: Table) -> Subject:
    """Find what each row means: by its operation, else by its name, else by its numbers."""
    base = computation(program)
    of = followed(base)
    notes: list[str] = []
    _refuse_columns(table, base)
    _settle_columns(table, base, of, notes)
    every = options(program, base, of)
    own = _own_names(program)
    given, rest = _operations(table, own, notes)
    found = _found(rest, table, program, base, every, set(own.values()))
    keys: dict[int, Key] = {row: option.key for row, option in found.items()}
    fixed = {row: claim.found for row, claim in table.items() if _is_constant(claim)}
    for row, value in fixed.items():
        _refuse_what_is_no_number(row, table[row], value)
    steps = including(base, found.values())
    steps.steps.update({row: Step((), lambda value=value: value) for row, value in fixed.items()})
    keys |= {row: row for row in fixed}
    steps.steps.update(_ordered(given, table, keys, own))
    keys |= {row: row for row in given}
    steps, elsewhere, strange = _with_output(replace(steps), list(given), program, of, every, notes)
    true = followed(steps)
    truth = {row: {c: true[key, c] for c in steps.columns()} for row, key in keys.items()}
    truth |= {row: {**truth[row], **option.of} for row, option in found.items()}
    for row, option in elsewhere.items():
        truth[row].pop(COTANGENT, None)
        truth[row] |= {c: number for c, number in (option.of if option else {}).items() if c == COTANGENT}
    for row in truth:
        _refuse_what_is_no_number(row, table[row], truth[row][VALUE])
    names = program.names()
    own_names = {v: names[v] for v in own.values()}
    texts = {row: _text(row, found, base, of, own_names, table) for row in found if not table[row].operation}
    for row, opposite in without_sign(table, found, every).items():
        dropped = f"and no row has {short(opposite.of[VALUE])}, which the function has: was a sign dropped?"
        notes.append(f"row {row} is right as {texts.get(row, table[row].operation)}, {dropped}")
    return Subject(steps, keys, truth, slack(steps, true), texts, strange, notes)


def _operations(
    table: Table, own: Mapping[str, Variable], notes: list[str]
) -> tuple[dict[int, Formula], dict[int, Claim]]:
    """The rows with an operation that can be read, and the others."""
    rows = _rows_by_name(table)
    known = {name: name for name in [*own, *rows]}
    given, rest = {}, {}
    for row, claim in table.items():
        asked = bool(claim.operation) and claim.found is None
        found = formula(claim.operation, known) if asked else None
        name = known_name(claim.name)
        itself = found is not None and name in found.reads and name not in own
        if found is not None and not itself:
            given[row] = found
            continue
        rest[row] = claim
        if asked and not itself:
            _refuse_unknown_names(row, claim, known)
            said = f"row {row}: the operation {claim.operation} was not understood"
            notes.append(f"{said}, so the row is found by its name and numbers")
    return given, rest


def _rows_by_name(table: Table) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, claim in table.items():
        name = known_name(claim.name)
        if name and claim.found is None and rows.setdefault(name, row) != row:
            raise DiffmagicError(f"{claim.name} stands in rows {rows[name]} and {row}", rewrite="one row for each name")
    return rows


def _found(
    rest: Table, table: Table, program: Program, base: Computation, every: Sequence[Option], own: set[Variable]
) -> dict[int, Option]:
    """What the rows without an operation mean."""
    plain = {option.key: option for option in every if option.step is None}
    known = {row: plain.get(claim.found) for row, claim in rest.items() if isinstance(claim.found, Variable)}
    for row, option in known.items():
        if option is None:
            _refuse_what_is_no_number(row, table[row], table[row].found.value)
    open_rows = {row: claim for row, claim in rest.items() if claim.found is None}
    found = matched(open_rows, program, base, every, own)
    return found | {row: option for row, option in known.items() if option is not None}


def _text(
    row: int, found: Mapping[int, Option], base: Computation, of: Numbers, names: Mapping[Variable, str], table: Table
) -> str:
    """What a row was found to be, in the names of the others."""
    called: dict[Key, str] = dict(names)
    called |= {o.key: table[other].name for other, o in found.items() if other != row and table[other].name}

    def text(key: Key) -> Written:
        return Written(called[key]) if key in called else step(base, key)

    def step(steps: Computation, key: Key) -> Written:
        return text_of(steps.local(key, of), [text(operand) for operand in steps.steps[key].operands])

    option = found[row]
    if not option.place:
        return names[option.key]
    return step(including(base, [option]), option.key).text


def _ordered(
    given: Mapping[int, Formula], table: Table, keys: Mapping[int, Key], own: Mapping[str, Variable]
) -> dict[Key, Step]:
    """The rows with operations as steps, each after those that it reads."""
    rows, steps, waiting = _rows_by_name(table), {}, dict(given)
    while waiting:
        ready = [row for row, f in waiting.items() if not any(rows.get(n, row) in {*waiting} - {row} for n in f.reads)]
        if not ready:
            row = next(iter(waiting))
            raise DiffmagicError(
                f"the operations read one another in a circle: row {row}, {table[row].label}",
                rewrite="operations that read the rows before them",
            )
        for row in ready:
            found, operands = waiting.pop(row), []
            for name in found.reads:
                other = rows.get(name, row)
                if other != row and other not in keys and other not in given:
                    raise DiffmagicError(
                        f"row {row}, {table[row].label}, reads {table[other].name}, and it is not clear what row "
                        f"{other} is",
                        rewrite=f"the operation of {table[other].name}",
                    )
                operands.append(own[name] if other == row else other if other in given else keys[other])
            steps[row] = Step(tuple(operands), found.compute)
    return steps


def _with_output(
    steps: Computation,
    given: Sequence[int],
    program: Program,
    of: Numbers,
    every: Sequence[Option],
    notes: list[str],
) -> tuple[Computation, dict[int, Option | None], list[int]]:
    """The computation with the row that is the function's result as its output.

    If there is none, also what else the rows with operations are, and those of them that are a mistaken step.
    """
    forwards = replace(steps, output=None)
    mine = followed(forwards)
    near = slack(forwards, mine)
    order = [row for row in steps.steps if row in given]

    def same(row: int, their: Mapping[Column, Any]) -> bool:
        return all(
            np.ndim(their[c]) == 0 == np.ndim(mine[row, c])
            and Number("", float(their[c]), 0.0).agrees(mine[row, c], near[row, c] + 1e-14)
            for c in forwards.columns()
        )

    if steps.output is not None:
        results = [row for row in order if same(row, {c: of[steps.output, c] for c in forwards.columns()})]
        if results:
            unread = [row for row in results if row not in steps.readers]
            return replace(steps, output=[*results, *unread][-1]), {}, []
    means = {row: next((option for option in every if same(row, option.of)), None) for row in order}
    unknown = [row for row in order if means[row] is None]
    sinks = [row for row in order if row not in steps.readers]
    strange = len(sinks) == 1 and sinks[0] in unknown and _reads_all(sinks[0], steps, program)
    if unknown and not strange:
        said = f"{rows_text(unknown)}: the numbers are compared with the operation alone"
        notes.append(f"{said}, which is no step of the function that is known")
    return steps, means, unknown if strange else []


def _reads_all(row: int, steps: Computation, program: Program) -> bool:
    """Whether a row comes from every input that counts."""
    seen: set[Key] = set()
    waiting: list[Key] = [row]
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            waiting += steps.steps[key].operands if key in steps.steps else ()
    used = {operand for equation in program.equations for operand in equation.operands if isinstance(operand, Variable)}
    return used.isdisjoint(variable for variable in steps.inputs if variable not in seen)


def rows_text(numbers: Sequence[int]) -> str:
    """Rows in words: row 5; rows 5, 6 and 8."""
    *others, last = map(str, numbers)
    return f"rows {', '.join(others)} and {last}" if others else f"row {last}"


def _own_names(program: Program) -> dict[str, Variable]:
    """The variables that the user named, the last of each name."""
    names = program.names()
    own = list(program.inputs)
    own += [e.results[0] for e in program.equations if len(e.results) == 1 and (e.results[0].name or e.location.target)]
    return {known_name(names[v]): v for v in own}


def _is_constant(claim: Claim) -> bool:
    return claim.found is not None and not isinstance(claim.found, Variable)


def _refuse_what_is_no_number(row: int, claim: Claim, value: Any) -> None:
    if np.ndim(value) or np.asarray(value).dtype.kind not in "fiub":
        kind = f"an array of shape {np.shape(value)}" if np.ndim(value) else f"a {type(value).__name__}"
        raise DiffmagicError(
            f"row {row}, {claim.label}, is {kind}, and a row claims one real number", rewrite="leave the row out"
        )


def _refuse_unknown_names(row: int, claim: Claim, known: Mapping[str, str]) -> None:
    """Where an operation could be read if only its names were there; words are no operation."""
    found = with_any_names(claim.operation, known)
    unknown = [name for name in found.reads if name not in known] if found is not None else []
    if unknown:
        raise DiffmagicError(
            f"row {row}, {claim.label}: {claim.operation} reads {unknown[0]}, which is neither a row nor an input",
            rewrite=next(iter(get_close_matches(unknown[0], known, n=1)), "") or f"names among {', '.join(known)}",
        )


def _refuse_columns(table: Table, base: Computation) -> None:
    claimed = {column for claim in table.values() for column in claim.numbers}
    if COTANGENT in claimed and base.output is None:
        raise DiffmagicError(
            "the result is not one number that depends on the inputs, so there are no cotangents",
            rewrite="leave the column out",
        )
    if any(column.kind == "tangent" for column in claimed) and not base.wrt:
        raise DiffmagicError(
            "the inputs are arrays, and a derivative in a trace table is with respect to one number",
            rewrite="leave the column out, or inputs that are numbers",
        )


def _settle_columns(table: Table, base: Computation, of: Numbers, notes: list[str]) -> None:
    """A column of derivatives that does not say of what: the input that fits most rows."""
    unsaid = Column("tangent")
    claims = [claim for claim in table.values() if unsaid in claim.numbers]
    if not claims:
        return
    keys = [key for key in (*base.inputs, *base.steps) if not np.ndim(of[key, VALUE])]

    def fits(name: str) -> int:
        pairs = [{VALUE: of[key, VALUE], unsaid: of[key, Column("tangent", name)]} for key in keys]
        return sum(any(agreeing(c, pair) == len({VALUE, unsaid} & set(c.numbers)) for pair in pairs) for c in claims)

    best = Column("tangent", max(base.wrt, key=fits))
    notes.append(f"the derivatives are taken for those with respect to {best.wrt}")
    for claim in claims:
        claim.numbers = {best if column == unsaid else column: n for column, n in claim.numbers.items()}
