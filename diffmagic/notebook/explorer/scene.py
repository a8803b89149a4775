"""What a panel shows: plain data, from which the pictures and the words are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from diffmagic.core.graph import Graph
from diffmagic.core.graph_steps import State as GraphState
from diffmagic.results import Comparison, Curve, Field, Sweep, TraceTable


@dataclass(frozen=True, slots=True)
class Point:
    """The point that the controls are set to.

    Attributes
    ----------
    place : tuple of float
        Along the axis, or both axes.
    value : float
    derivatives : tuple of float
        On a curve those of order 1, 2, …; on contours the gradient.
    notes : list of str
    """

    place: tuple[float, ...]
    value: float
    derivatives: tuple[float, ...]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Secant:
    """A straight line through two points of a curve.

    Attributes
    ----------
    kind : {"left", "centred", "right"}
    ends : pair of (float, float)
        The points.
    slope : float
    slopes : ndarray of float
        The slope for each h of the scene.
    """

    kind: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    slope: float
    slopes: Any


@dataclass(frozen=True, slots=True)
class CurvesScene:
    """A function along one number, its derivatives, and a point.

    Attributes
    ----------
    of, wrt : str
        What the result and the number along the axis are called.
    curve : Curve
        The value, with marks and gaps.
    derivatives : Curve
        Its rows after the first are the derivatives of order 1, 2, …
    method : str
        How they were found.
    point : Point or None
        None where the function has no value.
    secants : list of Secant
    h : float
    steps : ndarray of float
        Every h that the secants' slopes are known for.
    notes : list of str
    digits : int
    """

    of: str
    wrt: str
    curve: Curve
    derivatives: Curve
    method: str
    point: Point | None
    secants: list[Secant]
    h: float
    steps: Any
    notes: list[str]
    digits: int = 8


@dataclass(frozen=True, slots=True)
class ContoursScene:
    """A function along two numbers, the gradient at a point, and the way of gradient descent.

    Attributes
    ----------
    field : Field
    point : Point or None
    method : str
        How the gradient was found.
    descent : tuple of (float, float)
    rate : float
    notes : list of str
    digits : int
    """

    field: Field
    point: Point | None
    method: str
    descent: tuple[tuple[float, float], ...]
    rate: float
    notes: list[str]
    digits: int = 8


@dataclass(frozen=True, slots=True)
class CompareScene:
    """The methods side by side.

    Attributes
    ----------
    comparison : Comparison
        At the point.
    sweep : Sweep or None
        The error of numerical methods against the step there.
    x, first, second : ndarray of float
        Places, and the derivatives there by two methods; NaN where there is none.
    names : pair of str
        The two methods.
    wrt : str
    place : float
        The point.
    order : int
    notes : list of str
    """

    comparison: Comparison
    sweep: Sweep | None
    x: Any
    first: Any
    second: Any
    names: tuple[str, str]
    wrt: str
    place: float
    order: int
    notes: list[str]


@dataclass(frozen=True, slots=True)
class TraceScene:
    """The trace table at the point, as far as its accumulation is.

    Attributes
    ----------
    table : TraceTable
    mode : {"forward", "reverse"}
    step, steps : int
        How many were taken, and how many there are.
    notes : list of str
    digits : int
    """

    table: TraceTable
    mode: Literal["forward", "reverse"]
    step: int
    steps: int
    notes: list[str]
    digits: int = 8


@dataclass(frozen=True, slots=True)
class GraphScene:
    """The computational graph at the point, as far as its accumulation is.

    Attributes
    ----------
    graph : Graph
    state : GraphState
    notes : list of str
    digits : int
    """

    graph: Graph
    state: GraphState
    notes: list[str]
    digits: int = 8

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self.state.step

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.state.steps)


Scene = CurvesScene | ContoursScene | CompareScene | TraceScene | GraphScene
