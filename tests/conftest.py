"""Without napari the tests of the window are left out: those that import it, or the folder that does."""

from __future__ import annotations

import gc
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

os.environ.setdefault("SNPORE_WARM_UP", "0")  # no child process beside the tests

HERE = Path(__file__).parent
LONG_FIRST = (
    "test_soak.py",
    "test_parity.py",
    "test_alignment.py",
    "test_site.py",
    "test_gallery.py",
    "test_ortho_slices.py",
    "test_blur_search.py",
    "test_job.py",
    "test_window_state.py",
    "test_total_variation.py",
    "test_compare.py",
    "test_event_loop.py",
    "test_held_out_weight.py",
    "test_ortho_layers.py",
    "test_arrangement.py",
    "test_scene_planes.py",
    "test_ortho_measure.py",
    "test_gl_objects.py",
    "test_supply.py",
    "test_kills.py",
    "test_warm_up.py",
    "test_report.py",
    "test_reconstruct.py",
    "test_compare_commands.py",
    "test_run_with_images.py",
    "test_documentation.py",
    "test_tomogram.py",
    "test_memory.py",
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


_spent = [0.0]  # processor time of this process and its children at the last report


def processor_s() -> float:
    """Return the processor time of this process and of its children that have ended (s)."""
    return sum(os.times()[:4])


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--time-per-file",
        action="store_true",
        help="list the processor time and the time of the files of tests, longest first",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Note the processor time since the last report in the report, which xdist hands on."""
    report = yield
    if item.config.getoption("time_per_file"):
        now = processor_s()
        report.user_properties.append(("processor_s", now - _spent[0]))
        _spent[0] = now
    return report


def pytest_terminal_summary(terminalreporter, config) -> None:
    if not config.getoption("time_per_file"):
        return
    files: dict[str, list[float]] = {}
    reports = [one for group in terminalreporter.stats.values() for one in group]
    for report in reports:
        if hasattr(report, "duration"):
            sums = files.setdefault(report.nodeid.partition("::")[0], [0.0, 0.0])
            sums[0] += dict(report.user_properties).get("processor_s", 0.0)
            sums[1] += report.duration
    terminalreporter.section("processor s, s of each file")
    for name, sums in sorted(files.items(), key=lambda item: -item[1][0]):
        terminalreporter.line(f"{sums[0]:8.1f} {sums[1]:8.1f}  {name}")


def pytest_collection_finish() -> None:
    """Leave what the imports made out of garbage collections: napari collects several times in each
    test with a window, and each time looked at half a million objects that stay.
    """
    gc.collect()
    gc.freeze()
    _spent[0] = processor_s()


def pytest_collection_modifyitems(items: list) -> None:
    """Begin with the long files; the order within a file stays."""
    place = {name: number for number, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONG_FIRST)))


_set_aside_in: list[Path] = []


@pytest.fixture
def make_napari_viewer(make_napari_viewer, request):
    """That of napari, with all objects that are there before the window kept out of its many garbage
    collections. What of them has become garbage goes before the next file.
    """
    if _set_aside_in != [request.path]:
        _set_aside_in[:] = [request.path]
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    return make_napari_viewer
