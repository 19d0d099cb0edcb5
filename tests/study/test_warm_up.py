"""Nothing is left to compile after the warm-up, whatever the input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_snpore.errors import Stopped
from napari_snpore.study.warm_up import warm_up


def test_no_step_compiles_a_kernel_after_the_warm_up():
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("whole_job.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_a_warm_up_stops_between_its_jobs():
    with pytest.raises(Stopped):
        warm_up(should_stop=lambda: True)
