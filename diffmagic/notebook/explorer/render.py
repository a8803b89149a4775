"""A scene as HTML: its picture, and in words what it shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from diffmagic.core.program import short
from diffmagic.labels import partial_label
from diffmagic.notebook.explorer.picture import (
    ComparePicture,
    ContoursPicture,
    CurvesPicture,
    derivative_labels,
    difference,
)
from diffmagic.notebook.explorer.scene import (
    CompareScene,
    ContoursScene,
    CurvesScene,
    GraphScene,
    Scene,
    TraceScene,
)
from diffmagic.notebook.render.blocks import Block
from diffmagic.notebook.render.comparison import comparison_blocks
from diffmagic.notebook.render.curves import told_apart
from diffmagic.notebook.render.graph import graph_blocks
from diffmagic.notebook.render.html import as_html
from diffmagic.notebook.render.parts import brief
from diffmagic.notebook.render.trace import trace_blocks, trace_grid

_MOST_MARKS = 8


class Renderer:
    """Scenes as HTML. Its figures persist from one to the next, and what it gives depends on the scene alone.

    Parameters
    ----------
    name : str
        What identities in the pictures begin with.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name

    def __call__(self, scene: Scene) -> str:
        with np.errstate(all="ignore"):  # what is not finite is not drawn
            return self._shown(scene)

    def _shown(self, scene: Scene) -> str:
        match scene:
            case CurvesScene():
                said = curves_said(scene)
                low, high = (short(float(end), 6) for end in scene.curve.x[[0, -1]])
                told = f"Curves for {scene.wrt} from {low} to {high}, the function above its derivatives."
                picture = (self._with_slopes if scene.secants else self._curves)(scene, " ".join([told, *said]))
            case ContoursScene():
                said = contours_said(scene)
                told = f"Contours over {' and '.join(scene.field.wrt)}."
                picture = self._contours(scene, " ".join([told, *said]))
            case CompareScene():
                said = compare_said(scene)
                table = as_html(comparison_blocks(scene.comparison))
                return table + self._compare(scene, " ".join(said)) + as_html(said)
            case TraceScene():
                return as_html(trace_said(scene))
            case GraphScene():
                blocks = graph_blocks(scene.graph, scene.digits, scene.state)
                return as_html([*blocks, *_noted(scene.notes)])
        return picture + as_html(said)

    @cached_property
    def _curves(self) -> CurvesPicture:
        return CurvesPicture(False, self._name)

    @cached_property
    def _with_slopes(self) -> CurvesPicture:
        return CurvesPicture(True, self._name)

    @cached_property
    def _contours(self) -> ContoursPicture:
        return ContoursPicture(self._name)

    @cached_property
    def _compare(self) -> ComparePicture:
        return ComparePicture(self._name)


def render(scene: Scene) -> str:
    """A scene as HTML, by a renderer that has drawn nothing yet."""
    return Renderer()(scene)


def curves_said(scene: CurvesScene) -> list[str]:
    """Curves and their point in words."""
    names = derivative_labels(scene.of, scene.wrt, range(1, len(scene.derivatives.y)))
    of, digits, said = scene.of or "value", scene.digits, []
    point = scene.point
    if point is None:
        said.append("The function has no value at the point.")
    else:
        place = f"{scene.wrt} = {short(point.place[0], digits)}"
        numbers = [f"{name} = {short(each, digits)}" for name, each in zip(names, point.derivatives, strict=True)]
        said.append(f"At {place}: {', '.join([f'{of} = {short(point.value, digits)}', *numbers])} ({scene.method}).")
    for secant in scene.secants:
        text = f"The {secant.kind} secant with h = {short(scene.h, digits)} has the slope {short(secant.slope, digits)}"
        if point is not None:
            text += f", {abs(secant.slope - point.derivatives[0]):.2g} from the derivative"
        said.append(f"{text}.")
    marks = [mark for mark in scene.curve.marks if mark.kind != "pole"]
    texts = told_apart([mark.x for mark in marks], min(digits, 6))
    told = [f"{mark.kind} at {scene.wrt} = {x}" for mark, x in zip(marks[:_MOST_MARKS], texts, strict=False)]
    told += [f"{len(marks) - _MOST_MARKS} more"] if len(marks) > _MOST_MARKS else []
    said += [f"Marked: {', '.join(told)}."] if told else []
    gaps = [f"{short(a, 6)}" if a == b else f"{short(a, 6)} to {short(b, 6)}" for a, b in scene.curve.gaps]
    said += [f"There is no value at {scene.wrt} = {', '.join(gaps[:_MOST_MARKS])}."] if gaps else []
    return said + _noted([*scene.notes, *(point.notes if point else [])])


def contours_said(scene: ContoursScene) -> list[str]:
    """Contours, the gradient and the way down in words."""
    found, digits, said = scene.field, scene.digits, []
    of = found.of or "value"
    if scene.point is None:
        said.append("The function has no value at the point.")
    else:
        place = ", ".join(
            f"{name} = {short(each, digits)}" for name, each in zip(found.wrt, scene.point.place, strict=True)
        )
        slopes = ", ".join(
            f"{partial_label(found.of, [name])} = {short(each, digits)}"
            for name, each in zip(found.wrt, scene.point.derivatives, strict=True)
        )
        steep = short(float(math.hypot(*scene.point.derivatives)), digits)
        said.append(f"At {place}: {of} = {short(scene.point.value, digits)}, {slopes} ({scene.method}).")
        said.append(f"The arrow points along the gradient, whose length is {steep}.")
        inside = all(axis[0] <= x <= axis[-1] for axis, x in zip((found.x, found.y), scene.point.place, strict=True))
        said += [] if inside else ["The point is outside the picture."]
    if scene.descent:
        count = len(scene.descent) - 1
        steps = "step" if count == 1 else "steps"
        said.append(f"{count} {steps} of gradient descent; the learning rate is {short(scene.rate, digits)}.")
    return said + _noted([*scene.notes, *(scene.point.notes if scene.point else [])])


def compare_said(scene: CompareScene) -> list[str]:
    """What the two pictures below the table show, in words."""
    said = []
    if scene.sweep and scene.sweep.methods:
        least = ", ".join(
            f"{each.method} {each.best_error:.0e} at {each.best_step:.0e}" for each in scene.sweep.methods
        )
        said.append(f"Above: the error against the step. The least errors are: {least}.")
    apart = difference(scene)
    known = apart[np.isfinite(apart)]
    first, second = scene.names
    if not known.size:
        told = "there is no place where both give a number"
    elif not known.max():
        told = "they give the same numbers everywhere"
    else:
        told = f"it is at most {known.max():.1e}"
    said.append(f"Below: the difference between {first} and {second} along {scene.wrt}; {told}.")
    return said + _noted(scene.notes)


def trace_said(scene: TraceScene) -> list[Block]:
    """The table as far as it is, and the last step in words; once it is whole, the chain rule."""
    table, digits = scene.table, scene.digits
    way = "forwards" if scene.mode == "forward" else "backwards"
    where = f"Step {scene.step} of {scene.steps}, {way}"
    blocks = trace_blocks(table, digits) if scene.step == scene.steps else [trace_grid(table, digits)]
    if table.cotangent:
        row = table.rows[-1 - scene.step]
        cotangent = "0" if row.cotangent is None else brief(row.cotangent, digits)
        told = f"{where}: ∂{table.cotangent}/∂{row.name} = {cotangent}"
    elif scene.step:
        row = table.rows[-1]
        told = f"{where}: {row.name} = {row.operation} = {brief(row.value, digits)}"
        for name, tangent in zip(table.tangents, row.tangents, strict=True):
            told += f", ∂{row.name}/∂{name} = {'0' if tangent is None else brief(tangent, digits)}"
    else:
        told = f"{where}: the inputs are known"
    return [f"{told}.", *blocks, *_noted(scene.notes)]


def _noted(notes: Iterable[str]) -> list[str]:
    return [f"Note: {note}." for note in notes]
