"""A few of the kills of ``make kills``, at a small size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_kill_loses_or_leaves_anything():
    pytest.importorskip("napari")  # windows are saved and killed as well
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kills", "--count", "15", "--size", "40", "--seed", "3"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed" in done.stdout
