"""The notebooks run in a kernel as a reader runs them, and name what exists."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
SLOW = {"plot_1_tilt_series_to_numbers"}
"""Longer than 20 s."""


def as_parameters():
    for path in NOTEBOOKS:
        yield pytest.param(
            path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else []
        )


def test_there_are_two():
    assert len(NOTEBOOKS) == 2
    assert {path.stem for path in NOTEBOOKS} >= SLOW


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_name_of_the_program_exists(path):
    """This is quick, where running it is not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules, asked = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name: one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            asked += [(node.module, one.name) for one in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked += [(modules[node.value.id], node.attr)] if node.value.id in modules else []
    assert sum(module.startswith("napari_snpore") for module, _ in asked) > 5
    for module, name in asked:
        assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"


@pytest.mark.parametrize("path", list(as_parameters()))
def test_runs_as_a_notebook(path, tmp_path):
    """As the site makes it from the script, and with pictures for the figures at the end of cells."""
    nbformat = pytest.importorskip("nbformat", reason="needs the extra docs: make notebooks")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra docs: make notebooks")
    pytest.importorskip("sphinx_gallery", reason="needs the extra docs: make notebooks")
    from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
    from sphinx_gallery.notebook import jupyter_notebook
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    settings = {**DEFAULT_GALLERY_CONF, "first_notebook_cell": "%matplotlib inline"}
    _, blocks = split_code_and_text_blocks(str(path))
    made = json.dumps(jupyter_notebook(blocks, settings, str(FOLDER)))
    notebook = nbformat.reads(made, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert not [one for one in outputs if one.get("name") == "stderr"]
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    figures = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name)
    ]
    assert len(pictures) == len(figures) >= 3
    assert not list(tmp_path.iterdir())
