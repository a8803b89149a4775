"""What ``%load_ext diffmagic`` adds to a shell, and ``%unload_ext diffmagic`` takes away."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from diffmagic.core.program import Program
from diffmagic.notebook.completion import option_matcher
from diffmagic.notebook.magics import PARSERS, DiffMagic
from diffmagic.notebook.render import BLOCKS, html_of, text_of


def load(shell: InteractiveShell) -> None:
    """Add the magics, the display of their results, and the completion of their options."""
    unload(shell)
    shell.register_magics(DiffMagic)
    formatters = _formatters(shell)
    for kind in BLOCKS:
        formatters["text/plain"].for_type(kind, lambda found, printer, cycle: printer.text(text_of(found)))
        formatters["text/html"].for_type(kind, html_of)
    formatters["text/plain"].for_type(Program, lambda program, printer, cycle: printer.text(str(program)))
    shell.Completer.custom_matchers.append(option_matcher(PARSERS))


def unload(shell: InteractiveShell) -> None:
    """Take away everything that `load` added, by this module or an earlier copy of it, and close the panels."""
    panels = sys.modules.get("diffmagic.notebook.explorer.panel")
    if panels is not None:
        panels.close_all()
    manager = shell.magics_manager
    manager.registry.pop(DiffMagic.__name__, None)
    for table in manager.magics.values():
        for name in [name for name, function in table.items() if _is_ours(getattr(function, "__self__", None))]:
            del table[name]
    shell.configurables[:] = [each for each in shell.configurables if not _is_ours(each)]
    for formatter in _formatters(shell).values():
        for kind in [kind for kind in formatter.type_printers if kind.__module__.startswith("diffmagic.")]:
            formatter.pop(kind)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [each for each in matchers if not _is_ours(each)]


def _formatters(shell: InteractiveShell) -> Any:
    assert shell.display_formatter is not None
    return shell.display_formatter.formatters


def _is_ours(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return str(module).startswith("diffmagic.")
