"""The classic methods by their names. Each takes a step."""

from __future__ import annotations

from collections.abc import Callable

from diffmagic.numerical.complex_step import complex_step
from diffmagic.numerical.differences import backward_difference, central_difference, forward_difference
from diffmagic.numerical.extrapolation import richardson, ridders
from diffmagic.numerical.sampling import Estimate

CLASSICS: dict[str, Callable[..., Estimate]] = {
    "forward-difference": forward_difference,
    "backward-difference": backward_difference,
    "central-difference": central_difference,
    "richardson": richardson,
    "ridders": ridders,
    "complex-step": complex_step,
}
