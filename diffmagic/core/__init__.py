"""The automatic-differentiation core: NumPy only. It knows nothing of notebooks."""

from diffmagic.core import meanings as meanings
from diffmagic.core.primitives import elementwise as elementwise
from diffmagic.core.primitives import linalg as linalg
from diffmagic.core.primitives import moves as moves
from diffmagic.core.primitives import products as products
from diffmagic.core.primitives import queries as queries
from diffmagic.core.primitives import reductions as reductions
