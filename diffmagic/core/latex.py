"""Names, numbers, equations and programs as LaTeX, for amsmath and for MathJax alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diffmagic.core.notation import Notation
from diffmagic.core.primitives import Primitive
from diffmagic.core.program import Equation, Program, Variable, short
from diffmagic.core.written import ATOM, BINDING, COMPARE, POWER, TIMES, UNARY, Written, key_text

_GREEK = frozenset(
    re.findall(
        r"\w+",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
        "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
    )
)
_SPELT = {"lamda": "lambda", "final sigma": "varsigma"}  # as Unicode calls them
_NAME = re.compile(r"([^\W\d_](?:\w*[^\W\d_])?)((?:_?\d+)*)_*([\[.].*)?", re.DOTALL)
_SPECIAL = {c: rf"\{c}" for c in "_#$%&{}"} | {"^": r"\wedge", "~": r"\sim", "\\": r"\backslash", "|": r"\vert"}
_EXPONENT = re.compile(r"(\d)e([+-]?)0*(\d+)")
_PLAIN = re.compile(r"[\d\s,.+\-=×()\[\]…∞]*")


def symbol(name: str) -> str:
    """A variable's name: numbers at its end become an index, and a short word after an underscore, too.

    Examples
    --------
    >>> print(symbol("x1"), symbol("alpha_0"), symbol("grad_w"), symbol("learning_rate"), symbol("A[0, 1]"))
    x_{1} \\alpha_{0} \\mathrm{grad}_{w} \\mathrm{learning\\_rate} A[0, 1]
    """
    match = _NAME.fullmatch(name)
    if not match:
        return words(name)
    stem, numbers, rest = match.groups(default="")
    base, *index = stem.split("_")
    long = len(index) > 1 or any(len(part) > (1 if _letters(base).startswith(r"\m") else 4) for part in index)
    if long or not all(part.isalpha() for part in (base, *index)):
        base, index = stem, []
    index = [*map(_letters, index), *re.findall(r"\d+", numbers)]
    return _letters(base) + (f"_{{{','.join(index)}}}" if index else "") + as_it_is(rest)


def _letters(part: str) -> str:
    """A word as one symbol."""
    if part in _GREEK:
        return rf"\{part}"
    if part.isascii():
        return part if len(part) == 1 else rf"\mathrm{{{_escaped(part)}}}"
    called = unicodedata.name(part, "").lower() if len(part) == 1 else ""
    if match := re.fullmatch(r"greek (small|capital) letter (.+)", called):
        name = _SPELT.get(match[2], match[2])
        name = name if match[1] == "small" else name.capitalize()
        if name in _GREEK or name == "varsigma":
            return rf"\{name}"
    return words(part)


def as_it_is(text: str) -> str:
    """Numbers and brackets stay mathematics; anything else is upright."""
    return text if _PLAIN.fullmatch(text) else words(text)


def words(text: str) -> str:
    """Any text upright, as it is."""
    parts = re.split(r"([_#$%&{}^~\\|])", text)
    return "".join(_SPECIAL.get(part) or rf"\text{{{part}}}" for part in parts if part)


def number(text: str) -> Written:
    """A value as `short` writes it.

    Examples
    --------
    >>> print(number("-1.5e-07").text, number("inf").text, number("(1.0-2.0j)").text)
    -1.5 \\cdot 10^{-7} \\infty (1.0-2.0\\mathrm{i})
    """
    found, exponents = _EXPONENT.subn(lambda m: rf"{m[1]} \cdot 10^{{{m[2].strip('+')}{m[3]}}}", text)
    found = re.sub(r"\binf\b", "∞", found).replace("j)", "∞i)")
    if not _PLAIN.fullmatch(re.sub(r"\\cdot|[{}^]|∞i", "", found)):
        return Written(words(text))
    found = found.replace("∞i", r"\mathrm{i}").replace("∞", r"\infty").replace("×", r"\times ").replace("…", r"\dots")
    alone = not text.startswith(("(", "["))
    return Written(found, TIMES if exponents and alone else UNARY if text.startswith("-") else ATOM)


def typeset(equation: Equation, operands: Sequence[Written], constant: Callable[[Any], str]) -> Written:
    """An equation's right side, as `written` gives it in Python.

    Examples
    --------
    >>> import numpy as np, diffmagic
    >>> (equation,) = diffmagic.trace(lambda a, b: a / b, 2.0, 3.0).equations
    >>> print(typeset(equation, [Written("v_{1}"), Written("1 + x")], repr).text)
    \\frac{v_{1}}{1 + x}
    """
    primitive, params = equation.primitive, equation.params
    tail = primitive.name.rpartition(".")[2]
    if primitive.symbol in ("[]", "[]="):
        *new, array = operands
        place = f"{_within(array, ATOM)}[{as_it_is(key_text(params['key'], constant))}]"
        return Written(rf"{place} \leftarrow {new[0].text}", COMPARE) if new else Written(place)
    if primitive.symbol:
        return _operator(primitive.symbol, *operands)
    if tail in _SHAPES and not params and _is_known(primitive):
        return _SHAPES[tail](*operands)
    head = _HEADS.get(tail) if _is_known(primitive) else None
    inside = [operand.text for operand in operands]
    if primitive.name == "np.astype":
        return Written(rf"\operatorname{{{np.dtype(params['dtype']).name}}}" + _brackets(inside[0]), POWER)
    if "call" in params:
        inside = [" ".join(params["call"].written(inside).split())]  # large arrays are written in several lines
    else:
        inside += [words(f"{key}={value!r}") for key, value in params.items()]
    return Written((head or rf"\operatorname{{{_escaped(tail)}}}") + _brackets(", ".join(inside)), POWER)


def _is_known(primitive: Primitive) -> bool:
    """Whether its name means what it says: users' own rules have names of their own."""
    home = primitive.name.rpartition(".")[0]
    return home in ("np", "np.linalg", "math", "cmath", "scipy.special", "scipy.linalg") or primitive.name in _PRIVATE


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _brackets(text: str) -> str:
    """In round brackets, as tall as needed."""
    return rf"\left({text}\right)" if re.search(r"\\(frac|left|begin|sqrt)", text) else f"({text})"


def _within(operand: Written, binding: int, *, first: bool = True) -> str:
    """As an operand of what binds so strongly; a sign is bracketed unless it comes first."""
    fits = operand.binding >= binding and (first or not operand.text.startswith("-"))
    return operand.text if fits else _brackets(operand.text)


_SIGNS = {
    "*": r"\cdot",
    "@": r"\,",
    "%": r"\bmod",
    ">=": r"\geq",
    "<=": r"\leq",
    "==": "=",
    "!=": r"\ne",
    "&": r"\wedge",
    "|": r"\vee",
    "^": r"\oplus",
    "<<": r"\ll",
    ">>": r"\gg",
}


def _operator(sign: str, *operands: Written) -> Written:
    if len(operands) == 1:
        shown = r"\neg " if sign == "~" else sign
        return Written(shown + _within(operands[0], UNARY, first=False), UNARY)
    a, b = operands
    if sign == "/":
        return _fraction(a, b)
    if sign == "**":
        return _power(a, b)
    if sign == "//":
        return Written(rf"\left\lfloor {_fraction(a, b).text} \right\rfloor")
    binding = BINDING[sign]
    left, right = _within(a, binding + (binding == COMPARE)), _within(b, binding + 1, first=False)
    return Written(f"{left} {_SIGNS.get(sign, sign)} {right}", binding)


def _fraction(a: Written, b: Written) -> Written:
    if a.text.startswith("-") and a.binding >= UNARY:
        return Written(rf"-\frac{{{a.text[1:]}}}{{{b.text}}}", UNARY)
    return Written(rf"\frac{{{a.text}}}{{{b.text}}}", POWER)


def _power(a: Written, b: Written) -> Written:
    return Written(f"{_within(a, ATOM)}^{{{b.text}}}", POWER)


def _sum(a: Written, b: Written) -> Written:
    return _operator("+", a, b)


def _root(*legs: Written) -> Written:
    squares = " + ".join(_power(leg, _TWO).text for leg in legs)
    return Written(rf"\sqrt{{{squares}}}")


def _between(left: str, right: str) -> Callable[[Written], Written]:
    return lambda x: Written(rf"\left{left} {x.text} \right{right}")


def _choice(condition: Written, a: Written, b: Written) -> Written:
    rows = rf"{a.text} & \text{{if }} {condition.text} \\ {b.text} & \text{{otherwise}}"
    return Written(rf"\begin{{cases}} {rows} \end{{cases}}")


def _call(head: str) -> Callable[[Written], Written]:
    return lambda x: Written(head + _brackets(x.text), POWER)


_ONE, _TWO, _TEN, _E, _LN = Written("1"), Written("2"), Written("10"), Written("e"), _call(r"\ln")

_SHAPES: dict[str, Callable[..., Written]] = {
    "positive": lambda x: x,
    "float": lambda x: x,
    "exp": lambda x: _power(_E, x),
    "exp2": lambda x: _power(_TWO, x),
    "exp10": lambda x: _power(_TEN, x),
    "expm1": lambda x: _operator("-", _power(_E, x), _ONE),
    "log1p": lambda x: _LN(_sum(_ONE, x)),
    "logaddexp": lambda a, b: _LN(_sum(_power(_E, a), _power(_E, b))),
    "sqrt": lambda x: Written(rf"\sqrt{{{x.text}}}"),
    "cbrt": lambda x: Written(rf"\sqrt[3]{{{x.text}}}"),
    "hypot": _root,
    "square": lambda x: _power(x, _TWO),
    "power": _power,
    "float_power": _power,
    "reciprocal": lambda x: _fraction(_ONE, x),
    "conjugate": lambda x: Written(rf"\overline{{{x.text}}}"),
    "transpose": lambda x: Written(rf"{_within(x, ATOM)}^{{\mathsf{{T}}}}", POWER),
    "inv": lambda x: _power(x, Written("-1")),
    "norm": _between(r"\Vert", r"\Vert"),
    "floor": _between(r"\lfloor", r"\rfloor"),
    "ceil": _between(r"\lceil", r"\rceil"),
    **dict.fromkeys(["absolute", "fabs"], _between(r"\vert", r"\vert")),
    **dict.fromkeys(["matmul", "dot"], lambda a, b: _operator("@", a, b)),
    "where": _choice,
}
"""Functions that are not written as a name with brackets."""

_HEADS = {
    **{name: rf"\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "det")},
    **{name: rf"\arc{name[-3:]}" for name in ("arcsin", "arccos", "arctan", "asin", "acos", "atan")},
    **dict.fromkeys(["maximum", "fmax"], r"\max"),
    **dict.fromkeys(["minimum", "fmin"], r"\min"),
    "log": r"\ln",
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
    "angle": r"\arg",
    "sech2": r"\operatorname{sech}^{2}",
    "gamma": r"\Gamma",
    "psi": r"\psi",
    **dict.fromkeys(["expit", "sigmoid"], r"\sigma"),
}
"""Functions whose name LaTeX writes otherwise than upright."""

_PRIVATE = ("sech2", "sigmoid", "float")


LATEX = Notation(typeset, number, number, lambda name: Written(symbol(name)))


def to_latex(program: Program, digits: int = 8) -> str:
    """A program's steps, operations and values as an array to stand in a formula."""
    rows = [f"{_escaped(step)} & {left} & {value}" for step, left, _, value in _steps(program, digits)]
    head = r"\text{step} & \text{operation} & \text{value}"
    return "\n".join([r"\begin{array}{rll}", rf"{head} \\ \hline", *(rf"{row} \\" for row in rows), r"\end{array}"])


def to_markdown(program: Program, digits: int = 8) -> str:
    """A program's steps, operations and values as a table."""
    rows = [f"| {step} | ${left}$ | {text} |" for step, left, text, _ in _steps(program, digits)]
    return "\n".join(["| step | operation | value |", "| ---: | :--- | :--- |", *rows])


def _steps(program: Program, digits: int) -> list[tuple[str, str, str, str]]:
    """Of each step its number, what it does, and its value as text and in LaTeX."""
    names = program.names()
    rows = [("", symbol(names[v]), v.value) for v in program.inputs]
    for step, equation in enumerate(program.equations, start=1):
        left = ", ".join(symbol(names[v]) for v in equation.results)
        rows.append((str(step), f"{left} = {right_side(equation, names, digits)}", equation.value))
    texts = [short(value[()] if isinstance(value, np.ndarray) else value, digits) for *_, value in rows]
    return [(step, left, text, number(text).text) for (step, left, _), text in zip(rows, texts, strict=True)]


def right_side(equation: Equation, names: Mapping[Variable, str], digits: int = 8) -> str:
    """What an equation computes, in symbols."""

    def constant(value: Any) -> str:
        return short(value, digits)

    operands = [LATEX.name(names[o]) if isinstance(o, Variable) else number(constant(o)) for o in equation.operands]
    return typeset(equation, operands, constant).text
