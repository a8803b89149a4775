"""Derivatives of the NumPy code you have: value, gradient, and how it came about."""

from __future__ import annotations

from diffmagic.core.errors import DiffmagicError, DiffmagicNote
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

__version__ = "0.1.0"

__all__ = [
    "DiffmagicError",
    "DiffmagicNote",
    "Equation",
    "Guard",
    "Program",
    "Variable",
    "derivative",
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "trace",
    "value_and_grad",
    "vjp",
]
