"""A large matrix as a picture: a square for each entry, by sign and size, in the order of the results and inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import accumulate, groupby, pairwise
from typing import Any
from unicodedata import east_asian_width

import numpy as np

from diffmagic.matrices import Matrix, Sides, block_name
from diffmagic.notebook.render.pictures import COLOURS, image

_MOST = 60  # squares to a side
_LEVELS = 6  # of colour, on each side of zero
_WIDTH, _HEIGHT, _SIDE = 480, 400, 28
_LETTER, _LINE = 6.6, 12
_ZERO, _LOST, _NOTHING = 100, 101, 102  # what is drawn in place of a level


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers become levels of colour: evenly up to `top`, or by decades from `low` on."""

    top: float
    low: float | None
    signed: bool

    def level(self, number: float) -> int:
        """From -6 to 6, none of them 0."""
        size, low = abs(number), self.low
        part = size / self.top if low is None else math.log10(size / low) / math.log10(self.top / low)
        level = math.ceil(round(part, 3) * _LEVELS)  # rounded, so that rounding errors do not change it
        return max(1, min(_LEVELS, level)) * (1 if number > 0 else -1)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the squares are: the place of the first, the size of each, and how many entries each stands for."""

    left: int
    top: int
    width: int
    height: int
    group: tuple[int, int]


def heat_map(matrix: Matrix, title: str, alternative: str) -> str:
    """A matrix as SVG: colour for sign and size, a dot for a zero, nothing for a zero by structure, × for NaN."""
    numbers, group = _reduced(matrix)
    scale = _scale(numbers)
    rows, columns = numbers.shape
    width, height = min(_SIDE, _WIDTH // columns), min(_SIDE, _HEIGHT // rows)
    if rows == columns:
        width = height
    left = min(160, max([40, *(_wide(block_name(*side)) + 10 for side in matrix.rows)]))
    frame = _Frame(left, 44, width, height, group)
    across, down = width * columns, height * rows
    key, key_width, key_end = _key(scale, _marks(matrix, numbers, group), left + across + 20, frame.top)
    body = [
        f'<g transform="translate({left} {frame.top}) scale({width} {height})">',
        *_squares(numbers, scale),
        f'</g><g fill="none" stroke="currentColor"><rect x="{left}" y="{frame.top}" width="{across}" height="{down}"/>',
        f'<path stroke-opacity=".5" d="{_borders(matrix, frame, across, down)}"/></g>',
        '<g fill="currentColor" font-size="11" font-family="sans-serif">',
        _text(4, 14, title, "start"),
        *_names(matrix, frame),
        *key,
        "</g>",
    ]
    whole = f"{max(left + across + 20 + key_width, _wide(title) + 8)} {max(frame.top + down, key_end) + 10}"
    width, height = whole.split()
    size = f'viewBox="0 0 {whole}" width="{width}" height="{height}"'
    return image(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(body)}</svg>', alternative)


def _reduced(matrix: Matrix) -> tuple[Any, tuple[int, int]]:
    """Numbers for at most 60 × 60 squares, each the largest of its group; NaN as it is, -0.0 for structural zeros."""
    numbers = np.abs(matrix.numbers) if np.iscomplexobj(matrix.numbers) else matrix.numbers.astype(float)
    numbers = np.where(matrix.structure & (numbers == 0), -0.0, numbers + 0.0)
    group = tuple(math.ceil(count / _MOST) for count in numbers.shape)
    if group == (1, 1):
        return numbers, (1, 1)
    room = [(0, -count % each) for count, each in zip(numbers.shape, group, strict=True)]
    padded = np.pad(numbers, room, constant_values=-0.0)
    rows, columns = (count // each for count, each in zip(padded.shape, group, strict=True))
    groups = padded.reshape(rows, group[0], columns, group[1]).swapaxes(1, 2).reshape(rows, columns, -1)
    rank = np.where(np.isfinite(groups), np.abs(groups) + np.where(np.signbit(groups), 0.0, 5e-324), np.inf)
    return np.take_along_axis(groups, np.argmax(rank, axis=-1)[..., None], -1)[..., 0], (group[0], group[1])


def _scale(numbers: Any) -> Scale:
    finite = numbers[np.isfinite(numbers) & (numbers != 0)]
    if not finite.size:
        return Scale(1.0, None, False)
    sizes = np.abs(finite)
    top, usual = float(sizes.max()), float(np.quantile(sizes, 0.1))
    signed = bool((finite < 0).any())
    if top < 100 * usual:
        return Scale(top, None, signed)
    decades = _LEVELS * math.ceil(min(12.0, math.log10(top / usual)) / _LEVELS)
    above = max(-290, min(308, math.ceil(round(math.log10(top), 6))))
    return Scale(10.0**above, 10.0 ** (above - decades), signed)


def _kind(number: float, scale: Scale) -> int:
    if not math.isfinite(number):
        return _LOST
    if number == 0:
        return _NOTHING if math.copysign(1, number) < 0 else _ZERO
    return scale.level(number)


def _squares(numbers: Any, scale: Scale) -> Iterator[str]:
    """One path for each level, of the runs that have it."""
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(numbers.tolist()):
        x = 0
        for kind, run in groupby(_kind(number, scale) for number in row):
            count = len(list(run))
            paths.setdefault(kind, []).append(_mark(kind, x, y, count))
            x += count
    paths.pop(_NOTHING, None)
    for kind in sorted(paths):
        yield f'<path {_style(kind)} d="{"".join(paths[kind])}"/>'


def _mark(kind: int, x: int, y: int, count: int) -> str:
    if kind == _ZERO:
        return "".join(f"M{x + k}.5 {y}.5h0" for k in range(count))
    if kind == _LOST:
        return "".join(f"M{x + k}.2 {y}.2l.6 .6m0-.6l-.6 .6" for k in range(count))
    return f"M{x} {y}h{count}v1h-{count}z"


def _style(kind: int) -> str:
    if kind in (_ZERO, _LOST):
        width = 2.5 if kind == _ZERO else 1.5
        line = f'stroke="currentColor" stroke-width="{width}" stroke-linecap="round"'
        return f'fill="none" {line} vector-effect="non-scaling-stroke"'
    colour = COLOURS[1] if kind > 0 else COLOURS[0]
    return f'fill="{colour}" fill-opacity="{0.1 + 0.9 * abs(kind) / _LEVELS:.2f}" shape-rendering="crispEdges"'


def _ends(sides: Sides, group: int) -> list[float]:
    """Where each block ends, in squares."""
    return [round(end / group, 2) for end in accumulate(math.prod(shape) for _, shape in sides)]


def _borders(matrix: Matrix, frame: _Frame, across: int, down: int) -> str:
    """Lines between the blocks."""
    lines = [f"M{frame.left} {frame.top + end * frame.height:g}h{across}" for end in _ends(matrix.rows, frame.group[0])]
    lines += [
        f"M{frame.left + end * frame.width:g} {frame.top}v{down}" for end in _ends(matrix.columns, frame.group[1])
    ]
    return "".join(lines)


def _names(matrix: Matrix, frame: _Frame) -> Iterator[str]:
    """What the blocks are called, where there is room for it."""
    for side, (start, end) in zip(matrix.columns, pairwise([0, *_ends(matrix.columns, frame.group[1])]), strict=True):
        name = _fitted(block_name(*side), (end - start) * frame.width - 4)
        yield _text(frame.left + (start + end) / 2 * frame.width, frame.top - 8, name, "middle")
    for side, (start, end) in zip(matrix.rows, pairwise([0, *_ends(matrix.rows, frame.group[0])]), strict=True):
        name = _fitted(block_name(*side), frame.left - 10) if (end - start) * frame.height >= _LINE else ""
        yield _text(frame.left - 6, frame.top + (start + end) / 2 * frame.height + 4, name, "end")


def _marks(matrix: Matrix, numbers: Any, group: tuple[int, int]) -> list[str]:
    """What stands for other things than numbers."""
    told = ["absolute values"] * np.iscomplexobj(matrix.numbers)
    told += ["blank: zero by structure"] * bool(np.any(np.signbit(numbers) & (numbers == 0)))
    told += ["×: not finite"] * (not np.isfinite(numbers).all())
    return told + [f"a square: the largest of {group[0]}×{group[1]}"] * (group != (1, 1))


def _key(scale: Scale, told: list[str], x: int, y: int) -> tuple[list[str], int, int]:
    """What the colours and marks mean, how wide that is, and where it ends."""
    said = {_LEVELS: f"{scale.top:.3g}", 0: "0", -_LEVELS: f"{-scale.top:.3g}"}
    if scale.low is not None:
        least = scale.low * (scale.top / scale.low) ** (1 / _LEVELS)
        said |= {1: f"≤ {least:.3g}", -1: f"≥ {-least:.3g}"}
    parts = []
    for level in range(_LEVELS, -(_LEVELS if scale.signed else 0) - 1, -1):
        square = f'<rect x="{x}" y="{y}" width="18" height="14" {_style(level)}/>'
        parts.append(square if level else f'<circle cx="{x + 9}" cy="{y + 7}" r="1.5"/>')
        parts.append(_text(x + 24, y + 11, said.get(level, ""), "start"))
        y += 14
    parts += [_text(x, y + 18 * k, line, "start") for k, line in enumerate(told, start=1)]
    return parts, max([90, *map(_wide, told)]), y + 18 * len(told)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>' if text else ""


def _wide(text: str) -> int:
    """About how wide a text is."""
    return math.ceil(sum(_LETTER * (1 + (east_asian_width(letter) in "WF")) for letter in text))


def _fitted(text: str, room: float) -> str:
    """As much of a text as there is room for; nothing if that says nothing."""
    if _wide(text) <= room:
        return text
    while text and _wide(text + "…") > room:
        text = text[:-1]
    return f"{text}…" if len(text) > 1 else ""
