"""The magics, and their defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Enum, Int

from diffmagic.notebook.cells import ends_silently
from diffmagic.notebook.diffcompare import DIFFCOMPARE, run_diffcompare
from diffmagic.notebook.grad import GRAD, run_grad
from diffmagic.notebook.gradcheck import GRADCHECK, run_gradcheck
from diffmagic.notebook.line import Options, known_as, read_line
from diffmagic.notebook.numdiff import NUMDIFF, run_numdiff
from diffmagic.notebook.request import Request, check_common_options
from diffmagic.notebook.symdiff import SYMDIFF, run_symdiff
from diffmagic.notebook.tracebacks import users_view

PARSERS = {parser.prog: parser for parser in (GRAD, NUMDIFF, SYMDIFF, DIFFCOMPARE, GRADCHECK)}


@magics_class
class DiffMagic(Magics):
    """The magics of diffmagic and their defaults."""

    digits = Int(8, min=1, max=17, help="How many digits to show, from 1 to 17.").tag(config=True)
    mode = Enum(["auto", "forward", "reverse"], "auto", help="How %%grad accumulates derivatives.").tag(config=True)

    @no_var_expand
    @line_cell_magic
    def grad(self, line: str, cell: str | None = None) -> Any:
        return self._run(GRAD, run_grad, line, cell)

    grad.__doc__ = GRAD.format_help()

    @no_var_expand
    @line_cell_magic
    def numdiff(self, line: str, cell: str | None = None) -> Any:
        return self._run(NUMDIFF, run_numdiff, line, cell)

    numdiff.__doc__ = NUMDIFF.format_help()

    @no_var_expand
    @line_cell_magic
    def diffcompare(self, line: str, cell: str | None = None) -> Any:
        return self._run(DIFFCOMPARE, run_diffcompare, line, cell)

    diffcompare.__doc__ = DIFFCOMPARE.format_help()

    @no_var_expand
    @line_cell_magic
    def gradcheck(self, line: str, cell: str | None = None) -> Any:
        return self._run(GRADCHECK, run_gradcheck, line, cell)

    gradcheck.__doc__ = GRADCHECK.format_help()

    @no_var_expand
    @line_cell_magic
    def symdiff(self, line: str, cell: str | None = None) -> Any:
        return self._run(SYMDIFF, run_symdiff, line, cell)

    symdiff.__doc__ = SYMDIFF.format_help()

    def _run(self, parser: Options, run: Callable[[Request], Any], line: str, cell: str | None) -> Any:
        shell = self.shell
        assert shell is not None
        with users_view(shell):
            asked = read_line(line, parser)
            options = asked.options
            check_common_options(options)
            silent = asked.silent or options.quiet or (cell is not None and ends_silently(cell))
            found = run(Request(shell, asked, cell, silent, options.digits or self.digits, self.mode))
            if found is not None and options.out:
                shell.user_ns[known_as(options.out)] = found
            return None if silent else found
