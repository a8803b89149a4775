"""``python -m diffmagic`` shows the trace table of σ(wx): the quickest proof that an installation works."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.transforms import trace
from diffmagic.notebook.render import text_of
from diffmagic.trace_table import trace_table


def sigmoid(w: Any, x: Any) -> Any:
    """σ(wx), the article's example."""
    return 1 / (1 + np.exp(-w * x))


def main() -> None:
    """Print it."""
    print("σ(wx) = 1 / (1 + np.exp(-w * x)) at w = 0.5, x = 2.0\n")
    print(text_of(trace_table(trace(sigmoid, 0.5, 2.0), result="σ")))


if __name__ == "__main__":
    main()
