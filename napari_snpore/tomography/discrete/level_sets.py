"""Projections of the nested level sets of a volume, and their scalar products with the images.

A volume cut at thresholds t1 < ... < tN has the classes "between t1 and t2" to "tN and above", each
with one grey level, and vacuum below t1. With the level sets S_k = (x >= t_k) a class is a
difference of two sets, so that

    sum of (level k) * (class k) = sum of (level k - level k-1) * S_k.

Strategy: the level sets of K thresholds are projected and blurred once; their weighted scalar
products with each other (the Gram matrix, K × K) and with the images hold all that least squares
needs, for every choice of N of the K thresholds. The levels rise where every step between them is
positive. :mod:`~napari_snpore.tomography.discrete.level_fits` solves these small systems.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_blocks, share_of
from napari_snpore.threads import thread_count
from napari_snpore.tomography.detector_blur import blur_images, gaussian_taps
from napari_snpore.tomography.discrete._gram_kernels import add_gram
from napari_snpore.tomography.projector import finite_rows, project

Floats = NDArray[np.float64]

_EVEN_SHARE = 0.6
"""Share of the thresholds that are spread evenly over the axis log(1 + v / v0); the rest follow the
grey values. Thresholds are sought between the peaks, so that more than half do not follow them."""

_KNEE_MASS, _KNEE = 0.1, 0.5
"""v0 is half of the grey value below which a tenth of the summed grey value lies: at or below half
of carbon's level. The axis is even below v0 and logarithmic above, where it has steps in proportion
to the level for any contrast of the bright phases."""

_DARK_MASS, _BRIGHT_MASS = 0.002, 0.995
"""Shares of the summed grey value between which thresholds lie. Half of the summed grey value can
be the bright phase; a phase of less than half a percent of it moves no residual."""

_FEW_VALUES = 100
"""So few values are drawn by hand: none of them is an outlier."""

_OUTLIERS = 1e-5
"""Share of the brightest voxels that does not count for the range: a hot voxel can hold more grey
value than all others."""

_BINS = 1 << 14
"""Bins of the grey values for these shares: 200 for carbon below tin of 80 times its level."""

_CHUNK_BYTES = 64 << 20
"""Projections held at a time."""

_SLAB_BYTES = 32 << 20
"""Level sets that one thread projects together; 8 sets of 40 rows fill the projector's lanes."""

_TOGETHER = 8


@dataclass(frozen=True, eq=False)
class ImageRows:
    """Some rows of the images and of the volume, as float32.

    Parameters
    ----------
    voxels : array, shape (z, row, x)
        With the rows of the halo.
    images, weights : array, shape (tilt, row, x)
        Without the rows of the halo; weights are 1 / variance.
    halo : (int, int)
        Rows of ``voxels`` before the first and after the last row of the images.
    """

    voxels: NDArray[np.float32]
    images: NDArray[np.float32]
    weights: NDArray[np.float32]
    halo: tuple[int, int]


@dataclass(frozen=True, eq=False)
class LevelSets:
    """Scalar products of projected level sets.

    Parameters
    ----------
    thresholds : array, shape (K,)
        Rising grey values.
    gram : array, shape (K, K)
        Weighted scalar products of the projected sets.
    moments : array, shape (K,)
        The same of each set and the images.
    power : float
        The same of the images and themselves.
    pixels : int
        Pixels that count (weight above 0).
    """

    thresholds: Floats
    gram: Floats
    moments: Floats
    power: float
    pixels: int


def slabs_of(slices: int, count: int) -> list[tuple[int, int]]:
    """Return the rows (first, last) of two slabs of ``count`` rows together, at a third and two
    thirds; all rows as one slab where there are hardly more. The shape alone decides.

    Examples
    --------
    >>> slabs_of(96, 32), slabs_of(40, 32)
    ([(24, 40), (56, 72)], [(0, 40)])
    """
    half = max(count // 2, 1)
    if slices <= 3 * half:
        return [(0, slices)]
    starts = [round(slices * share - half / 2) for share in (1 / 3, 2 / 3)]
    return [(start, start + half) for start in starts]


def image_rows(
    volume: Any, images: Any, weights: NDArray[np.float32], rows: tuple[int, int], blur_px: float
) -> ImageRows:
    """Take rows of a volume (z, y, x) and of its images (tilt, y, x), with as many rows beside them
    as the blur reaches.
    """
    first, last = rows
    reach = len(gaussian_taps(blur_px)) // 2
    low, high = max(first - reach, 0), min(last + reach, volume.shape[1])
    return ImageRows(
        finite_rows(volume, low, high, "volume"),
        finite_rows(images, first, last, "images"),
        weights,
        (first - low, high - last),
    )


def threshold_grid(values: NDArray[Any], count: int) -> Floats:
    """Return at most ``count`` rising thresholds over the grey values of a volume, dense where the
    grey values are.

    The density of thresholds on the axis log(1 + v / v0) is a constant plus the share of the summed
    grey value at each place.

    Parameters
    ----------
    values : array
        Grey values of any shape; what is 0 or below is vacuum and does not count.
    count : int
        Thresholds.

    Returns
    -------
    float64 array
        Empty where no value is above 0. No two thresholds cut the same set from the values.

    Examples
    --------
    >>> grid = threshold_grid(np.array([0.0, 1.0, 1.0, 12.0]), 64)
    >>> len(grid), [int((np.array([0.0, 1.0, 1.0, 12.0]) >= t).sum()) for t in grid]
    (2, [3, 1])
    """
    bright = np.asarray(values).ravel()
    bright = bright[bright > 0].astype(np.float64)
    if not bright.size:
        return np.empty(0)
    last = bright.size - 1
    at = int((1 - _OUTLIERS) * last) if last >= _FEW_VALUES else last
    top = float(np.partition(bright, at)[at])
    capped = np.minimum(bright, top)
    mass, edges = np.histogram(capped, _BINS, (0.0, top), weights=capped)
    below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    # bounds are the outer edges of the bins in which the shares are reached
    first = int(np.searchsorted(below, _DARK_MASS, side="right")) - 1
    last = int(np.searchsorted(below, _BRIGHT_MASS, side="left"))
    first, last = max(first, 0), max(last, first + 1)
    inner = slice(first, last + 1)
    knee = _KNEE * edges[int(np.searchsorted(below, _KNEE_MASS, side="left"))]
    axis = np.log1p(edges[inner] / knee)
    even = (axis - axis[0]) / (axis[-1] - axis[0])
    followed = (below[inner] - below[first]) / max(below[last] - below[first], 1e-300)
    spread = _EVEN_SHARE * even + (1 - _EVEN_SHARE) * followed
    return _distinct(bright, np.interp(np.linspace(0, 1, count), spread, edges[inner]))


def _distinct(values: Floats, thresholds: Floats) -> Floats:
    """Leave out thresholds that cut no voxel, or the same voxels as the one below, and vacuum."""
    counts = np.array([np.count_nonzero(values >= threshold) for threshold in thresholds])
    keep = (thresholds > 0) & (counts > 0) & (np.diff(counts, prepend=-1) != 0)
    distinct: Floats = thresholds[keep]
    return distinct


def project_level_sets(
    slabs: list[ImageRows],
    thresholds: Floats,
    angles_deg: Floats,
    *,
    blur_px: float,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> LevelSets:
    """Project and blur the level sets of some slabs and form their scalar products.

    Parameters
    ----------
    slabs : list of ImageRows
        Rows of the volume with their images.
    thresholds : array, shape (K,)
        Rising grey values.
    angles_deg : array, shape (tilt,)
        Tilt angles in degrees.
    blur_px : float
        σ of the Gaussian on the detector, in pixels.
    threads : int, optional
        The result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    threads = threads or thread_count()
    count = len(thresholds)
    gram = np.zeros((count + 1, count + 1))
    work = [(slab, tilts) for slab in slabs for tilts in _tilt_chunks(slab, count, len(angles_deg))]
    for done, (slab, tilts) in enumerate(work):
        part = share_of(progress, done / len(work), (done + 1) / len(work))
        watch = {"threads": threads, "progress": part, "should_stop": should_stop}
        gram += _gram_of_chunk(slab, thresholds, angles_deg, tilts, blur_px, watch)
        check_stop(should_stop)
    gram = np.triu(gram) + np.triu(gram, 1).T
    pixels = sum(int(np.count_nonzero(slab.weights)) for slab in slabs)
    return LevelSets(
        np.asarray(thresholds, np.float64), gram[1:, 1:], gram[0, 1:], float(gram[0, 0]), pixels
    )


def projection_bytes(shape: tuple[int, int, int], tilts: int, thresholds: int, threads: int) -> int:
    """Return about how many bytes :func:`project_level_sets` takes for a slab (z, y, x), its voxels
    and images included.
    """
    depth, rows, width = shape
    slab, image = 4 * depth * rows * width, 4 * rows * width
    together = max(1, min(_TOGETHER, _SLAB_BYTES // slab))
    shadows = (thresholds + 1) * image * tilts
    # the sets, as they are and as the projector lays them out
    return (
        slab
        + 3 * image * tilts
        + min(shadows, max(_CHUNK_BYTES, shadows // tilts))
        + (2 * threads * together * slab)
    )


def _tilt_chunks(slab: ImageRows, thresholds: int, tilts: int) -> list[slice]:
    """Cut the tilts so that the projections of all level sets at some of them fit in memory."""
    step = max(1, _CHUNK_BYTES // (4 * (thresholds + 1) * slab.images[0].size))
    return [slice(start, min(start + step, tilts)) for start in range(0, tilts, step)]


def _gram_of_chunk(
    slab: ImageRows,
    thresholds: Floats,
    angles_deg: Floats,
    tilts: slice,
    blur_px: float,
    watch: dict[str, Any],
) -> Floats:
    """Return the scalar products (image first) of one slab at some tilts, upper triangle."""
    images = slab.images[tilts]
    shadows = np.empty((len(thresholds) + 1, *images.shape), np.float32)
    shadows[0] = images
    depth, rows, width = slab.voxels.shape
    before, after = slab.halo
    together = max(1, min(_TOGETHER, _SLAB_BYTES // slab.voxels.nbytes))

    def cast(first: int) -> None:
        # sets lie side by side along y, where the projector treats all slices alike
        chosen = thresholds[first : first + together]
        sets = np.empty((depth, len(chosen), rows, width), np.float32)
        for index, threshold in enumerate(chosen):
            np.greater_equal(slab.voxels, threshold, out=sets[:, index])
        flat = sets.reshape(depth, -1, width)
        found = project(flat, angles_deg[tilts], detector_px=images.shape[2], threads=1)
        found = found.reshape(len(found), len(chosen), rows, -1)
        for index in range(len(chosen)):
            blurred = blur_images(found[:, index], blur_px, threads=1)
            shadows[1 + first + index] = blurred[:, before : rows - after]

    run_blocks(cast, range(0, len(thresholds), together), **watch)

    def multiply(tilt: int) -> Floats:
        out = np.zeros((len(shadows), len(shadows)))
        members = np.ascontiguousarray(shadows[:, tilt]).reshape(len(shadows), -1)
        add_gram(members, slab.weights[tilts][tilt].ravel(), np.empty(len(shadows)), out)
        return out

    parts = run_blocks(multiply, range(len(images)), threads=watch["threads"])
    total: Floats = np.sum(parts, axis=0)
    return total
