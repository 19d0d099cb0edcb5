"""Steps on a volume that lies on disk, block by block, against the same steps in memory.

``python -m benchmarks blocks --edge 256``: one row per step with the ratio of processor time and of
wall time, and the peak memory of each way beside what its process held before the first step.
Both ways run in processes of their own, one after the other, on one zarr array; the run fails
unless labels, phases and tables have the same bits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from scipy import ndimage

from napari_snpore import (
    Volume,
    dead_pores,
    gray_histogram,
    label_objects,
    measure_objects,
    segment,
    suggest_thresholds,
    volume_fractions,
)
from napari_snpore.blocks import VoxelwiseArray, grid_of
from napari_snpore.memory import give_back_freed
from napari_snpore.scratch import scratch_beside
from napari_snpore.segmentation.cleanup import clean_up
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.study.warm_up import warm_up

_SPACING_NM = 0.15
_RAY_NM = 3.0
_CHUNK = 64
_ENVELOPE_BLOCK = 128


def main() -> int:
    """Run both ways and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edge", type=int, default=256, help="voxels along each axis")
    parser.add_argument("--way", choices=["memory", "blocks"], help="run this one, in this process")
    parser.add_argument("--folder", type=Path, help="where the volume lies, with --way")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(_run(given.folder, given.way == "blocks")))
        return 0
    warm_up()
    with tempfile.TemporaryDirectory() as name:
        write_fibre(Path(name) / "gray", given.edge)
        found = {way: _in_a_process(Path(name), way) for way in ("memory", "blocks")}
    return _report(found["memory"], found["blocks"], given.edge**3)


def _report(memory: dict[str, Any], blocks: dict[str, Any], voxels: int) -> int:
    heads = ("CPU s", "CPU ratio", "wall ratio", "MB, memory", "MB, blocks")
    print(f"{'step':<12}" + "".join(f"{head:>12}" for head in heads))
    same = True
    for step, one in memory.items():
        two = blocks[step]
        same &= one["digest"] == two["digest"]
        ratios = two["cpu"] / one["cpu"], two["wall"] / one["wall"]
        peaks = one["peak"] / 1e6, two["peak"] / 1e6
        print(
            f"{step:<12}{one['cpu']:>12.2f}" + "".join(f"{ratio:>12.2f}" for ratio in ratios)
            + "".join(f"{peak:>12.0f}" for peak in peaks)
            + ("" if one["digest"] == two["digest"] else "   other bits")
        )  # fmt: skip
    for way, found in (("in memory", memory), ("by blocks", blocks)):
        cpu = sum(row["cpu"] for row in found.values())
        peak = max(row["peak"] for row in found.values())
        print(f"{way}: {cpu:.1f} s of processor time, {peak / voxels:.1f} bytes per voxel")
    return 0 if same else 1


def _in_a_process(folder: Path, way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks", "blocks", "--way", way, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run(folder: Path, by_blocks: bool) -> dict[str, Any]:
    source: Any = zarr.open_array(folder / "gray", mode="r")
    _steps(source[:8, :64, :64], None, folder)  # kernels are loaded before the count begins
    before = _status("VmRSS")
    rows = _steps(source if by_blocks else source[:], by_blocks, folder)
    return {step: {**row, "peak": row["peak"] - before} for step, row in rows.items()}


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _steps(source: Any, by_blocks: bool | None, folder: Path) -> dict[str, Any]:
    """Run all steps; by blocks every array of the size of the volume is a zarr array.

    One row per step: processor time and wall time (s), highest memory of the process while it ran
    (bytes), and a digest of what it made.
    """
    rows: dict[str, Any] = {}

    def array(name: str, dtype: Any) -> Any:
        if not by_blocks:
            return None
        return zarr.create_array(
            folder / name, shape=source.shape, dtype=dtype, chunks=(_CHUNK,) * 3, overwrite=True
        )

    def step(name: str, work: Callable[[], Any], digest: Callable[[Any], str]) -> Any:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins here
        cpu, wall = time.process_time(), time.perf_counter()
        made = work()
        rows[name] = {
            "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - wall,
            "peak": _status("VmHWM"),
            "digest": "" if by_blocks is None else digest(made),
        }
        give_back_freed()
        return made

    volume = Volume(source, _SPACING_NM)
    histogram = step("histogram", lambda: gray_histogram(volume), _of_histogram)
    limits = step("thresholds", lambda: suggest_thresholds(histogram).thresholds, str)
    mask = array("envelope", np.bool_)
    with scratch_beside(folder / "body", 1 if by_blocks else None) as scratch:
        options = EnvelopeOptions(ray_length_nm=_RAY_NM)
        envelope = step(
            "envelope",
            lambda: make_envelope(
                volume,
                limits[0],
                options,
                out=mask,
                scratch=scratch,
                block_shape=(_ENVELOPE_BLOCK,) * 3 if by_blocks else None,
            ),
            lambda made: _of_array(made.packed.bits),
        )
    inside = envelope.mask if mask is None else mask
    made = array("phases", np.uint8)
    phases = step("segment", partial(segment, source, limits, envelope=inside, out=made), _of_array)
    del inside
    clean = array("clean", np.uint8)
    tidy: dict[str, Any] = {"specks": [(3, 8)], "fill": [2], "out": clean}
    phases, _ = step(
        "clean up", lambda: clean_up(phases, **tidy), lambda found: _of_array(found[0])
    )
    step("fractions", lambda: volume_fractions(phases, spacing=_SPACING_NM), _of_table)
    tin = phases == 3 if made is None else VoxelwiseArray(phases, _is_tin, np.dtype(np.bool_))
    labels_out = array("labels", np.uint32)
    labels = step("label", partial(label_objects, tin, out=labels_out), _of_array)
    del tin
    step(
        "objects",
        partial(measure_objects, labels, spacing=_SPACING_NM, intensity=source),
        _of_table,
    )
    del labels
    dead: dict[str, Any] = {} if made is None else {"out": {6: array("dead", np.bool_)}}
    step(
        "dead pores",
        lambda: dead_pores(phases, spacing=_SPACING_NM, cut_axes=(1,), **dead).table,
        _of_table,
    )
    return rows


def _is_tin(part: Any) -> Any:
    return part == 3


def write_fibre(path: Path, edge: int) -> None:
    """Write a porous fibre along y with clusters of tin, slab by slab in memory."""
    random = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(random.random((edge,) * 3, dtype=np.float32), 2.5, mode="wrap")
    pore, tin = np.quantile(noise[::4, ::4, ::4], [0.35, 0.93])
    out: Any = zarr.create_array(
        path, shape=noise.shape, dtype=np.float32, chunks=(min(_CHUNK, edge),) * 3
    )
    x = np.arange(edge) - (edge - 1) / 2
    for block in grid_of(out).blocks:
        part = noise[block]
        gray = np.where(part < pore, 0.0, np.where(part > tin, 12.0, 1.0))
        outside = np.hypot(x[block[0]][:, None], x[block[2]]) > 0.42 * edge
        gray *= ~outside[:, None, :]
        gray += random.normal(0, 0.15, gray.shape)
        out[block] = gray.astype(np.float32)


def _of_array(data: Any) -> str:
    """Return a digest of an array, read by blocks."""
    digest = hashlib.sha256()
    thick = _CHUNK if data.ndim == 3 else 1 << 24
    for first in range(0, data.shape[0], thick):
        digest.update(np.ascontiguousarray(data[first : first + thick]).tobytes())
    return digest.hexdigest()


def _of_table(table: Any) -> str:
    return hashlib.sha256(table.to_csv(float_format="%a").encode()).hexdigest()


def _of_histogram(histogram: Any) -> str:
    return _of_array(histogram.counts) + _of_array(histogram.edges) + histogram.mean.hex()
