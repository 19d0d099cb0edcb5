"""Runs by blocks: in memory, in threads of one process, in processes of dask.distributed, and while
those are killed at random moments.

``python -m benchmarks engine --edge 256 --kills 20``: every way is a ``snpore run`` of one volume in
OME-Zarr, a porous fibre with noise, in a process of its own. With ``--tilts 70`` it starts from so many
images of it (blurred by 1 px, 1,000 counts over the fibre), which are reconstructed by 20 iterations of
SIRT, or with ``--method tv`` by TV, with thresholds by the images and polishing.
One row per way: seconds, processor seconds of all its processes, the highest memory of all of them
together (anonymous pages: without what the system caches of files, mapped or not; on Linux), and what
they read from files and wrote; then seconds per step. Fails unless tables and voxels have the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.blocks import write_fibre
from napari_snpore import TiltSeries, Volume, project, read_volume, write_volume
from napari_snpore.blocks import grid_of
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.warm_up import warm_up
from napari_snpore.tomography.detector_blur import blur_images

_SPACING_NM = 0.15
_RECIPE = """name = "engine"
[input]
{source}
[envelope]
ray_length_nm = {ray_nm}
[cleanup]
specks = {{Sn = 4}}
[measure]
details = false
[uncertainty]
draws = 3
twins = 0
[blocks]
enabled = {blocks}
{shape}
[output]
volumes = "ome-zarr"
figures = []
"""


_SERIES = """tilt_series = {images!r}
[align]
enabled = false
[reconstruct]
method = {method!r}
"""

_SIRT = """[reconstruct.sirt]
stop = "iterations"
iterations = 20"""

_BLUR_PX, _COUNTS = 1.0, 1000.0


@dataclass
class Way:
    """One run and what it took."""

    name: str
    seconds: float
    processor_s: float
    peak_bytes: int
    read_bytes: int
    written_bytes: int
    kills: int
    digests: dict[str, str]
    steps_s: dict[str, float]


def main() -> int:
    """Run all ways, print their figures and compare their results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edge", type=int, default=256, help="voxels along each axis")
    parser.add_argument("--ray-nm", type=float, default=3.0, help="rays of the envelope")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--kills", type=int, default=0, help="of workers, in as many runs as needed"
    )
    parser.add_argument("--limit-mb", type=int, help="--memory-limit-mb of the runs by blocks")
    parser.add_argument("--block", type=int, nargs=3, help="voxels of a block (z, y, x)")
    parser.add_argument("--ways", nargs="+", default=["memory", "threads", "processes"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tilts", type=int, default=0, help="images to reconstruct from")
    parser.add_argument("--method", choices=("sirt", "tv"), default="sirt")
    given = parser.parse_args()
    warm_up()
    found: list[Way] = []
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name).absolute()
        write_fibre(folder / "gray", given.edge)
        volume = folder / "gray.ome.zarr"
        gray = Volume(_opened(folder / "gray"), _SPACING_NM)
        if given.tilts:
            volume = folder / "tilts.tif"
            write_tilts(volume, _images_of(gray, given.tilts))
        else:
            write_volume(volume, gray)
        for way in given.ways:
            found.append(_run(folder, volume, way, given))
            print(_row(found[-1], given.edge), flush=True)
        draws, kills = random.Random(given.seed), 0
        while kills < given.kills:
            found.append(_run(folder, volume, "killed", given, draws, given.kills - kills))
            kills += found[-1].kills
            print(_row(found[-1], given.edge), flush=True)
    for step in found[0].steps_s:
        times = " ".join(f"{way.steps_s.get(step, float('nan')):>10.1f}" for way in found)
        print(f"{step:<28}{times}")
    different = sorted(
        {
            f"{way.name}: {file}"
            for way in found[1:]
            for file, digest in way.digests.items()
            if digest != found[0].digests[file]
        }
    )
    print("\n".join(f"other bits in {one}" for one in different) or "no result has another bit")
    return 1 if different else 0


def _images_of(gray: Volume, tilts: int) -> TiltSeries:
    """Return noisy images of a volume."""
    angles = np.linspace(-69, 69, tilts)
    images = blur_images(project(np.asarray(gray.data), angles), _BLUR_PX)
    counts = _COUNTS / images[tilts // 2].mean()
    random = np.random.default_rng(0)
    for image in images:
        image[:] = random.poisson(np.maximum(image, 0) * counts) / counts
    return TiltSeries(images, angles, gray.spacing[2])


def _row(way: Way, edge: int) -> str:
    voxels = edge**3
    return (
        f"{way.name:<10} {way.seconds:>8.1f} s  {way.processor_s:>8.1f} s of processors  "
        f"{way.peak_bytes / 1e6:>7.0f} MB ({way.peak_bytes / voxels:.1f} bytes a voxel)  "
        f"read {way.read_bytes / voxels:.1f}, written {way.written_bytes / voxels:.1f} bytes a voxel  "
        f"{way.kills} kills"
    )


def _opened(path: Path) -> Any:
    import zarr

    return zarr.open_array(path, mode="r")


def _source(volume: Path, given: argparse.Namespace) -> str:
    if not given.tilts:
        return f"volume = {str(volume)!r}"
    series = _SERIES.format(images=str(volume), method=given.method)
    return series + (_SIRT if given.method == "sirt" else "")


def _run(
    folder: Path,
    volume: Path,
    way: str,
    given: argparse.Namespace,
    draws: random.Random | None = None,
    most_kills: int = 0,
) -> Way:
    recipe, out = folder / f"{way}.toml", folder / f"{way}_results"
    shape = f"shape = {given.block}" if given.block and way != "memory" else ""
    recipe.write_text(
        _RECIPE.format(
            source=_source(volume, given),
            ray_nm=given.ray_nm,
            blocks="false" if way == "memory" else "true",
            shape=shape,
        ),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "napari_snpore", "run", str(recipe), "-o", str(out)]
    if way in ("processes", "killed"):
        command += ["--workers", str(given.workers)]
    if given.limit_mb and way != "memory":
        command += ["--memory-limit-mb", str(given.limit_mb)]
    before, start = _processor_s(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, kills, at = 0, 0, 0.0
    moved: dict[int, tuple[int, int]] = {}
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        moved.update(_moved(process.pid))
        begun = any(folder.glob(f".{out.name}.*"))  # the workers are there
        if draws is not None and begun and kills < most_kills and time.perf_counter() > at:
            workers = _workers(process.pid)
            if len(workers) >= given.workers:
                draws.choice(workers).kill()
                kills += 1
            at = time.perf_counter() + draws.uniform(0.5, 8.0)
        time.sleep(0.1)
    seconds = time.perf_counter() - start
    if process.returncode:
        assert process.stderr is not None
        sys.exit(f"{way}: {process.stderr.read().decode()}")
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    timings = record["timings_s"]
    read, written = (sum(one) for one in zip(*moved.values(), strict=True))
    used = _processor_s() - before
    return Way(way, seconds, used, peak, read, written, kills, _digests(out), timings)


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(number: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(number)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _memory(number: int) -> int:
    """Return the memory of all processes that no file gives: mapped arrays are the system's cache."""
    total = 0
    for process in _tree(number):
        try:
            total += sum(part.anonymous for part in process.memory_maps())
        except psutil.Error:  # it has just ended
            continue
    return total


def _moved(number: int) -> dict[int, tuple[int, int]]:
    """Return the bytes that each process has read from files and written to them, cached or not."""
    found = {}
    for process in _tree(number):
        try:
            moved = process.io_counters()
            found[process.pid] = moved.read_chars, moved.write_chars
        except psutil.Error:
            continue
    return found


def _workers(number: int) -> list[psutil.Process]:
    found = []
    for process in _tree(number)[1:]:
        try:
            if any("spawn_main" in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _digests(out: Path) -> dict[str, str]:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (out / "tables").iterdir()
    }
    for path in (out / "volumes").iterdir():
        data = read_volume(path).data
        digest = hashlib.sha256()
        for block in grid_of(data, (64, *data.shape[1:])).blocks:
            digest.update(np.ascontiguousarray(data[block]).tobytes())
        found[path.name] = digest.hexdigest()
    return found


if __name__ == "__main__":
    sys.exit(main())
