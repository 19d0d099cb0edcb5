"""Rates of volumes on disk: OME-Zarr with shards and levels against raw TIFF by tifffile and plain
Zarr, and a volume larger than a limit that streams into its store.

``python -m benchmarks.storage`` prints the ratios at 512³; ``--streamed 2048 --folder PLACE`` writes a
generated volume of that edge and says its files, size, rates, memory, and the time of a slice. Files
are in the cache of the system when they are read: rates are those of the program, not of a disk.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.peers import ratio
from napari_snpore import Volume, read_volume, write_volume
from napari_snpore.files.image_input import parse_input

EDGE = 512
SPACING = 0.15
KINDS = ("gray", "phases")
PEERS = ("tifffile", "zarr")
WORK = ("write", "read", "slice z", "slice y", "slice x")

_SLICES: dict[str, Any] = {
    "slice z": np.s_[EDGE // 3],
    "slice y": np.s_[:, EDGE // 3],
    "slice x": np.s_[:, :, EDGE // 3],
}


def volume_of(kind: str, edge: int = EDGE) -> np.ndarray:
    """Return noise as wide as a voxel (float32), or the phases 1 to 3 of noise three voxels wide
    (uint8)."""
    slab = gray_slab(edge) if kind == "gray" else phase_slab(edge)
    return np.concatenate([np.roll(slab, z, axis=1) for z in range(0, edge, len(slab))])[:edge]


def gray_slab(edge: int) -> np.ndarray:
    """Return 64 planes of gray values, float32; large ones are tiles of one that repeats."""
    return _tiled(gaussian_filter(_noise(edge), 1, mode="wrap"), edge)


def phase_slab(edge: int) -> np.ndarray:
    """Return 64 planes of phases, uint8."""
    smooth = gaussian_filter(_noise(edge), 3, mode="wrap")
    levels = np.quantile(smooth[::8], [0.4, 0.95])
    return _tiled((1 + np.searchsorted(levels, smooth)).astype(np.uint8), edge)


def _noise(edge: int) -> np.ndarray:
    side = min(edge, EDGE)
    return np.random.default_rng(0).standard_normal((64, side, side), np.float32)


def _tiled(tile: np.ndarray, edge: int) -> np.ndarray:
    count = -(-edge // tile.shape[1])
    return np.tile(tile, (1, count, count))[:, :edge, :edge]


class Store:
    """One way to keep a volume: how it is written, and opened as an array of slices."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.path = folder / (f"{name}.tif" if name == "tifffile" else f"{name}.ome.zarr")

    def write(self, data: np.ndarray) -> None:
        """Write a volume into an empty place."""
        if self.path.is_dir():
            shutil.rmtree(self.path)
        self.path.unlink(missing_ok=True)
        if self.name == "own":
            write_volume(self.path, Volume(data, SPACING))
        elif self.name == "tifffile":
            import tifffile

            tifffile.imwrite(self.path, data, photometric="minisblack")
        else:
            import zarr

            stored = zarr.create_array(
                self.path, shape=data.shape, chunks=(64, 64, 64), dtype=data.dtype
            )
            stored[...] = data

    def opened(self) -> Any:
        """Return the volume as what slices are taken of."""
        if self.name == "own":
            return read_volume(self.path).data
        if self.name == "tifffile":
            import tifffile

            return tifffile.memmap(self.path, mode="r")
        import zarr

        return zarr.open_array(self.path, mode="r")

    def take(self, work: str) -> np.ndarray:
        """Return all voxels, or one slice, in memory."""
        data = self.opened()
        return np.array(data if work == "read" else data[_SLICES[work]])


class StorageAgainstPeers:
    """Time of a peer over that of the store of this package, which writes levels as well."""

    params = (PEERS, KINDS, WORK)
    param_names = ("peer", "kind", "work")
    timeout = 1200

    def setup(self, peer: str, kind: str, work: str) -> None:
        self.data = volume_of(kind)
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [Store(name, self.folder) for name in ("own", peer)]
        for store in self.stores:
            store.write(self.data)

    def teardown(self, peer: str, kind: str, work: str) -> None:
        shutil.rmtree(self.folder)

    def track_ratio(self, peer: str, kind: str, work: str) -> float:
        def done(store: Store) -> Callable[[], int]:
            def once() -> int:
                if work == "write":
                    store.write(self.data)
                else:
                    store.take(work)
                return 1

            return once

        ours, theirs = map(done, self.stores)
        return ratio(ours, theirs, 5)


class Streamed:
    """A volume that is made a slab at a time when it is asked for."""

    ndim = 3

    def __init__(self, edge: int, kind: str) -> None:
        self._slab = gray_slab(edge) if kind == "gray" else phase_slab(edge)
        self.shape, self.dtype = (edge,) * 3, self._slab.dtype

    def __getitem__(self, planes: slice) -> np.ndarray:
        start, stop, _ = planes.indices(self.shape[0])
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for k in range(start, stop):
            period, plane = divmod(k, len(self._slab))
            out[k - start] = np.roll(self._slab[plane], period, axis=0)
        return out


def stream(edge: int, kind: str, folder: Path) -> None:
    """Write a generated volume, and say what it takes."""
    source = Streamed(edge, kind)
    path = folder / "streamed.ome.zarr"
    held, before = _peak_mb(), _processor_seconds()
    start = time.perf_counter()
    write_volume(path, Volume(source, SPACING))
    wall, used = time.perf_counter() - start, _processor_seconds() - before
    files = [Path(place) / name for place, _, names in os.walk(path) for name in names]
    size = edge**3 * source.dtype.itemsize
    stored = sum(file.stat().st_size for file in files)
    _say(f"{edge}³ {source.dtype} ({size / 1e9:.1f} GB), streamed: {len(files)} files, ")
    _say(f"{stored / size:.2f} of its size, {size / 1e6 / wall:.0f} MB/s, ")
    _say(f"{used:.0f} s of processor time, {_peak_mb() - held:.0f} MB more at the peak ")
    _say(f"({64 * edge**2 * source.dtype.itemsize / 1e6:.0f} MB for 64 planes)\n")
    start = time.perf_counter()
    (parsed,) = parse_input(path).files
    coarsest = np.asarray(parsed.levels[-1])
    _say(f"opened, with its coarsest level {coarsest.shape}, in {_ms(start)} ms\n")
    middle = edge // 2
    for name, key in (("z", middle), ("y", np.s_[:, middle]), ("x", np.s_[:, :, middle])):
        rounds = []
        before = _processor_seconds()
        for _ in range(5):
            start = time.perf_counter()
            np.asarray(parsed.data[key])
            rounds.append(_ms(start))
        used = 1000 * (_processor_seconds() - before) / 5
        first, rest = rounds[0], statistics.median(rounds[1:])
        _say(f"slice {name}, full resolution: {first} ms at first, {rest:.0f} ms again, ")
        _say(f"{used:.0f} ms of processor time\n")
    shutil.rmtree(path)


def _ms(start: float) -> int:
    return round(1000 * (time.perf_counter() - start))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _say(words: str) -> None:
    sys.stdout.write(words)
    sys.stdout.flush()


def main() -> None:
    """Print every ratio; above 1 the store of the package is faster than the peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streamed", type=int, metavar="EDGE", help="voxels along each axis")
    parser.add_argument("--kind", choices=KINDS, default="gray")
    parser.add_argument("--folder", type=Path, default=Path(), help="where files are written")
    given = parser.parse_args()
    if given.streamed:
        stream(given.streamed, given.kind, given.folder)
        return
    bench = StorageAgainstPeers()
    for peer in PEERS:
        for kind in KINDS:
            for work in WORK:
                bench.setup(peer, kind, work)
                found = bench.track_ratio(peer, kind, work)
                bench.teardown(peer, kind, work)
                _say(f"{EDGE}³ {kind}, {work}: {found:.2f} x {peer}\n")


if __name__ == "__main__":
    main()
