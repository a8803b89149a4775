"""`Curves` and `Field` as blocks: a picture, its numbers as a table, and the places that are marked."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.labels import partial_label
from diffmagic.notebook.render.blocks import Block, Picture, Table
from diffmagic.notebook.render.parts import WIDTH
from diffmagic.notebook.render.pictures import COLOURS, PAGE, drawn, svg
from diffmagic.notebook.render.text import table_width
from diffmagic.results import Curve, Curves, Field, Mark

_SAMPLES, _COLUMNS = 9, 7
_DRAWN_POINTS = 2_000
_MOST_MARKS = 20
_SHARED = 30.0
"""How many times as large as another a derivative may be for both to share their axes."""
SHAPES = {"kink": "D", "jump": "s", "root": "o", "minimum": "v", "maximum": "^"}
_STEPS = 20_000
_NOISE = 1e-13
_ROOM = 0.03
HIGHEST = 1e300  # what there is an axis for
_DASHES = ("-", "--")  # where all colours are taken


def curves_blocks(found: Curves) -> list[Block]:
    """A picture of curves, some of their numbers, what is marked, and what is missing."""
    caption = _caption(found)
    blocks: list[Block] = [Picture(partial(_picture, found), _told(found, caption), _table(found, caption))]
    rows = [
        [mark.kind, *([curve.label] if len(found.curves) > 1 else []), x, _height(mark, found.digits)]
        for curve in found.curves
        for mark, x in zip(curve.marks, told_apart([mark.x for mark in curve.marks], found.digits), strict=True)
    ]
    if rows:
        more = len(rows) - _MOST_MARKS
        head = ["", *([""] if len(found.curves) > 1 else []), found.wrt, found.of or "value"]
        blocks.append(Table("Marked", head, rows[:_MOST_MARKS]))
        blocks += [f"{more} more are marked in the picture."] if more > 0 else []
    return [*blocks, *_served(found.programs), *(f"Note: {note}." for note in found.notes)]


def _served(programs: int) -> list[str]:
    """How often the function was traced."""
    return {0: [], 1: ["One trace serves all points."]}.get(programs, [f"{programs:,} traces serve all points."])


def _height(mark: Mark, digits: int) -> str:
    return "" if np.isnan(mark.y) else short(mark.y, digits)


def labels(found: Curves) -> list[str]:
    """What the function and its derivatives are called."""
    return [found.of or "value", *(partial_label(found.of, [found.wrt] * k) for k in range(1, found.order + 1))]


def _caption(found: Curves) -> str:
    first, *rest = labels(found)
    names = ", ".join([first, *rest] if len(rest) <= 3 else [first, rest[0], "…", rest[-1]])
    x = found.curves[0].x
    return f"{names} for {found.wrt} from {short(float(x[0]), 6)} to {short(float(x[-1]), 6)}"


def _told(found: Curves, caption: str) -> str:
    """The picture in words."""
    said = [f"Curves of {caption}."]
    for curve in found.curves:
        y = curve.y[0][np.isfinite(curve.y[0])]
        whose = f"For {curve.label} the value" if curve.label else "The value"
        said.append(f"{whose} is between {short(drawn(float(y.min())))} and {short(drawn(float(y.max())))}.")
        kinds = [mark.kind for mark in curve.marks]
        told = [f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) != 1)}" for kind in dict.fromkeys(kinds)]
        said += [f"Marked: {', '.join(told)}."] if told else []
    return " ".join(said).replace("minimums", "minima").replace("maximums", "maxima")


def _table(found: Curves, caption: str) -> Table:
    """Some of the numbers: of some members of a family the values, of one curve the derivatives, too."""
    curve = found.curves[0]
    k = _sampled(curve)
    if len(found.curves) > 1:
        some = [found.curves[m] for m in np.unique(np.linspace(0, len(found.curves) - 1, _COLUMNS).astype(int))]
        head, columns = [each.label for each in some], [np.interp(curve.x[k], each.x, each.y[0]) for each in some]
    else:
        head, columns = labels(found), list(_without_noise(curve, k))
    for other in found.compared:
        numbers = other.y[1][np.argmin(np.abs(other.x - curve.x[k][:, None]), axis=1)]
        with np.errstate(invalid="ignore"):
            head, columns = [*head, other.label, "difference"], [*columns, numbers, numbers - curve.y[-1][k]]
    xs = told_apart(curve.x[k], found.digits)
    for digits in range(found.digits, 0, -1):
        cells = [[short(float(number), digits) for number in column] for column in columns]
        if found.compared:
            cells[-1] = [short(float(number), 2) for number in columns[-1]]
        table = Table(caption, [found.wrt, *head], list(zip(xs, *cells, strict=True)))
        if table_width(table) <= WIDTH:
            break
    return table


def told_apart(places: Any, digits: int) -> list[str]:
    """Places to as many digits as they need to differ, but not to fewer than these."""
    for more in range(digits, 18):
        texts = [short(float(place), more) for place in places]
        if len(set(texts)) == len(set(map(float, places))):
            break
    return texts


def _without_noise(curve: Curve, k: Any) -> Any:
    """The rows at some points, with zero for what is nothing beside the values on both sides."""
    beside = np.minimum(
        np.abs(curve.y[:, np.maximum(k - 1, 0)]), np.abs(curve.y[:, np.minimum(k + 1, curve.x.size - 1)])
    )
    return np.where(np.abs(curve.y[:, k]) <= _NOISE * beside, 0.0, curve.y[:, k])


def _sampled(curve: Curve) -> Any:
    """Positions of points that are evenly spread, and not on the edge of a break."""
    length = np.diff(curve.x, prepend=-np.inf, append=np.inf)
    alone = np.minimum(length[:-1], length[1:]) > 1e-6 * (curve.x[-1] - curve.x[0])
    (known,) = np.nonzero(alone)
    places = np.linspace(curve.x[0], curve.x[-1], _SAMPLES)
    return known[np.unique([np.argmin(np.abs(curve.x[known] - place)) for place in places])]


def _picture(found: Curves, alternative: str) -> str:
    poles = any(mark.kind == "pole" for curve in found.curves for mark in curve.marks)
    limits = [limits_of(np.concatenate([curve.y[k] for curve in found.curves]), poles) for k in range(found.order + 1)]
    stacked = found.stacked or len(found.curves) > 1 or not _may_share(limits)
    rows = (found.order + 1 if stacked else 1) + bool(found.compared)
    names = labels(found)

    def draw(*axes: Any) -> None:
        for k, name in enumerate(names):
            panel = axes[k] if stacked else axes[0]
            box = limits[k] if stacked else (min(low for low, _ in limits), max(high for _, high in limits))
            for m, curve in enumerate(found.curves):
                x, y = drawn_line(curve.x, curve.y[k], box)
                turn = m if len(found.curves) > 1 else k
                style = {"color": COLOURS[turn % len(COLOURS)], "linestyle": _DASHES[turn // len(COLOURS)]}
                panel.plot(x, y, label=curve.label or name, **style)
            panel.set_ylim(*box)
            if stacked:
                panel.set_ylabel(name)
        for other in found.compared:
            panel, box = axes[found.order if stacked else 0], limits[found.order]
            panel.plot(
                *drawn_line(other.x, other.y[1], box), color=PAGE, linewidth=1.0, linestyle="--", label=other.label
            )
            _difference(axes[-1], found.curves[0], other)
        for m, curve in enumerate(found.curves):
            _mark(axes, curve, COLOURS[m % len(COLOURS)], limits[0])
        if found.point is not None:
            _tangent(axes[0], found, limits[0])
        first, last = float(found.curves[0].x[0]), float(found.curves[0].x[-1])
        axes[-1].set_xlim(first - _ROOM * (last - first), last + _ROOM * (last - first))
        axes[-1].set_xlabel(found.wrt)
        if len(found.curves) > 1 or not stacked:
            axes[0].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    return svg(draw, alternative, rows=rows, width=7.2, height=3.6 if rows == 1 else 1.0 + 1.5 * rows)


def _may_share(limits: list[tuple[float, float]]) -> bool:
    heights = [max(abs(low), abs(high)) for low, high in limits]
    return max(heights) <= _SHARED * min(heights)


def limits_of(y: Any, poles: bool = False) -> tuple[float, float]:
    """From where to where to draw: everything, unless a few points are far away from all others."""
    y = np.clip(y[np.isfinite(y)], -HIGHEST, HIGHEST)
    if not y.size:
        return -1.0, 1.0
    low, high = np.percentile(y, [12, 88] if poles else [3, 97])
    room = 1.5 * (high - low)
    low, high = max(float(y.min()), float(low - room)), min(float(y.max()), float(high + room))
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        low, high = low - max(1.0, abs(low)), high + max(1.0, abs(high))
    return _outwards(low, high)


def _outwards(low: float, high: float) -> tuple[float, float]:
    """A little more room, with as many digits as the distance of the ends needs."""
    room, digits = 0.05 * (high - low), 2 - math.floor(math.log10(high - low))
    return round(low - room, digits), round(high + room, digits)


def drawn_line(x: Any, y: Any, box: tuple[float, float]) -> tuple[Any, Any]:
    """The points to draw: not too many, not far out of the picture, and without the last digits."""
    step = 1 + x.size // _DRAWN_POINTS
    kept = np.zeros(x.size, bool)
    kept[::step] = kept[-1] = True
    kept |= ~np.isfinite(y)
    low, high = box
    span = high - low
    steps = np.round((np.clip(y[kept], low - span, high + span) - low) / span * _STEPS)
    return x[kept], low + steps * (span / _STEPS)


def _mark(axes: Any, curve: Curve, colour: str, box: tuple[float, float]) -> None:
    for mark in curve.marks:
        if mark.kind == "pole":
            for panel in axes:
                panel.axvline(mark.x, color=PAGE, linewidth=0.8, linestyle=":")
        else:
            _, (y,) = drawn_line(np.asarray([mark.x]), np.asarray([mark.y]), box)
            axes[0].plot(
                mark.x,
                y,
                color=colour,
                marker=SHAPES[mark.kind],
                markersize=6,
                markerfacecolor="none",
                linestyle="none",
            )


def _difference(panel: Any, curve: Curve, other: Curve) -> None:
    """How far a numerical derivative is from the exact one, on a logarithmic scale."""
    known = np.isin(other.x, curve.x) & np.isfinite(other.y[1])
    exact = curve.y[-1][np.searchsorted(curve.x, other.x[known])]
    apart = np.abs(other.y[1][known] - np.where(np.isfinite(exact), exact, np.nan))
    seen = apart > 0
    heights = [drawn(float(each)) for each in apart[seen]]
    panel.semilogy(other.x[known][seen], heights, ".", markersize=3, color=COLOURS[3])
    if not heights:
        panel.text(0.5, 0.5, "none", transform=panel.transAxes, ha="center")
    panel.set_ylabel("difference")


def _tangent(panel: Any, found: Curves, box: tuple[float, float]) -> None:
    """The point, and a piece of the tangent there."""
    (curve,), at = found.curves, found.point
    k = int(np.argmin(np.abs(curve.x - at)))
    value, slope = float(curve.y[0, k]), float(curve.y[1, k])
    if not (np.isfinite(value) and np.isfinite(slope)):
        return
    reach = 0.2 * (curve.x[-1] - curve.x[0])
    ends = np.asarray([at - reach, at + reach])
    panel.plot(*drawn_line(ends, value + slope * (ends - at), box), color=PAGE, linewidth=1.0, linestyle="--")
    panel.plot(*drawn_line(np.asarray([at]), np.asarray([value]), box), color=PAGE, marker="o", markersize=5)


# A function of two numbers.

_ARROWS = 13
_CELLS = 5
_LEVELS = 11


def field_blocks(found: Field) -> list[Block]:
    """Contours with the gradient as arrows, and some of the values."""
    (x, y), of = found.wrt, found.of or "value"
    ends = [short(float(each), 6) for each in (found.x[0], found.x[-1], found.y[0], found.y[-1])]
    caption = f"{of} for {x} from {ends[0]} to {ends[1]} and {y} from {ends[2]} to {ends[3]}"
    known = found.value[np.isfinite(found.value)]
    low, high = (short(drawn(float(each))) for each in (known.min(), known.max()))
    told = f"Contours of {caption}, with arrows along the gradient. The value is between {low} and {high}."
    arrows = "Arrows point where it grows fastest; longer ones are steeper"
    picture = Picture(partial(_contours, found), told, _field_table(found, caption))
    return [picture, f"{arrows}.", *_served(found.programs), *(f"Note: {note}." for note in found.notes)]


def _field_table(found: Field, caption: str) -> Table:
    across = np.unique(np.linspace(0, found.x.size - 1, _CELLS).round().astype(int))
    up = np.unique(np.linspace(0, found.y.size - 1, _CELLS).round().astype(int))[::-1]
    head = [f"{found.wrt[1]} \\ {found.wrt[0]}", *(short(float(found.x[k]), 4) for k in across)]
    digits = min(found.digits, 6)
    rows = [[short(float(found.y[m]), 4), *(short(float(found.value[m, k]), digits) for k in across)] for m in up]
    return Table(caption, head, rows)


def _contours(found: Field, alternative: str) -> str:
    return svg(partial(draw_field, found), alternative, width=7.2, height=4.6)


def draw_field(found: Field, axes: Any) -> None:
    """Contours with the gradient as arrows, on a pair of Matplotlib's axes."""
    known = found.value[np.isfinite(found.value)]
    low, high = limits_of(known)
    steps = np.round((np.clip(found.value, low, high) - low) / (high - low) * _STEPS)
    value = low + steps * ((high - low) / _STEPS)
    shares = np.linspace(0, 1, _LEVELS + 2)[1:-1]
    digits = 3 - math.floor(math.log10(high - low))
    levels = sorted(
        {round(float(each), digits) for each in np.quantile(known, shares) if known.min() < each < known.max()}
    )

    tones = [_colours()(k / max(1, len(levels) - 1)) for k in range(len(levels))]
    lines = axes.contour(found.x, found.y, value, levels=levels, colors=tones, linewidths=1.3) if levels else None
    if len(levels) > 1:
        bar = axes.figure.colorbar(lines, ax=axes, spacing="uniform", format=f"%.{max(digits, 0)}f")
        bar.set_label(found.of or "value")
        bar.outline.set_edgecolor(PAGE)
    for start, end in _arrows(found):
        axes.annotate("", xytext=start, xy=end, arrowprops={"arrowstyle": "->", "color": PAGE, "linewidth": 0.9})
    axes.set_xlabel(found.wrt[0])
    axes.set_ylabel(found.wrt[1])


def _colours() -> Any:
    """From low to high, visible on light and dark pages."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low to high", [COLOURS[0], COLOURS[4], COLOURS[1]])


def _arrows(found: Field) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """From where to where; lengths go with the third root of the steepness, so that flat places show, too."""
    k = np.linspace(0, found.x.size - 1, _ARROWS + 2).round().astype(int)[1:-1]
    scale = np.asarray([found.x[-1] - found.x[0], found.y[-1] - found.y[0]])
    places = np.stack(np.meshgrid(found.x[k], found.y[k])).reshape(2, -1)
    slope = found.gradient[:, k][:, :, k].reshape(2, -1) * scale[:, None]  # as steep as it looks
    steep = np.hypot(*slope)
    known = np.isfinite(steep) & (steep > 1e-12 * np.nanmax(steep, initial=0.0))
    places, slope, steep = places[:, known], slope[:, known], steep[known]
    length = np.cbrt(steep / np.max(steep, initial=1e-300)) / (1.2 * _ARROWS)
    ends = places + slope / steep * length * scale[:, None]
    steps = scale[:, None] / _STEPS
    rows = zip(*np.round(places / steps) * steps, *np.round(ends / steps) * steps, strict=True)
    return [((float(a), float(b)), (float(c), float(d))) for a, b, c, d in rows]
