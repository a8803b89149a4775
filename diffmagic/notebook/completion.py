"""Completion of the magics' options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from diffmagic.notebook.line import Options


def option_matcher(parsers: Mapping[str, Options]) -> Any:
    """A matcher that offers a magic's options on its line, or the words one may take, and then nothing else."""
    magic = re.compile(rf"^\s*(?:[^=\n]+=\s*)?%%?({'|'.join(parsers)})\s(?:.*\s)?(?:(-[\w-]*)|(--[\w-]+)[ =](\w*))$")

    @context_matcher()  # type: ignore[untyped-decorator]
    def diffmagic_options(context: CompletionContext) -> SimpleMatcherResult:
        found = magic.match(context.line_with_cursor[: context.cursor_position])
        if not found:
            return SimpleMatcherResult(completions=[])
        name, flag, option, start = found.groups()
        known = parsers[name].words_after(option) if option else parsers[name].flags
        fragment = start if option else flag
        words = [word for word in known if word.startswith(fragment)]
        return {
            "completions": [SimpleCompletion(text=word, type="option") for word in words],
            "matched_fragment": fragment,
            "suppress": bool(words),
        }

    return diffmagic_options
