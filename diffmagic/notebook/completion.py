"""Completion of the magics' options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from diffmagic.notebook.line import Options


def option_matcher(parsers: Mapping[str, Options]) -> Any:
    """A matcher that offers a magic's options on its line, and then nothing else."""
    magic = re.compile(rf"^\s*(?:[^=\n]+=\s*)?%%?({'|'.join(parsers)})\s(?:.*\s)?(-[\w-]*)$")

    @context_matcher()  # type: ignore[untyped-decorator]
    def diffmagic_options(context: CompletionContext) -> SimpleMatcherResult:
        found = magic.match(context.line_with_cursor[: context.cursor_position])
        if not found:
            return SimpleMatcherResult(completions=[])
        name, word = found.groups()
        flags = [flag for flag in parsers[name].flags if flag.startswith(word)]
        return {
            "completions": [SimpleCompletion(text=flag, type="option") for flag in flags],
            "matched_fragment": word,
            "suppress": bool(flags),
        }

    return diffmagic_options
