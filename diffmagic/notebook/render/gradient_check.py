"""A `GradientCheck` as blocks."""

from __future__ import annotations

from functools import partial
from typing import Any

from diffmagic.core.program import short
from diffmagic.notebook.render.blocks import Block, Picture, Table
from diffmagic.notebook.render.estimates import error_bound
from diffmagic.notebook.render.pictures import COLOURS, PAGE, drawn, svg
from diffmagic.results import GradientCheck, GradientRow, TaylorRemainder

_MOST_ROWS = 12
_BOUNDS = 1e-12, 1e-5  # what rounding explains in double and in single precision
_ROUNDING = 1e-12  # of the largest remainder: what is less may be rounding
_LARGE = 1e-3  # a relative error that is written out


def check_blocks(found: GradientCheck) -> list[Block]:
    """Components, the worst first; what is wrong; how the remainder falls."""
    head = ["", "mine", "automatic", "numerical", "relative error", "verdict"]
    rows = [_row(row, found.digits) for row in found.rows[:_MOST_ROWS]]
    if len(found.rows) > _MOST_ROWS:
        rows.append([f"… {len(found.rows) - _MOST_ROWS} more", "", "", "", "", ""])
    blocks: list[Block] = [Table("Components, the worst first", head, rows, words=[5])]
    said = [_sentence(each) for each in (found.summary, *found.guesses)]
    if found.taylor is not None:
        slope = "" if found.taylor.slope is None else f" (slope {found.taylor.slope:.1f})"
        said.append(f"Taylor remainder: {found.taylor.reading}{slope}.")
    if found.taylor is not None and any(remainder > 0 for _, remainder in found.taylor.steps):
        alternative = f"The remainder |f(x + t v) - f(x) - t ∇f·v| against t: {found.taylor.reading}."
        blocks.append(Picture(partial(_remainder_picture, found.taylor), alternative))
    said += [f"Note: {note}." for note in found.notes]
    return [*blocks, *said]


def _row(row: GradientRow, digits: int) -> list[str]:
    numbers = [_number(each, digits) for each in (row.mine, row.automatic, row.numerical)]
    return [row.label, *numbers, _error(row), row.verdict]


def _error(row: GradientRow) -> str:
    """A relative error; of what is right only a bound, as the rest is rounding and differs from machine to machine."""
    bound = next((bound for bound in _BOUNDS if row.relative_error < bound), None)
    if row.verdict == "right" and bound:
        return f"<{error_bound(bound)}"
    return short(row.relative_error, 2) if row.relative_error > _LARGE else error_bound(row.relative_error)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _number(number: float | None, digits: int) -> str:
    return "" if number is None else short(number, digits)


def _remainder_picture(taylor: TaylorRemainder, alternative: str) -> str:
    def draw(axes: Any) -> None:
        largest = max(remainder for _, remainder in taylor.steps)
        seen = [(t, drawn(r)) for t, r in taylor.steps if r > _ROUNDING * largest]
        steps, remainders = zip(*seen, strict=True)
        axes.loglog(steps, remainders, color=COLOURS[0], marker="o", markersize=3, label="remainder")
        t, r = steps[0], remainders[0]
        for slope, style in ((1, ":"), (2, "--")):
            guide = [r * (step / t) ** slope for step in steps]
            axes.loglog(steps, guide, color=PAGE, linewidth=0.8, linestyle=style, label=f"slope {slope}")
        axes.set_ylim(min(remainders) / 10, max(remainders) * 10)
        axes.set_xlabel("t")
        axes.legend()

    return svg(draw, alternative, height=2.8)
