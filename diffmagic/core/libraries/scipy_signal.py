"""The convolutions of `scipy.signal`, of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from diffmagic.core.libraries import composed
from diffmagic.core.libraries import find as find


@composed(signal.fftconvolve, 2)
def _fftconvolve(in1: Any, in2: Any, mode: Any = "full") -> Any:
    if mode != "same":
        return np.convolve(in1, in2, mode)
    start = (np.size(in2) - 1) // 2
    return np.convolve(in1, in2)[start : start + np.size(in1)]


@composed(signal.convolve, 2)
def _convolve(in1: Any, in2: Any, mode: Any = "full", method: str = "auto") -> Any:
    return _fftconvolve(in1, in2, mode)
