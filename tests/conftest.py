"""Without napari the tests of the window are left out: those that import it, or the folder that does."""

from __future__ import annotations

import gc
import os
import re
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("SNPORE_WARM_UP", "0")  # no child process beside the tests

HERE = Path(__file__).parent
NEEDS_WINDOW = re.compile(
    r"^\s*(from|import) (napari|npe2|qtpy|napari_snpore\.viewer)\b", re.MULTILINE
)

collect_ignore = []
if find_spec("napari") is None:
    collect_ignore = [str(HERE / "viewer")] + [
        str(path)
        for path in HERE.rglob("test_*.py")
        if NEEDS_WINDOW.search(path.read_text(encoding="utf-8"))
    ]


def pytest_collection_finish() -> None:
    """Leave what the imports made out of garbage collections: napari collects several times in each
    test with a window, and each time looked at half a million objects that stay.
    """
    gc.collect()
    gc.freeze()
