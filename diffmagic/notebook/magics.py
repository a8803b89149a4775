"""The magics, and their defaults."""

from __future__ import annotations

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Enum, Int

from diffmagic.notebook.cells import ends_silently
from diffmagic.notebook.grad import GRAD, run_grad
from diffmagic.notebook.line import known_as, read_line
from diffmagic.notebook.tracebacks import users_view
from diffmagic.results import Derivative

PARSERS = {"grad": GRAD}


@magics_class
class DiffMagic(Magics):
    """The magics of diffmagic and their defaults."""

    digits = Int(8, min=1, max=17, help="How many digits to show, from 1 to 17.").tag(config=True)
    mode = Enum(["auto", "forward", "reverse"], "auto", help="How %%grad accumulates derivatives.").tag(config=True)

    @no_var_expand
    @line_cell_magic
    def grad(self, line: str, cell: str | None = None) -> Derivative | None:
        shell = self.shell
        assert shell is not None
        with users_view(shell):
            asked = read_line(line, GRAD)
            silent = asked.silent or asked.options.quiet or (cell is not None and ends_silently(cell))
            found = run_grad(shell, asked, cell, silent=silent, digits=self.digits, mode=self.mode)
            if found is not None and asked.options.out:
                shell.user_ns[known_as(asked.options.out)] = found
            return None if silent else found

    grad.__doc__ = GRAD.format_help()
