"""The pictures of a panel. Each is a pure function of a scene; the figures that draw them persist."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from diffmagic.labels import partial_label
from diffmagic.notebook.explorer.canvas import Canvas
from diffmagic.notebook.explorer.scene import CompareScene, ContoursScene, CurvesScene, Secant
from diffmagic.notebook.explorer.state import SECANTS
from diffmagic.notebook.render.curves import HIGHEST, SHAPES, draw_field, drawn_line, limits_of
from diffmagic.notebook.render.pictures import COLOURS, PAGE, in_our_style

_WIDTH = 7.2
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.8, 1.15, 0.12, 0.45  # inches around the axes
_HEIGHT, _GAP, _BETWEEN = 1.9, 0.18, 0.55
_LEGEND = 12  # characters that it has room for
_REACH = 0.2  # of the axis: half of a tangent
_THROUGH = 0.25  # of its length: how far a secant goes on beyond its points
_LEAST, _MOST = 1e-17, 1e4  # errors that there is room for
_MARKERS = "os^Dv<>P"
_SECANT_COLOURS = dict(zip(SECANTS, (COLOURS[3], COLOURS[6], COLOURS[5]), strict=True))
_DASHES = ("-", "--", "-.", ":")


def derivative_labels(of: str, wrt: str, orders: Iterable[int]) -> list[str]:
    """What the derivatives of these orders are called."""
    return [partial_label(of, [wrt] * k) for k in orders]


class CurvesPicture:
    """A function with its point, tangent and secants, above its derivatives and the secants' slopes."""

    def __init__(self, slopes: bool, name: str) -> None:
        inches = 2 * _HEIGHT + _GAP + _TOP + _BOTTOM + slopes * (_HEIGHT + _BETWEEN)
        self._canvas = Canvas(_WIDTH, inches, name)
        self._fronts: dict[str, Any] = {}
        with in_our_style():
            self._axes = list(self._stacked(inches, slopes))
            self._prepare()

    def _stacked(self, inches: float, slopes: bool) -> Iterator[Any]:
        figure, top = self._canvas.figure, inches - _TOP
        for k in range(2 + slopes):
            low = top - _HEIGHT
            box = (_LEFT / _WIDTH, low / inches, 1 - (_LEFT + _RIGHT) / _WIDTH, _HEIGHT / inches)
            yield figure.add_axes(box)
            top = low - (_GAP if k == 0 else _BETWEEN)

    def _prepare(self) -> None:
        """The artists that move, empty."""
        above, below, *slopes = self._axes
        fine = {"linewidth": 0.8, "linestyle": ":", "color": PAGE}
        front = self._front
        for k, axes in enumerate((above, below)):
            front(f"place {k}", axes, transform=axes.get_xaxis_transform(), alpha=0.6, **fine)
            front(f"poles {k}", axes, transform=axes.get_xaxis_transform(), **fine)
        front("curve", above, color=COLOURS[0])
        for k, dash in enumerate(_DASHES, start=1):
            front(f"order {k}", below, color=COLOURS[k], linestyle=dash)
        front("tangent", above, color=PAGE, linewidth=1.0, linestyle="--")
        for kind, colour in _SECANT_COLOURS.items():
            front(f"secant {kind}", above, color=colour, linewidth=1.0)
            front(f"ends {kind}", above, color=colour, marker="o", markersize=4, linestyle="none")
        for kind, shape in SHAPES.items():
            hollow = {"markerfacecolor": "none", "markersize": 6, "linestyle": "none"}
            front(kind, above, color=COLOURS[0], marker=shape, **hollow)
        front("point", above, color=PAGE, marker="o", markersize=5, linestyle="none")
        front("slopes at the point", below, color=PAGE, marker="o", markersize=4, linestyle="none")
        for axes in slopes:
            axes.set_xscale("log")
            front("truth", axes, color=PAGE, linewidth=1.0, linestyle="--")
            for kind, colour in _SECANT_COLOURS.items():
                front(f"slopes {kind}", axes, color=colour)
                front(f"slope {kind}", axes, color=colour, marker="o", markersize=5, linestyle="none")

    def _front(self, name: str, axes: Any, **style: Any) -> None:
        (self._fronts[name],) = axes.plot([], [], animated=True, **style)

    def __call__(self, scene: CurvesScene, told: str) -> str:
        curve, rows = scene.curve, scene.derivatives.y[1:]
        poles = any(mark.kind == "pole" for mark in curve.marks)
        above = calm(limits_of(curve.y[0], poles))
        below = calm(limits_of(np.concatenate(rows), poles))
        across = float(curve.x[0]), float(curve.x[-1])
        boxes = [above, below, *([calm(_slope_limits(scene))] if scene.secants else [])]
        kinds = [secant.kind for secant in scene.secants]
        names = derivative_labels(scene.of, scene.wrt, range(1, len(rows) + 1))
        ends = (float(scene.steps[0]), float(scene.steps[-1])) if scene.secants else None

        def behind(_: Any) -> None:
            for axes, box in zip(self._axes, boxes, strict=True):
                axes.set_ylim(*box)
            for axes in self._axes[:2]:
                axes.set_xlim(*across)
            self._axes[0].set_ylabel(scene.of or "value")
            self._axes[0].tick_params(labelbottom=False)
            self._axes[1].set_xlabel(scene.wrt)
            told = names if max(map(len, names)) <= _LEGEND else [f"order {k + 1}" for k in range(len(names))]
            self._legend(self._axes[1], [(name, COLOURS[k], _DASHES[k - 1]) for k, name in enumerate(told, start=1)])
            if ends:
                slopes = self._axes[2]
                slopes.set_xlim(*ends)
                slopes.set_xlabel("h")
                slopes.set_ylabel("slope")
                lines = [(kind, _SECANT_COLOURS[kind], "-") for kind in kinds]
                self._legend(slopes, [*lines, (told[0], PAGE, "--")])

        key = (boxes, across, scene.of, scene.wrt, names, kinds, ends)
        return self._canvas.draw(key, behind, lambda: self._moved(scene, boxes), told)

    def _legend(self, axes: Any, lines: Sequence[tuple[str, str, Any]]) -> None:
        from matplotlib.lines import Line2D

        handles = [Line2D([], [], color=colour, linestyle=dash, label=name) for name, colour, dash in lines]
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.8)

    def _moved(self, scene: CurvesScene, boxes: list[tuple[float, float]]) -> Iterator[Any]:
        """The artists that have something to show."""
        for name, (x, y, box) in self._contents(scene, boxes).items():
            artist = self._fronts[name]
            artist.set_data(*(drawn_line(np.asarray(x, float), np.asarray(y, float), box) if box else (x, y)))
            yield artist

    def _contents(self, scene: CurvesScene, boxes: list[tuple[float, float]]) -> dict[str, tuple[Any, Any, Any]]:
        """What each artist shows: places, heights, and the limits that heights are cut at."""
        curve, derivatives, above, below = scene.curve, scene.derivatives, boxes[0], boxes[1]
        found: dict[str, tuple[Any, Any, Any]] = {}
        place = scene.point.place[0] if scene.point else None
        poles = [mark.x for mark in curve.marks if mark.kind == "pole"]
        for k in range(2):
            if place is not None:
                found[f"place {k}"] = ([place, place], [0, 1], None)
            if poles:
                found[f"poles {k}"] = (np.repeat(poles, 3), np.tile([0, 1, np.nan], len(poles)), None)
        found["curve"] = (curve.x, curve.y[0], above)
        for k, row in enumerate(derivatives.y[1:], start=1):
            found[f"order {k}"] = (derivatives.x, row, below)
        for kind in SHAPES:
            marks = [(mark.x, mark.y) for mark in curve.marks if mark.kind == kind]
            if marks:
                found[kind] = (*np.transpose(marks), above)
        for secant in scene.secants:
            found |= self._secant(secant, above, scene, boxes[-1])
        if scene.point is not None and place is not None:
            value, slopes = scene.point.value, scene.point.derivatives
            reach = np.asarray([-_REACH, _REACH]) * (curve.x[-1] - curve.x[0])
            found["tangent"] = (place + reach, value + slopes[0] * reach, above)
            found["point"] = ([place], [value], above)
            found["slopes at the point"] = (np.full(len(slopes), place), slopes, below)
            if scene.secants:
                found["truth"] = (scene.steps[[0, -1]], np.full(2, slopes[0]), boxes[2])
        return found

    def _secant(
        self, secant: Secant, above: tuple[float, float], scene: CurvesScene, box: tuple[float, float]
    ) -> dict[str, tuple[Any, Any, Any]]:
        x, y = np.transpose(secant.ends)
        further = _THROUGH * (x[1] - x[0]) * np.asarray([-1.0, 1.0])
        return {
            f"secant {secant.kind}": (x + further, y + secant.slope * further, above),
            f"ends {secant.kind}": (x, y, above),
            f"slopes {secant.kind}": (scene.steps, secant.slopes, box),
            f"slope {secant.kind}": ([scene.h], [secant.slope], box),
        }


def _slope_limits(scene: CurvesScene) -> tuple[float, float]:
    """Around the derivative, as far as secants that are not too short go; those of all others are noise."""
    long = scene.steps > 1e-6 * scene.steps[-1]
    slopes = np.concatenate([secant.slopes[long] for secant in scene.secants])
    if scene.point is not None:
        slopes = np.append(slopes, scene.point.derivatives[0])
    slopes = np.clip(slopes[np.isfinite(slopes)], -HIGHEST, HIGHEST)
    if not slopes.size:
        return -1.0, 1.0
    low, high = float(slopes.min()), float(slopes.max())
    room = max(0.25 * (high - low), 1e-3 * max(abs(low), abs(high)), 1e-9)
    return low - room, high + room


def calm(limits: tuple[float, float]) -> tuple[float, float]:
    """Limits with room to the next round numbers, so that axes stand still while a slider moves.

    Examples
    --------
    >>> calm((-0.93, 1.07))
    (-1.0, 1.5)
    """
    low, high = limits
    step = 0.5 * 10.0 ** math.floor(math.log10(high - low))
    return math.floor(low / step) * step, math.ceil(high / step) * step


class ContoursPicture:
    """Contours with the gradient at a point, and the way of gradient descent."""

    def __init__(self, name: str) -> None:
        self._canvas = Canvas(_WIDTH, 4.8, name)
        self._axes: Any = None

    def __call__(self, scene: ContoursScene, told: str) -> str:
        def behind(figure: Any) -> None:
            figure.clear()
            self._axes = figure.add_axes((0.1, 0.1, 0.88, 0.87))
            draw_field(scene.field, self._axes)
            self._axes.set_xlim(scene.field.x[0], scene.field.x[-1])
            self._axes.set_ylim(scene.field.y[0], scene.field.y[-1])
            styles: list[dict[str, Any]] = [{"linewidth": 1.0, "markersize": 3}, {"linestyle": "none", "markersize": 7}]
            self._way, self._point = (
                self._axes.plot([], [], animated=True, color=PAGE, marker="o", **style)[0] for style in styles
            )
            self._arrow = self._axes.annotate(
                "", (0, 0), (0, 0), animated=True, arrowprops={"arrowstyle": "-|>", "color": COLOURS[3], "linewidth": 2}
            )

        return self._canvas.draw(_Same(scene.field), behind, lambda: self._moved(scene), told)

    def _moved(self, scene: ContoursScene) -> Iterator[Any]:
        across, up = scene.field.x, scene.field.y
        far = 3 * max(abs(across[-1] - across[0]), abs(up[-1] - up[0]))
        if scene.descent:
            way = np.asarray(scene.descent)
            middle = np.asarray([0.5 * (across[0] + across[-1]), 0.5 * (up[0] + up[-1])])
            self._way.set_data(*np.transpose(np.clip(way, middle - far, middle + far)))
            yield self._way
        if scene.point is None:
            return
        x, y = scene.point.place
        if not (across[0] <= x <= across[-1] and up[0] <= y <= up[-1]):
            return
        self._point.set_data([x], [y])
        yield self._point
        scale = np.asarray([across[-1] - across[0], up[-1] - up[0]])
        slope = np.asarray(scene.point.derivatives) * scale  # as steep as it looks
        steep = float(np.hypot(*slope))
        if np.isfinite(steep) and steep > 0:
            end = np.asarray([x, y]) + 0.15 * slope / steep * scale
            self._arrow.xy, self._arrow.xyann = tuple(end), (x, y)
            yield self._arrow


class _Same:
    """Equal to what holds the very same thing."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    __hash__ = None  # type: ignore[assignment]


class ComparePicture:
    """The error of numerical methods against the step, above the difference of two methods along the axis."""

    def __init__(self, name: str) -> None:
        inches = 2 * _HEIGHT + _BETWEEN + _TOP + _BOTTOM + 0.3
        self._canvas = Canvas(_WIDTH, inches, name)
        with in_our_style():
            width, height = 1 - (_LEFT + 1.6) / _WIDTH, (_HEIGHT + 0.1) / inches
            boxes = [(_LEFT / _WIDTH, 1 - _TOP / inches - height), (_LEFT / _WIDTH, _BOTTOM / inches)]
            self._error, self._apart = (self._canvas.figure.add_axes((*box, width, height)) for box in boxes)
            for axes in (self._error, self._apart):
                axes.set_yscale("log")
            self._error.set_xscale("log")
            self._lines = [
                self._error.plot([], [], animated=True, color=colour, marker=marker, markersize=3, linewidth=1)[0]
                for colour, marker in zip((*COLOURS, PAGE), _MARKERS, strict=True)
            ]
            (self._dots,) = self._apart.plot(
                [], [], animated=True, color=COLOURS[3], marker=".", markersize=4, linestyle="none"
            )
            upright = self._apart.get_xaxis_transform()
            (self._place,) = self._apart.plot(
                [], [], animated=True, color=PAGE, linewidth=0.8, linestyle=":", transform=upright
            )

    def __call__(self, scene: CompareScene, told: str) -> str:
        methods = scene.sweep.methods[: len(self._lines)] if scene.sweep else []
        names = [each.method for each in methods]
        across = float(scene.x[0]), float(scene.x[-1])
        apart = difference(scene)
        seen = apart[np.isfinite(apart) & (apart > 0)]
        ends = (_decade(seen.min(), math.floor), _decade(seen.max(), math.ceil)) if seen.size else (1e-16, 1.0)
        relative = scene.sweep is None or scene.sweep.relative

        def behind(_: Any) -> None:
            from matplotlib.lines import Line2D

            self._error.set(xlim=(1e-16, 1.0), ylim=(_LEAST, _MOST), xlabel="step h")
            self._error.set_ylabel("relative error" if relative else "error")
            handles = [
                Line2D([], [], color=line.get_color(), marker=line.get_marker(), markersize=3, linewidth=1, label=name)
                for line, name in zip(self._lines, names, strict=False)
            ]
            self._error.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2)
            self._apart.set(xlim=across, ylim=(ends[0] / 2, ends[1] * 2), xlabel=scene.wrt, ylabel="difference")

        def before() -> Iterator[Any]:
            for line, each in zip(self._lines, methods, strict=False):
                line.set_data(each.steps, np.clip(each.errors, _LEAST, 10 * _MOST))
                yield line
            self._place.set_data([scene.place, scene.place], [0, 1])
            yield self._place
            if seen.size:
                shown = np.isfinite(apart) & (apart > 0)
                self._dots.set_data(scene.x[shown], apart[shown])
                yield self._dots

        return self._canvas.draw((names, across, ends, relative, scene.wrt), behind, before, told)


def difference(scene: CompareScene) -> Any:
    """How far the two methods are from each other, place by place."""
    with np.errstate(invalid="ignore"):
        return np.abs(scene.first - scene.second)


def _decade(value: float, towards: Any) -> float:
    """The power of ten below or above."""
    return float(10.0 ** towards(math.log10(value)))
