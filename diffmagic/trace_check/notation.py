"""Mathematics as people write it, and numbers as they print them: ``2√2``, ``sin²(4x)``, ``ln v₋₁``, ``1 + 8/e``."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import short

EXACT = 1e-11
"""The part of a number beyond which digits are not compared."""

_FUNCTIONS = {
    "ln": np.log,
    "tg": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "pow": np.power,
    "max": np.maximum,
    "min": np.minimum,
}
_CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}
_SIGNS = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "÷": "/", "⁄": "/", "√": " sqrt "})
_POWERS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_LATEX = [
    (r"\\left|\\right|\\displaystyle|\\[,;!: ]|\$|`|\\\(|\\\)", " "),
    (r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"((\1)/(\2))"),
    (r"\\(?:mathrm|text|operatorname)\s*\{([^{}]*)\}", r"\1"),
    (r"\\(?:cdot|times)(?![a-z])", "*"),
    (r"_\{([^{}]*)\}", r"_\1"),
    (r"\^\{([^{}]*)\}", r"**(\1)"),
    (r"\\([A-Za-z]+)", r" \1 "),
]
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TOKENS = re.compile(rf"\s*(?:({_NUMBER})|((?:np|numpy|math)\.)?([^\W\d]\w*)|(\*\*|[-+*/(),]))")


def plain(text: str) -> str:
    """Text without typesetting: LaTeX, bold, superscripts and signs as a keyboard has them."""
    text = re.sub(r"\*\*([^*|]+)\*\*(?=\s*$)", r"\1", text.strip()) if text.strip().startswith("**") else text
    text = re.sub(f"[{''.join(_POWERS)}]+", lambda found: f"**({''.join(_POWERS[c] for c in found[0])})", text)
    text = re.sub("[½⅓⅔¼¾⅕⅖⅗⅘⅙⅛]", lambda found: f"({unicodedata.normalize('NFKC', found[0])})", text)
    for _ in range(3):  # one in another
        for pattern, instead in _LATEX:
            text = re.sub(pattern, instead, text)
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    return text.replace("^", "**").replace("{", "(").replace("}", ")").strip()


def known_name(text: str) -> str:
    """A name as it is compared: x₁, x_1, $x_{1}$ and x1 are one, and so are v₋₁ and v-1.

    Examples
    --------
    >>> known_name("v₋₁"), known_name("$x_{1}$"), known_name("grad_w")
    ('v-1', 'x1', 'grad_w')
    """
    name = re.sub(r"\s+", "", plain(text))
    return re.sub(r"_\(?(-?\d+)\)?$", r"\1", name)


def is_name(text: str) -> bool:
    """Whether a text is one name, as in `known_name`."""
    return re.fullmatch(r"[^\W\d]\w*(-\d+)?", known_name(text)) is not None


class Formula(NamedTuple):
    """An expression: the names in it, as they were asked for, what it is for values of these, and its numerals."""

    reads: tuple[str, ...]
    compute: Callable[..., Any]
    literals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is printed.

    Attributes
    ----------
    text : str
    value : float
    unit : float
        What one more in its last digit would be; 0 for whole numbers and formulas, which are meant exactly.
    printed : bool
        Whether it is one numeral, which may be truncated.
    """

    text: str
    value: float
    unit: float = 0.0
    printed: bool = True

    def agrees(self, true: Any, slack: float = 0.0) -> str:
        """``"rounded"``, ``"truncated"``, ``"exact"``, or nothing where the true number does not look like this."""
        true = float(true)
        if not math.isfinite(true) or not math.isfinite(self.value):
            return "exact" if true == self.value or (math.isnan(true) and math.isnan(self.value)) else ""
        off = abs(true - self.value)
        slack += EXACT * max(abs(true), abs(self.value))
        if off <= slack:
            return "exact"
        if off <= (self.unit / 2 if self.printed else self.unit) + slack:
            return "rounded"
        outside = abs(true) >= abs(self.value) and true * self.value >= 0
        return "truncated" if self.printed and outside and off < self.unit else ""

    def shown(self, true: float, digits: int, unit: float = 0.0) -> str:
        """Another number, at the precision of this one, or of its column if this one is whole or a formula."""
        rounded = float(f"{true:.12g}")
        if rounded.is_integer() and abs(rounded) < 1e8 and not (self.printed and self.unit):
            return f"{rounded:.0f}"
        unit = self.unit if self.printed and self.unit else unit
        decimals = -round(math.log10(unit)) if unit and math.isfinite(true) else -1
        if re.search(r"\d[eE]", self.text) or decimals < 0:
            return short(rounded, digits)
        return f"{round(true, decimals) + 0.0:.{decimals}f}"


def number(text: str) -> Number | None:
    """A number that is printed, as a numeral or a formula of numerals; None if the text is something else.

    Raises
    ------
    DiffmagicError
        For a decimal comma.

    Examples
    --------
    >>> number("0.7854")
    Number(text='0.7854', value=0.7854, unit=0.0001, printed=True)
    >>> number("2√2").value
    2.8284271247461903
    """
    text = text.strip()
    bare = plain(re.split(r"[=≈≃→]|\\approx", text)[-1])
    if re.fullmatch(r"[+-]?\d+,\d+", bare):
        raise DiffmagicError(f"{text} has a decimal comma", rewrite=bare.replace(",", "."))
    if re.fullmatch(rf"[+-]?\s*{_NUMBER}", bare):
        return Number(text, float(bare.replace(" ", "")), _unit(bare))
    if re.fullmatch(r"[+-]?\s*(nan|inf|infinity|∞)", bare.lower()):
        return Number(text, float(bare.replace(" ", "").replace("∞", "inf")))
    found = formula(bare, {})
    if found is None or found.reads:
        return None
    try:
        with np.errstate(all="ignore"):
            value, unit = float(found.compute()), 0.0
    except ArithmeticError:  # a division by zero
        return None
    for literal in found.literals:
        if step := _unit(literal):
            moved = formula(bare.replace(literal, f"({literal}+{step!r})", 1), {})
            unit += abs(float(moved.compute()) - value) if moved else 0.0
    return Number(text, value, unit, printed=False)


def _unit(literal: str) -> float:
    """What one more in the last digit is; 0 for a whole number."""
    if not re.search(r"[.eE]", literal):
        return 0.0
    exponent = Decimal(literal.replace(" ", "")).as_tuple().exponent
    return float(Decimal(1).scaleb(int(exponent)))


def formula(text: str, names: Mapping[str, str]) -> Formula | None:
    """An expression in mathematics or Python; None where it cannot be read.

    Parameters
    ----------
    text : str
    names : mapping
        What each name that may stand in it, as `known_name` has it, is.

    Examples
    --------
    >>> found = formula("-2 sin²(4x) + x₁", {"x": "x", "x1": "v"})
    >>> found.reads, float(found.compute(0.0, 1.0))
    (('x', 'v'), 1.0)
    """
    text = plain(text)
    for name, meaning in list(names.items()):
        letter, minus, index = name.partition("-")
        if minus and letter not in names:  # where there is a v, it is v minus 1
            names = {**names, f"{letter}minus{index}": meaning}
            text = re.sub(rf"(?<!\w){letter}_?-{index}(?!\w)", f" {letter}minus{index} ", text)
    try:
        parser = _Parser(text, names)
    except (_UnreadableError, SyntaxError):
        return None
    return Formula(tuple(parser.reads), parser.compute, tuple(parser.literals))


def with_any_names(text: str, known: Mapping[str, str]) -> Formula | None:
    """An expression in which other names may stand too; None for words, which are none."""
    if not re.search(r"[-+*/(^]", plain(text)):
        return None
    words = {known_name(word) for word in re.findall(r"[^\W\d]\w*", plain(text))}
    others = {word: word for word in sorted(words) if word not in _CONSTANTS and _function(word) is None}
    return formula(text, {**others, **known})


def _function(word: str) -> Any:
    """What is called so, if it is a function of numbers."""
    function = _FUNCTIONS.get(word) or getattr(np, word, None)
    return function if word in _FUNCTIONS or isinstance(function, np.ufunc) else None


class _UnreadableError(Exception):
    """What is no expression that we know."""


class _Parser:
    """Recursive descent over the tokens of a formula, into Python."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.names = names
        self.reads: dict[str, str] = {}
        self.scope: dict[str, Any] = {"__builtins__": {}}
        self.literals: list[str] = []
        self.tokens = [*self._tokens(text.rstrip()), ("end", "")]
        source = self.sum()
        if self.kind != "end":
            raise _UnreadableError
        self.code = compile(source, "", "eval")

    def compute(self, *values: Any) -> Any:
        return eval(self.code, self.scope, dict(zip(self.reads.values(), values, strict=True)))

    def _tokens(self, text: str) -> Iterator[tuple[str, str]]:
        position = 0
        while position < len(text):
            found = _TOKENS.match(text, position)
            if found is None:
                raise _UnreadableError
            position = found.end()
            literal, module, word, sign = found.groups()
            if literal:
                self.literals.append(literal)
                yield "number", literal if re.search(r"[.eE]", literal) else f"{int(literal)}"
            elif sign:
                yield sign, sign
            while word:  # all of it if it is known, else what it begins with and the rest: xy, sinx
                ends = range(len(word), 0, -1)
                token, end = next(((t, k) for k in ends if (t := self._known(word[:k], module))), (None, 0))
                word = word[end:].lstrip("_")
                if token is None or word[:1].isdigit():
                    raise _UnreadableError
                yield token

    def _known(self, word: str, module: str | None) -> tuple[str, str] | None:
        name, function = known_name(word), _function(word)
        if name in self.names and not module:
            return "name", self.reads.setdefault(self.names[name], f"v{len(self.reads)}")
        if word in _CONSTANTS:
            return "name", repr(_CONSTANTS[word])
        if function is None:
            return None
        self.scope[f"f_{word}"] = function
        return "function", f"f_{word}"

    @property
    def kind(self) -> str:
        return self.tokens[0][0]

    def next(self, *kinds: str) -> str:
        kind, source = self.tokens.pop(0)
        if kinds and kind not in kinds:
            raise _UnreadableError
        return source

    def sum(self) -> str:
        source = self.product()
        while self.kind in ("+", "-"):
            source += f" {self.next()} {self.product()}"
        return source

    def product(self) -> str:
        source, divided = self.signed(), False
        while self.kind in ("*", "/", "name", "(", "function"):
            if self.kind in ("*", "/"):
                divided = self.kind == "/"
                source += f" {self.next()} {self.signed()}"
            elif divided:
                raise _UnreadableError  # 1/2x can be read in two ways
            else:
                source += f" * {self.power()}"
        return source

    def signed(self) -> str:
        return f"{self.next()}({self.signed()})" if self.kind in ("+", "-") else self.power()

    def power(self) -> str:
        source = self.applied() if self.kind == "function" else self.atom()
        if self.kind != "**":
            return source
        self.next()
        return f"({source}) ** ({self.signed()})"

    def applied(self) -> str:
        """A function and its argument, with or without brackets: sin(x), sin x, sin² x, sin 4x."""
        name, exponent = self.next(), ""
        if self.kind == "**":
            self.next()
            exponent = f" ** ({self.atom()})"
        if self.kind == "(":
            self.next()
            argument = self.sum()
            while self.kind == ",":
                argument += f"{self.next()} {self.sum()}"
            self.next(")")
        else:
            argument = self.signed()
            while self.kind in ("name", "("):
                argument += f" * {self.power()}"
        return f"({name}({argument}){exponent})"

    def atom(self) -> str:
        if self.kind != "(":
            return self.next("number", "name")
        self.next()
        inside = self.sum()
        self.next(")")
        return f"({inside})"
