"""A series and a volume larger than the limit: the whole command in so much memory, and a disk that
is full.
"""

from __future__ import annotations

import os
import subprocess
import sys

import mrcfile
import numpy as np
import pytest

from napari_snpore.errors import OutputError
from napari_snpore.files import write_tlt
from napari_snpore.scratch import scratch_beside

_WATCHED = """
import sys, threading, time
from napari_snpore.cli.main import main
from napari_snpore.tomography.reconstruction import warm_up
words = sys.argv[1:]
try:
    main(["reconstruct", "small.mrc", "-o", "small.tif", "--method", "sirt", *words])
except SystemExit as ended:
    assert not ended.code
def anonymous():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) * 1024
before = anonymous()
peak, going = [before], [True]
def watch():
    while going[0]:
        peak.append(anonymous())
        time.sleep(0.002)
thread = threading.Thread(target=watch); thread.start()
try:
    main(["reconstruct", "large.mrc", "-o", "large.tif", "--method", "sirt", *words])
except SystemExit as ended:
    assert not ended.code
going[0] = False; thread.join()
print("peak", max(peak) - before)
"""


def write_series(path, rows):
    """A rod of grey 2 along the axis, the same in every row, moved by (0, 3) px."""
    x = np.arange(160) - 79.5 + 3
    row = 4 * np.sqrt(np.clip(40.0**2 - x**2, 0, None)).astype(np.float32)
    with mrcfile.new_mmap(path, (25, rows, 160), mrc_mode=2) as file:
        file.data[:] = row
        file.voxel_size = 5.0
    write_tlt(path.with_suffix(".tlt"), np.arange(-60, 61, 5.0))


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads the memory of a process from /proc"
)
def test_command_stays_within_its_limit(tmp_path):
    write_series(tmp_path / "small.mrc", 32)
    write_series(
        tmp_path / "large.mrc", 1400
    )  # 22 MB of images, twice with the aligned ones, and a volume of 143 MB
    (tmp_path / "a.xf").write_text("1 0 0 1 3 0\n" * 25)
    words = ["--xf", "a.xf", "--iterations", "2", "--memory-limit-mb", "60"]
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=240,
        env={**os.environ, "SNPORE_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout.split("peak ")[1])
    assert peak < 60_000_000
    left = {path.name for path in tmp_path.iterdir()}
    assert not any("scratch" in name for name in left), left
    assert (tmp_path / "large.tif").stat().st_size > 143_000_000


def test_full_disk_is_one_sentence_before_anything_is_computed(tmp_path, monkeypatch):
    def full(handle, start, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with scratch_beside(tmp_path / "a.tif", 2000) as scratch:
        assert isinstance(scratch.empty((4, 4)), np.ndarray), "what is small stays in memory"
        with pytest.raises(
            OutputError, match=r"MB free, and 4 MB are needed .* No space left on device"
        ):
            scratch.empty((100, 100, 100))
    assert list(tmp_path.iterdir()) == []
