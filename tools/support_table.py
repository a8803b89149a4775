"""Measure what comes of each function of NumPy when it is traced, and write the table of it.

    python tools/support_table.py

The table, ``docs/numpy-functions.md``, depends on nothing but the NumPy that is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "numpy-functions.md"


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.core.primitives.overridable import page

    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
