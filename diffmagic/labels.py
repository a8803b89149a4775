"""What derivatives and their components are called: ``∂loss/∂w``, ``x[0]``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np


def component(name: str, shape: tuple[int, ...], position: int) -> str:
    """The name of one number of an array, by its position in memory order.

    Examples
    --------
    >>> component("x", (), 0), component("x", (3,), 2), component("A", (2, 2), 1)
    ('x', 'x[2]', 'A[0, 1]')
    """
    if not shape:
        return name
    return f"{name}[{', '.join(str(int(k)) for k in np.unravel_index(position, shape))}]"


def partial_label(of: str, wrt: Sequence[str]) -> str:
    """A derivative as one writes it.

    Examples
    --------
    >>> partial_label("loss", ["w"]), partial_label("", ["x", "x"]), partial_label("", ["w", "x", "w"])
    ('∂loss/∂w', '∂²/∂x²', '∂³/∂w∂x∂w')
    """
    below = "".join(f"∂{name}{_power(len(list(same)))}" for name, same in groupby(wrt))
    return f"∂{_power(len(wrt))}{of}/{below}"


def _power(exponent: int) -> str:
    """A superscript; nothing for one."""
    return "" if exponent == 1 else str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
