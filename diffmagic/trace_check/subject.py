"""What the rows of a trace table mean in a function, and the true numbers of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import Program, Variable
from diffmagic.core.written import Written
from diffmagic.trace_check.claims import COTANGENT, VALUE, Claim, Column
from diffmagic.trace_check.matching import Candidate, agreeing, candidates, matched, place_in_names, with_parts
from diffmagic.trace_check.notation import Formula, Number, formula, known_name, with_any_names
from diffmagic.trace_check.steps import Computation, Key, Numbers, Step, computation, followed, slack


class Subject:
    """The function, with what each row of a table means in it.

    Attributes
    ----------
    computation : Computation
        The program's steps, and those that rows have operations for.
    true : Numbers
    slack : mapping
    keys : dict of int to Key
        What each row means; rows that mean nothing are missing.
    texts : dict of int to str
        The operations of rows that were found.
    strange : list of int
        Rows whose operation the function does not have, first to last.
    notes : list of str
    """

    def __init__(self, program: Program, table: Mapping[int, Claim]) -> None:
        self.program = program
        self.notes: list[str] = []
        self.texts: dict[int, str] = {}
        self.strange: list[int] = []
        self._instead: dict[int, Mapping[Column, Any] | None] = {}
        base = computation(program)
        numbers = followed(base)
        self._numbers = numbers
        _refuse_columns(table, base)
        _settle_columns(table, base, numbers, self.notes)
        given, rest = self._operations(table, base)
        found = self._matched(rest, base, numbers, table)
        self.keys: dict[int, Key] = {row: option.key for row, option in found.items()}
        steps = with_parts(base, found.values())
        extra = {row: claim.found for row, claim in table.items() if _is_constant(claim)}
        for row, value in extra.items():
            _refuse_what_is_no_number(row, table[row], value)
            steps.steps[row] = Step((), lambda value=value: value)
            self.keys[row] = row
        self._add(given, table, steps)
        self.computation = self._with_output(given, steps, base, numbers)
        self.true = followed(self.computation)
        for option in found.values():
            self.true.of[option.key] = {**self.true.of[option.key], **option.of}
        self.slack = slack(self.computation, self.true)
        for row, key in self.keys.items():
            _refuse_what_is_no_number(row, table[row], self.true.of[key][VALUE])

    def _operations(self, table: Mapping[int, Claim], base: Computation) -> tuple[dict[int, Formula], dict[int, Claim]]:
        """The rows with an operation that can be read, and the others."""
        rows: dict[str, int] = {}
        for row, claim in table.items():
            name = known_name(claim.name)
            if name and claim.found is None and rows.setdefault(name, row) != row:
                raise DiffmagicError(
                    f"{claim.name} stands in rows {rows[name]} and {row}", rewrite="one row for each name"
                )
        self._rows = rows
        self._named = {known_name(name): v for name, v in _own_names(self.program).items()}
        known = {name: name for name in [*self._named, *rows]}
        given, rest = {}, {}
        for row, claim in table.items():
            found = formula(claim.operation, known) if claim.operation and claim.found is None else None
            own = known_name(claim.name)
            itself = found is not None and own in found.reads and own not in self._named
            if found is None or itself:
                rest[row] = claim
                if claim.operation and claim.found is None and not itself:
                    _refuse_unknown_names(row, claim, known)
                    self.notes.append(
                        f"row {row}: the operation {claim.operation} was not understood, so the row is found by its "
                        "name and numbers"
                    )
            else:
                given[row] = found
        return given, rest

    def _matched(
        self, rest: Mapping[int, Claim], base: Computation, numbers: Numbers, table: Mapping[int, Claim]
    ) -> dict[int, Candidate]:
        """What the rows without an operation mean."""
        known = {
            row: Candidate(claim.found, 0, numbers.of[claim.found])
            for row, claim in rest.items()
            if isinstance(claim.found, Variable)
        }
        open_rows = {row: claim for row, claim in rest.items() if claim.found is None}
        own = set(_own_names(self.program).values())
        found = matched(open_rows, self.program, base, numbers, own)
        missing = [row for row in open_rows if row not in found and place_in_names(open_rows[row].name)]
        taken = {option.key for option in found.values()}
        inputs = [v for v in base.inputs if v not in taken and not v.shape]
        if any(claim.operation for claim in table.values()) and len(missing) == len(inputs):
            for row, variable in zip(missing, inputs, strict=True):
                found[row] = Candidate(variable, 0, numbers.of[variable])
        self.texts = {row: self._text(row, found, base, table) for row in found if not rest[row].operation}
        return {**known, **found}

    def _text(self, row: int, found: Mapping[int, Candidate], base: Computation, table: Mapping[int, Claim]) -> str:
        """What a row was found to be, in the names of the others."""
        called = {v: name for name, v in _own_names(self.program).items()}
        others = {other: option for other, option in found.items() if other != row and table[other].name}
        called |= {option.key: table[other].name for other, option in others.items()}

        def of(key: Key) -> Written:
            return Written(called[key]) if key in called else text(base.steps[key])

        def text(step: Step) -> Written:
            assert step.write is not None
            return step.write([of(operand) for operand in step.operands])

        option = found[row]
        if option.place == 0:
            return self.program.names()[option.key]
        return text(option.step or base.steps[option.key]).text

    def _add(self, given: Mapping[int, Formula], table: Mapping[int, Claim], steps: Computation) -> None:
        """The rows with operations as steps, each after those that it reads."""
        waiting = dict(given)
        while waiting:
            ready = [
                row
                for row, found in waiting.items()
                if not any(self._row_of(name, row) in waiting for name in found.reads)
            ]
            if not ready:
                row = next(iter(waiting))
                raise DiffmagicError(
                    f"the operations read one another in a circle: row {row}, {table[row].label}",
                    rewrite="operations that read the rows before them",
                )
            for row in ready:
                found = waiting.pop(row)
                operands = tuple(self._operand(name, row, table) for name in found.reads)
                steps.steps[row] = Step(operands, found.compute)
                self.keys[row] = row

    def _row_of(self, name: str, reader: int) -> int | None:
        """The row that a name stands for in another's operation; None if it is the user's own name."""
        row = self._rows.get(name)
        return None if row == reader else row

    def _operand(self, name: str, row: int, table: Mapping[int, Claim]) -> Key:
        other = self._row_of(name, row)
        if other is None:
            return self._named[name]
        if other not in self.keys:
            raise DiffmagicError(
                f"row {row}, {table[row].label}, reads {table[other].name}, and it is not clear what row {other} is",
                rewrite=f"the operation of {table[other].name}",
            )
        return self.keys[other]

    def _with_output(
        self, given: Mapping[int, Formula], steps: Computation, base: Computation, numbers: Numbers
    ) -> Computation:
        """The computation with the row that is the function's result as its output, if there is one."""
        if not given:
            return steps
        forwards = followed(replace(steps, output=None))
        near = slack(replace(steps, output=None), forwards)
        read = {operand for step in steps.steps.values() for operand in step.operands}
        order = [row for row in steps.steps if isinstance(row, int) and row in given]

        def same(row: int, of: Mapping[Column, Any]) -> bool:
            mine = forwards.of[row]
            return all(
                c in of and np.ndim(of[c]) == 0 and Number("", float(of[c]), 0.0).agrees(mine[c], near[row][c] + 1e-14)
                for c in mine
            )

        if base.output is not None:
            results = [row for row in order if same(row, numbers.of[base.output])]
            if results:
                final = next((row for row in reversed(results) if row not in read), results[-1])
                return replace(steps, output=final)
        options = candidates(self.program, base, numbers)
        means = {row: next((o for o in options if same(row, o.of)), None) for row in order}
        sinks = [row for row in order if row not in read]
        unknown = [row for row in order if means[row] is None]
        if len(sinks) == 1 and sinks[0] in unknown and self._reads_all(sinks[0], steps):
            self.strange = unknown
        elif unknown:
            said = f"{rows_text(unknown)}: the numbers are compared with the operation alone"
            self.notes.append(f"{said}, which is no step of the function that is known")
        self._instead = {row: option.of if option else None for row, option in means.items()}
        return replace(steps, output=base.output)

    def _reads_all(self, row: int, steps: Computation) -> bool:
        """Whether a row comes from every input that counts."""
        seen: set[Key] = set()
        waiting: list[Key] = [row]
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                waiting += steps.steps[key].operands if key in steps.steps else ()
        used = {operand for equation in self.program.equations for operand in equation.operands}
        return used.isdisjoint(variable for variable in steps.inputs if variable not in seen)

    def truth(self, row: int, column: Column) -> Any:
        """The true number; None if it cannot be told."""
        key = self.keys[row]
        of: Mapping[Column, Any] = self.true.of[key]
        if column == COTANGENT and row in self._instead:
            of = self._instead[row] or {}
        elif column == COTANGENT and isinstance(key, Variable):
            of = self._numbers.of[key]
        return of.get(column)


def rows_text(numbers: Sequence[int]) -> str:
    """Rows in words: row 5; rows 5, 6 and 8."""
    *others, last = map(str, numbers)
    return f"rows {', '.join(others)} and {last}" if others else f"row {last}"


def _own_names(program: Program) -> dict[str, Variable]:
    """The variables that the user named, the last of each name."""
    names = program.names()
    own = list(program.inputs)
    own += [e.results[0] for e in program.equations if len(e.results) == 1 and (e.results[0].name or e.location.target)]
    return {names[v]: v for v in own}


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


def _is_constant(claim: Claim) -> bool:
    return claim.found is not None and not isinstance(claim.found, Variable)


def _refuse_columns(table: Mapping[int, Claim], base: Computation) -> None:
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


def _settle_columns(table: Mapping[int, Claim], base: Computation, numbers: Numbers, notes: list[str]) -> None:
    """A column of derivatives that does not say of what: the input that fits most rows."""
    unsaid = Column("tangent")
    if not any(unsaid in claim.numbers for claim in table.values()):
        return

    def fits(name: str) -> int:
        column = Column("tangent", name)
        return sum(
            any(
                np.ndim(of[VALUE]) == 0
                and agreeing(claim, {VALUE: of[VALUE], unsaid: of[column]}) == len({VALUE, unsaid} & set(claim.numbers))
                for of in numbers.of.values()
            )
            for claim in table.values()
            if unsaid in claim.numbers
        )

    best = max(base.wrt, key=fits)
    notes.append(f"the derivatives are taken for those with respect to {best}")
    for claim in table.values():
        if unsaid in claim.numbers:
            claim.numbers = {Column("tangent", best) if c == unsaid else c: n for c, n in claim.numbers.items()}
