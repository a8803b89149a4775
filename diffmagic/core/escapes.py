"""What to say when a traced value would become a plain one, by what the user wrote there."""

from __future__ import annotations

import ast
import dis
import math
from types import FrameType

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.source import Location

_TWINS = {"pow": "power", "fabs": "abs", "gamma": "", "lgamma": "", "erf": "", "erfc": "", "dist": ""}
_REMAINDER = 6  # of BINARY_OP
_DISPATCHING = "diffmagic.core.hook"
_CONSTRUCTORS = {
    "array": "np.stack([...]) for a list of traced values; leave np.array out for one",
    "asarray": "leave np.asarray out: a traced value already behaves like an array",
    "full": "x * np.ones(shape)",
    "arange": "np.arange(int(n)), or start + step * np.arange(n)",
    "dot": "np.dot(a, x), or a @ x",
}


def escape(location: Location, what: str) -> DiffmagicError:
    """The refusal to let a number out of the computation, and its derivative with it.

    Parameters
    ----------
    location : Location
        Where the user's code stands.
    what : {"a float", "a complex number", "an array"}
        What the value would have become.
    """
    rewritten = any(getattr(constant, "__module__", "") == _DISPATCHING for constant in location.code.co_consts)
    decorated = "" if rewritten else "; or decorate the function with diffmagic.traceable"
    if dis.opname[location.code.co_code[location.offset]].startswith("STORE_"):
        return DiffmagicError(
            "a traced value cannot be stored in a plain array: its derivative would be lost",
            rewrite="an array of floats that is made here: np.zeros(n), or a copy, r = np.array(r, float)"
            if rewritten
            else "an array like a traced one, np.zeros_like(x); or a list of the values, joined: np.stack([...])"
            + decorated,
            location=location,
        )
    name, module = _called(location.expression)
    if what == "a float" and (module == "math" or (not module and hasattr(math, name))):
        twin = _TWINS.get(name, name)
        return DiffmagicError(
            f"math.{name} takes the plain number out of a traced value, and its derivative would be lost",
            rewrite=f"np.{twin}(...){decorated}" if twin and hasattr(np, twin) else "the same in NumPy functions",
            location=location,
        )
    rewrites = {
        "a float": "leave float() out: a traced number already behaves like a float"
        if name in ("float", "")
        else f"what {name} does in NumPy functions",
        "a complex number": "leave complex() out, or write a + 1j * b",
        "an array": _CONSTRUCTORS.get(name, "np.stack([...]) for a list of traced values") + decorated,
    }
    if what == "an array" and name not in _CONSTRUCTORS and hasattr(np.random.Generator, name):
        rewrites[what] = "draw plain numbers and compute with them: x + rng.normal()"
    plain = f"a plain {what.split(' ', 1)[1]}"
    return DiffmagicError(
        f"a traced value cannot become {plain}: its derivative would be lost",
        rewrite=rewrites[what],
        location=location,
    )


def formats_text(frame: FrameType) -> bool:
    """Whether a frame is at ``text % value``: no other ``%`` asks for a plain number itself."""
    code, offset = frame.f_code.co_code, frame.f_lasti
    return dis.opname[code[offset]] == "BINARY_OP" and code[offset + 1] == _REMAINDER


def _called(expression: str) -> tuple[str, str]:
    """The function that an expression calls, and what stands before its dot: ``("sin", "math")``."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        return "", ""
    if not isinstance(tree, ast.Call):
        return "", ""
    if isinstance(tree.func, ast.Attribute):
        return tree.func.attr, ast.unparse(tree.func.value)
    return (tree.func.id, "") if isinstance(tree.func, ast.Name) else ("", "")
