"""Run the notebooks and store their outputs, so that the tests can compare them.

    python tools/refresh_notebooks.py [NAME ...]

A name is a part of a file name; without names, all notebooks in ``notebooks/`` are run. What is written depends on the
notebook alone: no versions, no times, no state of widgets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


def read(path: Path) -> Any:
    """A notebook, each cell with an identity that does not change from run to run."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["nbformat_minor"] = max(raw["nbformat_minor"], 5)
    for number, cell in enumerate(raw["cells"], start=1):
        cell.setdefault("id", f"cell-{number}")
    return nbformat.reads(json.dumps(raw), as_version=4)


def execute(notebook: Any, folder: Path) -> None:
    """Run all cells in a new kernel of this environment."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=True,
    )
    client.execute()


def normalise(notebook: Any) -> None:
    """Leave nothing that depends on the machine, the moment or the way the notebook was last saved."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        count += bool(cell.source.strip())
        cell.execution_count = count if cell.source.strip() else None
        for output in cell.outputs:
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)  # names a model that is gone
            if output.output_type == "execute_result":
                output.execution_count = count


def refresh(path: Path) -> None:
    notebook = read(path)
    execute(notebook, path.parent)
    normalise(notebook)
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the notebooks and store their outputs.")
    parser.add_argument("names", nargs="*", help="parts of file names; all notebooks if none is given")
    names = parser.parse_args().names
    paths = [path for path in sorted(FOLDER.glob("*.ipynb")) if not names or any(name in path.name for name in names)]
    if not paths:
        parser.error(f"no notebook in notebooks/ is called {' or '.join(names)}" if names else "notebooks/ is empty")
    for path in paths:
        print(path.name)
        refresh(path)


if __name__ == "__main__":
    main()
