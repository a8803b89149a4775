"""A hundred runs of a cell in a real kernel: what they leave behind."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

PANEL = '%%diffexplore x=-3:3, a=1.0, kind=["sin", "cos"]\ny = getattr(np, kind)(a * x)'
COUNT = """
import gc, json
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure
from diffmagic.notebook.explorer.function import Function

def count(kind):
    return sum(isinstance(thing, kind) for thing in gc.get_objects())

gc.collect()
print(json.dumps({
    "models": len(_instances),
    "observers": sum(len(found) for each in _instances.values() for found in each._trait_notifiers.values()),
    "widgets": count(Widget),
    "figures": count(Figure),
    "functions": count(Function),
}))
"""


@pytest.fixture
def client() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, code: str, cell: str) -> tuple[str, list[dict[str, Any]]]:
    """What a cell of that identity prints, and what it displays, as a front end runs it."""
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    content["stop_on_error"] = False
    message = client.session.msg("execute_request", content)
    message["metadata"] = {"cellId": cell}
    client.shell_channel.send(message)
    printed, failure, displayed = "", "", []
    while True:
        try:
            found = client.get_iopub_msg(timeout=60)
        except queue.Empty:
            pytest.fail(f"the kernel does not answer to {code}")
        if found["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        kind, content = found["msg_type"], found["content"]
        if kind == "stream":
            printed += content["text"]
        elif kind == "display_data":
            displayed.append(content["data"])
        elif kind == "error":
            failure = "\n".join(content["traceback"])
        elif kind == "status" and content["execution_state"] == "idle":
            if failure:
                pytest.fail(failure)
            return printed, displayed


def test_a_hundred_runs_leave_nothing_behind(client: BlockingKernelClient) -> None:
    def count() -> dict[str, int]:
        return dict(json.loads(run(client, COUNT, "count")[0]))

    run(client, "%load_ext diffmagic\nimport numpy as np", "first")
    run(client, PANEL, "other")
    run(client, PANEL, "panel")
    before = count()
    for _ in range(100):
        _, displayed = run(client, PANEL, "panel")
    assert ["image/" in json.dumps(each) or "text/html" in each for each in displayed] == [True, False]
    assert "application/vnd.jupyter.widget-view+json" in displayed[1]
    assert count() == before
    with pytest.raises(pytest.fail.Exception, match="no room for 5 derivatives"):  # or whatever else the cell does
        run(client, "%%diffexplore x=-3:3 --order 5\nx", "panel")
    run(client, "1 + 1", "other")
    assert count()["functions"] == 0
    run(client, "%unload_ext diffmagic", "last")
    after = count()
    assert (after["models"], after["observers"], after["functions"]) == (0, 0, 0)
