"""What a traced program's numbers say about its derivative: the first step that lost them, and what to write instead;
kinks; steps and inputs that nothing comes from.

Non-finite numbers are followed from the result, or from the derivative, to the equation whose own numbers were still
finite. A position that was not chosen is not on that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from diffmagic.core.forward import contribution, forward, local_partial
from diffmagic.core.program import Equation, Program, Variable, short
from diffmagic.core.reverse import reverse
from diffmagic.core.structures import flatten
from diffmagic.core.tracing import concrete
from diffmagic.core.zeros import Accumulation, unreached_aside
from diffmagic.labels import component, partial_label
from diffmagic.numerical.sides import one_sided
from diffmagic.results import Derivative, Finding
from diffmagic.rewrites import Place, Surroundings, advice

Masks = dict[Variable, Any]
_BOOLEANS = (bool, np.bool_)
_MOST_KINKS, _MOST_TRIES = 3, 8


@dataclass(frozen=True, slots=True)
class Function:
    """The user's function, from a vector to a vector.

    Attributes
    ----------
    call : callable
    point : ndarray
        Where it was differentiated.
    results : list of str
        What to call the numbers and arrays of its result.
    """

    call: Callable[[Any], Any]
    point: Any
    results: list[str]


def diagnose(found: Derivative, function: Function) -> list[Finding]:
    """Everything there is to say about single steps of a derivative's program.

    Parameters
    ----------
    found : Derivative
        With its program.
    function : Function
        What it is the derivative of. It is called only if something has been found.

    Returns
    -------
    list of Finding
    """
    program = found.program
    assert program is not None
    with np.errstate(all="ignore"):
        diagnosis = _Diagnosis(program, function)
        if not _all_finite(out.value if isinstance(out, Variable) else out for out in program.outputs):
            lost = diagnosis.lost_value()
        elif not _all_finite(leaf for _, leaf in flatten(found.derivative)[0]):
            lost = diagnosis.lost_derivative(found)
        else:
            return [*diagnosis.kinks(), *diagnosis.choices(), *diagnosis.constants()]
        return [lost] if lost else []


def _all_finite(values: Iterable[Any]) -> bool:
    return all(bool(np.all(np.isfinite(concrete(value)))) for value in values)


def _lost(value: Any) -> Any:
    """Where something is not finite."""
    value = concrete(value)
    return ~np.isfinite(value) if np.result_type(value).kind in "fc" else np.zeros(np.shape(value), bool)


class _Diagnosis:
    def __init__(self, program: Program, function: Function) -> None:
        self.program = program
        self.function = function
        self.complex = any(np.iscomplexobj(_value(v)) for v in [*program.inputs, *program.outputs])

    @cached_property
    def around(self) -> Surroundings:
        return Surroundings(self.program)

    # What is not finite.

    def lost_value(self) -> Finding | None:
        """The first equation forwards whose result is not finite."""
        marks: Masks = {}
        for out in self.program.outputs:
            if isinstance(out, Variable) and np.any(_lost(out.value)):
                marks[out] = _lost(out.value)
        culprit = _followed(
            reversed(self.program.equations), reverse, lambda equation: equation.results, _operands, _value, marks
        )
        if culprit is None:
            return self._lost_input(marks)
        equation, _, mask = culprit
        place = self._place(equation, mask)[0]
        reason, rewrite = advice(place)
        foreign = [text for text, operand in zip(place.texts, equation.operands, strict=True) if _is_lost(operand)]
        if foreign:
            reason, rewrite = f"{' and '.join(foreign)} {'is' if foreign[1:] == [] else 'are'} not finite itself", ""
        elif not reason and not np.any(np.isfinite(place.result)):
            reason = "its operands are finite, its result is not"
        return self._finding("value", equation, mask, reason, rewrite, self._sides(equation, mask))

    def _lost_input(self, marks: Masks) -> Finding | None:
        for variable in self.program.inputs:
            mask = _lost(variable.value)
            if variable in marks and np.any(mask):
                name = component(variable.name, variable.shape, int(np.flatnonzero(mask)[0]))
                number = short(np.asarray(concrete(variable.value))[_position(mask)])
                return Finding("value", f"the input {name} is {number} itself")
        return None

    def lost_derivative(self, found: Derivative) -> Finding | None:
        """The first equation, in the direction of the accumulation, that a finite number enters and none leaves."""
        if found.order > 1:
            return self._lost_order(found.order)
        if found.method == "forward":
            return self._lost_tangent(self._tangent_seeds(found))
        return self._lost_cotangent(self._cotangent_seeds(found))

    def _tangent_seeds(self, found: Derivative) -> Masks:
        if found.kind == "tangent":
            return dict(zip(self.program.inputs, [leaf for _, leaf in flatten(found.seed)[0]], strict=True))
        _, _, variable, index = self._first_lost(found)
        return {variable: _basis(variable, index)}

    def _cotangent_seeds(self, found: Derivative) -> Masks:
        if found.kind == "cotangent":
            parts = zip(self.program.outputs, [leaf for _, leaf in flatten(found.seed)[0]], strict=True)
            return {out: part for out, part in parts if isinstance(out, Variable)}
        out, index, _, _ = self._first_lost(found)
        return {out: _basis(out, index)}

    def _first_lost(self, found: Derivative) -> tuple[Variable, tuple[int, ...], Variable, tuple[int, ...]]:
        """An output and an input, and the positions in them, whose derivative is not finite."""
        for number, entry in enumerate(found.entries):
            places = np.argwhere(_lost(entry.value))
            if len(places):
                out = self.program.outputs[number // len(self.program.inputs)]
                variable = self.program.inputs[number % len(self.program.inputs)]
                split = np.ndim(concrete(out.value))
                place = tuple(int(k) for k in places[0])
                return out, place[:split], variable, place[split:]
        raise LookupError

    def _lost_tangent(self, seeds: Masks) -> Finding | None:
        product = unreached_aside(forward, self.program, seeds)
        tangents = forward(self.program, seeds, product)
        marks = {out: _lost(tangents[out]) for out in self.program.outputs if out in tangents}
        culprit = _followed(
            reversed(self.program.equations),
            reverse,
            lambda equation: equation.results,
            _operands,
            lambda variable: tangents.get(variable, 0.0),
            {variable: mask for variable, mask in marks.items() if np.any(mask)},
        )
        if culprit is None:
            return None
        equation, _, mask = culprit
        for i, operand in enumerate(equation.operands):
            tangent = tangents.get(operand) if isinstance(operand, Variable) else None
            if tangent is not None and equation.primitive.partials:
                part = np.broadcast_to(_lost(contribution(equation, i, tangent, operand, product)), mask.shape)
                if np.any(part & mask):
                    return self._lost_partial(equation, part & mask, i, "tangent", tangent)
        return self._lost_partial(equation, mask)

    def _lost_cotangent(self, seeds: Masks) -> Finding | None:
        product = unreached_aside(reverse, self.program, seeds)
        cotangents = reverse(self.program, seeds, product, keep=True)
        marks = {variable: _lost(cotangents[variable]) for variable in self.program.inputs if variable in cotangents}
        marks = {variable: mask for variable, mask in marks.items() if np.any(mask)}

        def contributes(equation: Equation) -> bool:
            """Whether it is this use of a variable, and not another one, that gives it what is not finite."""
            back = {result: cotangents[result] for result in equation.results if result in cotangents}
            parts = reverse(Program([], [equation], []), back, product) if back else {}
            return any(np.any(_lost(part) & marks[v]) for v, part in parts.items() if v in marks)

        culprit = _followed(
            self.program.equations,
            forward,
            _operands,
            lambda equation: equation.results,
            lambda variable: cotangents.get(variable, 0.0),
            marks,
            contributes,
        )
        if culprit is None:
            return None
        equation, lost, mask = culprit
        shape = np.shape(concrete(equation.results[0].value))
        for i, operand in enumerate(equation.operands):
            if operand is lost and equation.primitive.partials:
                g = cotangents[equation.results[0]]
                part = np.broadcast_to(_lost(contribution(equation, i, g, equation.results[0], product)), shape)
                if np.any(part):
                    return self._lost_partial(equation, part, i, "cotangent", g)
        return self._lost_partial(equation, mask)

    def _lost_partial(self, equation: Equation, mask: Any, i: int = 0, carried: str = "", g: Any = None) -> Finding:
        """An equation where the chain rule's product is not finite: what is carried times the partial of operand i."""
        place, texts, _ = self._place(equation, mask)
        reason, rewrite = advice(place)
        chain = ""
        if carried:
            shape, position = np.shape(mask), _position(mask)
            weight, number = (_at(part, shape, position) for part in (local_partial(equation, i), g))
            product = f"{short(number)} × {short(weight)} = {short(number * weight)}"
            chain = f"{carried} × ∂/∂{_bracketed(texts[i])} = {product}"
            reason = reason or f"its {chain}"
        return self._finding("derivative", equation, mask, reason, rewrite, self._sides(equation, mask), chain)

    def _lost_order(self, order: int) -> Finding | None:
        """For a higher order, the last equation that has no finite derivative of that order by itself."""
        from diffmagic.core.transforms import derivative

        for equation in reversed(self.program.equations):
            for i, operand in enumerate(equation.operands):
                if not isinstance(operand, Variable) or not equation.primitive.partials:
                    continue

                def alone(x: Any, equation: Equation = equation, i: int = i) -> Any:
                    operands = list(equation.arguments)
                    operands[i] = x
                    return equation.primitive.function(*operands, **equation.params)

                mask = _lost(derivative(alone, order)(np.float64(1.0) * equation.arguments[i]))
                if np.any(mask):
                    reason = f"it has no finite derivative of order {order} there"
                    return self._finding("derivative", equation, mask, reason, "", "")
        return None

    # What is finite and may still surprise.

    def kinks(self) -> Iterator[Finding]:
        """Kinks that the point lies on, where they show in the result."""
        told: set[tuple[str, str]] = set()
        tries = 0
        for equation in self.program.equations:
            meets = KINKS.get(equation.primitive.name)
            if meets is None:
                continue
            hit = meets(equation.value, *equation.arguments, **equation.params)
            if not (hit if type(hit) in _BOOLEANS else hit.any()):
                continue
            tries += 1
            if tries > _MOST_TRIES or len(told) == _MOST_KINKS:
                return
            mask = np.asarray(hit)
            for variable, index in self._movers(equation, mask):
                said = self._kink(variable, index)
                if said and (equation.location.expression, said) not in told:
                    told.add((equation.location.expression, said))
                    yield self._finding("kink", equation, mask, "", "", said)
                    break

    def _kink(self, variable: Variable, index: tuple[int, ...]) -> str:
        """Both one-sided derivatives, if they differ from each other or from the one that was found."""
        if self.complex:
            return ""
        left, right = self._one_sided(variable, index)
        tangents = forward(self.program, {variable: _basis(variable, index)})
        here = np.concatenate(
            [np.ravel(np.broadcast_to(tangents.get(o, 0.0), np.shape(_value(o)))) for o in self.program.outputs]
        )
        gap = np.maximum(np.abs(right - left), np.maximum(np.abs(here - left), np.abs(here - right)))
        size = np.maximum(np.abs(left), np.abs(right))
        values = np.concatenate([np.ravel(_value(out)) for out in self.program.outputs])
        gap = np.where(np.isnan(gap), 0.0, gap) - 1e-4 * np.where(np.isfinite(size), size, 0.0)
        if not gap.size or np.max(gap - 1e-9 * np.abs(values)) <= 1e-8:
            return ""
        k = int(np.argmax(gap))
        label = self._label(k, variable, index)
        mean = ", their mean," if np.isclose(2 * here[k], left[k] + right[k]) else ""
        given = f"{_side(here[k])}{mean} is given"
        return f"{label} is {_side(left[k])} from the left and {_side(right[k])} from the right; {given}"

    def choices(self) -> Iterator[Finding]:
        """Choices whose other branch is not finite."""
        for equation in self.program.equations:
            if equation.primitive.name != "np.where":
                continue
            chosen, *branches = equation.arguments
            for i, branch in enumerate(branches, start=1):
                if not isinstance(equation.operands[i], Variable) or np.isfinite(branch).all():
                    continue
                mask = _lost(branch) & (np.logical_not(chosen) if i == 1 else np.asarray(chosen, bool))
                if np.any(mask):
                    place, texts, _ = self._place(equation, mask)
                    reason = "np.where does not choose it there, so nothing comes from it"
                    summary = f"{_at_line(equation)}{texts[i]} is {short(place.numbers[i])}: {reason}"
                    operands = ((texts[i], place.numbers[i]),)
                    yield Finding("choice", summary, operands=operands, reason=reason, **self._source(equation))

    def constants(self) -> Iterator[Finding]:
        """Steps between an input and the result that are constant almost everywhere, beside others that are not."""
        flat = [e for e in self.program.equations if not e.primitive.differentiable and e.results[0].dtype.kind != "b"]
        made = {result: equation for equation in self.program.equations for result in equation.results}
        whole = [(_rounded(g.variable, made), g) for g in self.program.guards if type(g.value) is int]
        whole = [(variable, g) for variable, g in whole if variable.dtype.kind == "f"]
        if not flat and not whole:
            return
        needed = _needed(self.program)
        moving = _moving(self.program, needed)
        for equation in flat:
            if equation.results[0] in needed and equation.results[0] in moving:
                reason = "constant almost everywhere: no derivative comes through it"
                text = equation.location.expression or equation.primitive.name
                summary = f"{_at_line(equation)}{text} is {reason}"
                yield Finding("constant", summary, reason=reason, **self._source(equation))
        taken = [(self._called(guard.variable, made), guard.value) for variable, guard in whole if variable in moving]
        for name, value in dict.fromkeys(taken):
            reason = f"{name} is taken as the integer {value}, a constant: no derivative comes through it"
            yield Finding("constant", reason, reason=reason)

    def _called(self, variable: Variable, made: dict[Variable, Equation]) -> str:
        """A value's name, or the expression that made it if it has none."""
        equation = made.get(variable)
        named = equation is None or variable.name or equation.location.target
        return self.around.names[variable] if named or equation is None else equation.location.expression

    # The parts of a finding.

    def _place(self, equation: Equation, mask: Any) -> tuple[Place, list[str], str]:
        """An equation at the first of the marked positions, its operands there, and how many more there are."""
        shape, position = np.shape(mask), _position(mask)
        values = [np.asarray(concrete(value)) for value in equation.arguments]
        result = concrete(equation.results[0].value)
        texts = self.around.written(equation)
        count = int(np.count_nonzero(mask)) - 1
        where = f"and at {count} more position{'s' * (count > 1)} of {np.size(mask)}" if count else ""
        if equation.primitive.partials is not None and np.shape(result) == shape:
            numbers = tuple(_at(value, shape, position) for value in values)
            names = [_element(text, value.shape, position) for text, value in zip(texts, values, strict=True)]
            return Place(equation, self.around, numbers, _at(result, shape, position)), names, where
        result = np.asarray(result)[position] if np.shape(result) == shape else result
        return Place(equation, self.around, tuple(value[()] for value in values), result), texts, ""

    def _source(self, equation: Equation) -> dict[str, Any]:
        location = equation.location
        return {"line": location.line, "source": location.text, "expression": location.expression}

    def _finding(
        self, kind: Any, equation: Equation, mask: Any, reason: str, rewrite: str, numerical: str, chain: str = ""
    ) -> Finding:
        place, texts, where = self._place(equation, mask)
        operands = {
            text: number
            for text, operand, number in zip(texts, equation.operands, place.numbers, strict=True)
            if isinstance(operand, Variable) or np.ndim(operand)
        }
        numbers = ", ".join(f"{text} = {short(number)}" for text, number in operands.items())
        text = equation.location.expression or f"{equation.primitive.name}({', '.join(place.texts)})"
        if kind == "value":
            summary = f"{text} is {short(place.result)} at {numbers}"
        elif kind == "derivative":
            summary = f"the derivative of {text} is not finite at {numbers}"
        else:
            summary = f"{text} {'has a kink' if equation.primitive.differentiable else 'changes'} at {numbers}"
        summary = f"{_at_line(equation)}{summary}{where and f' ({where})'}"
        said = reason or (numerical if kind == "kink" else "")
        summary += f": {said}" if said else ""
        summary += f". Instead: {rewrite}" if rewrite else ""
        return Finding(
            kind,
            summary,
            operands=tuple(operands.items()),
            result=place.result,
            where=where,
            reason=reason,
            chain=chain,
            numerical=numerical,
            rewrite=rewrite,
            **self._source(equation),
        )

    # Differences of the user's function.

    def _movers(self, equation: Equation, mask: Any) -> Iterator[tuple[Variable, tuple[int, ...]]]:
        """An input, and a position in it, that moves the first marked position of an equation."""
        position = _position(mask)
        for operand in _operands(equation):
            operand_mask = np.zeros(operand.shape)
            axis = equation.params.get("axis")
            if operand_mask.shape == np.shape(mask):
                operand_mask[position] = 1.0
            elif isinstance(axis, int) and operand_mask.ndim == np.ndim(mask) + 1:  # one of those that were reduced
                axis %= operand_mask.ndim
                operand_mask[(*position[:axis], 0, *position[axis:])] = 1.0
            else:
                operand_mask[...] = 1.0
            upto = self.program.equations[: self.program.equations.index(equation)]
            before = Program(self.program.inputs, upto, [operand])
            for product in (None, lambda variable, g, partial: g):  # what moves it now, else what can move it
                found = reverse(before, {operand: operand_mask}, product)
                weights = {v: np.abs(np.nan_to_num(found[v])) for v in self.program.inputs if v in found}
                heaviest = max(weights, key=lambda v: float(np.max(weights[v], initial=0.0)), default=None)
                if heaviest is not None and np.any(weights[heaviest] > 0):
                    index = np.unravel_index(int(np.argmax(weights[heaviest])), heaviest.shape)
                    yield heaviest, tuple(int(k) for k in index)
                    break

    def _one_sided(self, variable: Variable, index: tuple[int, ...]) -> tuple[Any, Any]:
        direction = np.concatenate(
            [np.ravel(_basis(v, index) if v is variable else np.zeros(v.shape)) for v in self.program.inputs]
        )
        point = self.function.point
        scale = max(1.0, float(np.abs(point @ direction)))
        sides = one_sided(lambda t: self.function.call(point + t * direction), scale)
        count = sum(np.size(_value(out)) for out in self.program.outputs)
        left, right = (side if np.shape(side) == (count,) else np.full(count, np.nan) for side in sides)
        return left, right

    def _sides(self, equation: Equation, mask: Any) -> str:
        """What differences of the function find where an equation lost its numbers."""
        if self.complex:
            return ""
        for variable, index in self._movers(equation, mask):
            left, right = self._one_sided(variable, index)
            k = int(np.argmax(~(np.isfinite(left) & np.isfinite(right))))
            label = self._label(k, variable, index)
            if np.isnan(left[k]) and np.isnan(right[k]):
                return f"the function is not finite on either side, so there is no difference for {label}"
            if np.isclose(left[k], right[k], 1e-3, 1e-6):
                return f"{label} is {_side(right[k])} from both sides"
            return f"{label} is {_side(left[k])} from the left and {_side(right[k])} from the right"
        return ""

    def _label(self, k: int, variable: Variable, index: tuple[int, ...]) -> str:
        """What the derivative of number k of the result is called."""
        of = ""
        for name, out in zip(self.function.results, self.program.outputs, strict=True):
            shape = np.shape(_value(out))
            if k < np.prod(shape, dtype=int):
                of = component(name, shape, k)
                break
            k -= int(np.prod(shape))
        shape = variable.shape
        return partial_label(
            of, [component(variable.name, shape, int(np.ravel_multi_index(index, shape)) if shape else 0)]
        )


# Following what is not finite.


def _followed(
    equations: Iterable[Equation],
    run: Accumulation,
    near: Callable[[Equation], Iterable[Variable]],
    far: Callable[[Equation], Iterable[Variable]],
    carried: Callable[[Any], Any],
    marks: Masks,
    counts: Callable[[Equation], bool] = lambda equation: True,
) -> tuple[Equation, Variable, Any] | None:
    """The last equation on the way of the marked numbers beyond which they are finite.

    Parameters
    ----------
    equations : iterable of Equation
        In the order in which they are gone through.
    run : callable
        `reverse` to go from results to operands, `forward` for the other way.
    near, far : callable
        What stands on this side of an equation, and on the other.
    carried : callable
        The numbers that are followed, by variable.
    marks : dict of Variable to ndarray of bool
        Where they start.
    counts : callable
        Whether an equation carries them at all.
    """
    culprit = None
    for equation in equations:
        start = {variable: marks[variable] for variable in near(equation) if variable in marks}
        if not start or not equation.primitive.differentiable or not counts(equation):
            continue
        alone = Program([], [equation], list(equation.results))
        options = {"keep": True} if run is reverse else {}
        ones = {variable: mask * 1.0 for variable, mask in start.items()}
        empty = any(np.size(_value(operand)) == 0 for operand in equation.operands)
        reached = {} if empty else run(alone, ones, lambda variable, g, partial: g, **options)
        beyond = {variable: _lost(carried(variable)) for variable in far(equation)}
        found = {variable: mask & np.not_equal(reached.get(variable, 0.0), 0) for variable, mask in beyond.items()}
        if equation.primitive.partials is None and not any(map(np.any, found.values())):
            found = beyond  # a rule may weigh by numbers that happen to be zero
        found = {variable: mask for variable, mask in found.items() if np.any(mask)}
        for variable, mask in found.items():
            marks[variable] = mask | marks.get(variable, False)
        if not found:
            variable, mask = next(iter(start.items()))
            culprit = equation, variable, np.asarray(mask)
    return culprit


def _operands(equation: Equation) -> list[Variable]:
    return [operand for operand in equation.operands if isinstance(operand, Variable)]


def _value(variable: Any) -> Any:
    return concrete(variable.value) if isinstance(variable, Variable) else variable


def _is_lost(operand: Any) -> bool:
    return not isinstance(operand, Variable) and bool(np.any(_lost(operand)))


def _position(mask: Any) -> tuple[int, ...]:
    """The first marked position."""
    return tuple(int(k) for k in np.argwhere(mask)[0])


def _element(text: str, shape: tuple[int, ...], position: tuple[int, ...]) -> str:
    """An operand at a position of the array that it was broadcast to."""
    if not shape or len(shape) > len(position):
        return text
    own = [0 if size == 1 else k for size, k in zip(shape, position[len(position) - len(shape) :], strict=True)]
    return f"{_bracketed(text)}[{', '.join(map(str, own))}]"


def _bracketed(text: str) -> str:
    name, bracket, _ = text.partition("[")
    simple = name.isidentifier() or (name.startswith("(") and name.endswith(")"))
    simple = simple and (not bracket or text.endswith("]"))
    return text if simple else f"({text})"


def _at(value: Any, shape: tuple[int, ...], position: tuple[int, ...]) -> Any:
    return np.broadcast_to(value, shape)[position]


def _basis(variable: Variable, index: tuple[int, ...]) -> Any:
    basis = np.zeros(variable.shape, np.result_type(variable.dtype, np.float32))
    basis[index] = 1.0
    return basis if variable.shape else basis.item()


def _at_line(equation: Equation) -> str:
    line = equation.location.line
    return f"line {line}: " if line else ""


def _side(slope: Any) -> str:
    return "undefined" if np.isnan(slope) else short(float(np.round(slope, 9)) + 0.0, 4)


# Kinks: where each operation has one.


def _tied(y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    hit = np.equal(x, y if keepdims or axis is None else np.expand_dims(y, axis))
    return hit & (np.sum(hit, axis=axis, keepdims=True) > 1)


def _zero_result(y: Any, *operands: Any, **params: Any) -> Any:
    return np.equal(y, 0)


def _equal_operands(y: Any, a: Any, b: Any) -> Any:
    return np.equal(a, b)


def _tied_order(y: Any, x: Any, axis: Any = -1, **options: Any) -> Any:
    """Where neighbours in the order of a sort are equal."""
    if np.size(x) < 2:
        return False
    ordered = np.take_along_axis(x, y, axis)
    return np.equal(ordered, np.roll(ordered, 1, axis)) & (np.shape(x)[axis] > 1)


KINKS: Mapping[str, Callable[..., Any]] = {
    "np.absolute": _zero_result,
    "np.fabs": _zero_result,
    "np.hypot": _zero_result,
    "np.linalg.norm": _zero_result,
    "np.linalg.vector_norm": _zero_result,
    "np.std": _zero_result,
    "np.cbrt": _zero_result,
    **dict.fromkeys(["np.maximum", "np.minimum", "np.fmax", "np.fmin"], _equal_operands),
    **dict.fromkeys(["np.greater", "np.greater_equal", "np.less", "np.less_equal", "np.equal"], _equal_operands),
    "np.clip": lambda y, x, low, high: np.equal(x, low) | np.equal(x, high),
    "np.max": _tied,
    "np.min": _tied,
    "np.argmax": lambda y, x, axis=None, **options: _tied(np.max(x, axis=axis), x, axis),
    "np.argmin": lambda y, x, axis=None, **options: _tied(np.min(x, axis=axis), x, axis),
    "np.argsort": _tied_order,
}


# Inputs and steps that nothing comes from.


def _rounded(variable: Variable, made: dict[Variable, Equation]) -> Variable:
    """What an integer was before a function such as `math.floor` made it one."""
    equation = made.get(variable)
    if equation is None or equation.primitive.differentiable or variable.dtype.kind == "f":
        return variable
    return next((operand for operand in equation.operands if isinstance(operand, Variable)), variable)


def _needed(program: Program) -> set[Variable]:
    """The variables that the result depends on, other than through steps that are constant almost everywhere."""
    needed = {out for out in program.outputs if isinstance(out, Variable)}
    for equation in reversed(program.equations):
        if equation.primitive.differentiable and not needed.isdisjoint(equation.results):
            needed.update(_operands(equation))
    return needed


def _moving(program: Program, needed: set[Variable]) -> set[Variable]:
    """The variables that depend on an input which matters."""
    moving = needed.intersection(program.inputs)
    for equation in program.equations:
        if any(operand in moving for operand in _operands(equation)):
            moving.update(equation.results)
    return moving


def _hidden(program: Program) -> dict[str, list[str]]:
    """The inputs whose derivative is zero by the shape of the program, by the step that hides them, if one does."""
    needed = _needed(program)
    steps = {out: "" for out in program.outputs if isinstance(out, Variable)}
    for equation in reversed(program.equations):
        behind = [steps[result] for result in equation.results if result in steps]
        if behind:
            step = behind[0] if equation.primitive.differentiable else equation.primitive.name
            for operand in _operands(equation):
                steps.setdefault(operand, step)
    hidden: dict[str, list[str]] = {}
    for variable in program.inputs:
        if variable not in needed:
            hidden.setdefault(steps.get(variable, ""), []).append(variable.name)
    return hidden


def remarks(program: Program) -> list[str]:
    """Notes about inputs: those whose derivative is zero by the shape of the program, and those of few digits."""
    notes = [_zero_note(names, step) for step, names in _hidden(program).items()]
    small = [variable.name for variable in program.inputs if variable.dtype in (np.float16, np.float32)]
    if small:
        digits = min(np.finfo(variable.dtype).precision for variable in program.inputs if variable.name in small)
        kinds = " and ".join(sorted({str(variable.dtype) for variable in program.inputs if variable.name in small}))
        notes.append(f"{_listed(small)} {'is' if len(small) == 1 else 'are'} {kinds}, so about {digits} digits count")
    return notes


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]}, … {names[-1]} ({len(names)} inputs)"


def _zero_note(names: list[str], step: str) -> str:
    """Why these inputs have no influence: none at all, or only through a step that is constant."""
    depends = f"depends on {_listed(names)} only through {step}, which is constant almost everywhere"
    if not step:
        depends = f"does not depend on {_listed(names)}"
    return f"the result {depends}: {'its derivative is' if len(names) == 1 else 'their derivatives are'} 0"
