"""A real kernel: what a notebook records when a cell fails."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    "%load_ext diffmagic",
    "%%grad x=2.0\nimport numpy as np\nr = np.zeros(1, int)\nr[:] = x\nx",
    "%%grad x=2.0 --trac\nx",
    "%%grad x=2.0\ny = x / 0",
    "%%grad x=2.0\ny = (x",
    "%%grad x=3.0\nx**2",
]


@pytest.fixture(scope="module")
def outputs() -> list[list[Any]]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120).execute()
    return [cell.outputs for cell in notebook.cells]


def test_errors_of_ours_fail_the_cell_with_one_message(outputs: list[list[Any]]) -> None:
    (error,) = outputs[1]
    assert (error.output_type, error.ename) == ("error", "DiffmagicError")
    assert error.traceback[0] == "line 4: r[:] = x"
    assert len(error.traceback) == 3
    (error,) = outputs[2]
    assert (error.ename, error.traceback) == ("DiffmagicError", ["there is no option --trac", "  Instead: --trace"])


def test_errors_of_the_user_keep_their_type(outputs: list[list[Any]]) -> None:
    (error,) = outputs[3]
    text = "\n".join(error.traceback)
    assert error.ename == "ZeroDivisionError"
    assert "site-packages" not in text
    assert "diffmagic" not in text


def test_syntax_errors_fail_the_cell(outputs: list[list[Any]]) -> None:
    (error,) = outputs[4]
    assert error.evalue.startswith("SyntaxError: ")


def test_a_result_has_text_and_html(outputs: list[list[Any]]) -> None:
    (result,) = outputs[5]
    assert set(result.data) == {"text/plain", "text/html"}
    assert result.data["text/plain"].startswith("value = 9.0\n\n∂/∂x = 6.0\n")
