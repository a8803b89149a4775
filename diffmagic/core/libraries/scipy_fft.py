"""The Fourier transforms of `scipy.fft`: linear, as those of `np.fft`, whose rules they share."""

from __future__ import annotations

import numpy as np
from scipy import fft

from diffmagic.core.libraries import declare, push_of
from diffmagic.core.libraries import find as find
from diffmagic.core.primitives import Primitive, primitive_of

for _names, _like in (
    (("fft", "ifft", "rfft", "irfft"), lambda x, n=None, axis=-1, norm=None: None),
    (("fft2", "ifft2"), lambda x, *, axes=(-2, -1), norm=None: None),
    (("fftn", "ifftn"), lambda x, *, axes=None, norm=None: None),
):
    for _name in _names:
        _function, _twin = getattr(fft, _name), getattr(np.fft, _name)
        _primitive = Primitive(f"scipy.fft.{_name}", _function, push=push_of(_twin), pull=primitive_of(_twin).pull)
        declare(_primitive, _function, _like)
