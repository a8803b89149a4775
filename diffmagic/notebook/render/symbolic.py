"""A `Symbolic` and a `Growth` as blocks: formulas, derivations, and how formulas grow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from diffmagic.labels import partial_label
from diffmagic.notebook.render.blocks import Block, Formulas, Pairs, Picture, Steps, Table
from diffmagic.notebook.render.derivative import derivatives, values
from diffmagic.notebook.render.pictures import COLOURS, svg
from diffmagic.results import Derivation, Growth, Symbolic

_MOST_OPERATIONS = 200


def symbolic_blocks(found: Symbolic) -> list[Block]:
    """The formulas of a function and of its derivatives, how they are found, and their numbers."""
    lines = [(entry.of or "f", *_written(entry.value)) for entry in found.formulas]
    lines += [(partial_label(entry.of, entry.wrt), *_written(entry.value)) for entry in found.entries]
    blocks: list[Block] = [Formulas("Formulas", lines), *map(_derived, found.derivations)]
    if found.at is not None:
        blocks.append(Pairs("Value and derivative", [values(found.at), derivatives(found.at)], found.digits))
    return [*blocks, *(f"Note: {note}." for note in found.notes)]


def _derived(derivation: Derivation) -> Steps:
    """One line for each rule."""
    import sympy as sp

    start = derivation.steps[0].before if derivation.steps else sp.Integer(0)
    reasons = [f"{step.rule}: {step.detail}" if step.detail else step.rule for step in derivation.steps]
    formulas = [start, *(step.line for step in derivation.steps)]
    lines = [(*_written(each), reason) for each, reason in zip(formulas, ["", *reasons], strict=True)]
    return Steps(f"{partial_label(derivation.of, [derivation.wrt])}, one rule at a time", lines)


def _written(expression: Any) -> tuple[str, str]:
    """An expression in LaTeX and as text; its size if nobody would read it."""
    import sympy as sp

    from diffmagic.symbolic.elementary import readable, text

    size = int(expression.count_ops())
    if size > _MOST_OPERATIONS:
        said = f"{size:,} operations"
        return rf"\\text{{{said}}}", f"({said})"
    return sp.latex(readable(expression)), text(expression)


def growth_blocks(found: Growth) -> list[Block]:
    """Operations in the formulas and in the automatic derivative, for each size."""
    kinds: dict[str, Sequence[int | None]] = {
        "f": found.formula,
        "f' symbolic": found.derivative,
        "f' automatic": found.automatic,
    }
    rows = [
        [str(value), *("too long" if counts[k] is None else f"{counts[k]}" for counts in kinds.values())]
        for k, value in enumerate(found.values)
    ]
    caption = f"Operations as {found.name} grows"
    picture = Picture(partial(_growth_picture, found.name, found.values, kinds), f"{caption}, on a logarithmic scale.")
    blocks: list[Block] = [Table(caption, [found.name, *kinds], rows), picture]
    return [*blocks, f"Note: {found.limit}."] if found.limit else blocks


def _growth_picture(name: str, sizes: list[Any], kinds: dict[str, Any], alternative: str) -> str:
    def draw(axes: Any) -> None:
        for (label, counts), colour, marker in zip(kinds.items(), COLOURS, "os^", strict=False):
            pairs = [(size, count) for size, count in zip(sizes, counts, strict=True) if count]
            axes.semilogy(
                *zip(*pairs, strict=True), color=colour, marker=marker, markersize=4, label=label
            ) if pairs else None
        axes.locator_params("x", integer=True)
        axes.set_xlabel(name)
        axes.set_ylabel("operations")
        axes.legend()

    return svg(draw, alternative)
