"""Answers of plain numbers, texts and indices about a traced array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy._core import umath

from diffmagic.core.primitives import HANDLERS, implements, primitive_of
from diffmagic.core.primitives.queries import _answered, _recorded
from diffmagic.core.tracing import apply

_function: Any
for _function in (
    np.array2string,
    np.array_repr,
    np.array_str,
    np.diag_indices_from,
    np.einsum_path,
    np.may_share_memory,
    np.shares_memory,
    np.tril_indices_from,
    np.triu_indices_from,
    vars(umath)["_ones_like"],
):
    HANDLERS[_function] = _answered(_function)

for _function in (np.packbits, np.unpackbits, np.unravel_index):
    HANDLERS[_function] = _recorded(_function)
if "in1d" in vars(np):  # until NumPy 2.3
    HANDLERS[vars(np)["in1d"]] = _recorded(vars(np)["in1d"])


primitive_of(np.ravel_multi_index).function = lambda *indices, **options: np.ravel_multi_index(indices, **options)


@implements(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    return apply(primitive_of(np.ravel_multi_index), tuple(multi_index), {"dims": dims, "mode": mode, "order": order})
