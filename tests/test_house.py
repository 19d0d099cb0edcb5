"""The rules of the house that a machine can check: what the backend brings in, and in which direction rooms import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import napari_snpore

PACKAGE = Path(napari_snpore.__file__).parent
ROOMS = (
    "volume tomography segmentation measurement subvolume oblique line_profiles in_situ phantom comparison files figures"
    " study viewer cli"
).split()


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_backend_brings_in_no_gui_and_no_matplotlib():
    code = (
        "import sys, napari_snpore\n"
        "for name in napari_snpore.__all__: getattr(napari_snpore, name)\n"
        "import napari_snpore.study, napari_snpore.cli\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = set(run_python(code).split())
    assert "numba" in loaded, "the names were not loaded at all"
    assert not loaded & {"napari", "qtpy", "PyQt6", "PySide6", "vispy", "magicgui", "superqt", "matplotlib"}


def test_importing_the_package_is_light():
    code = "import sys, napari_snpore; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = set(run_python(code).split())
    assert "napari_snpore" in loaded
    assert not loaded & {"numpy", "numba", "pandas", "scipy"}


def test_every_public_name_has_a_home():
    assert set(napari_snpore.__all__) == {"__version__", *napari_snpore._HOME}


@pytest.mark.parametrize("name", napari_snpore.__all__)
def test_public_name_is_there_and_says_what_it_is(name):
    found = getattr(napari_snpore, name)
    assert name == "__version__" or (found.__doc__ or "").strip()


def room_of(path: Path) -> str:
    return Path(path.relative_to(PACKAGE).parts[0]).stem


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_up_the_list_of_rooms(path):
    here = room_of(path)
    if here not in ROOMS:
        assert here in {"__init__", "__main__", "errors", "compute", "scratch"}, (
            f"{here} is a room that the plan does not know"
        )
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("napari_snpore."):
            there = node.module.split(".")[1]
            if there in ROOMS:
                assert ROOMS.index(there) <= ROOMS.index(here), f"line {node.lineno}: {here} imports {there}"
