"""Taylor mode: power series go through a program along with its values.

If each input moves as a power series in t, so does every other variable. Its coefficient k is its k-th derivative with
respect to t, over k!.

There is no second table of rules. If y = f(u, v) then y' = p u' + q v', with the partials p and q, so a coefficient of
y comes from those of the operands and lower ones of the partials. A partial is traced into a small program, and its
results get series like all other variables. What is computed already is recognised: the partial of sin is cos of the
same operand, and that of cos is sin again, so the two feed each other and k coefficients take k² operations. Only
products, quotients, powers and systems of equations have recurrences of their own. The rule of a function that is not
elementwise is treated in the same way, unless the function is linear, and so its own derivative.

At a kink the first coefficient has the mean of the one-sided derivatives, and higher ones are what differentiating that
again gives, as in `derivative`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.forward import REAL_NUMBERS, Product, contribution, forward, local_partial, opened, selected, spread
from diffmagic.core.primitives import Primitive, primitive_of
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.tracing import Tracer, apply, concrete, trace_flat
from diffmagic.core.zeros import unreached_aside

MULTIPLY, DIVIDE, NEGATIVE = (primitive_of(function) for function in (np.multiply, np.divide, np.negative))
POWERS = frozenset(primitive_of(function) for function in (np.power, np.float_power))
SINC, WHERE, SOLVE = (primitive_of(function) for function in (np.sinc, np.where, np.linalg.solve))
_COMPARED_BYTES = 1 << 16
_MOST_FACTORS = 64
_CUT = re.compile(r"scipy\.special\.(dawsn|erfcx|[ik][01v]e|it2i0k0|it2j0y0)")
_CUT_ORDER = 10
_ROUNDINGS, _PRECISION = 512, float(np.finfo(float).eps)
_GOLDEN = 0.6180339887498949
_FAR_OUT, _HALVINGS, _SINC_TERMS = 64.0, 5, 13


class Series(list[Any]):
    """The coefficients of a variable that moves, as far as they are known; None stands for zero.

    Attributes
    ----------
    opposite : Series or None
        What it is minus of.
    """

    opposite: Series | None = None


Rule = Callable[[int], Sequence[Any]]
"""Takes an order k, and gives the coefficient k of each result of a step, from those below."""


def series(
    program: Program, seeds: Mapping[Variable, Sequence[Any]], order: int, product: Product | None = None
) -> dict[Variable, list[Any]]:
    """The power series of all variables, given those of inputs.

    Within an open trace it is recorded, and what it decides on by a value, that a power's base is not zero, is a guard.

    Parameters
    ----------
    program : Program
    seeds : mapping of Variable to sequence
        The coefficients of each input that moves, its value first. None, and what is left out at the end, is zero.
    order : int
        That of the highest coefficient.
    product : callable, optional
        ``product(operand, coefficient, partial)`` in place of ``coefficient * partial``, as for `forward`.

    Returns
    -------
    dict of Variable to list
        The coefficients 0 to `order` of each variable, None for zero. A variable that is missing does not move.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> program = diffmagic.trace(np.exp, 0.0)
    >>> found = series(program, {program.inputs[0]: [0.0, 1.0]}, 3)
    >>> [float(c) for c in found[program.outputs[0]]]
    [1.0, 1.0, 0.5, 0.16666666666666666]
    """
    try:
        return _series(program, seeds, order, product, lambda value: value)
    except (ZeroDivisionError, OverflowError):  # Python's numbers raise where NumPy's give infinity
        return _series(program, seeds, order, product, _of_numpy)


def _series(
    program: Program,
    seeds: Mapping[Variable, Sequence[Any]],
    order: int,
    product: Product | None,
    number: Callable[[Any], Any],
    rounded: Callable[[Any], Any] = lambda value: value,
) -> dict[Variable, list[Any]]:
    rest = [None] * order
    found = {v: Series(number(c) for c in [*seed, *rest][: order + 1]) for v, seed in seeds.items()}
    expansion = _Expansion(number, rounded)
    for equation in program.equations:
        expansion.include(equation, found, order, equation, product)
    expansion.begin()
    for k in range(1, order + 1):
        expansion.advance(k)
    return dict(found)


def finite_series(program: Program, seeds: Mapping[Variable, Sequence[Any]], order: int) -> dict[Variable, list[Any]]:
    """`series`, and if that is not finite, with positions that were not reached contributing nothing (see `zeros`)."""
    with np.errstate(all="ignore"):
        found = series(program, seeds, order)
        wanted = [found[out] for out in program.outputs if isinstance(out, Variable) and out in found]
        if all(np.all(np.isfinite(concrete(c))) for c in itertools.chain(*wanted) if c is not None):
            return found
        first = {v: seed[1] for v, seed in seeds.items()}
        return series(program, seeds, order, unreached_aside(forward, program, first))


def rounding(program: Program, seeds: Mapping[Variable, Sequence[Any]], found: Mapping[Variable, Any]) -> list[float]:
    """What share of the coefficients of each order rounding may be, in the worst output.

    All is computed once more with each coefficient changed by some roundings. What a coefficient is measured against is
    the larger of itself and what its neighbours suggest, so that it may be zero; an array that is not of the shape of
    the inputs is measured as a whole.

    Parameters
    ----------
    program, seeds
        As for `series`.
    found : mapping of Variable to list
        Its result.
    """
    order = max((len(one) for one in found.values()), default=1) - 1
    shares = [0.0] * (order + 1)
    if order < 2:
        return shares
    with np.errstate(all="ignore"):
        again = _series(program, seeds, order, None, _of_numpy, _changed())
        for out in program.outputs:
            if isinstance(out, Variable) and out in found:
                whole = any(variable.shape != out.shape for variable in seeds)
                for k, share in enumerate(_shares(found[out], again[out], whole)):
                    shares[k] = max(shares[k], share)
    return shares


def _shares(found: list[Any], again: list[Any], whole: bool) -> Iterator[float]:
    def size(part: Any) -> Any:
        return np.max(np.abs(part), initial=0.0) if whole else np.abs(part)

    highest = len(found) - 1
    coefficients, others = ([0.0 if c is None else c for c in one] for one in (found, again))
    sizes = [size(c) for c in coefficients]
    for k, (coefficient, other) in enumerate(zip(coefficients, others, strict=True)):
        between = np.sqrt(sizes[k - 1] * sizes[k + 1]) if 0 < k < highest else 0.0
        beyond = sizes[k + 1] ** 2 / sizes[k + 2] if k + 1 < highest else between
        share = np.asarray(size(coefficient - other) / np.fmax(sizes[k], np.fmin(between, beyond)))
        yield float(np.max(share, initial=0.0, where=np.isfinite(share))) / _ROUNDINGS


def _changed() -> Callable[[Any], Any]:
    """Changes one value after the other by up to so many roundings, up or down."""
    count = itertools.count(1)

    def changed(value: Any) -> Any:
        precision = _PRECISION
        if type(value) not in REAL_NUMBERS:
            dtype = np.result_type(0 if value is None else value)
            if dtype.kind not in "fc":
                return value
            precision = float(np.finfo(dtype).eps)
        return value * (1 + _ROUNDINGS * precision * (next(count) * _GOLDEN % 2 - 1))

    return changed


def _of_numpy(value: Any) -> Any:
    """A number of Python's as one of NumPy's; integers stay, as nothing else than a number divides by them."""
    if type(concrete(value)) not in (float, complex):
        return value
    return value * np.result_type(concrete(value), np.float64).type(1)


class _Expansion:
    """Steps that are taken side by side: all of them by one order, in turn, then all by the next.

    Parameters
    ----------
    number : callable
        What is done to every plain value.
    rounded : callable
        What is done to every coefficient that is rounded.
    outer : _Expansion, optional
        One whose steps are ahead of those here, so that their results can be used.
    """

    def __init__(
        self, number: Callable[[Any], Any], rounded: Callable[[Any], Any], outer: _Expansion | None = None
    ) -> None:
        self.number, self.rounded, self.outer = number, rounded, outer
        self.steps: list[_Step] = []
        self.known: dict[Any, _Step] = {}

    def include(
        self,
        equation: Equation,
        found: dict[Variable, Series],
        order: int,
        cause: Equation,
        product: Product | None = None,
    ) -> None:
        """Take up an equation for coefficients up to an order; `cause` is the one in the user's program."""
        operands = [
            found[o] if type(o) is Variable and o in found else self.number(a)
            for o, a in zip(equation.operands, equation.arguments, strict=True)
        ]
        if not _moves(equation.primitive, [type(o) is Series for o in operands]):
            return
        same = _same(equation, operands)
        key = _key(equation, operands)
        step = None if same is not None else self.find(key, order)
        if same is None and step is None:
            step = self.known[key] = _Step(self, equation, operands, order, cause, product)
            self.steps.append(step)
        results = zip(equation.results, [same] if step is None else step.results, strict=True)
        found.update((result, one) for result, one in results if type(one) is Series)

    def include_all(self, program: Program, found: dict[Variable, Series], order: int, cause: Equation) -> list[Any]:
        """Take up a program; returns its outputs: series, and plain values of what does not move."""
        for equation in program.equations:
            self.include(equation, found, order, cause)
        outputs = [found.get(out, out.value) if isinstance(out, Variable) else out for out in program.outputs]
        return [out if type(out) is Series else self.number(out) for out in outputs]

    def find(self, key: Any, order: int) -> _Step | None:
        """A step that has computed the same, up to that order at least."""
        step = self.known.get(key)
        if step is not None and step.order >= order:
            return step
        return None if self.outer is None else self.outer.find(key, order)

    def begin(self) -> None:
        """Find the rule of each step; the steps that it needs besides are taken up at the end."""
        for step in self.steps:  # which become more
            step.begin()

    def advance(self, k: int) -> None:
        """Find the coefficients of order k."""
        for step in self.steps:
            if k <= step.order:
                step.advance(k)


class _Step:
    """One operation on series.

    Attributes
    ----------
    operands : list
        Series, and plain values of what does not move.
    results : list of Series
    order : int
        That of the highest coefficient that is needed.
    """

    __slots__ = ("cause", "equation", "expansion", "operands", "order", "product", "results", "rounds", "rule")

    def __init__(
        self,
        expansion: _Expansion,
        equation: Equation,
        operands: list[Any],
        order: int,
        cause: Equation,
        product: Product | None,
    ) -> None:
        self.expansion, self.equation, self.operands, self.order = expansion, equation, operands, order
        self.cause, self.product = cause, product
        partials = equation.primitive.partials or ()
        self.rounds = (len(partials) > 1 or any(map(callable, partials))) and not equation.primitive.selects
        values = [expansion.number(result.value) for result in equation.results]
        self.results = [Series([expansion.rounded(value) if self.rounds else value]) for value in values]
        self.rule: Rule | None = None
        if equation.primitive is NEGATIVE:
            self.results[0].opposite = operands[0]
        if equation.primitive.body is not None or (order > 1 and _has_better_form(equation, operands)):
            self.rule = self._blamed(_by_body, self)

    @property
    def moving(self) -> list[int]:
        return [i for i, operand in enumerate(self.operands) if type(operand) is Series]

    def begin(self) -> None:
        self._blamed(_refuse_cut, self)
        if self.rule is None:
            self.rule = self._blamed(_rule_of(self), self)

    def advance(self, k: int) -> None:
        for one, part in zip(self.results, self._blamed(self.rule, k), strict=True):
            if part is not None and not (type(part) in REAL_NUMBERS and type(one[0]) in REAL_NUMBERS):
                part = spread(part, one[0])
            one.append(self.expansion.rounded(part) if self.rounds else part)

    def _blamed(self, function: Any, argument: Any) -> Any:
        """Call a function whose refusals are about the user's own line."""
        try:
            return function(argument)
        except DiffmagicError as error:
            error.location = self.cause.location
            raise


def _moves(primitive: Primitive, moving: Sequence[bool]) -> bool:
    """Whether a result moves when these operands do."""
    if primitive.partials is None:
        return any(moving)
    return any(moves and partial is not None for moves, partial in zip(moving, primitive.partials, strict=False))


def _same(equation: Equation, operands: Sequence[Any]) -> Any:
    """The operand that an operation gives back as it is: by a choice that is the same everywhere, or a second sign."""
    if equation.primitive is NEGATIVE:
        return operands[0].opposite
    if equation.primitive is not WHERE or type(operands[0]) is Tracer:
        return None
    if np.all(operands[0]) == np.any(operands[0]):
        chosen = operands[1] if np.all(operands[0]) else operands[2]
        value, result = (concrete(v) for v in (chosen[0] if type(chosen) is Series else chosen, equation.value))
        if np.shape(value) == np.shape(result) and np.result_type(value) == np.result_type(result):
            return chosen
    return None


def _key(equation: Equation, operands: Sequence[Any]) -> Any:
    """What two equations that compute the same have in common."""
    return (
        equation.primitive,
        tuple(map(_identity, operands)),
        tuple((k, _identity(v)) for k, v in equation.params.items()),
    )


def _identity(value: Any) -> Any:
    if type(value) is np.ndarray and value.nbytes <= _COMPARED_BYTES:
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, bool | int | float | complex | np.generic | str | None):
        return type(value), repr(value)
    return id(value)


# Sums of coefficients.


def _total(parts: Iterable[Any]) -> Any:
    """A sum in which None is zero."""
    total = None
    for part in parts:
        if part is not None:
            total = part if total is None else total + part
    return total


def _products(k: int, a: Series, b: Series, first: int = 0) -> Iterator[Any]:
    """The products that make the coefficient k of a b, from that with the coefficient `first` of a."""
    for j in range(first, k + 1):
        if a[j] is not None and b[k - j] is not None:
            yield a[j] * b[k - j]


def _over(part: Any, k: int) -> Any:
    return part if part is None or k == 1 else part / k


# The rules.


def _rule_of(step: _Step) -> Callable[[_Step], Rule]:
    primitive = step.equation.primitive
    if primitive.partials is None:
        if step.order > 1 and primitive.multilinear:
            return _by_operands
        return _solution if step.order > 1 and primitive is SOLVE else _by_push
    if step.order == 1:
        return _first
    if primitive.selects:
        return _choice
    if step.product is None:
        moving = step.moving
        if primitive is MULTIPLY and moving == [0, 1]:
            return _product
        if primitive is DIVIDE and 1 in moving:
            return _quotient
        if primitive in POWERS and moving == [0] and not np.any(np.equal(step.operands[0][0], 0)):
            return _power
    return _by_partials


def _first(step: _Step) -> Rule:
    """The first coefficient, as forward accumulation finds it."""
    equation, moving = step.equation, step.moving

    def rule(k: int) -> list[Any]:
        tangents = [(i, step.operands[i][1], equation.operands[i]) for i in moving if step.operands[i][1] is not None]
        return [_total(contribution(equation, i, t, operand, step.product) for i, t, operand in tangents)]

    return rule


def _choice(step: _Step) -> Rule:
    """The coefficients of what was chosen."""
    partials: Any = step.equation.primitive.partials
    weights = {i: local_partial(step.equation, i) for i in step.moving if partials[i] is not None}

    def rule(k: int) -> list[Any]:
        chosen = [(w, step.operands[i][k]) for i, w in weights.items()]
        return [_total(selected(w, c) for w, c in chosen if c is not None)]

    return rule


def _by_partials(step: _Step) -> Rule:
    """k y_k = Σ j u_j p_(k-j), over all operands u and their partials p."""
    equation = step.equation
    times = step.product or (lambda operand, c, partial: c * partial)
    terms = [(equation.operands[i], step.operands[i], partial) for i, partial in _partials(step).items()]

    def part(k: int, operand: Any, u: Series, partial: Any) -> Any:
        if type(partial) is Series:
            pairs = [(j, u[j], partial[k - j]) for j in range(1, k + 1) if u[j] is not None]
            return _over(_total(times(operand, _times(j, c), p) for j, c, p in pairs if p is not None), k)
        if u[k] is None:
            return None
        if type(partial) is int and abs(partial) == 1:
            return u[k] if partial == 1 else -u[k]
        return times(operand, u[k], partial)

    return lambda k: [_total(part(k, *term) for term in terms)]


def _times(j: int, c: Any) -> Any:
    return c if j == 1 else j * c


def _partials(step: _Step) -> dict[int, Any]:
    """For each operand that moves, its partial: 1 or -1, another value that does not move, or a series."""
    equation = step.equation
    partials: Any = equation.primitive.partials
    found: dict[int, Any] = {i: partials[i] for i in step.moving if partials[i] is not None}
    traced = [i for i, partial in found.items() if type(partial) is not int]

    def of_moving(y: Any, *moving: Any) -> list[Any]:
        operands = _replaced(step.operands, dict(zip(step.moving, moving, strict=True)))
        return [partials[i](y, *operands, **equation.params) for i in traced]

    moving = [step.results[0], *(step.operands[i] for i in step.moving)]
    program, _ = trace_flat(of_moving, *(one[0] for one in moving))
    env = dict(zip(program.inputs, moving, strict=True))
    outputs = step.expansion.include_all(program, env, step.order - 1, step.cause)
    return found | dict(zip(traced, outputs, strict=True))


def _replaced(operands: Sequence[Any], others: Mapping[int, Any]) -> list[Any]:
    return [others.get(i, operand) for i, operand in enumerate(operands)]


def _product(step: _Step) -> Rule:
    a, b = step.operands
    return lambda k: [_total(_products(k, a, b))]


def _quotient(step: _Step) -> Rule:
    """From a = y b."""
    (a, b), (y,) = step.operands, step.results

    def rule(k: int) -> list[Any]:
        above, rest = a[k] if type(a) is Series else None, _total(_products(k, b, y, first=1))
        total = above if rest is None else -rest if above is None else above - rest
        return [None if total is None else total / b[0]]

    return rule


def _power(step: _Step) -> Rule:
    """From a y' = b y a'."""
    (a, b), (y,) = step.operands, step.results

    def rule(k: int) -> list[Any]:
        pairs = [(j, a[j], y[k - j]) for j in range(1, k + 1) if a[j] is not None]
        total = _total((b * j - (k - j)) * (c * d) for j, c, d in pairs if d is not None)
        return [None if total is None else total / _times(k, a[0])]

    return rule


def _by_body(step: _Step) -> Rule:
    """A composite: the series of its body, which is to be taken up before it."""
    equation = step.equation
    if equation.primitive.body is not None:
        program, inputs = opened(equation)
    else:
        form = _cardinal_sine if equation.primitive is SINC else lambda x: _repeated_product(x, int(step.operands[1]))
        program, _ = trace_flat(form, step.operands[0][0])
        inputs = {0: program.inputs[0]}
    found = {variable: step.operands[i] for i, variable in inputs.items() if type(step.operands[i]) is Series}
    outputs = step.expansion.include_all(program, found, step.order, step.cause)
    if equation.primitive.recomputes:
        equation.opened = None
    return lambda k: [out[k] if type(out) is Series else None for out in outputs]


def _has_better_form(equation: Equation, operands: Sequence[Any]) -> bool:
    """Whether it is written otherwise for high orders: a power of few factors, so that zeros are exact, or sinc."""
    if equation.primitive not in POWERS:
        return equation.primitive is SINC
    base, exponent = operands
    if type(base) is not Series or type(exponent) not in (int, float, np.float64):
        return False
    return bool(1 < exponent <= _MOST_FACTORS) and exponent == int(exponent)


def _repeated_product(x: Any, exponent: int) -> Any:
    total = None
    while exponent:
        if exponent % 2:
            total = x if total is None else total * x
        x, exponent = x * x if exponent > 1 else x, exponent // 2
    return total


def _cardinal_sine(x: Any) -> Any:
    """sin z / z = cos(z/2) cos(z/4) … sin(w)/w for small w, whose coefficients have no cancellation."""
    z = math.pi * x
    near = np.less(np.abs(z), _FAR_OUT)
    close, away = np.where(near, z, 0.0), np.where(near, _FAR_OUT, z)
    w = close / 2**_HALVINGS
    square, total = w * w, 0.0
    for j in range(_SINC_TERMS, -1, -1):
        total = total * square + (-1) ** j / math.factorial(2 * j + 1)
    for j in range(1, _HALVINGS + 1):
        total = total * np.cos(close / 2**j)
    return np.where(near, total, np.sin(away) / away)


def _by_operands(step: _Step) -> Rule:
    """A product of arrays: the sum over all ways to share k among its factors."""
    equation, moving = step.equation, step.moving

    def rule(k: int) -> list[Any]:
        total = None
        for orders in itertools.product(range(k + 1), repeat=len(moving) - 1):
            shares = [*orders, k - sum(orders)]
            factors = {i: step.operands[i][j] for i, j in zip(moving, shares, strict=True) if j >= 0}
            if len(factors) == len(moving) and all([factor is not None for factor in factors.values()]):
                term = apply(equation.primitive, tuple(_replaced(step.operands, factors)), equation.params)
                total = term if total is None else total + term
        return [total]

    return rule


def _solution(step: _Step) -> Rule:
    """From A y = b: what the rule of the first order says of each pair of coefficients."""
    equation, (a, b), (y,) = step.equation, step.operands, step.results
    push: Any = equation.primitive.push

    def rule(k: int) -> list[Any]:
        parts = [push(1, b[k], y[0], *equation.arguments)] if type(b) is Series and b[k] is not None else []
        pairs = [(a[j], y[k - j]) for j in range(1, k + 1) if a[j] is not None] if type(a) is Series else []
        return [_total([*parts, *(push(0, c, d, *equation.arguments) for c, d in pairs if d is not None)])]

    return rule


def _by_push(step: _Step) -> Rule:
    """A function that is not elementwise: the sum of what its operands give."""
    rules = [_pushed(step, i) for i in step.moving]
    return lambda k: [_total(column) for column in zip(*(rule(k) for rule in rules), strict=True)]


def _pushed(step: _Step, i: int) -> Rule:
    """What operand i gives to each result."""
    equation, u = step.equation, step.operands[i]
    push: Any = equation.primitive.push

    def pushed(t: Any, y: Any, operands: Any) -> list[Any]:
        found = push(i, t, y, *operands, **equation.params)
        return list(found) if len(step.results) > 1 else [found]

    def linear(k: int) -> list[Any]:
        return [None] * len(step.results) if u[k] is None else pushed(u[k], equation.value, equation.arguments)

    if step.order == 1:
        return linear
    rest: Rule | None = None

    def rule(k: int) -> Sequence[Any]:
        nonlocal rest
        if rest is None:  # now that there is a tangent
            rest = _nested(step, i, pushed) or linear
        return rest(k)

    return rule


def _nested(step: _Step, i: int, pushed: Callable[..., list[Any]]) -> Rule | None:
    """From y' = push(u'), by the series of that; None if nothing else than u' moves in it."""
    u, moving = step.operands[i], step.moving
    slope = Series([np.zeros_like(concrete(u[0])) if u[1] is None else u[1]])

    def of_moving(t: Any, *values: Any) -> list[Any]:
        y, others = values[: len(step.results)], values[len(step.results) :]
        return pushed(t, y if len(y) > 1 else y[0], _replaced(step.operands, dict(zip(moving, others, strict=True))))

    inputs = [slope, *step.results, *(step.operands[j] for j in moving)]
    program, _ = trace_flat(of_moving, *(one[0] for one in inputs))
    if _is_linear(program):
        return None
    expansion = _Expansion(step.expansion.number, step.expansion.rounded, step.expansion)
    env = dict(zip(program.inputs, inputs, strict=True))
    outputs = expansion.include_all(program, env, step.order - 1, step.cause)
    _refuse_itself(step, expansion)
    expansion.begin()

    def rule(k: int) -> list[Any]:
        if k > 1:
            slope.append(None if u[k] is None else k * u[k])
            expansion.advance(k - 1)
        rates = [out[k - 1] if type(out) is Series else out if k == 1 else None for out in outputs]
        return [_over(rate, k) for rate in rates]

    return rule


def _is_linear(program: Program) -> bool:
    """Whether outputs move with the first input alone."""
    moving = set(program.inputs[1:])
    for equation in program.equations:
        if _moves(equation.primitive, [type(o) is Variable and o in moving for o in equation.operands]):
            moving.update(equation.results)
    return not any([isinstance(out, Variable) and out in moving for out in program.outputs])


def _refuse_cut(step: _Step) -> None:
    """A partial that is an asymptotic series, or another one with few terms, has no more orders in it."""
    if step.order > _CUT_ORDER and _CUT.fullmatch(step.equation.primitive.name):
        name = step.equation.primitive.name
        raise DiffmagicError(f"the derivatives of {name} are good to order {_CUT_ORDER}", rewrite="a lower order")


def _refuse_itself(step: _Step, expansion: _Expansion) -> None:
    """A rule that calls the function again, on matrices as large, would double at each order."""
    primitive = step.equation.primitive
    sizes = [
        np.shape(concrete(one.operands[one.moving[0]][0]))
        for one in expansion.steps
        if one.equation.primitive is primitive
    ]
    if any(size[-1:] >= np.shape(concrete(step.operands[step.moving[0]][0]))[-1:] for size in sizes):
        raise DiffmagicError(
            f"the series of {primitive.name} has no recurrence here, as its derivative is written in itself",
            rewrite="derivative(f, order), which differentiates one order after the other",
        )
