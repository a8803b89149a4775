"""An IPython in this process, with the extension loaded and nothing left over between tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config


@pytest.fixture(scope="session")
def ipython(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        shell = InteractiveShell.instance(config=config)
        yield shell
        InteractiveShell.clear_instance()


@pytest.fixture
def shell(ipython: InteractiveShell) -> Iterator[InteractiveShell]:
    ipython.run_line_magic("load_ext", "diffmagic")
    before = set(ipython.user_ns)
    ipython.user_ns["np"] = np
    yield ipython
    ipython.run_line_magic("unload_ext", "diffmagic")
    ipython.config.pop("DiffMagic", None)
    for name in set(ipython.user_ns) - before:
        del ipython.user_ns[name]


@pytest.fixture
def run(shell: InteractiveShell) -> Callable[[str], Any]:
    """Run a cell and return its result; its error is raised."""

    def run_cell(source: str) -> Any:
        result = shell.run_cell(source)
        result.raise_error()
        return result.result

    return run_cell


@pytest.fixture
def output(shell: InteractiveShell) -> Callable[[str], str]:
    """Run a cell and return everything it prints, errors included."""

    def run_cell(source: str) -> str:
        with capture_output() as captured:
            shell.run_cell(source)
        return str(captured.stdout + captured.stderr)

    return run_cell
