"""What is not imported until it is needed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("sympy", "matplotlib.pyplot", "ipywidgets", "scipy")


def imported_by(code: str, modules: tuple[str, ...]) -> str:
    report = f"import sys; print([name for name in {modules!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_importing_costs_numpy_and_little_more() -> None:
    assert imported_by("import diffmagic", (*HEAVY, "matplotlib", "IPython")) == "[]"


def test_loading_the_extension_stays_light() -> None:
    start = """
from traitlets.config import Config
from IPython.core.interactiveshell import InteractiveShell
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.run_line_magic("load_ext", "diffmagic")
shell.run_cell("%grad 'x**2' x=3.0;").raise_error()
"""
    assert imported_by(start, HEAVY) == "[]"


def test_running_the_package_prints_the_trace_table() -> None:
    done = subprocess.run([sys.executable, "-m", "diffmagic"], capture_output=True, encoding="utf-8", check=True)
    assert "v3 = np.exp(v2)" in done.stdout
    assert "0.098305967" in done.stdout
