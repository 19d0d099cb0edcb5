"""Without napari the tests of the window are left out: those that import it, or the folder that does."""

from __future__ import annotations

import gc
import os
import re
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("SNPORE_WARM_UP", "0")  # no child process beside the tests

HERE = Path(__file__).parent
LONG_FIRST = (
    "test_alignment.py",
    "test_soak.py",
    "test_parity.py",
    "test_blur_search.py",
    "test_gallery.py",
    "test_site.py",
    "test_job.py",
    "test_event_loop.py",
    "test_window_state.py",
    "test_contrast.py",
    "test_supply.py",
    "test_documentation.py",
    "test_kills.py",
    "test_warm_up.py",
    "test_tomogram.py",
    "test_memory.py",
    "test_compare_commands.py",
    "test_run_with_images.py",
)
"""Files that take longest: begun last, one of them would keep one process busy alone."""
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


def pytest_collection_modifyitems(items: list) -> None:
    """Begin with the long files; the order within a file stays."""
    place = {name: number for number, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONG_FIRST)))
