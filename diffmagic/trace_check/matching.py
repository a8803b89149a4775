"""Which number of a function a row means that names no operation: by its name, by its numbers, by its place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from diffmagic.core.program import Program, Variable
from diffmagic.trace_check.claims import VALUE, Claim
from diffmagic.trace_check.notation import known_name
from diffmagic.trace_check.options import Option, agreeing, including
from diffmagic.trace_check.steps import Computation, Key, Numbers, followed

_MOST_OPTIONS = 20


def _place_in_names(name: str) -> tuple[str, int] | None:
    """A name's letters and its number: v₄ is ("v", 4)."""
    found = re.fullmatch(r"([^\W\d]\D*?)(-?\d+)", known_name(name))
    return (found[1], int(found[2])) if found else None


def matched(
    claims: Mapping[int, Claim], program: Program, base: Computation, options: Sequence[Option], own: set[Variable]
) -> dict[int, Option]:
    """What each row means; rows that mean nothing that there is are missing.

    Parameters
    ----------
    claims : mapping of int to Claim
        Row numbers and rows.
    program : Program
    base : Computation
        The same as steps.
    options : sequence of Option
    own : set of Variable
        Those whose names are the user's own.
    """
    plain = {option.key: option for option in options if option.step is None}
    by_name = {known_name(name): plain[key] for key, name in program.names().items() if key in plain}
    called = {row: by_name.get(known_name(claim.name)) for row, claim in claims.items()}
    numbered = {row: place for row, claim in claims.items() if (place := _place_in_names(claim.name))}
    inputs = [option for option in plain.values() if not option.place]
    if len({letters for letters, _ in numbered.values()}) == 1:
        order = sorted(claims, key=lambda row: (numbered[row][1] if row in numbered else math.inf, row))
    else:
        order = sorted(claims)
    found = {row: option for row, option in called.items() if option and (option.key in own or not option.place)}
    last = 0
    for row in order:
        if row not in found:
            taken = {option.key for option in found.values()}
            full = [option for option in options if claims[row].numbers and _all_agree(claims[row], option)]
            number = numbered.get(row, ("", 1))[1]
            if -len(inputs) < number <= 0 and (not full or inputs[number - 1] in full):
                found[row] = inputs[number - 1]  # v₀ is the last input, v₋₁ the one before it
            elif full:

                def rank(
                    option: Option, row: int = row, taken: set[Key] = taken, last: int = last
                ) -> tuple[float, ...]:
                    known = option is not called[row], not option.place, option.key in taken, option.step is not None
                    return (*known, option.place < last, option.place)

                found[row] = min(full, key=rank)
        last = found[row].place if row in found else last
    for row, opposite in without_sign(claims, found, options).items():
        if any(found[other] is found[row] for other in order[: order.index(row)] if other in found):
            found[row] = opposite  # once with the other sign, and not twice with this one
    _by_neighbours(order, numbered, found, plain, called)
    _by_what_follows(order, claims, found, options, base)
    return found


def _all_agree(claim: Claim, option: Option) -> bool:
    return agreeing(claim, option.of) == len(claim.numbers)


def without_sign(
    claims: Mapping[int, Claim], found: Mapping[int, Option], options: Sequence[Option]
) -> dict[int, Option]:
    """Rows that are right as a part or a repetition, and the same with the other sign, which no row claims."""

    def is_minus(one: Option, other: Option) -> bool:
        made = one.key in other.instead or (other.step is not None and other.step.operands == (one.key,))
        return made and bool(np.isclose(one.of[VALUE], -other.of[VALUE], 1e-12, 0))

    meant: dict[int, Option] = {}
    for row, option in found.items():
        plain = option.step is None and sum(option is other for other in found.values()) == 1
        value = option.of[VALUE]
        claimed = [claim.numbers[VALUE] for claim in claims.values() if VALUE in claim.numbers]
        if plain or not value or not _all_agree(claims[row], option) or any(n.agrees(-value) for n in claimed):
            continue
        opposites = [o for o in options if is_minus(o, option) or is_minus(option, o)]
        if opposites:
            meant[row] = opposites[0]
    return meant


def _by_neighbours(
    order: Sequence[int],
    numbered: Mapping[int, tuple[str, int]],
    found: dict[int, Option],
    plain: Mapping[Key, Option],
    called: Mapping[int, Option | None],
) -> None:
    """Rows that are numbered as the steps are, as those around them say, are these steps."""
    steps = {option.place: option for option in plain.values() if option.place}
    settled = {row: option for row, option in found.items() if option.step is None and option.place}
    places: dict[tuple[str, int], float] = {
        numbered[row]: option.place for row, option in settled.items() if row in numbered
    }
    as_the_steps = 2 * sum(called[row] is option for row, option in settled.items()) > len(settled) > 0
    for row in order:
        if row not in numbered or (row in found and found[row].step is None):
            continue
        letters, number = numbered[row]
        around = [places.get((letters, number + by), math.nan) - by for by in (-1, 1)]
        option = steps.get(int(around[0])) if around[0] == around[1] else None
        if option is None and row not in found and as_the_steps:
            option = called[row]
        if option is not None and option not in found.values():
            found[row] = option


def _by_what_follows(
    order: Sequence[int],
    claims: Mapping[int, Claim],
    found: dict[int, Option],
    options: Sequence[Option],
    base: Computation,
) -> None:
    """Rows with other numbers than any step: those that explain most of the rows after them, else the only one left."""

    def student(extra: Mapping[int, Option]) -> Numbers:
        both = {**found, **extra}
        given = {(o.key, c): n.value for row, o in both.items() for c, n in claims[row].numbers.items()}
        return followed(including(base, both.values()), given)

    def agrees(row: int, option: Option, of: Numbers) -> bool:
        if option.step is None:
            columns = base.columns()
            return agreeing(claims[row], {c: of[option.key, c] for c in columns}) == len(claims[row].numbers) > 0
        value = option.step.compute(*[of[operand, VALUE] for operand in option.step.operands])
        return agreeing(claims[row], {VALUE: value}) == 1

    for position, row in enumerate(order):
        if row in found:
            continue
        before = [found[other] for other in order[:position] if other in found]
        after = [found[other].place for other in order[position:] if other in found and found[other].place]
        printed = {column: number.value for column, number in claims[row].numbers.items()}
        alike = [r for r in order[:position] if {c: n.value for c, n in claims[r].numbers.items()} == printed]
        if alike and alike[0] in found:  # the same number under another name
            found[row] = found[alike[0]]
            continue
        low, high = max((option.place for option in before), default=0), min(after, default=math.inf)
        taken = {option.key for option in found.values()}
        window = [o for o in options if low <= o.place <= high and o.key not in taken and (o.place or not position)]
        window = sorted(window, key=lambda option: option.place)[:_MOST_OPTIONS]
        rest = [other for other in order[position + 1 :] if other not in found]
        so_far = student({})
        scores = {}
        for option in window:
            then = student({row: option})
            explained = sum(any(agrees(r, each, then) for each in window if each is not option) for r in rest)
            scores[option] = (agreeing(claims[row], option.of), agrees(row, option, so_far), explained)
        best = max(scores.values(), default=(0, False, 0))
        plain = sorted((o for o in window if o.step is None), key=lambda option: not option.place)
        steps = [option for option in plain if option.place] or plain
        left = [o for o in options if o.step is None and o.place and o.key not in taken]
        if not rest and len(left) == 1 and not any(agreeing(claims[row], option.of) for option in options):
            found[row] = left[0]  # independent steps may stand in another order
        elif any(best):
            found[row] = min(
                (o for o in window if scores[o] == best), key=lambda option: (not option.place, option.step is not None)
            )
        elif steps and len(steps) in (1, len(rest) + 1):
            found[row] = steps[0]
