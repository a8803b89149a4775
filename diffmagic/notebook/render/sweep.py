"""A `Sweep` as blocks: a table and the V-shaped picture of error against step."""

from __future__ import annotations

from functools import partial
from typing import Any

from diffmagic.notebook.render.blocks import Block, Picture, Table
from diffmagic.notebook.render.pictures import COLOURS, PAGE, drawn, svg
from diffmagic.results import PowerLaw, Sweep

_HEAD = ["method", "best step", "its error", "step in theory", "truncation slope", "round-off slope"]


def sweep_blocks(found: Sweep) -> list[Block]:
    """For each method the best step, and how the error grows on either side of it."""
    rows = [
        [
            each.method,
            f"{each.best_step:.1g}",
            _error(each.best_error),
            f"{each.predicted_step:.1g}",
            _slope(each.truncation),
            _slope(each.roundoff),
        ]
        for each in found.methods
    ]
    kind = "Relative error" if found.relative else "Error"
    best = ", ".join(f"{each.method} {_error(each.best_error)} at h = {each.best_step:.1g}" for each in found.methods)
    picture = Picture(partial(_picture, found), f"{kind} against step h, both logarithmic. Least errors: {best}.")
    notes = [f"Note: {note}." for note in found.notes]
    return [Table(f"{kind} against step", _HEAD, rows), picture, *notes]


def _error(error: float) -> str:
    return f"{error:.0e}" if error else "0"


def _slope(law: PowerLaw | None) -> str:
    return "none" if law is None else f"{round(law.slope, 1) + 0.0:.1f}"


def _picture(found: Sweep, alternative: str) -> str:
    least = min((error for each in found.methods for error in each.errors if error > 0), default=1e-16)
    floor = min(least, 1e-16)  # an error of nothing at all has no logarithm

    def draw(axes: Any) -> None:
        for each, colour, marker in zip(found.methods, COLOURS * 2, "os^Dv<>Pos^Dv", strict=False):
            errors = [drawn(max(error, floor)) for error in each.errors]
            axes.loglog(each.steps, errors, color=colour, marker=marker, markersize=3, label=each.method)
            laws = (each.truncation, [each.best_step, each.steps[-1]]), (each.roundoff, [each.steps[0], each.best_step])
            for law, ends in laws:
                if law is not None:
                    line = [drawn(law.factor * h**law.slope) for h in ends]
                    axes.loglog(ends, line, color=PAGE, linewidth=0.8, linestyle="--")
            best = drawn(max(each.best_error, floor))
            axes.plot(each.best_step, best, marker="o", markersize=9, markerfacecolor="none", color=colour)
        axes.set_ylim(bottom=floor / 3)
        axes.set_xlabel("step h")
        axes.set_ylabel("relative error" if found.relative else "error")
        axes.legend()

    return svg(draw, alternative)
