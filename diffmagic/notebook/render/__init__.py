"""Results as text and HTML: pure functions, from a result to blocks and from blocks to what is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffmagic.notebook.render.blocks import Block
from diffmagic.notebook.render.comparison import comparison_blocks, scaling_blocks
from diffmagic.notebook.render.curves import curves_blocks, field_blocks
from diffmagic.notebook.render.derivative import derivative_blocks
from diffmagic.notebook.render.gradient_check import check_blocks
from diffmagic.notebook.render.html import as_html
from diffmagic.notebook.render.symbolic import growth_blocks, symbolic_blocks
from diffmagic.notebook.render.text import as_text
from diffmagic.notebook.render.trace import trace_blocks
from diffmagic.notebook.render.trace_check import trace_check_blocks
from diffmagic.results import (
    Comparison,
    Curves,
    Derivative,
    Field,
    GradientCheck,
    Growth,
    Scaling,
    Symbolic,
    TraceCheck,
    TraceTable,
)

BLOCKS: dict[type, Callable[[Any], list[Block]]] = {
    Derivative: derivative_blocks,
    Comparison: comparison_blocks,
    Curves: curves_blocks,
    Field: field_blocks,
    Growth: growth_blocks,
    Scaling: scaling_blocks,
    Symbolic: symbolic_blocks,
    GradientCheck: check_blocks,
    TraceTable: trace_blocks,
    TraceCheck: trace_check_blocks,
}
"""What to show of each kind of result."""


def text_of(result: Any) -> str:
    """A result as text of at most 100 columns."""
    return as_text(BLOCKS[type(result)](result))


def html_of(result: Any) -> str:
    """A result as HTML."""
    return as_html(BLOCKS[type(result)](result))
