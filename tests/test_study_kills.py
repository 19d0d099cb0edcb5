"""A few of the kills of ``make study-kills``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.slow
def test_a_killed_study_ends_with_the_same_bits():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.study_kills",
            "--count",
            "3",
            "--size",
            "62",
            "--seed",
            "5",
        ],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same bits at the end" in done.stdout
