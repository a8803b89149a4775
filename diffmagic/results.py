"""What was found: plain data. How it looks is the business of the notebook's renderers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from diffmagic.core.graph import Graph
from diffmagic.core.graph_steps import State
from diffmagic.core.loops import Loop
from diffmagic.core.program import Equation, Program, Variable

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
        The number of its last equation; 0 for an input.
    name : str
    operation : str
        The right side as one would write it; empty for an input.
    value : number or ndarray
    partials : tuple of (str, object)
        The name of each operand and the derivative of this step with respect to it: a number, an array, or a word.
    tangents : tuple
        One for each tangent column; None where nothing moves.
    cotangent : number, ndarray or None
    contributions : tuple
        What each use of the value adds to its cotangent, in the order in which they arrive, where there are several.
    equations : tuple of Equation
        What the step computes; several where constants and signs are folded into it.
    """

    step: int
    name: str
    operation: str
    value: Any
    partials: tuple[tuple[str, Any], ...] = ()
    tangents: tuple[Any, ...] = ()
    cotangent: Any = None
    contributions: tuple[Any, ...] = field(default=(), repr=False)
    equations: tuple[Equation, ...] = field(default=(), repr=False)

    @property
    def line(self) -> int:
        """The line of the cell; 0 if there is none."""
        return self.equations[-1].location.line if self.equations else 0


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
    result : str
        What the result is called, if it is one number and no seed was given.
    names : dict of Variable to str
    loops : tuple of Loop
        Runs of rows that repeat the same source, by their positions.
    notes : tuple of str
        Which columns there cannot be, and why.
    reached : int or None
        How many rows, from the last up, the way back has come to: the others do not show their cotangents. None for
        all.
    """

    rows: list[TraceRow]
    tangents: tuple[str, ...] = ()
    cotangent: str = ""
    result: str = ""
    names: dict[Variable, str] = field(default_factory=dict, repr=False)
    loops: tuple[Loop, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    reached: int | None = field(default=None, repr=False)

    def to_latex(self, digits: int = 8) -> str:
        """The table as a LaTeX array, which stands in a formula."""
        from diffmagic.notebook.render.trace import to_latex

        return to_latex(self, digits)

    def to_markdown(self, digits: int = 8) -> str:
        """The table in Markdown, with its formulas in LaTeX."""
        from diffmagic.notebook.render.trace import to_markdown

        return to_markdown(self, digits)


@dataclass(frozen=True, slots=True)
class ChainRule:
    """A derivative as a sum of products of local partial derivatives: one product for each path.

    Attributes
    ----------
    of, wrt : str
    paths : tuple of tuples of (str, str, number)
        The factors of each product, from the result to the input: what is differentiated, with respect to what, and the
        partial derivative. Empty if there are too many.
    count : int
        How many paths there are.
    value : number or None
        The sum of the products, if they are there.
    """

    of: str
    wrt: str
    paths: tuple[tuple[tuple[str, str, Any], ...], ...]
    count: int
    value: Any = None


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
    error : number, ndarray, a container of them, or None
        The estimated error in the structure of the derivative, from methods that have one.
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
    graph : Graph or None
        The computational graph, if it was asked for.
    graph_state : State or None
        How far its accumulation is; None if all of it is to be shown.
    explained : bool
        Whether to show the findings in full.
    digits : int
        How many digits to show.
    step : number, ndarray, a container of them, or None
        The step of a numerical method in the structure of the inputs.
    trials : list of Trial
        Every step that it tried.
    size : int or None
        The operations in the formulas of the derivative, from methods that have them.
    sweep : Sweep or None
        The error against the step, if it was asked for.
    curves : Curves or None
        The surroundings of the point, if they were asked for.
    depends : ndarray of bool or None
        Of a Jacobian or Hessian, as one matrix: where it is not zero by structure, if that was looked at.
    curvature : Curvature or None
        What the Hessian says of the point, if it was asked for.
    source : str
        A function that computes the value and the derivative, as Python source, if it was asked for.
    """

    value: Any
    derivative: Any
    method: str
    order: int = 1
    kind: Kind = field(default="derivative", repr=False)
    seed: Any = field(default=None, repr=False)
    error: Any = field(default=None, repr=False)
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
    graph: Graph | None = field(default=None, repr=False)
    graph_state: State | None = field(default=None, repr=False)
    explained: bool = field(default=False, repr=False)
    digits: int = field(default=8, repr=False)
    step: Any = field(default=None, repr=False)
    trials: list[Trial] = field(default_factory=list, repr=False)
    size: int | None = field(default=None, repr=False)
    sweep: Sweep | None = field(default=None, repr=False)
    curves: Curves | None = field(default=None, repr=False)
    depends: Any = field(default=None, repr=False)
    curvature: Curvature | None = field(default=None, repr=False)
    source: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Contender:
    """One method in a comparison.

    Attributes
    ----------
    method, family : str
    derivative : number, ndarray or a container of them
        None if the method failed.
    digits : float or None
        The significant digits in which it agrees with the reference, norm-wise: at most the 15.95 that doubles have.
        None where there is nothing to compare.
    error : float or None
        Its own estimate of its error, relative to the derivative, norm-wise.
    evaluations : int
        At how many points the function was evaluated.
    operations : int or None
        How many elementary operations on numbers that took, besides one evaluation of the function.
    size : int or None
        The operations in the expression of the derivative, for symbolic ones.
    elapsed : float
        Seconds. It differs from run to run, so it is shown only where it is asked for.
    failure : str
        Why there is no derivative.
    """

    method: str
    family: str
    derivative: Any = field(default=None, repr=False)
    digits: float | None = None
    error: float | None = None
    evaluations: int = 0
    operations: int | None = None
    size: int | None = None
    elapsed: float = field(default=0.0, repr=False)
    failure: str = ""


@dataclass(slots=True)
class Comparison:
    """Several methods on one function.

    Attributes
    ----------
    value : number, ndarray or a container of them
        What the function returned.
    derivative : number, ndarray or a container of them
        The reference.
    reference : str
        Where the reference comes from.
    rows : list of Contender
    order : int
    notes : list of str
    names : tuple of str
        The results' names, where they have one.
    entries : list of Entry
        The reference, under the user's names.
    timed : bool
        Whether to show the times.
    digits : int
        How many digits to show.
    """

    value: Any
    derivative: Any
    reference: str
    rows: list[Contender]
    order: int = 1
    notes: list[str] = field(default_factory=list, repr=False)
    names: tuple[str, ...] = field(default=("",), repr=False)
    entries: list[Entry] = field(default_factory=list, repr=False)
    timed: bool = field(default=False, repr=False)
    digits: int = field(default=8, repr=False)


@dataclass(slots=True)
class Scaling:
    """What the derivative costs as the number of inputs grows.

    Attributes
    ----------
    name : str
        What grows.
    sizes : list of int
        Its values.
    inputs : list of int
        How many numbers the derivative is taken with respect to, for each size.
    function : list of int
        The elementary operations of the function itself.
    operations : dict of str to list of int
        The elementary operations of each way to differentiate, for each size.
    crossing : int or None
        The first size from which on reverse accumulation costs less than forward.
    seconds : dict of str to list of float
        The same in time. It differs from run to run, so it is shown only where it is asked for.
    timed : bool
    """

    name: str
    sizes: list[int]
    inputs: list[int]
    function: list[int]
    operations: dict[str, list[int]]
    crossing: int | None = None
    seconds: dict[str, list[float]] = field(default_factory=dict, repr=False)
    timed: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a numerical method found with one step.

    Attributes
    ----------
    step : float
    estimate, truncation, roundoff : float or ndarray
        The derivative, and how far it may be off because the step is long and because numbers are rounded; an array
        if the result is several numbers.
    wrt : str
        The number that was moved: ``x``, ``x[2]``.
    """

    step: float
    estimate: Any
    truncation: Any
    roundoff: Any
    wrt: str = ""

    @property
    def error(self) -> Any:
        """Both together."""
        return self.truncation + self.roundoff


Judgement = Literal["right", "wrong", "cannot tell"]


@dataclass(frozen=True, slots=True)
class GradientRow:
    """One component of a gradient that is checked.

    Attributes
    ----------
    label : str
    mine : float
        What was given.
    automatic, numerical : float or None
        None where there is none, or where it was not needed.
    error : float or None
        The numerical one's estimate of its own error.
    relative_error : float
        Of `mine`, against the automatic derivative or else the numerical one.
    verdict : {"right", "wrong", "cannot tell"}
    """

    label: str
    mine: float
    automatic: float | None
    numerical: float | None
    error: float | None
    relative_error: float
    verdict: Judgement


@dataclass(frozen=True, slots=True)
class TaylorRemainder:
    """How |f(x + t v) - f(x) - t ∇f·v| falls with t, along a fixed direction v.

    Attributes
    ----------
    steps : tuple of (float, float)
        Each t, the largest first, and the remainder.
    slope : float or None
        Of its logarithm against that of t, where neither rounding nor a kink rules; None if there is no such range.
    kink : float or None
        The smallest t on whose way the function passes a kink.
    reading : str
        What it says of the gradient.
    """

    steps: tuple[tuple[float, float], ...] = field(repr=False)
    slope: float | None
    kink: float | None
    reading: str


@dataclass(frozen=True, slots=True, eq=False)
class GradientCheck:
    """Whether a gradient is right; true if it is.

    Attributes
    ----------
    verdict : {"right", "wrong", "cannot tell"}
    summary : str
        All of it in a sentence.
    guesses : list of str
        What the mistake may be, where that explains every component.
    notes : list of str
    rows : list of GradientRow
        Every component, the worst first.
    taylor : TaylorRemainder or None
    digits : int
        How many digits to show.
    """

    verdict: Judgement
    summary: str
    guesses: list[str]
    notes: list[str]
    rows: list[GradientRow] = field(repr=False)
    taylor: TaylorRemainder | None = field(default=None, repr=False)
    digits: int = field(default=8, repr=False)

    def __bool__(self) -> bool:
        return self.verdict == "right"


@dataclass(slots=True, eq=False)
class Symbolic:
    """The formulas of a function and of its partial derivatives; called with numbers, its derivative there.

    Attributes
    ----------
    names : tuple of str
        The results' names, where they have one.
    formulas : list of Entry
        SymPy's expression of every number of the result, with respect to nothing.
    entries : list of Entry
        SymPy's expression of every partial derivative; of mixed ones, one of each kind.
    order : int
    notes : list of str
        What they hold for.
    program : Program
    function : callable
        From values of the inputs to the derivative in the structure of the result and, within, of the inputs.
    symbols : dict
        SymPy's symbol for each number of the inputs, by what it is called.
    derivations : list of Derivation
        How the derivatives are found, if it was asked for.
    at : Derivative or None
        Their numbers, where there are values for the inputs.
    digits : int
        How many digits to show.
    """

    names: tuple[str, ...]
    formulas: list[Entry]
    entries: list[Entry]
    order: int
    notes: list[str]
    program: Program = field(repr=False)
    function: Callable[..., Any] = field(repr=False)
    symbols: dict[str, Any] = field(default_factory=dict, repr=False)
    derivations: list[Derivation] = field(default_factory=list, repr=False)
    at: Derivative | None = field(default=None, repr=False)
    digits: int = field(default=8, repr=False)

    def __call__(self, *values: Any) -> Any:
        return self.function(*values)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """How an error goes with the step h: about ``factor * h**slope``, between the shortest and the longest step."""

    slope: float
    factor: float
    shortest: float
    longest: float


@dataclass(slots=True)
class SweptMethod:
    """A numerical method with one step after another.

    Attributes
    ----------
    method : str
    steps, errors : list of float
        Without the steps at which it found nothing.
    truncation, roundoff : PowerLaw or None
        The branches of long and of short steps; None if there is no such branch.
    best_step, best_error : float
        Where the errors are least, and not by luck at one step.
    predicted_step : float
        The step that error analysis suggests, which knows the function's point alone.
    """

    method: str
    steps: list[float] = field(repr=False)
    errors: list[float] = field(repr=False)
    truncation: PowerLaw | None
    roundoff: PowerLaw | None
    best_step: float
    best_error: float
    predicted_step: float


@dataclass(slots=True)
class Sweep:
    """Error against step.

    Attributes
    ----------
    point : float
    truth : number, array or container of them
        The derivative that the errors are taken from.
    order : int
    relative : bool
        Whether errors are relative to it; otherwise it is zero.
    methods : list of SweptMethod
    notes : list of str
        Which methods failed, and why.
    """

    point: float
    truth: Any
    order: int
    relative: bool
    methods: list[SweptMethod]
    notes: list[str] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Growth:
    """How a function's formulas grow with a number in it, in operations.

    Attributes
    ----------
    name : str
        What grows.
    values : list
        Its values.
    formula, derivative : list of int or None
        Of the result, and of all its partial derivatives without simplification; None where they are too long.
    automatic : list of int
        Of the function and its derivative by reverse accumulation.
    limit : str
        Why there is None somewhere.
    """

    name: str
    values: list[Any]
    formula: list[int | None] = field(default_factory=list)
    derivative: list[int | None] = field(default_factory=list)
    automatic: list[int] = field(default_factory=list)
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One application of a rule of differentiation.

    Attributes
    ----------
    rule : str
        Its name: ``product rule``.
    before, after : SymPy expressions
        The derivative that it is applied to, and what that becomes.
    detail : str
        What its parts are: ``outer sin(u), inner u = x**2``.
    line : SymPy expression
        The whole derivative so far, with derivatives in it that are still to be taken.
    """

    rule: str
    before: Any
    after: Any
    detail: str
    line: Any


@dataclass(frozen=True, slots=True)
class Derivation:
    """A partial derivative found by one rule at a time.

    Attributes
    ----------
    of : str
        The result.
    wrt : str
        The input.
    expression : SymPy expression
        What is differentiated.
    steps : list of Step
    """

    of: str
    wrt: str
    expression: Any
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a curve that is worth a word.

    Attributes
    ----------
    kind : {"kink", "jump", "pole", "root", "minimum", "maximum"}
    x, y : float
        Where it is, and the value there; NaN for a pole.
    """

    kind: Literal["kink", "jump", "pole", "root", "minimum", "maximum"]
    x: float
    y: float


@dataclass(slots=True)
class Curve:
    """A function of one number and its derivatives along a range.

    Attributes
    ----------
    label : str
        What tells it from the other curves of a family.
    x : ndarray of float, shape (n,)
        Increasing.
    y : ndarray of float, shape (order + 1, n)
        The value and the derivatives, NaN where they are undefined and at breaks.
    marks : list of Mark
        From left to right.
    gaps : list of pair of float
        From where to where there is no value; twice the same number for a single point.
    """

    label: str
    x: Any
    y: Any
    marks: list[Mark] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Curves:
    """Curves of a function and its derivatives.

    Attributes
    ----------
    of : str
        What the function's result is called.
    wrt : str
        What goes along the range.
    order : int
        How many derivatives there are.
    curves : list of Curve
        One for each member of a family.
    compared : list of Curve
        The same from another method, to be compared; its label is the method's name.
    point : float or None
        Where to draw the tangent.
    stacked : bool
        Whether each derivative has axes of its own.
    programs : int
        How often the function was traced.
    notes : list of str
    digits : int
        How many digits to show.
    """

    of: str
    wrt: str
    order: int
    curves: list[Curve]
    compared: list[Curve] = field(default_factory=list)
    point: float | None = None
    stacked: bool = False
    programs: int = field(default=0, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    digits: int = field(default=8, repr=False)


@dataclass(slots=True)
class Field:
    """A function of two numbers over a rectangle, and its gradient.

    Attributes
    ----------
    of : str
        What the function's result is called.
    wrt : tuple of str
        What goes to the right, and what goes up.
    x, y : ndarray of float, shape (n,)
    value : ndarray of float, shape (n, n)
        The first index goes up, the second to the right; NaN where the function is undefined.
    gradient : ndarray of float, shape (2, n, n)
    programs : int
        How often the function was traced.
    notes : list of str
    digits : int
        How many digits to show.
    """

    of: str
    wrt: tuple[str, str]
    x: Any
    y: Any
    value: Any
    gradient: Any
    programs: int = field(default=0, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    digits: int = field(default=8, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """What a Hessian says of a point.

    Attributes
    ----------
    eigenvalues : ndarray
        From the least to the greatest.
    tolerance : float
        How far rounding may have moved them.
    gradient : float
        The gradient's norm.
    stationary : bool
        Whether the gradient is zero but for rounding.
    nature : {"minimum", "maximum", "saddle", "undecided"}
        Of the point if it is stationary, else of the quadratic model there.
    reason : str
        Why it is undecided.
    distance : float or None
        How far away the quadratic model has its stationary point; None where it has not one.
    """

    eigenvalues: Any
    tolerance: float
    gradient: float
    stationary: bool
    nature: Literal["minimum", "maximum", "saddle", "undecided"]
    reason: str = ""
    distance: float | None = None

    @property
    def condition(self) -> float:
        """The Hessian's condition number; infinite if rounding may have moved an eigenvalue from zero."""
        sizes = abs(self.eigenvalues)
        return float(max(sizes) / min(sizes)) if min(sizes) > self.tolerance else float("inf")


RowVerdict = Literal["right", "wrong", "follows", "not checked"]


@dataclass(frozen=True, slots=True)
class TraceCell:
    """One number of a trace table that is checked.

    Attributes
    ----------
    column : str
        ``value``, ``∂/∂x``, ``cotangent``.
    claimed : str
        As it is printed.
    true : float
    shown : str
        The true number at the precision of the printed one.
    verdict : {"right", "wrong", "follows"}
    how : str
        Of what is right: ``"exact"``, ``"rounded"``, ``"truncated"``, or ``"from rounded numbers"``.
    """

    column: str
    claimed: str
    true: float
    shown: str
    verdict: RowVerdict
    how: str = ""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One row of a trace table that is checked.

    Attributes
    ----------
    number : int
        Counted from 1, as the table has it.
    name, operation : str
        As the table has them; the operation that the row was found to be, if it says none.
    cells : tuple of TraceCell
    verdict : {"right", "wrong", "follows", "not checked"}
        ``"follows"``: it is right given the mistakes of other rows.
    follows : tuple of int
        These rows.
    guess : str
        What the mistake may be, where exactly one explains it.
    """

    number: int
    name: str
    operation: str
    cells: tuple[TraceCell, ...]
    verdict: RowVerdict
    follows: tuple[int, ...] = ()
    guess: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TraceCheck:
    """Whether a trace table is right; true if it is.

    Attributes
    ----------
    rows : list of CheckedRow
        In the table's order.
    columns : tuple of str
        What the cells may be.
    first : int or None
        The number of the row with the first mistake, in the order of the computation.
    summary : str
        All of it in a sentence or two.
    notes : list of str
    digits : int
        How many digits to show where the table prints none.
    """

    rows: list[CheckedRow] = field(repr=False)
    columns: tuple[str, ...]
    first: int | None
    summary: str
    notes: list[str] = field(default_factory=list, repr=False)
    digits: int = field(default=8, repr=False)

    def __bool__(self) -> bool:
        return self.first is None and all(row.verdict == "right" for row in self.rows)
