"""Derivatives of the NumPy code you have: value, gradient, and how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffmagic.core.errors import DiffmagicError, DiffmagicNote
from diffmagic.core.extending import checkpoint, primitive, stop_gradient
from diffmagic.core.hook import traceable
from diffmagic.core.program import Equation, Guard, Program, Variable
from diffmagic.core.transforms import (
    derivative,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    trace,
    value_and_grad,
    vjp,
)
from diffmagic.methods import differentiate
from diffmagic.results import Derivative

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

__all__ = [
    "Derivative",
    "DiffmagicError",
    "DiffmagicNote",
    "Equation",
    "Guard",
    "Program",
    "Variable",
    "checkpoint",
    "derivative",
    "differentiate",
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "primitive",
    "stop_gradient",
    "trace",
    "traceable",
    "value_and_grad",
    "vjp",
]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a notebook: ``%load_ext diffmagic``."""
    from diffmagic.notebook import extension

    extension.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again: ``%unload_ext diffmagic``."""
    from diffmagic.notebook import extension

    extension.unload(shell)
