"""Random analytic expressions over scales from 2⁻²⁰ to 2⁴⁰: cases that nobody chose."""

import random

import numpy as np

from . import HIGH_PRECISION, Case, natural_scale, truth

UNARY = (
    "np.sin({0})",
    "np.cos({0})",
    "np.tanh({0})",
    "np.exp({0})",
    "np.exp(-{0} * {0})",
    "np.log(1.5 + {0} * {0})",
    "np.sqrt(1.2 + {0} * {0})",
    "(3.0 + np.sin({0}))**1.5",
    "{0}**2",
    "{0}**3",
)
BINARY = ("({0} + {1})", "({0} - {1})", "({0} * {1})", "({0} / (1.3 + {1} * {1}))")


def expression(source: random.Random, variable: str, depth: int) -> str:
    """NumPy code for a random expression, so many levels deep."""
    if depth == 0:
        return f"({source.uniform(0.3, 2.0):.3f} * {variable} + {source.uniform(-1.0, 1.0):.3f})"
    parts = [expression(source, variable, depth - 1) for _ in range(2)]
    return source.choice(UNARY).format(parts[0]) if source.random() < 0.6 else source.choice(BINARY).format(*parts)


def determined(case: Case) -> bool:
    """Whether values in double precision say what every derivative is: none is tiny beside the function."""
    sizes = [abs(truth(case, order)) / natural_scale(case, order) for order in (1, 2, 3, 4)]
    return all(1e-3 < size < 1e8 for size in sizes)


def random_cases(seed: int, count: int) -> list[Case]:
    """So many random cases; the same for the same seed."""
    source = random.Random(seed)
    found: list[Case] = []
    while len(found) < count:
        power = source.randint(-20, 40)
        text = expression(source, f"x * {2.0**-power!r}", source.randint(2, 3))
        x = source.choice((-1, 1)) * source.uniform(0.3, 2.0) * 2.0**power
        f, exact = (eval(f"lambda x: {text}", {"np": names}) for names in (np, HIGH_PRECISION))
        case = Case("random", f"{text} at {x!r}", f, exact, x)
        if determined(case):
            found.append(case)
    return found
