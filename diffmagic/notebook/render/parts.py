"""What text and HTML have in common: numbers, the account of a finding."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.results import Finding

WIDTH = 100
_WHOLE = 4

_ABOUT = {
    "value": "Why the value is not finite",
    "derivative": "Why the derivative is not finite",
    "kink": "A kink",
    "choice": "A branch that was not chosen",
    "constant": "A step without a derivative",
}


def shown(value: Any, digits: int, indent: int = 0) -> str:
    """A number or array as NumPy shows it, to so many digits; continuation lines are indented."""
    if not np.ndim(value):
        return brief(value, digits)
    few = min(100, int(np.get_printoptions()["threshold"]))
    return np.array2string(value, precision=digits, max_line_width=WIDTH, threshold=few, prefix=" " * indent)


def account(finding: Finding) -> tuple[str, list[tuple[str, str]]]:
    """A finding in full: what it is about, and what there is to say, each with its label."""
    numbers = ", ".join(f"{text} = {short(number, 17)}" for text, number in finding.operands)
    if finding.result is not None:
        numbers += f" gives {short(finding.result)}" if numbers else short(finding.result)
    said = [
        ("numbers", f"{numbers} ({finding.where})" if finding.where else numbers),
        ("chain rule", finding.chain),
        ("reason", finding.reason),
        ("differences", finding.numerical),
        ("instead", finding.rewrite),
    ]
    return _ABOUT[finding.kind], [(label, text) for label, text in said if text] or [("reason", finding.summary)]


def brief(value: Any, digits: int) -> str:
    """A value in a few characters: of an array that is not tiny the ends and the shape."""
    shape = f" ({'×'.join(map(str, value.shape))})" if isinstance(value, np.ndarray) and value.size > _WHOLE else ""
    return ends(value, digits) + shape


def ends(value: Any, digits: int) -> str:
    """The same without the shape."""
    if isinstance(value, np.ndarray) and value.size > _WHOLE:
        return f"[{short(value.flat[0], digits)}, …, {short(value.flat[-1], digits)}]"
    return short(value[()] if isinstance(value, np.ndarray) else value, digits)
