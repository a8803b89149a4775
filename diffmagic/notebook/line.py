"""The line of a magic: inputs, options and a subject, read without IPython's own splitting.

``w=0.5, x=np.ones(3) --trace -o d`` has two inputs and two options. Blanks or commas stand between inputs; brackets and
quotes are respected, and an expression goes on until the next input, option or comma.
"""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NoReturn

from diffmagic.core.errors import DiffmagicError

NAME = r"[^\W\d][\w\u0300-\u036F\u20D0-\u20F0]*"
"""What a name looks like, with the accents that are characters of their own, as in x̂."""

_LAMBDA = re.compile(r"\blambda\b")
_START = re.compile(
    rf"(?:^|(?<=[\s,;]))(?:(?P<input>{NAME})\s*=(?!=)|(?P<option>--[A-Za-z][\w-]*|-[A-Za-z](?=[\s=]|$)))"
)
_OPENING, _CLOSING = "([{", ")]}"
_BLOT = "\0"  # neither a blank nor a letter of a name


class Options(argparse.ArgumentParser):
    """An option parser whose complaints are ours: one message, with the nearest option.

    Where there are `ranges`, an input may be one: ``x=-3:3``.
    """

    def __init__(self, prog: str, description: str, *, ranges: bool = False) -> None:
        self.ranges = ranges
        newer: dict[str, Any] = {"color": False} if sys.version_info >= (3, 14) else {}
        self.flags: dict[str, argparse.Action] = {}
        super().__init__(
            prog=prog,
            description=description,
            usage=argparse.SUPPRESS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
            **newer,
        )

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        """As in argparse."""
        action = super().add_argument(*args, **kwargs)
        self.flags.update(dict.fromkeys(action.option_strings, action))
        return action

    def words_after(self, flag: str) -> list[str]:
        """The words that an option takes, if they are few: what its help shows in braces."""
        shown = str(self.flags[flag].metavar) if flag in self.flags else ""
        return shown[1:-1].split(",") if shown.startswith("{") else []

    def takes_input(self, flag: str | None) -> bool:
        """Whether an option's value looks like an input: ``--scale n=1,2,5``."""
        return flag in self.flags and "=" in str(self.flags[flag].metavar)

    def error(self, message: str) -> NoReturn:
        """Stop with one message."""
        raise DiffmagicError(message.removeprefix("argument "), rewrite=f"%{self.prog}? lists the options")


def one_of(*choices: str) -> Callable[[str], str]:
    """An option's type: one word among several."""

    def choice(word: str) -> str:
        if word in choices:
            return word
        raise DiffmagicError(f"{word!r} is not among {', '.join(choices)}", rewrite=nearest(word, choices))

    return choice


def nearest(word: str, known: Iterable[str]) -> str:
    """What was probably meant; empty if nothing comes near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), "")


@dataclass(slots=True)
class MagicLine:
    """What a magic's line says.

    Attributes
    ----------
    magic : str
        The magic's name.
    subject : str
        What stands outside inputs and options: the function or expression of a line magic.
    inputs : dict
        The expression of each input, by name.
    ranges : dict
        The expressions of each range's ends, by name.
    options : argparse.Namespace
    silent : bool
        Whether the line ends in a semicolon.
    """

    magic: str
    subject: str
    inputs: dict[str, str]
    ranges: dict[str, tuple[str, str]]
    options: argparse.Namespace
    silent: bool


def read_line(line: str, parser: Options) -> MagicLine:
    """Read a magic's line.

    Raises
    ------
    DiffmagicError
        For brackets that do not close, unknown options, inputs without a value, and what is given twice.

    Examples
    --------
    >>> read_line("w=1 + 2, x=[1, 2]", Options("grad", "")).inputs
    {'w': '1 + 2', 'x': '[1, 2]'}
    """
    mask = _masked(line)
    line = line[: len(mask)]
    silent = mask.rstrip().endswith(";")
    if silent:
        line = line[: mask.rindex(";")]
        mask = mask[: len(line)]
    inputs: dict[str, str] = {}
    ranges: dict[str, tuple[str, str]] = {}
    words: list[str] = []
    starts = _starts(mask, parser)
    flags = [found["option"] for found in starts if found["option"]]
    for flag in flags:
        if flags.count(flag) > 1:
            raise DiffmagicError(f"{flag} is given twice", rewrite=f"one {flag}")
    subject = [line[: starts[0].start()] if starts else line]
    for start, following in zip_longest(starts, starts[1:]):
        end = following.start() if following else len(line)
        if start["input"]:
            name, given = known_as(start["input"]), slice(start.end(), end)
            text = _expression(name, line[given], mask[given])
            if name in inputs or name in ranges:
                raise DiffmagicError(f"{name} is given twice", rewrite=f"one {name}=")
            ends = _range(name, text, mask[given], parser)
            if ends is None:
                inputs[name] = text
            else:
                ranges[name] = ends
            continue
        word, rest = _option(start["option"], line[start.end() : end], mask[start.end() : end], parser)
        words += word
        subject.append(rest)
    parts = [stripped for part in subject if (stripped := part.strip(", \t"))]
    return MagicLine(parser.prog, " ".join(parts), inputs, ranges, parser.parse_args(words), silent)


def known_as(name: str) -> str:
    """A name as Python spells it: ϵ is ε."""
    return unicodedata.normalize("NFKC", name)


def _starts(mask: str, parser: Options) -> list[re.Match[str]]:
    """Where inputs and options begin: not at the ``-b`` of ``a -b``, nor at the ``n=`` of ``--scale n=1,2``."""
    starts: list[re.Match[str]] = []
    for found in _START.finditer(mask):
        option = found["option"]
        if option and not option.startswith("--") and option not in parser.flags:
            continue
        if starts and found["input"] and parser.takes_input(starts[-1]["option"]):
            between = mask[starts[-1].end() : found.start()]
            if not between.strip(" \t="):
                continue
        starts.append(found)
    return starts


def _masked(line: str) -> str:
    """The line with what stands in brackets or quotes blotted out, up to a comment."""
    out: list[str] = []
    closing: list[str] = []
    quote = ""
    position = 0
    while position < len(line):
        character = line[position]
        if quote:
            step = 2 if character == "\\" else len(quote) if line.startswith(quote, position) else 1
            if line.startswith(quote, position):
                quote = ""
            out.append(_BLOT * len(line[position : position + step]))
            position += step
            continue
        if character == "#" and not closing:
            break
        if character in "\"'":
            quote = character * 3 if line.startswith(character * 3, position) else character
            out.append(_BLOT * len(quote))
            position += len(quote)
            continue
        if character in _OPENING:
            closing.append(_CLOSING[_OPENING.index(character)])
            out.append(_BLOT)
        elif character in _CLOSING:
            if not closing or closing.pop() != character:
                raise DiffmagicError(f"a bracket {character} closes nothing on the line: {line.strip()}")
            out.append(_BLOT)
        else:
            out.append(_BLOT if closing else character)
        position += 1
    if quote:
        raise DiffmagicError(f"a quote is not closed on the line: {line.strip()}", rewrite=f"add {quote}")
    if closing:
        raise DiffmagicError(f"a bracket is not closed on the line: {line.strip()}", rewrite=f"add {closing[-1]}")
    return "".join(out)


def _expression(name: str, text: str, mask: str) -> str:
    """What an input is given."""
    mask = mask.rstrip(", \t")
    expression = text[: len(mask)].strip()
    if not expression:
        raise DiffmagicError(f"{name} has no value", rewrite=f"{name}=1.0")
    if keyword.iskeyword(name):
        raise DiffmagicError(f"{name} is a word of Python and cannot be a name", rewrite=f"{name}_={expression}")
    is_lambda = _LAMBDA.search(mask) is not None
    if is_lambda and ("," in mask or ":" not in mask):
        raise DiffmagicError(f"the lambda after {name}= goes on after a comma", rewrite=f"{name}=(lambda …)")
    if "," in mask:
        raise DiffmagicError(
            f"{name}={expression} goes on after a comma", rewrite=f"{name}=({expression}) if you mean a tuple"
        )
    return expression


def _range(name: str, expression: str, mask: str, parser: Options) -> tuple[str, str] | None:
    """The ends of a range; None if it is none."""
    if ":" not in mask or _LAMBDA.search(mask):
        return None
    start = len(mask) - len(mask.lstrip())
    colons = [found.start() - start for found in re.finditer(":", mask)]
    low, high = expression[: colons[0]].strip(), expression[colons[0] + 1 :].strip()
    if not parser.ranges:
        raise DiffmagicError(
            f"{name}={expression} is a range, and ranges are for curves: a derivative is taken at one point",
            rewrite=f"{name}={low or '1.0'}, or %%grad {name}={expression} --plot",
        )
    if len(colons) > 1 or not low or not high:
        raise DiffmagicError(
            f"{name}={expression} is no range", rewrite=f"{name}=low:high, and --points for how many points"
        )
    return low, high


def _option(flag: str, text: str, mask: str, parser: Options) -> tuple[list[str], str]:
    """An option with its value, and what follows it."""
    if flag not in parser.flags:
        near = nearest(flag, parser.flags)
        raise DiffmagicError(f"there is no option {flag}", rewrite=near or f"%{parser.prog}? lists the options")
    if parser.flags[flag].nargs == 0:
        if text.startswith("="):
            raise DiffmagicError(f"{flag} takes no value", rewrite=flag)
        return [flag], text
    found = re.match(r"=?\s*((?:,\s+|\S)*)", mask)
    assert found is not None
    value = text[found.start(1) : found.end(1)].strip(", \t")
    if parser.flags[flag].nargs == "?" and not text.startswith("=") and not nearest(value, parser.words_after(flag)):
        return [flag], text
    if not value:
        raise DiffmagicError(f"{flag} needs a value", rewrite=f"{flag} {parser.flags[flag].metavar}")
    return [f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}"], text[found.end() :]
