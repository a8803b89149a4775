"""What was found: plain data. How it looks is the business of the notebook's renderers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from diffmagic.core.program import Program

Kind = Literal["derivative", "tangent", "cotangent"]
Verdict = Literal["digits", "decimals", "unclear", "disagrees", "not finite", "not compared"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One derivative, under the user's names.

    Attributes
    ----------
    of : str
        The result that is differentiated; empty if it has no name.
    wrt : tuple of str
        The inputs it is differentiated with respect to, first to last. Empty for a tangent.
    value : number or ndarray
        Of the result's shape followed by the shapes of the inputs.
    """

    of: str
    wrt: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Check:
    """How a derivative compares with a central difference.

    Attributes
    ----------
    verdict : str
        ``"digits"``: they agree to at least so many significant digits. ``"decimals"``: some numbers are close to zero
        and agree to at least so many decimal places. ``"unclear"``: the difference depends on its step too much to
        tell. ``"disagrees"``, ``"not finite"`` and ``"not compared"`` speak for themselves.
    digits : int
        6 or 3 when they agree.
    where : str
        The worst component, unless they agree.
    exact, numerical : float or complex
        Its derivative and the central difference.
    reason : str
        Why there is nothing to compare.
    """

    verdict: Verdict
    digits: int = 0
    where: str = ""
    exact: complex = 0.0
    numerical: complex = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One step of a trace table.

    Attributes
    ----------
    step : int
        The equation's number; 0 for an input.
    name : str
    operation : str
        The right side as one would write it; empty for an input.
    value : number or ndarray
    partials : tuple of (str, object)
        The name of each operand and the derivative of this step with respect to it: a number, an array, or a word.
    tangents : tuple
        One for each tangent column; None where nothing moves.
    cotangent : number, ndarray or None
    """

    step: int
    name: str
    operation: str
    value: Any
    partials: tuple[tuple[str, Any], ...] = ()
    tangents: tuple[Any, ...] = ()
    cotangent: Any = None


@dataclass(frozen=True, slots=True)
class TraceTable:
    """Every step of a program with its value, local partials, tangents and cotangent.

    Attributes
    ----------
    rows : list of TraceRow
    tangents : tuple of str
        What each tangent column is the derivative with respect to.
    cotangent : str
        What the cotangent column is the derivative of; empty if there is no such column.
    """

    rows: list[TraceRow]
    tangents: tuple[str, ...] = ()
    cotangent: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a derivative that needs a word: why it is not finite, a kink, a step that hides an input.

    Attributes
    ----------
    kind : {"value", "derivative", "kink", "constant", "choice"}
    summary : str
        All of it in one line.
    line : int
        Where the user wrote it; 0 if that is not known.
    source : str
        That line.
    expression : str
        The part of it that is meant.
    operands : tuple of (str, object)
        What went in, as the user wrote it, and the numbers.
    result : object
        What came out.
    where : str
        For arrays: the position that the numbers stand at, and how many there are like it.
    reason : str
    chain : str
        The product of the chain rule that is not finite.
    numerical : str
        What differences of the function find there.
    rewrite : str
        What to write instead, if the pattern is known.
    """

    kind: Literal["value", "derivative", "kink", "constant", "choice"]
    summary: str
    line: int = 0
    source: str = ""
    expression: str = ""
    operands: tuple[tuple[str, Any], ...] = ()
    result: Any = None
    where: str = ""
    reason: str = ""
    chain: str = ""
    numerical: str = ""
    rewrite: str = ""


@dataclass(slots=True, eq=False)
class Derivative:
    """A function's value and derivative at one point.

    Attributes
    ----------
    value : number, ndarray or a container of them
        What the function returned.
    derivative : number, ndarray or a container of them
        In the structure of the result and, within, of the inputs. From a notebook cell: a dict by input name.
    method : str
        How it was found: ``"reverse"``, ``"forward"``, …
    order : int
    kind : {"derivative", "tangent", "cotangent"}
        Whether it is the whole derivative, or its product with a seed.
    seed : object
        The tangent in the structure of the inputs, or the cotangent in the structure of the result; None for a
        derivative.
    error : float or None
        The estimated error, from methods that have one.
    evaluations : int
        At how many points the function was evaluated.
    calls : int
        How often it was called for that.
    program : Program or None
        The trace, from methods that have one.
    notes : list of str
        What is right and may still surprise.
    findings : list of Finding
        What the notes say of single steps, in full.
    elapsed : float
        Seconds. It differs from run to run, so it is never part of a printed form.
    why : str
        Why this method was chosen.
    names : tuple of str
        The results' names, where they have one.
    entries : list of Entry
        The same derivative, number by number or array by array, under the user's names.
    check : Check or None
        How it compares with a central difference, if it was compared.
    trace : TraceTable or None
        If it was asked for.
    explained : bool
        Whether to show the findings in full.
    digits : int
        How many digits to show.
    """

    value: Any
    derivative: Any
    method: str
    order: int = 1
    kind: Kind = field(default="derivative", repr=False)
    seed: Any = field(default=None, repr=False)
    error: float | None = field(default=None, repr=False)
    evaluations: int = field(default=1, repr=False)
    calls: int = field(default=1, repr=False)
    program: Program | None = field(default=None, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    findings: list[Finding] = field(default_factory=list, repr=False)
    elapsed: float = field(default=0.0, repr=False)
    why: str = field(default="", repr=False)
    names: tuple[str, ...] = field(default=("",), repr=False)
    entries: list[Entry] = field(default_factory=list, repr=False)
    check: Check | None = field(default=None, repr=False)
    trace: TraceTable | None = field(default=None, repr=False)
    explained: bool = field(default=False, repr=False)
    digits: int = field(default=8, repr=False)
