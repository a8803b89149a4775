"""From a key press on a slider to the new picture, in the panel of ``%%diffexplore`` and in what people write by hand.

    python benchmarks/explorer.py [--quick]

One notebook in a real JupyterLab, in Chromium without a screen, has three cells: the panel; `ipywidgets.interact` over
a function that draws the same with `plt.subplots`; and a slider whose observer sets a label, which is what the way to
the kernel and back costs. Both pictures have the function with a point and its tangent above and the derivative below,
401 points each. PageUp, and on the way back PageDown, goes to the slider of x, along which only the point and its
tangent move, and to that of a, which changes the curves, too. The rival has its derivative from a formula, the panel by
reverse accumulation; before anything is timed both must agree.

The time is taken in the page. It begins when the document, before any other listener, hears of the key, and ends in the
first task after the animation frame in which the picture is another one than before: another content of the SVG
element or of the label, or another image, decoded. Presses are taken in turn, panel, interact, …, one at a time, each
when the kernel is idle and the page has not changed for 0.3 seconds; the first few do not count. Without that pause a
press meets the traffic of the one before: the server's small messages wait up to 40 ms for the browser to acknowledge
one another.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy

import diffmagic

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.notebook.frontends import frontends

WARMING = 3
THERE_AND_BACK = 10  # presses in one direction: no slider comes to its end

FUNCTION = "np.exp(-x * x / 4) * np.sin(a * x)"
BOTH = f"""\
%load_ext diffmagic
import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import FloatSlider, Label, interact

def f(x, a):
    return {FUNCTION}

def slope(x, a):
    return np.exp(-x * x / 4) * (a * np.cos(a * x) - x / 2 * np.sin(a * x))

from diffmagic import derivative
grid = np.linspace(-3, 3, 401)
assert np.allclose(derivative(lambda x: f(x, 1.3))(grid), slope(grid, 1.3), rtol=1e-12)"""
PANEL = f"""\
%%diffexplore x=-3:3, a=1.0
{FUNCTION}"""
BY_HAND = """\
@interact(x=FloatSlider(value=0, min=-3, max=3, step=0.05), a=FloatSlider(value=1, min=-1, max=3, step=0.02))
def draw(x, a):
    fig, (above, below) = plt.subplots(2, figsize=(7.2, 4.6))
    above.plot(grid, f(grid, a))
    above.plot(grid, f(x, a) + slope(x, a) * (grid - x), "--")
    above.plot(x, f(x, a), "o")
    above.set_ylim(-1.5, 1.5)
    below.plot(grid, slope(grid, a))
    below.plot(x, slope(x, a), "o")
    plt.show()"""
ALONE = """\
from IPython.display import display
slider, label = FloatSlider(value=0, min=-3, max=3, step=0.05), Label("0.0")
slider.observe(lambda change: setattr(label, "value", str(change["new"])), "value")
display(slider, label)"""
CELLS = [BOTH, PANEL, BY_HAND, ALONE]

READY = """async ([cell, picture, slider]) => {
    const output = document.querySelectorAll('.jp-Cell')[cell].querySelector('.jp-OutputArea')
    const frame = () => new Promise(requestAnimationFrame)
    const later = (milliseconds = 0) => new Promise(end => setTimeout(end, milliseconds))
    const shown = () => [...output.querySelectorAll(picture)].at(-1)
    const content = () => shown()?.src ?? shown()?.innerHTML
    const handle = output.querySelectorAll('.noUi-handle')[slider]
    handle.focus()
    output.scrollIntoView({block: 'end'})

    const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session
    let changed = performance.now()
    const changes = new MutationObserver(() => changed = performance.now())
    changes.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true})
    while (kernel.status != 'idle' || performance.now() - changed < 300) await frame()
    changes.disconnect()
    await later(17 * Math.random())  // or every key would come at the beginning of a frame

    const before = content()
    if (before === undefined || document.activeElement != handle) throw new Error('there is nothing to measure')
    window.taken = new Promise(end => {
        let pressed
        document.addEventListener('keydown', () => pressed = performance.now(), {capture: true, once: true})
        const other = new MutationObserver(async () => {
            const now = content()
            if (now === undefined || now == before) return
            other.disconnect()
            await shown().decode?.()
            await frame()
            await later()
            end(performance.now() - pressed)
        })
        other.observe(output, {subtree: true, childList: true, attributes: true, characterData: true})
    })
}"""
"""Waits until nothing happens; then it is ready for a key and another picture."""

TAKEN = "() => Promise.race([window.taken, new Promise(end => setTimeout(end, 20000, null))])"


@dataclass
class Press:
    """A slider, and the picture that is to follow it.

    Attributes
    ----------
    name : str
    cell : int
        Which cell it is in.
    picture : str
        A selector of the picture there; of several the last.
    slider : int
        Which slider of the cell.
    times : list of float
        In milliseconds.
    """

    name: str
    cell: int
    picture: str
    slider: int = 0
    times: list[float] = field(default_factory=list)

    def take(self, page: Any, key: str) -> float:
        page.evaluate(READY, [self.cell, self.picture, self.slider])
        page.keyboard.press(key)
        taken: float | None = page.evaluate(TAKEN)
        if taken is None:
            raise TimeoutError(f"{self.name}: no other picture after {key}")
        return taken


def presses() -> list[Press]:
    panel, image, label = "[role=img] svg", ".jupyter-widgets img", ".jupyter-widgets.widget-label"
    return [
        Press("x: diffexplore", 1, panel),
        Press("x: interact", 2, image),
        Press("a: diffexplore", 1, panel, 1),
        Press("a: interact", 2, image, 1),
        Press("label", 3, label),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="From a key press on a slider to the new picture.")
    parser.add_argument("--quick", action="store_true", help="five presses: a look, not a measurement")
    options = parser.parse_args()
    count = 5 if options.quick else 25

    measured = presses()
    with frontends() as opened, opened("lab", CELLS) as page:
        chromium = page.context.browser.version
        for turn in range(WARMING + count):
            key = ("PageUp", "PageDown")[turn // THERE_AND_BACK % 2]
            for press in measured:
                taken = press.take(page, key)
                if turn >= WARMING:
                    press.times.append(taken)

    packages = ", ".join(f"{name} {version(name)}" for name in ("jupyterlab", "ipywidgets", "matplotlib"))
    print(f"Python {platform.python_version()}, {packages}, Chromium {chromium}, diffmagic {diffmagic.__version__}")
    print(f"From the key to the picture: {count} presses, in ms.\n")
    row = "{:<34}{:>10}{:>10}{:>12}{:>24}"
    print(row.format("slider", "median", "90 %", "× label", "interact / diffexplore"))
    medians = [statistics.median(press.times) for press in measured]
    for k, (press, median) in enumerate(zip(measured, medians, strict=True)):
        ratio = f"{median / medians[k - 1]:.1f}" if press.cell == 2 else ""
        high = numpy.percentile(press.times, 90)
        print(row.format(press.name, f"{median:.0f}", f"{high:.0f}", f"{median / medians[-1]:.1f}", ratio))
    return 0


if __name__ == "__main__":
    sys.exit(main())
