"""Every example of the gallery runs by itself and draws what the page shows."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(
    path for path in (ROOT / "examples").glob("*/*.py") if path.parent.name != "notebooks"
)
"""Notebooks are run by test_notebooks.py."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_draws(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example needs no file of the checkout
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        names = runpy.run_path(str(example), run_name="__main__")
        pyplot.close("all")
    assert any(isinstance(one, Figure) for one in names.values())
    assert not list(tmp_path.iterdir())
