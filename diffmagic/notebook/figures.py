"""Pyplot's figures, which a run that nobody sees must neither open nor draw into."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def figures_aside() -> Iterator[None]:
    """Pyplot begins without figures, and those it opens are closed."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None:
        yield
        return
    figures = dict(helpers.Gcf.figs)
    helpers.Gcf.figs.clear()
    try:
        yield
    finally:
        helpers.Gcf.destroy_all()
        helpers.Gcf.figs.update(figures)
