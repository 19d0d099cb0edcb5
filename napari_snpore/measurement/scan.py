"""Scan of a label volume for all objects at once: counts, sums, boxes, surface crossings, row ends.

Feret diameters and shapes are computed from this record; nothing else of the package reads labels
voxel by voxel. Slabs do not depend on the number of threads and their integers are added exactly,
so the record does not depend on it either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.kernels import for_kernel
from napari_snpore.measurement._scan_kernels import (
    COLUMNS,
    COUNT,
    EXITS,
    HIGH,
    LOW,
    MOMENTS,
    ROWS,
    SUMS,
    fill_rows,
    scan_slab,
)
from napari_snpore.measurement.label_numbers import LARGEST_INDEX, renumbered

_SLAB_VOXELS = 1 << 22
_LAST = np.uint32(0xFFFFFFFF)
Slab = tuple[int, int]


@dataclass(frozen=True, eq=False)
class ObjectScan:
    """The objects of a label volume, in the order of their labels; all indices in voxels.

    Parameters
    ----------
    label : array, int64, shape (object,)
        As in the volume; gaps are allowed there and do not show here.
    table : array, int64, shape (object, COLUMNS)
        See :mod:`napari_snpore.measurement._scan_kernels`.
    rows : array, int32, shape (row, 4)
        ``z, y, smallest x, greatest x`` of every row of every object, objects one after another,
        sorted by (z, y) within.
    starts : array, int64, shape (object + 1,)
        Where each object's rows begin.
    gray_sum : array, float64, shape (object,), or None
        Sum of the grey values.
    shape : (int, int, int)
        Of the volume.
    """

    label: NDArray[np.int64]
    table: NDArray[np.int64]
    rows: NDArray[np.int32]
    starts: NDArray[np.int64]
    gray_sum: NDArray[np.float64] | None
    shape: tuple[int, int, int]

    @property
    def count(self) -> NDArray[np.int64]:
        """Voxels of each object."""
        return self.table[:, COUNT]

    @property
    def centroid(self) -> NDArray[np.float64]:
        """Mean index (z, y, x), shape (object, 3)."""
        mean: NDArray[np.float64] = self.table[:, SUMS : SUMS + 3] / self.count[:, None]
        return mean

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Second central moments of the voxel boxes, shape (object, 3, 3), in voxels²."""
        mean = self.centroid
        zz, yy, xx, zy, zx, yx = (self.table[:, MOMENTS : MOMENTS + 6] / self.count[:, None]).T
        raw = np.stack([zz, zy, zx, zy, yy, yx, zx, yx, xx], axis=1).reshape(-1, 3, 3)
        return (
            raw - mean[:, :, None] * mean[:, None, :] + np.eye(3) / 12
        )  # a box of edge 1 has 1/12

    @property
    def low(self) -> NDArray[np.int64]:
        """Smallest index (z, y, x), shape (object, 3)."""
        return self.table[:, LOW : LOW + 3]

    @property
    def high(self) -> NDArray[np.int64]:
        """Greatest index (z, y, x), inclusive, shape (object, 3)."""
        return self.table[:, HIGH : HIGH + 3]

    @property
    def exits(self) -> NDArray[np.int64]:
        """Voxels whose neighbour along each of 13 directions is not of the object, shape (object,
        13).
        """
        return self.table[:, EXITS : EXITS + 13]


def scan_objects(
    labels: Any,
    *,
    gray: Any = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ObjectScan:
    """Read a label volume (and its grey values) and return what was found.

    Parameters
    ----------
    labels : array, integer, shape (z, y, x)
        0 outside; lazy and memory-mapped arrays are read slab by slab.
    gray : array of real numbers, same shape, optional
        Grey values to be summed for each object.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    ObjectScan

    Raises
    ------
    InputError
        Labels that are not integers, negative, or not three-dimensional; grey values of another
        shape, complex or NaN.
    """
    _check(labels, gray)
    shape = (int(labels.shape[0]), int(labels.shape[1]), int(labels.shape[2]))
    slabs = _slabs(shape)
    source, numbers, top = _indexable(labels, slabs, should_stop)
    steps = len(slabs)

    def watch(stage: int) -> dict[str, Any]:
        def tick(done: int, total: int) -> None:
            if progress is not None:
                progress(stage * total + done, 2 * total)

        return {"progress": tick, "should_stop": should_stop}

    def read(slab: Slab) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.float64]]:
        first, stop = slab
        part = _as_uint32(source[first : stop + 1])
        own = part[: stop - first].ravel()
        # one less than 0 is the greatest number
        base = int((own - np.uint32(1)).min(initial=_LAST)) + 1
        size = max(0, int(own.max(initial=0)) + 1 - base)
        table = np.zeros((size, COLUMNS), np.int64)
        if size > 0:
            last_row = np.full(size, -1, np.int64)
            scan_slab(part.ravel(), part.shape, first, stop - first, base, last_row, table)
        there = np.flatnonzero(table[:, COUNT])
        sums = np.zeros(0)
        if gray is not None:
            sums = _gray_sums(own, gray[first:stop], base, size)[there]
        return there + base, table[there], sums

    parts = run_blocks(read, slabs, **watch(0))
    table = _merged(parts, top)
    cursors, starts = _row_places(parts, table)
    rows = np.empty((int(starts[-1]), 4), np.int32)

    def write(k: int) -> None:
        first, stop = slabs[k]
        there = parts[k][0]
        if len(there):
            cursor = np.zeros(there[-1] - there[0] + 1, np.int64)
            cursor[there - there[0]] = cursors[k]
            last_row = np.full(cursor.size, -1, np.int64)
            flat = _as_uint32(source[first:stop]).ravel()
            fill_rows(flat, shape[1], shape[2], first, int(there[0]), last_row, cursor, rows)

    run_blocks(write, range(steps), **watch(1))
    there = np.flatnonzero(table[:, COUNT])
    found = there.astype(np.int64) if numbers is None else numbers[there - 1]
    return ObjectScan(
        found,
        table[there],
        rows,
        starts[np.append(there, top + 1)],
        _gray(parts, there, gray, top),
        shape,
    )


def _merged(parts: list[Any], top: int) -> NDArray[np.int64]:
    """Add the tables of all slabs; boxes grow."""
    table = np.zeros((top + 1, COLUMNS), np.int64)
    table[:, LOW : LOW + 3] = np.iinfo(np.int64).max
    for there, part, _ in parts:
        whole = table[there]
        low = np.minimum(whole[:, LOW : LOW + 3], part[:, LOW : LOW + 3])
        high = np.maximum(whole[:, HIGH : HIGH + 3], part[:, HIGH : HIGH + 3])
        whole += part
        whole[:, LOW : LOW + 3], whole[:, HIGH : HIGH + 3] = low, high
        table[there] = whole
    return table


def _row_places(
    parts: list[Any], table: NDArray[np.int64]
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Return where each slab writes the rows of its labels, and where the rows of each label begin,
    shape (top + 2,).
    """
    starts = np.concatenate([[0], np.cumsum(table[:, ROWS])])
    place = starts[:-1].copy()
    cursors = []
    for there, part, _ in parts:
        cursors.append(place[there])
        place[there] += part[:, ROWS]
    return cursors, starts


def _gray(
    parts: list[Any], there: NDArray[np.intp], gray: Any, top: int
) -> NDArray[np.float64] | None:
    if gray is None:
        return None
    sums = np.zeros(top + 1)
    for found, _, part in parts:
        sums[found] += part
    if not np.isfinite(sums).all():
        raise InputError(
            "intensity holds NaN or infinite values inside objects; repair it or leave it out."
        )
    return sums[there]


def _slabs(shape: tuple[int, int, int]) -> list[Slab]:
    thickness = max(1, _SLAB_VOXELS // max(1, shape[1] * shape[2]))
    return [(first, min(first + thickness, shape[0])) for first in range(0, shape[0], thickness)]


def _gray_sums(labels: NDArray[np.uint32], gray: Any, base: int, size: int) -> NDArray[np.float64]:
    """Return the sums of one slab's grey values over each label from ``base`` on, shape (size,)."""
    there = np.flatnonzero(labels)
    values = np.asarray(gray).reshape(-1)[there]
    sums = np.bincount(labels[there].astype(np.intp) - base, values, size)
    return np.asarray(sums, np.float64)


def _as_uint32(part: Any) -> NDArray[np.uint32]:
    """Return one slab as the kernels take it: contiguous."""
    return for_kernel(np.ascontiguousarray(part, dtype=np.uint32))


def _indexable(
    labels: Any, slabs: list[Slab], should_stop: ShouldStop | None
) -> tuple[Any, NDArray[np.int64] | None, int]:
    """Return labels that fit a table, the old number of each new one if they were renumbered, and
    the greatest.
    """
    if 0 in labels.shape:
        return labels, None, 0

    def extent(slab: Slab) -> tuple[int, int]:
        part = np.asarray(labels[slab[0] : slab[1]])
        return int(part.min()), int(part.max())

    extents = run_blocks(extent, slabs, should_stop=should_stop)
    if min(low for low, _ in extents) < 0:
        raise InputError("labels holds negative numbers; 0 is outside, objects are 1 and above.")
    top = max(high for _, high in extents)
    if top <= LARGEST_INDEX:
        return labels, None, top
    index, numbers = renumbered(labels, should_stop=should_stop)
    return index, numbers, len(numbers)


def _check(labels: Any, gray: Any) -> None:
    if getattr(labels, "ndim", None) != 3:
        raise InputError(f"labels has shape {np.shape(labels)}; three axes (z, y, x) are needed.")
    if np.dtype(labels.dtype).kind not in "iu":
        raise InputError(
            f"labels is {labels.dtype}; integers are needed (label_objects makes them from a mask)."
        )
    if gray is None:
        return
    if tuple(gray.shape) != tuple(labels.shape):
        raise InputError(
            f"intensity has shape {tuple(gray.shape)}; the labels have {tuple(labels.shape)}."
        )
    if np.dtype(gray.dtype).kind not in "biuf":
        raise InputError(f"intensity holds {gray.dtype}; real grey values are needed.")
