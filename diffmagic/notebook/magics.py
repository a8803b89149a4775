"""The magics, and their defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Enum, Int

from diffmagic.notebook.cells import ends_silently
from diffmagic.notebook.diffcompare import DIFFCOMPARE, run_diffcompare
from diffmagic.notebook.diffexplore import DIFFEXPLORE, run_diffexplore
from diffmagic.notebook.grad import GRAD, run_grad
from diffmagic.notebook.gradcheck import GRADCHECK, run_gradcheck
from diffmagic.notebook.line import Options, known_as, read_line
from diffmagic.notebook.numdiff import NUMDIFF, run_numdiff
from diffmagic.notebook.request import Request, check_common_options
from diffmagic.notebook.symdiff import SYMDIFF, run_symdiff
from diffmagic.notebook.tracebacks import users_view
from diffmagic.notebook.tracecheck import TRACECHECK, run_tracecheck

PARSERS = {parser.prog: parser for parser in (GRAD, NUMDIFF, SYMDIFF, DIFFCOMPARE, GRADCHECK, TRACECHECK, DIFFEXPLORE)}


def _magic(parser: Options, run: Callable[[Request], Any]) -> Any:
    """A line and cell magic; its help is that of its options."""

    def magic(self: DiffMagic, line: str, cell: str | None = None) -> Any:
        return self.run(parser, run, line, cell)

    magic.__name__ = parser.prog
    magic.__doc__ = parser.format_help()
    return no_var_expand(line_cell_magic(magic))


@magics_class
class DiffMagic(Magics):
    """The magics of diffmagic and their defaults."""

    digits = Int(
        None, min=1, max=17, allow_none=True, help="How many digits to show, 1 to 17; by default NumPy's precision."
    ).tag(config=True)
    mode = Enum(["auto", "forward", "reverse"], "auto", help="How %%grad accumulates derivatives.").tag(config=True)

    grad = _magic(GRAD, run_grad)
    numdiff = _magic(NUMDIFF, run_numdiff)
    symdiff = _magic(SYMDIFF, run_symdiff)
    diffcompare = _magic(DIFFCOMPARE, run_diffcompare)
    gradcheck = _magic(GRADCHECK, run_gradcheck)
    tracecheck = _magic(TRACECHECK, run_tracecheck)
    diffexplore = _magic(DIFFEXPLORE, run_diffexplore)

    def run(self, parser: Options, run: Callable[[Request], Any], line: str, cell: str | None) -> Any:
        """Read the line, do what a magic does, and keep or show the result."""
        shell = self.shell
        assert shell is not None
        with users_view(shell):
            asked = read_line(line, parser)
            options = asked.options
            check_common_options(options)
            silent = asked.silent or options.quiet or (cell is not None and ends_silently(cell))
            digits = options.digits or self.digits or int(np.clip(np.get_printoptions()["precision"], 1, 17))
            found = run(Request(shell, asked, cell, silent, digits, self.mode))
            if found is not None and options.out:
                shell.user_ns[known_as(options.out)] = found
            return None if silent else found
