"""What may be used, what a step needs, and the sentence that refuses it before it starts."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_snpore import Volume, write_volume
from napari_snpore import memory as memory_module
from napari_snpore.errors import InputError
from napari_snpore.memory import NotEnoughMemoryError, check_memory, free_memory, memory_limit
from napari_snpore.segmentation.envelope import make_envelope
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import EnvelopeSection, ThresholdSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import find_phases

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")


@pytest.fixture
def little(monkeypatch):
    """One megabyte is free."""
    monkeypatch.setattr(memory_module, "_free", lambda: (1_000_000, "is free on this machine"))


def rod(n=40):
    z, _, x = np.ogrid[:n, :n, :n]
    data = np.broadcast_to((z - n / 2) ** 2 + (x - n / 2) ** 2 < (n / 3) ** 2, (n, n, n))
    return Volume(data.astype(np.float32), 1.0)


@LINUX
def test_free_is_what_the_system_says():
    lines = Path("/proc/meminfo").read_text(encoding="ascii")
    available = int(re.search(r"MemAvailable:\s+(\d+)", lines)[1]) * 1024
    assert free_memory() <= 1.1 * available
    assert memory_limit() <= 0.81 * 1.1 * available
    assert memory_limit(1000) == 1000


def test_container_leaves_its_limit_less_what_is_used_and_cannot_be_dropped(tmp_path, monkeypatch):
    for name, text in {
        "max": "3000000000\n",
        "current": "2500000000\n",
        "stat": "anon 1\ninactive_file 400000000\nslab 2\n",
    }.items():
        (tmp_path / f"memory.{name}").write_text(text)
    monkeypatch.setattr(memory_module, "_CGROUP", tmp_path)
    assert memory_module._container_memory() == 900_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_module._container_memory() is None


def test_sentence_has_both_numbers_and_what_to_do(little):
    check_memory("Nothing", 800_000)
    with pytest.raises(NotEnoughMemoryError) as refused:
        check_memory("Measuring 512 × 512 × 512 voxels", 2.01e9)
    assert str(refused.value) == (
        "Measuring 512 × 512 × 512 voxels needs about 2.0 GB of memory, and 1 MB may be used, 80 % of what is free on this "
        "machine; bin or crop the data, or close other programs."
    )
    with pytest.raises(NotEnoughMemoryError, match=r"needs about 5 MB .* the memory limit is 0 MB"):
        check_memory("It", 5e6, given=200_000)
    with pytest.raises(NotEnoughMemoryError, match="1 MB are all that is free on this machine"):
        check_memory("It", 5e6, given=10**9)
    assert isinstance(refused.value, InputError)
    assert isinstance(refused.value, MemoryError)


def test_steps_are_refused_before_they_start(little):
    with pytest.raises(
        NotEnoughMemoryError, match="envelope of 50 × 50 × 50 voxels needs about 1 MB"
    ):
        make_envelope(Volume(np.ones((50, 50, 50), np.float32), 1.0), 0.5)
    with pytest.raises(
        NotEnoughMemoryError, match="Measuring 60 × 60 × 60 voxels needs about 8 MB"
    ):
        measure_phases(Volume(np.ones((60, 60, 60), np.uint8), 1.0))


def test_limit_of_a_caller_is_kept_and_the_need_is_noted():
    context = RunContext(Record("segment"), memory_limit=700_000)
    thresholds = ThresholdSection(values=[0.5, 4.0])
    with pytest.raises(
        NotEnoughMemoryError, match="Segmenting 40 × 40 × 40 voxels needs about 2 MB"
    ):
        find_phases(rod(), thresholds, EnvelopeSection(), context=context)
    assert context.record.timings_s == {}
    assert context.record.results["memory_bytes"] == {"segmenting": (12 + 20) * 40**3}


def snpore(*words, cwd, limit_bytes=None, threads=2):
    def limited():
        import resource

        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))

    return subprocess.run(
        [sys.executable, "-m", "napari_snpore", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, "SNPORE_THREADS": str(threads)},
        preexec_fn=limited if limit_bytes else None,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("segment", "gray.tif", "-o", "phases.tif", "-t", "0.5", "-t", "4"),
        ("measure", "labels.tif", "-o", "sizes"),
        ("run", "recipe.toml", "-o", "results"),
    ],
)
def test_commands_take_a_limit_and_leave_nothing(words, tmp_path):
    write_volume(tmp_path / "gray.tif", rod(64))
    write_volume(tmp_path / "labels.tif", Volume(rod(64).data.astype(np.uint8) * 3, 1.0))
    (tmp_path / "recipe.toml").write_text('[input]\nvolume = "gray.tif"\n', encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    done = snpore(*words, "--memory-limit-mb", "1", cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"snpore: (Segmenting|Measuring) 64 × 64 × 64 voxels needs about \d MB of memory, and the memory limit is 1 MB; bin or "
        r"crop the data, or close other programs.",
        last,
    ), done.stderr
    assert sorted(tmp_path.iterdir()) == before


@LINUX
@pytest.mark.parametrize("limit_mb", [300, 700, 1000, 1100, 1200, 1300, 1500, 1800])
def test_hard_limit_of_the_process_is_a_sentence_and_no_abort(limit_mb, tmp_path):
    write_volume(tmp_path / "gray.tif", rod(100))
    done = snpore(
        *("segment", "gray.tif", "-o", "phases.tif", "-t", "0.5", "-t", "4"),
        cwd=tmp_path,
        limit_bytes=limit_mb * 1_000_000,
    )
    assert done.returncode in (0, 1), done.stderr
    assert (tmp_path / "phases.tif").exists() == (done.returncode == 0)
    if done.returncode:
        last = done.stderr.splitlines()[-1]
        assert re.search(r"^snpore: .*(ulimit -v|Memory ran out with)", last), done.stderr


@LINUX
def test_file_beyond_a_hard_limit_is_a_sentence_about_memory(tmp_path):
    header = bytearray(1024)
    struct.pack_into("<4i", header, 0, 1000, 1000, 1000, 2)
    struct.pack_into("<3i", header, 28, 1000, 1000, 1000)
    struct.pack_into("<3f", header, 40, 4000, 4000, 4000)  # cell in Å: voxels of 0.4 nm
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    header[208:214] = b"MAP DD"
    with (tmp_path / "big.mrc").open("wb") as file:
        file.write(header)
        file.truncate(1024 + 4 * 1000**3)  # takes no place on the disk
    done = snpore(*("convert", "big.mrc", "-o", "big.tif"), cwd=tmp_path, limit_bytes=1_300_000_000)
    assert done.returncode == 1
    assert re.fullmatch(
        r"snpore: big\.mrc needs more memory than there is \(\d+ MB\): crop or bin .* \(ulimit -v\)\.\n",
        done.stderr,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["big.mrc"]


@LINUX
@pytest.mark.parametrize("limit_mb", [1050, 1300, 1600])
def test_reconstruction_with_many_threads_under_a_hard_limit(limit_mb, tmp_path):
    images = np.zeros((9, 32, 32), np.float32)
    images[:, 8:24, 10:20] = 1
    angles = np.arange(-60.0, 61, 15)
    write_volume(tmp_path / "tilts.tif", Volume(images, 1.0))
    (tmp_path / "tilts.rawtlt").write_text("\n".join(map(str, angles)), encoding="utf-8")
    done = snpore(
        *("reconstruct", "tilts.tif", "-o", "gray.tif", "--method", "wbp"),
        cwd=tmp_path,
        limit_bytes=limit_mb * 1_000_000,
        threads=16,
    )
    assert done.returncode in (0, 1), done.stderr
    assert (tmp_path / "gray.tif").exists() == (done.returncode == 0)
    if done.returncode:
        last = done.stderr.splitlines()[-1]
        assert re.search(r"^snpore: .*(ulimit -v|Memory ran out with)", last), done.stderr


_WATCHED = """
import re, threading, time
import numpy as np
from napari_snpore import Volume
from napari_snpore.memory import give_back_freed
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.run_context import RunContext
def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
def phases(n):
    random = np.random.default_rng(0)
    labels = np.zeros((n, n, n), np.uint8)
    m = n // 8
    labels[m:-m, :, m:-m] = 2
    for z, y, x in random.integers(m, n - m - 8, (n, 3)):
        labels[z : z + 8, y : y + 8, x : x + 8] = random.integers(1, 4)
    return Volume(labels, 1.0)
measure_phases(phases(48))
volume = phases(192)
give_back_freed()
before, peak, going = anonymous(), [0], [True]
def watch():
    while going[0]:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.002)
thread = threading.Thread(target=watch); thread.start()
context = RunContext(Record("measure"))
measure_phases(volume, MeasureSection(details=DETAILS), context=context)
going[0] = False; thread.join()
print("share", (peak[0] - before) / sum(context.record.results["memory_bytes"].values()))
"""


@LINUX
@pytest.mark.parametrize("details", [False, True])
def test_a_measurement_takes_what_it_says(tmp_path, details):
    """The correlation of the details adds to what the measurement holds."""
    code = _WATCHED.replace("DETAILS", str(details))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert 0.4 < float(done.stdout.split()[-1]) < 1.0
