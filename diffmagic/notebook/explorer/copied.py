"""The point of a panel as the line of a magic, to be copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffmagic.methods import find
from diffmagic.notebook.explorer.state import Inputs, State, components
from diffmagic.notebook.namespace import Names

_MAGICS = {"numerical": "numdiff", "symbolic": "symdiff"}


def line_of(
    inputs: Inputs, state: State, given: Mapping[str, Any], texts: Mapping[str, str], subject: str | None, names: Names
) -> str:
    """The magic's line that has this point, with all digits; only its numbers where not everything has a name.

    Parameters
    ----------
    inputs : Inputs
    state : State
    given : mapping of str to object
        All inputs.
    texts : mapping of str to str
        The inputs as they were written, as far as they were.
    subject : str or None
        What stands on a line magic's line; empty for a cell, None if the function has no name.
    names : dict
        The notebook's namespace.
    """
    numpy = name_of(np, names) or "np"
    numbers = [f"{name}={_number(name, start, state, numpy)}" for name, start in inputs.values.items()]
    others = {}
    for name, value in given.items():
        if name in inputs.choices:
            others[name] = _choice(inputs.choices[name], state.choices[name], value, texts.get(name, ""))
        elif name not in inputs.values:
            others[name] = texts.get(name) or name_of(value, names)
    if subject is None or not all(others.values()):
        return ", ".join(numbers)
    method = find(state.method)
    magic = f"{'%' if subject else '%%'}{_MAGICS.get(method.family, 'grad')}"
    line = f"{magic} {subject}".rstrip() + " " + ", ".join([*numbers, *(f"{n}={text}" for n, text in others.items())])
    line += f" --wrt {','.join(inputs.values)}" if others else ""  # what is chosen is not differentiated
    line += f" --order {state.order}" if state.order > 1 else ""
    line += " --mode forward" if method.name == "forward" else ""
    named = method.family == "numerical" and method.name != "adaptive"
    return line + f" --method {method.name}" * named


def name_of(value: Any, names: Names) -> str:
    """A name of the notebook for this very object; empty if there is none."""
    found = (name for name, each in names.items() if each is value and not name.startswith("_"))
    return next(found, "")


def _number(name: str, start: Any, state: State, numpy: str) -> str:
    numbers = [state.numbers[label] for label, _ in components(name, start)]
    return (
        f"{numpy}.array({np.reshape(numbers, np.shape(start)).tolist()})" if np.ndim(start) else repr(float(numbers[0]))
    )


def _choice(values: Mapping[str, Any], label: str, given: Any, text: str) -> str:
    """What was chosen: written out if it is plain, else as an element of what there is to choose from."""
    value = values[label]
    if type(value) in (str, int, bool, type(None)) or (type(value) is float and np.isfinite(value)):
        return repr(value)
    if not text:
        return ""
    return f"({text})[{label!r}]" if isinstance(given, dict) else f"({text})[{list(values).index(label)}]"
