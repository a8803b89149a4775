"""The automatic-differentiation core: NumPy only. It knows nothing of notebooks."""

import diffmagic.core.tracing  # noqa: F401 — first, as it and `mutation` know each other
from diffmagic.core import meanings as meanings
from diffmagic.core.primitives import calculus as calculus
from diffmagic.core.primitives import creation as creation
from diffmagic.core.primitives import elementwise as elementwise
from diffmagic.core.primitives import fft as fft
from diffmagic.core.primitives import linalg as linalg
from diffmagic.core.primitives import moves as moves
from diffmagic.core.primitives import polynomials as polynomials
from diffmagic.core.primitives import products as products
from diffmagic.core.primitives import queries as queries
from diffmagic.core.primitives import reductions as reductions
from diffmagic.core.primitives import refusals as refusals
from diffmagic.core.primitives import scimath as scimath
from diffmagic.core.primitives import sets as sets
from diffmagic.core.primitives import slices as slices
from diffmagic.core.primitives import statistics as statistics
