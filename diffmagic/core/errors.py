"""The one exception of diffmagic, and the category of its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffmagic.core.source import Location


class DiffmagicError(Exception):
    """What diffmagic refuses, with the user's line, the reason and the rewrite.

    Parameters
    ----------
    reason : str
        Why it stops, in one sentence.
    rewrite : str, optional
        What to write instead.
    location : Location, optional
        Where it stands in the user's source.

    Examples
    --------
    >>> print(DiffmagicError("the result is a string", rewrite="return a number"))
    the result is a string
      Instead: return a number
    """

    def __init__(self, reason: str, *, rewrite: str = "", location: Location | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rewrite = rewrite
        self.location = location

    def __str__(self) -> str:
        lines = [self.reason]
        if self.location is not None and self.location.line:
            text = self.location.text.strip()
            if len(text) > 80:
                text = self.location.expression or f"{text[:79]}…"
            lines.insert(0, f"line {self.location.line}: {text}" if text else f"line {self.location.line}:")
        if self.rewrite:
            lines.append(f"  Instead: {self.rewrite}")
        return "\n".join(lines)


class DiffmagicNote(UserWarning):
    """A derivative that is right and may still surprise: zeros, integers taken as floats."""
