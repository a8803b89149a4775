"""The automatic-differentiation core: NumPy only. It knows nothing of notebooks."""

from diffmagic.core.primitives import elementwise as elementwise
from diffmagic.core.primitives import queries as queries
