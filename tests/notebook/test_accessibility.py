"""Everything that is shown, in a real browser: for everybody to read, and nothing of it run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from diffmagic.notebook.render import html_of
from diffmagic.notebook.render.pictures import image
from tests.notebook.browser import Look, browser

Run = Callable[[str], Any]

PAGES = {
    "gradient": "%%grad w=0.5, x=2.0\ny = 1 / (1 + np.exp(-w * x))",
    "trace": "%%grad w=0.5, x=2.0 --trace\ny = 1 / (1 + np.exp(-w * x))",
    "trace of a loop": "%%grad x=1.5 --trace\ny = x\nfor _ in range(100):\n    y = np.sin(y) + x",
    "trace of arrays": "%%grad W=np.eye(3), b=np.ones(3) --trace\nnp.sum(np.tanh(W @ b + b))",
    "folded trace": "%%grad w=0.5, x=2.0 --trace --rows folded --mode both\ny = 1 / (1 + np.exp(-w * x))",
    "graph": "%%grad w=0.5, x=2.0 --graph\ny = 1 / (1 + np.exp(-w * x))",
    "step of a graph": "%%grad w=0.5, x=2.0 --graph --step 2\ny = 1 / (1 + np.exp(-w * x))",
    "graph of a loop": "%%grad x=1.5 --graph\ny = x\nfor _ in range(100):\n    y = np.sin(y) + x",
    "source": "%%grad w=0.5, x=2.0 --source\ny = 1 / (1 + np.exp(-w * x))",
    "curves": "%%grad x=-3:3 --order 2 --plot\nnp.sin(x) * np.abs(x)",
    "contours": "%%grad x=-1:1, y=-1:1 --plot\nx**2 - y**2",
    "numerical curves": "%%numdiff x=-3:3 --plot\nnp.sin(x)",
    "Jacobian": "%%grad x=np.array([1.0, 2.0]), s=2.0\ny = x**2 * s",
    "heat map": "%%grad W=np.linspace(-1, 1, 20).reshape(4, 5), x=np.ones(5)\nnp.concatenate([np.tanh(W @ x), x])",
    "large heat map": "%%grad v=np.linspace(0, 1, 100)\nnp.sin(v) * v[0]",
    "Hessian": "%%grad x=1.0, y=1.0 --eigen\n(1 - x) ** 2 + 100 * (y - x**2) ** 2",
    "Hessian as a heat map": "%%grad x=np.linspace(-1, 1, 14) --eigen\nnp.sum((x[1:] - x[:-1] ** 2) ** 2)",
    "infinite": "%%grad x=np.array([0.0, 1.0]) --why\nnp.sqrt(x) / x",
    "kink": "%%grad x=0.0 --why\nnp.abs(x)",
    "numerical": "%%numdiff x=1.0, y=2.0\nnp.exp(x) * y",
    "sweep": "%%numdiff x=1.0 --sweep\nnp.exp(x)",
    "symbolic": "%%symdiff x=1.0, y=2.0 --steps\nnp.sin(x * y) * np.exp(-x)",
    "growth": "%%symdiff x=0.3 --growth n=1:4\ny = x\nfor _ in range(n):\n    y = 4 * y * (1 - y)",
    "comparison": "%%diffcompare x=1.0, y=2.0\nnp.sin(x) * y",
    "scaling": "%%diffcompare x=np.ones(n) --scale n=1,2,5\nnp.sum(np.sin(x) * x)",
    "homework": "%%tracecheck x=np.pi / 16\nv1 = 4 * x  # 0.785398, 4\nv2 = np.sin(v1)  # 0.8",
    "gradient check": "%%gradcheck x=1.5\ndef f(x):\n    return x**3\n\n\ndef g(x):\n    return 3 * x**2 + 1",
}
"""A page for each way to show something: its name and a cell."""

ATTACK = "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"

HOSTILE = {
    "gradient": "%%grad p={{{0!r}: 2.0}} --trace --why --source --graph\np[{0!r}] * np.abs(p[{0!r}] - 2.0)",
    "Jacobian": "%%grad p={{{0!r}: np.ones(2)}}\np[{0!r}] ** 2",
    "heat map": "%%grad p={{{0!r}: np.ones(20)}}\np[{0!r}] ** 2",
    "Hessian": "%%grad p={{{0!r}: np.ones(2)}} --eigen\nnp.sum(p[{0!r}] ** 2)",
    "homework": "%%tracecheck p={{{0!r}: 2.0}}\nv1 = p[{0!r}] ** 2  # 4.0",
    "numerical": "%%numdiff p={{{0!r}: 2.0}}\np[{0!r}] ** 2",
    "symbolic": "%%symdiff p={{{0!r}: 2.0}} --steps\nnp.sin(p[{0!r}])",
    "comparison": "%%diffcompare x=2.0\n{{{0!r}: x**2}}",
    "gradient check": "%%gradcheck p={{{0!r}: 2.0}}\ndef f(p):\n    return p[{0!r}] ** 2\n\n\n"
    "def g(p):\n    return {{{0!r}: p[{0!r}]}}",
}
"""The same for names that are markup: every ``{0!r}`` is one."""


@pytest.fixture(scope="module")
def look() -> Iterator[Look]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_everybody_can_read_it(run: Run, look: Look, page: str) -> None:
    seen = look(html_of(run(PAGES[page])))
    assert seen.violations == []
    assert seen.faint == []


@pytest.mark.parametrize("page", HOSTILE)
def test_markup_in_names_stays_text(run: Run, look: Look, page: str) -> None:
    seen = look(html_of(run(HOSTILE[page].format(ATTACK))))
    assert seen.title == "Output"
    assert seen.made == []
    assert seen.violations == []
    assert "<script>" in seen.text


def test_the_browser_notices(look: Look) -> None:
    bright = '<p style="color:#ddd">on a light page</p><svg><text y="20" fill="#fff">there</text></svg>'
    dim = '<p style="color:#000">on a dark page</p><svg><text y="20" fill="#fff" opacity=".4">here</text></svg>'
    seen = look(f"<table><tr><th></th></tr></table>{bright}{dim}{ATTACK}")
    assert seen.title == "ran"
    assert seen.made == ["SCRIPT", "IMG"]
    assert seen.faint == ["there", "here"]
    rules = [violation.split(": ")[:2] for violation in seen.violations]
    assert sorted(rules) == [
        ["dark", "color-contrast"],
        ["light", "color-contrast"],
        ["light", "empty-table-header"],
        ["light", "image-alt"],
    ]


def test_the_browser_looks_into_pictures(look: Look) -> None:
    words = f'<text y="20" fill="#ddd">faint</text><foreignObject>{ATTACK}</foreignObject>'
    seen = look(image(f'<svg xmlns="http://www.w3.org/2000/svg">{words}</svg>', "a picture"))
    assert seen.faint == ["faint"]
    assert "IMG" in seen.made
