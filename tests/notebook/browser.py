"""Pages in a real browser without a screen: what axe-core says of them, and what scripts have done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # a page has nothing but this machine
]
_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
_THEMES: dict[str, tuple[str, dict[str, Any]]] = {  # and axe-core's options: in the second only the colours differ
    "light": ("background:#fff;color:#000", _RULES),
    "dark": ("background:#111;color:#eee", _RULES | {"runOnly": ["color-contrast"]}),
}

_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Output</title></head>
<body><main><h1>Output</h1>{output}</main></body>
</html>"""

_OPENED = "document.querySelectorAll('details').forEach(each => each.open = true)"

_INLINED = """() => {
    for (const image of document.querySelectorAll('img.diffmagic')) {
        const picture = document.createElement('div')
        picture.innerHTML = decodeURIComponent(image.src.slice(image.src.indexOf(',') + 1))
        image.replaceWith(picture)
    }
}"""
"""Puts pictures into the page itself, where their words can be looked at, and where a script in them would run."""

_MADE = "[...document.querySelectorAll('main :is(script, img, iframe, link)')].map(each => each.tagName)"

_FAINT = """() => {
    const channels = text => text.match(/[\\d.]+/g).map(Number)
    const light = colour => colour.slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0)
    const page = channels(getComputedStyle(document.body).backgroundColor)
    const faint = []
    for (const text of document.querySelectorAll('svg text')) {
        const fill = channels(getComputedStyle(text).fill)
        let opacity = (fill[3] ?? 1) * getComputedStyle(text).fillOpacity
        for (let each = text; each && each.tagName != 'BODY'; each = each.parentElement)
            opacity *= getComputedStyle(each).opacity
        const seen = page.slice(0, 3).map((c, k) => c + (fill[k] - c) * opacity)
        const [low, high] = [light(seen), light(page)].sort((a, b) => a - b)
        if ((high + 0.05) / (low + 0.05) < 4.5) faint.push(text.textContent)
    }
    return faint
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a page.

    Attributes
    ----------
    violations : list of str
        For each rule of axe-core that an element breaks: the theme, the rule, what it says, and the element.
    faint : list of str
        What does not stand out from white by a contrast of 4.5 in pictures, where axe-core does not look.
    title : str
        What a script could have changed.
    made : list of str
        The names of elements that run or load something.
    text : str
    """

    violations: list[str]
    faint: list[str]
    title: str
    made: list[str]
    text: str


Look = Callable[[str], Seen]


def chromium_path() -> str:
    """Where Chromium is; without one the test is skipped, or fails where everything is to be tested."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        missing = "there is no Chromium to show pages in: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return path


@contextmanager
def chromium() -> Iterator[Any]:
    """Chromium without a screen, as Playwright drives it. Until it ends no other event loop runs in this thread."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=_OPTIONS) as started:
        yield started


def violations(page: Any, within: str | None = None, rules: dict[str, Any] = _RULES) -> list[str]:
    """For each rule of axe-core that an element breaks: the rule, what it says, and the element.

    Parameters
    ----------
    page
        A page of Playwright's.
    within : str, optional
        A selector of the only elements to look into.
    rules : dict, optional
        Options of axe-core.
    """
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, within, rules).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {node['html']}" for rule in found for node in rule["nodes"]]


@contextmanager
def browser() -> Iterator[Look]:
    """A function that shows some HTML, on a light page and on a dark one."""

    def look(output: str) -> Seen:
        page = started.new_page()
        page.set_content(_PAGE.format(output=output))
        page.evaluate(_OPENED)
        broken = []
        for theme, (style, rules) in _THEMES.items():
            page.evaluate("style => document.body.style = style", style)
            broken += [f"{theme}: {violation}" for violation in violations(page, rules=rules)]
        page.evaluate("style => document.body.style = style", _THEMES["light"][0])
        page.evaluate(_INLINED)
        seen = Seen(broken, page.evaluate(_FAINT), page.title(), page.evaluate(_MADE), page.inner_text("main"))
        page.close()
        return seen

    running = chromium()
    with ThreadPoolExecutor(1) as thread:  # tests that look run cells, which have event loops of their own
        started = thread.submit(running.__enter__).result()
        try:
            yield lambda output: thread.submit(look, output).result()
        finally:
            thread.submit(running.__exit__, None, None, None).result()
