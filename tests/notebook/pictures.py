"""The pictures in an output."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

_IMAGE = re.compile(r'<img class="diffmagic" alt="([^"]*)" src="data:image/svg\+xml,([^"]*)"')


def svgs_in(html: str) -> list[str]:
    """The SVG of each picture."""
    return [unquote(unescape(source)) for _, source in _IMAGE.findall(html)]


def alternatives_in(html: str) -> list[str]:
    """What each picture says it shows."""
    return [unescape(alternative) for alternative, _ in _IMAGE.findall(html)]
