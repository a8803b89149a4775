"""Known ways to lose a number, and what to write instead: a table from an operation to small functions that recognise
what stands around it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.program import Equation, Program, Variable, short

Advice = tuple[str, str]
"""A reason and a rewrite; empty where there is none."""

_SQUARES = "np.power np.square np.multiply"
_MODULES = {"np", "numpy", "math", "scipy", "special"}


class Surroundings:
    """What makes the operands of an equation, and what uses its result."""

    def __init__(self, program: Program) -> None:
        self.names = program.names()
        self._made = {result: equation for equation in program.equations for result in equation.results}
        self._users: dict[Variable, list[Equation]] = {}
        for equation in program.equations:
            for operand in equation.operands:
                if isinstance(operand, Variable):
                    self._users.setdefault(operand, []).append(equation)

    def maker(self, operand: Any, *names: str) -> Equation | None:
        """The equation that an operand comes from, through operations of these names, the last one first."""
        equation = None
        for name in names:
            equation = self._made.get(operand)
            if equation is None or equation.primitive.name not in name.split():
                return None
            operand = equation.operands[0]
        return equation

    def user(self, equation: Equation, *names: str) -> Equation | None:
        """The equation that a result goes to, through operations of these names."""
        found: Equation | None = equation
        for name in names:
            users = self._users.get(found.results[0], []) if found else []
            found = next((each for each in users if each.primitive.name in name.split()), None)
        return found

    def written(self, equation: Equation) -> list[str]:
        """An equation's operands as the user wrote them; by their names where the source does not show them."""
        shown = _parts(equation.location.expression)
        if len(shown) >= len(equation.operands):
            return shown[: len(equation.operands)]
        return [self.names[o] if isinstance(o, Variable) else short(o) for o in equation.operands]


def _parts(expression: str) -> list[str]:
    try:
        node = ast.parse(expression, mode="eval").body
    except SyntaxError:
        return []
    parts: list[ast.expr] = []
    match node:
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.UnaryOp(operand=operand):
            parts = [operand]
        case ast.Compare(left=left, comparators=[right]):
            parts = [left, right]
        case ast.Call(func=ast.Attribute(value=owner), args=args) if _root(owner) not in _MODULES:
            parts = [owner, *args]
        case ast.Call(args=args):
            parts = args
    return [ast.get_source_segment(expression, part) or ast.unparse(part) for part in parts]


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_number(operand: Any, number: float) -> bool:
    """Whether an operand is that constant."""
    return short(operand) in (str(number), f"{number}.0")


def _is_square(equation: Equation | None) -> bool:
    if equation is None:
        return False
    name, operands = equation.primitive.name, equation.operands
    if name == "np.multiply":
        return operands[0] is operands[1]
    return name == "np.square" or (name == "np.power" and _is_number(operands[1], 2))


@dataclass(frozen=True, slots=True)
class Place:
    """An equation at one position of its arrays.

    Attributes
    ----------
    equation : Equation
    around : Surroundings
    numbers : tuple
        Its operands there; whole arrays where the operation is not elementwise.
    result : object
        Its result there.
    """

    equation: Equation
    around: Surroundings
    numbers: tuple[Any, ...]
    result: Any

    @property
    def texts(self) -> list[str]:
        return self.around.written(self.equation)

    def maker(self, i: int, *names: str) -> Equation | None:
        return self.around.maker(self.equation.operands[i], *names)

    def user(self, *names: str) -> Equation | None:
        return self.around.user(self.equation, *names)


Pattern = Callable[[Place], Advice | None]


def advice(place: Place) -> Advice:
    """Why numbers are lost at a place, and what to write instead, as far as that is known."""
    for pattern in PATTERNS.get(place.equation.primitive.name, ()):
        found = pattern(place)
        if found:
            return found
    return "", ""


# Exponentials.


def _softplus(at: Place) -> Advice | None:
    total = at.user("np.add")
    if not np.isinf(at.result) or not (at.user("np.log1p") or (total and at.user("np.add", "np.log"))):
        return None
    other = "0"
    if total:
        k = 1 if at.equation.results[0] is total.operands[0] else 0
        made = at.around.maker(total.operands[k], "np.exp")
        text = at.around.written(total)[k]
        other = at.around.written(made)[0] if made else "0" if text in ("1", "1.0") else f"np.log({text})"
    return _overflow(at), f"np.logaddexp({other}, {at.texts[0]})"


def _softmax(at: Place) -> Advice | None:
    if not np.isinf(at.result):
        return None
    x = at.texts[0]
    quotient = at.user("np.divide") or at.user("np.sum", "np.divide")
    total = at.user("np.sum") or (quotient and at.around.maker(quotient.operands[1], "np.sum"))
    if not total or not at.around.maker(total.operands[0], "np.exp"):
        return None
    axis = total.params.get("axis")
    largest = f"np.max({x})" if axis is None else f"np.max({x}, axis={axis}, keepdims=True)"
    if quotient:
        return _overflow(at), f"np.exp({x} - {largest}), above and below the line"
    if at.user("np.sum", "np.log"):
        again = largest.replace(", keepdims=True", "")
        sum_ = f"np.sum(np.exp({x} - {largest}){'' if axis is None else f', axis={axis}'})"
        return _overflow(at), f"{again} + np.log({sum_})"
    return None


def _sigmoid(at: Place) -> Advice | None:
    total, quotient = at.user("np.add"), at.user("np.add", "np.divide")
    if not np.isinf(at.result) or not total or not quotient or quotient.operands[1] is not total.results[0]:
        return None
    if not any(_is_number(operand, 1) for operand in total.operands):
        return None
    factor = "" if _is_number(quotient.operands[0], 1) else f"{at.around.written(quotient)[0]} * "
    return _overflow(at), f"{factor}np.exp(-np.logaddexp(0, {at.texts[0]})), or with scipy.special.expit"


def _tanh(at: Place) -> Advice | None:
    quotient = at.user("np.subtract", "np.divide")
    if not np.isinf(at.result) or not quotient or not at.around.maker(quotient.operands[1], "np.add", "np.exp"):
        return None
    return _overflow(at), "np.tanh"


def _exp(at: Place) -> Advice | None:
    return (_overflow(at), "") if np.isinf(at.result) else None


def _overflow(at: Place) -> str:
    name = at.equation.primitive.name.removeprefix("np.")
    largest = np.finfo(np.result_type(at.result)).max
    inverse = {"exp": np.log, "expm1": np.log, "exp2": np.log2, "sinh": np.arcsinh, "cosh": np.arccosh}[name]
    return f"{name} overflows above {short(float(inverse(largest)), 5)}"


# Logarithms and roots.


def _xlogx(at: Place) -> Advice | None:
    product = at.user("np.multiply")
    if at.numbers[0] != 0 or not product or not np.any(np.isnan(product.results[0].value)):
        return None
    other = 1 if product.operands[0] is at.equation.results[0] else 0
    factor, x = at.around.written(product)[other], at.texts[0]
    instead = f"scipy.special.xlogy({factor}, {x})"
    if factor == x:
        instead += f", or np.where({x} > 0, {x}, 0) * np.log(np.where({x} > 0, {x}, 1))"
    return "zero times the logarithm of zero is not defined, although its limit is 0", instead


def _log_of_product(at: Place) -> Advice | None:
    made = at.maker(0, "np.prod")
    if at.numbers[0] != 0 or not made:
        return None
    return "the product underflows to 0", f"np.sum(np.log({at.around.written(made)[0]}){_axis(made)})"


def _log_of_softmax(at: Place) -> Advice | None:
    quotient, made = at.maker(0, "np.divide"), at.maker(0, "np.divide", "np.exp")
    if at.numbers[0] != 0 or not quotient or not made:
        return None
    if not at.around.maker(quotient.operands[1], "np.sum", "np.exp"):
        return None
    x = at.around.written(made)[0]
    return "exp underflows to 0", f"{x} - np.max({x}) - np.log(np.sum(np.exp({x} - np.max({x}))))"


def _log(at: Place) -> Advice | None:
    x, number = at.texts[0], at.numbers[0] + (at.equation.primitive.name == "np.log1p")
    name = at.equation.primitive.name
    if number == 0:
        floor = "-1" if name == "np.log1p" else "0"
        return f"the logarithm of 0 is -inf: keep {x} above {floor}", f"{name}({x} + tiny), tiny being your choice"
    if np.isreal(number) and number < 0:
        return "a negative number has no real logarithm", f"{name}(np.abs({x})), or a complex {x}, if that is meant"
    return None


def _axis(equation: Equation) -> str:
    return f", axis={equation.params['axis']}" if "axis" in equation.params else ""


def _norm(at: Place) -> Advice | None:
    if at.numbers[0] != 0 or (at.equation.primitive.name == "np.power" and at.numbers[1] != 0.5):
        return None
    reason, there = "the square root has no finite slope at 0", "whose derivative there is 0"
    total = at.maker(0, "np.sum np.mean np.var np.add np.dot np.matmul np.vdot np.inner")
    if not total:
        return None
    parts = [at.around.maker(operand, _SQUARES) for operand in total.operands]
    written = [at.around.written(part)[0] for part in parts if part is not None and _is_square(part)]
    name = total.primitive.name
    if name == "np.sum" and written:
        return reason, f"np.linalg.norm({written[0]}{_axis(total)}), {there}"
    if name == "np.add" and len(written) == 2:
        return reason, f"np.hypot({written[0]}, {written[1]}), {there}"
    if name == "np.var" or (name == "np.mean" and at.maker(0, "np.mean", _SQUARES, "np.subtract") and written):
        centred = at.around.maker(total.operands[0], _SQUARES, "np.subtract")
        x = at.around.written(centred or total)[0]
        return f"{reason}: all elements are equal", f"np.std({x}{_axis(total)}), {there}"
    if name in ("np.dot", "np.matmul", "np.vdot", "np.inner") and total.operands[0] is total.operands[1]:
        return reason, f"np.linalg.norm({at.around.written(total)[0]}), {there}"
    return None


def _root_squared(at: Place) -> Advice | None:
    if at.numbers[0] != 0 or not _is_square(at.user(_SQUARES)):
        return None
    return "a computed zero times an infinite slope is not a number", f"{at.texts[0]}, without the root and its square"


def _square_root(at: Place) -> Advice | None:
    x, number = at.texts[0], at.numbers[0]
    if number == 0:
        safe = f"np.where({x} > 0, np.sqrt(np.where({x} > 0, {x}, 1)), 0)"
        return "the square root has no finite slope at 0", f"{safe} if the derivative at 0 is to be 0"
    if np.isreal(number) and number < 0:
        return "a negative number has no real square root", f"np.sqrt(np.maximum({x}, 0)) if it is below 0 by round-off"
    return None


# Quotients and powers.


def _sinc(at: Place) -> Advice | None:
    sine = at.maker(0, "np.sin")
    if not sine or sine.operands[0] is not at.equation.operands[1]:
        return None
    return "0/0 has no value, although the limit is 1", f"np.sinc({at.texts[1]} / np.pi)"


def _quotient(at: Place) -> Advice | None:
    (above, below), (a, b) = at.numbers, at.texts
    if below != 0:
        return None
    if np.isnan(above):
        return None
    if above == 0:
        return "0/0 has no value", f"np.where({b} != 0, {a} / np.where({b} != 0, {b}, 1), limit)"
    return "a number divided by 0 is infinite", f"keep {b} away from 0"


def _negative_base(at: Place) -> Advice | None:
    base, exponent = at.numbers
    a, b = at.texts
    if not (np.isreal(base) and base < 0) or exponent == np.round(exponent):
        return None
    third = np.isclose(exponent, 1 / 3)
    return (
        "a negative number has no real power with a fractional exponent",
        f"np.cbrt({a})" if third else f"np.sign({a}) * np.abs({a}) ** {_bracketed(b)}, if that is meant",
    )


def _power_at_zero(at: Place) -> Advice | None:
    base, exponent = at.numbers
    a, b = at.texts
    if base != 0 or not np.isreal(exponent) or exponent >= 1:
        return None
    if exponent < 0:
        return "a negative power of 0 is infinite", f"keep {a} away from 0"
    safe = f"np.where({a} > 0, np.where({a} > 0, {a}, 1) ** {_bracketed(b)}, 0)"
    return "a power below 1 has no finite slope at 0", f"{safe} if the derivative at 0 is to be 0"


def _bracketed(text: str) -> str:
    return text if text.replace(".", "").isalnum() or text.startswith("(") else f"({text})"


def _inverse(low: float, high: float) -> Pattern:
    """For a function that is defined from `low` to `high`, with infinite slope at the ends."""

    def pattern(at: Place) -> Advice | None:
        x, number, name = at.texts[0], at.numbers[0], at.equation.primitive.name
        if np.iscomplexobj(number) or low < number < high:
            return None
        inside = f"{name}(np.clip({x}, {short(low)}, {'None' if high == np.inf else short(high)}))"
        if number < low or number > high:
            bounds = f"from {short(low)} to {short(high)}" if high < np.inf else f"from {short(low)} upwards"
            outside = short(float(max(low - number, number - high)), 2)
            reason = f"{name.removeprefix('np.')} is defined {bounds}, and this is outside by {outside}"
            return reason, f"{inside} if that is round-off"
        return f"{name.removeprefix('np.')} has no finite slope at {short(float(number))}", f"keep {x} inside"

    return pattern


def _too_large(at: Place) -> Advice | None:
    finite = all(bool(np.all(np.isfinite(number))) for number in at.numbers)
    if not finite or not np.any(np.isinf(at.result)):
        return None
    if _is_square(at.equation) and (at.user("np.sqrt") or at.user("np.add np.sum", "np.sqrt")):
        return "the square overflows", "np.hypot(a, b), or np.linalg.norm(x)"
    largest = np.finfo(np.result_type(at.result)).max
    return f"it overflows above {short(float(largest), 2)}", "work with logarithms, or with smaller units"


_roots = (_norm, _root_squared, _square_root)
_logarithms = (_xlogx, _log_of_product, _log_of_softmax, _log)

PATTERNS: dict[str, tuple[Pattern, ...]] = {
    "np.exp": (_softplus, _softmax, _tanh, _sigmoid, _exp),
    "np.expm1": (_exp,),
    "np.exp2": (_exp,),
    "np.sinh": (_exp,),
    "np.cosh": (_exp,),
    "np.log": _logarithms,
    "np.log2": _logarithms,
    "np.log10": _logarithms,
    "np.log1p": (_log,),
    "np.sqrt": _roots,
    "np.divide": (_sinc, _quotient, _too_large),
    "np.power": (_negative_base, _norm, _power_at_zero, _too_large),
    "np.arccos": (_inverse(-1.0, 1.0),),
    "np.arcsin": (_inverse(-1.0, 1.0),),
    "np.arctanh": (_inverse(-1.0, 1.0),),
    "np.arccosh": (_inverse(1.0, np.inf),),
    "np.multiply": (_too_large,),
    "np.square": (_too_large,),
    "np.add": (_too_large,),
    "np.sum": (_too_large,),
    "np.prod": (_too_large,),
}
"""By the name of an operation, the patterns that are tried, in this order."""
