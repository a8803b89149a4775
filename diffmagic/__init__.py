"""Derivatives of the NumPy code you have: value, gradient, and how it came about."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    taylor,
    trace,
    value_and_grad,
    vjp,
)
from diffmagic.methods import differentiate, numdiff
from diffmagic.results import Comparison, Derivative, GradientCheck, Symbolic

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from diffmagic.comparison import compare
    from diffmagic.gradient_check import check_grads, gradcheck
    from diffmagic.notebook.explorer.opening import explore
    from diffmagic.symbolic.method import symdiff

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Derivative",
    "DiffmagicError",
    "DiffmagicNote",
    "Equation",
    "GradientCheck",
    "Guard",
    "Program",
    "Symbolic",
    "Variable",
    "check_grads",
    "checkpoint",
    "compare",
    "derivative",
    "differentiate",
    "elementwise_grad",
    "explore",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "numdiff",
    "primitive",
    "stop_gradient",
    "symdiff",
    "taylor",
    "trace",
    "traceable",
    "value_and_grad",
    "vjp",
]

_WHEN_ASKED_FOR = {
    "check_grads": "diffmagic.gradient_check",
    "compare": "diffmagic.comparison",
    "explore": "diffmagic.notebook.explorer.opening",
    "gradcheck": "diffmagic.gradient_check",
    "symdiff": "diffmagic.symbolic.method",
}


def __getattr__(name: str) -> Any:
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHEN_ASKED_FOR[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHEN_ASKED_FOR})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a notebook: ``%load_ext diffmagic``."""
    from diffmagic.notebook import extension

    extension.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again: ``%unload_ext diffmagic``."""
    from diffmagic.notebook import extension

    extension.unload(shell)
