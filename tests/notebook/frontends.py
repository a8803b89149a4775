"""Notebooks in a real JupyterLab, a real Notebook 7 and a real Voila, in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

from tests.notebook.browser import chromium, chromium_path

PATIENCE = 90
"""Seconds for what takes a few on a machine that has nothing else to do."""

_PLACES = {"lab": "doc/tree", "notebook": "notebooks", "voila": "voila/render"}

_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")

_SETTINGS = {
    "ServerApp": {
        "jpserver_extensions": {"jupyterlab": True, "notebook": True, "voila": True},  # one server has them all
        "ip": "127.0.0.1",
        "port": 0,
        "open_browser": False,
        "allow_root": True,
    },
    "LabApp": {"expose_app_in_browser": True},
    "JupyterNotebookApp": {"expose_app_in_browser": True},
    "VoilaConfiguration": {"show_tracebacks": True},
}

_NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}

_OPENED = "window.jupyterapp?.shell?.currentWidget?.sessionContext"

_RUN = """async patience => {
    const {sessionContext} = jupyterapp.shell.currentWidget
    const run = async () => {
        await sessionContext.ready
        await sessionContext.session.kernel.info
        return await jupyterapp.commands.execute('notebook:run-all-cells')
    }
    const late = new Promise(end => setTimeout(end, 1000 * patience, false))
    return await Promise.race([run(), late])
}"""

_TALL = "body { min-height: 100vh }"
"""A body without a height, as JupyterLab's, makes axe-core take everything in it for hidden."""

Open = Callable[..., AbstractContextManager[Any]]


@contextmanager
def frontends() -> Iterator[Open]:
    """A function that opens a notebook of the given cells, as in ``with opened("lab", cells, theme="dark") as page``.

    The first argument is ``"lab"``, ``"notebook"`` or ``"voila"``; ``theme``, ``width`` and ``height`` may follow the
    cells. They have run when the block begins, its page is Playwright's, and its end ends their kernel. Within a block
    there is no other, and no other event loop runs in its thread.
    """
    chromium_path()  # or there is nothing to start a server for
    with TemporaryDirectory() as name, _server(Path(name)) as server:
        folder, url = Path(name), server["url"]

        @contextmanager
        def opened(
            kind: str, cells: list[str], theme: str = "light", width: int = 1280, height: int = 900
        ) -> Iterator[Any]:
            _write(folder, cells, theme)
            key = {"Authorization": f"token {server['token']}"}
            with chromium() as browser:
                context = browser.new_context(viewport={"width": width, "height": height}, extra_http_headers=key)
                context.set_default_timeout(1000 * PATIENCE)
                page = context.new_page()
                try:
                    page.goto(f"{url}{_PLACES[kind]}/t.ipynb?reset&theme={theme}")
                    page.locator(f"body[data-jp-theme-name='JupyterLab {theme.title()}']").wait_for(state="attached")
                    if kind == "voila":
                        complaints = page.locator("[data-mime-type$=stderr]").all_text_contents()
                        assert not complaints, "".join(complaints)
                    else:
                        page.wait_for_function(_OPENED)
                        assert page.evaluate(_RUN, PATIENCE), page.inner_text(".jp-Notebook")
                    page.add_style_tag(content=_TALL)
                    yield page
                finally:
                    page.close()
                    while kernels := context.request.get(f"{url}api/kernels").json():
                        for kernel in kernels:
                            context.request.delete(f"{url}api/kernels/{kernel['id']}")

        yield opened


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, Any]]:
    """What a server says of itself that keeps to this folder."""
    _write_json(folder / "JUPYTER_CONFIG_DIR/jupyter_server_config.json", _SETTINGS)
    _write_json(folder / "JUPYTER_CONFIG_DIR/labconfig/page_config.json", _NO_NEWS)
    root, log = folder / "root", folder / "log"
    root.mkdir()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server"],
            cwd=root,
            env=os.environ | {name: str(folder / name) for name in _FOLDERS},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        started = folder / "JUPYTER_RUNTIME_DIR" / f"jpserver-{process.pid}.json"
        end = time.monotonic() + PATIENCE
        while not (started.exists() and started.stat().st_size):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield json.loads(started.read_text())
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def _write(folder: Path, cells: list[str], theme: str) -> None:
    """The notebook, and the theme to show it in."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, folder / "root" / "t.ipynb")
    settings = folder / "JUPYTER_CONFIG_DIR/lab/user-settings/@jupyterlab/apputils-extension"
    _write_json(settings / "themes.jupyterlab-settings", {"theme": f"JupyterLab {theme.title()}"})


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
